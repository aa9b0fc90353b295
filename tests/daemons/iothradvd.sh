#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     iothradvd.sh CASE IOTHRADVD VDESTACK EXAMPLE UNIT
#
# iothradvd with programs of others: the kernel of a host, rdisc6, radvdump. Router and host are two network
# namespaces with a veth pair, or stacks on a hub of VDE. EXAMPLE is the configuration file of the examples, and
# UNIT the configured unit of systemd.

set -eu
if [ -z "${INSIDE:-}" ]; then
	export INSIDE=1
	exec unshare --user --map-root-user --net --mount --fork "$BASH" "$0" "$@"
fi
case=$1 iothradvd=$2 example=$4 unit=$5
scratch=$(mktemp -d)
own="" # processes
pid=""
trap 'for pid in $own; do kill "$pid" 2>/dev/null || true; done; rm -rf "$scratch"' EXIT

fail() {
	echo "$*" >&2
	for log in "$scratch"/*.log; do
		[ ! -f "$log" ] || sed "s|^|${log##*/}: |" "$log" >&2
	done
	exit 1
}

need() { # PROGRAM PACKAGE
	command -v "$1" >/dev/null || { echo "$1 is not installed (package $2)" >&2; exit 77; }
}

# until_true SECONDS COMMAND...: repeats a command
until_true() {
	local end=$(($(date +%s) + $1))
	shift
	until "$@"; do
		[ "$(date +%s)" -lt "$end" ] || fail "this did not become true: $*"
		sleep 0.1
	done
}

# The host: a namespace with cl0; ours has vde0.
make_host() {
	unshare --net sleep 1000 &
	host=$!
	own="$own $host"
	until_true 10 other_namespace
	ip link set lo up
	ip link add vde0 type veth peer name cl0 netns "$host"
	echo 0 >/proc/sys/net/ipv6/conf/vde0/accept_ra
	# Without duplicate address detection addresses can be used at once.
	echo 0 >/proc/sys/net/ipv6/conf/vde0/accept_dad
	# shellcheck disable=SC2016
	on_host bash -c 'echo 0 >/proc/sys/net/ipv6/conf/cl0/accept_dad'
	ip link set vde0 up
	on_host ip link set cl0 up
}

other_namespace() {
	[ "$(readlink "/proc/$host/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

on_host() {
	nsenter --target "$host" --net "$@"
}

host_has_addr() {
	on_host ip -6 addr show | grep -F "$1" >/dev/null
}

host_has_route() {
	on_host ip -6 route | grep "$1" >/dev/null
}

host_has_no_route() {
	! host_has_route "$1"
}

# begin ARGUMENT...: starts the program
begin() {
	"$iothradvd" "$@" 2>"$scratch/radvd.log" &
	radvd=$!
	own="$own $radvd"
}

finished() { # PID
	! kill -0 "$1" 2>/dev/null
}

# finish: it ends with status 0
finish() {
	local status=0
	kill "$radvd"
	wait "$radvd" || status=$?
	[ "$status" = 0 ] || fail "the status is $status"
}

rdisc() {
	on_host rdisc6 -1 -w 3000 cl0 >"$scratch/rdisc.log" 2>&1
}

# shows TEXT...: rdisc6 has shown these lines; blanks do not count
shows() {
	local text
	for text in "$@"; do
		tr -s ' ' <"$scratch/rdisc.log" | grep -F -- "$text" >/dev/null || fail "rdisc6 does not show \"$text\""
	done
}

says() {
	grep -qF -- "$1" "$scratch/radvd.log"
}

# deaf_switch [MAC COUNT]: see deaf_switch.py. Its directory is $scratch.
deaf_switch() {
	coproc switch { exec python3 "${0%/*}/deaf_switch.py" "$scratch" "$@"; }
	# shellcheck disable=SC2154
	own="$own $switch_PID"
	await ready
}

# await WORD: the next line of the switch
await() {
	local line=""
	# shellcheck disable=SC2154
	read -r -t 20 line <&"${switch[0]}" || fail "the switch does not say $1"
	[ "$line" = "$1" ] || fail "the switch says $line, not $1"
}

case $case in
a_host_configures_itself_and_forgets_the_router_at_the_end)
	make_host
	begin -L 1800 -M 1400 fd00:1::/64/LA/600/300
	until_true 20 host_has_addr "inet6 fd00:1::"
	until_true 20 host_has_route "^default via fe80:.* mtu 1400"
	finish
	until_true 20 host_has_no_route "^default"
	;;
rdisc6_shows_each_option)
	need rdisc6 ndisc6
	make_host
	begin -P 0 -H 33 -F MOPh -L 1800 -r 30000 -R 1000 -M 1400 --rdnss fd00:1::53,fd00:1::54/600 \
		--dnssl example.org,lan.example/601 --route 2001:db8:9::/48/low/602 --pref64 64:ff9b::/96/600 \
		fd00:1::/64/LA/86400/14400 fd00:2::/60/L
	until_true 20 rdisc
	shows "Hop limit : 33 " "Stateful address conf. : Yes" "Stateful other conf. : Yes" "Mobile home agent : No" \
		"Router preference : high" "Neighbor discovery proxy : Yes" "Router lifetime : 1800 " \
		"Reachable time : 30000 " "Retransmit time : 1000 " "Prefix : fd00:1::/64" "Valid time : 86400 " \
		"Pref. time : 14400 " "Prefix : fd00:2::/60" "Valid time : infinite" "Pref. time : infinite" \
		"MTU : 1400 bytes (valid)" "Source link-layer address: $(ip -br link show vde0 | awk '{ print toupper($3) }')" \
		"Route : 2001:db8:9::/48" "Route preference : low" "Route lifetime : 602 " \
		"Recursive DNS server : fd00:1::53" "fd00:1::54" "DNS servers lifetime : 600 " "example.org" "lan.example" \
		"from fe80::"
	finish
	;;
