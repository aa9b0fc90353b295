/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The slot algorithm of src/core/handle.c in every order of its steps.
 *
 *     scheduler ─ chooses ─▶ thread 0 ─▶ one atomic operation ─▶ back to the scheduler
 *                            thread 1
 *                            thread 2
 *
 * The real file is compiled into this test. Each of its atomic operations is a step: before it the thread
 * yields to the scheduler. All operations are sequentially consistent, so an order of steps describes
 * an execution completely. Threads are coroutines on stacks of their own.
 *
 * The scheduler does a depth-first search over its choices. To try another choice it runs everything again
 * from the start. What a thread does next depends on how far its script has come and on the values that it
 * has seen in this call. Together with the memory this is a state. A state that has been met before is not
 * searched again.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <ucontext.h>

#include "unit.h"

#define THREADS 3

static void step(const volatile void *address);
static void seen(uint64_t value);

/* ------------------------------------------------------------------ the code under test, in steps */

#define IN_STEPS(address, operation)                                                                         \
	({                                                                                                   \
		step(address);                                                                               \
		__auto_type seen_ = (operation);                                                             \
		seen((uint64_t)(uintptr_t)seen_);                                                            \
		seen_;                                                                                       \
	})
#define SWAP_IN_STEPS(address, expected, desired)                                                            \
	({                                                                                                   \
		bool swapped_ = IN_STEPS(address, atomic_compare_exchange_strong_explicit(                   \
			address, expected, desired, memory_order_seq_cst, memory_order_seq_cst));            \
		seen((uint64_t)(uintptr_t)*(expected));                                                      \
		swapped_;                                                                                    \
	})

#undef atomic_load
#undef atomic_store
#undef atomic_fetch_add
#undef atomic_fetch_sub
#undef atomic_compare_exchange_strong
#undef atomic_compare_exchange_weak
#define atomic_load(address) IN_STEPS(address, atomic_load_explicit(address, memory_order_seq_cst))
#define atomic_store(address, value)                                                                         \
	(step(address), atomic_store_explicit(address, value, memory_order_seq_cst))
#define atomic_fetch_add(address, n)                                                                         \
	IN_STEPS(address, atomic_fetch_add_explicit(address, n, memory_order_seq_cst))
#define atomic_fetch_sub(address, n)                                                                         \
	IN_STEPS(address, atomic_fetch_sub_explicit(address, n, memory_order_seq_cst))
#define atomic_compare_exchange_strong SWAP_IN_STEPS
#define atomic_compare_exchange_weak SWAP_IN_STEPS

#define CHUNK_SLOTS 1
#define CHUNKS_MAX 1
#include "core/handle.c"

/* ------------------------------------------------------------------ threads */

struct thread {
	ucontext_t context;
	void (*script)(void);
	bool done;
	uint64_t position;   /* calls of its script that have ended */
	uint64_t history;    /* of the values it has read since, and their results */
	uint64_t generation; /* of the stack that it holds, 0: none */
	struct vdestack *made; /* the stack that it has made */
	char stack[32768];
};

static struct thread threads[THREADS];
static struct thread *running; /* NULL: the scheduler */
static ucontext_t scheduler;

/* Beside the slot, the results of an execution: */
static struct {
	struct vdestack *first;
	uint64_t emptied; /* a bit for each generation */
	bool lost;        /* the slot was half made or half emptied when its process was forked */
	const char *broken;
} world;

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

static void seen(uint64_t value)
{
	if (running != NULL)
		running->history = mix(running->history, value);
}

static void step(const volatile void *address)
{
	/* The table of chunks no longer changes. */
	if (running == NULL || (const volatile void *)&chunks[0] == address)
		return;
	seen(1);
	if (swapcontext(&running->context, &scheduler) < 0)
		abort();
}

/*
 * A call has ended: only its result is part of the state from now on. Each path through a script gets here
 * equally often.
 */
static void settle(const void *result)
{
	if (running != NULL)
		running->history = mix(++running->position, (uint64_t)(uintptr_t)result);
}

