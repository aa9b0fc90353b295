/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* When a pump polls for the next frame before it sleeps. The time is simulated. */

#include "pump/linger.h"
#include "pump/lone.h"
#include "unit.h"

#define US 1000
#define MS 1000000

/*
 * One attempt at time `now`, with a frame that arrives `after` ns later (-1: never) and polls that take
 * `look` ns each. Returns its duration; 0: there was no attempt.
 */
static int64_t attempt(struct vs_linger *l, int64_t now, int64_t after, int64_t look)
{
	int64_t t = now;
	bool found = false;

	if (!vs_linger_begin(l, t))
		return 0;
	do {
		t += look;
		found = after >= 0 && t >= now + after;
	} while (!found && vs_linger_goes_on(l, t));
	vs_linger_end(l, t, found);
	return t - now;
}

static void polling_continues_while_answers_come_in_time(void **state)
{
	struct vs_linger l = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_in_range(attempt(&l, MS + i * 30 * US, 10 * US, US), 10 * US, 11 * US);
}

/* Frames whose answers take too long: the cost of polling goes to zero. */
static void polling_that_does_not_pay_is_given_up(void **state)
{
	struct vs_linger l = { 0 };
	int64_t cost = 0;
	int tries = 0;

	(void)state;
	for (int64_t now = MS; now < 1000 * (int64_t)MS; now += 100 * US) {
		int64_t took = attempt(&l, now, -1, US);
		assert_true(took <= VS_LINGER_LATE_NS + US);
		cost += took;
		tries += took > 0;
	}
	/* and is tried again, rarely */
	assert_in_range(tries, VS_LINGER_FAILURES + 10, VS_LINGER_FAILURES + 30);
	assert_true(cost < 3 * MS); /* three thousandths of the time */
}

/* All answers are late: after a pause it waits for some of them, and then for a short time only. */
static void answers_that_stay_late_are_given_up(void **state)
{
	struct vs_linger l = { 0 };
	int64_t cost = 0;
	int late = 0;

	(void)state;
	for (int64_t now = MS; now < 1000 * (int64_t)MS; now += 100 * US) {
		int64_t took = attempt(&l, now, 40 * US, US);
		late += took > VS_LINGER_NS + US;
		cost += took;
	}
	assert_true(late > VS_LINGER_LATES); /* it is tried again */
	assert_true(cost < 40 * (int64_t)MS); /* four hundredths of the time */
}

/* What lingering for longer is for: the other threads of the round trip are awake, and answers come soon. */
static void answers_that_come_sooner_then_are_waited_for(void **state)
{
	struct vs_linger l = { 0 };
	int64_t now = MS;

	(void)state;
	for (int i = 0; i < VS_LINGER_LATES - 1; i++, now += 100 * US)
		assert_true(attempt(&l, now, 40 * US, US) >= 40 * US);
	for (int i = 0; i < 1000; i++, now += 50 * US)
		assert_in_range(attempt(&l, now, 10 * US, US), 10 * US, 11 * US);
	/* and a few late ones do not end it */
	for (int i = 0; i < VS_LINGER_LATES - 1; i++, now += 100 * US)
		assert_true(attempt(&l, now, 40 * US, US) >= 40 * US);
	assert_true(attempt(&l, now, 10 * US, US) > 0);
}

/* Every fifth answer comes soon, and for the others it would wait in vain. */
static void some_answers_that_come_soon_do_not_keep_it_up(void **state)
{
	struct vs_linger l = { 0 };
	int64_t cost = 0;
	int i = 0;

	(void)state;
	for (int64_t now = MS; now < 1000 * (int64_t)MS; now += 100 * US)
		cost += attempt(&l, now, i++ % 5 == 0 ? 5 * US : -1, US);
	assert_true(cost < 20 * (int64_t)MS);
}

static void one_success_restarts_polling(void **state)
{
	struct vs_linger l = { 0 };
	int64_t now = MS;

	(void)state;
	for (int i = 0; i < 50; i++, now += 100 * US)
		(void)attempt(&l, now, -1, US);
	assert_int_equal(attempt(&l, now, 5 * US, US), 0);
	now += 64 * (int64_t)MS + MS;
	assert_true(attempt(&l, now, 5 * US, US) > 0);
	for (int i = 1; i < 20; i++)
		assert_true(attempt(&l, now + i * 50 * US, 5 * US, US) > 0);
}

/*
 * Another task had the processor for 3 ms, after a single poll: polling stops at once, with or without a
 * frame.
 */
static void a_crowded_processor_is_left_alone(void **state)
{
	(void)state;
	for (int found = 0; found < 2; found++) {
		struct vs_linger l = { 0 };
		assert_int_equal(attempt(&l, MS, found ? 0 : -1, 3 * MS), 3 * MS);
		assert_int_equal(attempt(&l, 5 * MS, 0, US), 0);
		assert_true(attempt(&l, 10 * MS, 0, US) > 0);
	}
}

static void only_single_frames_far_apart_are_lone(void **state)
{
	struct vs_lone lone = { 0 };

	(void)state;
	assert_false(vs_lone_expected(&lone)); /* nothing is known yet */
	vs_lone_note(&lone, 1);
	lone.last_ns -= VS_LONE_APART_NS + US;
	assert_true(vs_lone_expected(&lone));
	vs_lone_note(&lone, 1);
	lone.last_ns += 3600 * 1000 * (int64_t)MS; /* nothing lies between */
	assert_false(vs_lone_expected(&lone));
	vs_lone_note(&lone, 2);
	lone.last_ns -= VS_LONE_APART_NS + US;
	assert_false(vs_lone_expected(&lone));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(polling_continues_while_answers_come_in_time),
	cmocka_unit_test(polling_that_does_not_pay_is_given_up),
	cmocka_unit_test(answers_that_stay_late_are_given_up),
	cmocka_unit_test(answers_that_come_sooner_then_are_waited_for),
	cmocka_unit_test(some_answers_that_come_soon_do_not_keep_it_up),
	cmocka_unit_test(one_success_restarts_polling),
	cmocka_unit_test(a_crowded_processor_is_left_alone),
	cmocka_unit_test(only_single_frames_far_apart_are_lone),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
