/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Watches of a pump: who gets which frames, and threads that come and go while frames pass. */

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "pump/link.h"
#include "pump/pump.h"
#include "unit.h"

#define MOST 16 /* watches of a pump */

struct watch {
	struct vs_watcher w; /* first */
	unsigned frames, rx, ended; /* written with the lock of the set held */
	size_t bytes;
};

static void frame_passes(struct vs_watcher *w, bool rx, const struct iovec *iov, int n, size_t len,
			 int64_t time_ns)
{
	struct watch *watch = (struct watch *)w;

	(void)iov;
	(void)n;
	(void)time_ns;
	watch->frames++;
	watch->rx += rx;
	watch->bytes += len;
}

static void ended(struct vs_watcher *w)
{
	((struct watch *)w)->ended++;
}

#define NEW_WATCH { .w = { .frame = frame_passes, .ended = ended } }

static void nothing(struct vs_pump *pump)
{
	(void)pump;
}

static void died(struct vs_pump *pump, int err)
{
	(void)pump;
	(void)err;
}

static const struct vs_pump_callbacks callbacks = { .died = died, .device_gone = nothing, .ended = nothing };

/* Not started: the case stands for its threads. */
static void pump_new(struct vs_pump *pump)
{
	memset(pump, 0, sizeof(*pump));
	assert_int_equal(vs_pump_init(pump, &callbacks, "vde0"), 0);
	pump->device.fd = -1;
}

static void pass_frames(struct vs_pump *pump)
{
	static char bytes[] = "a frame of thirty-two bytes ....";
	struct vs_watchers *set = vs_watchers_of(&pump->watchers);
	struct iovec iov = { bytes, 32 };

	if (set != NULL)
		vs_watchers_rx(set, &iov, 1);
}

/* ------------------------------------------------------------------ cases */

static void a_watch_gets_frames_from_its_begin_to_its_end(void **state)
{
	struct watch one = NEW_WATCH, two = NEW_WATCH;
	struct vs_pump pump;

	(void)state;
	pump_new(&pump);
	assert_int_equal(vs_watcher_join(&pump, &one.w), 0);
	assert_int_equal(vs_watcher_join(&pump, &two.w), 0);
	pass_frames(&pump);
	assert_int_equal(vs_watcher_begin(&one.w), 0);
	pass_frames(&pump);
	assert_int_equal(vs_watcher_begin(&two.w), 0);
	pass_frames(&pump);
	vs_watcher_leave(&one.w);
	pass_frames(&pump);
	assert_int_equal(one.frames, 2);
	assert_int_equal(one.rx, 2);
	assert_int_equal(one.bytes, 64);
	assert_int_equal(two.frames, 2);
	vs_watcher_leave(&two.w);
	vs_watcher_leave(&two.w); /* once more does nothing */
	pass_frames(&pump);
	assert_int_equal(one.ended + two.ended, 0);
	vs_pump_free(&pump);
}

static void there_are_sixteen_at_most_and_one_that_left_makes_room(void **state)
{
	struct watch w[MOST + 1];
	struct vs_pump pump;

	(void)state;
	pump_new(&pump);
	for (int i = 0; i <= MOST; i++) {
		w[i] = (struct watch)NEW_WATCH;
		assert_int_equal(vs_watcher_join(&pump, &w[i].w), 0);
		assert_int_equal(vs_watcher_begin(&w[i].w), i < MOST ? 0 : -EBUSY);
	}
	pass_frames(&pump);
	assert_int_equal(w[MOST].frames, 0);
	vs_watcher_leave(&w[3].w);
	assert_int_equal(vs_watcher_begin(&w[MOST].w), 0);
	pass_frames(&pump);
	assert_int_equal(w[MOST].frames, 1);
	assert_int_equal(w[3].frames, 1);
	for (int i = 0; i <= MOST; i++)
		vs_watcher_leave(&w[i].w);
	vs_pump_free(&pump);
}

