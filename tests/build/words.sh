#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     words.sh SOURCE-DIR
#
# The repository does not use the words listed below. Each has a plainer word, which stands beside it. A word
# is in the list only if it has no other meaning here that would be right. The words to use are those of the
# glossary in docs/architecture.md.

set -eu -o pipefail
cd "$1"

# The files and folders that are searched.
searched="README.md CONTRIBUTING.md SECURITY.md CHANGELOG.md CMakeLists.txt check demo cmake .ci docs examples include python src tests"

# "extended regular expression => word to use", without regard to case. Identifiers are not concerned: "_" is
# part of a word.
banned='
\b(relink(s|ed|ing)?)\b => reconnect
\b(nudg(e|es|ed|ing))\b => interrupt
\b(sentences?)\b => message, error text
\b(whoever|whosoever|whomever)\b => name who it is
\btold\b => reported, returned, said
\b(gives?|gave) (-1|NULL|0|E[A-Z]{3,}|-E[A-Z]+)\b => returns, fails with
\b(plug-ins?)\b => plugin
\b(look-ups?)\b => lookup
\b(somebody|someone|anybody|anyone)\b => any process, another user, name who it is
\bshall\b => must, will
\baffairs?\b => name what it does
\bto and fro\b => in both directions
\bof now\b => current, at the time of the call
'

status=0 patterns=0
while IFS= read -r line; do
	[ -n "$line" ] || continue
	patterns=$((patterns + 1))
	# shellcheck disable=SC2086
	if grep -rnIiE --exclude-dir=corpus --exclude-dir=performance --exclude=words.sh --exclude=COPYING -e "${line%% => *}" -- $searched; then
		echo "^^^ use instead: ${line##* => }"
		status=1
	fi
done <<<"$banned"

# A list or a grep that does not work finds nothing.
[ "$patterns" -gt 5 ] || { echo "the list of words is empty"; status=1; }
# shellcheck disable=SC2086
grep -rqIiE -e '\bkeeper\b' -- $searched || { echo "nothing was searched"; status=1; }
exit $status
