#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     run.sh CASE VDESTACK-PROGRAM [DEMO-PROGRAM | SOURCE]
#
# `vdestack run` with programs of others.

set -eu -o pipefail
case=$1 vdestack=$2 demo=${3-}
cd "$VDESTACK_TEST_TMP"
trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT

# A sanitizer's runtime must be the first library.
shim=$(dirname "$vdestack")/../src/libvdestack-preload.so
engines="preload supervise"
if [ ! -e "$shim" ] || grep -qE '__(asan|tsan|ubsan)_' "$shim"; then
	engines=supervise
fi

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

fail() {
	echo "$*" >&2
	for file in names.log err out; do
		[ ! -s "$file" ] || sed "s/^/$file: /" "$file" >&2
	done
	exit 1
}

# A name server at 10.9.0.1 of the network: git.example is 10.9.0.4, other names of example are 10.9.0.3. It logs
# who asks.
start_names() {
	(exec "$vdestack" enter "vnl=vde://$PWD/hub ip=10.9.0.1/24" -- dnsmasq --keep-in-foreground \
		--conf-file=/dev/null --no-resolv --no-hosts --listen-address=10.9.0.1 --bind-interfaces \
		--address=/git.example/10.9.0.4 --address=/example/10.9.0.3 --local=/example/ --pid-file= \
		--log-queries --log-facility="$PWD/names.log") >server.names 2>&1 &
	wait_for grep -q started names.log
}

with_names() { # OPTION... -- PROGRAM ARGUMENT...
	"$vdestack" run "vnl=vde://$PWD/hub" ip=10.9.0.2/24 dns=10.9.0.1 "$@"
}

asked() { # NAME: by a program with the address 10.9.0.2
	grep -q "query\[[A]*\] $1 from 10.9.0.2" names.log
}

case $case in
names_of_programs_without_the_library_are_those_of_the_stack)
	need dnsmasq busybox python3 getent
	start_network
	start_names
	with_names --any -- busybox nslookup busybox.example >out 2>err || fail "busybox: $?"
	grep -q 10.9.0.3 out && asked busybox.example || fail "busybox asked another server"
	with_names --any -- getent hosts getent.example >out 2>err || fail "getent: $?"
	grep -q 10.9.0.3 out && asked getent.example || fail "getent asked another server"
	with_names --any -- python3 -c 'import socket; print(socket.gethostbyname("python.example"))' >out 2>err ||
		fail "python3: $?"
	grep -q 10.9.0.3 out && asked python.example || fail "python3 asked another server"
	# What asks for records of other types has the files only.
	with_names --engine=preload --names=mounts -- python3 -c '
import ctypes
libc, answer = ctypes.CDLL("libc.so.6"), ctypes.create_string_buffer(512)
query = libc.res_query if hasattr(libc, "res_query") else ctypes.CDLL("libresolv.so.2").__res_query
print(query(b"records.example", 1, 1, answer, 512) > 0)' >out 2>err || fail "res_query: $?"
	grep -q True out && asked records.example || fail "res_query asked another server"
	# The preload engine has the mounts on request.
	with_names --engine=preload --names=mounts -- sh -c 'busybox nslookup child.example; getent hosts lib.example' \
		>out 2>err || fail "a static child: $?"
	[ "$(grep -c 10.9.0.3 out)" = 2 ] && asked child.example && asked lib.example || fail "a child asked another server"
	;;
