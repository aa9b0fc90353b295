/* SPDX-License-Identifier: LGPL-2.1-or-later */

#define _GNU_SOURCE
#include "caller.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define THREAD_PIDFD O_EXCL /* PIDFD_THREAD, Linux 6.9 */

/* The process of a thread, which is what pidfd_open(2) takes before Linux 6.9. */
static pid_t process_of(pid_t thread)
{
	char path[64], line[256];
	int process = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)thread);
	FILE *f = fopen(path, "re");
	while (f != NULL && process < 0 && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "Tgid:", 5) == 0)
			process = atoi(line + 5);
	if (f != NULL)
		(void)fclose(f);
	return process;
}

int vs_caller_open(pid_t thread)
{
	int fd = (int)syscall(SYS_pidfd_open, thread, 0);

	if (fd < 0 && errno != ESRCH)
		fd = (int)syscall(SYS_pidfd_open, thread, THREAD_PIDFD);
	if (fd < 0)
		fd = (int)syscall(SYS_pidfd_open, process_of(thread), 0);
	return fd >= 0 ? fd : -errno;
}
