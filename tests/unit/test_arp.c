/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ARP packets, and UDP datagrams in IPv4 packets, byte by byte. */

#include <frames.h>

#include "proto/arp.h"
#include "proto/udp4.h"
#include "unit.h"

static const uint8_t request[VS_ARP_BYTES] = { 0,  1, 8, 0, 6, 4, 0, 1, 2, 0, 0,  0, 0, 1,
					       10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 50 };

static void a_request_is_written_as_rfc_826_says(void **state)
{
	const struct vs_arp arp = { .op = VS_ARP_REQUEST,
				    .sender_mac = { 2, 0, 0, 0, 0, 1 },
				    .sender_ip = 0x0a000001,
				    .target_ip = 0x0a000032 };
	uint8_t bytes[VS_ARP_BYTES];

	(void)state;
	vs_arp_encode(&arp, bytes);
	assert_memory_equal(bytes, request, sizeof(request));
}

static void a_packet_is_read_with_the_padding_of_ethernet(void **state)
{
	uint8_t bytes[46] = { 0 };
	struct vs_arp arp;

	(void)state;
	memcpy(bytes, request, sizeof(request));
	bytes[7] = 2;
	memcpy(bytes + 18, "\x02\x01\x02\x03\x04\x05", 6);
	assert_true(vs_arp_parse(bytes, sizeof(bytes), &arp));
	assert_int_equal(arp.op, VS_ARP_REPLY);
	assert_memory_equal(arp.sender_mac, "\x02\0\0\0\0\1", 6);
	assert_memory_equal(arp.target_mac, "\x02\x01\x02\x03\x04\x05", 6);
	assert_int_equal(arp.sender_ip, 0x0a000001);
	assert_int_equal(arp.target_ip, 0x0a000032);
}

static void other_packets_are_refused(void **state)
{
	struct vs_arp arp;
	uint8_t bytes[VS_ARP_BYTES];

	(void)state;
	for (size_t n = 0; n < VS_ARP_BYTES; n++)
		assert_false(vs_arp_parse(request, n, &arp));
	for (size_t at = 0; at < 8; at++) { /* another kind of network, protocol, length, operation */
		memcpy(bytes, request, sizeof(bytes));
		bytes[at] ^= 0x40;
		assert_false(vs_arp_parse(bytes, sizeof(bytes), &arp));
	}
	memcpy(bytes, request, sizeof(bytes));
	bytes[7] = 0;
	assert_false(vs_arp_parse(bytes, sizeof(bytes), &arp));
	bytes[7] = 3; /* RARP */
	assert_false(vs_arp_parse(bytes, sizeof(bytes), &arp));
}

/* UDP in IPv4 */

static const uint8_t payload[] = "seventeen bytes.";

static size_t wrapped(uint8_t *out, size_t room)
{
	const struct vs_udp4 udp = { .src = 0x0a000001,
				     .dst = 0xffffffff,
				     .src_port = 68,
				     .dst_port = 67,
				     .payload = payload,
				     .n = sizeof(payload) };

	return vs_udp4_wrap(&udp, out, room);
}

static void a_wrapped_datagram_has_right_headers(void **state)
{
	uint8_t bytes[100];
	size_t n = wrapped(bytes, sizeof(bytes));
	uint32_t pseudo = frame_pseudo(bytes, false, true, n - 20);

	(void)state;
	assert_int_equal(n, 28 + sizeof(payload));
	assert_int_equal(frame_get(bytes, 2), 0x4500);
	assert_int_equal(frame_get(bytes + 2, 2), n);
	assert_int_equal(frame_get(bytes + 6, 2), 0x4000);
	assert_int_equal(frame_get(bytes + 8, 2), 64 << 8 | 17);
	assert_int_equal(frame_sum(0, bytes, 20), 0xffff);
	assert_int_equal(frame_sum(pseudo, bytes + 20, n - 20), 0xffff);
	assert_int_equal(wrapped(bytes, 28 + sizeof(payload) - 1), 0);
}

static void a_datagram_that_was_wrapped_is_read_again(void **state)
{
	uint8_t bytes[100] = { 0 };
	size_t n = wrapped(bytes, sizeof(bytes));
	struct vs_udp4 udp;

	(void)state;
	assert_int_equal(vs_udp4_unwrap(bytes, n + 9, false, &udp), VS_UDP4_OK); /* Ethernet padding */
	assert_int_equal(udp.n, sizeof(payload));
	assert_memory_equal(udp.payload, payload, sizeof(payload));
	assert_int_equal(udp.src, 0x0a000001);
	assert_int_equal(udp.dst, 0xffffffff);
	assert_int_equal(udp.src_port, 68);
	assert_int_equal(udp.dst_port, 67);
}

