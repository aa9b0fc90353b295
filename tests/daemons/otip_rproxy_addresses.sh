# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2154,SC2317
#
# Cases of otip_rproxy.sh: the life of addresses.

# Half of the file is sent when the address is retired.
a_transfer_outlives_its_address() {
	head -c 3000000 /dev/urandom >big
	mkfifo go
	start_python <<-'END'
	import socket
	data = open("big", "rb").read()
	s = socket.create_server(("127.0.0.1", 8008))
	print("ready", flush=True)
	while True:
	    c, _ = s.accept()
	    c.recv(1000)
	    c.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + data[:1500000])
	    open("go").read()
	    c.sendall(data[1500000:])
	    c.close()
	END
	wait_for grep -q ready said
	start_proxy -t 80,127.0.0.1,8008 --otip_period=4 --otip_preactive=1 --otip_postactive=1
	local a status=0
	a=$(address 4)
	CLIENT=1 client curl -sS -m 40 -o one "http://[$a]/" &
	local transfer=$!
	started+=("$transfer")
	wait_for grep -q "$a is retired" log
	kill -0 "$transfer" || fail "the transfer has failed"
	CLIENT=2 client curl -sS -m 20 "http://[$a]/" >/dev/null 2>err || status=$?
	[ "$status" = 7 ] || fail "a new connection to the old address: status $status: $(cat err)"
	echo >go
	wait "$transfer" || fail "the transfer failed"
	cmp one big
	CLIENT=3 client curl -sS -m 20 -o two "http://[$(address 4)]/" &
	transfer=$!
	started+=("$transfer")
	echo >go
	wait "$transfer" || fail "the second transfer failed"
	cmp two big
}

# picox has room for five addresses of an interface.
a_new_address_gets_the_place_of_the_oldest() {
	start_python <<-'END'
	import socket, threading
	s = socket.create_server(("127.0.0.1", 8007))
	print("ready", flush=True)
	def echo(c):
	    try:
	        while got := c.recv(100):
	            c.sendall(got)
	    except ConnectionResetError:
	        pass
	while True:
	    threading.Thread(target=echo, args=s.accept()[:1], daemon=True).start()
	END
	wait_for grep -q ready said
	start_proxy -t 80,127.0.0.1,8007 --otip_period=1 --otip_preactive=1 --otip_postactive=1
	client python3 - "$otipaddr" "$name" <<-'END'
	import socket, subprocess, sys, time
	used, a, end = set(), [], time.monotonic() + 40
	while len(a) < 8:
	    assert time.monotonic() < end
	    addr = subprocess.check_output([sys.argv[1], "-b", "2001:db8::", "-T", "1", sys.argv[2], "secret"], text=True).strip()
	    if addr in used:
	        time.sleep(0.05)
	        continue
	    used.add(addr)
	    a.append(socket.create_connection((addr, 80), 20))
	    a[-1].sendall(b"x")
	    assert a[-1].recv(1) == b"x"
	try:
	    a[0].sendall(b"y")
	    sys.exit("the first one still has %r" % a[0].recv(1))
	except (ConnectionResetError, BrokenPipeError):
	    pass
	a[-1].sendall(b"z")
	assert a[-1].recv(1) == b"z"
	END
	grep -q "has no room: 1 connections and flows" log || fail "no message"
}

# A flow goes on with the address that it began with; a new client of that address has no answer.
a_flow_outlives_its_address() {
	start socat UDP4-RECVFROM:9001,fork EXEC:cat
	wait_for bash -c "ss -Huln | grep :9001 >/dev/null"
	start_proxy -u 90,127.0.0.1,9001 --otip_period=4 --otip_preactive=1 --otip_postactive=0 --udp_timeout=1
	local a
	a=$(address 4)
	client python3 - "$a" <<-'END'
	import socket, sys, time
	a, b = (socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) for _ in range(2))
	for s in (a, b):
	    s.settimeout(2)
	    s.connect((sys.argv[1], 90))
	end = time.monotonic() + 40
	while sys.argv[1] + " is retired" not in open("log").read():
	    assert time.monotonic() < end
	    a.send(b"x")
	    assert a.recv(10) == b"x"
	    time.sleep(0.05)
	b.send(b"new")
	for i in range(5):
	    a.send(b"y")
	    assert a.recv(10) == b"y"
	try:
	    sys.exit("a new client has the answer %r" % b.recv(10))
	except (TimeoutError, ConnectionRefusedError):
	    pass
	END
	wait_for grep -q "$a is gone" log
}

