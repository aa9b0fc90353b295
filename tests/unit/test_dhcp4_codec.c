/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DHCPv4 messages: what is written, byte by byte, and what is read from each of the three fields. */

#include <frames.h>
#include <stdlib.h>

#include "proto/dhcp4.h"
#include "unit.h"

static const uint8_t mac[6] = { 0x80, 1, 1, 1, 1, 0x22 };
static const uint8_t id[7] = { 1, 0x80, 1, 1, 1, 1, 0x22 };

/* The message DISCOVER of a client with a name, with all that it can ask for. */
static void a_discover_has_exactly_these_options(void **state)
{
	static const uint8_t expected[] =
		"\x35\x01\x01"                                         /* DISCOVER */
		"\x3d\x07\x01\x80\x01\x01\x01\x01\x22"                 /* client id */
		"\x32\x04\x0a\x00\x00\x32"                             /* requested address */
		"\x39\x02\x05\xc0"                                     /* maximum size */
		"\x37\x0b\x01\x79\x03\x06\x0f\x77\x1a\x2a\x3a\x3b\x6c" /* parameters */
		"\x50\x00"                                             /* rapid commit */
		"\x51\x12\x05\x00\x00\x04host\x03lab\x04test\x00"
		"\xff";
	const struct vs_dhcp4_request r = { .type = VS_DHCP4_DISCOVER,
					    .xid = 0x12345678,
					    .secs = 3,
					    .mac = { 0x80, 1, 1, 1, 1, 0x22 },
					    .requested = 0x0a000032,
					    .client_id = id,
					    .client_id_len = 7,
					    .fqdn = "host.lab.test",
					    .rapid = true,
					    .ipv6_only = true };
	uint8_t bytes[VS_DHCP4_REQUEST_MAX];

	(void)state;
	size_t n = vs_dhcp4_encode(&r, bytes, sizeof(bytes));
	assert_true(n >= 300);
	assert_memory_equal(bytes, "\1\1\6\0\x12\x34\x56\x78\0\3\0\0", 12);
	for (size_t i = 12; i < 28; i++)
		assert_int_equal(bytes[i], 0);
	assert_memory_equal(bytes + 28, mac, 6);
	for (size_t i = 34; i < 236; i++)
		assert_int_equal(bytes[i], 0);
	assert_memory_equal(bytes + 236, "\x63\x82\x53\x63", 4);
	assert_memory_equal(bytes + 240, expected, sizeof(expected) - 1);
	for (size_t i = 240 + sizeof(expected) - 1; i < n; i++)
		assert_int_equal(bytes[i], 0);
}

static void decline_and_release_ask_for_nothing(void **state)
{
	static const uint8_t expected[] = "\x35\x01\x04"
					  "\x3d\x07\x01\x80\x01\x01\x01\x01\x22"
					  "\x32\x04\x0a\x00\x00\x32"
					  "\x36\x04\x0a\x00\x00\x01"
					  "\x38\x02no"
					  "\xff";
	struct vs_dhcp4_request r = { .type = VS_DHCP4_DECLINE,
				      .requested = 0x0a000032,
				      .server = 0x0a000001,
				      .client_id = id,
				      .client_id_len = 7,
				      .fqdn = "host.lab.test",
				      .text = "no",
				      .rapid = true,
				      .ipv6_only = true };
	uint8_t bytes[VS_DHCP4_REQUEST_MAX];

	(void)state;
	assert_int_not_equal(vs_dhcp4_encode(&r, bytes, sizeof(bytes)), 0);
	assert_memory_equal(bytes + 240, expected, sizeof(expected) - 1);
	r = (struct vs_dhcp4_request){ .type = VS_DHCP4_RELEASE, .ciaddr = 0x0a000032, .server = 0x0a000001 };
	assert_int_not_equal(vs_dhcp4_encode(&r, bytes, sizeof(bytes)), 0);
	assert_memory_equal(bytes + 12, "\x0a\0\0\x32", 4);
	assert_memory_equal(bytes + 240, "\x35\1\7\x36\4\x0a\0\0\1\xff", 10);
}

