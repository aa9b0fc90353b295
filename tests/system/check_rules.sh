#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     check_rules.sh CASE VDESTACK-PROGRAM SOURCE-DIR
#
# `vdestack check-rules`: exit status, places of mistakes, explanations.

set -u
case=$1 vdestack=$2 source=$3

fail() {
	echo "$*" >&2
	cat out err >&2
	exit 1
}

run() { # STATUS ARGUMENT...
	local expected=$1
	shift
	"$vdestack" check-rules "$@" >out 2>err </dev/null
	local status=$?
	[ "$status" = "$expected" ] || fail "check-rules $*: exit status $status, not $expected"
}

says() { # FILE TEXT
	grep -qF -- "$2" "$1" || fail "$1 does not say: $2"
}

case $case in
fine_rules_end_with_0)
	printf 'stack a vnl=none\nfamily=inet use a\n' >rules
	run 0 rules
	says out "rules: fine"
	"$vdestack" check-rules - <rules >out 2>err || fail "the standard input is not read"
	;;
mistakes_end_with_1_and_have_their_place)
	printf 'stack a vnl=none\n family=inet  type=x use a\n' >rules
	run 1 rules
	says err 'rules:2:20: "x" is no type; '
	[ ! -s out ] || fail "something on the standard output"
	;;
a_wrong_configuration_has_its_place)
	printf '# two\nstack a  vnl=none mtu=1\nfamily=inet use a\n' >rules
	run 1 rules
	says err 'rules:2:19: stack "a": '
	says err 'mtu=1'
	;;
a_stack_that_no_rule_uses_is_reported)
	printf 'stack a vnl=none\nstack b vnl=none\n' >rules
	run 0 rules
	says out 'rules:2: no rule uses the stack "b"'
	! grep -q '"a"' out || fail "the default is used"
	;;
files_that_cannot_be_read_end_with_1)
	run 1 nosuch
	says err "nosuch: cannot be read: No such file"
	run 1 .
	says err "cannot be read"
	;;
usage_errors_end_with_64)
	printf 'stack a vnl=none\n' >rules
	run 64
	run 64 --nosuch
	run 64 rules listen :80
	says err '"listen" is no call; '
	run 64 rules bind tcp
	says err "bind needs an address; "
	run 64 rules connect tcp
	says err "connect needs a destination; "
	run 64 rules connect inet '[::1]:80'
	says err "an address of IPv6"
	run 64 rules connect 10.0.0.0/8
	says err "not one address"
	run 64 rules connect 10.0.0.1:1 10.0.0.2:1
	says err "a second address"
	run 64 rules socket packet local=:1
	says err "has no such address"
	run 64 rules socket ';' connect
	run 0 --help
	says out "Usage: "
	;;
calls_are_completed_from_their_words)
	printf 'stack a vnl=none\nprotocol=udp family=inet6 use host\nremote=10.0.0.0/8 type=dgram use deny\n' >rules
	run 0 rules socket inet6 dgram
	says out "socket: the host's network, by line 2"
	run 0 rules connect udp 10.1.1.1:9
	says out "connect: denied, by line 3"
	run 0 rules connect udp '[2001:db8::1]:9'
	says out "socket: the host's network, by line 2"
	run 0 rules connect icmp 10.1.1.1
	says out "connect: denied, by line 3"
	run 0 rules connect inet6 icmpv6 10.1.1.1
	says out "connect: denied, by line 3"
	run 0 rules socket netlink
	says out "socket: stack a, by default"
	;;
a_name_alone_is_a_call)
	printf 'stack a vnl=none\nname=*.org use host\n' >rules
	run 0 rules name=www.Example.ORG ';' connect name=x.com
	says out "connect: the host's network, by line 2; the socket moves"
	says out "connect: stack a, by default"
	says out "no address is given"
	;;
a_bind_that_has_decided_is_the_last_stage)
	printf 'stack a vnl=none\nremote=:80 use deny\nlocal=:53 use host\n' >rules
	run 0 rules connect tcp 10.1.1.1:80 local=:53
	says out "bind: the host's network, by line 3; the socket moves"
	! grep -q 'connect:' out || fail "connect is decided again"
	;;
output_that_cannot_be_written_ends_with_74)
	printf 'stack a vnl=none\n' >rules
	"$vdestack" check-rules rules >/dev/full 2>err
	[ $? = 74 ] || fail "exit status"
	;;
what_the_document_shows_is_so)
	# The rules of docs/rules.md, and what its commands print.
	awk '/^```rules/ { f = 1; next } /^```/ { f = 0 } f' "$source/docs/rules.md" >resolver.rules
	awk '/^```console/ { f = 1; next } /^```/ { f = 0 } f' "$source/docs/rules.md" >shown
	[ "$(grep -c '^\$ vdestack check-rules ' shown)" -ge 2 ] || fail "where are the examples?"
	while read -r line; do
		echo "\$ vdestack $line"
		# shellcheck disable=SC2086
		"$vdestack" $line || fail "exit status $?"
	done < <(sed -n 's/^\$ vdestack //p' shown) >out 2>err
	diff -u shown out >&2 || exit 1
	;;
*)
	echo "no case $case" >&2
	exit 1
	;;
esac
