/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The DHCPv6 client's times: retransmission, lifetimes, months of renewals, timers that come late. */

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
}

/* Runs until the client sends again. Returns how long that took. */
static vs_auto_ms until_next_message(void)
{
	uint32_t sent = net_state(&net).sent;
	vs_auto_ms before = net.last_at;

	while (net_state(&net).sent == sent)
		assert_true(net_step(&net, net.now + 2 * DAY * 1000));
	return net.last_at - before;
}

static void assert_between(vs_auto_ms value, vs_auto_ms least, vs_auto_ms most)
{
	if (value < least || value > most)
		fail_msg("%lld is not in %lld to %lld", (long long)value, (long long)least, (long long)most);
}

/* RFC 8415 section 15: each time is twice the last one, a tenth more or less; the most is `most`. */
static void assert_backs_off(vs_auto_ms first, vs_auto_ms most, int n)
{
	vs_auto_ms last = until_next_message();

	assert_between(last, first * 9 / 10, first * 11 / 10);
	for (int i = 1; i < n; i++) {
		vs_auto_ms t = until_next_message();

		if (t < most * 9 / 10)
			assert_between(t, last * 19 / 10 - 1, last * 21 / 10 + 1);
		else
			assert_between(t, most * 9 / 10, most * 11 / 10);
		last = t;
	}
}

static void the_first_message_is_sent_at_a_random_time_within_50_ms(void **state)
{
	vs_auto_ms first[8];
	bool differ = false;

	(void)state;
	net.servers[0].on = false;
	for (int i = 0; i < 8; i++) {
		vs_auto_ms begun = net.now;

		vs_dhcp6_kind.init(net.client, &net.config, &net.ops, &net);
		net_start(&net, NULL);
		net_run(&net, 200);
		first[i] = net.last_at - begun;
		assert_between(first[i], 1, 50);
		differ = differ || first[i] != first[0];
	}
	assert_true(differ);
}

static void solicits_back_off_to_an_hour(void **state)
{
	(void)state;
	net.servers[0].on = false;
	for (int i = 0; i < 200; i++) { /* the first time must be longer than a second */
		net.last_at = net.now;
		vs_dhcp6_kind.init(net.client, &net.config, &net.ops, &net);
		net_start(&net, NULL);
		(void)until_next_message();
		assert_between(until_next_message(), 1001, 1100);
	}
	vs_dhcp6_kind.init(net.client, &net.config, &net.ops, &net);
	net_start(&net, NULL);
	(void)until_next_message();
	assert_backs_off(1000, 3600 * 1000, 20);
}

static void requests_back_off_and_end_after_ten(void **state)
{
	(void)state;
	net_start(&net, NULL);
	net_run_to(&net, "REQUEST", 500);
	net.n_queued = 0;
	net.servers[0].on = false;
	assert_backs_off(1000, 30 * 1000, 9);
	assert_int_equal(net.sent[VS_DHCP6_REQUEST], 10);
	net_run_to(&net, "SOLICIT", 40 * 1000);
	assert_int_equal(net.sent[VS_DHCP6_REQUEST], 10);
}

static void renews_and_rebinds_back_off_to_ten_minutes(void **state)
{
	(void)state;
	net.servers[0].preferred_s = net.servers[0].valid_s = 30 * DAY;
	net.servers[0].t1_s = DAY;
	net.servers[0].t2_s = 2 * DAY;
	bind_client();
	net.servers[0].on = false;
	net_run_to(&net, "RENEW", DAY * 1000 + 10);
	assert_backs_off(10 * 1000, 600 * 1000, 20);
	net_run_to(&net, "REBIND", DAY * 1000 + 10);
	assert_backs_off(10 * 1000, 600 * 1000, 20);
}

static void confirms_back_off_for_ten_seconds(void **state)
{
	(void)state;
	bind_client();
	vs_dhcp6_kind.link(net.client, net.now, false);
	net.servers[0].on = false;
	vs_dhcp6_kind.link(net.client, net.now, true);
	(void)until_next_message();
	vs_auto_ms begun = net.now;
	assert_backs_off(1000, 4000, 3);
	net_run_to(&net, "BOUND", 10 * 1000);
	assert_int_equal(net.now, begun + 10 * 1000);
}

