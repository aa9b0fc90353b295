#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     consume.sh SOURCE-DIR BUILD-DIR CC
#
# Installs the library to a directory of its own, builds the examples against it, once with
# find_package and once with pkg-config, and runs them all; then moves the installation
# elsewhere and runs the demonstration again.

set -eu -o pipefail
source=$1 build=$2 cc=$3
here=$(cd "$(dirname "$0")" && pwd)
prefix=$VDESTACK_TEST_TMP/prefix

fail() {
	echo "consume: $*" >&2
	exit 1
}

# The flags of the other library that an example needs, as its head names it ("pkg-config: MODULE"). Fails where
# that library is missing; then the example is left out.
flags_of_other() {
	local module

	if grep -qE '#include <vdestack/(dns|dial|lookups)\.h(pp)?>' "$1"; then
		[ -n "$resolver" ] || return 1
		echo "-lvdestack-dns"
	fi
	if grep -qE '#include <vdestack/lab\.h(pp)?>' "$1"; then
		echo "-lvdestack-lab"
	fi
	for module in ioth iothaddr iothconf iothdns iothradvd; do
		if grep -q "#include <$module\.h>" "$1"; then
			pkg-config --cflags --libs "$module" 2>/dev/null || return 1
		fi
	done
	module=$(sed -n 's/.*pkg-config: \([a-z0-9.-]*[a-z0-9]\).*/\1/p' "$1" | head -n 1)
	[ -z "$module" ] || pkg-config --cflags --libs "$module" 2>/dev/null
}

# run DIRECTORY: all examples, built there; the C++ one may be missing where there is no compiler for it
run() {
	local program n=0 expected=0
	for program in "$source"/examples/*.c "$source"/examples/lab/*.c "$source"/examples/moving-stack/*.c; do
		flags_of_other "$program" >/dev/null && expected=$((expected + 1))
	done
	for program in "$1"/*; do
		if [ -f "$program" ] && [ -x "$program" ]; then
			echo "running $program"
			"$BASH" "$here/example.sh" "$program" || [ $? = 77 ] || fail "$program does not run"
			n=$((n + 1))
		fi
	done
	[ "$expected" -gt 5 ] && [ "$n" -ge "$expected" ] || fail "only $n examples in $1"
}

# The library a program really gets, and that its file may be executed.
check_library() {
	local found
	found=$(ldd "$1" | grep -vE "libvdestack-(dns|lab)" | sed -nE 's/.*lib(vdestack|ioth)[^ ]* => ([^ ]*).*/\2/p' | sed 1q)
	case $found in
	"$prefix"/*) ;;
	*) fail "$1 runs with '$found' instead of the installed library" ;;
	esac
	case $found in
	*/libvdestack*) [ -x "$found" ] || fail "$found may not be executed" ;;
	esac
}

cmake --install "$build" --prefix "$prefix" >/dev/null
resolver=$(find "$prefix" -name vdestack-dns.pc) # empty: built without it

# ---- the simplest program, both ways
cat >program.c <<'END'
#include <stdio.h>
#include <vdestack.h>

int main(void)
{
	return puts(vdestack_version()) < 0;
}
END
mkdir simple
cat >simple/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.20)
project(simple LANGUAGES C)
find_package(vdestack 1.0 CONFIG REQUIRED)
add_executable(simple ../program.c)
target_link_libraries(simple PRIVATE vdestack::vdestack)
add_executable(quiet ../program.c)
target_link_libraries(quiet PRIVATE vdestack::nointerpose)
END
cmake -S simple -B simple/build "-DCMAKE_C_COMPILER=$cc" "-DCMAKE_PREFIX_PATH=$prefix" >/dev/null
cmake --build simple/build >/dev/null
check_library simple/build/simple
check_library simple/build/quiet
ldd simple/build/quiet | grep 'libvdestack-nointerpose\.so\.0' >/dev/null || fail "vdestack::nointerpose is another library"
version=$(simple/build/simple)
[ "$(simple/build/quiet)" = "$version" ] || fail "two variants, two versions"

