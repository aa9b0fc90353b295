/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Domain names: text and wire, limits, characters, pointers, lists. */

#include <stdlib.h>

#include "proto/dns_name.h"
#include "unit.h"

#define BYTES(literal) (const uint8_t *)(literal), sizeof(literal) - 1

/* In memory of exactly that length, so a sanitizer detects a read beyond it. */
static size_t decode(const uint8_t *bytes, size_t n, size_t at, unsigned how, char *text)
{
	uint8_t *exact = malloc(n > 0 ? n : 1);

	assert_non_null(exact);
	memcpy(exact, bytes, n);
	memset(text, 'x', VS_DNS_NAME_TEXT);
	size_t taken = vs_dns_name_decode(exact, n, at, how, text);
	if (taken == 0)
		for (size_t i = 0; i < VS_DNS_NAME_TEXT; i++)
			assert_int_equal(text[i], 'x');
	free(exact);
	return taken;
}

static void refuse(const uint8_t *bytes, size_t n, size_t at, unsigned how)
{
	char text[VS_DNS_NAME_TEXT];

	assert_int_equal(decode(bytes, n, at, how, text), 0);
}

static void a_name_is_encoded_and_decoded(void **state)
{
	static const char *const names[] = { "a", "example.org", "_srv._tcp.x-y.Test", "1.2.3" };
	uint8_t wire[VS_DNS_NAME_WIRE];
	char text[VS_DNS_NAME_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t n = vs_dns_name_encode(names[i], wire);
		assert_int_equal(n, strlen(names[i]) + 2);
		assert_int_equal(decode(wire, n, 0, 0, text), n);
		assert_string_equal(text, names[i]);
		assert_int_equal(decode(wire, n - 1, 0, VS_DNS_PARTIAL, text), n - 1);
		assert_string_equal(text, names[i]);
		refuse(wire, n - 1, 0, 0);
	}
	assert_int_equal(vs_dns_name_encode("example.org", wire), 13);
	assert_memory_equal(wire, "\7example\3org\0", 13);
}

static void a_final_dot_changes_nothing(void **state)
{
	uint8_t with[VS_DNS_NAME_WIRE], without[VS_DNS_NAME_WIRE];

	(void)state;
	size_t n = vs_dns_name_encode("example.org", without);
	assert_int_equal(vs_dns_name_encode("example.org.", with), n);
	assert_memory_equal(with, without, n);
}

static void labels_end_at_63_and_names_at_255_bytes(void **state)
{
	char text[300] = "", back[VS_DNS_NAME_TEXT];
	uint8_t wire[VS_DNS_NAME_WIRE + 1];

	(void)state;
	memset(text, 'a', 63);
	assert_int_equal(vs_dns_name_encode(text, wire), 65);
	text[63] = 'a';
	assert_false(vs_dns_name_valid(text));

	/* 253 characters are 255 bytes on the wire. */
	memset(text, 'a', 254);
	text[63] = text[127] = text[191] = '.';
	text[253] = '\0';
	wire[VS_DNS_NAME_WIRE] = 0xee;
	assert_int_equal(vs_dns_name_encode(text, wire), VS_DNS_NAME_WIRE);
	assert_int_equal(wire[VS_DNS_NAME_WIRE], 0xee);
	assert_int_equal(decode(wire, VS_DNS_NAME_WIRE, 0, 0, back), VS_DNS_NAME_WIRE);
	assert_string_equal(back, text);
	text[253] = 'a', text[254] = '\0';
	assert_false(vs_dns_name_valid(text));

	/* One byte more in the last label. */
	uint8_t longer[VS_DNS_NAME_WIRE + 1];
	memcpy(longer, wire, VS_DNS_NAME_WIRE);
	longer[192]++;
	longer[254] = 'a', longer[255] = 0;
	refuse(longer, sizeof(longer), 0, 0);
}

static void what_is_no_host_name_is_refused(void **state)
{
	static const char *const bad[] = { "", ".", "..", "a..b", ".a", "a b", "a\nb", "a#b", "a\tb", "a\x7f",
					   "-a", "a-", "a.-b", "a;b", "a\\b", "*", "a/b", "a:b", "\xc3\xa8" };
	uint8_t wire[VS_DNS_NAME_WIRE];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(vs_dns_name_valid(bad[i]));
		assert_int_equal(vs_dns_name_encode(bad[i], wire), 0);
	}
	for (unsigned c = 0; c < 256; c++) { /* from the wire, each byte in the middle of a label */
		uint8_t name[] = { 3, 'a', (uint8_t)c, 'b', 0 };
		char text[VS_DNS_NAME_TEXT];
		bool good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    c == '-' || c == '_';
		assert_int_equal(decode(name, sizeof(name), 0, 0, text), good ? sizeof(name) : 0);
	}
}

static void a_name_that_is_cut_off_is_refused(void **state)
{
	static const uint8_t name[] = "\7example\3org";

	(void)state;
	for (size_t n = 0; n < sizeof(name); n++)
		refuse(name, n, 0, VS_DNS_POINTERS);
	for (size_t n = 0; n < sizeof(name) - 1; n++)
		if (n != 8) /* behind the first label */
			refuse(name, n, 0, VS_DNS_PARTIAL);
	refuse(name, sizeof(name), sizeof(name), 0);
	refuse(name, sizeof(name), 1000, VS_DNS_PARTIAL);
	const uint8_t long_label[66] = { 64 };
	refuse(long_label, sizeof(long_label), 0, 0);
}

