/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Events and the carrier: the program's side. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "base/timens.h"
#include "config/config.h"
#include "core/long_call.h"
#include "core/stack.h"
#include "wire/fdmsg.h"
#include <vdestack/events.h>

static int subscribe(struct vdestack *stack)
{
	VS_NO_CANCEL;
	int64_t offset_ns = vs_timens_offset_ns(); /* so that times are those of this process's clock */
	struct vs_long_call call = {
		.req = { .op = VS_OP_EVENTS },
		.text = (char *)&offset_ns,
		.text_len = sizeof(offset_ns),
	};
	int r = vs_stack_ask(stack, &call);

	if (r == -EMFILE)
		return vs_fail(EMFILE,
			       "cannot watch the stack: eight descriptors of its events are open, copies in "
			       "children included, or a limit of descriptors is reached; close some");
	if (r < 0)
		return r;
	if (call.n_got < 1)
		return vs_fail(EPROTO, "cannot watch the stack: the keeper sent no descriptor");
	if (call.got[0] < 3)
		r = vs_fd_raise(&call.got[0], 3);
	if (r == 0 && fcntl(call.got[0], F_SETFL, O_NONBLOCK) < 0)
		r = -errno;
	if (r < 0) {
		vs_close(call.got[0]);
		return vs_fail(-r, "cannot watch the stack: %s", vs_cause_text(vs_diagnose_limit(-r), -r));
	}
	return call.got[0];
}

int vdestack_events(struct vdestack *stack)
{
	return vs_edge(subscribe(stack));
}

/*
 * An end of file means that the keeper has died, unless an event about the end has been read before. Whether
 * it has is kept in the socket, where all processes that share the descriptor find it: in the receive
 * low-water mark, which has no effect on sockets of this kind.
 */
#define ENDED_MARK 2

static bool end_was_read(int fd)
{
	int mark = 0;
	socklen_t len = sizeof(mark);

	return getsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &mark, &len) == 0 && mark == ENDED_MARK;
}

static void note_end(int fd)
{
	int mark = ENDED_MARK;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &mark, sizeof(mark));
}

/* 1: *event is filled; 0: there is none; -errno. */
static int take(int fd, struct vdestack_event *event)
{
	ssize_t n;

	do {
		n = recv(fd, event, sizeof(*event), MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n < 0 && errno != ECONNRESET)
		return errno == EBADF ? -EBADF : -EINVAL;
	if (n > 0 && n != (ssize_t)sizeof(*event))
		return -EINVAL;
	if (n <= 0) {
		if (end_was_read(fd))
			return -EPIPE;
		*event = (struct vdestack_event){ .type = VDESTACK_EVENT_KEEPER_LOST,
						  .time_ns = vs_now_ns() };
	}
	if (event->type == VDESTACK_EVENT_STACK_ENDED || event->type == VDESTACK_EVENT_KEEPER_LOST)
		note_end(fd);
	return 1;
}

/* 1: *event is filled; 0: none came in time; -errno with a message. A cancellation point. */
static int read_event(int fd, struct vdestack_event *event, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t deadline = vs_deadline_ms(timeout_ms);
	int r;

	if (event == NULL)
		return vs_fail(EINVAL, "cannot read an event: the pointer to its record is NULL");
	if (!vs_timeout_valid(timeout_ms))
		return vs_fail(EINVAL,
			       "cannot read an event: the time-out is %d; -1 waits for ever, 0 looks once",
			       timeout_ms);
	while ((r = take(fd, event)) == 0) {
		int left = vs_left_ms(deadline);
		if (left == 0)
			return 0;
		(void)poll(&p, 1, left);
	}
	if (r > 0)
		return r;
	return vs_fail(-r, "cannot read an event: %s",
		       r == -EPIPE ? "the stack has ended, and its last event has been read"
				   : "the descriptor is not one of vdestack_events()");
}

int vdestack_event_read(int fd, struct vdestack_event *event, int timeout_ms)
{
	return vs_edge(read_event(fd, event, timeout_ms));
}

/* ------------------------------------------------------------------ carrier */

static int set_carrier(struct vdestack *stack, const char *ifname, int on)
{
	struct vs_long_call call = { .req = { .op = VS_OP_CARRIER, .arg = { on != 0 } } };

	if (ifname == NULL || !vs_ifname_valid(ifname))
		return vs_fail(EINVAL, "cannot set a carrier: \"%.32s\" is no name of an interface",
			       ifname != NULL ? ifname : "");
	if (vs_keepers_sealed("cannot set a carrier") < 0)
		return -EPERM;
	memcpy(call.req.iface.name, ifname, strlen(ifname));
	int r = vs_stack_ask(stack, &call);
	return r < 0 ? vs_fail_step(-r, "cannot set the carrier of interface %s", ifname) : 0;
}

int vdestack_link_set_carrier(struct vdestack *stack, const char *ifname, int on)
{
	return vs_edge(set_carrier(stack, ifname, on));
}
