#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     example_client_dhcp.sh PROGRAM
#
# The network of the client: the echo server, and in its stack dnsmasq, which gives addresses and knows a name. The
# client starts when dnsmasq has its sockets.

set -eu
dir=${VDESTACK_TEST_TMP:-$PWD}
server=$(dirname "$1")/echo_server

# A copy: the AppArmor profile of a distribution belongs to the path.
cp "$(PATH=$PATH:/usr/sbin command -v dnsmasq)" "$dir/dnsmasq" || { echo "there is no dnsmasq" >&2; exit 77; }
cat >"$dir/dnsmasq.conf" <<END
interface=vde0
bind-interfaces
except-interface=lo
no-resolv
no-hosts
no-ping
dhcp-authoritative
dhcp-range=10.0.0.100,10.0.0.100,255.255.255.0,1h
domain=example.org
address=/www.example.org/10.0.0.1
dhcp-leasefile=$dir/leases
pid-file=$dir/pid
END

mkfifo "$dir/log"
"$server" "vnl=ptp://$dir/net ip=10.0.0.1/24" \
	"$dir/dnsmasq" --keep-in-foreground --log-facility=- --user= --group= -C "$dir/dnsmasq.conf" 2>"$dir/log" &
server_pid=$!
exec 3<"$dir/log"
while read -r line <&3 && ! [[ $line == *"sockets bound"* ]]; do :; done

status=0
"$1" "vnl=ptp://$dir/net dhcp" www:7 hello || status=$?
kill "$(cat "$dir/pid")"
wait "$server_pid" || true
rm -f "$dir/dnsmasq" "$dir/dnsmasq.conf" "$dir/leases" "$dir/log" "$dir/pid"
exit $status
