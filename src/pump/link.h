/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_LINK_H
#define VS_PUMP_LINK_H

/*
 * What is behind an interface's tap: a libvdeplug connection or a stream. One thread may
 * send while another receives; each direction belongs to one thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The longest frame: VDE_MAXMTU, an Ethernet header and a VLAN tag. */
#define VS_FRAME_MAX (9216 + 14 + 4)

struct vs_link;

struct vs_link_ops {
	/* Waits within a bound for room. 0: sent; -EAGAIN: no room, the frame is lost; other -errno: the link is dead. */
	int (*send)(struct vs_link *link, const void *frame, size_t len);
	/* One frame. Its length; 0: nothing complete right now; -errno: the link is dead. */
	ssize_t (*recv)(struct vs_link *link, void *frame, size_t size);
	/* True when recv can be called again without waiting for the descriptor. */
	bool (*pending)(struct vs_link *link);
	void (*close)(struct vs_link *link);
};

struct vs_link {
	const struct vs_link_ops *ops;
	int data_fd;    /* readable when there may be frames */
	int control_fd; /* hangs up when the network has gone; -1: none */
};

/* Opens a VNL by libvdeplug; may block as long as the plugin likes. 0, or -errno with a sentence. */
int vs_link_vde(const char *vnl, struct vs_link **out);

/* A VDE stream on a connected stream socket, which it takes. */
int vs_link_stream(int fd, struct vs_link **out);

/* NULL is allowed. */
void vs_link_close(struct vs_link *link);

#endif
