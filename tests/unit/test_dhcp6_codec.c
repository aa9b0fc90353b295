/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DHCPv6 messages: what is built is parsed again, and each length and nesting that is wrong is refused. */

#include "dhcp6_net.h"

#define IAID 0x01020304u

static const uint8_t duid[] = {0, 3, 0, 1, 2, 0, 0, 0, 0, 1};
static const uint8_t duid2[] = {0, 3, 0, 1, 2, 0, 0, 0, 0, 2};

/* In memory of exactly that length, so a sanitizer detects a read beyond it. */
static enum vs_dhcp6_result parse(const struct bytes *m, struct vs_dhcp6 *out)
{
	static struct bytes kept; /* the result points into the message */
	uint8_t *exact = malloc(m->n > 0 ? m->n : 1);
	struct vs_dhcp6 other;

	assert_non_null(exact);
	memcpy(exact, m->b, m->n);
	enum vs_dhcp6_result result = vs_dhcp6_parse(exact, m->n, IAID, &other);
	free(exact);
	kept = *m;
	memset(out, 0xa5, sizeof(*out));
	struct vs_dhcp6 untouched = *out;
	assert_int_equal(vs_dhcp6_parse(kept.b, kept.n, IAID, out), result);
	if (result != VS_DHCP6_OK)
		assert_memory_equal(out, &untouched, sizeof(*out));
	return result;
}

static struct bytes reply(void)
{
	struct bytes m = {.n = 0};

	add32(&m, (uint32_t)VS_DHCP6_REPLY << 24 | 0xabcdef);
	return m;
}

static void add_address(struct bytes *ia, unsigned last, uint32_t preferred_s, uint32_t valid_s,
			unsigned status)
{
	struct bytes a = {.n = 0};
	uint8_t ip[16];

	net_addr(ip, last);
	add(&a, ip, 16);
	add32(&a, preferred_s);
	add32(&a, valid_s);
	add_status(&a, status);
	add_nested(ia, VS_DHCP6_IAADDR, &a);
}

static struct bytes ia_of(uint32_t iaid, uint32_t t1_s, uint32_t t2_s)
{
	struct bytes ia = {.n = 0};

	add32(&ia, iaid);
	add32(&ia, t1_s);
	add32(&ia, t2_s);
	return ia;
}

static struct vs_dhcp6_plan full_plan(void)
{
	struct vs_dhcp6_plan plan = {
		.type = VS_DHCP6_REQUEST,
		.xid = 0xff123456, /* 24 bits are used */
		.client = duid,
		.client_len = sizeof(duid),
		.server = duid2,
		.server_len = sizeof(duid2),
		.elapsed_cs = 0x1234,
		.rapid = true,
		.na = true,
		.pd = true,
		.iaid = IAID,
		.n_addrs = 2,
		.prefix_len = 56,
		.n_wanted = 2,
		.wanted = {VS_DHCP6_DNS, VS_DHCP6_FQDN},
		.fqdn = (const uint8_t *)"\4host",
		.fqdn_len = 5,
	};

	net_addr(plan.addrs[0], 1);
	net_addr(plan.addrs[1], 2);
	net_addr(plan.prefix, 0);
	return plan;
}

static void what_is_built_is_parsed_again(void **state)
{
	struct vs_dhcp6_plan plan = full_plan();
	struct vs_dhcp6 m;
	struct bytes b;

	(void)state;
	b.n = vs_dhcp6_build(&plan, b.b, sizeof(b.b));
	assert_true(b.n > 0);
	assert_int_equal(parse(&b, &m), VS_DHCP6_OK);
	assert_int_equal(m.type, VS_DHCP6_REQUEST);
	assert_int_equal(m.xid, 0x123456);
	assert_int_equal(m.client.n, sizeof(duid));
	assert_memory_equal(m.client.bytes, duid, sizeof(duid));
	assert_int_equal(m.server.n, sizeof(duid2));
	assert_memory_equal(m.server.bytes, duid2, sizeof(duid2));
	assert_true(m.has_elapsed);
	assert_int_equal(m.elapsed_cs, 0x1234);
	assert_true(m.rapid);
	assert_int_equal(m.na.iaid, IAID);
	assert_int_equal(m.na.t1_s + m.na.t2_s, 0);
	assert_int_equal(m.na.n, 2);
	assert_memory_equal(m.na.leases[1].ip, plan.addrs[1], 16);
	assert_int_equal(m.na.leases[1].prefix_len, 128);
	assert_int_equal(m.pd.n, 1);
	assert_int_equal(m.pd.leases[0].prefix_len, 56);
	assert_memory_equal(m.pd.leases[0].ip, plan.prefix, 16);
	assert_true(vs_dhcp6_wants(&m, VS_DHCP6_FQDN));
	assert_false(vs_dhcp6_wants(&m, VS_DHCP6_NTP));
	assert_int_equal(m.fqdn.n, 6);
	assert_memory_equal(m.fqdn.bytes, "\1\4host", 6);
	assert_int_equal(m.skipped, 0);
}