static void a_rebind_that_verifies_a_prefix_has_the_times_of_a_confirm(void **state)
{
	(void)state;
	net.config.pd_len = 56;
	net.servers[0].prefix_len = 56;
	bind_client();
	vs_dhcp6_kind.link(net.client, net.now, false);
	net.servers[0].on = false;
	vs_dhcp6_kind.link(net.client, net.now, true);
	(void)until_next_message();
	vs_auto_ms begun = net.now;
	assert_int_equal(net.sent[VS_DHCP6_REBIND], 1);
	assert_backs_off(1000, 4000, 3);
	net_run_to(&net, "BOUND", 10 * 1000);
	assert_int_equal(net.now, begun + 10 * 1000);
}

static void information_requests_back_off_to_an_hour(void **state)
{
	(void)state;
	net.config.information = true;
	net.servers[0].on = false;
	net_start(&net, NULL);
	(void)until_next_message();
	assert_backs_off(1000, 3600 * 1000, 20);
}

static void declines_and_releases_back_off(void **state)
{
	struct vs_auto_ip ip = {.family = AF_INET6};

	(void)state;
	net.config.release = true;
	bind_client();
	net.servers[0].on = false;
	memcpy(ip.bytes, net.servers[0].addr, 16);
	vs_dhcp6_kind.detected(net.client, net.now, &ip, true);
	assert_backs_off(1000, VS_AUTO_NEVER / 100, 3);
	net.servers[0].on = true;
	net_run_to(&net, "BOUND", 20 * 1000);
	net.servers[0].on = false;
	vs_dhcp6_kind.stop(net.client, net.now);
	assert_backs_off(1000, VS_AUTO_NEVER / 100, 3);
}

/* The time between two Solicits of a search without addresses, once it does not grow any more. */
static vs_auto_ms longest_with(uint32_t sol_max_rt_s)
{
	vs_auto_ms longest = 0;

	net.servers[0].ia_status[VS_DHCP6_SOLICIT] = VS_DHCP6_NO_ADDRS_AVAIL;
	net.servers[0].sol_max_rt_s = sol_max_rt_s;
	vs_dhcp6_kind.init(net.client, &net.config, &net.ops, &net);
	net_start(&net, NULL);
	for (int i = 0; i < 20; i++) {
		vs_auto_ms t = until_next_message();

		longest = i > 0 && t > longest ? t : longest;
	}
	return longest;
}

static void a_server_sets_sol_max_rt_within_limits(void **state)
{
	(void)state;
	assert_between(longest_with(59), 3300 * 1000, 3960 * 1000);
	assert_between(longest_with(60), 54 * 1000, 66 * 1000);
	assert_between(longest_with(7200), 6600 * 1000, 7920 * 1000);
	assert_between(longest_with(86401), 3300 * 1000, 3960 * 1000);
	assert_between(longest_with(UINT32_MAX), 3300 * 1000, 3960 * 1000);
}

static void a_server_sets_inf_max_rt(void **state)
{
	vs_auto_ms longest = 0;

	(void)state;
	net.config.information = true;
	net.servers[0].status[VS_DHCP6_INFORMATION_REQUEST] = VS_DHCP6_UNSPEC_FAIL;
	net.servers[0].inf_max_rt_s = 90;
	net_start(&net, NULL);
	(void)until_next_message();
	for (int i = 0; i < 20; i++) {
		vs_auto_ms t = until_next_message();

		longest = t > longest ? t : longest;
	}
	assert_between(longest, 81 * 1000, 99 * 1000);
}

