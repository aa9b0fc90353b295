/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef VS_PUMP_RX_H
#define VS_PUMP_RX_H

/* Reception: complete frames from the link, super-frames to the device. One thread uses it. */

#include <stdbool.h>
#include <stdint.h>

struct vs_pump;
struct vs_rx;

/* NULL: out of memory. */
struct vs_rx *vs_rx_new(struct vs_pump *pump);
void vs_rx_free(struct vs_rx *rx);

/*
 * Receives a batch and writes it to the device. Returns 1: there may be more; 0: there was nothing;
 * -1: the link is dead.
 */
int vs_rx_burst(struct vs_rx *rx);

/* The last batch was of one frame. */
bool vs_rx_was_single(const struct vs_rx *rx);

/* While the direction is impaired: when to call vs_rx_pass() again, by vs_now_ns(). INT64_MAX: never. */
int64_t vs_rx_due_ns(const struct vs_rx *rx);
/* Writes frames that are due. */
void vs_rx_pass(struct vs_rx *rx);

#endif
