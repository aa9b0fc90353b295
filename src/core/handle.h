/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_HANDLE_H
#define VS_CORE_HANDLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "wire/fdmsg.h"
#include "wire/messages.h"
#include <vdestack.h>

struct vs_keeper_link;

/* Whether the keeper keeps the stack when the program closes its descriptors, see claim.c. */
enum vs_slot_kept {
	VS_SLOT_NO_DEFAULT, /* no: it has not been a default in this process */
	VS_SLOT_NOT_KEPT,   /* no: its keeper has no claim page, or the page is full */
	VS_SLOT_KEPT,
};

/* A stack as this process sees it. */
struct vs_slot {
	atomic_uint_fast64_t state; /* generation and phase, see handle.c */
	/* Written before the handle is published, read by callers that hold a use: */
	struct vs_sock door;  /* changes when the door is cut or regained; see vs_sock_load() */
	uint64_t id;          /* of the stack: the cookie of its first door */
	_Atomic(struct vs_keeper_link *) keeper; /* also read by the search for unused keepers */
	enum vs_door via;     /* what its door was made for */
	int kept;             /* enum vs_slot_kept; read and written atomically */
	uint64_t secret[2];   /* for a new door; written before kept says so, under the regain lock */
	/* The leash of its commands, made on demand under the process lock: */
	struct vs_sock leash[2];
	uint64_t leash_process; /* token of the process that made it */
	/* Its creation: */
	struct vs_sock pending; /* a reply channel that a request of it has had; written by its maker alone */
	bool complete;          /* it is over; read and written atomically */
	/* Under the lock of names: */
	uint64_t maker;         /* token of the process that makes it, if it has a name */
	char name[VS_STACK_NAME_BYTES]; /* "": none */
};

/* Takes a free slot for the caller alone. NULL with errno. */
struct vs_slot *vs_slot_new(void);
/* Gives a slot back that has never been published. */
void vs_slot_discard(struct vs_slot *slot);
/* Returns the handle, which leads to the slot from now on. */
struct vdestack *vs_slot_publish(struct vs_slot *slot);

/* The creation is over: from now on the stack is found by its name and in the list. */
void vs_slot_set_complete(struct vs_slot *slot);
bool vs_slot_complete(const struct vs_slot *slot);

void vs_slot_set_kept(struct vs_slot *slot, enum vs_slot_kept kept);
enum vs_slot_kept vs_slot_kept(const struct vs_slot *slot);
/* True if that stack has been a default before, and its keeper keeps it. Takes no use of it. */
bool vs_slot_known_kept(struct vdestack *stack);

/*
 * Returns the slot of a handle, held until vs_slot_release(). NULL: the handle leads nowhere (never made,
 * deleted). Async-signal-safe, as is the release.
 */
struct vs_slot *vs_slot_acquire(struct vdestack *stack);
void vs_slot_release(struct vs_slot *slot);
/* As vs_slot_release(), for the caller that has retired the slot, and then ends unused keepers itself. */
void vs_slot_release_retired(struct vs_slot *slot);

/*
 * Makes the handle lead nowhere. True once for each handle. Then the caller holds a use, and
 * vs_slot_empty() empties the slot when the last use ends. *busy: other calls use it now.
 */
bool vs_slot_retire(struct vdestack *stack, struct vs_slot **slot, bool *busy);

/* True if that has been the handle of a stack, which may have been deleted since. Async-signal-safe. */
bool vs_slot_was_handle(struct vdestack *stack);

/* True if the handle leads nowhere any more. The caller still holds a use. */
bool vs_slot_retired(const struct vs_slot *slot);

/* Closes what a retired slot holds. Called once, by the last user. In deletion.c. */
void vs_slot_empty(struct vs_slot *slot);

/* Calls fn for every slot that is not free. Async-signal-safe. */
void vs_slots_each(void (*fn)(struct vs_slot *slot));

/*
 * Calls fn for every slot with a stack that is being made (stack: NULL, or its handle) or is there, in the
 * order of their places. Stops when fn returns true.
 */
void vs_slots_find(bool (*fn)(void *arg, struct vs_slot *slot, struct vdestack *stack), void *arg);

/* True if any slot that is not free belongs to that keeper. */
bool vs_slots_use(const struct vs_keeper_link *keeper);

#endif
