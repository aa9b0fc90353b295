/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <iothaddr.h> against results of the family's own programs, and where those are wrong: names without a byte,
 * names and passwords that are NULL, periods and offsets that are 0 or negative.
 */

#include "unit.h"

#include <arpa/inet.h>
#include <iothaddr.h>
#include <stdlib.h>
#include <time.h>

struct vector {
	const char *name, *password, *base, *mac;
	int64_t time_s;
	int period_s, offset_s;
	uint32_t otiptime;
	const char *expected;
};

static const struct vector hash_addrs[] = {
	{ "test.v2.cs.unibo.it", NULL, "2000:760::", NULL, 0, 0, 0, 0, "2000:760::68d6:2fac:95a:5a2e" },
	{ "renzo.hash.local", NULL, "fc00::", NULL, 0, 0, 0, 0, "fc00::4cc:8049:6765:d03a" },
	{ "hic_sunt_leones.hash.local", NULL, "fc00::", NULL, 0, 0, 0, 0, "fc00::9c8f:74b4:705f:6512" },
	{ "h1.hash.local", NULL, "fc00::", NULL, 0, 0, 0, 0, "fc00::580c:c6d0:5a1a:5b6b" },
	{ "renzo.hash.v2.cs.unibo.it", NULL, "2001:760:2e00:ff00::", NULL, 0, 0, 0, 0,
	  "2001:760:2e00:ff00:6066:4f84:db3e:c9cb" },
	{ "host.lab.test", NULL, "fc09::1", NULL, 0, 0, 0, 0, "fc09::3c0e:e1cc:8889:b59" },
	{ "hash.test.local", NULL, "fc00::", NULL, 0, 0, 0, 0, "fc00::f4b7:a5a9:259b:fb70" },
	{ "a", NULL, "::", NULL, 0, 0, 0, 0, "::cc1:75b9:c0f1:b6a8" },
	{ "www.example.com.", NULL, "2001:db8:1:2::", NULL, 0, 0, 0, 0, "2001:db8:1:2:7c17:67b3:512:b600" },
	{ "www.example.com", NULL, "2001:db8:1:2::", NULL, 0, 0, 0, 0, "2001:db8:1:2:7c17:67b3:512:b600" },
	{ "WWW.example.com", NULL, "2001:db8:1:2::", NULL, 0, 0, 0, 0, "2001:db8:1:2:a8ce:ff17:b7b4:2c30" },
	{ "www.example.com", NULL, "2001:db8:1:2:ffff:ffff:ffff:ffff", NULL, 0, 0, 0, 0,
	  "2001:db8:1:2:80e8:984c:faed:49ff" },
	{ "xn--caff-8oa.example.org", NULL, "2001:db8::dead:beef", NULL, 0, 0, 0, 0,
	  "2001:db8::648f:e685:fdbb:bdf0" },
	{ "caffè.example.org", NULL, "2001:db8::", NULL, 0, 0, 0, 0, "2001:db8::f0b3:c0a6:aabc:666d" },
};

static const struct vector hash_macs[] = {
	{ "test.v2.cs.unibo.it", NULL, NULL, NULL, 0, 0, 0, 0, "6a:d6:2f:5a:5a:2e" },
	{ "renzo.hash.local", NULL, NULL, NULL, 0, 0, 0, 0, "06:cc:80:65:d0:3a" },
	{ "host.lab.test", NULL, NULL, NULL, 0, 0, 0, 0, "3e:0e:e1:89:0b:58" },
	{ "host.lab.test.", NULL, NULL, NULL, 0, 0, 0, 0, "3e:0e:e1:89:0b:58" },
	{ "www.example.com", NULL, NULL, NULL, 0, 0, 0, 0, "7e:17:67:12:b6:00" },
	{ "www.example.com", "secret", NULL, NULL, 0, 0, 0, 0, "f2:97:8a:cc:2c:d1" },
	{ "a", NULL, NULL, NULL, 0, 0, 0, 0, "0e:c1:75:f1:b6:a8" },
};

static const struct vector eui64s[] = {
	{ NULL, NULL, "fe80::", "80:01:01:01:01:01", 0, 0, 0, 0, "fe80::8201:1ff:fe01:101" },
	{ NULL, NULL, "fc09::", "3e:0e:e1:89:0b:58", 0, 0, 0, 0, "fc09::3c0e:e1ff:fe89:b58" },
	{ NULL, NULL, "2001:db8::1234:5678:9abc:def0", "02:00:00:00:00:01", 0, 0, 0, 0,
	  "2001:db8::ff:febc:def1" },
};

