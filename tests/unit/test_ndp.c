/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Router solicitations and advertisements: every option, every length, hostile content, round trips. */

#include <arpa/inet.h>
#include <stdlib.h>

#include "proto/ndp.h"
#include "unit.h"

/*
 * A whole Ethernet frame of a router daemon of the Internet-of-Threads family, with the options
 * -m 80:01:01:01:01:01 -L 1800 -F MO -M 1400 -H 64 fc00::/64/LA/86400/14400 fd00:1::/64/L/600/300
 */
static const uint8_t frame[] =
	"\x33\x33\x00\x01\x00\x01\x80\x01\x01\x01\x01\x01\x86\xdd\x60\x00\x00\x00\x00\x60\x3a\xff\xfe\x80"
	"\x00\x00\x00\x00\x00\x00\x82\x01\x01\xff\xfe\x01\x01\x01\xff\x02\x00\x00\x00\x00\x00\x00\x00\x00"
	"\x00\x00\x00\x00\x00\x01\x86\x00\x16\x06\x40\xc0\x07\x08\x00\x00\x00\x00\x00\x00\x00\x00\x03\x04"
	"\x40\xc0\x00\x01\x51\x80\x00\x00\x38\x40\x00\x00\x00\x00\xfc\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	"\x00\x00\x00\x00\x00\x00\x03\x04\x40\x80\x00\x00\x02\x58\x00\x00\x01\x2c\x00\x00\x00\x00\xfd\x00"
	"\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01\x80\x01\x01\x01\x01\x01\x05\x01"
	"\x00\x00\x00\x00\x05\x78";
#define MESSAGE (frame + 54)
#define MESSAGE_LEN (sizeof(frame) - 1 - 54)

static struct vs_ndp_ra ra; /* too large for some stacks */

/* In memory of exactly that length, so a sanitizer detects a read beyond it. */
static enum vs_ndp_result parse(const uint8_t *bytes, size_t n)
{
	static struct vs_ndp_ra untouched;
	uint8_t *exact = malloc(n > 0 ? n : 1);

	assert_non_null(exact);
	memcpy(exact, bytes, n);
	memset(&untouched, 0xa5, sizeof(untouched));
	ra = untouched;
	enum vs_ndp_result result = vs_ndp_ra_parse(exact, n, &ra);
	if (result != VS_NDP_OK)
		assert_memory_equal(&ra, &untouched, sizeof(ra));
	free(exact);
	return result;
}

/* An advertisement with these options. */
static void parse_options(const void *options, size_t n)
{
	uint8_t *bytes = calloc(1, 16 + n);

	assert_non_null(bytes);
	bytes[0] = 134;
	memcpy(bytes + 16, options, n);
	assert_int_equal(parse(bytes, 16 + n), VS_NDP_OK);
	free(bytes);
}

/* One option whose content is refused. */
static void refuse_option(const void *option, size_t n)
{
	parse_options(option, n);
	assert_int_equal(ra.refused, 1);
	assert_int_equal(ra.n_prefixes + ra.n_routes + ra.n_dns + ra.n_search + ra.mtu + ra.has_mac, 0);
}

static void is_addr(const uint8_t addr[16], const char *text)
{
	uint8_t right[16];

	assert_int_equal(inet_pton(AF_INET6, text, right), 1);
	assert_memory_equal(addr, right, 16);
}

static void a_solicitation_has_the_mac_only_if_asked(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	uint8_t out[VS_NDP_RS_MAX];

	(void)state;
	assert_int_equal(vs_ndp_rs_encode(out, NULL), 8);
	assert_memory_equal(out, "\x85\0\0\0\0\0\0\0", 8);
	assert_int_equal(vs_ndp_rs_encode(out, mac), 16);
	assert_memory_equal(out, "\x85\0\0\0\0\0\0\0\1\1\2\0\0\0\0\1", 16);
}

