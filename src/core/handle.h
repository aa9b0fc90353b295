/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_HANDLE_H
#define VS_CORE_HANDLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "wire/fdmsg.h"
#include <vdestack.h>

struct vs_keeper_link;

/* A stack as this process sees it. */
struct vs_slot {
	atomic_uint_fast64_t state; /* generation and phase, see handle.c */
	/* Written before the handle is given out, read by those who hold a use: */
	struct vs_sock door;                          /* its cookie changes once, when the door is cut under callers */
	_Atomic(struct vs_keeper_link *) keeper;      /* also read by who looks for keepers without use */
	/* The leash of its commands, made on demand under the process lock: */
	struct vs_sock leash[2];
	uint64_t leash_process; /* token of the process that made it */
	/* Its creation: */
	struct vs_sock pending; /* a reply channel that a request of it has had; written by its maker alone */
	bool complete;          /* it is over; read and written atomically */
	uint64_t maker;         /* token of the process that makes it, if it has a name; as that under the lock of names */
	char name[64];          /* "": none */
};

/* A free slot, for the caller alone. NULL with errno. */
struct vs_slot *vs_slot_new(void);
/* Gives a slot back that has never been published. */
void vs_slot_discard(struct vs_slot *slot);
/* From now on the handle that is returned leads to the slot. */
struct vdestack *vs_slot_publish(struct vs_slot *slot);

/* Its creation is over: from now on the stack is found. */
void vs_slot_set_complete(struct vs_slot *slot);
bool vs_slot_complete(const struct vs_slot *slot);

/*
 * The slot behind a handle, held until vs_slot_release(); NULL when the handle leads nowhere
 * (never made, deleted). Async-signal-safe, as is the release.
 */
struct vs_slot *vs_slot_acquire(struct vdestack *stack);
void vs_slot_release(struct vs_slot *slot);
/* The same for the one who has retired it, and who then looks after the keepers. */
void vs_slot_release_retired(struct vs_slot *slot);

/*
 * Makes the handle lead nowhere. True once for each handle; the caller holds a use then, and
 * the slot is emptied by vs_slot_empty() when the last use ends. *busy tells whether others hold it now.
 */
bool vs_slot_retire(struct vdestack *stack, struct vs_slot **slot, bool *busy);

/* True when the handle leads nowhere any more, for one who still holds a use. */
bool vs_slot_retired(const struct vs_slot *slot);

/* Closes what a retired slot holds; called once, by whoever held it last. In deletion.c. */
void vs_slot_empty(struct vs_slot *slot);

/* For every slot in use, whatever its phase. Async-signal-safe. */
void vs_slots_each(void (*fn)(struct vs_slot *slot));

/*
 * For every slot whose stack is being made (stack: NULL, or its handle) or is there, in the order of their
 * places; stops when fn returns true.
 */
void vs_slots_find(bool (*fn)(void *arg, struct vs_slot *slot, struct vdestack *stack), void *arg);

/* True if any slot in use belongs to that keeper. */
bool vs_slots_use(const struct vs_keeper_link *keeper);

#endif
