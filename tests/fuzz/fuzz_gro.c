/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Input: what may be coalesced (one byte), then frames: two bytes that describe the frame (see below) and its
 * bytes. For every input: each frame is written once. A frame that is written alone is unchanged. All frames
 * of a coalesced write were valid, and segmentation of the write returns the bytes of each. The order within
 * a flow stays. Undo restores the frames.
 */

#include <frames.h>
#include <fuzz.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/packet.h"
#include "pump/gro.h"
#include "pump/gso.h"

#define FRAMES_MAX 48

/* Of the 16 bits before a frame; the others are its length. */
enum {
	REPAIR = 0x8000, /* its checksums are made right, because mutations rarely keep them right */
	FOLLOW = 0x4000, /* no bytes follow: it is the frame before the last `length & 7` frames, continued */
	LENGTH = 0x3fff,
};

struct arrived {
	uint8_t *bytes; /* what is coalesced, and may be rewritten */
	uint8_t *before;
	size_t len;
	bool ok; /* TCP or UDP */
	struct vs_packet p;
	size_t place; /* in the order in which they are written */
};

static struct arrived frames[FRAMES_MAX];
static size_t n_frames;

static size_t check_at(const struct vs_packet *p)
{
	return p->l4 + (p->proto == 17 ? 6 : 16);
}

static uint32_t transport_sum(const uint8_t *frame, const struct vs_packet *p)
{
	uint32_t len = p->end - p->l4;

	return frame_sum(frame_pseudo(frame + p->l3, p->version == 6, p->proto == 17, len), frame + p->l4,
			 len);
}

static bool intact(const uint8_t *frame, const struct vs_packet *p)
{
	if (p->version == 4 && frame_sum(0, frame + p->l3, p->l4 - p->l3) != 0xffff)
		return false;
	return transport_sum(frame, p) == 0xffff && (p->proto == 6 || frame_get(frame + check_at(p), 2) != 0);
}

static void repair(uint8_t *frame, size_t len)
{
	struct vs_packet p;

	if (vs_packet_parse(frame, len, &p) != VS_PACKET_OK)
		return;
	if (p.version == 4) {
		frame_put(frame + p.l3 + 10, 0, 2);
		frame_put(frame + p.l3 + 10, ~frame_sum(0, frame + p.l3, p.l4 - p.l3) & 0xffff, 2);
	}
	frame_put(frame + check_at(&p), 0, 2);
	uint32_t sum = ~transport_sum(frame, &p) & 0xffff;
	frame_put(frame + check_at(&p), p.proto == 17 && sum == 0 ? 0xffff : sum, 2);
}

static void arrive(const uint8_t *bytes, size_t len)
{
	struct arrived *a = &frames[n_frames++];

	a->len = len;
	a->bytes = malloc(len > 0 ? len : 1);
	a->before = malloc(len > 0 ? len : 1);
	CHECK(a->bytes != NULL && a->before != NULL);
	memcpy(a->bytes, bytes, len);
}

/* The frame that its sender would send after this one. */
static void arrive_after(const struct arrived *old)
{
	struct vs_packet p;

	arrive(old->bytes, old->len);
	uint8_t *frame = frames[n_frames - 1].bytes;
	if (vs_packet_parse(frame, old->len, &p) != VS_PACKET_OK)
		return;
	if (p.version == 4)
		frame_put(frame + p.l3 + 4, frame_get(frame + p.l3 + 4, 2) + 1, 2);
	if (p.proto == 6)
		frame_put(frame + p.l4 + 4, frame_get(frame + p.l4 + 4, 4) + p.end - p.payload, 4);
	repair(frame, old->len);
}

static void read_frames(const uint8_t *data, size_t size)
{
	n_frames = 0;
	for (size_t at = 0; at + 2 <= size && n_frames < FRAMES_MAX;) {
		uint32_t head = frame_get(data + at, 2);
		size_t len = head & LENGTH;
		at += 2;
		if (head & FOLLOW) {
			if (n_frames > (len & 7))
				arrive_after(&frames[n_frames - 1 - (len & 7)]);
			continue;
		}
		len = len < size - at ? len : size - at;
		arrive(data + at, len);
		at += len;
		if (head & REPAIR)
			repair(frames[n_frames - 1].bytes, len);
	}
	for (size_t i = 0; i < n_frames; i++) {
		struct arrived *a = &frames[i];
		memcpy(a->before, a->bytes, a->len);
		a->ok = vs_packet_parse(a->bytes, a->len, &a->p) == VS_PACKET_OK;
		a->place = SIZE_MAX;
	}
}

static struct arrived *find(const void *base)
{
	for (size_t i = 0; i < n_frames; i++)
		if (frames[i].bytes == base)
			return &frames[i];
	CHECK(!"a write has something that is no frame");
	return NULL;
}

