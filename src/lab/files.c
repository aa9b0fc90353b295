/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "directory.h"
#include "error.h"

int vs_lab_open_output(const struct vdestack_lab *lab, const char *name)
{
	char *path = vs_lab_directory_path(lab, name);
	int fd = path != NULL ? open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	int err = path != NULL ? errno : ENOMEM;

	free(path);
	return fd >= 0 ? fd : vs_lab_error(err, "cannot make a file for output, %s: %s", name, strerror(err));
}

void vs_lab_read_end(const struct vdestack_lab *lab, const char *name, char *text, size_t size)
{
	char *path = vs_lab_directory_path(lab, name);
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	off_t end = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
	ssize_t n = 0;

	if (end > (off_t)size - 1)
		n = pread(fd, text, size - 1, end - ((off_t)size - 1));
	else if (end > 0)
		n = pread(fd, text, (size_t)end, 0);
	if (n < 0)
		n = 0;
	while (n > 0 && text[n - 1] == '\n')
		n--;
	for (ssize_t i = 0; i < n; i++)
		if (text[i] < ' ' || text[i] > '~')
			text[i] = text[i] == '\n' ? '|' : text[i] == '\t' ? ' ' : '?';
	text[n] = '\0';
	if (fd >= 0)
		(void)close(fd);
	free(path);
}

int vs_lab_find_in_file(int fd, const char *text, long *from)
{
	char block[8192];
	size_t len = strlen(text);
	ssize_t n;

	if (len == 0 || len > sizeof(block) / 2)
		return len == 0;
	while ((n = pread(fd, block, sizeof(block), *from)) >= (ssize_t)len) {
		if (memmem(block, (size_t)n, text, len) != NULL)
			return 1;
		*from += n - (ssize_t)len + 1; /* it may have begun */
	}
	return 0;
}

static int copy(int in, int out)
{
	char block[65536];
	ssize_t n;

	while ((n = read(in, block, sizeof(block))) > 0)
		for (ssize_t done = 0, m; done < n; done += m) {
			m = write(out, block + done, (size_t)(n - done));
			if (m < 0)
				return -errno;
		}
	return n < 0 ? -errno : 0;
}

int vs_lab_copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), r = -errno;
	int out = in >= 0 ? open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644) : -1;

	if (in >= 0)
		r = out >= 0 ? copy(in, out) : -errno;
	if (in >= 0)
		(void)close(in);
	if (out >= 0)
		(void)close(out);
	return r;
}
