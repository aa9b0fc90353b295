#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     example.sh PROGRAM
#
# Runs one example. Without arguments an example shows what it does and ends with 0; one that
# cannot, a server for instance, has a script here, example_NAME.sh PROGRAM, that plays its user.

set -eu
here=$(dirname "$0")
name=$(basename "$1")
if [ -f "$here/example_$name.sh" ]; then
	exec bash "$here/example_$name.sh" "$1"
fi
exec "$1"
