/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Solicitations of routers and of neighbours as a router receives them, and its answer to the latter. */

#include <string.h>

#include "proto/ndp.h"
#include "proto/ndp_neigh.h"
#include "unit.h"

static const uint8_t unspecified[16], other_host[16] = { 0xfe, 0x80, [15] = 1 };

static void good_router_solicitations_are_read(void **state)
{
	struct vs_ndp_rs rs;

	(void)state;
	assert_int_equal(vs_ndp_rs_parse((const uint8_t *)"\x85\0\0\0\0\0\0\0", 8, unspecified, &rs),
			 VS_NDP_OK);
	assert_false(rs.has_mac);
	assert_int_equal(vs_ndp_rs_parse((const uint8_t *)"\x85\0\1\2\3\4\5\6\1\1\2\0\0\0\0\1", 16,
					 other_host, &rs),
			 VS_NDP_OK); /* checksum and reserved bytes are not looked at */
	assert_true(rs.has_mac);
	assert_memory_equal(rs.mac, "\2\0\0\0\0\1", 6);
	/* An unknown option before it. */
	assert_int_equal(
		vs_ndp_rs_parse((const uint8_t *)"\x85\0\0\0\0\0\0\0\xee\1\0\0\0\0\0\0\1\1\2\0\0\0\0\1", 24,
				other_host, &rs),
		VS_NDP_OK);
	assert_true(rs.has_mac);
}

static void bad_router_solicitations_are_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const uint8_t *from;
		enum vs_ndp_result right;
	} table[] = {
		{ "\x85\0\0\0\0\0\0", 7, other_host, VS_NDP_SHORT },
		{ "", 0, other_host, VS_NDP_SHORT },
		{ "\x86\0\0\0\0\0\0\0", 8, other_host, VS_NDP_KIND },
		{ "\x85\1\0\0\0\0\0\0", 8, other_host, VS_NDP_KIND },
		{ "\x85\0\0\0\0\0\0\0\1\0\2\0\0\0\0\1", 16, other_host, VS_NDP_OPTION },
		{ "\x85\0\0\0\0\0\0\0\1\2\2\0\0\0\0\1", 16, other_host, VS_NDP_OPTION },
		{ "\x85\0\0\0\0\0\0\0\1\1\2\0\0\0\0", 15, other_host, VS_NDP_OPTION },
		{ "\x85\0\0\0\0\0\0\0\1", 9, other_host, VS_NDP_OPTION },
		{ "\x85\0\0\0\0\0\0\0\1\1\2\0\0\0\0\1", 16, unspecified, VS_NDP_SENDER },
		{ "\x85\0\0\0\0\0\0\0\1\2\2\0\0\0\0\1\0\0\0\0\0\0\0\0", 24, unspecified, VS_NDP_SENDER },
	};
	struct vs_ndp_rs rs, untouched;

	(void)state;
	memset(&untouched, 0xa5, sizeof(untouched));
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		rs = untouched;
		assert_int_equal(vs_ndp_rs_parse((const uint8_t *)table[i].bytes, table[i].n, table[i].from,
						 &rs),
				 table[i].right);
		assert_memory_equal(&rs, &untouched, sizeof(rs));
	}
}

static void neighbour_solicitations_are_read(void **state)
{
	uint8_t bytes[32] = { 135, [8] = 0xfe, 0x80, [23] = 9, 1, 1, 2, [31] = 3 };
	struct vs_ndp_ns ns;

	(void)state;
	assert_int_equal(vs_ndp_ns_parse(bytes, 32, other_host, &ns), VS_NDP_OK);
	assert_memory_equal(ns.target, bytes + 8, 16);
	assert_true(ns.has_mac && ns.mac[5] == 3);
	assert_int_equal(vs_ndp_ns_parse(bytes, 24, unspecified, &ns), VS_NDP_OK);
	assert_false(ns.has_mac);
	assert_int_equal(vs_ndp_ns_parse(bytes, 32, unspecified, &ns), VS_NDP_SENDER);
	assert_int_equal(vs_ndp_ns_parse(bytes, 23, other_host, &ns), VS_NDP_SHORT);
	for (size_t n = 25; n < 32; n++)
		assert_int_equal(vs_ndp_ns_parse(bytes, n, other_host, &ns), VS_NDP_OPTION);
	bytes[8] = 0xff; /* the target is a group */
	assert_int_equal(vs_ndp_ns_parse(bytes, 32, other_host, &ns), VS_NDP_OPTION);
	bytes[0] = 136;
	assert_int_equal(vs_ndp_ns_parse(bytes, 32, other_host, &ns), VS_NDP_KIND);
}

static void the_answer_says_that_it_is_a_router(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 5 };
	uint8_t out[VS_NDP_NA_BYTES];

	(void)state;
	vs_ndp_na_encode(out, other_host, mac, true);
	assert_memory_equal(out, "\x88\0\0\0\xe0\0\0\0", 8);
	assert_memory_equal(out + 8, other_host, 16);
	assert_memory_equal(out + 24, "\2\1\2\0\0\0\0\5", 8);
	vs_ndp_na_encode(out, other_host, mac, false);
	assert_int_equal(out[4], 0xa0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(good_router_solicitations_are_read),
	cmocka_unit_test(bad_router_solicitations_are_refused),
	cmocka_unit_test(neighbour_solicitations_are_read),
	cmocka_unit_test(the_answer_says_that_it_is_a_router),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
