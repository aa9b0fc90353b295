/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Computed ids: the vectors of the Internet-of-Threads family, the properties of RFC 7217, reserved ids. */

#include <arpa/inet.h>
#include <netinet/ether.h>

#include "proto/hash_addr.h"
#include "unit.h"

struct vector {
	const char *name, *password, *base, *mac;
	const char *expected;
	int64_t time_s;
	uint32_t period_s, otiptime;
	int32_t offset_s;
};

static const struct vector hash_addrs[] = {
	{ .name = "test.v2.cs.unibo.it", .base = "2000:760::", .expected = "2000:760::68d6:2fac:95a:5a2e" },
	{ .name = "renzo.hash.local", .base = "fc00::", .expected = "fc00::4cc:8049:6765:d03a" },
	{ .name = "hic_sunt_leones.hash.local", .base = "fc00::", .expected = "fc00::9c8f:74b4:705f:6512" },
	{ .name = "h1.hash.local", .base = "fc00::", .expected = "fc00::580c:c6d0:5a1a:5b6b" },
	{ .name = "renzo.hash.v2.cs.unibo.it", .base = "2001:760:2e00:ff00::",
	  .expected = "2001:760:2e00:ff00:6066:4f84:db3e:c9cb" },
	{ .name = "host.lab.test", .base = "fc09::1", .expected = "fc09::3c0e:e1cc:8889:b59" },
	{ .name = "hash.test.local", .base = "fc00::", .expected = "fc00::f4b7:a5a9:259b:fb70" },
	{ .name = "a", .base = "::", .expected = "::cc1:75b9:c0f1:b6a8" },
	{ .name = "www.example.com.", .base = "2001:db8:1:2::",
	  .expected = "2001:db8:1:2:7c17:67b3:512:b600" },
	{ .name = "www.example.com", .base = "2001:db8:1:2::",
	  .expected = "2001:db8:1:2:7c17:67b3:512:b600" },
	{ .name = "WWW.example.com", .base = "2001:db8:1:2::",
	  .expected = "2001:db8:1:2:a8ce:ff17:b7b4:2c30" },
	{ .name = "www.example.com", .base = "2001:db8:1:2:ffff:ffff:ffff:ffff",
	  .expected = "2001:db8:1:2:80e8:984c:faed:49ff" },
	{ .name = "xn--caff-8oa.example.org", .base = "2001:db8::dead:beef",
	  .expected = "2001:db8::648f:e685:fdbb:bdf0" },
	{ .name = "caff\303\250.example.org", .base = "2001:db8::",
	  .expected = "2001:db8::f0b3:c0a6:aabc:666d" },
};

static const struct vector hash_macs[] = {
	{ .name = "test.v2.cs.unibo.it", .expected = "6a:d6:2f:5a:5a:2e" },
	{ .name = "renzo.hash.local", .expected = "06:cc:80:65:d0:3a" },
	{ .name = "host.lab.test", .expected = "3e:0e:e1:89:0b:58" },
	{ .name = "host.lab.test.", .expected = "3e:0e:e1:89:0b:58" },
	{ .name = "www.example.com", .expected = "7e:17:67:12:b6:00" },
	{ .name = "www.example.com", .password = "secret", .expected = "f2:97:8a:cc:2c:d1" },
	{ .name = "a", .expected = "0e:c1:75:f1:b6:a8" },
};

static const struct vector eui64s[] = {
	{ .base = "fe80::", .mac = "80:01:01:01:01:01", .expected = "fe80::8201:1ff:fe01:101" },
	{ .base = "fc09::", .mac = "3e:0e:e1:89:0b:58", .expected = "fc09::3c0e:e1ff:fe89:b58" },
	{ .base = "2001:db8::1234:5678:9abc:def0", .mac = "02:00:00:00:00:01",
	  .expected = "2001:db8::ff:febc:def1" },
};

static const struct vector hash_eui64s[] = {
	{ .name = "test.v2.cs.unibo.it", .base = "2000:760::", .expected = "2000:760::68d6:2fff:fe5a:5a2e" },
	{ .name = "www.example.com", .base = "2001:db8::", .expected = "2001:db8::7c17:67ff:fe12:b600" },
	{ .name = "www.example.com", .password = "secret", .base = "2001:db8::",
	  .expected = "2001:db8::f097:8aff:fecc:2cd1" },
};

