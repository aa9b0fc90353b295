/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The end of what the preloaded libraries take from the library: a keeper on threads of the program. Neither
 * of them makes stacks, so neither gets here. Without this file the linker would take the keeper, the pumps,
 * and the start-up code that asks the processor for its instructions, which takes longer than all else at the
 * start of a program.
 */

#include <errno.h>
#include <unistd.h>

#include "keeper/start.h"

int vs_keeper_start_inprocess(int front, struct vs_start_report *ready, struct vs_changes **changes)
{
	(void)ready;
	(void)changes;
	(void)close(front);
	return -ENOTSUP;
}
