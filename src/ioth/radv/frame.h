/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RADV_FRAME_H
#define RADV_FRAME_H

/* ICMPv6 messages of neighbour discovery in Ethernet frames. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RADV_HEADERS (14 + 40)
#define RADV_FRAME_MAX (14 + 1280)

struct radv_frame {
	uint8_t to_mac[6], from_mac[6];
	uint8_t from[16], to[16];
	const uint8_t *message; /* in the frame */
	size_t n;
};

/*
 * Reads a frame. True: it has a whole ICMPv6 message with hop limit 255 and the right checksum, directly
 * behind the IPv6 header, and its sender can have its addresses. *out is written only then.
 */
bool radv_frame_read(const uint8_t *bytes, size_t n, struct radv_frame *out);

/* Writes a frame, and the checksum into it. Returns its length, 0: the message is too long. */
size_t radv_frame_write(const struct radv_frame *f, uint8_t out[RADV_FRAME_MAX]);

/* The MAC address of a group. */
void radv_frame_group_mac(const uint8_t group[16], uint8_t mac[6]);

/* The link-local address of a MAC (EUI-64). */
void radv_frame_link_local(const uint8_t mac[6], uint8_t addr[16]);

#endif
