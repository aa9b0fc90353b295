/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Jobs: what may take long, each on a thread of its own that ends with it.
 *
 * Opening a link runs a plugin that may wait for ever (a full vde_switch never answers). The call is answered
 * at its deadline whatever the plugin does. From then on the main thread interrupts the job until it ends;
 * how, the keeper's variant says.
 *
 * A caller that closes its end of the reply channel has given the call up. Then the deadline has passed.
 *
 * States, under the keeper's lock. The thread that makes the transition from WORKING takes the answer: it
 * answers the call. So the call is answered once.
 *
 *     WORKING ──the job's thread is done──▶ FINISHING ──▶ (thread ends, job is freed)
 *        │
 *        └──main thread: deadline, or the stack is deleted──▶ HELD ──answered──▶ LATE ──▶ (the thread ends)
 *           networking thread: the device failed
 *
 *  - While the job is HELD, its thread waits. While the job is LATE, the main thread interrupts its thread
 *    until that ends.
 *  - A job that has opened a link takes the answer before it starts the pump. Without the answer it starts
 *    none: what was reported as failed must not start to work.
 *  - An interface that failed has no device any more when its call is answered. The kernel needs time to
 *    delete a device, so the main thread does that without the keeper's lock, which sockets wait for, too.
 *    That is what HELD is for: until the main thread has finished, the job and what it points to must stay.
 *
 * The device. The job of a stack's first interface starts together with the stack's networking thread: the
 * link is opened, or the segment made, while the kernel makes namespace and tap, which takes as long. They
 * meet before the answer, which carries the stack's door then. A device that the job makes itself needs the
 * namespace, so the job waits for it first. When the networking thread fails it answers, as its error is
 * that of the earlier step; the job stays at least until then.
 */

#include "job.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "base/thread.h"
#include "call.h"
#include "carrier.h"
#include "iface.h"
#include "local.h"
#include "pump/watch.h"
#include "reconnect.h"
#include "rtnl/netdev.h"
#include "segment.h"
#include "variant.h"

#define INTERRUPT_EVERY_MS 50

struct vs_job *vs_job_new(struct vs_keeper *k, enum vs_job_kind kind, struct vs_iface *iface,
			  struct vs_call *call)
{
	struct vs_job *job = calloc(1, sizeof(*job));
	unsigned limit = call->req.timeout_ms != 0 ? call->req.timeout_ms : 5000;

	if (job == NULL)
		return NULL;
	*job = (struct vs_job){ .keeper = k, .kind = kind, .iface = iface, .netlink = -1, .door = -1 };
	job->deadline_ms = limit == VS_WIRE_NO_LIMIT ? INT64_MAX : vs_now_ms() + limit;
	job->call = call;
	vs_locator_parse(call->text, &job->locator);
	vs_iface_ref(iface);
	return job;
}

void vs_job_free(struct vs_job *job)
{
	if (job == NULL)
		return;
	vs_close(job->netlink);
	vs_close(job->door);
	vs_iface_unref(job->iface);
	free(job);
}

/* Takes the answer, if no other thread has. */
static bool take_answer(struct vs_job *job, enum vs_job_state state)
{
	struct vs_keeper *k = job->keeper;

	pthread_mutex_lock(&k->lock);
	bool mine = job->state == VS_JOB_WORKING;
	if (mine)
		job->state = state;
	pthread_mutex_unlock(&k->lock);
	return mine;
}

static bool has_caller(const struct vs_job *job)
{
	return job->kind == VS_JOB_OPEN_LINK && job->call->reply >= 0;
}

/* Until the reply. One event at most: a process that shares the channel may keep it in the set longer. */
static void watch_caller(struct vs_job *job)
{
	struct epoll_event event = { .events = EPOLLONESHOT, .data.u64 = VS_JOB_EVENT };

	if (has_caller(job)) /* if that fails, the job is given up at its deadline */
		(void)epoll_ctl(job->keeper->epoll, EPOLL_CTL_ADD, job->call->reply, &event);
}

static void unwatch_caller(struct vs_job *job)
{
	if (has_caller(job))
		(void)epoll_ctl(job->keeper->epoll, EPOLL_CTL_DEL, job->call->reply, NULL);
}

static void reply(struct vs_job *job, int result)
{
	if (job->kind == VS_JOB_REOPEN_LINK)
		return; /* there is no caller */
	unwatch_caller(job);
	if (result >= 0 && job->door >= 0) {
		int r = vs_call_keep_channel(job->keeper, job->call);
		if (r < 0) {
			vs_close(vs_steal_fd(&job->door)); /* the stack ends */
			result = r;
		}
	}
	vs_call_reply(job->keeper, job->call, result, result < 0 ? vs_message() : NULL, &job->door,
		      result >= 0 && job->door >= 0 ? 1 : 0);
}