static void nothing_is_built_without_room(void **state)
{
	struct vs_dhcp6_plan plan = full_plan();
	uint8_t bytes[ROOM];
	size_t n = vs_dhcp6_build(&plan, bytes, sizeof(bytes));

	(void)state;
	for (size_t room = 0; room < n; room++) {
		uint8_t *exact = malloc(room > 0 ? room : 1);

		assert_non_null(exact);
		assert_int_equal(vs_dhcp6_build(&plan, exact, room), 0);
		free(exact);
	}
	assert_int_equal(vs_dhcp6_build(&plan, bytes, n), n);
}

static void the_longest_message_has_room(void **state)
{
	struct vs_dhcp6_plan plan = full_plan();
	uint8_t bytes[VS_DHCP6_BYTES_MAX], longest[255] = {0};

	(void)state;
	plan.client = plan.server = plan.fqdn = longest;
	plan.client_len = plan.server_len = VS_DHCP6_DUID_MAX;
	plan.fqdn_len = sizeof(longest);
	plan.n_addrs = VS_DHCP6_ADDRS_MAX;
	plan.n_wanted = 8;
	assert_true(vs_dhcp6_build(&plan, bytes, sizeof(bytes)) > 0);
}

static void a_reply_is_parsed(void **state)
{
	struct bytes m = reply(), ia = ia_of(IAID, 100, 200), pd = ia_of(IAID, 300, 400), p = {.n = 0};
	struct bytes seconds = {.n = 0}, ntp = {.n = 0};
	static const uint8_t search[] = "\3org";
	uint8_t two[32], byte = 77;
	struct vs_dhcp6 out;

	(void)state;
	net_addr(two, 1);
	net_addr(two + 16, 2);
	add_option(&m, VS_DHCP6_CLIENT_ID, duid, sizeof(duid));
	add_option(&m, VS_DHCP6_SERVER_ID, duid2, sizeof(duid2));
	add_address(&ia, 5, 1000, 2000, 0);
	add_nested(&m, VS_DHCP6_IA_NA, &ia);
	add32(&p, 3000);
	add32(&p, 4000);
	byte = 48;
	add(&p, &byte, 1);
	add(&p, two, 16);
	add_nested(&pd, VS_DHCP6_IAPREFIX, &p);
	add_nested(&m, VS_DHCP6_IA_PD, &pd);
	byte = 77;
	add_option(&m, VS_DHCP6_PREFERENCE, &byte, 1);
	add_option(&m, VS_DHCP6_DNS, two, 32);
	add_option(&m, VS_DHCP6_SEARCH, search, sizeof(search));
	add_option(&ntp, 1, two, 16);
	add_option(&ntp, 3, search, sizeof(search)); /* a name: not of use */
	add_nested(&m, VS_DHCP6_NTP, &ntp);
	add_nested(&m, VS_DHCP6_NTP, &ntp);
	add32(&seconds, 700);
	add_nested(&m, VS_DHCP6_REFRESH, &seconds);
	add_nested(&m, VS_DHCP6_SOL_MAX_RT, &seconds);
	add_nested(&m, VS_DHCP6_INF_MAX_RT, &seconds);
	add_option(&m, 12345, "abc", 3); /* unknown */
	assert_int_equal(parse(&m, &out), VS_DHCP6_OK);
	assert_int_equal(out.type, VS_DHCP6_REPLY);
	assert_int_equal(out.xid, 0xabcdef);
	assert_int_equal(out.na.t1_s, 100);
	assert_int_equal(out.na.t2_s, 200);
	assert_int_equal(out.na.leases[0].ip[15], 5);
	assert_int_equal(out.na.leases[0].preferred_s, 1000);
	assert_int_equal(out.na.leases[0].valid_s, 2000);
	assert_int_equal(out.pd.t1_s, 300);
	assert_int_equal(out.pd.leases[0].preferred_s, 3000);
	assert_int_equal(out.pd.leases[0].valid_s, 4000);
	assert_int_equal(out.pd.leases[0].prefix_len, 48);
	assert_int_equal(out.preference, 77);
	assert_int_equal(out.n_dns, 2);
	assert_int_equal(out.dns[1][15], 2);
	assert_int_equal(out.search.n, 5);
	assert_int_equal(out.n_ntp, 2);
	assert_int_equal(out.refresh_s, 700);
	assert_int_equal(out.sol_max_rt_s, 700);
	assert_int_equal(out.inf_max_rt_s, 700);
	assert_int_equal(out.skipped, 0);
}

