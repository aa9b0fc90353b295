/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The DHCPv6 client confirms what it had, and gives it back. */

#include "dhcp6_case.h"

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

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		CASE(a_remembered_lease_is_confirmed_then_renewed),
		CASE(a_confirm_has_addresses_and_no_server),
		CASE(an_address_of_another_network_is_forgotten),
		CASE(an_unanswered_confirm_keeps_the_address),
		CASE(a_confirm_that_fails_is_sent_again),
		CASE(an_expired_lease_is_a_hint_only),
		CASE(a_lease_from_the_future_is_no_longer_than_it_was),
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
