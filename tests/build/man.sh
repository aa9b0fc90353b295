#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     man.sh DIRECTORY
#
# mandoc has nothing to say about the manual pages.

set -eu
command -v mandoc >/dev/null || { echo "mandoc is not installed" >&2; exit 77; }
status=0
for page in "$1"/*.[1-9]; do
	[ -f "$page" ] || continue
	mandoc -T lint -W warning "$page" || status=1
done
exit $status
