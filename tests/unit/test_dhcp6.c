/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The DHCPv6 client with servers and a clock of the test (dhcp6_net.h): what it does in each state. */

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

/* A client that starts with what another one had. */
static struct vs_auto_lease remembered(void)
{
	struct vs_auto_lease lease;

	bind_client();
	assert_true(vs_dhcp6_kind.lease(net.client, &lease));
	vs_dhcp6_kind.stop(net.client, net.now);
	net_free(&net);
	struct vs_auto_config config = net.config;
	net_init(&net);
	net.config = config;
	net.now += 600 * 1000;
	/* made when its time was 1000000 */
	return lease;
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
	assert_false(net.addrs[0].nodad);
	assert_true(net.n_save > 0);
	/* nothing more until T1 */
	assert_int_equal(vs_dhcp6_kind.deadline(net.client), net.last_at + 900 * 1000);
}

static void a_solicit_has_what_it_needs(void **state)
{
	struct vs_dhcp6 m;

	(void)state;
	net.servers[0].on = false;
	net_start(&net, NULL);
	net_run(&net, 100);
	net_last(&net, &m);
	assert_int_equal(m.type, VS_DHCP6_SOLICIT);
	assert_true(m.na.present);
	assert_int_equal(m.na.iaid, 7);
	assert_int_equal(m.na.n, 0);
	assert_false(m.pd.present);
	assert_false(m.rapid);
	assert_null(m.server.bytes);
	assert_null(m.fqdn.bytes);
	assert_int_equal(m.elapsed_cs, 0);
	assert_true(vs_dhcp6_wants(&m, VS_DHCP6_DNS));
	assert_true(vs_dhcp6_wants(&m, VS_DHCP6_SEARCH));
	assert_true(vs_dhcp6_wants(&m, VS_DHCP6_NTP));
	assert_true(vs_dhcp6_wants(&m, VS_DHCP6_SOL_MAX_RT));
	assert_false(vs_dhcp6_wants(&m, VS_DHCP6_FQDN));
	/* option 20 would accept Reconfigure messages */
	for (size_t at = 4; at + 4 <= net.last.n; at += 4u + net.last.b[at + 3])
		assert_int_not_equal(net.last.b[at + 1], 20);
}

static void without_a_duid_it_makes_one_from_the_mac(void **state)
{
	struct vs_dhcp6 m;

	(void)state;
	net.config.duid_len = 0;
	net.config.iaid = 0x01; /* vs_duid_iaid() of the MAC */
	vs_dhcp6_kind.init(net.client, &net.config, &net.ops, &net);
	bind_client();
	net_last(&net, &m);
	assert_int_equal(m.client.n, 10);
	assert_memory_equal(m.client.bytes, "\0\3\0\1\2\0\0\0\0\1", 10);
}

static void the_lease_is_renewed_at_t1(void **state)
{
	struct vs_dhcp6 m;

	(void)state;
	bind_client();
	net_run(&net, 901 * 1000);
	assert_int_equal(net.sent[VS_DHCP6_RENEW], 1);
	net_last(&net, &m);
	assert_memory_equal(m.server.bytes, net.servers[0].duid, 10);
	assert_int_equal(m.na.n, 1);
	assert_memory_equal(m.na.leases[0].ip, net.servers[0].addr, 16);
	assert_true(vs_dhcp6_wants(&m, VS_DHCP6_DNS));
	assert_int_equal(net.news[VS_NEWS_RENEWED], 1);
	assert_string_equal(net_state(&net).state, "BOUND");
	assert_int_equal(net.n_set, 2);
	assert_int_equal(net.n_del, 0);
}

static void another_server_rebinds_the_lease_at_t2(void **state)
{
	struct vs_dhcp6 m;

	(void)state;
	bind_client();
	net.servers[0].on = false;
	net.servers[1].on = true;
	memcpy(net.servers[1].addr, net.servers[0].addr, 16);
	net_run(&net, 1441 * 1000); /* T2 is 1440 s */
	assert_true(net.sent[VS_DHCP6_RENEW] > 1);
	assert_int_equal(net.sent[VS_DHCP6_REBIND], 1);
	net_last(&net, &m);
	assert_null(m.server.bytes);
	assert_string_equal(net_state(&net).state, "BOUND");
	/* from here on that server is asked */
	net_run(&net, 901 * 1000);
	assert_int_equal(net.servers[1].asked[VS_DHCP6_RENEW], 1);
}

static void a_lease_without_servers_expires_and_is_searched_again(void **state)
{
	struct vs_dhcp6 m;

	(void)state;
	bind_client();
	net.servers[0].on = false;
	net_run(&net, 3599 * 1000);
	net_assert_addr(&net, net.servers[0].addr);
	assert_string_equal(net_state(&net).state, "REBIND");
	net_run(&net, 2000);
	assert_int_equal(net.n_addrs, 0);
	assert_int_equal(net.news[VS_NEWS_LOST], 1);
	assert_int_equal(net.facts.dns[0].family, 0);
	assert_string_equal(net_state(&net).state, "SOLICIT");
	assert_false(net_state(&net).ready);
	net_last(&net, &m);
	assert_int_equal(m.type, VS_DHCP6_SOLICIT);
	assert_memory_equal(m.na.leases[0].ip, net.servers[0].addr, 16); /* as a hint */
	net.servers[0].on = true;
	net_run_to(&net, "BOUND", 60 * 1000);
	assert_int_equal(net.news[VS_NEWS_GAINED], 2);
}