static void frames_are_kept_away_while_one_isolates(void **state)
{
	struct watch one = NEW_WATCH, two = NEW_WATCH;
	struct vs_pump pump;

	(void)state;
	one.w.isolates = two.w.isolates = true;
	pump_new(&pump);
	assert_int_equal(vs_watcher_join(&pump, &one.w), 0);
	assert_int_equal(vs_watcher_join(&pump, &two.w), 0);
	struct vs_watchers *set = vs_watchers_of(&pump.watchers);
	assert_false(vs_watchers_isolated(set));
	assert_int_equal(vs_watcher_begin(&one.w), 0);
	assert_int_equal(vs_watcher_begin(&two.w), 0);
	vs_watcher_leave(&one.w);
	assert_true(vs_watchers_isolated(set));
	vs_watcher_leave(&two.w);
	assert_false(vs_watchers_isolated(set));
	vs_pump_free(&pump);
}

static void the_end_of_the_pump_is_told_once(void **state)
{
	struct watch one = NEW_WATCH, late = NEW_WATCH;
	struct vs_pump pump;

	(void)state;
	pump_new(&pump);
	assert_int_equal(vs_watcher_join(&pump, &one.w), 0);
	assert_int_equal(vs_watcher_join(&pump, &late.w), 0);
	assert_int_equal(vs_watcher_begin(&one.w), 0);
	vs_pump_stop(&pump);
	pass_frames(&pump);
	assert_int_equal(one.ended, 1);
	assert_int_equal(one.frames, 0);
	assert_int_equal(vs_watcher_begin(&late.w), -ENODEV);
	assert_int_equal(vs_watcher_deliver(&one.w, "frame", 5), -ENODEV);
	vs_pump_free(&pump);
	assert_int_equal(one.ended + late.ended, 1);
	vs_watcher_leave(&one.w); /* the set outlives the pump */
	vs_watcher_leave(&late.w);
}

/* ------------------------------------------------------------------ threads */

#define ROUNDS 2000

static struct {
	struct vs_pump pump;
	atomic_bool stop;
} shared;

static void *pass_until_stopped(void *arg)
{
	(void)arg;
	while (!atomic_load(&shared.stop)) {
		pass_frames(&shared.pump);
		(void)sched_yield();
	}
	return NULL;
}

static void *come_and_go(void *arg)
{
	struct watch *sum = arg;

	for (int i = 0; i < ROUNDS; i++) {
		struct watch w = NEW_WATCH;
		int r = vs_watcher_join(&shared.pump, &w.w);
		if (r == 0)
			r = vs_watcher_begin(&w.w);
		if (r != 0 && r != -ENODEV)
			abort(); /* cmocka's checks belong to its own thread */
		if (i % 8 == 0)
			(void)sched_yield();
		vs_watcher_leave(&w.w);
		sum->frames += w.frames; /* nobody writes to it any more */
		sum->ended += w.ended;
	}
	return NULL;
}

/* stop_early: the pump stops meanwhile. */
static void run_threads(bool stop_early)
{
	pthread_t threads[5];
	struct watch sums[3] = { NEW_WATCH, NEW_WATCH, NEW_WATCH };

	pump_new(&shared.pump);
	atomic_store(&shared.stop, false);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, pass_until_stopped, NULL), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[2 + i], NULL, come_and_go, &sums[i]), 0);
	if (stop_early)
		vs_pump_stop(&shared.pump);
	for (int i = 2; i < 5; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	atomic_store(&shared.stop, true);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	struct vs_watchers *set = vs_watchers_of(&shared.pump.watchers);
	assert_non_null(set);
	assert_false(vs_watchers_isolated(set));
	for (int i = 0; !stop_early && i < 3; i++)
		assert_int_equal(sums[i].ended, 0);
	vs_pump_free(&shared.pump);
}

static void watches_come_and_go_while_frames_pass(void **state)
{
	(void)state;
	run_threads(false);
}

static void a_pump_stops_while_watches_come_and_go(void **state)
{
	(void)state;
	run_threads(true);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_watch_gets_frames_from_its_begin_to_its_end),
	cmocka_unit_test(there_are_sixteen_at_most_and_one_that_left_makes_room),
	cmocka_unit_test(frames_are_kept_away_while_one_isolates),
	cmocka_unit_test(the_end_of_the_pump_is_told_once),
	cmocka_unit_test(watches_come_and_go_while_frames_pass),
	cmocka_unit_test(a_pump_stops_while_watches_come_and_go),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
