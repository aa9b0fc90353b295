/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Links by libvdeplug: all networks that its plugins know.
 *
 * Some plugins (vde://, ptp://) have a connected datagram socket that carries one frame in each
 * message. There a whole batch goes by one system call, without the plugin. When such a socket is not
 * connected (ptp:// before the other side has come), frames go through the plugin, which connects it.
 * All other networks take one call of the plugin for each frame.
 *
 * A send that fails does not mean that the link is dead: the other side may be full, absent or
 * restarting. What the descriptors report decides.
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libvdeplug.h>
#include <limits.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "link.h"

#define BATCH 64
#define SOCKET_BUFFER (1 << 20)
#define VDE2_FRAME_MAX 1518
#define CONTAINER_MAX (9216 + 14) /* what the networks of libvdeplug carry */
#define SLIRP_FRAME_MAX (9000 + 14) /* what libvdeslirp reads at once */

struct vde_link {
	struct vs_link link; /* first: the same address */
	VDECONN *conn;
	unsigned char *flat; /* VS_FRAME_MAX bytes, of the sending thread; NULL: not needed yet */
};

static struct vde_link *of(struct vs_link *link)
{
	return (struct vde_link *)link;
}

size_t vs_frame_flat(const struct vs_frame *frame, void *buf, const void **flat)
{
	size_t len = frame->iov[0].iov_len;

	*flat = frame->iov[0].iov_base;
	if (vs_frame_len(frame) > VS_FRAME_MAX)
		return 0;
	if (frame->n_iov == 1)
		return len;
	memcpy(buf, frame->iov[0].iov_base, len);
	memcpy((char *)buf + len, frame->iov[1].iov_base, frame->iov[1].iov_len);
	*flat = buf;
	return len + frame->iov[1].iov_len;
}

/* ------------------------------------------------------------------ through the plugin */

/* Returns the count of what was lost. */
static size_t send_one(struct vde_link *l, const struct vs_frame *frame)
{
	const void *flat;

	if (frame->n_iov > 1 && l->flat == NULL && (l->flat = malloc(VS_FRAME_MAX)) == NULL)
		return vs_frame_count(frame);
	/* The rx thread sends frames in one piece, and leaves the memory alone. */
	size_t len = vs_frame_flat(frame, frame->n_iov > 1 ? l->flat : NULL, &flat);

	return len > 0 && vde_send(l->conn, flat, len, 0) >= 0 ? 0 : vs_frame_count(frame);
}

static int plugin_send(struct vs_link *link, const struct vs_frame *frames, size_t n, size_t *lost)
{
	for (size_t i = 0; i < n; i++)
		*lost += send_one(of(link), &frames[i]);
	return (int)n;
}

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0 && (p.revents & POLLIN) != 0;
}

/* A plugin waits when there is nothing to read, so poll before each frame. */
static int plugin_recv(struct vs_link *link, struct iovec *frames, size_t n)
{
	size_t got = 0;

	while (got < n && readable(link->data_fd)) {
		ssize_t len = vde_recv(of(link)->conn, frames[got].iov_base, frames[got].iov_len, 0);
		if (len < 0 && (errno == EBADF || errno == ENOTSOCK))
			return -errno;
		if (len <= 0)
			break;
		if (len >= VS_FRAME_MIN) /* plugins return 1 for what they have handled themselves */
			frames[got++].iov_len = (size_t)len;
	}
	return (int)got;
}

static void plugin_close(struct vs_link *link)
{
	(void)vde_close(of(link)->conn);
	free(of(link)->flat);
	free(link);
}

static const struct vs_link_ops plugin_ops = { .send = plugin_send,
					       .recv = plugin_recv,
					       .close = plugin_close };

/* ------------------------------------------------------------------ without the plugin */

/* A single message costs less than an array of one. */
static ssize_t send_single(int fd, const struct vs_frame *frame)
{
	struct msghdr message = { .msg_iov = (struct iovec *)frame->iov, .msg_iovlen = (size_t)frame->n_iov };

	if (frame->n_iov == 1)
		return send(fd, frame->iov[0].iov_base, frame->iov[0].iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
	return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int send_many(int fd, const struct vs_frame *frames, size_t n)
{
	struct mmsghdr messages[BATCH];

	for (size_t i = 0; i < n; i++)
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = (struct iovec *)frames[i].iov,
						       .msg_iovlen = (size_t)frames[i].n_iov };
	return sendmmsg(fd, messages, (unsigned)n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int datagram_send(struct vs_link *link, const struct vs_frame *frames, size_t n, size_t *lost)
{
	size_t done = 0;

	while (done < n) {
		size_t batch = n - done < BATCH ? n - done : BATCH;
		int sent = batch == 1 ? (send_single(link->data_fd, &frames[done]) >= 0 ? 1 : -1) :
					send_many(link->data_fd, frames + done, batch);
		if (sent > 0) {
			done += (size_t)sent;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EBADF || errno == ENOTSOCK)
			return -errno;
		if (errno == EAGAIN)
			break;
		/* Not connected, too long, or out of buffers: the plugin may do better. */
		*lost += send_one(of(link), &frames[done]);
		done++;
	}
	return (int)done;
}

static int recv_single(int fd, struct iovec *frame)
{
	ssize_t len = recv(fd, frame->iov_base, frame->iov_len, MSG_DONTWAIT);

	if (len < 0)
		return -1;
	frame->iov_len = (size_t)len;
	return 1;
}

static int recv_many(int fd, struct iovec *frames, size_t n)
{
	struct mmsghdr messages[BATCH];

	for (size_t i = 0; i < n; i++)
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &frames[i], .msg_iovlen = 1 };
	int got = recvmmsg(fd, messages, (unsigned)n, MSG_DONTWAIT, NULL);
	for (int i = 0; i < got; i++)
		frames[i].iov_len = messages[i].msg_len;
	return got;
}

static int datagram_recv(struct vs_link *link, struct iovec *frames, size_t n)
{
	int got;

	do {
		got = n == 1 ? recv_single(link->data_fd, frames)
			     : recv_many(link->data_fd, frames, n < BATCH ? n : BATCH);
	} while (got < 0 && errno == EINTR);
	if (got < 0) /* ECONNRESET and the like: the other side has gone; another may come */
		return errno == EBADF || errno == ENOTSOCK ? -errno : 0;
	return got;
}

static long datagram_unread(struct vs_link *link)
{
	int bytes = 0;

	return ioctl(link->data_fd, SIOCOUTQ, &bytes) < 0 ? 0 : bytes;
}

/*
 * ptp:// closes its socket and then unlinks its path. In between, another program finds a path without a
 * socket, puts its own in that place, and would lose it. So the socket stays open until the path has gone:
 * nobody takes the path of a socket that is in use. Without a descriptor to spare, the plugin closes alone.
 */
static void ptp_close(struct vs_link *link)
{
	int held = fcntl(link->data_fd, F_DUPFD_CLOEXEC, 3);

	plugin_close(link);
	vs_close(held);
}

/* ptp:// ends at its receiver, and a full receiver makes us wait. vde:// has a switch in between. */
static const struct vs_link_ops ptp_ops = { .send = datagram_send,
					    .recv = datagram_recv,
					    .close = ptp_close };
static const struct vs_link_ops switched_ops = {
	.send = datagram_send,
	.recv = datagram_recv,
	.unread = datagram_unread,
	.close = plugin_close,
};

static bool has_scheme(const char *vnl, const char *scheme)
{
	return strncmp(vnl, scheme, strlen(scheme)) == 0;
}

static bool is_datagram(const char *vnl, int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);

	/* Braces mean that another plugin is nested around it. */
	if (strchr(vnl, '{') != NULL ||
	    !(has_scheme(vnl, "vde://") || has_scheme(vnl, "ptp://") || strstr(vnl, "://") == NULL))
		return false;
	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_DGRAM;
}

/*
 * The vde_switch of vde2 drops frames longer than 1518 bytes and does not report it. It is recognised by the
 * name of its socket: three digits, a dot and a number. The hubs of libvdeplug use other names.
 */
static bool is_vde2_switch(int fd)
{
	struct sockaddr_un peer = { 0 };
	socklen_t len = sizeof(peer);
	unsigned port, number;
	int end = 0;

	if (getpeername(fd, (struct sockaddr *)&peer, &len) < 0 || peer.sun_family != AF_UNIX)
		return false;
	peer.sun_path[sizeof(peer.sun_path) - 1] = '\0';
	const char *name = strrchr(peer.sun_path, '/');
	return name != NULL && sscanf(name, "/%3u.%u%n", &port, &number, &end) == 2 && name[end] == '\0' &&
	       name[4] == '.';
}

/* ------------------------------------------------------------------ opening */

static const char *remedy(int err)
{
	return vs_cause_text(vs_diagnose_network(err), err);
}

/* The plugin called name[0..n), looked for where libvdeplug looks. */
static void load_plugin(const char *name, int n)
{
	char path[PATH_MAX];
	Dl_info own;

	if (dladdr((void *)vde_close, &own) == 0 || own.dli_fname == NULL ||
	    strrchr(own.dli_fname, '/') == NULL)
		return;
	int dir = (int)(strrchr(own.dli_fname, '/') - own.dli_fname);
	(void)snprintf(path, sizeof(path), "%.*s/vdeplug/libvdeplug_%.*s.so", dir, own.dli_fname, n, name);
	(void)dlopen(path, RTLD_LAZY | RTLD_DEEPBIND | RTLD_NODELETE);
}

void vs_link_vde_load(const char *vnl)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";

	if (strncmp(vnl + strspn(vnl, letters), "://", 3) != 0 || strchr(vnl, '{') != NULL)
		load_plugin("vde", 3); /* a path by itself, or in braces */
	for (const char *at = strstr(vnl, "://"); at != NULL; at = strstr(at + 3, "://")) {
		const char *name = at;
		while (name > vnl && strchr(letters, name[-1]) != NULL)
			name--;
		if (name < at && at - name < 32)
			load_plugin(name, (int)(at - name));
	}
}

/* Networks of VDE frames between programs of this machine. Only frames to one station count there. */
static bool carries_containers(const char *vnl, const struct vs_link *link)
{
	bool node = has_scheme(vnl, "hub://") || has_scheme(vnl, "switch://");

	return link->ops != &plugin_ops || (node && strchr(vnl, '{') == NULL);
}

static void tune(struct vde_link *l, const char *vnl)
{
	struct timeval bound = { .tv_usec = VS_SEND_BOUND_MS * 1000 };
	int size = SOCKET_BUFFER, fd = l->link.data_fd;

	if (is_datagram(vnl, fd)) {
		l->link.ops = has_scheme(vnl, "ptp://") ? &ptp_ops : &switched_ops;
		l->link.never_waits = true;
		if (is_vde2_switch(fd)) {
			l->link.mtu_max = 1500;
			l->link.frame_max = VDE2_FRAME_MAX;
		}
	}
	if (carries_containers(vnl, &l->link))
		l->link.container_max = CONTAINER_MAX;
	/* It takes every frame and has none. So poll(2) need not show when there is room. */
	if (has_scheme(vnl, "null://") && strchr(vnl, '{') == NULL)
		l->link.never_waits = true;
	/* slirp:// ends TCP itself, there is no wire. A frame costs a system call: long ones cost less. */
	if (has_scheme(vnl, "slirp://") && strchr(vnl, '{') == NULL)
		l->link.tcp_frame_max = SLIRP_FRAME_MAX;
	/* These work on sockets only. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof(bound));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

/* libvdeplug cuts a path that is too long for a socket, and would open another socket. */
static bool path_too_long(const char *vnl)
{
	static const char *const schemes[] = { "vde://", "ptp://", "hub://", "switch://" };
	const char *path = strstr(vnl, "://") == NULL ? vnl : NULL;

	for (size_t i = 0; i < VS_COUNT(schemes); i++)
		if (strncmp(vnl, schemes[i], strlen(schemes[i])) == 0)
			path = vnl + strlen(schemes[i]);
	return path != NULL &&
	       strcspn(path, "[") + sizeof("/ctl") > sizeof(((struct sockaddr_un *)0)->sun_path);
}

/*
 * A socket of the kind that the keeper talks with (a door, a channel), either with SO_PASSCRED set or made
 * by another process. The plugin has been made to use a descriptor that is not its own.
 */
static bool is_foreign(int fd)
{
	struct ucred peer = { 0 };
	int domain = 0, type = 0, asks = 0;
	socklen_t len = sizeof(int), peer_len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 || domain != AF_UNIX ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_SEQPACKET)
		return false;
	return getsockopt(fd, SOL_SOCKET, SO_PASSCRED, &asks, &len) < 0 || asks != 0 ||
	       getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_len) < 0 || peer.pid != getpid();
}

