#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     replace.sh PROGRAM.c CC DIRECTORY-OF-LIBRARY
#
# A program compiled and linked with Debian's libvdestack runs with this library: every symbol is
# found, the dynamic linker prints nothing, and the output is the same as with Debian's.

set -eu -o pipefail
program=$1 cc=$2 libdir=$3

old=$(readlink -f "$("$cc" -print-file-name=libvdestack.so)")
case $old in
*/libvdestack.so.0.1.*) ;;
*) echo "Debian's libvdestack-dev is not installed" >&2; exit 77 ;;
esac
"$cc" "$program" -o old_program "$old"

unshare --user true 2>/dev/null || { echo "no user namespaces can be made, which Debian's library needs" >&2; exit 77; }
(: <>/dev/net/tun) 2>/dev/null || { echo "this user cannot open /dev/net/tun, which Debian's library needs" >&2; exit 77; }

vde_plug null:// "hub://$PWD/hub" </dev/null &
hub=$!
trap 'kill "$hub" 2>/dev/null || true; wait "$hub" 2>/dev/null || true' EXIT
for ((i = 0; i < 500; i++)); do
	[ ! -S hub/ctl ] || break
	sleep 0.01
done

ldd=$(LD_LIBRARY_PATH=$libdir ldd ./old_program)
case $ldd in
*"$libdir/libvdestack.so.0"*) ;;
*) echo "it would not run with this library: $ldd" >&2; exit 1 ;;
esac
for network in "vde://$PWD/hub" "=vde_plug '$PWD/hub'"; do
	timeout 20 ./old_program "$network" >expected 2>errors.debian || { cat expected errors.debian >&2; exit 1; }
	LD_BIND_NOW=1 LD_LIBRARY_PATH=$libdir timeout 20 ./old_program "$network" >seen 2>errors ||
		{ cat seen errors >&2; exit 1; }
	diff expected seen >&2
	tail -n 1 seen | grep -x "done" >/dev/null
	if [ -s errors ]; then
		cat errors >&2
		exit 1
	fi
done
