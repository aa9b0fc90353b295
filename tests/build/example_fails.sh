#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     example_fails.sh python|c COMMAND...
#
# An example of a laboratory that fails on purpose: its curl is a program that only fails. COMMAND must fail, and leave
# artefacts that say why, show the networks and have the output of each server.

set -eu -o pipefail
language=$1
shift
cd "$VDESTACK_TEST_TMP"
command -v curl >/dev/null || { echo "curl is not installed" >&2; exit 77; }

mkdir bin kept
printf '#!/bin/sh\necho broken on purpose >&2\nexit 7\n' >bin/curl
chmod 755 bin/curl
export PATH=$PWD/bin:$PATH
case $language in
python) set -- "$@" "--vdestack-artefacts=$PWD/kept" ;;
c) export VDESTACK_LAB_ARTEFACTS=$PWD/kept ;;
esac

status=0
"$@" >printed 2>&1 || status=$?
cat printed
[ "$status" != 77 ] || exit 77
[ "$status" = 1 ] || { echo "exit status $status instead of 1" >&2; exit 1; }

fail() {
	echo "$1; there is:" >&2
	find kept -type f >&2
	exit 1
}

folder=$(find kept -name why.txt -printf '%h\n')
[[ $folder = kept/* && $folder != *$'\n'* ]] || fail "not one folder of a laboratory"
for file in lab.txt lab.svg lab.dot lab.addresses.txt hosts client.txt client.events; do
	[ -s "$folder/$file" ] || fail "no $file"
done
grep -qE '^server (web|proxy) ' "$folder/lab.txt" || fail "lab.txt does not describe the servers"
while read -r server; do
	[ -e "$folder/$server.out" ] || fail "no output of $server"
done < <(sed -n 's/^server \([a-z0-9]*\) .*/\1/p' "$folder/lab.txt")
grep -q '^seed: [0-9]' "$folder/why.txt" || fail "why.txt has no seed"
grep -qE "curl" "$folder/why.txt" || fail "why.txt does not say why"
grep -qF "$PWD/kept" printed || fail "the folder is not reported"
if [ "$language" = python ]; then
	grep -q "status 7" kept/*/failure.txt || fail "failure.txt does not say why"
fi
