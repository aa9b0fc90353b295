/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A thread that serves pumps in turn.
 *
 * One epoll set has what all its movers wait for. In each round the thread collects what has happened. Then
 * each mover that has something to do gets one turn: at most one batch in each direction. The kernel's list
 * of what is ready is a queue. So a busy mover delays the others by its batch, and starves none.
 *
 *     wait ──events, times──▶ movers with a turn ──one batch each way──▶ wait
 *
 * How it sleeps:
 *
 *  - With one mover: in epoll_wait(2). While frames wait for room or are impaired, in ppoll(2) on the mover's
 *    own descriptors: so nothing has to be changed in the epoll set for each batch.
 *  - With several: in epoll_wait(2) too. A mover whose frames wait for room does not have its device in the
 *    set, but the room of its link. The earliest time at which a mover is due is kept. Until then the thread
 *    sleeps in ppoll(2) on the set itself, because epoll_wait(2) counts in milliseconds.
 *  - A thread that is not shared looks for the other half of a round trip for a moment before it sleeps
 *    (linger.h). A pump that has many round trips is busy, and gets such a thread.
 *
 * An idle thread wakes no task. After the last frame of a pump there are a few more wake-ups, to give buffers
 * back. A thread that a busy pump has for a while looks after that by a timer that ticks every second: a
 * limit of each sleep would cost more (the kernel sets a timer for each). A thread that a pump has for good
 * keeps the buffers.
 *
 * A thread that is shared never waits for a network: its links never wait, and what may take long at the end
 * of a mover is done elsewhere (shared.c). One call can wait for the kernel's lock of all devices: whether a
 * device that has gone down is deleted, at most every 20 ms, for 2 s.
 */

#include "turns.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "mover.h"
#include "shared.h"

#define EVENTS 64
#define NS_PER_S 1000000000
#define REST_MS 1000   /* without a frame: buffers are given back */
#define LOOK_ROUNDS 16 /* the clock is read after so many rounds, at the latest */
#define BUSY_TURNS 16  /* in less than the following time: a busy mover */
#define PERIOD_MS 100
#define WAKE_DATA UINT64_MAX

/* ------------------------------------------------------------------ what is waited for */

/* 0 or -errno. */
static int arm(struct vs_turns *t, struct vs_mover *w, unsigned which, uint32_t events)
{
	struct epoll_event event = { .events = events,
				     .data.u64 = vs_places_data(&t->places, w->place, which) };
	int op = w->armed[which] == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;

	if (t->epoll < 0 || w->on[which].fd < 0 || w->armed[which] == events)
		return 0;
	int r = epoll_ctl(t->epoll, op, w->on[which].fd, &event) < 0 ? -errno : 0;
	if (r == 0 || events == 0)
		w->armed[which] = events;
	return r;
}

/*
 * What the mover waits for now. With one mover nothing changes: it is waited for by other means while
 * its frames wait for room.
 */
static int arm_all(struct vs_turns *t, struct vs_mover *w)
{
	bool alone = t->n == 1;
	uint32_t room = !alone && vs_mover_wants_room(w) ? (uint32_t)EPOLLOUT : 0;
	int r = arm(t, w, VS_ON_DEVICE, alone || !vs_mover_is_pending(w) ? EPOLLIN : 0);
	int r2 = arm(t, w, VS_ON_LINK, EPOLLIN | room);

	return r < 0 ? r : r2;
}

static void disarm(struct vs_turns *t, struct vs_mover *w)
{
	for (unsigned i = 0; i < VS_N_POLLED; i++)
		(void)arm(t, w, i, 0); /* fails if the device has been replaced */
}

static void has_turn(struct vs_turns *t, struct vs_mover *w)
{
	if (w->has_turn)
		return;
	w->has_turn = true;
	w->next_turn = NULL;
	*t->last_turn = w;
	t->last_turn = &w->next_turn;
	t->n_turns++;
}

/* A mover that leaves the thread may have one: of frames that its link has kept. */
static void lose_turn(struct vs_turns *t, struct vs_mover *w)
{
	struct vs_mover **at = &t->first_turn;

	if (!w->has_turn)
		return;
	while (*at != w)
		at = &(*at)->next_turn;
	*at = w->next_turn;
	if (t->last_turn == &w->next_turn)
		t->last_turn = at;
	t->n_turns--;
	w->has_turn = false;
}