/*
 * By the thread that has taken the answer: deletes the device, so that its name is free. Takes the keeper's
 * lock.
 */
static void abandon(struct vs_job *job)
{
	struct vs_keeper *k = job->keeper;
	struct vs_iface *iface = job->iface;

	if (job->kind == VS_JOB_REMOVE || job->kind == VS_JOB_REOPEN_LINK)
		return;
	atomic_store(&iface->failed, true);
	vs_watchers_end(&iface->pump.watchers); /* a wire tap may write to the device */
	(void)iface->kind->leave(iface); /* after that: none is made any more */
	pthread_mutex_lock(&k->lock);
	bool pumping = job->outcome == VS_JOB_PUMPING;
	int device = pumping ? -1 : vs_steal_fd(&iface->pump.device.fd);
	int door = vs_steal_fd(&job->door); /* and with it the stack that this call was to make */
	pthread_mutex_unlock(&k->lock);
	if (pumping) /* a pump thread may use the number */
		vs_pump_drop_device(&iface->pump);
	vs_close(device);
	vs_close(door);
}

/* Returns when the main thread no longer needs what the job holds. */
static void await_release(struct vs_job *job)
{
	struct vs_keeper *k = job->keeper;

	pthread_mutex_lock(&k->lock);
	while (job->state == VS_JOB_HELD)
		pthread_cond_wait(&k->met, &k->lock);
	pthread_mutex_unlock(&k->lock);
}

/* ------------------------------------------------------------------ meeting the device */

void vs_job_device(struct vs_job *job, int r, int device, unsigned offloads, int door)
{
	struct vs_keeper *k = job->keeper;

	bool mine = r < 0 && take_answer(job, VS_JOB_HELD);

	if (mine)
		reply(job, r);
	pthread_mutex_lock(&k->lock);
	if (mine)
		job->state = VS_JOB_LATE;
	if (r == 0 && !atomic_load(&job->iface->failed)) {
		if (job->iface->kind->made_by_job) {
			job->netlink = vs_steal_fd(&device);
		} else {
			job->iface->pump.device.fd = vs_steal_fd(&device);
			job->iface->pump.offloads = offloads;
		}
		job->door = vs_steal_fd(&door);
	}
	job->device = r == 0 ? VS_DEVICE_THERE : VS_DEVICE_FAILED;
	pthread_cond_broadcast(&k->met);
	pthread_mutex_unlock(&k->lock);
	vs_close(device);
	vs_close(door);
}

bool vs_job_await_device(struct vs_job *job)
{
	struct vs_keeper *k = job->keeper;

	pthread_mutex_lock(&k->lock);
	while (job->device == VS_DEVICE_PENDING)
		pthread_cond_wait(&k->met, &k->lock);
	bool there = job->device == VS_DEVICE_THERE;
	pthread_mutex_unlock(&k->lock);
	return there;
}

/* ------------------------------------------------------------------ the work */

static int canceled(const struct vs_iface *iface)
{
	return vs_fail(ECANCELED, "cannot plug interface %s: the stack has been deleted meanwhile",
		       iface->name);
}

#define ABSENT 1 /* what is answered when a network may be, and is, absent */

static bool may_be_absent(const struct vs_job *job, int err)
{
	return job->kind == VS_JOB_OPEN_LINK && job->call->req.iface.allow_absent && job->iface->reconnects &&
	       vs_reconnect_may_heal(err) && !vs_iface_is_stopping(job->iface);
}

/* With link and device the pump starts, if the call is still to be answered. *mine: by this thread. */
static int go_on_with_link(struct vs_job *job, int r, bool *mine)
{
	bool there = vs_job_await_device(job);

	if (r == 0 && vs_iface_is_stopping(job->iface))
		r = canceled(job->iface);
	if (r == 0 && job->door >= 0)
		r = vs_keeper_spare(VS_SPARE_GO_ON);
	*mine = take_answer(job, VS_JOB_FINISHING);
	if (!*mine || !there)
		return r < 0 ? r : -ECANCELED; /* another thread has answered */
	if (r < 0 && may_be_absent(job, -r)) {
		vs_carrier_network(job->iface, false);
		job->outcome = VS_JOB_ABSENT;
		return ABSENT;
	}
	job->outcome = r == 0 ? VS_JOB_PUMPING : VS_JOB_NOTHING;
	/* Reported before the pump starts, which may find at once that the network is gone again. */
	if (r == 0 && job->kind == VS_JOB_REOPEN_LINK)
		vs_reconnect_done(job->iface);
	if (r < 0)
		return r;
	vs_iface_ref(job->iface); /* the pump's, until it has ended */
	vs_iface_set_link(job->iface, VS_IFACE_LINK_PUMPED);
	return vs_pump_start(&job->iface->pump);
}

