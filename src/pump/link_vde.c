/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Links by libvdeplug: every network its plugins know. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <libvdeplug.h>

#include "base/error.h"
#include "link.h"

#define SEND_BOUND_MS 100 /* a frame waits this long for a stalled network, then it is lost */

struct vde_link {
	struct vs_link link; /* first: the same address */
	VDECONN *conn;
};

static VDECONN *conn_of(struct vs_link *link)
{
	return ((struct vde_link *)link)->conn;
}

static int vde_link_send(struct vs_link *link, const void *frame, size_t len)
{
	ssize_t n = vde_send(conn_of(link), frame, len, 0);

	if (n >= 0)
		return 0;
	switch (errno) {
	case EAGAIN:
	case ENOBUFS:
	case EINTR:
	case EMSGSIZE:
		return -EAGAIN;
	default:
		return -errno;
	}
}

static ssize_t vde_link_recv(struct vs_link *link, void *frame, size_t size)
{
	ssize_t n = vde_recv(conn_of(link), frame, size, 0);

	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

static bool vde_link_pending(struct vs_link *link)
{
	(void)link;
	return false;
}

static void vde_link_close(struct vs_link *link)
{
	(void)vde_close(conn_of(link));
	free(link);
}

static const struct vs_link_ops vde_ops = {
	.send = vde_link_send,
	.recv = vde_link_recv,
	.pending = vde_link_pending,
	.close = vde_link_close,
};

static const char *remedy(int err)
{
	switch (err) {
	case EPROTONOSUPPORT:
	case ENOSYS:
		return "libvdeplug has no plugin for this scheme; install it (Debian: vdeplug, libvdeplug-*) or correct the scheme";
	case ENOENT:
	case ENOTDIR:
		return "there is no switch at this path; start one (vde_switch -s PATH) or correct the path";
	case ECONNREFUSED:
		return "the socket is there but nobody listens: its switch has ended; remove it and start the switch again";
	case EACCES:
	case EPERM:
		return "this user may not use it; check the mode of the switch's directory (vde_switch -m) or the group";
	case ENAMETOOLONG:
		return "the path is too long for a socket; use a shorter one";
	case ETIMEDOUT:
	case EINTR:
		return "it does not answer; a vde_switch with all ports taken never does: give it more (-n) or close some";
	case EADDRINUSE:
		return "its address is in use; another program is plugged in there";
	default:
		return "check the locator with vde_plug(1)";
	}
}

int vs_link_vde(const char *vnl, struct vs_link **out)
{
	struct timeval bound = { .tv_usec = SEND_BOUND_MS * 1000 };
	struct vde_link *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return vs_fail(ENOMEM, "cannot open \"%.200s\": out of memory", vnl);
	errno = 0;
	l->conn = vde_open((char *)vnl, (char *)"vdestack", NULL);
	if (l->conn == NULL) {
		int err = errno != 0 ? errno : EIO; /* some plugins fail without saying why */
		free(l);
		return vs_fail(err, "cannot open \"%.200s\": %s; %s", vnl, strerror(err), remedy(err));
	}
	l->link = (struct vs_link){ .ops = &vde_ops, .data_fd = vde_datafd(l->conn), .control_fd = vde_ctlfd(l->conn) };
	/* Only sockets know this; another kind of descriptor is the plugin's to handle. */
	(void)setsockopt(l->link.data_fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof(bound));
	*out = &l->link;
	return 0;
}

void vs_link_close(struct vs_link *link)
{
	if (link != NULL)
		link->ops->close(link);
}
