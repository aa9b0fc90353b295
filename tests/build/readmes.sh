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
shopt -s extglob
export LC_ALL=C
cd "$1"
status=0 checked=0

fail() {
	echo "$1" >&2
	status=1
}

# No process for each file: there are more than a thousand.
is_named() { # FILE; `exact` and `patterns` are those of the README
	local pattern
	[ -z "${exact[$1]:-}" ] && [ -z "${exact[${1%.*}]:-}" ] || return 0
	for pattern in "${patterns[@]}"; do
		# shellcheck disable=SC2053 # a pattern on purpose
		[[ $1 == $pattern ]] && return 0
	done
	return 1
}

check() { # FOLDER README TEXT
	local path name rest=$3 patterns=()
	local -A exact=()
	while [[ $rest =~ \`([^\`\ $'\n']+)\`(.*) ]]; do
		name=${BASH_REMATCH[1]} rest=${BASH_REMATCH[2]}
		exact[$name]=yes
		[[ $name != *[A-Z]* ]] || patterns+=("${name/+([A-Z])/*}")
	done
	for path in "$1"/*; do
		name=${path##*/}
		case $name in
		*.[ch] | *.cpp | *.sh | *.py) ;;
		*)
			[ -n "${has_sources[$path]:-}" ] || continue
			name=$name/
			;;
		esac
		checked=$((checked + 1))
		is_named "$name" || fail "$2 does not name $path"
	done
}

# Folders with a source in them, or in a folder of them.
declare -A has_sources=()
while read -r folder; do
	has_sources[$folder]=yes
	has_sources[${folder%/*}]=yes
done < <(find src tests \( -name '*.[ch]' -o -name '*.sh' -o -name run \) -printf '%h\n' | sort -u)

for folder in src/*/; do
	[ -f "$folder/README.md" ] || fail "$folder has no README.md"
done
while read -r readme; do
	folder=${readme%/README.md}
	check "$folder" "$readme" "$(<"$readme")"
	while read -r section; do
		[ -d "$section" ] || continue
		check "$section" "$readme" "$(sed -n "\\|^## $section\$|,/^## /p" "$readme" | sed '1d')"
	done < <(sed -n 's/^## \([a-z/]*\)$/\1/p' "$readme")
done < <(find src tests -name README.md)
[ "$checked" -gt 50 ] || fail "where are the sources?"
exit $status
