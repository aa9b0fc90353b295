#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     example_ioth-echo.sh PROGRAM
#
# Servers and clients on two kinds of stacks, each with each, on one network.

set -eu -o pipefail
dir=$(mktemp -d "${VDESTACK_TEST_TMP:-/tmp}/echo.XXXXXX")
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$dir"' EXIT

# A library may be built without picox.
if ("$1" stack=picox nowhere text 2>&1 || true) | grep "cannot load plug" >/dev/null; then exit 77; fi

for kind in vdestack picox; do
	rm -f "$dir/said"
	mkfifo "$dir/said"
	"$1" "stack=$kind,vnl=hub://$dir/$kind,eth,ip=10.0.0.1/24" >"$dir/said" &
	server=$!
	# Its end, without the line, is the end of the fifo.
	exec 8<"$dir/said"
	grep -q ready <&8
	for client in vdestack picox; do
		"$1" "stack=$client,vnl=vde://$dir/$kind,eth,ip=10.0.0.2/24" 10.0.0.1 "from $client to $kind"
	done
	kill "$server"
	wait "$server" || true
	exec 8<&-
	server=
done
