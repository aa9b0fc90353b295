/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_PICOX_PROCESS_H
#define VDESTACK_TESTS_PICOX_PROCESS_H

/* The processes of stacks in user space, found among those of the case. */

#include <stdio.h>
#include <unistd.h>

#include "case.h"

static inline pid_t parent_of(pid_t pid)
{
	char path[64], line[128];
	int parent = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL && sscanf(line, "PPid: %d", &parent) != 1)
		;
	if (f != NULL)
		(void)fclose(f);
	return parent;
}

/*
 * The processes of the stacks of this case. The wrapper adopts orphans. In a container of Docker other
 * processes stand between it and the case.
 */
static inline int stack_processes(pid_t *pids, int max)
{
	int n = 0;

	for (pid_t above = getppid(); n == 0 && above > 1; above = parent_of(above))
		n = find_children(above, "vdestack-picox", pids, max);
	return n;
}

/* In a container the process of the case before may still be ending. */
static inline bool is_the_only_process(void *pid)
{
	return stack_processes(pid, 1) == 1;
}

#endif
