# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034
#
# Sourced by the scripts beside it: a root directory with a release of Debian, and this tree built in it.
#
# What a script makes is in one directory, which is removed when the script ends, also by SIGINT and SIGTERM.
# Mounts are made in mount namespaces of the commands only, so none is ever left.

machine_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
machine_source=$(cd "$machine_here/../.." && pwd)
# shellcheck source=cmake/packages.sh
. "$machine_source/cmake/packages.sh"

machine_fail() {
	echo "$(basename "$0"): $*" >&2
	exit 1
}

# Reads the arguments [--dir DIR] [--minutes N] [--patience N] [WORD]... into the variables below. Other
# words are left in the array machine_words.
machine_arguments() {
	machine_dir=""
	machine_minutes=$1
	machine_patience=1
	machine_words=()
	shift
	while [ $# -gt 0 ]; do
		case $1 in
		--help | -h) machine_usage; exit 0 ;;
		--) shift; machine_words+=("$@"); break ;;
		--command) machine_words=(--command); shift; machine_words+=("$@"); break ;;
		--dir | --minutes | --patience) ;;
		*) machine_usage >&2; exit 2 ;;
		esac
		[ $# -ge 2 ] || machine_fail "$1 needs a value"
		case $1 in
		--dir) machine_dir=$2 ;;
		--minutes) machine_minutes=$2 ;;
		--patience) machine_patience=$2 ;;
		esac
		shift 2
	done
	[ "$(id -u)" -eq 0 ] || machine_fail "needs root, to make another root directory"
	machine_deadline=$((SECONDS + machine_minutes * 60))
	machine_child=""
	trap machine_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	if [ -n "$machine_dir" ]; then
		mkdir -p "$machine_dir"
		machine_dir=$(cd "$machine_dir" && pwd)
		machine_remove=""
	else
		machine_dir=$(mktemp -d "${TMPDIR:-/tmp}/vdestack-machine.XXXXXX")
		machine_remove=$machine_dir
	fi
	machine_root=$machine_dir/root
}

machine_end() {
	local try

	if [ -n "$machine_child" ]; then
		kill -KILL -- "-$machine_child" 2>/dev/null || kill -KILL "$machine_child" 2>/dev/null || true
		wait "$machine_child" 2>/dev/null || true
	fi
	[ -n "$machine_remove" ] || return 0
	# The processes of a PID namespace end a little later than the one that was waited for.
	for try in 1 2 3 4 5; do
		rm -rf --one-file-system "$machine_remove" 2>/dev/null && return 0
		sleep "$try"
	done
	rm -rf --one-file-system "$machine_remove"
}

# Runs a command until it ends or the deadline of the script has passed; its status, 137 at the deadline. The
# command runs in a process group of its own and is killed as that group, so it must leave the group only in
# a PID namespace that ends with it.
machine_run() {
	local left=$((machine_deadline - SECONDS)) status=0

	[ "$left" -gt 0 ] || return 137
	timeout --signal=KILL "$left" "$@" &
	machine_child=$!
	wait "$machine_child" || status=$?
	machine_child=""
	[ "$status" -ne 137 ] || echo "$(basename "$0"): not finished after $machine_minutes minutes" >&2
	return "$status"
}

machine_enter() {
	machine_run "$machine_here/enter" "$machine_root" "$@"
}

# The mirror of Debian that this machine's apt uses; nothing if it uses none.
machine_mirror() {
	apt-get indextargets --format '$(ORIGIN) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		sed -n 's/^Debian main //p' | grep -v -e -security | head -n 1
}

# Makes the root directory: the base system of RELEASE, and the committed state of the tree in /src.
#
#     machine_base RELEASE
machine_base() {
	local release=$1 mirror setting
	need_packages debootstrap
	# debootstrap, and apt in the root, reach the mirror as apt of this machine does.
	for setting in http https; do
		eval "$(apt-config shell "${setting}_proxy" "Acquire::$setting::Proxy")"
		export "${setting}_proxy"
	done
	if [ ! -e "$machine_root/.complete" ]; then
		mirror=$(machine_mirror)
		rm -rf --one-file-system "$machine_root"
		# shellcheck disable=SC2086
		machine_run unshare --mount --pid --fork --kill-child --mount-proc \
			debootstrap --variant=minbase "$release" "$machine_root" $mirror >"$machine_dir/debootstrap.log" ||
			{ tail -n 20 "$machine_dir/debootstrap.log" >&2; machine_fail "debootstrap failed"; }
		# Nobody needs this directory after a crash.
		echo force-unsafe-io >"$machine_root/etc/dpkg/dpkg.cfg.d/machine"
		: >"$machine_root/.complete"
	fi
	rm -rf "$machine_root/src"
	mkdir "$machine_root/src"
	git -C "$machine_source" archive HEAD | tar -x -C "$machine_root/src"
	cp /etc/resolv.conf "$machine_root/etc/resolv.conf"
}

# Makes that root directory with the packages that the build and the tests need and others that are named, and
# what ctest needs of the tree in /build.
#
#     machine_make RELEASE [PACKAGE]...
machine_make() {
	machine_base "$1"
	shift
	machine_enter bash -eu -c '
		patience=$1
		shift
		cd /src
		. cmake/packages.sh
		apt-get update -q >/dev/null
		need_packages $packages_build $packages_test "$@" >/packages.log 2>&1 || { tail -n 20 /packages.log; exit 1; }
		apt-get clean
		cmake --version | head -n 1
		cc --version | head -n 1
		# A warning of CMake is an error, too.
		cmake -Werror=dev -S . -B /build -DBUILD_TESTING=ON -DVDESTACK_EXAMPLES=ON -DVDESTACK_WERROR=ON \
			-DVDESTACK_PATIENCE="$patience" >/dev/null
		cmake --build /build --parallel "$(nproc)" >/build/log || { tail -n 50 /build/log; exit 1; }
	' make "$machine_patience" "$@" || machine_fail "the build failed"
}