static void the_frame_of_the_family_is_understood(void **state)
{
	(void)state;
	assert_int_equal(parse(MESSAGE, MESSAGE_LEN), VS_NDP_OK);
	assert_int_equal(ra.hop_limit, 64);
	assert_true(ra.managed && ra.other);
	assert_int_equal(ra.preference, VS_NDP_MEDIUM);
	assert_int_equal(ra.lifetime_s, 1800);
	assert_int_equal(ra.mtu, 1400);
	assert_true(ra.has_mac);
	assert_memory_equal(ra.mac, "\x80\1\1\1\1\1", 6);
	assert_int_equal(ra.n_prefixes, 2);
	is_addr(ra.prefixes[0].prefix, "fc00::");
	assert_int_equal(ra.prefixes[0].len, 64);
	assert_true(ra.prefixes[0].on_link && ra.prefixes[0].autonomous);
	assert_int_equal(ra.prefixes[0].valid_s, 86400);
	assert_int_equal(ra.prefixes[0].preferred_s, 14400);
	is_addr(ra.prefixes[1].prefix, "fd00:1::");
	assert_true(ra.prefixes[1].on_link && !ra.prefixes[1].autonomous);
	assert_int_equal(ra.prefixes[1].valid_s, 600);
	assert_int_equal(ra.refused + ra.surplus, 0);
}

static void a_message_that_is_cut_off_is_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n < MESSAGE_LEN; n++) {
		bool whole = n >= 16 && (n == 16 || n == 48 || n == 80 || n == 88);
		enum vs_ndp_result right = n < 16 ? VS_NDP_SHORT : whole ? VS_NDP_OK : VS_NDP_OPTION;
		assert_int_equal(parse(MESSAGE, n), right);
	}
}

static void other_messages_are_refused(void **state)
{
	uint8_t bytes[16] = { 134 };

	(void)state;
	assert_int_equal(parse(bytes, 16), VS_NDP_OK);
	bytes[1] = 1; /* code */
	assert_int_equal(parse(bytes, 16), VS_NDP_KIND);
	bytes[1] = 0;
	for (int type = 0; type < 256; type++) {
		bytes[0] = (uint8_t)type;
		assert_int_equal(parse(bytes, 16), type == 134 ? VS_NDP_OK : VS_NDP_KIND);
	}
}

static void a_reserved_preference_is_medium(void **state)
{
	static const int8_t right[4] = { VS_NDP_MEDIUM, VS_NDP_HIGH, VS_NDP_MEDIUM, VS_NDP_LOW };
	uint8_t bytes[16] = { 134 };

	(void)state;
	for (unsigned bits = 0; bits < 4; bits++) {
		bytes[5] = (uint8_t)(0xe7 | bits << 3);
		assert_int_equal(parse(bytes, 16), VS_NDP_OK);
		assert_int_equal(ra.preference, right[bits]);
	}
}

/* Each reserved bit is set: the type of the message and of its options says where they are. */
static void reserved_fields_are_ignored(void **state)
{
	static const uint8_t options[] = {
		3,  4, 64, 0xff, 0, 0, 0, 9, 0,    0,    0,    8,    0xff, 0xff, 0xff, 0xff, /* a prefix */
		32, 1, 13, 0xb8, 0, 0, 0, 0, 0,    0,    0,    0,    0,    0,    0,    0,
		5,  1, 0xff, 0xff, 0, 0, 5, 0xdc,                                              /* an MTU */
		24, 1, 0,  0xe7, 0, 0, 0, 7,                                                   /* a route */
		25, 3, 0xff, 0xff, 0, 0, 0, 6, 32, 1,    13,   0xb8, 0,    0,    0,    0,      /* a server */
		0,  0, 0,  0,    0, 0, 0, 1,
		31, 2, 0xff, 0xff, 0, 0, 0, 5, 4,  't',  'e',  's',  't',  0,    0,    0,      /* a domain */
	};

	(void)state;
	parse_options(options, sizeof(options));
	assert_int_equal(ra.refused, 0);
	assert_int_equal(ra.n_prefixes, 1);
	assert_true(ra.prefixes[0].on_link && ra.prefixes[0].autonomous);
	assert_int_equal(ra.prefixes[0].valid_s, 9);
	assert_int_equal(ra.prefixes[0].preferred_s, 8);
	assert_int_equal(ra.mtu, 1500);
	assert_int_equal(ra.n_routes, 1);
	assert_int_equal(ra.routes[0].preference, VS_NDP_MEDIUM);
	assert_int_equal(ra.routes[0].lifetime_s, 7);
	assert_int_equal(ra.n_dns, 1);
	assert_int_equal(ra.dns[0].lifetime_s, 6);
	assert_int_equal(ra.n_search, 1);
	assert_string_equal(ra.search[0].name, "test");
}

