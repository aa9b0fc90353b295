/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Connections by name. The decisions are those of a pure machine (race.h). This is its driver: it has the
 * lookups, the sockets and the timer.
 *
 *     the program's poll ──▶ epoll ──┬── lookup of IPv6 addresses
 *                                    ├── lookup of IPv4 addresses
 *                                    ├── socket of each attempt that runs
 *                                    └── timerfd
 *
 * The program gets one descriptor that stays the same, an epoll descriptor. It is readable when the next step
 * has something to do. The call that waits drives the same steps by poll().
 *
 * A descriptor is taken out of the set before it is closed: of a closed socket another process may have a
 * copy since a fork, and it would stay in the set.
 *
 * A dial belongs to the process that has started it. In a forked child it can only be released.
 */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "attempt.h"
#include "dial_state.h"
#include "edge.h"
#include "process.h"
#include <vdestack/dial.h>
#include <vdestack/dns.h>

#define SET_MAX (VS_RACE_MAX + 1 + VS_RACE_FAMILIES)

static bool is_ours(const struct vdestack_dial *d)
{
	return d->process == vs_process_number();
}

/* ------------------------------------------------------------------ the set */

static int make_set(struct vdestack_dial *d)
{
	d->epoll = epoll_create1(EPOLL_CLOEXEC);
	d->timer = d->epoll >= 0 ? timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK) : -1;
	return d->timer < 0 ? -errno : vs_dial_watch(d, d->timer, EPOLLIN, VS_DIAL_TIMER);
}

/* A time that has passed makes the set readable at once. */
static int set_timer(const struct vdestack_dial *d, int64_t due)
{
	struct itimerspec when = { 0 }; /* never */

	if (due != VS_RACE_NEVER) {
		when.it_value.tv_sec = due / 1000;
		when.it_value.tv_nsec = due % 1000 * 1000000 + 1; /* 0 would be never */
	}
	return timerfd_settime(d->timer, TFD_TIMER_ABSTIME, &when, NULL) < 0 ? -errno : 0;
}

/* ------------------------------------------------------------------ attempts */

static void close_attempt(struct vdestack_dial *d, unsigned number)
{
	int *fd = &d->fds[number];

	if (*fd < 0)
		return;
	if (is_ours(d))
		vs_dial_unwatch(d, *fd);
	(void)close(*fd);
	*fd = -1;
}

/* r: 0 or -errno. */
static void end_attempt(struct vdestack_dial *d, unsigned number, int r)
{
	if (r == 0) {
		vs_race_connected(&d->race, number);
		return;
	}
	close_attempt(d, number);
	vs_race_failed(&d->race, vs_dial_now_ms(), number, -r);
}

static void start_attempt(struct vdestack_dial *d, unsigned number)
{
	int r = vs_attempt_start(d->stack, &d->race.attempts[number].addr, d->to.type, d->to.protocol,
				 &d->fds[number]);

	if (r == VS_ATTEMPT_GOES_ON)
		r = vs_dial_watch(d, d->fds[number], EPOLLOUT, number);
	else if (r == 0)
		vs_race_connected(&d->race, number);
	if (r < 0)
		end_attempt(d, number, r);
}

/* ------------------------------------------------------------------ steps */

/* Reports what has happened to the race. Returns 0 or -errno. */
static int collect(struct vdestack_dial *d)
{
	struct epoll_event events[SET_MAX];
	int n = epoll_wait(d->epoll, events, SET_MAX, 0), r = 0;

	for (int i = 0; i < n && r == 0; i++) {
		unsigned number = events[i].data.u32;

		if (number < VS_RACE_MAX)
			end_attempt(d, number, vs_attempt_result(d->fds[number], d->to.type));
		else if (number != VS_DIAL_TIMER)
			r = vs_dial_advance_lookup(d, (enum vs_race_family)(number - VS_DIAL_LOOKUP(0)));
	}
	return r;
}