libdir=$(dirname "$(find "$prefix" -name vdestack.pc)")
export PKG_CONFIG_PATH=$libdir
pkg-config --print-errors --exists "vdestack = $version" ||
	fail "pkg-config says $(pkg-config --modversion vdestack), the library $version"
pkg-config --static --libs vdestack >/dev/null
libdir=$(cd "$(pkg-config --variable=libdir vdestack)" && pwd)
flags=$(pkg-config --cflags --libs vdestack)
# shellcheck disable=SC2086
"$cc" program.c -o simple/with_pkg_config $flags "-Wl,-rpath,$libdir"
check_library simple/with_pkg_config
[ "$(simple/with_pkg_config)" = "$version" ] || fail "two ways, two versions"

# shellcheck disable=SC2046
"$cc" program.c -o simple/quiet $(pkg-config --cflags --libs vdestack-nointerpose) "-Wl,-rpath,$libdir"
check_library simple/quiet
[ "$(simple/quiet)" = "$version" ] || fail "two variants, two versions"

# ---- the resolver, both ways. A program that links libvdestack keeps its default stack.
if [ -n "$resolver" ]; then
	cat >names.c <<'END'
#include <stdio.h>
#include <vdestack.h>
#include <vdestack/dns.h>

int main(void)
{
	struct vdestack *stack = vdestack_new("", NULL);
	struct addrinfo *list;

	if (stack == NULL || vdestack_set_default(stack) < 0) {
		puts(vdestack_last_error());
		return 1;
	}
	if (vdestack_getaddrinfo(stack, "localhost", "http", NULL, &list) != 0) {
		puts(vdestack_dns_last_error());
		return 1;
	}
	vdestack_freeaddrinfo(list);
	return vdestack_delete(stack) < 0;
}
END
	mkdir names
	cat >names/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.20)
project(names LANGUAGES C)
find_package(vdestack 1.0 CONFIG REQUIRED)
add_executable(names ../names.c)
target_link_libraries(names PRIVATE vdestack::dns vdestack::vdestack)
END
	cmake -S names -B names/build "-DCMAKE_C_COMPILER=$cc" "-DCMAKE_PREFIX_PATH=$prefix" >/dev/null
	cmake --build names/build >/dev/null
	names/build/names || fail "the resolver does not work with CMake"
	# shellcheck disable=SC2046
	"$cc" names.c -o names/with_pkg_config $(pkg-config --cflags --libs vdestack vdestack-dns) "-Wl,-rpath,$libdir"
	names/with_pkg_config || fail "the resolver does not work with pkg-config"
	if ldd simple/with_pkg_config | grep cares; then fail "the core needs c-ares"; fi
fi

# ---- the Internet of Threads by the components of the package. One that is not there is refused.
if [ -n "$(find "$prefix" -name iothconf.pc)" ]; then
	mkdir family
	cat >family/family.c <<'END'
#include <ioth.h>
#include <iothaddr.h>
#include <iothconf.h>
#include <iothdns.h>
#include <iothradvd.h>

int main(void)
{
	char config[] = "nameserver 127.0.0.1";
	struct ioth *net = ioth_newstackc("stack=kernel");
	struct iothdns *dns = net != NULL ? iothdns_init_strcfg(net, config) : NULL;

	if (dns == NULL)
		return 1;
	iothdns_fini(dns);
	iothradvd_stop(NULL);
	return ioth_delstack(net) < 0;
}
END
	cat >family/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.20)
project(family LANGUAGES C)
find_package(vdestack 1.0 CONFIG REQUIRED COMPONENTS ioth iothconf iothdns iothaddr iothradvd)
find_package(vdestack 1.0 CONFIG QUIET COMPONENTS ioth nothing)
if(vdestack_FOUND)
	message(FATAL_ERROR "a component that does not exist is found")
endif()
add_executable(family family.c)
target_link_libraries(family PRIVATE vdestack::ioth vdestack::iothconf vdestack::iothdns vdestack::iothaddr
	vdestack::iothradvd)
