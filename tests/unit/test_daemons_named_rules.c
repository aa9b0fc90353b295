/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* iothnamed: names, the reverse tree, networks, the order of rules, and limits. */

#include "unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemons/iothnamed/config.h"
#include "daemons/iothnamed/cookie.h"
#include "daemons/iothnamed/decide.h"
#include "daemons/iothnamed/limit.h"

static struct nm_name named(const char *text)
{
	struct nm_name name;

	if (!nm_name_read(&name, text))
		fail_msg("no name: %s", text);
	return name;
}

static void names_compare_without_case(void **state)
{
	struct nm_name a = named("Www.Example.COM."), b = named("www.example.com"),
		       zone = named("EXAMPLE.com");
	struct nm_name other = named("notexample.com"), root = named(".");
	char text[NM_TEXT_MAX], raw[NM_NAME_MAX];

	(void)state;
	assert_true(nm_name_equal(&a, &b));
	assert_true(nm_name_below(&a, &zone));
	assert_false(nm_name_below(&zone, &zone));
	assert_false(nm_name_below(&other, &zone));
	assert_false(nm_name_below(&zone, &a));
	assert_true(nm_name_below(&zone, &root));
	assert_string_equal(nm_name_text(&a, text), "Www.Example.COM");
	assert_string_equal(nm_name_text(&root, text), ".");
	assert_true(nm_name_raw(&a, raw));
	assert_string_equal(raw, "Www.Example.COM");
	assert_true(nm_name_raw(&root, raw));
	assert_string_equal(raw, "");
	struct nm_name zero = named("a\\000b.c"), dot = named("a\\.b.c");
	assert_false(nm_name_raw(&zero, raw));
	assert_string_equal(nm_name_text(&dot, text), "a\\046b.c");
	assert_false(nm_name_read(&zero, ""));
	assert_false(nm_name_read(&zero, "a..b"));
	assert_false(nm_name_read(&zero, "a b"));
	char wide[70];
	memset(wide, 'a', 64);
	wide[64] = '\0';
	assert_false(nm_name_read(&zero, wide));
}

/* zone: how a rule reads it, and the name that it has, as the vectors have it. */
static void check_zone(const char *text, const char *expected)
{
	struct nm_rule rule = { .below = false };
	char found[NM_TEXT_MAX + 1] = ".";

	assert_true(nm_config_zone(&rule, text));
	assert_null(rule.host);
	(void)nm_name_text(&rule.name, found + rule.below);
	assert_string_equal(found, expected);
}

static void zones_are_names_or_networks(void **state)
{
	(void)state;
	check_zone("10.20.30.40", "40.30.20.10.in-addr.arpa");
	check_zone("10.20.30.40/24", ".30.20.10.in-addr.arpa");
	check_zone("10.20.30.40/16", ".20.10.in-addr.arpa");
	check_zone("10.20.30.40/8", ".10.in-addr.arpa");
	check_zone("10.20.30.40/0", ".in-addr.arpa");
	check_zone("10.20.30.40/20", ".20.10.in-addr.arpa");
	check_zone("2001::3:4", "4.0.0.0.3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.2.ip6.arpa");
	check_zone("2001::3:4/64", ".0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.2.ip6.arpa");
	check_zone("2001::3:4/124",
		   ".0.0.0.3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.2.ip6.arpa");
	check_zone("2001::3:4/62", ".0.0.0.0.0.0.0.0.0.0.0.1.0.0.2.ip6.arpa");
	check_zone("2001::3:4/0", ".ip6.arpa");
	check_zone("::ffff:1.2.3.4",
		   "4.0.3.0.2.0.1.0.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa");
	check_zone("test.foo.bar", "test.foo.bar");
	check_zone(".foo.bar", ".foo.bar");
}

static void networks_have_addresses(void **state)
{
	static const struct {
		const char *range, *addr;
		bool has;
	} cases[] = {
		{ "10.0.0.0/8", "10.255.0.1", true },  { "10.0.0.0/8", "11.0.0.1", false },
		{ "10.0.0.0/9", "10.128.0.1", false }, { "::/0", "10.0.0.1", true },
		{ "::/0", "fc00::1", true },           { "0.0.0.0/0", "10.0.0.1", true },
		{ "0.0.0.0/0", "fc00::1", false },     { "fc00::1", "fc00::1", true },
		{ "fc00::1/127", "fc00::", true },     { "fc00::1/128", "fc00::", false },
		{ "fc00::/7", "fe80::1", false },
	};

	(void)state;
	for (size_t i = 0; i < VS_COUNT(cases); i++) {
		struct nm_range range;
		struct in6_addr addr;
		assert_true(nm_range_read(&range, cases[i].range, NULL));
		assert_true(nm_addr_read(&addr, cases[i].addr, NULL));
		if (nm_range_has(&range, &addr) != cases[i].has)
			fail_msg("%s %s", cases[i].range, cases[i].addr);
	}
}