/* The connected socket leaves the dial. */
static int take(struct vdestack_dial *d, unsigned number, int *fd)
{
	int r = vs_attempt_release(d->fds[number]);

	if (r < 0)
		return vs_dns_edge(-r, "cannot connect to %.100s: %s", d->address, strerrordesc_np(-r));
	vs_dial_unwatch(d, d->fds[number]);
	*fd = d->fds[number];
	d->fds[number] = -1;
	return 1;
}

static int fail_to_wait(const struct vdestack_dial *d, int err)
{
	return vs_dns_edge(err, "cannot connect to %.100s: cannot wait for it: %s", d->address,
			   strerrordesc_np(err));
}

/* Does what the race asks for. 1: *fd is the socket. 0: it waits. -1: it has failed. */
static int advance(struct vdestack_dial *d, int *fd)
{
	for (;;) {
		struct vs_race_step step = vs_race_next(&d->race, vs_dial_now_ms());
		int r;

		switch (step.action) {
		case VS_RACE_START:
			start_attempt(d, step.number);
			break;
		case VS_RACE_WAIT:
			r = set_timer(d, step.until);
			return r < 0 ? fail_to_wait(d, -r) : 0;
		case VS_RACE_WON:
			return take(d, step.number, fd);
		case VS_RACE_LOST:
		case VS_RACE_LATE:
			return vs_dial_fail(d, step.action == VS_RACE_LATE);
		}
	}
}

/* ------------------------------------------------------------------ beginning and end */

/* NULL is allowed. In a forked child the set is the parent's. */
static void drop(struct vdestack_dial *d)
{
	int saved = errno;

	if (d == NULL)
		return;
	for (unsigned i = 0; i < VS_RACE_MAX; i++)
		close_attempt(d, i);
	for (int family = 0; family < VS_RACE_FAMILIES; family++) {
		if (d->lookups[family].lookup != NULL && is_ours(d))
			vs_dial_unwatch(d, vdestack_dns_fd(d->lookups[family].lookup));
		vdestack_dns_cancel(d->lookups[family].lookup);
	}
	if (d->timer >= 0)
		(void)close(d->timer);
	if (d->epoll >= 0)
		(void)close(d->epoll);
	free(d);
	errno = saved;
}

static int64_t deadline_of(int timeout_ms)
{
	return timeout_ms < 0 ? VS_RACE_NEVER : vs_dial_now_ms() + timeout_ms;
}

static struct vdestack_dial *make(struct vdestack *stack, const struct vs_endpoint *to, const char *address,
				  int timeout_ms)
{
	uint64_t process = vs_process_number();
	struct vdestack_dial *d = process != 0 ? calloc(1, sizeof(*d)) : NULL;

	if (d == NULL)
		return NULL;
	d->process = process;
	d->stack = stack;
	d->to = *to;
	(void)snprintf(d->address, sizeof(d->address), "%s", address);
	vs_race_init(&d->race, to->family != AF_INET, to->family != AF_INET6, deadline_of(timeout_ms));
	for (unsigned i = 0; i < VS_RACE_MAX; i++)
		d->fds[i] = -1;
	d->epoll = d->timer = -1;
	return d;
}

/* The answers that are there already (numeric addresses, the cache) are taken at once. */
static int begin(struct vdestack_dial *d)
{
	int r = make_set(d);

	if (r == 0)
		r = set_timer(d, 0); /* the first finish has something to do */
	if (r < 0)
		return fail_to_wait(d, -r);
	r = vs_dial_start_lookups(d);
	if (r < 0)
		return vs_dns_edge(-r, "cannot connect to %.100s: %.300s", d->address,
				   vdestack_dns_last_error());
	for (int family = 0; family < VS_RACE_FAMILIES && r == 0; family++)
		r = vs_dial_advance_lookup(d, (enum vs_race_family)family);
	return r < 0 ? fail_to_wait(d, -r) : 0;
}

