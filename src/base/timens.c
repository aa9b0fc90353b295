/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * /proc shows the offsets of the time namespace of a process's future children. That is the namespace of the
 * process, unless it has called unshare(2), which moves only the children. Then the process itself is almost
 * always in the initial namespace. That one is known by its number and has no offset.
 */

#include "timens.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"

#define INITIAL_INODE 0xEFFFFFFAu /* PROC_TIME_INIT_INO */

static bool is_initial(void)
{
	struct stat own;

	return stat("/proc/self/ns/time", &own) == 0 && own.st_ino == INITIAL_INODE;
}

int64_t vs_timens_offset_ns(void)
{
	char text[256];
	int64_t seconds = 0, nanoseconds = 0;
	VS_AUTO_CLOSE fd = is_initial() ? -1 : open("/proc/self/timens_offsets", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;

	text[n > 0 ? n : 0] = '\0';
	if (sscanf(text, "monotonic %" SCNd64 " %" SCNd64, &seconds, &nanoseconds) != 2)
		return 0;
	return (int64_t)((uint64_t)seconds * 1000000000 + (uint64_t)nanoseconds);
}
