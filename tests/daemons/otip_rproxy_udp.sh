# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2154,SC2317
#
# Cases of otip_rproxy.sh: UDP.

datagrams_find_their_server_and_their_client() {
	start socat UDP4-RECVFROM:9001,fork EXEC:cat
	start socat UDP6-RECVFROM:9002,fork,bind='[::1]' EXEC:cat
	wait_for bash -c "ss -Huln | grep :9001 >/dev/null && ss -Huln | grep :9002 >/dev/null"
	start_proxy -u 90,127.0.0.1,9001 -u 91,::1,9002 --otip_period=100000 --udp_timeout=1
	local a before
	a=$(address 100000)
	before=$(count_fds)
	[ "$(echo one | client socat -t 0.5 - "UDP6:[$a]:90")" = one ] || fail "no answer of port 90"
	[ "$(echo two | client socat -t 0.5 - "UDP6:[$a]:91")" = two ] || fail "no answer of port 91"
	client python3 - "$a" <<-'END'
	import socket, sys
	a = [socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) for _ in range(20)]
	for i, s in enumerate(a):
	    s.settimeout(20)
	    s.connect((sys.argv[1], 90))
	    s.send(b"%d" % i * 300)
	for i, s in enumerate(a):
	    assert s.recv(2000) == b"%d" % i * 300
	END
	flows_are_gone() { [ "$(count_fds)" = "$before" ]; }
	wait_for flows_are_gone
}

datagrams_of_new_clients_are_dropped_at_the_limit_of_flows() {
	start socat UDP4-RECVFROM:9001,fork EXEC:cat
	wait_for bash -c "ss -Huln | grep :9001 >/dev/null"
	start_proxy -u 90,127.0.0.1,9001 --otip_period=100000 --udp_flows=2 --udp_timeout=2
	local a
	a=$(address 100000)
	client python3 - "$a" <<-'END'
	import socket, sys, time
	a = [socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) for _ in range(3)]
	for s in a:
	    s.settimeout(20)
	    s.connect((sys.argv[1], 90))
	for s in a[:2]:
	    s.send(b"x")
	    assert s.recv(10) == b"x"
	a[2].send(b"dropped")
	a[0].send(b"y")
	assert a[0].recv(10) == b"y"
	a[2].settimeout(0.2)
	end = time.monotonic() + 20 # it has room when the others have been idle
	while True:
	    assert time.monotonic() < end
	    try:
	        a[2].send(b"later")
	        assert a[2].recv(10) == b"later"
	        break
	    except TimeoutError:
	        pass
	END
}
