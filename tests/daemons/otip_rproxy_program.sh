# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2154,SC2317
#
# Cases of otip_rproxy.sh: the program: options, files, ends.

a_daemon_has_a_pidfile_until_sigterm() {
	start_http 127.0.0.1 8001
	"$rproxy" -e "$outside" -b 2001:db8:: -n "$name" -P secret -d -p pid -t 80,127.0.0.1,8001 --otip_period 100000
	proxy=$(cat pid)
	started+=("$proxy")
	case $(tr '\0' ' ' <"/proc/$proxy/cmdline") in
	*secret*) fail "the password is shown" ;;
	*rproxy*) ;;
	*) fail "$proxy is another program" ;;
	esac
	client curl -sS -m 20 -o one "http://[$(address 100000)]/big"
	cmp one www/big
	if "$rproxy" -e "$outside" -b 2001:db8:: -n "$name" -p pid -t 80,127.0.0.1,8001 2>err; then
		fail "a second one runs"
	fi
	grep -q "the process $proxy runs already" err || fail "$(cat err)"
	kill "$proxy"
	wait_for test ! -e "/proc/$proxy"
	[ ! -e pid ] || fail "the pidfile is still there"
	[ "$kind" != kernel ] || [ -z "$(ip -6 -o addr show dev ext0 to 2001:db8::/64)" ] || fail "$(ip addr)"
}

all_mistakes_are_reported() {
	cat >rc <<-'END'
	# a comment
	  otip_period = x
	tcp 80,127.0.0.1
	tcp 99999,127.0.0.1,80
	tcp 80,1.2.3,80
	udp 53,a b,53
	udp 53,::1,53,
	nonsense 1
	extaddr fe80::/x
	extgw none
	tcp_timeout 0
	tcp 80,127.0.0.1,8080
	tcp 80,127.0.0.1,8081
	END
	local status=0
	"$rproxy" -f rc -n nodot -P a --passwdfile b 2>err || status=$?
	[ "$status" = 1 ] || fail "status $status"
	sed 's/^otip_rproxy: //' err >found
	cat >expected <<-'END'
	rc:2: otip_period: x is no number from 0 to 31536000
	rc:3: tcp: 80,127.0.0.1 is not EXTPORT,INTADDR,INTPORT[,NAME]
	rc:4: tcp: 99999 is no number from 1 to 65535
	rc:5: tcp: 1.2.3 is no address and no name
	rc:6: udp: a b is no address and no name
	rc:7: udp: 53,::1,53, ends with an empty name
	rc:8: unknown option nonsense
	rc:9: extaddr: x is no number from 1 to 128
	rc:10: extgw: none is no address
	rc:11: tcp_timeout: 0 is no number from 1 to 31536000
	END
	diff expected found || fail "the messages differ"
	status=0
	"$rproxy" -n nodot -P a --passwdfile b -t 80,::1,80 -t 80,::1,81 --otip_period 1 --otip_preactive 99 2>err || status=$?
	[ "$status" = 1 ] || fail "status $status"
	cat >expected <<-'END'
	otip_rproxy: no stack outside: --extstack is needed
	otip_rproxy: there are two passwords: --passwd and --passwdfile
	otip_rproxy: tcp: the port 80 of nodot is there twice
	otip_rproxy: nodot has no dot, so --base is needed
	otip_rproxy: more than 64 addresses at the same time: --otip_preactive and --otip_postactive are too long for this --otip_period
	END
	diff expected err || fail "the messages differ"
	! "$rproxy" -n a.b -b fc00:: -e iface=none -t 80,::1,80 2>err || fail "it runs"
	grep -q "extstack: .*none" err || fail "$(cat err)"
	! "$rproxy" -n a.b -b fc00:: -e "stack=vdestack iface=vde1" -t 80,::1,80 2>err || fail "it runs"
	grep -q "no interface vde1" err || fail "$(cat err)"
	! setpriv --bounding-set -net_admin "$rproxy" -n a.b -b fc00:: -e iface=ext0 -t 80,::1,80 2>err || fail "it runs"
	grep -q "Operation not permitted.*CAP_NET_ADMIN" err || fail "$(cat err)"
}

