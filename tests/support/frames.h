/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TESTS_FRAMES_H
#define VS_TESTS_FRAMES_H

/*
 * Ethernet frames made from a description, byte by byte and slowly. The fast code is
 * compared with them. They share no code with it.
 */

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FRAME_ROOM (65536 + 2048)

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32, ECE = 64, CWR = 128 };

struct frame {
	int tags; /* VLAN tags: 0, 1 (802.1Q), 2 (802.1ad and 802.1Q) */
	bool ipv6, udp;
	bool df;
	uint8_t tos, ttl;
	uint16_t id;
	uint32_t label;     /* flow label */
	size_t ip_options;  /* bytes, a multiple of 4 */
	const uint8_t *ext; /* IPv6 extension headers; their last "next header" byte is ext_next */
	size_t ext_len;
	uint8_t ext_first;
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t window, urgent;
	size_t tcp_options; /* bytes, a multiple of 4 */
	uint8_t option_fill;
	size_t payload_from; /* where in the pattern the payload begins */
	size_t payload;      /* bytes */
	bool ff;             /* the payload is all 0xff */
	bool no_check;       /* UDP without a checksum */
	bool partial;        /* the checksum field has only the sum of the pseudo-header */
	uint8_t host;        /* last byte of the source address */
};

struct layout {
	size_t l3, l4, payload, len;
};

static inline void frame_put(uint8_t *p, uint32_t number, int bytes)
{
	for (int i = 0; i < bytes; i++)
		p[i] = (uint8_t)(number >> (8 * (bytes - 1 - i)));
}

static inline uint32_t frame_get(const uint8_t *p, int bytes)
{
	uint32_t number = 0;

	for (int i = 0; i < bytes; i++)
		number = number << 8 | p[i];
	return number;
}

