/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Frames of every layout: complete, cut off at every byte, and wrong at one place. */

#include <frames.h>
#include <stdlib.h>

#include "proto/packet.h"
#include "unit.h"

static uint8_t buffer[FRAME_ROOM];

static const struct frame tcp4 = {
	.ttl = 64, .sport = 1, .dport = 2, .flags = ACK, .df = true, .payload = 10
};
static const struct frame udp6 = {
	.ipv6 = true, .udp = true, .ttl = 64, .sport = 1, .dport = 2, .payload = 10
};

/* In memory of exactly that length, so a sanitizer detects a read beyond it. */
static enum vs_packet_result parse(const uint8_t *frame, size_t len, struct vs_packet *p)
{
	uint8_t *exact = malloc(len > 0 ? len : 1);

	assert_non_null(exact);
	memcpy(exact, frame, len);
	enum vs_packet_result result = vs_packet_parse(exact, len, p);
	free(exact);
	return result;
}

static enum vs_packet_result result_of(size_t len)
{
	struct vs_packet untouched, p;

	memset(&untouched, 0xa5, sizeof(untouched));
	p = untouched;
	enum vs_packet_result result = parse(buffer, len, &p);
	if (result != VS_PACKET_OK)
		assert_memory_equal(&p, &untouched, sizeof(p));
	return result;
}

/* Hop-by-hop, destination options, routing: 8, 16 and 24 bytes; then TCP. */
static const uint8_t chain[] = {
	60, 0, 1, 4,  0, 0, 0, 0,                            /* hop-by-hop, next: destination options */
	43, 1, 1, 12, 0, 0, 0, 0, 0,    0, 0, 0, 0, 0, 0, 0, /* next: routing */
	6,  2, 4, 0,  0, 0, 0, 0, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfe,
};

static void check_layout(const struct frame *f)
{
	struct layout at = frame_layout(f);
	struct vs_packet p;

	frame_make(f, buffer);
	memset(buffer + at.len, 0xee, 50); /* padding */
	for (size_t padding = 0; padding <= 46; padding += 46) {
		assert_int_equal(parse(buffer, at.len + padding, &p), VS_PACKET_OK);
		assert_int_equal(p.l3, at.l3);
		assert_int_equal(p.l4, at.l4);
		assert_int_equal(p.payload, at.payload);
		assert_int_equal(p.end, at.len);
		assert_int_equal(p.version, f->ipv6 ? 6 : 4);
		assert_int_equal(p.proto, f->udp ? 17 : 6);
		assert_int_equal(p.n_tags, f->tags);
		assert_int_equal(p.extended, f->ip_options > 0 || f->ext_len > 0);
		assert_false(p.authenticated);
	}
	for (size_t len = 0; len < at.len; len++)
		assert_int_not_equal(result_of(len), VS_PACKET_OK);
}

static void every_layout_is_found(void **state)
{
	(void)state;
	for (int bits = 0; bits < 16; bits++) {
		for (int tags = 0; tags <= 2; tags++) {
			for (size_t options = 0; options <= 40; options += 4) {
				struct frame f = {
					.ttl = 1, .sport = 9, .dport = 8, .flags = ACK, .tags = tags
				};
				f.ipv6 = bits & 1;
				f.udp = bits & 2;
				f.df = bits & 4;
				f.payload = bits & 8 ? 77 : 0;
				f.ip_options = f.ipv6 ? 0 : options;
				f.tcp_options = f.udp ? 0 : options;
				check_layout(&f);
			}
		}
	}
}

static void extension_headers_are_skipped(void **state)
{
	struct frame f = {
		.ipv6 = true, .ttl = 1, .flags = ACK, .payload = 5, .ext = chain, .ext_len = sizeof(chain)
	};

	(void)state;
	f.ext_first = 0;
	check_layout(&f);
}

/* Its length counts words of 4 bytes, less 2. */
static void authentication_header_has_its_own_unit(void **state)
{
	uint8_t ah[24] = { 6, 4, 0, 0 };
	struct frame f = {
		.ipv6 = true, .ttl = 1, .flags = ACK, .payload = 5, .ext = ah, .ext_len = 24, .ext_first = 51
	};
	struct vs_packet p;

	(void)state;
	size_t len = frame_make(&f, buffer);
	assert_int_equal(parse(buffer, len, &p), VS_PACKET_OK);
	assert_true(p.authenticated && p.extended);
	assert_int_equal(p.l4, 14 + 40 + 24);
	assert_int_equal(p.proto, 6);
}

