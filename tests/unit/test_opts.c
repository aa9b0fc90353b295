/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Option structs with their size first: older, newer, wrong. */

#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/opts.h"
#include "unit.h"

struct old {
	size_t size;
	unsigned a;
	unsigned b; /* no padding behind a */
};

struct known {
	size_t size;
	unsigned a;
	unsigned b;
	unsigned long c;
};

struct later {
	struct known known;
	unsigned long d;
	unsigned long e;
};

/* Each version in a heap block of its size: a sanitizer sees a look behind its end. */
static void *of_size(size_t size)
{
	unsigned char *block = calloc(1, size);

	assert_non_null(block);
	memcpy(block, &size, sizeof(size) < size ? sizeof(size) : size);
	return block;
}

static void the_same_version_is_copied(void **state)
{
	const struct known given = { sizeof(given), 1, 2, 3 };
	struct known got = { 9, 9, 9, 9 };

	(void)state;
	assert_int_equal(vs_opts_read(&given, sizeof(given.size), &got, sizeof(got)), 0);
	assert_memory_equal(&got, &given, sizeof(got));
}

static void members_of_a_later_version_than_the_caller_are_zero(void **state)
{
	struct old *given = of_size(sizeof(*given));
	struct known got = { 9, 9, 9, 9 };

	(void)state;
	given->a = 1;
	given->b = 2;
	assert_int_equal(vs_opts_read(given, sizeof(*given), &got, sizeof(got)), 0);
	assert_true(got.size == sizeof(*given) && got.a == 1 && got.b == 2 && got.c == 0);
	free(given);
}

static void nothing_given_is_all_zero(void **state)
{
	struct known got = { 9, 9, 9, 9 };

	(void)state;
	assert_int_equal(vs_opts_read(NULL, sizeof(got), &got, sizeof(got)), 0);
	assert_true(got.size == 0 && got.a == 0 && got.b == 0 && got.c == 0);
}

static void unknown_members_must_be_zero(void **state)
{
	struct later *given = of_size(sizeof(*given));
	struct known got = { 9, 9, 9, 9 };

	(void)state;
	given->known.c = 3;
	assert_int_equal(vs_opts_read(given, sizeof(size_t), &got, sizeof(got)), 0);
	assert_true(got.size == sizeof(*given) && got.c == 3);
	/* the first and the last byte behind what is known */
	for (size_t at = sizeof(got); at < sizeof(*given); at += sizeof(*given) - sizeof(got) - 1) {
		((unsigned char *)given)[at] = 1;
		got = (struct known){ 9, 9, 9, 9 };
		assert_int_equal(vs_opts_read(given, sizeof(size_t), &got, sizeof(got)), -E2BIG);
		assert_true(got.size == 9 && got.a == 9 && got.c == 9); /* untouched */
		((unsigned char *)given)[at] = 0;
	}
	free(given);
}

static void a_size_below_the_least_is_refused(void **state)
{
	const size_t sizes[] = { 0, 1, sizeof(size_t) - 1, sizeof(struct old) - 1 };
	struct known given = { 0, 1, 2, 3 }, got = { 9, 9, 9, 9 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		given.size = sizes[i];
		assert_int_equal(vs_opts_read(&given, sizeof(struct old), &got, sizeof(got)), -EINVAL);
		assert_int_equal(got.size, 9);
	}
	given.size = sizeof(struct old);
	assert_int_equal(vs_opts_read(&given, sizeof(struct old), &got, sizeof(got)), 0);
	assert_int_equal(got.c, 0);
}

static void results_are_written_as_far_as_the_caller_knows_them(void **state)
{
	const struct known result = { sizeof(result), 1, 2, 3 };
	struct old old[2] = { { 9, 9, 9 }, { 9, 9, 9 } };
	struct later later = { { 9, 9, 9, 9 }, 9, 9 };

	(void)state;
	vs_opts_write(&old[0], sizeof(old[0]), &result, sizeof(result));
	assert_true(old[0].a == 1 && old[0].b == 2);
	assert_true(old[1].size == 9 && old[1].a == 9); /* bytes behind it do not change */
	vs_opts_write(&later, sizeof(later), &result, sizeof(result));
	assert_memory_equal(&later.known, &result, sizeof(result));
	assert_true(later.d == 0 && later.e == 0);
}

static void the_message_names_step_and_struct(void **state)
{
	(void)state;
	assert_int_equal(vs_opts_fail(-EINVAL, "do it", "vdestack_it"), -EINVAL);
	assert_string_equal(vs_message(), "cannot do it: the size of struct vdestack_it is not set; set it "
					   "to sizeof(struct vdestack_it)");
	assert_int_equal(vs_opts_fail(-E2BIG, "do it", "vdestack_it"), -E2BIG);
	assert_non_null(strstr(vs_message(), "cannot do it: struct vdestack_it has members that are newer"));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_same_version_is_copied),
	cmocka_unit_test(members_of_a_later_version_than_the_caller_are_zero),
	cmocka_unit_test(nothing_given_is_all_zero),
	cmocka_unit_test(unknown_members_must_be_zero),
	cmocka_unit_test(a_size_below_the_least_is_refused),
	cmocka_unit_test(results_are_written_as_far_as_the_caller_knows_them),
	cmocka_unit_test(the_message_names_step_and_struct),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
