/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pacing of frames into a switch, with a simulated switch. */

#include <stdlib.h>

#include "pump/pace.h"
#include "unit.h"

#define US 1000
#define RUN 32

/* A switch that takes `cost_ns` for each frame. */
struct simulated {
	int64_t now;
	int64_t cost_ns;
	int64_t free_ns; /* when it has read what it has */
};

static long unread(const struct simulated *s)
{
	return s->free_ns > s->now ? (long)((s->free_ns - s->now + s->cost_ns - 1) / s->cost_ns) * 2304 : 0;
}

static void send_some(struct vs_pace *p, struct simulated *s, unsigned n)
{
	vs_pace_sent(p, n, s->now);
	s->free_ns = (s->free_ns > s->now ? s->free_ns : s->now) + n * s->cost_ns;
}

/* Sleeps and checks as the pump does until the pause is over. */
static void rest(struct vs_pace *p, struct simulated *s)
{
	for (int i = 0; vs_pace_pauses(p, s->now); i++) {
		assert_int_equal(vs_pace_allows(p, s->now), 0);
		assert_true(i < 1000);
		s->now += vs_pace_pause_ns(p, s->now);
		vs_pace_check(p, unread(s), s->now);
	}
}

static void a_run_is_sent_at_once_and_a_pause_follows(void **state)
{
	struct vs_pace p = { 0 };
	struct simulated s = { .now = 5000000, .cost_ns = 3 * US };

	(void)state;
	assert_int_equal(vs_pace_allows(&p, s.now), RUN);
	assert_false(vs_pace_pauses(&p, s.now));
	send_some(&p, &s, 10);
	assert_int_equal(vs_pace_allows(&p, s.now), RUN - 10);
	send_some(&p, &s, RUN - 10);
	assert_true(vs_pace_pauses(&p, s.now));
	assert_true(vs_pace_pause_ns(&p, s.now) > 0);
	rest(&p, &s);
	assert_int_equal(vs_pace_allows(&p, s.now), RUN);
}

/* After the switch has read all, the receivers get as much time as that took. */
static void the_pause_is_twice_the_time_the_switch_takes(void **state)
{
	static const int64_t costs[] = { 2 * US, 3 * US, 5 * US, 10 * US, 25 * US };

	(void)state;
	for (size_t i = 0; i < sizeof(costs) / sizeof(costs[0]); i++) {
		struct vs_pace p = { 0 };
		struct simulated s = { .now = 5000000, .cost_ns = costs[i] };
		int64_t began = s.now, work = RUN * costs[i];
		send_some(&p, &s, RUN);
		rest(&p, &s);
		assert_true(s.now - began >= 2 * work);
		assert_true(s.now - began <= 2 * work + 2 * 50 * US);
	}
}

static void a_switch_that_does_not_read_delays_frames_only_briefly(void **state)
{
	struct vs_pace p = { 0 };
	struct simulated s = { .now = 5000000, .cost_ns = 1000 * 1000 * 1000 };
	int64_t began = s.now;

	(void)state;
	send_some(&p, &s, RUN);
	rest(&p, &s);
	assert_true(s.now - began < 10 * 1000 * US);
	assert_int_equal(vs_pace_allows(&p, s.now), RUN);
}

static void slow_frames_are_never_delayed(void **state)
{
	struct vs_pace p = { 0 };
	struct simulated s = { .now = 5000000, .cost_ns = 3 * US };

	(void)state;
	for (int i = 0; i < 1000; i++, s.now += 2000 * US) {
		assert_false(vs_pace_pauses(&p, s.now));
		send_some(&p, &s, 1);
	}
}

/* More than allowed may have been sent, for example all frames of one super-frame. */
static void a_run_above_the_allowance_counts_as_one_run(void **state)
{
	struct vs_pace p = { 0 };
	struct simulated s = { .now = 5000000, .cost_ns = 3 * US };

	(void)state;
	send_some(&p, &s, 3 * RUN);
	assert_int_equal(vs_pace_allows(&p, s.now), 0);
	rest(&p, &s);
	assert_int_equal(vs_pace_allows(&p, s.now), RUN);
}

/* Whatever the times of the frames, a switch never holds more than a run and the excess of one batch. */
static void the_switch_never_holds_more_than_a_run(void **state)
{
	struct vs_pace p = { 0 };
	struct simulated s = { .now = 5000000, .cost_ns = 4 * US };
	unsigned seed = 7;
	long most = 0;

	(void)state;
	print_message("seed %u\n", seed);
	for (int i = 0; i < 20000; i++) {
		unsigned want = 1 + (unsigned)rand_r(&seed) % 20;
		while (want > 0) {
			rest(&p, &s);
			unsigned n = vs_pace_allows(&p, s.now) < want ? vs_pace_allows(&p, s.now) : want;
			send_some(&p, &s, n);
			want -= n;
			most = unread(&s) > most ? unread(&s) : most;
		}
		s.now += rand_r(&seed) % (100 * US);
	}
	assert_true(most <= RUN * 2304L);
	assert_true(most >= RUN / 2 * 2304L); /* enough was sent */
}

/* The time between two bursts does not count as time the switch took. */
static void a_run_that_ends_a_burst_does_not_delay_the_next(void **state)
{
	struct vs_pace p = { 0 };
	struct simulated s = { .now = 5000000, .cost_ns = 3 * US };

	(void)state;
	send_some(&p, &s, RUN);
	s.now += 200 * 1000 * US;
	vs_pace_check(&p, unread(&s), s.now);
	assert_false(vs_pace_pauses(&p, s.now));
	assert_int_equal(vs_pace_allows(&p, s.now), RUN);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_run_is_sent_at_once_and_a_pause_follows),
	cmocka_unit_test(the_pause_is_twice_the_time_the_switch_takes),
	cmocka_unit_test(a_switch_that_does_not_read_delays_frames_only_briefly),
	cmocka_unit_test(slow_frames_are_never_delayed),
	cmocka_unit_test(a_run_above_the_allowance_counts_as_one_run),
	cmocka_unit_test(a_run_that_ends_a_burst_does_not_delay_the_next),
	cmocka_unit_test(the_switch_never_holds_more_than_a_run),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
