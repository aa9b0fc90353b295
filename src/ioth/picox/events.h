/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_EVENTS_H
#define PX_EVENTS_H

/* Descriptors of the program that become readable when sources, addresses or links have changed. */

/*
 * Makes one: *fd is the program's end, which the caller closes. 0 or -errno; -ENFILE: there are too many. The
 * other end is kept until the program has closed all copies of its own.
 */
int px_events_new(int *fd);
/* Something may have changed. Without it a change is seen a moment later. */
void px_events_look(void);

#endif
