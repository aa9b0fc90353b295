/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Impairment of frames: choices, delays, order, bounds. Times are the test's. */

#include <errno.h>
#include <math.h>
#include <stdbool.h>

#include "impair_run.h"
#include "pump/impair_random.h"

#define MILLION 1000000

static void without_settings_it_is_idle_and_frames_pass_unchanged(void **state)
{
	struct vdestack_impairment nothing = NOTHING;
	struct vs_impair *im = impair_with(&nothing);

	(void)state;
	assert_true(vs_impair_is_idle(im));
	put(im, 7, 5);
	assert_false(vs_impair_is_idle(im));
	assert_int_equal(vs_impair_due_ns(im), 5);
	assert_int_equal(take(im, 5), 7);
	assert_int_equal(take(im, 5), NONE);
	assert_int_equal(vs_impair_due_ns(im), INT64_MAX);
	assert_true(vs_impair_is_idle(im));
	vs_impair_free(im);
}

static void bytes_before_a_frame_may_be_written_and_it_is_aligned(void **state)
{
	struct vdestack_impairment nothing = NOTHING;
	struct vs_impair *im = impair_with(&nothing);

	(void)state;
	put(im, 7, 0);
	const struct vs_impair_frame *f = vs_impair_next(im, 0);
	assert_non_null(f);
	assert_int_equal((uintptr_t)f->iov.iov_base % 16, 0);
	memset((char *)f->iov.iov_base - VS_IMPAIR_HEADROOM, 0xff, VS_IMPAIR_HEADROOM);
	assert_int_equal(number_of(f), 7);
	vs_impair_free(im); /* also what was taken */
}

/* ------------------------------------------------------------------ loss */

static uint64_t losses(const struct vdestack_impairment *settings, unsigned n)
{
	struct vs_impair *im = impair_with(settings);

	for (unsigned i = 0; i < n; i++) {
		put(im, i, 0);
		(void)take(im, 0);
	}
	uint64_t lost = stats_of(im).lost;
	vs_impair_free(im);
	return lost;
}

/* Five standard deviations: a right generator fails with one seed in a million. These seeds do not change. */
static void assert_binomial(double got, double n, double p)
{
	double bound = 5 * sqrt(n * p * (1 - p)) + 1;

	if (fabs(got - n * p) > bound)
		fail_msg("%g of %g, expected %g within %g", got, n, n * p, bound);
}

static void loss_is_within_binomial_bounds(void **state)
{
	static const double p[] = { 0.0001, 0.01, 0.3, 0.9 };

	(void)state;
	for (unsigned seed = 1; seed <= 3; seed++)
		for (unsigned i = 0; i < 4; i++) {
			struct vdestack_impairment s = NOTHING;
			s.seed = seed;
			s.loss = p[i];
			assert_binomial((double)losses(&s, MILLION), MILLION, p[i]);
		}
}

static void loss_of_one_is_everything_and_of_zero_nothing(void **state)
{
	struct vdestack_impairment s = NOTHING;

	(void)state;
	assert_int_equal(losses(&s, 1000), 0);
	s.loss = 1;
	assert_int_equal(losses(&s, 1000), 1000);
}

static void each_nth_frame_is_lost(void **state)
{
	struct vdestack_impairment s = NOTHING;

	(void)state;
	s.loss_every = 3;
	struct vs_impair *im = impair_with(&s);
	for (uint32_t i = 1; i <= 30; i++) {
		put(im, i, 0);
		assert_int_equal(take(im, 0), i % 3 == 0 ? NONE : i);
	}
	vs_impair_free(im);
}

/* In the bad state all is lost: bursts are as long as the state, 1 / leave on average. */
static void bursts_have_the_length_and_the_share_of_gilbert_and_elliott(void **state)
{
	struct vdestack_impairment s = NOTHING;
	unsigned lost = 0, bursts = 0;
	bool in_burst = false;

	(void)state;
	s.burst_enter = 0.01;
	s.burst_leave = 0.2;
	s.burst_loss = 1;
	struct vs_impair *im = impair_with(&s);
	for (uint32_t i = 0; i < MILLION; i++) {
		put(im, i, 0);
		bool is_lost = take(im, 0) == NONE;
		lost += is_lost;
		bursts += is_lost && !in_burst;
		in_burst = is_lost;
	}
	vs_impair_free(im);
	assert_true(fabs((double)lost / bursts - 5) < 0.2);
	assert_true(fabs((double)lost / MILLION - 0.01 / 0.21) < 0.002);
}

