#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     reproducible.sh SOURCE-DIR
#
# Two builds of the packages of debian/, in directories with other names, with another locale, umask, time zone, home,
# number of jobs and at another time, make the same packages, byte for byte. Nothing is taken from a cache of a compiler.

set -eu -o pipefail
export PATH=/usr/sbin:/usr/bin:/sbin:/bin CCACHE_DISABLE=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for tool in dpkg-buildpackage dh pybuild dh_apparmor; do
	command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 77; }
done

# build DIRECTORY UMASK JOBS VARIABLE=VALUE...
build() {
	local directory=$work/$1 mask=$2 jobs=$3
	shift 3
	mkdir -p "$directory"
	tar -C "$source" --exclude=./.git --exclude='./build*' --exclude=__pycache__ -cf - . | tar -C "$directory" -xf -
	(
		umask "$mask"
		cd "$directory"
		env "$@" "DEB_BUILD_OPTIONS=nocheck parallel=$jobs" dpkg-buildpackage -b -us -uc >"$directory.log" 2>&1
	) || { tail -n 20 "$directory.log"; exit 1; }
}

sums() { # DIRECTORY
	(cd "$1" && find . -maxdepth 1 -name '*.deb' -print0 | sort -z | xargs -0 sha256sum)
}

source=$1
build one/libvdestack 022 1 LC_ALL=C TZ=Etc/GMT+12 HOME=/nonexistent/first
build another/place/of/it 027 2 LC_ALL=C.UTF-8 TZ=Pacific/Kiritimati HOME=/nonexistent/second USER=somewhere
sums "$work/one" >"$work/first"
sums "$work/another/place/of" >"$work/second"
[ "$(wc -l <"$work/first")" -ge 15 ] || { echo "few packages were built"; cat "$work/first"; exit 1; }
diff "$work/first" "$work/second" || { echo "packages differ; look at them with diffoscope"; exit 1; }
