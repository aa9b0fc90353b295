/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Every super-frame is compared with segments made one by one from the same description (frames.h):
 * the same number and the same bytes.
 */

#include <arpa/inet.h>
#include <frames.h>
#include <stdlib.h>

#include "proto/checksum.h"
#include "pump/gso.h"
#include "unit.h"

static uint8_t super[FRAME_ROOM], expected[FRAME_ROOM], found[FRAME_ROOM];

/* Hop-by-hop and destination options before the transport header. */
static uint8_t options_then_tcp[] = {
	60, 0, 1, 4, 0, 0, 0, 0, 6, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
};
static uint8_t options_then_udp[] = { 60, 0, 1, 4, 0, 0, 0, 0, 17, 1, 1, 12,
				      0,  0, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0 };
static uint8_t whole_fragment[] = { 6, 0, 0, 0, 1, 2, 3, 4 };

static const struct frame kinds[] = {
	{ .flags = ACK, .df = true },
	{ .flags = ACK | PSH, .df = true, .tcp_options = 12 },
	{ .flags = ACK | PSH | FIN, .tcp_options = 40, .id = 0xfffe },
	{ .flags = ACK | CWR | ECE, .tos = 3, .id = 77, .tcp_options = 4 },
	{ .flags = ACK | CWR | PSH | FIN | ECE, .ip_options = 40, .seq = 0xfffffff0 },
	{ .flags = ACK, .ip_options = 4, .tags = 1 },
	{ .flags = ACK | PSH, .tags = 2, .tcp_options = 12, .tos = 0xb8 },
	{ .flags = ACK | PSH, .ff = true, .seq = 0xffffffff, .ack = 0xffffffff, .window = 0xffff },
	{ .flags = ACK | PSH | CWR, .ipv6 = true, .tcp_options = 12, .label = 0x12345, .tos = 0xff },
	{ .flags = ACK | FIN, .ipv6 = true, .tags = 1 },
	{ .flags = ACK | PSH, .ipv6 = true, .tags = 2, .ff = true },
	{ .flags = ACK | PSH, .ipv6 = true, .ext = options_then_tcp, .ext_len = sizeof(options_then_tcp) },
	{ .flags = ACK,
	  .ipv6 = true,
	  .ext = whole_fragment,
	  .ext_len = sizeof(whole_fragment),
	  .ext_first = 44 },
	{ .udp = true },
	{ .udp = true, .df = true, .id = 0xffff, .tags = 1 },
	{ .udp = true, .ip_options = 8, .ff = true },
	{ .udp = true, .ipv6 = true },
	{ .udp = true, .ipv6 = true, .tags = 2, .ff = true, .label = 0xfffff },
	{ .udp = true, .ipv6 = true, .ext = options_then_udp, .ext_len = sizeof(options_then_udp) },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static struct frame kind(size_t i)
{
	struct frame f = kinds[i];

	f.ttl = 64;
	f.host = 1;
	f.sport = 40000;
	f.dport = 80;
	f.partial = true;
	f.seq = f.seq != 0 ? f.seq : 1000000;
	f.window = f.window != 0 ? f.window : 501;
	return f;
}

static size_t join(const struct iovec *iov, int n, uint8_t *out)
{
	size_t len = 0;

	for (int i = 0; i < n; i++) {
		memcpy(out + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	return len;
}

static void check_segments(struct vs_gso *gso, const struct frame *f, size_t size)
{
	size_t n = frame_segments(f, size), longest = 0;
	uint8_t header[VS_GSO_HEADER_MAX];
	struct iovec iov[2];

	for (size_t i = 0; i < n; i++) {
		struct frame s = frame_segment(f, size, i);
		size_t expected_len = frame_make(&s, expected);
		int pieces = vs_gso_next(gso, header, iov);
		assert_int_equal(pieces, s.payload > 0 ? 2 : 1);
		assert_ptr_equal(iov[0].iov_base, header);
		assert_int_equal(iov[0].iov_len, gso->header_len);
		size_t len = join(iov, pieces, found);
		if (len != expected_len || memcmp(found, expected, len) != 0)
			fail_msg("payload %zu, segments of %zu: number %zu differs", f->payload, size, i);
		assert_true(frame_intact(&s, found));
		longest = len > longest ? len : longest;
	}
	assert_int_equal(vs_gso_next(gso, header, iov), 0);
	assert_int_equal(vs_gso_next(gso, header, iov), 0);
	assert_int_equal(gso->longest, longest);
}

static void check(const struct frame *f, uint16_t size)
{
	struct virtio_net_hdr vnet = frame_vnet(f, size);
	size_t len = frame_make(f, super);
	struct vs_gso gso;

	vnet.hdr_len = (uint16_t)(len * 31 + size); /* must not be used */
	enum vs_gso_result result = vs_gso_start(&gso, &vnet, super, len);
	if (result != VS_GSO_OK)
		fail_msg("payload %zu, segments of %u: refused, %s", f->payload, size, vs_gso_text(result));
	check_segments(&gso, f, size);
	frame_make(f, expected);
	assert_memory_equal(super, expected, len); /* left alone */
}

static void every_short_payload_and_size(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct frame f = kind(k);
		for (f.payload = 0; f.payload <= 100; f.payload++)
			for (uint16_t size = 1; size <= 102; size += size < 20 ? 1 : 9)
				check(&f, size);
	}
}

static void every_payload_about_real_sizes(void **state)
{
	static const uint16_t sizes[] = { 536, 1220, 1440, 1448, 1460, 8948, 9176 };

	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct frame f = kind(k);
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			for (size_t n = 1; n <= 3; n += 2)
				for (size_t near = 0; near <= 4; near++) {
					f.payload = n * sizes[i] + near - 2;
					check(&f, sizes[i]);
				}
	}
}

static void the_longest_payload(void **state)
{
	static const uint16_t sizes[] = { 1000, 1448, 9000, 32767, 65000, 65535 };

	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct frame f = kind(k);
		struct layout at = frame_layout(&f);
		f.payload = 65535 - (at.payload - at.l3) + (f.ipv6 ? 40 : 0);
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			check(&f, sizes[i]);
	}
}