periods_leave_nothing_behind() {
	start_http 127.0.0.1 8001
	start_proxy -t 80,127.0.0.1,8001 -u 90,127.0.0.1,9001 --otip_period=1 --otip_preactive=1 --otip_postactive=1
	local before threads
	periods() { [ "$(grep -c "is gone" log)" -ge "$1" ]; }
	# An address more or less is there for a moment, and the reserve is given back for one: the median counts.
	usual() {
		for _ in 1 2 3 4 5 6 7 8 9 10 11; do
			count_fds
			sleep 0.1
		done | sort -n | sed -n 6p
	}
	wait_for periods 2
	before=$(usual) threads=$(find "/proc/$proxy/task" -mindepth 1 -maxdepth 1 | wc -l)
	wait_for periods 6
	# Four periods later: one descriptor that each leaves would be four more.
	[ "$(usual)" -lt $((before + 4)) ] || fail "descriptors: $before, then others: $(ls -l "/proc/$proxy/fd")"
	[ "$(find "/proc/$proxy/task" -mindepth 1 -maxdepth 1 | wc -l)" = "$threads" ] || fail "more threads"
	# On a slow machine an address may have gone before curl uses it.
	fetched() { client curl -sS -m 20 -o one "http://[$("$otipaddr" -b 2001:db8:: -T 1 "$name" secret)]/big" 2>err; }
	wait_for fetched
	cmp one www/big
	if [ "$kind" = kernel ]; then
		[ "$(ip -6 -o addr show dev ext0 scope global | wc -l)" -le 5 ] || fail "$(ip addr show dev ext0)"
	fi
}

each_name_has_its_ports() {
	start_http 127.0.0.1 8001
	start_proxy -t 80,127.0.0.1,8001 -t 80,127.0.0.1,8009,other.example.org -t 81,127.0.0.1,8001,other.example.org \
		--otip_period=100000
	local a b status=0
	a=$(address 100000) b=$(address 100000 other.example.org)
	client curl -sS -m 20 -o one "http://[$a]/big" -o two "http://[$b]:81/big"
	cmp one www/big && cmp two www/big
	client curl -sS -m 20 "http://[$a]:81/big" 2>err || status=$?
	[ "$status" = 7 ] || fail "port 81 of the other name: status $status: $(cat err)"
}

few_descriptors_are_enough() {
	start_http 127.0.0.1 8001
	ulimit -Sn 60
	start_proxy -t 80,127.0.0.1,8001 --otip_period=4 --otip_preactive=1 --otip_postactive=1 --tcp_listen_backlog=100
	ulimit -Sn 1024
	mkfifo stay
	client python3 - "$(address 4)" >here 3<>stay <<-'END' &
	import os, socket, sys
	a = [socket.create_connection((sys.argv[1], 80), 20) for _ in range(60)]
	print("ready", flush=True)
	os.read(3, 1)
	END
	started+=($!)
	wait_for grep -q "clients wait: Too many open files" log
	# New addresses come all the same.
	later() { [ "$(grep -c lives log)" -ge 4 ]; }
	wait_for later
	! grep -q "cannot" log || fail "$(cat log)"
	local before
	before=$(ticks)
	sleep 1 # what is measured: no busy loop
	[ $(($(ticks) - before)) -le 5 ] || fail "$(($(ticks) - before)) ticks in a second"
	echo >stay
	CLIENT=2 client curl -sS -m 20 -o one "http://[$(address 4)]/big"
	cmp one www/big
}

a_gateway_and_more_addresses_are_set() {
	start_http 127.0.0.1 8001
	start_proxy -t 80,127.0.0.1,8001 --otip_period=100000 --extaddr 2001:db8:0:7::2 --extaddr 10.9.0.7/16 \
		--extgw 2001:db8:0:7::1
	ip -6 route show default | grep -F "via 2001:db8:0:7::1 dev ext0" >/dev/null || fail "$(ip -6 route)"
	ip -o addr show dev ext0 | grep -F "2001:db8:0:7::2/64" >/dev/null || fail "$(ip addr)"
	ip -o addr show dev ext0 | grep -F "10.9.0.7/16" >/dev/null || fail "$(ip addr)"
}