static void the_server_with_the_highest_preference_is_chosen(void **state)
{
	(void)state;
	net.servers[1].on = true;
	net.servers[0].preference = 5;
	net.servers[1].preference = 9;
	net.servers[1].delay_ms = 30;
	net_start(&net, NULL);
	net_run_to(&net, "BOUND", 300);
	net_assert_addr(&net, net.servers[1].addr);
	assert_int_equal(net.servers[0].asked[VS_DHCP6_REQUEST], 0);
	assert_int_equal(net.servers[1].asked[VS_DHCP6_REQUEST], 1);
}

/* It always wins, so without a memory of it no other server would be asked. */
static void a_server_that_only_advertises_is_asked_last(void **state)
{
	(void)state;
	net.servers[1].on = true;
	net.servers[0].preference = 255;
	net.servers[0].unwilling = true;
	net.servers[1].delay_ms = 30;
	net_start(&net, NULL);
	net_run_to(&net, "BOUND", 300 * 1000);
	net_assert_addr(&net, net.servers[1].addr);
	assert_int_equal(net.servers[0].asked[VS_DHCP6_REQUEST], 10);
	assert_int_equal(net.servers[1].asked[VS_DHCP6_REQUEST], 1);
}

static void a_server_that_only_advertised_is_asked_if_it_is_alone(void **state)
{
	(void)state;
	net.servers[0].preference = 255;
	net.servers[0].unwilling = true;
	net_start(&net, NULL);
	net_run_to(&net, "REQUEST", 300);
	net_run_to(&net, "SOLICIT", 300 * 1000);
	net.servers[0].unwilling = false;
	net_run_to(&net, "BOUND", 300);
	net_assert_addr(&net, net.servers[0].addr);
}

static void preference_255_ends_the_search_at_once(void **state)
{
	(void)state;
	net.servers[0].preference = 255;
	net_start(&net, NULL);
	net_run_to(&net, "REQUEST", 100);
	assert_int_equal(net.now, net.last_at);
	net_run_to(&net, "BOUND", 10);
}

static void after_the_first_timeout_the_first_answer_is_taken(void **state)
{
	(void)state;
	net.servers[0].on = false;
	net_start(&net, NULL);
	while (net.sent[VS_DHCP6_SOLICIT] < 2)
		assert_true(net_step(&net, net.now + 5000));
	net.servers[0].on = true;
	while (net.sent[VS_DHCP6_SOLICIT] < 3)
		assert_true(net_step(&net, net.now + 5000));
	vs_auto_ms sent_at = net.last_at;
	net_run_to(&net, "REQUEST", 100);
	assert_int_equal(net.now, sent_at + net.servers[0].delay_ms);
}

static void a_server_without_addresses_is_not_chosen(void **state)
{
	(void)state;
	net.servers[1].on = true;
	net.servers[1].preference = 255;
	net.servers[1].delay_ms = 1;
	net.servers[1].ia_status[VS_DHCP6_SOLICIT] = VS_DHCP6_NO_ADDRS_AVAIL;
	net_start(&net, NULL);
	net_run_to(&net, "BOUND", 300);
	net_assert_addr(&net, net.servers[0].addr);
}

static void an_exhausted_pool_is_reported_and_asked_again(void **state)
{
	(void)state;
	net.servers[0].ia_status[VS_DHCP6_SOLICIT] = VS_DHCP6_NO_ADDRS_AVAIL;
	net_start(&net, NULL);
	net_run(&net, 60 * 1000);
	assert_int_equal(net.news[VS_NEWS_REFUSED], 1);
	assert_int_equal(net.news[VS_NEWS_SILENT], 0);
	assert_non_null(strstr(net_state(&net).problem, "NoAddrsAvail"));
	net.servers[0].ia_status[VS_DHCP6_SOLICIT] = VS_DHCP6_SUCCESS;
	net_run_to(&net, "BOUND", 120 * 1000);
	assert_string_equal(net_state(&net).problem, "");
}

static void a_silent_network_is_reported_once(void **state)
{
	(void)state;
	net.servers[0].on = false;
	net_start(&net, NULL);
	net_run(&net, 5000);
	assert_int_equal(net.news[VS_NEWS_SILENT], 1);
	net_run(&net, DAY * 1000);
	assert_int_equal(net.news[VS_NEWS_SILENT], 1);
}

static void a_request_that_is_refused_searches_again_more_and_more_slowly(void **state)
{
	(void)state;
	net.servers[0].preference = 255;
	net.servers[0].ia_status[VS_DHCP6_REQUEST] = VS_DHCP6_NO_ADDRS_AVAIL;
	net_start(&net, NULL);
	net_run(&net, 3600 * 1000);
	assert_int_equal(net.news[VS_NEWS_REFUSED], 1);
	assert_in_range(net.sent[VS_DHCP6_SOLICIT], 5, 16);
	net.servers[0].ia_status[VS_DHCP6_REQUEST] = VS_DHCP6_SUCCESS;
	net_run_to(&net, "BOUND", 3600 * 1000);
}

