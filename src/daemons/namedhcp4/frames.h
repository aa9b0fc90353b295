/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef N4_FRAMES_H
#define N4_FRAMES_H

/* The sockets: DHCP messages in frames. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemons/dhcp/link.h"
#include "reply.h"

#define N4_PACKET_MAX 2048

struct n4_frames {
	int packets; /* messages come and go */
	int port;    /* keeps UDP port 67; nothing is read from it */
	unsigned ifindex;
};

/* Where a request came from, without holes: it is compared as memory. */
struct n4_origin {
	uint32_t src, dst;
	uint8_t mac[6]; /* of the sender */
	uint8_t unicast;
	uint8_t unused;
};

/* 0, or -1 after a report; n4_frames_close() is needed in both cases. */
int n4_frames_open(struct n4_frames *f, const struct dh_link *link);
void n4_frames_close(struct n4_frames *f);

/*
 * One message. Returns its length and where it stands in packet; 0: it was none; -EAGAIN: there is no other
 * one; -errno: the interface is down or gone, which is reported once.
 */
ssize_t n4_frames_receive(const struct n4_frames *f, uint8_t packet[N4_PACKET_MAX], const uint8_t **message,
			  struct n4_origin *origin);

/* 0 or -errno. */
int n4_frames_send(const struct n4_frames *f, const struct n4_target *to, uint32_t from,
		   const uint8_t *message, size_t n);

#endif