static void thread_main(void)
{
	running->script();
	running->done = true;
	(void)swapcontext(&running->context, &scheduler);
}

/* Records what is wrong; the scheduler ends the search. */
static void demand(bool holds, const char *what)
{
	if (!holds && world.broken == NULL)
		world.broken = what;
}

/* ------------------------------------------------------------------ what handle.c calls */

static bool is_emptied(uint64_t generation)
{
	return world.emptied >> generation & 1;
}

void vs_slot_empty(struct vs_slot *slot)
{
	uint64_t word = atomic_load_explicit(&slot->state, memory_order_relaxed);

	demand(PHASE(word) == BUSY, "a slot was emptied that no thread had claimed");
	demand(!is_emptied(GENERATION(word)), "a slot was emptied twice");
	for (int i = 0; i < THREADS; i++)
		demand(threads[i].generation != GENERATION(word),
		       "a slot was emptied while a thread was using it");
	world.emptied |= UINT64_C(1) << GENERATION(word);
	vs_slot_discard(slot);
}

void vs_keepers_dismiss(void)
{
}

/* ------------------------------------------------------------------ what threads do */

static uint64_t generation_of(struct vdestack *stack)
{
	return (uint64_t)(uintptr_t)stack >> PLACE_BITS;
}

static void hold(struct vdestack *stack)
{
	running->generation = generation_of(stack);
	demand(!is_emptied(running->generation), "a thread got a stack that was emptied");
}

static void use(struct vdestack *stack)
{
	struct vs_slot *slot = vs_slot_acquire(stack);

	settle(slot);
	if (slot != NULL) {
		hold(stack);
		step(NULL);
		running->generation = 0;
		vs_slot_release(slot);
	}
	settle(NULL);
}

static void delete(struct vdestack *stack)
{
	struct vs_slot *slot;
	bool busy, retired = vs_slot_retire(stack, &slot, &busy);

	settle(retired ? slot : NULL);
	if (retired) {
		for (int i = 0; i < THREADS; i++)
			demand(busy || threads[i].generation != generation_of(stack),
			       "a stack in use was called idle");
		hold(stack);
		step(NULL);
		running->generation = 0;
		vs_slot_release_retired(slot);
	}
	settle(NULL);
}

static struct vdestack *make(void)
{
	struct vs_slot *slot = vs_slot_new();

	settle(slot);
	struct vdestack *stack = slot != NULL ? vs_slot_publish(slot) : NULL;
	if (running != NULL)
		running->made = stack;
	settle(NULL);
	return stack;
}

static void uses_first(void)
{
	use(world.first);
}

static void uses_first_twice(void)
{
	use(world.first);
	use(world.first);
}

static void deletes_first(void)
{
	delete(world.first);
}

static void makes_and_uses(void)
{
	use(make());
}

static void makes_and_deletes(void)
{
	delete(make());
}

static void deletes_makes_and_deletes(void)
{
	delete(world.first);
	delete(make());
}

static unsigned slot_phase(void)
{
	return PHASE(atomic_load_explicit(&chunks[0]->slots[0].state, memory_order_seq_cst));
}

/* From here on everything is the child: there are no other threads, and no counts. */
static void become_child(void)
{
	step(NULL);
	for (int i = 0; i < THREADS; i++)
		if (&threads[i] != running) {
			threads[i].done = true;
			threads[i].generation = 0;
		}
	atomic_store_explicit(&chunks[0]->uses[0], 0, memory_order_seq_cst);
	world.lost = slot_phase() == BUSY;
	settle(NULL);
}

static void child_goes_on(void)
{
	use(world.first);
	delete(world.first);
	struct vdestack *stack = make();
	demand(stack != NULL || world.lost || slot_phase() == ALIVE,
	       "a child cannot use the slot of a stack that was being deleted");
	use(stack);
	delete(stack);
}

static void forks(void)
{
	become_child();
	child_goes_on();
}

static void forks_without_looking(void)
{
	become_child();
	delete(make());
}

