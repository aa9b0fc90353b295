#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     debian_symbols.sh SOURCE-DIR BUILD-DIR            compares
#     debian_symbols.sh --write SOURCE-DIR BUILD-DIR    adds what is missing, with the version of this tree
#
# debian/*.symbols have the symbols that the libraries show, no more and no less, and each symbol is one of the
# version script of its library.

set -eu -o pipefail
export LC_ALL=C
write=""
[ "$1" != --write ] || { write=yes; shift; }
source=$1 build=$2
version=$(sed -n 's/^project(libvdestack VERSION \([^ ]*\).*/\1/p' "$source/CMakeLists.txt")
status=0 checked=0

# Library, its file in the build tree, its package, the package to build with, its version script.
libraries="
libvdestack src libvdestack0 libvdestack-dev src/vdestack.map
libvdestack-nointerpose src libvdestack0 libvdestack-dev src/vdestack.map
libvdestack-dns src/dns libvdestack-dns0 libvdestack-dev src/dns/dns.map
libvdestack-lab src/lab libvdestack-lab0 libvdestack-dev src/lab/lab.map
libioth src/ioth/lib libioth0 libioth-dev src/ioth/lib/ioth.map
libiothaddr src/ioth/addr libioth0 libioth-dev src/ioth/addr/iothaddr.map
libiothconf src/ioth/conf libiothconf0 libioth-dev src/ioth/conf/iothconf.map
libiothdns src/ioth/dns libiothdns0 libioth-dev src/ioth/dns/iothdns.map
libiothradvd src/ioth/radv libiothradvd0 libioth-dev src/ioth/radv/iothradvd.map
"

# The part of a symbols file that is about one library, without its head.
part() { # FILE SONAME
	[ ! -f "$1" ] || awk -v name="$2" '/^[^ *|]/ { inside = $1 == name; next } inside && /^ / { print }' "$1"
}

shown() { # FILE
	nm -D --defined-only "$1" | awk '{ print $3 }' | sort -u
}

# The patterns of a version script as one extended regular expression.
patterns() { # MAP
	awk '/^global:/ { on = 1; next } /^local:/ { on = 0 } on { gsub(/[\t;]/, ""); gsub(/\*/, ".*"); print }' "$1" |
		paste -sd '|'
}

while read -r library folder package development map; do
	[ -n "$library" ] || continue
	file=$build/$folder/$library.so.0
	[ -e "$file" ] || { echo "$library is not built: not compared"; continue; }
	symbols=$source/debian/$package.symbols
	listed=$(part "$symbols" "$library.so.0" | sed 's/^ *\([^@]*\)@.*/\1/' | sort -u)
	missing=$(comm -13 <(echo "$listed") <(shown "$file") | sed '/^$/d')
	gone=$(comm -23 <(echo "$listed") <(shown "$file") | sed '/^$/d')
	if [ -n "$write" ] && [ -n "$missing" ]; then
		all=$(part "$symbols" "$library.so.0"; sed "s/.*/ &@Base $version/" <<<"$missing")
		others=$([ ! -f "$symbols" ] || awk -v name="$library.so.0" '/^[^ *|]/ { other = $1 != name } other' "$symbols")
		{
			[ -z "$others" ] || echo "$others"
			echo "$library.so.0 $package #MINVER#"
			echo "* Build-Depends-Package: $development"
			sort <<<"$all" | sed '/^ *$/d'
		} >"$symbols.new"
		mv "$symbols.new" "$symbols"
		missing=""
	fi
	[ -z "$missing" ] || { echo "debian/$package.symbols lacks of $library:" $missing; status=1; }
	[ -z "$gone" ] || { echo "debian/$package.symbols has what $library does not show:" $gone; status=1; }
	foreign=$(shown "$file" | grep -vxE "$(patterns "$source/$map")" || true)
	[ -z "$foreign" ] || { echo "$library shows what $map does not have:" $foreign; status=1; }
	checked=$((checked + 1))
done <<<"$libraries"
[ "$status" = 0 ] || echo "after a change of an interface: bash tests/build/debian_symbols.sh --write . BUILD-DIR"
[ "$checked" -ge 3 ] || { echo "nothing was compared"; status=1; }
exit $status