static void an_inform_asks_for_parameters_only(void **state)
{
	const struct vs_dhcp4_request r = { .type = VS_DHCP4_INFORM, .ciaddr = 0x0a000032 };
	uint8_t bytes[VS_DHCP4_REQUEST_MAX];

	(void)state;
	assert_int_not_equal(vs_dhcp4_encode(&r, bytes, sizeof(bytes)), 0);
	assert_memory_equal(bytes + 12, "\x0a\0\0\x32", 4);
	assert_memory_equal(bytes + 240, "\x35\1\x08\x39\2\5\xc0\x37\x0a", 9);
}

static void a_name_longer_than_an_option_is_cut_into_two(void **state)
{
	char name[254];
	const struct vs_dhcp4_request r = { .type = VS_DHCP4_DISCOVER, .fqdn = name };
	uint8_t bytes[VS_DHCP4_REQUEST_MAX];

	(void)state;
	memset(name, 'a', sizeof(name));
	name[63] = name[127] = name[191] = '.';
	name[253] = '\0';
	size_t n = vs_dhcp4_encode(&r, bytes, sizeof(bytes));
	const uint8_t *first = memchr(bytes + 257, 81, 4);
	assert_non_null(first);
	assert_int_equal(first[1], 255);
	assert_int_equal(first[257], 81);
	assert_int_equal(first[258], 3 + 255 - 255);
	assert_int_equal(first[259 + 3], 255);
	assert_int_equal(n, (size_t)(first + 263 - bytes));
}

static void what_does_not_fit_is_not_written(void **state)
{
	struct vs_dhcp4_request r = {
		.type = VS_DHCP4_DISCOVER, .fqdn = "a.b", .client_id = id, .client_id_len = 7
	};
	uint8_t bytes[VS_DHCP4_REQUEST_MAX + 1];

	(void)state;
	for (size_t room = 0; room <= VS_DHCP4_REQUEST_MAX; room++) {
		bytes[room] = 0xa5;
		size_t n = vs_dhcp4_encode(&r, bytes, room);
		assert_true(n <= room && (n == 0) == (room < 300));
		assert_int_equal(bytes[room], 0xa5);
	}
	r.fqdn = "no name";
	assert_int_equal(vs_dhcp4_encode(&r, bytes, VS_DHCP4_REQUEST_MAX), 0);
}

/* Reading */

struct made {
	uint8_t bytes[2000];
	size_t n;
};

/* A message with an OFFER's type; more options follow. */
static struct made begin_message(void)
{
	struct made m = { .n = 243 };

	frame_put(m.bytes, 0x02010600, 4);
	frame_put(m.bytes + 4, 0xabcdef01, 4);
	frame_put(m.bytes + 16, 0x0a000032, 4);
	memcpy(m.bytes + 28, mac, 6);
	frame_put(m.bytes + 236, 0x63825363, 4);
	memcpy(m.bytes + 240, "\x35\1\2", 3);
	return m;
}

static void add(struct made *m, const void *bytes, size_t n)
{
	memcpy(m->bytes + m->n, bytes, n);
	m->n += n;
}

static bool parse(const struct made *m, struct vs_dhcp4_reply *out)
{
	/* Exactly as many bytes as there are, so that the sanitizer notices a read behind them. */
	uint8_t *copy = malloc(m->n != 0 ? m->n : 1);

	assert_non_null(copy);
	memcpy(copy, m->bytes, m->n);
	bool ok = vs_dhcp4_parse(copy, m->n, out);
	free(copy);
	return ok;
}

#define ADD(m, text) add(m, text, sizeof(text) - 1)