/* The transport checksum takes every value, 0 among them, which UDP sends as ffff. */
static void tcp_segments_are_widened_to_what_a_network_takes(void **state)
{
	static const size_t most[] = { 0, 100, 1514, 4000, 9014, 70000 };
	static const size_t payloads[] = { 0, 1, 1448, 1449, 8948, 8960, 9000, 20000, 60000 };

	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct frame f = kind(k);
		for (size_t p = 0; p < sizeof(payloads) / sizeof(payloads[0]); p++) {
			for (size_t m = 0; m < sizeof(most) / sizeof(most[0]); m++) {
				f.payload = payloads[p];
				struct virtio_net_hdr vnet = frame_vnet(&f, 1448);
				size_t len = frame_make(&f, super), size = 1448;
				struct vs_gso gso;
				assert_int_equal(vs_gso_start(&gso, &vnet, super, len), VS_GSO_OK);
				vs_gso_widen(&gso, most[m]);
				if (!f.udp && most[m] > gso.header_len + size)
					size = most[m] - gso.header_len;
				check_segments(&gso, &f, size);
			}
		}
	}
}

static void every_checksum(void **state)
{
	static const size_t some[] = { 0, 8, 13, 16, 17 };

	(void)state;
	for (size_t k = 0; k < sizeof(some) / sizeof(some[0]); k++) {
		struct frame f = kind(some[k]);
		bool seen = false;
		f.payload = 6;
		for (uint32_t port = 0; port <= 0xffff; port++) {
			f.sport = (uint16_t)port;
			check(&f, 5); /* the second segment is what `found` has afterwards */
			seen = seen || frame_get(found + frame_layout(&f).l4 + (f.udp ? 6 : 16), 2) ==
					       (f.udp ? 0xffff : 0);
		}
		assert_true(seen);
	}
}

