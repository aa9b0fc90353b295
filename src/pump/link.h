/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_LINK_H
#define VS_PUMP_LINK_H

/*
 * The network's side of a pump: a libvdeplug connection, a stream or a packet socket. One thread may send
 * while another receives. Each direction belongs to one thread. Frames travel in batches. Their order is
 * kept.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

/* The longest frame of a VDE network: VDE_MAXMTU, an Ethernet header and a VLAN tag. */
#define VS_FRAME_MAX (9216 + 14 + 4)
#define VS_FRAME_MIN 14

/* How long a frame waits for a stalled network before it is dropped. */
#define VS_SEND_BOUND_MS 100

/* A complete frame to be sent, as one piece or as headers and payload. */
struct vs_frame {
	struct iovec iov[2];
	int n_iov;
	bool container;      /* see container.h: it stands for `count` frames; 0: a probe */
	unsigned short count;
	unsigned char paced; /* for so many frames it counts in the pace of a link that has one */
};

static inline size_t vs_frame_len(const struct vs_frame *frame)
{
	return frame->iov[0].iov_len + (frame->n_iov > 1 ? frame->iov[1].iov_len : 0);
}

/* How many frames it is for counters. */
static inline size_t vs_frame_count(const struct vs_frame *frame)
{
	return frame->container ? frame->count : 1;
}

struct vs_link;

struct vs_link_ops {
	/*
	 * Sends frames[0..n) in order. Returns how many it has taken, and adds to *lost the count of
	 * those that were lost. A link that never waits takes what it has room for. Another one waits
	 * within a bound and takes all. -errno: the link is dead.
	 */
	int (*send)(struct vs_link *link, const struct vs_frame *frames, size_t n, size_t *lost);
	/*
	 * Receives up to n frames without waiting, each into its buffer frames[i]. iov_len is the size of
	 * the buffer, and is set to the frame's length; a longer frame is cut. Returns how
	 * many; -errno: the link is dead.
	 */
	int (*recv)(struct vs_link *link, struct iovec *frames, size_t n);
	/*
	 * Returns the bytes, as the kernel counts them, that the other side has not read yet.
	 * NULL unless the other side is a switch, whose receivers a burst would overrun.
	 */
	long (*unread)(struct vs_link *link);
	void (*close)(struct vs_link *link);
};

struct vs_link {
	const struct vs_link_ops *ops;
	int data_fd;      /* readable when there may be frames */
	int control_fd;   /* hangs up when the network has gone; -1: none */
	bool never_waits; /* send does not block, and poll(2) shows when data_fd has room */
	/* It ends TCP itself, and takes segments of so many bytes, headers included; 0: as the MTU is. */
	size_t tcp_frame_max;
	size_t container_max; /* of the containers (container.h) that it may carry; 0: none */
	bool more;        /* recv has kept frames, which poll(2) does not show; the rx thread's */
	unsigned mtu_max; /* longer packets are known to be lost */
	size_t frame_max; /* longer frames are not passed to send */
};

/*
 * Loads the plugin that a VNL needs. libvdeplug then finds it by its name, even where its file is out of
 * sight (a chroot).
 */
void vs_link_vde_load(const char *vnl);

/* The plugin uses a descriptor which is not its own, but one that the keeper talks with. */
#define VS_LINK_FOREIGN 1

/*
 * Opens a VNL by libvdeplug; may block as long as the plugin likes. The caller has checked that this VNL
 * may be opened. 0; VS_LINK_FOREIGN, without a message; or -errno with a message.
 */
int vs_link_vde(const char *vnl, struct vs_link **out);

/* A VDE stream on a connected stream socket, which it takes. 0, or -errno with a message. */
int vs_link_stream(int fd, struct vs_link **out);

/*
 * Frames on a packet socket with PACKET_AUXDATA, which it takes. The socket gets bound to an end of a veth
 * pair, whose other end sends complete frames. 0, or -errno with a message.
 */
int vs_link_packet(int fd, struct vs_link **out);

/* NULL is allowed. */
void vs_link_close(struct vs_link *link);

/*
 * A frame in one piece: where it is, or a copy in buf (VS_FRAME_MAX bytes). Returns its length; 0: it is
 * longer.
 */
size_t vs_frame_flat(const struct vs_frame *frame, void *buf, const void **flat);

#endif
