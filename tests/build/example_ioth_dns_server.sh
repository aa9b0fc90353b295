#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     example_ioth_dns_server.sh PROGRAM
#
# nslookup of busybox asks it, as a command in the stack of the echo server, until the server has started. Then
# it asks beside clients by TCP that send nothing, more than the server has threads.

set -eu
dir=${VDESTACK_TEST_TMP:-$PWD}
echo_server=$(dirname "$1")/echo_server
command -v busybox >/dev/null || { echo "there is no busybox" >&2; exit 77; }

"$1" vdestack "ptp://$dir/net" 10.0.0.1 &
server=$!
trap 'kill $server' EXIT
until [ -S "$dir/net" ]; do
	kill -0 $server || exit 1
	sleep 0.1
done
# shellcheck disable=SC2016
client='ask() { busybox nslookup -timeout=4 -retry=1 -type=a "$1" 10.0.0.1 2>&1 | grep -A1 "^Name\|NXDOMAIN"; }
	until ask www.lab >/dev/null; do :; done
	for name in www.lab WWW.lab www.example; do ask $name; done
	rm -f "$0/input"; mkfifo "$0/input" && exec 9<>"$0/input" || exit 1 # of an earlier run here
	for i in 1 2 3 4 5 6 7 8 9; do busybox nc 10.0.0.1 53 <&9 & silent="$silent $!"; done
	until [ "$(grep -c " 0100000A:0035 01 " /proc/net/tcp)" = 9 ]; do kill -0 $silent || exit 1; sleep 0.1; done
	for name in one.lab two.lab; do ask $name; done
	kill $silent && wait'
"$echo_server" "vnl=ptp://$dir/net ip=10.0.0.2/24" sh -c "$client" "$dir"
"$1" nothing 2>/dev/null || echo "usage: exit status $?"