/* The urgent pointer counts from the first byte of the segment it stands in. */
static void urgent_pointer(void **state)
{
	static const struct {
		uint8_t flags;
		uint16_t urgent;
	} table[] = { { ACK | URG, 25 }, { ACK | URG, 15 }, { ACK | URG, 5 }, { ACK, 0 } };
	struct frame f = kind(0);
	struct vs_gso gso;
	struct iovec iov[2];
	uint8_t header[VS_GSO_HEADER_MAX];

	(void)state;
	f.flags = ACK | URG;
	f.urgent = 25;
	f.payload = 40;
	struct virtio_net_hdr vnet = frame_vnet(&f, 10);
	size_t len = frame_make(&f, super);
	assert_int_equal(vs_gso_start(&gso, &vnet, super, len), VS_GSO_OK);
	for (size_t i = 0; i < 4; i++) {
		struct frame s = frame_segment(&f, 10, i);
		s.flags = table[i].flags;
		s.urgent = table[i].urgent;
		size_t expected_len = frame_make(&s, expected);
		int n = vs_gso_next(&gso, header, iov);
		assert_int_equal(join(iov, n, found), expected_len);
		assert_memory_equal(found, expected, expected_len);
	}
}

/* The routing header has the final destination; the partial checksum includes it. */
static void routing_header(void **state)
{
	uint8_t routing[24] = { 6, 2, 4, 1, 0, 0, 0,  0,  0xfd, 1,  2,  3,
				4, 5, 6, 7, 8, 9, 10, 11, 12,   13, 14, 15 };
	struct frame f = kind(11);
	struct vs_gso gso;
	struct iovec iov[2];
	uint8_t header[VS_GSO_HEADER_MAX], ip[40];
	int n;

	(void)state;
	f.ext = routing;
	f.ext_len = sizeof(routing);
	f.ext_first = 43;
	f.payload = 25;
	struct layout at = frame_layout(&f);
	struct virtio_net_hdr vnet = frame_vnet(&f, 10);
	size_t len = frame_make(&f, super);
	memcpy(ip, super + at.l3, 40);
	memcpy(ip + 24, routing + 8, 16);
	frame_put(super + at.l4 + 16, frame_pseudo(ip, true, false, len - at.l4), 2);
	assert_int_equal(vs_gso_start(&gso, &vnet, super, len), VS_GSO_OK);
	while ((n = vs_gso_next(&gso, header, iov)) > 0) {
		len = join(iov, n, found);
		assert_int_equal(frame_sum(frame_pseudo(ip, true, false, len - at.l4), found + at.l4,
					   len - at.l4),
				 0xffff);
	}
}

static void a_whole_frame_gets_its_checksum(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct frame f = kind(k);
		for (f.payload = 0; f.payload <= 200; f.payload++) {
			struct virtio_net_hdr vnet = frame_vnet(&f, 0);
			struct frame whole = f;
			struct vs_gso gso;
			struct iovec iov[2];
			vnet.gso_type = VIRTIO_NET_HDR_GSO_NONE;
			size_t len = frame_make(&f, super);
			assert_int_equal(vs_gso_start(&gso, &vnet, super, len), VS_GSO_OK);
			assert_int_equal(gso.header_len, 0);
			assert_int_equal(gso.longest, len);
			assert_int_equal(vs_gso_next(&gso, NULL, iov), 1);
			assert_ptr_equal(iov[0].iov_base, super);
			assert_int_equal(iov[0].iov_len, len);
			assert_int_equal(vs_gso_next(&gso, NULL, iov), 0);
			whole.partial = false;
			frame_make(&whole, expected);
			assert_memory_equal(super, expected, len);
		}
	}
}

