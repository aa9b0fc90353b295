/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which one-time addresses live at a time, beside a reference that asks each slot. */

#include "unit.h"

#include "daemons/otip_rproxy/slots.h"

static int lives(int64_t slot, int64_t now, const struct rp_period *p)
{
	return slot >= 0 && now >= slot * p->period_s - p->preactive_s &&
	       now < (slot + 1) * p->period_s + p->postactive_s;
}

static void check_time(int64_t now, const struct rp_period *p)
{
	struct rp_slots s = rp_slots_at(now, p);

	assert_true(s.first <= s.last);
	assert_true(s.last - s.first + 1 <= rp_slots_most(p));
	assert_true(s.next_s > now);
	for (int64_t slot = s.first - 3; slot <= s.last + 3; slot++)
		assert_int_equal(lives(slot, now, p), slot >= s.first && slot <= s.last);
	/* Nothing changes before next_s, and something does then. */
	struct rp_slots before = rp_slots_at(s.next_s - 1, p), then = rp_slots_at(s.next_s, p);
	assert_true(before.first == s.first && before.last == s.last);
	assert_true(then.first != s.first || then.last != s.last);
}

static void each_slot_lives_in_its_time_only(void **state)
{
	static const int64_t periods[] = { 1, 2, 3, 7, 32 }, more[] = { 0, 1, 2, 5, 8, 40 };
	static const int64_t times[] = { 0, 1, 1000000007, 4294967296,
					 137438953470 }; /* and 63 s behind each */

	(void)state;
	for (size_t i = 0; i < 5; i++)
		for (size_t pre = 0; pre < 6; pre++)
			for (size_t post = 0; post < 6; post++)
				for (size_t t = 0; t < 5 * 64; t++) {
					struct rp_period p = { periods[i], more[pre], more[post] };
					check_time(times[t / 64] + (int64_t)(t % 64), &p);
				}
}

static void the_default_has_an_address_for_48_seconds(void **state)
{
	struct rp_period p = { 32, 8, 8 };

	(void)state;
	for (int64_t now = 3200 - 20; now < 3232 + 20; now++) {
		struct rp_slots s = rp_slots_at(now, &p);
		assert_int_equal(s.first <= 100 && s.last >= 100, now >= 3192 && now < 3240);
		assert_true(s.last - s.first <= 1);
	}
	assert_int_equal(rp_slots_most(&p), 2);
}

static void without_a_period_one_slot_lives_for_ever(void **state)
{
	struct rp_period p = { 0, 8, 8 };
	struct rp_slots s = rp_slots_at(1000000, &p);

	(void)state;
	assert_true(s.first == 0 && s.last == 0 && s.next_s == INT64_MAX);
	assert_int_equal(rp_slots_most(&p), 1);
}

static void a_clock_before_1970_is_at_its_beginning(void **state)
{
	struct rp_period p = { 32, 8, 8 };
	struct rp_slots s = rp_slots_at(-1000, &p);

	(void)state;
	assert_true(s.first == 0 && s.last == 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(each_slot_lives_in_its_time_only),
	cmocka_unit_test(the_default_has_an_address_for_48_seconds),
	cmocka_unit_test(without_a_period_one_slot_lives_for_ever),
	cmocka_unit_test(a_clock_before_1970_is_at_its_beginning),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
