/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names, questions and replies. */

#include <dns_message.h>
#include <errno.h>
#include <stdlib.h>

#include "dns/message.h"
#include "dns/name.h"
#include "unit.h"

static struct dns_message m;
static struct vs_message_record records[400];

/* In memory of exactly that length, so a sanitizer detects a read beyond it. */
static int read_reply(int type, struct vs_message *out)
{
	uint8_t *exact = malloc(m.n > 0 ? m.n : 1);

	assert_non_null(exact);
	memcpy(exact, m.bytes, m.n);
	int r = vs_message_read(exact, m.n, type, out, records, 400);
	free(exact);
	return r;
}

static void names_are_packed_and_unpacked(void **state)
{
	static const char *const good[] = { "a", "www.example.org", "_sip._udp.example",
					    "xn--bcher-kva.example" };
	uint8_t wire[VS_NAME_WIRE_MAX], again[VS_NAME_WIRE_MAX];
	char text[VS_NAME_TEXT_MAX];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		int n = vs_name_pack(good[i], wire);
		assert_int_equal(n, (int)strlen(good[i]) + 2);
		assert_int_equal(vs_name_unpack(wire, (size_t)n, 0, again, &len), n);
		assert_true(vs_name_same(wire, (size_t)n, again, len));
		assert_true(vs_name_text(again, len, text, sizeof(text)) > 0);
		assert_string_equal(text, good[i]);
	}
	assert_int_equal(vs_name_pack("a.example.", wire), 11);
	assert_int_equal(vs_name_pack(".", wire), 1);
}

static void names_that_are_none_are_refused(void **state)
{
	static const char *const bad[] = { "..", "a..b", ".a", "a b", "h\xc3\xbcr", "a\n",
					   "a\\", "a\\1", "a\\12", "a\\1x2", "a\\256", "a\\\n", "a\\\x80" };
	uint8_t wire[VS_NAME_WIRE_MAX];
	char name[300];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(vs_name_pack(bad[i], wire), -EINVAL);
	memset(name, 'a', sizeof(name));
	name[64] = '\0';
	assert_int_equal(vs_name_pack(name, wire), -EINVAL);
	name[63] = '\0';
	assert_int_equal(vs_name_pack(name, wire), 65);
	/* 253 bytes of text are the longest name: 255 of labels. */
	for (int i = 0; i < 260; i++)
		name[i] = i % 2 ? '.' : 'a';
	name[253] = '\0';
	assert_int_equal(vs_name_pack(name, wire), 255);
	name[253] = '.';
	name[254] = 'a';
	name[255] = '\0';
	assert_int_equal(vs_name_pack(name, wire), -EINVAL);
}

static void names_of_hosts_are_recognised(void **state)
{
	(void)state;
	assert_true(vs_name_is_host("a-1_b.Example"));
	assert_false(vs_name_is_host("a;reboot"));
	assert_false(vs_name_is_host("-a"));
	assert_false(vs_name_is_host(""));
	assert_true(vs_name_ends_in("x.LocalHost.", "localhost"));
	assert_true(vs_name_ends_in("localhost", "localhost"));
	assert_true(vs_name_ends_in("x\\\\.localhost", "localhost"));
	assert_false(vs_name_ends_in("x\\.localhost", "localhost")); /* one label */
	assert_false(vs_name_ends_in("x.localhost\\.", "localhost"));
	assert_true(vs_name_is_absolute("a."));
	assert_true(vs_name_is_absolute("a\\\\."));
	assert_false(vs_name_is_absolute("a\\."));
	assert_false(vs_name_is_absolute("a"));
	assert_false(vs_name_is_absolute(""));
	assert_false(vs_name_ends_in("xlocalhost", "localhost"));
}

