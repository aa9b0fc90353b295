#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Every test that a page names exists.
# usage: proofs.sh CTEST BUILD-DIRECTORY PAGE...

set -eu -o pipefail
ctest=$1 build=$2
shift 2

bad=0
fail() {
	echo "$1"
	bad=1
}

# A page names a case without its variant (.root, .user), or a file without its cases. A "*" stands for any
# text.
all=$("$ctest" --test-dir "$build" -N | sed -n 's/^ *Test *#[0-9]*: //p' | sed 's/$/./')
for page in "$@"; do
	# `|| true`: a page that names none is reported below
	names=$(grep -oE '`(system|unit|kernel|build|daemons|example|fuzz|netns|faults|python)\.[a-z0-9_.*-]+`' "$page" | tr -d '`' | sort -u || true)
	[ -n "$names" ] || fail "$page names no test"
	while read -r name; do
		[ -n "$name" ] || continue
		pattern=${name//./\\.}
		grep -qE -- "^${pattern//\*/.*}\\." <<<"$all" || fail "$page: there is no test $name"
	done <<<"$names"
done
exit $bad
