/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DHCPv4 messages of a server: what is read of a client's, and its answers byte by byte. */

#include <stdlib.h>

#include "proto/be.h"
#include "proto/dhcp4_server.h"
#include "unit.h"

#define ADD(m, literal) add(m, literal, sizeof(literal) - 1)

struct made {
	uint8_t bytes[2000];
	size_t n;
};

static void add(struct made *m, const void *bytes, size_t n)
{
	assert_true(m->n + n <= sizeof(m->bytes));
	memcpy(m->bytes + m->n, bytes, n);
	m->n += n;
}

/* A message of a client with Ethernet, up to its type. */
static struct made begin_message(uint8_t type)
{
	struct made m = { .bytes = { 1, 1, 6, 0, 0x12, 0x34, 0x56, 0x78 }, .n = 236 };

	memcpy(m.bytes + 28, "\x80\1\1\1\1\x22", 6);
	ADD(&m, "\x63\x82\x53\x63");
	add(&m, (uint8_t[]){ 53, 1, type }, 3);
	return m;
}

/* From memory of exactly its size, so that a read beyond it is seen. */
static bool parse_n(const struct made *m, size_t n, struct vs_dhcp4_query *q)
{
	uint8_t *copy = malloc(n != 0 ? n : 1);

	assert_non_null(copy);
	memcpy(copy, m->bytes, n);
	bool ok = vs_dhcp4_query_parse(copy, n, q);
	free(copy);
	return ok;
}

static bool parse(const struct made *m, struct vs_dhcp4_query *q)
{
	return parse_n(m, m->n, q);
}

static void all_options_are_read(void **state)
{
	struct made m = begin_message(3);
	struct vs_dhcp4_query q;

	(void)state;
	m.bytes[10] = 0x80;
	memcpy(m.bytes + 12, "\x0a\0\0\x32", 4);
	memcpy(m.bytes + 24, "\x0a\0\0\x63", 4);
	ADD(&m, "\0\0\0\x32\4\x0a\0\0\x33\0\x36\4\x0a\0\0\1\x33\4\0\0\x0e\x10\x39\2\5\xdc\x37\3\1\3\6\x50\0"
		"\x38\2no");
	ADD(&m, "\x51\x0d\5\0\0\4host\3lab\0\x0c\4box\0\x3d\7\1\x80\1\1\1\1\x22\x52\3\1\1x\xff");
	assert_true(parse(&m, &q));
	assert_int_equal(q.type, VS_DHCP4_REQUEST);
	assert_true(q.xid == 0x12345678 && q.flags == 0x8000 && q.ciaddr == 0x0a000032 &&
		    q.giaddr == 0x0a000063);
	assert_true(q.requested == 0x0a000033 && q.server == 0x0a000001 && q.max_size == 1500 && q.rapid);
	assert_int_equal(q.lease_s, 3600);
	assert_int_equal(q.n_parameters, 3);
	assert_memory_equal(q.parameters, "\1\3\6", 3);
	assert_string_equal(q.text, "no");
	assert_true(q.has_fqdn && q.fqdn_flags == 5);
	assert_string_equal(q.fqdn, "host.lab");
	assert_string_equal(q.host, "box"); /* without the NUL that some clients write */
	assert_int_equal(q.client_id_len, 7);
	assert_int_equal(q.relay_len, 3);
	assert_memory_equal(q.relay, "\1\1x", 3);
	assert_memory_equal(q.chaddr, "\x80\1\1\1\1\x22\0\0", 8);
}

static const char *fqdn_of(const char *option, size_t n)
{
	static struct vs_dhcp4_query q;
	struct made m = begin_message(1);

	add(&m, (uint8_t[]){ 81, (uint8_t)n }, 2);
	add(&m, option, n);
	assert_true(parse(&m, &q));
	return q.has_fqdn ? q.fqdn : NULL;
}

#define FQDN(literal) fqdn_of(literal, sizeof(literal) - 1)