static const struct vector hash_eui64s[] = {
	{ "test.v2.cs.unibo.it", NULL, "2000:760::", NULL, 0, 0, 0, 0, "2000:760::68d6:2fff:fe5a:5a2e" },
	{ "www.example.com", NULL, "2001:db8::", NULL, 0, 0, 0, 0, "2001:db8::7c17:67ff:fe12:b600" },
	{ "www.example.com", "secret", "2001:db8::", NULL, 0, 0, 0, 0, "2001:db8::f097:8aff:fecc:2cd1" },
};

static const struct vector one_time[] = {
	{ "renzo.otip", "mypassword", "fc01::", NULL, 0, 32, 0, 0, "fc01::a086:5677:2679:16f9" },
	{ "renzo.otip", "mypassword", "fc01::", NULL, 31, 32, 0, 0, "fc01::a086:5677:2679:16f9" },
	{ "renzo.otip", "mypassword", "fc01::", NULL, 32, 32, 0, 1, "fc01::a80d:c83f:9271:d9ce" },
	{ "renzo.otip", "mypassword", "fc01::", NULL, 1700000000, 32, 0, 53125000,
	  "fc01::8ce3:a148:b648:6c83" },
	{ "renzo.otip", "mypassword", "fc01::", NULL, 1700000000, 32, 8, 53125000,
	  "fc01::8ce3:a148:b648:6c83" },
	{ "renzo.otip", "mypassword", "fc01::", NULL, 1700000032, 32, 0, 53125001,
	  "fc01::b41b:cbf3:a38:fd9d" },
	{ "test.otip.v2.cs.unibo.it", "secret_password", "2001:760:2e00:ff00::", NULL, 1700000000, 32, 0,
	  53125000, "2001:760:2e00:ff00:48b5:b426:87aa:ced0" },
	{ "www.example.com", "", "2001:db8::", NULL, 1700000000, 32, 0, 53125000,
	  "2001:db8::a808:6ee6:78f6:2637" },
	{ "www.example.com", "pwd", "2001:db8::", NULL, 1700000000, 60, 0, 28333333,
	  "2001:db8::b05c:5cee:eb7b:5503" },
	{ "www.example.com", "pwd", "2001:db8::", NULL, 1700000000, 0, 0, 0,
	  "2001:db8::8c8c:abf9:7cec:4676" },
	{ "www.example.com", "pwd", "2001:db8::ffff", NULL, 4294967295, 32, 0, 134217727,
	  "2001:db8::fce9:417:16da:159b" },
	{ "www.example.com.", "pwd", "2001:db8::", NULL, 1700000000, 32, 0, 53125000,
	  "2001:db8::70e0:3081:5e38:e977" },
};

#define EACH(v, list) (const struct vector *v = list; v < (list) + sizeof(list) / sizeof((list)[0]); v++)

/* What time(2) answers to the library. 0: the time of day. */
static time_t now_s;

time_t __real_time(time_t *out);
time_t __wrap_time(time_t *out);
time_t __wrap_time(time_t *out)
{
	return now_s != 0 ? now_s : __real_time(out);
}

static void read_addr(const char *text, unsigned char addr[16])
{
	assert_int_equal(inet_pton(AF_INET6, text, addr), 1);
}

static void check_addr(const unsigned char addr[16], const char *expected)
{
	char text[INET6_ADDRSTRLEN];

	assert_non_null(inet_ntop(AF_INET6, addr, text, sizeof(text)));
	assert_string_equal(text, expected);
}

static void check_mac(const unsigned char mac[6], const char *expected)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		       mac[4], mac[5]);
	assert_string_equal(text, expected);
}

static void read_mac(const char *text, unsigned char mac[6])
{
	unsigned byte[6];

	assert_int_equal(sscanf(text, "%x:%x:%x:%x:%x:%x", byte, byte + 1, byte + 2, byte + 3, byte + 4,
				byte + 5),
			 6);
	for (int i = 0; i < 6; i++)
		mac[i] = (unsigned char)byte[i];
}

/* ------------------------------------------------------------------ the family's results */

