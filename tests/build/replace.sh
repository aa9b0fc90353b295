#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     replace.sh PROGRAM.c CC DIRECTORY-OF-LIBRARY
#
# A program compiled and linked with Debian's libvdestack runs with this library: every symbol is
# found, and the dynamic linker has no remark.

set -eu -o pipefail
program=$1 cc=$2 libdir=$3

old=$(readlink -f "$("$cc" -print-file-name=libvdestack.so)")
case $old in
*/libvdestack.so.0.1.*) ;;
*) echo "Debian's libvdestack-dev is not installed" >&2; exit 77 ;;
esac
"$cc" "$program" -o old_program "$old"

out=$(LD_BIND_NOW=1 LD_LIBRARY_PATH=$libdir ./old_program 2>errors) || { cat errors >&2; exit 1; }
ldd=$(LD_LIBRARY_PATH=$libdir ldd ./old_program)
case $ldd in
*"$libdir/libvdestack.so.0"*) ;;
*) echo "it did not run with this library: $ldd" >&2; exit 1 ;;
esac
if [ "$out" != "done" ] || [ -s errors ]; then
	echo "$out" >&2
	cat errors >&2
	exit 1
fi