static void a_request_not_on_link_searches_again(void **state)
{
	(void)state;
	net.servers[0].status[VS_DHCP6_REQUEST] = VS_DHCP6_NOT_ON_LINK;
	net_start(&net, NULL);
	net_run(&net, 500);
	net.servers[0].status[VS_DHCP6_REQUEST] = VS_DHCP6_SUCCESS;
	net_run_to(&net, "BOUND", 5000);
	assert_int_equal(net.sent[VS_DHCP6_SOLICIT] >= 2, 1);
}

static void a_server_that_fails_is_asked_again(void **state)
{
	(void)state;
	net.servers[0].status[VS_DHCP6_REQUEST] = VS_DHCP6_UNSPEC_FAIL;
	net_start(&net, NULL);
	net_run(&net, 2500);
	assert_string_equal(net_state(&net).state, "REQUEST");
	assert_int_equal(net.sent[VS_DHCP6_REQUEST], 2);
	assert_int_equal(net.news[VS_NEWS_REFUSED], 1);
	net.servers[0].status[VS_DHCP6_REQUEST] = VS_DHCP6_USE_MULTICAST;
	net_run(&net, 2500);
	assert_string_equal(net_state(&net).state, "REQUEST");
	net.servers[0].status[VS_DHCP6_REQUEST] = VS_DHCP6_SUCCESS;
	net_run_to(&net, "BOUND", 10000);
}

static void a_renew_that_fails_goes_on(void **state)
{
	(void)state;
	bind_client();
	net.servers[0].status[VS_DHCP6_RENEW] = VS_DHCP6_UNSPEC_FAIL;
	net.servers[0].ia_status[VS_DHCP6_REBIND] = VS_DHCP6_NO_ADDRS_AVAIL;
	net_run(&net, 1000 * 1000);
	assert_string_equal(net_state(&net).state, "RENEW");
	net_run(&net, 1000 * 1000);
	assert_string_equal(net_state(&net).state, "REBIND");
	net_assert_addr(&net, net.servers[0].addr);
	net.servers[0].ia_status[VS_DHCP6_REBIND] = VS_DHCP6_SUCCESS;
	net_run_to(&net, "BOUND", 1200 * 1000);
	assert_int_equal(net.news[VS_NEWS_LOST], 0);
}

static void no_binding_on_renew_is_followed_by_a_request(void **state)
{
	struct vs_dhcp6 m;

	(void)state;
	bind_client();
	net.servers[0].ia_status[VS_DHCP6_RENEW] = VS_DHCP6_NO_BINDING;
	net_run_to(&net, "REQUEST", 901 * 1000);
	net_last(&net, &m);
	assert_memory_equal(m.na.leases[0].ip, net.servers[0].addr, 16);
	net_assert_addr(&net, net.servers[0].addr); /* goes on meanwhile */
	net_run_to(&net, "BOUND", 100);
	assert_int_equal(net.news[VS_NEWS_RENEWED], 1);
	assert_int_equal(net.news[VS_NEWS_LOST], 0);
	assert_int_equal(net.n_del, 0);
}

static void no_binding_on_rebind_is_followed_by_a_request_to_that_server(void **state)
{
	(void)state;
	bind_client();
	net.servers[0].on = false;
	net.servers[1].on = true;
	net.servers[1].ia_status[VS_DHCP6_REBIND] = VS_DHCP6_NO_BINDING;
	net_run_to(&net, "REBIND", 1500 * 1000);
	net_run_to(&net, "BOUND", 100);
	assert_int_equal(net.servers[1].asked[VS_DHCP6_REQUEST], 1);
	net_assert_addr(&net, net.servers[1].addr); /* that of the new server alone */
	assert_int_equal(net.news[VS_NEWS_CHANGED], 1);
}

static void a_server_can_change_the_address(void **state)
{
	uint8_t old[16];

	(void)state;
	bind_client();
	memcpy(old, net.servers[0].addr, 16);
	net.servers[0].ends_old = true;
	net_addr(net.servers[0].addr, 0x777);
	net_run(&net, 901 * 1000);
	net_assert_addr(&net, net.servers[0].addr);
	assert_int_equal(net.news[VS_NEWS_CHANGED], 1);
	assert_int_equal(net.news[VS_NEWS_LOST], 0);
}

static void an_address_that_a_reply_leaves_out_goes_on_until_it_expires(void **state)
{
	uint8_t old[16];

	(void)state;
	bind_client();
	memcpy(old, net.servers[0].addr, 16);
	net_addr(net.servers[0].addr, 0x777);
	net_run(&net, 901 * 1000);
	assert_int_equal(net.n_addrs, 2);
	assert_true(net_find(&net, old) >= 0);
	net_run(&net, 2690 * 1000); /* 3591 s */
	assert_int_equal(net.n_addrs, 2);
	/* it is not asked for more and more often */
	assert_in_range(net.sent[VS_DHCP6_RENEW], 3, 4);
	net_run(&net, 20 * 1000);
	net_assert_addr(&net, net.servers[0].addr);
	assert_int_equal(net.news[VS_NEWS_LOST], 0);
}

