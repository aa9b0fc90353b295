/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_IMPAIRED_H
#define VS_PUMP_IMPAIRED_H

/*
 * A direction of a pump that is impaired, or has been: the settings, and the frames that wait. Made by the
 * first vs_pump_impair(), it lives as long as the pump.
 *
 *     any thread ──settings──▶ ┌──────────┐ ◀──frames── thread of the direction
 *                ◀─counters─── │ one lock │ ──those that are due──▶
 *                              └──────────┘
 *
 * The lock guards everything in it. The thread of the direction holds it while it puts and takes a batch,
 * never while it reads or sends. Frames that it has taken are its own until it gives them back.
 *
 * vs_pump.impaired says whether frames must go this way. Any thread that changes it holds the lock. Setting
 * it needs no wake-up: a change concerns frames that come later. Only the thread of the direction clears
 * it, when nothing is set and nothing waits: so no frame overtakes one that waits.
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "pump.h"

struct vs_impair;
struct vs_impaired;

/* NULL: frames of this direction go past it. The one test that is made for each batch. */
static inline struct vs_impaired *vs_impaired(const struct vs_pump *pump, enum vs_direction direction)
{
	return atomic_load_explicit(&pump->impaired[direction], memory_order_acquire);
}

/* The object, for the calls of impair.h until vs_impaired_unlock(). */
struct vs_impair *vs_impaired_lock(struct vs_impaired *impaired);
void vs_impaired_unlock(struct vs_impaired *impaired);

/* Of the thread of the direction: gives back the frames that it has taken. */
void vs_impaired_done(struct vs_impaired *impaired);

/* A thread of the pump ends: what waits is dropped. */
void vs_impaired_drop(struct vs_pump *pump, enum vs_direction direction);

/* Without threads. */
void vs_impaired_free(struct vs_pump *pump);

#endif
