/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The order of destinations: the examples of RFC 6724 section 10.2, and more. */

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "dns/order.h"
#include "unit.h"

static void parse(const char *text, uint8_t out[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (inet_pton(AF_INET, text, out + 12) == 1)
		memcpy(out, mapped, 12);
	else
		assert_int_equal(inet_pton(AF_INET6, text, out), 1);
}

/* source NULL: there is no route. */
static struct vs_dest dest(const char *addr, const char *source, int prefix)
{
	struct vs_dest d = { .usable = source != NULL, .source_prefix = (uint8_t)prefix };

	parse(addr, d.addr);
	if (source != NULL)
		parse(source, d.source);
	return d;
}

/* Both orders of the input give the wanted first one. */
static void check_first(struct vs_dest first, struct vs_dest second)
{
	struct vs_dest list[2] = { first, second };

	assert_int_equal(vs_order_sort(list, 2), 0);
	assert_memory_equal(list[0].addr, first.addr, 16);
	list[0] = second;
	list[1] = first;
	assert_int_equal(vs_order_sort(list, 2), 0);
	assert_memory_equal(list[0].addr, first.addr, 16);
}

static void the_examples_of_rfc_6724(void **state)
{
	struct vs_dest d;

	(void)state;
	/* matching scope */
	check_first(dest("2001:db8:1::1", "2001:db8:1::2", 64), dest("198.51.100.121", "169.254.13.78", 16));
	check_first(dest("198.51.100.121", "198.51.100.117", 24), dest("2001:db8:1::1", "fe80::1", 64));
	/* precedence */
	check_first(dest("2001:db8:1::1", "2001:db8:1::2", 64), dest("10.1.2.3", "10.1.2.4", 24));
	/* smaller scope */
	check_first(dest("fe80::1", "fe80::2", 64), dest("2001:db8:1::1", "2001:db8:1::2", 64));
	/* a source that is not deprecated */
	d = dest("fe80::1", "fe80::2", 64);
	d.deprecated = true;
	check_first(dest("2001:db8:1::1", "2001:db8:1::2", 64), d);
	/* the longest prefix in common */
	check_first(dest("2001:db8:3ffe::1", "2001:db8:3f44::2", 64),
		    dest("2001:db8:1::1", "2001:db8:3f44::2", 64));
	/* matching label, 6to4 */
	check_first(dest("2002:c633:6401::1", "2002:c633:6401::2", 64),
		    dest("2001:db8:1::1", "2002:c633:6401::2", 64));
	check_first(dest("2001:db8:1::1", "2001:db8:1::2", 64),
		    dest("2002:c633:6401::1", "2002:c633:6401::2", 64));
}

static void an_address_without_a_route_comes_last(void **state)
{
	(void)state;
	check_first(dest("10.0.0.1", "10.0.0.2", 24), dest("2001:db8::1", NULL, 0));
	check_first(dest("2001:db8::1", "2001:db8::2", 64), dest("10.0.0.1", NULL, 0));
}

static void unique_local_addresses_come_after_ipv4_without_one_of_our_own(void **state)
{
	(void)state;
	check_first(dest("10.0.0.1", "10.0.0.2", 24), dest("fc00::1", "2001:db8::2", 64));
}

static void ipv4_on_the_link_comes_first(void **state)
{
	(void)state;
	check_first(dest("10.0.0.1", "10.0.0.2", 24), dest("192.0.2.1", "10.0.0.2", 24));
	/* Neither is on the link: as they came. */
	struct vs_dest list[2] = { dest("192.0.2.1", "10.0.0.2", 24), dest("10.1.0.1", "10.0.0.2", 24) };
	assert_int_equal(vs_order_sort(list, 2), 0);
	assert_int_equal(list[0].addr[12], 192);
}

static void equal_ones_keep_their_order_however_many_they_are(void **state)
{
	struct vs_dest *list = calloc(1001, sizeof(*list));

	(void)state;
	for (unsigned n = 0; n <= 1001; n = n < 9 ? n + 1 : n + 124) {
		for (unsigned i = 0; i < n; i++) {
			list[i] = dest(i % 3 ? "192.0.2.1" : "2001:db8::1", "10.0.0.2", 24);
			list[i].scope_id = i;
		}
		assert_int_equal(vs_order_sort(list, n), 0);
		for (unsigned i = 1; i < n; i++)
			if (memcmp(list[i].addr, list[i - 1].addr, 16) == 0)
				assert_true(list[i].scope_id > list[i - 1].scope_id);
			else
				assert_int_equal(i, n - (n + 2) / 3);
	}
	free(list);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_examples_of_rfc_6724),
	cmocka_unit_test(an_address_without_a_route_comes_last),
	cmocka_unit_test(unique_local_addresses_come_after_ipv4_without_one_of_our_own),
	cmocka_unit_test(ipv4_on_the_link_comes_first),
	cmocka_unit_test(equal_ones_keep_their_order_however_many_they_are),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
