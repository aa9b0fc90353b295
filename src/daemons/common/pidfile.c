/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The lock belongs to the open file, not to the process (F_OFD_SETLK): a program takes it before it goes into
 * the background, so that the user sees the error, and its child has it. A file may be removed between open
 * and lock, by a process that ends: then the lock is on a file that nobody finds, and it is taken anew.
 */

#include "pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define ATTEMPTS 10
#define NUMBER 31 /* bytes of one, at most */

static pid_t read_number(int fd)
{
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	long pid = n > 0 ? strtol(text, NULL, 10) : 0;

	return pid > 0 ? (pid_t)pid : 0;
}

static bool is_the_file(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* It is emptied later, and removed at the end. So a path that was not meant must not be taken. */
static int check_content(int fd)
{
	struct stat s;
	char text[NUMBER + 1];

	if (fstat(fd, &s) < 0)
		return -errno;
	if (!S_ISREG(s.st_mode))
		return -EINVAL;
	ssize_t n = pread(fd, text, sizeof(text), 0);
	if (n < 0)
		return -errno;
	for (ssize_t i = 0; i < n; i++)
		if ((text[i] < '0' || text[i] > '9') && !(text[i] == '\n' && i == n - 1))
			return -EEXIST;
	return n > NUMBER ? -EEXIST : 0;
}

int dm_pidfile_open(const char *path, pid_t *running)
{
	for (int i = 0; i < ATTEMPTS; i++) {
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		VS_AUTO_CLOSE fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
		if (fd < 0)
			return -errno;
		if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
			if (errno != EAGAIN && errno != EACCES)
				return -errno;
			*running = read_number(fd);
			return -EALREADY;
		}
		if (!is_the_file(fd, path))
			continue;
		int r = check_content(fd);
		return r < 0 ? r : vs_steal_fd(&fd);
	}
	return -EAGAIN;
}

int dm_pidfile_write(int fd)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (ftruncate(fd, 0) < 0)
		return -errno;
	ssize_t r = pwrite(fd, text, (size_t)n, 0);
	return r == n ? 0 : r < 0 ? -errno : -EIO;
}

void dm_pidfile_remove(int fd, const char *path)
{
	if (fd < 0)
		return;
	if (is_the_file(fd, path))
		(void)unlink(path);
	vs_close(fd);
}