files_of_the_kernel_show_the_host_and_questions_on_sockets_the_stack)
	need busybox ip
	for engine in preload supervise; do
		show() { "$vdestack" run --engine=$engine iface=planet0 vnl=inproc://lan ip=10.9.0.1/24 -- "$@" >out 2>err; }
		show busybox ifconfig planet0 || fail "ifconfig: $?"
		grep -q 10.9.0.1 out || fail "ifconfig has another address"
		show busybox ip address show planet0 || fail "ip of busybox: $?"
		grep -q 10.9.0.1 out || fail "ip of busybox has another address"
		show ip -o link show || fail "ip: $?"
		[ "$(wc -l <out)" = 2 ] || fail "ip shows other interfaces"
		show sh -c 'ls /sys/class/net; cat /proc/net/dev' || fail "files: $?"
		grep -q '^lo' out || fail "files do not show the host"
		! grep planet0 out || fail "files show the stack"
	done
	;;
a_go_program_has_names_and_interfaces_of_the_stack)
	need dnsmasq
	compiler=$(PATH=/usr/bin:$PATH command -v go) || { echo "there is no go" >&2; exit 77; }
	env HOME="$PWD" GOCACHE="$PWD/cache" GOPATH="$PWD/path" GO111MODULE=off GOFLAGS= GOTOOLCHAIN=local \
		CGO_ENABLED=0 "$compiler" build -o program "$demo"
	chmod -R u+w cache
	start_network
	start_names
	"$vdestack" run -v iface=planet0 "vnl=vde://$PWD/hub" ip=10.9.0.2/24 dns=10.9.0.1 -- ./program go.example >out 2>err || fail "the program: $?"
	grep -q 'engine supervise' err || fail "the engine is another one"
	[ "$(grep -c '^[a-z]' out)" = 2 ] && grep -q '^planet0.*10.9.0.2/24' out || fail "interfaces are others"
	grep -q '^\[10.9.0.3\]$' out && asked go.example || fail "another server was asked"
	;;
files_about_names_are_those_of_the_stack_or_the_host_as_asked_for)
	need
	here="$(cat /etc/resolv.conf /etc/hosts)"
	show() { "$vdestack" run "$@" vnl=inproc://a dns=10.1.2.3 -- cat /etc/resolv.conf /etc/hosts 2>err; }
	show --any | grep -x 'nameserver 10.1.2.3' >/dev/null || fail "resolv.conf is the host's"
	[ "$(show --any --names=host)" = "$here" ] || fail "resolv.conf is not the host's"
	[ "$(show --engine=preload)" = "$here" ] || fail "resolv.conf is not the host's, with the library"
	show --engine=preload --names=mounts | grep -x 'nameserver 10.1.2.3' >/dev/null || fail "resolv.conf is the host's"
	# Rules may leave a plain socket to the host: then names are the host's, too.
	[ "$(show --any --rule 'default host')" = "$here" ] || fail "resolv.conf is not the host's, by rules"
	"$vdestack" run --any --stack "b=vnl=inproc://b dns=10.4.5.6" --rule "default b" "" -- cat /etc/resolv.conf >out 2>err
	grep -qx 'nameserver 10.4.5.6' out || fail "resolv.conf is not that of the default stack"
	[ "$(cat /etc/resolv.conf /etc/hosts)" = "$here" ] || fail "the host's files have changed"
	status=0
	"$vdestack" run --any --names=magic "" -- true 2>err || status=$?
	[ "$status" = 125 ] && grep -q magic err || fail "--names=magic: $status"
	;;
without_mounts_names_are_those_of_the_host_with_a_warning)
	need setpriv
	here="$(cat /etc/resolv.conf)"
	# As in a container: the user root without CAP_SYS_ADMIN, who can change to other users.
	none=(setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin -- "$vdestack")
	[ "$("${none[@]}" run --any vnl=inproc://a dns=10.1.2.3 -- cat /etc/resolv.conf 2>err)" = "$here" ] || fail "not the host's"
	grep -q 'warning: /etc/resolv.conf and /etc/hosts are those of the host' err || fail "there is no warning"
	status=0
	"${none[@]}" run --any --names=mounts vnl=inproc://a dns=10.1.2.3 -- touch started 2>err || status=$?
	[ "$status" = 125 ] && [ ! -e started ] || fail "the program was started: $status"
	grep -q -- '--names=host' err || fail "the remedy is not in the message"
	;;
