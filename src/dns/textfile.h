/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_TEXTFILE_H
#define VS_DNS_TEXTFILE_H

/*
 * A file that an option names. Its text is read again when the file has changed. Without a lock.
 */

#include <stdbool.h>
#include <sys/stat.h>

#define VS_TEXTFILE_MAX (4 << 20) /* bytes; a longer file is an error */

struct vs_textfile {
	const char *path; /* NULL: no file */
	char *text;       /* NULL: nothing read yet, or the file cannot be read */
	int error;        /* why not, as a positive errno */
	struct stat seen;
};

/* Reads the file if it has changed since the last call; says whether it has. */
bool vs_textfile_refresh(struct vs_textfile *file);
void vs_textfile_free(struct vs_textfile *file);

#endif