static void a_name_comes_in_two_forms(void **state)
{
	(void)state;
	assert_string_equal(FQDN("\4\0\0\4host\3lab\0"), "host.lab");
	assert_string_equal(FQDN("\4\0\0\4host"), "host"); /* partial: without the root */
	assert_string_equal(FQDN("\0\0\0host.lab"), "host.lab");
	assert_string_equal(FQDN("\0\0\0host.lab.\0"), "host.lab");
	assert_string_equal(FQDN("\1\xff\xffHost_1.Lab"), "Host_1.Lab");
}

/* A length of 2 wrote before a buffer of the family's earlier server. */
static void a_name_that_is_none_is_skipped(void **state)
{
	char dots[256];

	(void)state;
	assert_null(FQDN(""));
	assert_null(FQDN("\4"));
	assert_null(FQDN("\0\0"));
	assert_string_equal(FQDN("\0\0\0"), "");
	assert_string_equal(FQDN("\4\0\0"), "");
	assert_string_equal(FQDN("\4\0\0\x3fhost"), "");
	assert_string_equal(FQDN("\4\0\0\xc0\0"), ""); /* a pointer */
	assert_string_equal(FQDN("\0\0\0two words"), "");
	assert_string_equal(FQDN("\0\0\0nul\0.lab"), "");
	assert_string_equal(FQDN("\0\0\0."), "");
	memset(dots, '.', sizeof(dots));
	memset(dots, 0, 3);
	assert_string_equal(fqdn_of(dots, 255), "");
	memset(dots + 3, 'a', sizeof(dots) - 3);
	assert_string_equal(fqdn_of(dots, 255), "");
}

static void pieces_and_overloaded_fields_are_joined(void **state)
{
	struct made m = begin_message(1);
	struct vs_dhcp4_query q;

	(void)state;
	memcpy(m.bytes + 44, "\0\0\x51\4ter\0\xff", 9);        /* sname, read last */
	memcpy(m.bytes + 108, "\x51\4st.l\x37\1\x06\xff", 10); /* file */
	ADD(&m, "\x34\1\3\x37\2\1\3\x51\6\0\0\0hoo\xff");
	assert_true(parse(&m, &q));
	assert_string_equal(q.fqdn, "hoost.lter");
	assert_int_equal(q.n_parameters, 3);
	assert_memory_equal(q.parameters, "\1\3\6", 3);
	m.bytes[245] = 4; /* no value of option 52 */
	assert_false(parse(&m, &q));
	m.bytes[245] = 3;
	m.bytes[47] = 200; /* an option beyond its field */
	assert_false(parse(&m, &q));
}

static void numbers_have_exactly_their_length(void **state)
{
	static const uint8_t codes[] = { 50, 51, 54, 57, 80 };
	static const uint8_t sizes[] = { 4, 4, 4, 2, 0 };
	struct vs_dhcp4_query q;

	(void)state;
	for (size_t i = 0; i < sizeof(codes); i++)
		for (uint8_t n = 0; n < 9; n++) {
			struct made m = begin_message(1);
			add(&m, (uint8_t[10]){ codes[i], n }, 2u + n);
			assert_int_equal(parse(&m, &q), n == sizes[i]);
		}
	struct made m = begin_message(1);
	m.bytes[241] = 2;
	ADD(&m, "\1");
	assert_false(parse(&m, &q));
}

static void only_messages_of_clients_are_read(void **state)
{
	struct vs_dhcp4_query q;

	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		struct made m = begin_message((uint8_t)type);
		assert_int_equal(parse(&m, &q),
				 type == 1 || type == 3 || type == 4 || type == 7 || type == 8);
	}
	struct made m = begin_message(1);
	m.bytes[0] = 2;
	assert_false(parse(&m, &q));
	m.bytes[0] = 1;
	m.bytes[2] = 17; /* longer than the field */
	assert_false(parse(&m, &q));
	m.bytes[2] = 16;
	assert_true(parse(&m, &q));
	m.bytes[236] = 0;
	assert_false(parse(&m, &q));
}

