/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Router discovery: routers, their preferences, and routes. */

#include "ra_net.h"

static void a_month_of_advertisements_keeps_address_route_and_names(void **state)
{
	unsigned n = 0;

	(void)state;
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 3600, 1800);
	set_server(0, "2001:db8:1::53", 1200);
	for (vs_auto_ms end = now + (vs_auto_ms)30 * 86400 * 1000; now < end; n++) {
		advertise();
		assert_int_equal(seen.n_addrs, 1);
		if (n == 0)
			detected(&seen.addrs[0], false);
		assert_true(describe().ready);
		assert_true(goes_through(the_route("::", 0), router));
		pass(200000 + n % 5 * 100000); /* RFC 4861: 200 to 600 s by default */
	}
	assert_in_range(n, 6400, 6500);
	assert_int_equal(seen.news[VS_NEWS_GAINED], 1);
	assert_int_equal(seen.news[VS_NEWS_LOST], 0);
	assert_int_equal(seen.news[VS_NEWS_CHANGED], 0);
	assert_int_equal(seen.facts.dns[0].family, AF_INET6);
	assert_true(seen.sent <= 2); /* solicitations, all at the start */
}

static void a_router_that_says_goodbye_is_forgotten(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	pass(100000);
	advertise();
	unsigned sent = seen.sent;
	ra.lifetime_s = 0;
	advertise();
	assert_int_equal(seen.n_routes, 0);
	assert_int_equal(seen.news[VS_NEWS_LOST], 1);
	assert_false(describe().ready);
	pass(1000); /* another one is searched for, not at the same moment as all other hosts do */
	assert_int_equal(seen.sent, sent + 1);
}

static void a_router_that_is_silent_is_forgotten(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	advertise();
	pass(1799999);
	assert_int_equal(seen.n_routes, 1);
	pass(1);
	assert_int_equal(seen.n_routes, 0);
	assert_int_equal(seen.news[VS_NEWS_LOST], 1);
	pass(500);
	assert_int_equal(seen.sent, 2);
	advertise();
	assert_int_equal(seen.news[VS_NEWS_GAINED], 2);
}

static void a_goodbye_that_is_repeated_does_not_make_us_flood(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	for (int i = 0; i < 100; i++) { /* 100 seconds of a forger */
		ra.lifetime_s = i % 2 == 0 ? 1800 : 0;
		advertise();
		pass(i % 2 == 0 ? 100 : 1900);
	}
	assert_in_range(seen.sent, 5, 26); /* one in four seconds */
}

static void the_other_router_takes_over(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	advertise_from("fe80::1");
	advertise_from("fe80::2");
	assert_int_equal(seen.n_routes, 2);
	assert_true(goes_through(the_route("::", 0), "fe80::1"));
	ra.lifetime_s = 0;
	advertise_from("fe80::1");
	assert_int_equal(seen.n_routes, 1);
	assert_true(goes_through(the_route("::", 0), "fe80::2"));
	assert_int_equal(seen.news[VS_NEWS_LOST], 0);
	assert_int_equal(seen.news[VS_NEWS_CHANGED], 2);
	assert_int_equal(seen.sent, 1);
}

static void the_preferred_router_is_used(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	advertise_from("fe80::1");
	assert_in_range(the_route("::", 0)->metric, 1025, 1032);
	ra.preference = VS_NDP_HIGH;
	advertise_from("fe80::2");
	assert_true(goes_through(the_route("::", 0), "fe80::2"));
	ra.preference = VS_NDP_LOW;
	advertise_from("fe80::2");
	assert_int_equal(seen.n_routes, 2);
	assert_true(goes_through(the_route("::", 0), "fe80::1"));
	struct vs_auto_state s = describe();
	assert_int_equal(s.server.bytes[15], 1);
}

static void routes_come_and_go(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	ra.n_routes = 2;
	read_addr("2001:db8:77::", ra.routes[0].prefix);
	ra.routes[0].len = 48;
	ra.routes[0].lifetime_s = 600;
	read_addr("2001:db8:88::", ra.routes[1].prefix);
	ra.routes[1].len = 48;
	ra.routes[1].lifetime_s = VS_NDP_FOREVER;
	advertise();
	assert_true(goes_through(the_route("2001:db8:77::", 48), router));
	assert_int_equal(the_route("2001:db8:77::", 48)->lifetime_s, 600);
	assert_int_equal(the_route("2001:db8:88::", 48)->lifetime_s, VS_AUTO_FOREVER);
	pass(600000);
	assert_null(the_route("2001:db8:77::", 48));
	ra.routes[1].lifetime_s = 0;
	ra.n_routes = 2;
	advertise();
	assert_non_null(the_route("2001:db8:77::", 48));
	assert_null(the_route("2001:db8:88::", 48));
}

static void a_route_to_everything_is_the_default_route(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	ra.lifetime_s = 0;
	ra.n_routes = 1;
	ra.routes[0].preference = VS_NDP_HIGH;
	ra.routes[0].lifetime_s = 300;
	advertise();
	assert_int_equal(seen.n_routes, 1);
	assert_int_equal(the_route("::", 0)->lifetime_s, 300);
	assert_in_range(the_route("::", 0)->metric, 513, 520);
}

static void a_prefix_on_the_link_is_a_route(void **state)
{
	(void)state;
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 3600, 1800);
	ra.prefixes[0].autonomous = false;
	advertise();
	assert_int_equal(seen.n_addrs, 0);
	assert_non_null(the_route("2001:db8:1::", 64));
	assert_int_equal(the_route("2001:db8:1::", 64)->gw.family, 0);
	assert_int_equal(the_route("2001:db8:1::", 64)->metric, 257); /* not that of a static address */
	ra.prefixes[0].valid_s = ra.prefixes[0].preferred_s = 0;
	advertise(); /* RFC 4861 section 6.3.4: at once */
	assert_null(the_route("2001:db8:1::", 64));

	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 3600, 1800);
	ra.prefixes[0].on_link = false;
	advertise();
	assert_int_equal(seen.n_addrs, 1);
	assert_null(the_route("2001:db8:1::", 64));
}

static void not_everything_is_on_the_link(void **state)
{
	(void)state;
	start(VS_IID_EUI64);
	set_prefix(0, "::", 3600, 1800);
	ra.prefixes[0].len = 0;
	ra.lifetime_s = 0;
	advertise();
	assert_int_equal(seen.n_routes, 0);
	assert_int_equal(ignored(VS_IGNORED_CONTENT), 1);
}

static const struct CMUnitTest tests[] = {
	TEST(a_month_of_advertisements_keeps_address_route_and_names),
	TEST(a_router_that_says_goodbye_is_forgotten),
	TEST(a_router_that_is_silent_is_forgotten),
	TEST(a_goodbye_that_is_repeated_does_not_make_us_flood),
	TEST(the_other_router_takes_over),
	TEST(the_preferred_router_is_used),
	TEST(routes_come_and_go),
	TEST(a_route_to_everything_is_the_default_route),
	TEST(a_prefix_on_the_link_is_a_route),
	TEST(not_everything_is_on_the_link),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
