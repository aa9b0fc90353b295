# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Sourced by the tests beside it: what they share. A test works in $AUTOPKGTEST_TMP, or a directory of its own.

set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
self=$here/$(basename "$0")
scratch=$(mktemp -d "${AUTOPKGTEST_TMP:-/tmp}/vdestack.XXXXXX")
started=()
finish() {
	local status=$? pid
	for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
	wait
	[ "$status" = 0 ] || [ "$status" = 77 ] || tail -n 20 "$scratch"/*.log 2>/dev/null || true
	rm -rf "$scratch"
}
trap finish EXIT
cd "$scratch"

fail() {
	echo "$*" >&2
	exit 1
}

# Stacks of an ordinary user are user namespaces.
need_stacks() {
	unshare --user --net true 2>/dev/null || { echo "no user namespaces can be made here"; exit 77; }
}

# start NAME COMMAND...: in the background, with the log NAME.log, ended with the test
start() {
	local name=$1
	shift
	"$@" >"$scratch/$name.log" 2>&1 &
	started+=($!)
}

# wait_for COMMAND...: until it succeeds, at most 20 seconds
wait_for() {
	local end=$((SECONDS + 20))
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || fail "in vain: $*"
		sleep 0.1
	done
}
