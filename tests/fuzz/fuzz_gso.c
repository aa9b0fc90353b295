/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Input: a byte of flags, the header of a tap, a frame. For every input the frame is either
 * refused and unchanged, or cut into pieces with valid headers and its payload, each byte once and in order.
 * A checksum that could be finished is right. A wrong checksum that could not be finished stays wrong.
 */

#include <frames.h>
#include <fuzz.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/packet.h"
#include "pump/gso.h"

enum { REPAIR = 1 }; /* switches */

static size_t check_at(const struct vs_packet *p)
{
	return p->l4 + (p->proto == 17 ? 6 : 16);
}

/* The error of the checksum, modulo 0xffff, where 0 and 0xffff are equal. */
static uint32_t error_of(const uint8_t *frame, const struct vs_packet *p)
{
	uint32_t len = p->end - p->l4;

	return frame_sum(frame_pseudo(frame + p->l3, p->version == 6, p->proto == 17, len), frame + p->l4,
			 len) %
	       0xffff;
}

/* The same of a super-frame: the checksum field has not the pseudo-header's sum but something else. */
static uint32_t partial_error_of(const uint8_t *frame, const struct vs_packet *p)
{
	uint32_t pseudo = frame_pseudo(frame + p->l3, p->version == 6, p->proto == 17, p->end - p->l4);

	return (frame_get(frame + check_at(p), 2) + 0xffff - pseudo % 0xffff) % 0xffff;
}

/* Makes right what mutations rarely keep right. */
static void repair(struct virtio_net_hdr *vnet, uint8_t *frame, size_t len)
{
	struct vs_packet p;

	if (vs_packet_parse(frame, len, &p) != VS_PACKET_OK)
		return;
	frame_put(frame + check_at(&p),
		  frame_pseudo(frame + p.l3, p.version == 6, p.proto == 17, p.end - p.l4), 2);
	vnet->flags |= VIRTIO_NET_HDR_F_NEEDS_CSUM;
	vnet->csum_start = (uint16_t)p.l4;
	vnet->csum_offset = (uint16_t)(check_at(&p) - p.l4);
}

struct progress {
	const uint8_t *super;
	struct vs_packet p; /* of the super-frame */
	uint32_t error;
	size_t sent; /* payload bytes */
	size_t n;
};

static void check_segment(struct progress *g, const uint8_t *frame, size_t len)
{
	struct vs_packet p;

	CHECK(vs_packet_parse(frame, len, &p) == VS_PACKET_OK);
	CHECK(p.end == len && p.l4 == g->p.l4 && p.payload == g->p.payload && p.proto == g->p.proto);
	CHECK(memcmp(frame, g->super, p.l3) == 0);
	CHECK(memcmp(frame + p.payload, g->super + p.payload + g->sent, len - p.payload) == 0);
	if (p.version == 4) {
		CHECK(frame_sum(0, frame + p.l3, p.l4 - p.l3) == 0xffff);
		CHECK(frame_get(frame + p.l3 + 4, 2) ==
		      ((frame_get(g->super + p.l3 + 4, 2) + g->n) & 0xffff));
	}
	if (p.proto == 6) {
		bool last = g->p.payload + g->sent + (len - p.payload) == g->p.end;
		uint8_t kept = (uint8_t) ~((g->n > 0 ? CWR : 0) | (last ? 0 : FIN | PSH));
		CHECK(frame_get(frame + p.l4 + 4, 4) ==
		      frame_get(g->super + p.l4 + 4, 4) + (uint32_t)g->sent);
		CHECK((frame[p.l4 + 13] & ~(uint32_t)URG) == (g->super[p.l4 + 13] & kept & ~(uint32_t)URG));
	} else {
		CHECK(frame_get(frame + p.l4 + 6, 2) != 0);
	}
	/* What was wrong before is wrong by the same amount; a sum is subtracted, so the sign is other. */
	CHECK(error_of(frame, &p) == (0xffff - g->error) % 0xffff);
	g->sent += len - p.payload;
	g->n++;
}

static void check_segments(struct vs_gso *gso, const uint8_t *super, size_t len)
{
	struct progress g = { .super = super };
	uint8_t *header = malloc(gso->header_len);
	uint8_t *frame = malloc(gso->longest);
	struct iovec iov[2];
	size_t longest = 0;

	CHECK(header != NULL && frame != NULL);
	CHECK(vs_packet_parse(super, len, &g.p) == VS_PACKET_OK && g.p.end == len);
	CHECK(g.p.payload == gso->header_len);
	g.error = partial_error_of(super, &g.p);
	for (int n; (n = vs_gso_next(gso, header, iov)) > 0;) {
		CHECK(n <= 2 && iov[0].iov_base == header && iov[0].iov_len == gso->header_len);
		size_t payload = n == 2 ? iov[1].iov_len : 0;
		CHECK(gso->header_len + payload <= gso->longest);
		memcpy(frame, header, gso->header_len);
		if (n == 2)
			memcpy(frame + gso->header_len, iov[1].iov_base, payload);
		check_segment(&g, frame, gso->header_len + payload);
		longest = gso->header_len + payload > longest ? gso->header_len + payload : longest;
	}
	CHECK(g.sent == len - g.p.payload && longest == gso->longest);
	free(frame);
	free(header);
}

static void check_whole(struct vs_gso *gso, const struct virtio_net_hdr *vnet, const uint8_t *frame,
			const uint8_t *before, size_t len)
{
	struct iovec iov[2];
	size_t field = vnet->csum_start + (size_t)vnet->csum_offset;
	bool unfinished = vnet->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;

	CHECK(vs_gso_next(gso, NULL, iov) == 1 && iov[0].iov_base == frame && iov[0].iov_len == len);
	CHECK(vs_gso_next(gso, NULL, iov) == 0);
	for (size_t i = 0; i < len; i++)
		CHECK(frame[i] == before[i] || (unfinished && i - field < 2));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct virtio_net_hdr vnet;
	struct vs_gso gso;

	if (size < 1 + sizeof(vnet))
		return 0;
	size_t len = size - 1 - sizeof(vnet);
	memcpy(&vnet, data + 1, sizeof(vnet));
	uint8_t *frame = malloc(len > 0 ? len : 1), *before = malloc(len > 0 ? len : 1);
	CHECK(frame != NULL && before != NULL);
	memcpy(frame, data + 1 + sizeof(vnet), len);
	if (data[0] & REPAIR)
		repair(&vnet, frame, len);
	memcpy(before, frame, len);

	enum vs_gso_result result = vs_gso_start(&gso, &vnet, frame, len);
	CHECK(result < VS_GSO_RESULT_END);
	if (result == VS_GSO_OK && gso.header_len == 0) {
		check_whole(&gso, &vnet, frame, before, len);
	} else {
		if (result == VS_GSO_OK)
			check_segments(&gso, frame, len);
		CHECK(memcmp(frame, before, len) == 0);
	}
	free(before);
	free(frame);
	return 0;
}
