/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RP_LOOP_H
#define RP_LOOP_H

/* The event loop: descriptors by epoll(7), and timers. One thread. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "list.h"

#define RP_NEVER INT64_MAX
#define RP_BATCH 64

struct rp_watch {
	int fd;
	uint32_t events; /* what is waited for; EPOLLERR and EPOLLHUP always are */
	bool watched;
	void (*ready)(struct rp_watch *w, uint32_t events);
};

struct rp_timer {
	int64_t due_ms; /* RP_NEVER: it does not run */
	void (*fire)(struct rp_timer *t);
	struct rp_link link;
};

struct rp_loop {
	int epoll;
	bool stop, failed;
	int64_t now_ms; /* of the monotonic clock, when the loop woke up */
	struct rp_link timers;
	struct epoll_event batch[RP_BATCH];
	int n, at; /* how many events are in the batch, and which is next */
	/* Of tests, else 0: by how much both clocks are ahead, and by how much more the wall clock is. */
	int64_t skipped_ms, wall_ahead_s;
};

/* By how many seconds the wall clock of the loop is ahead, and what it shows. */
int64_t rp_loop_ahead_s(const struct rp_loop *l);
int64_t rp_loop_wall_s(const struct rp_loop *l);

/* 0 or -errno. */
int rp_loop_init(struct rp_loop *l);
void rp_loop_fini(struct rp_loop *l);

/*
 * Waits for other events. 0 or -errno. Without events: a watch that is in the loop stays for errors, one that
 * is not is not added.
 */
int rp_loop_watch(struct rp_loop *l, struct rp_watch *w, uint32_t events);

/* Before the descriptor is closed. Events that came already are not delivered. */
void rp_loop_forget(struct rp_loop *l, struct rp_watch *w);

/* A timer of the loop, for ever. */
void rp_loop_timer(struct rp_loop *l, struct rp_timer *t, void (*fire)(struct rp_timer *t));

/* Reports why the program cannot go on, once. The loop stops with a failure. */
void rp_loop_fail(struct rp_loop *l, const char *why);

/* Runs until l->stop. 0, or -errno; -ECANCELED: rp_loop_fail() has stopped it. */
int rp_loop_run(struct rp_loop *l);

#endif
