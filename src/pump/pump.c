/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The pump of an interface: frames from its tap to its link and back.
 *
 * One thread each way, so that a network that does not take frames cannot stop those that
 * come from it. Both sleep in poll; an idle interface wakes nobody. A thread that wakes moves
 * all that is there, but at most a burst before it looks again whether it shall end.
 *
 * When the link has died (error, end of file, hang-up of its control connection) the interface
 * loses its carrier and both threads end; nobody polls a dead descriptor.
 */

#include <errno.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/diagnose.h"
#include "base/error.h"
#include "keeper/iface.h"
#include "keeper/isolate.h"
#include "link.h"

#define BURST 64
#define FRAME_MIN 14 /* an Ethernet header */

static void link_died(struct vs_iface *iface)
{
	int off = 0;

	(void)ioctl(iface->tap, TUNSETCARRIER, &off); /* before Linux 5.0 the interface just falls silent */
	vs_iface_stop(iface);
}

/* One burst from the tap. False: the tap or the link is gone. */
static bool pump_out(struct vs_iface *iface, unsigned char *frame)
{
	for (int i = 0; i < BURST; i++) {
		ssize_t n = read(iface->tap, frame, VS_FRAME_MAX);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		int r = iface->link->ops->send(iface->link, frame, (size_t)n);
		if (r < 0 && r != -EAGAIN)
			return false;
	}
	return true;
}

/* One burst from the link. */
static bool pump_in(struct vs_iface *iface, unsigned char *frame)
{
	for (int i = 0; i < BURST; i++) {
		ssize_t n = iface->link->ops->recv(iface->link, frame, VS_FRAME_MAX);
		if (n < 0)
			return false;
		/* Shorter than a header: not a frame. Longer than the buffer: cut, so not one any more. */
		if (n >= FRAME_MIN && n <= VS_FRAME_MAX && write(iface->tap, frame, (size_t)n) < 0 && errno == EBADFD)
			return false;
		if (!iface->link->ops->pending(iface->link))
			return true;
	}
	return true;
}

static void leave_privileges(const struct vs_iface *iface, const char *name)
{
	(void)prctl(PR_SET_NAME, name);
	if (!iface->keeper->in_process)
		(void)vs_isolate_thread(vs_caps_none);
}

static void *out_main(void *arg)
{
	struct vs_iface *iface = arg;
	unsigned char frame[VS_FRAME_MAX];
	struct pollfd p[2] = { { .fd = iface->tap, .events = POLLIN }, { .fd = iface->stop, .events = POLLIN } };
	bool alive = true;

	leave_privileges(iface, "vdestack-out");
	while (alive && !atomic_load(&iface->stopping)) {
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[0].revents & (POLLIN | POLLERR | POLLHUP | POLLNVAL))
			alive = pump_out(iface, frame);
	}
	if (!alive)
		link_died(iface);
	vs_iface_unref(iface);
	return NULL;
}

static void *in_main(void *arg)
{
	struct vs_iface *iface = arg;
	unsigned char frame[VS_FRAME_MAX];
	struct pollfd p[3] = {
		{ .fd = iface->link->data_fd, .events = POLLIN },
		{ .fd = iface->stop, .events = POLLIN },
		{ .fd = iface->link->control_fd, .events = POLLIN | POLLRDHUP },
	};
	bool alive = true;

	leave_privileges(iface, "vdestack-in");
	if (p[2].fd == p[0].fd)
		p[2].fd = -1;
	while (alive && !atomic_load(&iface->stopping)) {
		if (poll(p, 3, -1) < 0)
			continue;
		if (p[0].revents & POLLIN)
			alive = pump_in(iface, frame);
		else if (p[0].revents != 0)
			alive = false;
		if (p[2].revents != 0) /* the control connection is silent: whatever comes is its end */
			alive = false;
	}
	if (!alive)
		link_died(iface);
	vs_iface_unref(iface);
	return NULL;
}

int vs_pump_start(struct vs_iface *iface)
{
	static void *(*const mains[])(void *) = { out_main, in_main };

	for (int i = 0; i < 2; i++) {
		vs_iface_ref(iface);
		int r = vs_thread_start(mains[i], iface, NULL);
		if (r < 0) {
			vs_iface_unref(iface);
			vs_iface_stop(iface); /* ends the other one, if it runs */
			return vs_fail(-r, "cannot start the pump of interface %s: %s", iface->name,
				       vs_cause_text(vs_diagnose_limit(-r), -r));
		}
	}
	return 0;
}
