# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2154,SC2317
#
# Cases of otip_rproxy.sh: servers and clients that people use.

need_program() { # PROGRAM PACKAGE
	command -v "$1" >/dev/null || { echo "$1 is not installed (package $2)" >&2; exit 77; }
}

# Several files at a time, some large, over connections that are kept.
nginx_serves_curl() {
	need_program nginx nginx
	mkdir -p www temp
	head -c 20000000 /dev/urandom >www/big
	echo small >www/small
	cat >nginx.conf <<-END
	user root; daemon off; master_process off; pid $scratch/nginx.pid; error_log $scratch/nginx.log;
	events { }
	http { access_log off; root $scratch/www; sendfile on;
	  client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp;
	  scgi_temp_path temp; client_max_body_size 100m;
	  server { listen 127.0.0.1:8001; } }
	END
	start nginx -p "$scratch" -c nginx.conf -e "$scratch/nginx.log" 2>nginx.err
	wait_for bash -c "exec 3<>/dev/tcp/127.0.0.1/8001"
	start_proxy -t 80,127.0.0.1,8001 --otip_period=100000
	local a
	a=$(address 100000)
	client curl -sS -m 60 -Z -o one "http://[$a]/big" -o two "http://[$a]/small" -o three "http://[$a]/big" \
		-o four "http://[$a]/small"
	cmp one www/big && cmp two www/small && cmp three www/big && cmp four www/small
	client curl -sS -m 60 -r 1000000-1999999 -o part "http://[$a]/big"
	cmp part <(tail -c +1000001 www/big | head -c 1000000)
}

# Standard input goes there while the sum of it comes back, and a command has its status.
ssh_runs_commands() {
	need_program ssh openssh-client
	need_program ssh-keygen openssh-client
	[ -x /usr/sbin/sshd ] || { echo "sshd is not installed (package openssh-server)" >&2; exit 77; }
	head -c 5000000 /dev/urandom >sent
	# An sshd that is not root separates no privileges, which needs users that this namespace does not have.
	(cat /etc/passwd && echo "tester:x:1000:1000::$scratch:/bin/bash") >"$scratch/passwd"
	mount --bind "$scratch/passwd" /etc/passwd
	ssh-keygen -q -t ed25519 -N "" -f host
	ssh-keygen -q -t ed25519 -N "" -f key
	cat >sshd.conf <<-END
	ListenAddress 127.0.0.1
	Port 8022
	HostKey $scratch/host
	AuthorizedKeysFile $scratch/key.pub
	PidFile $scratch/sshd.pid
	StrictModes no
	UsePAM no
	END
	start unshare --user --map-user=1000 --map-group=1000 /usr/sbin/sshd -D -e -f "$scratch/sshd.conf" 2>sshd.log
	wait_for bash -c "exec 3<>/dev/tcp/127.0.0.1/8022"
	start_proxy -t 22,127.0.0.1,8022 --otip_period=100000
	local a status=0 sum
	a=$(address 100000)
	login() {
		client timeout 60 ssh -6 -F none -i "$scratch/key" -o StrictHostKeyChecking=no -o BatchMode=yes \
			-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR "tester@$a" "$@"
	}
	sum=$(login sha256sum <sent) || fail "ssh: status $?: $(cat sshd.log)"
	[ "${sum%% *}" = "$(sha256sum <sent | cut -d' ' -f1)" ] || fail "the sum is $sum"
	login cat "$scratch/sent" </dev/null >got || fail "ssh: status $?: $(cat sshd.log)"
	cmp got sent
	login "exit 7" </dev/null || status=$?
	[ "$status" = 7 ] || fail "the status is $status"
}

# Both directions at a time, each with more than all buffers hold.
socat_sends_both_ways_at_a_time() {
	head -c 8000000 /dev/urandom >up
	head -c 8000000 /dev/urandom >down
	start socat -t 30 TCP4-LISTEN:8003,reuseaddr "OPEN:$scratch/down,rdonly!!CREATE:$scratch/up.got"
	wait_for bash -c "ss -Htln | grep :8003 >/dev/null"
	start_proxy -t 80,127.0.0.1,8003 --otip_period=100000
	client timeout 60 socat -t 30 "OPEN:$scratch/up,rdonly!!CREATE:$scratch/down.got" "TCP6:[$(address 100000)]:80"
	wait_for cmp up up.got
	cmp down down.got
}

# The pipes of splice(2): stalled clients have at most 64, and the next ones are copied.
clients_that_do_not_read_leave_room_for_others() {
	mkdir -p www
	head -c 4000000 /dev/urandom >www/big
	start_http 127.0.0.1 8001
	start_proxy -t 80,127.0.0.1,8001 --otip_period=100000 --tcp_listen_backlog=200
	local a before rss
	a=$(address 100000) before=$(count_fds)
	mkfifo stay
	client python3 - "$a" >here 3<>stay <<-'END' &
	import os, socket, sys
	a = []
	for i in range(80):
	    s = socket.create_connection((sys.argv[1], 80), 20)
	    s.sendall(b"GET /big HTTP/1.0\r\n\r\n")
	    assert s.recv(1) == b"H"
	    a.append(s)
	print("ready", flush=True)
	os.read(3, 1)
	END
	started+=($!)
	wait_for grep -q ready here
	[ "$(count_fds)" -le $((before + 160 + 128 + 2)) ] || fail "$(count_fds) descriptors, were $before"
	CLIENT=2 client curl -sS -m 30 -o one "http://[$a]/big"
	cmp one www/big
	rss=$(awk '/VmRSS/ { print $2 }' "/proc/$proxy/status")
	[ "$rss" -lt 40000 ] || fail "$rss KiB"
	echo >stay
	descriptors_are_gone() { [ "$(count_fds)" = "$before" ]; }
	wait_for descriptors_are_gone
}
