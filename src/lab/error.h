/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_LAB_ERROR_H
#define VS_LAB_ERROR_H

/* Messages of this library, one per thread, and what the public calls return on failure. */

/* Records a message and returns -err, for the inside. */
__attribute__((format(printf, 2, 3))) int vs_lab_error(int err, const char *fmt, ...);

/*
 * The same, with the message of libvdestack behind it: "what: message". errno is kept and returned as
 * -errno.
 */
__attribute__((format(printf, 1, 2))) int vs_lab_error_below(const char *fmt, ...);

/* The public edge: r >= 0 is returned as it is; a negative one becomes -1 and errno. */
int vs_lab_edge(int r);

#endif
