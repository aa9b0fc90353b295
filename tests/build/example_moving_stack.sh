#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     example_moving_stack.sh PROGRAM
#
# The script of the example, which stands beside its source.

set -eu
here=$(cd "$(dirname "$0")" && pwd)
"$1" 2>/dev/null || status=$?
[ "${status:-0}" = 2 ] || { echo "a call without arguments is accepted" >&2; exit 1; }
exec bash "$here/../../examples/moving-stack/move.sh" "$1"
