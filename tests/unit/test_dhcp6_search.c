/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The DHCPv6 client looks for servers and chooses one. */

#include "dhcp6_case.h"

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

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
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
		CASE(rapid_commit_needs_two_messages),
		CASE(a_rapid_reply_without_addresses_is_a_refusal),
		CASE(a_server_without_rapid_commit_is_requested),
	};

	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