two_networks_have_their_own_prefixes)
	make_host
	ip link add vde1 type veth peer name cl1 netns "$host"
	echo 0 >/proc/sys/net/ipv6/conf/vde1/accept_ra
	echo 0 >/proc/sys/net/ipv6/conf/vde1/accept_dad
	ip link set vde1 up
	on_host ip link set cl1 up
	begin --verbose --iface vde0 fd00:1::/64/LA
	says_later() { says "advertises 1 prefixes"; }
	until_true 20 says_later
	first=$radvd
	begin --iface vde1 fd00:2::/64/LA
	on_interface() { on_host ip -6 addr show dev "$1" | grep -F "inet6 $2" >/dev/null; }
	until_true 20 on_interface cl0 fd00:1:
	until_true 20 on_interface cl1 fd00:2:
	! on_interface cl0 fd00:2: || fail "the prefix of the other network"
	! on_interface cl1 fd00:1: || fail "the prefix of the other network"
	finish
	radvd=$first
	finish
	;;
after_sigkill_the_next_process_serves)
	need rdisc6 ndisc6
	make_host
	begin -p "$scratch/radvd.pid" -P 0 -L 1800 fd00:1::/64/LA
	until_true 20 rdisc
	until_true 20 [ -s "$scratch/radvd.pid" ]
	kill -9 "$radvd"
	wait "$radvd" 2>/dev/null || true
	[ -s "$scratch/radvd.pid" ] || fail "the pidfile has gone"
	begin -p "$scratch/radvd.pid" -P 0 -L 1800 fd00:2::/64/LA
	until_true 20 rdisc
	shows "Prefix : fd00:2::/64"
	finish
	[ ! -e "$scratch/radvd.pid" ] || fail "the pidfile is still there"
	;;
with_few_descriptors_it_serves_or_says_why)
	make_host
	for ((n = 4; n < 12; n++)); do
		(ulimit -Sn "$n" && exec "$iothradvd" -v -P 0 fd00:1::/64/LA) 2>"$scratch/radvd.log" &
		radvd=$!
		own="$own $radvd"
		has_begun() { finished "$radvd" || says "advertises 1 prefixes"; }
		until_true 20 has_begun
		if says "advertises 1 prefixes"; then
			finish
		else
			! wait "$radvd" || fail "with $n descriptors: status 0"
			says "Too many open files" || fail "with $n descriptors: another message"
		fi
	done
	begin -P 0 fd00:1::/64/LA
	until_true 20 rdisc
	finish
	;;
