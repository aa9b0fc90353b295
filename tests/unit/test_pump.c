/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A pump and its owner: what is reported, how often, and in which order. The device is a socket pair, which
 * is read and written like a tap. The link is a fake.
 */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "pump/link.h"
#include "pump/pump.h"
#include "unit.h"

#define DEADLINE_MS 10000

/* The owner, and what was reported to it. */
static struct {
	struct vs_pump pump;
	atomic_int died, err, gone, ended;
	atomic_bool died_after_end;
	int end_seen; /* eventfd: `ended` */
	int device, data, control; /* the other ends; -1: closed */
	atomic_int starts_left;    /* threads that can still be started; -1: any number */
	int hold; /* eventfd: sending waits for it, then the link is dead; 0: it does not wait */
	int held; /* eventfd: sending waits */
} o;

int __real_vs_thread_start(void *(*fn)(void *), void *arg, pthread_t *id);
int __wrap_vs_thread_start(void *(*fn)(void *), void *arg, pthread_t *id);

int __wrap_vs_thread_start(void *(*fn)(void *), void *arg, pthread_t *id)
{
	if (o.starts_left == 0)
		return -EAGAIN;
	if (o.starts_left > 0)
		o.starts_left--;
	return __real_vs_thread_start(fn, arg, id);
}

static void link_died(struct vs_pump *pump, int err)
{
	assert_ptr_equal(pump, &o.pump);
	o.err = err;
	if (o.ended != o.died) /* of the links before */
		o.died_after_end = true;
	o.died++;
}

static void device_gone(struct vs_pump *pump)
{
	o.gone++;
	vs_pump_stop(pump);
}

static void ended(struct vs_pump *pump)
{
	uint64_t one = 1;

	(void)pump;
	o.ended++;
	(void)!write(o.end_seen, &one, sizeof(one));
}

static const struct vs_pump_callbacks callbacks = {
	.died = link_died,
	.device_gone = device_gone,
	.ended = ended,
};

/* ------------------------------------------------------------------ the link */

static int link_send(struct vs_link *link, const struct vs_frame *frames, size_t n, size_t *lost)
{
	eventfd_t ignored;

	if (o.hold > 0) {
		(void)eventfd_write(o.held, 1);
		(void)eventfd_read(o.hold, &ignored);
		return -EPIPE;
	}
	for (size_t i = 0; i < n; i++)
		*lost += writev(link->data_fd, frames[i].iov, frames[i].n_iov) < 0;
	return (int)n;
}

static int link_recv(struct vs_link *link, struct iovec *frames, size_t n)
{
	size_t got = 0;
	ssize_t len;

	for (; got < n; frames[got++].iov_len = (size_t)len) {
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
static struct vs_link fake;

static void make_link(bool one_thread)
{
	int data[2], control[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, data), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control), 0);
	fake = (struct vs_link){ .ops = &link_ops,
				   .data_fd = data[0],
				   .control_fd = control[0],
				   .never_waits = one_thread,
				   .frame_max = VS_FRAME_MAX };
	o.data = data[1];
	o.control = control[1];
	o.pump.link = &fake;
}

static void close_link(void)
{
	vs_link_close(o.pump.link);
	o.pump.link = NULL;
	vs_close(vs_steal_fd(&o.data));
	vs_close(vs_steal_fd(&o.control));
}

/* ------------------------------------------------------------------ the owner */

static int make_pump(bool one_thread)
{
	int device[2];

	memset(&o, 0, sizeof(o));
	o.starts_left = -1;
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

static void await_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
}

static void await_end(void)
{
	uint64_t ignored;

	await_readable(o.end_seen);
	assert_int_equal(read(o.end_seen, &ignored, sizeof(ignored)), sizeof(ignored));
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

static void start(void)
{
	assert_int_equal(vs_pump_start(&o.pump), 0);
}

/* ------------------------------------------------------------------ cases */

static void frames_pass(void)
{
	unsigned char frame[60] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5 };
	unsigned char super[sizeof(struct virtio_net_hdr) + sizeof(frame)] = { 0 }, got[200];

	memcpy(super + sizeof(struct virtio_net_hdr), frame, sizeof(frame));
	assert_int_equal(write(o.device, super, sizeof(super)), sizeof(super));
	await_readable(o.data);
	assert_int_equal(read(o.data, got, sizeof(got)), sizeof(frame));
	assert_memory_equal(got, frame, sizeof(frame));
	assert_int_equal(write(o.data, frame, sizeof(frame)), sizeof(frame));
	await_readable(o.device);
	assert_int_equal(read(o.device, got, sizeof(got)), sizeof(super));
	assert_memory_equal(got, super, sizeof(super));
}

static void frames_pass_in_both_directions(void **state)
{
	(void)state;
	start();
	frames_pass();
	assert_int_equal(o.pump.stats.rx_frames, 1);
	vs_pump_stop(&o.pump);
	await_end();
	assert_int_equal(o.pump.stats.tx_frames, 1);
}

static void a_link_that_hangs_up_is_reported_once_and_then_the_end(void **state)
{
	(void)state;
	start();
	vs_close(vs_steal_fd(&o.control));
	await_end();
	assert_int_equal(o.died, 1);
	assert_int_equal(o.err, 0);
	assert_int_equal(o.ended, 1);
	assert_false(o.died_after_end);
	assert_false(vs_pump_is_stopped(&o.pump));
}