resolvconf_follows_the_leases)
	need dnsmasq
	serve() { # NAME-SERVER: it has the hub, too
		: >names.log
		(exec "$vdestack" enter "vnl=hub://$PWD/hub ip=10.9.0.1/24" -- dnsmasq --keep-in-foreground \
			--conf-file=/dev/null --no-hosts --port=0 --leasefile-ro --interface=vde0 --no-ping \
			--dhcp-range=10.9.0.50,10.9.0.60,1h --dhcp-authoritative --dhcp-option=option:dns-server,"$1" \
			--pid-file= --log-facility="$PWD/names.log") >server.lease 2>&1 &
		server=$!
		wait_for grep -q started names.log
	}
	serve 10.9.0.1
	"$vdestack" run --any "vnl=vde://$PWD/hub dhcp" -- sh -ec '
		grep -x "nameserver 10.9.0.1" /etc/resolv.conf
		touch leased
		until grep -qx "nameserver 10.9.0.7" /etc/resolv.conf; do sleep 0.1; done' >out 2>err &
	client=$!
	wait_for test -e leased
	kill "$server"
	wait "$server" || true
	wait_for test ! -e hub
	serve 10.9.0.7 # the client's interface reconnects, and its lease is confirmed
	wait "$client" || fail "status $?"
	;;
