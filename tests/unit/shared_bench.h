/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UNIT_SHARED_BENCH_H
#define UNIT_SHARED_BENCH_H

/*
 * Pumps that share threads, each between two socket pairs, whose other ends the test has. The program is
 * linked with vs_thread_start wrapped.
 */

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "pump/link.h"
#include "pump/pump.h"
#include "pump/shared.h"
#include "unit.h"

#define DEADLINE_MS 20000
#define PUMPS 150
#define FRAME 60
#define SUPER (sizeof(struct virtio_net_hdr) + FRAME)

struct one {
	struct vs_pump pump;
	struct vs_link link;
	int device, data, control; /* the other ends */
	atomic_bool full;          /* the link takes no frame */
	bool keeps;                /* it returns one frame at a time, and shows the others as kept */
	atomic_int died, ended;
	int hold;                  /* eventfd: the callback `ended` waits for it; 0: it does not wait */
	uint32_t sent;
};

static struct vs_shared *shared;
static struct one all[PUMPS];
static unsigned n_all;
static atomic_int starts_left; /* threads that can still be started; -1: any number */

int __real_vs_thread_start(void *(*fn)(void *), void *arg, pthread_t *id);
int __wrap_vs_thread_start(void *(*fn)(void *), void *arg, pthread_t *id);

int __wrap_vs_thread_start(void *(*fn)(void *), void *arg, pthread_t *id)
{
	if (starts_left == 0)
		return -EAGAIN;
	if (starts_left > 0)
		starts_left--;
	return __real_vs_thread_start(fn, arg, id);
}

/* ------------------------------------------------------------------ the pumps */

static struct one *of(struct vs_pump *pump)
{
	return (struct one *)(void *)pump;
}

static void link_died(struct vs_pump *pump, int err)
{
	(void)err;
	of(pump)->died++;
}

static void device_gone(struct vs_pump *pump)
{
	vs_pump_stop(pump);
}

static void ended(struct vs_pump *pump)
{
	eventfd_t ignored;

	if (of(pump)->hold > 0)
		(void)eventfd_read(of(pump)->hold, &ignored);
	of(pump)->ended++;
}

static const struct vs_pump_callbacks callbacks = {
	.died = link_died,
	.device_gone = device_gone,
	.ended = ended,
};

static int link_send(struct vs_link *link, const struct vs_frame *frames, size_t n, size_t *lost)
{
	const struct one *p = (const struct one *)(const void *)((char *)link - offsetof(struct one, link));
	size_t taken = 0;

	(void)lost;
	while (taken < n && !p->full) {
		struct msghdr m = { .msg_iov = (struct iovec *)frames[taken].iov,
				    .msg_iovlen = (size_t)frames[taken].n_iov };
		if (sendmsg(link->data_fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			break;
		taken++;
	}
	return (int)taken;
}

static int link_recv(struct vs_link *link, struct iovec *frames, size_t n)
{
	const struct one *p = (const struct one *)(const void *)((char *)link - offsetof(struct one, link));
	size_t got = 0, most = p->keeps ? 1 : n;

	for (ssize_t len; got < most; frames[got++].iov_len = (size_t)len) {
		len = recv(link->data_fd, frames[got].iov_base, frames[got].iov_len, MSG_DONTWAIT);
		if (len <= 0)
			break;
	}
	link->more = p->keeps && got > 0;
	return (int)got;
}

static void link_close(struct vs_link *link)
{
	close(link->data_fd);
	close(link->control_fd);
}

static const struct vs_link_ops link_ops = { .send = link_send, .recv = link_recv, .close = link_close };

static struct one *make_pump(void)
{
	int device[2], data[2], control[2];

	assert_true(n_all < PUMPS);
	struct one *p = &all[n_all++];
	memset(p, 0, sizeof(*p));
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, device), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, data), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control), 0);
	assert_int_equal(vs_pump_init(&p->pump, &callbacks, "vde7"), 0);
	p->link = (struct vs_link){ .ops = &link_ops, .data_fd = data[0], .control_fd = control[0],
				    .never_waits = true, .frame_max = VS_FRAME_MAX };
	p->pump.device = (struct vs_device){ .ops = &vs_device_tap, .fd = device[0] };
	p->pump.link = &p->link;
	p->pump.keeps_capabilities = true;
	p->pump.shared = shared;
	p->device = device[1];
	p->data = data[1];
	p->control = control[1];
	return p;
}

