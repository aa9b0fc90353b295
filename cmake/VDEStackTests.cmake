# SPDX-License-Identifier: LGPL-2.1-or-later
#
# How tests are declared. One ctest entry per case and variant, each run by the wrapper
# (tests/support/wrap.c), which makes its environment and cleans up afterwards.
#
#   vdestack_add_unit(NAME SOURCE... [WRAP function...] [VARIANTS root user] [BUSY] [TIMEOUT s]
#                     [LABELS ...] [LIBRARIES ...])
#     A cmocka program in tests/unit; calls internal functions of the library. Tests unit.NAME.CASE, run as
#     the ordinary user; with VARIANTS, unit.NAME.CASE.root and .user instead. Calls of the
#     WRAP functions go to the __wrap_FUNCTION of the program (ld --wrap).
#
#   vdestack_add_system(NAME SOURCE... [VARIANTS root user] [BUSY] [TIMEOUT s] [LABELS ...] [LIBRARIES ...])
#     A program of cases (tests/support/case.h) that uses the library as any program does.
#     Tests system.NAME.CASE.root, .user, .inprocess.root and .notun.VARIANT, as each case allows.
#
#   vdestack_add_program(NAME SOURCE... [LIBRARIES ...])
#     A program that tests start, not a test itself.
#
#   vdestack_add_test(NAME name COMMAND word... [ROOT] [USER] [SELF] [BUSY] [TIMEOUT s]
#                     [LABELS ...])
#     Anything else, scripts for example. ROOT and USER make NAME.root and NAME.user; SELF,
#     also the default, makes NAME, run as the user who runs ctest.
#
# TIMEOUT is 60 seconds by default. Under a sanitizer every time limit is three times as long;
# VDESTACK_PATIENCE is another factor, for tests at a larger size (tests/soak).
# BUSY: the test keeps a processor busy. Most tests wait for nearly all of their time (the whole suite took
# 1900 s of test time and 250 s of processor time), so ./check runs VDESTACK_WAITING of them for each
# processor; a busy test counts as that many.
# VDESTACK_TESTS_TSAN: only the programs that have cases with the label tsan are built. The others have one entry
# NOT_BUILT without a label.
# Labels: what LABELS says, the family (unit, system, ...) and the variant (root, user,
# self, inprocess, notun). .ci/run has a stage without a sanitizer and one with it. Entries with the label plain are only
# in the first, those with sanitized only in the second: a case that runs as root and as the ordinary user has one
# of each. A script has only plain: without a sanitizer both of its entries are to run.

# In a cross build the wrapper is a program of the machine that builds: emulators do not know all of its calls.
# CC_FOR_BUILD in the environment names the compiler.
set(source "${PROJECT_SOURCE_DIR}/tests/support/wrap.c")
if(CMAKE_CROSSCOMPILING)
  find_program(VDESTACK_CC_FOR_BUILD NAMES $ENV{CC_FOR_BUILD} cc gcc clang REQUIRED NO_CMAKE_FIND_ROOT_PATH)
  set(VDESTACK_WRAP "${CMAKE_CURRENT_BINARY_DIR}/wrap")
  add_custom_command(OUTPUT "${VDESTACK_WRAP}" DEPENDS "${source}" VERBATIM
    COMMAND "${VDESTACK_CC_FOR_BUILD}" -O2 -o "${VDESTACK_WRAP}" "${source}")
  add_custom_target(vdestack_wrap ALL DEPENDS "${VDESTACK_WRAP}")
else()
  add_executable(vdestack_wrap "${source}")
  target_link_libraries(vdestack_wrap PRIVATE vdestack_flags)
  set_target_properties(vdestack_wrap PROPERTIES OUTPUT_NAME wrap C_EXTENSIONS ON)
  set(VDESTACK_WRAP "$<TARGET_FILE:vdestack_wrap>")
endif()

set(VDESTACK_WRAP_OPTIONS --reach "${PROJECT_SOURCE_DIR}" --reach "${PROJECT_BINARY_DIR}")
set(VDESTACK_WRAP_BARE --bare)
set(VDESTACK_TIME_FACTOR 1)
if(VDESTACK_PATIENCE)
  set(VDESTACK_TIME_FACTOR ${VDESTACK_PATIENCE})