static const char *check(const char *network, const char *address, int timeout_ms, struct vs_endpoint *to)
{
	const char *wrong;

	if (network == NULL || address == NULL)
		return "network or address is NULL";
	if (timeout_ms < -1)
		return "the time-out is less than -1";
	wrong = vs_endpoint_read(network, address, to);
	if (wrong == NULL && (to->service[0] == '\0' || strcmp(to->service, "0") == 0))
		wrong = "the port is missing";
	return wrong;
}

static struct vdestack_dial *start(struct vdestack *stack, const char *network, const char *address,
				   int timeout_ms)
{
	struct vs_endpoint to;
	const char *wrong = check(network, address, timeout_ms, &to);

	if (wrong != NULL) {
		vs_dns_edge(EINVAL, "cannot connect to %.100s: %s", address != NULL ? address : "NULL",
			    wrong);
		return NULL;
	}
	struct vdestack_dial *d = make(stack, &to, address, timeout_ms);
	if (d == NULL)
		vs_dns_edge(ENOMEM, "cannot connect to %.100s: out of memory", address);
	if (d != NULL && begin(d) < 0) {
		drop(d);
		d = NULL;
	}
	return d;
}

static int finish(struct vdestack_dial *d, int *fd)
{
	int r;

	if (!is_ours(d)) {
		r = vs_dns_edge(ECANCELED, "cannot connect to %.100s: another process has started this; "
					   "start another one here", d->address);
	} else {
		r = collect(d);
		r = r < 0 ? fail_to_wait(d, -r) : advance(d, fd);
	}
	if (r != 0)
		drop(d);
	return r;
}

/* ------------------------------------------------------------------ public */

static int cancel_disable(void)
{
	int state = PTHREAD_CANCEL_ENABLE;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	return state;
}

static void cancel_restore(int state)
{
	(void)pthread_setcancelstate(state, NULL);
}

struct vdestack_dial *vdestack_dial_start(struct vdestack *stack, const char *network, const char *address,
					  int timeout_ms)
{
	int state = cancel_disable();
	struct vdestack_dial *d = start(stack, network, address, timeout_ms);

	cancel_restore(state);
	return d;
}

int vdestack_dial_fd(const struct vdestack_dial *dial)
{
	return dial != NULL ? dial->epoll : vs_dns_edge(EINVAL, "cannot wait for a dial: there is none");
}

int vdestack_dial_finish(struct vdestack_dial *dial, int *fd)
{
	if (dial == NULL || fd == NULL)
		return vs_dns_edge(EINVAL, "cannot finish a dial: %s is NULL",
				   dial == NULL ? "it" : "the result");
	int state = cancel_disable();
	int r = finish(dial, fd);

	cancel_restore(state);
	return r;
}

void vdestack_dial_cancel(struct vdestack_dial *dial)
{
	int state = cancel_disable();

	drop(dial);
	cancel_restore(state);
}

static void drop_if_cancelled(void *dial)
{
	drop(dial);
}

/* Until there is something to do. A signal ends the wait early, which does no harm. */
static void wait_for(struct vdestack_dial *d, int cancel_state)
{
	struct pollfd wanted = { .fd = d->epoll, .events = POLLIN };

	pthread_cleanup_push(drop_if_cancelled, d);
	cancel_restore(cancel_state);
	(void)poll(&wanted, 1, -1);
	(void)cancel_disable();
	pthread_cleanup_pop(0);
}

int vdestack_dial(struct vdestack *stack, const char *network, const char *address, int timeout_ms)
{
	int state = cancel_disable();
	struct vdestack_dial *d = start(stack, network, address, timeout_ms);
	int fd = -1, r = d != NULL ? finish(d, &fd) : -1;

	while (r == 0) {
		wait_for(d, state);
		r = finish(d, &fd);
	}
	cancel_restore(state);
	return r < 0 ? -1 : fd;
}
