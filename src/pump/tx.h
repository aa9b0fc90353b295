/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef VS_PUMP_TX_H
#define VS_PUMP_TX_H

/* Transmission: super-frames from the device, complete frames to the link. One thread uses it. */

#include <stdbool.h>
#include <stdint.h>

struct vs_pump;
struct vs_tx;

/* NULL: out of memory. */
struct vs_tx *vs_tx_new(struct vs_pump *pump);
void vs_tx_free(struct vs_tx *tx);

/*
 * Reads a batch, at most, from the device and sends it. A link that never waits may leave part of it
 * pending; the device is not to be read until that is gone. False: device or link is gone.
 */
bool vs_tx_burst(struct vs_tx *tx);

/* After false: it was the device. */
bool vs_tx_device_gone(const struct vs_tx *tx);

/*
 * While a device that went down may be about to be deleted: when to call vs_tx_check_device(), in ms from
 * now. -1: there is nothing to check.
 */
int vs_tx_check_ms(const struct vs_tx *tx);
/* False: the device has been deleted. */
bool vs_tx_check_device(struct vs_tx *tx);

/* The last batch was of one frame. */
bool vs_tx_was_single(const struct vs_tx *tx);

/* Frames are pending: they wait for room on the link, or for the end of a pause. */
bool vs_tx_pending(const struct vs_tx *tx);
/* They wait for the end of a pause (pace.h). */
bool vs_tx_pauses(const struct vs_tx *tx);
/* When to call vs_tx_resume() at the latest, in ns from now. */
int64_t vs_tx_patience_ns(const struct vs_tx *tx);
/* Sends what is pending, or drops it when it has waited long enough. False: the link is gone. */
bool vs_tx_resume(struct vs_tx *tx);

/* While the direction is impaired: when to call vs_tx_pass() again, by vs_now_ns(). INT64_MAX: never. */
int64_t vs_tx_due_ns(const struct vs_tx *tx);
/* Sends frames that are due, unless others are pending. False: the link is gone. */
bool vs_tx_pass(struct vs_tx *tx);

#endif
