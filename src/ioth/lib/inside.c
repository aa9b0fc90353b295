/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Calls run without a lock, and yet a stack, its plugin's data and code must not go away below a call that
 * runs in another thread. So each thread says which stack it is inside of, and who deletes a stack looks at
 * all threads.
 *
 *     a call                                   deletion
 *     1  stack = table[fd]                     A  state = CLOSING; no descriptor is in the table
 *     2  my slot = stack                       B  fence
 *     3  fence                                 C  read the slots of all threads, wait for those that have it
 *     4  table[fd] is still stack?             D  free
 *     5  the function of the stack
 *     6  my slot = NULL
 *
 * Either step C sees what 2 has written, or step 4 sees what A has written: that needs a full fence on both
 * sides. One in each call would cost as much as a tenth of a short system call. So the deletion has the
 * kernel make it in all threads (membarrier(2)), and step 3 only keeps the compiler from exchanging 2 and 4.
 * Where membarrier(2) is not to be had, each call has the fence.
 *
 * A stack whose calls are libc's own is not entered for them: see calls.c.
 *
 * Owners: a record belongs to one thread at a time, from its first call to its end. Records are never freed,
 * only used again. The list of them only grows. A call inside a call (a plugin that uses another stack, a
 * signal handler) has the next slot. A call that is left by longjmp(3) keeps its slot until the end of the
 * thread. A key of pthread_key_create(3) tells the end of a thread. A call that a destructor of another key
 * makes later takes a record again, and gives it back in the next round of destructors.
 *
 * The first call of a thread may be in a signal handler, also while the same thread makes its first call. It
 * allocates by mmap(2) only. The key is made when the library is loaded: the value of one of the first 32
 * keys of a process has its place in the thread. A later key takes memory by malloc(3), once in each thread.
 *
 * After fork(2) the other threads are gone, and were perhaps inside calls. A page that the kernel wipes at
 * fork (MADV_WIPEONFORK) tells that, without a handler of ours at each fork: the first call in the child, in
 * whichever thread, clears the slots of all others, and every other thread waits for that. No call can have
 * begun in the child before. Records stay with their threads, as the thread that has forked lives on. Those
 * of threads that are gone stay unused.
 */

#include "inside.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { RECORDS_AT_ONCE = 64, CLEANING = 2 };

__thread struct vs_inside *vs_inside_me;
bool vs_inside_kernel_fence;

static _Atomic unsigned no_page = 1; /* where the kernel cannot wipe pages, a fork is not noticed */
_Atomic unsigned *vs_inside_same_process = &no_page;
static _Atomic(struct vs_inside *) records;

static pthread_key_t key; /* of each thread: its record */
static bool has_key;

static void release(void *arg);

