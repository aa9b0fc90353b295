/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Wrong bits: which, how many, and that no checksum shows those that must not be seen. */

#include <frames.h>
#include <stdlib.h>

#include "pump/impair_corrupt.h"
#include "unit.h"

static uint8_t frame[FRAME_ROOM], before[FRAME_ROOM];

/* Changed bits; *first is the offset of the first byte with one. */
static unsigned changed_bits(size_t len, size_t *first)
{
	unsigned n = 0;

	*first = len;
	for (size_t i = len; i-- > 0;) {
		n += (unsigned)__builtin_popcount(frame[i] ^ before[i]);
		if (frame[i] != before[i])
			*first = i;
	}
	return n;
}

static void a_bit_behind_the_ethernet_header_is_changed_and_each_can_be(void **state)
{
	uint8_t seen[20] = { 0 };
	size_t at;

	(void)state;
	for (uint64_t choice = 0; choice < 20 * 8; choice++) {
		memset(before, 0x55, 34);
		memset(frame, 0x55, 34);
		assert_true(vs_corrupt(frame, 34, choice));
		assert_int_equal(changed_bits(34, &at), 1);
		assert_true(at >= 14);
		seen[at - 14] |= frame[at] ^ before[at];
	}
	for (int i = 0; i < 20; i++)
		assert_int_equal(seen[i], 0xff);
	assert_false(vs_corrupt(frame, 14, 5));
	assert_false(vs_corrupt(frame, 0, 5));
}

/* Every kind of frame that frames.h makes. */
static struct frame kind(unsigned i)
{
	static const uint8_t hop[8] = { 0, 0, 1, 4 };
	struct frame f = { .tags = (int)(i % 3),
			   .ttl = 64,
			   .sport = 1000,
			   .dport = 2000,
			   .flags = ACK,
			   .payload = 1 + (i * 7) % 97,
			   .payload_from = i };

	f.ipv6 = (i / 3) % 2;
	f.udp = (i / 6) % 2;
	f.tcp_options = f.udp ? 0 : (i / 12) % 3 * 4;
	if (!f.ipv6)
		f.ip_options = (i / 12) % 4 * 4;
	else if ((i / 12) % 2) {
		f.ext = hop;
		f.ext_len = sizeof(hop);
		f.ext_first = 0;
	}
	f.no_check = f.udp && !f.ipv6 && (i / 24) % 2;
	return f;
}

static void changed_payload_has_checksums_that_fit(void **state)
{
	uint8_t ext[8];

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct frame f = kind(i);
		size_t at;
		if (f.ext != NULL) { /* its next header */
			memcpy(ext, f.ext, sizeof(ext));
			ext[0] = f.udp ? 17 : 6;
			f.ext = ext;
		}
		size_t len = frame_make(&f, before);
		struct layout l = frame_layout(&f);
		size_t check = l.l4 + (f.udp ? 6 : 16);
		memcpy(frame, before, len);
		assert_true(vs_corrupt_valid(frame, len, 0x9e3779b97f4a7c15 * i));
		(void)changed_bits(l.payload, &at);
		assert_true(at == l.payload || at == check || at == check + 1); /* headers stay */
		assert_memory_not_equal(frame + l.payload, before + l.payload, f.payload);
		if (f.no_check) {
			assert_int_equal(frame_get(frame + check, 2), 0);
			continue;
		}
		uint32_t sum = frame_pseudo(frame + l.l3, f.ipv6, f.udp, l.len - l.l4);
		assert_int_equal(frame_sum(sum, frame + l.l4, l.len - l.l4) % 0xffff, 0);
		assert_true(!f.udp || frame_get(frame + check, 2) != 0);
	}
}

/* ICMP echo in IPv4 and ICMPv6 echo, with a right checksum. */
static size_t make_echo(bool ipv6, size_t payload)
{
	size_t ip = ipv6 ? 40 : 20, l4 = 14 + ip, len = l4 + 8 + payload;

	memset(before, 0, len);
	frame_put(before + 12, ipv6 ? 0x86dd : 0x0800, 2);
	before[14] = ipv6 ? 0x60 : 0x45;
	frame_put(before + (ipv6 ? 18 : 16), (uint32_t)(8 + payload + (ipv6 ? 0 : 20)), 2);
	before[ipv6 ? 20 : 23] = ipv6 ? 58 : 1;
	before[l4] = ipv6 ? 128 : 8;
	for (size_t i = 0; i < payload; i++)
		before[l4 + 8 + i] = frame_pattern(i);
	frame_put(before + l4 + 2, (uint16_t)~frame_sum(0, before + l4, 8 + payload), 2);
	memcpy(frame, before, len);
	return len;
}

