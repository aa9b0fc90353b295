#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     iothnamed_files.sh FILE SOURCE-DIR BUILD-DIR
#
# What is installed beside iothnamed fits it: the unit of systemd, the completion of bash, and the manual page.

set -eu -o pipefail
named=$1 source=$2 build=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() {
	echo "iothnamed_files: $*" >&2
	exit 1
}

# ---- the completion has the options of the help, and the page describes them
"$named" --help | sed -n 's/^  \(-[a-zA-Z], \|    \)\(--[a-z_]*\).*/\2/p' | sort >"$scratch/options"
[ "$(wc -l <"$scratch/options")" -ge 5 ] || fail "the help has no options: $("$named" --help)"
# shellcheck disable=SC1091
. "$source/data/completions/iothnamed"
COMP_WORDS=(iothnamed --) COMP_CWORD=1 COMPREPLY=()
_iothnamed
printf '%s\n' "${COMPREPLY[@]}" | sort | diff "$scratch/options" - || fail "the completion has other options"
page=$source/docs/man/iothnamed.8
while read -r option; do
	grep -qE "^\.It Fl (. , )?${option#-}( |\$)" "$page" || fail "$option is not in the page"
done <"$scratch/options"

# ---- each word of the grammar is in the page
words_of() { # FILE: the first strings of the rows of its tables
	grep -v 'char \*const' "$source/src/daemons/iothnamed/$1" | grep -oE '\{ ("[a-z]+"|FIELD\([a-z]+\)),' |
		sed -E 's/.*("|\()([a-z]+).*/\2/'
}
words=$(words_of config.c; words_of config_auth.c; words_of config_option.c)
[ "$(wc -w <<<"$words")" -ge 25 ] || fail "few words are found: $words"
for word in $words; do
	grep -qE "^\.It Cm $word( |\$)" "$page" || fail "the word $word is not in the page"
done

# ---- the unit
unit=$build/src/daemons/iothnamed.service
grep -qE '^ExecStart=/[^@]*/iothnamed /' "$unit" || fail "$(cat "$unit")"
command -v systemd-analyze >/dev/null || exit 0
sed "s|^ExecStart=[^ ]*|ExecStart=$named|" "$unit" >"$scratch/iothnamed.service"
systemd-analyze verify --man=no "$scratch/iothnamed.service" >"$scratch/verified" 2>&1 || fail "$(cat "$scratch/verified")"
! grep "iothnamed.service:" "$scratch/verified" || fail "systemd-analyze complains"
