/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Laboratories: one number repeats all random choices, and a failure says which. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include <vdestack/impair.h>
#include <vdestack/lab.h>

#define LAB_MUST(call)                                                                                       \
	do {                                                                                                 \
		if ((call) < 0)                                                                              \
			FAIL("%s: %s", #call, vdestack_lab_last_error());                                    \
	} while (0)

#define TEXT "network lan 10.0.0.0/24\nhost a on lan\n"

static struct vdestack_lab *start(const char *text, uint64_t seed)
{
	struct vdestack_lab_opts opts = { .size = sizeof(opts), .seed = seed };
	struct vdestack_lab *lab;

	(void)setenv("TMPDIR", case_tmp(), 1);
	lab = vdestack_lab_new(text, &opts);
	if (lab == NULL)
		FAIL("%s", vdestack_lab_last_error());
	LAB_MUST(vdestack_lab_start(lab));
	return lab;
}

struct seeds {
	uint64_t tx, rx;
};

static struct seeds now(struct vdestack_lab *lab)
{
	struct vdestack_impairment tx = { .size = sizeof(tx) }, rx = { .size = sizeof(rx) };

	MUST(vdestack_impair_get(vdestack_lab_host(lab, "a"), "lan", &tx, &rx, NULL, NULL));
	return (struct seeds){ tx.seed, rx.seed };
}

static struct seeds of(uint64_t seed)
{
	struct vdestack_lab *lab = start(TEXT "link a:lan loss=1%\n", seed);
	struct seeds found = now(lab);

	CHECK_EQ(vdestack_lab_seed(lab), seed);
	vdestack_lab_delete(lab);
	return found;
}

CASE(one_seed_repeats_the_seeds_of_all_ports)
{
	struct seeds first = of(7), again = of(7), other = of(8);

	CHECK(first.tx == again.tx && first.rx == again.rx);
	CHECK(first.tx != first.rx && first.tx != other.tx && first.rx != other.rx);
}

CASE(seeds_repeat_whatever_the_words_of_an_impairment_are)
{
	struct vdestack_lab *lab = start(TEXT, 7);
	struct seeds labs = of(7), found;

	LAB_MUST(vdestack_lab_impair(lab, "a:lan", "unimpaired loss=1%"));
	found = now(lab);
	CHECK(found.tx == labs.tx && found.rx == labs.rx);
	LAB_MUST(vdestack_lab_impair(lab, "a:lan", "unimpaired tx.seed=5 loss=1% # with a comment"));
	found = now(lab);
	CHECK(found.tx == 5 && found.rx == labs.rx);
	/* what the words have chosen stays until they choose anew */
	LAB_MUST(vdestack_lab_impair(lab, "a:lan", "loss=2%"));
	found = now(lab);
	CHECK(found.tx == 5 && found.rx == labs.rx);
	LAB_MUST(vdestack_lab_impair(lab, "a:lan", "unimpaired"));
	LAB_MUST(vdestack_lab_impair(lab, "a:lan", "loss=1%"));
	found = now(lab);
	CHECK(found.tx == labs.tx && found.rx == labs.rx);
	vdestack_lab_delete(lab);
}

CASE(the_seed_of_the_environment_is_a_number_or_refused)
{
	static const char *const wrong[] = { "x", "7x", "-1", "+7", " 7", "0", "0x", "1e3",
					     "18446744073709551616" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		(void)setenv("VDESTACK_LAB_SEED", wrong[i], 1);
		CHECK_ERRNO(vdestack_lab_new(TEXT, NULL), EINVAL);
		CHECK_CONTAINS(vdestack_lab_last_error(), "VDESTACK_LAB_SEED");
	}
	(void)setenv("VDESTACK_LAB_SEED", "18446744073709551615", 1);
	struct vdestack_lab *lab = vdestack_lab_new(TEXT, NULL);
	CHECK(lab != NULL);
	CHECK(vdestack_lab_seed(lab) == UINT64_MAX);
	vdestack_lab_delete(lab);
	/* The options come first: what is not used is not judged. */
	struct vdestack_lab_opts opts = { .size = sizeof(opts), .seed = 9 };
	(void)setenv("VDESTACK_LAB_SEED", "x", 1);
	lab = vdestack_lab_new(TEXT, &opts);
	CHECK(lab != NULL);
	CHECK_EQ(vdestack_lab_seed(lab), 9);
	vdestack_lab_delete(lab);
	(void)setenv("VDESTACK_LAB_SEED", "", 1); /* as if it were not set */
	lab = vdestack_lab_new(TEXT, NULL);
	CHECK(lab != NULL);
	CHECK(vdestack_lab_seed(lab) != 0);
	vdestack_lab_delete(lab);
}

/* A file of the artefacts of a lab. The text stays until the next call. */
static const char *artefact(const struct vdestack_lab *lab, const char *name)
{
	static char text[16384];
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", vdestack_lab_artefacts(lab), name);
	FILE *in = fopen(path, "re");
	if (in == NULL)
		FAIL("there is no %s", path);
	text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
	(void)fclose(in);
	return text;
}

static void check_why(uint64_t seed, const char *part, const char *not_there)
{
	struct vdestack_lab_opts opts = { .size = sizeof(opts), .seed = seed, .artefacts = case_path("art") };
	struct vdestack_lab *lab = vdestack_lab_new(TEXT, &opts);

	CHECK(lab != NULL);
	CHECK_EQ(vdestack_lab_fail(lab, "on purpose"), 1);
	const char *text = artefact(lab, "why.txt");
	CHECK_CONTAINS(text, "on purpose");
	CHECK_CONTAINS(text, "seed: ");
	CHECK_CONTAINS(text, part);
	CHECK(strstr(text, not_there) == NULL);
	vdestack_lab_delete(lab);
}

CASE(a_failure_says_how_it_is_repeated)
{
	(void)unsetenv("VDESTACK_LAB_SEED");
	check_why(0, "repeat with: VDESTACK_LAB_SEED=", "options");
	check_why(42, "repeat with: the seed 42 in the options of the lab", "VDESTACK_LAB_SEED=");
}

CASE(a_failure_has_all_settings_of_an_impairment)
{
	(void)setenv("VDESTACK_LAB_ARTEFACTS", case_path("art"), 1);
	struct vdestack_lab *lab = start(TEXT "link a:lan rx.delay=3600s rx.loss-burst=1%:25% "
					      "rx.reorder=5%:3 tx.corrupt-valid=0.5 "
					      "tx.seed=18446744073709551615\n",
					 7);

	CHECK_EQ(vdestack_lab_fail(lab, "on purpose"), 1);
	const char *text = artefact(lab, "a.txt");
	CHECK_CONTAINS(text, "impaired tx: seed 18446744073709551615 corrupt_valid 0.5; seen ");
	CHECK_CONTAINS(text, " burst_enter 0.01 burst_leave 0.25 burst_loss 1 reorder 0.05 reorder_gap 3 "
			     "delay_ns 3600000000000; seen ");
	vdestack_lab_delete(lab);
}