static void add_rule(struct nm_config *c, enum nm_kind kind, int net, const char *zone)
{
	struct nm_rule rule = { .kind = kind, .nets = calloc(1, sizeof(int)), .n_nets = 1 };

	assert_non_null(rule.nets);
	rule.nets[0] = net;
	assert_true(nm_config_zone(&rule, zone));
	assert_int_equal(nm_rules_add(&c->rules, &rule), 0);
}

static struct nm_config *two_nets(void)
{
	struct nm_config *c = calloc(1, sizeof(*c));
	struct nm_range range;

	assert_non_null(c);
	nm_options_default(&c->options);
	assert_true(nm_range_read(&range, "10.0.0.0/8", NULL));
	assert_int_equal(nm_nets_add(&c->nets, "local", &range), 0);
	assert_true(nm_range_read(&range, "::/0", NULL));
	assert_int_equal(nm_nets_add(&c->nets, "all", &range), 0);
	return c;
}

static void rules_apply_in_order(void **state)
{
	struct nm_config *c = two_nets();
	struct in6_addr local, far;
	struct nm_name name = named("a.Test");
	size_t at = 0;

	(void)state;
	assert_true(nm_addr_read(&local, "10.0.0.1", NULL) && nm_addr_read(&far, "fc00::1", NULL));
	add_rule(c, NM_ACCEPT, 0, ".");
	add_rule(c, NM_CACHE, 0, ".");
	add_rule(c, NM_STATIC, 1, ".test");
	add_rule(c, NM_FWD, 1, "a.test");
	add_rule(c, NM_ERROR, 1, "test");
	assert_int_equal(nm_rules_next(&c->rules, &c->nets, &local, &name, &at)->kind, NM_CACHE);
	assert_int_equal(nm_rules_next(&c->rules, &c->nets, &local, &name, &at)->kind, NM_STATIC);
	assert_int_equal(nm_rules_next(&c->rules, &c->nets, &local, &name, &at)->kind, NM_FWD);
	assert_null(nm_rules_next(&c->rules, &c->nets, &local, &name, &at));
	at = 0;
	assert_int_equal(nm_rules_next(&c->rules, &c->nets, &far, &name, &at)->kind, NM_STATIC);
	assert_true(nm_rules_accept(&c->rules, &c->nets, &local));
	assert_false(nm_rules_accept(&c->rules, &c->nets, &far));
	nm_config_free(c);
}

/* A question of 10.0.0.1. Returns the RCODE, -2 if it is forwarded; *n: how many records there are. */
static int decided(struct nm_mind *mind, const char *text, unsigned type, bool rd, size_t *n)
{
	struct nm_request r = { .type = (uint16_t)type, .class = LDNS_RR_CLASS_IN, .rd = rd };
	struct nm_answer a;
	struct in6_addr client;

	assert_true(nm_addr_read(&client, "10.0.0.1", NULL));
	r.name = named(text);
	if (nm_decide(mind, 0, &client, &r, &a) == NM_FORWARDED)
		return -2;
	*n = a.answer != NULL ? ldns_rr_list_rr_count(a.answer) : 0;
	if (*n == 0 && a.rcode != LDNS_RCODE_REFUSED)
		assert_int_equal(ldns_rr_list_rr_count(a.authority), 1); /* a SOA record */
	int rcode = a.rcode;
	nm_answer_clear(&a);
	return rcode;
}

static void decisions_are_those_of_the_rules(void **state)
{
	struct nm_config *c = two_nets();
	struct nm_mind mind = { .config = c,
				.cache = nm_cache_new(10, 65536),
				.hrev = nm_cache_new(10, 65536) };
	size_t n = 0;

	(void)state;
	assert_true(mind.cache != NULL && mind.hrev != NULL);
	add_rule(c, NM_ERROR, 0, ".bad");
	add_rule(c, NM_STATIC, 0, ".static");
	add_rule(c, NM_HASH, 0, ".hash");
	add_rule(c, NM_HREV, 0, "::/0");
	add_rule(c, NM_CACHE, 0, ".");
	add_rule(c, NM_FWD, 0, ".fwd");
	assert_int_equal(decided(&mind, "a.bad", 1, true, &n), LDNS_RCODE_REFUSED);
	assert_int_equal(decided(&mind, "a.static", 1, true, &n), LDNS_RCODE_NXDOMAIN);
	assert_int_equal(decided(&mind, "a.hash", LDNS_RR_TYPE_A, true, &n), LDNS_RCODE_NOERROR);
	assert_int_equal(n, 0);
	assert_int_equal(decided(&mind, "a.hash", LDNS_RR_TYPE_AAAA, true, &n), LDNS_RCODE_NOERROR);
	assert_int_equal(n, 1);
	assert_int_equal(decided(&mind, "a.hash", LDNS_RR_TYPE_ANY, true, &n), LDNS_RCODE_NOERROR);
	assert_int_equal(n, 1);
	assert_int_equal(nm_cache_count(mind.hrev), 1); /* both times the same address */
	assert_int_equal(decided(&mind, "1.ip6.arpa", LDNS_RR_TYPE_PTR, true, &n), LDNS_RCODE_NXDOMAIN);
	assert_int_equal(decided(&mind, "1.ip6.arpa", LDNS_RR_TYPE_A, true, &n), LDNS_RCODE_REFUSED);
	assert_int_equal(decided(&mind, "a.fwd", 1, true, &n), -2);
	assert_int_equal(decided(&mind, "a.fwd", 1, false, &n), LDNS_RCODE_REFUSED);
	assert_int_equal(decided(&mind, "a.fwd", LDNS_RR_TYPE_ANY, true, &n), LDNS_RCODE_NOERROR);
	assert_int_equal(n, 1);
	assert_int_equal(decided(&mind, "a.fwd", LDNS_RR_TYPE_AXFR, true, &n), LDNS_RCODE_REFUSED);
	assert_int_equal(decided(&mind, "nowhere", 1, true, &n), LDNS_RCODE_REFUSED);
	nm_cache_free(mind.cache);
	nm_cache_free(mind.hrev);
	nm_config_free(c);
}

