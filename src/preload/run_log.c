/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The log is a descriptor that was inherited: a pipe, a terminal, a file. Its status flags are shared with
 * other processes, so O_NONBLOCK must not be set on it. RWF_NOWAIT is the same for one call. Terminals, and
 * pipes of older kernels, do not have it. They are asked for room first.
 */

#define _GNU_SOURCE
#include "run_log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024 /* less than PIPE_BUF: a pipe takes the whole line or nothing */

static atomic_uint lost; /* lines since the last one that was written */

static bool is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static bool has_room(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, 0) > 0 && (p.revents & POLLOUT) != 0;
}

static bool write_now(int fd, char *text, size_t len)
{
	struct iovec iov = { text, len };

	if (pwritev2(fd, &iov, 1, -1, RWF_NOWAIT) >= 0)
		return true;
	/* A file has no reader to wait for. */
	bool may = errno == EOPNOTSUPP ? has_room(fd) : errno == EAGAIN && is_file(fd);
	return may && write(fd, text, len) >= 0;
}

void vs_run_log_write(int fd, const char *fmt, ...)
{
	char text[LINE_MAX_BYTES];
	size_t at = 0;
	va_list args;

	if (fd < 0)
		return;
	unsigned before = atomic_exchange(&lost, 0);
	if (before > 0)
		at = (size_t)snprintf(text, sizeof(text), "vdestack run: %u lines of this log were lost\n",
				      before);
	va_start(args, fmt);
	(void)vsnprintf(text + at, sizeof(text) - at - 1, fmt, args);
	va_end(args);
	at = strlen(text);
	text[at++] = '\n';
	if (!write_now(fd, text, at))
		atomic_fetch_add(&lost, before + 1);
}
