/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_GSO_H
#define VS_PUMP_GSO_H

/*
 * Segmentation: cuts a super-frame into complete frames and finishes every checksum. Pure functions on
 * bytes; the payload is not copied.
 *
 *	struct vs_gso gso;
 *	if (vs_gso_start(&gso, vnet, frame, len) != VS_GSO_OK)
 *		count it, drop it
 *	while ((n = vs_gso_next(&gso, header, iov)) > 0)
 *		send iov[0..n), header += gso.header_len
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "vnet.h"

/* No header block is longer; the usual one has 54 to 86 bytes. */
#define VS_GSO_HEADER_MAX 1024

/* Why a frame is refused. */
enum vs_gso_result {
	VS_GSO_OK,
	VS_GSO_SHORT,     /* no Ethernet header */
	VS_GSO_TYPE,      /* a kind of segmentation that is unknown or was not asked for */
	VS_GSO_SIZE,      /* segments of no bytes */
	VS_GSO_NO_CSUM,   /* to be segmented, but its checksum is marked as finished */
	VS_GSO_CSUM,      /* the checksum field is outside of the frame, or not the transport header's */
	VS_GSO_PACKET,    /* the headers are invalid, or not those of the type */
	VS_GSO_LENGTH,    /* the IP or UDP length is not that of the frame */
	VS_GSO_FLAGS,     /* TCP with SYN or RST cannot be segmented */
	VS_GSO_HEADERS,   /* headers longer than VS_GSO_HEADER_MAX */
	VS_GSO_RESULT_END /* how many there are, for counters */
};

/* One super-frame while it is cut. Callers may read down to `size`; the rest is private. */
struct vs_gso {
	/* Bytes that each vs_gso_next writes to its header; 0: the frame is sent as it is. */
	size_t header_len;
	size_t longest; /* bytes of the longest frame, to be compared with what the link can carry */
	bool ipv6, udp; /* of a super-frame: TCP over IPv4 otherwise */
	size_t len;     /* of the super-frame */
	size_t size;    /* payload bytes of a segment */

	uint8_t *frame;
	size_t at;       /* offset of the payload not sent yet */
	unsigned group;  /* segments in each frame, whose checksum stays open; 0: complete frames */
	uint32_t l3;     /* offset of the IP header */
	uint32_t l4;     /* offset of the transport header */
	uint64_t ip_sum; /* of the IPv4 header without what changes */
	uint64_t l4_sum; /* of pseudo-header and transport header without what changes */
	uint32_t seq;    /* TCP sequence number of the next segment */
	uint16_t id;     /* IPv4 id of the next segment */
	bool done;
};

/*
 * Begins with a frame and the header it came with. Both are checked, neither is trusted. If the frame needs
 * no segmentation, its checksum is finished in place. The frame must stay until the last vs_gso_next().
 * After a refusal, gso is not to be used, and the frame is unchanged.
 */
enum vs_gso_result vs_gso_start(struct vs_gso *gso, const struct virtio_net_hdr *vnet, void *frame,
				size_t len);

/*
 * Call it before the first frame, for a network that ends TCP itself and takes frames longer than the
 * interface's MTU. TCP segments then have up to frame_max bytes, headers included; never fewer than the
 * stack asked for. Other packets do not change.
 */
void vs_gso_widen(struct vs_gso *gso, size_t frame_max);

/*
 * Call it before the first frame, for one that is to be segmented: each frame is then a super-frame itself,
 * of n segments or the rest, and its checksum field holds the sum of its pseudo-header.
 */
void vs_gso_group(struct vs_gso *gso, unsigned n);

/*
 * The next complete frame, as 1 or 2 pieces: its header, written to `header` (room for
 * gso->header_len bytes; it must stay until the frame is sent), and its payload within the super-frame.
 * Returns the number of pieces; 0: there are no more frames. Any time may pass between two calls.
 */
int vs_gso_next(struct vs_gso *gso, void *header, struct iovec iov[2]);

/* For a log: why the frame was refused. */
const char *vs_gso_text(enum vs_gso_result result);

#endif
