#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     run.sh CASE VDESTACK-PROGRAM
#
# `vdestack run` with programs of others.

set -eu -o pipefail
case=$1 vdestack=$2
cd "$VDESTACK_TEST_TMP"
trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT

need() { # PROGRAM...
	local program
	for program in vde_plug "$@"; do
		command -v "$program" >/dev/null || { echo "$program is not installed" >&2; exit 77; }
	done
}

# wait_for COMMAND...: until it succeeds, at most 20 seconds
wait_for() {
	local end=$((SECONDS + 20))
	until "$@" 2>/dev/null; do
		[ "$SECONDS" -lt "$end" ] || { echo "in vain: $*" >&2; return 1; }
		sleep 0.05
	done
}

start_network() {
	vde_plug null:// "hub://$PWD/hub" </dev/null >/dev/null 2>&1 &
	wait_for test -S hub/ctl
}

in_stack() { # ADDRESS PROGRAM ARGUMENT...
	local address=$1
	shift
	"$vdestack" run --any "vnl=vde://$PWD/hub" "ip=$address/24" -- "$@"
}

case $case in
curl_gets_a_page_from_a_server_in_python)
	need curl python3
	start_network
	mkdir page
	echo 'the page' >page/index.html
	(exec "$vdestack" run --any "vnl=vde://$PWD/hub" ip=10.9.0.1/24 -- \
		python3 -m http.server --directory page 80) >server 2>&1 &
	server=$!
	wait_for in_stack 10.9.0.2 curl -s -f -o got http://10.9.0.1/
	grep -qx 'the page' got || { cat server >&2; exit 1; }
	# The signal reaches the program, and its end is what the shell sees.
	kill -TERM "$server"
	status=0
	wait "$server" || status=$?
	[ "$status" = 143 ] || { echo "the server's status is $status" >&2; exit 1; }
	;;
a_published_port_leads_to_a_server_and_ends_with_it)
	need socat
	for port in $((20000 + RANDOM % 20000)) $((20000 + RANDOM % 20000)) $((20000 + RANDOM % 20000)); do
		(exec "$vdestack" run --any --publish "127.0.0.1:$port:80" --publish-host 81:9 \
			vnl=inproc://inside ip=10.9.0.1/24 -- \
			socat TCP-LISTEN:80,fork,reuseaddr EXEC:sort) 2>err &
		server=$!
		answers() { [ "$(printf 'b\na\n' | socat -t 15 - "TCP:127.0.0.1:$port")" = $'a\nb' ]; }
		gone() { ! kill -0 "$server"; }
		served_or_gone() { answers || gone; }
		wait_for served_or_gone
		gone 2>/dev/null || break
		grep -q 'Address already in use' err || { cat err >&2; exit 1; }
	done
	[ ! -s err ] || { cat err >&2; exit 1; }
	# A second run cannot have the same port, and says so before its program starts.
	status=0
	"$vdestack" run --any --publish "127.0.0.1:$port:80" '' -- touch started 2>err || status=$?
	[ "$status" = 125 ]
	grep -q "127.0.0.1:$port of the host cannot be opened: Address already in use" err
	[ ! -e started ]
	status=0
	"$vdestack" run --any --publish "80" '' -- touch started 2>err || status=$?
	[ "$status" = 125 ]
	grep -q 'a port is missing' err
	kill "$server"
	wait "$server" || true
	closed() { ! socat -u "TCP:127.0.0.1:$port" STDOUT; }
	wait_for closed
	;;
pipelines_end_with_the_program)
	need
	[ "$("$vdestack" run --any "" -- echo word | cat)" = word ]
	[ "$(echo word | "$vdestack" run --any "" -- cat)" = word ]
	;;
scripts_and_their_children_are_in_the_stack)
	need ip
	printf '#!/bin/sh\nip -o link show | wc -l\n' >script
	chmod +x script
	[ "$("$vdestack" run --any "" -- ./script)" = 1 ] || { echo "there are other interfaces than lo" >&2; exit 1; }
	;;
the_preload_engine_adds_its_library_to_those_that_are_preloaded)
	need
	cp "$vdestack" tool # it expects the preloaded library beside it, too
	LD_LIBRARY_PATH=$(dirname "$vdestack")/../src
	export LD_LIBRARY_PATH
	shown='echo "<${LD_PRELOAD-}>"'
	if ./tool run --require "" -- sh -c "$shown" >out 2>err; then
		echo "--require without the library is no failure" >&2
		exit 1
	fi
	grep -q 'cannot be preloaded' err || { cat err >&2; exit 1; }
	[ "$(./tool run "" -- sh -c "$shown" 2>err)" = "<>" ]
	grep -q '^vdestack run: warning: there is no libvdestack-preload.so' err || { cat err >&2; exit 1; }
	echo 'ld.so ignores what is no library' >libvdestack-preload.so
	[ "$(./tool run "" -- sh -c "$shown" 2>/dev/null)" = "<$PWD/libvdestack-preload.so>" ]
	[ "$(LD_PRELOAD=/other.so ./tool run --require "" -- sh -c "$shown" 2>/dev/null)" = "<$PWD/libvdestack-preload.so:/other.so>" ]
	[ "$(LD_PRELOAD=/other.so ./tool run --any "" -- sh -c "$shown" 2>/dev/null)" = "</other.so>" ]
	mkdir "a folder" # LD_PRELOAD has no way to write its name
	mv tool libvdestack-preload.so "a folder"
	[ "$("a folder/tool" run "" -- sh -c "$shown" 2>/dev/null)" = "<>" ]
	;;
decisions_are_logged)
	need
	VDESTACK_DEBUG=$PWD/log "$vdestack" run --any "" -- sh -c 'ip link show lo' >/dev/null
	grep -q '^vdestack run: [0-9]*: socket(AF_NETLINK, SOCK_RAW, 0): main$' log || { cat log >&2; exit 1; }
	VDESTACK_DEBUG=1 "$vdestack" run --any "" -- sh -c 'ip link show lo' 2>err >/dev/null
	grep -q '^vdestack run: [0-9]*: socket(AF_NETLINK' err || { cat err >&2; exit 1; }
	;;
*)
	echo "there is no case $case" >&2
	exit 1
	;;
esac