static void elapsed_time_counts_from_the_first_message(void **state)
{
	struct vs_dhcp6 m;
	uint32_t xid;

	(void)state;
	net.servers[0].on = false;
	net_start(&net, NULL);
	(void)until_next_message();
	vs_auto_ms begun = net.now;
	net_last(&net, &m);
	assert_int_equal(m.elapsed_cs, 0);
	xid = m.xid;
	for (int i = 0; i < 12; i++) {
		(void)until_next_message();
		net_last(&net, &m);
		vs_auto_ms cs = (net.now - begun) / 10;
		assert_int_equal(m.elapsed_cs, cs > 0xffff ? 0xffff : cs);
		assert_int_equal(m.xid, xid); /* the same in retransmissions */
	}
	assert_int_equal(m.elapsed_cs, 0xffff);
}

static void each_exchange_has_a_new_transaction(void **state)
{
	uint32_t seen[40];
	struct vs_dhcp6 m;
	int big = 0;

	(void)state;
	bind_client();
	for (int i = 0; i < 40; i++) {
		(void)until_next_message();
		net_last(&net, &m);
		seen[i] = m.xid;
		big += m.xid > 0xffff;
		for (int j = 0; j < i; j++)
			assert_int_not_equal(seen[i], seen[j]);
		net_run_to(&net, "BOUND", 100);
	}
	assert_true(big > 30); /* all 24 bits are used */
}

static void a_month_of_renewals_changes_nothing(void **state)
{
	(void)state;
	bind_client();
	net_run(&net, 30LL * DAY * 1000);
	assert_in_range(net.sent[VS_DHCP6_RENEW], 2870, 2880); /* T1 is 900 s */
	assert_int_equal(net.sent[VS_DHCP6_REBIND], 0);
	assert_int_equal(net.n_del, 0);
	assert_int_equal(net.news[VS_NEWS_LOST], 0);
	assert_int_equal(net.news[VS_NEWS_CHANGED], 0);
	assert_int_equal(net.news[VS_NEWS_RENEWED], net.sent[VS_DHCP6_RENEW]);
	assert_int_equal(net.sent[VS_DHCP6_SOLICIT], 1);
}

static void a_short_lease_is_kept_for_a_day(void **state)
{
	(void)state;
	net.servers[0].preferred_s = 20;
	net.servers[0].valid_s = 20;
	bind_client();
	net_run(&net, DAY * 1000);
	assert_int_equal(net.news[VS_NEWS_LOST], 0);
	assert_in_range(net.sent[VS_DHCP6_RENEW], 8630, 8640);
}

static void lost_packets_cost_no_lease(void **state)
{
	(void)state;
	/* each second one would be each answer */
	for (int every = 3; every < 12; every++) {
		net_free(&net);
		net_init(&net);
		net.lose_every = every;
		net_start(&net, NULL);
		net_run_to(&net, "BOUND", 120 * 1000);
		net_run(&net, 30LL * DAY * 1000);
		assert_int_equal(net.news[VS_NEWS_LOST], 0);
		assert_int_equal(net.n_addrs, 1);
	}
}

/* A process that was stopped: its timer comes late, and finds no packets. */
static void wake_up_after(vs_auto_ms ms)
{
	net.now += ms;
	vs_dhcp6_kind.timer(net.client, net.now);
}

static void a_timer_that_comes_after_t1_renews(void **state)
{
	(void)state;
	bind_client();
	wake_up_after(1000 * 1000);
	assert_string_equal(net_state(&net).state, "RENEW");
	net_run_to(&net, "BOUND", 10);
	assert_int_equal(net.news[VS_NEWS_LOST], 0);
}

static void a_timer_that_comes_after_t2_rebinds(void **state)
{
	(void)state;
	bind_client();
	wake_up_after(1500 * 1000);
	assert_string_equal(net_state(&net).state, "REBIND");
	assert_int_equal(net.sent[VS_DHCP6_RENEW], 0);
	net_run_to(&net, "BOUND", 10);
	assert_int_equal(net.news[VS_NEWS_LOST], 0);
}

static void a_timer_that_comes_after_the_end_searches(void **state)
{
	(void)state;
	bind_client();
	wake_up_after(40LL * DAY * 1000);
	assert_string_equal(net_state(&net).state, "SOLICIT");
	assert_int_equal(net.n_addrs, 0);
	assert_int_equal(net.news[VS_NEWS_LOST], 1);
	assert_int_equal(net.sent[VS_DHCP6_RENEW] + net.sent[VS_DHCP6_REBIND], 0);
	net_run_to(&net, "BOUND", 200);
}

