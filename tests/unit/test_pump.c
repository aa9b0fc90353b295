/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A pump and its owner: what is reported, how often, and in which order. See pump_bench.h.
 */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pump_bench.h"

#define DEADLINE_MS 10000

/* What was reported to the owner, and how the fakes behave. */
static struct {
	atomic_int died, err, gone, ended;
	atomic_bool died_after_end;
	atomic_int starts_left; /* threads that can still be started; -1: any number */
	int hold; /* eventfd: sending waits for it, then the link is dead; 0: it does not wait */
	int held; /* eventfd: sending waits */
} seen;

static void forget(void)
{
	memset(&seen, 0, sizeof(seen));
	seen.starts_left = -1;
}

int __real_vs_thread_start(void *(*fn)(void *), void *arg, pthread_t *id);
int __wrap_vs_thread_start(void *(*fn)(void *), void *arg, pthread_t *id);

int __wrap_vs_thread_start(void *(*fn)(void *), void *arg, pthread_t *id)
{
	if (seen.starts_left == 0)
		return -EAGAIN;
	if (seen.starts_left > 0)
		seen.starts_left--;
	return __real_vs_thread_start(fn, arg, id);
}

static void link_died(struct vs_pump *pump, int err)
{
	assert_ptr_equal(pump, &o.pump);
	seen.err = err;
	if (seen.ended != seen.died) /* of the links before */
		seen.died_after_end = true;
	seen.died++;
}

static void device_gone(struct vs_pump *pump)
{
	seen.gone++;
	vs_pump_stop(pump);
}

static void ended(struct vs_pump *pump)
{
	(void)pump;
	seen.ended++;
	report_end();
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

	if (seen.hold > 0) {
		(void)eventfd_write(seen.held, 1);
		(void)eventfd_read(seen.hold, &ignored);
		return -EPIPE;
	}
	for (size_t i = 0; i < n; i++)
		*lost += writev(link->data_fd, frames[i].iov, frames[i].n_iov) < 0;
	return (int)n;
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
	assert_int_equal(seen.died, 1);
	assert_int_equal(seen.err, 0);
	assert_int_equal(seen.ended, 1);
	assert_false(seen.died_after_end);
	assert_false(vs_pump_is_stopped(&o.pump));
}

static bool has_died(void)
{
	for (int i = 0; i < DEADLINE_MS && seen.died == 0; i++)
		(void)poll(NULL, 0, 1);
	return seen.died > 0;
}

/* One thread finds that the link has hung up while the other one sends. */
static void a_link_that_dies_in_both_directions_is_reported_once(void **state)
{
	unsigned char super[sizeof(struct virtio_net_hdr) + 60] = { 0 };

	(void)state;
	seen.hold = eventfd(0, EFD_CLOEXEC);
	seen.held = eventfd(0, EFD_CLOEXEC);
	assert_true(seen.hold > 0 && seen.held > 0);
	start();
	assert_int_equal(write(o.device, super, sizeof(super)), sizeof(super));
	await_readable(seen.held);
	vs_close(vs_steal_fd(&o.control));
	assert_true(has_died());
	assert_int_equal(eventfd_write(seen.hold, 1), 0);
	await_end();
	assert_int_equal(seen.died, 1);
	assert_int_equal(seen.ended, 1);
	close(seen.hold);
	close(seen.held);
}

static void after_a_death_it_starts_again(void **state)
{
	(void)state;
	for (int i = 1; i <= 20; i++) {
		start();
		frames_pass();
		vs_close(vs_steal_fd(&o.control));
		await_end();
		assert_int_equal(seen.died, i);
		assert_int_equal(seen.ended, i);
		close_link();
		make_link(i % 2 == 0);
	}
	assert_false(seen.died_after_end);
}

static void a_stop_ends_all_threads_and_reports_no_death(void **state)
{
	(void)state;
	start();
	vs_pump_stop(&o.pump);
	vs_pump_stop(&o.pump);
	await_end();
	assert_int_equal(seen.died, 0);
	assert_int_equal(seen.ended, 1);
	assert_true(vs_pump_is_stopped(&o.pump));
}

static void a_stopped_pump_ends_as_soon_as_it_starts(void **state)
{
	(void)state;
	vs_pump_stop(&o.pump);
	start();
	await_end();
	assert_int_equal(seen.died, 0);
	assert_int_equal(seen.ended, 1);
}

static void a_stop_during_a_death_is_not_lost(void **state)
{
	(void)state;
	for (int i = 1; i <= 200; i++) {
		start();
		vs_close(vs_steal_fd(&o.control));
		vs_pump_stop(&o.pump);
		await_end();
		assert_int_equal(seen.ended, 1);
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
	assert_int_equal(seen.gone, 1);
	assert_int_equal(seen.died, 0);
	assert_int_equal(seen.ended, 1);
}

static void fail_to_start(int threads)
{
	seen.starts_left = threads;
	assert_int_equal(vs_pump_start(&o.pump), -EAGAIN);
	await_end();
	assert_int_equal(seen.died, 1);
	assert_int_equal(seen.err, EAGAIN);
	assert_int_equal(seen.ended, 1);
	assert_false(seen.died_after_end);
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
	assert_int_equal(seen.ended, 1);
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
