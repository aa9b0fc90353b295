#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     surroundings.sh CASE SOURCE-DIR WRAPPER CC TESTS-DIR
#
# Where the tests can run: ./check, cmake/packages.sh and the wrapper (tests/support/wrap.c) in places that
# are not a developer's machine.

set -eu -o pipefail
case=$1 source=$2 wrap=$3 cc=$4
unset VDESTACK_TESTS_MUST_RUN
status=0

fail() {
	echo "surroundings: $*" >&2
	[ ! -s printed ] || cat printed >&2
	exit 1
}

says() {
	grep -qF -- "$1" printed || fail "status $status, not printed: $1"
}

case $case in
a_private_checkout_is_read_by_the_ordinary_user)
	umask 077
	mkdir -p checkout/tests/build checkout/out/bin checkout/build-old
	echo source >checkout/CMakeLists.txt
	echo deep >checkout/tests/build/file
	printf '#!/bin/sh\necho ran\n' >checkout/tests/script
	chmod 0700 checkout/tests/script
	echo secret >checkout/build-old/object
	(umask 022 && echo cache >checkout/out/CMakeCache.txt && echo program >checkout/out/bin/program)
	chmod 0755 checkout/out/bin
	"$wrap" --as root --reach "$PWD/checkout" --reach "$PWD/checkout/out" \
		setpriv --reuid=65534 --regid=65534 --clear-groups cat "$PWD/checkout/tests/build/file" || fail "root that changes its user"
	"$wrap" --as user --reach "$PWD/checkout" --reach "$PWD/checkout/out" sh -ec "[ \$(id -u) != 0 ]; cd '$PWD/checkout'
		cat CMakeLists.txt tests/build/file out/CMakeCache.txt out/bin/program; ./tests/script; ls" >printed 2>&1 || status=$?
	[ "$status" = 0 ] || fail "status $status"
	for word in source deep ran cache program; do
		says $word
	done
	! grep -q build-old printed || fail "another build directory is copied"
	[ "$(stat -c %a checkout checkout/CMakeLists.txt | tr '\n' ' ')" = "700 600 " ] || fail "the checkout is not private any more"
	;;
a_case_that_leaves_mounts_leaves_no_directory)
	"$wrap" --as root sh -ec 'touch file; mkdir dir; mount --bind /proc/self/ns/net file; mount -t tmpfs none dir; touch dir/x; pwd' \
		>printed 2>&1 || status=$?
	[ "$status" = 0 ] || fail "status $status"
	[ ! -e "$(cat printed)" ] || fail "it is left"
	;;
in_a_chroot_cases_that_need_user_namespaces_are_skipped)
	mkdir root
	mount --rbind / root
	chroot root "$wrap" --as user --userns true >printed 2>&1 || status=$?
	[ "$status" = 77 ] || fail "status $status"
	says "user namespaces cannot be made: Operation not permitted (in a chroot"
	status=0
	chroot root "$wrap" --as root --userns true >printed 2>&1 || status=$?
	[ "$status" = 77 ] || fail "as root: status $status"
	status=0
	chroot root "$wrap" --as user true >printed 2>&1 || status=$?
	[ "$status" = 0 ] || fail "a case that needs none: status $status"
	umount -R -l root
	mkdir -p tmpfs
	mount -t tmpfs none tmpfs
	mkdir tmpfs/plain
	for file in "$wrap" $(ldd "$wrap" | grep -o '/[^ ]*'); do
		install -D "$file" "tmpfs/plain/$file"
	done
	status=0
	chroot tmpfs/plain "$wrap" --as root true >printed 2>&1 || status=$?
	[ "$status" = 77 ] || fail "a root that is no mount point: status $status"
	says "the root directory is no mount point (a chroot)"
	;;
without_a_tun_device_cases_that_need_it_are_skipped)
	skipped() { # PROGRAM CASE
		unshare --user --map-root-user --mount sh -ec 'mount -t tmpfs none /dev/net; exec "$@"' sh \
			"$wrap" --as self "$@" >printed 2>&1 || status=$?
		[ "$status" = 77 ] || fail "$2: status $status"
		says "this user cannot open /dev/net/tun: No such file"
	}
	skipped "$5/system/system_peers" nc_of_a_peer_talks_to_a_server_of_a_stack
	skipped "$5/system/system_vnl" a_tap_of_the_host_network_reaches_the_stack
	skipped "$5/kernel/kernel_namespaces" a_tap_appears_in_the_namespace_of_the_task_that_opened_the_device
	;;
costs_are_those_of_all_descendants)
	busy='i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done'
	VDESTACK_TEST_COSTS=$PWD/costs "$wrap" --as self sh -c "(($busy) & wait) & sleep 0.1; wait"
	VDESTACK_TEST_COSTS=$PWD/costs "$wrap" --as self sleep 0.5
	read -r _ busy_ms status who what <costs
	[ "$busy_ms" -ge 50 ] && [ "$status $who" = "0 self" ] && [ "${what%% *}" = sh ] || fail "$(cat costs)"
	sed -n 2p costs >second
	read -r wall_ms idle_ms status who what <second
	[ "$wall_ms" -ge 490 ] && [ "$idle_ms" -le 100 ] && [ "$what" = "sleep 0.5" ] || fail "$(cat costs)"
	;;
a_build_directory_that_cannot_be_written_is_told_in_one_line)
	mkdir closed
	chmod 0500 closed
	"$source/check" --build-dir "$PWD/closed" --cc "$cc" >printed 2>&1 || status=$?
	[ "$status" = 1 ] && [ "$(wc -l <printed)" = 1 ] || fail "status $status"
	says "cannot write to the build directory $PWD/closed"
	;;
package_lists_are_fetched_first_when_there_are_none)
	mkdir bin lists
	printf '#!/bin/sh\necho "apt-get $1"\n' >bin/apt-get
	printf '#!/bin/sh\nexit 1\n' >bin/dpkg-query
	printf '#!/bin/sh\necho 0\n' >bin/id
	chmod +x bin/*
	try() {
		PATH=$PWD/bin:$PATH APT_LISTS=$PWD/lists bash -ec ". '$source/cmake/packages.sh'; need_packages some" >printed 2>&1
	}
	try
	[ "$(cat printed)" = $'Installing some\napt-get update\napt-get install' ] || fail "with no lists"
	: >lists/debian_main_binary_Packages.lz4
	try
	[ "$(cat printed)" = $'Installing some\napt-get install' ] || fail "with lists"
	;;
*) fail "no such case" ;;
esac
