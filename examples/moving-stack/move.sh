#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     move.sh PROGRAM
#
# Moves a service from machine A to machine B and back, with its addresses, while a client on machine C watches.
# PROGRAM is moving_stack. The machines are three network namespaces at a bridge, so this needs no machines and, where
# users may make user namespaces, no privilege. Exit status 77: it cannot run here.
#
#     A ─ eth0 192.0.2.1 ─┐
#     B ─ eth0 192.0.2.2 ─┤ bridge, in the namespace of this script
#     C ─ eth0 192.0.2.3 ─┘
#
# The stacks are on a network vxvde://, which joins all three machines.

set -eu -o pipefail
program=$1

if [ "${MOVING_STACK_SWITCH:-}" != here ]; then
	own=(unshare --net)
	[ "$(id -u)" = 0 ] || own=(unshare --user --map-root-user --net)
	"${own[@]}" ip link add switch type bridge 2>/dev/null || { echo "no namespaces or no bridges here" >&2; exit 77; }
	MOVING_STACK_SWITCH=here exec "${own[@]}" bash "$0" "$program"
fi

running=()
trap '[ ${#running[@]} = 0 ] || kill -KILL "${running[@]}" 2>/dev/null || true' EXIT

fail() {
	echo "move.sh: $*" >&2
	exit 1
}

# machine NAME NUMBER: a namespace that lasts as long as its process, NAME_pid
machine() {
	local -n pid=$1_pid
	exec {started}< <(exec unshare --net sh -c 'echo $$; exec sleep 120')
	read -r -t 20 pid <&"$started" || fail "machine $1 does not start"
	running+=("$pid")
	ip link add "port$2" type veth peer name eth0 netns "$pid"
	ip link set "port$2" master switch up
	on "$1" ip link set lo up
	on "$1" ip link set eth0 up
	on "$1" ip addr add "192.0.2.$2/24" dev eth0
	on "$1" ip route add 224.0.0.0/4 dev eth0 # vxvde sends multicast packets
}

# become MACHINE COMMAND...: this shell becomes a command on the machine
become() {
	local -n machine_pid=$1_pid
	shift
	exec nsenter --net="/proc/$machine_pid/ns/net" -- "$@"
}

# on MACHINE COMMAND...: in place of ssh MACHINE COMMAND
on() {
	(become "$@")
}

net="vnl=vxvde://239.1.2.3 mtu=1450"
service="$net mac=02:00:00:00:00:99 ip=10.0.0.99/24 ip=fd00::99/64 nodad"
client="$net ip=10.0.0.1/24 ip=fd00::1/64 nodad"

# start MACHINE: the service, which is ready when this returns
start() {
	exec {serving}< <(become "$1" "$program" serve "$1" "$service")
	read -r -t 20 _ serving_pid <&"$serving" || fail "the service does not start on $1"
	running+=("$serving_pid")
}

# stop: asks the service to end, and waits until it has. Its output ends with it.
stop() {
	local status=0
	kill -TERM "$serving_pid"
	read -r -t 20 _ <&"$serving" || status=$?
	[ "$status" = 1 ] || fail "the service does not end"
}

# move MACHINE: the old instance has gone before the new one starts
move() {
	stop
	start "$1"
}

# heard NAME: the client has an answer of this instance on all its ways
heard() {
	read -r -t 40 line <&"$watching" || fail "the client has ended"
	[ "$line" = "$1 answers" ] || fail "the client says '$line' instead of '$1 answers'"
	echo "$line"
}

ip link add switch type bridge
ip link set switch up
machine A 1
machine B 2
machine C 3
start A
exec {watching}< <(become C "$program" watch "$client" 10.0.0.99 fd00::99 2)
running+=("$!")
heard A
move B
heard B
move A
heard A
summary=$(cat <&"$watching")
echo "$summary"
[ "$(grep -c 'answered by ABA, silent for less than' <<<"$summary")" = 3 ] || fail "the client has found a mistake"
stop
