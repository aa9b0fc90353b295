#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016 # what is in single quotes is for the shell in the stack
#
#     enter.sh CASE VDESTACK-PROGRAM
#
# `vdestack enter` and `vdens`, with programs that know nothing of stacks. Processes that a case leaves behind,
# the owner and the keeper included, make it fail (tests/support/wrap.c).

set -u
case=$1 tool=$2 vdens=$(dirname "$2")/vdens
PATH=$PATH:/usr/sbin:/sbin
net=$PWD/net # of a hub that the first one makes

fail() {
	echo "$*" >&2
	[ ! -s err ] || cat err >&2
	[ ! -s out ] || cat out >&2
	exit 1
}

same() { # WHAT IS WANTED
	[ "$2" = "$3" ] || fail "$1 is '$2', not '$3'"
}

need() {
	for program in "$@"; do
		command -v "$program" >/dev/null || { echo "there is no $program" >&2; exit 77; }
	done
}

wait_for() { # COMMAND...: until it succeeds, at most 20 s
	local end=$((SECONDS + 20))
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || fail "never: $*"
		sleep 0.02
	done
}

# The processes of this case, orphans, are children of the wrapper.
count() { # NAME
	pgrep -c -P "$PPID" -x "$1"
}

gone() { # NAME
	[ "$(count "$1")" = 0 ]
}

one_owner() { # the one of another stack may still be ending
	[ "$(count vdestack-owner)" = 1 ]
}

enter() {
	"$tool" enter "$@"
}

# A program in the background, which runs on return; its process is $pid.
background() { # CONFIG PROGRAM...
	local config=$1
	shift
	"$tool" enter "$config" -- sh -c 'touch "$0" && exec "$@"' "$PWD/running" "$@" 2>err &
	pid=$!
	wait_for test -e running
}

case $case in
the_program_is_the_process_of_the_tool)
	"$tool" enter "" -- sh -c 'echo $$' >out 2>err &
	pid=$!
	wait "$pid" || fail "status $?"
	same pid "$(cat out)" "$pid"
	enter "" -- sh -c 'exit 7' 2>err
	same status $? 7
	enter "" -- sh -c 'kill -KILL $$' 2>err
	same status $? 137
	enter "" -- "$PWD/absent" 2>err
	same "status of an absent program" $? 127
	grep -qF "vdestack enter: $PWD/absent: No such file" err || fail "no message"
	touch file
	enter "" -- "$PWD/file" 2>err
	same "status of a file that is no program" $? 126
	enter "ip=10.0.0.1/24" -- true 2>err
	same "status of a wrong configuration" $? 125
	grep -q '^vdestack enter: configuration word "ip=10.0.0.1/24"' err || fail "no message of the library"
	enter 2>err
	same "status without arguments" $? 125
	same "standard input" "$(echo text | enter "" -- cat)" text
	enter "vnl=inproc://lan" -- sh -c 'exit 7' <&- >&- 2>&-
	same "status without standard streams" $? 7
	;;
the_tree_lives_in_the_stack)
	need ip
	enter "vnl=inproc://lan ip=10.0.0.1/24 gw=10.0.0.254" -- sh -ec 'ip -o addr show vde0; ip route' >out 2>err ||
		fail "status $?"
	grep -q "10.0.0.1/24" out || fail "no address"
	grep -q "^default via 10.0.0.254 dev vde0" out || fail "no route"
	same user "$(enter "" -- id -u)" "$(id -u)"
	same directory "$(enter "" -- pwd)" "$PWD"
	same "name of the host" "$(enter -H elsewhere "" -- sh -c 'uname -n; getent hosts elsewhere | cut -d" " -f1')" \
		$'elsewhere\n127.0.1.1'
	[ "$(uname -n)" != elsewhere ] || fail "the name of this host has changed"
	if [ "$(id -u)" = 0 ]; then
		same "user namespace" "$(enter "" -- readlink /proc/self/ns/user)" "$(readlink /proc/self/ns/user)"
		enter "" -- setpriv --reuid=1234 --regid=1234 --clear-groups true || fail "root cannot change its user"
	else
		same capabilities "$(enter "" -- sed -n 's/CapEff:\t//p' /proc/self/status)" 0000000000003c00
		same "capabilities with -s" "$(enter -s "" -- sed -n 's/CapEff:\t//p' /proc/self/status)" \
			0000000000203c00
		enter -s "" -- sh -c 'mount -t tmpfs none /mnt && unshare -n true' 2>err || fail "-s without effect"
	fi
	same descriptors "$(enter "" -- sh -c 'echo /proc/self/fd/*')" "$(sh -c 'echo /proc/self/fd/*')"
	;;