static void addresses_of_names_are_those_of_the_family(void **state)
{
	unsigned char addr[16];

	(void)state;
	for
		EACH(v, hash_addrs)
		{
			read_addr(v->base, addr);
			iothaddr_hash(addr, v->name, v->password, 0);
			check_addr(addr, v->expected);
		}
}

static void macs_of_names_are_those_of_the_family(void **state)
{
	unsigned char mac[6];

	(void)state;
	for
		EACH(v, hash_macs)
		{
			iothaddr_hashmac(mac, v->name, v->password);
			check_mac(mac, v->expected);
		}
}

static void addresses_of_macs_are_those_of_the_family(void **state)
{
	unsigned char addr[16], mac[6];

	(void)state;
	for
		EACH(v, eui64s)
		{
			read_addr(v->base, addr);
			read_mac(v->mac, mac);
			iothaddr_eui64(addr, mac);
			check_addr(addr, v->expected);
		}
	for
		EACH(v, hash_eui64s)
		{
			read_addr(v->base, addr);
			iothaddr_hasheui64(addr, v->name, v->password);
			check_addr(addr, v->expected);
		}
}

static void one_time_addresses_are_those_of_the_family(void **state)
{
	unsigned char addr[16];

	(void)state;
	for
		EACH(v, one_time)
		{
			now_s = (time_t)v->time_s;
			uint32_t otiptime = now_s != 0 ? iothaddr_otiptime(v->period_s, v->offset_s) : 0;
			assert_int_equal(otiptime, v->otiptime);
			read_addr(v->base, addr);
			iothaddr_hash(addr, v->name, v->password, otiptime);
			check_addr(addr, v->expected);
		}
}

/* ------------------------------------------------------------------ the edges */

static void a_name_without_a_byte_is_a_name(void **state)
{
	static const char *const names[] = { "", ".", NULL };
	unsigned char addr[16], mac[6], right[6];

	(void)state;
	iothaddr_hashmac(right, "", NULL);
	for (const char *const *name = names; name < names + 3; name++) {
		read_addr("fc00::", addr);
		iothaddr_hash(addr, *name, NULL, 0);
		check_addr(addr, "fc00::d41d:8cd9:8f00:b204"); /* as hashaddr(1) prints it */
		iothaddr_hashmac(mac, *name, NULL);
		assert_memory_equal(mac, right, 6);
		read_addr("fc00::", addr);
		iothaddr_hasheui64(addr, *name, NULL);
		assert_int_equal(addr[8], mac[0] ^ 2);
	}
}

static void no_password_is_an_empty_password(void **state)
{
	unsigned char a[16], b[16];

	(void)state;
	read_addr("2001:db8::1", a);
	read_addr("2001:db8::1", b);
	iothaddr_hash(a, "host.example.org", NULL, 7);
	iothaddr_hash(b, "host.example.org", "", 7);
	assert_memory_equal(a, b, 16);
	read_addr("2001:db8::1", b);
	iothaddr_hash(b, "host.example.org", "x", 7);
	assert_memory_not_equal(a, b, 16);
}

static void periods_and_offsets_may_be_0_or_negative(void **state)
{
	(void)state;
	now_s = 1700000000;
	assert_int_equal(iothaddr_otiptime(32, -32), 53124999);
	assert_int_equal(iothaddr_otiptime(32, -1), 53124999);
	assert_int_equal(iothaddr_otiptime(32, 31), 53125000);
	assert_int_equal(iothaddr_otiptime(32, 32), 53125001);
	assert_int_equal(iothaddr_otiptime(1, -1700000000), 0);
	assert_int_equal(iothaddr_otiptime(0, 0), 0);
	assert_int_equal(iothaddr_otiptime(0, 1000), 0);
	assert_int_equal(iothaddr_otiptime(-32, 0), 0);
	now_s = 0;
	assert_true(iothaddr_otiptime(1, 0) >= 1700000000u);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(addresses_of_names_are_those_of_the_family),
	cmocka_unit_test(macs_of_names_are_those_of_the_family),
	cmocka_unit_test(addresses_of_macs_are_those_of_the_family),
	cmocka_unit_test(one_time_addresses_are_those_of_the_family),
	cmocka_unit_test(a_name_without_a_byte_is_a_name),
	cmocka_unit_test(no_password_is_an_empty_password),
	cmocka_unit_test(periods_and_offsets_may_be_0_or_negative),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