static void status_codes_are_found_at_all_levels(void **state)
{
	struct bytes m = reply(), ia = ia_of(IAID, 0, 0), pd = ia_of(IAID, 0, 0);
	struct vs_dhcp6 out;

	(void)state;
	add_address(&ia, 1, 1, 1, VS_DHCP6_NOT_ON_LINK);
	add_status(&ia, VS_DHCP6_NO_BINDING);
	add_nested(&m, VS_DHCP6_IA_NA, &ia);
	add_status(&pd, VS_DHCP6_NO_PREFIX_AVAIL);
	add_nested(&m, VS_DHCP6_IA_PD, &pd);
	add_status(&m, VS_DHCP6_UNSPEC_FAIL);
	add_status(&m, VS_DHCP6_USE_MULTICAST); /* the first counts */
	assert_int_equal(parse(&m, &out), VS_DHCP6_OK);
	assert_int_equal(out.status, VS_DHCP6_UNSPEC_FAIL);
	assert_int_equal(out.na.status, VS_DHCP6_NO_BINDING);
	assert_int_equal(out.na.leases[0].status, VS_DHCP6_NOT_ON_LINK);
	assert_int_equal(out.pd.status, VS_DHCP6_NO_PREFIX_AVAIL);
}

static void only_the_ia_of_the_client_is_taken(void **state)
{
	struct bytes m = reply();
	struct vs_dhcp6 out;

	(void)state;
	for (uint32_t i = 0; i < 5; i++) {
		struct bytes ia = ia_of(i < 2 ? i : IAID, 0, 0);

		add_address(&ia, 10 + i, 1, 1, 0);
		add_nested(&m, VS_DHCP6_IA_NA, &ia);
	}
	assert_int_equal(parse(&m, &out), VS_DHCP6_OK);
	assert_int_equal(out.na.n, 1);
	assert_int_equal(out.na.leases[0].ip[15], 12);
}

static void an_ia_with_t1_after_t2_is_left_out(void **state)
{
	struct bytes m = reply(), ia = ia_of(IAID, 201, 200), ia2 = ia_of(IAID, 201, 0);
	struct vs_dhcp6 out;

	(void)state;
	add_nested(&m, VS_DHCP6_IA_NA, &ia);
	assert_int_equal(parse(&m, &out), VS_DHCP6_OK);
	assert_false(out.na.present);
	add_nested(&m, VS_DHCP6_IA_NA, &ia2); /* a T2 of 0 leaves the choice to the client */
	assert_int_equal(parse(&m, &out), VS_DHCP6_OK);
	assert_true(out.na.present);
}

static void a_preferred_lifetime_longer_than_the_valid_one_is_left_out(void **state)
{
	struct bytes m = reply(), ia = ia_of(IAID, 0, 0);
	struct vs_dhcp6 out;

	(void)state;
	add_address(&ia, 1, 11, 10, 0);
	add_address(&ia, 2, 10, 10, 0);
	add_address(&ia, 3, UINT32_MAX, 10, 0);
	add_nested(&m, VS_DHCP6_IA_NA, &ia);
	assert_int_equal(parse(&m, &out), VS_DHCP6_OK);
	assert_int_equal(out.na.n, 1);
	assert_int_equal(out.na.leases[0].ip[15], 2);
}

static void more_than_there_is_room_for_is_left_out(void **state)
{
	struct bytes m = reply(), ia = ia_of(IAID, 0, 0), ntp = {.n = 0};
	uint8_t servers[20][16] = {{1}};
	struct vs_dhcp6 out;

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		add_address(&ia, i, 1, 1, 0);
		add_option(&ntp, 1, servers[i], 16);
	}
	add_nested(&m, VS_DHCP6_IA_NA, &ia);
	add_nested(&m, VS_DHCP6_NTP, &ntp);
	add_option(&m, VS_DHCP6_DNS, servers, sizeof(servers));
	assert_int_equal(parse(&m, &out), VS_DHCP6_OK);
	assert_int_equal(out.na.n, VS_DHCP6_ADDRS_MAX);
	assert_int_equal(out.n_dns, VS_DHCP6_SERVERS_MAX);
	assert_int_equal(out.n_ntp, VS_DHCP6_SERVERS_MAX);
}

