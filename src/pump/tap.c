/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#ifndef TUN_F_USO4 /* headers before Linux 6.2 */
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

static const struct {
	const char *name;
	unsigned bits;
} names[] = {
	{ "csum", VS_OFFLOAD_CSUM | VS_OFFLOAD_TSO | VS_OFFLOAD_USO }, /* segmentation leaves checksums unfinished */
	{ "tso", VS_OFFLOAD_TSO },
	{ "uso", VS_OFFLOAD_USO },
	{ "gro", VS_OFFLOAD_GRO },
	{ "ugro", VS_OFFLOAD_UGRO },
	{ "all", VS_OFFLOAD_ALL },
};

unsigned vs_offload_allowed(void)
{
	const char *off = getenv("VDESTACK_NO_OFFLOAD");
	unsigned allowed = VS_OFFLOAD_ALL;

	while (off != NULL && *off != '\0') {
		size_t len = strcspn(off, ", ");
		for (size_t i = 0; i < VS_COUNT(names); i++)
			if (strlen(names[i].name) == len && strncmp(names[i].name, off, len) == 0)
				allowed &= ~names[i].bits;
		off += len + (off[len] != '\0');
	}
	return allowed;
}

unsigned vs_offload_sensible(unsigned wanted)
{
	return wanted & VS_OFFLOAD_CSUM ? wanted : wanted & ~(unsigned)(VS_OFFLOAD_TSO | VS_OFFLOAD_USO);
}

static unsigned long kernel_bits(unsigned wanted)
{
	unsigned long bits = 0;

	if (wanted & VS_OFFLOAD_CSUM)
		bits |= TUN_F_CSUM;
	if (wanted & VS_OFFLOAD_TSO)
		bits |= TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	if (wanted & VS_OFFLOAD_USO)
		bits |= TUN_F_USO4 | TUN_F_USO6;
	return bits;
}

unsigned vs_offload_set(int tap, unsigned wanted)
{
	static const unsigned steps[] = { VS_OFFLOAD_ALL, ~(unsigned)VS_OFFLOAD_USO, ~(unsigned)(VS_OFFLOAD_USO | VS_OFFLOAD_TSO),
					  ~(unsigned)(VS_OFFLOAD_USO | VS_OFFLOAD_TSO | VS_OFFLOAD_CSUM) };

	for (size_t i = 0; i < VS_COUNT(steps); i++)
		if (ioctl(tap, TUNSETOFFLOAD, kernel_bits(wanted & steps[i])) == 0)
			return wanted & steps[i];
	return 0; /* not even none: then what the kernel does by itself, which is none */
}

/* ------------------------------------------------------------------ packet sockets */

/* Of a device that goes down comes an error once; one that is gone leaves the socket bound to none. */
bool vs_packet_gone(int fd)
{
	struct sockaddr_ll at = { 0 };
	socklen_t len = sizeof(at);

	return getsockname(fd, (struct sockaddr *)&at, &len) < 0 || at.sll_ifindex <= 0;
}

static const struct tpacket_auxdata *find_auxdata(struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c))
		if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA)
			return (const void *)CMSG_DATA(c);
	return NULL;
}

static unsigned char *put_tag_back(struct virtio_net_hdr *vnet, unsigned char *frame, const struct tpacket_auxdata *aux)
{
	unsigned char *start = frame - VS_TAG_LEN;
	uint16_t tag[2] = { htons(aux->tp_status & TP_STATUS_VLAN_TPID_VALID ? aux->tp_vlan_tpid : ETH_P_8021Q),
			    htons(aux->tp_vlan_tci) };

	memmove(start, frame, 2 * ETH_ALEN);
	memcpy(start + 2 * ETH_ALEN, tag, sizeof(tag));
	if (vnet->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		vnet->csum_start = (uint16_t)(vnet->csum_start + VS_TAG_LEN);
	if (vnet->hdr_len != 0)
		vnet->hdr_len = (uint16_t)(vnet->hdr_len + VS_TAG_LEN);
	return start;
}

ssize_t vs_packet_read(int fd, struct virtio_net_hdr *vnet, unsigned char *frame, size_t size, unsigned char **start)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} control;
	struct iovec iov[2] = { { vnet, sizeof(*vnet) }, { frame, size } };
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = 2, .msg_control = control.bytes, .msg_controllen = sizeof(control) };
	ssize_t n;

	do {
		n = recvmsg(fd, &message, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n < 0) {
		int err = errno;
		return vs_packet_gone(fd) ? -ENODEV : err == ENETDOWN ? -ENETDOWN : -EBADMSG;
	}
	*start = frame;
	if (message.msg_flags & MSG_TRUNC)
		return -EBADMSG; /* somebody has set the device's gso_max_size to more than a tap's */
	if (n < (ssize_t)sizeof(*vnet) + ETH_HLEN)
		return 0;
	const struct tpacket_auxdata *aux = find_auxdata(&message);
	bool tagged = aux != NULL && (aux->tp_status & TP_STATUS_VLAN_VALID);
	if (tagged)
		*start = put_tag_back(vnet, frame, aux);
	return n - (ssize_t)sizeof(*vnet) + (tagged ? VS_TAG_LEN : 0);
}