static void a_question_has_recursion_and_edns(void **state)
{
	uint8_t buf[VS_MESSAGE_QUESTION_MAX];

	(void)state;
	assert_int_equal(vs_message_ask(buf, "a.example", 28, 0x1234, false), 12 + 11 + 4);
	assert_int_equal(buf[2], 1);
	assert_int_equal(buf[11], 0);
	assert_int_equal(vs_message_ask(buf, "a.example", 28, 0x1234, true), 12 + 11 + 4 + 11);
	assert_int_equal(buf[11], 1);
	assert_memory_equal(buf + 27, ((uint8_t[]){ 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0 }), 11);
	assert_int_equal(vs_message_ask(buf, "a..example", 1, 0, true), -EINVAL);
}

static void aliases_are_followed_and_the_smallest_ttl_counts(void **state)
{
	struct vs_message out;
	char text[VS_NAME_TEXT_MAX];

	(void)state;
	dns_begin(&m, 1, 0x8180, "a.example", 1);
	dns_a(&m, "C.example", 500, 0x0a000001);
	dns_cname(&m, "b.example", 60, "c.EXAMPLE");
	dns_cname(&m, "a.example", 100, "b.example");
	dns_a(&m, "c.example", 700, 0x0a000002);
	dns_a(&m, "other.example", 1, 0x0a000003);
	assert_int_equal(read_reply(1, &out), 0);
	assert_int_equal(out.kind, VS_MESSAGE_FOUND);
	assert_int_equal(out.n, 2);
	assert_int_equal(out.ttl_s, 60);
	vs_name_text(out.owner, out.owner_len, text, sizeof(text));
	assert_string_equal(text, "c.EXAMPLE");
	assert_int_equal(m.bytes[records[1].at + 3], 2);
}

static void aliases_in_a_circle_are_refused(void **state)
{
	struct vs_message out;

	(void)state;
	dns_begin(&m, 1, 0x8180, "a.example", 1);
	dns_cname(&m, "a.example", 100, "b.example");
	dns_cname(&m, "b.example", 100, "a.example");
	assert_int_equal(read_reply(1, &out), -EBADMSG);
}

static void records_of_wrong_length_or_class_do_not_count(void **state)
{
	struct vs_message out;

	(void)state;
	dns_begin(&m, 1, 0x8180, "a.example", 1);
	dns_record(&m, 1, "a.example", 1, 9, "\1\2\3", 3);
	dns_record(&m, 1, "a.example", 1, 9, "\1\2\3\4\5", 5);
	assert_int_equal(read_reply(1, &out), 0);
	assert_int_equal(out.kind, VS_MESSAGE_NODATA);
}

/* RFC 2308 */
static void negative_answers_live_as_the_soa_says(void **state)
{
	static const struct {
		uint32_t ttl, minimum, lives;
	} cases[] = { { 300, 60, 60 }, { 30, 60, 30 }, { 0x80000001, 60, 0 }, { 1u << 30, 1u << 30, 10800 } };
	struct vs_message out;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		dns_begin(&m, 1, 0x8183, "a.example", 1);
		dns_soa(&m, "example", cases[i].ttl, cases[i].minimum);
		assert_int_equal(read_reply(1, &out), 0);
		assert_int_equal(out.kind, VS_MESSAGE_NXDOMAIN);
		assert_int_equal(out.ttl_s, cases[i].lives);
	}
	dns_begin(&m, 1, 0x8183, "a.example", 1);
	assert_int_equal(read_reply(1, &out), 0);
	assert_int_equal(out.ttl_s, 0);
	dns_begin(&m, 1, 0x8180, "a.example", 1);
	dns_cname(&m, "a.example", 20, "b.example");
	dns_soa(&m, "example", 100, 100);
	assert_int_equal(read_reply(1, &out), 0);
	assert_int_equal(out.kind, VS_MESSAGE_NODATA);
	assert_int_equal(out.ttl_s, 20);
}

