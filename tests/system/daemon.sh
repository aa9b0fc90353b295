#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     daemon.sh LIBRARY PRELOADED
#
# A daemon that closes all descriptors at its start serves in the default stack that it was given before.

set -eu -o pipefail
library=$1 preloaded=$2
PATH=$PATH:/usr/sbin
command -v dnsmasq >/dev/null || { echo "there is no dnsmasq: install dnsmasq-base" >&2; exit 77; }

LD_PRELOAD="$library:$preloaded" dnsmasq --no-daemon --conf-file=/dev/null --no-resolv --no-hosts --port=5300 \
	--listen-address=10.9.0.1 --bind-interfaces --address=/test.example/1.2.3.4 --pid-file="$PWD/pid" >out 2>err ||
	{ cat err >&2; exit 1; }
grep -qx 'answer 1.2.3.4' out || { cat out err >&2; exit 1; }
