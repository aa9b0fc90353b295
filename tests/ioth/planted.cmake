# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Plugins that tests load by IOTH_PATH: variants of ../support/ioth_planted.c, and ../support/ioth_liar.c.

set(planted_source "${PROJECT_SOURCE_DIR}/tests/support/ioth_planted.c")
function(vdestack_plant file name)
  set(target "ioth_planted_${file}")
  add_library(${target} MODULE "${planted_source}")
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/include")
  target_compile_definitions(${target} PRIVATE "PLANTED_NAME=${name}" ${ARGN})
  target_link_libraries(${target} PRIVATE vdestack_flags)
  set_target_properties(${target} PROPERTIES PREFIX "" OUTPUT_NAME "ioth_${file}" C_EXTENSIONS ON
    LIBRARY_OUTPUT_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/plugins")
  set_property(GLOBAL APPEND PROPERTY VDESTACK_PLANTED ${target})
endfunction()

vdestack_plant(shared-r shared)
vdestack_plant(own own)
vdestack_plant(sockets-r sockets PLANTED_BIND)
vdestack_plant(gpl-r gpl "PLANTED_LICENSE=\"GPL-2.0-only OR GPL-3.0-only\"")
vdestack_plant(gpl_n-r gpl "PLANTED_LICENSE=\"GPL-2.0-only OR GPL-3.0-only\"")
vdestack_plant(none-r none PLANTED_NO_NEWSTACK)
set(planted_source "${PROJECT_SOURCE_DIR}/tests/support/ioth_liar.c")
vdestack_plant(liar-r liar)
file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/plugins/ioth_text-r.so" "no library\n")