sys_shows_the_interfaces_of_the_stack)
	# Where the kernel lets the same user mount a sysfs by hand, the tool must, too.
	unshare -rnm mount -t sysfs none /sys 2>/dev/null || { echo "no sysfs can be mounted" >&2; exit 77; }
	same interfaces "$(enter "iface=eth7 vnl=inproc://lan" -- sh -c 'cd /sys/class/net && echo *')" "eth7 lo"
	same "what is mounted below" "$(enter "" -- ls -A /sys/fs/cgroup)" "$(ls -A /sys/fs/cgroup)"
	;;
two_stacks_on_one_network)
	need ping
	background "vnl=hub://$net ip=10.0.0.1/24 ip=fc00::1/64" sleep 1000
	enter "vnl=vde://$net ip=10.0.0.2/24 ip=fc00::2/64" -- ping -c 2 -W 5 10.0.0.1 >out 2>err || fail "no ping"
	enter "vnl=vde://$net ip=fc00::3/64" -- ping -c 2 -W 5 fc00::1 >out 2>err || fail "no ping of IPv6"
	kill "$pid"
	wait "$pid"
	same "status of the program that was ended" $? 143
	;;
programs_meet_on_a_local_segment)
	need ping
	background "name=web vnl=local://lan ip=10.0.0.1/24 ip=fc00::1/64" sleep 1000
	enter "vnl=local://lan ip=10.0.0.2/24" -- ping -c 2 -W 5 10.0.0.1 >out 2>err || fail "no ping"
	enter "vnl=local://other ip=10.0.0.2/24" -- ping -c 1 -W 1 10.0.0.1 >out 2>err && fail "a ping of another segment"
	"$tool" run "vnl=local://lan ip=10.0.0.3/24" -- ping -c 2 -W 5 10.0.0.1 >out 2>err || fail "no ping in run"
	"$tool" list >out 2>err || fail "no list"
	grep -q web out || fail "the stack is not listed"
	enter "name=client vnl=local://lan ip=10.0.0.2/24" -- "$tool" map >out 2>err || fail "no map"
	same "networks in the map" "$(grep -c 'local://lan' out)" 1
	kill "$pid"
	wait "$pid"
	same "status of the program that was ended" $? 143
	;;
files_of_names_are_private)
	cat /etc/resolv.conf /etc/hosts /etc/nsswitch.conf >before 2>/dev/null
	enter "vnl=inproc://lan dns=10.0.0.53 domain=example.org" -- cat /etc/resolv.conf >out 2>err || fail "status $?"
	same resolv.conf "$(cat out)" $'search example.org\nnameserver 10.0.0.53'
	same "resolv.conf without name servers" "$(enter "" -- cat /etc/resolv.conf)" ""
	enter "" -- cat /etc/nsswitch.conf >out 2>err
	same "services of names" "$(grep '^hosts:' out)" "hosts: files dns"
	same "other services" "$(grep -v '^hosts:' out)" "$(grep -v '^ *hosts:' /etc/nsswitch.conf)"
	same localhost "$(enter "" -- getent hosts localhost | cut -d' ' -f1)" ::1
	[ "$(enter "" -- getent hosts 203.0.113.77; echo $?)" = 2 ] || fail "an unknown address has a name"
	echo "nameserver 192.0.2.1" >mine
	same "resolv.conf of -r" "$(enter -r mine "" -- cat /etc/resolv.conf)" "nameserver 192.0.2.1"
	enter -r "$PWD/absent" "" -- true 2>err
	same "status of an absent file" $? 125
	cat /etc/resolv.conf /etc/hosts /etc/nsswitch.conf 2>/dev/null | cmp - before || fail "files of the host differ"
	;;
