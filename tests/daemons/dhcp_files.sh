#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     dhcp_files.sh NAME FILE SOURCE-DIR BUILD-DIR
#
# What is installed beside a DHCP server fits it: the unit of systemd, the completion of bash, the manual page, and the
# example of a configuration.

set -eu -o pipefail
name=$1 file=$2 source=$3 build=$4
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() {
	echo "dhcp_files: $*" >&2
	exit 1
}

# ---- the completion has the options of the help, and the page describes them
"$file" --help | sed -n 's/^  \(-[a-zA-Z], \|    \)\(--[a-z_-]*\).*/\2/p' | sort >"$scratch/options"
[ "$(wc -l <"$scratch/options")" -ge 15 ] || fail "the help has few options: $("$file" --help)"
# shellcheck disable=SC1090
. "$source/data/completions/$name"
COMP_WORDS=("$name" --) COMP_CWORD=1 COMPREPLY=()
"_$name"
printf '%s\n' "${COMPREPLY[@]}" | sort | diff "$scratch/options" - || fail "the completion has other options"
page=$source/docs/man/$name.8
while read -r option; do
	grep -qE "^\.It Fl (. , )?${option#-}( |\$)" "$page" || fail "$option is not in the page"
done <"$scratch/options"

# ---- the example is read to its end: the only mistake is the interface, which is not here
if grep -qE '^iface' "$source/examples/$name.conf"; then
	sed 's/^iface.*/iface = none0/' "$source/examples/$name.conf" >"$scratch/example"
	! "$file" -f "$scratch/example" >"$scratch/said" 2>&1 || fail "the server has started"
	if [ "$(wc -l <"$scratch/said")" != 1 ] || ! grep -q none0 "$scratch/said"; then
		fail "the example: $(cat "$scratch/said")"
	fi
fi

# ---- the unit
unit=$build/src/daemons/$name.service
grep -qE "^ExecStart=/[^@]*/$name " "$unit" || fail "$(cat "$unit")"
command -v systemd-analyze >/dev/null || exit 0
sed "s|^ExecStart=[^ ]*|ExecStart=$file|" "$unit" >"$scratch/$name.service"
systemd-analyze verify --man=no "$scratch/$name.service" >"$scratch/verified" 2>&1 || fail "$(cat "$scratch/verified")"
! grep "$name.service:" "$scratch/verified" || fail "systemd-analyze complains"