static void the_good_state_has_a_loss_of_its_own(void **state)
{
	struct vdestack_impairment s = NOTHING;

	(void)state;
	s.burst_base = 0.05;
	assert_binomial((double)losses(&s, MILLION), MILLION, 0.05);
}

static void a_cut_and_a_black_hole_are_counted(void **state)
{
	struct vdestack_impairment s = NOTHING;

	(void)state;
	s.blackhole = 1400;
	struct vs_impair *im = impair_with(&s);
	put_len(im, 1, 1414, 0);
	put_len(im, 2, 1415, 0);
	assert_int_equal(take(im, 0), 1);
	assert_int_equal(take(im, 0), NONE);
	assert_int_equal(stats_of(im).blackholed, 1);
	s.cut = 1;
	vs_impair_set(im, &s, 0);
	put(im, 3, 0);
	assert_int_equal(take(im, 0), NONE);
	assert_int_equal(stats_of(im).cut, 1);
	vs_impair_free(im);
}

static void a_black_hole_does_not_count_vlan_tags(void **state)
{
	struct vdestack_impairment s = NOTHING;
	unsigned char frame[1419] = { [12] = 0x81, [16] = 0x08 };
	struct iovec iov = { frame, 1418 };

	(void)state;
	s.blackhole = 1400;
	struct vs_impair *im = impair_with(&s);
	vs_impair_put(im, &iov, 1, 0);
	assert_int_equal(stats_of(im).waiting, 1);
	iov.iov_len = 1419;
	vs_impair_put(im, &iov, 1, 0);
	assert_int_equal(stats_of(im).blackholed, 1);
	vs_impair_free(im);
}

/* ------------------------------------------------------------------ seeds */

/* Which of so many frames get through, at times that the step decides, as a hash. */
static uint64_t fate(const struct vdestack_impairment *settings, int64_t step)
{
	struct vs_impair *im = impair_with(settings);
	bool passed[2000] = { false };
	uint64_t hash = 1469598103934665603u;

	for (uint32_t i = 0; i < 2000; i++) {
		put(im, i, i * step);
		for (uint32_t got; (got = take(im, i * step)) != NONE;)
			passed[got] = true;
	}
	for (uint32_t got; (got = take(im, INT64_MAX / 2)) != NONE;)
		passed[got] = true;
	for (int i = 0; i < 2000; i++)
		hash = (hash ^ passed[i]) * 1099511628211u;
	(void)stats_of(im);
	vs_impair_free(im);
	return hash;
}

static void the_same_seed_makes_the_same_choices_whatever_the_times(void **state)
{
	struct vdestack_impairment s = NOTHING;

	(void)state;
	s.seed = 42;
	s.loss = 0.1;
	s.burst_enter = 0.01;
	s.burst_leave = 0.3;
	s.burst_loss = 0.5;
	uint64_t before = fate(&s, 1);
	assert_int_equal(fate(&s, 1), before);
	assert_int_equal(fate(&s, 100 * US), before);
	s.delay_ns = 20 * MS; /* other settings do not change these choices */
	s.jitter_ns = 5 * MS;
	s.duplicate = 0.5;
	s.reorder = 0.1;
	assert_int_equal(fate(&s, 100 * US), before);
	s.seed = 43;
	assert_int_not_equal(fate(&s, 1), before);
}

/* The delay of each frame that gets through; 0 for the others. */
static void delay_of_each(const struct vdestack_impairment *settings, int64_t *delays, uint32_t n)
{
	struct vs_impair *im = impair_with(settings);

	memset(delays, 0, n * sizeof(*delays));
	for (uint32_t i = 0; i < n; i++) {
		put(im, i, 0);
		const struct vs_impair_frame *f = vs_impair_next(im, INT64_MAX / 2);
		if (f != NULL)
			delays[i] = f->due_ns;
		vs_impair_done(im);
	}
	vs_impair_free(im);
}

static void loss_does_not_change_the_delays_of_other_frames(void **state)
{
	struct vdestack_impairment s = NOTHING;
	static int64_t without[1000], with[1000];
	unsigned lost = 0;

	(void)state;
	s.delay_ns = 20 * MS;
	s.jitter_ns = 5 * MS;
	delay_of_each(&s, without, 1000);
	s.loss = 0.3;
	delay_of_each(&s, with, 1000);
	for (int i = 0; i < 1000; i++) {
		lost += with[i] == 0;
		if (with[i] != 0)
			assert_int_equal(with[i], without[i]);
	}
	assert_in_range(lost, 200, 400);
}

