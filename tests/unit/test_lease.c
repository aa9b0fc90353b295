/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Leases and identities as text. */

#include "unit.h"

#include <arpa/inet.h>

#include "auto/lease.h"

static struct vs_auto_lease a_lease(void)
{
	struct vs_auto_lease lease = { .n_addrs = 2, .server = { 10, 0, 0, 1, 255 }, .server_len = 5,
				       .prefix_len = 56 };

	lease.addrs[0] = (struct vs_auto_addr){ .ip = { AF_INET, { 10, 0, 0, 5 } }, .prefix_len = 24,
						.valid_s = 3600, .preferred_s = 1800, .nodad = true };
	lease.addrs[1] = (struct vs_auto_addr){ .ip = { AF_INET6, { 0xfd, [15] = 9 } }, .prefix_len = 128,
						.valid_s = UINT32_MAX, .preferred_s = UINT32_MAX,
						.no_prefix_route = true };
	lease.prefix = (struct vs_auto_ip){ AF_INET6, { 0xfd, [6] = 1 } };
	return lease;
}

static void what_is_written_is_read(void **state)
{
	char text[VS_LEASE_TEXT_MAX];
	struct vs_auto_lease lease = a_lease(), read;
	int64_t obtained = 0;
	size_t n = vs_lease_write(&lease, "dhcp6", INT64_C(1764446400123), text);

	(void)state;
	assert_true(vs_lease_read(text, n, "dhcp6", &read, &obtained));
	assert_int_equal(obtained, INT64_C(1764446400123));
	assert_memory_equal(&read, &lease, sizeof(lease));
	assert_false(vs_lease_read(text, n, "dhcp4", &read, &obtained));
}

static void the_longest_lease_fits(void **state)
{
	char text[VS_LEASE_TEXT_MAX];
	struct vs_auto_lease lease = a_lease(), read;
	int64_t obtained;

	(void)state;
	lease.n_addrs = VS_AUTO_LEASE_ADDRS_MAX;
	lease.server_len = VS_AUTO_DUID_MAX;
	memset(lease.server, 0xee, sizeof(lease.server));
	for (int i = 0; i < VS_AUTO_LEASE_ADDRS_MAX; i++) {
		lease.addrs[i] = lease.addrs[1];
		lease.addrs[i].nodad = true;
		memset(lease.addrs[i].ip.bytes, 0xee, 16);
	}
	size_t n = vs_lease_write(&lease, "dhcp6", INT64_MAX, text);
	assert_true(n < sizeof(text) / 2);
	assert_true(vs_lease_read(text, n, "dhcp6", &read, &obtained));
	assert_memory_equal(&read, &lease, sizeof(lease));
}

static void each_changed_byte_and_each_length_is_refused(void **state)
{
	char text[VS_LEASE_TEXT_MAX];
	struct vs_auto_lease lease = a_lease(), read;
	int64_t obtained;
	size_t n = vs_lease_write(&lease, "dhcp6", 1, text);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_false(vs_lease_read(text, i, "dhcp6", &read, &obtained));
		for (int bit = 0; bit < 8; bit++) {
			text[i] ^= (char)(1 << bit);
			assert_false(vs_lease_read(text, n, "dhcp6", &read, &obtained));
			text[i] ^= (char)(1 << bit);
		}
	}
	assert_true(vs_lease_read(text, n, "dhcp6", &read, &obtained));
}

/* The sum of any text, so that what the sum does not find is seen. */
static size_t with_sum(const char *lines, char text[VS_LEASE_TEXT_MAX])
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (const char *c = lines; *c != '\0'; c++)
		sum = (sum ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
	return (size_t)snprintf(text, VS_LEASE_TEXT_MAX, "%ssum %016llx\n", lines, (unsigned long long)sum);
}

static void texts_that_no_lease_has_are_refused(void **state)
{
#define HEAD "vdestack lease 1\nsource dhcp4\nobtained 5\n"
	static const char *const bad[] = {
		"", "\n", "vdestack lease 1\n", HEAD, "vdestack lease 2\nsource dhcp4\nobtained 5\n",
		HEAD "address 10.0.0.1/33 1 1\n", HEAD "address 10.0.0.1 1 1\n",
		HEAD "address 10.0.0.1/24 1 2\n", HEAD "address 10.0.0.1/24 4294967296 1\n",
		HEAD "address 10.0.0.1/24 -1 1\n", HEAD "address 10.0.0/24 1 1\n",
		HEAD "address fd00::1/129 1 1\n", HEAD "address 10.0.0.1/24 1 1 what\n",
		HEAD "address 10.0.0.1/24 1 1\nserver 0g\n", HEAD "address 10.0.0.1/24 1 1\nserver 0\n",
		HEAD "address 10.0.0.1/24 1 1\nserver \n", HEAD "address 10.0.0.1/24  1 1\n",
		HEAD "address 10.0.0.1/24 1 1 nodad noroute nodad\n",
		HEAD "address 10.0.0.1/24 1 1\nwhat else\n",
		"vdestack lease 1\nsource dhcp4\naddress 10.0.0.1/24 1 1\n",
		HEAD "address 10.0.0.1/24 1 1\naddress 10.0.0.2/24 1 1\naddress 10.0.0.3/24 1 1\n"
		     "address 10.0.0.4/24 1 1\naddress 10.0.0.5/24 1 1\n",
	};
	char text[VS_LEASE_TEXT_MAX];
	struct vs_auto_lease read;
	int64_t obtained;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (vs_lease_read(text, with_sum(bad[i], text), "dhcp4", &read, &obtained))
			fail_msg("accepted: %s", bad[i]);
	assert_true(vs_lease_read(text, with_sum(HEAD "address 10.0.0.1/24 1 1\n", text), "dhcp4", &read,
				  &obtained));
}

static void an_identity_is_read_as_it_was_written(void **state)
{
	static const uint8_t duid[] = { 0, 4, 1, 2, 3, 0xff };
	char text[VS_LEASE_TEXT_MAX];
	uint8_t read[VS_AUTO_DUID_MAX];
	size_t n = vs_lease_write_bytes(duid, sizeof(duid), "duid", text);

	(void)state;
	assert_int_equal(vs_lease_read_bytes(text, n, "duid", read, sizeof(read)), sizeof(duid));
	assert_memory_equal(read, duid, sizeof(duid));
	assert_int_equal(vs_lease_read_bytes(text, n, "secret", read, sizeof(read)), 0);
	assert_int_equal(vs_lease_read_bytes(text, n, "duid", read, 5), 0);
	text[20] ^= 1;
	assert_int_equal(vs_lease_read_bytes(text, n, "duid", read, sizeof(read)), 0);
}

static void a_clock_that_was_set_back_makes_a_lease_old(void **state)
{
	(void)state;
	assert_int_equal(vs_lease_age_ms(1000, 1500), 500);
	assert_int_equal(vs_lease_age_ms(1000, 1000), 0);
	assert_int_equal(vs_lease_age_ms(1000, 999), INT64_MAX);
	assert_int_equal(vs_lease_age_ms(0, INT64_MAX), INT64_MAX);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(what_is_written_is_read),
	cmocka_unit_test(the_longest_lease_fits),
	cmocka_unit_test(each_changed_byte_and_each_length_is_refused),
	cmocka_unit_test(texts_that_no_lease_has_are_refused),
	cmocka_unit_test(an_identity_is_read_as_it_was_written),
	cmocka_unit_test(a_clock_that_was_set_back_makes_a_lease_old),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
