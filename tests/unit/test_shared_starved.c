/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Pumps that share a thread, when something runs out: epoll watches, threads, room on a link for all segments
 * of a super-frame. The other pumps of that thread go on.
 */

#include <sys/epoll.h>

#include "frames.h"
#include "shared_bench.h"

static atomic_bool no_watch; /* no descriptor can be added to an epoll set */

int __real_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event);

int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
	if (no_watch && op == EPOLL_CTL_ADD) {
		errno = ENOSPC;
		return -1;
	}
	return __real_epoll_ctl(epoll, op, fd, event);
}

/* ------------------------------------------------------------------ epoll watches */

static void a_pump_that_a_shared_thread_cannot_wait_for_gets_a_thread_of_its_own(void **state)
{
	struct one *other = start_pump();

	(void)state;
	frames_pass(other);
	no_watch = true;
	struct one *p = start_pump();
	for (int i = 0; i < 2; i++) { /* not busy */
		frames_pass(p);
		frames_pass(other);
	}
	assert_int_equal(threads(), threads_before + 2);
	assert_int_equal(vs_shared_threads(shared), 1);
	no_watch = false;
	assert_true(happens(one_thread)); /* it comes back */
	frames_pass(p);
	frames_pass(other);
	assert_int_equal(p->died, 0);
	assert_int_equal(other->died, 0);
}

static bool second_has_ended(void)
{
	return all[1].ended == 1;
}

static void without_that_thread_too_its_link_alone_is_given_up(void **state)
{
	struct one *other = start_pump();

	(void)state;
	frames_pass(other);
	no_watch = true;
	starts_left = 0;
	struct one *p = start_pump();
	assert_true(happens(second_has_ended));
	assert_int_equal(p->died, 1);
	no_watch = false;
	for (int i = 0; i < 20; i++)
		frames_pass(other);
	assert_int_equal(other->died, 0);
}

/* ------------------------------------------------------------------ long super-frames */

#define SEGMENT 8
#define SEGMENTS 700 /* more than two batches */

static const struct frame tcp = { .payload = SEGMENT * SEGMENTS, .flags = 0x10, .partial = true };

static void send_long_super(const struct one *p)
{
	static uint8_t super[sizeof(struct virtio_net_hdr) + SEGMENT * SEGMENTS + 200];
	struct virtio_net_hdr vnet = frame_vnet(&tcp, SEGMENT);

	memcpy(super, &vnet, sizeof(vnet));
	ssize_t len = (ssize_t)(sizeof(vnet) + frame_make(&tcp, super + sizeof(vnet)));
	assert_int_equal(write(p->device, super, (size_t)len), len);
}

static void expect_segments(const struct one *p)
{
	uint8_t expected[200], got[200];

	for (size_t i = 0; i < SEGMENTS; i++) {
		struct frame f = frame_segment(&tcp, SEGMENT, i);
		size_t len = frame_make(&f, expected);
		await_readable(p->data);
		assert_int_equal(read(p->data, got, sizeof(got)), len);
		assert_memory_equal(got, expected, len);
	}
}

static void a_super_frame_of_many_segments_waits_and_stops_no_other_pump(void **state)
{
	struct one *p = start_pump(), *other = start_pump();

	(void)state;
	frames_pass(p);
	for (int i = 0; i < 3; i++) {
		send_long_super(p); /* the test reads nothing: the socket has room for a few */
		await_readable(p->data);
		frames_pass(other);
		frame_passes_to_the_device(p); /* nor its own other direction */
		expect_segments(p);
	}
	assert_int_equal(p->pump.stats.tx_dropped, 0);
	frames_pass(p);
	assert_int_equal(p->pump.stats.tx_frames, 2 + 3 * SEGMENTS);
}

static bool the_rest_is_dropped(void)
{
	return all[0].pump.stats.tx_dropped == SEGMENTS;
}

static void all_of_it_is_dropped_when_its_time_is_over(void **state)
{
	struct one *p = start_pump(), *other = start_pump();

	(void)state;
	p->full = true;
	send_long_super(p);
	frames_pass(other);
	assert_true(happens(the_rest_is_dropped));
	p->full = false;
	frames_pass(p);
	assert_int_equal(p->pump.stats.tx_frames, 1);
}

static void a_stop_amid_a_super_frame_ends_the_pump(void **state)
{
	struct one *p = start_pump();

	(void)state;
	send_long_super(p);
	await_readable(p->data);
	stop_all();
	assert_int_equal(p->died, 0);
}

static const struct CMUnitTest tests[] = {
	CASE_OF(a_pump_that_a_shared_thread_cannot_wait_for_gets_a_thread_of_its_own),
	CASE_OF(without_that_thread_too_its_link_alone_is_given_up),
	CASE_OF(a_super_frame_of_many_segments_waits_and_stops_no_other_pump),
	CASE_OF(all_of_it_is_dropped_when_its_time_is_over),
	CASE_OF(a_stop_amid_a_super_frame_ends_the_pump),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
