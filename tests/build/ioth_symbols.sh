#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     ioth_symbols.sh SOURCE-DIR CC LIBIOTH LIBIOTHADDR LIBIOTHCONF LIBIOTHDNS LIBIOTHRADVD
#
# Each library exports the functions that its header declares, and nothing else; libioth besides those of its
# internal.h. It has the SONAME of its name, and its symbols are bound when it is loaded.

set -eu -o pipefail
source=$1 cc=$2
shift 2

# declared_by HEADER: names before a parenthesis, without those of inline functions
declared_by() {
	"$cc" "-I$source/include" -E "$1" | awk -v file="/${1##*/}\"" '
		/^# / { own = index($0, file) > 0; next }
		own && /^static/ { inline = 1 }
		own && !inline { print }
		own && /^}/ { inline = 0 }' | tr '\n' ' ' |
		grep -oE '\b(ioth|iothaddr|iothconf|iothdns|iothradvd)_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u
}

for library in "$@"; do
	name=${library##*/lib}
	name=${name%%.so*}
	declared_by "$source/include/$name.h" >declared
	[ "$name" != ioth ] || declared_by "$source/src/ioth/lib/internal.h" >>declared
	sort -u -o declared declared
	[ -s declared ] || { echo "$name.h declares nothing" >&2; exit 1; }
	nm -D --defined-only "$library" | awk '{ print $3 }' | sort -u >shown
	diff -u declared shown || { echo "lib$name: declared (-) and shown (+) differ" >&2; exit 1; }
	readelf -d "$library" >dynamic
	grep -q "SONAME.*\[lib$name\.so\.0\]" dynamic || { echo "lib$name has another SONAME" >&2; exit 1; }
	grep -q BIND_NOW dynamic || { echo "lib$name is bound late" >&2; exit 1; }
done
