/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A pump whose frames are impaired: threads, times, ends. See pump_bench.h.
 */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "pump/impair.h"
#include "pump/watch.h"
#include "pump_bench.h"

#define DEADLINE_MS 20000
#define MS INT64_C(1000000)
#define VNET sizeof(struct virtio_net_hdr)
#define FRAME 60

static atomic_int died;

static void forget(void)
{
	died = 0;
}

static void link_died(struct vs_pump *pump, int err)
{
	(void)pump;
	(void)err;
	died++;
}

static void device_gone(struct vs_pump *pump)
{
	vs_pump_stop(pump);
}

static void ended(struct vs_pump *pump)
{
	(void)pump;
	report_end();
}

static const struct vs_pump_callbacks callbacks = {
	.died = link_died,
	.device_gone = device_gone,
	.ended = ended,
};

static int link_send(struct vs_link *link, const struct vs_frame *frames, size_t n, size_t *lost)
{
	for (size_t i = 0; i < n; i++) {
		struct msghdr msg = { .msg_iov = (struct iovec *)frames[i].iov,
				      .msg_iovlen = (size_t)frames[i].n_iov };
		*lost += sendmsg(link->data_fd, &msg, MSG_DONTWAIT) < 0;
	}
	return (int)n;
}

static void stop(void)
{
	vs_pump_stop(&o.pump);
	await_end();
}

/* ------------------------------------------------------------------ frames */

static struct vdestack_impairment nothing(void)
{
	return (struct vdestack_impairment){ .size = sizeof(struct vdestack_impairment), .seed = 3 };
}

static void impair(const struct vdestack_impairment *tx, const struct vdestack_impairment *rx)
{
	assert_int_equal(vs_pump_impair(&o.pump, tx, rx), 0);
}

/* The stack sends. Waits while the device has no room. */
static void send_frame(void)
{
	unsigned char super[VNET + FRAME] = { 0 };
	struct pollfd p = { .fd = o.device, .events = POLLOUT };

	while (write(o.device, super, sizeof(super)) < 0) {
		assert_int_equal(errno, EAGAIN);
		assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
	}
}

static void read_one(int fd, size_t len)
{
	unsigned char got[200];

	await_readable(fd);
	assert_int_equal(read(fd, got, sizeof(got)), len);
}

static struct vdestack_impair_stats stats_of(enum vs_direction direction)
{
	struct vdestack_impair_stats tx, rx;

	vs_pump_impaired(&o.pump, NULL, NULL, &tx, &rx);
	return direction == VS_TX ? tx : rx;
}

static void await_seen(enum vs_direction direction, uint64_t n)
{
	int64_t deadline = vs_now_ms() + DEADLINE_MS;

	while (stats_of(direction).seen < n && vs_now_ms() < deadline)
		(void)poll(NULL, 0, 1);
	assert_int_equal(stats_of(direction).seen, n);
}

/* ------------------------------------------------------------------ cases */

static void frames_are_delayed_in_each_direction(void **state)
{
	struct vdestack_impairment tx = nothing(), rx = nothing();
	unsigned char frame[FRAME] = { 0 };

	(void)state;
	tx.delay_ns = 30 * MS;
	rx.delay_ns = 50 * MS;
	assert_int_equal(vs_pump_start(&o.pump), 0);
	impair(&tx, &rx);
	int64_t start = vs_now_ns();
	send_frame();
	assert_int_equal(write(o.data, frame, FRAME), FRAME);
	read_one(o.data, FRAME);
	assert_true(vs_now_ns() - start >= 30 * MS);
	read_one(o.device, VNET + FRAME);
	assert_true(vs_now_ns() - start >= 50 * MS);
	stop();
	assert_int_equal(stats_of(VS_TX).passed, 1);
	assert_int_equal(stats_of(VS_RX).passed, 1);
	assert_int_equal(o.pump.stats.tx_frames, 1);
}

