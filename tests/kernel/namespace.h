/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef KERNEL_NAMESPACE_H
#define KERNEL_NAMESPACE_H

/* What the cases need to make namespaces. For a file that has defined _GNU_SOURCE. */

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "case.h"

static void write_text(const char *path, const char *text)
{
	int fd = (int)MUST(open(path, O_WRONLY | O_CLOEXEC));

	MUST(write(fd, text, strlen(text)));
	close(fd);
}

/* Root of an own user namespace, which gives ip(8) its capabilities. */
__attribute__((unused)) static void become_root(void)
{
	char map[32];

	(void)snprintf(map, sizeof(map), "0 %u 1", getuid());
	MUST(unshare(CLONE_NEWUSER));
	write_text("/proc/self/uid_map", map);
}

__attribute__((unused)) static void shell(const char *command)
{
	if (system(command) != 0)
		FAIL("failed: %s", command);
}

#endif
