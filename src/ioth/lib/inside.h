/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTH_INSIDE_H
#define VS_IOTH_INSIDE_H

/*
 * Which thread is inside a call of which stack. See inside.c.
 */

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "stack.h"
#include "table.h"

/* The thread sanitizer does not know fences. */
#if defined(__SANITIZE_THREAD__)
#define VS_INSIDE_TSAN
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define VS_INSIDE_TSAN
#endif
#endif

#define VS_INSIDE_DEPTH 6 /* calls inside calls: of a plugin, of signal handlers */

/* One thread's. Written by that thread; read by the one that deletes a stack. A cache line. */
struct vs_inside {
	_Atomic(struct ioth *) slot[VS_INSIDE_DEPTH];
	_Atomic unsigned depth; /* slots in use; for the thread and its signal handlers only */
	_Atomic unsigned used;  /* it belongs to a thread */
	struct vs_inside *next; /* of all; written before it is in the list */
};

struct vs_call {
	struct ioth *stack;
	struct vs_inside *me;
	unsigned depth;
};

/* initial-exec: no allocation at the first use, which may be in a signal handler. */
extern __thread struct vs_inside *vs_inside_me __attribute__((tls_model("initial-exec")));

/* 1, or other in a process that has been forked and has not cleared the slots of its parent's threads. */
extern _Atomic unsigned *vs_inside_same_process;

/* The kernel makes the reader's side of the fence (membarrier(2)), so the calls need none. */
extern bool vs_inside_kernel_fence;

/* This thread's record, made if need be. NULL with errno ENOMEM. */
struct vs_inside *vs_inside_prepare(void);

static inline struct vs_inside *vs_inside_get(void)
{
	struct vs_inside *me = vs_inside_me;

	if (__builtin_expect(me == NULL ||
				     atomic_load_explicit(vs_inside_same_process, memory_order_acquire) != 1,
			     0))
		return vs_inside_prepare();
	return me;
}

static inline void vs_inside_publish(struct vs_inside *me, unsigned depth, struct ioth *stack)
{
#ifdef VS_INSIDE_TSAN
	atomic_store(&me->slot[depth], stack);
#else
	atomic_store_explicit(&me->slot[depth], stack, memory_order_relaxed);
	if (vs_inside_kernel_fence)
		atomic_signal_fence(memory_order_seq_cst);
	else
		atomic_thread_fence(memory_order_seq_cst);
#endif
}

static inline bool vs_inside_begin(struct vs_call *call)
{
	struct vs_inside *me = vs_inside_get();

	if (__builtin_expect(me == NULL, 0))
		return false;
	unsigned depth = atomic_load_explicit(&me->depth, memory_order_relaxed);
	if (__builtin_expect(depth >= VS_INSIDE_DEPTH, 0)) {
		errno = ELOOP;
		return false;
	}
	atomic_store_explicit(&me->depth, depth + 1, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst); /* a handler from here on uses the next slot */
	call->me = me;
	call->depth = depth;
	return true;
}

static inline void vs_leave(const struct vs_call *call)
{
	atomic_store_explicit(&call->me->slot[call->depth], NULL, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit(&call->me->depth, call->depth, memory_order_relaxed);
}

/*
 * Enters the stack of a descriptor. False with errno: EBADF, it is in no stack; ENOMEM, ELOOP. After true
 * the stack stays until vs_leave().
 */
static inline bool vs_enter(struct vs_call *call, int fd)
{
	_Atomic(struct ioth *) *place = vs_table_place(fd);
	struct ioth *stack = place != NULL ? atomic_load_explicit(place, memory_order_acquire) : NULL;

	if (stack == NULL) {
		errno = EBADF;
		return false;
	}
	if (!vs_inside_begin(call))
		return false;
	for (;;) {
		vs_inside_publish(call->me, call->depth, stack);
		struct ioth *again = atomic_load_explicit(place, memory_order_acquire);
		if (__builtin_expect(again == stack, 1))
			break;
		stack = again;
		if (stack == NULL) {
			vs_leave(call);
			errno = EBADF;
			return false;
		}
	}
	call->stack = stack;
	return true;
}

/* Enters a stack, NULL: the default one. False with errno: EINVAL, it has been deleted; ENOMEM, ELOOP. */
bool vs_enter_stack(struct vs_call *call, struct ioth *stack);

/*
 * After a failed call of its function: the program's errno becomes that of the plugin's libc, if it has its
 * own.
 */
static inline void vs_take_errno(const struct ioth *stack)
{
	if (stack->errno_location != NULL)
		errno = *stack->errno_location();
}

/* The other way, for what fails in place of a function of the plugin. Returns -1. */
static inline int vs_give_errno(const struct ioth *stack, int err)
{
	if (stack->errno_location != NULL)
		*stack->errno_location() = err;
	errno = err;
	return -1;
}

/* The stack whose call this thread is in, or NULL. */
struct ioth *vs_inside_current(void);

/*
 * Waits until no thread is inside a call of this stack. False: one still was after the time. The caller has
 * made sure that no call begins: none of its descriptors is in the table, or the stack is not LIVE.
 */
bool vs_inside_wait_none(const struct ioth *stack, int timeout_ms);

#endif
