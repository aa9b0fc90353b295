/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rate and its queue: exact for hours, tail drop, CoDel. */

#include "impair_run.h"

/* As many as come at once, until the queue is full. */
static void fill(struct vs_impair *im, size_t len, int64_t now)
{
	for (uint64_t before = stats_of(im).overflowed; stats_of(im).overflowed == before;)
		put_len(im, 1, len, now);
}

/* A network that is always busy for this long. Returns the bytes that have passed. */
static uint64_t run(struct vs_impair *im, size_t len, int64_t duration)
{
	uint64_t bytes = 0;

	fill(im, len, 0);
	for (int64_t due; (due = vs_impair_due_ns(im)) <= duration;) {
		while (take(im, due) != NONE)
			bytes += len;
		fill(im, len, due);
	}
	return bytes;
}

static void a_rate_is_exact_for_hours(void **state)
{
	static const struct {
		uint64_t rate;
		int64_t duration;
	} cases[] = {
		{ 64000, 10 * 3600 * SECOND },
		{ 999983, 3600 * SECOND }, /* a prime: no frame takes whole nanoseconds */
		{ 10000000, 600 * SECOND },
		{ 1000000007, 10 * SECOND },
		{ 10000000019, SECOND },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vdestack_impairment s = NOTHING;
		s.rate = cases[i].rate;
		s.queue_bytes = 6000;
		struct vs_impair *im = impair_with(&s);
		uint64_t bits = 8 * run(im, 1499, cases[i].duration);
		long double ideal = (long double)s.rate * cases[i].duration / SECOND;
		/* Less than one frame is on its way at the end, and less than one ns is carried. */
		assert_true(bits <= ideal + 1 && bits > ideal - 1499 * 8 - (long double)s.rate / SECOND - 1);
		vs_impair_free(im);
	}
}

/* Recurrence by hand: each frame starts when it has come and the one before is through. */
static void times_are_those_of_a_naive_queue(void **state)
{
	enum { N = 2000 };
	struct vdestack_impairment s = NOTHING;
	static int64_t start[N], end[N];
	static size_t len[N];
	unsigned seed = 5, n = 0;
	int64_t now = 0, free_at = 0;

	(void)state;
	s.rate = 8000000; /* 1 byte in 1 us */
	s.queue_bytes = 5000;
	s.delay_ns = 3 * MS;
	struct vs_impair *im = impair_with(&s);
	for (uint32_t i = 0; i < N; i++) {
		size_t bytes = 60 + (size_t)rand_r(&seed) % 1400, waiting = 0;
		now += rand_r(&seed) % (1400 * US);
		for (unsigned k = 0; k < n; k++)
			waiting += start[k] > now ? len[k] : 0;
		put_len(im, n, bytes, now);
		if (free_at > now && waiting + bytes > 5000)
			continue; /* overflow */
		start[n] = free_at > now ? free_at : now;
		len[n] = bytes;
		end[n] = free_at = start[n] + (int64_t)bytes * US;
		n++;
	}
	assert_int_equal(stats_of(im).overflowed, N - n);
	assert_true(n > N / 2 && n < N);
	for (unsigned i = 0; i < n; i++) {
		const struct vs_impair_frame *f = vs_impair_next(im, INT64_MAX / 2);
		assert_non_null(f);
		assert_int_equal(f->due_ns, end[i] + 3 * MS);
		assert_int_equal(f->iov.iov_len, len[i]);
		vs_impair_done(im);
	}
	assert_int_equal(take(im, INT64_MAX / 2), NONE);
	vs_impair_free(im);
}

static void who_sleeps_until_it_is_told_gets_each_frame_in_time(void **state)
{
	struct vdestack_impairment s = NOTHING;
	int64_t now = 0, before = -1;
	uint32_t got = 0;

	(void)state;
	s.rate = 1000000;
	s.delay_ns = 300;
	struct vs_impair *im = impair_with(&s);
	for (uint32_t i = 0; i < 10; i++)
		put(im, i, 0);
	for (int wakes = 0; got < 10; wakes++) {
		int64_t due = vs_impair_due_ns(im);
		assert_true(due > before && wakes < 100);
		before = now;
		now = due;
		const struct vs_impair_frame *f = vs_impair_next(im, now);
		if (f != NULL) {
			assert_int_equal(number_of(f), got++);
			assert_int_equal(f->due_ns, now);
		}
		vs_impair_done(im);
	}
	assert_int_equal(now, 10 * FRAME_LEN * 8 * 1000 + 300);
	vs_impair_free(im);
}

static void a_frame_that_finds_the_network_free_needs_no_queue(void **state)
{
	struct vdestack_impairment s = NOTHING;

	(void)state;
	s.rate = 8000000;
	s.queue_bytes = 1;
	struct vs_impair *im = impair_with(&s);
	put(im, 1, 0);
	put(im, 2, 0); /* must wait, and has no room */
	assert_int_equal(stats_of(im).overflowed, 1);
	put(im, 3, FRAME_LEN * US);
	assert_int_equal(stats_of(im).overflowed, 1);
	vs_impair_free(im);
}

static void without_a_size_the_queue_holds_100_ms(void **state)
{
	struct vdestack_impairment s = NOTHING;

	(void)state;
	s.rate = 80000000;
	struct vs_impair *im = impair_with(&s);
	fill(im, 1000, 0);
	assert_int_equal(stats_of(im).waiting, 1001); /* 10^6 bytes, and the one that is sent */
	vs_impair_free(im);
}