static void a_complete_frame_is_left_alone(void **state)
{
	struct virtio_net_hdr vnet = { 0 };
	struct vs_gso gso;
	struct iovec iov[2];

	(void)state;
	for (size_t len = 14; len < 300; len++) {
		memset(super, 0x5a, len);
		memset(expected, 0x5a, len);
		assert_int_equal(vs_gso_start(&gso, &vnet, super, len), VS_GSO_OK);
		assert_int_equal(vs_gso_next(&gso, NULL, iov), 1);
		assert_int_equal(iov[0].iov_len, len);
		assert_memory_equal(super, expected, len);
	}
}

/* A computed 0 is written as ffff. */
static void zero_checksum_of_a_whole_datagram(void **state)
{
	struct frame f = kind(13);
	struct vs_gso gso;
	bool seen = false;

	(void)state;
	f.payload = 2;
	for (uint32_t port = 0; port <= 0xffff; port++) {
		f.sport = (uint16_t)port;
		struct virtio_net_hdr vnet = frame_vnet(&f, 0);
		vnet.gso_type = VIRTIO_NET_HDR_GSO_NONE;
		size_t len = frame_make(&f, super);
		assert_int_equal(vs_gso_start(&gso, &vnet, super, len), VS_GSO_OK);
		assert_int_not_equal(frame_get(super + 34 + 6, 2), 0);
		seen = seen || frame_get(super + 34 + 6, 2) == 0xffff;
	}
	assert_true(seen);
}

/* ------------------------------------------------------------ refusals */

struct change {
	const char *what;
	size_t kind;
	void (*change)(struct virtio_net_hdr *vnet, uint8_t *frame, size_t *len);
	enum vs_gso_result result;
};

#define CHANGE(name, ...)                                                                                    \
	static void name(struct virtio_net_hdr *vnet, uint8_t *frame, size_t *len)                           \
	{                                                                                                    \
		(void)vnet;                                                                                  \
		(void)frame;                                                                                 \
		(void)len;                                                                                   \
		__VA_ARGS__;                                                                                 \
	}

CHANGE(nothing, )
CHANGE(no_frame, *len = 0)
CHANGE(half_ethernet, *len = 13)
CHANGE(old_udp, vnet->gso_type = 3)
CHANGE(unknown_type, vnet->gso_type = 0x7f)
CHANGE(type_two, vnet->gso_type = 2)
CHANGE(only_ecn_csum_far, vnet->gso_type = 0x80; vnet->csum_start = 0xffff)
CHANGE(size_zero, vnet->gso_size = 0)
CHANGE(no_csum, vnet->flags = 0)
CHANGE(valid_only, vnet->flags = VIRTIO_NET_HDR_F_DATA_VALID)
CHANGE(start_far, vnet->csum_start = 0xffff)
CHANGE(start_zero, vnet->csum_start = 0)
CHANGE(start_next, vnet->csum_start++)
CHANGE(offset_far, vnet->csum_offset = 0xffff)
CHANGE(offset_other, vnet->csum_offset = vnet->csum_offset == 6 ? 16 : 6)
CHANGE(whole_start_far, vnet->gso_type = 0; vnet->csum_start = 0xffff)
CHANGE(whole_start_zero, vnet->gso_type = 0; vnet->csum_start = 0)
CHANGE(whole_at_end, vnet->gso_type = 0; vnet->csum_start = (uint16_t)(*len - 1); vnet->csum_offset = 0)
CHANGE(whole_offset_far, vnet->gso_type = 0; vnet->csum_offset = 0xffff)
CHANGE(whole_both_far, vnet->gso_type = 0; vnet->csum_offset = 0xffff; vnet->csum_start = 0xffff)
CHANGE(as_tcp6, vnet->gso_type = VIRTIO_NET_HDR_GSO_TCPV6)
CHANGE(as_tcp4, vnet->gso_type = VIRTIO_NET_HDR_GSO_TCPV4)
CHANGE(as_udp, vnet->gso_type = VIRTIO_NET_HDR_GSO_UDP_L4)
CHANGE(as_arp, frame_put(frame + 12, 0x0806, 2))
CHANGE(a_fragment, frame_put(frame + 20, 0x2000, 2))
CHANGE(tcp_header_short, frame[34 + 12] = 0x40)
CHANGE(tcp_header_long, *len = 14 + 20 + 20; frame_put(frame + 16, 40, 2); frame[34 + 12] = 0xf0)
CHANGE(ip_shorter, frame_put(frame + 16, (uint32_t)(*len - 15), 2))
CHANGE(ip_longer, frame_put(frame + 16, (uint32_t)(*len - 13), 2))
CHANGE(ip_zero, frame_put(frame + 16, 0, 2))
CHANGE(ip6_zero, frame_put(frame + 18, 0, 2))
CHANGE(udp_shorter, frame_put(frame + 38, 8, 2))
CHANGE(padding, *len += 1)
CHANGE(a_syn, frame[34 + 13] |= SYN)
CHANGE(a_rst, frame[34 + 13] |= RST)

