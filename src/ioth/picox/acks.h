/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_ACKS_H
#define PX_ACKS_H

/* Acknowledgements that are not needed. Pure: bytes only. */

#include <stdbool.h>
#include <stddef.h>

/*
 * Both are Ethernet frames of one interface, `older` was to be sent just before `newer`. True: the receiver
 * learns all from the newer one. That is so if both are acknowledgements of one TCP connection without data,
 * options or other flags, and the newer one acknowledges more bytes. A duplicate acknowledgement is a sign of
 * a loss and is never left out, nor is one that only changes the window.
 */
bool px_acks_replace(const unsigned char *older, size_t older_len, const unsigned char *newer,
		     size_t newer_len);

#endif
