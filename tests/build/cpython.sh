#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     cpython.sh SOURCE-DIR CC LIBRARY
#
# CPython's own tests of sockets, in the host network and in a stack, by the preloaded constructor that
# docs/programs.md shows. What passes in the host network passes in the stack.

set -eu -o pipefail
source=$1 cc=$2 library=$3
here=$(cd "$(dirname "$0")" && pwd)
cd "$VDESTACK_TEST_TMP"
python=$(PATH=/usr/bin:$PATH command -v python3) || { echo "there is no python3" >&2; exit 77; }
"$python" -c 'import test.test_socket' 2>/dev/null || { echo "$python has no test_socket" >&2; exit 77; }

awk '/^```c/ { inside = 1; next } /^```/ { inside = 0 } inside' "$source/docs/programs.md" >stack.c
"$cc" -shared -fPIC "-I$source/include" -o stack.so stack.c "$library"

export PYTHONDONTWRITEBYTECODE=1
"$python" "$here/cpython_results.py" host &
# shellcheck disable=SC2097,SC2098
STACK="vnl=inproc://lan ip=10.9.8.7/24 ip=fc00::1/64 gw=10.9.8.254" LD_PRELOAD="$library $PWD/stack.so" \
	"$python" "$here/cpython_results.py" stack 10.9.8.7
wait $!

grep '	ok	' host | cut -f 1 | sort >host_ok
grep '	ok	' stack | cut -f 1 | sort >stack_ok
comm -23 host_ok stack_ok >differ
echo "$(wc -l <host_ok) tests pass in the host network, $(wc -l <stack_ok) in the stack"
[ "$(wc -l <host_ok)" -gt 300 ] || { echo "too few tests pass in the host network" >&2; exit 1; }
status=0
while read -r name; do
	echo "only in the host network: $(grep -F "$name	" stack)" >&2
	status=1
done <differ
rm -f stack.c stack.so host stack host_ok stack_ok differ
exit $status