static void failures_are_told(void **state)
{
	struct vs_message out;

	(void)state;
	dns_begin(&m, 1, 0x8182, "a.example", 1);
	assert_int_equal(read_reply(1, &out), 0);
	assert_int_equal(out.kind, VS_MESSAGE_FAILURE);
	assert_int_equal(out.rcode, 2);
	assert_int_equal(out.ttl_s, 0);
}

static void a_reply_cut_anywhere_is_refused(void **state)
{
	struct vs_message out;

	(void)state;
	dns_begin(&m, 1, 0x8180, "a.example", 1);
	dns_cname(&m, "a.example", 100, "b.example");
	dns_a(&m, "b.example", 700, 0x0a000002);
	for (size_t n = m.n; m.n > 0;) {
		m.n = --n;
		assert_int_equal(read_reply(1, &out), -EBADMSG);
		if (n == 0)
			break;
	}
}

static void compression_that_points_forward_or_to_itself_is_refused(void **state)
{
	uint8_t wire[VS_NAME_WIRE_MAX];
	uint8_t bytes[40] = { 0 };
	size_t len;

	(void)state;
	bytes[20] = 0xc0;
	for (unsigned to = 0; to < 40; to++) {
		bytes[21] = (uint8_t)to;
		int r = vs_name_unpack(bytes, sizeof(bytes), 20, wire, &len);
		assert_int_equal(r, to >= 12 && to < 20 ? 2 : -EBADMSG);
	}
	/* Two that point at each other. */
	bytes[21] = 14;
	bytes[14] = 0xc0;
	bytes[15] = 20;
	assert_int_equal(vs_name_unpack(bytes, sizeof(bytes), 20, wire, &len), -EBADMSG);
	bytes[20] = 0x80; /* a kind of label that does not exist */
	assert_int_equal(vs_name_unpack(bytes, sizeof(bytes), 20, wire, &len), -EBADMSG);
}

static void bytes_that_are_not_printable_are_escaped(void **state)
{
	static const uint8_t wire[] = { 4, 'a', '.', '\\', 1, 1, 0xff, 0 };
	char text[VS_NAME_TEXT_MAX];

	(void)state;
	assert_int_equal(vs_name_text(wire, sizeof(wire), text, sizeof(text)), 14);
	assert_string_equal(text, "a\\.\\\\\\001.\\255");
	assert_int_equal(vs_name_text(wire, sizeof(wire), text, 14), -ERANGE);
}

/* What vs_name_text() writes is read again as the same, whatever the bytes are. */
static void escapes_are_read(void **state)
{
	uint8_t wire[65] = { 63 }, again[VS_NAME_WIRE_MAX];
	char text[VS_NAME_TEXT_MAX];

	(void)state;
	for (unsigned first = 0; first < 256; first += 61) {
		for (unsigned i = 0; i < 63; i++)
			wire[1 + i] = (uint8_t)(first + i);
		assert_true(vs_name_text(wire, sizeof(wire), text, sizeof(text)) > 0);
		assert_int_equal(vs_name_pack(text, again), sizeof(wire));
		assert_memory_equal(again, wire, sizeof(wire));
	}
	assert_int_equal(vs_name_pack("\\097\\b.\\\\\\.\\ .", again), 8);
	assert_memory_equal(again, "\2ab\3\\. ", 8);
}

/* A chain of pointers to pointers that ends in a label. */
static void a_long_chain_of_pointers_is_refused(void **state)
{
	static uint8_t bytes[16000];
	uint8_t wire[VS_NAME_WIRE_MAX];
	size_t len, first = 12;

	(void)state;
	bytes[first] = 1;
	bytes[first + 1] = 'a';
	for (size_t at = first + 3, to = first; at + 1 < sizeof(bytes); to = at, at += 2) {
		bytes[at] = (uint8_t)(0xc0 | to >> 8);
		bytes[at + 1] = (uint8_t)to;
	}
	assert_int_equal(vs_name_unpack(bytes, sizeof(bytes), first + 3 + 126 * 2, wire, &len), 2);
	assert_int_equal(len, 3);
	assert_int_equal(vs_name_unpack(bytes, sizeof(bytes), first + 3 + 127 * 2, wire, &len), -EBADMSG);
	assert_int_equal(vs_name_unpack(bytes, sizeof(bytes), first + 3 + 7990 * 2, wire, &len), -EBADMSG);
}

