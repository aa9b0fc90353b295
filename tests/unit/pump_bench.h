/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UNIT_PUMP_BENCH_H
#define UNIT_PUMP_BENCH_H

/*
 * A pump between two socket pairs, whose other ends the test has: the device is read and written like a tap,
 * the link is a fake. The test's own file has the callbacks and the sending of the link.
 */

#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "pump/link.h"
#include "pump/pump.h"
#include "unit.h"

static struct {
	struct vs_pump pump;
	struct vs_link link;
	int end_seen;              /* eventfd: the pump has ended */
	int device, data, control; /* the other ends; -1: closed */
} o;

/* What the test's own file has. */
static const struct vs_pump_callbacks callbacks;
static int link_send(struct vs_link *link, const struct vs_frame *frames, size_t n, size_t *lost);
static void forget(void); /* what the callbacks have seen, before each pump */

/* To be called by the callback `ended`. */
static void report_end(void)
{
	uint64_t one = 1;

	(void)!write(o.end_seen, &one, sizeof(one)); /* the thread sanitizer does not see eventfd_write() */
}

static int link_recv(struct vs_link *link, struct iovec *frames, size_t n)
{
	size_t got = 0;

	for (ssize_t len; got < n; frames[got++].iov_len = (size_t)len) {
		len = recv(link->data_fd, frames[got].iov_base, frames[got].iov_len, MSG_DONTWAIT);
		if (len <= 0)
			break;
	}
	return (int)got;
}

static void link_close(struct vs_link *link)
{
	close(link->data_fd);
	close(link->control_fd);
}

static const struct vs_link_ops link_ops = { .send = link_send, .recv = link_recv, .close = link_close };

/* one_thread: sending never waits, so the pump has one thread for both directions. */
static void make_link(bool one_thread)
{
	int data[2], control[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, data), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control), 0);
	o.link = (struct vs_link){ .ops = &link_ops,
				   .data_fd = data[0],
				   .control_fd = control[0],
				   .never_waits = one_thread,
				   .frame_max = VS_FRAME_MAX };
	o.data = data[1];
	o.control = control[1];
	o.pump.link = &o.link;
}

static void close_link(void)
{
	vs_link_close(o.pump.link);
	o.pump.link = NULL;
	vs_close(vs_steal_fd(&o.data));
	vs_close(vs_steal_fd(&o.control));
}

static int make_pump(bool one_thread)
{
	int device[2];

	memset(&o, 0, sizeof(o));
	forget();
	o.end_seen = eventfd(0, EFD_CLOEXEC);
	assert_true(o.end_seen >= 0);
	assert_int_equal(vs_pump_init(&o.pump, &callbacks, "vde7"), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, device), 0);
	o.pump.device = (struct vs_device){ .ops = &vs_device_tap, .fd = device[0] };
	o.device = device[1];
	o.pump.keeps_capabilities = true;
	make_link(one_thread);
	return 0;
}

static int with_one_thread(void **state)
{
	(void)state;
	return make_pump(true);
}

static int with_two_threads(void **state)
{
	(void)state;
	return make_pump(false);
}

static int drop_pump(void **state)
{
	(void)state;
	close_link();
	vs_pump_free(&o.pump);
	vs_close(o.device);
	close(o.end_seen);
	return 0;
}

static void await_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, 20000), 1);
}

static void await_end(void)
{
	uint64_t ignored;

	await_readable(o.end_seen);
	assert_int_equal(read(o.end_seen, &ignored, sizeof(ignored)), sizeof(ignored));
}

#endif