/* By its other end if it has one: by name, another device of that name might be deleted. */
static int remove_iface(struct vs_job *job)
{
	struct vs_iface *iface = job->iface;
	int r = iface->kind->leave(iface);

	if (r < 0 && job->netlink >= 0 && !vs_iface_device_gone(iface))
		(void)vs_netdev_delete(job->netlink, iface->name); /* before the pump closes the tap */
	return 0;
}

/* On a thread of its own. */
static int remove_and_unplug(struct vs_job *job)
{
	int r = remove_iface(job);

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL); /* it waits with the keeper's lock */
	vs_iface_unplug(job->iface);
	return r;
}

static int plug(struct vs_job *job)
{
	int r = job->door >= 0 ? vs_keeper_spare(VS_SPARE_GO_ON) : 0;

	if (r == 0)
		r = (job->locator.kind == VS_KIND_LOCAL ? vs_local_join : vs_segment_join)(
			job->iface, job->locator.rest, &job->call->req.iface, job->netlink, job->ifindex);
	if (r == 0 && vs_iface_is_stopping(job->iface))
		(void)job->iface->kind->leave(job->iface);
	return r;
}

static bool device_pending(struct vs_job *job)
{
	pthread_mutex_lock(&job->keeper->lock);
	bool pending = job->device == VS_DEVICE_PENDING;
	pthread_mutex_unlock(&job->keeper->lock);
	return pending;
}

static int join_segment(struct vs_job *job)
{
	struct vs_segment *s = NULL;

	/* It is made while the namespace is. */
	if (job->locator.kind == VS_KIND_SEGMENT && device_pending(job))
		s = vs_segment_hold(job->keeper, job->locator.rest);
	int r = vs_job_await_device(job) ? plug(job) : -ECANCELED; /* another thread has answered */
	vs_segment_let_go(job->keeper, s);
	return r;
}

static void unlist(void *arg)
{
	struct vs_job *job = arg;
	struct vs_keeper *k = job->keeper;

	pthread_mutex_lock(&k->lock);
	*job->prev = job->next;
	if (job->next != NULL)
		job->next->prev = job->prev;
	bool again = job->outcome == VS_JOB_ABSENT ||
		     (job->kind == VS_JOB_REOPEN_LINK && job->outcome == VS_JOB_NOTHING);
	vs_keeper_wake(k); /* with the lock held: else a keeper on threads of the program might have ended */
	pthread_mutex_unlock(&k->lock);
	if (again)
		vs_reconnect_later(job->iface, job->result < 0 ? -job->result : ETIMEDOUT);
	vs_call_drop(job->call);
	free(job->call);
	vs_job_free(job);
}

static void can_be_interrupted(struct vs_job *job)
{
	struct vs_keeper *k = job->keeper;

	pthread_mutex_lock(&k->lock);
	job->thread = pthread_self();
	job->tid = (int)gettid();
	job->running = true;
	pthread_mutex_unlock(&k->lock);
}

static void *job_main(void *arg)
{
	static int (*const work[])(struct vs_job *) = {
		[VS_JOB_OPEN_LINK] = vs_job_open_link,
		[VS_JOB_REOPEN_LINK] = vs_job_open_link,
		[VS_JOB_JOIN_SEGMENT] = join_segment,
		[VS_JOB_REMOVE] = remove_and_unplug,
	};
	struct vs_job *job = arg;
	bool mine = false;

	(void)prctl(PR_SET_NAME, "vdestack-job");
	pthread_cleanup_push(unlist, job);
	can_be_interrupted(job);
	job->keeper->variant->accept_interrupts();
	int r = job->result = work[job->kind](job);
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	if (job->kind == VS_JOB_OPEN_LINK || job->kind == VS_JOB_REOPEN_LINK)
		r = go_on_with_link(job, r, &mine);
	else
		mine = take_answer(job, VS_JOB_FINISHING);
	if (!mine)
		await_release(job);
	if (r < 0 && job->kind != VS_JOB_REOPEN_LINK && job->outcome != VS_JOB_ABSENT)
		vs_iface_stop(job->iface);
	if (r < 0 && mine)
		abandon(job);
	if (mine)
		reply(job, r);
	pthread_cleanup_pop(1);
	return NULL;
}

/* ------------------------------------------------------------------ the main thread's part */

int vs_job_submit(struct vs_job *job)
{
	struct vs_keeper *k = job->keeper;

	pthread_mutex_lock(&k->lock);
	job->next = k->submitted;
	k->submitted = job;
	pthread_mutex_unlock(&k->lock);
	vs_keeper_wake(k);
	return 0;
}

