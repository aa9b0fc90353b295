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
cd "$VDESTACK_TEST_TMP"
mkdir installed
ln -s "$(dirname "$tool")"/* installed

# write_pc MODULE LIBRARY
write_pc() {
	cat >"installed/$1.pc" <<-PC
	Name: $1
	Description: the build tree
	Version: 1
	Cflags: -I$source/include
	Libs: -L$(dirname "$2") -l$1
	PC
}
write_pc vdestack "$library"
write_pc vdestack-lab "$lab"
export PKG_CONFIG_PATH=$PWD/installed
libraries=$(dirname "$library"):$(dirname "$lab")
export LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export PATH=$PWD/installed:/usr/bin:$PATH
VDESTACK_LIBRARY=$(dirname "$library")
export VDESTACK_LIBRARY PYTHONPATH=$source/python/src PYTHONDONTWRITEBYTECODE=1
export PYTEST_ADDOPTS="-p vdestack.pytest_plugin -p no:cacheprovider"
# With these pytest says more than the document shows.
unset CI BUILD_NUMBER
status=0
"$python" "$here/tutorial.py" "$document" "$@" || status=$?
rm -r installed
exit $status
