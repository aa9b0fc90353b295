# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2154,SC2317
#
# Cases of otip_rproxy.sh: TCP.

curl_gets_a_file_over_ipv4_and_ipv6_inside() {
	start_http 127.0.0.1 8001
	start_http ::1 8002
	start_proxy -t 80,127.0.0.1,8001 -t "81,[::1],8002" -t 82,localhost,8002 --otip_period=100000
	local a
	a=$(address 100000)
	client curl -sS -m 20 -o one "http://[$a]/big" -o two "http://[$a]:81/big" -o three "http://[$a]:82/big"
	cmp one www/big && cmp two www/big && cmp three www/big
}

# The server answers when the client has ended, and the other way round.
the_end_of_one_direction_is_passed_on_alone() {
	head -c 3000000 /dev/urandom >sent
	start socat -t 20 TCP4-LISTEN:8003,fork,reuseaddr SYSTEM:sha256sum
	start_python <<-'END'
	import socket
	s = socket.create_server(("127.0.0.1", 8004))
	print("ready", flush=True)
	c, _ = s.accept()
	c.sendall(b"hello")
	c.shutdown(socket.SHUT_WR)
	n = 0
	while True:
	    got = c.recv(65536)
	    if not got:
	        break
	    n += len(got)
	print("got", n, flush=True)
	END
	wait_for grep -q ready said
	wait_for bash -c "ss -Htln | grep :8003 >/dev/null"
	start_proxy -t 80,127.0.0.1,8003 -t 81,127.0.0.1,8004 --otip_period=100000
	local a
	a=$(address 100000)
	client nc -N "$a" 80 <sent >sum
	[ "$(cut -d' ' -f1 sum)" = "$(sha256sum <sent | cut -d' ' -f1)" ] || fail "the sum is $(cat sum)"
	client python3 - "$a" <<-'END'
	import socket, sys
	s = socket.create_connection((sys.argv[1], 81), 20)
	assert s.recv(100) == b"hello"
	assert s.recv(100) == b""
	s.sendall(bytes(1000000))
	END
	wait_for grep -qx "got 1000000" said
}

a_server_that_does_not_answer_gives_a_reset() {
	start_proxy -t 80,127.0.0.1,8009 --otip_period=100000
	client python3 - "$(address 100000)" <<-'END'
	import socket, sys
	try:
	    s = socket.create_connection((sys.argv[1], 80), 20)
	    sys.exit("no reset, but %r" % s.recv(1))
	except ConnectionResetError:
	    pass
	END
	local status=0
	client curl -sS -m 20 "http://[$(address 100000)]/" 2>err || status=$?
	case $status in
	7 | 55 | 56) ;; # the reset comes while curl connects, before it sends, or when it reads
	*) fail "curl: status $status: $(cat err)" ;;
	esac
}

# Both ways: SO_LINGER with 0 seconds.
a_reset_is_passed_on() {
	start_python <<-'END'
	import socket, struct
	s = socket.create_server(("127.0.0.1", 8005))
	print("ready", flush=True)
	c, _ = s.accept()
	try:
	    while c.recv(100): pass
	except ConnectionResetError:
	    print("reset", flush=True)
	c, _ = s.accept()
	c.recv(1)
	c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
	c.close()
	s.accept()
	END
	wait_for grep -q ready said
	start_proxy -t 80,127.0.0.1,8005 --otip_period=100000
	local a
	a=$(address 100000)
	client python3 - "$a" <<-'END'
	import socket, struct, sys
	s = socket.create_connection((sys.argv[1], 80), 20)
	s.sendall(b"x")
	s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
	s.close()
	s = socket.create_connection((sys.argv[1], 80), 20)
	s.sendall(b"x")
	try:
	    s.recv(1)
	    sys.exit("no reset")
	except ConnectionResetError:
	    pass
	END
	wait_for grep -qx reset said
}

an_idle_connection_is_reset_after_its_time() {
	start_http 127.0.0.1 8001
	start_proxy -t 80,127.0.0.1,8001 --otip_period=100000 --tcp_timeout=1
	local a
	a=$(address 100000)
	client python3 - "$a" <<-'END'
	import socket, sys, time
	s = socket.create_connection((sys.argv[1], 80), 20)
	before = time.monotonic()
	try:
	    s.recv(1)
	    sys.exit("no reset")
	except ConnectionResetError:
	    assert 0.9 < time.monotonic() - before < 15
	END
}

# The server reads nothing at first: the proxy keeps little, and the client stops.
a_server_that_does_not_read_stops_the_client() {
	start_python <<-'END'
	import hashlib, socket, sys
	s = socket.create_server(("127.0.0.1", 8006))
	print("ready", flush=True)
	c, _ = s.accept()
	h = hashlib.sha256()
	while open("go").read() == "":
	    pass
	while True:
	    got = c.recv(65536)
	    if not got:
	        break
	    h.update(got)
	c.sendall(h.hexdigest().encode())
	END
	mkfifo go
	wait_for grep -q ready said
	start_proxy -t 80,127.0.0.1,8006 --otip_period=100000
	local a before after
	a=$(address 100000)
	before=$(awk '/VmRSS/ { print $2 }' "/proc/$proxy/status")
	client python3 - "$a" <<-'END'
	import hashlib, socket, sys
	s = socket.create_connection((sys.argv[1], 80), 20)
	s.settimeout(1)
	h, n, block = hashlib.sha256(), 0, bytes(range(256)) * 256
	try:
	    while True:
	        k = s.send(block)
	        h.update(block[:k])
	        n += k
	        assert n < 100000000
	except TimeoutError:
	    pass
	rss = int([l for l in open("/proc/%s/status" % open("pid").read().strip()) if "VmRSS" in l][0].split()[1])
	open("rss", "w").write(str(rss))
	open("go", "w").write("go")
	s.settimeout(20)
	s.shutdown(socket.SHUT_WR)
	assert s.recv(64, socket.MSG_WAITALL) == h.hexdigest().encode()
	END
	after=$(cat rss)
	[ $((after - before)) -lt 1500 ] || fail "the proxy has grown by $((after - before)) KiB"
}

