/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Messages that the DHCPv6 client must ignore: it counts each and stays as it was. */

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

/* The answer that the first server gives to the last message, not delivered yet. */
static struct bytes answer(void)
{
	assert_int_equal(net.n_queued, 1);
	net.n_queued = 0;
	return net.queue[0].m;
}

/* The client is in that state, with a message sent; *good is the answer to it. */
static void bring_to(const char *state, struct bytes *good)
{
	if (strcmp(state, "INFORMATION-REQUEST") == 0)
		net.config.information = true;
	net_start(&net, NULL);
	if (strcmp(state, "RENEW") == 0 || strcmp(state, "REBIND") == 0)
		net_run_to(&net, "BOUND", 500);
	net.servers[0].on = strcmp(state, "REBIND") != 0;
	int sent = (int)net_state(&net).sent;
	net_run_to(&net, state, 2000 * 1000);
	net.servers[0].on = true;
	while (net.n_queued == 0 || (int)net_state(&net).sent == sent)
		assert_true(net_step(&net, net.now + 20 * 1000));
	*good = answer();
}

static void assert_ignored(const struct bytes *m, enum vs_auto_ignored why)
{
	struct vs_auto_state before = net_state(&net), after;
	int n_addrs = net.n_addrs, n_set = net.n_set, n_del = net.n_del, n_facts = net.n_facts;
	vs_auto_ms deadline = vs_dhcp6_kind.deadline(net.client);

	net_input(&net, m);
	after = net_state(&net);
	assert_int_equal(after.ignored[why], before.ignored[why] + 1);
	assert_int_equal(after.received, before.received);
	assert_string_equal(after.state, before.state);
	assert_int_equal(after.sent, before.sent);
	assert_int_equal(net.n_addrs, n_addrs);
	assert_int_equal(net.n_set, n_set);
	assert_int_equal(net.n_del, n_del);
	assert_int_equal(net.n_facts, n_facts);
	assert_int_equal(vs_dhcp6_kind.deadline(net.client), deadline);
}

/* Where an option's code stands. */
static size_t find_option(const struct bytes *m, unsigned code)
{
	for (size_t at = 4; at + 4 <= m->n; at += 4u + m->b[at + 3] + 256u * m->b[at + 2])
		if (m->b[at + 1] == code)
			return at;
	fail_msg("there is no option %u", code);
	return 0;
}

static struct bytes without(const struct bytes *m, unsigned code)
{
	size_t at = find_option(m, code), n = 4u + m->b[at + 3];
	struct bytes r = *m;

	memmove(r.b + at, r.b + at + n, r.n - at - n);
	r.n -= n;
	return r;
}

static const char *const states[] = {"SOLICIT", "REQUEST", "RENEW", "REBIND", "INFORMATION-REQUEST"};
static const char *const after[] = {"REQUEST", "BOUND", "BOUND", "BOUND", "INFORMED"};
#define N_STATES (sizeof(states) / sizeof(states[0]))

/* In each state, what makes a good answer a bad one; then the good one is accepted. */
static void spoiled_answers_are_ignored_in_each_state(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_STATES; i++) {
		struct bytes good, bad;

		net_free(&net);
		net_init(&net);
		bring_to(states[i], &good);
		bad = good;
		bad.b[3] ^= 1;
		assert_ignored(&bad, VS_IGNORED_XID);
		bad = without(&good, VS_DHCP6_CLIENT_ID);
		assert_ignored(&bad, VS_IGNORED_CLIENT);
		bad = good;
		bad.b[find_option(&good, VS_DHCP6_CLIENT_ID) + 13] ^= 1;
		assert_ignored(&bad, VS_IGNORED_CLIENT);
		bad = without(&good, VS_DHCP6_SERVER_ID);
		assert_ignored(&bad, VS_IGNORED_CONTENT);
		for (uint8_t type = 0; type < 16; type++) {
			bool is_type = type >= 1 && type <= 11;

			if (type == VS_DHCP6_REPLY || (type == VS_DHCP6_ADVERTISE && i == 0))
				continue;
			bad = good;
			bad.b[0] = type;
			assert_ignored(&bad, is_type ? VS_IGNORED_STATE : VS_IGNORED_MALFORMED);
		}
		net_input(&net, &good);
		net_run_to(&net, after[i], 100);
	}
}

static bool is_boundary(const struct bytes *m, size_t n)
{
	size_t at = 4;

	while (at < n)
		at += 4u + m->b[at + 3] + 256u * m->b[at + 2];
	return at == n;
}