static bool has_died(void)
{
	for (int i = 0; i < DEADLINE_MS && o.died == 0; i++)
		(void)poll(NULL, 0, 1);
	return o.died > 0;
}

/* One thread finds that the link has hung up while the other one sends. */
static void a_link_that_dies_in_both_directions_is_reported_once(void **state)
{
	unsigned char super[sizeof(struct virtio_net_hdr) + 60] = { 0 };

	(void)state;
	o.hold = eventfd(0, EFD_CLOEXEC);
	o.held = eventfd(0, EFD_CLOEXEC);
	assert_true(o.hold > 0 && o.held > 0);
	start();
	assert_int_equal(write(o.device, super, sizeof(super)), sizeof(super));
	await_readable(o.held);
	vs_close(vs_steal_fd(&o.control));
	assert_true(has_died());
	assert_int_equal(eventfd_write(o.hold, 1), 0);
	await_end();
	assert_int_equal(o.died, 1);
	assert_int_equal(o.ended, 1);
	close(o.hold);
	close(o.held);
}

static void after_a_death_it_starts_again(void **state)
{
	(void)state;
	for (int i = 1; i <= 20; i++) {
		start();
		frames_pass();
		vs_close(vs_steal_fd(&o.control));
		await_end();
		assert_int_equal(o.died, i);
		assert_int_equal(o.ended, i);
		close_link();
		make_link(i % 2 == 0);
	}
	assert_false(o.died_after_end);
}

static void a_stop_ends_all_threads_and_reports_no_death(void **state)
{
	(void)state;
	start();
	vs_pump_stop(&o.pump);
	vs_pump_stop(&o.pump);
	await_end();
	assert_int_equal(o.died, 0);
	assert_int_equal(o.ended, 1);
	assert_true(vs_pump_is_stopped(&o.pump));
}

static void a_stopped_pump_ends_as_soon_as_it_starts(void **state)
{
	(void)state;
	vs_pump_stop(&o.pump);
	start();
	await_end();
	assert_int_equal(o.died, 0);
	assert_int_equal(o.ended, 1);
}

static void a_stop_during_a_death_is_not_lost(void **state)
{
	(void)state;
	for (int i = 1; i <= 200; i++) {
		start();
		vs_close(vs_steal_fd(&o.control));
		vs_pump_stop(&o.pump);
		await_end();
		assert_int_equal(o.ended, 1);
		assert_true(vs_pump_is_stopped(&o.pump));
		start(); /* as a job may do that has not seen the stop */
		await_end();
		(void)drop_pump(NULL);
		(void)make_pump(i % 2 == 0);
	}
}

static ssize_t read_from_nothing(const struct vs_device *device, unsigned char *room, struct vs_super *super)
{
	(void)device;
	(void)room;
	(void)super;
	return -EBADFD;
}

static void a_device_that_is_gone_is_reported_and_no_death(void **state)
{
	static const struct vs_device_ops ops = { .read = read_from_nothing, .write = vs_device_writev };

	(void)state;
	o.pump.device.ops = &ops;
	start();
	assert_int_equal(write(o.device, "", 1), 1);
	await_end();
	assert_int_equal(o.gone, 1);
	assert_int_equal(o.died, 0);
	assert_int_equal(o.ended, 1);
}

static void fail_to_start(int threads)
{
	o.starts_left = threads;
	assert_int_equal(vs_pump_start(&o.pump), -EAGAIN);
	await_end();
	assert_int_equal(o.died, 1);
	assert_int_equal(o.err, EAGAIN);
	assert_int_equal(o.ended, 1);
	assert_false(o.died_after_end);
}

static void a_start_without_threads_is_a_death_and_an_end(void **state)
{
	(void)state;
	fail_to_start(0);
}

static void a_start_of_half_a_pump_is_a_death_and_an_end(void **state)
{
	(void)state;
	fail_to_start(1);
}

static void a_dropped_device_closes_at_once(void **state)
{
	char byte;

	(void)state;
	start();
	vs_pump_drop_device(&o.pump);
	assert_int_equal(recv(o.device, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(send(o.device, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL), -1);
	assert_int_equal(errno, ECONNREFUSED); /* the other end is closed */
	vs_pump_stop(&o.pump);
	await_end();
	assert_int_equal(o.ended, 1);
}

#define ONE(name) { "one_thread_" #name, name, with_one_thread, drop_pump, NULL }
#define TWO(name) { "two_threads_" #name, name, with_two_threads, drop_pump, NULL }
#define BOTH(name) ONE(name), TWO(name)

static const struct CMUnitTest tests[] = {
	BOTH(frames_pass_in_both_directions),
	BOTH(a_link_that_hangs_up_is_reported_once_and_then_the_end),
	TWO(a_link_that_dies_in_both_directions_is_reported_once),
	BOTH(after_a_death_it_starts_again),
	BOTH(a_stop_ends_all_threads_and_reports_no_death),
	BOTH(a_stopped_pump_ends_as_soon_as_it_starts),
	BOTH(a_stop_during_a_death_is_not_lost),
	BOTH(a_device_that_is_gone_is_reported_and_no_death),
	BOTH(a_start_without_threads_is_a_death_and_an_end),
	TWO(a_start_of_half_a_pump_is_a_death_and_an_end),
	BOTH(a_dropped_device_closes_at_once),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
