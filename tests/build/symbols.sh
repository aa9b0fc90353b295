#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     symbols.sh INCLUDE-DIR CC LIBRARY NOINTERPOSE-LIBRARY
#
# The library exports the functions that the headers declare, those that Debian's libvdestack 0.1
# exports, and nothing else, all without versions; it has the SONAME of that library and is
# executable by its path. The variant without interposition exports the same except socket().

set -eu -o pipefail
include=$1 cc=$2 library=$3 quiet=$4

{
	for header in "$include"/*.h "$include"/vdestack/*.h; do
		[ -f "$header" ] || continue
		echo "#include \"$header\""
	done
} >all.c
# Names before a parenthesis; types of callbacks have a * or "_fn" and are no symbols.
"$cc" "-I$include" -E -P all.c | grep -oE '\b(vdestack|vde)_[a-z0-9_]+ *\(' | tr -d ' (' |
	grep -v '_fn$' | sort -u >declared
printf '%s\n' socket vde_stack_onecmd >>declared
sort -u -o declared declared
nm -D --defined-only "$library" | awk '{ print $3 }' | sort -u >shown

diff -u declared shown || { echo "declared (-) and shown (+) differ" >&2; exit 1; }
nm -D --defined-only "$quiet" | awk '{ print $3 }' | sort -u >shown-quiet
diff -u <(grep -vx socket declared) shown-quiet || { echo "the variant shows (+) what it should not, or lacks (-)" >&2; exit 1; }
readelf -d "$quiet" | grep -q 'SONAME.*\[libvdestack-nointerpose\.so\.0\]'
[ -x "$quiet" ]
"$quiet" </dev/null | grep -q '^libvdestack [0-9]'
readelf -d "$library" | grep -q 'SONAME.*\[libvdestack\.so\.0\]'
readelf -d "$library" | grep -q 'BIND_NOW'
readelf -lW "$library" | grep -q GNU_RELRO
[ -x "$library" ]
"$library" </dev/null | grep -q '^libvdestack [0-9]'
