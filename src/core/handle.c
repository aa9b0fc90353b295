/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Handles, and the slots they lead to.
 *
 * A thread may use a handle while another one deletes it, and careless programs even later. So a handle is
 * not an address but a number: the place of a slot and the slot's generation, which increases with every
 * stack in that slot. Slots are never freed, only used again.
 *
 *     free -new-> busy -publish-> alive -retire-> closing -last use ends-> free, next generation
 *
 * One word holds generation and phase. The number of calls that use a slot is counted separately, in memory
 * that a forked child finds zeroed: the calls of the parent's other threads do not exist there. A user
 * first counts itself and then reads the word. The thread that retires a slot first changes the word and
 * then reads the count. So one of them sees the other (sequential consistency), and the last one to leave a
 * closing slot empties it.
 *
 * A thread may stop between any two steps, and the slot may be used again meanwhile. So the last one to
 * leave assumes nothing. It reads the word, then the count, then swaps the word:
 *  - The word says closing. No user can enter from now on, and all users are counted.
 *  - The count is 0. Every user of this generation has left, and so has the thread that retired the slot.
 *  - The swap succeeds only on exactly the word that was read. So the slot is still in that generation.
 *
 * Callers that find the slot dead are counted for a moment, too. If the count is not 0 because of one of
 * them, that caller leaves later than this check, and makes the same check itself.
 * tests/unit/test_handle_interleavings.c runs this file through all orders of steps.
 *
 * In a forked child all counts are 0. A slot that was closing in the parent has no user there that could
 * empty it. So the search for a free slot empties it.
 *
 * A generation is never used twice in the same place: the handle of a deleted stack must not lead to
 * another stack, however many there have been. A place without unused generations stays free for ever. On
 * 32 bits a place has 32767 generations, and there are 65536 places.
 */

#include "handle.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include "keepers.h"
#include "process.h"

/* Tests include this file with fewer slots and another width. */
#ifndef CHUNK_SLOTS
#define CHUNK_SLOTS 128
#define CHUNKS_MAX 512
#endif
#ifndef HANDLE_BITS
#define HANDLE_BITS (8 * sizeof(void *))
#endif

#define GENERATION(word) ((word) >> 2)
#define PHASE(word) ((word)&3)
#define WORD(generation, phase) ((generation) << 2 | (phase))

/*
 * The handle: the generation in the upper bits, place + 1 in the lower bits, so that it is never NULL.
 * Generations count from 1. A slot has generation 0 before its first stack, and a handle with 0 is invalid.
 */
#define PLACE_BITS 17
#define PLACE_MASK ((UINT64_C(1) << PLACE_BITS) - 1)
#define GENERATION_MAX ((UINT64_C(1) << (HANDLE_BITS - PLACE_BITS)) - 1)

enum phase { FREE, BUSY, ALIVE, CLOSING };

struct chunk {
	struct vs_slot slots[CHUNK_SLOTS];
	atomic_uint *uses; /* zeroed by fork */
};

static _Atomic(struct chunk *) chunks[CHUNKS_MAX];

void vs_slot_set_kept(struct vs_slot *slot, enum vs_slot_kept kept)
{
	__atomic_store_n(&slot->kept, (int)kept, __ATOMIC_SEQ_CST);
}

enum vs_slot_kept vs_slot_kept(const struct vs_slot *slot)
{
	return (enum vs_slot_kept)__atomic_load_n(&slot->kept, __ATOMIC_SEQ_CST);
}

static struct chunk *chunk_make(void)
{
	struct chunk *c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (c == MAP_FAILED)
		return NULL;
	c->uses = vs_wiped_memory(CHUNK_SLOTS * sizeof(*c->uses));
	if (c->uses == NULL) {
		(void)munmap(c, sizeof(*c));
		return NULL;
	}
	return c;
}

static struct chunk *chunk_get(size_t i)
{
	struct chunk *c = atomic_load(&chunks[i]);

	if (c != NULL)
		return c;
	struct chunk *fresh = chunk_make();
	if (fresh == NULL)
		return NULL;
	if (atomic_compare_exchange_strong(&chunks[i], &c, fresh))
		return fresh;
	(void)munmap(fresh->uses, CHUNK_SLOTS * sizeof(*fresh->uses));
	(void)munmap(fresh, sizeof(*fresh));
	return c;
}

