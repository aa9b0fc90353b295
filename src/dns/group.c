/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Many lookups with one descriptor.
 *
 *     the program's poll ──▶ epoll ──┬── sockets of the lane that new lookups join
 *                                    ├── sockets of older lanes, until their lookups have ended
 *                                    └── timerfd
 *
 * Lookups that each have an epoll, a timer, a channel and a socket of their own cost ten times what c-ares
 * costs for the same questions. So the lookups of a group share all of these. The lookups of several groups
 * share nothing. A group is used by one thread at a time, so it has no lock.
 *
 * Rejected: one set behind the descriptors of all lookups. Each reply would wake every descriptor, and a
 * program that waits for one lookup would spin while another one has a result. A thread of the library: it
 * does not live on in a forked child. A lookup that a program starts without a group has a group of its own.
 *
 * Limits against forged replies: a lane gets lookups until it has asked some questions. The next lookup gets
 * another lane, with another source port.
 *
 * The timer has passed while there are lookups whose end was not reported, so the descriptor is readable. It
 * may be early, which costs one wake-up: to set it for each question would be a system call for each.
 *
 * Lookups end at their time limits in the order in which they have started: all of a resolver have the same
 * limit.
 *
 * A forked child has copies of the descriptors, but the epoll and the timer behind them are the parent's. So
 * the child closes its copies and changes nothing in them.
 */

#include "group.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "lane.h"
#include "lookup.h"
#include "no_cancel.h"
#include "resolver.h"
#include <vdestack/dns.h>

#define EVENTS 16

TAILQ_HEAD(lookups, vdestack_dns_lookup);

#define NEVER INT64_MAX
#define AT_ONCE 0

struct vdestack_dns_group {
	struct vdestack_dns *dns;
	uint64_t process; /* that has made it */
	int epoll_fd, timer_fd;
	int64_t armed_ms; /* when the timer passes, CLOCK_MONOTONIC; AT_ONCE: it has passed; NEVER */
	struct lookups pending; /* in the order of their starts */
	struct lookups ended;   /* done, not returned yet */
	struct lookups returned; /* done and returned, not finished yet */
	/* The last one is joined by new lookups. */
	struct vs_lane **lanes;
	size_t n_lanes, max_lanes;
	uint64_t network; /* of the last lane */
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ------------------------------------------------------------------ making and ending */

static int open_descriptors(struct vdestack_dns_group *g)
{
	struct epoll_event event = { .events = EPOLLIN };

	g->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (g->epoll_fd < 0)
		return -errno;
	g->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (g->timer_fd < 0 || epoll_ctl(g->epoll_fd, EPOLL_CTL_ADD, g->timer_fd, &event) < 0)
		return -errno;
	return 0;
}

static void free_group(struct vdestack_dns_group *g)
{
	if (g->timer_fd >= 0)
		close(g->timer_fd);
	if (g->epoll_fd >= 0)
		close(g->epoll_fd);
	free(g->lanes);
	free(g);
}

struct vdestack_dns_group *vs_group_new(struct vdestack_dns *dns)
{
	struct vdestack_dns_group *g = calloc(1, sizeof(*g));
	int err = g == NULL ? -ENOMEM : 0;

