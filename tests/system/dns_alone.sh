#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     dns_alone.sh PROGRAM
#
# While names are resolved, the program makes no socket in the host network and opens none of its files, whatever
# the variables of resolvers say. PROGRAM is that of the cases of test_dns.c. The lookups of a case are made
# by its main thread, which strace follows.

set -eu -o pipefail
program=$1
command -v strace >/dev/null || { echo "strace is not installed" >&2; exit 77; }
strace -o probe.txt true 2>/dev/null || { echo "strace may not trace" >&2; exit 77; }

echo "one 192.0.2.99" >aliases
export RES_OPTIONS="ndots:9 attempts:9" LOCALDOMAIN=evil.example HOSTALIASES=$PWD/aliases
for case in names_become_addresses_of_the_stacks_network the_search_list_is_tried_in_the_order_of_ndots \
	addresses_become_names addresses_as_text_and_localhost_ask_no_server records_of_any_type_are_returned; do
	strace -o trace.txt -e trace=network,%file "$program" "$case" || { echo "$case has failed" >&2; exit 1; }
	# From the name server's first socket on: before, the dynamic linker and the library's start.
	sed -n '/recvmsg(/,$p' trace.txt >calls.txt
	[ -s calls.txt ] || { echo "$case: strace has seen nothing" >&2; exit 1; }
	if grep -E '^socket\(' calls.txt; then
		echo "$case: a socket of the host" >&2
		exit 1
	fi
	if grep -E '"(/etc/|/run/|/var/|/lib|/usr)|aliases' calls.txt; then
		echo "$case: a file of the host" >&2
		exit 1
	fi
	grep -q '10\.9\.0\.2' calls.txt || [ "$case" = addresses_as_text_and_localhost_ask_no_server ] ||
		{ echo "$case: no name server was asked" >&2; exit 1; }
done