/* A signal handler forks, and the child returns from it. */
static void forks_in_a_call(void)
{
	struct vs_slot *slot = vs_slot_acquire(world.first);

	settle(slot);
	if (slot == NULL)
		return;
	hold(world.first);
	become_child();
	running->generation = 0;
	vs_slot_release(slot);
	child_goes_on();
}

/* ------------------------------------------------------------------ the scheduler */

#define STEPS_MAX 400
#define KEYS_MAX (UINT64_C(1) << 20)

static struct {
	unsigned char chosen[STEPS_MAX];
	unsigned char runnable[STEPS_MAX]; /* a bit for each thread */
	size_t length;
	uint64_t *keys; /* of the states that have been met; 0: none */
	uint64_t n_keys;
} search;

static uint64_t state_key(void)
{
	uint64_t key = mix(1, atomic_load_explicit(&chunks[0]->slots[0].state, memory_order_relaxed));

	key = mix(key, atomic_load_explicit(&chunks[0]->uses[0], memory_order_relaxed));
	key = mix(key, world.emptied << 1 | world.lost);
	for (int i = 0; i < THREADS; i++) {
		key = mix(mix(key, threads[i].history), threads[i].generation << 1 | threads[i].done);
		key = mix(key, (uintptr_t)threads[i].made);
	}
	return key | 1;
}

/* True if the state was met before; now it has been. */
static bool met_before(uint64_t key)
{
	uint64_t i = key >> 8;

	while (search.keys[i % KEYS_MAX] != 0 && search.keys[i % KEYS_MAX] != key)
		i++;
	if (search.keys[i % KEYS_MAX] == key)
		return true;
	search.keys[i % KEYS_MAX] = key;
	assert_true(++search.n_keys < KEYS_MAX / 2);
	return false;
}

static unsigned char runnable_threads(void)
{
	unsigned set = 0;

	for (int i = 0; i < THREADS; i++)
		if (!threads[i].done)
			set |= 1u << i;
	return (unsigned char)set;
}

static unsigned char lowest_from(unsigned set, unsigned first)
{
	unsigned i = first;

	while (i < THREADS && !(set >> i & 1))
		i++;
	return (unsigned char)i;
}

static void start_thread(struct thread *t, void (*script)(void))
{
	t->script = script;
	t->done = script == NULL;
	t->position = t->history = t->generation = 0;
	t->made = NULL;
	assert_int_equal(getcontext(&t->context), 0);
	t->context.uc_stack.ss_sp = t->stack;
	t->context.uc_stack.ss_size = sizeof(t->stack);
	t->context.uc_link = NULL;
	makecontext(&t->context, thread_main, 0);
}

/* One stack, alive, and the threads before their first step. */
static void start(void (*const scripts[THREADS])(void))
{
	running = NULL;
	assert_non_null(chunk_get(0));
	atomic_store_explicit(&chunks[0]->slots[0].state, 0, memory_order_relaxed);
	atomic_store_explicit(&chunks[0]->uses[0], 0, memory_order_relaxed);
	memset(&world, 0, sizeof(world));
	world.first = make();
	for (int i = 0; i < THREADS; i++)
		start_thread(&threads[i], scripts[i]);
}

/* When all threads have ended. */
static void check_the_end(void)
{
	uint64_t word = atomic_load_explicit(&chunks[0]->slots[0].state, memory_order_relaxed);
	uint64_t generation = GENERATION(word);

	demand(atomic_load_explicit(&chunks[0]->uses[0], memory_order_relaxed) == 0,
	       "a user stays counted for ever");
	if (world.lost)
		return;
	demand(PHASE(word) == ALIVE || PHASE(word) == FREE, "a deleted stack was never emptied");
	for (uint64_t i = 1; i <= generation; i++)
		demand(is_emptied(i) == (i < generation || PHASE(word) == FREE),
		       "the wrong stack was emptied");
}