a_stack_that_fails_ends_the_program() {
	start_proxy -t 80,127.0.0.1,8001 -u 90,127.0.0.1,9001 --otip_period=2 --otip_preactive=1 --otip_postactive=0
	local status=0 pid ended=""
	[ "$$" = 1 ] || fail "this is no PID namespace of its own"
	for pid in $(pgrep '^vdestack-(keeper|picox)$'); do
		kill -9 "$pid"
		ended=yes
	done
	[ -n "$ended" ] || fail "no process of the stack"
	wait "$proxy" || status=$?
	[ "$status" = 1 ] || fail "status $status"
	grep -q "the stack outside has failed" log || fail "no message"
	[ ! -e pid ] || fail "the pidfile is still there"
}

bases_and_servers_are_looked_up() {
	start_http 127.0.0.1 8001
	start dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --user= --group= --pid-file= \
		--listen-address=127.0.0.1 --bind-interfaces --address=/example.org/2001:db8:: --local=/test/ \
		--address=/four.test/127.0.0.1 2>dnsmasq.log
	wait_for "$(dirname "$rproxy")/hashaddr" -D 127.0.0.1 a.example.org
	start "$rproxy" -v -e "$outside" -n "$name" --passwdfile password -p pid -D 127.0.0.1 -t 80,four.test,8001 \
		--otip_period=100000 2>>log
	proxy=${started[-1]}
	wait_for test -s pid
	client curl -sS -m 20 -o one "http://[$(address 100000)]/big"
	cmp one www/big
	local status=0
	"$rproxy" -e "$outside" -n www.none.test -D 127.0.0.1 -t 80,none.test,80 -t 81,none2.test,81 2>err || status=$?
	[ "$status" = 1 ] || fail "status $status"
	grep -q "no base address for www.none.test: there is no name none.test" err || fail "$(cat err)"
	grep -q "no address of the server none.test inside" err || fail "$(cat err)"
	grep -q "no address of the server none2.test inside" err || fail "$(cat err)"
}

the_example_of_a_configuration_works() {
	start_http 127.0.0.1 8080
	start_proxy -f "$sources/examples/otip_rproxy.conf"
	client curl -sS -m 20 -o one "http://[$(address 32)]/big"
	cmp one www/big
	[ "$(grep -c lives log)" -ge 2 ] || fail "one name has no address"
}

the_unit_and_the_completion_are_right() {
	local unit=$build/src/daemons/otip_rproxy.service
	grep -qE "^ExecStart=/[^@]*/otip_rproxy --" "$unit" || fail "$(cat "$unit")"
	# The completion knows the options that the program has.
	COMP_WORDS=(otip_rproxy --) COMP_CWORD=1 COMPREPLY=()
	# shellcheck disable=SC1091
	. "$sources/data/completions/otip_rproxy"
	_otip_rproxy
	printf '%s\n' "${COMPREPLY[@]}" | sort >found
	"$rproxy" --help | sed -n 's/^  \(-[a-zA-Z], \|    \)\(--[a-z_]*\).*/\2/p' | sort >expected
	diff expected found || fail "the options differ"
	# And the page describes them.
	while read -r option; do
		grep -q "^\.It Fl .*${option#-}\( \|$\)" "$sources/docs/man/otip_rproxy.8" || fail "$option is not in the page"
	done <expected
	command -v systemd-analyze >/dev/null || return 0
	mkdir unit
	sed "s|^ExecStart=[^ ]*|ExecStart=$rproxy|" "$unit" >unit/otip_rproxy.service
	systemd-analyze verify --man=no unit/otip_rproxy.service >verified 2>&1 || fail "$(cat verified)"
	! grep "otip_rproxy.service:" verified || fail "systemd-analyze complains"
}

