/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_SENDER_H
#define PX_SENDER_H

/* Sends on a link that may wait, so that a slow network does not stop the stack. All calls: the loop's. */

#include <stddef.h>

struct px_frame;
struct px_sender;
struct vs_link;

/* The link belongs to the sender if 0 is returned. The caller still receives on it. -ENOMEM, -EAGAIN. */
int px_sender_new(struct vs_link *link, struct px_sender **out);
/* Copies the frames that find room, in order. Returns how many. */
unsigned px_sender_put(struct px_sender *s, const struct px_frame *frames, unsigned n);
/* How many frames the link has lost since the last call. */
unsigned px_sender_lost(struct px_sender *s);
/* Drops what waits and closes the link: at once, or when the network lets go of the frame under way. */
void px_sender_end(struct px_sender *s);

#endif
