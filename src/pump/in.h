/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef VS_PUMP_IN_H
#define VS_PUMP_IN_H

/* The way into an interface: complete frames from its link, super-frames to its tap. */

#include <stdbool.h>

struct vs_iface;
struct vs_in;

/* NULL: out of memory. Belongs to one thread. */
struct vs_in *vs_in_new(struct vs_iface *iface);
void vs_in_free(struct vs_in *in);

/*
 * Receives a batch and writes it to the tap. 1: there may be more; 0: there was nothing;
 * -1: the link is dead.
 */
int vs_in_burst(struct vs_in *in);

/* The last batch was of one frame. */
bool vs_in_was_single(const struct vs_in *in);

#endif