static struct one *start_pump(void)
{
	struct one *p = make_pump();

	assert_int_equal(vs_pump_start(&p->pump), 0);
	return p;
}

static bool happens(bool (*what)(void))
{
	for (int i = 0; i < DEADLINE_MS; i++) {
		if (what())
			return true;
		(void)poll(NULL, 0, 1);
	}
	return false;
}

static bool all_ended(void)
{
	for (unsigned i = 0; i < n_all; i++)
		if (all[i].ended == 0)
			return false;
	return true;
}

static void stop_all(void)
{
	for (unsigned i = 0; i < n_all; i++)
		vs_pump_stop(&all[i].pump);
	assert_true(happens(all_ended));
}

static void drop_pumps(void)
{
	for (unsigned i = 0; i < n_all; i++) {
		assert_int_equal(all[i].ended, 1);
		vs_pump_free(&all[i].pump);
		vs_close(all[i].device);
		vs_close(all[i].data);
		vs_close(all[i].control);
		if (all[i].hold > 0)
			close(all[i].hold);
	}
	n_all = 0;
}

static int threads(void)
{
	DIR *d = opendir("/proc/self/task");
	int n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

static int threads_before; /* a sanitizer has some of its own */

static bool no_thread_is_left(void)
{
	return threads() <= threads_before;
}

static void *nothing(void *arg)
{
	return arg;
}

static int set_up(void **state)
{
	pthread_t first;

	(void)state;
	/* With the first thread of a program a sanitizer starts one of its own. */
	assert_int_equal(pthread_create(&first, NULL, nothing, NULL), 0);
	assert_int_equal(pthread_join(first, NULL), 0);
	starts_left = -1;
	n_all = 0;
	threads_before = threads();
	shared = vs_shared_new(true);
	return shared == NULL;
}

static int tear_down(void **state)
{
	(void)state;
	stop_all();
	starts_left = -1;
	assert_true(happens(no_thread_is_left));
	assert_int_equal(vs_shared_threads(shared), 0);
	drop_pumps();
	vs_shared_unref(shared);
	return 0;
}

/* ------------------------------------------------------------------ frames */

static void await_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
}

static const unsigned char header[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5 };

/* With a number behind the header. */
static void send_frame(struct one *p)
{
	unsigned char super[SUPER] = { 0 };

	memcpy(super + sizeof(struct virtio_net_hdr), header, sizeof(header));
	memcpy(super + sizeof(struct virtio_net_hdr) + sizeof(header), &p->sent, sizeof(p->sent));
	p->sent++;
	assert_int_equal(write(p->device, super, sizeof(super)), sizeof(super));
}

static void expect_frame(const struct one *p, uint32_t number)
{
	unsigned char got[200];
	uint32_t value;

	await_readable(p->data);
	assert_int_equal(read(p->data, got, sizeof(got)), FRAME);
	memcpy(&value, got + sizeof(header), sizeof(value));
	assert_int_equal(value, number);
}

static void frame_passes_to_the_device(const struct one *p)
{
	unsigned char frame[FRAME] = { 0 }, got[200];

	memcpy(frame, header, sizeof(header));
	assert_int_equal(write(p->data, frame, sizeof(frame)), sizeof(frame));
	await_readable(p->device);
	assert_int_equal(read(p->device, got, sizeof(got)), SUPER);
	assert_memory_equal(got + sizeof(struct virtio_net_hdr), frame, sizeof(frame));
}

static void frames_pass(struct one *p)
{
	uint32_t number = p->sent;

	send_frame(p);
	expect_frame(p, number);
	frame_passes_to_the_device(p);
}

static bool one_thread(void)
{
	return threads() == threads_before + 1;
}

#define CASE_OF(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
