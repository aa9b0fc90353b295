/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A test with Check: a network is split in two, and healed. Check runs each test in a process of its own, which makes
 * the laboratory and ends it.
 *
 * pkg-config: check
 */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <vdestack/lab.h>

static struct vdestack_lab *lab;

static void set_up(void)
{
	lab = vdestack_lab_new("network lan 10.0.0.0/24\nhost a on lan\nhost b on lan\nhost c on lan\n", NULL);
	ck_assert_msg(lab != NULL && vdestack_lab_start(lab) == 0, "%s", vdestack_lab_last_error());
}

static void tear_down(void)
{
	vdestack_lab_delete(lab);
}

/* Whether one host reaches another one, by a command that knows their names. */
static int reaches(const char *from, char *to)
{
	char *argv[] = { "ping", "-c", "1", "-W", "1", to, NULL };
	struct vdestack_cmd_opts opts = { .size = sizeof(opts), .out = VDESTACK_NULL, .err = VDESTACK_NULL };

	return vdestack_lab_run(lab, from, argv, &opts) == 0;
}

START_TEST(groups_do_not_reach_each_other)
{
	char a[] = "10.0.0.1", c[] = "10.0.0.3";

	ck_assert(reaches("b", a));
	ck_assert_int_eq(vdestack_lab_partition(lab, "lan", "a,b|c"), 0);
	ck_assert(reaches("b", a));
	ck_assert(!reaches("b", c));
	ck_assert_int_eq(vdestack_lab_heal(lab, "lan"), 0);
	ck_assert(reaches("b", c));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lab");
	TCase *group = tcase_create("partition");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(group, set_up, tear_down);
	tcase_set_timeout(group, 30);
	tcase_add_test(group, groups_do_not_reach_each_other);
	suite_add_tcase(suite, group);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	if (failed > 0)
		srunner_print(runner, CK_NORMAL);
	srunner_free(runner);
	printf("%d tests failed\n", failed);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