endif()
if(VDESTACK_SANITIZE)
  list(APPEND VDESTACK_WRAP_OPTIONS --fixed-addresses)
  list(APPEND VDESTACK_WRAP_BARE --fixed-addresses)
  math(EXPR VDESTACK_TIME_FACTOR "3 * ${VDESTACK_TIME_FACTOR}")
endif()

set(VDESTACK_WAITING 4) # ./check has this number, too

# What runs a program of the target: nothing, or the emulator of a cross build.
set(VDESTACK_EMULATOR "")
if(CMAKE_CROSSCOMPILING)
  set(VDESTACK_EMULATOR ${CMAKE_CROSSCOMPILING_EMULATOR})
endif()

# TIMEOUT in seconds -> `result`, with the default and the factor.
function(vdestack_time_limit result wanted)
  if(NOT wanted)
    set(wanted 60)
  endif()
  math(EXPR limit "${wanted} * ${VDESTACK_TIME_FACTOR}")
  set(${result} "${limit}" PARENT_SCOPE)
endfunction()

function(vdestack_add_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "ROOT;USER;SELF;BUSY" "NAME;TIMEOUT" "COMMAND;LABELS")
  vdestack_time_limit(limit "${arg_TIMEOUT}")
  math(EXPR hard_limit "${limit} + 30") # the wrapper's own limit comes first and cleans up
  if(NOT arg_ROOT AND NOT arg_USER)
    set(arg_SELF ON)
  endif()
  set(emulator "")
  if(arg_COMMAND MATCHES "^[$]<TARGET_FILE:")
    set(emulator ${VDESTACK_EMULATOR})
  endif()
  foreach(variant IN ITEMS ROOT USER SELF)
    if(NOT arg_${variant})
      continue()
    endif()
    string(TOLOWER "${variant}" identity)
    set(name "${arg_NAME}")
    if(NOT variant STREQUAL "SELF")
      string(APPEND name ".${identity}")
    endif()
    set(userns "")
    if(variant STREQUAL "USER")
      set(userns --userns)
    endif()
    add_test(NAME "${name}"
      COMMAND "${VDESTACK_WRAP}" ${VDESTACK_WRAP_OPTIONS} --as ${identity} ${userns} --timeout ${limit}
              ${emulator} ${arg_COMMAND})
    set(labels "${arg_LABELS};${identity}")
    if(variant STREQUAL "ROOT" AND arg_USER)
      list(APPEND labels plain)
    endif()
    set_tests_properties("${name}" PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT ${hard_limit} LABELS "${labels}")
    if(arg_BUSY)
      set_tests_properties("${name}" PROPERTIES PROCESSORS ${VDESTACK_WAITING})
    endif()
  endforeach()
endfunction()

# Makes ctest read the program's cases: they are written to a file after each build of it.
function(vdestack_discover target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "BUSY" "PREFIX;TIMEOUT;SUFFIX" "VARIANTS;LABELS")
  vdestack_time_limit(limit "${arg_TIMEOUT}")
  set(processors 1)
  if(arg_BUSY)
    set(processors ${VDESTACK_WAITING})
  endif()
  set(cases "${CMAKE_CURRENT_BINARY_DIR}/${target}-cases.cmake")
  set(wrap "${VDESTACK_WRAP}" ${VDESTACK_WRAP_OPTIONS})
  set(bare "${VDESTACK_WRAP}" ${VDESTACK_WRAP_BARE})
  set(program ${VDESTACK_EMULATOR} "$<TARGET_FILE:${target}>")
  # Lists are passed with | between their words: ; would be lost in the command line.
  foreach(name IN ITEMS wrap bare program arg_VARIANTS arg_LABELS)
    list(JOIN ${name} "|" ${name})
  endforeach()
  add_dependencies(${target} vdestack_wrap)
  add_custom_command(TARGET ${target} POST_BUILD
    BYPRODUCTS "${cases}"
    COMMAND "${CMAKE_COMMAND}"
      "-DPROGRAM=${program}" "-DPREFIX=${arg_PREFIX}" "-DSUFFIX=${arg_SUFFIX}"
      "-DWRAP=${wrap}" "-DBARE=${bare}" "-DOUTPUT=${cases}" "-DTIMEOUT=${limit}"
      "-DFACTOR=${VDESTACK_TIME_FACTOR}" "-DVARIANTS=${arg_VARIANTS}" "-DLABELS=${arg_LABELS}"
      "-DPROCESSORS=${processors}"
      -P "${PROJECT_SOURCE_DIR}/cmake/DiscoverCases.cmake"
    VERBATIM)
  set(include "${CMAKE_CURRENT_BINARY_DIR}/${target}-include.cmake")
  file(WRITE "${include}"
    "if(EXISTS \"${cases}\")\n  include(\"${cases}\")\n"
    "else()\n  add_test(${arg_PREFIX}_NOT_BUILT ${arg_PREFIX}_NOT_BUILT)\nendif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${include}")
