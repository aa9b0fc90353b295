/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The keeper's main loop: the front door, hang-ups, jobs, and the end. */

#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "base/own_socket.h"
#include "call.h"
#include "channel.h"
#include "errand.h"
#include "events.h"
#include "iface.h"
#include "job.h"
#include "listed.h"
#include "local.h"
#include "net.h"
#include "pump/shared.h"
#include "reconnect.h"
#include "regain.h"
#include "side_door.h"
#include "sources.h"
#include "variant.h"
#include "wire/messages.h"

#define SPARE_MAX 32
#define END_MS 400    /* for links to be closed before the keeper ends */
#define FRONT_MOST 64 /* requests that can wait in a front door */

/* The data of two events. Those of channels are larger, see channel.c. */
#define FRONT_EVENT 1
#define WAKE_EVENT 2

/*
 * Whether the highest numbers are free. That is nearly always so, and takes one call for all: poll(2) returns
 * POLLNVAL for each number that is not in use.
 */
static bool highest_are_free(int wanted)
{
	struct pollfd highest[SPARE_MAX];
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < (rlim_t)wanted ||
	    limit.rlim_cur > INT_MAX)
		return false;
	for (int i = 0; i < wanted; i++)
		highest[i] = (struct pollfd){ .fd = (int)limit.rlim_cur - 1 - i };
	int n = poll(highest, (nfds_t)wanted, 0);
	for (int i = 0; i < wanted; i++)
		n -= (highest[i].revents & POLLNVAL) != 0 ? 1 : SPARE_MAX;
	return n == 0;
}

int vs_keeper_spare(int wanted)
{
	int taken[SPARE_MAX], n = 0;

	if (wanted <= SPARE_MAX && highest_are_free(wanted))
		return 0;
	/*
	 * Threads open and close descriptors all the time, so the free numbers have gaps. How many are free
	 * is found only by taking them.
	 */
	while (n < wanted && n < SPARE_MAX &&
	       (taken[n] = n == 0 ? eventfd(0, EFD_CLOEXEC) : fcntl(taken[0], F_DUPFD_CLOEXEC, 0)) >= 0)
		n++;
	int err = n == wanted ? 0 : errno;
	while (n > 0)
		vs_close(taken[--n]);
	return err == 0 ? 0
			: vs_fail(err, "cannot make a stack: %s", vs_cause_text(vs_diagnose_limit(err), err));
}

void vs_keeper_wake(struct vs_keeper *k)
{
	(void)eventfd_write(k->wake, 1); /* fails only with EAGAIN, when the loop is awake already */
}

void vs_keeper_count(struct vs_keeper *k, int stacks, int ifaces)
{
	pthread_mutex_lock(&k->lock);
	k->n_stacks += (unsigned)stacks;
	k->n_ifaces += (unsigned)ifaces;
	/* With the lock held, because the keeper may end as soon as the counts allow it. */
	if (stacks < 0 || ifaces < 0)
		vs_keeper_wake(k);
	pthread_mutex_unlock(&k->lock);
}

void vs_keeper_count_request(struct vs_keeper *k, bool served)
{
	atomic_fetch_add_explicit(&k->counts.requests, 1, memory_order_relaxed);
	if (!served)
		atomic_fetch_add_explicit(&k->counts.refused, 1, memory_order_relaxed);
}

/* Every request is received and answered, also when there is no memory for another one. */
static void serve_front(struct vs_keeper *k)
{
	struct vs_call *call = k->call, *fresh = NULL;
	int r = vs_call_recv(k->front, call, MSG_DONTWAIT);

	bool is_message = r > 0 || r == -EPROTO;
	if (r == 0) {
		vs_close(vs_steal_fd(&k->front));
	} else if (r > 0 && call->req.op == VS_OP_CLAIM && vs_auth_takes_replies(k, call, call->reply)) {
		vs_side_door_claim(k, call);
	} else if (r > 0 && call->req.op == VS_OP_CREATE && vs_auth_takes_replies(k, call, call->reply)) {
		call->refusal = vs_auth_refusal(k, call);
		if (call->refusal != NULL)
			r = vs_fail(EPERM, "cannot make a stack: %s; make stacks before that", call->refusal);
		else if ((fresh = vs_call_new()) == NULL)
			r = vs_fail(ENOMEM, "cannot make a stack: %s",
				    vs_cause_text(VS_CAUSE_MEMORY, ENOMEM));
		else
			r = vs_net_start(k, call);
		if (r == 0) {
			k->call = fresh; /* the networking thread has the old one now */
			vs_keeper_count_request(k, true);
			return;
		}
		vs_call_fail(k, call, r);
		free(fresh);
	} else if (r > 0) {
		r = -EPROTO; /* not answered: another door's, or the channel is not the sender's */
	}
	if (is_message)
		vs_keeper_count_request(k, r != -EPERM && r != -EPROTO);
	vs_call_drop(call);
}

