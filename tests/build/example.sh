#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     example.sh PROGRAM
#
# Runs one example and compares what it prints with the file NAME.expected here. Without
# arguments an example demonstrates itself and ends with 0. One that cannot, for instance a
# server, has a script here, example_NAME.sh PROGRAM, that acts as its client or server. The script exits with 77
# if what it needs is not installed.

set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
name=$(basename "$1")
expected=$here/example_$name.expected
printed=$(mktemp "${VDESTACK_TEST_TMP:-/tmp}/printed.XXXXXX")
trap 'rm -f "$printed"' EXIT

[ -f "$expected" ] || { echo "what $name is expected to print is not known: $expected" >&2; exit 1; }
if [ -f "$here/example_$name.sh" ]; then
	bash "$here/example_$name.sh" "$1" >"$printed"
else
	"$1" >"$printed"
fi || {
	status=$?
	[ $status != 77 ] || exit 77 # what the other side needs is not installed
	echo "$name: exit status $status; it printed:" >&2
	cat "$printed" >&2
	exit 1
}
diff -u "$expected" "$printed" >&2 || { echo "$name prints something else than expected" >&2; exit 1; }
cat "$printed"
