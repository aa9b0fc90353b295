/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rules when memory is short. */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "rules/rules.h"
#include "unit.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void __wrap_free(void *p);

static long live;               /* blocks allocated and not freed */
static long until_failure = -1; /* this many allocations succeed, then one fails; < 0: none fails */

static bool fails_now(void)
{
	return until_failure >= 0 && until_failure-- == 0;
}

void *__wrap_malloc(size_t size)
{
	void *p = fails_now() ? NULL : __real_malloc(size);

	live += p != NULL;
	return p;
}

void *__wrap_calloc(size_t n, size_t size)
{
	void *p = fails_now() ? NULL : __real_calloc(n, size);

	live += p != NULL;
	return p;
}

void __wrap_free(void *p)
{
	live -= p != NULL;
	__real_free(p);
}

static void each_allocation_that_fails_is_reported_and_nothing_is_left(void **state)
{
	(void)state;
	static const char text[] = "stack a vnl=none\nremote=:80 use host\ndefault deny\n";
	struct vs_rules *rules = NULL;
	char message[256];
	int n = 0, result;

	do {
		long before = live;
		until_failure = n++;
		result = vs_rules_parse(text, sizeof(text) - 1, "f", &rules, message, sizeof(message));
		until_failure = -1;
		if (result == 0)
			vs_rules_free(rules);
		else
			assert_int_equal(result, -ENOMEM);
		assert_int_equal(live, before);
		if (result != 0)
			assert_non_null(strstr(message, "out of memory"));
	} while (result != 0);
	assert_true(n > 3);
}

static void a_text_that_is_refused_leaves_nothing(void **state)
{
	(void)state;
	struct vs_rules *rules = NULL;
	char message[256];
	long before = live;

	assert_int_equal(vs_rules_parse("stack a\nuse", 11, "f", &rules, message, sizeof(message)), -EINVAL);
	assert_int_equal(live, before);
	vs_rules_free(NULL);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_allocation_that_fails_is_reported_and_nothing_is_left),
		cmocka_unit_test(a_text_that_is_refused_leaves_nothing),
	};
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
