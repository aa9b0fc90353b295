/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_FILTER_H
#define VS_KEEPER_FILTER_H

#include <linux/filter.h>
#include <stddef.h>

/*
 * Gives up the system calls that the keeper never makes: for this process and all its threads, for
 * ever. To be called single-threaded, after vs_isolate_capabilities() and whatever else the start
 * takes.
 *
 * 0 also where a filter cannot be installed, see vs_filter_missing(); -errno with the sentence
 * recorded only where there could be no threads without it.
 */
int vs_filter_install(void);

/*
 * Keeps this thread, and those it starts, from mapping code: no library is loaded any more. 0 or
 * -errno: there can be no filter. Also on threads of the program.
 */
int vs_filter_no_new_code(void);

/* Why the filter is missing, for a person; "" if it is there. Valid for ever. */
const char *vs_filter_missing(void);

#define VS_FILTER_MAX 512 /* instructions */

/* Writes the filter to `code` and gives its number of instructions; 0: none for this architecture. */
size_t vs_filter_build(struct sock_filter code[VS_FILTER_MAX]);

#endif
