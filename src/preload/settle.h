/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PRELOAD_SETTLE_H
#define VS_PRELOAD_SETTLE_H

/* Rules that look at addresses, in the supervisor: bind(2), connect(2), sendto(2), sendmsg(2), sendmmsg(2).
 */

#include <stdint.h>
#include <sys/types.h>

#include "filter.h"

struct vs_answer;

/* Finds out which network each stack and the host has. 0 or -errno. */
int vs_settle_start(struct vs_answer *a);

/* The name of a thread; "" if it is not known. */
void vs_settle_thread_name(pid_t thread, char name[17]);

/*
 * Before the call goes on: moves the caller's socket to where the rules want it. 0: the call may go on;
 * otherwise -errno, with which it must fail. -ENOENT also if the caller does not wait any more.
 */
int vs_settle(struct vs_answer *a, enum vs_call call);

/*
 * Whether the supervisor can read memory and descriptors of the process that has started it, and so of the
 * programs. `number` is one of its descriptors. 0 or -errno.
 */
int vs_settle_check(pid_t starter, int number);

#endif
