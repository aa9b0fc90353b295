/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Pumps that share threads: frames pass, in order, whatever thread moves them, and none stops another one.
 */

#include <sched.h>

#include "pump/places.h"
#include "pump/rx.h"
#include "pump/tx.h"
#include "shared_bench.h"

static atomic_bool no_memory; /* for buffers */

struct vs_rx *__real_vs_rx_new(struct vs_pump *pump);
struct vs_rx *__wrap_vs_rx_new(struct vs_pump *pump);
struct vs_tx *__real_vs_tx_new(struct vs_pump *pump);
struct vs_tx *__wrap_vs_tx_new(struct vs_pump *pump);

struct vs_rx *__wrap_vs_rx_new(struct vs_pump *pump)
{
	return no_memory ? NULL : __real_vs_rx_new(pump);
}

struct vs_tx *__wrap_vs_tx_new(struct vs_pump *pump)
{
	return no_memory ? NULL : __real_vs_tx_new(pump);
}

/* ------------------------------------------------------------------ cases */

/* More than a shared thread puts up with. */
static void be_busy(struct one *p)
{
	for (int i = 0; i < 400; i++)
		frames_pass(p);
}

static unsigned processors(void)
{
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	return (unsigned)CPU_COUNT(&set);
}

static void many_pumps_have_no_more_threads_than_processors(void **state)
{
	(void)state;
	for (int i = 0; i < PUMPS; i++)
		frames_pass(start_pump());
	unsigned n = vs_shared_threads(shared);
	assert_true(n >= 1 && n <= processors());
	assert_true(threads() <= threads_before + (int)n);
	for (unsigned i = 0; i < n_all; i++)
		frames_pass(&all[i]);
}

static void the_last_pump_ends_the_threads_and_the_next_one_starts_one(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		frames_pass(start_pump());
		stop_all();
		assert_true(happens(no_thread_is_left));
		assert_int_equal(vs_shared_threads(shared), 0);
	}
}

static void a_busy_pump_gets_a_thread_and_gives_it_up_when_it_is_idle(void **state)
{
	struct one *busy = start_pump(), *other = start_pump();
	bool had_one = false;

	(void)state;
	frames_pass(other);
	assert_true(one_thread());
	for (int i = 0; i < 1000 && !had_one; i++) {
		be_busy(busy);
		had_one = threads() > threads_before + 1;
	}
	assert_true(had_one);
	assert_true(happens(one_thread));
	frames_pass(busy);
	frames_pass(other);
}

static void frames_keep_their_order_from_thread_to_thread(void **state)
{
	struct one *p = start_pump();
	uint32_t expected = 0;

	(void)state;
	(void)start_pump();
	for (int i = 0; i < 3; i++) {
		for (int n = 0; n < 2000; n++) { /* a few are under way all the time */
			send_frame(p);
			if (n % 4 == 3)
				while (expected + 1 < p->sent)
					expect_frame(p, expected++);
		}
		while (expected < p->sent)
			expect_frame(p, expected++);
		assert_true(happens(one_thread)); /* it is back on the shared one */
	}
}

static void a_pump_whose_link_has_no_room_stops_no_other_one(void **state)
{
	struct one *full = start_pump(), *other = start_pump();

	(void)state;
	frames_pass(full);
	full->full = true;
	send_frame(full);
	for (int i = 0; i < 3; i++) {
		frames_pass(other);
		frame_passes_to_the_device(full); /* nor its own other direction */
	}
	full->full = false;
	expect_frame(full, 1);
	frames_pass(full);
}

static void frames_that_a_link_keeps_come_on_whatever_thread(void **state)
{
	struct one *p = make_pump(), *other = start_pump();
	unsigned char frame[FRAME] = { 0 }, got[200];

	(void)state;
	p->keeps = true;
	memcpy(frame, header, sizeof(header));
	assert_int_equal(vs_pump_start(&p->pump), 0);
	for (uint32_t round = 0; round < 200; round++) {
		for (uint32_t i = 0; i < 8; i++) {
			frame[20] = (unsigned char)i;
			assert_int_equal(write(p->data, frame, sizeof(frame)), sizeof(frame));
		}
		for (uint32_t i = 0; i < 8; i++) {
			await_readable(p->device);
			assert_int_equal(read(p->device, got, sizeof(got)), SUPER);
			assert_int_equal(got[sizeof(struct virtio_net_hdr) + 20], i);
		}
		frames_pass(other);
	}
}

static bool has_dropped(void)
{
	return all[0].pump.stats.tx_dropped > 0;
}

static void a_frame_that_finds_no_room_is_dropped_at_its_time(void **state)
{
	struct one *full = start_pump(), *other = start_pump();

	(void)state;
	full->full = true;
	send_frame(full);
	frames_pass(other);
	assert_true(happens(has_dropped));
	assert_int_equal(full->pump.stats.tx_dropped, 1);
	full->full = false;
	frames_pass(full);
}

static void an_end_that_takes_long_stops_no_other_pump(void **state)
{
	struct one *slow = make_pump(), *other = start_pump();

	(void)state;
	slow->hold = eventfd(0, EFD_CLOEXEC);
	assert_true(slow->hold > 0);
	assert_int_equal(vs_pump_start(&slow->pump), 0);
	frames_pass(slow);
	vs_pump_stop(&slow->pump);
	for (int i = 0; i < 100; i++)
		frames_pass(other);
	assert_int_equal(slow->ended, 0);
	assert_int_equal(eventfd_write(slow->hold, 1), 0);
}

