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
 * Opens the library's own file. If the file's mode does not let every user execute it, opens the dynamic
 * linker as well. 0, or -errno with a text "cause; remedy" in why. -EPERM: the file or the root is not the
 * one that the library was loaded from, and a user other than root and this process's user could have put
 * there what would run. -ENOENT: the path of the file is not known, or there is no file.
 */
int vs_origin_open(struct vs_origin *origin, char why[VS_MESSAGE_MAX]);

/* Closes what vs_origin_open() has opened. Both descriptors may be -1. */
void vs_origin_close(struct vs_origin *origin);

#endif
