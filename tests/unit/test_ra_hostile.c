/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Router discovery: advertisements of hostile routers, and too many of them. */

#include "ra_net.h"

static void what_comes_from_afar_is_ignored(void **state)
{
	uint8_t bytes[64];

	(void)state;
	start(VS_IID_NONE);
	size_t n = vs_ndp_ra_encode(bytes, sizeof(bytes), &ra);
	input(bytes, n, router, 254);
	input(bytes, n, router, 64);
	input(bytes, n, "2001:db8::1", 255);
	input(bytes, n, "fec0::1", 255);
	input(bytes, n, "::", 255);
	assert_int_equal(ignored(VS_IGNORED_SENDER), 5);
	bytes[1] = 1;
	input(bytes, n, router, 255);
	bytes[1] = 0;
	input(bytes, n - 1, router, 255);
	assert_int_equal(ignored(VS_IGNORED_MALFORMED), 2);
	assert_int_equal(describe().received, 0);
	assert_int_equal(seen.calls, 0);
	input(bytes, n, "febf::1", 255);
	assert_int_equal(describe().received, 1);
}

/* RFC 6104: a host that sends advertisements of ever new routers with ever new prefixes. */
static void a_flood_is_bounded_and_the_first_router_stays(void **state)
{
	char from[32], prefix[32];

	(void)state;
	config.nodad = true;
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 600, 300);
	advertise();
	ra.n_routes = 1;
	ra.preference = VS_NDP_HIGH;
	for (unsigned i = 0; i < 20000; i++) {
		(void)snprintf(from, sizeof(from), "fe80::bad:%x", i);
		for (unsigned j = 0; j < 4; j++) {
			(void)snprintf(prefix, sizeof(prefix), "2001:bad:%x:%x::", i, j);
			set_prefix(j, prefix, VS_NDP_FOREVER, VS_NDP_FOREVER);
		}
		read_addr(prefix, ra.routes[0].prefix);
		ra.routes[0].len = 64, ra.routes[0].lifetime_s = VS_NDP_FOREVER;
		(void)snprintf(prefix, sizeof(prefix), "2001:bad::%x", i);
		set_server(0, prefix, 3600);
		advertise_from(from);
		pass(1);
	}
	/* 8 per second for 20 seconds, after a burst of 16 */
	assert_in_range(describe().received, 8 * 20, 8 * 20 + 16);
	assert_int_equal(describe().received + ignored(VS_IGNORED_STATE), 20001);
	assert_int_equal(seen.n_addrs, 8);
	assert_int_equal(seen.n_routes, 24);
	assert_non_null(the_addr("2001:db8:1::ff:fe00:1"));
	bool there = false;
	for (size_t i = 0; i < seen.n_routes; i++)
		there = there || goes_through(&seen.routes[i], router);
	assert_true(there);
	assert_in_range(seen.calls, 1, 1000);
	assert_true(describe().problem[0] != '\0');
	/* an hour later the honest router is heard again */
	ra.n_dns = ra.n_routes = 0;
	ra.n_prefixes = 1;
	set_prefix(0, "2001:db8:1::", 600, 300);
	pass(590000);
	advertise();
	assert_int_equal(the_addr("2001:db8:1::ff:fe00:1")->valid_s, 600);
}

static void a_table_that_is_full_is_reported(void **state)
{
	char text[32];

	(void)state;
	start(VS_IID_NONE);
	ra.n_routes = 9;
	for (unsigned i = 0; i < 9; i++)
		ra.routes[i].len = (uint8_t)(i + 1), ra.routes[i].lifetime_s = 600;
	advertise();
	assert_string_equal(describe().problem, "there are more routes than 8: the others are not used");
	for (unsigned i = 1; i <= 2; i++) {
		start(i == 1 ? VS_IID_NONE : VS_IID_EUI64);
		for (unsigned j = 0; j < 9; j++) {
			(void)snprintf(text, sizeof(text), "2001:db8:%x::", j);
			set_prefix(j, text, 600, 600);
			ra.prefixes[j].on_link = i == 1;
		}
		advertise();
		assert_string_equal(describe().problem,
				    i == 1 ? "there are more prefixes than 8: the others are not used" :
					     "there are more prefixes than 8: the others get no address");
	}
	start(VS_IID_NONE);
	for (unsigned i = 0; i < 9; i++) {
		assert_string_equal(describe().problem, "");
		(void)snprintf(text, sizeof(text), "fe80::%x", i + 1);
		advertise_from(text);
	}
	assert_string_equal(describe().problem, "there are more routers than 8: the others are not used");
}

static const struct CMUnitTest tests[] = {
	TEST(what_comes_from_afar_is_ignored),
	TEST(a_flood_is_bounded_and_the_first_router_stays),
	TEST(a_table_that_is_full_is_reported),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
