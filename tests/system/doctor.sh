#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     doctor.sh CASE VDESTACK-PROGRAM REFUSE-PROGRAM
#
# `vdestack doctor` where something does not work. The checks that make stacks print the library's own error.
# If its remedy is the same as that in the line of the cause, both come from one table.

set -u
case=$1 doctor=$2 refuse=$3
# Capabilities come from a user namespace made here; the program itself must have none.
plain="setpriv --bounding-set=-all --inh-caps=-all"

fail() {
	echo "$*" >&2
	[ ! -s out ] || cat out >&2
	exit 1
}

expect() { # STATUS: of the last command
	[ "$status" = "$1" ] || fail "exit status $status, not $1"
}

says() { # CHECK TEXT
	grep -E "^[^ ]+ $1 " out | grep -F -- "$2" >/dev/null || fail "check $1 does not say: $2"
}

nested() { # SCRIPT: with all capabilities in namespaces of its own
	unshare --user --map-root-user --mount true 2>/dev/null || { echo "no nested user namespace" >&2; exit 77; }
	unshare --user --map-root-user --mount sh -ec "$1" >out
	status=$?
}

case $case in
all_is_well)
	"$doctor" doctor >out
	status=$?
	[ "$status" -le 1 ] || fail "exit status $status"
	says stack "two stacks hear each other"
	says local "programs can share segments"
	VDESTACK_REGISTRY=off "$doctor" doctor >out
	says local "VDESTACK_REGISTRY=off"
	! grep -q $'\033' out || fail "colours in a file"
	;;
json_is_valid_whatever_the_strings)
	"$doctor" doctor --json $'vde:///x"\001\377\\' >out
	status=$?
	expect 2
	python3 -c 'import json
d = json.load(open("out", encoding="utf-8"))
assert d["status"] == 2 and d["version"], d
assert {c["severity"] for c in d["checks"]} <= {"ok", "warning", "error"}
assert d["checks"][-1]["name"] == "switch" and "\x01\ufffd" in d["checks"][-1]["text"], d' || fail "not the JSON that is documented"
	;;
user_namespaces_off)
	nested "echo 0 >/proc/sys/user/max_user_namespaces; exec $plain '$doctor' doctor"
	expect 2
	remedy="set sysctl user.max_user_namespaces=10000"
	says userns "$remedy"
	says stack "$remedy"
	;;
no_tun_device)
	nested "mount -t tmpfs none /dev/net; exec '$doctor' doctor"
	expect 1
	remedy="create it (mkdir -p /dev/net; mknod /dev/net/tun c 10 200;"
	says tun "$remedy"
	says network "can be made"
	nested "mount -t tmpfs none /dev/net; VDESTACK_PORT=tap exec '$doctor' doctor"
	expect 2
	says network "$remedy"
	;;
tun_device_that_cannot_be_used)
	nested "mount -t tmpfs none /dev/net; touch /dev/net/tun; exec '$doctor' doctor"
	expect 1
	says tun "/dev/net/tun is not the tun driver's; create it again"
	says network "can be made"
	nested "mount -t tmpfs none /dev/net; touch /dev/net/tun; chmod 0 /dev/net/tun; exec $plain '$doctor' doctor"
	says tun "chmod 666 /dev/net/tun"
	;;
name_servers_are_asked)
	cat >server.py <<-'END'
		import socket
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.bind(("127.0.0.1", 53))
		open("ready", "w")
		q, peer = s.recvfrom(512)
		assert q[2:] == bytes([1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1]), q
		s.sendto(q[:2] + b"\x81\x80" + q[4:], peer)
	END
	echo "nameserver 127.0.0.1" >one
	printf 'nameserver 127.0.0.2\nnameserver 127.0.0.1\n' >two
	: >none
	unshare --user --map-root-user true 2>/dev/null || { echo "no nested user namespace" >&2; exit 77; }
	for servers in one two none; do
		rm -f ready
		unshare --user --map-root-user --mount --net sh -ec "ip link set lo up; mount --bind $servers /etc/resolv.conf
			timeout 30 python3 server.py & until [ -e ready ]; do sleep 0.05; done; '$doctor' doctor >out || true; kill %1 || true"
		case $servers in
		one) says names "name servers that answer: 127.0.0.1" ;;
		two) says names "no answer from name server 127.0.0.2; correct the addresses in /etc/resolv.conf; these answer: 127.0.0.1" ;;
		none) says names "names no server" ;;
		esac
	done
	;;
colours_are_for_terminals)
	script -qec "'$doctor' doctor" /dev/null >out </dev/null
	grep -q $'\033' out || fail "no colours on a terminal"
	NO_COLOR=1 script -qec "'$doctor' doctor" /dev/null >out </dev/null
	! grep -q $'\033' out || fail "colours in spite of NO_COLOR"
	;;
few_descriptors)
	(ulimit -n 30 && exec "$doctor" doctor) >out
	says limits "raise RLIMIT_NOFILE"
	;;
limits_and_filters_are_reported)
	if (ulimit -v 500000 && exec "$doctor" doctor --version) >/dev/null 2>&1; then # not with a sanitizer's shadow
		(ulimit -v 500000 && exec "$doctor" doctor) >out
		says limits "raise RLIMIT_AS"
	fi
	"$doctor" doctor >out
	says security "no seccomp filter"
	says limits "descriptors"
	nested "echo 3 >/proc/sys/user/max_net_namespaces; exec '$doctor' doctor"
	says limits "only 3 network namespaces"
	;;