int vs_link_vde(const char *vnl, struct vs_link **out)
{
	if (path_too_long(vnl))
		return vs_fail(ENAMETOOLONG, "cannot open \"%.200s\": %s", vnl, remedy(ENAMETOOLONG));

	struct vde_link *l = calloc(1, sizeof(*l));
	if (l == NULL)
		return vs_fail(ENOMEM, "cannot open \"%.200s\": %s", vnl,
			       vs_cause_text(VS_CAUSE_MEMORY, ENOMEM));
	errno = 0;
	l->conn = vde_open((char *)vnl, (char *)"vdestack", NULL);
	if (l->conn == NULL) {
		int err = errno != 0 ? errno : EIO; /* some plugins fail without saying why */
		free(l);
		return vs_fail(err, "cannot open \"%.200s\": %s; %s", vnl, strerror(err), remedy(err));
	}
	if (is_foreign(vde_datafd(l->conn))) { /* vde_close() would close the descriptor */
		free(l);
		return VS_LINK_FOREIGN;
	}
	l->link = (struct vs_link){ .ops = &plugin_ops,
				    .data_fd = vde_datafd(l->conn),
				    .control_fd = vde_ctlfd(l->conn),
				    .mtu_max = VDE_MAXMTU,
				    .frame_max = VS_FRAME_MAX };
	tune(l, vnl);
	*out = &l->link;
	return 0;
}

void vs_link_close(struct vs_link *link)
{
	if (link != NULL)
		link->ops->close(link);
}
