/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Router discovery: name servers, search list, and the flags that start DHCPv6. */

#include "ra_net.h"

static void name_servers_have_lifetimes(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	set_server(0, "2001:db8::53", 600);
	set_server(1, "fe80::53", 1200);
	set_domain(0, "example.org", 600);
	set_domain(1, "test", 1200);
	ra.mtu = 1400;
	advertise();
	assert_int_equal(seen.n_facts, 1);
	assert_int_equal(seen.facts.dns[0].family, AF_INET6);
	assert_int_equal(seen.facts.dns[1].bytes[0], 0xfe);
	assert_int_equal(seen.facts.dns[2].family, 0);
	assert_string_equal(seen.facts.search, "example.org test");
	assert_int_equal(seen.facts.lifetime_s, 600);
	assert_int_equal(seen.facts.mtu, 1400);
	pass(600000);
	assert_int_equal(seen.facts.dns[0].bytes[0], 0xfe);
	assert_int_equal(seen.facts.dns[1].family, 0);
	assert_string_equal(seen.facts.search, "test");
	assert_int_equal(seen.news[VS_NEWS_CHANGED], 1);
	set_server(1, "fe80::53", 0);
	set_domain(1, "TEST", 0);
	advertise();
	assert_int_equal(seen.facts.dns[0].bytes[0], 0x20); /* heard of again */
	assert_int_equal(seen.facts.dns[1].family, 0);
	assert_string_equal(seen.facts.search, "example.org");
	assert_int_equal(seen.facts.lifetime_s, 600);
}

static void name_servers_that_are_heard_of_again_are_renewed(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	set_server(0, "2001:db8::53", 0); /* never heard of before */
	set_domain(0, "example.org", 0);
	advertise();
	assert_int_equal(seen.n_facts, 0);
	for (int i = 0; i < 2; i++) { /* one without the other */
		start(VS_IID_NONE);
		if (i == 0)
			set_server(0, "2001:db8::53", 600);
		else
			set_domain(0, "example.org", 600);
		advertise();
		assert_int_equal(vs_ra_kind.deadline(machine), now + 600000);
		pass(599999);
		advertise();
		assert_int_equal(seen.n_facts, 2);
		assert_int_equal(seen.facts.lifetime_s, 600);
		pass(599999);
		assert_int_equal(seen.facts.dns[0].family != 0, i == 0);
		assert_string_equal(seen.facts.search, i == 0 ? "" : "example.org");
		pass(1);
		assert_int_equal(seen.facts.dns[0].family, 0);
		assert_string_equal(seen.facts.search, "");
	}
}

static void domains_are_others_if_one_begins_with_the_other(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	set_domain(0, "example.org", 600);
	set_domain(1, "example", 600);
	set_domain(2, "Example.Org", 600);
	advertise();
	assert_string_equal(seen.facts.search, "example.org example");
}

/* A name of so many bytes, of labels with 49. */
static void set_long_domain(unsigned i, char letter, size_t n, uint32_t lifetime_s)
{
	char name[VS_DNS_NAME_TEXT];

	memset(name, letter, n);
	for (size_t dot = 49; dot < n - 1; dot += 50)
		name[dot] = '.';
	name[n] = '\0';
	set_domain(i, name, lifetime_s);
}

static void a_search_list_may_be_as_long_as_its_room(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	set_long_domain(0, 'a', 253, 600);
	set_long_domain(1, 'b', 253, 600);
	set_domain(2, "abc", 600);
	advertise();
	assert_int_equal(strlen(seen.facts.search), VS_AUTO_SEARCH_MAX - 1);
	start(VS_IID_NONE);
	set_domain(2, "abcd", 600);
	set_long_domain(0, 'a', 253, 600);
	set_long_domain(1, 'b', 253, 600);
	advertise();
	assert_int_equal(strlen(seen.facts.search), 253 + 1 + 253);
}