static void all_options_are_read(void **state)
{
	struct made m = begin_message();
	struct vs_dhcp4_reply r;

	(void)state;
	ADD(&m, "\x01\x04\xff\xff\xff\x00");
	ADD(&m, "\x03\x08\x0a\0\0\1\x0a\0\0\2");
	ADD(&m, "\x06\x04\x0a\0\0\3");
	ADD(&m, "\x0f\x08lab.test");
	ADD(&m, "\x1a\x02\x05\xdc");
	ADD(&m, "\x2a\x04\x0a\0\0\4");
	ADD(&m, "\x33\x04\0\0\x0e\x10");
	ADD(&m, "\x36\x04\x0a\0\0\5");
	ADD(&m, "\x38\x05hello");
	ADD(&m, "\x3a\x04\0\0\7\x08");
	ADD(&m, "\x3b\x04\0\0\x0c\x4e");
	ADD(&m, "\x3d\x07\x01\x80\x01\x01\x01\x01\x22");
	ADD(&m, "\x50\x00");
	ADD(&m, "\x51\x03\x05\xff\xff");
	ADD(&m, "\x6c\x04\0\0\1\x2c");
	ADD(&m, "\xff");
	assert_true(parse(&m, &r));
	assert_int_equal(r.type, VS_DHCP4_OFFER);
	assert_int_equal(r.xid, 0xabcdef01);
	assert_int_equal(r.yiaddr, 0x0a000032);
	assert_memory_equal(r.mac, mac, 6);
	assert_int_equal(r.has, 0x1ff);
	assert_int_equal(r.mask, 0xffffff00);
	assert_int_equal(r.n_routers, 2);
	assert_int_equal(r.routers[1], 0x0a000002);
	assert_int_equal(r.n_dns, 1);
	assert_int_equal(r.dns[0], 0x0a000003);
	assert_string_equal(r.search, "lab.test");
	assert_int_equal(r.mtu, 1500);
	assert_int_equal(r.n_ntp, 1);
	assert_int_equal(r.ntp[0], 0x0a000004);
	assert_int_equal(r.lease_s, 3600);
	assert_int_equal(r.server, 0x0a000005);
	assert_string_equal(r.text, "hello");
	assert_int_equal(r.t1_s, 1800);
	assert_int_equal(r.t2_s, 3150);
	assert_int_equal(r.client_id_len, 7);
	assert_memory_equal(r.client_id, id, 7);
	assert_int_equal(r.ipv6_only_s, 300);
}

/* RFC 2131 section 4.1: options, then file, then sname */
static void overloaded_fields_are_read_in_order(void **state)
{
	static const struct {
		uint8_t overload;
		const char *search;
	} cases[] = { { 1, "a.fb" }, { 2, "a.sc" }, { 3, "a.fbsc" } };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct made m = begin_message();
		struct vs_dhcp4_reply r;
		ADD(&m, "\x0f\x02"
			"a.");
		ADD(&m, "\x34\x01");
		add(&m, &cases[i].overload, 1);
		ADD(&m, "\xff");
		memcpy(m.bytes + 108,
		       "\0\x0f\x02"
		       "fb\xff",
		       6);
		memcpy(m.bytes + 44, "\x34\x01\x09\x0f\x02sc\xff", 8); /* option 52 has no meaning here */
		assert_true(parse(&m, &r));
		assert_string_equal(r.search, cases[i].search);
	}
}

static void options_end_within_their_field(void **state)
{
	struct vs_dhcp4_reply r;

	(void)state;
	for (int sname = 0; sname <= 1; sname++) {
		struct made m = begin_message();
		size_t at = sname ? 44 : 108, n = sname ? 64 : 128;
		add(&m, sname ? "\x34\1\2\xff" : "\x34\1\1\xff", 4);
		m.bytes[at] = 12;
		m.bytes[at + 1] = (uint8_t)(n - 2);
		assert_true(parse(&m, &r)); /* without END, exactly to the end */
		m.bytes[at + 1]++;
		assert_false(parse(&m, &r));
		memset(m.bytes + at, 0, n);
		m.bytes[at + n - 1] = 12; /* no length */
		assert_false(parse(&m, &r));
	}
}

