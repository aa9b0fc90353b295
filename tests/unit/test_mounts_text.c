/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Texts of the files in a stack's mount namespace. */

#include <stdlib.h>

#include "preload/mounts.h"
#include "unit.h"

#define LOCALHOST "127.0.0.1 localhost\n::1 localhost\n"

static void check(char *text, const char *wanted)
{
	assert_non_null(text);
	assert_string_equal(text, wanted);
	free(text);
}

static void hosts_of_other_networks_are_left_out(void **state)
{
	(void)state;
	check(vs_mounts_hosts("10.0.0.1 server\n127.0.1.1 here\n192.168.127.1 x\n::12 y\nfe80::1 z\n", NULL),
	      LOCALHOST "127.0.1.1 here\n");
}

static void localhost_is_there_without_a_hosts_file(void **state)
{
	(void)state;
	check(vs_mounts_hosts("", NULL), LOCALHOST);
}

static void the_name_of_the_host_comes_first(void **state)
{
	(void)state;
	check(vs_mounts_hosts("127.0.1.1 old\n", "new"), "127.0.1.1 new\n" LOCALHOST "127.0.1.1 old\n");
}

static void lines_with_blanks_and_without_an_end_are_lines(void **state)
{
	(void)state;
	check(vs_mounts_hosts("\n\n \t::1\tsix\nff02::1 all # 10.0.0.1", NULL),
	      LOCALHOST " \t::1\tsix\nff02::1 all # 10.0.0.1\n");
}

static void only_the_services_of_hosts_change(void **state)
{
	(void)state;
	check(vs_mounts_nsswitch("passwd: files systemd\n hosts: resolve [!UNAVAIL=return] dns\n# hosts: x"),
	      "passwd: files systemd\n# hosts: x\nhosts: files dns\n");
	check(vs_mounts_nsswitch(""), "hosts: files dns\n");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(hosts_of_other_networks_are_left_out),
	cmocka_unit_test(localhost_is_there_without_a_hosts_file),
	cmocka_unit_test(the_name_of_the_host_comes_first),
	cmocka_unit_test(lines_with_blanks_and_without_an_end_are_lines),
	cmocka_unit_test(only_the_services_of_hosts_change),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
