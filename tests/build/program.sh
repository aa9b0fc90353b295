#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# program.sh CASE LIBRARY COMPILER flags=FLAGS [EMULATOR WORD...]: the library's file is a program, on every architecture.

set -eu
case=$1 library=$2 compiler=$3 flags=${4#flags=}
shift 4
export LC_ALL=C
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

interpreter_of() {
	readelf -lW "$1" | sed -n 's/.*Requesting program interpreter: \(.*\)\]/\1/p'
}

case $case in
has_the_interpreter_of_programs)
	echo 'int main(void) { return 0; }' >"$dir/plain.c"
	# shellcheck disable=SC2086
	"$compiler" $flags -fPIE -pie -o "$dir/plain" "$dir/plain.c"
	wanted=$(interpreter_of "$dir/plain")
	found=$(interpreter_of "$library")
	[[ -n $wanted && $found == "$wanted" ]] ||
		{ echo "the library has the interpreter '$found', programs have '$wanted'"; exit 1; }
	;;
starts)
	output=$("$@" "$library")
	[[ $output == *"This is a library"* ]] || { echo "unexpected output: $output"; exit 1; }
	;;
*)
	echo "there is no case $case" >&2
	exit 1
	;;
esac
