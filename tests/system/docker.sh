#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     docker.sh CASE LAUNCHER PROBE VDESTACK-PROGRAM [PROGRAM-OF-CASES...]
#
# What works in a container that "docker run" makes. The launcher (../support/docker_seccomp.c) makes the
# restrictions.

set -u
case=$1 docker=$2 probe=$3 tool=$4
shift 4
remedy="allow unshare(2) and clone(2) with CLONE_NEWUSER in the filter"

fail() {
	echo "$*" >&2
	cat out >&2
	exit 1
}

is() { # NAME RESULT
	[ "$(sed -n "s/^$1 //p" out)" = "$2" ] || fail "$1 is not: $2"
}

is_root() {
	[ "$(id -u)" = 0 ]
}

case $case in
the_restrictions_are_those_of_docker)
	"$docker" "$probe" calls >out || fail "status $?"
	for call in unshare-user unshare-net unshare-files clone-user clone-net setns mount umount keyctl bpf perf_event_open userfaultfd \
		io_uring_setup pidfd_getfd socket-vsock; do
		is "$call" EPERM
	done
	is clone3 ENOSYS
	is tun ENOENT
	is sysctl EROFS
	for call in clone ptrace socket-inet thread; do
		is "$call" ok
	done
	if is_root; then
		is socket-packet ok
	else
		is socket-packet EPERM
	fi
	"$docker" grep -E '^(CapBnd|CapEff|Seccomp|NoNewPrivs):' /proc/self/status | tr '\t' ' ' >out
	is CapBnd: 00000000a80425fb # the number that Docker's users know
	is CapEff: "$(is_root && echo 00000000a80425fb || echo 0000000000000000)"
	is Seccomp: 2
	is NoNewPrivs: 0
	"$docker" --no-new-privs grep -E '^NoNewPrivs:' /proc/self/status | tr '\t' ' ' >out
	is NoNewPrivs: 1
	;;
a_stack_is_refused_with_cause_and_remedy)
	"$docker" "$probe" stack >out && fail "a stack was made"
	is stack EPERM
	grep -q "^message .*seccomp filter.*" out || fail "the cause is missing"
	grep -qF -- "$remedy" out || fail "the remedy is missing"
	grep -q "picox of libioth needs no namespace" out || fail "the way out is missing"
	[ "$(wc -l <out)" = 2 ] || fail "not one line"
	"$docker" "$probe" inprocess >out && fail "a stack was made in the process"
	is stack EPERM
	grep -q "^message .*CAP_SYS_ADMIN.*leave out VDESTACK_INPROCESS" out || fail "cause and remedy of the in-process variant"
	;;
doctor_says_what_is_missing)
	"$docker" "$tool" doctor >out 2>&1
	[ $? = 2 ] || fail "status"
	for check in userns netns stack; do
		grep -E "^✗ $check " out | grep -F "$remedy" >/dev/null || fail "check $check does not tell the remedy"
	done
	grep -E '^[^ ]+ tun ' out | grep -F "/dev/net/tun does not exist" >/dev/null || fail "tun"
	grep -E '^[^ ]+ security ' out | grep -F "under a seccomp filter" >/dev/null || fail "security"
	;;
commands_of_the_tool_end_with_the_same_message)
	for command in run enter; do
		"$docker" "$tool" $command "vnl=null://" -- true >out 2>&1 && fail "$command: status 0"
		grep -qF -- "$remedy" out || fail "$command: the remedy is missing"
	done
	;;
without_the_filter_stacks_work)
	"$docker" --unconfined "$probe" stack >out || fail "status $?"
	is stack ok
	is reach ok
	;;
with_cap_sys_admin_stacks_work)
	"$docker" --cap-add-sys-admin "$probe" stack >out || fail "status $?"
	is stack ok
	is reach ok
	;;
cases_pass) # PROGRAM...: the cases of an ordinary user, as they are, in the container
	n=0
	for program in "$@"; do
		while read -r name flags; do
			case " $flags " in
			*" user "*) ;;
			*) continue ;;
			esac
			timeout 60 "$docker" "$program" "$name" >out 2>&1 </dev/null || fail "$name: status $?"
			n=$((n + 1))
		done < <("$program" --list)
	done
	[ "$n" -gt 0 ] || fail "no cases"
	;;
*) fail "no such case" ;;
esac