static const struct vector one_time[] = {
	{ .name = "renzo.otip", .password = "mypassword", .base = "fc01::",
	  .time_s = 0, .period_s = 32, .offset_s = 0, .otiptime = 0,
	  .expected = "fc01::a086:5677:2679:16f9" },
	{ .name = "renzo.otip", .password = "mypassword", .base = "fc01::",
	  .time_s = 31, .period_s = 32, .offset_s = 0, .otiptime = 0,
	  .expected = "fc01::a086:5677:2679:16f9" },
	{ .name = "renzo.otip", .password = "mypassword", .base = "fc01::",
	  .time_s = 32, .period_s = 32, .offset_s = 0, .otiptime = 1,
	  .expected = "fc01::a80d:c83f:9271:d9ce" },
	{ .name = "renzo.otip", .password = "mypassword", .base = "fc01::",
	  .time_s = 1700000000, .period_s = 32, .offset_s = 0, .otiptime = 53125000,
	  .expected = "fc01::8ce3:a148:b648:6c83" },
	{ .name = "renzo.otip", .password = "mypassword", .base = "fc01::",
	  .time_s = 1700000000, .period_s = 32, .offset_s = 8, .otiptime = 53125000,
	  .expected = "fc01::8ce3:a148:b648:6c83" },
	{ .name = "renzo.otip", .password = "mypassword", .base = "fc01::",
	  .time_s = 1700000032, .period_s = 32, .offset_s = 0, .otiptime = 53125001,
	  .expected = "fc01::b41b:cbf3:a38:fd9d" },
	{ .name = "test.otip.v2.cs.unibo.it", .password = "secret_password", .base = "2001:760:2e00:ff00::",
	  .time_s = 1700000000, .period_s = 32, .offset_s = 0, .otiptime = 53125000,
	  .expected = "2001:760:2e00:ff00:48b5:b426:87aa:ced0" },
	{ .name = "www.example.com", .password = "", .base = "2001:db8::",
	  .time_s = 1700000000, .period_s = 32, .offset_s = 0, .otiptime = 53125000,
	  .expected = "2001:db8::a808:6ee6:78f6:2637" },
	{ .name = "www.example.com", .password = "pwd", .base = "2001:db8::",
	  .time_s = 1700000000, .period_s = 60, .offset_s = 0, .otiptime = 28333333,
	  .expected = "2001:db8::b05c:5cee:eb7b:5503" },
	{ .name = "www.example.com", .password = "pwd", .base = "2001:db8::",
	  .time_s = 1700000000, .period_s = 0, .offset_s = 0, .otiptime = 0,
	  .expected = "2001:db8::8c8c:abf9:7cec:4676" },
	{ .name = "www.example.com", .password = "pwd", .base = "2001:db8::ffff",
	  .time_s = 4294967295, .period_s = 32, .offset_s = 0, .otiptime = 134217727,
	  .expected = "2001:db8::fce9:417:16da:159b" },
	{ .name = "www.example.com.", .password = "pwd", .base = "2001:db8::",
	  .time_s = 1700000000, .period_s = 32, .offset_s = 0, .otiptime = 53125000,
	  .expected = "2001:db8::70e0:3081:5e38:e977" },
};

static void read_addr(const char *text, uint8_t addr[16])
{
	assert_int_equal(inet_pton(AF_INET6, text, addr), 1);
}

static void read_mac(const char *text, uint8_t mac[6])
{
	struct ether_addr ether;

	assert_non_null(ether_aton_r(text, &ether));
	memcpy(mac, &ether, 6);
}

static void check_addr(const uint8_t addr[16], const char *expected)
{
	uint8_t right[16];

	read_addr(expected, right);
	assert_memory_equal(addr, right, 16);
}

#define EACH(v, vectors)                                                                                     \
	(const struct vector *v = (vectors); v < (vectors) + sizeof(vectors) / sizeof(*v); v++)

static void addresses_are_those_of_the_family(void **state)
{
	uint8_t addr[16];

	(void)state;
	for EACH (v, hash_addrs) {
		read_addr(v->base, addr);
		vs_hash_addr(addr, v->name, v->password, 0);
		check_addr(addr, v->expected);
	}
}

static void macs_are_those_of_the_family(void **state)
{
	uint8_t mac[6], right[6];

	(void)state;
	for EACH (v, hash_macs) {
		vs_hash_mac(mac, v->name, v->password);
		read_mac(v->expected, right);
		assert_memory_equal(mac, right, 6);
	}
}

static void ids_from_macs_are_those_of_the_family(void **state)
{
	uint8_t addr[16], mac[6];

	(void)state;
	for EACH (v, eui64s) {
		read_addr(v->base, addr);
		read_mac(v->mac, mac);
		vs_eui64_addr(addr, mac);
		check_addr(addr, v->expected);
	}
	for EACH (v, hash_eui64s) {
		read_addr(v->base, addr);
		vs_hash_eui64_addr(addr, v->name, v->password);
		check_addr(addr, v->expected);
	}
}

