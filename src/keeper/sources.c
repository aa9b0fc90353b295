/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Address sources: one thread of the keeper drives the state machines of all its stacks.
 *
 *     networking thread of A ──┐ orders: requests with new sockets,      ┌─▶ replies, events
 *     networking thread of B ──┼─ an interface goes, the stack ends ─▶ thread of the sources
 *     main thread ─ starts it ─┘                                         └─▶ rtnetlink, packets, files
 *
 * Who owns what. A networking thread makes the sockets in its namespace, as only it can, and puts them into
 * an order with the call. It does not wait. From there on everything about sources belongs to this thread:
 * machines, sockets, lists. The queue of orders is under the keeper's lock. Of a stack's record the
 * networking thread uses the pointer, the rtnetlink socket `cmd`, and two fields under that lock. What may
 * take long, lease files and packet sockets, is done by two workers (sources_work.c). The packet sockets of a
 * stack that ends are closed by its networking thread, unless a worker still has work for one.
 *
 * The thread sleeps in epoll. It wakes for a packet that passes the filters of sources_sockets.c, for a
 * change of the stack's links and addresses, for an order, and for the timer. There is one timer, set for
 * the earliest deadline of all machines. These are in a heap, so a packet costs the same with one machine
 * and with thousands. The timer's clock is CLOCK_BOOTTIME. It goes on while the system is suspended, and
 * cannot be set.
 *
 * The life of a source:
 *
 *     (order) ──▶ WAITING ──▶ RUNNING ──▶ PARTING ──▶ freed
 *                                │ stop      its turn; last packets sent; 0.1 s or 2 s
 *                                └── interface gone ──▶ freed
 *
 *  - A source that is WAITING needs its lease files to be read, or, for DHCPv6, a link-local address that can
 *    be used.
 *
 *  - A source that is PARTING has been stopped. Its release may wait in the kernel for the server's Ethernet
 *    address. Addresses and routes are removed afterwards: the kernel drops such packets when the last
 *    address is removed. A machine that repeats its release (DHCPv6) is served for two seconds more, unless
 *    the stack or the interface goes.
 *  - The releases of many sources that are stopped together do not leave together (sources_turns.c). A source
 *    keeps its addresses until its turn, and reads no packets.
 *  - With a directory of leases only a request to stop a source releases its lease. A stack that ends, or an
 *    interface that is removed, keeps it for the next stack of that name.
 *  - An interface that is to be removed goes when its sources are gone. The order has the job that removes
 *    it.
 *  - A stack that ends waits for its sources: a tenth of a second, or up to six seconds while the sources
 *    of many stacks end. By then its doors are closed, so no call waits for it.
 *
 * The main thread starts this thread, because a new thread is in the namespace of the one that starts it.
 * The thread ends with the last stack that has sources. While it exists it counts as a stack, so the keeper
 * does not end before it. If it cannot be started, the main thread answers the orders.
 *
 * What always holds: a machine is called by one thread, and never from inside a call to itself. A request is
 * answered once. Nothing that a network sends makes the lists longer than their limits. A packet socket is
 * not closed while a worker has work for it.
 */

#include "sources.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "base/thread.h"
#include "call.h"
#include "events.h"
#include "iface.h"
#include "job.h"
#include "keeper.h"
#include "sources_inside.h"
#include "variant.h"

struct vs_sources {
	struct vs_keeper *keeper; /* constant */
	int epoll;                /* constant */
	struct vs_watch wake, timer;
	struct vs_source **heap;  /* by deadline, the earliest first */
	size_t n_heap, heap_room;
	vs_auto_ms armed;         /* what the timer is set to */
	struct vs_worker *workers[VS_WORKERS]; /* constant */
	vs_auto_ms next_turn;     /* of releases; see sources_turns.c */
	vs_auto_ms left;          /* when the last stack went, while workers have work; else VS_AUTO_NEVER */
	/* Under the keeper's lock: */
	bool started;
	unsigned n_stacks;
	struct vs_order *orders, **orders_end;
};

/* How long the thread waits at its end for files to be written and sockets to be closed. */
#define WORKERS_END_MS 2000

vs_auto_ms vs_sources_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts); /* cannot fail with this clock */
	return (vs_auto_ms)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ------------------------------------------------------------------ descriptors */