static void one_direction_leaves_the_other_as_it_is(void **state)
{
	struct vdestack_impairment tx = nothing();
	unsigned char frame[FRAME] = { 0 };

	(void)state;
	tx.cut = 1;
	assert_int_equal(vs_pump_start(&o.pump), 0);
	impair(&tx, NULL);
	send_frame();
	assert_int_equal(write(o.data, frame, FRAME), FRAME);
	read_one(o.device, VNET + FRAME);
	await_seen(VS_TX, 1);
	assert_int_equal(stats_of(VS_TX).cut, 1);
	assert_int_equal(stats_of(VS_RX).seen, 0);
	assert_null(atomic_load(&o.pump.impaired[VS_RX]));
	stop();
	assert_int_equal(o.pump.stats.tx_frames, 0);
}

static void after_its_end_frames_go_past_it_behind_those_that_wait(void **state)
{
	struct vdestack_impairment tx = nothing(), none = nothing();

	(void)state;
	tx.delay_ns = 50 * MS;
	assert_int_equal(vs_pump_start(&o.pump), 0);
	impair(&tx, NULL);
	send_frame();
	await_seen(VS_TX, 1);
	impair(&none, NULL);
	read_one(o.data, FRAME);
	/* The thread clears it when it has sent the last frame. */
	for (int i = 0; i < DEADLINE_MS && atomic_load(&o.pump.impaired[VS_TX]) != NULL; i++)
		(void)poll(NULL, 0, 1);
	assert_null(atomic_load(&o.pump.impaired[VS_TX]));
	send_frame();
	read_one(o.data, FRAME);
	assert_int_equal(stats_of(VS_TX).seen, 1);
	stop();
}

static void the_device_is_read_while_frames_wait_for_the_rate(void **state)
{
	struct vdestack_impairment tx = nothing();

	(void)state;
	tx.rate = 8000;
	tx.queue_bytes = 10 * FRAME;
	assert_int_equal(vs_pump_start(&o.pump), 0);
	impair(&tx, NULL);
	for (int i = 0; i < 2000; i++) /* more than the device holds */
		send_frame();
	await_seen(VS_TX, 2000);
	assert_true(stats_of(VS_TX).overflowed > 1900);
	stop();
	assert_int_equal(stats_of(VS_TX).waiting, 0);
}

static void frames_under_way_are_cut_with_the_link_and_settings_stay(void **state)
{
	struct vdestack_impairment tx = nothing(), got;

	(void)state;
	tx.delay_ns = 3600 * INT64_C(1000000000);
	assert_int_equal(vs_pump_start(&o.pump), 0);
	impair(&tx, NULL);
	send_frame();
	await_seen(VS_TX, 1);
	assert_int_equal(stats_of(VS_TX).waiting, 1);
	vs_close(vs_steal_fd(&o.control));
	await_end();
	assert_int_equal(died, 1);
	assert_int_equal(stats_of(VS_TX).cut, 1);
	assert_int_equal(stats_of(VS_TX).waiting, 0);
	close_link();
	make_link(true);
	assert_int_equal(vs_pump_start(&o.pump), 0);
	vs_pump_impaired(&o.pump, &got, NULL, NULL, NULL);
	assert_int_equal(got.delay_ns, tx.delay_ns);
	send_frame();
	await_seen(VS_TX, 2);
	stop();
	assert_int_equal(stats_of(VS_TX).cut, 2);
}

static void settings_hold_from_the_start_if_they_came_before_it(void **state)
{
	struct vdestack_impairment rx = nothing();
	unsigned char frame[FRAME] = { 0 };

	(void)state;
	rx.loss = 1;
	impair(NULL, &rx);
	assert_int_equal(vs_pump_start(&o.pump), 0);
	assert_int_equal(write(o.data, frame, FRAME), FRAME);
	await_seen(VS_RX, 1);
	assert_int_equal(stats_of(VS_RX).lost, 1);
	stop();
}

