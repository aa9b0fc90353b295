/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DUIDs are those of RFC 8415 section 11 and RFC 6355. */

#include "auto/duid.h"
#include "unit.h"

static const uint8_t mac[6] = {2, 1, 2, 3, 4, 5};

static void a_duid_ll_has_the_mac(void **state)
{
	uint8_t duid[130];

	(void)state;
	assert_int_equal(vs_duid_ll(duid, mac), 10);
	assert_memory_equal(duid, "\0\3\0\1\2\1\2\3\4\5", 10);
}

static void a_duid_llt_has_seconds_since_2000(void **state)
{
	uint8_t duid[130];

	(void)state;
	assert_int_equal(vs_duid_llt(duid, mac, 946684800 + 0x01020304), 14);
	assert_memory_equal(duid, "\0\1\0\1\1\2\3\4\2\1\2\3\4\5", 14);
	/* a clock before 2000 gives some number, as the RFC counts modulo 2^32 */
	assert_int_equal(vs_duid_llt(duid, mac, 946684799), 14);
	assert_memory_equal(duid, "\0\1\0\1\xff\xff\xff\xff", 8);
}

static void a_duid_uuid_has_the_uuid(void **state)
{
	uint8_t duid[130];

	(void)state;
	assert_int_equal(vs_duid_uuid(duid, (const uint8_t *)"0123456789abcdef"), 18);
	assert_memory_equal(duid, "\0\4" "0123456789abcdef", 18);
}

static void an_iaid_is_the_end_of_the_mac(void **state)
{
	(void)state;
	assert_int_equal(vs_duid_iaid(mac), 0x02030405);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_duid_ll_has_the_mac),
		cmocka_unit_test(a_duid_llt_has_seconds_since_2000),
		cmocka_unit_test(a_duid_uuid_has_the_uuid),
		cmocka_unit_test(an_iaid_is_the_end_of_the_mac),
	};

	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