static size_t place_of(const struct vs_slot *slot, struct chunk **chunk)
{
	for (size_t i = 0; i < CHUNKS_MAX; i++) {
		struct chunk *c = atomic_load(&chunks[i]);
		if (c != NULL && slot >= c->slots && slot < c->slots + CHUNK_SLOTS) {
			*chunk = c;
			return i * CHUNK_SLOTS + (size_t)(slot - c->slots);
		}
	}
	__builtin_unreachable();
}

static atomic_uint *uses_of(struct vs_slot *slot)
{
	struct chunk *c;
	size_t place = place_of(slot, &c);

	return &c->uses[place % CHUNK_SLOTS];
}

/* True for one caller, when a retired slot has no users any more. That caller has to empty it. */
static bool claim_empty(struct vs_slot *slot, atomic_uint *uses)
{
	uint_fast64_t word = atomic_load(&slot->state);

	if (PHASE(word) != CLOSING || atomic_load(uses) != 0)
		return false;
	return atomic_compare_exchange_strong(&slot->state, &word, WORD(GENERATION(word), BUSY));
}

/* Takes the slot if it is free and a generation is left. */
static bool claim_free(struct vs_slot *slot)
{
	uint_fast64_t word = atomic_load(&slot->state);

	if (PHASE(word) != FREE || GENERATION(word) >= GENERATION_MAX)
		return false;
	return atomic_compare_exchange_strong(&slot->state, &word, WORD(GENERATION(word) + 1, BUSY));
}

static struct vs_slot *claim_in(struct chunk *c)
{
	for (size_t j = 0; j < CHUNK_SLOTS; j++) {
		struct vs_slot *slot = &c->slots[j];
		if (claim_empty(slot, &c->uses[j]))
			vs_slot_empty(slot); /* it was closing when this process was forked */
		if (claim_free(slot))
			return slot;
	}
	return NULL;
}

struct vs_slot *vs_slot_new(void)
{
	for (size_t i = 0; i < CHUNKS_MAX; i++) {
		struct chunk *c = chunk_get(i);
		if (c == NULL)
			return NULL;
		struct vs_slot *slot = claim_in(c);
		if (slot == NULL)
			continue;
		slot->door = slot->leash[0] = slot->leash[1] = (struct vs_sock)VS_NO_SOCK;
		slot->keeper = NULL;
		slot->id = 0;
		slot->via = VS_DOOR_FULL;
		vs_slot_set_kept(slot, VS_SLOT_NO_DEFAULT);
		slot->leash_process = 0;
		slot->pending.fd = -1;
		__atomic_store_n(&slot->complete, false, __ATOMIC_SEQ_CST);
		return slot;
	}
	errno = EMFILE;
	return NULL;
}

void vs_slot_discard(struct vs_slot *slot)
{
	uint_fast64_t word = atomic_load(&slot->state);

	slot->keeper = NULL;
	atomic_store(&slot->state, WORD(GENERATION(word), FREE));
}

static struct vdestack *handle_of(uint64_t place, uint64_t generation)
{
	return (struct vdestack *)(uintptr_t)(generation << PLACE_BITS | (place + 1));
}

struct vdestack *vs_slot_publish(struct vs_slot *slot)
{
	struct chunk *c;
	uint64_t place = place_of(slot, &c);
	uint64_t generation = GENERATION(atomic_load(&slot->state));

	atomic_store(&slot->state, WORD(generation, ALIVE));
	return handle_of(place, generation);
}

void vs_slot_set_complete(struct vs_slot *slot)
{
	__atomic_store_n(&slot->complete, true, __ATOMIC_SEQ_CST);
}

bool vs_slot_complete(const struct vs_slot *slot)
{
	return __atomic_load_n(&slot->complete, __ATOMIC_SEQ_CST);
}

/* The slot that a handle would lead to, and the word that it should have. */
static struct vs_slot *resolve(struct vdestack *stack, uint_fast64_t *word, atomic_uint **uses)
{
	uint64_t number = (uint64_t)(uintptr_t)stack;
	uint64_t place = (number & PLACE_MASK) - 1;

	if ((number & PLACE_MASK) == 0 || place >= (uint64_t)CHUNKS_MAX * CHUNK_SLOTS)
		return NULL;
	struct chunk *c = atomic_load(&chunks[place / CHUNK_SLOTS]);
	if (c == NULL)
		return NULL;
	*word = WORD(number >> PLACE_BITS, ALIVE);
	*uses = &c->uses[place % CHUNK_SLOTS];
	return &c->slots[place % CHUNK_SLOTS];
}

/*
 * Counts one use less. True if none is left. The count is 0 before if a signal handler forked during a call
 * and this is the child.
 */
