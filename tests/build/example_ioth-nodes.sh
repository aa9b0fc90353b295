#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     example_ioth-nodes.sh PROGRAM
#
# Alone it has no network to take its addresses from: internet_of_threads.sh runs it with one. Here, what it
# says of wrong arguments.

set -eu
for arguments in "" "none iot.example" "none iot.example 1" "none iot.example many"; do
	# shellcheck disable=SC2086
	"$1" $arguments 2>usage || echo "\"$arguments\": exit status $?"
	grep -q '^usage: ioth-nodes NETWORK' usage
done
rm usage