hosts_of_other_networks_are_left_out)
	unshare -rm true 2>/dev/null || { echo "no nested user namespace" >&2; exit 77; }
	printf '127.0.0.1 localhost\n127.0.1.1 here\n10.1.2.3 there\n# 10.1.2.4 note\n ::1\tsix\nfe80::1 link' >hosts
	echo "nameserver 10.1.2.3" >resolv
	echo "hosts: files mdns4 resolve" >nsswitch
	unshare -rm sh -ec '
		mount --bind hosts /etc/hosts
		mount --bind resolv /etc/resolv.conf
		mount --bind nsswitch /etc/nsswitch.conf
		mount -t tmpfs none /run
		mkdir /run/nscd
		touch /run/nscd/socket
		exec "$0" enter "" -- sh -c "cat /etc/hosts /etc/nsswitch.conf /etc/resolv.conf; ls -A /run/nscd"' "$tool" >out 2>err || fail "status $?"
	same files "$(cat out)" $'127.0.0.1 localhost\n::1 localhost\n127.0.0.1 localhost\n127.0.1.1 here\n ::1\tsix\nhosts: files dns'
	;;
names_come_from_a_server_in_another_stack)
	need dnsmasq
	# As root, dnsmasq changes its user and group.
	background "vnl=hub://$net ip=10.0.0.1/24" dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv \
		--no-hosts --listen-address=10.0.0.1 --bind-interfaces --address=/name.example/10.0.0.77 --pid-file= \
		--log-facility="$PWD/log"
	answered() {
		enter "vnl=vde://$net ip=10.0.0.2/24 dns=10.0.0.1" -- getent hosts name.example >out 2>/dev/null
	}
	wait_for answered
	same "the address" "$(cut -d' ' -f1 out)" 10.0.0.77
	if [ "$(id -u)" = 0 ]; then
		[ "$(stat -c %u "/proc/$pid")" != 0 ] || fail "dnsmasq is still root"
	fi
	! getent hosts name.example || fail "the host knows the name"
	kill "$pid"
	wait "$pid"
	;;
resolvconf_follows_the_leases)
	need dnsmasq
	serve() { # NAME-SERVER
		rm -f running
		background "vnl=hub://$net ip=10.0.0.1/24" dnsmasq --keep-in-foreground --conf-file=/dev/null --no-hosts \
			--port=0 --leasefile-ro --interface=vde0 --no-ping --dhcp-range=10.0.0.50,10.0.0.60,1h \
			--dhcp-authoritative --dhcp-option=option:dns-server,"$1" --pid-file= --log-facility="$PWD/log"
	}
	serve 10.0.0.1
	first=$pid
	"$tool" enter "vnl=vde://$net dhcp" -- sh -ec '
		grep -x "nameserver 10.0.0.1" /etc/resolv.conf
		touch leased
		until grep -qx "nameserver 10.0.0.2" /etc/resolv.conf; do sleep 0.1; done' >out 2>err.client &
	client=$!
	wait_for test -e leased
	kill "$first"
	wait "$first"
	wait_for test ! -e net
	serve 10.0.0.2 # the client's interface reconnects, and its lease is confirmed
	wait "$client" || fail "status $?: $(cat err.client log)"
	kill "$pid"
	;;
the_stack_lives_as_long_as_the_last_process)
	need ping
	enter "vnl=hub://$net ip=10.0.0.1/24" -- \
		sh -c 'setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo $! >daemon' 2>err || fail "status $?"
	enter "vnl=vde://$net ip=10.0.0.2/24" -- ping -c 1 -W 5 10.0.0.1 >out 2>err || fail "the stack has ended"
	wait_for one_owner
	kill "$(cat daemon)"
	wait_for gone vdestack-owner
	wait_for gone vdestack-keeper
	;;
