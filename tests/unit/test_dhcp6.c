/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The DHCPv6 client with servers and a clock of the test (dhcp6_net.h). */

#include "dhcp6_net.h"

static struct net net;

static int setup(void **state)
{
	(void)state;
	net_init(&net);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	net_free(&net);
	return 0;
}

static void bind_client(void)
{
	net_start(&net, NULL);
	net_run_to(&net, "BOUND", 5000);
	net_assert_addr(&net, net.servers[0].addr);
}

static void an_address_is_obtained(void **state)
{
	(void)state;
	net_start(&net, NULL);
	assert_false(net_state(&net).ready);
	net_run_to(&net, "BOUND", 200); /* no second is waited */
	net_assert_addr(&net, net.servers[0].addr);
	assert_int_equal(net.sent[VS_DHCP6_SOLICIT], 1);
	assert_int_equal(net.sent[VS_DHCP6_REQUEST], 1);
	assert_int_equal(net.news[VS_NEWS_GAINED], 1);
	assert_true(net_state(&net).ready);
	assert_int_equal(net.facts.dns[0].family, AF_INET6);
	assert_int_equal(net.facts.dns[0].bytes[15], 53);
	assert_int_equal(net.facts.ntp[0].bytes[15], 53);
	assert_string_equal(net.facts.search, "sub.example.org");
	assert_int_equal(net.facts.lifetime_s, 3600);
	assert_int_equal(net.addrs[0].valid_s, 3600);
	assert_int_equal(net.addrs[0].preferred_s, 1800);
	assert_true(net.n_save > 0);
	/* nothing more until T1 */
	assert_int_equal(vs_dhcp6_kind.deadline(net.client), net.now + 900 * 1000);
}

static void the_lease_is_renewed_at_t1(void **state)
{
	(void)state;
	bind_client();
	net_run(&net, 901 * 1000);
	assert_int_equal(net.sent[VS_DHCP6_RENEW], 1);
	assert_int_equal(net.news[VS_NEWS_RENEWED], 1);
	assert_string_equal(net_state(&net).state, "BOUND");
	assert_int_equal(net.n_set, 2);
	assert_int_equal(net.n_del, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		CASE(an_address_is_obtained),
		CASE(the_lease_is_renewed_at_t1),
	};

	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
