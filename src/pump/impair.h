/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_IMPAIR_H
#define VS_PUMP_IMPAIR_H

/*
 * What is done on purpose to the frames of one direction. Pure: frames and times go in, frames come out when
 * they are due. One thread at a time uses an object; it knows no descriptor and no clock.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <vdestack/impair.h>

/* The most that frames that wait may take in one direction. */
#define VS_IMPAIR_MEMORY_MAX (64u << 20)
/* Bytes before each frame that comes out, which its user may write to. */
#define VS_IMPAIR_HEADROOM 16
/* A frame that is held back leaves after so long at the latest, when too few others come. */
#define VS_IMPAIR_HOLD_NS 100000000

struct vs_impair;

/* NULL: out of memory. Nothing is impaired until vs_impair_set(). */
struct vs_impair *vs_impair_new(void);
/* Frames that wait are freed. NULL is allowed. */
void vs_impair_free(struct vs_impair *impair);

/* True if the values can be used: 0, or -EINVAL and *why names the field. Zero is valid. */
int vs_impair_check(const struct vdestack_impairment *settings, const char **why);

/*
 * From now on these hold. Frames that are delayed keep their times; those that wait for a rate are sent at
 * the new one. The seed must not be 0: it starts the random choices anew.
 */
void vs_impair_set(struct vs_impair *impair, const struct vdestack_impairment *settings, int64_t now_ns);

/* A frame comes, in one piece or more. It is copied if it is to come out, now or later. */
void vs_impair_put(struct vs_impair *impair, const struct iovec *frame, int n, int64_t now_ns);

/*
 * The next frame that is due, or NULL. It belongs to the caller, who may change it, until vs_impair_done(). A
 * caller can take several before that.
 */
struct vs_impair_frame {
	struct iovec iov; /* starts at a multiple of 16 */
	int64_t due_ns;
};
const struct vs_impair_frame *vs_impair_next(struct vs_impair *impair, int64_t now_ns);
/* Frees all frames that vs_impair_next() has returned. */
void vs_impair_done(struct vs_impair *impair);

/* When the next frame is due, in ns of the same clock, or a little earlier; INT64_MAX: none waits. */
int64_t vs_impair_due_ns(const struct vs_impair *impair);

/* The network has gone: frames that wait are dropped, and counted as cut. */
void vs_impair_drop(struct vs_impair *impair);

/* Nothing is set, nothing waits, nothing is taken: frames may go past it. */
bool vs_impair_is_idle(const struct vs_impair *impair);

void vs_impair_stats(const struct vs_impair *impair, struct vdestack_impair_stats *stats);

#endif