what_a_client_sends_before_its_end_arrives)
	# The server reads slowly, so most of the data is in the client's buffer when the client ends.
	background "vnl=hub://$net ip=10.0.0.1/24" python3 -c '
import socket, time
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
server.bind(("10.0.0.1", 7))
server.listen()
open("listening", "w").close()
peer, n = server.accept()[0], 0
peer.settimeout(20)
while part := peer.recv(4096):
	n += len(part)
	time.sleep(0.005)
print(n, file=open("received", "w"))'
	wait_for test -e listening
	enter "vnl=vde://$net ip=10.0.0.2/24" -- python3 -c '
import socket
peer, n = socket.create_connection(("10.0.0.1", 7), 20), 0
peer.setblocking(False)
try:
	while True:
		n += peer.send(bytes(65536))
except BlockingIOError:
	print(n)' >sent 2>err.client || fail "status $?: $(cat err.client)"
	[ "$(cat sent)" -gt 30000 ] || fail "the buffer is too small: $(cat sent)"
	wait "$pid" || fail "status $?"
	same "number of received bytes" "$(cat received)" "$(cat sent)"
	wait_for gone vdestack-owner
	;;
a_process_that_has_unmounted_everything_keeps_the_stack)
	need ip
	# It leaves the mount namespace, and the copy that it is in has none of the tool's mounts.
	"$tool" enter -s "vnl=inproc://lan ip=10.0.0.1/24" -- unshare -m sh -ec '
		for file in /etc/hosts /etc/nsswitch.conf /run/nscd; do
			! grep -q " $file " /proc/self/mountinfo || umount "$file"
		done
		echo $$ >daemon
		exec setsid sh -c "while [ ! -e look ]; do sleep 0.05; done; ip -o addr show vde0 >seen; exec sleep 1000"' \
		>/dev/null 2>err </dev/null &
	pid=$!
	wait_for test -s daemon
	touch look
	wait_for test -s seen
	grep -q "10.0.0.1/24" seen || fail "the stack has ended: $(cat seen)"
	same "number of owners" "$(count vdestack-owner)" 1
	kill "$(cat daemon)"
	wait "$pid"
	wait_for gone vdestack-owner
	;;
without_inotify_the_stack_lives_as_long_as_the_last_process)
	# No inotify instance is left for this user: there is no watch.
	unshare -rm true 2>/dev/null || { echo "no nested user namespace" >&2; exit 77; }
	unshare -rm sh -c 'echo 0 >/proc/sys/user/max_inotify_instances && exec "$@"' - \
		"$tool" enter "vnl=inproc://lan" -- \
		sh -c 'setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo $! >daemon' 2>err || fail "status $?"
	same "number of owners" "$(count vdestack-owner)" 1
	kill "$(cat daemon)"
	wait_for gone vdestack-owner
	;;
the_program_ends_when_the_keeper_dies)
	background "vnl=inproc://lan" sh -c 'trap "touch asked; exit 3" TERM; while :; do sleep 0.05; done'
	pkill -KILL -P "$PPID" -x vdestack-keeper || fail "no keeper"
	wait "$pid"
	same status $? 3
	test -e asked || fail "the program got no SIGTERM"
	rm running
	# One that does not want to end, and its child.
	background "vnl=inproc://lan" sh -c 'trap "" TERM HUP; sleep 1000'
	pkill -KILL -P "$PPID" -x vdestack-keeper || fail "no keeper"
	wait "$pid"
	same status $? 137
	wait_for gone vdestack-owner
	;;
the_program_has_no_network_when_the_owner_was_killed)
	need ip
	background "vnl=inproc://lan ip=10.0.0.1/24" sh -c '
		while [ ! -e look ]; do sleep 0.05; done
		while ip link show vde0 >/dev/null 2>&1; do sleep 0.05; done
		cut -d: -f1 -s /proc/net/dev | tr -d " " >interfaces'
	# It ignores all signals that can be ignored, but SIGCHLD, as kill(1) shows them: 1 to 31 but 9, 17 and 19.
	ignored=$(sed -n 's/SigIgn:\t//p' "/proc/$(pgrep -P "$PPID" -x vdestack-owner)/status")
	same "ignored signals" $((0x$ignored & 0x7fffffff)) $((0x7ffafeff & ~(1 << 16)))
	pkill -KILL -P "$PPID" -x vdestack-owner
	touch look
	wait "$pid" || fail "status $?"
	same interfaces "$(cat interfaces)" lo
	;;
