#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     otip_rproxy.sh CASE KIND FILE VDESTACK
#
# otip_rproxy between programs of others. FILE is the program, VDESTACK the tool vdestack. All runs in a network
# namespace: the servers inside are on its loopback interface. KIND is the stack outside:
#
#	kernel            a dummy interface of that namespace, and clients are in the namespace
#	vdestack, picox   a stack on a VDE network (hub://), and clients run in other stacks on it
#
# A case is a function of otip_rproxy_tcp.sh, _udp, _addresses, _program or _servers. What they share is here.

set -eu -o pipefail
if [ -z "${INSIDE:-}" ]; then
	export INSIDE=1
	exec unshare --user --map-root-user --net --pid --fork --kill-child --mount-proc bash "$0" "$@"
fi
for program in curl nc socat python3 vde_plug ip; do
	command -v "$program" >/dev/null || { echo "$program is not installed" >&2; exit 77; }
done
case=$1 kind=$2 rproxy=$3 vdestack=$4
otipaddr=$(dirname "$rproxy")/otipaddr
# shellcheck disable=SC2034
build=$(dirname "$(dirname "$rproxy")")
sources=$(cd "$(dirname "$0")/../.." && pwd)
cd "$(mktemp -d)"
scratch=$PWD
proxy="" started=()
finish() {
	local status=$?
	for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
	[ "$status" = 0 ] || { echo "--- the proxy:"; tail -40 "$scratch/log"; } >&2 2>/dev/null || true
	wait
	cd / && rm -rf "$scratch"
}
trap finish EXIT

fail() {
	echo "$*" >&2
	exit 1
}

# wait_for COMMAND...: until it succeeds, at most 20 seconds
wait_for() {
	local end=$((SECONDS + 20))
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || fail "in vain: $*"
		sleep 0.05
	done
}

# start COMMAND...: in the background, and ended with the case
start() {
	"$@" &
	started+=($!)
}

ip link set lo up
case $kind in
kernel)
	ip link add ext0 type veth peer name ext1
	ip link set ext1 up
	sysctl -q net.ipv6.conf.ext0.accept_dad=0
	outside="iface=ext0"
	;;
*)
	start vde_plug null:// "hub://$scratch/hub" </dev/null >/dev/null 2>&1
	wait_for test -S hub/ctl
	outside="stack=$kind,vnl=vde://$scratch/hub"
	;;
esac

# client COMMAND...: on the network outside. With several at a time, CLIENT is their number.
client() {
	if [ "$kind" = kernel ]; then
		"$@"
		return
	fi
	"$vdestack" run --engine=supervise "vnl=vde://$scratch/hub ip=2001:db8::1:${CLIENT-1}/64 nodad" -- "$@"
}

# The address of a name now. No period ends within the next two seconds.
name=www.example.org
address() { # PERIOD
	while [ $(($(date +%s) % $1)) -gt $(($1 - 3)) ]; do sleep 0.1; done
	"$otipaddr" -b 2001:db8:: -T "$1" "${2-$name}" secret
}

# start_proxy OPTION...: ready when this returns
start_proxy() {
	start "$rproxy" -v -e "$outside" -b 2001:db8:: -n "$name" --passwdfile "$scratch/password" \
		-p "$scratch/pid" "$@" 2>>"$scratch/log"
	proxy=${started[-1]}
	wait_for test -s "$scratch/pid"
}

count_fds() {
	find "/proc/$proxy/fd" -mindepth 1 | wc -l
}

start_http() { # ADDRESS PORT
	mkdir -p www
	[ -s www/big ] || head -c 3000000 /dev/urandom >www/big
	start python3 -m http.server --bind "$1" --directory www "$2" >/dev/null 2>&1
	wait_for bash -c "exec 3<>/dev/tcp/$1/$2"
}

echo secret >password
: >log

# start_python: the program on standard input, in the background; its output is in the file `said`
start_python() {
	cat >program.py
	start python3 program.py >>said
}

ticks() { # of the processor, of the proxy
	awk '{ print $14 + $15 }' "/proc/$proxy/stat"
}

for part in tcp udp addresses program servers; do
	# shellcheck disable=SC1090
	. "$sources/tests/daemons/otip_rproxy_$part.sh"
done
"$case"
