/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A station of a VDE network: it has one MAC address, the link-local address that belongs to it, and knows
 * router solicitations and neighbour solicitations. A network that has ended is opened again for the next
 * advertisement to all. libvdeplug has a descriptor for frames and, for some networks, one that shows their
 * end: the server waits for both by one of epoll(7).
 *
 * Nothing here waits for the other side, so that a server can always be stopped. A network that does not take
 * a frame loses it, and libvdeplug opens a network again in a thread of its own. Only the call that starts a
 * server waits until its network is open, for a limited time.
 */

#include <errno.h>
#include <fcntl.h>
#include <libvdeplug.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/cleanup.h"
#include "frame.h"
#include "ioth/lib/internal.h"
#include "opening.h"
#include "port.h"
#include "proto/ip6.h"
#include "proto/ndp.h"
#include "proto/ndp_neigh.h"

#define SEND_MOST_MS 20
#define OPEN_MOST_MS 10000

struct port {
	struct radv_port port; /* fd: of epoll(7) */
	VDECONN *conn;
	bool is_socket;               /* of the descriptor for frames */
	struct radv_opening *opening; /* with conn NULL; NULL: nothing is being opened */
	char *vnl;
	uint8_t addr[16];
};

static const uint8_t all_hosts[16] = { 0xff, 2, [15] = 1 };
static const uint8_t all_routers[16] = { 0xff, 2, [15] = 2 };

static void disconnect(struct port *p)
{
	if (p->conn != NULL)
		(void)vde_close(p->conn);
	p->conn = NULL;
	vs_close(p->port.fd);
	p->port.fd = -1;
}

static int watch_fd(int epoll, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events };

	if (fd < 0)
		return 0;
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 && errno != EEXIST ? -errno : 0;
}

static int watch(struct port *p)
{
	p->port.fd = epoll_create1(EPOLL_CLOEXEC);
	if (p->port.fd < 0)
		return -errno;
	int r = watch_fd(p->port.fd, vde_datafd(p->conn), EPOLLIN);
	return r < 0 ? r : watch_fd(p->port.fd, vde_ctlfd(p->conn), EPOLLRDHUP);
}

/* Whether the network has ended, as far as it shows. */
static bool has_ended(const struct port *p)
{
	struct pollfd fds[2] = { { .fd = vde_datafd(p->conn) },
				 { .fd = vde_ctlfd(p->conn), .events = POLLRDHUP } };

	return poll(fds, 2, 0) > 0 && (fds[0].revents != 0 || fds[1].revents != 0);
}

/* p->conn is open. On failure it is closed. */
static int use_connection(struct port *p)
{
	struct timeval most = { .tv_usec = SEND_MOST_MS * 1000 };

	/* libvdeplug ignores MSG_DONTWAIT. Some networks have another descriptor, which shows less. */
	p->is_socket = setsockopt(vde_datafd(p->conn), SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most)) == 0;
	int r = watch(p);
	if (r < 0)
		disconnect(p);
	return r;
}

static int connect_now(struct port *p)
{
	int r = radv_open_within(p->vnl, OPEN_MOST_MS, &p->conn);

	return r < 0 ? r : use_connection(p);
}

/* -EINPROGRESS: the next call may have it. */
static int connect_again(struct port *p)
{
	int r = 0;

	if (p->conn != NULL)
		return 0;
	if (p->opening == NULL)
		r = radv_opening_begin(p->vnl, &p->opening);
	if (r < 0)
		return r;
	r = radv_opening_take(p->opening, &p->conn);
	if (r != -EINPROGRESS)
		p->opening = NULL;
	return r < 0 ? r : use_connection(p);
}

/* ------------------------------------------------------------------ sending */

/* Other senders may fill the queue after this look: then the limit of the socket ends the wait. */
static bool has_room(const struct port *p)
{
	struct pollfd poller = { .fd = vde_datafd(p->conn), .events = POLLOUT };

	return !p->is_socket || (poll(&poller, 1, 0) > 0 && poller.revents != 0);
}

static int send_to(struct port *p, const uint8_t to[16], const uint8_t mac[6], const void *message, size_t n)
{
	uint8_t bytes[RADV_FRAME_MAX];
	struct radv_frame f = { .message = message, .n = n };

	memcpy(f.to_mac, mac, 6);
	memcpy(f.from_mac, p->port.mac, 6);
	memcpy(f.from, p->addr, 16);
	memcpy(f.to, to, 16);
	size_t len = radv_frame_write(&f, bytes);
	if (len == 0)
		return -EMSGSIZE;
	if (!has_room(p))
		return -EAGAIN;
	if (vde_send(p->conn, bytes, len, MSG_DONTWAIT) >= 0)
		return 0;
	int err = errno;
	if (err != EAGAIN && err != EINTR && err != ENOBUFS)
		disconnect(p);
	return -err;
}

static int send_message(struct radv_port *port, const struct radv_host *to, const void *message, size_t n)
{
	struct port *p = (struct port *)port;
	uint8_t mac[6];

	if (to != NULL)
		return p->conn == NULL ? -ENOTCONN : send_to(p, to->addr.s6_addr, to->mac, message, n);
	int r = connect_again(p);
	radv_frame_group_mac(all_hosts, mac);
	return r < 0 ? r : send_to(p, all_hosts, mac, message, n);
}

