/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Advertisements of libiothradvd as bytes, and the frames around them. */

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "ioth/radv/advert.h"
#include "ioth/radv/frame.h"
#include "unit.h"

static const uint8_t mac[6] = { 0x80, 1, 1, 1, 1, 1 };
static const uint8_t all_hosts[16] = { 0xff, 2, [15] = 1 };

/*
 * A frame of the family's earlier program with the options
 * -m 80:01:01:01:01:01 -L 1800 -F MO -M 1400 -H 64 fc00::/64/LA/86400/14400 fd00:1::/64/L/600/300
 */
static const uint8_t right_frame[] =
	"\x33\x33\x00\x01\x00\x01\x80\x01\x01\x01\x01\x01\x86\xdd\x60\x00\x00\x00\x00\x60\x3a\xff\xfe\x80"
	"\x00\x00\x00\x00\x00\x00\x82\x01\x01\xff\xfe\x01\x01\x01\xff\x02\x00\x00\x00\x00\x00\x00\x00\x00"
	"\x00\x00\x00\x00\x00\x01\x86\x00\x16\x06\x40\xc0\x07\x08\x00\x00\x00\x00\x00\x00\x00\x00\x03\x04"
	"\x40\xc0\x00\x01\x51\x80\x00\x00\x38\x40\x00\x00\x00\x00\xfc\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	"\x00\x00\x00\x00\x00\x00\x03\x04\x40\x80\x00\x00\x02\x58\x00\x00\x01\x2c\x00\x00\x00\x00\xfd\x00"
	"\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01\x80\x01\x01\x01\x01\x01\x05\x01"
	"\x00\x00\x00\x00\x05\x78";
#define RIGHT_LEN (sizeof(right_frame) - 1)

static struct radv_adverts made;
static char why[128];

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static int make(const struct iothradvd_opts *o)
{
	why[0] = '\0';
	return radv_adverts_make(o, NULL, &made, why, sizeof(why));
}

/* What stands behind the first 16 bytes. */
static void has_options(const void *bytes, size_t n)
{
	assert_int_equal(made.usual.n, 16 + n);
	assert_memory_equal(made.usual.bytes + 16, bytes, n);
}

static size_t write_frame(const struct radv_message *m, uint8_t bytes[RADV_FRAME_MAX])
{
	struct radv_frame f = { .message = m->bytes, .n = m->n };

	radv_frame_group_mac(all_hosts, f.to_mac);
	memcpy(f.from_mac, mac, 6);
	memcpy(f.to, all_hosts, 16);
	radv_frame_link_local(mac, f.from);
	return radv_frame_write(&f, bytes);
}

/* ------------------------------------------------------------------ advertisements */

static void the_frame_is_that_of_the_family(void **state)
{
	struct iothradata data = { .curhoplimit = 64, .flags = 0xc0, .router_lifetime = 1800, .mtu = 1400 };
	struct iothraprefix prefixes[] = { { addr("fc00::"), 64, 0xc0, 86400, 14400 },
					   { addr("fd00:1::"), 64, 0x80, 600, 300 } };
	struct iothradvd_opts o = { .data = &data, .prefixes = prefixes, .n_prefixes = 2 };
	uint8_t bytes[RADV_FRAME_MAX];

	(void)state;
	assert_int_equal(radv_adverts_make(&o, mac, &made, why, sizeof(why)), 0);
	assert_int_equal(write_frame(&made.usual, bytes), RIGHT_LEN);
	assert_memory_equal(bytes, "\x33\x33\0\0\0\1",
			    6); /* RFC 2464 section 7; that program has another one */
	assert_memory_equal(bytes + 6, right_frame + 6, RIGHT_LEN - 6);
}

static void numbers_are_in_network_order(void **state)
{
	struct iothradata data = { .router_lifetime = 0x0102, .reachable = 30000, .retransmit = 0x01020304 };

	(void)state;
	assert_int_equal(make(&(struct iothradvd_opts){ .data = &data }), 0);
	assert_memory_equal(made.usual.bytes, "\x86\0\0\0\0\0\1\2\0\0\x75\x30\1\2\3\4", 16);
	assert_int_equal(made.usual.n, 16);
}