static void choices_of_different_kinds_do_not_depend_on_each_other(void **state)
{
	struct vdestack_impairment s = NOTHING;

	(void)state;
	s.loss = 0.5;
	s.duplicate = 0.5;
	struct vs_impair *im = impair_with(&s);
	for (uint32_t i = 0; i < 10000; i++) {
		put(im, i, i);
		while (take(im, i) != NONE)
			;
	}
	assert_in_range(stats_of(im).lost, 4700, 5300);
	assert_in_range(stats_of(im).duplicated, 2250, 2750); /* half of the others */
	vs_impair_free(im);
}

/* ------------------------------------------------------------------ delays */

static void a_delay_is_exact_and_keeps_the_order(void **state)
{
	struct vdestack_impairment s = NOTHING;

	(void)state;
	s.delay_ns = 20 * MS;
	struct vs_impair *im = impair_with(&s);
	for (uint32_t i = 0; i < 4000; i++) {
		int64_t now = i * 10 * US;
		put(im, i, now);
		if (now < 20 * MS)
			assert_int_equal(vs_impair_due_ns(im), 20 * MS);
		else
			assert_int_equal(take(im, now), i - 2000);
		assert_int_equal(take(im, now), NONE);
	}
	assert_int_equal(stats_of(im).waiting, 2000);
	vs_impair_free(im);
}

struct moments {
	double mean, deviation, min, max;
};

static struct moments delays(const struct vdestack_impairment *s, unsigned n)
{
	struct vs_impair *im = impair_with(s);
	double sum = 0, squares = 0;
	struct moments m = { .min = 1e30 };

	for (uint32_t i = 0; i < n; i++) {
		put(im, i, 0);
		const struct vs_impair_frame *f = vs_impair_next(im, INT64_MAX / 2);
		double d = (double)f->due_ns;
		sum += d;
		squares += d * d;
		m.min = d < m.min ? d : m.min;
		m.max = d > m.max ? d : m.max;
		vs_impair_done(im);
	}
	vs_impair_free(im);
	m.mean = sum / n;
	m.deviation = sqrt(squares / n - m.mean * m.mean);
	return m;
}

static void assert_near(double got, double expected, double share)
{
	if (fabs(got - expected) > expected * share)
		fail_msg("%g, expected %g", got, expected);
}

static void jitter_has_the_distribution_that_was_asked_for(void **state)
{
	struct vdestack_impairment s = NOTHING;

	(void)state;
	s.delay_ns = 100 * MS;
	s.jitter_ns = 10 * MS;
	struct moments m = delays(&s, 300000);
	assert_near(m.mean, 100e6, 0.001);
	assert_near(m.deviation, 10e6 / sqrt(3), 0.01);
	assert_true(m.min >= 90e6 && m.min < 90.1e6 && m.max <= 110e6 && m.max > 109.9e6);
	s.distribution = VDESTACK_NORMAL;
	m = delays(&s, 300000);
	assert_near(m.mean, 100e6, 0.001);
	assert_near(m.deviation, 10e6, 0.01);
	assert_true(m.max > 140e6 && m.max < 165e6 && m.min < 60e6 && m.min > 35e6);
	s.distribution = VDESTACK_PARETO;
	m = delays(&s, 300000);
	assert_near(m.mean, 100e6, 0.002);
	assert_near(m.deviation, 10e6, 0.15); /* its variance has no variance: slow */
	assert_true(m.min >= 94.2e6 && m.min < 94.3e6 && m.max > 200e6);
}

/* The probability integral of libm, which the library does not use. */
static void the_normal_quantile_is_that_of_libm(void **state)
{
	(void)state;
	for (double u = 1e-12; u < 1; u += u < 0.001 ? u : 0.0007) {
		double back = 0.5 * erfc(-vs_random_normal(u) / sqrt(2));
		assert_true(fabs(back - u) < 1e-6 * u + 1e-12);
	}
	assert_true(vs_random_normal(0) < -8 && vs_random_normal(0x1.fffffffffffffp-1) > 8);
	assert_true(vs_random_normal(0.5) == 0);
}