/* ------------------------------------------------------------------ receiving */

/* Whether it is the solicited-node group of the station (RFC 4291 section 2.7.1). */
static bool is_our_group(const struct port *p, const uint8_t to[16])
{
	uint8_t group[16] = { 0xff, 2, [11] = 1, 0xff };

	memcpy(group + 13, p->addr + 13, 3);
	return memcmp(to, group, 16) == 0;
}

static bool is_for_us(const struct port *p, const struct radv_frame *f)
{
	return memcmp(f->to, p->addr, 16) == 0 || memcmp(f->to, all_routers, 16) == 0 ||
	       memcmp(f->to, all_hosts, 16) == 0 || is_our_group(p, f->to);
}

/* Also when another station asks whether the address is in use: then it comes from "::". */
static void answer_neighbour(struct port *p, const struct radv_frame *f)
{
	struct vs_ndp_ns ns;
	uint8_t message[VS_NDP_NA_BYTES], mac[6];
	bool solicited = !vs_ip6_is_unspecified(f->from);

	if (vs_ndp_ns_parse(f->message, f->n, f->from, &ns) != VS_NDP_OK ||
	    memcmp(ns.target, p->addr, 16) != 0)
		return;
	if (!solicited && !is_our_group(p, f->to)) /* RFC 4861 section 7.1.1 */
		return;
	vs_ndp_na_encode(message, p->addr, p->port.mac, solicited);
	if (solicited) {
		(void)send_to(p, f->from, ns.has_mac ? ns.mac : f->from_mac, message, sizeof(message));
	} else {
		radv_frame_group_mac(all_hosts, mac);
		(void)send_to(p, all_hosts, mac, message, sizeof(message));
	}
}

static enum radv_received receive(struct radv_port *port, struct radv_host *from)
{
	struct port *p = (struct port *)port;
	uint8_t bytes[VDE_ETHBUFSIZE];
	struct pollfd poller = { .events = POLLIN };
	struct radv_frame f;
	struct vs_ndp_rs rs;

	if (p->conn == NULL)
		return RADV_EMPTY;
	poller.fd = vde_datafd(p->conn);
	/* A plugin may wait when there is nothing to read. */
	bool readable = poll(&poller, 1, 0) > 0 && (poller.revents & POLLIN) != 0;
	if (!readable && !has_ended(p))
		return RADV_EMPTY;
	ssize_t n = readable ? vde_recv(p->conn, bytes, sizeof(bytes), 0) : 0;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return RADV_EMPTY;
	if (n <= 0) {
		disconnect(p);
		return RADV_EMPTY;
	}
	/* n may be 1: the plugin has handled the frame itself. That is no frame of ours. */
	if (!radv_frame_read(bytes, (size_t)n, &f) || !is_for_us(p, &f))
		return RADV_DROPPED;
	if (vs_ndp_rs_parse(f.message, f.n, f.from, &rs) != VS_NDP_OK) {
		answer_neighbour(p, &f);
		return RADV_DROPPED;
	}
	memcpy(&from->addr, f.from, 16);
	memcpy(from->mac, rs.has_mac ? rs.mac : f.from_mac, 6);
	return RADV_SOLICITED;
}

/* ------------------------------------------------------------------ opening */

static void close_port(struct radv_port *port)
{
	struct port *p = (struct port *)port;

	disconnect(p);
	radv_opening_abandon(p->opening);
	free(p->vnl);
	free(p);
}

static const struct radv_port_ops ops = { .receive = receive, .send = send_message, .close = close_port };

/* A random one is unicast and locally administered. */
static int choose_mac(struct port *p, const uint8_t *mac)
{
	p->port.has_mac = true;
	if (mac != NULL) {
		memcpy(p->port.mac, mac, 6);
		return (mac[0] & 1) != 0 ? -EINVAL : 0;
	}
	if (getrandom(p->port.mac, 6, 0) != 6)
		return -EIO;
	p->port.mac[0] = (uint8_t)((p->port.mac[0] & ~1u) | 2u);
	return 0;
}

struct radv_port *radv_port_vde(const char *vnl, const uint8_t *mac)
{
	struct port *p = calloc(1, sizeof(*p));
	int r;

	if (p == NULL || (p->vnl = strdup(vnl)) == NULL) {
		free(p);
		(void)ioth_internal_fail(ENOMEM, "cannot start a router: out of memory");
		return NULL;
	}
	p->port.ops = &ops;
	p->port.fd = -1;
	if ((r = choose_mac(p, mac)) < 0)
		(void)ioth_internal_fail(-r, "cannot start a router: %s",
					 r == -EINVAL ? "the MAC address is that of a group"
						      : "there is no random MAC address; give one");
	else if ((r = connect_now(p)) < 0)
		(void)ioth_internal_fail(-r, "cannot start a router: cannot open the network %s: %s%s", vnl,
					 strerror(-r),
					 r == -ETIMEDOUT ? "; its switch takes clients and does not answer"
							 : "");
	if (r < 0) {
		int saved = errno;
		close_port(&p->port);
		errno = saved;
		return NULL;
	}
	radv_frame_link_local(p->port.mac, p->addr);
	return &p->port;
}