static bool count_down(atomic_uint *uses)
{
	unsigned n = atomic_load(uses);

	while (n > 0 && !atomic_compare_exchange_weak(uses, &n, n - 1))
		;
	return n <= 1;
}

/* Ends a use. If it was the last one of a closing slot, empties the slot and returns true. */
static bool leave(struct vs_slot *slot, atomic_uint *uses)
{
	if (!count_down(uses) || !claim_empty(slot, uses))
		return false;
	vs_slot_empty(slot);
	return true;
}

/* As leave(), and ends unused keepers: the thread that deleted the stack may have left before. */
static void leave_late(struct vs_slot *slot, atomic_uint *uses)
{
	if (leave(slot, uses))
		vs_keepers_dismiss();
}

struct vs_slot *vs_slot_acquire(struct vdestack *stack)
{
	uint_fast64_t word;
	atomic_uint *uses;
	struct vs_slot *slot = resolve(stack, &word, &uses);

	if (slot == NULL)
		return NULL;
	atomic_fetch_add(uses, 1);
	if (atomic_load(&slot->state) == word)
		return slot;
	leave_late(slot, uses);
	return NULL;
}

void vs_slot_release(struct vs_slot *slot)
{
	leave_late(slot, uses_of(slot));
}

void vs_slot_release_retired(struct vs_slot *slot)
{
	(void)leave(slot, uses_of(slot));
}

bool vs_slot_retire(struct vdestack *stack, struct vs_slot **slot, bool *busy)
{
	uint_fast64_t word;
	atomic_uint *uses;
	struct vs_slot *s = resolve(stack, &word, &uses);

	if (s == NULL)
		return false;
	atomic_fetch_add(uses, 1);
	if (!atomic_compare_exchange_strong(&s->state, &word, WORD(GENERATION(word), CLOSING))) {
		leave_late(s, uses);
		return false;
	}
	*slot = s;
	*busy = atomic_load(uses) > 1;
	return true;
}

bool vs_slot_was_handle(struct vdestack *stack)
{
	uint_fast64_t word;
	atomic_uint *uses;
	const struct vs_slot *slot = resolve(stack, &word, &uses);

	return slot != NULL && GENERATION(word) > 0 &&
	       GENERATION(word) <= GENERATION(atomic_load(&slot->state));
}

/*
 * The slot may be another stack's meanwhile. Then the handle leads nowhere, and nothing depends on the
 * result.
 */
bool vs_slot_known_kept(struct vdestack *stack)
{
	uint_fast64_t word;
	atomic_uint *uses;
	const struct vs_slot *slot = resolve(stack, &word, &uses);

	return slot != NULL && __atomic_load_n(&slot->kept, __ATOMIC_RELAXED) == VS_SLOT_KEPT;
}

bool vs_slot_retired(const struct vs_slot *slot)
{
	return PHASE(atomic_load(&slot->state)) != ALIVE;
}

void vs_slots_each(void (*fn)(struct vs_slot *slot))
{
	for (size_t i = 0; i < CHUNKS_MAX; i++) {
		struct chunk *c = atomic_load(&chunks[i]);
		if (c == NULL)
			return;
		for (size_t j = 0; j < CHUNK_SLOTS; j++)
			if (PHASE(atomic_load(&c->slots[j].state)) != FREE)
				fn(&c->slots[j]);
	}
}

void vs_slots_find(bool (*fn)(void *arg, struct vs_slot *slot, struct vdestack *stack), void *arg)
{
	for (size_t i = 0; i < CHUNKS_MAX; i++) {
		struct chunk *c = atomic_load(&chunks[i]);
		if (c == NULL)
			return;
		for (size_t j = 0; j < CHUNK_SLOTS; j++) {
			uint_fast64_t word = atomic_load(&c->slots[j].state);
			bool alive = PHASE(word) == ALIVE, busy = PHASE(word) == BUSY;
			struct vdestack *stack =
				alive ? handle_of(i * CHUNK_SLOTS + j, GENERATION(word)) : NULL;
			if ((alive || busy) && fn(arg, &c->slots[j], stack))
				return;
		}
	}
}

bool vs_slots_use(const struct vs_keeper_link *keeper)
{
	for (size_t i = 0; i < CHUNKS_MAX; i++) {
		struct chunk *c = atomic_load(&chunks[i]);
		if (c == NULL)
			return false;
		for (size_t j = 0; j < CHUNK_SLOTS; j++)
			if (PHASE(atomic_load(&c->slots[j].state)) != FREE && c->slots[j].keeper == keeper)
				return true;
	}
	return false;
}
