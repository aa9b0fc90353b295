#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     ioth_programs.sh SOURCE-DIR BUILD-DIR CC
#
# Installs the libraries to a directory of its own, and builds the programs of ../ioth/programs against them, as they
# are: once with pkg-config, once with the names of the libraries. They use only what the family's libraries have
# always had. Then they talk to each other on stacks of each kind that is installed. A kind that this test
# does not know fails it.

set -eu -o pipefail
source=$1 build=$2 cc=$3
prefix=$VDESTACK_TEST_TMP/prefix
programs="echo_server echo_client config_tool resolver_tool server_of_test_fake"
hub=$PWD/hub

fail() {
	echo "ioth_programs: $*" >&2
	for file in *.out; do
		[ ! -s "$file" ] || { echo "--- $file" && cat "$file"; } >&2
	done
	exit 1
}

# ---- built
cmake --install "$build" --prefix "$prefix" >/dev/null
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name ioth.pc)")
export PKG_CONFIG_PATH
libdir=$(cd "$(pkg-config --variable=libdir ioth)" && pwd)
flags=$(pkg-config --cflags --libs ioth iothconf iothdns iothaddr)
mkdir by_name
for program in $programs; do
	# shellcheck disable=SC2086
	"$cc" -Wall -Werror "$source/tests/ioth/programs/$program.c" -o "$program" $flags "-Wl,-rpath,$libdir"
	"$cc" "$source/tests/ioth/programs/$program.c" -o "by_name/$program" "-I$prefix/include" "-L$libdir" \
		-lioth -liothconf -liothdns -liothaddr "-Wl,-rpath,$libdir"
	for file in "$program" "by_name/$program"; do
		ldd "$file" | grep -F "libioth.so" | grep -F "$prefix" >/dev/null || fail "$file has another libioth"
	done
done

kinds=
for file in "$libdir"/ioth/ioth_*.so; do
	kind=$(basename "$file" .so)
	kind=${kind#ioth_}
	kind=${kind%-r}
	case $kind in
	*_n | lwip) continue ;; # other names
	kernel) ;;
	vdestack | picox) kinds="$kinds $kind" ;;
	*) fail "no test knows the plugin $file" ;;
	esac
	grep -q "^SERVICES(INTEROP_CASE, $kind)" "$source/tests/ioth/test_ioth_interop.c" ||
		fail "the table of test_ioth_interop.c lacks $kind"
done
[ -e "$libdir/ioth/ioth_kernel-r.so" ] || [ -e "$libdir/ioth/ioth_kernel.so" ] || fail "no plugin of the kind kernel"
echo "$kinds" | grep -w vdestack >/dev/null || fail "no plugin of the kind vdestack"

# ---- run
# Fails if the command does not succeed within 20 seconds. An address is usable a moment after it is given.
soon() {
	local n=0
	until "$@" >soon.out 2>&1; do
		n=$((n + 1))
		[ $n -lt 100 ] || fail "$*"
		sleep 0.2
	done
}

started() { # FILE: a server has written that it is ready
	soon grep -q '^ready$' "$1"
}

# A server that ends when descriptor 9 is closed.
start() { # PROGRAM WORD...
	local program=$1
	shift
	rm -f stop
	mkfifo stop
	timeout 120 "./$program" "$@" <stop >"$program.out" 2>&1 &
	server=$!
	exec 9>stop
	started "$program.out"
}

stop() {
	exec 9>&-
	wait "$server" || fail "a server has ended with status $?"
}

config() { # KIND NUMBER
	echo "stack=$1,vnl=vde://$hub,eth,ip=10.0.0.$2/24,ip=fd00::$2/64"
}

pair() { # SERVER-KIND CLIENT-KIND
	start echo_server "$(config "$1" 1)" 7
	for protocol in tcp udp; do
		soon ./echo_client "$(config "$2" 2)" 10.0.0.1 7 $protocol "by $protocol from $2"
		[ "$(cat soon.out)" = "by $protocol from $2" ] || fail "another text"
		soon ./echo_client "$(config "$2" 2)" fd00::1 7 $protocol "by IPv6"
	done
	stop
	grep -q '^end$' echo_server.out || fail "the server's stack was not deleted"
	start server_of_test_fake "$(config "$1" 1)"
	names "$(config "$2" 2)" 10.0.0.1
	stop
}