# --passwd and --passwdfile give the same thing, --base and --baseaddr too: either replaces either of the file.
the_command_line_replaces_the_file() {
	start_http 127.0.0.1 8001
	local a b file
	a=$(address 100000)
	b=$("$otipaddr" -b 2001:db8:1:: -T 100000 "$name" secret)
	served() { # ADDRESS OPTION...
		local at=$1
		shift
		rm -f pid
		start "$rproxy" -e "$outside" -n "$name" -p pid -f rc -t 80,127.0.0.1,8001 --otip_period=100000 "$@"
		proxy=${started[-1]}
		wait_for test -s pid
		[ -n "$(ip -6 -o addr show dev ext0 to "$at")" ] || fail "$*: not $at: $(ip addr)"
		kill "$proxy"
		wait_for test ! -e "/proc/$proxy"
	}
	echo other >other
	for file in "passwd other" "passwdfile other"; do
		printf '%s\n' "$file" "base 2001:db8::" >rc
		served "$a" -P secret
		served "$a" --passwdfile password
		served "$b" --baseaddr 2001:db8:1:: -P secret
	done
	# As the page has it: quotes keep a '#'.
	printf '%s\n' 'passwd = "long #1 secret" # a comment' "base 2001:db8::" >rc
	served "$("$otipaddr" -b 2001:db8:: -T 100000 "$name" "long #1 secret")"
	printf '%s\n' "base 2001:db8::" "baseaddr 2001:db8:1::" "passwd a" "passwdfile b" >rc
	! "$rproxy" -e "$outside" -n "$name" -f rc -t 80,::1,80 2>err || fail "it runs"
	grep -q "^otip_rproxy: rc:2: base is there twice" err || fail "$(cat err)"
	! "$rproxy" -e "$outside" -n "$name" -b :: --baseaddr :: -t 80,::1,80 2>err || fail "it runs"
	grep -q "^otip_rproxy: base is there twice" err || fail "$(cat err)"
	sed -i 1d rc
	! "$rproxy" -e "$outside" -n "$name" -f rc -t 80,::1,80 2>err || fail "it runs"
	grep -q "there are two passwords" err || fail "$(cat err)"
}

# The servers of the port are in a stack on another network.
a_server_in_another_stack_is_reached() {
	start vde_plug null:// "hub://$scratch/inner" </dev/null >/dev/null 2>&1
	wait_for test -S inner/ctl
	start "$vdestack" run --engine=supervise "vnl=vde://$scratch/inner ip=10.7.0.1/24" -- \
		socat TCP4-LISTEN:8001,fork,reuseaddr EXEC:cat
	start_proxy -i "stack=vdestack,vnl=vde://$scratch/inner,eth,ip=10.7.0.2/24" -t 80,10.7.0.1,8001 --otip_period=100000
	answers() { [ "$(echo hello | client nc -N -w 5 "$(address 100000)" 80)" = hello ]; }
	wait_for answers
}

# What a process leaves that was killed, the next one takes over.
after_sigkill_the_next_process_serves() {
	start_http 127.0.0.1 8001
	start_proxy -t 80,127.0.0.1,8001 --otip_period=100000
	local a
	a=$(address 100000)
	client curl -sS -m 20 -o one "http://[$a]/big"
	kill -9 "$proxy"
	wait "$proxy" || true
	grep -qx "$proxy" pid || fail "the pidfile is not that of the killed process"
	start "$rproxy" -v -e "$outside" -b 2001:db8:: -n "$name" --passwdfile password -p pid -t 80,127.0.0.1,8001 \
		--otip_period=100000 2>>log
	proxy=${started[-1]}
	wait_for grep -qx "$proxy" pid
	client curl -sS -m 20 -o two "http://[$a]/big"
	cmp two www/big
	if [ "$kind" = kernel ]; then
		kill "$proxy"
		wait_for test ! -e pid
		[ -z "$(ip -6 -o addr show dev ext0 to 2001:db8::/64)" ] || fail "$(ip addr)"
	fi
}

what_the_host_refuses_has_its_remedy() {
	need_program setpriv util-linux
	local config=(-e "$outside" -b 2001:db8:: -n "$name" -P secret -t "80,127.0.0.1,8001")
	! timeout 20 setpriv --bounding-set -net_bind_service "$rproxy" "${config[@]}" 2>err || fail "port 80 is open"
	grep -q "cannot open the TCP port 80 .* CAP_NET_BIND_SERVICE" err || fail "$(cat err)"
	! timeout 20 setpriv --bounding-set -net_admin "$rproxy" "${config[@]}" 2>err || fail "there is an address"
	grep -q "CAP_NET_ADMIN" err || fail "$(cat err)"
	sysctl -q net.ipv6.conf.ext0.disable_ipv6=1
	! timeout 20 "$rproxy" "${config[@]}" 2>err || fail "there is an address without IPv6"
	grep -q "cannot add the address .* disable_ipv6" err || fail "$(cat err)"
}