radvdump_reads_the_file_of_the_example)
	need radvdump radvdump
	make_host
	sed 's/^iface = .*/iface = vde0/; s/^period = .*/period = 4/' "$example" >"$scratch/example.conf"
	nsenter --target "$host" --net stdbuf -oL radvdump >"$scratch/dump.log" 2>&1 &
	own="$own $!"
	begin -f "$scratch/example.conf"
	until_true 30 grep -q "^}; # End of interface" "$scratch/dump.log"
	for line in "AdvOtherConfigFlag on" "AdvDefaultLifetime 1800" "AdvCurHopLimit 64" "AdvLinkMTU 1400" \
		"prefix 2001:db8:1::/64" "AdvValidLifetime 86400" "AdvPreferredLifetime 14400" "prefix fd00:1::/64" \
		"route 2001:db8:f000::/36" "AdvRoutePreference low" "RDNSS 2001:db8:1::53 fd00:1::53" \
		"AdvRDNSSLifetime 3600" "DNSSL lan.example.org"; do
		grep -qF -- "$line" "$scratch/dump.log" || fail "radvdump does not show $line"
	done
	finish
	;;
tshark_finds_no_fault_in_any_option)
	need tshark tshark
	need rdisc6 ndisc6
	make_host
	nsenter --target "$host" --net tshark -i cl0 -n -V -c 1 -f "icmp6 and ip6[40] == 134" \
		>"$scratch/tshark.log" 2>"$scratch/tshark_err.log" &
	tshark=$!
	own="$own $tshark"
	until_true 30 grep -q "Capturing on" "$scratch/tshark_err.log"
	begin -P 4 -L 1800 -F Oh --rdnss fd00:1::53,fd00:1::54/600 --dnssl example.org/601 --route 2001:db8:9::/48/low/602 \
		--pref64 64:ff9b::/96/600 --captive-portal https://portal.example.org/api fd00:1::/64/LAR/86400/14400
	until_true 30 finished "$tshark"
	for text in "Hop Limit: 255" "[Checksum Status: Good]" "ICMPv6 Option (PREF64 Option)" "64:ff9b::" "Lifetime: 600" \
		"https://portal.example.org/api" "ICMPv6 Option (Route Information" "example.org" "fd00:1::54"; do
		grep -qF -- "$text" "$scratch/tshark.log" || fail "tshark does not show $text"
	done
	! grep -iE "malformed|expert info \((warn|error)" "$scratch/tshark.log" || fail "tshark finds a fault"
	finish
	;;
sighup_reads_the_file_again)
	need rdisc6 ndisc6
	make_host
	cd "$scratch"
	printf 'lifetime 1800\nmtu = 1300\nprefix = fd00:1::/64/LA\n' >radvd.conf
	"$iothradvd" -d -p radvd.pid -f radvd.conf || fail "the status is $?"
	radvd=$(cat radvd.pid)
	own="$own $radvd"
	until_true 20 host_has_addr "inet6 fd00:1::"
	until_true 20 host_has_route "^default .*mtu 1300"
	printf 'lifetime = 1800\nmtu = 1400\nprefix = fd00:2::/64/LA\n' >radvd.conf
	kill -HUP "$radvd"
	until_true 20 host_has_addr "inet6 fd00:2::"
	until_true 20 host_has_route "^default .*mtu 1400"
	kill "$radvd"
	until_true 20 host_has_no_route "^default"
	until_true 20 [ ! -e radvd.pid ]
	;;
sighup_with_a_wrong_file_changes_nothing)
	need rdisc6 ndisc6
	make_host
	printf 'lifetime 1800\nmtu = 1300\nprefix = fd00:1::/64/LA\n' >"$scratch/radvd.conf"
	begin -f "$scratch/radvd.conf"
	until_true 20 host_has_route "^default .*mtu 1300"
	printf 'lifetime = 1800\nmtu = 5\nprefix = fd00:2::/64/LA\n' >"$scratch/radvd.conf"
	kill -HUP "$radvd"
	until_true 20 says "the settings stay as they were"
	says "radvd.conf:2: mtu: 5 " || fail "nothing is said of the mistake"
	rdisc || fail "no answer"
	shows "MTU : 1300 " "Prefix : fd00:1::/64"
	! grep -F fd00:2:: "$scratch/rdisc.log" || fail "a prefix of the wrong file is advertised"
	finish
	;;
