/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_PROCESS_H
#define VS_CORE_PROCESS_H

/*
 * What belongs to one process and not to its forked children: locks, counts of calls under
 * way, reply channels.
 *
 * It lives in memory that the kernel gives to a child zeroed (MADV_WIPEONFORK). So a fork in
 * the middle of other threads' calls leaves nothing half done in the child: no lock is held,
 * no call is under way, no channel is shared with the parent. The child closes its copies of the
 * parent's channels when it is forked (fork.c); nothing else is done then, and none of the program's handlers
 * has to be.
 *
 * Locks here are taken only with every signal blocked, so a signal handler never finds its own
 * thread holding one, and may wait for it like anybody else.
 */

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/fdmsg.h"

#define VS_CHANNELS 8

/* What kind of socket was asked for, and in which stack. */
struct vs_kind {
	uint64_t door; /* cookie of the stack's door */
	int domain, type, protocol;
};

struct vs_channel {
	pthread_mutex_t lock; /* held for the length of a call; guards the rest */
	bool open;
	uint64_t number;      /* it is registered by; a secret of this process */
	uint64_t keeper;      /* which keeper it is registered with (cookie of its front door) */
	uint64_t seq;         /* of the last request */
	uint64_t valid_seq;   /* replies to older requests are dropped */
	struct vs_sock sock;  /* this process's end */
	/* Sockets sent ahead of their calls, see quick_call.c: */
	struct vs_kind kind;  /* of the last call, and of every socket that is on its way */
	unsigned ahead;       /* replies still to come that no call waits for */
	unsigned streak;      /* calls of this kind in quick succession */
	int64_t alive_us;     /* when the keeper was last seen to live */
	int64_t last_us;      /* when the last one was */
};

struct vs_process {
	pthread_mutex_t lock;    /* guards the list of keepers and their starting */
	pthread_mutex_t names;   /* guards the names of stacks */
	atomic_uint creating;    /* stacks being made, which hold keepers without showing it */
	atomic_uint_fast64_t token; /* tells this process from its ancestors; 0: not drawn yet */
	struct vs_channel channels[VS_CHANNELS];
};

/* This process's; NULL with errno when there is no memory for it. Async-signal-safe. */
struct vs_process *vs_process(void);

/* Memory of `size` bytes that a forked child finds zeroed. NULL with errno. Async-signal-safe. */
void *vs_wiped_memory(size_t size);

/* A random number, never 0, 1 or 2. Async-signal-safe. */
uint64_t vs_random(void);

/* The number of this process among its relatives, drawn once. */
uint64_t vs_process_token(struct vs_process *p);

/* Blocks every signal of this thread; give *saved to vs_signals_restore(). Keeps errno. */
void vs_signals_block(sigset_t *saved);
void vs_signals_restore(const sigset_t *saved);

#endif
