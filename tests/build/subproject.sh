#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     subproject.sh SOURCE-DIR CC
#
# Makes the library part of another project, with add_subdirectory and with FetchContent. It is
# built and linked, its tests and examples are not, and the project's flags do not change.

set -eu -o pipefail
source=$1 cc=$2

cat >main.c <<'END'
#include <vdestack.h>

int main(void)
{
	return vdestack_version()[0] == '\0';
}
END

# project NAME, the lines that take the library in on stdin
project() {
	mkdir "$1"
	{
		cat <<-END
		cmake_minimum_required(VERSION 3.20)
		project(parent LANGUAGES C)
		set(CMAKE_C_FLAGS "-DPARENT")
		END
		cat
		cat <<-'END'
		add_executable(main ../main.c)
		target_link_libraries(main PRIVATE vdestack::vdestack)
		get_directory_property(options COMPILE_OPTIONS)
		get_directory_property(definitions COMPILE_DEFINITIONS)
		get_directory_property(links LINK_OPTIONS)
		set(touched "${CMAKE_C_FLAGS}|${options}|${definitions}|${links}|${CMAKE_BUILD_TYPE}|${CMAKE_C_STANDARD}")
		if(NOT touched STREQUAL "-DPARENT|||||")
		  message(FATAL_ERROR "the project's flags are now ${touched}")
		endif()
		foreach(target IN ITEMS vdestack_wrap example_demo)
		  if(TARGET ${target})
		    message(FATAL_ERROR "${target} is part of the parent's build")
		  endif()
		endforeach()
		get_target_property(interface vdestack INTERFACE_COMPILE_OPTIONS)
		if(interface)
		  message(FATAL_ERROR "users of the library are compiled with ${interface}")
		endif()
		END
	} >"$1/CMakeLists.txt"
	cmake -S "$1" -B "$1/build" "-DCMAKE_C_COMPILER=$cc" >/dev/null
	cmake --build "$1/build" --parallel 2 --target main >/dev/null
	"$1/build/main"
}

project subdirectory <<END
add_subdirectory("$source" vdestack)
END
# What the parent does about its own libraries and tests does not matter here.
project fetched <<END
set(BUILD_SHARED_LIBS OFF)
set(BUILD_TESTING ON)
include(FetchContent)
FetchContent_Declare(vdestack SOURCE_DIR "$source")
FetchContent_MakeAvailable(vdestack)
END