the_end_of_the_tool_ends_an_owner_that_makes_a_stack)
	background "vnl=hub://$net" sleep 1000
	"$tool" enter "vnl=vde://$net dhcp" -- true 2>err & # no server answers
	other=$!
	starting() { [ "$(pgrep -c -P "$PPID" -x vdestack-keeper)" = 2 ]; }
	wait_for starting
	kill "$other"
	wait "$other"
	same status $? 143
	one_left() { [ "$(pgrep -c -P "$PPID" -x vdestack-keeper)" = 1 ]; }
	wait_for one_left
	kill "$pid"
	;;
a_pipe_ends_with_the_program)
	same output "$(timeout 20 "$tool" enter "" -- sh -c '(exec setsid sleep 30 >/dev/null 2>&1) & echo $! >daemon; echo text' | cat)" text
	[ "$(count vdestack-owner)" = 1 ] || fail "the stack has ended"
	kill "$(cat daemon)"
	;;
the_terminal_is_that_of_the_program)
	python3 - "$tool" <<'END' || fail "status $?"
import os, pty, select, sys
pid, terminal = pty.fork()
if pid == 0:
	os.execv(sys.argv[1], ["vdestack", "enter", "", "--", "sh", "-c",
		"test -t 0 && ps -o stat= -p $$ | tr -d ' '; exec sleep 1000"])
text = b""
while b"\n" not in text:
	assert select.select([terminal], [], [], 30)[0], "no output"
	text += os.read(terminal, 100)
assert b"+" in text, text # in the foreground
os.write(terminal, b"\3")
status = os.waitpid(pid, 0)[1]
assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == 2, status
END
	;;
enter_works_within_enter)
	need ip
	same interfaces "$(enter "iface=one vnl=inproc://lan" -- sh -c '
		ls /proc/self/ns/net >/dev/null
		"$0" enter "iface=two vnl=inproc://lan" -- ip -o link | cut -d: -f2 | cut -d@ -f1 | tr -d " " | tr "\n" " "
		ip -o link | cut -d: -f2 | cut -d@ -f1 | tr -d " " | tr "\n" " "' "$tool" 2>err)" "lo two lo one "
	;;
nginx_serves_another_stack)
	need nginx curl
	user=""
	[ "$(id -u)" != 0 ] || user="user www-data;"
	mkdir -p log www
	echo "from the stack" >www/index.html
	chmod 755 . www
	cat >conf <<-END
		$user
		worker_processes 2;
		pid $PWD/log/pid;
		error_log $PWD/log/error;
		events { }
		http {
			access_log off;
			client_body_temp_path $PWD/log/1; proxy_temp_path $PWD/log/2; fastcgi_temp_path $PWD/log/3;
			uwsgi_temp_path $PWD/log/4; scgi_temp_path $PWD/log/5;
			server { listen 80; location / { return 200 "from the stack\n"; } }
		}
	END
	# The server becomes a daemon: the program that was started ends.
	enter "vnl=hub://$net ip=10.0.0.1/24" -- nginx -e "$PWD/log/error" -c "$PWD/conf" 2>err || fail "status $?"
	wait_for test -s log/pid
	same page "$(enter "vnl=vde://$net ip=10.0.0.2/24" -- curl -sS --noproxy '*' --retry 20 --retry-connrefused --retry-delay 1 \
		http://10.0.0.1/ 2>err)" "from the stack"
	[ "$(curl -s -m 2 --noproxy '*' http://10.0.0.1/)" != "from the stack" ] || fail "the host reaches the server"
	kill "$(cat log/pid)"
	wait_for gone vdestack-owner
	;;