static void fragments_of_ipv4(void **state)
{
	static const struct {
		uint16_t field;
		enum vs_packet_result result;
	} table[] = {
		{ 0x0000, VS_PACKET_OK },       { 0x4000, VS_PACKET_OK },
		{ 0x8000, VS_PACKET_OK },       { 0xc000, VS_PACKET_OK },
		{ 0x2000, VS_PACKET_FRAGMENT }, { 0x6000, VS_PACKET_FRAGMENT },
		{ 0x0001, VS_PACKET_FRAGMENT }, { 0x1fff, VS_PACKET_FRAGMENT },
		{ 0x4001, VS_PACKET_FRAGMENT }, { 0x1000, VS_PACKET_FRAGMENT },
		{ 0x3fff, VS_PACKET_FRAGMENT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		size_t len = frame_make(&tcp4, buffer);
		frame_put(buffer + 14 + 6, table[i].field, 2);
		assert_int_equal(result_of(len) == VS_PACKET_OK, table[i].result == VS_PACKET_OK);
		if (table[i].result != VS_PACKET_OK)
			assert_int_equal(result_of(len), table[i].result);
	}
}

static void fragments_of_ipv6(void **state)
{
	static const struct {
		uint16_t field;
		bool fragment;
	} table[] = {
		{ 0, false }, { 6, false }, { 1, true }, { 8, true }, { 0xfff8, true }, { 0x8000, true }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t ext[8] = { 17, 0xff }; /* the second byte is reserved, not a length */
		struct frame f = udp6;
		struct vs_packet p;
		frame_put(ext + 2, table[i].field, 2);
		f.ext = ext;
		f.ext_len = 8;
		f.ext_first = 44;
		size_t len = frame_make(&f, buffer);
		assert_int_equal(parse(buffer, len, &p),
				 table[i].fragment ? VS_PACKET_FRAGMENT : VS_PACKET_OK);
	}
}

static void packets_that_are_not_ip(void **state)
{
	static const uint16_t types[] = { 0x0806, 0x0000, 0x05dc, 0x88cc, 0xffff, 0x9100 };

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		size_t len = frame_make(&tcp4, buffer);
		frame_put(buffer + 12, types[i], 2);
		assert_int_equal(result_of(len), VS_PACKET_NOT_IP);
	}
	memset(buffer, 0x81, sizeof(buffer)); /* tags without end */
	for (size_t i = 12; i < 200; i += 4)
		frame_put(buffer + i, 0x8100, 2);
	assert_int_equal(result_of(200), VS_PACKET_NOT_IP);
	for (size_t len = 0; len < 22; len++)
		assert_int_equal(result_of(len), VS_PACKET_SHORT);
}

