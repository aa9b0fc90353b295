/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RADV_OPENING_H
#define RADV_OPENING_H

/* Opening a network of VDE without waiting for it for ever: a switch may take a client and not answer. */

#include <libvdeplug.h>

struct radv_opening;

/* Waits until it is open. 0 and *conn, or -errno; -ETIMEDOUT: it has not answered in this time. */
int radv_open_within(const char *vnl, int most_ms, VDECONN **conn);

/* Begins to open it. 0 and *opening, or -errno. */
int radv_opening_begin(const char *vnl, struct radv_opening **opening);

/* -EINPROGRESS: it goes on. Else it has ended and is freed: 0 and *conn, or -errno. Never blocks. */
int radv_opening_take(struct radv_opening *opening, VDECONN **conn);

/* Ends it. What it opens later is closed. NULL is allowed. */
void radv_opening_abandon(struct radv_opening *opening);

#endif
