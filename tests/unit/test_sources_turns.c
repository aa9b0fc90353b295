/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* When sources that are stopped together send their releases. */

#include <net/if.h>

#include "keeper/sources_inside.h"
#include "unit.h"

#define MANY 500
#define NOW 123456 /* an arbitrary time */

static void a_few_releases_leave_at_once(void **state)
{
	vs_auto_ms next = 0;

	(void)state;
	for (int i = 0; i < 32; i++)
		assert_int_equal(vs_sources_turns_take(&next, NOW), NOW);
	assert_true(vs_sources_turns_take(&next, NOW) > NOW);
}

/* A receive buffer holds 250 messages. A server that reads none for half a second loses none. */
static void many_releases_leave_one_after_the_other(void **state)
{
	vs_auto_ms turns[MANY], next = 0;

	(void)state;
	for (int i = 0; i < MANY; i++)
		turns[i] = vs_sources_turns_take(&next, NOW);
	for (int i = 32; i < MANY; i++)
		assert_int_equal(turns[i] - turns[i - 1], 4);
	for (int first = 0, i = 0; i < MANY; i++) {
		while (turns[i] - turns[first] >= 500)
			first++;
		assert_true(i - first < 250);
	}
	assert_true(turns[MANY - 1] <= NOW + 2000);
}

static void no_turn_is_later_than_the_limit(void **state)
{
	vs_auto_ms next = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		vs_auto_ms turn = vs_sources_turns_take(&next, NOW);
		assert_true(turn >= NOW);
		assert_true(turn <= NOW + VS_SOURCES_TURNS_MS);
	}
	/* Those beyond the limit have not made the line longer. */
	assert_true(vs_sources_turns_take(&next, NOW + 10) <= NOW + 10 + VS_SOURCES_TURNS_MS);
	assert_int_equal(vs_sources_turns_take(&next, NOW + 2 * VS_SOURCES_TURNS_MS),
			 NOW + 2 * VS_SOURCES_TURNS_MS);
}

/* Stacks that end one by one, each a few milliseconds after the last one, do not wait. */
static void releases_that_come_slowly_do_not_wait(void **state)
{
	vs_auto_ms next = 0;

	(void)state;
	for (vs_auto_ms now = NOW; now < NOW + 10000; now += 4)
		assert_int_equal(vs_sources_turns_take(&next, now), now);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_few_releases_leave_at_once),
	cmocka_unit_test(many_releases_leave_one_after_the_other),
	cmocka_unit_test(no_turn_is_later_than_the_limit),
	cmocka_unit_test(releases_that_come_slowly_do_not_wait),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
