#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     layers_planted.sh SOURCE-DIR
#
# layers.sh notices what it is for: each defect is planted in a copy of the sources.

set -eu -o pipefail
source=$1

# planted WHAT FILE LINE MESSAGE: with LINE at the end of FILE, layers.sh fails with MESSAGE
planted() {
	cp "tree/src/$2" kept
	echo "$3" >>"tree/src/$2"
	if bash "$source/tests/build/layers.sh" tree 2>messages; then
		echo "not noticed: $1" >&2
		exit 1
	fi
	if ! grep -qF "$4" messages; then
		echo "$1: another message than \"$4\":" >&2
		cat messages >&2
		exit 1
	fi
	cp kept "tree/src/$2"
}

mkdir tree
cp -r "$source/src" tree/src
bash "$source/tests/build/layers.sh" tree # as it is

planted "an include upwards" base/error.c '#include "core/handle.h"' "which is above src/base"
planted "a circle of folders" keeper/keeper.h '#include "core/stack.h"' "which is above src/keeper"
planted "an include that the README does not allow" runner/runner.c '#include "config/config.h"' "runner/README.md does not allow"
planted "another header than the one that is allowed" core/stack.c '#include "keeper/keeper.h"' "core/README.md does not allow"
planted "a path with dots" core/stack.c '#include "../base/error.h"' "write it from src/ on"
mkdir tree/src/attic
echo 'int nothing;' >tree/src/attic/attic.c
! bash "$source/tests/build/layers.sh" tree 2>messages && grep -q "src/attic is no layer" messages
