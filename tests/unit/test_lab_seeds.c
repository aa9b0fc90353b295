/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The seeds of a laboratory's ports: which words need them, and what they depend on. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lab/seeds.h"
#include "unit.h"

static void each_direction_without_a_seed_gets_one(void **state)
{
	(void)state;
	static const struct {
		const char *words;
		struct vs_lab_seed_words found;
	} list[] = {
		{ "", { false, false, false, false } },
		{ "loss=1%", { false, true, false, false } },
		{ "loss=1% seed=7", { false, true, true, true } },
		{ "tx.seed=7,loss=1%", { false, true, true, false } },
		{ " rx.seed=7;\tloss=1%\n", { false, true, false, true } },
		{ "tx.seed=7 rx.seed=8", { false, false, true, true } },
		{ "unimpaired", { true, false, false, false } },
		{ "unimpaired loss=1%", { true, true, false, false } },
		{ "unimpaired,tx.seed=7 loss=1%", { true, true, true, false } },
		{ "loss=1% seed=7 unimpaired", { true, false, false, false } },
		{ "unimpairedly", { false, true, false, false } },
		{ "reseed=7 seed", { false, true, false, false } },
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct vs_lab_seed_words found = vs_lab_seeds_read(list[i].words), e = list[i].found;
		if (found.anew != e.anew || found.works != e.works || found.tx != e.tx || found.rx != e.rx)
			fail_msg("\"%s\": anew %d, works %d, tx %d, rx %d", list[i].words, found.anew,
				 found.works, found.tx, found.rx);
	}
}

static void check_added(const char *words, const char *tx, const char *rx)
{
	char expected[200], *all = vs_lab_seeds_add(7, "web", "lan", words);

	(void)snprintf(expected, sizeof(expected), "%s\n%s%s", words, tx, rx);
	assert_non_null(all);
	assert_string_equal(all, expected);
	free(all);
}

static void seeds_that_are_there_stay(void **state)
{
	(void)state;
	char tx[40], rx[40];

	(void)snprintf(tx, sizeof(tx), " tx.seed=%" PRIu64, vs_lab_seeds_of(7, "web", "lan", 't'));
	(void)snprintf(rx, sizeof(rx), " rx.seed=%" PRIu64, vs_lab_seeds_of(7, "web", "lan", 'r'));
	check_added("loss=1%", tx, rx);
	check_added("tx.seed=1 loss=1%", "", rx);
	check_added("rx.seed=1 loss=1%", tx, "");
	check_added("loss=1% seed=1", "", "");
}

/* Numbers that are written down: a later version must repeat the failures of this one. */
static void seeds_depend_on_all_names_and_stay_what_they_are(void **state)
{
	(void)state;
	uint64_t seeds[] = {
		vs_lab_seeds_of(7, "web", "lan", 't'), vs_lab_seeds_of(7, "web", "lan", 'r'),
		vs_lab_seeds_of(8, "web", "lan", 't'), vs_lab_seeds_of(7, "we", "blan", 't'),
		vs_lab_seeds_of(7, "web", "lan2", 't'),
	};

	for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++) {
		assert_true(seeds[i] > 0 && seeds[i] <= INT64_MAX);
		for (size_t j = 0; j < i; j++)
			assert_true(seeds[i] != seeds[j]);
	}
	assert_int_equal(seeds[0], UINT64_C(0x75cc9d56272e0c5a));
	assert_int_equal(seeds[1], UINT64_C(0x5e052a195653ccd5));
}

int main(int argc, char *argv[])
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_direction_without_a_seed_gets_one),
		cmocka_unit_test(seeds_that_are_there_stay),
		cmocka_unit_test(seeds_depend_on_all_names_and_stay_what_they_are),
	};
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
