# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Finds CMAKE_CXX_COMPILER; empty: there is none. enable_language(CXX) is called afterwards.

# The C++ compiler that belongs to the C compiler: sanitizers of two makers do not mix.
if(NOT CMAKE_CXX_COMPILER AND NOT DEFINED ENV{CXX})
  get_filename_component(cc "${CMAKE_C_COMPILER}" NAME)
  string(REGEX REPLACE "gcc" "g++" cxx "${cc}")
  string(REGEX REPLACE "clang" "clang++" cxx "${cxx}")
  if(NOT cxx STREQUAL cc)
    find_program(vdestack_cxx NAMES "${cxx}")
    mark_as_advanced(vdestack_cxx)
    if(vdestack_cxx)
      set(CMAKE_CXX_COMPILER "${vdestack_cxx}")
    endif()
  endif()
endif()
include(CheckLanguage)
check_language(CXX)