endfunction()

# The word BUSY, or nothing, for vdestack_discover.
function(vdestack_busy result wanted)
  set(${result} "" PARENT_SCOPE)
  if(wanted)
    set(${result} BUSY PARENT_SCOPE)
  endif()
endfunction()

# What every test program is compiled with.
function(vdestack_test_program target)
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/tests/support")
  target_link_libraries(${target} PRIVATE vdestack_flags vdestack_sanitizer Threads::Threads)
  set_target_properties(${target} PROPERTIES C_EXTENSIONS ON)
endfunction()

# With VDESTACK_TESTS_TSAN, a program without a case with the label tsan is not built.
function(vdestack_leave_out target labels)
  if(NOT VDESTACK_TESTS_TSAN OR "tsan" IN_LIST labels)
    return()
  endif()
  foreach(source IN LISTS ARGN)
    if(source MATCHES "[.](c|cpp)$")
      file(STRINGS "${source}" found REGEX "CASE_F_TSAN")
      if(found)
        return()
      endif()
    endif()
  endforeach()
  set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL ON)
endfunction()

function(vdestack_add_unit name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "BUSY" "TIMEOUT" "WRAP;VARIANTS;LABELS;LIBRARIES")
  set(target "unit_${name}")
  add_executable(${target} ${arg_UNPARSED_ARGUMENTS})
  vdestack_test_program(${target})
  target_link_libraries(${target} PRIVATE vdestack_inside PkgConfig::CMOCKA ${arg_LIBRARIES})
  vdestack_leave_out(${target} "${arg_LABELS}" ${arg_UNPARSED_ARGUMENTS})
  foreach(function IN LISTS arg_WRAP)
    target_link_options(${target} PRIVATE "-Wl,--wrap=${function}")
  endforeach()
  set(suffix ON)
  if(NOT arg_VARIANTS)
    set(arg_VARIANTS user)
    set(suffix OFF)
  endif()
  if(arg_TIMEOUT)
    list(PREPEND arg_TIMEOUT TIMEOUT)
  endif()
  vdestack_busy(busy "${arg_BUSY}")
  vdestack_discover(${target} PREFIX "unit.${name}" SUFFIX ${suffix} ${arg_TIMEOUT}
    VARIANTS ${arg_VARIANTS} LABELS unit ${arg_LABELS} ${busy})
endfunction()

function(vdestack_add_system name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "BUSY" "TIMEOUT" "VARIANTS;LABELS;LIBRARIES")
  set(target "system_${name}")
  add_executable(${target} ${arg_UNPARSED_ARGUMENTS} $<TARGET_OBJECTS:vdestack_case>)
  vdestack_test_program(${target})
  target_link_libraries(${target} PRIVATE vdestack::vdestack ${arg_LIBRARIES})
  vdestack_leave_out(${target} "${arg_LABELS}" ${arg_UNPARSED_ARGUMENTS})
  if(NOT arg_VARIANTS)
    set(arg_VARIANTS root user)
  endif()
  if(arg_TIMEOUT)
    list(PREPEND arg_TIMEOUT TIMEOUT)
  endif()
  vdestack_busy(busy "${arg_BUSY}")
  vdestack_discover(${target} PREFIX "system.${name}" SUFFIX ON ${arg_TIMEOUT}
    VARIANTS ${arg_VARIANTS} LABELS system ${arg_LABELS} ${busy})
endfunction()

function(vdestack_add_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LIBRARIES")
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  vdestack_test_program(${name})
  target_link_libraries(${name} PRIVATE vdestack::vdestack ${arg_LIBRARIES})
endfunction()
