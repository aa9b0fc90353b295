#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     conventions.sh CASE SOURCE-DIR BUILD-DIR CC
#
# What people who build CMake projects expect, and what packagers rely on.

set -eu -o pipefail
case=$1 source=$2 build=$3 cc=$4

fail() {
	echo "conventions: $*" >&2
	exit 1
}

configure() { # DIRECTORY OPTION...
	local directory=$1
	shift
	cmake -S "$source" -B "$directory" "-DCMAKE_C_COMPILER=$cc" -DVDESTACK_EXAMPLES=OFF "$@" >configured 2>&1
}

case $case in
build_testing_off_leaves_out_the_tests)
	configure without -DBUILD_TESTING=OFF || fail "$(cat configured)"
	[ ! -e without/tests ] || fail "there are tests"
	! cmake --build without --target help | grep vdestack_wrap >/dev/null || fail "the wrapper of the tests is a target"
	! grep -q 'not used by the project' configured || fail "BUILD_TESTING is unknown"
	configure with || fail "$(cat configured)"
	[ -e with/tests ] || fail "there are no tests by default"
	configure with -DVDESTACK_IOTH=OFF || fail "$(cat configured)" # again: the answers of the compiler are kept
	cmake --build with --target help >targets
	grep -qw vdestack_objects targets || fail "the library is no target"
	! grep -qE '^(\.\.\. )?(ioth|iothconf|iothdns|iothaddr|iothradvd|ioth_kernel)(:.*)?$' targets || fail "VDESTACK_IOTH=OFF builds it"
	;;
a_static_library_is_refused)
	! configure static -DBUILD_SHARED_LIBS=OFF || fail "BUILD_SHARED_LIBS=OFF is accepted"
	grep -q 'shared library only' configured || fail "no reason: $(cat configured)"
	configure shared -DBUILD_SHARED_LIBS=ON || fail "$(cat configured)"
	;;
a_moved_build_tree_runs)
	(cd "$build" && tar cf - bin src/libvdestack*.so* src/lab/libvdestack*.so* examples/hello 2>/dev/null || true) | (mkdir moved && tar xf - -C moved)
	for program in moved/bin/vdestack moved/examples/hello; do
		[ -x "$program" ] || continue
		found=$(ldd "$program" | sed -n 's/.*libvdestack[^ ]* => \([^ ]*\).*/\1/p')
		grep -q '/libvdestack\.so\.0$' <<<"$found" || fail "$program runs with '$found'"
		for file in $found; do # libvdestack-lab, too
			case $(realpath "$file") in
			"$PWD"/moved/src/*) ;;
			*) fail "$program runs with '$file'" ;;
			esac
		done
	done
	moved/bin/vdestack --version
	;;
pkg_config_has_the_prefix_of_the_installation)
	for name in vdestack vdestack-nointerpose; do
		rm -rf "$PWD/stage"
		DESTDIR=$PWD/stage cmake --install "$build" --prefix /opt/some >/dev/null
		file=$(find "$PWD/stage" -name "$name.pc")
		[ "$(sed -n 1p "$file")" = "prefix=/opt/some" ] || fail "$(cat "$file")"
		grep -q '^libdir=${prefix}/lib' "$file" || fail "$(cat "$file")"
		grep -q '^includedir=${prefix}/include$' "$file" || fail "$(cat "$file")"
		! grep -q 'pcfiledir\|@' "$file" || fail "$(cat "$file")"
	done
	cmake --install "$build" --prefix "$PWD/other" >/dev/null
	export PKG_CONFIG_PATH
	PKG_CONFIG_PATH=$(dirname "$(find "$PWD/other" -name vdestack.pc)")
	[ "$(pkg-config --variable=prefix vdestack)" = "$PWD/other" ] || fail "another prefix: $(pkg-config --variable=prefix vdestack)"
	;;
a_cross_build_runs_its_programs_by_the_emulator)
	# In the build directory, which the tests make reachable for every user. Where it cannot write, it prints.
	mkdir cross
	cat >cross/emulator <<-END
		#!/bin/sh
		echo "emulated \$*" >&2
		(echo "emulated \$*" >>"$PWD/ran") 2>/dev/null
		exec "\$@"
	END
	chmod +x cross/emulator
	configure cross -DCMAKE_SYSTEM_NAME=Linux "-DCMAKE_SYSTEM_PROCESSOR=$(uname -m)" \
		"-DCMAKE_CROSSCOMPILING_EMULATOR=$PWD/cross/emulator" || fail "$(cat configured)"
	cmake --build cross --parallel 2 --target unit_checksum fuzz_text >built 2>&1 || fail "$(cat built)"
	grep -q 'emulated [^ ]*/unit_checksum --list$' ran || fail "its cases were read without the emulator"
	ctest --test-dir cross -V -R '^(unit\.checksum|fuzz\.text)' >tested 2>&1 || fail "$(cat tested)"
	for program in unit_checksum fuzz_text; do
		! grep -q "emulated [^ ]*/wrap " tested || fail "the wrapper of $program ran by the emulator"
		grep -q "emulated [^ ]*/$program " tested || fail "$program ran without the emulator"
	done
	;;
*) fail "no such case" ;;
esac
