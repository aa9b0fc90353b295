/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How an interface outlives its network.
 *
 *             link dies                    last pump thread has ended
 *     up ───────────────────▶ ending ─────────────────────────────▶ waiting ◀──────────┐
 *      ▲   (carrier off)                (old link closed)              │ due           │ failed
 *      │                                                               ▼               │
 *      └────────────────────── link opened, pump started ────────── opening ───────────┘
 *                                     (carrier on)
 *
 * Each arrow is taken by one thread: the pump thread that notices; the last of the pump threads, found
 * by a count; the keeper's main thread, which has a list of those that wait and starts a job when one
 * is due; the job. So the link belongs to the pump while it is up, and to the one who is on the way
 * otherwise, and nobody else looks at it. A plugin that never answers keeps its job, which the main
 * thread nudges; the next attempt comes when that job has ended, so there is one at a time.
 *
 * Deletion comes at any moment. It never waits: it marks the interface, and whoever is on the way lets
 * go of it at the next arrow. Waiting interfaces are held by the list, and deletion wakes the main
 * thread to look.
 *
 * The stack sees an interface without carrier; addresses, routes and connections stay, and what is sent
 * meanwhile is lost as on a pulled cable. Carrier is on when the network is there and no order has
 * cut it; the lock of the interface's carrier keeps the two from crossing.
 *
 * A port's carrier (see port.c) takes privileges that pump threads do not have; there the main thread
 * takes it and tells.
 *
 * A stream (=command) cannot be had again: its command is the program's, which may not even live.
 */

#include "relink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include <vdestack/events.h>

#include "base/backoff.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "events.h"
#include "iface.h"
#include "keeper.h"
#include "port.h"
#include "pump/link.h"

/* ------------------------------------------------------------------ carrier */

/* The carrier's lock is held. */
static int apply_carrier_locked(struct vs_iface *iface)
{
	int on = iface->joined && !iface->cut;

	if (atomic_load(&iface->by_packet))
		return vs_port_carrier(iface, on);
	if (iface->tap >= 0)
		(void)ioctl(iface->tap, TUNSETCARRIER, &on); /* before Linux 5.0 the interface just falls silent */
	return 0;
}

static void set_joined(struct vs_iface *iface, bool joined)
{
	pthread_mutex_lock(&iface->carrier_lock);
	iface->joined = joined;
	(void)apply_carrier_locked(iface);
	pthread_mutex_unlock(&iface->carrier_lock);
}

void vs_carrier_refresh(struct vs_iface *iface)
{
	pthread_mutex_lock(&iface->carrier_lock);
	if (iface->cut || !iface->joined)
		(void)apply_carrier_locked(iface);
	pthread_mutex_unlock(&iface->carrier_lock);
}

int vs_carrier_order(struct vs_iface *iface, bool on)
{
	int r = 0;

	pthread_mutex_lock(&iface->carrier_lock);
	bool changes = iface->cut == on;
	if (changes && iface->on_segment)
		r = vs_segment_cut(iface, !on);
	if (r == 0) {
		iface->cut = !on;
		r = apply_carrier_locked(iface);
		if (r < 0)
			iface->cut = on;
	}
	pthread_mutex_unlock(&iface->carrier_lock);
	if (r == 0 && changes)
		vs_events_tell(iface->events, on ? VDESTACK_EVENT_CARRIER_RESTORED : VDESTACK_EVENT_CARRIER_CUT, iface->name, 0, 0);
	return r;
}

/* ------------------------------------------------------------------ the way down */

static void tell_death(struct vs_iface *iface, int err)
{
	set_joined(iface, false);
	vs_events_tell(iface->events, VDESTACK_EVENT_LINK_DOWN, iface->name, err, 0);
}

/* The carrier of a port is not the pump thread's to take. */
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
 * Under the keeper's lock, which it lets go of meanwhile. When it is back nobody is on that list, so
 * whoever waits to be on its way up again has been told to be down.
 */
static void take_carriers_locked(struct vs_keeper *k)
{
	struct vs_iface *iface;

	while ((iface = k->died) != NULL) {
		k->died = iface->next_died;
		pthread_mutex_unlock(&k->lock);
		tell_death(iface, iface->died_of);
		vs_iface_unref(iface);
		pthread_mutex_lock(&k->lock);
	}
}

