/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_TAP_H
#define VS_PUMP_TAP_H

/* Taps, and what takes their place: offloads, which the kernel has granted; reading. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
	VS_OFFLOAD_CSUM = 1, /* checksums unfinished from the tap */
	VS_OFFLOAD_TSO = 2,  /* TCP super-frames from the tap */
	VS_OFFLOAD_USO = 4,  /* UDP super-frames from the tap, from Linux 6.2 */
	VS_OFFLOAD_GRO = 8,  /* TCP super-frames to the tap */
	VS_OFFLOAD_UGRO = 16, /* UDP super-frames to the tap */
	VS_OFFLOAD_ALL = 31,
};

/*
 * The offloads that the environment allows: all but those in
 * VDESTACK_NO_OFFLOAD=csum,tso,uso,gro,ugro or all.
 */
unsigned vs_offload_allowed(void);

/* Segments come with their checksums unfinished, so without that offload there are none. */
unsigned vs_offload_sensible(unsigned wanted);

/*
 * Asks the kernel for offloads on a tap with IFF_VNET_HDR, fewer and fewer until it agrees.
 * Gives those that are in force.
 */
unsigned vs_offload_set(int tap, unsigned wanted);

struct virtio_net_hdr;

/* A VLAN tag that comes beside its frame is put back in front of what follows the addresses. */
#define VS_TAG_LEN 4

/*
 * Reads a super-frame from a port's packet socket, see keeper/port.c: into `frame`, which has VS_TAG_LEN bytes of room
 * before it and `size` after; *start is where it begins. Gives its length; 0: nothing there; -ENETDOWN: the device
 * has gone down, perhaps for good, which shows a little later (vs_packet_gone); -EBADMSG: there was one that
 * the socket cannot give; another -errno: there will never be anything again.
 */
ssize_t vs_packet_read(int fd, struct virtio_net_hdr *vnet, unsigned char *frame, size_t size, unsigned char **start);
/* The socket's device has been deleted. */
bool vs_packet_gone(int fd);

#endif
