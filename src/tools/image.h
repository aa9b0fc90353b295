/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_IMAGE_H
#define VS_TOOLS_IMAGE_H

/* What kind of program a file is, for the choice of an engine. */

#include <stdbool.h>
#include <stddef.h>

enum vs_image {
	VS_IMAGE_GLIBC, /* dynamic, loaded by glibc's loader: can be preloaded into */
	VS_IMAGE_STATIC,
	VS_IMAGE_OTHER_LIBC, /* another loader than glibc's */
	VS_IMAGE_GO,         /* makes its system calls without a C library */
	VS_IMAGE_PRIVILEGED, /* set-user-ID, set-group-ID, file capabilities: the loader ignores LD_PRELOAD */
	VS_IMAGE_OTHER_MACHINE,
	VS_IMAGE_UNREADABLE,
	VS_IMAGE_UNKNOWN, /* no ELF file and no script */
	VS_IMAGE_KINDS,
};

/* Finds a program like execvp(3). 0 and its path, which the caller frees; or -ENOENT, -EACCES, -ENOMEM. */
int vs_image_find(const char *name, char **path);

/* Looks at the program at a path; for a script, at its interpreter. */
enum vs_image vs_image_look(const char *path);

/* "static", "a Go program": for messages. */
const char *vs_image_text(enum vs_image kind);

#endif