static void set_due(struct vs_turns *t, struct vs_mover *w, int64_t due_ns)
{
	if (w->due_ns == INT64_MAX && due_ns != INT64_MAX) {
		w->next_timed = t->timed;
		w->prev_timed = &t->timed;
		if (t->timed != NULL)
			t->timed->prev_timed = &w->next_timed;
		t->timed = w;
	} else if (w->due_ns != INT64_MAX && due_ns == INT64_MAX) {
		*w->prev_timed = w->next_timed;
		if (w->next_timed != NULL)
			w->next_timed->prev_timed = w->prev_timed;
	}
	w->due_ns = due_ns;
	if (due_ns < t->nearest_ns)
		t->nearest_ns = due_ns;
}

/* The next wait is for its own descriptors. */
static bool is_polled(const struct vs_turns *t, const struct vs_mover *w)
{
	return t->n == 1 && (t->epoll < 0 || vs_mover_is_timed(w));
}

/* Before the next wait. 0 or -errno. */
static int settle(struct vs_turns *t, struct vs_mover *w)
{
	int64_t now = vs_mover_is_timed(w) ? vs_now_ns() : 0;
	int64_t limit = is_polled(t, w) ? INT64_MAX : vs_mover_limit_ns(w, now);

	if (limit != INT64_MAX && now == 0)
		now = vs_now_ns();
	set_due(t, w, limit == INT64_MAX ? INT64_MAX : now + limit);
	if (vs_mover_has_more(w)) {
		w->on[VS_ON_LINK].revents |= POLLIN;
		has_turn(t, w);
	}
	return arm_all(t, w);
}

/* ------------------------------------------------------------------ movers come and go */

void vs_turns_drop(struct vs_turns *t, struct vs_mover *w)
{
	disarm(t, w);
	lose_turn(t, w);
	set_due(t, w, INT64_MAX);
	vs_places_remove(&t->places, w->place);
	*w->prev = w->next;
	if (w->next != NULL)
		w->next->prev = w->prev;
	w->next = NULL;
	t->n--;
	if (t->n == 1)
		(void)arm_all(t, t->movers); /* its descriptors are in the set already */
}

static bool has_buffers(const struct vs_mover *w)
{
	return w->tx != NULL || w->rx != NULL;
}

/* 0, or -errno: it is on no thread. */
int vs_turns_add(struct vs_turns *t, struct vs_mover *w)
{
	int r = vs_places_add(&t->places, w);

	if (r < 0)
		return r;
	w->place = (unsigned)r;
	r = 0;
	for (unsigned i = 0; i < VS_N_POLLED; i++)
		w->armed[i] = 0;
	w->due_ns = INT64_MAX;
	w->has_turn = false;
	w->next = t->movers;
	w->prev = &t->movers;
	if (t->movers != NULL)
		t->movers->prev = &w->next;
	t->movers = w;
	t->n++;
	t->buffers = t->buffers || has_buffers(w);
	for (unsigned i = 0; i < VS_N_POLLED && r == 0; i++)
		r = arm(t, w, i, (uint32_t)(unsigned short)w->on[i].events);
	if (r == 0 && t->n == 2) /* the other one was alone */
		r = settle(t, w->next);
	if (r == 0) {
		has_turn(t, w); /* it may have frames that wait */
		return 0;
	}
	vs_turns_drop(t, w);
	if (t->lasts)
		return r;
	vs_close(vs_steal_fd(&t->epoll)); /* a single one can do without */
	return vs_turns_add(t, w);
}

static void end_mover(struct vs_turns *t, struct vs_mover *w)
{
	vs_turns_drop(t, w);
	if (t->lasts)
		vs_shared_end(t, w);
	else
		w->done(w);
}

static void take_added(struct vs_turns *t)
{
	struct vs_mover *w;

	for (struct vs_mover *list = vs_shared_take(t); (w = list) != NULL;) {
		list = w->next;
		int r = vs_turns_add(t, w);
		if (r < 0)
			r = vs_shared_divert(t, w);
		if (r == 0)
			continue;
		w->state = VS_MOVER_DEAD;
		w->err = -r;
		vs_shared_end(t, w);
	}
}

/* ------------------------------------------------------------------ waiting */

static void wake(struct vs_turns *t)
{
	uint64_t ignored;

	(void)!read(t->wake, &ignored, sizeof(ignored));
	if (t->lasts)
		take_added(t);
	else
		t->looks = true;
}