/* Follows the choices made, then takes the first ones, until a state that is known or the end. */
static void execute(void (*const scripts[THREADS])(void))
{
	size_t n = 0;

	start(scripts);
	for (; runnable_threads() != 0 && world.broken == NULL; n++) {
		assert_true(n < STEPS_MAX);
		if (n == search.length) {
			if (met_before(state_key()))
				return;
			search.runnable[n] = runnable_threads();
			search.chosen[n] = lowest_from(search.runnable[n], 0);
			search.length++;
		}
		running = &threads[search.chosen[n]];
		assert_int_equal(swapcontext(&scheduler, &running->context), 0);
		running = NULL;
	}
	if (world.broken == NULL)
		check_the_end();
}

/* The next choice that has not been tried; false: there is none. */
static bool choose_another(void)
{
	while (search.length > 0) {
		size_t last = search.length - 1;
		unsigned char next = lowest_from(search.runnable[last], search.chosen[last] + 1u);
		search.chosen[last] = next;
		if (next < THREADS)
			return true;
		search.length--;
	}
	return false;
}

static void show_broken(void)
{
	fprintf(stderr, "%s, when the threads run in this order:", world.broken);
	for (size_t i = 0; i < search.length; i++)
		fprintf(stderr, " %d", search.chosen[i]);
	fputc('\n', stderr);
}

static uint64_t explore(void (*a)(void), void (*b)(void), void (*c)(void))
{
	void (*const scripts[THREADS])(void) = { a, b, c };

	memset(search.keys, 0, KEYS_MAX * sizeof(*search.keys));
	search.length = 0;
	search.n_keys = 0;
	do {
		execute(scripts);
		if (world.broken != NULL)
			show_broken();
		assert_null(world.broken);
	} while (choose_another());
	return search.n_keys;
}

/* ------------------------------------------------------------------ cases */

static void (*const ordinary[])(void) = { uses_first,     uses_first_twice,  deletes_first,
					  makes_and_uses, makes_and_deletes, deletes_makes_and_deletes };
#define N_ORDINARY (sizeof(ordinary) / sizeof(ordinary[0]))

static int setup(void **state)
{
	(void)state;
	search.keys = malloc(KEYS_MAX * sizeof(*search.keys));
	return search.keys != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(search.keys);
	return 0;
}

static void a_slot_is_never_emptied_while_it_is_used(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ORDINARY; i++)
		for (size_t j = i; j < N_ORDINARY; j++)
			(void)explore(ordinary[i], ordinary[j], NULL);
}

static void three_threads_never_empty_a_slot_while_it_is_used(void **state)
{
	static void (*const brief[])(void) = { uses_first, deletes_first, makes_and_deletes };
	uint64_t n = 0;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		for (size_t j = i; j < 3; j++)
			for (size_t k = j; k < 3; k++)
				n += explore(brief[i], brief[j], brief[k]);
	print_message("%llu states\n", (unsigned long long)n);
	assert_true(n > 10000); /* otherwise the threads do not stop at the steps */
}

/*
 * A past fault: the last user to leave mistook a newer stack in the slot for its own, or a newer use of the
 * same stack.
 */
static void a_late_user_does_not_empty_a_newer_stack_in_the_slot(void **state)
{
	(void)state;
	(void)explore(uses_first, deletes_makes_and_deletes, NULL);
}

static void a_late_user_does_not_miss_a_newer_user_of_the_slot(void **state)
{
	(void)state;
	(void)explore(uses_first, uses_first, deletes_first);
}

static void a_child_forked_at_any_step_works(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ORDINARY; i++) {
		(void)explore(forks, ordinary[i], NULL);
		(void)explore(forks_without_looking, ordinary[i], NULL);
		(void)explore(forks_in_a_call, ordinary[i], NULL);
	}
	(void)explore(forks, uses_first, deletes_first);
	(void)explore(forks_without_looking, uses_first, deletes_first);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_slot_is_never_emptied_while_it_is_used, setup, teardown),
		cmocka_unit_test_setup_teardown(three_threads_never_empty_a_slot_while_it_is_used, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_late_user_does_not_empty_a_newer_stack_in_the_slot, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_late_user_does_not_miss_a_newer_user_of_the_slot, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_child_forked_at_any_step_works, setup, teardown),
	};

	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
