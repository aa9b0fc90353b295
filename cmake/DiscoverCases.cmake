# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Run after the build of a test program: reads its cases from it (--list: a line "NAME FLAG..." each)
# and writes the file from which ctest reads them, one test per case and variant.
#
#   PROGRAM   the program, behind the emulator of a cross build
#   PREFIX    what the names of its tests begin with
#   WRAP      the wrapper with its general options
#   OUTPUT    the file to write
#   TIMEOUT   seconds, unless the case has a flag timeout=N, which FACTOR multiplies
#   VARIANTS  the variants wanted: a case runs in those it allows; one that allows none runs in all
#   SUFFIX    whether a variant is part of the name; these cases need user namespaces as an ordinary user
#   LABELS    for all of them
#   PROCESSORS  of each test, see ctest
#   BARE      the wrapper's arguments for running the program without an environment

cmake_policy(VERSION 3.20)
foreach(name IN ITEMS PROGRAM WRAP VARIANTS LABELS BARE)
  string(REPLACE "|" ";" ${name} "${${name}}")
endforeach()
execute_process(COMMAND ${BARE} ${PROGRAM} --list
  RESULT_VARIABLE result OUTPUT_VARIABLE lines ERROR_VARIABLE errors)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} --list failed: ${result}\n${errors}")
endif()

set(text "")
function(add name variant case timeout environment labels)
  math(EXPR hard_limit "${timeout} + 30") # the wrapper's own limit comes first and cleans up
  string(APPEND text "add_test([==[${name}]==]")
  foreach(word IN LISTS WRAP)
    string(APPEND text " [==[${word}]==]")
  endforeach()
  if(userns OR (SUFFIX AND variant STREQUAL "user"))
    string(APPEND text " --userns")
  endif()
  string(APPEND text " --as ${variant} --timeout ${timeout}")
  foreach(word IN LISTS PROGRAM)
    string(APPEND text " [==[${word}]==]")
  endforeach()
  string(APPEND text " [==[${case}]==])\n")
  string(APPEND text "set_tests_properties([==[${name}]==] PROPERTIES SKIP_RETURN_CODE 77"
    " TIMEOUT ${hard_limit} PROCESSORS ${PROCESSORS} RUN_SERIAL ${alone}"
    " LABELS [==[${labels}]==] ENVIRONMENT [==[${environment}]==])\n")
  set(text "${text}" PARENT_SCOPE)
endfunction()

# In which stage of .ci/run an entry is, if the case has another one in the other stage.
set(stage_root plain)
set(stage_user sanitized)

string(REPLACE "\n" ";" lines "${lines}")
foreach(line IN LISTS lines)
  if(line STREQUAL "")
    continue()
  endif()
  string(REPLACE " " ";" flags "${line}")
  list(POP_FRONT flags case)
  set(case_timeout "${TIMEOUT}")
  set(case_labels "${LABELS}")
  set(case_variants "")
  set(inprocess NO)
  set(notun NO)
  set(alone OFF)
  set(userns OFF)
  foreach(flag IN LISTS flags)
    if(flag MATCHES "^timeout=([0-9]+)$")
      math(EXPR case_timeout "${CMAKE_MATCH_1} * ${FACTOR}")
    elseif(flag MATCHES "^(root|user|self)$")
      list(APPEND case_variants "${flag}")
    elseif(flag STREQUAL "inprocess")
      set(inprocess YES)
    elseif(flag STREQUAL "notun")
      set(notun YES)
    elseif(flag MATCHES "^(alone|userns)$")
      set(${flag} ON)
    else()
      list(APPEND case_labels "${flag}")
    endif()
  endforeach()
  if(NOT case_variants AND NOT inprocess)
    set(case_variants "${VARIANTS}")
  endif()
  foreach(variant IN LISTS case_variants)
    if(NOT variant IN_LIST VARIANTS)
      continue()
    endif()
    set(name "${PREFIX}.${case}")
    if(SUFFIX)
      string(APPEND name ".${variant}")
    endif()
    set(labels "${case_labels};${variant}")
    if("root" IN_LIST case_variants AND "user" IN_LIST case_variants AND "root" IN_LIST VARIANTS
       AND "user" IN_LIST VARIANTS AND NOT "unsanitized" IN_LIST case_labels)
      list(APPEND labels "${stage_${variant}}")
    endif()
    add("${name}" "${variant}" "${case}" "${case_timeout}" "" "${labels}")
  endforeach()
  if(inprocess AND "root" IN_LIST VARIANTS)
    set(labels "${case_labels};root;inprocess")
    if(NOT "unsanitized" IN_LIST case_labels AND NOT "vde" IN_LIST case_labels) # as case.c lists them
      list(APPEND labels sanitized)
    endif()
    add("${PREFIX}.${case}.inprocess.root" root "${case}" "${case_timeout}" "VDESTACK_TEST_INPROCESS=1" "${labels}")
  endif()
  if(notun)
    set(variant root)
    if("user" IN_LIST case_variants)
      set(variant user)
    endif()
    if(variant IN_LIST VARIANTS)
      add("${PREFIX}.${case}.notun.${variant}" ${variant} "${case}" "${case_timeout}"
        "VDESTACK_TEST_NO_TUN=1" "${case_labels};${variant};notun;plain")
    endif()
  endif()
endforeach()
file(WRITE "${OUTPUT}" "${text}")
