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
# A case is a function below.

set -eu -o pipefail
if [ -z "${INSIDE:-}" ]; then
	export INSIDE=1
	exec unshare --user --map-root-user --net bash "$0" "$@"
fi
case=$1 kind=$2 rproxy=$3 vdestack=$4
otipaddr=$(dirname "$rproxy")/otipaddr
build=$(dirname "$(dirname "$rproxy")") sources=$(cd "$(dirname "$0")/../.." && pwd)
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

# ---------------------------------------------------------------- TCP

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
	wait_for bash -c "ss -Htln | grep -q :8003"
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
	[ "$status" = 56 ] || [ "$status" = 7 ] || fail "curl: status $status: $(cat err)"
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

# ---------------------------------------------------------------- UDP

datagrams_find_their_server_and_their_client() {
	start socat UDP4-RECVFROM:9001,fork EXEC:cat
	start socat UDP6-RECVFROM:9002,fork,bind='[::1]' EXEC:cat
	wait_for bash -c "ss -Huln | grep -q :9001 && ss -Huln | grep -q :9002"
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
	wait_for bash -c "ss -Huln | grep -q :9001"
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

# ---------------------------------------------------------------- addresses

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
	wait_for bash -c "ss -Huln | grep -q :9001"
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
	# An address more or less is there for a moment: the least number of several looks counts.
	least() {
		local n least=100000
		for _ in 1 2 3 4 5 6 7 8 9 10; do
			n=$(count_fds)
			[ "$n" -ge "$least" ] || least=$n
			sleep 0.1
		done
		echo "$least"
	}
	wait_for periods 2
	before=$(least) threads=$(find "/proc/$proxy/task" -mindepth 1 -maxdepth 1 | wc -l)
	wait_for periods 6
	[ "$(least)" = "$before" ] || fail "descriptors: $before, then others: $(ls -l "/proc/$proxy/fd")"
	[ "$(find "/proc/$proxy/task" -mindepth 1 -maxdepth 1 | wc -l)" = "$threads" ] || fail "more threads"
	client curl -sS -m 20 -o one "http://[$("$otipaddr" -b 2001:db8:: -T 1 $name secret)]/big"
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

# ---------------------------------------------------------------- the program

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
}

a_stack_that_fails_ends_the_program() {
	start_proxy -t 80,127.0.0.1,8001 -u 90,127.0.0.1,9001 --otip_period=100000
	local mine pid status=0 ended=""
	mine=$(readlink /proc/self/ns/user)
	for pid in $(pgrep -x vdestack-picox); do
		if [ "$(readlink "/proc/$pid/ns/user")" = "$mine" ]; then
			kill -9 "$pid"
			ended=yes
		fi
	done
	[ -n "$ended" ] || fail "no process of picox"
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

"$case"