static void records_of_any_type_are_all_taken(void **state)
{
	struct vs_message out;

	(void)state;
	dns_begin(&m, 1, 0x8180, "a.example", 255);
	dns_a(&m, "a.example", 500, 0x0a000001);
	dns_cname(&m, "a.example", 60, "b.example");
	dns_record(&m, 1, "a.example", 16, 70, "\1x", 2);
	dns_record(&m, 1, "a.example", 1, 10, "\1x", 2); /* no address */
	dns_a(&m, "b.example", 5, 0x0a000001);
	assert_int_equal(read_reply(255, &out), 0);
	assert_int_equal(out.kind, VS_MESSAGE_FOUND);
	assert_int_equal(out.n, 3);
	assert_int_equal(out.ttl_s, 60);
	assert_int_equal(records[2].size, 2);
}

static unsigned ttl_at(size_t at)
{
	const uint8_t *b = m.bytes + at;

	return (unsigned)b[0] << 24 | (unsigned)b[1] << 16 | (unsigned)b[2] << 8 | b[3];
}

static void a_message_is_aged_down_to_zero_and_flags_stay(void **state)
{
	size_t ends[4];

	(void)state;
	dns_begin(&m, 1, 0x8180, "a.example", 1);
	dns_a(&m, "a.example", 70000, 0x0a000001);
	ends[0] = m.n;
	dns_record(&m, 2, "a.example", 1, 7, "\1\2\3\4", 4);
	ends[1] = m.n;
	dns_record(&m, 3, "a.example", 41, 0x8000, "\1\2\3\4", 4); /* DO */
	ends[2] = m.n;
	dns_record(&m, 3, "a.example", 1, 0x80000005, "\1\2\3\4", 4);
	ends[3] = m.n;
	vs_message_age(m.bytes, m.n - 1, 10); /* the last record is cut, and stays */
	assert_int_equal(ttl_at(ends[0] - 10), 69990);
	assert_int_equal(ttl_at(ends[1] - 10), 0);
	assert_int_equal(ttl_at(ends[2] - 10), 0x8000);
	assert_int_equal(ttl_at(ends[3] - 10), 0x80000005);
	vs_message_age(m.bytes, m.n, 1);
	assert_int_equal(ttl_at(ends[0] - 10), 69989);
	assert_int_equal(ttl_at(ends[3] - 10), 0);
	vs_message_age(m.bytes, 11, 1);
	assert_int_equal(ttl_at(ends[0] - 10), 69989);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(names_are_packed_and_unpacked),
	cmocka_unit_test(names_that_are_none_are_refused),
	cmocka_unit_test(names_of_hosts_are_recognised),
	cmocka_unit_test(a_question_has_recursion_and_edns),
	cmocka_unit_test(aliases_are_followed_and_the_smallest_ttl_counts),
	cmocka_unit_test(aliases_in_a_circle_are_refused),
	cmocka_unit_test(records_of_wrong_length_or_class_do_not_count),
	cmocka_unit_test(negative_answers_live_as_the_soa_says),
	cmocka_unit_test(failures_are_told),
	cmocka_unit_test(a_reply_cut_anywhere_is_refused),
	cmocka_unit_test(compression_that_points_forward_or_to_itself_is_refused),
	cmocka_unit_test(bytes_that_are_not_printable_are_escaped),
	cmocka_unit_test(escapes_are_read),
	cmocka_unit_test(a_long_chain_of_pointers_is_refused),
	cmocka_unit_test(records_of_any_type_are_all_taken),
	cmocka_unit_test(a_message_is_aged_down_to_zero_and_flags_stay),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