static void one_time_addresses_are_those_of_the_family(void **state)
{
	uint8_t addr[16];

	(void)state;
	for EACH (v, one_time) {
		assert_int_equal(vs_otip_time(v->time_s, v->offset_s, v->period_s), v->otiptime);
		read_addr(v->base, addr);
		vs_hash_addr(addr, v->name, v->password, v->otiptime);
		check_addr(addr, v->expected);
	}
	assert_int_equal(vs_otip_time(100, 28, 32), 4);
	assert_int_equal(vs_otip_time(100, 27, 32), 3);
	assert_int_equal(vs_otip_time(100, -5, 32), 2);
}

static void an_empty_name_is_a_name(void **state)
{
	uint8_t addr[16], dot[16];

	(void)state;
	read_addr("fc00::", addr);
	read_addr("fc00::", dot);
	vs_hash_addr(addr, "", NULL, 0);
	check_addr(addr, "fc00::d41d:8cd9:8f00:b204"); /* as hashaddr(1) prints it */
	vs_hash_addr(dot, ".", NULL, 0);
	assert_memory_equal(addr, dot, 16);
}

static const uint8_t secret[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

static void stable(const char *prefix, const char *ifname, const uint8_t *key, uint8_t counter,
		   uint8_t addr[16])
{
	read_addr(prefix, addr);
	vs_stable_addr(addr, ifname, key, &counter);
	assert_false(vs_iid_is_reserved(addr + 8));
}

static void a_stable_id_stays(void **state)
{
	uint8_t a[16], b[16];

	(void)state;
	stable("2001:db8:1:2::", "vde0", secret, 0, a);
	stable("2001:db8:1:2:ffff:ffff:ffff:ffff", "vde0", secret, 0, b); /* the old id does not count */
	assert_memory_equal(a, b, 16);
	/* Later versions compute the same. */
	check_addr(a, "2001:db8:1:2:6af7:d0af:1535:df8e");
}

static void a_stable_id_depends_on_all_its_inputs(void **state)
{
	uint8_t a[16], b[16], other_secret[16];

	(void)state;
	stable("2001:db8:1:2::", "vde0", secret, 0, a);
	stable("2001:db8:1:3::", "vde0", secret, 0, b);
	assert_memory_not_equal(a + 8, b + 8, 8);
	stable("2001:db8:1:2::", "vde1", secret, 0, b);
	assert_memory_not_equal(a + 8, b + 8, 8);
	stable("2001:db8:1:2::", "vde0", secret, 1, b);
	assert_memory_not_equal(a + 8, b + 8, 8);
	memcpy(other_secret, secret, 16);
	other_secret[15] ^= 1;
	stable("2001:db8:1:2::", "vde0", other_secret, 0, b);
	assert_memory_not_equal(a + 8, b + 8, 8);
	/* the last character of the longest name */
	stable("2001:db8:1:2::", "interface-names", secret, 0, a);
	stable("2001:db8:1:2::", "interface-namez", secret, 0, b);
	assert_memory_not_equal(a + 8, b + 8, 8);
}

static void reserved_ids_are_known(void **state)
{
	static const struct {
		const char *iid;
		bool reserved;
	} ids[] = {
		{ "::", true },
		{ "::1", false },
		{ "::200:5eff:fe00:0", true },
		{ "::200:5eff:fe00:5213", true },
		{ "::200:5eff:feff:ffff", true },
		{ "::200:5eff:fdff:ffff", false },
		{ "::200:5eff:ff00:0", false },
		{ "::fdff:ffff:ffff:ff7f", false },
		{ "::fdff:ffff:ffff:ff80", true },
		{ "::fdff:ffff:ffff:ffff", true },
		{ "::fdff:ffff:ffff:feff", false },
		{ "::fcff:ffff:ffff:ffff", false },
		{ "::8201:1ff:fe01:101", false },
	};
	uint8_t addr[16];

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		read_addr(ids[i].iid, addr);
		assert_int_equal(vs_iid_is_reserved(addr + 8), ids[i].reserved);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(addresses_are_those_of_the_family),
	cmocka_unit_test(macs_are_those_of_the_family),
	cmocka_unit_test(ids_from_macs_are_those_of_the_family),
	cmocka_unit_test(one_time_addresses_are_those_of_the_family),
	cmocka_unit_test(an_empty_name_is_a_name),
	cmocka_unit_test(a_stable_id_stays),
	cmocka_unit_test(a_stable_id_depends_on_all_its_inputs),
	cmocka_unit_test(reserved_ids_are_known),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
