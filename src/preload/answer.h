/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PRELOAD_ANSWER_H
#define VS_PRELOAD_ANSWER_H

/* What the supervisor answers to one notification. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "notify.h"

struct vdestack;
struct vs_run;

struct vs_answer {
	const struct vs_run *run;
	struct vdestack **stacks; /* run->n_stacks */
	int *doors;               /* of each stack; -1: not needed yet */
	int file;                 /* of VS_ASK_RUN */
	uint64_t *cookies;        /* of the stacks' networks and, behind them, of the host's; see settle.h */
	/* The host's network namespace as /proc shows it. known: /proc shows the callers. */
	struct {
		bool known;
		dev_t device;
		ino_t inode;
	} host;
	int64_t silent_until_ms; /* the keeper has not answered; 0: it has */
	struct vs_notify notify;
};

/* The file of VS_ASK_RUN, close-on-exec, or -errno. */
int vs_answer_make_file(const struct vs_run *run);

/* Finds out which network namespace is the host's: that of this process. */
void vs_answer_start(struct vs_answer *a);

/*
 * A socket of a stack, close-on-exec, or -errno. A keeper that does not answer, because it is stopped,
 * delays one call by five seconds. Those that wait behind it fail at once.
 */
int vs_answer_make(struct vs_answer *a, size_t stack, int family, int type, int protocol);

/* Answers notify.request. It never waits for a network or for the caller. */
void vs_answer(struct vs_answer *a);

#endif