/* The lengths that an option may have, alone in a message, with bytes of zero. */
static void essential_options_with_impossible_lengths_are_refused(void **state)
{
	static const struct {
		unsigned code, least, most, then;
	} lengths[] = {
		{VS_DHCP6_CLIENT_ID, 3, 130, 0},
		{VS_DHCP6_SERVER_ID, 3, 130, 0},
		/* options follow, and four bytes of zero are one */
		{VS_DHCP6_IA_NA, 12, 300, 4},
		{VS_DHCP6_IA_PD, 12, 300, 4},
		{VS_DHCP6_STATUS, 2, 300, 0},
	};
	static const uint8_t zeros[300];

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		for (unsigned n = 0; n <= sizeof(zeros); n++) {
			bool good = n >= lengths[i].least && n <= lengths[i].most;
			struct bytes m = reply();
			struct vs_dhcp6 out;

			if (good && lengths[i].then != 0)
				good = (n - lengths[i].least) % lengths[i].then == 0;
			add_option(&m, lengths[i].code, zeros, n);
			assert_int_equal(parse(&m, &out) == VS_DHCP6_OK, good);
		}
	}
}

static void leases_with_impossible_lengths_are_refused(void **state)
{
	static const uint8_t zeros[80];

	(void)state;
	for (unsigned n = 0; n <= sizeof(zeros); n++) {
		for (int pd = 0; pd < 2; pd++) {
			unsigned fixed = pd ? 25 : 24;
			struct bytes m = reply(), ia = ia_of(IAID, 0, 0);
			struct vs_dhcp6 out;

			add_option(&ia, pd ? VS_DHCP6_IAPREFIX : VS_DHCP6_IAADDR, zeros, n);
			add_nested(&m, pd ? VS_DHCP6_IA_PD : VS_DHCP6_IA_NA, &ia);
			assert_int_equal(parse(&m, &out) == VS_DHCP6_OK, n >= fixed && (n - fixed) % 4 == 0);
		}
	}
}

static void a_prefix_longer_than_an_address_is_refused(void **state)
{
	(void)state;
	for (unsigned len = 0; len < 256; len++) {
		struct bytes m = reply(), ia = ia_of(IAID, 0, 0);
		uint8_t p[25] = {[8] = (uint8_t)len};
		struct vs_dhcp6 out;

		add_option(&ia, VS_DHCP6_IAPREFIX, p, sizeof(p));
		add_nested(&m, VS_DHCP6_IA_PD, &ia);
		assert_int_equal(parse(&m, &out) == VS_DHCP6_OK, len <= 128);
	}
}

static void a_prefix_has_no_bits_behind_its_length(void **state)
{
	static const uint8_t right[16] = {0x20, 0x01, 0x0d, 0xb8, 0x10, 0, 0xf0};
	struct bytes m = reply(), ia = ia_of(IAID, 0, 0);
	uint8_t p[25] = {[8] = 52};
	struct vs_dhcp6 out;

	(void)state;
	memset(p + 9, 0xff, 16);
	memcpy(p + 9, right, 6);
	add_option(&ia, VS_DHCP6_IAPREFIX, p, sizeof(p));
	add_nested(&m, VS_DHCP6_IA_PD, &ia);
	assert_int_equal(parse(&m, &out), VS_DHCP6_OK);
	assert_memory_equal(out.pd.leases[0].ip, right, 16);
}

static void other_options_with_impossible_lengths_are_skipped(void **state)
{
	static const struct {
		unsigned code, least, most, step;
	} lengths[] = {
		{VS_DHCP6_ORO, 0, 300, 2},       {VS_DHCP6_PREFERENCE, 1, 1, 1},
		{VS_DHCP6_ELAPSED, 2, 2, 1},     {VS_DHCP6_RAPID_COMMIT, 0, 0, 1},
		{VS_DHCP6_DNS, 16, 300, 16},     {VS_DHCP6_SEARCH, 1, 300, 1},
		{VS_DHCP6_REFRESH, 4, 4, 1},     {VS_DHCP6_FQDN, 1, 300, 1},
		{VS_DHCP6_NTP, 0, 300, 4},       {VS_DHCP6_SOL_MAX_RT, 4, 4, 1},
		{VS_DHCP6_INF_MAX_RT, 4, 4, 1},
	};
	static const uint8_t zeros[300];

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		for (unsigned n = 0; n <= sizeof(zeros); n++) {
			bool good = n >= lengths[i].least && n <= lengths[i].most &&
				    (n - lengths[i].least) % lengths[i].step == 0;
			struct bytes m = reply();
			struct vs_dhcp6 out;

			add_option(&m, lengths[i].code, zeros, n);
			assert_int_equal(parse(&m, &out), VS_DHCP6_OK);
			assert_int_equal(out.skipped, good ? 0 : 1);
		}
	}
}

