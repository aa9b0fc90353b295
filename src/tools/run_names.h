/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_RUN_NAMES_H
#define VS_TOOLS_RUN_NAMES_H

/* The files in which the program of a run looks names up. */

#include <stdbool.h>
#include <stddef.h>

/*
 * Puts this process, which has one thread, into a mount namespace whose resolv.conf has the text `resolv`.
 * An ordinary user also enters `userns`, the user namespace of the stack; *entered says whether. 0: *file is
 * that resolv.conf, close-on-exec, or -1 if the host has none. -errno: there is a message, the files are the
 * host's; *entered is set all the same.
 */
int vs_run_names_make(int userns, const char *resolv, int *file, bool *entered, char *message, size_t size);

#endif
