/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_ORIGIN_H
#define VS_CORE_ORIGIN_H

/*
 * The library's own file, as a program to execute: checked and opened.
 */

#include "base/error.h"

struct vs_origin {
	const char *path;        /* of the library's file, for the dynamic linker */
	const char *linker_path; /* NULL: the file is not executed through the linker */
	int file;                /* O_PATH descriptors, close-on-exec */
	int linker;              /* -1: see linker_path */
};

/*
 * Opens the library's own file and, where the file's mode does not let everybody execute it, the dynamic
 * linker. 0, or -errno and *why, a text "cause; remedy". -EPERM: it is not the file, or the root, that the
 * library was loaded from, and somebody else than root or this process's user could have put there what
 * would run. -ENOENT: the file is not known, or is not there.
 */
int vs_origin_open(struct vs_origin *origin, char why[VS_MESSAGE_MAX]);

/* Takes what vs_origin_open() has filled, or one with both descriptors -1. */
void vs_origin_close(struct vs_origin *origin);

#endif
