/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The pump of an interface: the threads that move frames between its tap and its link.
 *
 * How many there are depends on the link. One that never waits and tells when it has room (a
 * datagram socket) gets a single thread for both ways: each frame costs one wake-up less, which
 * is what a round trip is made of, and a way out that is blocked is something to poll for while
 * the way in goes on. A link whose sending may wait (a plugin's, a stream in the middle of a frame) gets
 * a thread for each way, so that a network that does not take frames cannot stop those that
 * come from it.
 *
 * All sleep in epoll, or in poll while frames wait for room; an idle interface wakes nobody. Who has moved half of a
 * round trip does not sleep at once (see lingering). A thread that wakes moves at most a
 * batch each way before it looks whether it shall end.
 *
 * Memory is touched only by traffic: an interface that has never carried a frame has none.
 *
 * When the link has died (its descriptors say so) the threads end, and the last one leaves the interface
 * to be joined again; nobody polls a dead descriptor.
 */

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "base/thread.h"
#include "in.h"
#include "keeper/iface.h"
#include "keeper/relink.h"
#include "linger.h"
#include "link.h"
#include "out.h"

/* What one thread does: one way or both. */
struct ways {
	struct vs_iface *iface;
	struct vs_out *out; /* NULL: not this thread's */
	struct vs_in *in;
	struct vs_linger linger;
	int epoll; /* has everything that is waited for while nothing is pending; -1: no room for it */
};

#define NS_PER_S 1000000000

enum { TAP, LINK, CONTROL, STOP, N_POLLED };

/* Takes a socket's pending error, so that it wakes nobody again. False: not a socket. */
static bool take_error(int fd)
{
	int err;
	socklen_t len = sizeof(err);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0;
}

static void leave_privileges(const struct vs_iface *iface)
{
	(void)prctl(PR_SET_NAME, "vdestack-pump");
	(void)prctl(PR_SET_TIMERSLACK, 1000); /* ns; rests between frames are short */
	if (!iface->keeper->in_process)
		(void)vs_caps_only(VS_CAPS_NONE);
}

/* The usual wait, which is always for the same: the kernel keeps the list, which poll(2) would build each time. */
static void open_epoll(struct ways *w, const struct pollfd *p)
{
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (uint32_t i = 0; w->epoll >= 0 && i < N_POLLED; i++) {
		struct epoll_event event = { .events = (uint32_t)p[i].events, .data.u32 = i };
		if (p[i].fd >= 0 && epoll_ctl(w->epoll, EPOLL_CTL_ADD, p[i].fd, &event) < 0)
			vs_close(vs_steal_fd(&w->epoll));
	}
}

static int wait_epoll(const struct ways *w, struct pollfd *p, int limit_ms)
{
	struct epoll_event events[N_POLLED];
	int n = epoll_wait(w->epoll, events, N_POLLED, limit_ms);

	for (int i = 0; i < N_POLLED; i++)
		p[i].revents = 0;
	for (int i = 0; i < n; i++)
		p[events[i].data.u32].revents = (short)events[i].events; /* the same bits */
	return n;
}

/* Both ways went by single frames: somebody waits for the next one. */
static bool is_round_trip(const struct ways *w)
{
	return (w->out == NULL || vs_out_was_single(w->out)) && (w->in == NULL || vs_in_was_single(w->in));
}

/* Before the long wait; gives what it finds, which is mostly nothing. */
static int linger(struct ways *w, struct pollfd *p)
{
	int n = 0;

	if (!is_round_trip(w) || !vs_linger_begin(&w->linger, vs_now_ns()))
		return 0;
	do {
		n = wait_epoll(w, p, 0);
		if (n == 0)
			(void)sched_yield();
	} while (n == 0 && vs_linger_goes_on(&w->linger, vs_now_ns()));
	vs_linger_end(&w->linger, vs_now_ns(), n > 0);
	return n;
}

static int wait_long(struct ways *w, struct pollfd *p)
{
	int n = linger(w, p);

	return n != 0 ? n : wait_epoll(w, p, w->out != NULL ? vs_out_doubt_ms(w->out) : -1);
}

static int wait_poll(const struct ways *w, struct pollfd *p, bool pending, bool more)
{
	int64_t patience = pending && !more ? vs_out_patience_ns(w->out) : 0;
	struct timespec limit = { .tv_sec = patience / NS_PER_S, .tv_nsec = patience % NS_PER_S };

	p[TAP].fd = w->out != NULL && !pending ? w->iface->tap : -1;
	p[LINK].events = (short)((w->in != NULL ? POLLIN : 0) | (pending && !vs_out_rests(w->out) ? POLLOUT : 0));
	int n = ppoll(p, N_POLLED, pending || more ? &limit : NULL, NULL);
	if (more)
		p[LINK].revents |= POLLIN;
	return n;
}

/* What to wait for now. While frames wait for room nothing more is read. */
static int wait_events(struct ways *w, struct pollfd *p)
{
	bool pending = w->out != NULL && vs_out_pending(w->out);
	bool more = w->in != NULL && w->iface->link->more;

	if (pending || w->epoll < 0)
		return wait_poll(w, p, pending, more);
	if (!more)
		return wait_long(w, p);
	int n = wait_epoll(w, p, 0);
	p[LINK].revents |= POLLIN;
	return n;
}

/* False: the link is dead. */
static bool move_in(struct ways *w, const struct pollfd *p)
{
	if (p[CONTROL].revents != 0) /* the control connection is silent: whatever comes is its end */
		return false;
	if (p[LINK].revents & POLLIN)
		return vs_in_burst(w->in) >= 0;
	if (p[LINK].revents == POLLERR)
		return take_error(p[LINK].fd); /* a peer that is not there now */
	return (p[LINK].revents & (POLLHUP | POLLNVAL)) == 0;
}

static bool move_out(struct ways *w, const struct pollfd *p)
{
	if (vs_out_pending(w->out))
		return vs_out_resume(w->out);
	if (!vs_out_look_again(w->out))
		return false;
	return p[TAP].revents == 0 || vs_out_burst(w->out);
}

static void ways_free(struct ways *w)
{
	if (w == NULL)
		return;
	vs_out_free(w->out);
	vs_in_free(w->in);
	vs_close(w->epoll);
	free(w);
}

static void *pump_main(void *arg)
{
	struct ways *w = arg;
	struct vs_iface *iface = w->iface;
	struct pollfd p[N_POLLED] = {
		[TAP] = { .fd = w->out != NULL ? iface->tap : -1, .events = POLLIN },
		[LINK] = { .fd = w->in != NULL ? iface->link->data_fd : -1, .events = POLLIN },
		[CONTROL] = { .fd = iface->link->control_fd, .events = POLLIN | POLLRDHUP },
		[STOP] = { .fd = iface->stop, .events = POLLIN },
	};
	bool alive = true;

	leave_privileges(iface);
	if (w->in == NULL || p[CONTROL].fd == p[LINK].fd)
		p[CONTROL].fd = -1;
	open_epoll(w, p);
	while (alive && !atomic_load(&iface->stopping) && !atomic_load(&iface->link_dead)) {
		if (wait_events(w, p) < 0)
			continue;
		if (w->in != NULL)
			alive = move_in(w, p);
		if (alive && w->out != NULL)
			alive = move_out(w, p);
	}
	if (!alive && w->out != NULL && vs_out_tap_gone(w->out))
		vs_iface_stop(iface); /* somebody has deleted the device */
	else if (!alive)
		vs_relink_died(iface, 0);
	ways_free(w);
	vs_relink_pump_ended(iface);
	vs_iface_unref(iface);
	return NULL;
}

/* A thread for these ways; it counts as a user of the interface. */
static int start_thread(struct vs_iface *iface, bool out, bool in)
{
	struct ways *w = calloc(1, sizeof(*w));
	int r = w == NULL ? -ENOMEM : 0;

	if (r == 0) {
		w->iface = iface;
		w->epoll = -1;
		w->out = out ? vs_out_new(iface) : NULL;
		w->in = in ? vs_in_new(iface) : NULL;
		if ((out && w->out == NULL) || (in && w->in == NULL))
			r = -ENOMEM;
	}
	if (r == 0) {
		vs_iface_ref(iface);
		r = vs_thread_start(pump_main, w, NULL);
		if (r < 0)
			vs_iface_unref(iface);
	}
	if (r < 0)
		ways_free(w);
	return r;
}

int vs_pump_start(struct vs_iface *iface)
{
	bool both = iface->link->never_waits;

	atomic_store(&iface->pumps, both ? 1 : 2);
	int r = start_thread(iface, true, both);
	bool one_runs = r == 0;
	if (r == 0 && !both)
		r = start_thread(iface, false, true);
	if (r < 0) {
		vs_relink_died(iface, -r); /* ends the other one, if it runs */
		if (!one_runs && !both)
			vs_relink_pump_ended(iface);
		vs_relink_pump_ended(iface);
		return vs_fail(-r, "cannot start the pump of interface %s: %s", iface->name,
			       vs_cause_text(vs_diagnose_limit(-r), -r));
	}
	return 0;
}
