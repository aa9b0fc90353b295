#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     ioth_calls.sh PROGRAM DOCUMENT KIND...
#
# The document has a column for each kind of stack, those first that are always built. The columns of the kinds
# that are built are what the program prints for them.

set -eu -o pipefail
program=$1 document=$2
shift 2

grep '^|' "$document" >table
[ "$(sed -n '1s/ *| */ /gp' table)" = " call kernel vdestack picox lwip " ] ||
	{ echo "$document does not have the columns kernel, vdestack, picox, lwip" >&2; exit 1; }
cut -d '|' -f "1-$(($# + 2))" table | sed 's/$/|/' >shown
"$program" "$@" >found
diff -u shown found || { echo "$document: this is not so; replace the table with what $program $* prints" >&2; exit 1; }