END
	cmake -S family -B family/build "-DCMAKE_C_COMPILER=$cc" "-DCMAKE_PREFIX_PATH=$prefix" >/dev/null
	cmake --build family/build >/dev/null
	family/build/family || fail "the components of the Internet of Threads do not work"
fi

# ---- the laboratory, both ways, with its program beside it
cat >lab.c <<'END'
#include <stdio.h>
#include <vdestack/lab.h>

int main(void)
{
	struct vdestack_lab *lab = vdestack_lab_new("network lan 10.0.0.0/24\nhost a on lan\n", NULL);
	char *argv[] = { "sh", "-c", "getent ahostsv4 a | grep 10.0.0.1 >/dev/null", NULL };

	if (lab == NULL || vdestack_lab_start(lab) < 0 || vdestack_lab_run(lab, "a", argv, NULL) != 0) {
		puts(vdestack_lab_last_error());
		return 1;
	}
	vdestack_lab_delete(lab);
	return 0;
}
END
mkdir lab
cat >lab/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.20)
project(lab LANGUAGES C)
find_package(vdestack 1.0 CONFIG REQUIRED)
add_executable(lab ../lab.c)
target_link_libraries(lab PRIVATE vdestack::lab vdestack::vdestack)
END
cmake -S lab -B lab/build "-DCMAKE_C_COMPILER=$cc" "-DCMAKE_PREFIX_PATH=$prefix" >/dev/null
cmake --build lab/build >/dev/null
lab/build/lab || fail "the laboratory does not work with CMake"
# shellcheck disable=SC2046
"$cc" lab.c -o lab/with_pkg_config $(pkg-config --cflags --libs vdestack vdestack-lab) "-Wl,-rpath,$libdir"
lab/with_pkg_config || fail "the laboratory does not work with pkg-config"

# ---- the tool, which finds the library from its own place
check_library "$prefix/bin/vdestack"
"$prefix/bin/vdestack" --version | grep -F "$version" >/dev/null || fail "the tool is not of version $version"

# ---- the examples through find_package
cp -r "$source/examples" examples
cmake -S examples -B examples/build "-DCMAKE_C_COMPILER=$cc" "-DCMAKE_PREFIX_PATH=$prefix" \
	"-DCMAKE_RUNTIME_OUTPUT_DIRECTORY=$PWD/by_cmake" >/dev/null
cmake --build examples/build --parallel 2 >/dev/null
mkdir -p by_cmake
run "$PWD/by_cmake"

# ---- the examples through pkg-config
mkdir by_pkg_config
for program in "$source"/examples/*.c "$source"/examples/lab/*.c "$source"/examples/moving-stack/*.c "$source"/examples/*.cc "$source"/examples/*.cpp; do
	[ -f "$program" ] || continue
	compiler=$cc
	case $program in
	*.c) ;;
	*)
		compiler="${CXX:-c++} -std=c++17"
		command -v "${compiler%% *}" >/dev/null || continue
		! grep -q '#include <asio' "$program" || echo '#include <asio.hpp>' | $compiler -fsyntax-only -xc++ - 2>/dev/null || continue
		;;
	esac
	other=$(flags_of_other "$program") || continue
	name=$(basename "${program%.*}")
	# shellcheck disable=SC2086
	$compiler -Wall "$program" -o "by_pkg_config/$name" $flags $other -pthread "-Wl,-rpath,$libdir"
	check_library "by_pkg_config/$name"
done
run "$PWD/by_pkg_config"

# ---- moved
mv "$prefix" elsewhere
elsewhere/bin/vdestack --version >/dev/null || fail "the tool does not run where it has been moved"
mv elsewhere "$prefix"
if [ -x by_pkg_config/demo ]; then
	mv "$prefix" moved
	libdir=$PWD/moved${libdir#"$prefix"}
	LD_LIBRARY_PATH=$libdir by_pkg_config/demo
fi
