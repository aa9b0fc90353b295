/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_PROCESS_H
#define VS_CORE_PROCESS_H

/*
 * What belongs to one process and not to its forked children: locks, counts of calls under way, reply
 * channels.
 *
 * It is in memory that the kernel zeroes in a child (MADV_WIPEONFORK). So a fork in the middle of other
 * threads' calls leaves nothing half done in the child: no lock is held, no call is under way, no channel
 * is shared with the parent. The child closes its copies of the parent's channels when it is forked
 * (fork.c). Nothing else is done then, and the program needs no handler.
 *
 * Locks here are taken only with every signal blocked. So a signal handler never finds its own thread
 * holding one, and may wait for it like other code.
 */

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire/fdmsg.h"

#define VS_CHANNELS 8

/* The kind of socket that was requested, and the stack. */
struct vs_kind {
	uint64_t stack; /* its id */
	int domain, type, protocol;
};

struct vs_channel {
	pthread_mutex_t lock; /* held for the length of a call; guards the rest */
	bool open;
	bool coming;          /* it belongs to a creation, which may register it; then only that uses it */
	uint64_t number;      /* the number by which it is registered; a secret of this process */
	uint64_t keeper;      /* the keeper that it is registered with, by its id */
	uint64_t seq;         /* of the last request */
	uint64_t valid_seq;   /* replies to older requests are dropped */
	struct vs_sock sock;  /* this process's end */
	/* Sockets sent ahead of their calls, see quick_call.c: */
	struct vs_kind kind;  /* of the last call, and of every socket that is on its way */
	unsigned ahead;       /* replies still to come that no call waits for */
	unsigned changes;     /* of the stack before they were asked for, see wire/changes.h */
	unsigned streak;      /* calls of this kind in quick succession */
	int64_t alive_us;     /* when the keeper was last seen alive */
	int64_t last_us;      /* when the last call was */
};

struct vs_held_table;

struct vs_process {
	pthread_mutex_t lock;    /* guards the list of keepers and their starting */
	pthread_mutex_t regain;  /* held while a lost door is replaced; taken last */
	pthread_mutex_t names;   /* guards the names of stacks */
	atomic_uint creating;    /* creations that use a keeper which no slot shows yet */
	atomic_uint_fast64_t token; /* differs from that of each ancestor; 0: not drawn yet */
	_Atomic(struct vs_held_table *) held; /* see held.c */
	_Atomic(pid_t) maker;                 /* the process that fills it */
	/* Whether orphans of this process are reaped, see adopter.c: */
	atomic_int adopter;
	_Atomic(pid_t) orphan;            /* that is watched; 0: none */
	atomic_int_fast64_t zombie_since; /* vs_now_ms() when it was first seen as a zombie; 0: not yet */
	struct vs_channel channels[VS_CHANNELS];
};

/* The record of this process. NULL with errno: there is no memory. Async-signal-safe. */
struct vs_process *vs_process(void);

/* Memory of `size` bytes that a forked child finds zeroed. NULL with errno. Async-signal-safe. */
void *vs_wiped_memory(size_t size);

/* A random number, never 0, 1 or 2. Async-signal-safe. */
uint64_t vs_random(void);

/* A random number that identifies this process among its relatives, drawn once. */
uint64_t vs_process_token(struct vs_process *p);

/* Blocks every signal of this thread. *saved is for vs_signals_restore(). Both keep errno. */
void vs_signals_block(sigset_t *saved);
void vs_signals_restore(const sigset_t *saved);

#endif
