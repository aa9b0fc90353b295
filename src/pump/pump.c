/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The threads of a pump. See pump.h for its states, and for who owns what.
 *
 * Which threads:
 *
 *  - A shared one for both directions (shared.c), if the link never waits and poll(2) shows when it has room
 *    (a datagram socket), and the owner has threads to share. With both directions on one thread each frame
 *    takes one wake-up less, and most of a round trip is wake-ups. A tx direction that is blocked is one more
 *    descriptor to poll, while rx goes on.
 *  - The same with a thread of its own, if there are none to share, or none can be started.
 *  - Two of its own, one for each direction, if sending may wait (a plugin's link; a stream amid a frame).
 *    A network that takes no frames then cannot stop those that come from it, nor other pumps.
 *
 * turns.c says what such a thread does, mover.c what it does for one pump. An idle pump wakes no task.
 * A thread moves at most one batch in each direction before it checks the state.
 *
 * Memory is touched only by traffic: a pump that has carried no frame lately has none.
 */

#include "pump.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "base/thread.h"
#include "containers.h"
#include "impaired.h"
#include "link.h"
#include "mover.h"
#include "shared.h"
#include "turns.h"

/* ------------------------------------------------------------------ states */

static bool change_state(struct vs_pump *pump, enum vs_pump_state from, enum vs_pump_state to)
{
	int expected = from;

	return atomic_compare_exchange_strong(&pump->state, &expected, to);
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

/* The last action of a mover, on the thread that it was on or another one. */
static void mover_done(struct vs_mover *w)
{
	struct vs_pump *pump = w->pump;

	if (w->state == VS_MOVER_NO_DEVICE)
		pump->callbacks->device_gone(pump);
	else if (w->state == VS_MOVER_DEAD)
		link_died(pump, w->err);
	vs_mover_free(w);
	thread_ended(pump);
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
	vs_shared_close(pump->shared, vs_steal_fd(&pump->device.fd));
	vs_close(vs_steal_fd(&pump->wake));
	vs_impaired_free(pump);
	vs_containers_free(pump);
}

static int start_own_thread(const struct vs_pump *pump, struct vs_mover *w)
{
	struct vs_turns *t = vs_turns_new(NULL, false, pump->keeps_capabilities);
	int r = t == NULL ? -ENOMEM : vs_turns_add(t, w);

	if (r == 0)
		r = vs_thread_start(vs_turns_main, t, NULL);
	if (r < 0)
		vs_turns_free(t);
	return r;
}

/* A thread for one direction or both: a shared one, or one of its own. */
static int start_thread(struct vs_pump *pump, bool tx, bool rx)
{
	struct vs_mover *w = vs_mover_new(pump, tx, rx);
	int r = -EAGAIN;

	if (w == NULL)
		return -ENOMEM;
	w->done = mover_done;
	if (pump->shared != NULL && pump->link->never_waits)
		r = vs_shared_add(pump->shared, w);
	if (r < 0)
		r = start_own_thread(pump, w);
	if (r < 0)
		vs_mover_free(w);
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
