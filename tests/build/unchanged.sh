#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     unchanged.sh SOURCE-DIR CC LIBRARY
#
# The preloaded constructor that docs/programs.md shows, with netcat as server and as client: two programs that
# only know socket(2) are connected through a hub.

set -eu -o pipefail
source=$1 cc=$2 library=$3
cd "$VDESTACK_TEST_TMP"
for tool in nc vde_plug; do
	command -v $tool >/dev/null || { echo "$tool is not installed" >&2; exit 77; }
done
trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT

awk '/^```c/ { inside = 1; next } /^```/ { inside = 0 } inside' "$source/docs/programs.md" >stack.c
"$cc" -Wall -Wextra -Werror -shared -fPIC "-I$source/include" -o stack.so stack.c "$library"

# wait_for COMMAND...: until it succeeds, at most 20 seconds
wait_for() {
	local end=$((SECONDS + 20))
	until "$@" 2>/dev/null; do
		[ "$SECONDS" -lt "$end" ] || { echo "in vain: $*" >&2; return 1; }
		sleep 0.05
	done
}

in_stack() {
	local address=$1
	shift
	STACK="vnl=vde://$PWD/hub ip=$address/24" LD_PRELOAD="$library $PWD/stack.so" exec "$@"
}

vde_plug null:// "hub://$PWD/hub" </dev/null >/dev/null 2>&1 &
wait_for test -S hub/ctl
mkfifo typed
exec 3<>typed # so the client has no end of file, and its stack stays until the server has the line
(in_stack 10.9.0.1 nc -v -d -l 10.9.0.1 7) >received 2>listening &
wait_for grep -qi listening listening || { cat listening >&2; exit 1; }
(in_stack 10.9.0.2 nc 10.9.0.1 7) <typed &
echo hello >&3
wait_for grep -qx hello received

# A stack that cannot be made is reported, and the program does not start in the host network.
if (in_stack 10.9.0.3/99 nc -h) 2>refused; then
	echo "a program whose stack cannot be made has started" >&2
	exit 1
fi
grep -q '^stack: .*10\.9\.0\.3' refused || { cat refused >&2; exit 1; }