static void of_a_repeated_option_the_first_is_taken(void **state)
{
	struct bytes m = reply();
	uint8_t ip[16];
	struct vs_dhcp6 out;

	(void)state;
	net_addr(ip, 1);
	add_option(&m, VS_DHCP6_SERVER_ID, duid, sizeof(duid));
	add_option(&m, VS_DHCP6_SERVER_ID, duid2, sizeof(duid2));
	add_option(&m, VS_DHCP6_DNS, ip, 16);
	net_addr(ip, 2);
	add_option(&m, VS_DHCP6_DNS, ip, 16);
	assert_int_equal(parse(&m, &out), VS_DHCP6_OK);
	assert_memory_equal(out.server.bytes, duid, sizeof(duid));
	assert_int_equal(out.n_dns, 1);
	assert_int_equal(out.dns[0][15], 1);
	assert_int_equal(out.skipped, 1);
}

static void an_option_longer_than_its_container_is_refused(void **state)
{
	struct vs_dhcp6 out;

	(void)state;
	/* an address in an IA, a status in that address: each length too long by one, then cut off */
	struct bytes m = reply(), ia = ia_of(IAID, 0, 0);
	add_address(&ia, 1, 1, 1, VS_DHCP6_NOT_ON_LINK);
	add_nested(&m, VS_DHCP6_IA_NA, &ia);
	assert_int_equal(parse(&m, &out), VS_DHCP6_OK);
	static const size_t length_at[] = {4 + 2, 4 + 4 + 12 + 2, 4 + 4 + 12 + 4 + 24 + 2};
	for (size_t i = 0; i < 3; i++) {
		struct bytes bad = m;

		bad.b[length_at[i] + 1]++;
		assert_int_equal(parse(&bad, &out), VS_DHCP6_OPTION);
		bad.b[length_at[i]] = 0xff;
		assert_int_equal(parse(&bad, &out), VS_DHCP6_OPTION);
	}
	for (size_t n = 5; n < m.n; n++) {
		struct bytes bad = m;

		bad.n = n;
		assert_int_equal(parse(&bad, &out), VS_DHCP6_OPTION);
	}
}

static void headers_of_others_are_refused(void **state)
{
	struct bytes m = {.n = 0};
	struct vs_dhcp6 out;

	(void)state;
	for (m.n = 0; m.n < 4; m.n++)
		assert_int_equal(parse(&m, &out), VS_DHCP6_SHORT);
	for (unsigned type = 0; type < 256; type++) {
		m.b[0] = (uint8_t)type;
		assert_int_equal(parse(&m, &out), type >= 1 && type <= 11 ? VS_DHCP6_OK : VS_DHCP6_TYPE);
	}
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_built_is_parsed_again),
		cmocka_unit_test(nothing_is_built_without_room),
		cmocka_unit_test(the_longest_message_has_room),
		cmocka_unit_test(a_reply_is_parsed),
		cmocka_unit_test(status_codes_are_found_at_all_levels),
		cmocka_unit_test(only_the_ia_of_the_client_is_taken),
		cmocka_unit_test(an_ia_with_t1_after_t2_is_left_out),
		cmocka_unit_test(a_preferred_lifetime_longer_than_the_valid_one_is_left_out),
		cmocka_unit_test(more_than_there_is_room_for_is_left_out),
		cmocka_unit_test(essential_options_with_impossible_lengths_are_refused),
		cmocka_unit_test(leases_with_impossible_lengths_are_refused),
		cmocka_unit_test(a_prefix_longer_than_an_address_is_refused),
		cmocka_unit_test(a_prefix_has_no_bits_behind_its_length),
		cmocka_unit_test(other_options_with_impossible_lengths_are_skipped),
		cmocka_unit_test(of_a_repeated_option_the_first_is_taken),
		cmocka_unit_test(an_option_longer_than_its_container_is_refused),
		cmocka_unit_test(headers_of_others_are_refused),
	};

	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
