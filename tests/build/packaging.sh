#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     packaging.sh CASE SOURCE-DIR CC
#
# The descriptions of packages, without a build of them.

set -eu -o pipefail
case=$1 source=$2 cc=$3

fail() {
	echo "packaging: $*" >&2
	exit 1
}

# The programs of the family, second names included.
daemons() {
	sed -n 's/^vdestack_add_daemon(\([a-z0-9_]*\).*/\1/p' "$source/src/daemons/CMakeLists.txt"
	sed -n 's|.*PROJECT_BINARY_DIR}/bin/\([a-z0-9_]*\)" DESTINATION.*|\1|p' "$source/src/daemons/CMakeLists.txt"
}

case $case in
each_daemon_has_a_package)
	[ "$(daemons | wc -l)" -ge 4 ] || fail "few daemons are found"
	for name in $(daemons); do
		package=$(sed -n "s/^\t\([a-z-]*\):$name\( .*\)\?$/\1/p" "$source/debian/rules")
		[ -n "$package" ] || fail "debian/rules has no $name in DAEMONS"
		awk -v RS= -v name="$package" '$1 == "Package:" && $2 == name' "$source/debian/control" >paragraph
		[ -s paragraph ] || fail "debian/control has no package $package"
		! grep -q '^Build-Profiles' paragraph ||
			fail "$name is built: remove the line Build-Profiles of $package from debian/control"
		grep -q "bindir}/$name\$" "$source/data/packaging/libvdestack.spec" || fail "libvdestack.spec has no $name"
		! grep -q "^%bcond_with $package" "$source/data/packaging/libvdestack.spec" ||
			fail "$name is built: libvdestack.spec must say %bcond_without $package"
		[ ! -e "$source/data/systemd/$name.service.in" ] || [ -e "$source/data/apparmor/$name.in" ] ||
			fail "data/apparmor has no $name.in"
	done
	;;
the_spec_can_be_parsed)
	command -v rpmspec >/dev/null || { echo "rpmspec is missing (package rpm)"; exit 77; }
	rpmspec -P "$source/data/packaging/libvdestack.spec" >parsed || fail "rpmspec refuses it"
	rpmspec -q "$source/data/packaging/libvdestack.spec" --qf '%{name}\n' >names
	for package in libvdestack libvdestack-devel vdestack-tools libioth iothnamed namedhcp python3-vdestack; do
		grep -qx "$package" names || fail "no $package"
	done
	;;
the_pkgbuild_has_what_makepkg_needs)
	bash -n "$source/data/packaging/PKGBUILD"
	# shellcheck disable=SC2016
	bash -eu -c '
		. "$1"
		for name in pkgver pkgrel pkgdesc arch license source sha256sums; do
			declare -p "$name" >/dev/null || { echo "no $name"; exit 1; }
		done
		[[ $pkgver =~ ^[0-9.]+$ && $pkgrel =~ ^[0-9]+$ ]]
		[ "${#source[@]}" = "${#sha256sums[@]}" ]
		declare -F build >/dev/null
		installed=" "
		components() { installed="$installed$* "; }
		for name in "${pkgname[@]}"; do
			(declare -F "package_$name" >/dev/null) || { echo "no package_$name"; exit 1; }
			"package_$name"
		done
		for name in runtime development tools daemons ioth python doc; do
			[[ $installed == *" $name "* ]] || { echo "component $name is in no package"; exit 1; }
		done
	' check "$source/data/packaging/PKGBUILD" || fail "PKGBUILD"
	;;
profiles_of_apparmor_are_read_by_its_parser)
	command -v apparmor_parser >/dev/null || { echo "apparmor_parser is missing (package apparmor)"; exit 77; }
	newest=$(find /etc/apparmor.d/abi -name '[0-9]*.0' -printf '%f\n' | sort -V | tail -n 1)
	for version in 3.0 4.0; do
		cmake -S "$source" -B "$version" "-DCMAKE_C_COMPILER=$cc" -DBUILD_TESTING=OFF -DVDESTACK_EXAMPLES=OFF \
			-DCMAKE_INSTALL_PREFIX=/usr "-DVDESTACK_APPARMOR=$version" >configured 2>&1 || fail "$(cat configured)"
		for profile in "$version"/apparmor/*; do
			if [ "$version" = 4.0 ]; then
				grep -q '^  userns,$' "$profile" || fail "$profile does not permit user namespaces"
				# A parser that does not know this version reads the rest.
				[ "${newest%%.*}" -ge 4 ] ||
					sed -i '/^  userns,$/d; s|abi/4.0|abi/3.0|; s/flags=(unconfined)//' "$profile"
			fi
			! grep -n '@[A-Z_]*@' "$profile" | grep -v '@{' || fail "$profile has a name that was not filled in"
			apparmor_parser -Q -K "$profile" >said 2>&1 || fail "$profile: $(cat said)"
		done
		[ "$(find "$version/apparmor" -type f | wc -l)" -ge 3 ] || fail "few profiles"
	done
	[ -e 4.0/apparmor/vdestack ] && [ ! -e 3.0/apparmor/vdestack ] || fail "the profile of the tools"
	! cmake -S "$source" -B wrong "-DCMAKE_C_COMPILER=$cc" -DVDESTACK_APPARMOR=5 >configured 2>&1 || fail "5 is accepted"
	grep -q 'set it to 3.0, 4.0 or OFF' configured
	;;
*) fail "no such case" ;;
esac
