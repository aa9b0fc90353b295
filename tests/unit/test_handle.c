/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Handles of 32 bits, as on machines with such pointers: more stacks in one slot than there are generations.
 */

#include <errno.h>
#include <stdlib.h>

#include "unit.h"

#define HANDLE_BITS 32
#include "core/handle.c"

#define STACKS 300000

void vs_slot_empty(struct vs_slot *slot)
{
	vs_slot_discard(slot);
}

void vs_keepers_dismiss(void)
{
}

static struct vdestack *make(void)
{
	struct vs_slot *slot = vs_slot_new();

	assert_non_null(slot);
	return vs_slot_publish(slot);
}

static bool leads_to_a_stack(struct vdestack *stack)
{
	struct vs_slot *slot = vs_slot_acquire(stack);

	if (slot != NULL)
		vs_slot_release(slot);
	return slot != NULL;
}

static bool delete(struct vdestack *stack)
{
	struct vs_slot *slot;
	bool busy;

	if (!vs_slot_retire(stack, &slot, &busy))
		return false;
	vs_slot_release_retired(slot);
	return true;
}

static void handles_work_however_many_stacks_there_have_been(void **state)
{
	struct vdestack *first = make();

	(void)state;
	assert_true(delete(first));
	for (int i = 0; i < STACKS; i++) {
		struct vdestack *stack = make();
		assert_non_null(stack);
		assert_true((uint64_t)(uintptr_t)stack <= UINT32_MAX);
		assert_true(leads_to_a_stack(stack));
		assert_false(leads_to_a_stack(first));
		assert_true(delete(stack));
		assert_false(leads_to_a_stack(stack));
		assert_false(delete(stack));
	}
}

static void no_handle_is_returned_twice(void **state)
{
	/* Stacks are made in one slot until it has no generation left. */
	struct vdestack **all = calloc(STACKS, sizeof(*all));
	uintptr_t last = 0;

	(void)state;
	assert_non_null(all);
	for (int i = 0; i < STACKS; i++) {
		all[i] = make();
		assert_true(delete(all[i]));
	}
	struct vdestack *living = make();
	for (int i = 0; i < STACKS; i++) {
		/* Ordered by slot, then by generation. */
		uintptr_t number = (uintptr_t)all[i];
		uintptr_t order = (number & PLACE_MASK) << 15 | number >> PLACE_BITS;
		assert_true(order > last);
		last = order;
		assert_false(leads_to_a_stack(all[i]));
	}
	assert_true(leads_to_a_stack(living));
	free(all);
}

static void a_slot_without_generations_left_is_not_used_and_without_slots_it_is_EMFILE(void **state)
{
	(void)state;
	for (size_t i = 0; i < CHUNKS_MAX; i++)
		for (size_t j = 0; j < CHUNK_SLOTS; j++) {
			assert_non_null(chunk_get(i));
			atomic_store(&chunks[i]->slots[j].state, WORD(GENERATION_MAX, FREE));
		}
	atomic_store(&chunks[3]->slots[5].state, WORD(GENERATION_MAX - 1, FREE));
	struct vdestack *stack = make();
	assert_true(leads_to_a_stack(stack));
	assert_true(delete(stack));
	assert_null(vs_slot_new());
	assert_int_equal(errno, EMFILE);
	assert_false(leads_to_a_stack(stack));
}

static void generation_0_and_numbers_that_are_too_wide_are_refused(void **state)
{
	(void)state;
	for (uintptr_t place = 0; place <= PLACE_MASK; place++)
		assert_false(leads_to_a_stack((struct vdestack *)place));
	struct vdestack *stack = make();
	assert_true((uintptr_t)stack >> PLACE_BITS >= 1);
	assert_false(leads_to_a_stack((struct vdestack *)((uintptr_t)stack | (uintptr_t)1 << 31)));
	uintptr_t top = (uintptr_t)1 << (8 * sizeof(void *) - 1);
	assert_false(leads_to_a_stack((struct vdestack *)((uintptr_t)stack | top)));
	for (uintptr_t place = 0; place <= PLACE_MASK; place++)
		assert_false(leads_to_a_stack((struct vdestack *)place));
	assert_true(delete(stack));
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(handles_work_however_many_stacks_there_have_been),
		cmocka_unit_test(no_handle_is_returned_twice),
		cmocka_unit_test(a_slot_without_generations_left_is_not_used_and_without_slots_it_is_EMFILE),
		cmocka_unit_test(generation_0_and_numbers_that_are_too_wide_are_refused),
	};

	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
