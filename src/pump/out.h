/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef VS_PUMP_OUT_H
#define VS_PUMP_OUT_H

/* The way out of an interface: super-frames from its tap, complete frames to its link. */

#include <stdbool.h>
#include <stdint.h>

struct vs_iface;
struct vs_out;

/* NULL: out of memory. Belongs to one thread, like everything below. */
struct vs_out *vs_out_new(struct vs_iface *iface);
void vs_out_free(struct vs_out *out);

/*
 * Reads what the tap has, at most a batch, and sends it. On a link that does not wait for room
 * part of it may be left pending; then there is nothing to read for until that is gone. False: the tap or
 * the link is gone.
 */
bool vs_out_burst(struct vs_out *out);

/* After false: it was the tap. */
bool vs_out_tap_gone(const struct vs_out *out);

/* A port's device has gone down, perhaps for good: when to call vs_out_look_again, in ms from now; -1: there is no doubt. */
int vs_out_doubt_ms(const struct vs_out *out);
/* False: it has been deleted. */
bool vs_out_look_again(struct vs_out *out);

/* The last batch was of one frame. */
bool vs_out_was_single(const struct vs_out *out);

/* Frames wait for room on the link. */
bool vs_out_pending(const struct vs_out *out);
/* They wait for their turn, not for room. */
bool vs_out_rests(const struct vs_out *out);
/* When to call vs_out_resume at the latest, in ns from now. */
int64_t vs_out_patience_ns(const struct vs_out *out);
/* Sends what is pending, or drops it when it has waited long enough. False: the link is gone. */
bool vs_out_resume(struct vs_out *out);

#endif
