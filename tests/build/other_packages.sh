#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     other_packages.sh rpm|arch SOURCE-DIR
#
# The packages of data/packaging are built from an archive as a release has it, and have what they promise. The packages
# to build with are Debian's here, so those that the descriptions name are not asked for.

set -eu -o pipefail
kind=$1 source=$2
export PATH=/usr/lib/ccache:/usr/sbin:/usr/bin:/sbin:/bin
[ -e "$source/.git" ] || { echo "the source is no checkout of git"; exit 77; }
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'

has() { # LIST REGEX
	grep -qE "^/?$2$" "$1" || { echo "$1 has no $2"; exit 1; }
}

# Which package of Arch Linux has a library. Those that every system has are "base".
of_arch() { # NAME.so.N
	case $1 in
	libc.so.* | ld-linux*) echo base ;;
	libvdestack*) echo libvdestack ;;
	libioth*) echo libioth ;;
	libvdeplug.so.*) echo vde2 ;;
	libnl-3.so.*) echo libnl ;;
	libcap.so.*) echo libcap ;;
	libcares.so.*) echo c-ares ;;
	libldns.so.*) echo ldns ;;
	liblwip.so.*) echo lwip ;;
	*) echo "unknown-$1" ;;
	esac
}

# needs_are_said FOLDER PACKAGE: the file .PKGINFO there names each package whose libraries the programs need.
needs_are_said() {
	local folder=$1 own=$2 file library package
	while read -r file; do
		for library in $(readelf -d "$file" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p'); do
			package=$(of_arch "$library")
			[ "$package" != base ] && [ "$package" != "$own" ] || continue
			grep -qE "^(opt)?depend = $package(:.*)?$" "$folder/.PKGINFO" ||
				{ echo "$own: $file needs $library, and PKGBUILD does not say $package"; exit 1; }
		done
	done < <(find "$folder/usr" -type f)
}

case $kind in
rpm)
	command -v rpmbuild >/dev/null || { echo "rpmbuild is missing (package rpm)"; exit 77; }
	"$source/.ci/release" archive "$PWD/archive"
	rpmbuild -bb --nodeps --define "_topdir $PWD/top" --define "_sourcedir $PWD/archive" --define "_dbpath $PWD/db" \
		--define "_smp_mflags --parallel 2" --define "debug_package %{nil}" \
		"$source/data/packaging/libvdestack.spec" >log 2>&1 || { tail -n 30 log; exit 1; }
	for name in libvdestack libvdestack-devel vdestack-tools libioth iothnamed iothradvd namedhcp otip-utils python3-vdestack vdestack-doc; do
		file=$(find top/RPMS -name "$name-[0-9]*.rpm")
		[ -n "$file" ] || { echo "there is no $name"; exit 1; }
		rpm --dbpath "$PWD/db" -qlp "$file" >"$name"
	done
	has libvdestack 'usr/lib[^/]*(/[^/]*)?/libvdestack\.so\.0'
	has libvdestack-devel 'usr/include/vdestack\.h'
	has iothnamed 'usr/lib/systemd/system/iothnamed\.service'
	;;
arch)
	command -v makepkg >/dev/null || { echo "makepkg is missing (package makepkg)"; exit 77; }
	command -v bsdtar >/dev/null || { echo "bsdtar is missing (package libarchive-tools)"; exit 77; }
	"$source/.ci/release" archive "$PWD/archive"
	cp "$source/data/packaging/PKGBUILD" archive
	# makepkg does not run as root. Its configuration of Debian has no compression that is not installed.
	as=()
	if [ "$(id -u)" = 0 ]; then
		chown -R 65534:65534 archive
		chmod 711 .
		as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	fi
	# Without any pacman, which Debian has as another package, makepkg ends without a reason. Here it asks pacman only
	# which packages are installed, and notes that in the package.
	pacman=$(command -v pacman || command -v true)
	(cd archive && "${as[@]}" env HOME="$PWD" CMAKE_BUILD_PARALLEL_LEVEL=2 PKGEXT=.pkg.tar PACMAN="$pacman" \
		makepkg --nodeps --noconfirm >../log 2>&1) || { tail -n 30 log; exit 1; }
	for name in libvdestack vdestack-tools libioth python-vdestack; do
		file=$(find archive -name "$name-[0-9]*.pkg.tar*")
		[ -n "$file" ] || { echo "there is no $name"; tail -n 20 log; exit 1; }
		tar -tf "$file" >"$name"
		mkdir "files-$name"
		tar -xf "$file" -C "files-$name"
		needs_are_said "files-$name" "$name"
	done
	has libvdestack 'usr/lib/libvdestack\.so\.0'
	has libvdestack usr/include/vdestack.h
	has vdestack-tools usr/bin/vdestack
	has libioth usr/bin/iothnamed
	has python-vdestack 'usr/lib/python3.*/vdestack/__init__\.py'
	;;
esac