names_asked_by_programs_leave_no_packet_in_the_hosts_network)
	need dnsmasq curl wget git nc ssh-keyscan getent python3
	start_network
	start_names
	git init -q repo
	git -C repo -c user.name=n -c user.email=e commit -q --allow-empty -m first
	echo 'the page' >index.html
	(exec "$vdestack" run --any "vnl=vde://$PWD/hub" ip=10.9.0.3/24 -- \
		python3 -m http.server 80) >server.page 2>&1 &
	(exec "$vdestack" run --any "vnl=vde://$PWD/hub" ip=10.9.0.4/24 -- \
		git daemon --base-path="$PWD" --export-all --reuseaddr) >server.git 2>&1 &
	if [ "$(id -u)" = 0 ]; then
		need tcpdump busybox
		tcpdump -i any -n -l port 53 >packets 2>tcpdump.err &
		wait_for grep -q 'listening on' tcpdump.err
	fi
	preload() { with_names --engine=preload --require -- "$@" >out 2>err; }
	gets() { preload curl -s -f http://curl.example/; }
	wait_for gets
	grep -qx 'the page' out || fail "curl has no page"
	preload wget -q -O - http://wget.example/ && grep -qx 'the page' out || fail "wget has no page"
	cloned() { preload git ls-remote git://git.example/repo; }
	wait_for cloned
	grep -q HEAD out || fail "git has no references"
	preload nc -z -w 10 nc.example 80 || fail "nc has no connection"
	preload ssh-keyscan -T 2 -p 80 keyscan.example || true # that is no server of ssh
	preload getent ahosts ahosts.example && grep -q 10.9.0.3 out || fail "getent has no address"
	preload python3 -c 'import socket; print(socket.getaddrinfo("python.example", 80))' || fail "python3: $?"
	grep -q 10.9.0.3 out || fail "python3 has no address"
	for name in curl wget git nc keyscan ahosts python; do
		asked "$name.example" || fail "nobody asked for $name.example in the stack"
	done
	if [ "$(id -u)" = 0 ]; then
		busybox nslookup marker.example 127.0.0.1 >/dev/null 2>&1 || true # what comes last
		wait_for grep -q marker.example packets
		! grep 'example' packets | grep -v marker.example >&2 || fail "questions of the programs were seen"
	fi
	;;
a_published_port_is_free_when_the_program_has_ended)
	need python3
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	start_network
	# A peer that reads nothing. The stack of the program that has written to it stays for a second.
	(exec "$vdestack" run "vnl=vde://$PWD/hub" ip=10.9.0.1/24 -- python3 -c '
import socket, time
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
listener.bind(("10.9.0.1", 7))
listener.listen()
open("listens", "w").close()
client = listener.accept()[0]
time.sleep(60)' >peer 2>&1) &
	wait_for test -e listens
	"$vdestack" run --publish "127.0.0.1:$port:80" "vnl=vde://$PWD/hub" ip=10.9.0.2/24 -- python3 -c '
import socket
s = socket.create_connection(("10.9.0.1", 7), 10)
s.setblocking(False)
try:
    while True: s.send(bytes(65536))
except BlockingIOError: pass' 2>err || fail "the first run: $?"
	for i in 1 2 3 4 5 6 7 8; do
		"$vdestack" run --publish "127.0.0.1:$port:80" '' -- true 2>err || fail "run $i: $?"
	done
	;;
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
	LD_LIBRARY_PATH=$(dirname "$vdestack")/../src:$(dirname "$vdestack")/../src/lab
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
	shown='echo "<${VDESTACK_RUN-}>"' # what the library does with it: src/preload/shim.c
	[ "$(./tool run --require "" -- sh -c "$shown" 2>/dev/null)" = "<require>" ]
	[ "$(./tool run "" -- sh -c "$shown" 2>/dev/null)" = "<>" ]
	shown='echo "<${LD_PRELOAD-}>"'
	mkdir "a folder" # LD_PRELOAD has no way to write its name
	mv tool libvdestack-preload.so "a folder"
	[ "$("a folder/tool" run "" -- sh -c "$shown" 2>/dev/null)" = "<>" ]
	;;
a_stack_that_is_made_in_a_run_is_apart_from_its_stack)
	need ip
	for engine in $engines; do
		# Each shows its interfaces; the outer stack is unchanged afterwards.
		"$vdestack" run --engine="$engine" vnl=none -- sh -c "'$vdestack' enter vnl=inproc://in ip=10.9.8.7/24 -- ip -o -4 addr && echo outer && ip -o link" >out
		[ "$(sed -n '1,/^outer/s/.*inet \([0-9.]*\).*/\1/p' out | tr '\n' ' ')" = '127.0.0.1 10.9.8.7 ' ] || { cat out >&2; exit 1; }
		[ "$(sed '1,/^outer/d' out | wc -l)" = 1 ] || { cat out >&2; exit 1; }
	done
	;;
a_program_in_another_network_namespace_has_its_sockets_there)
	need ip unshare
	unshare -rn true 2>/dev/null || { echo "no user namespaces here" >&2; exit 77; }
	for engine in $engines; do
		"$vdestack" run --engine="$engine" vnl=inproc://in ip=10.9.8.7/24 -- sh -c 'ip -o link | wc -l; unshare -rn ip -o link | wc -l' >out
		[ "$(tr '\n' ' ' <out)" = '2 1 ' ] || { cat out >&2; exit 1; }
		# That it comes back does not give it sockets of the host.
		[ "$(id -u)" != 0 ] || [ "$("$vdestack" run --engine="$engine" vnl=none -- unshare -n nsenter --net=/proc/$$/ns/net ip -o link | wc -l)" = 1 ]
	done
	;;
rules_do_not_move_sockets_of_stacks_that_the_program_made)
	need
	for engine in $engines; do
		"$vdestack" run --engine="$engine" --rule 'local=0.0.0.0/0 use host' --rule 'remote=0.0.0.0/0 use host' vnl=none -- "$demo" >out
		grep -q 'client is answered' out || { cat out >&2; exit 1; }
	done
	;;
