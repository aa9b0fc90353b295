#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     lab.sh CASE TOOL
#
# vdestack lab: what it checks, draws, starts, and how it ends.

set -eu -o pipefail
case=$1 tool=$2
cd "$VDESTACK_TEST_TMP"
export TMPDIR=$VDESTACK_TEST_TMP

fail() {
	echo "lab: $*" >&2
	exit 1
}

# status_of COMMAND...: its exit status; what it writes goes to `out` and `err`
status_of() {
	local status=0
	"$@" >out 2>err </dev/null || status=$?
	echo "$status"
}

cat >two.lab <<'END'
network lan 10.0.0.0/24 fd00::/64
host a on lan
server b on lan run "sh -c 'echo <&\"> ; exec sleep 60'"
END

case $case in
a_mistake_is_shown_with_file_line_and_column)
	printf 'network lan\nhost a on lna\n' >wrong.lab
	[ "$(status_of "$tool" lab --check wrong.lab)" = 1 ]
	grep -q '^wrong.lab:2:11: there is no network "lna"' err || fail "$(cat err)"
	[ "$(status_of "$tool" lab --check two.lab)" = 0 ]
	(cat two.lab; echo "link a:lan loss=1% tx.delay=20ms"; echo "link b:lan delay=20 loss=1%") >link.lab
	[ "$(status_of "$tool" lab --check link.lab)" = 1 ]
	grep -q "^link.lab: link b:lan: .*\"delay=20\" at position 1: " err || fail "$(cat err)"
	[ "$(wc -l <err)" = 1 ] || fail "$(cat err)"
	[ "$(status_of "$tool" lab --check missing.lab)" = 66 ]
	[ "$(status_of "$tool" lab --help)" = 0 ]
	grep -q "^Usage: vdestack lab " out || fail "$(cat out)"
	for words in "" "--draw png two.lab" "--seed x two.lab" "--seed 0 two.lab" "--timeout -1 two.lab" "--frob two.lab" "two.lab true" "--check two.lab -- true"; do
		# shellcheck disable=SC2086
		[ "$(status_of "$tool" lab $words)" = 64 ] || fail "$words: $(cat err)"
	done
	;;
pictures_are_read_by_other_programs)
	"$tool" lab --draw svg two.lab >two.svg
	xmllint --noout two.svg
	for name in lan a b 10.0.0.1 fd00::2; do
		grep -q ">$name<" two.svg || fail "no $name in the picture"
	done
	"$tool" lab --draw dot two.lab >two.dot
	grep -q '"host a" -- "network lan"' two.dot || fail "$(cat two.dot)"
	! command -v dot >/dev/null || dot -Tplain two.dot >two.plain
	"$tool" lab --draw text two.lab >again.lab
	"$tool" lab --draw text again.lab | diff again.lab -
	;;
a_command_runs_in_a_host_and_its_status_is_returned)
	[ "$(status_of "$tool" lab two.lab -- sh -c 'echo $VDESTACK_LAB_HOST $VDESTACK_LAB_ADDR_B; exit 5')" = 5 ] || fail "$(cat err)"
	grep -qx 'a 10.0.0.2' out || fail "$(cat out)"
	[ "$(status_of "$tool" lab --host b two.lab -- sh -c 'echo $VDESTACK_LAB_HOST; kill -9 $$')" = 137 ]
	grep -qx b out || fail "$(cat out)"
	[ "$(status_of "$tool" lab --host none two.lab -- true)" = 127 ]
	[ "$(status_of "$tool" lab --artefacts art two.lab -- false)" = 1 ]
	grep -q 'all that is known is in art/lab-' err || fail "$(cat err)"
	art=$(echo art/lab-*)
	[ -s "$art/a-lan.pcapng" ] || fail "no capture in $art"
	grep -q 'ended with status 1' "$art/why.txt" || fail "$(cat "$art/why.txt")"
	for left in vdestack-lab-*; do
		[ ! -e "$left" ] || fail "$left is left behind"
	done
	;;
the_laboratory_of_the_readme_runs)
	readme=$(dirname "$0")/../../README.md
	sed -n '/^## Networks for a test/,/^## When/p' "$readme" | sed -n '/^```lab/,/^```$/p' | sed '/```/d' >test.lab
	grep -q '^server ' test.lab || fail "README.md has no laboratory"
	for program in curl python3; do
		command -v "$program" >/dev/null || { echo "$program is not installed" >&2; exit 77; }
	done
	echo "the page" >index.html
	[ "$(status_of env -u http_proxy "$tool" lab --host client test.lab -- curl -s http://web/)" = 0 ] || fail "$(cat err)"
	grep -qx "the page" out || fail "$(cat out)"
	;;
esac