static void pieces_of_an_option_are_joined(void **state)
{
	struct made m = begin_message();
	struct vs_dhcp4_reply r;

	(void)state;
	ADD(&m, "\x77\x05\3lab\4");
	ADD(&m, "\x03\x02\x0a\0");
	ADD(&m, "\x77\x05test\0");
	ADD(&m, "\x03\x02\0\1");
	ADD(&m, "\x77\x00");
	ADD(&m, "\x77\x04\1x\xc0\4\xff");
	assert_true(parse(&m, &r));
	assert_string_equal(r.search, "lab.test x.test");
	assert_int_equal(r.n_routers, 1);
	assert_int_equal(r.routers[0], 0x0a000001);
}

static void routes_of_all_lengths_are_read(void **state)
{
	(void)state;
	for (uint32_t len = 0; len <= 33; len++) {
		struct made m = begin_message();
		struct vs_dhcp4_reply r;
		uint8_t bytes = (uint8_t)((len + 7) / 8),
			head[3] = { 121, (uint8_t)(5 + bytes), (uint8_t)len };
		add(&m, head, 3);
		add(&m, "\xff\xff\xff\xff\xff", bytes);
		ADD(&m, "\x0a\0\0\1\xff");
		assert_true(parse(&m, &r));
		assert_int_equal((r.has & VS_DHCP4_HAS_ROUTES) != 0, len <= 32);
		if (len > 32)
			continue;
		assert_int_equal(r.n_routes, 1);
		assert_int_equal(r.routes[0].prefix_len, len);
		assert_int_equal(r.routes[0].dst, len == 0 ? 0 : UINT32_MAX << (32 - len));
		assert_int_equal(r.routes[0].gw, 0x0a000001);
	}
}

static void more_routes_than_are_kept_are_still_checked(void **state)
{
	struct made m = begin_message();
	struct vs_dhcp4_reply r;

	(void)state;
	for (int i = 0; i < 100; i++)
		ADD(&m, "\x79\x05\0\x0a\0\0\1");
	struct made good = m;
	ADD(&good, "\xff");
	assert_true(parse(&good, &r));
	assert_int_equal(r.n_routes, VS_DHCP4_ROUTES_MAX);
	ADD(&m, "\x79\x04\0\x0a\0\0\xff");
	assert_true(parse(&m, &r));
	assert_int_equal(r.n_routes, 0);
	assert_int_equal(r.has & VS_DHCP4_HAS_ROUTES, 0);
}

/* An option with a number of another length: the message is malformed. */
static void numbers_have_exactly_their_length(void **state)
{
	static const struct {
		uint8_t code, len;
	} numbers[] = { { 1, 4 },  { 26, 2 }, { 51, 4 }, { 52, 1 }, { 53, 1 },
			{ 54, 4 }, { 58, 4 }, { 59, 4 }, { 80, 0 }, { 108, 4 } };

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		for (uint8_t len = 0; len <= 6; len++) {
			struct made m = begin_message();
			struct vs_dhcp4_reply r;
			const uint8_t head[2] = { numbers[i].code, len };
			if (numbers[i].code == 53)
				m.n = 240;
			add(&m, head, 2);
			add(&m, "\2\2\2\2\2\2", len);
			ADD(&m, "\xff");
			assert_int_equal(parse(&m, &r), len == numbers[i].len);
		}
	}
}

/* An option with a list or a text that is impossible: as if it were not there. */
static void odd_lists_and_texts_are_skipped(void **state)
{
	struct made m = begin_message();
	struct vs_dhcp4_reply r;

	(void)state;
	ADD(&m, "\x03\x05\x0a\0\0\1\0");
	ADD(&m, "\x06\x03\x0a\0\0");
	ADD(&m, "\x2a\x00");
	ADD(&m, "\x0f\x0a"
		"ok\nno\n\x01.x#");
	ADD(&m, "\x77\x02\xc0\x00");
	ADD(&m, "\x79\x01\x08");
	ADD(&m, "\x38\x03"
		"a\0b\xff");
	assert_true(parse(&m, &r));
	assert_int_equal(r.n_routers + r.n_dns + r.n_ntp + r.n_routes, 0);
	assert_int_equal(r.has, 0);
	assert_string_equal(r.search, "");
	assert_string_equal(r.text, "a");
}