/*
 * Whether the keeper has nothing more to do. Interfaces that are ending get time to close their links: a hub
 * or switch of libvdeplug removes its directory then, and its path can be used again. A plugin may never
 * return, so a keeper process waits for END_MS at most.
 */
static bool finished(struct vs_keeper *k)
{
	pthread_mutex_lock(&k->lock);
	bool unused = k->front < 0 && k->n_stacks == 0, closed = k->n_ifaces == 0;
	pthread_mutex_unlock(&k->lock);
	if (!unused || closed || k->variant->waits_for_interfaces) {
		k->end_ms = 0;
		return unused && closed;
	}
	if (k->end_ms == 0)
		k->end_ms = vs_deadline_ms(END_MS);
	return vs_left_ms(k->end_ms) == 0;
}

static int watch(struct vs_keeper *k, int fd, uint64_t data)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = data };

	return epoll_ctl(k->epoll, EPOLL_CTL_ADD, fd, &event);
}

int vs_keeper_replace_front(struct vs_keeper *k, int fd)
{
	struct pollfd old = { .fd = k->front, .events = POLLIN };

	for (int i = 0; i < FRONT_MOST && k->front >= 0 && poll(&old, 1, 0) > 0; i++)
		serve_front(k);
	if (watch(k, fd, FRONT_EVENT) < 0)
		return -errno;
	if (k->front >= 0) /* processes that have it request another one */
		(void)epoll_ctl(k->epoll, EPOLL_CTL_DEL, k->front, NULL);
	vs_close(k->front);
	k->front = fd;
	return 0;
}

int vs_keeper_begin(struct vs_keeper *k)
{
	vs_own_socket_start();
	k->begun_ms = vs_now_ms();
	k->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (k->wake < 0)
		return -errno;
	k->pumps = vs_shared_new(k->variant->same_credentials);
	return k->pumps == NULL ? -ENOMEM : 0;
}

int vs_keeper_prepare(struct vs_keeper *k)
{
	int r = vs_auth_prepare(k);
	if (r == 0)
		r = vs_auth_watch(k, k->front);
	if (r < 0)
		return r;
	k->id = vs_sock_of(k->front).cookie;
	k->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (k->epoll < 0 || watch(k, k->front, FRONT_EVENT) < 0 ||
	    watch(k, k->wake, WAKE_EVENT) < 0)
		return -errno;
	k->call = vs_call_new();
	return k->call != NULL ? 0 : -ENOMEM;
}

static void serve_event(struct vs_keeper *k, const struct epoll_event *event)
{
	uint64_t ignored;

	if (event->data.u64 == FRONT_EVENT)
		serve_front(k);
	else if (event->data.u64 == WAKE_EVENT)
		(void)!read(k->wake, &ignored, sizeof(ignored));
	else if (event->data.u64 == VS_SIDE_DOOR_EVENT)
		vs_side_door_serve(k);
	else if (event->data.u64 == VS_LISTED_EVENT)
		vs_listed_serve(k);
	else if (event->data.u64 == VS_LOCAL_EVENT)
		vs_local_serve(k);
	else if (event->data.u64 == VS_JOB_EVENT)
		vs_jobs_hung_up(k);
	else if (event->data.u64 < VS_EVENTS_ID_MAX)
		vs_events_look(k, event->data.u64);
	else
		vs_registry_hangup(k, event->data.u64);
}

/* The shorter one of two time-outs; -1 is never. */
static int sooner(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

void vs_keeper_run(struct vs_keeper *k)
{
	struct epoll_event events[16];

	while (!finished(k)) {
		int jobs = sooner(vs_jobs_check(k), vs_regain_check(k)), reserve = vs_net_reserve(k);
		int end = k->end_ms == 0 ? -1 : vs_left_ms(k->end_ms);
		int n = epoll_wait(k->epoll, events, VS_COUNT(events),
				   sooner(sooner(jobs, reserve), sooner(end, vs_reconnect_check(k))));
		for (int i = 0; i < n; i++)
			serve_event(k, &events[i]);
		vs_sources_check(k);
		vs_jobs_start(k);
		vs_errands_start(k);
		vs_listed_check(k);
	}
	vs_listed_end(k);
	vs_local_end(k);
	/* The process ends now. Threads that have not left their segments yet may use the rest until then. */
	if (!k->variant->waits_for_interfaces)
		return;
	vs_registry_drop(k);
	free(k->call);
	vs_close(k->epoll);
	vs_close(k->wake);
	vs_close(k->front);
	vs_close(k->side_door);
	vs_close(k->claims);
	vs_close(k->changes_file);
}
