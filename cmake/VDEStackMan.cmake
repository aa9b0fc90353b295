# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Manual pages and their links.
#
# The NAME section of a page has one .Nm line for each function. For every
# such name other than the page's own a link is made, a file with one .so line, so
# man(1) finds each function. The names are listed nowhere else.

# The component of a page: that of the program, or doc.
function(vdestack_man_component file result)
  if(file MATCHES "[.][37]$")
    set(component doc)
  elseif(file MATCHES "^vde(stack|ns)[-.]")
    set(component tools)
  else()
    set(component daemons)
  endif()
  set(${result} ${component} PARENT_SCOPE)
endfunction()

function(vdestack_install_man directory)
  set(links "${PROJECT_BINARY_DIR}/man")
  file(REMOVE_RECURSE "${links}")
  foreach(section IN ITEMS 1 3 7 8)
    file(GLOB pages CONFIGURE_DEPENDS "${directory}/*.${section}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${pages})
    foreach(page IN LISTS pages)
      get_filename_component(file "${page}" NAME)
      vdestack_man_component("${file}" component)
      install(FILES "${page}" DESTINATION "${CMAKE_INSTALL_MANDIR}/man${section}" COMPONENT ${component})
      file(STRINGS "${page}" lines REGEX "^\\.(Nm [a-z]|Sh )")
      foreach(line IN LISTS lines)
        if(line MATCHES "^\\.Sh" AND NOT line MATCHES "NAME")
          break() # .Nm in the text below is no new name
        endif()
        if(NOT line MATCHES "^\\.Nm ([a-z0-9_-]+)")
          continue()
        endif()
        set(name "${CMAKE_MATCH_1}.${section}")
        if(NOT name STREQUAL file)
          file(WRITE "${links}/man${section}/${name}" ".so man${section}/${file}\n")
          install(FILES "${links}/man${section}/${name}" DESTINATION "${CMAKE_INSTALL_MANDIR}/man${section}"
            COMPONENT ${component})
        endif()
      endforeach()
    endforeach()
  endforeach()
endfunction()