asyncio_and_curl_are_in_two_networks_by_rules)
	need curl python3
	for n in 1 2; do
		vde_plug null:// "hub://$PWD/net$n" </dev/null >/dev/null 2>&1 &
		wait_for test -S "net$n/ctl"
		mkdir "page$n"
		echo "page $n" >"page$n/index.html"
		(exec "$vdestack" run --any "vnl=vde://$PWD/net$n" "ip=10.$n.0.1/24" -- \
			python3 -m http.server --directory "page$n" 80) >/dev/null 2>&1 &
		wait_for "$vdestack" run --any "vnl=vde://$PWD/net$n" "ip=10.$n.0.9/24" -- curl -s -f -o /dev/null "http://10.$n.0.1/"
	done
	cat >both.py <<-'EOF'
		import asyncio
		async def answer(reader, writer):
		    await reader.readuntil(b'\r\n\r\n')
		    writer.write(writer.get_extra_info('sockname')[0].encode())
		    writer.close()
		async def ask(address):
		    reader, writer = await asyncio.open_connection(address, 80)
		    writer.write(b'GET / HTTP/1.0\r\n\r\n')
		    print((await reader.read()).split(b'\n')[-2:])
		async def main():
		    for n in 1, 2:
		        await asyncio.start_server(answer, f'10.{n}.0.2', 80)
		    for address in '10.1.0.1', '10.2.0.1', '10.1.0.2', '10.2.0.2':
		        await ask(address)
		asyncio.run(main())
	EOF
	printf '%s\n' "[b'page 1', b'']" "[b'page 2', b'']" "[b'10.1.0.2']" "[b'10.2.0.2']" >expected
	for engine in $engines; do
		set -- "$vdestack" run --engine="$engine" --stack "a=vnl=vde://$PWD/net1 ip=10.1.0.2/24" \
			--stack "b=vnl=vde://$PWD/net2 ip=10.2.0.2/24" --rule 'local=10.2.0.0/16 use b' --rule 'remote=10.2.0.0/16 use b'
		"$@" -- python3 both.py >got
		diff expected got
		[ "$("$@" -- curl -s http://10.2.0.1/ http://10.1.0.1/ | tr '\n' ' ')" = 'page 2 page 1 ' ]
	done
	;;
mistakes_are_told_with_cause_and_remedy)
	need unshare
	refused() { # STATUS TEXT ARGUMENT...
		local status=0 expected=$1 text=$2
		shift 2
		"$@" >out 2>err || status=$?
		if [ "$status" != "$expected" ] || ! grep -qF -- "$text" err; then
			echo "$*: status $status" >&2
			cat err >&2
			exit 1
		fi
	}
	printf '#!/no/such/interpreter\n' >script
	chmod +x script
	refused 126 './script: its interpreter or its dynamic loader is missing' "$vdestack" run "" -- ./script
	refused 125 'a published port needs a stack' "$vdestack" run --publish 8080:80 --rule 'default host' -- true
	if unshare -Ur true 2>/dev/null; then
		# a search for leaks makes a task, which would be the first process of the namespace
		refused 125 'unshare --pid --fork' env ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0" \
			unshare -Ur --pid "$vdestack" run "" -- true
	fi
	refused 125 'vdestack enter: invalid option' "$vdestack" enter -x
	long=$(printf '%065d' 0)
	refused 125 'it has more than 64 characters' "$vdestack" enter -H "$long" vnl=none -- true
	refused 125 'a name server is no address' "$(dirname "$vdestack")/vdens" -R 10.0.0.1,nonsense - true
	;;
without_proc_the_engines_work)
	need unshare python3
	unshare -Urm true 2>/dev/null || { echo "no user namespaces here" >&2; exit 77; }
	LD_LIBRARY_PATH=$(dirname "$vdestack")/../src:$(dirname "$vdestack")/../src/lab # $ORIGIN needs /proc
	export LD_LIBRARY_PATH
	cat >try <<-'EOF'
		mount -t tmpfs none /proc
		"$1" run --require "$2" --rule 'remote=10.0.0.0/8 use main' vnl=inproc://in ip=10.9.8.7/24 -- \
			python3 -c 'import socket; s = socket.socket(); s.bind(("10.9.8.7", 80)); print("bound")'
	EOF
	for engine in $engines; do
		unshare -Urm sh try "$vdestack" --engine="$engine" >out
		[ "$(cat out)" = bound ] || exit 1
	done
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