# splice(2) does not go beyond an urgent byte that has not been read: it is dropped, and what follows arrives.
urgent_bytes_stop_nothing() {
	start_python <<-'END'
	import socket
	s = socket.create_server(("127.0.0.1", 8011))
	print("ready", flush=True)
	c, _ = s.accept()
	n = 0
	while got := c.recv(65536):
	    n += len(got) - got.count(b"!")
	c.sendall(b"%d" % n)
	END
	wait_for grep -q ready said
	start_proxy -t 80,127.0.0.1,8011 --otip_period=100000
	client python3 - "$(address 100000)" <<-'END'
	import socket, sys
	s = socket.create_connection((sys.argv[1], 80), 20)
	for _ in range(20):
	    s.sendall(bytes(500000))
	    s.send(b"!", socket.MSG_OOB)
	s.sendall(bytes(10))
	s.shutdown(socket.SHUT_WR)
	got = s.recv(100)
	assert got == b"10000010", got
	END
}

# The client reads its last bytes late: until then the connection is there, and so its address.
a_connection_stays_until_the_client_has_its_last_bytes() {
	start_python <<-'END'
	import socket
	s = socket.create_server(("127.0.0.1", 8010))
	print("ready", flush=True)
	c, _ = s.accept()
	while c.recv(100): pass
	c.sendall(bytes(300000))
	c.close()
	print("sent", flush=True)
	END
	wait_for grep -q ready said
	start_proxy -t 80,127.0.0.1,8010 --otip_period=100000
	local a before
	a=$(address 100000) before=$(count_fds)
	client python3 - "$a" "$before" <<-'END'
	import os, socket, sys, time
	proxy = "/proc/%s/fd" % open("pid").read().strip()
	s = socket.socket(socket.AF_INET6)
	s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
	s.settimeout(20)
	s.connect((sys.argv[1], 80))
	s.sendall(b"x")
	s.shutdown(socket.SHUT_WR)
	end = time.monotonic() + 20
	while "sent" not in open("said").read():
	    assert time.monotonic() < end
	    time.sleep(0.05)
	for _ in range(10):
	    assert len(os.listdir(proxy)) > int(sys.argv[2])
	    time.sleep(0.1)
	n = 0
	while got := s.recv(65536):
	    n += len(got)
	assert n == 300000, n
	END
	descriptors_are_gone() { [ "$(count_fds)" = "$before" ]; }
	wait_for descriptors_are_gone
}

connections_over_the_limit_wait() {
	start_http 127.0.0.1 8001
	start_proxy -t 80,127.0.0.1,8001 --otip_period=100000 --tcp_connections=2
	local a
	a=$(address 100000)
	client python3 - "$a" <<-'END'
	import socket, sys
	ask = b"GET /none HTTP/1.0\r\n\r\n"
	a, b, c = (socket.create_connection((sys.argv[1], 80), 20) for _ in range(3))
	b.sendall(ask)
	assert b.recv(12) == b"HTTP/1.0 404"
	c.sendall(ask)
	c.settimeout(0.3)
	try:
	    sys.exit("the third one got %r" % c.recv(12))
	except TimeoutError:
	    pass
	a.close()
	b.close()
	c.settimeout(20)
	assert c.recv(12) == b"HTTP/1.0 404"
	END
}

two_hundred_idle_clients_cost_nothing() {
	start_python <<-'END'
	import socket
	s = socket.create_server(("127.0.0.1", 8007), backlog=300)
	print("ready", flush=True)
	a = [s.accept() for _ in range(200)]
	s.accept()
	END
	wait_for grep -q ready said
	start_proxy -t 80,127.0.0.1,8007 --otip_period=100000 --tcp_listen_backlog=300
	local a
	a=$(address 100000)
	mkfifo stay
	client python3 - "$a" >here 3<>stay <<-'END' &
	import os, socket, sys
	a = [socket.create_connection((sys.argv[1], 80), 20) for _ in range(200)]
	print("ready", flush=True)
	os.read(3, 1)
	END
	started+=($!)
	wait_for grep -q ready here
	wait_for bash -c "[ \$(find /proc/$proxy/fd -mindepth 1 | wc -l) -ge 400 ]"
	local before
	before=$(ticks)
	sleep 2 # what is measured: nothing happens in this time
	[ $(($(ticks) - before)) -le 1 ] || fail "$(($(ticks) - before)) ticks in 2 seconds"
	[ "$(find "/proc/$proxy/task" -mindepth 1 -maxdepth 1 | wc -l)" -lt 8 ] || fail "too many threads"
	echo >stay
}
