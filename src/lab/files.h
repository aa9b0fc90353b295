/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_LAB_FILES_H
#define VS_LAB_FILES_H

/* Files with the output of commands. */

#include <stddef.h>

struct vdestack_lab;

/* A file of the lab's directory to which commands append; an error is recorded. */
int vs_lab_open_output(const struct vdestack_lab *lab, const char *name);

/* The last part of such a file as one line of printable text; "" if there is nothing. */
void vs_lab_read_end(const struct vdestack_lab *lab, const char *name, char *text, size_t size);

/* Looks for a text in a file, from *from on, which moves forward. 1: it is there, 0: it is not. */
int vs_lab_find_in_file(int fd, const char *text, long *from);

/* Copies a file to a path that must not exist. */
int vs_lab_copy_file(const char *from, const char *to);

#endif
