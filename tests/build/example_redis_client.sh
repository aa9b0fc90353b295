#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     example_redis_client.sh PROGRAM
#
# The network of the client: a Redis server as a command in the stack of the echo server. The client starts when
# the server listens.

set -eu
dir=${VDESTACK_TEST_TMP:-$PWD}
server=$(dirname "$1")/echo_server
command -v redis-server >/dev/null || { echo "there is no redis-server" >&2; exit 77; }

mkfifo "$dir/log"
"$server" "vnl=ptp://$dir/net ip=10.0.0.1/24" \
	redis-server --bind 10.0.0.1 --port 6379 --protected-mode no --save '' --dir "$dir" --pidfile "$dir/pid" \
	--daemonize no >"$dir/log" &
exec 3<"$dir/log"
while read -r line <&3 && ! [[ $line == *"eady to accept connections"* ]]; do :; done
cat <&3 >/dev/null &

status=0
"$1" "vnl=ptp://$dir/net ip=10.0.0.2/24" 10.0.0.1:6379 || status=$?
kill "$(cat "$dir/pid")"
exec 3<&-
wait
rm -f "$dir/log" "$dir/pid"
exit $status
