#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     results.sh SOURCE-DIR
#
# docs/performance/results.md is what tests/bench/plot makes of the files of the machines beside it, and the
# plots that it shows exist. With two machines each table has both.

set -eu -o pipefail
source=$1
cd "${VDESTACK_TEST_TMP:-.}"
command -v python3 >/dev/null || { echo "python3 is not installed" >&2; exit 77; }

shopt -s nullglob
files=("$source"/docs/performance/*.json)
[ "${#files[@]}" -gt 0 ] || { echo "there are no results" >&2; exit 1; }
python3 "$source/tests/bench/plot" --no-drawing --out page "${files[@]}"
diff -u "$source/docs/performance/results.md" page/results.md >&2 ||
	{ echo "results.md is another one; run tests/bench/plot" >&2; exit 1; }
while read -r plot; do
	[ -s "$source/docs/performance/$plot" ] || { echo "there is no $plot" >&2; exit 1; }
done < <(grep -o '[a-z-]*\.svg' page/results.md)

sed 's/^  "name": .*/  "name": "another-machine",/' "${files[0]}" >another.json
python3 "$source/tests/bench/plot" --no-drawing --out both "${files[0]}" another.json
for table in '| machine |' '| what |' '| comparison |'; do
	grep -F "$table" both/results.md | grep another-machine >/dev/null ||
		{ echo "the second machine is not in the table \"$table\"" >&2; exit 1; }
done
[ "$(grep -c '^### ' both/results.md)" = 2 ] || { echo "what was measured is not there for both" >&2; exit 1; }