static void a_late_timer_in_each_state_does_no_harm(void **state)
{
	static const char *const states[] = {"SOLICIT", "REQUEST", "BOUND", "RENEW", "REBIND"};

	(void)state;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		for (vs_auto_ms late = 1; late < 60LL * DAY * 1000; late *= 3) {
			net_free(&net);
			net_init(&net);
			net_start(&net, NULL);
			if (i >= 2)
				net_run_to(&net, "BOUND", 500);
			net.servers[0].on = i < 3;
			net_run_to(&net, states[i], 2000 * 1000);
			net.n_queued = 0;
			wake_up_after(late);
			net.servers[0].on = true;
			net_run_to(&net, "BOUND", 2 * 3600 * 1000);
			assert_int_equal(net.n_addrs, 1);
		}
	}
}

/* The answer has waited in the socket while the process was stopped. */
static void an_answer_that_waited_counts_from_the_question(void **state)
{
	(void)state;
	bind_client();
	net_run_to(&net, "RENEW", 901 * 1000);
	net.now += 300 * 1000;
	net_run_to(&net, "BOUND", 0);
	assert_int_equal(net.addrs[0].valid_s, 3300);
	assert_int_equal(net.addrs[0].preferred_s, 1500);
	assert_int_equal(net_state(&net).t1, net.last_at + 900 * 1000);
	assert_int_equal(net_state(&net).expiry, net.last_at + 3600 * 1000);
}

/* If the timer comes first, the answer is one to a message that does not count any more. */
static void an_answer_that_waited_does_not_answer_a_later_question(void **state)
{
	(void)state;
	bind_client();
	net_run_to(&net, "RENEW", 901 * 1000);
	wake_up_after(300 * 1000);
	assert_int_equal(net.sent[VS_DHCP6_RENEW], 2);
	net_run(&net, 100);
	assert_int_equal(net_state(&net).ignored[VS_IGNORED_XID], 1);
	assert_int_equal(net.news[VS_NEWS_RENEWED], 1);
	assert_int_equal(net.addrs[0].valid_s, 3600);
}

static void an_answer_that_waited_longer_than_the_lease_is_not_used(void **state)
{
	(void)state;
	bind_client();
	net_run_to(&net, "RENEW", 901 * 1000);
	net.now += 4000 * 1000;
	assert_true(net_step(&net, net.now));
	assert_int_equal(net.n_addrs, 0);
	assert_int_equal(net.n_set, 1);
	assert_string_equal(net_state(&net).state, "SOLICIT");
	/* and so it is with the first lease */
	net_run_to(&net, "REQUEST", 500);
	net.now += 4000 * 1000;
	assert_true(net_step(&net, net.now));
	assert_int_equal(net.n_addrs, 0);
	assert_int_equal(net.n_set, 1);
	net_run_to(&net, "BOUND", 500);
}

static void a_confirmation_after_the_end_is_not_used(void **state)
{
	(void)state;
	bind_client();
	vs_dhcp6_kind.link(net.client, net.now, false);
	vs_dhcp6_kind.link(net.client, net.now, true);
	while (net.sent[VS_DHCP6_CONFIRM] == 0)
		assert_true(net_step(&net, net.now + 100));
	net.now += 3600 * 1000;
	assert_true(net_step(&net, net.now));
	assert_int_equal(net.n_addrs, 0);
	assert_string_equal(net_state(&net).state, "SOLICIT");
}

static void an_early_timer_does_nothing(void **state)
{
	(void)state;
	bind_client();
	uint32_t sent = net_state(&net).sent;
	net.now += 899 * 1000;
	vs_dhcp6_kind.timer(net.client, net.now);
	assert_int_equal(net_state(&net).sent, sent);
	assert_string_equal(net_state(&net).state, "BOUND");
}

