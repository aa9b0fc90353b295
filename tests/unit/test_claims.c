/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The claim page: what a program writes, and what its keeper makes of it. */

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "keeper/claims.h"
#include "unit.h"

static void a_page_has_each_stack_once_and_is_full_at_its_end(void **state)
{
	static struct vs_claims page;

	(void)state;
	assert_false(vs_claims_any(&page));
	for (uint64_t id = 1; id <= VS_CLAIMS_PLACES; id++)
		assert_true(vs_claims_add(&page, id));
	assert_true(vs_claims_add(&page, 1));
	assert_true(vs_claims_add(&page, VS_CLAIMS_PLACES));
	assert_false(vs_claims_add(&page, VS_CLAIMS_PLACES + 1));
	vs_claims_remove(&page, 7);
	assert_true(vs_claims_add(&page, VS_CLAIMS_PLACES + 1));
	assert_false(vs_claims_add(&page, 7));
	for (uint64_t id = 1; id <= VS_CLAIMS_PLACES + 1; id++)
		vs_claims_remove(&page, id);
	assert_false(vs_claims_any(&page));
}

static void a_stack_is_kept_while_it_is_on_a_page_that_is_mapped(void **state)
{
	int file = vs_claims_new();

	(void)state;
	assert_true(file >= 0);
	struct vs_claims *page = mmap(NULL, VS_CLAIMS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	assert_true(page != MAP_FAILED);
	assert_int_equal(vs_claims_ask(file, 5), VS_CLAIM_NONE);
	assert_true(vs_claims_add(page, 5));
	assert_int_equal(vs_claims_ask(file, 5), VS_CLAIM_KEPT);
	assert_int_equal(vs_claims_ask(file, 6), VS_CLAIM_NONE);
	assert_int_equal(vs_claims_ask(-1, 5), VS_CLAIM_NONE);
	assert_int_equal(ftruncate(file, 0), -1); /* the page cannot be taken from the program */
	vs_claims_remove(page, 5);
	assert_int_equal(vs_claims_ask(file, 5), VS_CLAIM_NONE);
	assert_true(vs_claims_add(page, 5));
	assert_int_equal(munmap(page, VS_CLAIMS_BYTES), 0);
	assert_int_equal(vs_claims_ask(file, 5), VS_CLAIM_OVER);
	close(file);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_page_has_each_stack_once_and_is_full_at_its_end),
	cmocka_unit_test(a_stack_is_kept_while_it_is_on_a_page_that_is_mapped),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
