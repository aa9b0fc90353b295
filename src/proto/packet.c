/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Parses from the Ethernet header to the transport payload, never beyond the frame's end.
 *
 * Each step checks that the bytes it reads are before `end`. That is first the end of the frame, later the
 * end of the IP packet in it. Numbers are read into 32 unsigned bits at once, so nothing wraps and no sign
 * bit is involved.
 */

#include "packet.h"

#include <linux/if_ether.h>
#include <netinet/in.h>

#define TAGS_MAX 2
#define EXTENSIONS_MAX 8

/* Of the 16 bits of flags and offset; 0x4000 is DF, which does not make a fragment. */
#define FRAG4_MORE 0x2000u
#define FRAG4_OFFSET 0x1fffu
#define FRAG6_MORE 0x0001u
#define FRAG6_OFFSET 0xfff8u

#define ETHERTYPE_8021AD 0x88a8
#define NO_TYPE 0x10000u

static inline uint32_t be16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

/* Skips the Ethernet header and its tags. Returns the type of what follows, or NO_TYPE. */
static uint32_t parse_ethernet(const uint8_t *frame, struct vs_packet *p)
{
	uint32_t at = ETH_HLEN;

	for (;;) {
		if (p->end < at)
			return NO_TYPE;
		uint32_t type = be16(frame + at - 2);
		if ((type != ETH_P_8021Q && type != ETHERTYPE_8021AD) || p->n_tags == TAGS_MAX) {
			p->l3 = at;
			return type;
		}
		p->n_tags++;
		at += 4;
	}
}

static enum vs_packet_result parse_ip4(const uint8_t *frame, struct vs_packet *p)
{
	const uint8_t *ip = frame + p->l3;
	uint32_t room = p->end - p->l3;

	if (room < 20 || ip[0] >> 4 != 4)
		return VS_PACKET_IP_HEADER;
	uint32_t header = (ip[0] & 15u) * 4;
	uint32_t total = be16(ip + 2);
	if (header < 20 || header > room)
		return VS_PACKET_IP_HEADER;
	if (total < header || total > room)
		return VS_PACKET_IP_LENGTH;
	if ((be16(ip + 6) & (FRAG4_MORE | FRAG4_OFFSET)) != 0)
		return VS_PACKET_FRAGMENT;
	p->version = 4;
	p->proto = ip[9];
	p->extended = header > 20;
	p->l4 = p->l3 + header;
	p->end = p->l3 + total;
	return VS_PACKET_OK;
}

/* The length of an extension header, of which 8 bytes are there; 0: it is none. */
static uint32_t extension_len(uint8_t type, const uint8_t *header)
{
	switch (type) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		return (header[1] + 1u) * 8; /* RFC 8200 section 4.2 */
	case IPPROTO_AH:
		return (header[1] + 2u) * 4; /* RFC 4302 section 2.2: in other units */
	case IPPROTO_FRAGMENT:
		return 8;
	default:
		return 0;
	}
}

static bool is_extension(uint8_t type)
{
	return type == IPPROTO_HOPOPTS || type == IPPROTO_ROUTING || type == IPPROTO_DSTOPTS ||
	       type == IPPROTO_AH || type == IPPROTO_FRAGMENT;
}

static enum vs_packet_result skip_extensions(const uint8_t *frame, struct vs_packet *p)
{
	for (int n = 0; is_extension(p->proto); n++) {
		const uint8_t *header = frame + p->l4;
		uint32_t room = p->end - p->l4;
		if (n == EXTENSIONS_MAX || room < 8)
			return VS_PACKET_EXTENSION;
		uint32_t len = extension_len(p->proto, header);
		if (len > room)
			return VS_PACKET_EXTENSION;
		/* A fragment header on a whole packet is allowed: RFC 6946. */
		if (p->proto == IPPROTO_FRAGMENT && (be16(header + 2) & (FRAG6_MORE | FRAG6_OFFSET)) != 0)
			return VS_PACKET_FRAGMENT;
		p->extended = true;
		p->authenticated = p->authenticated || p->proto == IPPROTO_AH;
		p->proto = header[0];
		p->l4 += len;
	}
	return p->proto == IPPROTO_NONE ? VS_PACKET_EXTENSION : VS_PACKET_OK;
}

static enum vs_packet_result parse_ip6(const uint8_t *frame, struct vs_packet *p)
{
	const uint8_t *ip = frame + p->l3;
	uint32_t room = p->end - p->l3;

	if (room < 40 || ip[0] >> 4 != 6)
		return VS_PACKET_IP_HEADER;
	uint32_t total = 40 + be16(ip + 4);
	if (total > room)
		return VS_PACKET_IP_LENGTH;
	p->version = 6;
	p->proto = ip[6];
	p->l4 = p->l3 + 40;
	p->end = p->l3 + total;
	return skip_extensions(frame, p);
}

static enum vs_packet_result parse_tcp(const uint8_t *frame, struct vs_packet *p)
{
	uint32_t room = p->end - p->l4;

	if (room < 20)
		return VS_PACKET_TCP_HEADER;
	uint32_t header = (uint32_t)(frame[p->l4 + 12] >> 4) * 4;
	if (header < 20 || header > room)
		return VS_PACKET_TCP_HEADER;
	p->payload = p->l4 + header;
	return VS_PACKET_OK;
}

static enum vs_packet_result parse_udp(const uint8_t *frame, struct vs_packet *p)
{
	uint32_t room = p->end - p->l4;

	if (room < 8 || be16(frame + p->l4 + 4) != room)
		return VS_PACKET_UDP_HEADER;
	p->payload = p->l4 + 8;
	return VS_PACKET_OK;
}

enum vs_packet_result vs_packet_parse(const void *frame, size_t len, struct vs_packet *out)
{
	struct vs_packet p = { .end = len < UINT32_MAX ? (uint32_t)len : UINT32_MAX };
	enum vs_packet_result result;

	uint32_t type = parse_ethernet(frame, &p);
	if (type == NO_TYPE)
		return VS_PACKET_SHORT;
	if (type == ETH_P_IP)
		result = parse_ip4(frame, &p);
	else if (type == ETH_P_IPV6)
		result = parse_ip6(frame, &p);
	else
		return VS_PACKET_NOT_IP;
	if (result != VS_PACKET_OK)
		return result;

	if (p.proto == IPPROTO_TCP)
		result = parse_tcp(frame, &p);
	else if (p.proto == IPPROTO_UDP)
		result = parse_udp(frame, &p);
	else
		result = VS_PACKET_TRANSPORT;
	if (result == VS_PACKET_OK)
		*out = p;
	return result;
}