static void t1_and_t2_of_the_server_are_used(void **state)
{
	(void)state;
	net.servers[0].t1_s = 100;
	net.servers[0].t2_s = 300;
	bind_client();
	assert_int_equal(net_state(&net).t1, net.last_at + 100 * 1000);
	assert_int_equal(net_state(&net).t2, net.last_at + 300 * 1000);
	assert_int_equal(net_state(&net).expiry, net.last_at + 3600 * 1000);
}

static void without_t1_and_t2_the_preferred_lifetime_decides(void **state)
{
	(void)state;
	bind_client();
	assert_int_equal(net_state(&net).t1, net.last_at + 900 * 1000);
	assert_int_equal(net_state(&net).t2, net.last_at + 1440 * 1000);
}

static void without_one_of_t1_and_t2_they_are_in_order(void **state)
{
	(void)state;
	net.servers[0].t2_s = 500;
	bind_client();
	assert_int_equal(net_state(&net).t1, net.last_at + 500 * 1000);
	assert_int_equal(net_state(&net).t2, net.last_at + 500 * 1000);
	net_free(&net);
	net_init(&net);
	net.servers[0].t1_s = 1700;
	bind_client();
	assert_int_equal(net_state(&net).t1, net.last_at + 1700 * 1000);
	assert_int_equal(net_state(&net).t2, net.last_at + 1700 * 1000);
}

static void the_earliest_times_of_address_and_prefix_are_used(void **state)
{
	struct bytes m = {.n = 0};
	struct vs_dhcp6 request;

	(void)state;
	net.config.pd_len = 56;
	net.servers[0].prefix_len = 56;
	net.servers[0].t1_s = 300;
	net.servers[0].t2_s = 400;
	net_start(&net, NULL);
	net_run_to(&net, "REQUEST", 500);
	net.n_queued = 0;
	net_last(&net, &request);
	add32(&m, (uint32_t)VS_DHCP6_REPLY << 24 | request.xid);
	add_option(&m, VS_DHCP6_CLIENT_ID, net.config.duid, 10);
	add_option(&m, VS_DHCP6_SERVER_ID, net.servers[0].duid, 10);
	net_answer_na(&net, &net.servers[0], &request, &m);
	net.servers[0].t1_s = 0;
	net.servers[0].t2_s = 200;
	net_answer_pd(&net, &net.servers[0], &m);
	net_input(&net, &m);
	assert_int_equal(net_state(&net).t1, net.last_at + 200 * 1000);
	assert_int_equal(net_state(&net).t2, net.last_at + 200 * 1000);
}

static void a_deprecated_address_is_renewed_in_time(void **state)
{
	(void)state;
	net.servers[0].preferred_s = 0;
	bind_client();
	assert_int_equal(net_state(&net).t1, net.last_at + 1800 * 1000);
	assert_int_equal(net.addrs[0].preferred_s, 0);
}

static void a_lease_for_ever_causes_no_wake_ups(void **state)
{
	(void)state;
	net.servers[0].preferred_s = net.servers[0].valid_s = UINT32_MAX;
	bind_client();
	assert_int_equal(vs_dhcp6_kind.deadline(net.client), VS_AUTO_NEVER);
	assert_int_equal(net.addrs[0].valid_s, VS_AUTO_FOREVER);
}

/* T1 and T2 behind the end: the client chooses, or the address would end without a renewal. */
static void times_behind_the_end_of_the_lease_are_replaced(void **state)
{
	(void)state;
	net.servers[0].t1_s = 3600;
	net.servers[0].t2_s = 7200;
	bind_client();
	assert_int_equal(net_state(&net).t1, net.last_at + 900 * 1000);
	assert_int_equal(net_state(&net).t2, net.last_at + 1440 * 1000);
	net_free(&net);
	net_init(&net);
	net.servers[0].t1_s = 1000;
	net.servers[0].t2_s = 3600;
	bind_client();
	assert_int_equal(net_state(&net).t1, net.last_at + 1000 * 1000);
	assert_int_equal(net_state(&net).t2, net.last_at + 1440 * 1000);
	net_free(&net);
	net_init(&net);
	net.servers[0].t1_s = net.servers[0].t2_s = UINT32_MAX; /* the server says: never */
	bind_client();
	assert_int_equal(net_state(&net).t1, VS_AUTO_NEVER);
}

