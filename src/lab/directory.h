/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_LAB_DIRECTORY_H
#define VS_LAB_DIRECTORY_H

/*
 * Temporary files of a lab: hosts, HOST.out, HOST-NETWORK.pcapng, in a directory that only its user can
 * read.
 */

#include <stdio.h>

struct vdestack_lab;

/* Makes the directory with its hosts file, if it is not there. */
int vs_lab_directory_make(struct vdestack_lab *lab);
void vs_lab_directory_remove(struct vdestack_lab *lab);

/* The path of a file in it, for free(3); NULL: out of memory. */
char *vs_lab_directory_path(const struct vdestack_lab *lab, const char *name);

#endif