static void an_option_without_length_is_refused(void **state)
{
	uint8_t bytes[32] = { 134, [16] = 200, 1, [24] = 200, 0 };

	(void)state;
	assert_int_equal(parse(bytes, 32), VS_NDP_OPTION);
	bytes[25] = 1;
	assert_int_equal(parse(bytes, 32), VS_NDP_OK); /* of an unknown type */
	assert_int_equal(ra.refused, 0);
	bytes[25] = 2;
	assert_int_equal(parse(bytes, 32), VS_NDP_OPTION);
	bytes[25] = 255;
	assert_int_equal(parse(bytes, 32), VS_NDP_OPTION);
}

static void known_options_of_a_wrong_length_are_skipped(void **state)
{
	static const uint8_t types[] = { 1, 3, 5, 24, 25, 31 };
	uint8_t option[6 * 8];

	(void)state;
	for (size_t i = 0; i < sizeof(types); i++) {
		for (uint8_t len = 1; len <= 6; len++) {
			memset(option, 0, sizeof(option));
			option[0] = types[i], option[1] = len;
			switch (types[i]) { /* otherwise good */
			case 5:
				option[6] = 5;
				break;
			case 25:
				memset(option + 8, 0x20, 40);
				break;
			default:
				break;
			}
			parse_options(option, len * 8u);
			bool good = types[i] == 1 || types[i] == 5 ? len == 1
				    : types[i] == 3                ? len == 4
				    : types[i] == 24               ? len <= 3
				    : types[i] == 25               ? len == 3 || len == 5
								   : len >= 2;
			assert_int_equal(ra.refused, !good);
		}
	}
}

static void a_prefix_has_no_bits_behind_its_length(void **state)
{
	uint8_t option[32] = { 3,   4,    60, 0xc0, [7] = 9, [11] = 9, [16] = 0x20, 1,
			       0xd, 0xb8, 1,  2,    3,       0xff,     0xff,        [31] = 1 };

	(void)state;
	parse_options(option, sizeof(option));
	assert_int_equal(ra.n_prefixes, 1);
	is_addr(ra.prefixes[0].prefix, "2001:db8:102:3f0::");
	option[2] = 0;
	parse_options(option, sizeof(option));
	is_addr(ra.prefixes[0].prefix, "::");
	option[2] = 128;
	parse_options(option, sizeof(option));
	is_addr(ra.prefixes[0].prefix, "2001:db8:102:3ff:ff00::1");
}

static void impossible_prefixes_are_skipped(void **state)
{
	uint8_t option[32] = { 3, 4, 129, 0xc0, [7] = 9, [11] = 9, [16] = 0x20, 1 };

	(void)state;
	refuse_option(option, sizeof(option)); /* 129 bits */
	option[2] = 64, option[11] = 10;       /* preferred for longer than valid */
	refuse_option(option, sizeof(option));
	option[11] = 9, option[16] = 0xff;
	refuse_option(option, sizeof(option));
	option[16] = 0xfe, option[17] = 0xbf;
	refuse_option(option, sizeof(option));
	option[2] = 9, option[17] = 0xff; /* fe80::/9 */
	refuse_option(option, sizeof(option));
	option[2] = 64, option[17] = 0xc0; /* site-local: old, but not forbidden */
	parse_options(option, sizeof(option));
	assert_int_equal(ra.n_prefixes, 1);
}