static void a_lifetime_of_zero_removes_the_address(void **state)
{
	(void)state;
	bind_client();
	net.servers[0].valid_s = net.servers[0].preferred_s = 0;
	net_run(&net, 900 * 1000 + 10);
	assert_int_equal(net.n_addrs, 0);
	assert_int_equal(net.news[VS_NEWS_LOST], 1);
	assert_string_equal(net_state(&net).state, "SOLICIT");
}

static void a_duplicate_is_declined_and_another_address_is_obtained(void **state)
{
	struct vs_auto_ip ip = {.family = AF_INET6};
	struct vs_auto_lease lease;
	struct vs_dhcp6 m;

	(void)state;
	bind_client();
	memcpy(ip.bytes, net.servers[0].addr, 16);
	vs_dhcp6_kind.detected(net.client, net.now, &ip, false);
	assert_string_equal(net_state(&net).state, "BOUND");
	vs_dhcp6_kind.detected(net.client, net.now, &ip, true);
	assert_int_equal(net.n_addrs, 0);
	assert_int_equal(net.news[VS_NEWS_CONFLICT], 1);
	assert_int_equal(net.news[VS_NEWS_LOST], 1);
	assert_false(net_state(&net).ready);
	assert_false(vs_dhcp6_kind.lease(net.client, &lease));
	net_last(&net, &m);
	assert_int_equal(m.type, VS_DHCP6_DECLINE);
	assert_memory_equal(m.server.bytes, net.servers[0].duid, 10);
	assert_int_equal(m.na.n, 1);
	assert_memory_equal(m.na.leases[0].ip, ip.bytes, 16);
	net_addr(net.servers[0].addr, 0x999);
	net_run_to(&net, "BOUND", 500);
	net_assert_addr(&net, net.servers[0].addr);
	assert_int_equal(net.news[VS_NEWS_GAINED], 2);
}

static void an_address_that_was_declined_is_not_asked_for(void **state)
{
	struct vs_auto_ip ip = {.family = AF_INET6};
	struct vs_dhcp6 m;

	(void)state;
	bind_client();
	net.servers[0].on = false;
	net_run_to(&net, "SOLICIT", 3700 * 1000); /* from here on it is a hint */
	net.servers[0].on = true;
	net_run_to(&net, "BOUND", 60 * 1000);
	memcpy(ip.bytes, net.servers[0].addr, 16);
	vs_dhcp6_kind.detected(net.client, net.now, &ip, true);
	net_run_to(&net, "SOLICIT", 100);
	net.servers[0].on = false;
	net_run(&net, 100);
	net_last(&net, &m);
	assert_int_equal(m.type, VS_DHCP6_SOLICIT);
	assert_int_equal(m.na.n, 0);
}

static void a_decline_without_an_answer_is_sent_four_times(void **state)
{
	struct vs_auto_ip ip = {.family = AF_INET6};

	(void)state;
	bind_client();
	net.servers[0].on = false;
	memcpy(ip.bytes, net.servers[0].addr, 16);
	vs_dhcp6_kind.detected(net.client, net.now, &ip, true);
	net_run_to(&net, "SOLICIT", 60 * 1000);
	assert_int_equal(net.sent[VS_DHCP6_DECLINE], 4);
}

static void rapid_commit_needs_two_messages(void **state)
{
	(void)state;
	net.config.rapid = true;
	net.servers[0].rapid = true;
	net_start(&net, NULL);
	net_run_to(&net, "BOUND", 60);
	net_assert_addr(&net, net.servers[0].addr);
	assert_int_equal(net.sent[VS_DHCP6_SOLICIT], 1);
	assert_int_equal(net.sent[VS_DHCP6_REQUEST], 0);
	assert_int_equal(net.news[VS_NEWS_GAINED], 1);
}

static void a_rapid_reply_without_addresses_is_a_refusal(void **state)
{
	(void)state;
	net.config.rapid = true;
	net.servers[0].rapid = true;
	net.servers[0].ia_status[VS_DHCP6_SOLICIT] = VS_DHCP6_NO_ADDRS_AVAIL;
	net_start(&net, NULL);
	net_run(&net, 500);
	assert_string_equal(net_state(&net).state, "SOLICIT");
	assert_int_equal(net.news[VS_NEWS_REFUSED], 1);
}

static void a_server_without_rapid_commit_is_requested(void **state)
{
	(void)state;
	net.config.rapid = true;
	bind_client();
	assert_int_equal(net.sent[VS_DHCP6_REQUEST], 1);
}

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