static void the_end_of_a_rate_does_not_let_frames_overtake_the_queue(void **state)
{
	struct vdestack_impairment s = NOTHING;

	(void)state;
	s.rate = 8000000;
	struct vs_impair *im = impair_with(&s);
	for (uint32_t i = 0; i < 5; i++)
		put(im, i, 0);
	s.rate = 0;
	vs_impair_set(im, &s, 0);
	put(im, 5, 0);
	assert_true(vs_impair_due_ns(im) <= FRAME_LEN * US);
	assert_int_equal(take(im, FRAME_LEN * US - 1), NONE);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(take(im, FRAME_LEN * US), i);
	assert_true(stats_of(im).waiting == 0);
	vs_impair_free(im);
}

/* At one bit in a second the first frame takes 800 s. */
static void frames_do_not_wait_for_a_rate_that_has_changed(void **state)
{
	static const uint64_t later[] = { 0, 8000000 };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct vdestack_impairment s = NOTHING;
		s.rate = 1;
		s.queue_bytes = 10000;
		struct vs_impair *im = impair_with(&s);
		put(im, 0, 0);
		put(im, 1, 0);
		put(im, 2, 0);
		s.rate = later[i];
		vs_impair_set(im, &s, SECOND);
		put(im, 3, SECOND);
		int64_t soon = SECOND + VS_IMPAIR_HOLD_NS + 3 * FRAME_LEN * US;
		for (uint32_t k = 1; k < 4; k++)
			assert_int_equal(take(im, soon), k);
		assert_int_equal(take(im, soon), NONE);
		assert_int_equal(take(im, 800 * SECOND), 0);
		assert_true(stats_of(im).waiting == 0);
		vs_impair_free(im);
	}
}

/* Twice the rate comes, for 20 s, at even times. Returns the longest time in the queue after 10 s. */
static int64_t overload(const struct vdestack_impairment *s, struct vdestack_impair_stats *stats)
{
	static int64_t came[40000];
	struct vs_impair *im = impair_with(s);
	int64_t longest = 0;

	for (uint32_t i = 0; i < 40000; i++) {
		came[i] = i * 500 * US;
		put_len(im, i, 1000, came[i]);
		const struct vs_impair_frame *f;
		while ((f = vs_impair_next(im, came[i])) != NULL) {
			int64_t took = f->due_ns - came[number_of(f)];
			if (i > 20000 && took > longest)
				longest = took;
		}
		vs_impair_done(im);
	}
	*stats = stats_of(im);
	vs_impair_free(im);
	return longest;
}

/* CoDel's drops grow with the square root of time, so it wins against a flood slowly; but it wins. */
static void codel_keeps_the_queue_short_where_tail_drop_fills_it(void **state)
{
	struct vdestack_impairment s = NOTHING;
	struct vdestack_impair_stats tail, codel;

	(void)state;
	s.rate = 8000000; /* a frame in 1 ms */
	s.queue_bytes = 1000000;
	int64_t tail_longest = overload(&s, &tail);
	s.queue = VDESTACK_CODEL;
	s.codel_interval_ns = 10 * MS;
	int64_t codel_longest = overload(&s, &codel);
	assert_true(tail_longest > 900 * MS && tail.marked == 0 && tail.overflowed > 0);
	assert_true(codel.marked > 10000 && codel.overflowed < tail.overflowed);
	assert_true(codel_longest < tail_longest / 2);
}

/* RFC 8289: no drop before the time above the target has lasted an interval; then one, the next sooner. */
static void codel_drops_first_after_an_interval_and_then_by_the_square_root(void **state)
{
	struct vdestack_impairment s = NOTHING;
	int64_t drops[4];
	unsigned n = 0;

	(void)state;
	s.rate = 8000000;
	s.queue_bytes = 10000000;
	s.queue = VDESTACK_CODEL;
	struct vs_impair *im = impair_with(&s);
	for (uint32_t i = 0; i < 2000; i++)
		put_len(im, i, 1000, 0);
	for (int64_t now = 0; n < 4; now += MS) {
		while (take(im, now) != NONE)
			;
		for (; n < stats_of(im).marked && n < 4; n++)
			drops[n] = now;
	}
	/* Frame 5 waits 5 ms, at 5 ms; 100 ms later the first drop. Then 100 ms, 100 / sqrt(2), / sqrt(3). */
	assert_int_equal(drops[0], 105 * MS);
	assert_int_equal(drops[1], 205 * MS);
	assert_int_equal(drops[2], 276 * MS);
	assert_int_equal(drops[3], 334 * MS);
	vs_impair_free(im);
}

static void codel_drops_nothing_below_its_target(void **state)
{
	struct vdestack_impairment s = NOTHING;

	(void)state;
	s.rate = 8000000;
	s.queue = VDESTACK_CODEL;
	struct vs_impair *im = impair_with(&s);
	for (uint32_t i = 0; i < 10000; i++) { /* 3 frames in each 4 ms: at most 2 ms of waiting */
		put_len(im, i, 1000, i / 3 * 4 * MS);
		while (take(im, i / 3 * 4 * MS) != NONE)
			;
	}
	assert_int_equal(stats_of(im).marked, 0);
	vs_impair_free(im);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_rate_is_exact_for_hours),
	cmocka_unit_test(times_are_those_of_a_naive_queue),
	cmocka_unit_test(who_sleeps_until_it_is_told_gets_each_frame_in_time),
	cmocka_unit_test(a_frame_that_finds_the_network_free_needs_no_queue),
	cmocka_unit_test(without_a_size_the_queue_holds_100_ms),
	cmocka_unit_test(the_end_of_a_rate_does_not_let_frames_overtake_the_queue),
	cmocka_unit_test(frames_do_not_wait_for_a_rate_that_has_changed),
	cmocka_unit_test(codel_keeps_the_queue_short_where_tail_drop_fills_it),
	cmocka_unit_test(codel_drops_first_after_an_interval_and_then_by_the_square_root),
	cmocka_unit_test(codel_drops_nothing_below_its_target),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
