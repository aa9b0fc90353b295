/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_LOOP_H
#define PX_LOOP_H

/*
 * The loop of the process. Each turn waits for descriptors without the lock of lwIP, then works with it:
 * all functions of this folder run with the lock, unless they say otherwise. lwIP calls them from its own
 * thread, too (timers, the loopback interface), also with the lock.
 */

#include <stdbool.h>
#include <stdint.h>

struct px_watch {
	int fd;
	void (*ready)(struct px_watch *watch, uint32_t events); /* EPOLLIN... */
};

/* What is done at the end of a turn. */
struct px_later {
	void (*run)(struct px_later *later);
	struct px_later *next;
	bool waits; /* it stands in the list */
};

int px_loop_start(void);
/* Adds, changes, removes. `events` may have EPOLLET. */
int px_loop_add(struct px_watch *watch, uint32_t events);
int px_loop_change(struct px_watch *watch, uint32_t events);
void px_loop_remove(struct px_watch *watch);
/* There is more to do for it: run() is called in the next turn, too. */
void px_later_again(struct px_later *later, void (*run)(struct px_later *later));

/* run() is called once at the end of this turn, in the loop's thread. From any thread that has the lock. */
void px_later(struct px_later *later, void (*run)(struct px_later *later));
void px_later_cancel(struct px_later *later);

/* The loop ends after this turn. */
void px_loop_stop(void);
/* Turns until px_loop_stop(); without the lock. */
void px_loop_run(void);

#endif
