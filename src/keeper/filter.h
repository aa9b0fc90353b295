/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_FILTER_H
#define VS_KEEPER_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Gives up the system calls that the keeper never makes, for this process and all its threads, for ever.
 * Called as the last step of the start, after vs_isolate_capabilities(). Other threads must not be serving
 * requests yet. *all is false if they do not have the filter, but this thread and those that it starts do.
 *
 * 0, also if a filter cannot be installed (see vs_filter_missing()). -errno with a message if without it the
 * keeper could not make threads.
 */
int vs_filter_install(bool *all);

/*
 * From then on this thread, and those it starts, cannot map code, so they cannot load libraries. 0, or
 * -errno: there can be no filter. Also for threads of the program.
 */
int vs_filter_no_new_code(void);

/* Why the filter is missing, for a message; "": it is there. Valid for ever. */
const char *vs_filter_missing(void);

#define VS_FILTER_MAX 512 /* instructions */

/* Writes the filter to `code`. Returns its number of instructions; 0: there is none for this architecture. */
size_t vs_filter_build(struct sock_filter code[VS_FILTER_MAX]);

#endif
