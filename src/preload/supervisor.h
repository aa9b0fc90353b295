/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PRELOAD_SUPERVISOR_H
#define VS_PRELOAD_SUPERVISOR_H

/* The supervisor of a run, as the process that starts it sees it. supervisor.c tells the whole. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "follow.h"

struct vdestack;
struct vs_rules;

/* What the supervisor does besides, for the tool. Each returns 0 or -errno; `message` is for the user. */
struct vs_run_beside {
	/* Before the stacks are made. */
	int (*open)(int log, char *message, size_t size);
	/* When they are ready, with the first one. A message that is not empty is a warning. */
	int (*start)(struct vdestack *stack, char *message, size_t size);
	/* When the last program has ended, before what it has sent is waited for. Does not wait. */
	void (*end)(void);
};

/* What a run consists of. */
struct vs_run {
	const char *const *configs; /* of its stacks, for vdestack_new(), in the order of their indices */
	const char *const *names;   /* of its stacks, for messages */
	size_t n_stacks;
	const struct vs_rules *rules; /* NULL: all sockets are of stack 0 */
	/*
	 * The stack that names and interfaces are of, for what has no preloaded library. n_stacks: they are
	 * the host's.
	 */
	size_t resolver;
	bool resolvconf;  /* there will be a resolv.conf, see vs_supervisor_hand_over() */
	bool addresses;   /* rules look at addresses: bind(2), connect(2), ... are notified too */
	const char *text; /* of the rules, for VS_ASK_RUN */
	size_t text_len;
	uint64_t pass[2];                   /* see ask.h */
	unsigned flags;                     /* VS_ASK_DEBUG... */
	int log;                            /* each decision is written to this descriptor; -1: none */
	const struct vs_run_beside *beside; /* NULL: nothing */
};

/* A supervisor whose stacks are ready. */
struct vs_run_ready {
	int control; /* close-on-exec. If it is closed before the hand-over, the supervisor ends */
	int userns;  /* with run.resolvconf: that of the resolver's stack, close-on-exec; -1: not known */
	bool interfaces;             /* it can answer questions about interfaces: it may read the program */
	char message[2000];          /* empty, a warning, or the reason of a failure */
	char resolv[VS_FOLLOW_TEXT]; /* with run.resolvconf: the resolv.conf of the resolver's stack */
};

/*
 * Starts the supervisor and waits until its stacks are ready. It inherits nothing of this process but the
 * log. Call it in a process with one thread. 0, or -errno: the message has the reason, and nothing is left.
 */
int vs_supervisor_start(const struct vs_run *run, struct vs_run_ready *ready);

/*
 * Sends the listener of this process's filter, and the file resolv.conf that the supervisor keeps up to
 * date; -1: there is none. Closes all descriptors. From now on the supervisor answers, until the last process
 * with the filter has ended.
 */
int vs_supervisor_hand_over(const struct vs_run *run, const struct vs_run_ready *ready, int listener,
			    int resolv);

/* Numbers for run.pass that are never arguments of a call. 0 or -errno. */
int vs_supervisor_choose_pass(uint64_t pass[2]);

#endif