static void roots_are_those_of_libm(void **state)
{
	(void)state;
	for (double x = 1e-18; x < 1e18; x *= 1.7) {
		assert_true(fabs(vs_random_root(x, 2) / sqrt(x) - 1) < 1e-14);
		assert_true(fabs(vs_random_root(x, 3) / cbrt(x) - 1) < 1e-14);
	}
}

static void jitter_reorders_unless_the_order_is_kept(void **state)
{
	struct vdestack_impairment s = NOTHING;

	(void)state;
	s.delay_ns = 10 * MS;
	s.jitter_ns = 10 * MS;
	for (int keep = 0; keep < 2; keep++) {
		unsigned overtaken = 0, got, n = 0;
		uint32_t last = 0;
		int64_t last_due = 0;
		s.keep_order = (uint32_t)keep;
		struct vs_impair *im = impair_with(&s);
		for (uint32_t i = 0; i < 1000; i++)
			put(im, i, i * 100 * US);
		for (; n < 1000; n++) {
			int64_t due = vs_impair_due_ns(im);
			assert_true(due >= last_due);
			last_due = due;
			got = take(im, due);
			assert_int_not_equal(got, NONE);
			overtaken += got < last;
			last = got;
		}
		assert_true(keep ? overtaken == 0 : overtaken > 100);
		vs_impair_free(im);
	}
}

static void frames_that_wait_keep_their_times_when_settings_change(void **state)
{
	struct vdestack_impairment s = NOTHING;

	(void)state;
	s.delay_ns = 20 * MS;
	struct vs_impair *im = impair_with(&s);
	put(im, 1, 0);
	s.delay_ns = 0;
	vs_impair_set(im, &s, 1 * MS);
	assert_false(vs_impair_is_idle(im));
	put(im, 2, 1 * MS);
	assert_int_equal(take(im, 1 * MS), 2);
	assert_int_equal(vs_impair_due_ns(im), 20 * MS);
	assert_int_equal(take(im, 20 * MS), 1);
	assert_true(vs_impair_is_idle(im));
	vs_impair_free(im);
}

static void a_network_that_has_gone_drops_what_waits_and_counts_it(void **state)
{
	struct vdestack_impairment s = NOTHING;

	(void)state;
	s.delay_ns = 20 * MS;
	s.rate = 1000000;
	s.queue_bytes = 100000;
	struct vs_impair *im = impair_with(&s);
	for (uint32_t i = 0; i < 100; i++)
		put(im, i, i * 100 * US);
	assert_int_equal(stats_of(im).waiting, 100);
	vs_impair_drop(im);
	assert_int_equal(stats_of(im).cut, 100);
	assert_int_equal(vs_impair_due_ns(im), INT64_MAX);
	put(im, 7, 10 * MS);
	assert_int_equal(take(im, 30 * MS + 800 * US), 7);
	vs_impair_free(im);
}

/* ------------------------------------------------------------------ order and number */

static void all_are_doubled_and_each_copy_follows(void **state)
{
	struct vdestack_impairment s = NOTHING;

	(void)state;
	s.duplicate = 1;
	struct vs_impair *im = impair_with(&s);
	for (uint32_t i = 0; i < 100; i++) {
		put(im, i, 0);
		assert_int_equal(take(im, 0), i);
		assert_int_equal(take(im, 0), i);
		assert_int_equal(take(im, 0), NONE);
	}
	assert_int_equal(stats_of(im).duplicated, 100);
	vs_impair_free(im);
}

/* A naive list: a frame that is held back stands behind the gap-th later one that is not. */
static void frames_held_back_follow_as_many_others_as_the_gap_says(void **state)
{
	enum { N = 3000 };
	static uint32_t got[N];

	(void)state;
	for (uint32_t gap = 1; gap <= 7; gap += 3) {
		struct vdestack_impairment s = NOTHING;
		unsigned n = 0, held = 0;
		s.reorder = 0.1;
		s.reorder_gap = gap;
		struct vs_impair *im = impair_with(&s);
		for (uint32_t i = 0; i < N; i++) {
			put(im, i, i);
			for (uint32_t number; (number = take(im, i)) != NONE;)
				got[n++] = number;
		}
		/* A frame that stands behind a larger one was held. Count the others in between. */
		for (unsigned at = 0, max = 0; at < n; at++) {
			if (at == 0 || got[at] > max) {
				max = got[at];
				continue;
			}
			unsigned others = 0, seen = max + 1;
			for (unsigned before = at; before-- > 0 && got[before] != got[at] - 1;)
				if (got[before] > got[at] && got[before] < seen) {
					seen = got[before];
					others++;
				}
			assert_true(others <= gap);
			assert_true(others == gap || got[at - 1] < got[at]);
			held++;
		}
		assert_true(held > N / 20);
		assert_int_equal(n + stats_of(im).waiting, N);
		vs_impair_free(im);
	}
}