static void an_mtu_below_1280_is_skipped(void **state)
{
	uint8_t option[8] = { 5, 1, 0, 0, 0, 0, 4, 255 };

	(void)state;
	refuse_option(option, sizeof(option));
	option[6] = 5, option[7] = 0;
	parse_options(option, sizeof(option));
	assert_int_equal(ra.mtu, 1280);
}

static void routes_have_prefixes_of_three_sizes(void **state)
{
	uint8_t option[24] = { 24, 1, 0, 0x08, [7] = 9, [8] = 0x20, 1, 0xd, 0xb8, 0xff };

	(void)state;
	parse_options(option, 8);
	assert_int_equal(ra.n_routes, 1);
	assert_int_equal(ra.routes[0].preference, VS_NDP_HIGH);
	assert_int_equal(ra.routes[0].lifetime_s, 9);
	is_addr(ra.routes[0].prefix, "::");
	option[2] = 1; /* more bits than are there */
	refuse_option(option, 8);
	option[1] = 2, option[2] = 32, option[3] = 0x18;
	parse_options(option, 16);
	assert_int_equal(ra.routes[0].preference, VS_NDP_LOW);
	is_addr(ra.routes[0].prefix, "2001:db8::");
	option[2] = 65;
	refuse_option(option, 16);
	option[1] = 3, option[2] = 128;
	parse_options(option, 24);
	assert_int_equal(ra.routes[0].len, 128);
	option[2] = 129;
	refuse_option(option, 24);
	option[2] = 128, option[3] = 0x10; /* the reserved preference */
	refuse_option(option, 24);
}

static void what_is_no_server_is_skipped(void **state)
{
	static const char *const bad[] = { "::", "::1", "::ffff:127.0.0.1", "::1:0:53", "ff02::1" };
	uint8_t option[40] = { 25, 5, [7] = 9, [8] = 0x20 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(inet_pton(AF_INET6, bad[i], option + 24), 1);
		parse_options(option, sizeof(option));
		assert_int_equal(ra.n_dns, 1);
		assert_int_equal(ra.refused, 1);
	}
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::ffff:0:53", option + 24), 1);
	parse_options(option, sizeof(option));
	assert_int_equal(ra.n_dns, 2);
	assert_int_equal(inet_pton(AF_INET6, "0:0:0:1::53", option + 24), 1);
	parse_options(option, sizeof(option));
	assert_int_equal(ra.n_dns, 2);
	assert_int_equal(inet_pton(AF_INET6, "fe80::53", option + 24), 1);
	parse_options(option, sizeof(option));
	assert_int_equal(ra.n_dns, 2);
	is_addr(ra.dns[1].addr, "fe80::53");
	assert_int_equal(ra.dns[1].lifetime_s, 9);
}

static void a_search_list_is_names_and_padding(void **state)
{
	uint8_t option[32] = "\x1f\4\0\0\0\0\0\x09\7example\3org\0\4test\0";

	(void)state;
	parse_options(option, sizeof(option));
	assert_int_equal(ra.n_search, 2);
	assert_string_equal(ra.search[0].name, "example.org");
	assert_string_equal(ra.search[1].name, "test");
	assert_int_equal(ra.search[1].lifetime_s, 9);
	option[24] = '\n'; /* then no name of the option is used */
	refuse_option(option, sizeof(option));
	option[24] = 0xc0; /* no compression, RFC 8106 section 5.2 */
	refuse_option(option, sizeof(option));
	memset(option + 8, 0, 24);
	parse_options(option, sizeof(option));
	assert_int_equal(ra.n_search, 0);
	memset(option + 8, 1, 24); /* the last name has no end */
	refuse_option(option, sizeof(option));
}

