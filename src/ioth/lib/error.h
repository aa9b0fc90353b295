/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTH_ERROR_H
#define VS_IOTH_ERROR_H

/*
 * Records the message of this thread's failure, sets errno to err and returns -1. One line; longer ones are
 * cut.
 */
int vs_ioth_fail(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* How many messages this thread has recorded: whether a function of a plugin has recorded one. */
unsigned vs_ioth_failures(void);

#endif
