/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The DHCPv6 client and the prefix that is delegated to it. */

#include "dhcp6_case.h"

static void a_prefix_is_delegated_and_renewed(void **state)
{
	struct vs_auto_lease lease;
	struct vs_dhcp6 m;

	(void)state;
	net.config.pd_len = 56;
	net.servers[0].prefix_len = 56;
	bind_client();
	assert_int_equal(net.facts.prefix.family, AF_INET6);
	assert_int_equal(net.facts.prefix.bytes[4], 0x10);
	assert_int_equal(net.facts.prefix_len, 56);
	assert_int_equal(net.facts.prefix_valid_s, 3600);
	net_run(&net, 901 * 1000);
	net_last(&net, &m);
	assert_int_equal(m.type, VS_DHCP6_RENEW);
	assert_int_equal(m.pd.n, 1);
	assert_int_equal(m.pd.leases[0].prefix_len, 56);
	assert_int_equal(net.facts.prefix_valid_s, 3600);
	assert_true(vs_dhcp6_kind.lease(net.client, &lease));
	assert_int_equal(lease.prefix_len, 56);
	/* the server goes; the prefix goes with the address */
	net.servers[0].on = false;
	net_run(&net, 3700 * 1000);
	assert_int_equal(net.facts.prefix.family, 0);
	assert_int_equal(net.news[VS_NEWS_LOST], 1);
}

static void a_lifetime_of_zero_removes_the_prefix_alone(void **state)
{
	struct bytes m = {.n = 0}, ia = {.n = 0}, p = {.n = 0};
	struct vs_dhcp6 renew;

	(void)state;
	net.config.pd_len = 56;
	net.servers[0].prefix_len = 56;
	bind_client();
	net_run_to(&net, "RENEW", 901 * 1000);
	net.n_queued = 0;
	net_last(&net, &renew);
	add32(&m, (uint32_t)VS_DHCP6_REPLY << 24 | renew.xid);
	add_option(&m, VS_DHCP6_CLIENT_ID, net.config.duid, 10);
	add_option(&m, VS_DHCP6_SERVER_ID, net.servers[0].duid, 10);
	net_answer_na(&net, &net.servers[0], &renew, &m);
	add32(&p, 0);
	add32(&p, 0);
	add(&p, &renew.pd.leases[0].prefix_len, 1);
	add(&p, renew.pd.leases[0].ip, 16);
	add32(&ia, 7);
	add32(&ia, 0);
	add32(&ia, 0);
	add_nested(&ia, VS_DHCP6_IAPREFIX, &p);
	add_nested(&m, VS_DHCP6_IA_PD, &ia);
	net_input(&net, &m);
	assert_string_equal(net_state(&net).state, "BOUND");
	assert_int_equal(net.facts.prefix.family, 0);
	net_assert_addr(&net, net.servers[0].addr);
	assert_int_equal(net.news[VS_NEWS_CHANGED], 1);
}

static void a_prefix_that_expires_leaves_the_address(void **state)
{
	(void)state;
	net.config.pd_len = 56;
	net.servers[0].prefix_len = 56;
	bind_client();
	net.servers[0].prefix_len = 0; /* NoPrefixAvail from now on */
	net_run(&net, 3500 * 1000);
	assert_int_equal(net.facts.prefix_len, 56);
	net_run(&net, 200 * 1000);
	assert_int_equal(net.facts.prefix.family, 0);
	assert_int_equal(net.facts.dns[0].family, AF_INET6);
	net_assert_addr(&net, net.servers[0].addr);
	assert_int_equal(net.news[VS_NEWS_LOST], 0);
}

static void the_length_of_a_prefix_is_a_hint(void **state)
{
	static const uint8_t zeros[16];
	struct vs_dhcp6 m;

	(void)state;
	net.servers[0].on = false;
	net.config.pd_len = 60;
	net_start(&net, NULL);
	net_run(&net, 100);
	net_last(&net, &m);
	assert_int_equal(m.pd.n, 1);
	assert_int_equal(m.pd.iaid, 7);
	assert_int_equal(m.pd.leases[0].prefix_len, 60);
	assert_memory_equal(m.pd.leases[0].ip, zeros, 16);
}

static void an_address_without_a_prefix_is_taken_and_the_problem_reported(void **state)
{
	(void)state;
	net.config.pd_len = 56;
	bind_client();
	assert_true(net_state(&net).ready);
	assert_non_null(strstr(net_state(&net).problem, "prefix"));
}

static void a_remembered_prefix_is_verified_by_a_rebind(void **state)
{
	(void)state;
	net.config.pd_len = 56;
	net.servers[0].prefix_len = 56;
	struct vs_auto_lease lease = remembered();
	net.servers[0].prefix_len = 56;
	net_start(&net, &lease);
	net_run_to(&net, "BOUND", 100);
	assert_int_equal(net.sent[VS_DHCP6_REBIND], 1);
	assert_int_equal(net.sent[VS_DHCP6_CONFIRM], 0);
	net_assert_addr(&net, net.servers[0].addr);
	assert_int_equal(net.facts.prefix_len, 56);
}

static void a_rebind_not_on_link_forgets_address_and_prefix(void **state)
{
	(void)state;
	net.config.pd_len = 56;
	net.servers[0].prefix_len = 56;
	struct vs_auto_lease lease = remembered();
	net.servers[0].status[VS_DHCP6_REBIND] = VS_DHCP6_NOT_ON_LINK;
	net_start(&net, &lease);
	net_run_to(&net, "SOLICIT", 100);
	assert_int_equal(net.n_addrs, 0);
	assert_int_equal(net.news[VS_NEWS_REFUSED], 1);
}

static void an_unanswered_rebind_keeps_address_and_prefix(void **state)
{
	(void)state;
	net.config.pd_len = 56;
	net.servers[0].prefix_len = 56;
	struct vs_auto_lease lease = remembered();
	net.servers[0].on = false;
	net_start(&net, &lease);
	net_run_to(&net, "BOUND", 10100);
	net_assert_addr(&net, net.servers[0].addr);
	assert_int_equal(net.facts.prefix_len, 56);
	assert_in_range(net.facts.prefix_valid_s, 2980, 3001);
	assert_non_null(strstr(net_state(&net).problem, "confirmed"));
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		CASE(a_prefix_is_delegated_and_renewed),
		CASE(a_lifetime_of_zero_removes_the_prefix_alone),
		CASE(a_prefix_that_expires_leaves_the_address),
		CASE(the_length_of_a_prefix_is_a_hint),
		CASE(an_address_without_a_prefix_is_taken_and_the_problem_reported),
		CASE(a_remembered_prefix_is_verified_by_a_rebind),
		CASE(a_rebind_not_on_link_forgets_address_and_prefix),
		CASE(an_unanswered_rebind_keeps_address_and_prefix),
	};

	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
