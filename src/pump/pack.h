/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_PACK_H
#define VS_PUMP_PACK_H

/*
 * Containers that are sent, see container.h. For each batch of the tx direction:
 *
 *	vs_pack_begin()
 *	    for each super-frame: vs_pack_group(); if it is not 0, vs_pack_super() for each of its pieces
 *	vs_pack_bundle() before the batch is sent
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "container.h"
#include "containers.h"
#include "link.h"

struct vs_gso;

/* Before the headers of a piece: the container's header, and what its record has more than a frame. */
#define VS_PACK_ROOM (VS_CONTAINER_HEADER + VS_RECORD_HEADER - VS_MACS)

/* Of a tx direction; all zero at first. Private. */
struct vs_pack {
	struct vs_containers *super; /* NULL: this batch has no containers */
	bool used;              /* this batch has one */
	bool known;             /* what `allowed` says is about `macs` */
	uint8_t macs[VS_MACS];
	struct vs_containers_allowed allowed;
	bool probes;            /* a probe is to be sent */
	uint8_t probe_macs[VS_MACS];
	uint64_t nonce;
};

/* super: NULL for a batch without containers. */
void vs_pack_begin(struct vs_pack *pack, struct vs_containers *super);

/* How many segments of a super-frame go into each container; 0: it must be sent as frames. */
unsigned vs_pack_group(struct vs_pack *pack, const struct vs_gso *gso, const uint8_t *frame);

/*
 * Makes a container of a piece, a frame whose header begins at start + VS_PACK_ROOM. `macs` are those of the
 * whole. The frame then begins at start.
 */
void vs_pack_super(struct vs_pack *pack, struct vs_frame *f, uint8_t *start, const struct vs_gso *gso,
		   const uint8_t *macs);

/*
 * Puts frames of the batch that follow each other to the same station into containers, which are written to
 * `room`, and adds the probe that is due, if it fits into frames[0..max). Returns how many frames there are
 * now. room must stay until they are sent.
 */
size_t vs_pack_bundle(struct vs_pack *pack, struct vs_frame *frames, size_t n, size_t max, uint8_t *room,
		      size_t room_len);

#endif
