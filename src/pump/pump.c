/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The threads of a pump. See pump.h for its states, and for who owns what.
 *
 * How many threads:
 *
 *  - One for both directions, if the link never waits and poll(2) shows when it has room (a datagram socket).
 *    Each frame then takes one wake-up less, and most of a round trip is wake-ups. A tx
 *    direction that is blocked is one more descriptor to poll, while rx goes on.
 *  - One for each direction, if sending may wait (a plugin's link; a stream in the middle of a frame).
 *    A network that takes no frames then cannot stop those that come from it.
 *
 * How they sleep: in epoll_wait(2), or in ppoll(2) while frames wait for room or are impaired. An idle
 * pump wakes no task.
 * A thread that has just moved half of a round trip looks for the other half for a moment before
 * it sleeps (linger.h). A thread moves at most one batch in each direction before it
 * checks the state.
 *
 * Memory is touched only by traffic: a pump that has never carried a frame has none.
 */

#include "pump.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "base/thread.h"
#include "containers.h"
#include "impaired.h"
#include "linger.h"
#include "link.h"
#include "rx.h"
#include "tx.h"

/* One thread, for one direction or both. */
struct worker {
	struct vs_pump *pump;
	struct vs_tx *tx; /* NULL: not this thread's */
	struct vs_rx *rx;
	struct vs_linger linger;
	int epoll; /* everything that is waited for while no frame is pending; -1: none could be made */
};

#define NS_PER_S 1000000000
#define LOOK_NS 100000000 /* while frames are impaired: the settings may have changed */

enum { DEVICE, LINK, CONTROL, WAKE, N_POLLED };

/* Takes a socket's pending error, so that it causes no further wake-up. False: not a socket. */
static bool take_error(int fd)
{
	int err;
	socklen_t len = sizeof(err);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0;
}

static void set_up_thread(const struct vs_pump *pump)
{
	(void)prctl(PR_SET_NAME, "vdestack-pump");
	(void)prctl(PR_SET_TIMERSLACK, 1000); /* ns; the pauses of the pace are short */
	if (!pump->keeps_capabilities)
		(void)vs_caps_only(VS_CAPS_NONE);
}

/* ------------------------------------------------------------------ states */

static bool change_state(struct vs_pump *pump, enum vs_pump_state from, enum vs_pump_state to)
{
	int expected = from;

	return atomic_compare_exchange_strong(&pump->state, &expected, to);
}

static bool is_running(const struct vs_pump *pump)
{
	return atomic_load(&pump->state) == VS_PUMP_RUNNING;
}

/* It is not read while threads run, so it stays readable for each of them. */
static void wake_threads(struct vs_pump *pump)
{
	(void)eventfd_write(pump->wake, 1);
}

void vs_pump_stop(struct vs_pump *pump)
{
	atomic_store(&pump->state, VS_PUMP_STOPPED);
	vs_watchers_end(&pump->watchers);
	wake_threads(pump);
}

/* err: as `died` wants it. Only the first thread that notices reports it. */
static void link_died(struct vs_pump *pump, int err)
{
	if (!change_state(pump, VS_PUMP_RUNNING, VS_PUMP_LINK_DEAD))
		return;
	pump->callbacks->died(pump, err);
	wake_threads(pump);
}

/* Of a thread, or in place of one that could not be started. The pump is not to be touched afterwards. */
static void thread_ended(struct vs_pump *pump)
{
	uint64_t ignored;

	if (atomic_fetch_sub(&pump->threads, 1) != 1)
		return;
	/*
	 * vs_pump_stop() stores the state and then writes. If this read takes what it wrote, the exchange
	 * finds STOPPED. If not, `wake` stays readable. So the next start cannot miss it.
	 */
	(void)!read(pump->wake, &ignored, sizeof(ignored));
	(void)change_state(pump, VS_PUMP_LINK_DEAD, VS_PUMP_OFF);
	pump->callbacks->ended(pump);
}

/* ------------------------------------------------------------------ waiting */

/*
 * The usual wait, always for the same descriptors: the kernel keeps the list that poll(2) would build each
 * time.
 */
static void open_epoll(struct worker *w, const struct pollfd *p)
{
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (uint32_t i = 0; w->epoll >= 0 && i < N_POLLED; i++) {
		struct epoll_event event = { .events = (uint32_t)p[i].events, .data.u32 = i };
		if (p[i].fd >= 0 && epoll_ctl(w->epoll, EPOLL_CTL_ADD, p[i].fd, &event) < 0)
			vs_close(vs_steal_fd(&w->epoll));
	}
}

static int wait_epoll(const struct worker *w, struct pollfd *p, int limit_ms)
{
	struct epoll_event events[N_POLLED];
	int n = epoll_wait(w->epoll, events, N_POLLED, limit_ms);

	for (int i = 0; i < N_POLLED; i++)
		p[i].revents = 0;
	for (int i = 0; i < n; i++)
		p[events[i].data.u32].revents = (short)events[i].events; /* the same bits */
	return n;
}

/* Single frames in each direction: a program waits for the next one. */
static bool is_round_trip(const struct worker *w)
{
	return (w->tx == NULL || vs_tx_was_single(w->tx)) && (w->rx == NULL || vs_rx_was_single(w->rx));
}

static bool is_impaired(const struct worker *w)
{
	return (w->tx != NULL && vs_impaired(w->pump, VS_TX) != NULL) ||
	       (w->rx != NULL && vs_impaired(w->pump, VS_RX) != NULL);
}

/* Looks for a while before the long wait. Returns how many events it found, mostly 0. */
static int linger(struct worker *w, struct pollfd *p)
{
	int n = 0;

	if (!is_round_trip(w) || is_impaired(w) || !vs_linger_begin(&w->linger, vs_now_ns()))
		return 0;
	do {
		n = wait_epoll(w, p, 0);
		if (n == 0)
			(void)sched_yield();
	} while (n == 0 && vs_linger_goes_on(&w->linger, vs_now_ns()));
	vs_linger_end(&w->linger, vs_now_ns(), n > 0);
	return n;
}

static int wait_long(struct worker *w, struct pollfd *p)
{
	int n = linger(w, p);

	return n != 0 ? n : wait_epoll(w, p, w->tx != NULL ? vs_tx_check_ms(w->tx) : -1);
}

/* When the next frame that is impaired is due; INT64_MAX: none waits. */
static int64_t next_due_ns(const struct worker *w)
{
	int64_t tx = w->tx != NULL && !vs_tx_pending(w->tx) ? vs_tx_due_ns(w->tx) : INT64_MAX;
	int64_t rx = w->rx != NULL ? vs_rx_due_ns(w->rx) : INT64_MAX;

	return tx < rx ? tx : rx;
}

static int64_t shorter_ns(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* How long a thread may sleep that cannot use the usual wait. INT64_MAX: until an event. */
static int64_t limit_ns(const struct worker *w, bool pending, bool more, int64_t due)
{
	int64_t limit = pending ? vs_tx_patience_ns(w->tx) : INT64_MAX;
	int64_t check_ms = w->tx != NULL ? vs_tx_check_ms(w->tx) : -1;

	if (more)
		return 0;
	if (check_ms >= 0)
		limit = shorter_ns(limit, check_ms * 1000000);
	if (due != INT64_MAX)
		limit = shorter_ns(limit, shorter_ns(due - vs_now_ns(), LOOK_NS));
	return limit > 0 ? limit : 0;
}

static int wait_poll(const struct worker *w, struct pollfd *p, bool pending, bool more, int64_t due)
{
	int64_t ns = limit_ns(w, pending, more, due);
	struct timespec limit = { .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };

	p[DEVICE].fd = w->tx != NULL && !pending ? w->pump->device.fd : -1;
	p[LINK].events =
		(short)((w->rx != NULL ? POLLIN : 0) | (pending && !vs_tx_pauses(w->tx) ? POLLOUT : 0));
	int n = ppoll(p, N_POLLED, ns != INT64_MAX ? &limit : NULL, NULL);
	if (more)
		p[LINK].revents |= POLLIN;
	return n;
}

/*
 * What to wait for now. While frames wait for room, the device is not read. While frames are impaired, the
 * sleep ends when the next one is due.
 */
static int wait_events(struct worker *w, struct pollfd *p)
{
	bool pending = w->tx != NULL && vs_tx_pending(w->tx);
	bool more = w->rx != NULL && w->pump->link->more;
	int64_t due = next_due_ns(w);

	if (pending || due != INT64_MAX || w->epoll < 0)
		return wait_poll(w, p, pending, more, due);
	if (!more)
		return wait_long(w, p);
	int n = wait_epoll(w, p, 0);
	p[LINK].revents |= POLLIN;
	return n;
}

/* ------------------------------------------------------------------ moving frames */

/* False: the link is dead. */
static bool move_rx(struct worker *w, const struct pollfd *p)
{
	if (p[CONTROL].revents != 0) /* nothing is ever sent on the control connection: an event is its end */
		return false;
	if (p[LINK].revents & POLLIN) {
		bool alive = vs_rx_burst(w->rx) >= 0;
		vs_rx_pass(w->rx);
		return alive;
	}
	vs_rx_pass(w->rx);
	if (p[LINK].revents == POLLERR)
		return take_error(p[LINK].fd); /* a peer that is not there now */
	return (p[LINK].revents & (POLLHUP | POLLNVAL)) == 0;
}

/* False: the link is dead, or the device is gone. */
static bool move_tx(struct worker *w, const struct pollfd *p)
{
	if (vs_tx_pending(w->tx))
		return vs_tx_resume(w->tx) && vs_tx_pass(w->tx);
	if (!vs_tx_check_device(w->tx))
		return false;
	if (p[DEVICE].revents != 0 && !vs_tx_burst(w->tx))
		return false;
	return vs_tx_pass(w->tx);
}

static void worker_free(struct worker *w)
{
	if (w == NULL)
		return;
	vs_tx_free(w->tx);
	vs_rx_free(w->rx);
	vs_close(w->epoll);
	free(w);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct vs_pump *pump = w->pump;
	struct pollfd p[N_POLLED] = {
		[DEVICE] = { .fd = w->tx != NULL ? pump->device.fd : -1, .events = POLLIN },
		[LINK] = { .fd = w->rx != NULL ? pump->link->data_fd : -1, .events = POLLIN },
		[CONTROL] = { .fd = pump->link->control_fd, .events = POLLIN | POLLRDHUP },
		[WAKE] = { .fd = pump->wake, .events = POLLIN },
	};
	bool alive = true;

	set_up_thread(pump);
	if (w->rx == NULL || p[CONTROL].fd == p[LINK].fd)
		p[CONTROL].fd = -1;
	open_epoll(w, p);
	while (alive && is_running(pump)) {
		/* `wake` may stand in the place of the device: a thread that is to end must not read it. */
		if (wait_events(w, p) < 0 || !is_running(pump))
			continue;
		if (w->rx != NULL)
			alive = move_rx(w, p);
		if (alive && w->tx != NULL)
			alive = move_tx(w, p);
	}
	if (!alive && w->tx != NULL && vs_tx_device_gone(w->tx))
		pump->callbacks->device_gone(pump);
	else if (!alive)
		link_died(pump, 0);
	worker_free(w);
	thread_ended(pump);
	return NULL;
}

/* ------------------------------------------------------------------ the face */

int vs_pump_init(struct vs_pump *pump, const struct vs_pump_callbacks *callbacks, const char *name)
{
	pump->callbacks = callbacks;
	pump->name = name;
	pump->device.fd = -1;
	pump->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return pump->wake < 0 ? -errno : 0;
}

void vs_pump_free(struct vs_pump *pump)
{
	vs_watchers_free(&pump->watchers);
	vs_link_close(vs_steal_ptr(pump->link));
	vs_close(vs_steal_fd(&pump->device.fd));
	vs_close(vs_steal_fd(&pump->wake));
	vs_impaired_free(pump);
	vs_containers_free(pump);
}

static int start_thread(struct vs_pump *pump, bool tx, bool rx)
{
	struct worker *w = calloc(1, sizeof(*w));
	int r = w == NULL ? -ENOMEM : 0;

	if (r == 0) {
		w->pump = pump;
		w->epoll = -1;
		w->tx = tx ? vs_tx_new(pump) : NULL;
		w->rx = rx ? vs_rx_new(pump) : NULL;
		if ((tx && w->tx == NULL) || (rx && w->rx == NULL))
			r = -ENOMEM;
	}
	if (r == 0)
		r = vs_thread_start(worker_main, w, NULL);
	if (r < 0)
		worker_free(w);
	return r;
}

int vs_pump_start(struct vs_pump *pump)
{
	bool one_thread = pump->link->never_waits;

	vs_containers_renew(pump);
	atomic_store(&pump->threads, one_thread ? 1 : 2);
	(void)change_state(pump, VS_PUMP_OFF, VS_PUMP_RUNNING);
	int r = start_thread(pump, true, one_thread);
	unsigned missing = r < 0 ? (one_thread ? 1 : 2) : 0;
	if (r == 0 && !one_thread) {
		r = start_thread(pump, false, true);
		missing = r < 0;
	}
	if (r == 0)
		return 0; /* the threads may have ended */
	link_died(pump, -r); /* ends the other thread, if it runs */
	while (missing-- > 0)
		thread_ended(pump);
	return vs_fail(-r, "cannot start the pump of interface %s: %s", pump->name,
		       vs_cause_text(vs_diagnose_limit(-r), -r));
}

void vs_pump_drop_device(struct vs_pump *pump)
{
	(void)dup3(pump->wake, pump->device.fd, O_CLOEXEC);
}
