/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PRELOAD_FOLLOW_H
#define VS_PRELOAD_FOLLOW_H

/* A file resolv.conf(5) that follows the name servers of a stack. */

#include <stdbool.h>

struct vdestack;

#define VS_FOLLOW_TEXT 16384 /* bytes of a resolv.conf */

struct vs_follow {
	struct vdestack *stack;
	int events;                /* readable: call vs_follow_event(); -1: not followed */
	int resolv;                /* the file; -1: none yet */
	char text[VS_FOLLOW_TEXT]; /* what the file has */
};

/* Takes what resolv.conf is now, without a file. 0, or -errno and vdestack_last_error(). */
int vs_follow_start(struct vs_follow *f, struct vdestack *stack);

/* Writes the file again if it has changed. */
void vs_follow_update(struct vs_follow *f);

/* False: the stack has ended, there are no more events. */
bool vs_follow_event(struct vs_follow *f);

#endif
