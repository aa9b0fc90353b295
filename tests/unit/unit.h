/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TESTS_UNIT_H
#define VS_TESTS_UNIT_H

/*
 * The main of a unit test, so that each case can be run in a process of its own:
 *
 *	test_x          runs all cases
 *	test_x NAME     runs one case; 1 if there is none of that name
 *	test_x --list   prints the names, one per line
 *
 * 0: passed, 1: failed. Use it as
 *
 *	int main(int argc, char **argv)
 *	{
 *		return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
 *	}
 */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static inline const struct CMUnitTest *vs_unit_find(const char *name, const struct CMUnitTest *tests,
						    size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(tests[i].name, name) == 0)
			return &tests[i];
	return NULL;
}

static inline int vs_unit_list(const struct CMUnitTest *tests, size_t n)
{
	for (size_t i = 0; i < n; i++)
		puts(tests[i].name);
	return fflush(stdout) == 0 ? 0 : 1;
}

/* Open descriptors of this process. */
static inline int vs_unit_count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static inline int vs_unit_main(int argc, char **argv, const struct CMUnitTest *tests, size_t n)
{
	const char *name = argc > 1 ? argv[1] : NULL;

	if (name != NULL && strcmp(name, "--list") == 0)
		return vs_unit_list(tests, n);
	if (name != NULL && vs_unit_find(name, tests, n) == NULL) {
		/* otherwise cmocka would run nothing and pass */
		fprintf(stderr, "%s: there is no test named %s\n", argv[0], name);
		return 1;
	}
	if (name != NULL)
		cmocka_set_test_filter(name);
	return _cmocka_run_group_tests(argv[0], tests, n, NULL, NULL) == 0 ? 0 : 1;
}

#endif