/* At the end of an option a message may end. */
static void messages_cut_off_in_an_option_are_ignored(void **state)
{
	struct bytes good;
	int n_cut = 0;

	(void)state;
	bring_to("REQUEST", &good);
	for (size_t n = 0; n < good.n; n++) {
		struct bytes bad = good;

		bad.n = n;
		if (is_boundary(&good, n))
			continue;
		assert_ignored(&bad, VS_IGNORED_MALFORMED);
		n_cut++;
	}
	assert_true(n_cut > 100);
}

static void another_server_cannot_answer_for_the_chosen_one(void **state)
{
	static const char *const with_server[] = {"REQUEST", "RENEW"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct bytes bad;

		net_free(&net);
		net_init(&net);
		bring_to(with_server[i], &bad);
		bad.b[find_option(&bad, VS_DHCP6_SERVER_ID) + 13] ^= 1;
		assert_ignored(&bad, VS_IGNORED_SERVER);
	}
}

static void a_reply_without_rapid_commit_does_not_answer_a_solicit(void **state)
{
	struct bytes bad;

	(void)state;
	net.config.rapid = true;
	bring_to("SOLICIT", &bad);
	bad.b[0] = VS_DHCP6_REPLY;
	assert_ignored(&bad, VS_IGNORED_STATE);
}

static void a_rapid_reply_that_was_not_asked_for_is_ignored(void **state)
{
	struct bytes bad;

	(void)state;
	bring_to("SOLICIT", &bad);
	bad.b[0] = VS_DHCP6_REPLY;
	add_option(&bad, VS_DHCP6_RAPID_COMMIT, NULL, 0);
	assert_ignored(&bad, VS_IGNORED_STATE);
}

static void a_reconfigure_is_ignored(void **state)
{
	struct bytes bad;

	(void)state;
	bring_to("RENEW", &bad);
	bad.b[0] = VS_DHCP6_RECONFIGURE;
	assert_ignored(&bad, VS_IGNORED_STATE);
	net_run_to(&net, "BOUND", 20 * 1000);
	assert_ignored(&bad, VS_IGNORED_STATE);
}

static void a_second_answer_is_ignored(void **state)
{
	struct bytes good;

	(void)state;
	bring_to("REQUEST", &good);
	net_input(&net, &good);
	assert_string_equal(net_state(&net).state, "BOUND");
	assert_ignored(&good, VS_IGNORED_STATE);
	/* nor is an answer to an earlier message one to a later one */
	net_run_to(&net, "RENEW", 1000 * 1000);
	assert_ignored(&good, VS_IGNORED_XID);
}

static void an_answer_before_the_question_is_ignored(void **state)
{
	struct bytes m = {.n = 0};

	(void)state;
	net_start(&net, NULL);
	add32(&m, (uint32_t)VS_DHCP6_ADVERTISE << 24);
	add_option(&m, VS_DHCP6_CLIENT_ID, net.config.duid, 10);
	add_option(&m, VS_DHCP6_SERVER_ID, net.servers[0].duid, 10);
	assert_ignored(&m, VS_IGNORED_STATE);
}

static void a_packet_that_is_not_dhcpv6_is_ignored(void **state)
{
	struct vs_auto_packet packet = {.way = VS_WAY_ICMP6, .bytes = (const uint8_t *)"", .n = 0};

	(void)state;
	net_start(&net, NULL);
	vs_dhcp6_kind.input(net.client, net.now, &packet);
	assert_int_equal(net_state(&net).ignored[VS_IGNORED_SENDER], 1);
}