static void icmp_echoes_have_checksums_that_fit(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4000; i++) {
		bool ipv6 = i % 2;
		size_t payload = 1 + i % 61, l4 = ipv6 ? 54 : 34;
		size_t len = make_echo(ipv6, payload);
		assert_true(vs_corrupt_valid(frame, len, 0x9e3779b97f4a7c15 * i));
		assert_memory_not_equal(frame + l4 + 8, before + l4 + 8, payload);
		assert_memory_equal(frame, before, l4 + 2);
		assert_int_equal(frame_sum(0, frame + l4, len - l4) % 0xffff, 0);
	}
}

static void a_wrong_checksum_stays_as_wrong_as_it_was(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		size_t len = make_echo(false, 40);
		frame[36] ^= 0x40;
		uint32_t wrong = frame_sum(0, frame + 34, len - 34) % 0xffff;
		assert_true(vs_corrupt_valid(frame, len, i));
		assert_int_equal(frame_sum(0, frame + 34, len - 34) % 0xffff, wrong);
	}
}

/* The checksum is in another frame: the sum of the fragment must not change. */
static void the_sum_of_a_fragment_stays(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		size_t len = make_echo(false, 200);
		frame_put(frame + 20, i % 2 ? 0x2000 : 0x0010, 2); /* the first, or a later one */
		memcpy(before, frame, len);
		assert_true(vs_corrupt_valid(frame, len, 0x9e3779b97f4a7c15 * i));
		assert_memory_equal(frame, before, 34 + 60); /* no transport header */
		assert_memory_not_equal(frame, before, len);
		assert_int_equal(frame_sum(0, frame + 34, len - 34), frame_sum(0, before + 34, len - 34));
	}
	size_t len = make_echo(false, 200);
	frame[20] = 0x20;
	memset(frame + 34, 7, 208);
	assert_false(vs_corrupt_valid(frame, len, 1)); /* all words are equal */
}

static void what_has_no_payload_or_no_known_checksum_is_left(void **state)
{
	struct frame f = { .ttl = 64, .flags = ACK };
	size_t len = frame_make(&f, frame);

	(void)state;
	memcpy(before, frame, len);
	assert_false(vs_corrupt_valid(frame, len, 77));
	f.payload = 20;
	len = frame_make(&f, frame);
	frame[23] = 132; /* SCTP has a CRC */
	memcpy(before, frame, len);
	assert_false(vs_corrupt_valid(frame, len, 77));
	frame[12] = 0x88; /* not IP */
	assert_false(vs_corrupt_valid(frame, len, 77));
	frame[12] = 8;
	assert_memory_equal(frame, before, len);
}

/* In a block of exactly that size: the address sanitizer and valgrind see reads beyond. */
static void frames_cut_anywhere_are_no_harm(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 72; i++) {
		struct frame f = kind(i);
		size_t whole = frame_make(&f, before);
		for (size_t len = 0; len < whole; len++) {
			uint8_t *exact = malloc(len + (len == 0));
			assert_non_null(exact);
			memcpy(exact, before, len);
			assert_false(vs_corrupt_valid(exact, len, i));
			assert_memory_equal(exact, before, len);
			free(exact);
		}
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_bit_behind_the_ethernet_header_is_changed_and_each_can_be),
	cmocka_unit_test(changed_payload_has_checksums_that_fit),
	cmocka_unit_test(icmp_echoes_have_checksums_that_fit),
	cmocka_unit_test(a_wrong_checksum_stays_as_wrong_as_it_was),
	cmocka_unit_test(the_sum_of_a_fragment_stays),
	cmocka_unit_test(what_has_no_payload_or_no_known_checksum_is_left),
	cmocka_unit_test(frames_cut_anywhere_are_no_harm),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
