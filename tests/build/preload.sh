#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     preload.sh SOURCE-DIR CC LIBRARY LOOKUPS-LIBRARY
#
# libvdestack-preload.so exports the functions that the first table of docs/preload.md names, and nothing else, and
# libc has each of them. Every function of libc and libresolv that a network header declares is named in one of the
# two tables; * stands for any text. The library has no name (SONAME), little thread-local storage, and is bound
# when it is loaded. It needs libc only, and has few segments, because each mapping makes fork(2) slower. The library
# of lookups shows one function, and its thread-local storage fits into any program.

set -eu -o pipefail
export LC_ALL=C
top=$1 cc=$2 library=$3 lookups=$4
headers="sys/socket.h netdb.h net/if.h ifaddrs.h resolv.h netinet/in.h netinet/ether.h"
status=0

fail() {
	echo "$1" >&2
	status=1
}

# table HEADING: the names in the first column
table() {
	# shellcheck disable=SC2016 # backquotes of the page
	sed -n "/^## $1\$/,/^## /p" "$top/docs/preload.md" | sed -n 's/^| *\(`[^|]*\)|.*/\1/p' | sed '/^`\/\|(2)/d' |
		grep -o '`[^`]*`' | tr -d '`' | sort -u
}

# exported FILE: names without versions
exported() {
	nm -D --defined-only "$1" | awk '{ print $3 }' | sed 's/@.*//' | sort -u
}

table Covered >covered
table 'Not covered' >others
exported "$library" >shown
diff -u covered shown || fail "docs/preload.md (-) and the library (+) differ"

libc=$("$cc" -print-file-name=libc.so.6)
exported "$libc" >in-libc
[ "$(wc -l <in-libc)" -gt 1000 ] || fail "$libc: no symbols"
comm -23 shown in-libc | grep . && fail "libc has no such functions"
libresolv=$("$cc" -print-file-name=libresolv.so.2)
{ cat in-libc; [ ! -e "$libresolv" ] || exported "$libresolv"; } | sort -u >there

# Names before a parenthesis in the headers themselves, not in those that they include.
for header in $headers; do
	echo "#include <$header>"
done >all.c
"$cc" -D_GNU_SOURCE -E all.c | awk '
	/^# [0-9]+ "/ { ours = $3 ~ /\/(sys\/socket|netdb|net\/if|ifaddrs|resolv|netinet\/in|netinet\/ether|bits\/socket[^"]*|arpa\/nameser)[.]h"$/; next }
	ours' | grep -oE '\b[a-z_0-9]+ *\(' | tr -d ' (' | sort -u | comm -12 - there >declared
[ "$(wc -l <declared)" -gt 80 ] || fail "only $(wc -l <declared) functions found in the headers"
while read -r name; do
	named=
	while read -r pattern; do
		# shellcheck disable=SC2053 # a pattern on purpose
		[[ $name != $pattern ]] || named=1
	done < <(cat covered others)
	[ -n "$named" ] || fail "docs/preload.md does not name $name"
done <declared

readelf -d "$library" | grep SONAME >/dev/null && fail "it has a SONAME"
readelf -d "$library" | grep BIND_NOW >/dev/null || fail "not bound when loaded"
readelf -lW "$library" | grep GNU_RELRO >/dev/null || fail "no GNU_RELRO"
tls=$(readelf -lW "$library" | awk '$1 == "TLS" { print $6 }')
[ $((${tls:-0})) -le 640 ] || fail "thread-local storage: $tls bytes"
needed() {
	readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
}
needed "$library" | grep -vE '^(libc|ld-linux.*|ld)\.so' && fail "it needs more than libc"
segments=$(readelf -lW "$library" | grep -c '^ *LOAD')
[ "$segments" -le 2 ] || fail "$segments segments are mapped, not two"

[ "$(exported "$lookups")" = vs_lookups_start ] || fail "$lookups shows: $(exported "$lookups")"
readelf -d "$lookups" | grep STATIC_TLS >/dev/null && fail "$lookups has thread-local storage for libraries of the start"
needed "$lookups" | grep -E '^libvdestack' && fail "the library of lookups needs another one of ours"
exit $status
