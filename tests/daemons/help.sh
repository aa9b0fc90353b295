#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     help.sh PROGRAM...
#
# --help and --version of each program print to standard output, and end with 0; wherever they stand, nothing is done.

set -eu

fail() {
	echo "$*" >&2
	exit 1
}

for program in "$@"; do
	name=$(basename "$program")
	[ -z "$("$program" --help 2>&1 >/dev/null </dev/null)" ] || fail "$name --help prints to standard error"
	help=$("$program" --help) || fail "$name --help: status $?"
	[ "$help" = "$("$program" -h)" ] || fail "$name: -h prints something else"
	case $help in
	"Usage: $name "*) ;;
	*) fail "$name --help begins with ${help:0:40}" ;;
	esac
	[ "$(wc -L <<<"$help")" -le 130 ] || fail "$name --help has long lines"
	version=$("$program" --version) || fail "$name --version: status $?"
	[[ $version =~ ^$name\ .*[0-9]+\.[0-9]+ ]] || fail "$name --version prints $version"
	! "$program" --help >/dev/full 2>/dev/null || fail "$name --help: no mistake when nothing can be written"
	! "$program" --no-such-option >/dev/null 2>&1 || fail "$name takes an option that there is not"
done