static void an_interface_without_carrier_takes_no_delayed_frames(void **state)
{
	struct vdestack_impairment rx = nothing();
	unsigned char frame[FRAME] = { 0 }, got[200];

	(void)state;
	rx.delay_ns = 50 * MS;
	impair(NULL, &rx);
	assert_int_equal(vs_pump_start(&o.pump), 0);
	assert_int_equal(write(o.data, frame, FRAME), FRAME);
	await_seen(VS_RX, 1);
	atomic_store(&o.pump.cut, true);
	for (int i = 0; i < DEADLINE_MS && stats_of(VS_RX).waiting > 0; i++)
		(void)poll(NULL, 0, 1);
	stop();
	assert_int_equal(o.pump.stats.rx_dropped, 1);
	assert_int_equal(recv(o.device, got, sizeof(got), MSG_DONTWAIT), -1);
}

static void wrong_values_change_nothing_in_either_direction(void **state)
{
	struct vdestack_impairment tx = nothing(), rx = nothing(), got;

	(void)state;
	tx.delay_ns = MS;
	rx.loss = 2;
	assert_int_equal(vs_pump_impair(&o.pump, &tx, &rx), -EINVAL);
	assert_int_equal(vs_pump_impair(&o.pump, &rx, &tx), -EINVAL);
	vs_pump_impaired(&o.pump, &got, NULL, NULL, NULL);
	assert_int_equal(got.delay_ns, 0);
	assert_null(atomic_load(&o.pump.impaired[VS_TX]));
}

static void a_seed_that_was_not_given_is_chosen_and_reported(void **state)
{
	struct vdestack_impairment tx = nothing(), one, two;

	(void)state;
	tx.seed = 0;
	tx.loss = 0.5;
	impair(&tx, &tx);
	vs_pump_impaired(&o.pump, &one, &two, NULL, NULL);
	assert_true(one.seed != 0 && two.seed != 0 && one.seed != two.seed);
}

/* ------------------------------------------------------------------ changes under traffic */

static atomic_bool over;

static void *change(void *arg)
{
	struct vdestack_impairment s = nothing(), none = nothing();

	(void)arg;
	for (unsigned i = 0; !atomic_load(&over); i++) {
		s.delay_ns = i % 3 * 100000;
		s.jitter_ns = i % 5 * 20000;
		s.duplicate = i % 7 / 10.0;
		s.rate = i % 4 == 0 ? 100000000 : 0;
		(void)vs_pump_impair(&o.pump, i % 6 == 0 ? &none : &s, i % 11 == 0 ? &none : &s);
		(void)stats_of(VS_TX);
		(void)poll(NULL, 0, i % 8 == 0);
	}
	(void)vs_pump_impair(&o.pump, &none, &none);
	return NULL;
}

static void drain(int fd)
{
	unsigned char got[200];

	while (recv(fd, got, sizeof(got), MSG_DONTWAIT) > 0)
		;
}

static bool is_accounted(const struct vdestack_impair_stats *s)
{
	return s->seen + s->duplicated == s->passed + s->cut + s->blackholed + s->lost + s->overflowed +
						  s->marked + s->no_memory + s->waiting;
}

static void changes_under_traffic_lose_no_frame_uncounted(void **state)
{
	unsigned char frame[FRAME] = { 0 };
	pthread_t threads[2];

	(void)state;
	atomic_store(&over, false);
	assert_int_equal(vs_pump_start(&o.pump), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, change, NULL), 0);
	for (int i = 0; i < 5000; i++) {
		send_frame();
		(void)send(o.data, frame, FRAME, MSG_DONTWAIT);
		drain(o.device);
		drain(o.data);
	}
	atomic_store(&over, true);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	stop();
	struct vdestack_impair_stats tx = stats_of(VS_TX), rx = stats_of(VS_RX);
	assert_true(is_accounted(&tx) && is_accounted(&rx));
	assert_int_equal(tx.waiting + rx.waiting, 0);
	assert_true(tx.passed > 0 && rx.passed > 0);
}

