/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_DEVICE_H
#define VS_PUMP_DEVICE_H

/*
 * The stack's side of a pump: a descriptor that carries the super-frames of a network device of the
 * stack. There are two kinds, each with a table of operations:
 *
 *  - a tap (device_tap.c);
 *  - a packet socket at the other end of a veth pair (device_packet.c).
 *
 * Both put a struct virtio_net_hdr before each super-frame. The keeper opens them, because that must be
 * done in a certain network namespace. It also sets their carrier and deletes them, because both take
 * privileges which pump threads have given up.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "vnet.h"

/* Room that one super-frame takes: 64 KiB, its headers, and what a device puts before it. */
#define VS_SUPER_MAX (65536 + 64)

/* A super-frame that was read. */
struct vs_super {
	struct virtio_net_hdr vnet;
	unsigned char *frame; /* in the buffer of read() */
	size_t len;           /* 0: shorter than a header; there is nothing to send */
};

struct vs_device;

struct vs_device_ops {
	/*
	 * Reads one super-frame, without waiting, into `room` (VS_SUPER_MAX bytes, aligned to 16). Returns
	 * how many bytes of the room are in use; 0: nothing to read; -EBADMSG: there was one that cannot be
	 * read; -ENETDOWN: the device has gone down, and it may be about to be deleted, which gone() shows
	 * later; another -errno: the device has been deleted.
	 */
	ssize_t (*read)(const struct vs_device *device, unsigned char *room, struct vs_super *super);
	/* Writes one super-frame, its header first. Returns what write(2) returns, and sets errno. */
	ssize_t (*write)(const struct vs_device *device, const struct iovec *iov, int n);
	/* The device of the descriptor has been deleted. */
	bool (*gone)(const struct vs_device *device);
	/*
	 * Super-frames that the kernel has dropped for lack of room since the last call. NULL: none is
	 * dropped so.
	 */
	unsigned long (*lost)(const struct vs_device *device);
	/* The MAC address that the stack has there now. False: not known. NULL: never known. */
	bool (*mac)(const struct vs_device *device, unsigned char mac[6]);
};

struct vs_device {
	const struct vs_device_ops *ops;
	int fd; /* non-blocking; readable when there is a super-frame; -1: not opened yet */
};

extern const struct vs_device_ops vs_device_tap;
extern const struct vs_device_ops vs_device_packet;

/*
 * Asks the kernel for offloads on a tap with IFF_VNET_HDR: for all that are wanted, then for fewer until
 * the kernel agrees. Returns those that are in force, VS_OFFLOAD_...
 */
unsigned vs_device_tap_offloads(int tap, unsigned wanted);

/* write() of devices whose descriptor takes one super-frame with each call. */
ssize_t vs_device_writev(const struct vs_device *device, const struct iovec *iov, int n);

#endif
