/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The list of addresses when each dump is disturbed by a change and begun again: no entry is there twice, and
 * nothing of the first attempt stays in memory. The list is that of the network namespace the test runs in.
 */

#include <ifaddrs.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "rtnl/nl.h"
#include "rtnl/rtnl.h"
#include "rtnl/talk.h"
#include "unit.h"

static int n_attempts = 1;

int __real_vs_nl_dump(struct vs_nl *nl, const struct vs_nl_dump *what);
int __wrap_vs_nl_dump(struct vs_nl *nl, const struct vs_nl_dump *what);

int __wrap_vs_nl_dump(struct vs_nl *nl, const struct vs_nl_dump *what)
{
	int r = 0;

	for (int i = 0; i < n_attempts && r == 0; i++)
		r = __real_vs_nl_dump(nl, what);
	return r;
}

/* Returns how many entries the list has. */
static int read_list(struct vs_nl *nl)
{
	struct ifaddrs *list;
	int n = 0;

	assert_int_equal(vs_rtnl_getifaddrs(nl, &list), 0);
	for (const struct ifaddrs *a = list; a != NULL; a = a->ifa_next)
		n++;
	vs_rtnl_freeifaddrs(list);
	return n;
}

static int count_addresses(struct vs_nl *nl)
{
	struct ifaddrs *list;
	int n = 0;

	assert_int_equal(vs_rtnl_getifaddrs(nl, &list), 0);
	for (const struct ifaddrs *a = list; a != NULL; a = a->ifa_next)
		n += a->ifa_addr != NULL &&
		     (a->ifa_addr->sa_family == AF_INET || a->ifa_addr->sa_family == AF_INET6);
	vs_rtnl_freeifaddrs(list);
	return n;
}

static void a_list_that_is_read_again_has_each_entry_once(void **state)
{
	VS_AUTO_NL nl;

	(void)state;
	assert_int_equal(vs_nl_open(&nl, vs_talk_socket()), 0);
	int expected = read_list(&nl);
	if (count_addresses(&nl) == 0) {
		fprintf(stderr, "skipped: there is no address in this network namespace\n");
		exit(77);
	}
	for (n_attempts = 2; n_attempts < 5; n_attempts++)
		assert_int_equal(read_list(&nl), expected);
}

static void a_list_that_is_read_again_leaves_nothing_in_memory(void **state)
{
	VS_AUTO_NL nl;

	(void)state;
	assert_int_equal(vs_nl_open(&nl, vs_talk_socket()), 0);
	n_attempts = 3;
	(void)read_list(&nl); /* what is allocated once */
	size_t before = mallinfo2().uordblks;
	for (int i = 0; i < 100; i++)
		(void)read_list(&nl);
	/* A sanitizer's malloc counts nothing here; it reports leaks itself. */
	assert_in_range(mallinfo2().uordblks, 0, before + 4096);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_that_is_read_again_has_each_entry_once),
		cmocka_unit_test(a_list_that_is_read_again_leaves_nothing_in_memory),
	};

	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
