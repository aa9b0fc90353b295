#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     cplusplus.sh CASE DIRECTORY-OF-TESTS INCLUDE CC LIBRARY
#
# C++ programs, built against the library in the build tree. redirected: the default stack serves a whole
# program, with a library linked to it that is not linked with ours, a copy of that library loaded later, and
# the next socket() that dlsym finds. throwing: exceptions pass through the library and leave nothing behind.

set -eu -o pipefail
case=$1 here=$2 include=$3 cc=$4 library=$(readlink -f "$5")
cxx=${cc/%gcc/g++}
case $cc in
*clang*) cxx=${cc/clang/clang++} ;;
*/cc) cxx=${cc%cc}c++ ;;
esac
type "$cxx" >/dev/null 2>&1 || { echo "there is no C++ compiler $cxx" >&2; exit 77; }

ln -s "$library" libvdestack.so.0
ln -s "$library" libvdestack.so
build() { # PROGRAM OPTION...
	"$cxx" -std=c++11 -Wall -Wextra -Werror -o "$1" "$here/$1.cpp" -I"$include" -L. -lvdestack -pthread -ldl "${@:2}" -Wl,-rpath,"$PWD"
}

case $case in
redirected)
	cat >module.c <<-'END'
		#include <sys/socket.h>
		int module_socket(void);
		int module_socket(void)
		{
			return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		}
	END
	"$cc" -shared -fPIC -o libmodule.so module.c
	cp libmodule.so late.so
	build redirected -lmodule
	./redirected "$PWD/late.so"
	;;
throwing)
	build throwing
	./throwing
	;;
esac
