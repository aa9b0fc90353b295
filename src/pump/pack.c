/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Two ways into a container:
 *
 *  - A super-frame of the stack is cut into pieces of several segments, one in each container. Its payload is
 *    not copied, and its checksum is left to the receiver.
 *  - Frames that follow each other in the batch, to the same station, are copied behind each other. A copy of
 *    a frame costs less than its message through the network.
 *
 * Frames keep their order: only neighbours are put together. A single frame stays as it is.
 */

#include "pack.h"

#include <string.h>

#include "gso.h"

#define FULL_FRAME 1500 /* bytes that count as one frame in the pace */

void vs_pack_begin(struct vs_pack *pack, struct vs_containers *super)
{
	pack->super = super;
	pack->used = pack->known = pack->probes = false;
}

/* What may be sent to the station of a frame. Each is looked up once in a batch, and one probe is sent. */
static const struct vs_containers_allowed *ask(struct vs_pack *pack, const uint8_t *frame)
{
	if (pack->known && memcmp(pack->macs, frame, VS_MACS) == 0)
		return &pack->allowed;
	pack->allowed = vs_containers_ask(pack->super, frame, !pack->probes);
	pack->known = true;
	memcpy(pack->macs, frame, VS_MACS);
	if (pack->allowed.probe) {
		pack->probes = true;
		pack->nonce = pack->allowed.nonce;
		memcpy(pack->probe_macs, frame, VS_MACS);
	}
	return &pack->allowed;
}

/* The pace counts what the network's queues count: bytes, rounded up. */
static unsigned char weight(size_t len)
{
	return (unsigned char)((len + FULL_FRAME - 1) / FULL_FRAME);
}

/* ------------------------------------------------------------------ super-frames */

unsigned vs_pack_group(struct vs_pack *pack, const struct vs_gso *gso, const uint8_t *frame)
{
	if (pack->super == NULL || gso->size < VS_RECORD_SEGMENT_MIN || gso->header_len == 0 ||
	    gso->len - gso->header_len <= gso->size || !vs_container_fits(frame, gso->len))
		return 0;
	const struct vs_containers_allowed *allowed = ask(pack, frame);
	uint16_t kind = gso->udp ? VS_TAKES_UDP : gso->ipv6 ? VS_TAKES_TCP6 : VS_TAKES_TCP4;
	if (!(allowed->takes & kind) || allowed->limit < VS_PACK_ROOM + gso->header_len)
		return 0;
	size_t n = (allowed->limit - VS_PACK_ROOM - gso->header_len) / gso->size;
	if (n > VS_RECORD_SEGMENTS_MAX)
		n = VS_RECORD_SEGMENTS_MAX;
	return n < 2 ? 0 : (unsigned)n;
}

void vs_pack_super(struct vs_pack *pack, struct vs_frame *f, uint8_t *start, const struct vs_gso *gso,
		   const uint8_t *macs)
{
	size_t payload = f->iov[1].iov_len;

	(void)vs_container_put(start + VS_CONTAINER_HEADER, gso->header_len + payload, (uint16_t)gso->size);
	f->iov[0] = (struct iovec){ start, VS_PACK_ROOM + gso->header_len };
	vs_container_seal(start, f->iov[0].iov_len, f->iov[1].iov_base, payload, macs);
	f->container = true;
	f->count = (unsigned short)((payload + gso->size - 1) / gso->size);
	if (f->paced > 0)
		f->paced = weight(vs_frame_len(f));
	pack->used = true;
}

/* ------------------------------------------------------------------ frames beside each other */

/* The byte at which a frame has both MAC addresses in one piece is 0: every header is longer. */
static bool may_follow(const struct vs_frame *first, const struct vs_frame *f)
{
	return !f->container && f->iov[0].iov_len > VS_MACS + 2 &&
	       memcmp(first->iov[0].iov_base, f->iov[0].iov_base, VS_MACS) == 0 &&
	       vs_container_fits(f->iov[0].iov_base, f->iov[0].iov_len);
}

/* How many frames, from the first on, fit into one container of `limit` bytes. */
static size_t run_length(const struct vs_frame *frames, size_t n, size_t limit, size_t *bytes)
{
	size_t i = 0;

	*bytes = VS_CONTAINER_HEADER;
	while (i < n && may_follow(&frames[0], &frames[i]) &&
	       *bytes + vs_container_step(vs_frame_len(&frames[i])) <= limit)
		*bytes += vs_container_step(vs_frame_len(&frames[i++]));
	return i;
}

static void copy_frame(uint8_t *record, const struct vs_frame *f)
{
	size_t len = vs_frame_len(f), first = f->iov[0].iov_len - VS_MACS;
	uint8_t *at = vs_container_put(record, len, 0);

	memcpy(at, (const uint8_t *)f->iov[0].iov_base + VS_MACS, first);
	if (f->n_iov > 1)
		memcpy(at + first, f->iov[1].iov_base, f->iov[1].iov_len);
	size_t end = VS_RECORD_HEADER + len - VS_MACS;
	memset(record + end, 0, vs_container_step(len) - end);
}

static struct vs_frame bundle(const struct vs_frame *frames, size_t n, uint8_t *room, size_t bytes)
{
	size_t at = VS_CONTAINER_HEADER;
	bool paced = false;

	for (size_t i = 0; i < n; i++) {
		copy_frame(room + at, &frames[i]);
		at += vs_container_step(vs_frame_len(&frames[i]));
		paced |= frames[i].paced > 0;
	}
	vs_container_seal(room, bytes, NULL, 0, frames[0].iov[0].iov_base);
	return (struct vs_frame){ .iov = { { room, bytes } },
				  .n_iov = 1,
				  .container = true,
				  .count = (unsigned short)n,
				  .paced = paced ? weight(bytes) : 0 };
}

size_t vs_pack_bundle(struct vs_pack *pack, struct vs_frame *frames, size_t n, size_t max, uint8_t *room,
		      size_t room_len)
{
	size_t kept = 0, used = 0, bytes;

	if (pack->super == NULL)
		return n;
	for (size_t i = 0, take; i < n; i += take) {
		take = run_length(frames + i, n - i, pack->super->max, &bytes);
		if (take > 1) /* whether a container would save frames, before the station is asked */
			take = run_length(frames + i, n - i, ask(pack, frames[i].iov[0].iov_base)->limit,
					  &bytes);
		if (take > 1 && used + bytes <= room_len) {
			frames[kept++] = bundle(frames + i, take, room + used, bytes);
			used += bytes;
			pack->used = true;
			continue;
		}
		take = 1;
		frames[kept++] = frames[i];
	}
	if (pack->probes && kept < max && used + pack->super->max <= room_len) {
		size_t len = vs_container_probe(room + used, pack->super->max, pack->probe_macs,
						pack->probe_macs + 6, pack->nonce);
		frames[kept++] = (struct vs_frame){ .iov = { { room + used, len } },
						    .n_iov = 1,
						    .container = true };
		pack->used = true;
	}
	pack->probes = false;
	return kept;
}