names() { # CONFIG SERVER: of test.fake
	local hash
	hash=$(echo "hash fd00:: www.test.fake" | ./config_tool kernel)
	hash=${hash#hash: }
	soon ./resolver_tool "$1" "$2" a v4.test.fake
	[ "$(cat soon.out)" = 10.1.2.3 ] || fail "a"
	soon ./resolver_tool "$1" "nameserver $2
search test.fake" aaaa www
	[ "$(cat soon.out)" = "$hash" ] || fail "aaaa of a name of the search list"
	soon ./resolver_tool "$1" "$2" compat v4.test.fake
	soon ./resolver_tool "$1" "$2" addrinfo www.test.fake
	grep -qxF "$hash" soon.out || fail "addrinfo"
	soon ./resolver_tool "$1" "$2" udp www.test.fake
	[ "$(cat soon.out)" = "www.test.fake 28 $hash" ] || fail "record"
	soon ./resolver_tool "$1" "$2" tcp many.test.fake
	[ "$(sort -u soon.out | wc -l)" = 60 ] || fail "not all records by TCP"
	! ./resolver_tool "$1" "$2" aaaa no.test.fake >none.out 2>&1 || fail "a name that is not there"
	grep -q "No such file" none.out || fail "its errno is not ENOENT"
}

tool() { # KIND
	printf '%s\n' 'eth,mac=02:00:00:00:00:42' 'mac vde0' 'ip=10.0.0.3/24,ip=fd00::3/60,dns=10.0.0.1,domain=test.fake' rc rc addr \
		'-ip=10.0.0.3' addr '-static' 'no such tag' 'ip=foo' 'up vde0' 'set vde0 10.0.9.9 25' 'iface=nope eth' |
		timeout 60 ./config_tool "$1" "vde://$hub" >tool.out 2>&1 || fail "status $?"
	cat >wanted.out <<-'END'
		config: 2
		mac: 02:00:00:00:00:42
		config: 1
		search test.fake
		nameserver 10.0.0.1
		rc: end
		rc: nothing new
		addr: vde0 10.0.0.3 255.255.255.0
		addr: vde0 fd00::3 ffff:ffff:ffff:fff0::
		addr: end
		config: 0
		addr: vde0 fd00::3 ffff:ffff:ffff:fff0::
		addr: end
		config: 0
		config: Invalid argument
		config: Invalid argument
		up: 0
		set: 0
		config: No such device
	END
	grep -vE '^addr: (lo |vde0 fe80:)' tool.out >shown.out
	diff wanted.out shown.out >diff.out || fail "config_tool on $1"
}

vde_plug null:// "hub://$hub" </dev/null >hub.out 2>&1 &
plug=$!
trap 'kill $plug' EXIT
soon test -e "$hub/ctl"
for kind in $kinds; do
	tool "$kind"
	for client in $kinds; do
		pair "$kind" "$client"
	done
done

# The network of the process, in a namespace of its own.
cat >inside <<'END'
set -eu
ip link set lo up
mkfifo in
./echo_server stack=kernel 7 <in >echo_server.out 2>&1 &
exec 9>in
for _ in $(seq 100); do grep -q ready echo_server.out && break; sleep 0.1; done
./echo_client stack=kernel 127.0.0.1 7 tcp text
./echo_client stack=kernel_n ::1 7 udp text
exec 9>&-
wait
grep -q '^end$' echo_server.out
END
if [ "$(id -u)" = 0 ]; then
	timeout 60 unshare --net bash inside >inside.out 2>&1 || fail "kernel"
else
	timeout 60 unshare --user --map-root-user --net bash inside >inside.out 2>&1 || fail "kernel"
fi