	if (g != NULL) {
		g->dns = dns;
		g->epoll_fd = g->timer_fd = -1;
		g->armed_ms = NEVER;
		TAILQ_INIT(&g->pending);
		TAILQ_INIT(&g->ended);
		TAILQ_INIT(&g->returned);
		g->process = vs_resolver_process(dns);
		err = open_descriptors(g);
		if (err == 0 && !vs_resolver_hold(dns))
			err = -ENOMEM;
	}
	if (err == 0)
		return g;
	if (g != NULL)
		free_group(g);
	vs_dns_error_set("no descriptor for lookups: %s", strerrordesc_np(-err));
	errno = -err;
	return NULL;
}

bool vs_group_is_ours(struct vdestack_dns_group *g)
{
	if (vs_resolver_process(g->dns) == g->process)
		return true;
	for (size_t i = 0; i < g->n_lanes; i++)
		vs_lane_disown(g->lanes[i]);
	return false;
}

static void drop_lane(struct vdestack_dns_group *g, size_t i)
{
	struct vs_lane *lane = g->lanes[i];

	memmove(&g->lanes[i], &g->lanes[i + 1], (--g->n_lanes - i) * sizeof(struct vs_lane *));
	vs_lane_set_epoll(lane, -1);
	vs_resolver_return_lane(g->dns, lane);
}

static void drop_lookups(struct lookups *list)
{
	while (!TAILQ_EMPTY(list))
		vs_group_remove(TAILQ_FIRST(list));
}

void vs_group_delete(struct vdestack_dns_group *g)
{
	struct vdestack_dns *dns = g->dns;
	bool ours = vs_group_is_ours(g);

	drop_lookups(&g->pending);
	drop_lookups(&g->ended);
	drop_lookups(&g->returned);
	while (g->n_lanes > 0)
		drop_lane(g, g->n_lanes - 1);
	free_group(g);
	if (ours)
		vs_resolver_put(dns);
}

struct vdestack_dns *vs_group_resolver(const struct vdestack_dns_group *g)
{
	return g->dns;
}

int vs_group_fd(const struct vdestack_dns_group *g)
{
	return g->epoll_fd;
}

/* ------------------------------------------------------------------ lanes */

static bool fits(const struct vdestack_dns_group *g, const struct vdestack_dns_lookup *l)
{
	const struct vs_lane *lane = g->n_lanes > 0 ? g->lanes[g->n_lanes - 1] : NULL;

	return lane != NULL && g->network == l->epoch.network && vs_lane_uses(lane, &l->settings) &&
	       !vs_lane_worn(lane);
}

static bool make_room(struct vdestack_dns_group *g)
{
	if (g->n_lanes < g->max_lanes)
		return true;
	size_t max = g->max_lanes > 0 ? 2 * g->max_lanes : 2;
	struct vs_lane **lanes = realloc(g->lanes, max * sizeof(struct vs_lane *));
	if (lanes == NULL)
		return false;
	g->lanes = lanes;
	g->max_lanes = max;
	return true;
}

struct vs_lane *vs_group_take_lane(struct vdestack_dns_group *g, const struct vdestack_dns_lookup *l)
{
	if (fits(g, l))
		return g->lanes[g->n_lanes - 1];
	if (!make_room(g))
		return NULL;
	struct vs_lane *lane = vs_resolver_take_lane(g->dns);
	if (lane == NULL)
		return NULL;
	vs_lane_set_epoll(lane, g->epoll_fd);
	g->lanes[g->n_lanes++] = lane;
	g->network = l->epoch.network;
	return lane;
}

/* Gives lanes back whose lookups have ended. They have no descriptor any more. */
static void drop_unused_lanes(struct vdestack_dns_group *g)
{
	for (size_t i = 0; i < g->n_lanes;)
		if (vs_lane_used(g->lanes[i]))
			i++;
		else
			drop_lane(g, i);
}

/* ------------------------------------------------------------------ lookups */

static struct lookups *list_of(struct vdestack_dns_group *g, enum vs_lookup_list list)
{
	switch (list) {
	case VS_LOOKUP_PENDING:
		return &g->pending;
	case VS_LOOKUP_ENDED:
		return &g->ended;
	case VS_LOOKUP_RETURNED:
		return &g->returned;
	case VS_LOOKUP_IN_NONE:
		break;
	}
	return NULL;
}

static void move(struct vdestack_dns_lookup *l, enum vs_lookup_list list)
{
	struct lookups *from = list_of(l->group, l->list), *to = list_of(l->group, list);

	if (from != NULL)
		TAILQ_REMOVE(from, l, others);
	if (to != NULL)
		TAILQ_INSERT_TAIL(to, l, others);
	l->list = list;
}

static void move_if_done(struct vdestack_dns_lookup *l)
{
	if (!l->done || l->list != VS_LOOKUP_PENDING)
		return;
	move(l, VS_LOOKUP_ENDED);
	vs_lookup_leave(l);
}

void vs_group_add(struct vdestack_dns_group *g, struct vdestack_dns_lookup *l)
{
	l->group = g;
	l->list = VS_LOOKUP_IN_NONE;
	move(l, VS_LOOKUP_PENDING);
	if (!l->done)
		vs_lookup_ask(l);
	move_if_done(l);
}

void vs_group_remove(struct vdestack_dns_lookup *l)
{
	move(l, VS_LOOKUP_IN_NONE);
	vs_lookup_end(l);
	free(l);
}

static struct vdestack_dns_lookup *lookup_of(struct vs_asker *asker)
{
	return (struct vdestack_dns_lookup *)(void *)((char *)asker -
						      offsetof(struct vdestack_dns_lookup, asker));
}

static void work_lane(struct vs_lane *lane)
{
	struct vs_asker *asker;

	vs_lane_work(lane);
	while ((asker = vs_asker_next_ended(lane)) != NULL) {
		struct vdestack_dns_lookup *l = lookup_of(asker);
		vs_lookup_step(l);
		move_if_done(l);
	}
}

/* ------------------------------------------------------------------ working */

/* Lookups whose time limit has passed, and tries of lanes that have. */
static void work_on_time(struct vdestack_dns_group *g)
{
	struct vdestack_dns_lookup *l;

	g->armed_ms = AT_ONCE; /* the timer has passed */
	for (size_t i = 0; i < g->n_lanes; i++)
		if (vs_lane_used(g->lanes[i]))
			work_lane(g->lanes[i]);
	while ((l = TAILQ_FIRST(&g->pending)) != NULL && now_ms() >= l->deadline_ms) {
		vs_lookup_step(l);
		if (!l->done)
			break;
		move_if_done(l);
	}
}

void vs_group_work(struct vdestack_dns_group *g)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(g->epoll_fd, events, EVENTS, 0);
	bool time_passed = false;

