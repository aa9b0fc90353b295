#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     tutorial.sh SOURCE-DIR TOOL LIBRARY LAB-LIBRARY PYTHON DOCUMENT PROGRAM...
#
# Does what a reader of the document does (tutorial.py), with the programs and libraries of the build tree as if they
# were installed. It is skipped if one of the PROGRAMs is missing.

set -eu -o pipefail
source=$1 tool=$2 library=$3 lab=$4 python=$5 document=$6
shift 6
here=$(cd "$(dirname "$0")" && pwd)
. "$here/installed.sh"
cd "$VDESTACK_TEST_TMP"
use_as_installed "$source" "$tool" "$library" "$lab"
status=0
"$python" "$here/tutorial.py" "$document" "$@" || status=$?
rm -r installed
exit $status