a_start_that_hangs_ends_with_sigterm)
	deaf_switch
	for signal in TERM INT; do
		# A job of a script ignores SIGINT.
		python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$iothradvd" -s "vde://$scratch" fd00:1::/64/LA 2>"$scratch/radvd.log" &
		radvd=$!
		own="$own $radvd"
		await client
		kill -"$signal" "$radvd"
		until_true 10 finished "$radvd"
	done
	# In the background: the command returns, and not with success.
	"$iothradvd" -d -p "$scratch/radvd.pid" -s "vde://$scratch" fd00:1::/64/LA 2>"$scratch/radvd.log" &
	launcher=$!
	own="$own $launcher"
	await client
	radvd=$(cat "/proc/$launcher/task/$launcher/children")
	kill "${radvd% }"
	until_true 10 finished "$launcher"
	! wait "$launcher" || fail "the status is 0"
	;;
a_start_that_hangs_fails_after_ten_seconds)
	deaf_switch
	begin -s "vde://$scratch" fd00:1::/64/LA
	await client
	until_true 30 finished "$radvd"
	! wait "$radvd" || fail "the status is 0"
	says "the network vde://$scratch: Connection timed out" || fail "another message"
	;;
a_switch_that_does_not_read_stops_nothing)
	deaf_switch 80:01:01:01:01:01 2000
	begin -s "vde://$scratch" -m 80:01:01:01:01:01 -L 1800 fd00:1::/64/LA
	await asked
	kill "$radvd"
	until_true 10 finished "$radvd"
	wait "$radvd" || fail "the status is $?"
	;;
a_network_that_does_not_open_again_stops_nothing)
	deaf_switch 80:01:01:01:01:01 1
	begin -p "$scratch/radvd.pid" -s "vde://$scratch" -m 80:01:01:01:01:01 -L 1800 fd00:1::/64/LA
	await asked
	until_true 20 [ -s "$scratch/radvd.pid" ] # it is connected
	echo >&"${switch[1]}"
	await client
	kill "$radvd"
	until_true 10 finished "$radvd"
	wait "$radvd" || fail "the status is $?"
	;;
closed_descriptors_are_no_harm_in_the_background)
	make_host
	cd "$scratch"
	"$iothradvd" -d -p radvd.pid -L 1800 fd00:1::/64/LA <&- >&- 2>&- || fail "the status is $?"
	radvd=$(cat radvd.pid)
	own="$own $radvd"
	for fd in 0 1 2; do
		[ "$(readlink "/proc/$radvd/fd/$fd")" = /dev/null ] || fail "descriptor $fd is not /dev/null"
	done
	grep -qlw "sigmask" "/proc/$radvd/fdinfo/"* || fail "it receives no signals"
	kill "$radvd"
	until_true 20 [ ! -e radvd.pid ]
	;;
a_relative_network_is_found_in_the_background)
	[ -c /dev/net/tun ] || { echo "there is no /dev/net/tun" >&2; exit 77; }
	cd "$scratch"
	"$3" run "vnl=hub://$scratch/hub" -- sleep 1000 >"$scratch/host.log" 2>&1 &
	own="$own $!"
	until_true 10 [ -e "$scratch/hub" ]
	"$iothradvd" -d -p radvd.pid -s vde://./hub fd00:1::/64/LA 2>"$scratch/radvd.log" || fail "the status is $?"
	radvd=$(cat radvd.pid)
	own="$own $radvd"
	[ "$(readlink "/proc/$radvd/cwd")" = / ] || fail "it stays in the directory"
	kill "$radvd"
	until_true 20 [ ! -e radvd.pid ]
	;;
a_station_and_a_stack_serve_a_hub)
	[ -c /dev/net/tun ] || { echo "there is no /dev/net/tun" >&2; exit 77; }
	# The host reports each prefix of which it has an address.
	# shellcheck disable=SC2016
	"$3" run "vnl=hub://$scratch/hub" -- bash -c 'for prefix in fd00:1: fd00:2: fd00:3:; do
		until ip -6 addr show | grep -F "inet6 $prefix" >/dev/null; do sleep 0.1; done
		echo "has $prefix"
	done' >"$scratch/host.log" 2>&1 &
	own="$own $!"
	until_true 10 [ -e "$scratch/hub" ]
	begin -P 4 -s "vde://$scratch/hub" -m 80:01:01:01:01:01 fd00:1::/64/LA
	until_true 20 grep -qF "has fd00:1:" "$scratch/host.log"
	finish
	begin -P 4 -s "$scratch/hub" fd00:2::/64/LA
	until_true 20 grep -qF "has fd00:2:" "$scratch/host.log"
	finish
	begin -s "stack=vdestack,vnl=vde://$scratch/hub,eth" fd00:3::/64/LA
	until_true 20 grep -qF "has fd00:3:" "$scratch/host.log"
	finish
	;;
