/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How an interface outlives its network.
 *
 *             link dies                    the pump has ended
 *     up ───────────────────▶ ending ─────────────────────────────▶ waiting ◀──────────┐
 *      ▲   (carrier off)                (old link closed)              │ due           │ failed
 *      │                                                               ▼               │
 *      └────────────────────── link opened, pump started ────────── opening ───────────┘
 *                                     (carrier on)
 *
 * One thread makes each transition: the pump thread that finds the link dead; the last thread of the
 * pump; the keeper's main thread, which has a list of waiting interfaces and starts a job when one is
 * due; the job. So the link belongs to the pump while it runs, then to the thread that makes the
 * next transition, and no other thread uses it. A plugin that never answers keeps its job, which the main
 * thread interrupts. The next attempt starts after that job has ended: there is one at a time.
 *
 * An interface may be deleted in any state. Deletion marks the interface, and the thread that makes the next
 * transition drops it. A waiting interface is kept by the list; deletion wakes the main thread, which drops
 * it. A request to remove an interface waits a short time for the end of its pump, and closes the link
 * (vs_iface_unplug()). The end of a stack does not wait.
 *
 * The stack sees an interface without carrier. Addresses, routes and connections stay. What is sent
 * meanwhile is lost, as with a pulled cable.
 *
 * The carrier of a packet device takes privileges that pump threads do not have. There the main thread
 * sets it, and reports LINK_DOWN.
 *
 * A stream (=command) is not reconnected: its command is the program's, and may have ended.
 */

#include "reconnect.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "call.h"
#include "carrier.h"
#include "events.h"
#include "iface.h"
#include "job.h"
#include "keeper.h"
#include "pump/link.h"
#include "wire/messages.h"
#include <vdestack/events.h>

static struct vs_iface *owner(struct vs_pump *pump)
{
	return (struct vs_iface *)(void *)((char *)pump - offsetof(struct vs_iface, pump));
}

/* ------------------------------------------------------------------ the network goes */

static void report_death(struct vs_iface *iface, int err)
{
	vs_carrier_network(iface, false);
	vs_events_tell(iface->events, VDESTACK_EVENT_LINK_DOWN, iface->name, err, 0);
}

/* For an interface whose carrier a pump thread cannot set. */
static void leave_to_main(struct vs_iface *iface, int err)
{
	struct vs_keeper *k = iface->keeper;

	vs_iface_ref(iface); /* the list's */
	pthread_mutex_lock(&k->lock);
	iface->died_of = err;
	iface->next_died = k->died;
	k->died = iface;
	vs_keeper_wake(k);
	pthread_mutex_unlock(&k->lock);
}

/*
 * Reports for the pump threads that could not. Drops the lock meanwhile. `died` is empty on return: every
 * waiting interface has reported LINK_DOWN.
 */
static void report_deaths_locked(struct vs_keeper *k)
{
	struct vs_iface *iface;

	while ((iface = k->died) != NULL) {
		k->died = iface->next_died;
		pthread_mutex_unlock(&k->lock);
		report_death(iface, iface->died_of);
		vs_iface_unref(iface);
		pthread_mutex_lock(&k->lock);
	}
}

static void link_died(struct vs_pump *pump, int err)
{
	struct vs_iface *iface = owner(pump);

	if (iface->kind->carrier_by_main)
		leave_to_main(iface, err);
	else
		report_death(iface, err);
}

static void device_gone(struct vs_pump *pump)
{
	vs_iface_stop(owner(pump));
}

static void wait_for_turn(struct vs_iface *iface)
{
	struct vs_keeper *k = iface->keeper;
	uint32_t random = 0;

	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK); /* without it, all wait for the same time */
	iface->due_ms = vs_now_ms() + vs_backoff_ms(iface->attempts, random);
	vs_iface_ref(iface); /* the list's */
	pthread_mutex_lock(&k->lock);
	iface->next_waiting = k->waiting;
	k->waiting = iface;
	vs_keeper_wake(k);
	pthread_mutex_unlock(&k->lock);
}

/* The link has died, and no thread uses it any more. */
static void go_on_without_link(struct vs_iface *iface)
{
	/* Now: its socket in a switch's directory keeps a new switch from starting. */
	vs_link_close(vs_steal_ptr(iface->pump.link));
	vs_iface_set_link(iface, VS_IFACE_LINK_OPENED);
	if (!iface->reconnects)
		return;
	/* A network that goes right after it came is treated like one that is not there. */
	bool lasted = vs_now_ms() - iface->connected_ms > VS_BACKOFF_MOST_MS;
	iface->attempts = lasted ? 0 : iface->attempts + 1;
	wait_for_turn(iface);
}