# Other programs in the stack outside do not take a one-time address as their source, although one of these is
# nearest to their destination.
one_time_addresses_are_no_source_of_others() {
	start_http 127.0.0.1 8001
	start_proxy -t 80,127.0.0.1,8001 --otip_period=100000 --extaddr 2001:db8::7
	local a
	a=$(address 100000)
	ip -6 -o addr show dev ext0 to "$a" | grep "deprecated.*valid_lft forever" >/dev/null || fail "$(ip addr)"
	python3 - "$a" <<-'END'
	import ipaddress, socket, sys
	near = str(ipaddress.ip_address(int(ipaddress.ip_address(sys.argv[1])) ^ 1))
	s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
	s.connect((near, 9))
	assert s.getsockname()[0] == "2001:db8::7", s.getsockname()
	END
	client curl -sS -m 20 -o one "http://[$a]/big"
	cmp one www/big
}

# Linux removes all IPv6 addresses then. Three seconds later at most an update adds those that live.
an_address_comes_back_after_the_interface_was_down() {
	start_http 127.0.0.1 8001
	start_proxy -t 80,127.0.0.1,8001 --otip_period=3 --otip_preactive=0 --otip_postactive=30
	local a
	a=$("$otipaddr" -b 2001:db8:: -T 3 "$name" secret)
	wait_for grep -q "$a lives" log
	ip link set ext0 down
	ip link set ext0 up
	[ -z "$(ip -6 -o addr show dev ext0 to "$a")" ] || grep -q again log || fail "$(ip addr)"
	wait_for curl -sS -m 2 -o one "http://[$a]/big"
	cmp one www/big
	! grep -q "$a is retired" log || fail "it was another life"
}

# A TCP connection keeps the address. Of its UDP ports only the one with a flow stays open, and not for longer.
a_retired_port_is_closed_with_its_last_flow() {
	start socat UDP4-RECVFROM:9001,fork EXEC:cat
	start socat TCP4-LISTEN:8001,bind=127.0.0.1,fork EXEC:cat
	wait_for bash -c "ss -Huln | grep :9001 >/dev/null"
	wait_for bash -c "ss -Htln | grep :8001 >/dev/null"
	start_proxy -t 80,127.0.0.1,8001 -u 90,127.0.0.1,9001 -u 91,127.0.0.1,9001 --otip_period=4 --otip_preactive=1 \
		--otip_postactive=0 --udp_timeout=1
	client python3 - "$(address 4)" <<-'END'
	import socket, subprocess, sys, time
	address = sys.argv[1]
	t = socket.create_connection((address, 80), 20)
	u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
	u.settimeout(2)
	u.connect((address, 90))
	def is_open(port):
	    return bool(subprocess.check_output(["ss", "-Huan", "src", "[%s]:%d" % (address, port)]))
	end = time.monotonic() + 40
	while address + " is retired" not in open("log").read():
	    assert time.monotonic() < end
	    u.send(b"x")
	    assert u.recv(10) == b"x"
	    assert is_open(90)
	    time.sleep(0.05)
	assert not is_open(91), "a port without flows is open"
	u.send(b"y")
	assert u.recv(10) == b"y"
	u.close()
	end = time.monotonic() + 20
	while is_open(90):
	    assert time.monotonic() < end, "the port has survived its flow"
	    time.sleep(0.05)
	t.sendall(b"z")
	assert t.recv(1) == b"z"
	END
}

# Clients take all descriptors that are not kept for the next address, and it needs more of them than some.
many_ports_have_their_descriptors() {
	start_http 127.0.0.1 8001
	local ports=() i
	for i in {1..80}; do ports+=(-t "$((8000 + i)),127.0.0.1,8001"); done
	ulimit -Sn 250
	start_proxy "${ports[@]}" --otip_period=5 --otip_preactive=1 --otip_postactive=0
	ulimit -Sn 1024
	mkfifo stay
	client python3 - "$(address 5)" >here 3<>stay <<-'END' &
	import os, socket, sys
	a = [socket.create_connection((sys.argv[1], 8000 + i % 80 + 1), 20) for i in range(150)]
	os.read(3, 1)
	END
	started+=($!)
	wait_for grep -q "clients wait: Too many open files" log
	later() { [ "$(grep -c lives log)" -ge $((lives + 2)) ]; }
	local lives
	lives=$(grep -c lives log)
	wait_for later
	! grep -q "cannot" log || fail "$(cat log)"
}
