/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A checksum is updated from what changes (RFC 1624), not computed: a part of the packet that is not here,
 * and an error that was there before, keep their part in it.
 *
 * A fragment has its checksum in another frame. But a sum does not depend on the order of its words: two
 * that are exchanged change the payload and not the sum. Fragments begin at multiples of 8 bytes, so words
 * are words in each of them.
 */

#include "impair_corrupt.h"

#include <netinet/in.h>
#include <string.h>

#include "proto/be.h"

#define ETHER_LEN 14
#define TAG_LEN 4
#define EXTENSIONS_MAX 8

/* The part of an IP packet behind its headers. */
struct part {
	size_t at, end;
	uint8_t proto;
	bool fragment;
};

size_t vs_ether_len(const uint8_t *frame, size_t len)
{
	size_t at = ETHER_LEN;

	for (int tags = 0; tags < 2 && at + TAG_LEN <= len; tags++) {
		uint16_t type = vs_be_get16(frame + at - 2);
		if (type != 0x8100 && type != 0x88a8)
			break;
		at += TAG_LEN;
	}
	return at < len ? at : len;
}

static void flip(uint8_t *frame, size_t at, size_t bytes, uint64_t choice)
{
	uint64_t bit = choice % (bytes * 8);

	frame[at + bit / 8] ^= (uint8_t)(1u << (bit % 8));
}

bool vs_corrupt(uint8_t *frame, size_t len, uint64_t choice)
{
	if (len <= ETHER_LEN)
		return false;
	flip(frame, ETHER_LEN, len - ETHER_LEN, choice);
	return true;
}

/* ------------------------------------------------------------------ where the payload is */

static bool find_ipv4(const uint8_t *frame, size_t len, size_t at, struct part *out)
{
	if (len - at < 20 || frame[at] >> 4 != 4)
		return false;
	size_t header = (size_t)(frame[at] & 15) * 4, total = vs_be_get16(frame + at + 2);
	if (header < 20 || total < header || total > len - at)
		return false;
	*out = (struct part){ .at = at + header,
			      .end = at + total,
			      .proto = frame[at + 9],
			      .fragment = (vs_be_get16(frame + at + 6) & 0x3fff) != 0 };
	return true;
}

static bool is_extension(uint8_t proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING || proto == IPPROTO_DSTOPTS ||
	       proto == IPPROTO_FRAGMENT;
}

static bool find_ipv6(const uint8_t *frame, size_t len, size_t at, struct part *out)
{
	if (len - at < 40 || frame[at] >> 4 != 6)
		return false;
	struct part p = { .at = at + 40,
			  .end = at + 40 + vs_be_get16(frame + at + 4),
			  .proto = frame[at + 6] };
	if (p.end > len)
		return false;
	for (int i = 0; is_extension(p.proto) && !p.fragment; i++) {
		if (i == EXTENSIONS_MAX || p.end - p.at < 8)
			return false;
		p.fragment = p.proto == IPPROTO_FRAGMENT;
		size_t header = p.fragment ? 8 : 8 * ((size_t)frame[p.at + 1] + 1);
		if (header > p.end - p.at)
			return false;
		p.proto = frame[p.at];
		p.at += header;
	}
	*out = p;
	return true;
}

static bool find_part(const uint8_t *frame, size_t len, struct part *out)
{
	size_t at = vs_ether_len(frame, len);

	if (len < ETHER_LEN || at >= len)
		return false;
	switch (vs_be_get16(frame + at - 2)) {
	case 0x0800:
		return find_ipv4(frame, len, at, out);
	case 0x86dd:
		return find_ipv6(frame, len, at, out);
	default:
		return false;
	}
}

/* ------------------------------------------------------------------ changes that no checksum shows */

/* The header's length, and where in it the checksum is. False: another protocol, or the packet is cut off. */
static bool find_payload(const uint8_t *frame, struct part *p, size_t *payload, size_t *check)
{
	size_t len = p->end - p->at, header = 8;

	*check = p->at + (p->proto == IPPROTO_TCP ? 16 : p->proto == IPPROTO_UDP ? 6 : 2);
	if (p->proto == IPPROTO_TCP)
		header = len < 20 ? 20 : (size_t)(frame[p->at + 12] >> 4) * 4;
	else if (p->proto != IPPROTO_UDP && p->proto != IPPROTO_ICMP && p->proto != IPPROTO_ICMPV6)
		return false;
	if (header < 8 || header >= len || (p->proto == IPPROTO_TCP && header < 20))
		return false;
	if (p->proto == IPPROTO_UDP) {
		size_t said = vs_be_get16(frame + p->at + 4);
		if (said <= header || said > len)
			return false;
		p->end = p->at + said;
	}
	*payload = p->at + header;
	return true;
}

/* The word of the checksum that this byte is in; the last byte is padded with zero. */
static uint16_t word_at(const uint8_t *frame, const struct part *p, size_t at)
{
	return (uint16_t)(frame[at] << 8 | (at + 1 < p->end ? frame[at + 1] : 0));
}

static uint16_t updated(uint16_t check, uint16_t before, uint16_t after)
{
	uint32_t sum = (uint16_t)~check + (uint32_t)(uint16_t)~before + after;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static bool corrupt_whole(uint8_t *frame, struct part *p, uint64_t choice)
{
	size_t payload, check;

	if (!find_payload(frame, p, &payload, &check))
		return false;
	size_t byte = payload + choice % (8 * (p->end - payload)) / 8;
	size_t word = byte - ((byte - p->at) & 1);
	uint16_t before = word_at(frame, p, word), old = vs_be_get16(frame + check);
	flip(frame, payload, p->end - payload, choice);
	if (p->proto == IPPROTO_UDP && old == 0) /* it has none */
		return true;
	uint16_t new = updated(old, before, word_at(frame, p, word));
	vs_be_put16(frame + check, p->proto == IPPROTO_UDP && new == 0 ? 0xffff : new);
	return true;
}

/* In the first fragment a transport header stands in front; the longest one has 60 bytes. */
static bool corrupt_fragment(uint8_t *frame, const struct part *p, uint64_t choice)
{
	size_t skip = p->end - p->at > 120 ? 60 : 0;
	uint8_t *bytes = frame + p->at + skip;
	size_t n = (p->end - p->at - skip) / 2;

	if (n < 2)
		return false;
	uint8_t *a = bytes + 2 * (choice % n), saved[2];
	for (size_t i = 1; i < n; i++) {
		uint8_t *b = bytes + 2 * ((choice % n + i) % n);
		if (memcmp(a, b, 2) == 0)
			continue;
		memcpy(saved, a, 2);
		memcpy(a, b, 2);
		memcpy(b, saved, 2);
		return true;
	}
	return false;
}

bool vs_corrupt_valid(uint8_t *frame, size_t len, uint64_t choice)
{
	struct part p;

	if (!find_part(frame, len, &p))
		return false;
	return p.fragment ? corrupt_fragment(frame, &p, choice) : corrupt_whole(frame, &p, choice);
}