/*
 * The interface has been given up. Who removes it closes the link, with privileges that this thread does not
 * have. But only this thread is in the caller's directories, in which the plugin looks for its paths.
 */
static void leave_link(struct vs_iface *iface)
{
	if (iface->root >= 0 || iface->cwd >= 0)
		vs_link_close(vs_steal_ptr(iface->pump.link));
	vs_iface_set_link(iface, VS_IFACE_LINK_LEFT);
}

static void pump_ended(struct vs_pump *pump)
{
	struct vs_iface *iface = owner(pump);

	if (vs_iface_is_stopping(iface))
		leave_link(iface);
	else
		go_on_without_link(iface);
	vs_iface_unref(iface); /* the pump's; the last one closes the link */
}

const struct vs_pump_callbacks vs_reconnect_callbacks = { .died = link_died,
							  .device_gone = device_gone,
							  .ended = pump_ended };

bool vs_reconnect_may_heal(int err)
{
	switch (err) {
	case EPROTONOSUPPORT:
	case ENOTSUP:
	case ENOSYS:
	case ENAMETOOLONG:
	case EMSGSIZE:
	case EINVAL:
	case EPERM:
	case ECANCELED:
		return false;
	default:
		return true;
	}
}

void vs_reconnect_later(struct vs_iface *iface, int err)
{
	if (vs_iface_is_stopping(iface))
		return;
	vs_link_close(vs_steal_ptr(iface->pump.link));
	vs_carrier_network(iface, false);
	vs_events_tell(iface->events, VDESTACK_EVENT_LINK_RETRY, iface->name, err, ++iface->attempts);
	wait_for_turn(iface);
}

/* ------------------------------------------------------------------ the network comes back */

void vs_reconnect_done(struct vs_iface *iface)
{
	iface->connected_ms = vs_now_ms();
	atomic_fetch_add(&iface->reconnected, 1);
	vs_carrier_network(iface, true);
	vs_events_tell(iface->events, VDESTACK_EVENT_LINK_UP, iface->name, 0, 0);
}

/* A call like the one that added the interface. No caller waits for it. */
static struct vs_call *call_again(const struct vs_iface *iface)
{
	struct vs_call *call = vs_call_new();

	if (call == NULL)
		return NULL;
	call->req.op = VS_OP_ADD;
	call->req.iface = iface->want;
	call->text_len = strlen(iface->locator);
	memcpy(call->text, iface->locator, call->text_len + 1);
	for (int i = 0; i < 4; i++)
		call->msg.fds[i] = -1;
	call->msg.fds[1] = iface->root >= 0 ? fcntl(iface->root, F_DUPFD_CLOEXEC, 3) : -1;
	call->msg.fds[2] = iface->cwd >= 0 ? fcntl(iface->cwd, F_DUPFD_CLOEXEC, 3) : -1;
	call->msg.n_fds = 3;
	return call;
}

/* Drops the list's use of the interface. */
static void start_attempt(struct vs_keeper *k, struct vs_iface *iface)
{
	struct vs_call *call = call_again(iface);
	struct vs_job *job = call != NULL ? vs_job_new(k, VS_JOB_REOPEN_LINK, iface, call) : NULL;

	if (job == NULL) {
		if (call != NULL)
			vs_call_drop(call);
		free(call);
		vs_reconnect_later(iface, ENOMEM);
	} else {
		(void)vs_job_submit(job);
	}
	vs_iface_unref(iface);
}

int vs_reconnect_check(struct vs_keeper *k)
{
	struct vs_iface *due = NULL, *iface;
	int next = -1;

	pthread_mutex_lock(&k->lock);
	report_deaths_locked(k);
	for (struct vs_iface **at = &k->waiting; (iface = *at) != NULL;) {
		int left = vs_left_ms(iface->due_ms);
		if (left > 0 && !vs_iface_is_stopping(iface)) {
			next = next < 0 || left < next ? left : next;
			at = &iface->next_waiting;
			continue;
		}
		*at = iface->next_waiting;
		iface->next_waiting = due;
		due = iface;
	}
	pthread_mutex_unlock(&k->lock);
	while ((iface = due) != NULL) {
		due = iface->next_waiting;
		if (vs_iface_is_stopping(iface))
			vs_iface_unref(iface);
		else
			start_attempt(k, iface);
	}
	return next;
}
