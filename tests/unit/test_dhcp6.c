/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The DHCPv6 client: an address or information is obtained, renewed, changed and declined. */

#include "dhcp6_case.h"

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

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		CASE(an_address_is_obtained),
		CASE(a_solicit_has_what_it_needs),
		CASE(without_a_duid_it_makes_one_from_the_mac),
		CASE(the_lease_is_renewed_at_t1),
		CASE(another_server_rebinds_the_lease_at_t2),
		CASE(a_lease_without_servers_expires_and_is_searched_again),
		CASE(a_renew_that_fails_goes_on),
		CASE(no_binding_on_renew_is_followed_by_a_request),
		CASE(no_binding_on_rebind_is_followed_by_a_request_to_that_server),
		CASE(a_server_can_change_the_address),
		CASE(an_address_that_a_reply_leaves_out_goes_on_until_it_expires),
		CASE(a_lifetime_of_zero_removes_the_address),
		CASE(a_duplicate_is_declined_and_another_address_is_obtained),
		CASE(an_address_that_was_declined_is_not_asked_for),
		CASE(a_decline_without_an_answer_is_sent_four_times),
		CASE(information_is_requested_without_addresses),
		CASE(information_that_is_not_refreshed_goes_on),
		CASE(a_name_is_sent_where_it_may_be),
		CASE(a_name_of_one_label_is_partial),
	};

	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