/* The checksums cover each bit of the packet. */
static void no_changed_bit_is_accepted(void **state)
{
	uint8_t bytes[100];
	size_t n = wrapped(bytes, sizeof(bytes));
	struct vs_udp4 udp;

	(void)state;
	for (size_t bit = 0; bit < 8 * n; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (vs_udp4_unwrap(bytes, n, false, &udp) == VS_UDP4_OK)
			fail_msg("bit %zu", bit);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t cut = 0; cut < n; cut++)
		assert_int_not_equal(vs_udp4_unwrap(bytes, cut, false, &udp), VS_UDP4_OK);
}

static void repair_ip(uint8_t *bytes, size_t header)
{
	frame_put(bytes + 10, 0, 2);
	frame_put(bytes + 10, ~frame_sum(0, bytes, header) & 0xffff, 2);
}

static void ip_options_are_skipped(void **state)
{
	uint8_t bytes[100], with[120] = { 0 };
	size_t n = wrapped(bytes, sizeof(bytes));
	struct vs_udp4 udp;

	(void)state;
	memcpy(with, bytes, 20);
	memset(with + 20, 1, 4);
	memcpy(with + 24, bytes + 20, n - 20);
	with[0] = 0x46;
	frame_put(with + 2, (uint32_t)n + 4, 2);
	repair_ip(with, 24);
	assert_int_equal(vs_udp4_unwrap(with, n + 4, false, &udp), VS_UDP4_OK);
	assert_memory_equal(udp.payload, payload, sizeof(payload));
}

static void fragments_are_refused_and_df_is_none(void **state)
{
	static const struct {
		uint32_t bits;
		enum vs_udp4_result result;
	} cases[] = { { 0, VS_UDP4_OK },
		      { 0x4000, VS_UDP4_OK },
		      { 0x2000, VS_UDP4_FRAGMENT },
		      { 0x0001, VS_UDP4_FRAGMENT },
		      { 0x5000, VS_UDP4_FRAGMENT } };
	uint8_t bytes[100];
	size_t n = wrapped(bytes, sizeof(bytes));
	struct vs_udp4 udp;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		frame_put(bytes + 6, cases[i].bits, 2);
		repair_ip(bytes, 20);
		assert_int_equal(vs_udp4_unwrap(bytes, n, false, &udp), cases[i].result);
	}
}

static void a_missing_or_unfinished_udp_checksum_is_accepted(void **state)
{
	uint8_t bytes[100];
	size_t n = wrapped(bytes, sizeof(bytes));
	struct vs_udp4 udp;

	(void)state;
	bytes[26] ^= 0x55;
	assert_int_equal(vs_udp4_unwrap(bytes, n, false, &udp), VS_UDP4_UDP_CHECKSUM);
	assert_int_equal(vs_udp4_unwrap(bytes, n, true, &udp), VS_UDP4_OK);
	frame_put(bytes + 26, 0, 2);
	assert_int_equal(vs_udp4_unwrap(bytes, n, false, &udp), VS_UDP4_OK);
}

static void impossible_lengths_are_refused(void **state)
{
	uint8_t bytes[100];
	size_t n = wrapped(bytes, sizeof(bytes));
	struct vs_udp4 udp;

	(void)state;
	frame_put(bytes + 26, 0, 2);
	for (uint32_t len = 0; len < 8; len++) {
		frame_put(bytes + 24, len, 2);
		assert_int_equal(vs_udp4_unwrap(bytes, n, true, &udp), VS_UDP4_UDP_HEADER);
	}
	frame_put(bytes + 24, (uint32_t)n - 20 + 1, 2);
	assert_int_equal(vs_udp4_unwrap(bytes, n, true, &udp), VS_UDP4_UDP_HEADER);
	for (uint32_t total = 0; total < 28;
	     total++) { /* cut inside of the headers by the IP header itself */
		frame_put(bytes + 2, total, 2);
		repair_ip(bytes, 20);
		assert_int_not_equal(vs_udp4_unwrap(bytes, n, true, &udp), VS_UDP4_OK);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_request_is_written_as_rfc_826_says),
	cmocka_unit_test(a_packet_is_read_with_the_padding_of_ethernet),
	cmocka_unit_test(other_packets_are_refused),
	cmocka_unit_test(a_wrapped_datagram_has_right_headers),
	cmocka_unit_test(a_datagram_that_was_wrapped_is_read_again),
	cmocka_unit_test(no_changed_bit_is_accepted),
	cmocka_unit_test(ip_options_are_skipped),
	cmocka_unit_test(fragments_are_refused_and_df_is_none),
	cmocka_unit_test(a_missing_or_unfinished_udp_checksum_is_accepted),
	cmocka_unit_test(impossible_lengths_are_refused),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
