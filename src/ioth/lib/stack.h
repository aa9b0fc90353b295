/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTH_STACK_H
#define VS_IOTH_STACK_H

/*
 * A stack as libioth knows it: a table of functions, what the plugin gave for it, and its state.
 *
 * States:  FREE -> MAKING -> LIVE -> CLOSING -> FREE
 *             ^------'         ^--------'  (EBUSY)
 *
 * Always holds:
 *  - The memory of a stack is never given back, only used again for another one. So a thread that comes
 *    late may read the state, and sees that the stack is not LIVE.
 *  - The thread that has made a transition away from FREE or LIVE owns the stack until the next transition.
 *    All other members are written in MAKING only, and are read by others only in LIVE.
 *  - A stack leaves CLOSING for FREE when no descriptor is in it and no thread is inside one of its calls.
 */

#include <ioth.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum vs_ioth_state { VS_IOTH_FREE, VS_IOTH_MAKING, VS_IOTH_LIVE, VS_IOTH_CLOSING };

struct ioth {
	_Atomic int state;            /* enum vs_ioth_state */
	_Atomic uint64_t serial;      /* of this use of the memory */
	bool plain;                   /* the calls on a descriptor are libc's own, see calls.c */
	struct ioth_functions f;      /* completed: no socket call is NULL */
	void *data;                   /* of the plugin */
	void *handle;                 /* of dlopen(3), NULL: none */
	int *(*errno_location)(void); /* of the plugin's own libc; NULL: it uses the program's */
	struct ioth *next;            /* in the list of all; written once, before it is in the list */
};

/* The network of the process, which is always LIVE. */
extern struct ioth vs_ioth_host;

/* The default stack, or NULL. */
struct ioth *vs_ioth_default(void);

#endif
