#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     internet_of_threads.sh START NODES PROGRAM-DIR LIMIT [OPTION...]
#
# Runs the example internet-of-threads as a reader does, with OPTIONs, until the nodes have reached each other. From its start
# to there it takes LIMIT seconds at most. Then nothing of it is left.

set -eu -o pipefail
start=$1 nodes=$2 programs=$3 limit=$4
shift 4
export IOTH_NODES=$nodes PATH=$programs:$PATH:/usr/sbin:/sbin
for program in curl busybox vde_plug; do
	command -v "$program" >/dev/null || { echo "$program is not installed" >&2; exit 77; }
done
cd "$VDESTACK_TEST_TMP"
mkdir scratch
fail() {
	echo "$*" >&2
	cat output >&2
	exit 1
}

TMPDIR=$PWD/scratch "$start" -1 -m map.svg "$@" >output 2>&1 || fail "exit status $?"
grep -q '^20 nodes, 380 of 380 pairs by name, after' output || fail "not all pairs"
grep -q '^http://web.iot.example/: a page at an address' output || fail "no page"
seconds=$(sed -n 's/^from the start to the last pair: \([0-9]*\)\.[0-9]* s$/\1/p' output)
[ -n "$seconds" ] || fail "how long did it take?"
[ "$seconds" -lt "$limit" ] || fail "more than $limit s"

# What the picture and the text have: each daemon, and each node that has its stack in this program's kind.
for name in router names dhcp proxy proxy-inside web node0 node18; do
	grep -q "^  stack $name\$" output || fail "$name is not in the map"
	grep -q ">stack $name<" map.svg || fail "$name is not in the picture"
done

# Nothing is left.
[ -z "$(ls -A scratch)" ] || fail "files are left: $(ls -A scratch)"
processes() {
	find /proc/[0-9]*/cwd -maxdepth 0 -lname "$PWD/scratch/*" 2>/dev/null
}
end=$((SECONDS + 10))
while processes | grep . >/dev/null; do
	[ $SECONDS -lt $end ] || fail "processes are left: $(processes)"
	sleep 0.1
done
cat output