static void note_events(struct vs_turns *t, const struct epoll_event *events, int n)
{
	struct vs_mover *w;
	unsigned which;

	for (int i = 0; i < n; i++) {
		if (events[i].data.u64 == WAKE_DATA) {
			wake(t);
		} else if ((w = vs_places_find(&t->places, events[i].data.u64, &which)) != NULL) {
			w->on[which].revents |= (short)events[i].events; /* the same bits */
			has_turn(t, w);
		}
	}
}

/* Those that are due get a turn. */
static void note_times(struct vs_turns *t)
{
	if (t->nearest_ns == INT64_MAX)
		return;
	int64_t now = vs_now_ns(), nearest = INT64_MAX;
	if (now < t->nearest_ns)
		return;
	for (struct vs_mover *w = t->timed; w != NULL; w = w->next_timed) {
		if (w->due_ns <= now)
			has_turn(t, w);
		else if (w->due_ns < nearest)
			nearest = w->due_ns;
	}
	t->nearest_ns = nearest;
}

/* Looks for a while before the long wait. Returns how many events it found, mostly 0. */
static int linger(struct vs_turns *t, struct epoll_event *events)
{
	int n = 0;

	if (!t->single || t->lasts)
		return 0;
	int64_t now = vs_now_ns();
	if (t->nearest_ns - now < VS_LINGER_CROWDED_NS || !vs_linger_begin(&t->linger, now))
		return 0;
	do {
		n = epoll_wait(t->epoll, events, EVENTS, 0);
		if (n == 0)
			(void)sched_yield();
	} while (n == 0 && vs_linger_goes_on(&t->linger, vs_now_ns()));
	vs_linger_end(&t->linger, vs_now_ns(), n > 0);
	return n;
}

static int poll_until(struct pollfd *p, nfds_t n, int64_t ns)
{
	struct timespec limit = { .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };

	return ppoll(p, n, ns != INT64_MAX ? &limit : NULL, NULL);
}

static void wait_for_all(struct vs_turns *t)
{
	struct epoll_event events[EVENTS];
	int n = 0;

	if (t->n_turns > 0) {
		n = epoll_wait(t->epoll, events, EVENTS, 0);
	} else if ((n = linger(t, events)) > 0) {
		; /* the other half of a round trip */
	} else if (t->nearest_ns != INT64_MAX) {
		struct pollfd set = { .fd = t->epoll, .events = POLLIN };
		int64_t left = t->nearest_ns - vs_now_ns();
		if (left <= 0 || poll_until(&set, 1, left) > 0)
			n = epoll_wait(t->epoll, events, EVENTS, 0);
	} else {
		n = epoll_wait(t->epoll, events, EVENTS, t->lasts && t->buffers ? REST_MS : -1);
	}
	note_events(t, events, n);
	note_times(t);
}

/* One mover, whose frames wait, or without an epoll set. */
static void wait_for_one(struct vs_turns *t, struct vs_mover *w)
{
	struct pollfd p[VS_N_POLLED + 1];
	bool pending = vs_mover_is_pending(w), more = t->n_turns > 0;
	int64_t limit = more ? 0 : vs_mover_limit_ns(w, vs_now_ns());

	for (int i = 0; i < VS_N_POLLED; i++)
		p[i] = w->on[i];
	if (pending) {
		p[VS_ON_DEVICE].fd = -1;
		p[VS_ON_DEVICE].revents = 0;
		p[VS_ON_LINK].events =
			(short)((w->receives ? POLLIN : 0) | (vs_mover_wants_room(w) ? POLLOUT : 0));
	}
	p[VS_N_POLLED] = (struct pollfd){ .fd = t->wake, .events = POLLIN };
	int n = poll_until(p, VS_N_POLLED + 1, limit);
	for (int i = 0; i < VS_N_POLLED && n > 0; i++)
		w->on[i].revents |= p[i].revents;
	if (n != 0 || limit != INT64_MAX)
		has_turn(t, w);
	if (n > 0 && p[VS_N_POLLED].revents != 0)
		wake(t);
}

/* ------------------------------------------------------------------ turns */

static bool is_busy(struct vs_mover *w)
{
	if (w->turns < BUSY_TURNS)
		return false;
	int64_t since = w->since_ms;
	w->since_ms = vs_now_ms();
	w->turns = 0;
	return w->since_ms - since < PERIOD_MS;
}