vdens_has_the_options_of_vdens)
	need ip
	links() { ip -o link | cut -d: -f2 | cut -d@ -f1 | tr -d ' ' | tr '\n' ' '; }
	export -f links
	background "vnl=hub://$net vnl=hub://$net.2" sleep 1000
	same "one network" "$("$vdens" "vde://$net" bash -c links)" "lo vde0 "
	same prefix "$("$vdens" -i eth "vde://$net" bash -c links)" "lo eth0 "
	same "several networks" "$("$vdens" -m "vde://$net" "vde://$net.2" - "vde://$net" -- bash -c links)" \
		"lo vde0 vde1 vde2 "
	for none in "" - no none; do
		same "network '$none'" "$("$vdens" "$none" bash -c links)" "lo "
	done
	same "no network" "$("$vdens" -- bash -c links)" "lo "
	same "words" "$("$vdens" "vde://$net" ip=10.0.0.1/24 mtu=1400 ip -o -4 addr show vde0 | grep -o 'inet [^ ]*')" \
		"inet 10.0.0.1/24"
	same "words, dashes" "$("$vdens" "vde://$net" ip=10.0.0.1/24 -- sh -c 'echo "$@"' - -- x)" "-- x"
	same "dashes of the program" "$("$vdens" - sh -c 'echo "$@"' -- -- x)" "-- x"
	same "the shell" "$(echo 'echo in $0' | SHELL=/bin/sh "$vdens" "vde://$net")" "in /bin/sh"
	same name "$("$vdens" -H elsewhere - uname -n)" elsewhere
	same "-c and -u" "$("$vdens" -c -u - echo text)" text
	same "name servers" "$("$vdens" -R 10.0.0.1,fc00::1 - cat /etc/resolv.conf)" $'nameserver 10.0.0.1\nnameserver fc00::1'
	same "VDE_RESOLVADDR" "$(VDE_RESOLVADDR=10.0.0.1 "$vdens" - cat /etc/resolv.conf)" "nameserver 10.0.0.1"
	echo "nameserver 192.0.2.1" >mine
	same "-r" "$("$vdens" -r mine - cat /etc/resolv.conf)" "nameserver 192.0.2.1"
	same "VDE_RESOLVCONF" "$(VDE_RESOLVCONF=mine "$vdens" - cat /etc/resolv.conf)" "nameserver 192.0.2.1"
	same "the host's" "$("$vdens" - cat /etc/resolv.conf)" "$(cat /etc/resolv.conf)"
	"$vdens" - sh -c 'exit 5'
	same status $? 5
	"$vdens" - "$PWD/absent" 2>err
	same status $? 127
	"$vdens" -x 2>err
	same "status of an unknown option" $? 125
	"$vdens" --help | grep "^Usage: vdens" >/dev/null || fail "no help"
	kill "$pid"
	;;
vdens_runs_the_command_of_a_network)
	need ip vde_plug ping
	background "vnl=hub://$net ip=10.0.0.1/24" sleep 1000
	"$vdens" "=vde_plug vde://$net" ip=10.0.0.2/24 -- ping -c 1 -W 5 10.0.0.1 >out 2>err || fail "no ping"
	kill "$pid"
	;;
a_hub_leaves_its_path_free)
	for i in $(seq 10); do
		enter "vnl=hub://$net vnl=hub://$net.2 vnl=hub://$net.3" -- true 2>err || fail "start $i: status $?"
	done
	wait_for gone vdestack-keeper
	[ ! -e net ] && [ ! -e net.2 ] && [ ! -e net.3 ] || fail "directories are left"
	;;
many_starts_leave_nothing)
	for i in $(seq 50); do
		enter "" -- sh -c "exit $((i % 3))" 2>err
		same status $? $((i % 3))
	done
	wait_for gone vdestack-owner
	wait_for gone vdestack-keeper
	;;
*)
	fail "there is no case $case"
	;;
esac
# What was started ends by itself; the wrapper looks for it at once.
wait
wait_for gone vdestack-owner
wait_for gone vdestack-keeper