static void enlist_locked(struct vs_keeper *k, struct vs_job *job)
{
	job->next = k->jobs;
	job->prev = &k->jobs;
	if (k->jobs != NULL)
		k->jobs->prev = &job->next;
	k->jobs = job;
}

/* Answers for a job that has no thread (-r: why). It is the main thread's alone. */
static void end_without_thread(struct vs_job *job, int r)
{
	bool mine = take_answer(job, VS_JOB_FINISHING);

	abandon(job);
	if (mine && job->kind == VS_JOB_REMOVE)
		reply(job, remove_iface(job)); /* which waits only for the kernel */
	else if (mine)
		reply(job, vs_fail(-r, "cannot start a thread for interface %s: %s", job->iface->name,
				   vs_cause_text(vs_diagnose_limit(-r), -r)));
	(void)vs_job_await_device(job);
	unlist(job);
}

/* The lock is not held while a thread is made: a networking thread begins at the same time, and needs it. */
void vs_jobs_start(struct vs_keeper *k)
{
	pthread_mutex_lock(&k->lock);
	while (k->submitted != NULL) {
		struct vs_job *job = k->submitted;
		k->submitted = job->next;
		enlist_locked(k, job);
		pthread_mutex_unlock(&k->lock);
		watch_caller(job);
		int r = vs_thread_start(job_main, job, NULL); /* the job may be gone from here on */
		if (r < 0)
			end_without_thread(job, r);
		pthread_mutex_lock(&k->lock);
	}
	pthread_mutex_unlock(&k->lock);
}

static void interrupt_locked(struct vs_job *job)
{
	if (job->state == VS_JOB_LATE && job->device != VS_DEVICE_PENDING && job->running)
		job->keeper->variant->interrupt(job->thread, job->tid, job->interrupts++);
}

/* In place of a job that does not end. The keeper's lock is not held. */
static void answer_for(struct vs_job *job)
{
	struct vs_keeper *k = job->keeper;
	struct vs_iface *iface = job->iface;

	pthread_mutex_lock(&k->lock);
	bool goes_on = iface->pump.device.fd >= 0 && !job->caller_gone;
	pthread_mutex_unlock(&k->lock);
	if (may_be_absent(job, ETIMEDOUT) && goes_on) {
		vs_carrier_network(iface, false);
		job->outcome = VS_JOB_ABSENT;
		reply(job, ABSENT);
		return;
	}
	bool deleted = vs_iface_is_stopping(iface); /* asked before abandon(), which may stop it */
	abandon(job);
	reply(job,
	      deleted ? canceled(iface)
		      : vs_fail(ETIMEDOUT,
				"cannot plug interface %s into \"%.200s\": %s, else raise step_timeout_ms",
				iface->name, job->call->text, vs_cause_text(VS_CAUSE_NETWORK_SILENT, 0)));
}

static bool may_wait_for_ever(const struct vs_job *job)
{
	/* The others wait only for the kernel. */
	return job->kind == VS_JOB_OPEN_LINK || job->kind == VS_JOB_REOPEN_LINK;
}

void vs_jobs_hung_up(struct vs_keeper *k)
{
	pthread_mutex_lock(&k->lock);
	for (struct vs_job *job = k->jobs; job != NULL; job = job->next) {
		bool waits = job->state == VS_JOB_WORKING && has_caller(job);
		struct pollfd caller = { .fd = waits ? job->call->reply : -1 };
		if (poll(&caller, 1, 0) > 0 && (caller.revents & POLLHUP))
			job->caller_gone = true;
	}
	pthread_mutex_unlock(&k->lock);
}

int vs_jobs_check(struct vs_keeper *k)
{
	struct vs_job *held = NULL;
	int next = -1;

	pthread_mutex_lock(&k->lock);
	for (struct vs_job *job = k->jobs; job != NULL; job = job->next) {
		if (!may_wait_for_ever(job))
			continue;
		int left = job->caller_gone ? 0 : vs_left_ms(job->deadline_ms);
		if (left == 0 || vs_iface_is_stopping(job->iface)) {
			interrupt_locked(job);
			left = INTERRUPT_EVERY_MS;
			if (job->state == VS_JOB_WORKING) {
				job->state = VS_JOB_HELD;
				job->next_held = held;
				held = job;
			}
		}
		if (next < 0 || left < next)
			next = left;
	}
	pthread_mutex_unlock(&k->lock);
	while (held != NULL) {
		struct vs_job *job = held;
		held = job->next_held;
		answer_for(job);
		pthread_mutex_lock(&k->lock);
		job->state = VS_JOB_LATE;
		interrupt_locked(job);
		pthread_cond_broadcast(&k->met);
		pthread_mutex_unlock(&k->lock);
	}
	return next;
}
