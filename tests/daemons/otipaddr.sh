#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     otipaddr.sh FILE      otipaddr and, beside it, hashaddr
#
# The addresses of names, with literal bases and with bases from a name server (dnsmasq) in a network
# namespace of its own. FILE inside prints what is asked for.

set -eu
if [ -z "${INSIDE:-}" ]; then
	export INSIDE=1
	exec unshare --user --map-root-user --net "$0" "$@"
fi
otipaddr=$1 hashaddr=$(dirname "$1")/hashaddr
scratch=$(mktemp -d)
server=""
trap '[ -z "$server" ] || kill "$server"; rm -rf "$scratch"' EXIT

fail() {
	echo "$*" >&2
	exit 1
}

# prints EXPECTED COMMAND...
prints() {
	local expected=$1 found
	shift
	found=$("$@" 2>"$scratch/err") || fail "$*: status $?: $(cat "$scratch/err")"
	[ "$found" = "$expected" ] || fail "$*: $found, not $expected"
}

# refuses PIECE-OF-MESSAGE COMMAND...
refuses() {
	local piece=$1 status=0
	shift
	"$@" >"$scratch/out" 2>"$scratch/err" </dev/null || status=$?
	[ "$status" = 1 ] || fail "$*: status $status"
	[ ! -s "$scratch/out" ] || fail "$*: prints $(cat "$scratch/out")"
	[ "$(wc -l <"$scratch/err")" = 1 ] || fail "$*: messages: $(cat "$scratch/err")"
	grep -qF -- "$piece" "$scratch/err" || fail "$*: $(cat "$scratch/err"), without \"$piece\""
}

prints 2000:760::68d6:2fac:95a:5a2e "$hashaddr" -b 2000:760:: test.v2.cs.unibo.it
prints fc00::4cc:8049:6765:d03a "$hashaddr" --baseaddr=fc00:: renzo.hash.local
prints fc00::d41d:8cd9:8f00:b204 "$hashaddr" --base fc00:: ""
prints 2001:db8::8c8c:abf9:7cec:4676 "$otipaddr" -T 0 -b 2001:db8:: www.example.com pwd
echo pwd >"$scratch/password"
prints 2001:db8::8c8c:abf9:7cec:4676 "$otipaddr" -T 0 -b 2001:db8:: -P "$scratch/password" www.example.com
prints 2001:db8::8c8c:abf9:7cec:4676 "$otipaddr" -T 0 -b 2001:db8:: -P fd:7 www.example.com 7<"$scratch/password"

# Now: the same as for the number of this period, unless a period ends meanwhile.
number() {
	echo "$(($(date +%s) / 86400))"
}
reference() { # NAME PASSWORD NUMBER: the last 64 bits
	python3 - "$@" <<-'END'
	import hashlib, sys
	name, password, number = sys.argv[1:]
	h = bytearray(hashlib.md5((name + password).encode() + int(number).to_bytes(4, "big")).digest()[:8])
	h[0] &= 0xfc
	print("2001:db8::" + ":".join("%x" % int.from_bytes(h[i:i + 2], "big") for i in range(0, 8, 2)))
	END
}
while :; do
	before=$(number)
	found=$("$otipaddr" --period=86400 -b 2001:db8:: www.example.com pwd)
	[ "$before" != "$(number)" ] || break
done
[ "$found" = "$(reference www.example.com pwd "$before")" ] || fail "now: $found, not $(reference www.example.com pwd "$before")"

refuses "--base is needed" "$hashaddr" nodot
refuses "a password is needed" "$otipaddr" -b fc00:: a.b
refuses "two passwords" "$otipaddr" -b fc00:: -P "$scratch/password" a.b pwd
refuses "cannot read a password from /no/such" "$otipaddr" -b fc00:: -P /no/such a.b
echo >"$scratch/empty"
refuses "its first line is empty" "$otipaddr" -b fc00:: -P "$scratch/empty" a.b
refuses "fc00::x is no IPv6 address" "$hashaddr" -b fc00::x a.b
refuses "too many arguments: c" "$hashaddr" -b fc00:: a.b c
refuses "too few arguments" "$hashaddr" -b fc00::
refuses "unknown or ambiguous option" "$hashaddr" --period 3 a.b
refuses "period: x is no number" "$otipaddr" -T x -b fc00:: a.b pwd
refuses "cannot write the address" sh -c '"$0" -b fc00:: a.b >/dev/full' "$hashaddr"

ip link set lo up
dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --user= --group= --pid-file= \
	--listen-address=127.0.0.1 --bind-interfaces --address=/one.test/fc01:: --host-record=two.test,fc01::1 \
	--host-record=two.test,fc01::2 --host-record=four.test,10.0.0.1 --local=/test/ >"$scratch/log" 2>&1 &
server=$!
for ((i = 0; ; i++)); do
	! "$hashaddr" -D 127.0.0.1 a.one.test >/dev/null 2>&1 || break
	[ "$i" -lt 200 ] || fail "dnsmasq does not answer: $(cat "$scratch/log")"
done
expected=$("$hashaddr" -b fc01:: a.one.test)
prints "$expected" "$hashaddr" -D 127.0.0.1 a.one.test
prints "$expected" "$hashaddr" -D 127.0.0.1 -b one.test a.one.test
prints "$expected" "$hashaddr" -D 127.0.0.1 -s stack=kernel a.one.test
refuses "there is no name none.test" "$hashaddr" -D 127.0.0.1 x.none.test
refuses "four.test has no IPv6 address" "$hashaddr" -D 127.0.0.1 x.four.test
refuses "two.test has several IPv6 addresses" "$hashaddr" -D 127.0.0.1 x.two.test
refuses "cannot make the stack stack=none" "$hashaddr" -D 127.0.0.1 -s stack=none a.one.test

# ps(1) does not show the password while a name server is silent.
kill "$server"
wait "$server" || true
server=""
coproc silent { exec python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 53))
print("ready", flush=True)
s.recv(512)
print("asked", flush=True)
time.sleep(60)'; }
server=$!
read -r -t 20 line <&"${silent[0]}"
"$otipaddr" -D 127.0.0.1 a.one.test topsecret >/dev/null 2>&1 &
asker=$!
read -r -t 20 line <&"${silent[0]}"
[ "$line" = asked ] || fail "the silent server says $line"
shown=$(tr '\0' ' ' <"/proc/$asker/cmdline")
kill "$asker"
case $shown in
*topsecret*) fail "the password is shown: $shown" ;;
*a.one.test*) ;;
*) fail "what runs is $shown" ;;
esac
