#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     headers.sh INCLUDE-DIR CC
#
# Each public header compiles alone, as strict C99, as C++11, and with the strictest warnings.

set -eu
include=$1 cc=$2
cxx=${CXX:-c++}
warnings="-Wall -Wextra -pedantic-errors -Wshadow -Wundef -Werror"

cd "$include"
for header in *.h vdestack/*.h; do
	[ -f "$header" ] || continue
	echo "$header"
	# shellcheck disable=SC2086
	echo "#include <$header>" | "$cc" -std=c99 -Wstrict-prototypes $warnings -I. -fsyntax-only -xc -
	if command -v "$cxx" >/dev/null; then
		# shellcheck disable=SC2086
		echo "#include <$header>" | "$cxx" -std=c++11 $warnings -I. -fsyntax-only -xc++ -
	fi
done
