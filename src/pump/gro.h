/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_GRO_H
#define VS_PUMP_GRO_H

/*
 * Coalescing: turns a batch of frames from the link into fewer, larger writes to the device. Runs of
 * TCP segments and UDP datagrams become super-frames. Pure functions on bytes; no payload is copied.
 *
 *	vs_gro_run(gro, frames, n, VS_GRO_TCP4 | VS_GRO_TCP6);
 *	for (i = 0; i < gro->n_writes; i++)
 *		writev(device, gro->writes[i].iov, gro->writes[i].n_iov);
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "vnet.h"

#define VS_GRO_FRAMES 256 /* the longest batch */
#define VS_GRO_FLOWS 16   /* runs open at the same time */

/* What may be coalesced: what the device takes. */
enum {
	VS_GRO_TCP4 = 1,
	VS_GRO_TCP6 = 2,
	VS_GRO_UDP = 4,  /* VIRTIO_NET_HDR_GSO_UDP_L4, from Linux 6.2 */
	VS_GRO_VLAN = 8, /* also within VLAN tags */
};

/* One write to the device. */
struct vs_gro_write {
	struct virtio_net_hdr vnet; /* all zero for a single frame */
	struct iovec *iov;          /* vnet, the first frame, the payloads of the others */
	uint16_t n_iov;
	uint16_t n_frames; /* coalesced in it, n_iov - 1; 1: a frame exactly as it came */

	/* Private: what the rewritten fields of the first frame were, and where they are. */
	uint16_t ip_len, ip_check, l4_check, udp_len;
	uint16_t l3, l4;
	uint8_t tcp_flags;
	bool ipv6, udp;
	uint16_t first; /* index of the frame */
};

/* An open run. Private. */
struct vs_gro_flow {
	uint64_t key[5];          /* addresses, ports, protocol */
	const uint8_t *frame;     /* the first one */
	uint32_t l3, l4, payload; /* offsets in it, and in all that follow */
	uint32_t end;             /* offset behind its payload */
	uint32_t size;            /* payload bytes of a segment */
	uint32_t total;           /* payload bytes so far */
	uint32_t next_seq;        /* TCP */
	uint16_t write;           /* index of its write */
	uint16_t last;            /* index of its last frame */
	uint16_t count;           /* frames */
	bool verified;            /* the checksums of the first frame are right */
	bool pushed;              /* its last frame has PSH */
	bool ipv6, udp;
};

/* A batch. Callers may read writes and n_writes; the rest is private. Needs no initialisation. */
struct vs_gro {
	size_t n_writes;
	struct vs_gro_write writes[VS_GRO_FRAMES];

	unsigned may;
	struct iovec piece[VS_GRO_FRAMES]; /* what each frame adds to its write */
	uint16_t next[VS_GRO_FRAMES];      /* the frame that follows it in the write, or itself */
	struct iovec iov[2 * VS_GRO_FRAMES];
	size_t n_flows;
	uint32_t hashes[VS_GRO_FLOWS];
	struct vs_gro_flow flows[VS_GRO_FLOWS];
};

/*
 * Coalesces a batch of n <= VS_GRO_FRAMES frames; `may` is a set of VS_GRO_… bits (0: every frame is a
 * write of its own). Within each flow, the order is that of arrival. Writes are in the order in which their
 * first frames arrived. A frame with a wrong checksum is a write of its own, as it came. The first frame of
 * a coalesced write is rewritten in its buffer. The buffers must stay until the writes are done.
 */
void vs_gro_run(struct vs_gro *gro, const struct iovec *frames, size_t n, unsigned may);

/*
 * For a kernel that refuses a coalesced write: restores its first frame. Then vs_gro_frame() returns each of
 * its frames (without what followed the end of its IP packet), to be written one by one after an
 * all-zero struct virtio_net_hdr.
 */
void vs_gro_undo(struct vs_gro_write *write);
struct iovec vs_gro_frame(const struct vs_gro_write *write, size_t i); /* i < write->n_frames */

#endif
