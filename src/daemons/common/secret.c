/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define LONGEST 4096

static int open_source(const char *path)
{
	char *end;

	if (strcmp(path, "-") == 0)
		return dup(STDIN_FILENO);
	if (strncmp(path, "fd:", 3) != 0)
		return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	errno = 0;
	long n = strtol(path + 3, &end, 10);
	if (path[3] < '0' || path[3] > '9' || *end != '\0' || errno != 0 || n > 1 << 20) {
		errno = EBADF;
		return -1;
	}
	int flags = fcntl((int)n, F_GETFD);
	if (n > STDERR_FILENO && flags >= 0)
		(void)fcntl((int)n, F_SETFD, flags | FD_CLOEXEC); /* the password is for this program alone */
	return fcntl((int)n, F_DUPFD_CLOEXEC, 0);
}

/* Byte by byte: what follows the line belongs to other readers of the descriptor. */
int dm_secret_read(const char *path, char **secret)
{
	char line[LONGEST + 1];
	size_t len = 0;
	ssize_t n;
	VS_AUTO_CLOSE fd = open_source(path);

	if (fd < 0)
		return -errno;
	for (;;) {
		n = read(fd, &line[len], 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0 || line[len] == '\n')
			break;
		if (line[len] == '\0')
			return -EINVAL;
		if (++len > LONGEST)
			return -E2BIG;
	}
	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (len == 0)
		return -ENODATA;
	*secret = strndup(line, len);
	explicit_bzero(line, sizeof(line));
	return *secret == NULL ? -ENOMEM : 0;
}