static void a_cut_message_is_read_to_its_end_only(void **state)
{
	struct made m = begin_message(1);
	struct vs_dhcp4_query q;

	(void)state;
	ADD(&m, "\x36\4\x0a\0\0\5\x34\1\3\x51\x0d\5\0\0\4host\3lab\0\x52\3\1\1x\xff");
	for (size_t n = 0; n < m.n; n++)
		assert_true(!parse_n(&m, n, &q) || n >= 243);
	m.n = VS_DHCP4_MESSAGE_MAX + 241;
	assert_false(parse(&m, &q));
}

static void an_identifier_that_cannot_be_sent_back_is_malformed(void **state)
{
	struct made m = begin_message(1);
	uint8_t option[257] = { 61, 255 };
	struct vs_dhcp4_query q;

	(void)state;
	add(&m, option, sizeof(option));
	assert_true(parse(&m, &q));
	assert_int_equal(q.client_id_len, 255);
	ADD(&m, "\x3d\1x");
	assert_false(parse(&m, &q));
	m = begin_message(1);
	option[0] = 82;
	add(&m, option, sizeof(option));
	add(&m, option, sizeof(option));
	assert_true(parse(&m, &q));
	assert_int_equal(q.relay_len, 510);
	ADD(&m, "\x52\3xyz");
	assert_false(parse(&m, &q));
}

static void many_parameters_are_no_harm(void **state)
{
	struct made m = begin_message(1);
	uint8_t option[257] = { 55, 255, 1, 1, 1 };
	struct vs_dhcp4_query q;

	(void)state;
	for (int i = 0; i < 4; i++)
		add(&m, option, sizeof(option));
	assert_true(parse(&m, &q));
	assert_int_equal(q.n_parameters, 255);
}

static struct vs_dhcp4_query relayed(void)
{
	struct vs_dhcp4_query q = { .type = VS_DHCP4_REQUEST,
				    .htype = 1,
				    .hlen = 6,
				    .chaddr = { 0x80, 1, 1, 1, 1, 0x22 },
				    .xid = 0x12345678,
				    .giaddr = 0x0a000063,
				    .max_size = 576,
				    .has_client_id = true,
				    .client_id_len = 2,
				    .client_id = "id",
				    .has_relay = true,
				    .relay_len = 3,
				    .relay = { 1, 1, 'x' } };
	return q;
}

static void an_answer_has_exactly_these_bytes(void **state)
{
	static const uint8_t expected[] = "\x35\1\5\x36\4\x0a\0\0\1\x33\4\0\0\x0e\x10"
					  "\x51\x0d\x0e\xff\xff\4host\3lab\0"
					  "\x3d\2id\x52\3\1\1x\xff";
	struct vs_dhcp4_query q = relayed();
	const struct vs_dhcp4_answer a = {
		.type = VS_DHCP4_ACK, .yiaddr = 0x0a000032, .server = 0x0a000001, .to = &q
	};
	struct vs_dhcp4_writer w;
	uint8_t bytes[548];

	(void)state;
	q.fqdn_flags = VS_DHCP4_FQDN_S | VS_DHCP4_FQDN_E;
	vs_dhcp4_answer_begin(&w, &a, bytes, sizeof(bytes));
	vs_dhcp4_put_u32(&w, VS_DHCP4_OPT_LEASE, 3600);
	assert_true(vs_dhcp4_answer_fqdn(&w, &q, "host.lab"));
	size_t n = vs_dhcp4_answer_end(&w, &q);
	assert_int_equal(n, 300);
	assert_memory_equal(bytes, "\2\1\6\0\x12\x34\x56\x78\0\0\0\0\0\0\0\0\x0a\0\0\x32\0\0\0\0\x0a\0\0\x63",
			    28);
	assert_memory_equal(bytes + 28, "\x80\1\1\1\1\x22\0\0", 8);
	assert_memory_equal(bytes + 240, expected, sizeof(expected) - 1);
}

