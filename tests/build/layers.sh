#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     layers.sh SOURCE-DIR [OBJECT-DIR]
#
# The folders below src/ are layers. The test fails when
#
#  - a folder includes one that does not stand before it in the list below: an include upwards. As the list is an
#    order, circles of folders, and circles of files across folders, are impossible then;
#  - a folder includes another one, or a header of it, that its README.md does not name behind "May include:", in
#    backquotes ("base/", "keeper/start.h");
#  - an object file uses a function or variable that is defined in such a folder, without including a header of it.
#
# Public headers may be included by all.

set -eu -o pipefail
export LC_ALL=C
layers="base proto wire config rtnl pump auto keeper runner core api dns rules preload publish tools"

source=$1/src objects=${2:-}
status=0 edges=0

complain() {
	echo "$*" >&2
	status=1
}

declare -A rank=() # of a folder: its place in the list
for layer in $layers; do
	rank[$layer]=$((${#rank[@]} + 1))
done

# allowed FOLDER: what its README names, a line each
allowed() {
	sed -n '/^May include:/,$p' "$source/$1/README.md" | { grep -o '`[a-z_/.]*`' || true; } | tr -d '`'
}

# check FROM TO WHAT [HEADER]: whether folder FROM may use folder TO
check() {
	local from=$1 to=$2 what=$3 header=${4:-}
	[ "$from" != "$to" ] || return 0
	edges=$((edges + 1))
	if [ "${rank[$to]:-0}" = 0 ]; then
		complain "$what, and src/$to is no layer of tests/build/layers.sh"
	elif [ "${rank[$to]}" -ge "${rank[$from]:-0}" ]; then
		complain "$what, which is above src/$from"
	else # no process for each of some thousand edges
		case $'\n'${may[$from]}$'\n' in
		*$'\n'"$to/"$'\n'*) return 0 ;;
		*$'\n'"$to/"*) [ -n "$header" ] || return 0 ;;
		esac
		case $'\n'${may[$from]}$'\n' in
		*$'\n'"${header:-$to/}"$'\n'*) return 0 ;;
		esac
		complain "$what, which src/$from/README.md does not allow"
	fi
}

declare -A may=()
for folder in "$source"/*/; do
	folder=$(basename "$folder")
	[ -n "${rank[$folder]:-}" ] || complain "src/$folder is no layer of tests/build/layers.sh"
	if [ -f "$source/$folder/README.md" ]; then
		may[$folder]=$(allowed "$folder")
	else
		complain "src/$folder has no README.md"
		may[$folder]=""
	fi
done

while IFS=: read -r file header; do
	case $header in
	../*) complain "src/$file includes \"$header\": write it from src/ on" ;;
	*/*) check "${file%%/*}" "${header%%/*}" "src/$file includes $header" "$header" ;;
	esac
done < <(cd "$source" && grep -HE '^#[[:space:]]*include ".*"$' -- */*.[ch] | sed 's/:#[[:space:]]*include "\(.*\)"$/:\1/')
[ "$edges" -gt 20 ] || complain "only $edges includes between folders: where are the sources?"

if [ -n "$objects" ]; then
	symbols=$(mktemp)
	trap 'rm -f "$symbols"' EXIT
	for object in "$objects"/*/*.c.o; do
		file=${object#"$objects"/}
		[ -f "$source/${file%.o}" ] || continue # left over from a source that has been moved
		nm -P "$object" | awk -v at="$file" \
			'$2 ~ /^[TDBRCVW]$/ { print "def", $1, at } $2 == "U" { print "use", $1, at }'
	done | sort -k1,1 -k2,2 >"$symbols"
	edges=0
	while read -r name user definer; do
		check "${user%%/*}" "${definer%%/*}" "src/${user%.o} uses $name() of src/${definer%.o}"
	done < <(awk '$1 == "def" { where[$2] = $3 } $1 == "use" && $2 in where { print $2, $3, where[$2] }' "$symbols")
	[ "$edges" -gt 20 ] || complain "only $edges uses between folders: where are the objects?"
fi
exit $status
