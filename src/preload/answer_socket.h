/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PRELOAD_ANSWER_SOCKET_H
#define VS_PRELOAD_ANSWER_SOCKET_H

/* What all answers of the supervisor need: what it knows of its stacks, and sockets of them. */

#include <stddef.h>
#include <stdint.h>

#include "notify.h"

struct vdestack;
struct vs_run;

#define VS_NETNS_TEXT 32 /* "net:[NUMBER]" */

struct vs_answer {
	const struct vs_run *run;
	struct vdestack **stacks; /* run->n_stacks */
	int *doors;               /* of each stack; -1: not needed yet */
	int file;                 /* of VS_ASK_RUN */
	uint64_t *cookies;        /* of the stacks' networks and, behind them, of the host's; see settle.h */
	char host[VS_NETNS_TEXT]; /* the host's network namespace as /proc shows it; "": not known */
	int64_t silent_until_ms; /* the keeper has not answered; 0: it has */
	struct vs_notify notify;
};

/*
 * A socket of a stack, close-on-exec, or -errno. A keeper that does not answer, because it is stopped,
 * delays one call by five seconds. Those that wait behind it fail at once.
 */
int vs_answer_socket_make(struct vs_answer *a, size_t stack, int family, int type, int protocol);

#endif
