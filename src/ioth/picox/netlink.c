/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sockets of rtnetlink: each message of the program is a datagram of requests. Groups of links, addresses and
 * routes can be joined; their messages come after each change.
 */

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/cleanup.h"
#include "message.h"
#include "nl.h"
#include "settings.h"
#include "socket.h"

#define AT_ONCE 16 /* datagrams before other sockets have their turn */

struct state {
	struct px_socket *socket;
	struct state *next;
	struct vs_pxnl nl;
	uint32_t groups;  /* as in struct sockaddr_nl */
	unsigned pending; /* links that are being opened: their answers are still to come */
	bool gone;
};

static struct state *all;
static uint32_t last_port;

static bool send_datagram(void *arg, const void *bytes, size_t n)
{
	struct state *st = arg;
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct px_datagram head = { .len = (uint32_t)n, .addr_len = sizeof(kernel) };
	struct iovec iov[2] = { { &head, sizeof(head) }, { (void *)bytes, n } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	if (st->gone)
		return false;
	memcpy(head.addr, &kernel, sizeof(kernel));
	if (sendmsg(st->socket->watch.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return true;
	st->socket->error = ENOBUFS; /* as the kernel says it: something was lost */
	return false;
}

/* ------------------------------------------------------------------ new links */

struct opening {
	struct state *state;
	struct vs_pxnl_request request;
	struct vs_pxnl_change change;
};

static void unuse(struct state *st)
{
	if (st->gone && st->pending == 0)
		free(st);
}

static void opened(void *arg, int result)
{
	struct opening *o = arg;
	struct state *st = o->state;
	const char *why = NULL, *unused;
	int index = result;

	if (index > 0)
		result = px_settings_ops.link_set(NULL, index, &o->change, &why);
	if (index > 0 && result < 0) /* all or nothing */
		(void)px_settings_ops.link_del(NULL, index, &unused);
	vs_pxnl_answer(&st->nl, &o->request, result,
		       result < 0 && why == NULL ? "cannot open the network" : why);
	st->pending--;
	unuse(st);
	free(o);
}

static int link_new(void *arg, const struct vs_pxnl_request *request, const struct vs_pxnl_new_link *link,
		    const char **why)
{
	struct state *st = arg;

	if (link->ifindex != 0) {
		*why = "this stack chooses the indexes of its interfaces";
		return -EOPNOTSUPP;
	}
	struct opening *o = malloc(sizeof(*o));
	if (o == NULL)
		return -ENOMEM;
	*o = (struct opening){ st, *request, link->change };
	int r = px_iface_open(link->name, link->vnl, opened, o);
	if (r < 0) {
		free(o);
		return r;
	}
	st->pending++;
	return VS_PXNL_LATER;
}

/* ------------------------------------------------------------------ notifications */

static void notify(const struct px_note *note)
{
	static _Alignas(max_align_t) uint8_t bytes[VS_PXNL_MESSAGE_MAX];
	unsigned group = note->link != NULL                                    ? RTNLGRP_LINK
			 : note->addr != NULL && note->addr->family == AF_INET ? RTNLGRP_IPV4_IFADDR
			 : note->addr != NULL                                  ? RTNLGRP_IPV6_IFADDR
			 : note->route->family == AF_INET                      ? RTNLGRP_IPV4_ROUTE
									       : RTNLGRP_IPV6_ROUTE;
	size_t n = 0;

	for (struct state *st = all; st != NULL; st = st->next) {
		if ((st->groups & 1u << (group - 1)) == 0)
			continue;
		if (n == 0)
			n = note->link != NULL   ? vs_pxnl_link_note(note->type, note->link, bytes)
			    : note->addr != NULL ? vs_pxnl_addr_note(note->type, note->addr, bytes)
						 : vs_pxnl_route_note(note->type, note->route, bytes);
		if (n > 0)
			(void)send_datagram(st, bytes, n);
	}
}

/* ------------------------------------------------------------------ the socket */

static const struct vs_pxnl_ops *ops(void)
{
	static struct vs_pxnl_ops filled;

	filled = px_settings_ops;
	filled.link_new = link_new;
	filled.send = send_datagram;
	return &filled;
}

static int netlink_open(struct px_socket *s)
{
	struct state *st = calloc(1, sizeof(*st));

	if (st == NULL)
		return -ENOMEM;
	*st = (struct state){ .socket = s, .next = all, .nl = { ops(), st, ++last_port } };
	all = st;
	s->state = st;
	px_settings_tell(notify);
	return 0;
}

static void netlink_hangup(struct px_socket *s)
{
	struct state *st = s->state;

	for (struct state **at = &all; *at != NULL; at = &(*at)->next)
		if (*at == st) {
			*at = st->next;
			break;
		}
	st->gone = true;
	unuse(st);
	px_socket_free(s);
}

static void netlink_readable(struct px_socket *s);

static void read_again(struct px_later *later)
{
	netlink_readable((struct px_socket *)(void *)((char *)later - offsetof(struct px_socket, later)));
}

static void netlink_readable(struct px_socket *s)
{
	static _Alignas(max_align_t) uint8_t bytes[VS_PXNL_MESSAGE_MAX];
	struct state *st = s->state;

	for (int i = 0; i < AT_ONCE; i++) {
		struct px_datagram head;
		struct iovec iov[2] = { { &head, sizeof(head) }, { bytes, sizeof(bytes) } };
		struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
		ssize_t n = recvmsg(s->watch.fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (n <= 0)
			return;
		/* One that is cut, or shorter than it says, is no message of the plugin. */
		if ((msg.msg_flags & MSG_TRUNC) != 0 || (size_t)n < sizeof(head) ||
		    head.len != (size_t)n - sizeof(head))
			continue;
		(void)vs_pxnl_serve(&st->nl, bytes, head.len);
	}
	px_later_again(&s->later, read_again);
}

static int netlink_bind(struct px_socket *s, const struct sockaddr *addr, socklen_t len)
{
	struct state *st = s->state;
	struct sockaddr_nl nl;

	if (len < sizeof(nl))
		return -EINVAL;
	memcpy(&nl, addr, sizeof(nl));
	if (nl.nl_family != AF_NETLINK)
		return -EINVAL;
	for (struct state *other = all; nl.nl_pid != 0 && other != NULL; other = other->next)
		if (other != st && other->nl.port == nl.nl_pid)
			return -EADDRINUSE;
	if (nl.nl_pid != 0)
		st->nl.port = nl.nl_pid;
	st->groups = nl.nl_groups;
	return 0;
}

/* Only to the kernel, which is this process. */
static int netlink_connect(struct px_socket *s, const struct sockaddr *addr, socklen_t len)
{
	struct sockaddr_nl nl;

	(void)s;
	if (len < sizeof(nl))
		return -EINVAL;
	memcpy(&nl, addr, sizeof(nl));
	return nl.nl_family != AF_NETLINK ? -EINVAL : nl.nl_pid != 0 ? -ECONNREFUSED : 0;
}

static int netlink_name(struct px_socket *s, bool peer, struct sockaddr_storage *addr, socklen_t *len)
{
	const struct state *st = s->state;
	const struct sockaddr_nl nl = { .nl_family = AF_NETLINK,
					.nl_pid = peer ? 0 : st->nl.port,
					.nl_groups = peer ? 0 : st->groups };

	memcpy(addr, &nl, sizeof(nl));
	*len = sizeof(nl);
	return 0;
}

static int netlink_set(struct px_socket *s, int level, int name, const void *value, socklen_t len)
{
	struct state *st = s->state;
	int number;

	if (len < sizeof(number))
		return -EINVAL;
	memcpy(&number, value, sizeof(number));
	if (level == SOL_SOCKET && (name == SO_RCVBUF || name == SO_SNDBUF))
		return 0;
	if (level != SOL_NETLINK)
		return -ENOPROTOOPT;
	switch (name) {
	case NETLINK_ADD_MEMBERSHIP:
	case NETLINK_DROP_MEMBERSHIP:
		if (number < 1 || number > 32)
			return -EINVAL;
		if (name == NETLINK_ADD_MEMBERSHIP)
			st->groups |= 1u << (number - 1);
		else
			st->groups &= ~(1u << (number - 1));
		return 0;
	case NETLINK_EXT_ACK: /* texts are sent in any case, and requests are not repeated */
	case NETLINK_CAP_ACK:
	case NETLINK_NO_ENOBUFS:
	case NETLINK_GET_STRICT_CHK:
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int netlink_get(struct px_socket *s, int level, int name, void *value, socklen_t *len)
{
	int number;

	if (level != SOL_SOCKET)
		return -ENOPROTOOPT;
	switch (name) {
	case SO_ERROR:
		number = px_socket_take_error(s);
		break;
	case SO_TYPE:
		number = s->type;
		break;
	case SO_PROTOCOL:
		number = s->protocol;
		break;
	case SO_DOMAIN:
		number = s->family;
		break;
	case SO_RCVBUF:
	case SO_SNDBUF:
		number = 212992;
		break;
	default:
		return -ENOPROTOOPT;
	}
	*len = *len < sizeof(number) ? *len : sizeof(number);
	memcpy(value, &number, *len);
	return 0;
}

const struct px_ops px_netlink_ops = {
	.pair = SOCK_SEQPACKET,
	.open = netlink_open,
	.readable = netlink_readable,
	.hangup = netlink_hangup,
	.bind = netlink_bind,
	.connect = netlink_connect,
	.name = netlink_name,
	.set = netlink_set,
	.get = netlink_get,
};