/* False: the mover has ended, or is on another thread. */
static bool run_turn(struct vs_turns *t, struct vs_mover *w)
{
	enum vs_mover_state state = vs_mover_move(w);
	int r = 0;

	for (int i = 0; i < VS_N_POLLED; i++)
		w->on[i].revents = 0;
	if (state == VS_MOVER_GOES_ON)
		r = settle(t, w);
	if (r < 0) {
		w->state = VS_MOVER_DEAD;
		w->err = -r;
	}
	w->turns += t->lasts;
	t->buffers = t->buffers || has_buffers(w);
	if (w->state != VS_MOVER_GOES_ON)
		end_mover(t, w);
	else if (!t->lasts || !is_busy(w))
		return true;
	else
		vs_shared_part(t, w);
	return false;
}

static void run_turns(struct vs_turns *t)
{
	struct vs_mover *w = t->first_turn;
	bool one = t->n_turns == 1;

	t->first_turn = NULL;
	t->last_turn = &t->first_turn;
	t->n_turns = 0;
	t->single = false;
	while (w != NULL) {
		struct vs_mover *next = w->next_turn;
		w->has_turn = false;
		if (run_turn(t, w))
			t->single = one && vs_mover_was_round_trip(w);
		w = next;
	}
}

static void give_buffers_back(struct vs_turns *t)
{
	t->buffers = false;
	for (struct vs_mover *w = t->movers; w != NULL; w = w->next)
		t->buffers = !vs_mover_rest(w) || t->buffers;
}

/* Whether the kernel lets this process watch one more descriptor. A shared thread needs that for a mover. */
static bool can_watch(const struct vs_turns *t)
{
	VS_AUTO_CLOSE set = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN };

	return set >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, t->wake, &event) == 0;
}

/* Now and then. slept_long: for as long as a shared thread may, with buffers. */
static void look_after(struct vs_turns *t, bool slept_long)
{
	if (t->lasts && t->buffers && (slept_long || ++t->rounds >= LOOK_ROUNDS)) {
		t->rounds = 0;
		t->looks = vs_now_ms() >= t->rest_ms;
	}
	if (!t->looks)
		return;
	t->looks = false;
	t->rest_ms = vs_now_ms() + REST_MS;
	give_buffers_back(t);
	if (!t->lasts && !t->buffers && t->n > 0 && (t->epoll >= 0 || can_watch(t)))
		vs_shared_take_back(t, t->movers);
}

static void set_up_thread(const struct vs_turns *t)
{
	(void)prctl(PR_SET_NAME, "vdestack-pump");
	(void)prctl(PR_SET_TIMERSLACK, 1000); /* ns; the pauses of the pace are short */
	if (!t->keeps_capabilities)
		(void)vs_caps_only(VS_CAPS_NONE);
}

void *vs_turns_main(void *arg)
{
	struct vs_turns *t = arg;

	set_up_thread(t);
	while (t->n > 0 || !vs_shared_leave(t)) {
		struct vs_mover *w = t->movers;
		if (w != NULL && is_polled(t, w))
			wait_for_one(t, w);
		else
			wait_for_all(t);
		bool none = t->n_turns == 0;
		run_turns(t);
		look_after(t, none);
	}
	vs_turns_free(t);
	return NULL;
}

/* ------------------------------------------------------------------ before it runs */

/* Wakes a thread that is shared when it gets a mover, and one that a pump has for a while every second. */
static int open_wake(struct vs_turns *t)
{
	static const struct itimerspec every = { { .tv_sec = REST_MS / 1000 }, { .tv_sec = REST_MS / 1000 } };
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = WAKE_DATA };

	t->wake = t->lasts ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)
			   : timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (t->wake < 0)
		return -1;
	if (epoll_ctl(t->epoll, EPOLL_CTL_ADD, t->wake, &event) < 0) {
		if (t->lasts)
			return -1;
		vs_close(vs_steal_fd(&t->epoll)); /* a single mover can do without */
	}
	return t->lasts ? 0 : timerfd_settime(t->wake, 0, &every, NULL);
}

struct vs_turns *vs_turns_new(struct vs_shared *shared, bool lasts, bool keeps_capabilities)
{
	struct vs_turns *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->shared = shared;
	t->lasts = lasts;
	t->keeps_capabilities = keeps_capabilities;
	t->wake = -1;
	t->nearest_ns = INT64_MAX;
	t->last_turn = &t->first_turn;
	vs_places_init(&t->places);
	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (shared != NULL && open_wake(t) < 0) {
		int saved = errno;
		vs_turns_free(t);
		errno = saved;
		return NULL;
	}
	return t;
}

void vs_turns_free(struct vs_turns *t)
{
	if (t == NULL)
		return;
	vs_close(t->epoll);
	vs_close(t->wake);
	vs_places_free(&t->places);
	free(t);
}