static void a_remembered_lease_is_confirmed_then_renewed(void **state)
{
	struct vs_auto_lease lease = remembered();

	(void)state;
	net_start(&net, &lease);
	assert_string_equal(net_state(&net).state, "CONFIRM");
	assert_int_equal(net.n_addrs, 0); /* not before the network is known to be the same */
	net_run_to(&net, "RENEW", 100);
	net_assert_addr(&net, net.servers[0].addr);
	assert_in_range(net.addrs[0].valid_s, 2999, 3001); /* 600 s have gone */
	assert_int_equal(net.news[VS_NEWS_GAINED], 1);
	net_run_to(&net, "BOUND", 10);
	assert_int_equal(net.addrs[0].valid_s, 3600);
	assert_int_equal(net.news[VS_NEWS_RENEWED] + net.news[VS_NEWS_CHANGED], 1);
	assert_int_equal(net.facts.dns[0].family, AF_INET6);
	assert_int_equal(net.sent[VS_DHCP6_SOLICIT], 0);
}

static void a_confirm_has_addresses_and_no_server(void **state)
{
	struct vs_auto_lease lease = remembered();
	struct vs_dhcp6 m;

	(void)state;
	net.servers[0].on = false;
	net_start(&net, &lease);
	net_run(&net, 100);
	net_last(&net, &m);
	assert_int_equal(m.type, VS_DHCP6_CONFIRM);
	assert_null(m.server.bytes);
	assert_int_equal(m.na.n, 1);
	assert_memory_equal(m.na.leases[0].ip, net.servers[0].addr, 16);
	assert_int_equal(m.na.t1_s + m.na.t2_s + m.na.leases[0].valid_s + m.na.leases[0].preferred_s, 0);
	assert_null(m.wanted.bytes);
}

static void an_address_of_another_network_is_forgotten(void **state)
{
	struct vs_auto_lease lease = remembered();

	(void)state;
	net.servers[0].status[VS_DHCP6_CONFIRM] = VS_DHCP6_NOT_ON_LINK;
	net_addr(net.servers[0].addr, 0x444);
	net_start(&net, &lease);
	net_run_to(&net, "SOLICIT", 100);
	assert_int_equal(net.n_addrs, 0);
	net_run_to(&net, "BOUND", 500);
	net_assert_addr(&net, net.servers[0].addr);
}

