/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "loop.h"

#include <errno.h>
#include <limits.h>
#include <time.h>

#include "base/cleanup.h"
#include "daemons/common/report.h"

static void look_at_clock(struct rp_loop *l)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	l->now_ms = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + l->skipped_ms;
}

int64_t rp_loop_ahead_s(const struct rp_loop *l)
{
	return l->skipped_ms / 1000 + l->wall_ahead_s;
}

int64_t rp_loop_wall_s(const struct rp_loop *l)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec + rp_loop_ahead_s(l);
}

int rp_loop_init(struct rp_loop *l)
{
	rp_list_init(&l->timers);
	l->stop = l->failed = false;
	l->n = l->at = 0;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	look_at_clock(l);
	return l->epoll < 0 ? -errno : 0;
}

void rp_loop_fini(struct rp_loop *l)
{
	vs_close(vs_steal_fd(&l->epoll));
}

int rp_loop_watch(struct rp_loop *l, struct rp_watch *w, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = w };

	if (w->events == events && w->watched)
		return 0;
	if (!w->watched && events == 0)
		return 0;
	if (epoll_ctl(l->epoll, w->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, w->fd, &e) < 0)
		return -errno;
	w->events = events;
	w->watched = true;
	return 0;
}

void rp_loop_forget(struct rp_loop *l, struct rp_watch *w)
{
	if (!w->watched)
		return;
	(void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, w->fd, NULL);
	w->watched = false;
	w->events = 0;
	for (int i = l->at; i < l->n; i++)
		if (l->batch[i].data.ptr == w)
			l->batch[i].data.ptr = NULL;
}

void rp_loop_timer(struct rp_loop *l, struct rp_timer *t, void (*fire)(struct rp_timer *t))
{
	t->due_ms = RP_NEVER;
	t->fire = fire;
	rp_list_append(&l->timers, &t->link);
}

/* For epoll_wait(2): rounded up, so that a timer is due when the loop wakes up for it. */
static int time_left(const struct rp_loop *l)
{
	int64_t due = RP_NEVER;

	for (const struct rp_link *i = l->timers.next; i != &l->timers; i = i->next) {
		int64_t d = RP_OF(i, struct rp_timer, link)->due_ms;
		if (d < due)
			due = d;
	}
	if (due == RP_NEVER)
		return -1;
	if (due <= l->now_ms)
		return 0;
	return due - l->now_ms > INT_MAX ? INT_MAX : (int)(due - l->now_ms);
}

static void fire_timers(struct rp_loop *l)
{
	for (struct rp_link *i = l->timers.next; i != &l->timers; i = i->next) {
		struct rp_timer *t = RP_OF(i, struct rp_timer, link);
		if (t->due_ms > l->now_ms)
			continue;
		t->due_ms = RP_NEVER;
		t->fire(t);
	}
}

void rp_loop_fail(struct rp_loop *l, const char *why)
{
	if (!l->failed)
		dm_report(DM_ERROR, "%s", why);
	l->stop = l->failed = true;
}

int rp_loop_run(struct rp_loop *l)
{
	while (!l->stop) {
		look_at_clock(l);
		int n = epoll_wait(l->epoll, l->batch, RP_BATCH, time_left(l));
		if (n < 0 && errno != EINTR)
			return -errno;
		look_at_clock(l);
		l->n = n < 0 ? 0 : n;
		for (l->at = 0; l->at < l->n;) {
			struct epoll_event *e = &l->batch[l->at++];
			struct rp_watch *w = e->data.ptr;
			if (w != NULL)
				w->ready(w, e->events);
		}
		l->n = l->at = 0;
		fire_timers(l);
	}
	return l->failed ? -ECANCELED : 0;
}