static void pointers_are_followed_only_backwards(void **state)
{
	char text[VS_DNS_NAME_TEXT];
	static const uint8_t list[] = "\3eng\5apple\3com\0\x09marketing\xc0\x04";

	(void)state;
	assert_int_equal(decode(list, sizeof(list) - 1, 15, VS_DNS_POINTERS, text), 12);
	assert_string_equal(text, "marketing.apple.com");
	refuse(list, sizeof(list) - 1, 15, 0);
	refuse(BYTES("\xc0\x00"), 0, VS_DNS_POINTERS);                 /* itself */
	refuse(BYTES("\1a\xc0\x00"), 0, VS_DNS_POINTERS);              /* the name that it ends */
	refuse(BYTES("\1a\xc0\x02"), 0, VS_DNS_POINTERS);
	refuse(BYTES("\xc0\x02\1a\0"), 0, VS_DNS_POINTERS);            /* forwards */
	refuse(BYTES("\1a\xc0\x04\1b\xc0\x00"), 4, VS_DNS_POINTERS);   /* in a circle */
	refuse(BYTES("\xc0\x00\xc0\x00"), 2, VS_DNS_POINTERS);         /* to one that points to itself */
	refuse(BYTES("\1a\0\1b\xc0"), 3, VS_DNS_POINTERS);             /* cut off */
	refuse(BYTES("\1a\0\1b\x80\x00\0"), 3, VS_DNS_POINTERS);       /* reserved */
	refuse(BYTES("\1a\0\1b\xff\xff\0"), 3, VS_DNS_POINTERS);       /* outside */
}

static void a_chain_of_pointers_ends_with_the_longest_name(void **state)
{
	uint8_t chain[2 * 4 + 300 * 4] = { 1, 'a', 0 };
	char text[VS_DNS_NAME_TEXT];
	size_t n = 3;

	(void)state;
	for (size_t last = 0, i = 0; i < 300; i++) { /* each adds a label to the one before */
		chain[n] = 1, chain[n + 1] = 'b';
		chain[n + 2] = (uint8_t)(0xc0 | last >> 8), chain[n + 3] = (uint8_t)last;
		size_t taken = decode(chain, n + 4, n, VS_DNS_POINTERS, text);
		assert_int_equal(taken, i < 126 ? 4 : 0);
		last = n;
		n += 4;
	}
}

static void a_list_is_text_with_spaces(void **state)
{
	char text[64];

	(void)state;
	assert_int_equal(vs_dns_name_list(BYTES("\1a\1b\0\0\0\1c\0\1A\1B\0\0"), 0, text, sizeof(text)), 2);
	assert_string_equal(text, "a.b c");
	assert_int_equal(vs_dns_name_list(BYTES("\3eng\5apple\3com\0\x09marketing\xc0\x04"), VS_DNS_POINTERS,
					  text, sizeof(text)), 2);
	assert_string_equal(text, "eng.apple.com marketing.apple.com");
	assert_int_equal(vs_dns_name_list(BYTES("\2ab\0\1a\0\1b\0"), 0, text, sizeof(text)), 3);
	assert_string_equal(text, "ab a b");
	assert_int_equal(vs_dns_name_list(BYTES(""), 0, text, sizeof(text)), 0);
	assert_string_equal(text, "");
	assert_int_equal(vs_dns_name_list(BYTES("\0\0\0\0\0"), 0, text, sizeof(text)), 0);
	assert_string_equal(text, "");
}

static void a_list_with_a_bad_name_is_refused_whole(void **state)
{
	char text[64] = "before";

	(void)state;
	assert_int_equal(vs_dns_name_list(BYTES("\1a\0\3a\nb\0"), 0, text, sizeof(text)), -1);
	assert_int_equal(vs_dns_name_list(BYTES("\1a\0\3ab"), 0, text, sizeof(text)), -1);
	assert_string_equal(text, "before");
}

static void a_list_keeps_whole_names_that_fit(void **state)
{
	char text[8];

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(vs_dns_name_list(BYTES("\1a\0\1b\0\4long\0\1c\0"), 0, text, sizeof(text)), 2);
	assert_string_equal(text, "a b");
	assert_int_equal(vs_dns_name_list(BYTES("\1a\0\5exact\0"), 0, text, sizeof(text)), 2);
	assert_string_equal(text, "a exact");
	assert_int_equal(vs_dns_name_list(BYTES("\1a\0\5exact\0"), 0, text, sizeof(text) - 1), 1);
	assert_string_equal(text, "a");
	assert_int_equal(vs_dns_name_list(BYTES("\1a\0\4fits\0\1b\0"), 0, text, 7), 2);
	assert_string_equal(text, "a fits");
	assert_int_equal(vs_dns_name_list(BYTES("\1a\0"), 0, text, 1), 0);
	assert_string_equal(text, "");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_name_is_encoded_and_decoded),
	cmocka_unit_test(a_final_dot_changes_nothing),
	cmocka_unit_test(labels_end_at_63_and_names_at_255_bytes),
	cmocka_unit_test(what_is_no_host_name_is_refused),
	cmocka_unit_test(a_name_that_is_cut_off_is_refused),
	cmocka_unit_test(pointers_are_followed_only_backwards),
	cmocka_unit_test(a_chain_of_pointers_ends_with_the_longest_name),
	cmocka_unit_test(a_list_is_text_with_spaces),
	cmocka_unit_test(a_list_with_a_bad_name_is_refused_whole),
	cmocka_unit_test(a_list_keeps_whole_names_that_fit),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
