/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "capture_segment.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "errand.h"
#include "iface.h"
#include "packet_socket.h"
#include "pump/gso.h"

/* A block takes a super-frame of 64 KiB with its headers. */
#define BLOCK_BYTES (256u * 1024)
#define FRAME_BYTES 2048u
#define SETTLE_MS 100 /* much longer than it takes to pass on a block that is not full */

static int set_option(int fd, int option, int value)
{
	return setsockopt(fd, SOL_PACKET, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int make_ring(struct vs_capture_segment *s, size_t bytes, unsigned retire_ms)
{
	struct tpacket_req3 req = { .tp_block_size = BLOCK_BYTES,
				    .tp_frame_size = FRAME_BYTES,
				    .tp_retire_blk_tov = retire_ms };

	s->n_blocks = bytes / BLOCK_BYTES < 4 ? 4 : (unsigned)(bytes / BLOCK_BYTES);
	req.tp_block_nr = s->n_blocks;
	req.tp_frame_nr = s->n_blocks * (BLOCK_BYTES / FRAME_BYTES);
	if (setsockopt(s->view.fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)) < 0)
		return -errno;
	size_t mapped = (size_t)s->n_blocks * BLOCK_BYTES;
	void *map = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_SHARED, s->view.fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	s->map = map;
	return 0;
}

static int open_ring(struct vs_capture_segment *s, size_t bytes, unsigned retire_ms)
{
	s->view.fd = vs_packet_socket();
	int r = s->view.fd < 0 ? s->view.fd : set_option(s->view.fd, PACKET_VERSION, TPACKET_V3);

	if (r == 0)
		r = set_option(s->view.fd, PACKET_VNET_HDR, 1);
	if (r == 0)
		r = make_ring(s, bytes, retire_ms);
	if (r == 0 && s->writes)
		r = s->packet = vs_packet_socket();
	return r < 0 ? r : 0;
}

struct opening {
	struct vs_capture_segment *s;
	size_t bytes;
	unsigned retire_ms;
	int result;
};

static void open_by_errand(void *arg)
{
	struct opening *o = arg;

	o->result = open_ring(o->s, o->bytes, o->retire_ms);
}

int vs_capture_segment_open(struct vs_capture_segment *s, struct vs_iface *iface, size_t bytes,
			    unsigned retire_ms)
{
	struct opening o = { s, bytes, retire_ms, 0 };
	VS_AUTO_CLOSE ns = vs_port_ns(iface);
	int r = ns < 0 ? ns : vs_errand_run(iface->keeper, ns, open_by_errand, &o);

	if (r == 0)
		r = o.result;
	if (r == 0)
		r = vs_port_view_begin(iface, &s->view);
	if (r < 0)
		vs_capture_segment_close(s);
	return r;
}

void vs_capture_segment_close(struct vs_capture_segment *s)
{
	vs_port_view_end(&s->view);
	if (s->map != NULL)
		(void)munmap(s->map, (size_t)s->n_blocks * BLOCK_BYTES);
	s->map = NULL;
	vs_close(vs_steal_fd(&s->view.fd));
	vs_close(vs_steal_fd(&s->packet));
}

void vs_capture_segment_stop(struct vs_capture_segment *s)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { .len = 1, .filter = &nothing };

	/* If the kernel has no memory for it, frames go on coming, as before. */
	if (s->view.fd >= 0)
		(void)setsockopt(s->view.fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

void vs_capture_segment_calm(struct vs_capture_segment *s)
{
	int err;
	socklen_t len = sizeof(err);

	(void)getsockopt(s->view.fd, SOL_SOCKET, SO_ERROR, &err, &len);
}

/*
 * The kernel counts the frames of a block while it fills it. Its timer looks twice before it passes the block
 * on.
 */
bool vs_capture_segment_settle(struct vs_capture_segment *s)
{
	const struct tpacket_block_desc *block = (const void *)(s->map + (size_t)s->at * BLOCK_BYTES);
	const volatile struct tpacket_hdr_v1 *head = &block->hdr.bh1;
	struct pollfd p = { .fd = s->view.fd, .events = POLLIN };

	if (head->num_pkts == 0)
		return false;
	vs_capture_segment_calm(s);
	return poll(&p, 1, SETTLE_MS) > 0;
}

void vs_capture_segment_count(struct vs_capture_segment *s)
{
	struct tpacket_stats_v3 stats = { 0 };
	socklen_t len = sizeof(stats);

	if (s->view.fd >= 0 && getsockopt(s->view.fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0)
		s->os_dropped += stats.tp_drops; /* since the last call */
}

/* The kernel has taken the VLAN tag out of the frame. Before it there is room: that of its vnet header. */
static unsigned char *put_tag_back(const struct tpacket3_hdr *h, unsigned char *frame,
				   struct virtio_net_hdr *vnet)
{
	bool has_tpid = (h->tp_status & TP_STATUS_VLAN_TPID_VALID) != 0;
	uint16_t tag[2] = { htons(has_tpid ? h->hv1.tp_vlan_tpid : ETH_P_8021Q),
			    htons((uint16_t)h->hv1.tp_vlan_tci) };

	memmove(frame - 4, frame, 2 * ETH_ALEN);
	memcpy(frame - 4 + 2 * ETH_ALEN, tag, sizeof(tag));
	if (vnet->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		vnet->csum_start = (uint16_t)(vnet->csum_start + 4);
	if (vnet->hdr_len != 0)
		vnet->hdr_len = (uint16_t)(vnet->hdr_len + 4);
	return frame - 4;
}

/* The super-frame is in memory that is ours until the block is given back; it is changed there. */
static bool read_super(struct vs_capture_segment *s, struct tpacket3_hdr *h, vs_capture_frame_fn *frame,
		       void *arg)
{
	const struct sockaddr_ll *from = (const void *)((unsigned char *)h + TPACKET_ALIGN(sizeof(*h)));
	unsigned char *at = (unsigned char *)h + h->tp_mac;
	size_t len = h->tp_snaplen;
	bool rx = from->sll_pkttype == PACKET_OUTGOING; /* the bridge sends it to the stack */
	int64_t time_ns = (int64_t)h->tp_sec * 1000000000 + h->tp_nsec;
	struct virtio_net_hdr vnet;
	struct vs_gso gso;
	struct iovec iov[2];
	int n;

	memcpy(&vnet, at - sizeof(vnet), sizeof(vnet));
	if (h->tp_status & TP_STATUS_VLAN_VALID) {
		at = put_tag_back(h, at, &vnet);
		len += 4;
	}
	if (h->tp_snaplen < h->tp_len || vs_gso_start(&gso, &vnet, at, len) != VS_GSO_OK) {
		iov[0] = (struct iovec){ at, len }; /* as it is: nothing is hidden */
		return frame(arg, rx, iov, 1, h->tp_len + (len - h->tp_snaplen), time_ns);
	}
	while ((n = vs_gso_next(&gso, s->header, iov)) > 0)
		if (!frame(arg, rx, iov, n, iov[0].iov_len + (n > 1 ? iov[1].iov_len : 0), time_ns))
			return false;
	return true;
}

bool vs_capture_segment_read(struct vs_capture_segment *s, vs_capture_frame_fn *frame, void *arg)
{
	unsigned char *block = s->map + (size_t)s->at * BLOCK_BYTES;
	struct tpacket_hdr_v1 *head = &((struct tpacket_block_desc *)(void *)block)->hdr.bh1;
	bool on = true;

	if ((__atomic_load_n(&head->block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER) == 0)
		return false;
	unsigned char *at = block + head->offset_to_first_pkt;
	for (uint32_t i = 0; on && i < head->num_pkts; i++) {
		struct tpacket3_hdr *h = (void *)at;
		on = read_super(s, h, frame, arg);
		at += h->tp_next_offset;
	}
	__atomic_store_n(&head->block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
	s->at = (s->at + 1) % s->n_blocks;
	return true;
}
