#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     layers.sh SOURCE-DIR
#
# Every folder below src/ includes only what its README.md names behind "May include:", each in
# backquotes: a folder ("base/") or a header of one ("keeper/wire.h"). Public headers are free.

set -eu -o pipefail
cd "$1/src"
status=0 edges=0

for folder in */; do
	folder=${folder%/}
	if [ ! -f "$folder/README.md" ]; then
		echo "src/$folder has no README.md" >&2
		status=1
		continue
	fi
	allowed=$(sed -n '/^May include:/,$p' "$folder/README.md" | { grep -o '`[a-z_/.]*`' || true; } | tr -d '`')
	for source in "$folder"/*.[ch]; do
		[ -f "$source" ] || continue
		while read -r header; do
			header=${header#../}
			case $header in
			"$folder"/*) continue ;;
			*/*) ;;
			*) continue ;;
			esac
			edges=$((edges + 1))
			if ! grep -qxF -e "$header" -e "${header%%/*}/" <<<"$allowed"; then
				echo "src/$source includes $header, which src/$folder/README.md does not allow" >&2
				status=1
			fi
		done < <(sed -n 's/^#[[:space:]]*include "\(.*\)"$/\1/p' "$source")
	done
done
[ "$edges" -gt 20 ] || { echo "where are the sources?" >&2; status=1; }
exit $status