static void a_frame_held_back_leaves_in_time_when_no_other_comes(void **state)
{
	struct vdestack_impairment s = NOTHING;

	(void)state;
	s.reorder = 1;
	struct vs_impair *im = impair_with(&s);
	put(im, 1, 5);
	assert_int_equal(take(im, 5), NONE);
	assert_int_equal(vs_impair_due_ns(im), 5 + VS_IMPAIR_HOLD_NS);
	assert_int_equal(take(im, 4 + VS_IMPAIR_HOLD_NS), NONE);
	assert_int_equal(take(im, 5 + VS_IMPAIR_HOLD_NS), 1);
	vs_impair_free(im);
}

/* ------------------------------------------------------------------ bounds */

static void memory_is_bounded_and_what_does_not_fit_is_counted(void **state)
{
	struct vdestack_impairment s = NOTHING;

	(void)state;
	s.delay_ns = 3600 * SECOND;
	struct vs_impair *im = impair_with(&s);
	for (uint32_t i = 0; i < 10000; i++)
		put_len(im, i, 9000, 0);
	struct vdestack_impair_stats st = stats_of(im);
	assert_true(st.waiting > 7000 && st.waiting * 9000 <= VS_IMPAIR_MEMORY_MAX);
	assert_int_equal(st.no_memory, 10000 - st.waiting);
	vs_impair_drop(im);
	put_len(im, 1, 9000, 0);
	assert_int_equal(stats_of(im).waiting, 1);
	vs_impair_free(im);
}

/* Lengths that leave room for the frame or not even for it; stats_of() compares the sums. */
static void copies_without_memory_are_counted(void **state)
{
	struct vdestack_impairment s = NOTHING;
	uint64_t alone = 0;

	(void)state;
	s.delay_ns = (uint64_t)SECOND;
	s.duplicate = 1;
	struct vs_impair *im = impair_with(&s);
	for (size_t len = 9900; len > 700; len -= 700) {
		struct vdestack_impair_stats before = stats_of(im), after = before;
		while (after.no_memory == before.no_memory) {
			put_len(im, 1, len, 0);
			after = stats_of(im);
		}
		alone += after.duplicated > before.duplicated && after.waiting % 2 == 1;
	}
	assert_true(alone > 0); /* of at least one frame the copy only */
	vs_impair_free(im);
}

static void a_frame_of_no_bytes_is_no_harm(void **state)
{
	struct vdestack_impairment s = NOTHING;

	(void)state;
	s.blackhole = 1;
	s.corrupt = s.corrupt_valid = s.duplicate = 1;
	s.rate = 1000;
	struct vs_impair *im = impair_with(&s);
	for (size_t len = 0; len < 40; len++) {
		unsigned char *exact = calloc(len + 1, 1);
		struct iovec iov = { exact, len };
		vs_impair_put(im, &iov, 1, 0);
		vs_impair_put(im, &iov, 0, 0);
		free(exact);
	}
	(void)stats_of(im);
	vs_impair_free(im);
}

