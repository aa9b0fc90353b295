#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     style.sh SOURCE-DIR
#
# What CONTRIBUTING.md says of lines and includes:
#
#  - no line has more than 110 columns, with tabs of 8;
#  - includes stand in groups: the file's own header, system headers, our headers. There is a blank line between
#    the groups and none in them, and each group is sorted. Public headers come last among ours;
#  - a script writes no pipe into grep -q. It ends at the first match, what writes to it may then die of SIGPIPE, and
#    with pipefail the pipe has failed: sometimes. "grep PATTERN >/dev/null" reads to the end.

set -eu -o pipefail
export LC_ALL=C
cd "$1"

status=0

# One process for all files: there are more than a thousand. Of a character in UTF-8 only the first byte is counted.
long_lines() { # FILE...
	awk '
		{
			line = $0
			gsub(/[\200-\277]/, "", line)
			width = 0
			n = split(line, parts, "\t")
			for (i = 1; i < n; i++)
				width = int((width + length(parts[i])) / 8) * 8 + 8
			width += length(parts[n])
			if (width > 110) {
				print FILENAME ":" FNR ": " width " columns"
				bad = 1
			}
		}
		END { exit bad }' "$@"
}

# Prints the lines that stand in a wrong place. Includes after the first line of code are not looked at.
unsorted_includes() { # FILE...
	awk '
		FNR == 1 { done = seen = blank = maybe_own = last_group = 0; last = "" }
		done { next }
		!/^#include/ && !/^$/ { if (seen) done = 1; next }
		/^$/ { blank = 1; next }
		{
			name = $2
			group = name ~ /^<vdestack/ ? 4 : name ~ /^</ ? 2 : 3
			gsub(/[<>"]/, "", name)
			own = name ~ /^[a-z0-9_]+\.h$/ && group == 3 && !seen && FILENAME ~ /\.c$/
			if (maybe_own && group == 3 && !blank)
				last_group = 3
			wrong = seen && (group < last_group || (group == last_group && name <= last))
			wrong = wrong || (seen && blank != (last_group < 3 && group != last_group))
			if (wrong) {
				print FILENAME ":" FNR ": " $0
				bad = 1
			}
			maybe_own = own
			last_group = own ? 1 : group
			last = name
			seen = 1
			blank = 0
		}
		END { exit bad }' "$@"
}

quiet_pipes() { # FILE...
	! grep -HnE '(^|[^|])\| *grep (-[A-Za-z]+ )*-[A-Za-z]*q' "$@"
}

mapfile -t sources < <(find src -name '*.[ch]')
mapfile -t others < <(find include tests -name '*.[ch]')
long_lines "${sources[@]}" "${others[@]}" || status=1
unsorted_includes "${sources[@]}" || status=1
mapfile -t scripts < <(find tests .ci cmake debian/tests demo check -type f -exec grep -lE '^#!/bin/bash|^# shellcheck shell=bash' {} +)
quiet_pipes "${scripts[@]}" || status=1

# Checks that do not work find nothing.
[ "${#sources[@]}" -gt 100 ] && [ "${#scripts[@]}" -gt 50 ] || { echo "nothing was checked"; status=1; }
planted=$(mktemp -d)
trap 'rm -rf "$planted"' EXIT
printf '\t%103d\n' 0 >"$planted/long.c"
printf '#include "a.h"\n\n#include <b.h>\n#include <a.h>\n' >"$planted/sorted.c"
printf '#include "a.h"\n\n#include <b.h>\n#include "c.h"\n' >"$planted/blank.c"
printf 'ldd program | grep -F -%s libc\n' q >"$planted/quiet.sh"
! long_lines "$planted/long.c" >/dev/null || { echo "a long line is not noticed"; status=1; }
! unsorted_includes "$planted/sorted.c" >/dev/null || { echo "includes that are not sorted are not noticed"; status=1; }
! unsorted_includes "$planted/blank.c" >/dev/null || { echo "a missing blank line is not noticed"; status=1; }
! quiet_pipes "$planted/quiet.sh" >/dev/null || { echo "a pipe into grep -q is not noticed"; status=1; }
exit $status
