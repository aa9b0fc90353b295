#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     debian.sh SOURCE-DIR
#
# The packages of debian/ are built from a copy of the source, lintian finds no error in them, and each has what it
# promises. The Python package works from its files, with the libraries of the packages.

set -eu -o pipefail
export PATH=/usr/sbin:/usr/bin:/sbin:/bin # Debian's python3, whatever this machine has besides
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for tool in dpkg-buildpackage lintian dh pybuild; do
	command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 77; }
done

mkdir "$work/source"
tar -C "$1" --exclude=./.git --exclude='./build*' --exclude=__pycache__ -cf - . | tar -C "$work/source" -xf -
cd "$work/source"
if ! DEB_BUILD_OPTIONS="nocheck parallel=2" dpkg-buildpackage -b -us -uc >"$work/log" 2>&1; then
	tail -20 "$work/log"
	exit 1
fi
cd "$work"
# The address of the maintainer is that of the person who uploads, who is not known here.
lintian --allow-root --fail-on error --tag-display-limit 0 \
	--suppress-tags bogus-mail-host,bogus-mail-host-in-debian-changelog ./*.changes

has() { # PACKAGE PATH
	local contents
	contents=$(dpkg-deb -c "$work/$1"_*.deb | awk '{ print $6 }')
	grep -qE "^\./$2$" <<<"$contents" || { echo "$1 has no $2"; exit 1; }
}
has libvdestack0 'usr/lib/[^/]*/libvdestack\.so\.0'
has libvdestack0 'usr/lib/[^/]*/libvdestack-nointerpose\.so\.0'
has libvdestack0 'usr/lib/[^/]*/libvdestack-dns\.so\.0'
has libvdestack0 'usr/lib/[^/]*/libvdestack-lab\.so\.0'
has libvdestack0 'usr/lib/[^/]*/vdestack/lab-names'
has libvdestack-dev 'usr/include/vdestack\.h'
has libvdestack-dev 'usr/include/vdestack/lab\.h'
has vdestack usr/bin/vdestack
has python3-vdestack 'usr/lib/python3/dist-packages/vdestack/pytest_plugin\.py'

mkdir root
for package in libvdestack0 python3-vdestack; do
	dpkg-deb -x "$package"_*.deb root
done
cat >test_it.py <<-'END_OF_TEST'
	def test_it(stack):
	    stack("vnl=inproc://lan ip=10.0.0.1/24").socket().close()
END_OF_TEST
libraries=$(echo "$work"/root/usr/lib/*/libvdestack.so.0)
VDESTACK_LIBRARY=${libraries%/*} PYTHONPATH=$work/root/usr/lib/python3/dist-packages VDESTACK_TESTS_MUST_RUN=1 \
	/usr/bin/python3 -B -m pytest -q -p no:cacheprovider test_it.py