void vs_relink_died(struct vs_iface *iface, int err)
{
	if (atomic_exchange(&iface->link_dead, true))
		return; /* the other thread has noticed too */
	if (atomic_load(&iface->by_packet))
		leave_to_main(iface, err);
	else
		tell_death(iface, err);
	(void)eventfd_write(iface->stop, 1); /* for the other thread */
}

static void wait_for_turn(struct vs_iface *iface)
{
	struct vs_keeper *k = iface->keeper;
	uint32_t random = 0;

	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK); /* without it all wait alike */
	iface->due_ms = vs_now_ms() + vs_backoff_ms(iface->attempts, random);
	vs_iface_ref(iface); /* the list's */
	pthread_mutex_lock(&k->lock);
	iface->next_waiting = k->waiting;
	k->waiting = iface;
	vs_keeper_wake(k);
	pthread_mutex_unlock(&k->lock);
}

void vs_relink_pump_ended(struct vs_iface *iface)
{
	uint64_t ignored;

	if (atomic_fetch_sub(&iface->pumps, 1) != 1 || !atomic_load(&iface->link_dead))
		return;
	vs_link_close(vs_steal_ptr(iface->link)); /* at once: what it has in a switch's folder keeps the next switch out */
	if (!iface->comes_back)
		return;
	(void)!read(iface->stop, &ignored, sizeof(ignored));
	/* Whoever deletes marks first and writes then: one of the two is seen, here or by the next pump. */
	if (atomic_load(&iface->stopping))
		return;
	/* A network that is left as soon as it is joined is no better than one that is not there. */
	iface->attempts = vs_now_ms() - iface->joined_ms > VS_BACKOFF_MOST_MS ? 0 : iface->attempts + 1;
	wait_for_turn(iface);
}

bool vs_relink_may_heal(int err)
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

void vs_relink_absent(struct vs_iface *iface)
{
	set_joined(iface, false);
}

void vs_relink_later(struct vs_iface *iface, int err)
{
	if (atomic_load(&iface->stopping))
		return;
	vs_link_close(vs_steal_ptr(iface->link));
	set_joined(iface, false);
	vs_events_tell(iface->events, VDESTACK_EVENT_LINK_RETRY, iface->name, err, ++iface->attempts);
	wait_for_turn(iface);
}

/* ------------------------------------------------------------------ the way up */

void vs_relink_done(struct vs_iface *iface)
{
	iface->joined_ms = vs_now_ms();
	set_joined(iface, true);
	vs_events_tell(iface->events, VDESTACK_EVENT_LINK_UP, iface->name, 0, 0);
}

/* A call like the one that added the interface, which nobody waits for. */
static struct vs_call *call_again(const struct vs_iface *iface)
{
	struct vs_call *call = vs_call_new();

	if (call == NULL)
		return NULL;
	call->req.op = VS_OP_ADD;
	call->req.iface = iface->want;
	call->text_len = strlen(iface->vnl);
	memcpy(call->text, iface->vnl, call->text_len + 1);
	for (int i = 0; i < 4; i++)
		call->msg.fds[i] = -1;
	call->msg.fds[1] = iface->root >= 0 ? fcntl(iface->root, F_DUPFD_CLOEXEC, 3) : -1;
	call->msg.fds[2] = iface->cwd >= 0 ? fcntl(iface->cwd, F_DUPFD_CLOEXEC, 3) : -1;
	call->msg.n_fds = 3;
	return call;
}

/* Takes the list's use of the interface. */
static void start_attempt(struct vs_keeper *k, struct vs_iface *iface)
{
	struct vs_call *call = call_again(iface);
	struct vs_job *job = call != NULL ? vs_job_new(k, VS_JOB_REOPEN_LINK, iface, call) : NULL;

	if (job == NULL) {
		if (call != NULL)
			vs_call_drop(call);
		free(call);
		vs_relink_later(iface, ENOMEM);
	} else {
		atomic_store(&iface->link_dead, false);
		(void)vs_job_submit(job);
	}
	vs_iface_unref(iface);
}

int vs_relink_check(struct vs_keeper *k)
{
	struct vs_iface *due = NULL, *iface;
	int next = -1;

	pthread_mutex_lock(&k->lock);
	take_carriers_locked(k);
	for (struct vs_iface **at = &k->waiting; (iface = *at) != NULL;) {
		int left = vs_left_ms(iface->due_ms);
		if (left > 0 && !atomic_load(&iface->stopping)) {
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
		if (atomic_load(&iface->stopping))
			vs_iface_unref(iface);
		else
			start_attempt(k, iface);
	}
	return next;
}