__attribute__((constructor)) static void prepare_process(void)
{
	long page = sysconf(_SC_PAGESIZE);
	void *wiped = mmap(NULL, (size_t)page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (wiped != MAP_FAILED && madvise(wiped, (size_t)page, MADV_WIPEONFORK) == 0) {
		atomic_store((_Atomic unsigned *)wiped, 1);
		vs_inside_same_process = wiped;
	} else if (wiped != MAP_FAILED) {
		(void)munmap(wiped, (size_t)page);
	}
	vs_inside_kernel_fence =
		syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
	has_key = pthread_key_create(&key, release) == 0;
}

static void clear(struct vs_inside *record)
{
	for (size_t i = 0; i < VS_INSIDE_DEPTH; i++)
		atomic_store(&record->slot[i], NULL);
	atomic_store(&record->depth, 0);
}

/* ------------------------------------------------------------------ after fork */

static void after_fork(void)
{
	unsigned none = 0;

	if (!atomic_compare_exchange_strong(vs_inside_same_process, &none, CLEANING)) {
		while (atomic_load(vs_inside_same_process) !=
		       1) /* another thread of the child does it, in no time */
			(void)sched_yield();
		return;
	}
	for (struct vs_inside *r = atomic_load(&records); r != NULL; r = r->next) {
		if (r == vs_inside_me)
			continue; /* fork() inside a call, by a handler */
		clear(r);
	}
	atomic_store(vs_inside_same_process, 1);
}

/* ------------------------------------------------------------------ records */

static void release(void *arg)
{
	struct vs_inside *me = arg;

	vs_inside_me = NULL;
	clear(me);
	atomic_store(&me->used, 0);
}

static struct vs_inside *take_unused(void)
{
	for (struct vs_inside *r = atomic_load(&records); r != NULL; r = r->next) {
		unsigned unused = 0;
		if (atomic_compare_exchange_strong(&r->used, &unused, 1))
			return r;
	}
	return NULL;
}

/* By mmap(2), as malloc(3) is not for signal handlers. The first one is the caller's. */
static struct vs_inside *make_records(void)
{
	struct vs_inside *made = mmap(NULL, RECORDS_AT_ONCE * sizeof(*made), PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (made == MAP_FAILED)
		return NULL;
	atomic_store(&made[0].used, 1);
	for (size_t i = 0; i < RECORDS_AT_ONCE; i++) {
		struct vs_inside *first = atomic_load(&records);
		do {
			made[i].next = first;
		} while (!atomic_compare_exchange_weak(&records, &first, &made[i]));
	}
	return &made[0];
}

/*
 * Makes the record this thread's. False: it has one. One instruction for a signal handler, as far as it can
 * see: it comes before, and its record stays, or after, and uses this one.
 */
static bool claim(struct vs_inside *me)
{
	struct vs_inside *none = NULL;

	return __atomic_compare_exchange_n(&vs_inside_me, &none, me, false, __ATOMIC_RELAXED,
					   __ATOMIC_RELAXED);
}

struct vs_inside *vs_inside_prepare(void)
{
	if (atomic_load(vs_inside_same_process) != 1)
		after_fork();
	if (vs_inside_me != NULL)
		return vs_inside_me;
	struct vs_inside *me = take_unused();
	if (me == NULL)
		me = make_records();
	if (me == NULL || !has_key || pthread_setspecific(key, me) != 0) {
		if (me != NULL)
			atomic_store(&me->used, 0);
		errno = ENOMEM;
		return NULL;
	}
	if (!claim(me)) { /* a signal handler of this thread came first: the key gets its record back */
		(void)pthread_setspecific(key, vs_inside_me);
		atomic_store(&me->used, 0);
	}
	return vs_inside_me;
}

struct ioth *vs_inside_current(void)
{
	const struct vs_inside *me = vs_inside_me;

	if (me == NULL)
		return NULL;
	unsigned depth = atomic_load_explicit(&me->depth, memory_order_relaxed);
	return depth > 0 ? atomic_load_explicit(&me->slot[depth - 1], memory_order_relaxed) : NULL;
}

/* ------------------------------------------------------------------ by the stack; waiting */

bool vs_enter_stack(struct vs_call *call, struct ioth *stack)
{
	bool by_default = stack == NULL;

	if (!vs_inside_begin(call))
		return false;
	for (;;) {
		struct ioth *wanted = by_default ? vs_ioth_default() : stack;
		call->stack = wanted != NULL ? wanted : &vs_ioth_host;
		vs_inside_publish(call->me, call->depth, call->stack);
		if (!by_default || vs_ioth_default() == wanted)
			break;
	}
	if (atomic_load_explicit(&call->stack->state, memory_order_acquire) == VS_IOTH_LIVE)
		return true;
	vs_leave(call);
	errno = EINVAL;
	return false;
}

static bool is_inside(const struct ioth *stack)
{
	for (struct vs_inside *r = atomic_load(&records); r != NULL; r = r->next)
		for (size_t i = 0; i < VS_INSIDE_DEPTH; i++)
			if (atomic_load(&r->slot[i]) == stack)
				return true;
	return false;
}

bool vs_inside_wait_none(const struct ioth *stack, int timeout_ms)
{
	const struct timespec moment = { .tv_nsec = 1000000 };
	int64_t end_ms = vs_deadline_ms(timeout_ms);

	atomic_thread_fence(memory_order_seq_cst);
	if (vs_inside_kernel_fence)
		(void)syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
	/* The clock first: a thread that did not run for long looks once more. */
	for (bool over = false; is_inside(stack); over = vs_left_ms(end_ms) == 0) {
		if (over)
			return false;
		(void)nanosleep(&moment, NULL);
	}
	return true;
}
