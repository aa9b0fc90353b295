#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     namedhcp_files.sh FILE SOURCE-DIR BUILD-DIR
#
# What is installed beside namedhcp fits it: the unit of systemd, the completion of bash, and the manual page.

set -eu -o pipefail
program=$1 source=$2 build=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() {
	echo "namedhcp_files: $*" >&2
	exit 1
}

# ---- the completion has the options of the help, and the page describes them
"$program" --help | sed -n 's/^  \(-[a-zA-Z], \|    \)\(--[a-z_]*\).*/\2/p' | sort >"$scratch/options"
[ "$(wc -l <"$scratch/options")" -ge 5 ] || fail "the help has no options: $("$program" --help)"
# shellcheck disable=SC1091
. "$source/data/completions/namedhcp"
COMP_WORDS=(namedhcp --) COMP_CWORD=1 COMPREPLY=()
_namedhcp
printf '%s\n' "${COMPREPLY[@]}" | sort | diff "$scratch/options" - || fail "the completion has other options"
page=$source/docs/man/namedhcp.8
while read -r option; do
	grep -qE "^\.It Fl (. , )?${option#-}( |\$)" "$page" || fail "$option is not in the page"
done <"$scratch/options"

# ---- the unit
unit=$build/src/daemons/namedhcp.service
grep -qE '^ExecStart=/[^@]*/namedhcp -f /' "$unit" || fail "$(cat "$unit")"
command -v systemd-analyze >/dev/null || exit 0
sed "s|^ExecStart=[^ ]*|ExecStart=$program|" "$unit" >"$scratch/namedhcp.service"
systemd-analyze verify --man=no "$scratch/namedhcp.service" >"$scratch/verified" 2>&1 || fail "$(cat "$scratch/verified")"
! grep "namedhcp.service:" "$scratch/verified" || fail "systemd-analyze complains"