the_completion_has_all_options_and_the_unit_is_right)
	data=$(dirname "$example")/../data
	for option in $("$iothradvd" --help | grep -oE -- '^  (-., |    )--[a-z0-9-]+' | grep -oE -- '--.*'); do
		grep -qE -- "(^|[^a-z-])$option([^a-z-]|\$)" "$data/completions/iothradvd" || fail "$option is not completed"
	done
	bash -n "$data/completions/iothradvd"
	need systemd-analyze systemd
	# shellcheck disable=SC2046
	set -- $(sed -n 's|^ExecStart=||p' "$unit")
	case ${1:-} in
	/*/bin/iothradvd) ;;
	*) fail "the unit starts ${1:-nothing}" ;;
	esac
	"$iothradvd" "${@:2}" --help >/dev/null || fail "the program does not take the options of the unit: ${*:2}"
	[[ " ${*:2} " != *" -d "* && " ${*:2} " != *" --daemon "* ]] || fail "the unit starts it in the background"
	# The program is not installed there yet.
	sed "s|^ExecStart=$1|ExecStart=$iothradvd|" "$unit" >"$scratch/iothradvd.service"
	systemd-analyze verify --man=no "$scratch/iothradvd.service" >"$scratch/unit.log" 2>&1 || fail "the unit is wrong"
	! grep -q iothradvd.service "$scratch/unit.log" || fail "the unit is wrong"
	;;
wrong_values_are_reported_with_their_lines)
	cat >"$scratch/bad.conf" <<-'END'
	period = 70000
	min-period 2
	flags = MX
	flags = hl
	lifetime = -1
	mtu = 1279
	hoplimit 256
	macaddr = 01:00:00:00:00:01
	prefix = fd00::/129
	prefix = fd00::/64/X
	prefix = fd00::/64/L/1/2
	prefix = fe80::/64
	route = fd00::/64/best
	rdnss = ff02::1
	rdnss = fd00::1,
	dnssl = a..b
	pref64 = 64:ff9b::/95
	captive-portal = "a b"
	prefix = fd00::/64/L/4294967296
	prefix = 1.2.3.4
	reachable = 3600001
	nothing = 1
	END
	status=0
	"$iothradvd" -f "$scratch/bad.conf" 2>"$scratch/radvd.log" || status=$?
	[ "$status" = 1 ] || fail "the status is $status"
	for ((line = 1; line <= 22; line++)); do
		says "bad.conf:$line: " || fail "nothing is said of line $line"
	done
	[ "$(wc -l <"$scratch/radvd.log")" = 22 ] || fail "there are other messages"
	# What concerns several values, and prefixes at both places.
	printf 'prefix = fd00:1::/64\n' >"$scratch/one.conf"
	for words in "-P 8 --min-period 7" "-f $scratch/one.conf fd00:2::/64" "fd00::/64/Q" "--rcfile $scratch/none" \
		"-i nothing0 fd00::/64" "-m 02:00:00:00:00:01 -i lo fd00::/64" "-s stack=nosuch,vnl=x=:// fd00::/64" \
		"-s $scratch/nothing fd00::/64"; do
		status=0
		# shellcheck disable=SC2086
		"$iothradvd" $words 2>"$scratch/radvd.log" || status=$?
		[ "$status" = 1 ] || fail "$words: the status is $status"
		[ "$(wc -l <"$scratch/radvd.log")" = 1 ] || fail "$words: there is not one message"
	done
	# RFC 4861 section 6.2.1.
	! "$iothradvd" -P 3 fd00::/64 2>"$scratch/radvd.log" || fail "a period of 3 s is taken"
	says "period: 3 is no number from 4 to 65535, or 0" || fail "nothing is said of the period"
	! "$iothradvd" -L 599 fd00::/64 2>"$scratch/radvd.log" || fail "a lifetime under the period is taken"
	says "the lifetime of the router, 599 s, is shorter than the period, 600 s" || fail "nothing is said of the lifetime"
	;;
*)
	fail "there is no case $case"
	;;
esac