static void a_domain_without_room_pushes_nothing_out(void **state)
{
	char before[VS_AUTO_SEARCH_MAX];

	(void)state;
	start(VS_IID_NONE);
	set_domain(0, "short.test", 100);
	set_long_domain(1, 'b', 250, 300);
	set_long_domain(2, 'c', 240, 300);
	advertise();
	memcpy(before, seen.facts.search, sizeof(before));
	assert_int_equal(strlen(before), 10 + 1 + 250 + 1 + 240);
	ra.n_search = 0;
	set_long_domain(0, 'd', 200, 200); /* the place of the short one would not be enough */
	advertise();
	assert_string_equal(seen.facts.search, before);
	set_long_domain(0, 'd', 200, 400); /* the others end before it */
	advertise();
	assert_int_equal(seen.facts.search[strlen(seen.facts.search) - 1], 'd');
}

static void facts_are_reported_only_when_they_change(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	set_server(0, "2001:db8::53", VS_NDP_FOREVER);
	advertise();
	for (int i = 0; i < 10; i++) {
		pass(200000);
		advertise();
	}
	assert_int_equal(seen.n_facts, 1);
	assert_int_equal(seen.news[VS_NEWS_CHANGED], 0);
}

static void a_full_list_keeps_what_lives_longest(void **state)
{
	char name[VS_DNS_NAME_TEXT], text[] = "2001:db8::0";

	(void)state;
	start(VS_IID_NONE);
	for (unsigned i = 0; i < 8; i++) {
		text[sizeof(text) - 2] = (char)('1' + i);
		set_server(i, text, 1000 + (i + 5) % 8);
	}
	advertise();
	ra.n_dns = 0;
	set_server(0, "2001:db8::a", 999); /* less than all */
	advertise();
	assert_int_equal(seen.facts.dns[7].bytes[15], 8);
	set_server(0, "2001:db8::a", 3000);
	advertise();
	assert_int_equal(seen.facts.dns[7].bytes[15], 0xa);
	for (unsigned i = 0; i < 8; i++) /* the fourth had the shortest lifetime */
		assert_int_not_equal(seen.facts.dns[i].bytes[15], 4);

	ra.n_dns = 0;
	for (unsigned i = 0; i < 4; i++) { /* three are too long for the list */
		memset(name, 'a' + (int)i, 170);
		for (int dot = 40; dot < 170; dot += 41)
			name[dot] = '.';
		name[170] = '\0';
		set_domain(i, name, 100 + i);
	}
	advertise();
	assert_int_equal(strlen(seen.facts.search), 341);
	assert_int_equal(seen.facts.search[0], 'c');
	assert_int_equal(seen.facts.search[171], 'd');
}

static void flags_are_reported_once_for_a_network(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	ra.other = true;
	advertise();
	advertise();
	assert_int_equal(seen.news[VS_NEWS_OTHER], 1);
	ra.managed = true;
	advertise();
	advertise();
	assert_int_equal(seen.news[VS_NEWS_MANAGED], 1);
	assert_int_equal(seen.news[VS_NEWS_OTHER], 1);
	vs_ra_kind.link(machine, now, false);
	vs_ra_kind.link(machine, now, true);
	advertise();
	assert_int_equal(seen.news[VS_NEWS_MANAGED], 2);
	assert_int_equal(seen.news[VS_NEWS_OTHER], 1); /* M includes O */
}

static const struct CMUnitTest tests[] = {
	TEST(name_servers_have_lifetimes),
	TEST(name_servers_that_are_heard_of_again_are_renewed),
	TEST(domains_are_others_if_one_begins_with_the_other),
	TEST(a_search_list_may_be_as_long_as_its_room),
	TEST(a_domain_without_room_pushes_nothing_out),
	TEST(facts_are_reported_only_when_they_change),
	TEST(a_full_list_keeps_what_lives_longest),
	TEST(flags_are_reported_once_for_a_network),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