int vs_sources_watch(struct vs_sources *all, struct vs_watch *w, int fd, void (*ready)(struct vs_watch *),
		     uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = w };

	if (epoll_ctl(all->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	*w = (struct vs_watch){ ready, fd };
	return 0;
}

void vs_sources_unwatch(struct vs_watch *w)
{
	vs_close(vs_steal_fd(&w->fd)); /* there is no other copy, so it leaves the epoll set */
}

int vs_sources_pause(struct vs_sources *all, struct vs_watch *w)
{
	int fd = vs_steal_fd(&w->fd);

	if (fd >= 0)
		(void)epoll_ctl(all->epoll, EPOLL_CTL_DEL, fd, NULL);
	return fd;
}

void vs_sources_work(struct vs_sources *all, enum vs_sources_worker which, struct vs_work *work)
{
	vs_worker_submit(all->workers[which], work);
}

static void drain(struct vs_watch *w)
{
	uint64_t ignored;

	(void)!read(w->fd, &ignored, sizeof(ignored));
}

/* ------------------------------------------------------------------ deadlines */

static void place(struct vs_sources *all, size_t at, struct vs_source *s)
{
	all->heap[at] = s;
	s->heap_at = at;
}

/* Moves s from its place to where it belongs. */
static void sift(struct vs_sources *all, struct vs_source *s)
{
	size_t at = s->heap_at, child;

	for (; at > 0 && all->heap[(at - 1) / 2]->deadline > s->deadline; at = (at - 1) / 2)
		place(all, at, all->heap[(at - 1) / 2]);
	for (; (child = 2 * at + 1) < all->n_heap; at = child) {
		if (child + 1 < all->n_heap && all->heap[child + 1]->deadline < all->heap[child]->deadline)
			child++;
		if (all->heap[child]->deadline >= s->deadline)
			break;
		place(all, at, all->heap[child]);
	}
	place(all, at, s);
}

int vs_sources_enlist(struct vs_sources *all, struct vs_source *s)
{
	if (all->n_heap == all->heap_room) {
		size_t room = all->heap_room > 0 ? 2 * all->heap_room : 16;
		struct vs_source **heap = reallocarray(all->heap, room, sizeof(struct vs_source *));
		if (heap == NULL)
			return -ENOMEM;
		all->heap = heap;
		all->heap_room = room;
	}
	s->deadline = VS_AUTO_NEVER;
	place(all, all->n_heap++, s);
	return 0;
}

void vs_sources_delist(struct vs_sources *all, struct vs_source *s)
{
	struct vs_source *last = all->heap[--all->n_heap];

	if (last != s) {
		place(all, s->heap_at, last);
		sift(all, last);
	}
}

void vs_sources_deadline(struct vs_sources *all, struct vs_source *s, vs_auto_ms deadline)
{
	if (s->deadline == deadline)
		return;
	s->deadline = deadline;
	sift(all, s);
}

vs_auto_ms vs_sources_turn(struct vs_sources *all)
{
	return vs_sources_turns_take(&all->next_turn, vs_sources_now());
}

/* Sets the timer for the earliest deadline, if it is not set so already. */
static void arm(struct vs_sources *all)
{
	vs_auto_ms next = all->n_heap > 0 ? all->heap[0]->deadline : VS_AUTO_NEVER;
	struct itimerspec at = { 0 };

	if (next == all->armed)
		return;
	if (next != VS_AUTO_NEVER) {
		vs_auto_ms ms = next > 1 ? next : 1; /* 0 would switch it off */
		at.it_value = (struct timespec){ .tv_sec = (time_t)(ms / 1000),
						 .tv_nsec = (long)(ms % 1000) * 1000000 };
	}
	if (timerfd_settime(all->timer.fd, TFD_TIMER_ABSTIME, &at, NULL) == 0)
		all->armed = next;
}

/* Those that are due now. One that stays due has its turn again after the descriptors. */
static void run_due(struct vs_sources *all)
{
	vs_auto_ms now = vs_sources_now();

	for (size_t n = all->n_heap; n > 0 && all->n_heap > 0 && all->heap[0]->deadline <= now; n--) {
		struct vs_source *s = all->heap[0];
		struct vs_sources_stack *stack = s->iface->stack;
		vs_source_timer(s);
		vs_sources_stack_settle(stack);
	}
}

static void timer_ready(struct vs_watch *w)
{
	struct vs_sources *all = VS_OF(struct vs_sources, timer, w);

	drain(w);
	all->armed = VS_AUTO_NEVER;
}

/* ------------------------------------------------------------------ orders */

void vs_sources_order_free(struct vs_order *order)
{
	if (order->kind == VS_ORDER_END)
		return;
	vs_sources_sockets_close(&order->sockets);
	free(order->want);
	free(order);
}

static struct vs_order *take_locked(struct vs_sources *all)
{
	struct vs_order *order = all->orders;

	if (order != NULL && (all->orders = order->next) == NULL)
		all->orders_end = &all->orders;
	return order;
}

static struct vs_order *take(struct vs_sources *all)
{
	pthread_mutex_lock(&all->keeper->lock);
	struct vs_order *order = take_locked(all);
	pthread_mutex_unlock(&all->keeper->lock);
	return order;
}

void vs_sources_post(struct vs_order *order)
{
	struct vs_keeper *k = order->stack->keeper;
	struct vs_sources *all = order->stack->sources;

	pthread_mutex_lock(&k->lock);
	order->next = NULL;
	*all->orders_end = order;
	all->orders_end = &order->next;
	if (all->started)
		(void)eventfd_write(all->wake.fd, 1);
	else
		vs_keeper_wake(k);
	pthread_mutex_unlock(&k->lock);
}

static void sources_free(struct vs_sources *all)
{
	if (all == NULL)
		return;
	for (int i = 0; i < VS_WORKERS; i++)
		if (all->workers[i] != NULL)
			vs_worker_leave(all->workers[i]);
	vs_close(all->epoll);
	vs_close(all->wake.fd);
	vs_close(all->timer.fd);
	free(all->heap);
	free(all);
}

static struct vs_sources *sources_new(struct vs_keeper *k)
{
	static const char *const names[] = { [VS_WORK_FILES] = "vdestack-files",
					     [VS_WORK_SOCKETS] = "vdestack-socks" };
	struct vs_sources *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return NULL;
	*all = (struct vs_sources){ .keeper = k, .wake.fd = -1, .timer.fd = -1, .armed = VS_AUTO_NEVER };
	all->orders_end = &all->orders;
	all->left = VS_AUTO_NEVER;
	all->epoll = epoll_create1(EPOLL_CLOEXEC);
	int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	for (int i = 0; i < VS_WORKERS && wake >= 0; i++)
		all->workers[i] = vs_worker_new(names[i], wake, !k->variant->same_credentials);
	if (all->epoll >= 0 && timer >= 0 && all->workers[0] != NULL && all->workers[1] != NULL &&
	    vs_sources_watch(all, &all->wake, wake, drain, EPOLLIN) == 0 &&
	    vs_sources_watch(all, &all->timer, timer, timer_ready, EPOLLIN) == 0)
		return all;
	int err = errno;
	all->wake.fd = wake;
	all->timer.fd = timer;
	sources_free(all);
	errno = err;
	return NULL;
}

int vs_sources_join(struct vs_keeper *k, struct vs_sources_stack *stack)
{
	struct vs_sources *spare = NULL;
	int err = 0;

	pthread_mutex_lock(&k->lock);
	if (k->sources == NULL) {
		pthread_mutex_unlock(&k->lock);
		spare = sources_new(k);
		err = errno;
		pthread_mutex_lock(&k->lock);
	}
	if (k->sources == NULL && spare != NULL) {
		k->sources = vs_steal_ptr(spare);
		k->n_stacks++; /* until its thread has ended */
	}
	stack->sources = k->sources;
	if (stack->sources != NULL)
		stack->sources->n_stacks++;
	pthread_mutex_unlock(&k->lock);
	sources_free(spare);
	return stack->sources != NULL ? 0 : -err;
}

static void free_stack(struct vs_sources_stack *stack)
{
	vs_sources_packets_close_late(stack);
	(void)pthread_cond_destroy(&stack->over);
	free(stack);
}

void vs_sources_unref(struct vs_sources_stack *stack)
{
	struct vs_keeper *k = stack->keeper;

	pthread_mutex_lock(&k->lock);
	bool last = --stack->users == 0;
	pthread_mutex_unlock(&k->lock);
	if (last)
		free_stack(stack);
}

void vs_sources_ended(struct vs_sources_stack *stack)
{
	struct vs_keeper *k = stack->keeper;

	vs_close(stack->cmd);
	vs_close(stack->notes.fd);
	vs_sources_leases_drop_dir(stack->leases);
	vs_events_unref(stack->events);
	pthread_mutex_lock(&k->lock);
	stack->ended = true;
	stack->sources->n_stacks--;
	bool last = --stack->users == 0;
	pthread_cond_signal(&stack->over);
	pthread_mutex_unlock(&k->lock);
	if (last) /* the networking thread has not waited so long */
		free_stack(stack);
}

/* ------------------------------------------------------------------ the thread */

static bool workers_pending(const struct vs_sources *all)
{
	for (int i = 0; i < VS_WORKERS; i++)
		if (vs_worker_pending(all->workers[i]))
			return true;
	return false;
}

/* True: there are no stacks left, and `all` is no longer known to others. */
static bool leave(struct vs_sources *all)
{
	struct vs_keeper *k = all->keeper;

	pthread_mutex_lock(&k->lock);
	bool none = all->n_stacks == 0 && all->orders == NULL;
	if (!none)
		all->left = VS_AUTO_NEVER;
	else if (all->left == VS_AUTO_NEVER)
		all->left = vs_sources_now();
	if (none && workers_pending(all) && vs_sources_now() < all->left + WORKERS_END_MS)
		none = false;
	if (none)
		k->sources = NULL;
	pthread_mutex_unlock(&k->lock);
	return none;
}

/* Of a wait, in ms: -1, except at the end. */
static int patience(const struct vs_sources *all)
{
	vs_auto_ms now = vs_sources_now();

	if (all->left == VS_AUTO_NEVER)
		return -1;
	return now < all->left + WORKERS_END_MS ? (int)(all->left + WORKERS_END_MS - now) : 0;
}

static void *sources_main(void *arg)
{
	struct vs_sources *all = arg;
	struct vs_keeper *k = all->keeper;
	struct vs_order *order;
	struct epoll_event event;

	(void)prctl(PR_SET_NAME, "vdestack-auto");
	/* On threads of the program all have the program's credentials. */
	if (!k->variant->same_credentials)
		(void)vs_caps_only(VS_CAP(CAP_NET_ADMIN) | VS_CAP(CAP_NET_BIND_SERVICE));
	do {
		while ((order = take(all)) != NULL)
			vs_sources_stack_order(order);
		for (int i = 0; i < VS_WORKERS; i++)
			vs_worker_finish(all->workers[i]);
		run_due(all);
		if (leave(all))
			break;
		arm(all);
		/* One at a time: what it frees may be what the next one is about. */
		if (epoll_wait(all->epoll, &event, 1, patience(all)) == 1) {
			struct vs_watch *w = event.data.ptr;
			w->ready(w);
		}
	} while (true);
	sources_free(all);
	vs_keeper_count(k, -1, 0);
	return NULL;
}

/* Without a thread. */
static void refuse(struct vs_order *order, int r)
{
	struct vs_keeper *k = order->stack->keeper;

	if (order->kind == VS_ORDER_END) {
		vs_sources_ended(order->stack);
		return;
	}
	if (order->kind == VS_ORDER_REMOVE) {
		vs_iface_stop(order->job->iface);
		(void)vs_job_submit(order->job);
	} else {
		(void)vs_fail(-r, "cannot start a thread for address sources: %s",
			      vs_cause_text(vs_diagnose_limit(-r), -r));
		vs_call_fail(k, order->call, r);
		vs_call_drop(order->call);
		free(order->call);
	}
	vs_sources_order_free(order);
}

void vs_sources_check(struct vs_keeper *k)
{
	pthread_mutex_lock(&k->lock);
	struct vs_sources *all = k->sources;
	bool wanted = all != NULL && !all->started && all->orders != NULL;
	if (wanted)
		all->started = true;
	pthread_mutex_unlock(&k->lock);
	if (!wanted)
		return;
	int r = vs_thread_start(sources_main, all, NULL);
	if (r == 0)
		return;
	pthread_mutex_lock(&k->lock);
	all->started = false;
	pthread_mutex_unlock(&k->lock);
	for (struct vs_order *order = take(all); order != NULL; order = take(all))
		refuse(order, r);
	if (leave(all)) {
		sources_free(all);
		vs_keeper_count(k, -1, 0);
	}
}