static void a_flood_of_options_is_bounded(void **state)
{
	uint8_t *options = calloc(1000, 96), *o = options;

	(void)state;
	assert_non_null(options);
	for (unsigned i = 0; i < 1000; i++, o += 96) {
		o[0] = 3, o[1] = 4, o[2] = 64, o[16] = 0x20, o[22] = (uint8_t)(i >> 8), o[23] = (uint8_t)i;
		o[32] = 24, o[33] = 2, o[34] = 64, o[40] = 0x20;
		o[46] = (uint8_t)(i >> 8), o[47] = (uint8_t)i;
		o[48] = 25, o[49] = 3, o[56] = 0x20, o[70] = (uint8_t)(i >> 8), o[71] = (uint8_t)i;
		o[72] = 31, o[73] = 3, o[80] = 2, o[81] = (uint8_t)('a' + i % 26), o[82] = 'b';
	}
	parse_options(options, 96 * 1000);
	assert_int_equal(ra.n_prefixes, VS_NDP_PREFIXES_MAX);
	assert_int_equal(ra.n_routes, VS_NDP_ROUTES_MAX);
	assert_int_equal(ra.n_dns, VS_NDP_DNS_MAX);
	assert_int_equal(ra.n_search, VS_NDP_SEARCH_MAX);
	assert_int_equal(ra.surplus, 4000 - 48);
	assert_int_equal(ra.prefixes[15].prefix[7], 15); /* the first ones are kept */
	free(options);
}

static void what_is_encoded_is_parsed_the_same(void **state)
{
	static struct vs_ndp_ra in;
	uint8_t bytes[1500], again[1500];

	(void)state;
	assert_int_equal(parse(MESSAGE, MESSAGE_LEN), VS_NDP_OK);
	in = ra;
	in.preference = VS_NDP_LOW;
	in.reachable_ms = 30000, in.retransmit_ms = 0x01020304;
	in.n_routes = 3;
	for (uint8_t i = 0; i < 3; i++) {
		in.routes[i].len = (uint8_t)(i * 64);
		in.routes[i].preference = (int8_t)(i - 1);
		in.routes[i].lifetime_s = VS_NDP_FOREVER;
		memset(in.routes[i].prefix, 0x21, i * 8u);
	}
	in.n_dns = 1;
	memset(in.dns[0].addr, 0x22, 16);
	in.n_search = 2;
	strcpy(in.search[0].name, "a.example");
	strcpy(in.search[1].name, "exact6");
	size_t n = vs_ndp_ra_encode(bytes, sizeof(bytes), &in);
	assert_int_equal(parse(bytes, n), VS_NDP_OK);
	assert_memory_equal(&in, &ra, sizeof(ra));
	for (size_t room = 0; room < n; room++)
		assert_int_equal(vs_ndp_ra_encode(again, room, &in), 0);
	assert_int_equal(vs_ndp_ra_encode(again, n, &in), n);
	assert_memory_equal(bytes, again, n);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_solicitation_has_the_mac_only_if_asked),
	cmocka_unit_test(the_frame_of_the_family_is_understood),
	cmocka_unit_test(a_message_that_is_cut_off_is_refused),
	cmocka_unit_test(other_messages_are_refused),
	cmocka_unit_test(a_reserved_preference_is_medium),
	cmocka_unit_test(reserved_fields_are_ignored),
	cmocka_unit_test(an_option_without_length_is_refused),
	cmocka_unit_test(known_options_of_a_wrong_length_are_skipped),
	cmocka_unit_test(a_prefix_has_no_bits_behind_its_length),
	cmocka_unit_test(impossible_prefixes_are_skipped),
	cmocka_unit_test(an_mtu_below_1280_is_skipped),
	cmocka_unit_test(routes_have_prefixes_of_three_sizes),
	cmocka_unit_test(what_is_no_server_is_skipped),
	cmocka_unit_test(a_search_list_is_names_and_padding),
	cmocka_unit_test(a_flood_of_options_is_bounded),
	cmocka_unit_test(what_is_encoded_is_parsed_the_same),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
