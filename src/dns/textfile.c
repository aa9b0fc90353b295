/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Reads an open file. Returns the text, or NULL with errno. */
static char *read_all(int fd, struct stat *st)
{
	size_t n = 0;
	char *text;

	if (fstat(fd, st) < 0)
		return NULL;
	if (!S_ISREG(st->st_mode) || st->st_size > VS_TEXTFILE_MAX) {
		errno = S_ISREG(st->st_mode) ? EFBIG : EINVAL;
		return NULL;
	}
	size_t size = (size_t)st->st_size;
	text = malloc(size + 1);
	while (text != NULL && n < size) {
		ssize_t got = read(fd, text + n, size - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			free(text);
			return NULL;
		}
		if (got == 0)
			break;
		n += (size_t)got;
	}
	if (text != NULL)
		text[n] = '\0';
	return text;
}

bool vs_textfile_refresh(struct vs_textfile *file)
{
	struct stat st = { 0 };

	if (file->path == NULL)
		return false;
	if (stat(file->path, &st) == 0 && file->text != NULL && same(&st, &file->seen))
		return false;
	/* O_NONBLOCK: a FIFO by this name does not stop the call. */
	int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *text = fd < 0 ? NULL : read_all(fd, &st);
	file->error = text == NULL ? errno : 0;
	if (fd >= 0)
		close(fd);
	free(file->text);
	file->text = text;
	file->seen = st;
	return true;
}

void vs_textfile_free(struct vs_textfile *file)
{
	free(file->text);
	file->text = NULL;
}
