/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_PACKET_SOCKET_H
#define VS_KEEPER_PACKET_SOCKET_H

/* Packet sockets on ends of veth pairs, see packet_socket.c. */

#include <stdint.h>

/* What a socket returns and takes. */
enum vs_packet_form {
	VS_PACKET_SUPER, /* super-frames, each behind a struct virtio_net_hdr */
	VS_PACKET_FRAME  /* complete frames */
};

/*
 * A socket of the calling thread's namespace, close-on-exec, non-blocking, that receives nothing yet; or
 * -errno.
 */
int vs_packet_socket(void);
/* Binds it to a device of its namespace. 0 or -errno. */
int vs_packet_bind(int fd, const char *device, enum vs_packet_form form);

/*
 * Devices that are made next in the calling thread's namespace keep the order of the frames that they
 * receive, as far as the kernel can. number: chooses a processor.
 */
void vs_packet_order(unsigned number);
/* Devices that are made next are as the kernel makes them. */
void vs_packet_any_order(void);

/* The offloads of a socket that carries super-frames, VS_OFFLOAD_..., without some. */
unsigned vs_packet_offloads(unsigned no_offload);

/* Features of a device as they were. */
#define VS_PACKET_BLOCKS 32
struct vs_packet_before {
	uint32_t n; /* 0: nothing is known */
	uint32_t which[VS_PACKET_BLOCKS], on[VS_PACKET_BLOCKS]; /* bits */
};

/*
 * Sets what the device in the rtnetlink socket's namespace sends to the offloads `allowed` (0: complete
 * frames). *before (may be NULL): what it sent until now. 0 or -errno; > 0: some could not be changed.
 */
int vs_packet_features(int netlink, const char *name, unsigned allowed, struct vs_packet_before *before);
int vs_packet_features_back(int netlink, const char *name, const struct vs_packet_before *before);

/*
 * A device that has just got its carrier sends nothing until the kernel has noticed that, which it does on a
 * work queue, at once. From Linux 6.8 on, to ask for the carrier makes it notice before the question returns.
 */
void vs_packet_settle(int netlink, const char *name);

#endif
