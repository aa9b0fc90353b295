#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     readmes.sh SOURCE-DIR
#
# A README.md names every source file of its folder, in backquotes: `name.c`, or `name` for name.c, name.h and
# other files of that name. It names every folder of its folder that has sources: `name/`. A section "##
# FOLDER" of a README.md does the same for that folder. A word in capitals in a name stands for any text:
# `example_NAME.sh`. Every folder below src/ has a README.md.

set -eu -o pipefail
cd "$1"
status=0 checked=0

fail() {
	echo "$1" >&2
	status=1
}

is_named() { # FILE NAMES
	local pattern
	grep -qxF -e "$1" -e "${1%.*}" <<<"$2" && return 0
	while read -r pattern; do
		# shellcheck disable=SC2053 # a pattern on purpose
		[[ $1 == $pattern ]] && return 0
	done < <(grep '[A-Z]' <<<"$2" | sed 's/[A-Z][A-Z]*/*/')
	return 1
}

check() { # FOLDER README TEXT
	local names path name
	names=$(grep -o '`[^` ]*`' <<<"$3" | tr -d '`' || true)
	for path in "$1"/*; do
		name=${path##*/}
		case $name in
		*.[ch] | *.cpp | *.sh | *.py) ;;
		*)
			[ -d "$path" ] || continue
			[ -n "$(find "$path" -maxdepth 2 \( -name '*.[ch]' -o -name '*.sh' -o -name run \) -print -quit)" ] || continue
			name=$name/
			;;
		esac
		checked=$((checked + 1))
		is_named "$name" "$names" || fail "$2 does not name $path"
	done
}

for folder in src/*/; do
	[ -f "$folder/README.md" ] || fail "$folder has no README.md"
done
while read -r readme; do
	folder=${readme%/README.md}
	check "$folder" "$readme" "$(cat "$readme")"
	while read -r section; do
		[ -d "$section" ] || continue
		check "$section" "$readme" "$(sed -n "\\|^## $section\$|,/^## /p" "$readme" | sed '1d')"
	done < <(sed -n 's/^## \([a-z/]*\)$/\1/p' "$readme")
done < <(find src tests -name README.md)
[ "$checked" -gt 50 ] || fail "where are the sources?"
exit $status