/* ------------------------------------------------------------------ a link that dies all the time */

struct watch {
	struct vs_watcher watcher; /* first */
	uint64_t frames;           /* written with the lock of the watchers held */
	atomic_bool ended;
};

static void frame_passes(struct vs_watcher *w, bool rx, const struct iovec *iov, int n, size_t len,
			 int64_t time_ns)
{
	(void)rx;
	(void)iov;
	(void)n;
	(void)len;
	(void)time_ns;
	((struct watch *)w)->frames++;
}

static void watch_ended(struct vs_watcher *w)
{
	atomic_store(&((struct watch *)w)->ended, true);
}

static void *keep_watching(void *arg)
{
	static const unsigned char frame[FRAME];

	(void)arg;
	for (unsigned i = 0; !atomic_load(&over); i++) {
		struct watch w = { .watcher = { .frame = frame_passes,
						.ended = watch_ended,
						.isolates = i % 4 == 0 } };
		if (vs_watcher_join(&o.pump, &w.watcher) < 0)
			continue;
		bool began = vs_watcher_begin(&w.watcher) == 0;
		for (unsigned k = 0; began && k < i % 3; k++)
			(void)vs_watcher_deliver(&w.watcher, frame, sizeof(frame));
		(void)poll(NULL, 0, i % 2);
		vs_watcher_leave(&w.watcher);
	}
	return NULL;
}

static void settings_and_watches_change_while_the_threads_end(bool one_thread)
{
	static const unsigned char frame[FRAME];
	pthread_t threads[4];

	atomic_store(&over, false);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, i < 2 ? change : keep_watching, NULL), 0);
	for (int round = 0; round < 100; round++) {
		assert_int_equal(vs_pump_start(&o.pump), 0);
		for (int i = 0; i < 20; i++) {
			send_frame();
			(void)send(o.data, frame, FRAME, MSG_DONTWAIT);
			drain(o.device);
			drain(o.data);
		}
		vs_close(vs_steal_fd(&o.control));
		await_end();
		close_link();
		make_link(one_thread);
	}
	assert_int_equal(vs_pump_start(&o.pump), 0);
	stop(); /* while they watch */
	atomic_store(&over, true);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	struct vdestack_impair_stats tx = stats_of(VS_TX), rx = stats_of(VS_RX);
	assert_true(is_accounted(&tx) && is_accounted(&rx));
	assert_int_equal(tx.waiting + rx.waiting, 0);
}

static void settings_and_watches_change_while_one_thread_ends(void **state)
{
	(void)state;
	settings_and_watches_change_while_the_threads_end(true);
}

static void settings_and_watches_change_while_two_threads_end(void **state)
{
	(void)state;
	settings_and_watches_change_while_the_threads_end(false);
}

#define ONE(name) { "one_thread_" #name, name, with_one_thread, drop_pump, NULL }
#define TWO(name) { "two_threads_" #name, name, with_two_threads, drop_pump, NULL }
#define BOTH(name) ONE(name), TWO(name)

static const struct CMUnitTest tests[] = {
	BOTH(frames_are_delayed_in_each_direction),
	BOTH(one_direction_leaves_the_other_as_it_is),
	BOTH(after_its_end_frames_go_past_it_behind_those_that_wait),
	BOTH(the_device_is_read_while_frames_wait_for_the_rate),
	BOTH(frames_under_way_are_cut_with_the_link_and_settings_stay),
	BOTH(settings_hold_from_the_start_if_they_came_before_it),
	BOTH(an_interface_without_carrier_takes_no_delayed_frames),
	ONE(wrong_values_change_nothing_in_either_direction),
	ONE(a_seed_that_was_not_given_is_chosen_and_reported),
	BOTH(changes_under_traffic_lose_no_frame_uncounted),
	ONE(settings_and_watches_change_while_one_thread_ends),
	TWO(settings_and_watches_change_while_two_threads_end),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