/* RFC 1071, word for word. */
static inline uint32_t frame_sum(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i += 2) {
		sum += (uint32_t)p[i] << 8 | (i + 1 < len ? p[i + 1] : 0u);
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

static inline uint8_t frame_pattern(size_t at)
{
	return (uint8_t)(at * 151 + (at >> 8) * 37 + (at >> 3));
}

static inline uint32_t frame_pseudo(const uint8_t *ip, bool ipv6, bool udp, size_t len)
{
	uint8_t numbers[8] = { 0 };

	frame_put(numbers, (uint32_t)len, 4);
	numbers[7] = udp ? 17 : 6;
	return frame_sum(ipv6 ? frame_sum(0, ip + 8, 32) : frame_sum(0, ip + 12, 8), numbers, 8);
}

static inline size_t frame_ethernet(const struct frame *f, uint8_t *out)
{
	size_t at = 12;

	memcpy(out, "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02", 12);
	for (int i = 0; i < f->tags; i++, at += 4) {
		frame_put(out + at, f->tags == 2 && i == 0 ? 0x88a8 : 0x8100, 2);
		frame_put(out + at + 2, 0x2001u + (uint32_t)i, 2);
	}
	frame_put(out + at, f->ipv6 ? 0x86dd : 0x0800, 2);
	return at + 2;
}

static inline void frame_ip4(const struct frame *f, uint8_t *ip, size_t len)
{
	size_t header = 20 + f->ip_options;

	memset(ip, 1, header); /* options: NOP */
	ip[0] = (uint8_t)(0x40 | header / 4);
	ip[1] = f->tos;
	frame_put(ip + 2, (uint32_t)(header + len), 2);
	frame_put(ip + 4, f->id, 2);
	frame_put(ip + 6, f->df ? 0x4000 : 0, 2);
	ip[8] = f->ttl;
	ip[9] = f->udp ? 17 : 6;
	frame_put(ip + 10, 0, 2);
	memcpy(ip + 12, "\x0a\x00\x00\x01\x0a\x00\x00\xfe", 8);
	ip[15] = f->host;
	frame_put(ip + 10, ~frame_sum(0, ip, header) & 0xffff, 2);
}

static inline void frame_ip6(const struct frame *f, uint8_t *ip, size_t len)
{
	frame_put(ip, 0x60000000u | (uint32_t)f->tos << 20 | f->label, 4);
	frame_put(ip + 4, (uint32_t)(f->ext_len + len), 2);
	ip[6] = f->ext_len > 0 ? f->ext_first : f->udp ? 17 : 6;
	ip[7] = f->ttl;
	memcpy(ip + 8, "\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", 16);
	memcpy(ip + 24, "\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xfe", 16);
	ip[23] = f->host;
	if (f->ext_len > 0)
		memcpy(ip + 40, f->ext, f->ext_len);
}

static inline void frame_tcp(const struct frame *f, uint8_t *tcp)
{
	frame_put(tcp, f->sport, 2);
	frame_put(tcp + 2, f->dport, 2);
	frame_put(tcp + 4, f->seq, 4);
	frame_put(tcp + 8, f->ack, 4);
	tcp[12] = (uint8_t)((20 + f->tcp_options) / 4 << 4);
	tcp[13] = f->flags;
	frame_put(tcp + 14, f->window, 2);
	frame_put(tcp + 16, 0, 2);
	frame_put(tcp + 18, f->urgent, 2);
	memset(tcp + 20, f->option_fill != 0 ? f->option_fill : 1, f->tcp_options);
}

static inline void frame_udp(const struct frame *f, uint8_t *udp)
{
	frame_put(udp, f->sport, 2);
	frame_put(udp + 2, f->dport, 2);
	frame_put(udp + 4, (uint32_t)(8 + f->payload), 2);
	frame_put(udp + 6, 0, 2);
}

static inline struct layout frame_layout(const struct frame *f)
{
	size_t l3 = 14 + 4 * (size_t)f->tags;
	size_t l4 = l3 + (f->ipv6 ? 40 + f->ext_len : 20 + f->ip_options);
	size_t payload = l4 + (f->udp ? 8 : 20 + f->tcp_options);

	return (struct layout){ l3, l4, payload, payload + f->payload };
}

/* Writes the frame. Returns its length. */
static inline size_t frame_make(const struct frame *f, uint8_t *out)
{
	struct layout at = frame_layout(f);
	size_t len = at.len - at.l4;
	uint8_t *check = out + at.l4 + (f->udp ? 6 : 16);

	frame_ethernet(f, out);
	if (f->ipv6)
		frame_ip6(f, out + at.l3, len);
	else
		frame_ip4(f, out + at.l3, len);
	if (f->udp)
		frame_udp(f, out + at.l4);
	else
		frame_tcp(f, out + at.l4);
	for (size_t i = 0; i < f->payload; i++)
		out[at.payload + i] = f->ff ? 0xff : frame_pattern(f->payload_from + i);
	uint32_t sum = frame_pseudo(out + at.l3, f->ipv6, f->udp, len);
	if (f->partial) {
		frame_put(check, sum, 2);
	} else if (!f->no_check) {
		sum = ~frame_sum(sum, out + at.l4, len) & 0xffff;
		frame_put(check, f->udp && sum == 0 ? 0xffff : sum, 2);
	}
	return at.len;
}

/* Whether the transport checksum of a frame of this layout is right (and, for IPv4, that of the header). */
static inline bool frame_intact(const struct frame *f, const uint8_t *frame)
{
	struct layout at = frame_layout(f);
	size_t len = at.len - at.l4;

	if (!f->ipv6 && frame_sum(0, frame + at.l3, 20 + f->ip_options) != 0xffff)
		return false;
	return frame_sum(frame_pseudo(frame + at.l3, f->ipv6, f->udp, len), frame + at.l4, len) == 0xffff;
}

/*
 * The header that a tap puts before a super-frame of this description, to be cut into pieces of `size` bytes.
 */
static inline struct virtio_net_hdr frame_vnet(const struct frame *f, uint16_t size)
{
	struct layout at = frame_layout(f);
	uint8_t type = f->udp ? 5 : f->ipv6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;

	if (!f->udp && (f->flags & CWR))
		type |= VIRTIO_NET_HDR_GSO_ECN;
	return (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = type,
		.hdr_len = (uint16_t)at.payload,
		.gso_size = size,
		.csum_start = (uint16_t)at.l4,
		.csum_offset = f->udp ? 6 : 16,
	};
}

/* How many frames a super-frame of this description has when cut into pieces of `size` bytes. */
static inline size_t frame_segments(const struct frame *f, size_t size)
{
	return f->payload == 0 ? 1 : (f->payload + size - 1) / size;
}

/* The i-th of these frames, as the standards define it. */
static inline struct frame frame_segment(const struct frame *f, size_t size, size_t i)
{
	struct frame s = *f;
	size_t from = i * size;
	bool last = i + 1 == frame_segments(f, size);

	s.partial = false;
	s.payload_from += from;
	s.payload = last ? f->payload - from : size;
	s.id = (uint16_t)(f->id + i);
	s.seq = f->seq + (uint32_t)from;
	if (i > 0)
		s.flags &= (uint8_t)~CWR;
	if (!last)
		s.flags &= (uint8_t) ~(FIN | PSH);
	return s;
}

#endif
