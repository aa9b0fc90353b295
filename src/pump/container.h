/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_CONTAINER_H
#define VS_PUMP_CONTAINER_H

/*
 * Containers: one frame of the network that carries several frames from one MAC address to another. Pure
 * functions on bytes. See container.c for the format, peers.h for who may get one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vnet.h"

#define VS_CONTAINER_TYPE 0x88b5u /* EtherType: IEEE 802, local experimental 1 */
#define VS_CONTAINER_HEADER 24    /* Ethernet header included */
#define VS_RECORD_HEADER 24       /* before each frame in a container */
#define VS_MACS 12                /* bytes of both addresses, which a record does not repeat */
#define VS_RECORD_SEGMENTS_MAX 64
#define VS_RECORD_SEGMENT_MIN 48 /* bytes; smaller ones would make many frames of one container */
#define VS_PROBE_MIN 64
#define VS_ANSWER_LEN 64

enum vs_container_kind { VS_CONTAINER_FRAMES = 1, VS_CONTAINER_PROBE, VS_CONTAINER_ANSWER };

/* What a receiver takes in a record, besides complete frames. */
enum {
	VS_TAKES_TCP4 = 1, /* super-frames */
	VS_TAKES_TCP6 = 2,
	VS_TAKES_UDP = 4,
};

/* A probe, or the answer to one. */
struct vs_container_ask {
	uint64_t nonce;
	uint16_t limit; /* of an answer: bytes of the longest container that it takes */
	uint16_t takes; /* of an answer: VS_TAKES_... */
};

/* A record, as it is in the receiver's buffer. */
struct vs_record {
	uint8_t *frame;    /* its MAC addresses are in place, and room for a virtio_net_hdr is before it */
	size_t len;
	uint16_t gso_size; /* 0: a complete frame; else a super-frame with an open checksum */
};

/* A super-frame of a record, after it was checked. */
struct vs_record_super {
	struct virtio_net_hdr vnet;
	uint32_t l3, l4, payload; /* offsets in the frame */
	unsigned segments;
	uint16_t takes;           /* what of VS_TAKES_... it is */
	bool extended;            /* IPv4 options or IPv6 extension headers */
};

/* Such a frame may be in a record: from one station to another, and no tag says which VLAN it is of. */
bool vs_container_fits(const uint8_t *frame, size_t len);

/* A frame that begins like a container, a probe or an answer. What it is, vs_container_open() tells. */
bool vs_container_is(const void *frame, size_t len);

/*
 * Writes the header of a record, for a frame of len bytes with its MAC addresses. Returns where the frame
 * goes, without its MAC addresses.
 */
uint8_t *vs_container_put(uint8_t *record, size_t len, uint16_t gso_size);

/* From a record to the next one. len: of the frame. */
static inline size_t vs_container_step(size_t len)
{
	return (VS_RECORD_HEADER + len - VS_MACS + 7) & ~(size_t)7;
}

/*
 * Finishes a container whose records are in place: writes its header. It has one piece or two; the first has
 * an even length.
 */
void vs_container_seal(uint8_t *head, size_t head_len, const void *tail, size_t tail_len,
		       const uint8_t macs[VS_MACS]);

/* Writes a probe of len bytes, or an answer of VS_ANSWER_LEN, from src to dst. Returns its length. */
size_t vs_container_probe(uint8_t *out, size_t len, const uint8_t dst[6], const uint8_t src[6],
			  uint64_t nonce);
size_t vs_container_answer(uint8_t *out, const uint8_t dst[6], const uint8_t src[6],
			   const struct vs_container_ask *ask);

/*
 * What a received frame is: VS_CONTAINER_...; 0 if it is damaged, cut, or nothing that this version knows.
 * *ask is written for a probe and an answer.
 */
int vs_container_open(const uint8_t *frame, size_t len, struct vs_container_ask *ask);

/*
 * The records of a container, one after the other. *at: VS_CONTAINER_HEADER at first. 1: *out is a record;
 * 0: there are no more; -1: the rest makes no sense. Writes to the frame before the record's own bytes.
 */
int vs_container_next(uint8_t *frame, size_t len, size_t *at, struct vs_record *out);

/* Checks a record with gso_size > 0, and describes it as a device wants it. False: it makes no sense. */
bool vs_container_super(const struct vs_record *record, struct vs_record_super *out);

#endif
