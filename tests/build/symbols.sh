#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     symbols.sh INCLUDE-DIR CC LIBRARY NOINTERPOSE-LIBRARY LAB-LIBRARY [DNS-LIBRARY]
#
# The library exports the functions that the headers declare, those that Debian's libvdestack 0.1
# exports, and nothing else, all without versions; it has the SONAME of that library and is
# executable by its path. The variant without interposition exports the same except socket(). The resolver
# exports what vdestack/dns.h and vdestack/dial.h declare and nothing else. So does the laboratory
# with vdestack/lab.h. Only the resolver needs c-ares.

set -eu -o pipefail
include=$1 cc=$2 library=$3 quiet=$4 lab=$5 dns=${6:-}

# declared_by HEADER...: names before a parenthesis; types of callbacks have a * or "_fn" and are no symbols.
declared_by() {
	printf '#include "%s"\n' "$@" >all.c
	"$cc" "-I$include" -E -P all.c | grep -oE '\b(vdestack|vde)_[a-z0-9_]+ *\(' | tr -d ' (' |
		grep -v '_fn$' | sort -u
}

headers=("$include"/*.h)
for header in "$include"/vdestack/*.h; do
	case ${header##*/} in
	dns.h | dial.h | lab.h) ;;
	*) headers+=("$header") ;;
	esac
done
declared_by "${headers[@]}" >declared
printf '%s\n' socket vde_stack_onecmd >>declared
sort -u -o declared declared
nm -D --defined-only "$library" | awk '{ print $3 }' | sort -u >shown

diff -u declared shown || { echo "declared (-) and shown (+) differ" >&2; exit 1; }
nm -D --defined-only "$quiet" | awk '{ print $3 }' | sort -u >shown-quiet
diff -u <(grep -vx socket declared) shown-quiet || { echo "the variant shows (+) what it should not, or lacks (-)" >&2; exit 1; }
readelf -d "$quiet" | grep 'SONAME.*\[libvdestack-nointerpose\.so\.0\]' >/dev/null
[ -x "$quiet" ]
"$quiet" </dev/null | grep '^libvdestack [0-9]' >/dev/null
readelf -d "$library" | grep 'SONAME.*\[libvdestack\.so\.0\]' >/dev/null
readelf -d "$library" | grep 'BIND_NOW' >/dev/null
readelf -lW "$library" | grep GNU_RELRO >/dev/null
[ -x "$library" ]
"$library" </dev/null | grep '^libvdestack [0-9]' >/dev/null
readelf -d "$library" "$quiet" | grep 'NEEDED.*cares' && { echo "the core needs c-ares" >&2; exit 1; }

declared_by "$include/vdestack.h" >core
declared_by "$include/vdestack/lab.h" | comm -23 - core >declared-lab
nm -D --defined-only "$lab" | awk '{ print $3 }' | sort -u >shown-lab
diff -u declared-lab shown-lab || { echo "the laboratory: declared (-) and shown (+) differ" >&2; exit 1; }
readelf -d "$lab" | grep 'SONAME.*\[libvdestack-lab\.so\.0\]' >/dev/null
readelf -d "$lab" | grep 'NEEDED.*libvdestack-nointerpose' >/dev/null
readelf -d "$lab" | grep 'BIND_NOW' >/dev/null

[ -n "$dns" ] || exit 0
declared_by "$include/vdestack/dns.h" "$include/vdestack/dial.h" | comm -23 - core >declared-dns
nm -D --defined-only "$dns" | awk '{ print $3 }' | sort -u >shown-dns
diff -u declared-dns shown-dns || { echo "the resolver: declared (-) and shown (+) differ" >&2; exit 1; }
readelf -d "$dns" | grep 'SONAME.*\[libvdestack-dns\.so\.0\]' >/dev/null
readelf -d "$dns" | grep 'NEEDED.*libcares' >/dev/null
readelf -d "$dns" | grep 'NEEDED.*libvdestack-nointerpose' >/dev/null
readelf -d "$dns" | grep 'BIND_NOW' >/dev/null
