#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     debian.sh SOURCE-DIR
#
# The packages of debian/ are built from a copy of the source, lintian finds nothing in them that has no reason in
# debian/*.lintian-overrides, and each has what it promises. Programs and the Python package work from their files, with
# the libraries of the packages. What apt does with them is tested by tests/machines/packages.

set -eu -o pipefail
export PATH=/usr/sbin:/usr/bin:/sbin:/bin # Debian's python3, whatever this machine has besides
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for tool in dpkg-buildpackage lintian dh pybuild; do
	command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 77; }
done

mkdir "$work/source"
tar -C "$1" --exclude=./.git --exclude='./build*' --exclude=__pycache__ -cf - . | tar -C "$work/source" -xf -
version=$(sed -n '1s/^libvdestack (\(.*\)-[^-]*) .*/\1/p' "$work/source/debian/changelog")
tar -C "$work" --transform "s|^source|libvdestack-$version|" --exclude=source/debian \
	-czf "$work/libvdestack_$version.orig.tar.gz" source
cd "$work/source"
if ! DEB_BUILD_OPTIONS="nocheck parallel=2" dpkg-buildpackage -us -uc >"$work/log" 2>&1; then
	tail -20 "$work/log"
	exit 1
fi
cd "$work"
# The address of the maintainer is that of the person who uploads, who is not known here.
lintian --allow-root --pedantic -E --fail-on error,warning,pedantic,experimental --tag-display-limit 0 \
	--suppress-tags bogus-mail-host,bogus-mail-host-in-debian-changelog ./*.changes

has() { # PACKAGE PATH
	local contents
	contents=$(dpkg-deb -c "$work/$1"_*.deb | awk '{ print $6 }')
	grep -qE "^\./$2$" <<<"$contents" || { echo "$1 has no $2"; exit 1; }
}
lacks() { # PACKAGE PATH
	! dpkg-deb -c "$work/$1"_*.deb | awk '{ print $6 }' | grep -E "^\./$2$" || { echo "$1 has it"; exit 1; }
}
says() { # PACKAGE FIELD REGEX
	dpkg-deb -f "$work/$1"_*.deb "$2" | grep -E "$3" >/dev/null || { echo "$2 of $1: $(dpkg-deb -f "$work/$1"_*.deb "$2")"; exit 1; }
}
has libvdestack0 'usr/lib/[^/]*/libvdestack\.so\.0'
has libvdestack0 'usr/lib/[^/]*/libvdestack-nointerpose\.so\.0'
lacks libvdestack0 'usr/share/man/.*'
has libvdestack-dns0 'usr/lib/[^/]*/libvdestack-dns\.so\.0'
has libvdestack-lab0 'usr/lib/[^/]*/libvdestack-lab\.so\.0'
has libvdestack-lab0 'usr/lib/[^/]*/vdestack/lab-names'
has libvdestack-dev 'usr/include/vdestack\.h'
has libvdestack-dev 'usr/include/vdestack/lab\.h'
has libvdestack-dev 'usr/share/man/man3/libvdestack\.3\.gz'
lacks libvdestack-dev 'usr/include/ioth.*'
says libvdestack-dev Breaks 'libvdestack0 \(<< 1\.0~\)'
says libvdestack-dev Replaces 'libvdestack0 \(<< 1\.0~\)'
has vdestack-tools usr/bin/vdestack
has vdestack-tools usr/bin/vdens
has vdestack-tools 'usr/lib/[^/]*/libvdestack-preload\.so'
says vdestack-tools Conflicts vdens
has libioth0 'usr/lib/[^/]*/libioth\.so\.0'
has libioth0 'usr/lib/[^/]*/libiothaddr\.so\.0'
has libioth0 'usr/lib/[^/]*/ioth/ioth_vdestack-r\.so'
has libioth-picox 'usr/lib/[^/]*/ioth/vdestack-picox'
has libioth-dev 'usr/include/ioth\.h'
has libioth-dev 'usr/lib/[^/]*/cmake/vdestack/vdestackIothTargets\.cmake'
for name in iothnamed iothradvd otip_rproxy; do
	package=${name/otip_rproxy/otip-utils}
	has "$package" "usr/bin/$name"
	has "$package" "(usr/)?lib/systemd/system/$name\.service"
	has "$package" "etc/apparmor\.d/$name"
	has "$package" "usr/share/man/man8/$name\.8\.gz"
	# It is the administrator who enables it.
	dpkg-deb -I "$package"_*.deb postinst | grep "deb-systemd-helper .*$name.service" >/dev/null ||
		{ echo "$package does not know its unit"; exit 1; }
	! dpkg-deb -I "$package"_*.deb postinst | grep 'deb-systemd-helper enable' >/dev/null || { echo "$name is enabled"; exit 1; }
done
has vdestack-doc 'usr/share/doc/vdestack-doc/docs/architecture\.md'
has python3-vdestack 'usr/lib/python3/dist-packages/vdestack/pytest_plugin\.py'
for package in libvdestack0 libvdestack-dns0 libvdestack-lab0 libvdestack-dev libioth0 libioth-dev libioth-picox; do
	says "$package" Multi-Arch same
done
for package in iothnamed iothradvd otip-utils vdestack-doc; do
	says "$package" Multi-Arch foreign
done

mkdir root
for package in ./*.deb; do
	case $package in
	*-dbgsym_*) ;;
	*) dpkg-deb -x "$package" root ;;
	esac
done
! find root/usr/bin root/usr/lib -type f -exec readelf -d {} + 2>/dev/null | grep -E '\((RPATH|RUNPATH)\)' ||
	{ echo "the path of a library is in a file"; exit 1; }
libraries=$(echo "$work"/root/usr/lib/*/libvdestack.so.0)
for program in vdestack vdens iothnamed iothradvd otipaddr hashaddr otip_rproxy; do
	LD_LIBRARY_PATH=${libraries%/*} "root/usr/bin/$program" --help >said || { echo "$program does not run"; cat said; exit 1; }
done
cat >test_it.py <<-'END_OF_TEST'
	def test_it(stack):
	    stack("vnl=inproc://lan ip=10.0.0.1/24").socket().close()
END_OF_TEST
VDESTACK_LIBRARY=${libraries%/*} PYTHONPATH=$work/root/usr/lib/python3/dist-packages VDESTACK_TESTS_MUST_RUN=1 \
	/usr/bin/python3 -B -m pytest -q -p no:cacheprovider test_it.py
