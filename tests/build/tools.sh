#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     tools.sh TOOL PROGRAM
#
# Debuggers and checkers work on a program with stacks (debugged.c): its output is the same as without
# them, and they report no fault.

set -eu -o pipefail
tool=$1 program=$2
type "$tool" >tool 2>&1 || { echo "$tool is not installed" >&2; exit 77; }

complain() {
	echo "$*; what it printed:" >&2
	cat printed >&2
	exit 1
}

case $tool in
gdb)
	cat >script <<-'END'
		set pagination off
		set confirm off
		set breakpoint pending on
		break here
		commands
		silent
		printf "stopped in %d\n", who
		continue
		end
		run
	END
	gdb -nx -q -batch -x script --args "$program" "$PWD/net" >printed 2>&1 </dev/null || complain "gdb: exit status $?"
	for who in 0 1001 1002 1003; do
		[ "$(grep -c "^stopped in $who\$" printed)" = 1 ] || complain "the breakpoint was not met once in $who"
	done
	grep -q '^done$' printed || complain "the program did not reach its end"
	grep -q 'exited normally' printed || complain "the program did not exit normally"
	;;
strace)
	strace -f -o trace "$program" "$PWD/net" >printed 2>&1 || complain "strace: exit status $?"
	grep -q '^done$' printed || complain "the program did not reach its end"
	grep -q 'unshare(CLONE_NEWNET' trace || complain "the keeper was not followed"
	if grep -E -e 'killed by|--- SIG(SEGV|BUS|ILL|SYS|TRAP|ABRT)' trace >odd; then
		cat odd >&2
		complain "a process was killed"
	fi
	;;
valgrind)
	valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect \
		--track-fds=no --error-exitcode=9 "$program" "$PWD/net" >printed 2>&1 || complain "valgrind: exit status $?"
	[ "$(cat printed)" = "done" ] || complain "valgrind has remarks"
	;;
esac
