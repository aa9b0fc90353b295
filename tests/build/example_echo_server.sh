#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     example_echo_server.sh PROGRAM
#
# A client inside the server's stack: twice the same server, so nothing of the first is left.

set -eu
client='exec 3<>"/dev/tcp/$1/7"; echo "$2" >&3; read -r answer <&3; echo "$1 says: $answer"'

"$1" 'vnl=inproc://lan ip=10.0.0.1/24' bash -c "$client" client 10.0.0.1 hello
"$1" 'vnl=inproc://lan ip=fc00::1/64' bash -c "$client" client fc00::1 'hello again'
"$1" 'vnl=inproc://lan' sh -c 'exit 3' && { echo "a failing command is taken for a success" >&2; exit 1; }
"$1" 'ip=10.0.0.1/99' 2>error && { echo "a wrong configuration is accepted" >&2; exit 1; }
grep -q 'prefix length' error
rm error
"$1" 2>/dev/null || echo "usage: exit status $?"
