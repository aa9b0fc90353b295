#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     example_language.sh INCLUDE-DIR LIBRARY DNS-LIBRARY SOURCE
#
# An example in another language: SOURCE is compiled with what a user of the installed library has, then it
# runs as the other examples do (example.sh). LIBRARY is libvdestack-nointerpose. The script exits with 77 if the
# compiler or interpreter is not installed.

set -eu -o pipefail
include=$1 library=$2 dns=$3 source=$4
here=$(cd "$(dirname "$0")" && pwd)
name=$(basename "${source%.*}")
cd "$VDESTACK_TEST_TMP"
mkdir language
libraries="$(dirname "$library"):$(dirname "$dns")"
export LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

# write_pc MODULE LIBRARY
write_pc() {
	cat >"language/$1.pc" <<-PC
	Name: $1
	Description: the build tree
	Version: 1
	Cflags: -I$include
	Libs: -L$(dirname "$2") -l$1
	PC
}

# find_compiler NAME ARGUMENT: that of the distribution first, because one in a home directory is not for the
# ordinary user. ARGUMENT makes it print its version.
find_compiler() {
	compiler=$(PATH=/usr/bin:$PATH command -v "$1") || { echo "there is no $1" >&2; exit 77; }
	HOME=$PWD/language "$compiler" "$2" >/dev/null || { echo "$compiler does not run" >&2; exit 77; }
}

case $source in
*.go)
	find_compiler go version
	write_pc vdestack-nointerpose "$library"
	write_pc vdestack-dns "$dns"
	# without network, and without files outside of this directory
	env HOME="$PWD/language" GOCACHE="$PWD/language/cache" GOPATH="$PWD/language/path" GO111MODULE=off GOFLAGS= \
		GOTOOLCHAIN=local CGO_ENABLED=1 PKG_CONFIG_PATH="$PWD/language" "$compiler" build -o "language/$name" "$source"
	;;
*.rs)
	find_compiler rustc --version
	"$compiler" --edition 2021 -D warnings -L "$(dirname "$library")" -L "$(dirname "$dns")" -o "language/$name" "$source"
	;;
*.py)
	find_compiler python3 --version
	cp "$source" "language/$name"
	chmod 755 "language/$name"
	;;
esac
status=0
"$BASH" "$here/example.sh" "$PWD/language/$name" || status=$?
chmod -R u+w language # the cache of Go is read-only
rm -rf language
exit $status