static const struct change changes[] = {
	{ "nothing", 0, nothing, VS_GSO_OK },
	{ "no frame", 0, no_frame, VS_GSO_SHORT },
	{ "half an Ethernet header", 0, half_ethernet, VS_GSO_SHORT },
	{ "UDP fragmentation", 13, old_udp, VS_GSO_TYPE },
	{ "unknown type", 0, unknown_type, VS_GSO_TYPE },
	{ "type 2", 0, type_two, VS_GSO_TYPE },
	{ "ECN alone, checksum outside", 0, only_ecn_csum_far, VS_GSO_CSUM },
	{ "segments of 0", 0, size_zero, VS_GSO_SIZE },
	{ "datagrams of 0", 13, size_zero, VS_GSO_SIZE },
	{ "no checksum to finish", 0, no_csum, VS_GSO_NO_CSUM },
	{ "checksum said to be valid", 13, valid_only, VS_GSO_NO_CSUM },
	{ "checksum far outside", 0, start_far, VS_GSO_CSUM },
	{ "checksum from the start", 0, start_zero, VS_GSO_CSUM },
	{ "checksum one byte further", 8, start_next, VS_GSO_CSUM },
	{ "checksum field outside", 8, offset_far, VS_GSO_CSUM },
	{ "UDP's field in TCP", 0, offset_other, VS_GSO_CSUM },
	{ "TCP's field in UDP", 13, offset_other, VS_GSO_CSUM },
	{ "whole, start outside", 0, whole_start_far, VS_GSO_CSUM },
	{ "whole, within Ethernet", 0, whole_start_zero, VS_GSO_CSUM },
	{ "whole, field half outside", 0, whole_at_end, VS_GSO_CSUM },
	{ "whole, field outside", 0, whole_offset_far, VS_GSO_CSUM },
	{ "whole, both outside", 0, whole_both_far, VS_GSO_CSUM },
	{ "TCPv4 as TCPv6", 0, as_tcp6, VS_GSO_PACKET },
	{ "TCPv6 as TCPv4", 8, as_tcp4, VS_GSO_PACKET },
	{ "TCP as UDP", 0, as_udp, VS_GSO_PACKET },
	{ "UDP as TCP", 13, as_tcp4, VS_GSO_PACKET },
	{ "ARP", 0, as_arp, VS_GSO_PACKET },
	{ "a fragment", 0, a_fragment, VS_GSO_PACKET },
	{ "short TCP header", 0, tcp_header_short, VS_GSO_PACKET },
	{ "long TCP header", 0, tcp_header_long, VS_GSO_PACKET },
	{ "IP length too small", 0, ip_shorter, VS_GSO_LENGTH },
	{ "IP length too large", 0, ip_longer, VS_GSO_LENGTH },
	{ "IP length 0", 0, ip_zero, VS_GSO_LENGTH },
	{ "UDP length too small", 13, udp_shorter, VS_GSO_LENGTH },
	{ "padding", 0, padding, VS_GSO_LENGTH },
	{ "SYN", 0, a_syn, VS_GSO_FLAGS },
	{ "RST", 0, a_rst, VS_GSO_FLAGS },
	{ "IPv6 jumbogram", 16, ip6_zero, VS_GSO_LENGTH },
};