static void an_unanswered_confirm_keeps_the_address(void **state)
{
	struct vs_auto_lease lease = remembered();

	(void)state;
	net.servers[0].on = false;
	net_start(&net, &lease);
	net_run_to(&net, "BOUND", 10100); /* CNF_MAX_RD */
	net_assert_addr(&net, net.servers[0].addr);
	assert_in_range(net.sent[VS_DHCP6_CONFIRM], 3, 5);
	assert_int_equal(net.news[VS_NEWS_GAINED], 1);
	/* T1 was 900 s after the lease was obtained, and 610 s have gone; half of what is left is later */
	net_run(&net, 3600 * 1000);
	assert_true(net.sent[VS_DHCP6_RENEW] > 0);
	assert_int_equal(net.news[VS_NEWS_LOST], 1);
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

static void a_confirm_that_fails_is_sent_again(void **state)
{
	struct vs_auto_lease lease = remembered();

	(void)state;
	net.servers[0].status[VS_DHCP6_CONFIRM] = VS_DHCP6_UNSPEC_FAIL;
	net_start(&net, &lease);
	net_run(&net, 500);
	assert_string_equal(net_state(&net).state, "CONFIRM");
	net.servers[0].status[VS_DHCP6_CONFIRM] = VS_DHCP6_SUCCESS;
	net_run_to(&net, "BOUND", 2000);
	assert_int_equal(net.sent[VS_DHCP6_CONFIRM], 2);
}

static void an_expired_lease_is_a_hint_only(void **state)
{
	struct vs_auto_lease lease = remembered();
	struct vs_dhcp6 m;

	(void)state;
	net.now += 3600 * 1000;
	net.servers[0].on = false;
	net_start(&net, &lease);
	net_run(&net, 100);
	net_last(&net, &m);
	assert_int_equal(m.type, VS_DHCP6_SOLICIT);
	assert_memory_equal(m.na.leases[0].ip, net.servers[0].addr, 16);
	assert_int_equal(net.n_addrs, 0);
}

static void a_lease_from_the_future_is_no_longer_than_it_was(void **state)
{
	struct vs_auto_lease lease = remembered();

	(void)state;
	lease.obtained = net.now + 1000 * 1000;
	net_start(&net, &lease);
	net_run_to(&net, "RENEW", 100);
	assert_in_range(net.addrs[0].valid_s, 3599, 3600);
}

static void information_is_requested_without_addresses(void **state)
{
	struct vs_dhcp6 m;

	(void)state;
	net.config.information = true;
	net_start(&net, NULL);
	assert_false(net_state(&net).ready);
	net_run_to(&net, "INFORMED", 100);
	net_last(&net, &m);
	assert_int_equal(m.type, VS_DHCP6_INFORMATION_REQUEST);
	assert_false(m.na.present);
	assert_true(vs_dhcp6_wants(&m, VS_DHCP6_REFRESH));
	assert_true(vs_dhcp6_wants(&m, VS_DHCP6_INF_MAX_RT));
	assert_true(net_state(&net).ready);
	assert_int_equal(net.news[VS_NEWS_GAINED], 1);
	assert_int_equal(net.facts.dns[0].bytes[15], 53);
	assert_int_equal(net.facts.lifetime_s, DAY);
	assert_int_equal(net.n_addrs, 0);
	/* IRT_DEFAULT */
	net_run(&net, (DAY - 1) * 1000);
	assert_int_equal(net.sent[VS_DHCP6_INFORMATION_REQUEST], 1);
	net.servers[0].dns_last = 99;
	net.servers[0].refresh_s = 1; /* IRT_MINIMUM is 600 s */
	net_run(&net, 3000);
	assert_int_equal(net.sent[VS_DHCP6_INFORMATION_REQUEST], 2);
	assert_int_equal(net.facts.dns[0].bytes[15], 99);
	assert_int_equal(net.news[VS_NEWS_CHANGED], 1);
	net_run(&net, 590 * 1000);
	assert_int_equal(net.sent[VS_DHCP6_INFORMATION_REQUEST], 2);
	net.servers[0].refresh_s = UINT32_MAX;
	net_run(&net, 20 * 1000);
	assert_int_equal(net.sent[VS_DHCP6_INFORMATION_REQUEST], 3);
	assert_int_equal(vs_dhcp6_kind.deadline(net.client), VS_AUTO_NEVER);
	assert_int_equal(net.facts.lifetime_s, VS_AUTO_FOREVER);
}

static void information_that_is_not_refreshed_goes_on(void **state)
{
	(void)state;
	net.config.information = true;
	net.servers[0].refresh_s = 600;
	net_start(&net, NULL);
	net_run_to(&net, "INFORMED", 100);
	net.servers[0].on = false;
	net_run(&net, DAY * 1000);
	assert_int_equal(net.facts.dns[0].bytes[15], 53);
	assert_true(net_state(&net).ready);
}

static void a_name_is_sent_where_it_may_be(void **state)
{
	struct vs_dhcp6 m;

	(void)state;
	net.config.fqdn = "host.example.org";
	bind_client();
	net_last(&net, &m);
	assert_int_equal(m.type, VS_DHCP6_REQUEST);
	assert_int_equal(m.fqdn.n, 1 + 18);
	assert_memory_equal(m.fqdn.bytes, "\1\4host\7example\3org\0", 19);
	assert_true(vs_dhcp6_wants(&m, VS_DHCP6_FQDN));
	net_run(&net, 901 * 1000);
	net_last(&net, &m);
	assert_int_equal(m.type, VS_DHCP6_RENEW);
	assert_non_null(m.fqdn.bytes);
	net.config.release = true;
	vs_dhcp6_kind.stop(net.client, net.now);
	net_last(&net, &m);
	assert_int_equal(m.type, VS_DHCP6_RELEASE);
	assert_null(m.fqdn.bytes);
}

static void a_name_of_one_label_is_partial(void **state)
{
	struct vs_dhcp6 m;

	(void)state;
	net.config.fqdn = "host";
	bind_client();
	net_last(&net, &m);
	assert_int_equal(m.fqdn.n, 6);
	assert_memory_equal(m.fqdn.bytes, "\1\4host", 6);
}

static void a_stopped_client_releases_its_lease(void **state)
{
	struct vs_auto_lease lease;
	struct vs_dhcp6 m;

	(void)state;
	net.config.release = true;
	bind_client();
	vs_dhcp6_kind.stop(net.client, net.now);
	assert_int_equal(net.n_addrs, 0); /* before the server can give it to another client */
	assert_int_equal(net.news[VS_NEWS_LOST], 1);
	net_last(&net, &m);
	assert_int_equal(m.type, VS_DHCP6_RELEASE);
	assert_memory_equal(m.server.bytes, net.servers[0].duid, 10);
	assert_memory_equal(m.na.leases[0].ip, net.servers[0].addr, 16);
	assert_false(vs_dhcp6_kind.lease(net.client, &lease));
	net_run_to(&net, "STOPPED", 10);
	assert_int_equal(vs_dhcp6_kind.deadline(net.client), VS_AUTO_NEVER);
	assert_false(vs_dhcp6_kind.lease(net.client, &lease));
	vs_dhcp6_kind.stop(net.client, net.now);
	assert_int_equal(net.sent[VS_DHCP6_RELEASE], 1);
}

static void a_release_without_an_answer_is_sent_four_times(void **state)
{
	(void)state;
	net.config.release = true;
	bind_client();
	net.servers[0].on = false;
	vs_dhcp6_kind.stop(net.client, net.now);
	net_run(&net, 60 * 1000);
	assert_int_equal(net.sent[VS_DHCP6_RELEASE], 4);
	assert_int_equal(vs_dhcp6_kind.deadline(net.client), VS_AUTO_NEVER);
}

static void a_status_does_not_matter_at_the_end(void **state)
{
	struct vs_auto_ip ip = {.family = AF_INET6};

	(void)state;
	net.config.release = true;
	net.servers[0].status[VS_DHCP6_DECLINE] = VS_DHCP6_NO_BINDING;
	net.servers[0].status[VS_DHCP6_RELEASE] = VS_DHCP6_UNSPEC_FAIL;
	bind_client();
	memcpy(ip.bytes, net.servers[0].addr, 16);
	vs_dhcp6_kind.detected(net.client, net.now, &ip, true);
	net_run_to(&net, "BOUND", 500);
	assert_int_equal(net.sent[VS_DHCP6_DECLINE], 1);
	vs_dhcp6_kind.stop(net.client, net.now);
	net_run_to(&net, "STOPPED", 10);
	assert_int_equal(net.sent[VS_DHCP6_RELEASE], 1);
}

static void without_release_the_lease_is_kept(void **state)
{
	struct vs_auto_lease lease;

	(void)state;
	bind_client();
	vs_dhcp6_kind.stop(net.client, net.now);
	assert_int_equal(net.n_addrs, 0);
	assert_int_equal(net.sent[VS_DHCP6_RELEASE], 0);
	assert_true(vs_dhcp6_kind.lease(net.client, &lease));
	assert_int_equal(vs_dhcp6_kind.deadline(net.client), VS_AUTO_NEVER);
}

static void a_client_that_is_started_again_begins_anew(void **state)
{
	struct vs_auto_lease lease = remembered();
	struct vs_dhcp6 m;

	(void)state;
	lease.n_addrs = VS_AUTO_LEASE_ADDRS_MAX;
	for (uint8_t i = 1; i < lease.n_addrs; i++) {
		lease.addrs[i] = lease.addrs[0];
		net_addr(lease.addrs[i].ip.bytes, 0x500u + i);
	}
	for (int i = 0; i < 3; i++) { /* more addresses than there is room for, if each start added its own */
		net_start(&net, &lease);
		net_run(&net, 100);
		vs_dhcp6_kind.stop(net.client, net.now);
	}
	vs_dhcp6_kind.link(net.client, net.now, false);
	net_start(&net, NULL); /* the link counts as up, and no lease is remembered */
	assert_string_equal(net_state(&net).state, "SOLICIT");
	net.n_queued = 0;
	net_run_to(&net, "REQUEST", 500);
	net_last(&net, &m);
	assert_int_equal(m.na.n, 1);
}

static void information_is_asked_for_again_after_a_stop(void **state)
{
	(void)state;
	net.config.information = true;
	net_start(&net, NULL);
	net_run_to(&net, "INFORMED", 500);
	assert_true(net_state(&net).ready);
	vs_dhcp6_kind.stop(net.client, net.now);
	assert_int_equal(net.facts.dns[0].family, 0);
	net_start(&net, NULL);
	assert_false(net_state(&net).ready);
	net_run_to(&net, "INFORMED", 500);
	assert_int_equal(net.news[VS_NEWS_GAINED], 2);
}

/* What is given back is not asked for again, as if it were still ours. */
static void a_start_during_a_release_does_not_confirm(void **state)
{
	(void)state;
	net.config.release = true;
	bind_client();
	net.servers[0].on = false;
	vs_dhcp6_kind.stop(net.client, net.now);
	assert_string_equal(net_state(&net).state, "RELEASE");
	net_start(&net, NULL);
	assert_string_equal(net_state(&net).state, "SOLICIT");
}

static void a_release_ends_when_the_link_goes_down(void **state)
{
	(void)state;
	net.config.release = true;
	bind_client();
	net.servers[0].on = false;
	vs_dhcp6_kind.stop(net.client, net.now);
	vs_dhcp6_kind.link(net.client, net.now, false);
	assert_string_equal(net_state(&net).state, "STOPPED");
}

static void a_link_that_comes_back_confirms_the_address(void **state)
{
	(void)state;
	bind_client();
	vs_dhcp6_kind.link(net.client, net.now, false);
	net_run(&net, 1000 * 1000); /* beyond T1: nothing is sent into a cable that is not there */
	assert_int_equal(net.sent[VS_DHCP6_RENEW], 0);
	net_assert_addr(&net, net.servers[0].addr);
	vs_dhcp6_kind.link(net.client, net.now, true);
	net_run_to(&net, "BOUND", 100);
	assert_int_equal(net.sent[VS_DHCP6_CONFIRM], 1);
	assert_int_equal(net.sent[VS_DHCP6_RENEW], 1);
	assert_int_equal(net.news[VS_NEWS_LOST], 0);
	assert_int_equal(net.news[VS_NEWS_GAINED], 1);
}

static void a_link_to_another_network_gets_another_address(void **state)
{
	(void)state;
	bind_client();
	vs_dhcp6_kind.link(net.client, net.now, false);
	net.servers[0].on = false;
	net.servers[1].on = true;
	net.servers[1].status[VS_DHCP6_CONFIRM] = VS_DHCP6_NOT_ON_LINK;
	vs_dhcp6_kind.link(net.client, net.now, true);
	net_run_to(&net, "BOUND", 500);
	net_assert_addr(&net, net.servers[1].addr);
	assert_int_equal(net.news[VS_NEWS_LOST], 1);
	assert_int_equal(net.news[VS_NEWS_GAINED], 2);
}

static void an_address_expires_without_a_link(void **state)
{
	(void)state;
	bind_client();
	vs_dhcp6_kind.link(net.client, net.now, false);
	net_run(&net, 3601 * 1000);
	assert_int_equal(net.n_addrs, 0);
	assert_int_equal(net.news[VS_NEWS_LOST], 1);
	assert_int_equal(vs_dhcp6_kind.deadline(net.client), VS_AUTO_NEVER);
	vs_dhcp6_kind.link(net.client, net.now, true);
	net_run_to(&net, "BOUND", 500);
}

static void a_link_that_comes_back_requests_information_anew(void **state)
{
	(void)state;
	net.config.information = true;
	net_start(&net, NULL);
	net_run_to(&net, "INFORMED", 100);
	vs_dhcp6_kind.link(net.client, net.now, false);
	net.servers[0].dns_last = 99;
	vs_dhcp6_kind.link(net.client, net.now, true);
	net_run_to(&net, "INFORMED", 100);
	assert_int_equal(net.facts.dns[0].bytes[15], 99);
	assert_int_equal(net.news[VS_NEWS_CHANGED], 1);
}

static void a_search_waits_for_the_link(void **state)
{
	(void)state;
	net.servers[0].on = false;
	net_start(&net, NULL);
	net_run(&net, 100);
	vs_dhcp6_kind.link(net.client, net.now, false);
	net_run(&net, DAY * 1000);
	assert_int_equal(net.sent[VS_DHCP6_SOLICIT], 1);
	net.servers[0].on = true;
	vs_dhcp6_kind.link(net.client, net.now, true);
	net_run_to(&net, "BOUND", 300);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		CASE(an_address_is_obtained),
		CASE(a_solicit_has_what_it_needs),
		CASE(without_a_duid_it_makes_one_from_the_mac),
		CASE(the_lease_is_renewed_at_t1),
		CASE(another_server_rebinds_the_lease_at_t2),
		CASE(a_lease_without_servers_expires_and_is_searched_again),
		CASE(the_server_with_the_highest_preference_is_chosen),
		CASE(a_server_that_only_advertises_is_asked_last),
		CASE(a_server_that_only_advertised_is_asked_if_it_is_alone),
		CASE(preference_255_ends_the_search_at_once),
		CASE(after_the_first_timeout_the_first_answer_is_taken),
		CASE(a_server_without_addresses_is_not_chosen),
		CASE(an_exhausted_pool_is_reported_and_asked_again),
		CASE(a_silent_network_is_reported_once),
		CASE(a_request_that_is_refused_searches_again_more_and_more_slowly),
		CASE(a_request_not_on_link_searches_again),
		CASE(a_server_that_fails_is_asked_again),
		CASE(a_renew_that_fails_goes_on),
		CASE(no_binding_on_renew_is_followed_by_a_request),
		CASE(no_binding_on_rebind_is_followed_by_a_request_to_that_server),
		CASE(a_server_can_change_the_address),
		CASE(an_address_that_a_reply_leaves_out_goes_on_until_it_expires),
		CASE(a_lifetime_of_zero_removes_the_address),
		CASE(a_duplicate_is_declined_and_another_address_is_obtained),
		CASE(an_address_that_was_declined_is_not_asked_for),
		CASE(a_decline_without_an_answer_is_sent_four_times),
		CASE(rapid_commit_needs_two_messages),
		CASE(a_rapid_reply_without_addresses_is_a_refusal),
		CASE(a_server_without_rapid_commit_is_requested),
		CASE(a_prefix_is_delegated_and_renewed),
		CASE(a_lifetime_of_zero_removes_the_prefix_alone),
		CASE(a_prefix_that_expires_leaves_the_address),
		CASE(the_length_of_a_prefix_is_a_hint),
		CASE(an_address_without_a_prefix_is_taken_and_the_problem_reported),
		CASE(a_remembered_lease_is_confirmed_then_renewed),
		CASE(a_confirm_has_addresses_and_no_server),
		CASE(an_address_of_another_network_is_forgotten),
		CASE(an_unanswered_confirm_keeps_the_address),
		CASE(a_remembered_prefix_is_verified_by_a_rebind),
		CASE(a_rebind_not_on_link_forgets_address_and_prefix),
		CASE(an_unanswered_rebind_keeps_address_and_prefix),
		CASE(a_confirm_that_fails_is_sent_again),
		CASE(an_expired_lease_is_a_hint_only),
		CASE(a_lease_from_the_future_is_no_longer_than_it_was),
		CASE(information_is_requested_without_addresses),
		CASE(information_that_is_not_refreshed_goes_on),
		CASE(a_name_is_sent_where_it_may_be),
		CASE(a_name_of_one_label_is_partial),
		CASE(a_stopped_client_releases_its_lease),
		CASE(a_release_without_an_answer_is_sent_four_times),
		CASE(a_status_does_not_matter_at_the_end),
		CASE(without_release_the_lease_is_kept),
		CASE(a_client_that_is_started_again_begins_anew),
		CASE(information_is_asked_for_again_after_a_stop),
		CASE(a_start_during_a_release_does_not_confirm),
		CASE(a_release_ends_when_the_link_goes_down),
		CASE(a_link_that_comes_back_confirms_the_address),
		CASE(a_link_to_another_network_gets_another_address),
		CASE(an_address_expires_without_a_link),
		CASE(a_link_that_comes_back_requests_information_anew),
		CASE(a_search_waits_for_the_link),
	};

	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
