/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_SHARED_H
#define VS_PUMP_SHARED_H

/*
 * The threads that the pumps of a keeper share, see shared.c. Any thread may call these, except for those of
 * the last part.
 */

#include <stdbool.h>

struct vs_shared;
struct vs_turns;
struct vs_mover;

/*
 * Without threads. keeps_capabilities: they are threads of the program itself, which must all have the same
 * credentials. NULL: out of memory.
 */
struct vs_shared *vs_shared_new(bool keeps_capabilities);
/* The owner's use ends. Threads that still end have uses of their own. NULL is allowed. */
void vs_shared_unref(struct vs_shared *s);

/*
 * Gives a mover to a thread, which is started if need be. The mover calls `done` when it has ended, on
 * a thread on which that may take long. 0 or -errno; then the mover is the caller's.
 */
int vs_shared_add(struct vs_shared *s, struct vs_mover *w);

/* Closes a device, not now: the kernel needs time to delete it. s: NULL: now. */
void vs_shared_close(struct vs_shared *s, int fd);

/* How many threads are shared now. */
unsigned vs_shared_threads(struct vs_shared *s);

/* ---- of its threads ---- */

/* Takes what has been added to this thread. A list by `next`. */
struct vs_mover *vs_shared_take(struct vs_turns *t);
/* A mover has ended, and is on no thread any more. */
void vs_shared_end(struct vs_turns *t, struct vs_mover *w);
/* A shared thread: the mover is busy, and gets a thread of its own. It stays if none can be started. */
void vs_shared_part(struct vs_turns *t, struct vs_mover *w);
/* A shared thread cannot have the mover, which is on none: it gets a thread of its own. 0 or -errno. */
int vs_shared_divert(struct vs_turns *t, struct vs_mover *w);
/* Such a thread: the mover has nothing to do any more, and goes back. It stays if that fails. */
void vs_shared_take_back(struct vs_turns *t, struct vs_mover *w);
/* The thread has no mover. True: it gets none any more, and must end. */
bool vs_shared_leave(struct vs_turns *t);

#endif