static void refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const struct change *c = &changes[i];
		struct frame f = kind(c->kind);
		struct vs_gso gso;
		f.payload = 3000;
		struct virtio_net_hdr vnet = frame_vnet(&f, 1000);
		size_t len = frame_make(&f, super);
		c->change(&vnet, super, &len);
		uint8_t *exact = malloc(len > 0 ? len : 1);
		assert_non_null(exact);
		memcpy(exact, super, len);
		enum vs_gso_result result = vs_gso_start(&gso, &vnet, exact, len);
		if (result != c->result)
			fail_msg("%s: %s, not %s", c->what, vs_gso_text(result), vs_gso_text(c->result));
		if (result != VS_GSO_OK)
			assert_memory_equal(exact, super, len);
		free(exact);
	}
}

/* An authentication header covers the whole packet: its segments would all be invalid. */
static void authenticated_packets_are_refused(void **state)
{
	uint8_t ah[24] = { 6, 4 };
	struct frame f = kind(11);
	struct vs_gso gso;

	(void)state;
	f.ext = ah;
	f.ext_len = sizeof(ah);
	f.ext_first = 51;
	f.payload = 100;
	struct virtio_net_hdr vnet = frame_vnet(&f, 10);
	assert_int_equal(vs_gso_start(&gso, &vnet, super, frame_make(&f, super)), VS_GSO_PACKET);
}

static void headers_have_a_limit(void **state)
{
	static uint8_t ext[2048] = { 6 };
	struct frame f = kind(11);
	struct vs_gso gso;

	(void)state;
	f.ext = ext;
	f.ext_first = 60;
	f.payload = 100;
	for (size_t n = 1; n <= 256; n++) {
		ext[1] = (uint8_t)(n - 1);
		f.ext_len = 8 * n;
		struct virtio_net_hdr vnet = frame_vnet(&f, 10);
		bool fits = frame_layout(&f).payload <= VS_GSO_HEADER_MAX;
		size_t len = frame_make(&f, super);
		assert_int_equal(vs_gso_start(&gso, &vnet, super, len), fits ? VS_GSO_OK : VS_GSO_HEADERS);
		if (fits)
			check_segments(&gso, &f, 10);
	}
}

static void every_refusal_has_a_text(void **state)
{
	(void)state;
	for (int i = 0; i < VS_GSO_RESULT_END; i++)
		assert_string_not_equal(vs_gso_text((enum vs_gso_result)i), "unknown");
	assert_string_equal(vs_gso_text(VS_GSO_RESULT_END), "unknown");
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_short_payload_and_size),
		cmocka_unit_test(every_payload_about_real_sizes),
		cmocka_unit_test(the_longest_payload),
		cmocka_unit_test(tcp_segments_are_widened_to_what_a_network_takes),
		cmocka_unit_test(every_checksum),
		cmocka_unit_test(urgent_pointer),
		cmocka_unit_test(routing_header),
		cmocka_unit_test(a_whole_frame_gets_its_checksum),
		cmocka_unit_test(a_complete_frame_is_left_alone),
		cmocka_unit_test(zero_checksum_of_a_whole_datagram),
		cmocka_unit_test(refusals),
		cmocka_unit_test(authenticated_packets_are_refused),
		cmocka_unit_test(headers_have_a_limit),
		cmocka_unit_test(every_refusal_has_a_text),
	};

	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
