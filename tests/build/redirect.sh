#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     redirect.sh DIRECTORY-OF-TESTS INCLUDE CC LIBRARY
#
# The default stack serves a whole program: a C++ one, with a library linked to it that is not linked
# with ours, a copy of that library loaded later, and the next socket() that dlsym finds.

set -eu -o pipefail
here=$1 include=$2 cc=$3 library=$(readlink -f "$4")
cxx=${cc/%gcc/g++}
case $cc in
*clang*) cxx=${cc/clang/clang++} ;;
*/cc) cxx=${cc%cc}c++ ;;
esac
type "$cxx" >/dev/null 2>&1 || { echo "there is no C++ compiler $cxx" >&2; exit 77; }

cat >module.c <<'END'
#include <sys/socket.h>
int module_socket(void);
int module_socket(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}
END
"$cc" -shared -fPIC -o libmodule.so module.c
cp libmodule.so late.so
ln -s "$library" libvdestack.so.0
ln -s "$library" libvdestack.so
"$cxx" -std=c++11 -Wall -Wextra -Werror -o redirected "$here/redirected.cpp" -I"$include" -L. -lvdestack -lmodule -pthread \
	-ldl -Wl,-rpath,"$PWD"
./redirected "$PWD/late.so"