static void without_more_threads_busy_pumps_have_turns_on_the_shared_one(void **state)
{
	struct one *p[4];

	(void)state;
	starts_left = 1;
	for (int i = 0; i < 4; i++)
		p[i] = start_pump();
	for (int i = 0; i < 4; i++)
		be_busy(p[i]);
	assert_true(one_thread());
	p[0]->full = true; /* what waits has a time, also among others */
	send_frame(p[0]);
	be_busy(p[1]);
	p[0]->full = false;
	assert_int_equal(vs_shared_threads(shared), 1);
	stop_all(); /* the ends are on that thread, too */
	assert_int_equal(p[0]->died, 0);
}

static void without_any_thread_the_start_is_a_death_and_an_end(void **state)
{
	struct one *p = make_pump();

	(void)state;
	starts_left = 0;
	assert_int_equal(vs_pump_start(&p->pump), -EAGAIN);
	assert_int_equal(p->died, 1);
	assert_int_equal(p->ended, 1);
}

static bool first_has_ended(void)
{
	return all[0].ended == 1;
}

static struct one *forgetful;

static bool both_frames_are_lost(void)
{
	return forgetful->pump.stats.rx_dropped == 1 && forgetful->pump.stats.tx_dropped == 1;
}

static void without_memory_frames_are_lost_and_the_link_stays(void **state)
{
	unsigned char frame[FRAME] = { 0 };

	(void)state;
	forgetful = start_pump();
	no_memory = true;
	send_frame(forgetful);
	assert_int_equal(write(forgetful->data, frame, sizeof(frame)), sizeof(frame));
	assert_true(happens(both_frames_are_lost));
	no_memory = false;
	frames_pass(forgetful);
	assert_int_equal(forgetful->died, 0);
}

static void a_link_that_hangs_up_ends_its_pump_alone(void **state)
{
	struct one *p = start_pump(), *other = start_pump();

	(void)state;
	frames_pass(p);
	vs_close(vs_steal_fd(&p->control));
	assert_true(happens(first_has_ended));
	assert_int_equal(p->died, 1);
	frames_pass(other);
	assert_int_equal(other->ended, 0);
}

static void a_dropped_device_with_a_copy_elsewhere_disturbs_nobody(void **state)
{
	struct one *p = start_pump(), *other = start_pump();
	int copy = dup(p->pump.device.fd);

	(void)state;
	assert_true(copy >= 0);
	frames_pass(p);
	vs_pump_stop(&p->pump);
	vs_pump_drop_device(&p->pump);
	send_frame(p); /* the epoll set may have the copy still */
	assert_true(happens(first_has_ended));
	struct one *next = start_pump();
	for (int i = 0; i < 50; i++) {
		frames_pass(other);
		frames_pass(next);
	}
	close(copy);
}

static void *stop_some(void *arg)
{
	for (unsigned i = 0; i < 20; i++)
		vs_pump_stop(&((struct one *)arg)[i].pump);
	return NULL;
}

static void pumps_that_start_and_stop_at_the_same_time_end_once(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		pthread_t stopper;
		for (unsigned i = 0; i < 40; i++)
			(void)make_pump();
		for (unsigned i = 0; i < 20; i++)
			assert_int_equal(vs_pump_start(&all[i].pump), 0);
		assert_int_equal(pthread_create(&stopper, NULL, stop_some, all), 0);
		for (unsigned i = 20; i < 40; i++)
			assert_int_equal(vs_pump_start(&all[i].pump), 0);
		for (unsigned i = 20; i < 40; i++)
			send_frame(&all[i]);
		assert_int_equal(pthread_join(stopper, NULL), 0);
		stop_all();
		drop_pumps();
	}
}

static void places_that_are_used_again_have_other_data(void **state)
{
	struct vs_places places;
	struct vs_mover *movers = (struct vs_mover *)(void *)all;
	unsigned which;

	(void)state;
	vs_places_init(&places);
	assert_null(vs_places_find(&places, 0, &which));
	for (int i = 0; i < 100; i++)
		assert_int_equal(vs_places_add(&places, movers), i);
	uint64_t data = vs_places_data(&places, 7, 3);
	assert_ptr_equal(vs_places_find(&places, data, &which), movers);
	assert_int_equal(which, 3);
	vs_places_remove(&places, 7);
	assert_null(vs_places_find(&places, data, &which));
	assert_int_equal(vs_places_add(&places, movers), 7);
	assert_null(vs_places_find(&places, data, &which));
	assert_ptr_equal(vs_places_find(&places, vs_places_data(&places, 7, 0), &which), movers);
	assert_null(vs_places_find(&places, UINT64_MAX, &which));
	vs_places_free(&places);
}

static const struct CMUnitTest tests[] = {
	CASE_OF(many_pumps_have_no_more_threads_than_processors),
	CASE_OF(the_last_pump_ends_the_threads_and_the_next_one_starts_one),
	CASE_OF(a_busy_pump_gets_a_thread_and_gives_it_up_when_it_is_idle),
	CASE_OF(frames_keep_their_order_from_thread_to_thread),
	CASE_OF(a_pump_whose_link_has_no_room_stops_no_other_one),
	CASE_OF(frames_that_a_link_keeps_come_on_whatever_thread),
	CASE_OF(a_frame_that_finds_no_room_is_dropped_at_its_time),
	CASE_OF(an_end_that_takes_long_stops_no_other_pump),
	CASE_OF(without_more_threads_busy_pumps_have_turns_on_the_shared_one),
	CASE_OF(without_any_thread_the_start_is_a_death_and_an_end),
	CASE_OF(without_memory_frames_are_lost_and_the_link_stays),
	CASE_OF(a_link_that_hangs_up_ends_its_pump_alone),
	CASE_OF(a_dropped_device_with_a_copy_elsewhere_disturbs_nobody),
	CASE_OF(pumps_that_start_and_stop_at_the_same_time_end_once),
	CASE_OF(places_that_are_used_again_have_other_data),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
