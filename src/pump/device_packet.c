/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The device of a pump as a packet socket with PACKET_VNET_HDR and PACKET_AUXDATA (packet(7)), bound to
 * the other end of a veth pair. The keeper's packet_device.c makes both.
 *
 * What differs from a tap:
 *
 *  - The kernel moves a VLAN tag out of a frame that arrives, and returns it in an ancillary message. The
 *    frame is read behind room for a tag, and the tag is put back there.
 *  - A device that goes down causes one ENETDOWN. A device that is deleted leaves the socket bound to no
 *    device.
 *  - The kernel drops super-frames that the receive buffer has no room for, and counts them.
 */

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>

#include "device.h"
#include "vlan_tag.h"

/* Keeps the frame as aligned as a tap's, modulo 4. */
#define BEFORE_FRAME (sizeof(struct virtio_net_hdr) + VS_TAG_LEN)

static bool packet_gone(const struct vs_device *device)
{
	struct sockaddr_ll at = { 0 };
	socklen_t len = sizeof(at);

	return getsockname(device->fd, (struct sockaddr *)&at, &len) < 0 || at.sll_ifindex <= 0;
}

static void put_tag_back(struct vs_super *super, const uint16_t tag[2])
{
	unsigned char *start = super->frame - VS_TAG_LEN;

	memmove(start, super->frame, 2 * ETH_ALEN);
	memcpy(start + 2 * ETH_ALEN, tag, VS_TAG_LEN);
	if (super->vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		super->vnet.csum_start = (uint16_t)(super->vnet.csum_start + VS_TAG_LEN);
	if (super->vnet.hdr_len != 0)
		super->vnet.hdr_len = (uint16_t)(super->vnet.hdr_len + VS_TAG_LEN);
	super->frame = start;
	super->len += VS_TAG_LEN;
}

static int read_error(const struct vs_device *device, int err)
{
	if (err == EAGAIN)
		return 0;
	if (packet_gone(device))
		return -ENODEV;
	return err == ENETDOWN ? -ENETDOWN : -EBADMSG;
}

static ssize_t packet_read(const struct vs_device *device, unsigned char *room, struct vs_super *super)
{
	union vs_tag_control control;
	uint16_t tag[2];
	unsigned char *frame = room + BEFORE_FRAME;
	struct iovec iov[2] = { { &super->vnet, sizeof(super->vnet) },
				{ frame, VS_SUPER_MAX - BEFORE_FRAME } };
	struct msghdr message = { .msg_iov = iov,
				  .msg_iovlen = 2,
				  .msg_control = control.bytes,
				  .msg_controllen = sizeof(control) };
	ssize_t n;

	do {
		n = recvmsg(device->fd, &message, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return read_error(device, errno);
	if (message.msg_flags & MSG_TRUNC)
		return -EBADMSG; /* the device's gso_max_size has been raised above a tap's */
	if (n < (ssize_t)sizeof(super->vnet) + ETH_HLEN)
		return 0;
	super->frame = frame;
	super->len = (size_t)n - sizeof(super->vnet);
	if (vs_tag_of(&message, tag))
		put_tag_back(super, tag);
	return n + VS_TAG_LEN;
}

static unsigned long packet_lost(const struct vs_device *device)
{
	struct tpacket_stats stats = { 0 };
	socklen_t len = sizeof(stats);

	return getsockopt(device->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) < 0 ? 0 : stats.tp_drops;
}

const struct vs_device_ops vs_device_packet = {
	.read = packet_read,
	.write = vs_device_writev,
	.gone = packet_gone,
	.lost = packet_lost,
};