	for (int i = 0; i < n; i++)
		if (events[i].data.ptr == NULL)
			time_passed = true;
		else if (i == 0 || events[i].data.ptr != events[i - 1].data.ptr)
			work_lane(events[i].data.ptr);
	if (time_passed)
		work_on_time(g);
}

static int64_t due_ms(const struct vdestack_dns_group *g)
{
	const struct vdestack_dns_lookup *first = TAILQ_FIRST(&g->pending);
	int64_t due = first != NULL ? first->deadline_ms : NEVER;

	if (!TAILQ_EMPTY(&g->ended))
		return AT_ONCE;
	for (size_t i = 0; i < g->n_lanes; i++) {
		if (vs_asker_any_ended(g->lanes[i])) /* while another question was asked */
			return AT_ONCE;
		int left = vs_lane_due_ms(g->lanes[i]);
		if (left >= 0 && now_ms() + left < due)
			due = now_ms() + left;
	}
	return due;
}

void vs_group_arm(struct vdestack_dns_group *g)
{
	struct itimerspec when = { 0 }; /* never */

	drop_unused_lanes(g);
	int64_t due = due_ms(g);

	/* One that passes early is left as it is. */
	if (due == g->armed_ms || (due != NEVER && g->armed_ms != AT_ONCE && g->armed_ms < due))
		return;
	if (due != NEVER)
		when.it_value = (struct timespec){ due / 1000, due % 1000 * 1000000L + 1 };
	/* It cannot fail with these values. */
	(void)timerfd_settime(g->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
	g->armed_ms = due;
}

/* ------------------------------------------------------------------ public */

struct vdestack_dns_group *vdestack_dns_group_new(struct vdestack_dns *dns)
{
	VS_DNS_NO_CANCEL;

	if (dns != NULL)
		return vs_group_new(dns);
	vs_dns_error_set("no resolver");
	errno = EINVAL;
	return NULL;
}

int vdestack_dns_group_fd(const struct vdestack_dns_group *group)
{
	if (group != NULL)
		return group->epoll_fd;
	vs_dns_error_set("no group");
	errno = EINVAL;
	return -1;
}

struct vdestack_dns_lookup *vdestack_dns_group_next(struct vdestack_dns_group *group, void **data)
{
	VS_DNS_NO_CANCEL;
	struct vdestack_dns_lookup *l;

	if (group == NULL || !vs_group_is_ours(group)) {
		vs_dns_error_set(group == NULL ? "no group" : "this group was made by another process");
		errno = group == NULL ? EINVAL : ECANCELED;
		return NULL;
	}
	if (TAILQ_EMPTY(&group->ended))
		vs_group_work(group);
	l = TAILQ_FIRST(&group->ended);
	if (l != NULL) {
		move(l, VS_LOOKUP_RETURNED);
		if (data != NULL)
			*data = l->data;
	} else {
		errno = EAGAIN;
	}
	int err = errno;
	vs_group_arm(group);
	errno = err;
	return l;
}

void vdestack_dns_group_delete(struct vdestack_dns_group *group)
{
	VS_DNS_NO_CANCEL;

	if (group != NULL)
		vs_group_delete(group);
}
