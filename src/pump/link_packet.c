/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A link as a packet socket (packet(7)) on an end of a veth pair, whose other end is a port of a bridge.
 *
 * The owner has switched the offloads of that other end off. So what arrives is complete frames, with
 * checksums, none longer than the MTU allows. What differs from other links:
 *
 *  - The kernel moves a VLAN tag out of a frame that arrives, and returns it in an ancillary message. It is
 *    put back here.
 *  - A device that is down takes no frames. They are lost, as with a pulled cable. The link is dead when the
 *    device has been deleted.
 */

#include <errno.h>
#include <linux/if_ether.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "link.h"
#include "vlan_tag.h"

#define BATCH 64
#define MTU_MAX 65535

/* Of frames that are received together. */
struct batch {
	struct mmsghdr messages[BATCH];
	union vs_tag_control control[BATCH];
};

/* ------------------------------------------------------------------ sending */

/* One frame was refused. 1: it is lost; 0: there is no room now; -errno: the link is dead. */
static int judge(int err)
{
	switch (err) {
	case EAGAIN:
	case EINTR:
		return 0;
	case ENXIO: /* the device has been deleted */
	case ENODEV:
	case EBADF:
		return -err;
	default: /* ENETDOWN, ENOBUFS, EMSGSIZE, ENOMEM */
		return 1;
	}
}

static int packet_send(struct vs_link *link, const struct vs_frame *frames, size_t n, size_t *lost)
{
	struct mmsghdr messages[BATCH];
	size_t taken = 0;

	while (taken < n) {
		size_t batch = n - taken < BATCH ? n - taken : BATCH;
		for (size_t i = 0; i < batch; i++)
			messages[i].msg_hdr = (struct msghdr){
				.msg_iov = (struct iovec *)(uintptr_t)frames[taken + i].iov,
				.msg_iovlen = (size_t)frames[taken + i].n_iov,
			};
		int sent = sendmmsg(link->data_fd, messages, (unsigned)batch, MSG_DONTWAIT);
		int refused = sent < 0 ? judge(errno) : 0;
		if (refused < 0)
			return refused;
		if (sent < 0 && refused == 0)
			break;
		*lost += (size_t)refused;
		taken += (size_t)(sent > 0 ? sent : refused);
	}
	return (int)taken;
}

/* ------------------------------------------------------------------ receiving */

/* The buffer has room for the tag, see packet_recv(). */
static void put_tag_back(struct iovec *frame, const uint16_t tag[2])
{
	unsigned char *at = (unsigned char *)frame->iov_base + 2 * ETH_ALEN;

	if (frame->iov_len < 2 * ETH_ALEN)
		return;
	memmove(at + VS_TAG_LEN, at, frame->iov_len - 2 * ETH_ALEN);
	memcpy(at, tag, VS_TAG_LEN);
	frame->iov_len += VS_TAG_LEN;
}

static int packet_recv(struct vs_link *link, struct iovec *frames, size_t n)
{
	struct batch batch;
	uint16_t tag[2];
	size_t want = n < BATCH ? n : BATCH;

	for (size_t i = 0; i < want; i++) {
		frames[i].iov_len -= VS_TAG_LEN;
		batch.messages[i].msg_hdr = (struct msghdr){ .msg_iov = &frames[i],
							     .msg_iovlen = 1,
							     .msg_control = batch.control[i].bytes,
							     .msg_controllen = sizeof(batch.control[i]) };
	}
	int got = recvmmsg(link->data_fd, batch.messages, (unsigned)want, MSG_DONTWAIT, NULL);
	if (got < 0) {
		int r = judge(errno);
		return r < 0 ? r : 0; /* ENETDOWN: once for each time that the device goes down */
	}
	for (int i = 0; i < got; i++) {
		frames[i].iov_len = batch.messages[i].msg_len;
		if (vs_tag_of(&batch.messages[i].msg_hdr, tag))
			put_tag_back(&frames[i], tag);
	}
	return got;
}

static void packet_close(struct vs_link *link)
{
	vs_close(link->data_fd);
	free(link);
}

static const struct vs_link_ops packet_ops = {
	.send = packet_send,
	.recv = packet_recv,
	.close = packet_close,
};

int vs_link_packet(int fd, struct vs_link **out)
{
	struct vs_link *link = calloc(1, sizeof(*link));

	if (link == NULL) {
		vs_close(fd);
		return vs_fail(ENOMEM, "cannot use the packet socket: %s",
			       vs_cause_text(VS_CAUSE_MEMORY, ENOMEM));
	}
	*link = (struct vs_link){ .ops = &packet_ops,
				  .data_fd = fd,
				  .control_fd = -1,
				  .never_waits = true,
				  .mtu_max = MTU_MAX,
				  .frame_max = MTU_MAX + ETH_HLEN + VS_TAG_LEN };
	*out = link;
	return 0;
}