static void a_nak_through_a_relay_is_to_be_broadcast(void **state)
{
	struct vs_dhcp4_query q = relayed();
	const struct vs_dhcp4_answer a = { .type = VS_DHCP4_NAK, .server = 1, .to = &q };
	struct vs_dhcp4_writer w;
	uint8_t bytes[548];

	(void)state;
	vs_dhcp4_answer_begin(&w, &a, bytes, sizeof(bytes));
	assert_int_not_equal(vs_dhcp4_answer_end(&w, &q), 0);
	assert_int_equal(vs_be_get16(bytes + 10), 0x8000);
}

/* RFC 4702 section 4: no updates (N), and O if the client has asked for some. */
static void the_name_comes_back_as_the_client_writes_it(void **state)
{
	struct vs_dhcp4_query q = relayed();
	const struct vs_dhcp4_answer a = { .type = VS_DHCP4_ACK, .to = &q };
	struct vs_dhcp4_writer w;
	uint8_t bytes[548];

	(void)state;
	for (unsigned flags = 0; flags < 16; flags++) {
		q.fqdn_flags = (uint8_t)flags;
		vs_dhcp4_answer_begin(&w, &a, bytes, sizeof(bytes));
		size_t at = w.n;
		assert_true(vs_dhcp4_answer_fqdn(&w, &q, "a.b"));
		assert_int_equal(bytes[at + 2], 8u | (flags & 4u) | (flags & 1u ? 2u : 0u));
		if (flags & 4)
			assert_memory_equal(bytes + at + 5, "\1a\1b", 5);
		else
			assert_memory_equal(bytes + at + 5, "a.b", 3);
		assert_int_equal(bytes[at + 1], flags & 4 ? 8 : 6);
	}
}

static void what_does_not_fit_is_left_out_and_the_end_is_there(void **state)
{
	struct vs_dhcp4_query q = relayed();
	const struct vs_dhcp4_answer a = { .type = VS_DHCP4_ACK, .to = &q };
	uint8_t bytes[600], big[255] = { 0 };
	struct vs_dhcp4_writer w;

	(void)state;
	for (size_t room = 0; room < 600; room++) {
		memset(bytes, 0xee, sizeof(bytes));
		vs_dhcp4_answer_begin(&w, &a, bytes, room);
		(void)vs_dhcp4_answer_put(&w, VS_DHCP4_OPT_ROUTES, big, sizeof(big));
		(void)vs_dhcp4_answer_put(&w, VS_DHCP4_OPT_DNS, big, 40);
		size_t n = vs_dhcp4_answer_end(&w, &q);
		assert_true(n <= room && (n == 0) == (room < 300));
		for (size_t i = room; i < sizeof(bytes); i++)
			assert_int_equal(bytes[i], 0xee);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(all_options_are_read),
	cmocka_unit_test(a_name_comes_in_two_forms),
	cmocka_unit_test(a_name_that_is_none_is_skipped),
	cmocka_unit_test(pieces_and_overloaded_fields_are_joined),
	cmocka_unit_test(numbers_have_exactly_their_length),
	cmocka_unit_test(only_messages_of_clients_are_read),
	cmocka_unit_test(a_cut_message_is_read_to_its_end_only),
	cmocka_unit_test(an_identifier_that_cannot_be_sent_back_is_malformed),
	cmocka_unit_test(many_parameters_are_no_harm),
	cmocka_unit_test(an_answer_has_exactly_these_bytes),
	cmocka_unit_test(a_nak_through_a_relay_is_to_be_broadcast),
	cmocka_unit_test(the_name_comes_back_as_the_client_writes_it),
	cmocka_unit_test(what_does_not_fit_is_left_out_and_the_end_is_there),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