static void renewals_are_not_closer_than_ten_seconds(void **state)
{
	(void)state;
	net.servers[0].t1_s = net.servers[0].t2_s = 1;
	bind_client();
	assert_int_equal(net_state(&net).t1, net.last_at + 10 * 1000);
	assert_int_equal(net_state(&net).t2, net.last_at + 10 * 1000);
	net_run(&net, 1000 * 1000);
	assert_in_range(net.sent[VS_DHCP6_RENEW] + net.sent[VS_DHCP6_REBIND], 90, 100);
	net_free(&net);
	net_init(&net);
	net.servers[0].preferred_s = 1;
	bind_client();
	assert_int_equal(net_state(&net).t1, net.last_at + 10 * 1000);
	net_free(&net);
	net_init(&net);
	net.servers[0].preferred_s = net.servers[0].valid_s = 16; /* an eighth of a short lease */
	net.servers[0].t1_s = 1;
	bind_client();
	assert_int_equal(net_state(&net).t1, net.last_at + 2 * 1000);
}

/* A server that wants to be asked all the time does not get more than a message a second. */
static void messages_are_limited_to_one_in_a_second(void **state)
{
	(void)state;
	net.servers[0].preference = 255;
	net.servers[0].ia_status[VS_DHCP6_RENEW] = VS_DHCP6_NO_BINDING;
	net.servers[0].preferred_s = net.servers[0].valid_s = 7;
	net.servers[0].t1_s = net.servers[0].t2_s = 1;
	net.servers[0].ia_status[VS_DHCP6_REBIND] = VS_DHCP6_NO_BINDING;
	net_start(&net, NULL);
	net_run(&net, 1000 * 1000);
	assert_true(net_state(&net).sent <= 1000 + 20);
}

static void a_machine_is_small(void **state)
{
	(void)state;
	assert_true(vs_dhcp6_kind.size <= 3072);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		CASE(the_first_message_is_sent_at_a_random_time_within_50_ms),
		CASE(solicits_back_off_to_an_hour),
		CASE(requests_back_off_and_end_after_ten),
		CASE(renews_and_rebinds_back_off_to_ten_minutes),
		CASE(confirms_back_off_for_ten_seconds),
		CASE(a_rebind_that_verifies_a_prefix_has_the_times_of_a_confirm),
		CASE(information_requests_back_off_to_an_hour),
		CASE(declines_and_releases_back_off),
		CASE(a_server_sets_sol_max_rt_within_limits),
		CASE(a_server_sets_inf_max_rt),
		CASE(elapsed_time_counts_from_the_first_message),
		CASE(each_exchange_has_a_new_transaction),
		CASE(a_month_of_renewals_changes_nothing),
		CASE(a_short_lease_is_kept_for_a_day),
		CASE(lost_packets_cost_no_lease),
		CASE(a_timer_that_comes_after_t1_renews),
		CASE(a_timer_that_comes_after_t2_rebinds),
		CASE(a_timer_that_comes_after_the_end_searches),
		CASE(a_late_timer_in_each_state_does_no_harm),
		CASE(an_answer_that_waited_counts_from_the_question),
		CASE(an_answer_that_waited_does_not_answer_a_later_question),
		CASE(an_answer_that_waited_longer_than_the_lease_is_not_used),
		CASE(a_confirmation_after_the_end_is_not_used),
		CASE(an_early_timer_does_nothing),
		CASE(t1_and_t2_of_the_server_are_used),
		CASE(without_t1_and_t2_the_preferred_lifetime_decides),
		CASE(without_one_of_t1_and_t2_they_are_in_order),
		CASE(the_earliest_times_of_address_and_prefix_are_used),
		CASE(a_deprecated_address_is_renewed_in_time),
		CASE(a_lease_for_ever_causes_no_wake_ups),
		CASE(times_behind_the_end_of_the_lease_are_replaced),
		CASE(renewals_are_not_closer_than_ten_seconds),
		CASE(messages_are_limited_to_one_in_a_second),
		CASE(a_machine_is_small),
	};

	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