static void nothing_is_a_valid_advertisement(void **state)
{
	(void)state;
	assert_int_equal(make(&(struct iothradvd_opts){ .size = 0 }), 0);
	assert_memory_equal(made.usual.bytes, "\x86\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_false(made.says_goodbye);
}

static void a_router_without_lifetime_has_medium_preference(void **state)
{
	struct iothradata data = { .flags = 0x18 | 0x40 };

	(void)state;
	assert_int_equal(make(&(struct iothradvd_opts){ .data = &data }), 0);
	assert_int_equal(made.usual.bytes[5], 0x40);
	data.router_lifetime = 1;
	assert_int_equal(make(&(struct iothradvd_opts){ .data = &data }), 0);
	assert_int_equal(made.usual.bytes[5], 0x58);
}

static void a_prefix_has_its_bits_only_unless_it_is_an_address_of_the_router(void **state)
{
	struct iothraprefix p = { addr("2001:db8::1:2"), 32, 0, 2, 1 };
	struct iothradvd_opts o = { .prefixes = &p, .n_prefixes = 1 };

	(void)state;
	assert_int_equal(make(&o), 0);
	has_options("\3\4\x20\0\0\0\0\2\0\0\0\1\0\0\0\0\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\0", 32);
	p.flags = 0xe0;
	assert_int_equal(make(&o), 0);
	has_options("\3\4\x20\xe0\0\0\0\2\0\0\0\1\0\0\0\0\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\1\0\2", 32);
}

static void routes_take_as_few_bytes_as_they_can(void **state)
{
	struct iothraroute r = { addr("2001:db8:1:2:3::"), 0, 0x18, 5 };
	struct iothradvd_opts o = { .routes = &r, .n_routes = 1 };

	(void)state;
	assert_int_equal(make(&o), 0);
	has_options("\x18\1\0\x18\0\0\0\5", 8);
	r.prefixlen = 48, r.preference = 8;
	assert_int_equal(make(&o), 0);
	has_options("\x18\2\x30\x08\0\0\0\5\x20\1\xd\xb8\0\1\0\0", 16);
	r.prefixlen = 80, r.preference = 0;
	assert_int_equal(make(&o), 0);
	has_options("\x18\3\x50\0\0\0\0\5\x20\1\xd\xb8\0\1\0\2\0\3\0\0\0\0\0\0", 24);
}

static void name_servers_of_one_lifetime_share_an_option(void **state)
{
	struct iothrardnss s[] = { { addr("fd00::1"), 9 }, { addr("fd00::2"), 9 }, { addr("fd00::3"), 8 } };
	struct iothradvd_opts o = { .rdnss = s, .n_rdnss = 3 };

	(void)state;
	assert_int_equal(make(&o), 0);
	has_options("\x19\5\0\0\0\0\0\x09\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2"
		    "\x19\3\0\0\0\0\0\x08\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\3",
		    64);
}

static void the_other_options_are_those_of_their_rfcs(void **state)
{
	struct iothradnssl d = { "example.org", 7 };
	struct iothrapref64 p = { addr("64:ff9b::"), 96, 601 };
	struct iothradvd_opts o = { .dnssl = &d, .n_dnssl = 1 };

	(void)state;
	assert_int_equal(make(&o), 0);
	has_options("\x1f\3\0\0\0\0\0\7\7example\3org\0\0\0\0", 24);
	o = (struct iothradvd_opts){ .pref64 = &p, .n_pref64 = 1 };
	assert_int_equal(make(&o), 0);
	has_options("\x26\2\2\x60\0\x64\xff\x9b\0\0\0\0\0\0\0\0", 16); /* 76 times 8 */
	p.prefixlen = 32, p.lifetime = 65528;
	assert_int_equal(make(&o), 0);
	has_options("\x26\2\xff\xfd\0\x64\xff\x9b\0\0\0\0\0\0\0\0", 16);
	o = (struct iothradvd_opts){ .captive_portal = "https://a/b" };
	assert_int_equal(make(&o), 0);
	has_options("\x25\2https://a/b\0\0\0", 16);
}

static void the_last_one_takes_lifetimes_back(void **state)
{
	struct iothradata data = { .flags = 0x48, .router_lifetime = 1800 };
	struct iothraprefix prefix = { addr("fd00::"), 64, 0xc0, 600, 300 };
	struct iothraroute route = { addr("fd01::"), 64, 8, 600 };
	struct iothrardnss server = { addr("fd00::1"), 600 };
	struct iothradvd_opts o = { .data = &data,
				    .prefixes = &prefix,
				    .n_prefixes = 1,
				    .routes = &route,
				    .n_routes = 1,
				    .rdnss = &server,
				    .n_rdnss = 1 };

	(void)state;
	assert_int_equal(make(&o), 0);
	assert_true(made.says_goodbye);
	assert_int_equal(made.last.n, made.usual.n);
	assert_memory_equal(made.last.bytes, "\x86\0\0\0\0\x40\0\0", 8);
	assert_memory_equal(made.last.bytes + 16, made.usual.bytes + 16, 32); /* the prefix */
	assert_memory_equal(made.last.bytes + 48, "\x18\2\x40\x08\0\0\0\0", 8);
	assert_memory_equal(made.last.bytes + 64, "\x19\3\0\0\0\0\0\0", 8);
}

/* ------------------------------------------------------------------ what is refused */

static void refused(const struct iothradvd_opts *o, int err, const char *piece)
{
	memset(&made, 0xa5, sizeof(made));
	assert_int_equal(make(o), -err);
	assert_int_equal(made.usual.n, (size_t)0xa5a5a5a5a5a5a5a5);
	if (strstr(why, piece) == NULL)
		fail_msg("\"%s\" does not have \"%s\"", why, piece);
}

static void wrong_numbers_are_refused(void **state)
{
	struct iothradata data = { .mtu = 1279 };
	struct iothradvd_opts o = { .data = &data };

	(void)state;
	refused(&o, EINVAL, "MTU 1279");
	data = (struct iothradata){ .flags = 0x10 };
	refused(&o, EINVAL, "0x10");
	o = (struct iothradvd_opts){ .max_interval = 65536 };
	refused(&o, EINVAL, "period");
	o = (struct iothradvd_opts){ .max_interval = 8, .min_interval = 7 };
	refused(&o, EINVAL, "interval");
	o.min_interval = 6;
	assert_int_equal(make(&o), 0);
	o.min_interval = 2;
	refused(&o, EINVAL, "interval");
	data = (struct iothradata){ .router_lifetime = 599 };
	o = (struct iothradvd_opts){ .data = &data, .max_interval = 600 };
	refused(&o, EINVAL, "lifetime of the router, 599 s");
	data.router_lifetime = 600;
	assert_int_equal(make(&o), 0);
	data.router_lifetime = 0;
	assert_int_equal(make(&o), 0);
	data.router_lifetime = 1, o.max_interval = 0;
	assert_int_equal(make(&o), 0);
	o = (struct iothradvd_opts){ .n_prefixes = 1 };
	refused(&o, EINVAL, "list");
}

static void wrong_prefixes_are_refused(void **state)
{
	struct iothraprefix good = { addr("fd00::"), 64, 0xc0, 2, 2 }, p;
	struct iothraroute r = { addr("fd00::"), 129, 0, 1 };
	struct iothradvd_opts o = { .prefixes = &p, .n_prefixes = 1 };

	(void)state;
	p = good, p.prefixlen = 129;
	refused(&o, EINVAL, "prefix 1");
	p = good, p.preferred_time = 3;
	refused(&o, EINVAL, "preferred");
	p = good, p.prefix = addr("fe80::");
	refused(&o, EINVAL, "link-local");
	p = good, p.prefix = addr("ff02::");
	refused(&o, EINVAL, "multicast");
	p = good;
	assert_int_equal(make(&o), 0);
	o = (struct iothradvd_opts){ .routes = &r, .n_routes = 1 };
	refused(&o, EINVAL, "route 1");
	r.prefixlen = 64, r.preference = 0x10;
	refused(&o, EINVAL, "preference");
	r.preference = 0x88;
	refused(&o, EINVAL, "preference");
}

static void wrong_names_are_refused(void **state)
{
	static const char *const servers[] = { "::", "::1", "ff02::1" };
	static const char *const names[] = { "", "a..b", "a b", "-a", "a\n" };
	struct iothrardnss s = { addr("::"), 1 };
	struct iothradnssl d = { NULL, 1 };
	struct iothradvd_opts o = { .rdnss = &s, .n_rdnss = 1 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		s.server = addr(servers[i]);
		refused(&o, EINVAL, "name server 1");
	}
	o = (struct iothradvd_opts){ .dnssl = &d, .n_dnssl = 1 };
	refused(&o, EINVAL, "domain 1");
	for (size_t i = 0; i < 5; i++) {
		d.domain = names[i];
		refused(&o, EINVAL, "domain 1");
	}
}

static void other_wrong_values_are_refused(void **state)
{
	struct iothrapref64 p = { addr("64:ff9b::"), 95, 600 };
	struct iothradvd_opts o = { .pref64 = &p, .n_pref64 = 1 };

	(void)state;
	refused(&o, EINVAL, "NAT64 prefix 1");
	p.prefixlen = 96, p.lifetime = 65529;
	refused(&o, EINVAL, "65528");
	o = (struct iothradvd_opts){ .captive_portal = "" };
	refused(&o, EINVAL, "empty");
	o.captive_portal = "a b";
	refused(&o, EINVAL, "URI");
	o.captive_portal = "a\xc3\xa4";
	refused(&o, EINVAL, "URI");
}

static void what_does_not_fit_into_a_packet_is_refused(void **state)
{
	static struct iothraprefix p[40];
	static char uri[2000];
	struct iothradvd_opts o = { .prefixes = p, .n_prefixes = 38 };

	(void)state;
	for (size_t i = 0; i < 40; i++)
		p[i] = (struct iothraprefix){ addr("fd00::"), 64, 0, 1, 1 };
	assert_int_equal(make(&o), 0);
	o.n_prefixes = 39;
	refused(&o, EMSGSIZE, "1240");
	memset(uri, 'a', sizeof(uri) - 1);
	o = (struct iothradvd_opts){ .captive_portal = uri };
	refused(&o, EMSGSIZE, "1240");
}

/* ------------------------------------------------------------------ frames */

static void a_frame_is_read_as_it_was_written(void **state)
{
	struct radv_frame f;

	(void)state;
	assert_true(radv_frame_read(right_frame, RIGHT_LEN, &f));
	assert_memory_equal(f.from_mac, mac, 6);
	assert_memory_equal(f.to, all_hosts, 16);
	assert_ptr_equal(f.message, right_frame + RADV_HEADERS);
	assert_int_equal(f.n, 96);
}

static void a_frame_that_is_cut_off_is_refused(void **state)
{
	struct radv_frame f;

	(void)state;
	for (size_t n = 0; n < RIGHT_LEN; n++)
		assert_false(radv_frame_read(right_frame, n, &f));
}

static void padding_behind_the_packet_is_ignored(void **state)
{
	uint8_t bytes[RIGHT_LEN + 3] = { 0 };
	struct radv_frame f;

	(void)state;
	memcpy(bytes, right_frame, RIGHT_LEN);
	bytes[RIGHT_LEN] = 0xff;
	assert_true(radv_frame_read(bytes, sizeof(bytes), &f));
	assert_int_equal(f.n, 96);
}

/* But for the addresses of Ethernet, the traffic class and the flow label, a changed bit is noticed. */
static void a_frame_with_a_wrong_bit_is_refused(void **state)
{
	uint8_t bytes[RIGHT_LEN];
	struct radv_frame f;

	(void)state;
	for (size_t i = 12; i < RIGHT_LEN; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			if (i >= 14 && i < 18 && !(i == 14 && bit >= 4))
				continue;
			memcpy(bytes, right_frame, RIGHT_LEN);
			bytes[i] ^= (uint8_t)(1u << bit);
			assert_false(radv_frame_read(bytes, RIGHT_LEN, &f));
		}
}

static void a_message_that_is_too_long_is_not_written(void **state)
{
	static uint8_t message[1241], bytes[RADV_FRAME_MAX];
	struct radv_frame f = { .message = message, .n = 1240 };

	(void)state;
	assert_int_equal(radv_frame_write(&f, bytes), RADV_FRAME_MAX);
	f.n = 1241;
	assert_int_equal(radv_frame_write(&f, bytes), 0);
	f.n = 3;
	assert_int_equal(radv_frame_write(&f, bytes), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_frame_is_that_of_the_family),
	cmocka_unit_test(numbers_are_in_network_order),
	cmocka_unit_test(nothing_is_a_valid_advertisement),
	cmocka_unit_test(a_router_without_lifetime_has_medium_preference),
	cmocka_unit_test(a_prefix_has_its_bits_only_unless_it_is_an_address_of_the_router),
	cmocka_unit_test(routes_take_as_few_bytes_as_they_can),
	cmocka_unit_test(name_servers_of_one_lifetime_share_an_option),
	cmocka_unit_test(the_other_options_are_those_of_their_rfcs),
	cmocka_unit_test(the_last_one_takes_lifetimes_back),
	cmocka_unit_test(wrong_numbers_are_refused),
	cmocka_unit_test(wrong_prefixes_are_refused),
	cmocka_unit_test(wrong_names_are_refused),
	cmocka_unit_test(other_wrong_values_are_refused),
	cmocka_unit_test(what_does_not_fit_into_a_packet_is_refused),
	cmocka_unit_test(a_frame_is_read_as_it_was_written),
	cmocka_unit_test(a_frame_that_is_cut_off_is_refused),
	cmocka_unit_test(padding_behind_the_packet_is_ignored),
	cmocka_unit_test(a_frame_with_a_wrong_bit_is_refused),
	cmocka_unit_test(a_message_that_is_too_long_is_not_written),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
