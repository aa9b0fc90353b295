/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_RING_H
#define VS_PUMP_RING_H

/*
 * A queue of records between two threads, of a fixed size and without a lock. One thread puts, one takes;
 * where several put, they take turns by a lock of their own. Neither waits for the other one.
 *
 * `head` is written by the thread that puts, `tail` by the one that takes; both only grow. A record is
 * visible when head has passed it (release), and its room is free when tail has (acquire). A record is never
 * split: if the end of the memory is too near, the rest is skipped.
 *
 * Memory that no record has reached takes none of the machine's.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vs_ring {
	unsigned char *bytes;
	size_t size;        /* a power of two */
	size_t reserved;    /* of the thread that puts: where head goes with the commit */
	_Alignas(64) atomic_size_t head;
	_Alignas(64) atomic_size_t tail;
};

/* bytes: rounded up to a power of two. The ring is all zero. 0 or -ENOMEM. */
int vs_ring_init(struct vs_ring *ring, size_t bytes);
/* A ring that is all zero is allowed. */
void vs_ring_free(struct vs_ring *ring);

/* Room for a record of len bytes, aligned to 8; NULL: there is none. It is lost without vs_ring_commit(). */
void *vs_ring_reserve(struct vs_ring *ring, size_t len);
void vs_ring_commit(struct vs_ring *ring);

/* The oldest record; NULL: there is none. It stays until vs_ring_drop(). */
const void *vs_ring_peek(struct vs_ring *ring, size_t *len);
void vs_ring_drop(struct vs_ring *ring);

/* Bytes in use. Any thread. */
size_t vs_ring_used(const struct vs_ring *ring);

#endif