/* Each address of a whole IA is one that no interface may get. */
static void addresses_that_are_no_unicast_addresses_are_not_used(void **state)
{
	static const uint8_t bad[][16] = {
		{0},
		{[15] = 1},
		{0xff, 2, [15] = 1},
		{0xfe, 0x80, [15] = 1},
		{0xfe, 0xbf, [15] = 1},
		{[10] = 0xff, 0xff, 10, 0, 0, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		net_free(&net);
		net_init(&net);
		memcpy(net.servers[0].addr, bad[i], 16);
		net_start(&net, NULL);
		net_run(&net, 20 * 1000);
		assert_int_equal(net.n_set, 0);
		assert_string_equal(net_state(&net).state, "SOLICIT");
	}
	/* unique local ones are used */
	net_free(&net);
	net_init(&net);
	memcpy(net.servers[0].addr, (uint8_t[16]){0xfd, [15] = 1}, 16);
	net_start(&net, NULL);
	net_run_to(&net, "BOUND", 500);
}

static void a_preferred_lifetime_longer_than_the_valid_one_is_not_used(void **state)
{
	(void)state;
	net.servers[0].preferred_s = 3601;
	net_start(&net, NULL);
	net_run(&net, 20 * 1000);
	assert_int_equal(net.n_set, 0);
}

static void t1_after_t2_is_not_used(void **state)
{
	(void)state;
	net.servers[0].t1_s = 301;
	net.servers[0].t2_s = 300;
	net_start(&net, NULL);
	net_run(&net, 20 * 1000);
	assert_int_equal(net.n_set, 0);
}

static void an_ia_of_another_client_is_not_used(void **state)
{
	struct bytes m;

	(void)state;
	bring_to("RENEW", &m);
	m.b[find_option(&m, VS_DHCP6_IA_NA) + 7] ^= 1;
	assert_ignored(&m, VS_IGNORED_CONTENT);
}

static void more_addresses_than_there_is_room_for_are_left_out(void **state)
{
	struct bytes m, ia = {.n = 0};

	(void)state;
	bring_to("REQUEST", &m);
	m = without(&m, VS_DHCP6_IA_NA);
	add32(&ia, net.config.iaid);
	add32(&ia, 0);
	add32(&ia, 0);
	for (unsigned i = 0; i < 40; i++) {
		struct bytes a = {.n = 0};
		uint8_t ip[16];

		net_addr(ip, 1 + i);
		add(&a, ip, 16);
		add32(&a, 100);
		add32(&a, 200);
		add_nested(&ia, VS_DHCP6_IAADDR, &a);
	}
	add_nested(&m, VS_DHCP6_IA_NA, &ia);
	net_input(&net, &m);
	assert_int_equal(net.n_addrs, VS_DHCP6_ADDRS_MAX);
	struct vs_auto_addr addrs[8];
	assert_int_equal(vs_dhcp6_kind.addrs(net.client, addrs, 8), VS_DHCP6_ADDRS_MAX);
	assert_int_equal(vs_dhcp6_kind.addrs(net.client, addrs, 2), 2);
	/* renewed and declined like others */
	vs_dhcp6_kind.detected(net.client, net.now, &addrs[1].ip, true);
	assert_int_equal(net.n_addrs, VS_DHCP6_ADDRS_MAX - 1);
	assert_int_equal(net.news[VS_NEWS_LOST], 0);
	net_run_to(&net, "BOUND", 100);
	assert_int_equal(net.sent[VS_DHCP6_DECLINE], 1);
}

static void a_name_server_on_this_host_is_left_out(void **state)
{
	struct bytes m;
	uint8_t list[4][16] = {{[15] = 1},
			       {0xff, 2, [15] = 0xfb},
			       {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1},
			       {0xfe, 0x80, [15] = 5}};

	(void)state;
	net.servers[0].dns_last = 0;
	bring_to("REQUEST", &m);
	add_option(&m, VS_DHCP6_DNS, list, sizeof(list));
	net_input(&net, &m);
	assert_int_equal(net.facts.dns[0].family, AF_INET6);
	assert_memory_equal(net.facts.dns[0].bytes, list[3], 16);
	assert_int_equal(net.facts.dns[1].family, 0);
}

/* Text of a server could become a line of resolv.conf. */
static void a_search_list_that_is_no_host_name_is_left_out(void **state)
{
	static const uint8_t names[] = "\4a\nb \3org";
	struct bytes m;

	(void)state;
	net.servers[0].dns_last = 0;
	bring_to("REQUEST", &m);
	add_option(&m, VS_DHCP6_SEARCH, names, sizeof(names));
	net_input(&net, &m);
	assert_string_equal(net.facts.search, "");
	assert_string_equal(net_state(&net).state, "BOUND");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		CASE(spoiled_answers_are_ignored_in_each_state),
		CASE(messages_cut_off_in_an_option_are_ignored),
		CASE(another_server_cannot_answer_for_the_chosen_one),
		CASE(a_reply_without_rapid_commit_does_not_answer_a_solicit),
		CASE(a_rapid_reply_that_was_not_asked_for_is_ignored),
		CASE(a_reconfigure_is_ignored),
		CASE(a_second_answer_is_ignored),
		CASE(an_answer_before_the_question_is_ignored),
		CASE(a_packet_that_is_not_dhcpv6_is_ignored),
		CASE(addresses_that_are_no_unicast_addresses_are_not_used),
		CASE(a_preferred_lifetime_longer_than_the_valid_one_is_not_used),
		CASE(t1_after_t2_is_not_used),
		CASE(an_ia_of_another_client_is_not_used),
		CASE(more_addresses_than_there_is_room_for_are_left_out),
		CASE(a_name_server_on_this_host_is_left_out),
		CASE(a_search_list_that_is_no_host_name_is_left_out),
	};

	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