static void a_domain_name_may_be_a_list(void **state)
{
	struct made m = begin_message();
	struct vs_dhcp4_reply r;

	(void)state;
	ADD(&m, "\x0f\x1b"
		" lab.test. b\"ad  x.test one\0\xff");
	assert_true(parse(&m, &r));
	assert_string_equal(r.search, "lab.test x.test one");
}

static void a_search_list_precedes_the_domain_name(void **state)
{
	struct made m = begin_message();
	struct vs_dhcp4_reply r;

	(void)state;
	ADD(&m, "\x0f\x03lab\x77\x05\3one\0\xff");
	assert_true(parse(&m, &r));
	assert_string_equal(r.search, "one");
}

static void a_domain_name_that_is_too_long_is_cut_at_a_name(void **state)
{
	struct made m = begin_message();
	struct vs_dhcp4_reply r;

	(void)state;
	for (int i = 0; i < 6; i++) {
		ADD(&m, "\x0f\x64");
		for (int j = 0; j < 10; j++)
			ADD(&m, "abcd.test ");
	}
	ADD(&m, "\xff");
	assert_true(parse(&m, &r));
	assert_int_equal(strlen(r.search), 509);
	assert_string_equal(r.search + 500, "abcd.test");
}

static void lists_are_bounded(void **state)
{
	struct made m = begin_message();
	struct vs_dhcp4_reply r;

	(void)state;
	for (int i = 0; i < 40; i++)
		ADD(&m, "\x06\x08\x0a\0\0\1\x0a\0\0\2");
	ADD(&m, "\xff");
	assert_true(parse(&m, &r));
	assert_int_equal(r.n_dns, VS_DHCP4_LIST_MAX);
}

/* Every length of a right message: it is read, or refused, without a byte behind its end. */
static void a_cut_message_is_read_to_its_end_only(void **state)
{
	struct made m = begin_message();
	struct vs_dhcp4_reply r;

	(void)state;
	ADD(&m, "\x36\x04\x0a\0\0\5\x34\1\3\x77\x05\3one\0\xff");
	size_t n = m.n;
	for (m.n = 0; m.n < 243; m.n++)
		assert_false(parse(&m, &r));
	for (; m.n <= n; m.n++)
		(void)parse(&m, &r);
	m.n = VS_DHCP4_MESSAGE_MAX + 241;
	assert_false(parse(&m, &r)); /* longer than what is accepted */
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_discover_has_exactly_these_options),
	cmocka_unit_test(decline_and_release_ask_for_nothing),
	cmocka_unit_test(an_inform_asks_for_parameters_only),
	cmocka_unit_test(a_name_longer_than_an_option_is_cut_into_two),
	cmocka_unit_test(what_does_not_fit_is_not_written),
	cmocka_unit_test(all_options_are_read),
	cmocka_unit_test(overloaded_fields_are_read_in_order),
	cmocka_unit_test(options_end_within_their_field),
	cmocka_unit_test(pieces_of_an_option_are_joined),
	cmocka_unit_test(routes_of_all_lengths_are_read),
	cmocka_unit_test(more_routes_than_are_kept_are_still_checked),
	cmocka_unit_test(numbers_have_exactly_their_length),
	cmocka_unit_test(odd_lists_and_texts_are_skipped),
	cmocka_unit_test(a_domain_name_may_be_a_list),
	cmocka_unit_test(a_search_list_precedes_the_domain_name),
	cmocka_unit_test(a_domain_name_that_is_too_long_is_cut_at_a_name),
	cmocka_unit_test(lists_are_bounded),
	cmocka_unit_test(a_cut_message_is_read_to_its_end_only),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
