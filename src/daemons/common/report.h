/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DM_REPORT_H
#define DM_REPORT_H

/*
 * Messages of a program to its user: to stderr, and to syslog when the program runs in the background. One
 * line each, "PROGRAM: MESSAGE". Control characters are shown as '?': texts come from files and from others.
 */

#include <stdbool.h>
#include <stddef.h>

enum dm_level { DM_ERROR, DM_NOTICE, DM_DEBUG };

/* The name before each message; the string is not copied. */
void dm_report_name(const char *name);

/* DM_DEBUG messages are dropped without it. */
void dm_report_verbose(bool verbose);

/* From now on messages go to syslog(3), as those of a daemon. */
void dm_report_to_syslog(void);

__attribute__((format(printf, 2, 3))) void dm_report(enum dm_level level, const char *format, ...);

/* Where a setting stands: a line of a file, or an option of the command line. Counts what is wrong there. */
struct dm_where {
	const char *file; /* NULL: the command line */
	unsigned line;    /* from 1 */
	unsigned errors;
};

/* Reports what is wrong there, and counts it. Always -1. */
__attribute__((format(printf, 2, 3))) int dm_wrong(struct dm_where *where, const char *format, ...);

#endif