/* Equal, except for what has two valid forms: a checksum of 0, and an id that was never counted up. */
static void check_same(const uint8_t *found, const struct arrived *a, size_t n)
{
	uint8_t *frame = malloc(a->p.end);
	const struct vs_packet *p = &a->p;

	CHECK(frame != NULL);
	memcpy(frame, found, a->p.end);
	if (p->version == 4) {
		CHECK(frame_sum(0, frame + p->l3, 20) == 0xffff);
		CHECK(frame_get(frame + p->l3 + 4, 2) == frame_get(a->before + p->l3 + 4, 2) ||
		      (n > 0 && (a->before[p->l3 + 6] & 0x40) != 0));
		memcpy(frame + p->l3 + 4, a->before + p->l3 + 4, 2);
		memcpy(frame + p->l3 + 10, a->before + p->l3 + 10, 2);
	}
	CHECK(transport_sum(frame, p) == 0xffff);
	memcpy(frame + check_at(p), a->before + check_at(p),
	       2); /* both are right, so they are the same modulo 0xffff */
	CHECK(memcmp(frame, a->before, p->end) == 0);
	free(frame);
}

static void check_coalesced(struct vs_gro_write *write, size_t *place)
{
	static uint8_t joined[65536 + 64], frame[65536 + 64];
	struct vs_gso gso;
	uint8_t header[VS_GSO_HEADER_MAX];
	struct iovec iov[2];
	size_t len = 0, n = 0;

	for (int i = 1; i < write->n_iov; i++) {
		CHECK(len + write->iov[i].iov_len <= sizeof(joined));
		memcpy(joined + len, write->iov[i].iov_base, write->iov[i].iov_len);
		len += write->iov[i].iov_len;
	}
	CHECK(vs_gso_start(&gso, &write->vnet, joined, len) == VS_GSO_OK);
	for (; vs_gso_next(&gso, header, iov) > 0; n++) {
		CHECK(n < write->n_frames);
		struct arrived *a = find(vs_gro_frame(write, n).iov_base);
		CHECK(a->ok && !a->p.extended && intact(a->before, &a->p));
		CHECK(a->p.end == iov[0].iov_len + iov[1].iov_len);
		memcpy(frame, header, iov[0].iov_len);
		memcpy(frame + iov[0].iov_len, iov[1].iov_base, iov[1].iov_len);
		check_same(frame, a, n);
		CHECK(a->place == SIZE_MAX);
		a->place = (*place)++;
	}
	CHECK(n == write->n_frames);
	vs_gro_undo(write);
	for (size_t i = 0; i < n; i++) {
		struct arrived *a = find(vs_gro_frame(write, i).iov_base);
		CHECK(vs_gro_frame(write, i).iov_len == a->p.end && memcmp(a->bytes, a->before, a->len) == 0);
	}
}

static void check_single(const struct vs_gro_write *write, size_t *place)
{
	static const struct virtio_net_hdr none;
	struct arrived *a = find(write->iov[1].iov_base);

	CHECK(memcmp(&write->vnet, &none, sizeof(none)) == 0);
	CHECK(write->n_iov == 2 && write->iov[1].iov_len == a->len);
	CHECK(memcmp(a->bytes, a->before, a->len) == 0);
	CHECK(a->place == SIZE_MAX);
	a->place = (*place)++;
}

static bool same_flow(const struct arrived *a, const struct arrived *b)
{
	size_t addresses = a->p.version == 4 ? 8 : 32, at = a->p.version == 4 ? 12 : 8;

	return a->ok && b->ok && a->p.version == b->p.version && a->p.proto == b->p.proto &&
	       memcmp(a->before + a->p.l3 + at, b->before + b->p.l3 + at, addresses) == 0 &&
	       memcmp(a->before + a->p.l4, b->before + b->p.l4, 4) == 0;
}

static void check_order(void)
{
	for (size_t i = 0; i < n_frames; i++) {
		CHECK(frames[i].place < n_frames);
		for (size_t j = 0; j < i; j++)
			if (same_flow(&frames[i], &frames[j]) || (!frames[i].ok && !frames[j].ok))
				CHECK(frames[j].place < frames[i].place);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vs_gro gro;
	struct iovec batch[FRAMES_MAX];
	size_t place = 0;

	if (size == 0)
		return 0;
	read_frames(data + 1, size - 1);
	for (size_t i = 0; i < n_frames; i++)
		batch[i] = (struct iovec){ frames[i].bytes, frames[i].len };
	memset(&gro, 0xa5, sizeof(gro)); /* it needs no initialisation */
	vs_gro_run(&gro, batch, n_frames, data[0] & 15u);
	for (size_t i = 0; i < gro.n_writes; i++) {
		struct vs_gro_write *write = &gro.writes[i];
		CHECK(write->n_frames >= 1 && write->n_iov == write->n_frames + 1);
		CHECK(write->iov[0].iov_base == &write->vnet && write->iov[0].iov_len == sizeof(write->vnet));
		if (write->n_frames == 1)
			check_single(write, &place);
		else
			check_coalesced(write, &place);
	}
	CHECK(place == n_frames);
	check_order();
	for (size_t i = 0; i < n_frames; i++) {
		free(frames[i].bytes);
		free(frames[i].before);
	}
	return 0;
}