/* A byte of a valid frame is changed. */
static void broken_headers(void **state)
{
	static const struct {
		const struct frame *f;
		size_t at;
		uint8_t value;
		enum vs_packet_result result;
	} table[] = {
		{ &tcp4, 14, 0x55, VS_PACKET_IP_HEADER },       /* version 5 */
		{ &tcp4, 14, 0x65, VS_PACKET_IP_HEADER },       /* version 6 */
		{ &tcp4, 14, 0x44, VS_PACKET_IP_HEADER },       /* a header of 16 bytes */
		{ &tcp4, 14, 0x40, VS_PACKET_IP_HEADER },       /* of none */
		{ &tcp4, 14, 0x4f, VS_PACKET_IP_HEADER },       /* longer than the packet */
		{ &tcp4, 16, 0xff, VS_PACKET_IP_LENGTH },       /* more than the frame */
		{ &tcp4, 17, 19, VS_PACKET_IP_LENGTH },         /* less than the header */
		{ &tcp4, 17, 20, VS_PACKET_TCP_HEADER },        /* only the header */
		{ &tcp4, 17, 39, VS_PACKET_TCP_HEADER },        /* cuts the TCP header */
		{ &tcp4, 23, 1, VS_PACKET_TRANSPORT },          /* ICMP */
		{ &tcp4, 23, 132, VS_PACKET_TRANSPORT },        /* SCTP */
		{ &tcp4, 23, 17, VS_PACKET_UDP_HEADER },        /* not a UDP length there */
		{ &tcp4, 34 + 12, 0x40, VS_PACKET_TCP_HEADER }, /* a header of 16 bytes */
		{ &tcp4, 34 + 12, 0x00, VS_PACKET_TCP_HEADER },
		{ &tcp4, 34 + 12, 0xf0, VS_PACKET_TCP_HEADER }, /* options beyond the end */
		{ &udp6, 14, 0x40, VS_PACKET_IP_HEADER },
		{ &udp6, 18, 0xff, VS_PACKET_IP_LENGTH },
		{ &udp6, 19, 19, VS_PACKET_IP_LENGTH }, /* one more than exists */
		{ &udp6, 19, 17, VS_PACKET_UDP_HEADER },
		{ &udp6, 19, 0, VS_PACKET_UDP_HEADER },
		{ &udp6, 20, 58, VS_PACKET_TRANSPORT }, /* ICMPv6 */
		{ &udp6, 20, 50, VS_PACKET_TRANSPORT }, /* ESP */
		{ &udp6, 20, 59, VS_PACKET_EXTENSION }, /* no next header */
		{ &udp6, 20, 0, VS_PACKET_EXTENSION },  /* UDP's ports are no options header */
		{ &udp6, 54 + 5, 17, VS_PACKET_UDP_HEADER },
		{ &udp6, 54 + 5, 19, VS_PACKET_UDP_HEADER },
		{ &udp6, 54 + 5, 0, VS_PACKET_UDP_HEADER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct frame f = *table[i].f;
		f.dport = 0xff; /* as a length: beyond the end */
		f.sport = 0xffff;
		size_t len = frame_make(&f, buffer);
		buffer[table[i].at] = table[i].value;
		if (result_of(len) != table[i].result)
			fail_msg("row %zu: result %d, not %d", i, result_of(len), table[i].result);
	}
}

/* A length that exceeds the packet, by little or by as much as possible. */
static void extension_headers_end_in_the_packet(void **state)
{
	static const uint8_t types[] = { 0, 43, 60, 51 };
	uint8_t ext[8] = { 17 };
	struct frame f = udp6;
	struct vs_packet p;

	(void)state;
	f.ext = ext;
	f.ext_len = 8;
	f.payload = 0;
	for (size_t i = 0; i < sizeof(types); i++) {
		size_t unit = types[i] == 51 ? 4 : 8, units_less = types[i] == 51 ? 2 : 1;
		f.ext_first = types[i];
		for (size_t n = 0; n < 256; n++) {
			ext[1] = (uint8_t)n;
			size_t header = (n + units_less) * unit;
			size_t len = frame_make(&f, buffer);
			enum vs_packet_result result = parse(buffer, len, &p);
			assert_int_equal(result, header == 8    ? VS_PACKET_OK
						 : header <= 16 ? VS_PACKET_UDP_HEADER
								: VS_PACKET_EXTENSION);
		}
	}
}

static void too_many_extension_headers(void **state)
{
	uint8_t ext[9 * 8] = { 0 };
	struct frame f = udp6;
	struct vs_packet p;

	(void)state;
	for (size_t i = 0; i < 9; i++)
		ext[8 * i] = 60;
	f.ext = ext;
	f.ext_first = 60;
	for (size_t n = 1; n <= 9; n++) {
		ext[8 * (n - 1)] = 17;
		f.ext_len = 8 * n;
		size_t len = frame_make(&f, buffer);
		assert_int_equal(parse(buffer, len, &p), n <= 8 ? VS_PACKET_OK : VS_PACKET_EXTENSION);
		ext[8 * (n - 1)] = 60;
	}
}

static void the_longest_packet(void **state)
{
	struct frame f = tcp4;
	struct vs_packet p;

	(void)state;
	f.payload = 65535 - 40;
	size_t len = frame_make(&f, buffer);
	assert_int_equal(parse(buffer, len, &p), VS_PACKET_OK);
	assert_int_equal(p.end, 14 + 65535);
	f = udp6;
	f.payload = 65535 - 8;
	len = frame_make(&f, buffer);
	assert_int_equal(parse(buffer, len, &p), VS_PACKET_OK);
	assert_int_equal(p.end, 14 + 40 + 65535);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_layout_is_found),
		cmocka_unit_test(extension_headers_are_skipped),
		cmocka_unit_test(authentication_header_has_its_own_unit),
		cmocka_unit_test(fragments_of_ipv4),
		cmocka_unit_test(fragments_of_ipv6),
		cmocka_unit_test(packets_that_are_not_ip),
		cmocka_unit_test(broken_headers),
		cmocka_unit_test(extension_headers_end_in_the_packet),
		cmocka_unit_test(too_many_extension_headers),
		cmocka_unit_test(the_longest_packet),
	};

	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
