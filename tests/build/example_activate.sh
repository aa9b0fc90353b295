#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     example_activate.sh PROGRAM
#
# Two nginx, each on the same address and port of another network. Then a server that knows LISTEN_FDS. The clients
# run in stacks of the echo server. A listening socket exists before its server starts, so no client comes too
# early.

set -eu
dir=${VDESTACK_TEST_TMP:-$PWD}
nginx=$(PATH=$PATH:/usr/sbin command -v nginx) || { echo "there is no nginx" >&2; exit 77; }
command -v python3 >/dev/null || { echo "there is no python3" >&2; exit 77; }
echo_server=$(dirname "$1")/echo_server
mkdir "$dir/activate"
cd "$dir/activate"

# configure SITE TEXT
configure() {
	cat >"$1.conf" <<-CONFIG
	pid $PWD/$1.pid;
	error_log $PWD/$1.log notice;
	worker_processes 2;
	events {}
	http {
		access_log off;
		client_body_temp_path $PWD/$1.body;
		proxy_temp_path $PWD/$1.proxy;
		fastcgi_temp_path $PWD/$1.fastcgi;
		uwsgi_temp_path $PWD/$1.uwsgi;
		scgi_temp_path $PWD/$1.scgi;
		server {
			listen 192.168.1.1:80;
			return 200 '$2: \$remote_addr';
		}
	}
	CONFIG
}

# shellcheck disable=SC2016
get='exec 3<>/dev/tcp/192.168.1.1/80; printf "GET / HTTP/1.0\r\n\r\n" >&3; while read -r line <&3; do :; done; echo "$line"'
client() {
	"$echo_server" "vnl=ptp://$PWD/$1 ip=192.168.1.2/24" bash -c "$2"
}

mkfifo started
exec 4<>started
for site in office factory; do
	configure $site $site
	# shellcheck disable=SC2016
	"$1" "vnl=ptp://$PWD/$site ip=192.168.1.1/24" 192.168.1.1:80 -- \
		sh -c 'echo started >&4; exec 4>&-; exec "$@"' sh "$nginx" -c "$PWD/$site.conf" -e "$PWD/$site.log" &
	read -r _ <&4
done
client office "$get"
client factory "$get"

# The new workers listen on the same socket. They serve when the old ones have ended.
configure office "office after a reload"
kill -HUP "$(cat office.pid)"
end=$((SECONDS + 20))
until page=$(client office "$get") && [[ $page == *reload* ]]; do
	[ $SECONDS -lt $end ] || { cat office.log >&2; exit 1; }
done
echo "$page"
kill "$(cat office.pid)" "$(cat factory.pid)"
wait

"$1" 'vnl=inproc://lan ip=10.0.0.1/24' 10.0.0.1:80 :81 -- python3 -c '
import os, socket
assert os.environ["LISTEN_PID"] == str(os.getpid())
sockets = [socket.socket(fileno=3 + n) for n in range(int(os.environ["LISTEN_FDS"]))]
assert [s.getsockname()[1] for s in sockets] == [80, 81]
assert all(s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) for s in sockets)
print("both sockets of a server that knows LISTEN_FDS:", len(sockets))'
"$1" 'vnl=inproc://lan ip=10.0.0.1/24' 10.0.0.1:80 2>/dev/null || echo "usage: exit status $?"
cd "$dir"
rm -rf activate
