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
layers="base proto wire config rtnl pump auto keeper runner core api dns lab rules preload publish tools
	ioth/lib ioth/addr ioth/plugins ioth/picox ioth/conf ioth/dns ioth/radv daemons/common daemons/otipaddr
	daemons/otip_rproxy daemons/iothradvd daemons/iothnamed
	daemons/dhcp daemons/namedhcp daemons/namedhcp4"

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

# layer_of PATH: sets `layer`. src/ioth and src/daemons are folders of layers.
layer_of() {
	local rest=${1#*/}
	layer=${1%%/*}
	case $layer in
	ioth | daemons) layer=$layer/${rest%%/*} ;;
	esac
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

# What each README names behind "May include:": one process for all.
declare -A may=()
mapfile -t readmes < <(cd "$source" && find . -mindepth 2 -maxdepth 3 -name README.md -printf '%P\n')
while read -r folder name; do
	may[$folder]+=$name$'\n'
done < <(cd "$source" && awk '
	FNR == 1 { inside = 0; folder = FILENAME; sub("/README.md$", "", folder) }
	/^May include:/ { inside = 1 }
	inside {
		n = split($0, part, "`")
		for (i = 2; i < n; i += 2)
			if (part[i] ~ "^[a-z_/.]*$") print folder, part[i]
	}
	' "${readmes[@]}")
for folder in "$source"/*/ "$source"/ioth/*/ "$source"/daemons/*/; do
	folder=${folder#"$source"/} folder=${folder%/}
	[ "$folder" != ioth ] && [ "$folder" != daemons ] || continue
	[ -d "$source/$folder" ] || continue
	[ -n "${rank[$folder]:-}" ] || complain "src/$folder is no layer of tests/build/layers.sh"
	[ -f "$source/$folder/README.md" ] || complain "src/$folder has no README.md"
	may[$folder]=${may[$folder]:-}
done

while IFS=: read -r file header; do
	case $header in
	../*) complain "src/$file includes \"$header\": write it from src/ on" ;;
	*/*)
		layer_of "$file"
		from=$layer
		layer_of "$header"
		check "$from" "$layer" "src/$file includes $header" "$header"
		;;
	esac
done < <(cd "$source" && grep -HE '^#[[:space:]]*include ".*"$' -- */*.[ch] ioth/*/*.[ch] daemons/*/*.[ch] | sed 's/:#[[:space:]]*include "\(.*\)"$/:\1/')
[ "$edges" -gt 20 ] || complain "only $edges includes between folders: where are the sources?"

if [ -n "$objects" ]; then
	symbols=$(mktemp)
	trap 'rm -f "$symbols"' EXIT
	for object in "$objects"/*/*.c.o; do
		file=${object#"$objects"/}
		[ ! -f "$source/${file%.o}" ] || echo "$object" # else left over from a source that has been moved
	done | xargs -d '\n' nm -A -P | awk -v skip=$((${#objects} + 2)) '
		{ at = substr($1, skip); sub(":$", "", at) }
		$3 ~ /^[TDBRCVW]$/ { print "def", $2, at }
		$3 == "U" { print "use", $2, at }' | sort -k1,1 -k2,2 >"$symbols"
	edges=0
	# What is allowed depends on the folders: one function of each for each file.
	while read -r name user definer; do
		check "${user%%/*}" "${definer%%/*}" "src/${user%.o} uses $name() of src/${definer%.o}"
	done < <(awk '
		$1 == "def" { where[$2] = $3 }
		$1 == "use" && $2 in where {
			folder = where[$2]
			sub("/.*", "", folder)
			if (!(($3, folder) in seen)) print $2, $3, where[$2]
			seen[$3, folder] = 1
		}' "$symbols")
	[ "$edges" -gt 20 ] || complain "only $edges uses between folders: where are the objects?"
fi
exit $status
