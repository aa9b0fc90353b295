#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     rules_explained.sh ENGINE VDESTACK-PROGRAM RULES-PROBE
#
# What `vdestack check-rules` explains is what happens: the same calls are explained, and made in a run.

set -eu -o pipefail
engine=$1 vdestack=$2 probe=$3
cd "$VDESTACK_TEST_TMP"

cat >rules <<'EOF'
stack a iface=nic-a vnl=inproc://la ip=10.1.0.1/24 ip=fd00:1::1/64 nodad
stack b iface=nic-b vnl=inproc://lb ip=10.2.0.1/24 ip=fd00:2::1/64 nodad
stack c iface=nic-c vnl=inproc://lc ip=10.3.0.1/24
thread=secret* use deny
family=netlink use c
protocol=mptcp use c
local=10.1.0.1 use a
local=:5353 type=dgram use b
local=127.0.0.0/8:8000-8999 use host
local=[fd00:2::/32] use b
remote=10.9.0.0/16:2525 use deny
remote=10.2.0.0/16 use b
remote=[fd00:1::/32]:8080 use a
thread=worker* type=stream use b
remote=127.0.0.1:9999 use host
default c
EOF

calls=()
add() {
	[ ${#calls[@]} = 0 ] || calls+=(";")
	calls+=("$@")
}
reach() { # WORD...
	add connect "$@"
	[ "$1" = tcp ] || add sendto "$@"
}
for protocol in tcp udp; do
	for thread in main worker1 secret; do
		who=("$protocol" "thread=$thread")
		add socket inet "${who[@]}"
		add socket inet6 "${who[@]}"
		for local in 10.1.0.1 10.1.0.1:5353 10.2.0.1:8080 0.0.0.0 0.0.0.0:5353 127.0.0.1:8123 127.0.0.1:7999 \
			'[fd00:2::1]' '[fd00:1::1]:5353' '[::]' '[::]:5353'; do
			add bind "${who[@]}" "$local"
		done
		for remote in 10.2.0.7:80 10.9.1.1:2525 10.9.1.1:2526 127.0.0.1:9999 192.0.2.1:443; do
			reach "${who[@]}" "$remote"
			for local in 10.1.0.1 0.0.0.0 0.0.0.0:5353 127.0.0.1:8123; do
				reach "${who[@]}" "$remote" "local=$local"
			done
		done
		for remote in '[fd00:1::5]:8080' '[fd00:1::5]:8081'; do
			reach "${who[@]}" "$remote"
			for local in '[::]' '[fd00:2::1]'; do
				reach "${who[@]}" "$remote" "local=$local"
			done
		done
	done
done
add socket netlink
add socket inet mptcp

# Fills in the stages that are left out because an earlier one has decided for good.
cat >fill.awk <<'EOF'
function finish_call() {
	if (call == "")
		return
	print call
	for (i = 1; i <= n; i++) {
		if (stage[i] in said)
			place = said[stage[i]]
		print "  " stage[i] ": " place
		if (place == "denied")
			break
	}
	delete said
}
/^    / { next }
/^  / { split($0, part, ": "); sub(/^ +/, "", part[1]); sub(/[,;].*/, "", part[2]); said[part[1]] = part[2]; next }
{
	finish_call(); call = $0; n = 0; stage[++n] = "socket"
	if ($1 == "bind" || / local=/)
		stage[++n] = "bind"
	if ($1 != "bind" && $1 != "socket")
		stage[++n] = $1
}
END { finish_call() }
EOF

"$vdestack" check-rules rules "${calls[@]}" | awk -f fill.awk >explained
"$vdestack" run --engine="$engine" --rules rules -- "$probe" "${calls[@]}" >happened
[ "$(wc -l <explained)" -gt 800 ] || { echo "where are the calls?" >&2; exit 1; }
diff -U4 explained happened >&2