seccomp_filter_is_reported)
	nested "exec $plain '$refuse' '$doctor' doctor"
	expect 2
	remedy="allow unshare(2) and clone(2) with CLONE_NEWUSER in the filter"
	says userns "$remedy"
	grep -q '^✗ userns' out || fail "no failure"
	says stack "$remedy"
	says security "under a seccomp filter"
	[ "$(id -u)" = 0 ] || exit 0
	"$refuse" "$doctor" doctor >out # who has capabilities does without
	says userns "$remedy"
	says stack "two stacks hear each other"
	;;
no_plugins)
	folder=$(dirname "$(ldconfig -p 2>/dev/null | sed -n 's/.*libvdeplug\.so\.2 .*=> //p' | head -1)")/vdeplug
	[ -d "$folder" ] || fail "where are the plugins?"
	nested "mount -t tmpfs none '$folder'; exec '$doctor' doctor"
	expect 2
	remedy="install it (Debian: vdeplug, libvdeplug-*)"
	says plugins "$remedy"
	says network "$remedy"
	;;
few_processes_and_namespaces)
	(ulimit -u 50 && exec "$doctor" doctor) >out
	says limits "raise RLIMIT_NPROC"
	nested "echo 3 >/proc/sys/user/max_user_namespaces; exec '$doctor' doctor"
	says limits "only 3 user namespaces: when the limit of user namespaces is reached"
	nested "echo 0 >/proc/sys/user/max_net_namespaces; exec '$doctor' doctor"
	expect 2
	says limits "only 0 network namespaces"
	says netns "raise sysctl user.max_net_namespaces"
	says stack "raise sysctl user.max_net_namespaces"
	;;
networks_that_cannot_be_joined)
	mkdir dead closed
	python3 -c 'import socket; [socket.socket(socket.AF_UNIX).bind(d + "/ctl") for d in ("dead", "closed")]'
	chmod 0 closed
	long=$(printf 'x%.0s' $(seq 200))
	nested "exec $plain '$doctor' doctor 'vde://$PWD/dead' 'vde://$PWD/closed' 'vde:///$long' 'nosuch://x'"
	expect 2
	says switch "its switch has ended; remove it and start the switch again"
	says switch "check the mode of the switch's directory"
	says switch "the path is too long for a socket"
	says switch "libvdeplug has no plugin for this scheme"
	;;
switch_that_is_not_there)
	timeout 40 "$doctor" doctor "vde://$PWD/nothing" >out
	status=$?
	expect 2
	says switch "there is no switch at this path"
	;;
switch_that_never_answers)
	mkdir silent
	python3 -c 'import socket, time
s = socket.socket(socket.AF_UNIX); s.bind("silent/ctl"); s.listen(8); open("ready", "w"); time.sleep(100)' &
	server=$!
	for _ in $(seq 200); do [ -e ready ] && break; sleep 0.05; done
	timeout 50 "$doctor" doctor "vde://$PWD/silent" >out
	status=$?
	kill "$server"
	expect 2
	grep -q '^[^ ]* switch .' out || fail "nothing about the switch"
	says switch "a vde_switch with all ports taken never does"
	;;
kinds_and_lengths_of_switches_are_reported)
	[ -w /dev/net/tun ] || { echo "no tap can be made" >&2; exit 77; }
	mkfifo console # at whose end the switch would end
	exec 9<>console
	vde_switch -s "$PWD/stock" <&9 >/dev/null 2>&1 &
	stock=$!
	vde_plug null:// "switch://$PWD/new" </dev/null >/dev/null 2>&1 &
	new=$!
	for _ in $(seq 200); do [ -e stock/ctl ] && [ -e new/ctl ] && break; sleep 0.05; done
	timeout 50 "$doctor" doctor "vde://$PWD/stock" "vde://$PWD/new" "slirp://" >out
	status=$?
	kill "$stock" "$new"
	[ "$status" -le 1 ] || fail "exit status $status" # name servers may be silent
	says switch "stock can be joined, a vde_switch of vde2; packets of 1500 bytes pass"
	says switch "new can be joined; packets of 9216 bytes pass"
	says switch "slirp:// can be joined; nothing passed"
	;;
output_that_cannot_be_written)
	"$doctor" doctor --json >/dev/full
	status=$?
	expect 74
	"$doctor" doctor --json >&- 2>err
	status=$?
	expect 74
	"$doctor" doctor | true
	status=${PIPESTATUS[0]}
	[ "$status" = 74 ] || fail "exit status $status with a reader gone"
	;;
usage_errors_end_with_64)
	for words in "doctor --bogus" "bogus" "" "doctor --apparmor" "doctor --json --apparmor /bin/sh" "doctor --apparmor /no/such"; do
		# shellcheck disable=SC2086
		"$doctor" $words >out 2>err
		status=$?
		expect 64
		[ ! -s out ] || fail "usage errors on standard output"
		[ "$(wc -l <err)" = 1 ] || fail "not one line for \"$words\""
	done
	;;
apparmor_accepts_the_profile)
	parser=$(PATH=$PATH:/usr/sbin:/sbin command -v apparmor_parser) || { echo "apparmor_parser is not installed" >&2; exit 77; }
	# A parser that does not know the rule for user namespaces checks the rest.
	new='' && [ -e /etc/apparmor.d/abi/4.0 ] || new='/^abi /d; /^  userns,/d'
	for name in plain "a blank" 'glob*[x]{a,b}?' "it's" 'up^'; do
		: >"$name"
		"$doctor" doctor --apparmor "$PWD/$name" >profile || fail "no profile for $name"
		sed -i "$new" profile
		"$parser" -QKT profile || fail "refused: $(cat profile)"
	done
	;;
*) fail "no such case" ;;
esac
