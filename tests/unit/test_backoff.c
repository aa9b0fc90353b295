/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How long to wait before another attempt. */

#include <stdlib.h>

#include "base/backoff.h"
#include "unit.h"

static void waits_are_bounded_and_double(void **state)
{
	(void)state;
	for (unsigned attempt = 0; attempt < 100; attempt++) {
		int least = vs_backoff_ms(attempt, 0), most = 0;
		for (uint32_t random = 0; random < 20000; random++) {
			int ms = vs_backoff_ms(attempt, random);
			most = ms > most ? ms : most;
			assert_true(ms >= least);
		}
		assert_true(least >= VS_BACKOFF_FIRST_MS / 2);
		assert_true(most <= VS_BACKOFF_MOST_MS);
		assert_true(most >= 2 * least);
		if (attempt < 5)
			assert_int_equal(vs_backoff_ms(attempt + 1, 0), 2 * least);
	}
	assert_int_equal(vs_backoff_ms(7, UINT32_MAX) <= VS_BACKOFF_MOST_MS, 1);
}

/* A hundred interfaces that have lost the same network do not reconnect at the same moment. */
static void those_that_wait_alike_are_spread(void **state)
{
	unsigned seed = 3, buckets[10] = { 0 };

	(void)state;
	print_message("seed %u\n", seed);
	for (int i = 0; i < 1000; i++) {
		int ms = vs_backoff_ms(6, (uint32_t)rand_r(&seed));
		buckets[(ms - 2500) * 10 / 2501]++;
	}
	for (int i = 0; i < 10; i++)
		assert_in_range(buckets[i], 50, 150);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(waits_are_bounded_and_double),
	cmocka_unit_test(those_that_wait_alike_are_spread),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
