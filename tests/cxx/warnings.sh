#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     warnings.sh INCLUDE-DIR ALL.CPP
#
# The headers for C++ compile without a warning, by g++ and clang++ where they are installed, in the standards
# from C++17 on, with exceptions and without. Each compiles alone.

set -eu -o pipefail
include=$1 all=$2
warnings="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Werror"
n=0

cd "$include"
for cxx in g++ clang++; do
	command -v "$cxx" >/dev/null || { echo "no $cxx"; continue; }
	for how in c++17 "c++17 -fno-exceptions -fno-rtti" c++20 c++2b; do
		echo "$cxx $how"
		# shellcheck disable=SC2086
		"$cxx" -std=$how $warnings -I. -fsyntax-only "$all"
		n=$((n + 1))
	done
done
[ "$n" -gt 0 ] || { echo "there is no C++ compiler" >&2; exit 77; }
for header in *.hpp vdestack/*.hpp; do
	# shellcheck disable=SC2086
	echo "#include <$header>" | "${CXX:-c++}" -std=c++17 $warnings -I. -fsyntax-only -xc++ -
done

# What the types must refuse does not compile.
refuses() { # WHAT CODE
	printf '#include <vdestack.hpp>\nvoid f(vds::stack &s);\nvoid f(vds::stack &s)\n{\n\t%s\n}\n' "$2" >"$VDESTACK_TEST_TMP/bad.cpp"
	if "${CXX:-c++}" -std=c++17 -Werror -I. -fsyntax-only "$VDESTACK_TEST_TMP/bad.cpp" 2>/dev/null; then
		echo "$1 compiles: $2" >&2
		exit 1
	fi
}
refuses "a copy" 'vds::stack copy(s);'
refuses "a text without an end" 's.add(std::string_view("eth"));'
refuses "a number as a time" 's.wait_ready(5);'
refuses "events of a stack that ends with the expression" 'vds::events e(vds::stack("")); (void)s;'
refuses "a result that is ignored" 's.try_wait_ready(vds::forever);'
