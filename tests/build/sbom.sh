#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     sbom.sh SOURCE-DIR BUILD-DIR
#
# The list of what the installed files are made of is valid, is that of the installed files, and is the same when it is
# made again. A list with a wrong checksum, or without a package, is noticed.

set -eu -o pipefail
source=$1 build=$2
export SOURCE_DATE_EPOCH=1780272000
version=$(sed -n 's/^project(libvdestack VERSION \([^ ]*\).*/\1/p' "$source/CMakeLists.txt")

write() { # FILE
	python3 -B "$source/cmake/sbom.py" "$source" "$build" cmake "$version" "$PWD/$1"
}
write list.json
write again.json
cmp list.json again.json
DESTDIR=$PWD/root cmake --install "$build" --prefix /usr >/dev/null
DESTDIR=$PWD/root cmake --install "$build" --prefix /usr --component python >/dev/null
python3 -B "$source/tests/build/sbom.py" list.json root

planted() { # SED-PROGRAM
	sed "$1" list.json >planted.json
	! python3 -B "$source/tests/build/sbom.py" planted.json root >faults || { echo "not noticed: $1"; exit 1; }
	[ -s faults ] || { echo "no fault is printed: $1"; exit 1; }
}
planted '0,/"checksumValue": "./s//"checksumValue": "x/'
planted 's/"name": "libcap"/"name": "libother"/'
planted '0,/LGPL-2.1-or-later/s//Beerware/'
planted 's/"spdxVersion": "SPDX-2.3"/"spdxVersion": "SPDX-2.2"/'