static void a_network_gets_so_many_answers_in_a_second(void **state)
{
	static struct nm_limit limit;
	struct in6_addr a, b, other;
	int passed = 0, truncated = 0;

	(void)state;
	assert_true(nm_addr_read(&a, "10.0.0.1", NULL) && nm_addr_read(&b, "10.0.0.200", NULL));
	assert_true(nm_addr_read(&other, "10.0.1.1", NULL));
	for (int i = 0; i < 50; i++) {
		enum nm_limited l = nm_limit_ask(&limit, 1000, i % 2 == 0 ? &a : &b, 10);
		passed += l == NM_PASSES;
		truncated += l == NM_TRUNCATED;
	}
	assert_int_equal(passed, 10);
	assert_int_equal(truncated, 20);
	assert_int_equal(nm_limit_ask(&limit, 1000, &other, 10), NM_PASSES);
	assert_int_not_equal(nm_limit_ask(&limit, 1099, &a, 10), NM_PASSES);
	assert_int_equal(nm_limit_ask(&limit, 1101, &a, 10), NM_PASSES);
	assert_int_not_equal(nm_limit_ask(&limit, 1101, &a, 10), NM_PASSES);
	for (int i = 0; i < 100; i++)
		assert_int_equal(nm_limit_ask(&limit, 1101, &a, 0), NM_PASSES);
}

/* RFC 9018 appendix A.1 and A.2. */
static void cookies_are_those_of_the_rfc(void **state)
{
	static const uint8_t key[] = { 0xe5, 0xe9, 0x73, 0xe5, 0xa6, 0xb2, 0xa4, 0x3f,
				       0x48, 0xe7, 0xdc, 0x84, 0x9e, 0x37, 0xbf, 0xcf };
	static const uint8_t expected[] = { 0x24, 0x64, 0xc4, 0xab, 0xcf, 0x10, 0xc9, 0x57,
					    0x01, 0x00, 0x00, 0x00, 0x5c, 0xf7, 0x9f, 0x11,
					    0x1f, 0x81, 0x30, 0xc3, 0xee, 0xe2, 0x94, 0x80 };
	const uint32_t now = 1559731985;
	struct nm_request r = { .cookie_n = 8 };
	struct in6_addr client, other;

	(void)state;
	assert_true(nm_addr_read(&client, "198.51.100.100", NULL) &&
		    nm_addr_read(&other, "198.51.100.101", NULL));
	memcpy(r.cookie, expected, 8);
	nm_cookie_make(key, now, &client, &r);
	assert_int_equal(r.cookie_n, sizeof(expected));
	assert_memory_equal(r.cookie, expected, sizeof(expected));
	assert_true(nm_cookie_good(key, now, &client, &r));
	assert_true(nm_cookie_good(key, now + 3600, &client, &r));
	assert_false(nm_cookie_good(key, now + 3601, &client, &r));
	assert_false(nm_cookie_good(key, now - 301, &client, &r));
	assert_false(nm_cookie_good(key, now, &other, &r));
	r.cookie[20] ^= 1;
	assert_false(nm_cookie_good(key, now, &client, &r));
	r.cookie_n = 8;
	assert_false(nm_cookie_good(key, now, &client, &r));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(cookies_are_those_of_the_rfc),
	cmocka_unit_test(names_compare_without_case),
	cmocka_unit_test(zones_are_names_or_networks),
	cmocka_unit_test(networks_have_addresses),
	cmocka_unit_test(rules_apply_in_order),
	cmocka_unit_test(decisions_are_those_of_the_rules),
	cmocka_unit_test(a_network_gets_so_many_answers_in_a_second),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