static void values_out_of_their_range_are_refused_by_name(void **state)
{
	static const double bad[] = { -0.001, 1.001, NAN, INFINITY, -INFINITY };
	const struct vdestack_impairment nothing = NOTHING;
	const char *why;

	(void)state;
#define REFUSED(field, value)                                        \
	do {                                                         \
		struct vdestack_impairment s = nothing;              \
		s.field = value;                                     \
		why = "";                                            \
		assert_int_equal(vs_impair_check(&s, &why), -EINVAL); \
		assert_true(strncmp(why, #field, strlen(#field)) == 0); \
	} while (0)
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		REFUSED(loss, bad[i]);
		REFUSED(burst_enter, bad[i]);
		REFUSED(burst_leave, bad[i]);
		REFUSED(burst_loss, bad[i]);
		REFUSED(burst_base, bad[i]);
		REFUSED(reorder, bad[i]);
		REFUSED(duplicate, bad[i]);
		REFUSED(corrupt, bad[i]);
		REFUSED(corrupt_valid, bad[i]);
	}
	REFUSED(size, 0);
	REFUSED(size, sizeof(nothing) + 8);
	REFUSED(delay_ns, UINT64_MAX);
	REFUSED(jitter_ns, 3600 * (uint64_t)SECOND + 1);
	REFUSED(distribution, 3);
	REFUSED(queue, 2);
	REFUSED(rate, UINT64_MAX);
	REFUSED(codel_target_ns, UINT64_MAX);
	REFUSED(codel_interval_ns, (uint64_t)INT64_MAX);
	assert_int_equal(vs_impair_check(&nothing, &why), 0);
}

static void times_of_an_hour_are_the_longest(void **state)
{
	struct vdestack_impairment s = NOTHING;
	uint64_t *const times[] = { &s.delay_ns, &s.jitter_ns, &s.codel_target_ns, &s.codel_interval_ns };
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		*times[i] = UINT64_C(3600000000000);
		assert_int_equal(vs_impair_check(&s, &why), 0);
		++*times[i];
		assert_int_equal(vs_impair_check(&s, &why), -EINVAL);
		*times[i] = 0;
	}
}

static void the_largest_values_do_not_overflow(void **state)
{
	struct vdestack_impairment s = NOTHING;

	(void)state;
	s.delay_ns = s.jitter_ns = 3600 * (uint64_t)SECOND;
	s.codel_target_ns = s.codel_interval_ns = 3600 * (uint64_t)SECOND;
	s.distribution = VDESTACK_PARETO;
	s.queue = VDESTACK_CODEL;
	s.queue_bytes = UINT32_MAX;
	s.reorder = 0.5;
	s.reorder_gap = s.loss_every = UINT32_MAX;
	for (s.rate = 1; s.rate <= 1000000000000; s.rate *= 1000) {
		struct vs_impair *im = impair_with(&s);
		for (uint32_t i = 0; i < 1000; i++)
			put_len(im, i, 9000, i * US);
		for (int64_t due; (due = vs_impair_due_ns(im)) < INT64_MAX; (void)take(im, due))
			assert_true(due >= 0);
		(void)stats_of(im);
		vs_impair_free(im);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(without_settings_it_is_idle_and_frames_pass_unchanged),
	cmocka_unit_test(bytes_before_a_frame_may_be_written_and_it_is_aligned),
	cmocka_unit_test(loss_is_within_binomial_bounds),
	cmocka_unit_test(loss_of_one_is_everything_and_of_zero_nothing),
	cmocka_unit_test(each_nth_frame_is_lost),
	cmocka_unit_test(bursts_have_the_length_and_the_share_of_gilbert_and_elliott),
	cmocka_unit_test(the_good_state_has_a_loss_of_its_own),
	cmocka_unit_test(a_cut_and_a_black_hole_are_counted),
	cmocka_unit_test(a_black_hole_does_not_count_vlan_tags),
	cmocka_unit_test(the_same_seed_makes_the_same_choices_whatever_the_times),
	cmocka_unit_test(choices_of_different_kinds_do_not_depend_on_each_other),
	cmocka_unit_test(times_of_an_hour_are_the_longest),
	cmocka_unit_test(loss_does_not_change_the_delays_of_other_frames),
	cmocka_unit_test(a_delay_is_exact_and_keeps_the_order),
	cmocka_unit_test(jitter_has_the_distribution_that_was_asked_for),
	cmocka_unit_test(the_normal_quantile_is_that_of_libm),
	cmocka_unit_test(roots_are_those_of_libm),
	cmocka_unit_test(jitter_reorders_unless_the_order_is_kept),
	cmocka_unit_test(frames_that_wait_keep_their_times_when_settings_change),
	cmocka_unit_test(a_network_that_has_gone_drops_what_waits_and_counts_it),
	cmocka_unit_test(all_are_doubled_and_each_copy_follows),
	cmocka_unit_test(frames_held_back_follow_as_many_others_as_the_gap_says),
	cmocka_unit_test(a_frame_held_back_leaves_in_time_when_no_other_comes),
	cmocka_unit_test(memory_is_bounded_and_what_does_not_fit_is_counted),
	cmocka_unit_test(copies_without_memory_are_counted),
	cmocka_unit_test(a_frame_of_no_bytes_is_no_harm),
	cmocka_unit_test(values_out_of_their_range_are_refused_by_name),
	cmocka_unit_test(the_largest_values_do_not_overflow),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
