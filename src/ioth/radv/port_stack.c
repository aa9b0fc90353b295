/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A raw socket of ICMPv6 in a stack of libioth. The stack does the checksums. Where it can, it says by which
 * interface and with which hop limit a packet came, and takes the source address to send from: an
 * advertisement has to come from a link-local address, and a stack might choose another one.
 */

#include <errno.h>
#include <netinet/icmp6.h>
#include <stdlib.h>
#include <string.h>

#include "ioth/lib/internal.h"
#include "port.h"
#include "proto/ndp.h"

#define HOPS 255 /* RFC 4861 sections 6.1.1 and 6.1.2 */
#define LONGEST 2048

struct port {
	struct radv_port port;
	struct ioth *stack;
	unsigned ifindex;
	int member; /* a socket that is in the group for the raw one; -1: not needed */
	bool knows_interface, knows_hops;
	bool has_source;
	struct in6_addr source;
};

static const struct in6_addr all_hosts = { { { 0xff, 2, [15] = 1 } } };
static const struct in6_addr all_routers = { { { 0xff, 2, [15] = 2 } } };

/* ------------------------------------------------------------------ receiving */

struct arrival {
	const uint8_t *bytes;
	size_t n;
	struct sockaddr_in6 from;
	unsigned ifindex; /* 0: not known */
	int hops;         /* -1: not known */
};

static void read_control(struct msghdr *msg, struct arrival *a)
{
	a->ifindex = a->from.sin6_scope_id;
	a->hops = -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		struct in6_pktinfo info;
		if (c->cmsg_level != IPPROTO_IPV6)
			continue;
		if (c->cmsg_type == IPV6_PKTINFO && c->cmsg_len >= CMSG_LEN(sizeof(info))) {
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			a->ifindex = info.ipi6_ifindex;
		} else if (c->cmsg_type == IPV6_HOPLIMIT && c->cmsg_len >= CMSG_LEN(sizeof(a->hops))) {
			memcpy(&a->hops, CMSG_DATA(c), sizeof(a->hops));
		}
	}
}

static bool is_valid(const struct port *p, const struct arrival *a)
{
	struct vs_ndp_rs rs;

	if (p->knows_interface ? a->ifindex != p->ifindex : a->ifindex != 0 && a->ifindex != p->ifindex)
		return false;
	if (p->knows_hops && a->hops != HOPS)
		return false;
	return vs_ndp_rs_parse(a->bytes, a->n, a->from.sin6_addr.s6_addr, &rs) == VS_NDP_OK;
}

static enum radv_received receive(struct radv_port *port, struct radv_host *from)
{
	struct port *p = (struct port *)port;
	uint8_t bytes[LONGEST];
	_Alignas(struct cmsghdr) char control[256];
	struct arrival a = { .bytes = bytes };
	struct iovec iov = { bytes, sizeof(bytes) };
	struct msghdr msg = { .msg_name = &a.from,
			      .msg_namelen = sizeof(a.from),
			      .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };

	ssize_t n = ioth_recvmsg(port->fd, &msg, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? RADV_EMPTY : RADV_UNREADABLE;
	if (n == 0) /* the process of the stack has ended: no message is empty */
		return RADV_UNREADABLE;
	if ((msg.msg_flags & MSG_TRUNC) != 0)
		return RADV_DROPPED;
	a.n = (size_t)n;
	read_control(&msg, &a);
	if (!is_valid(p, &a))
		return RADV_DROPPED;
	memset(from, 0, sizeof(*from));
	from->addr = a.from.sin6_addr;
	return RADV_SOLICITED;
}

/* ------------------------------------------------------------------ sending */

static bool find_source(struct port *p)
{
	struct ifaddrs *list;

	if (p->has_source)
		return true;
	if (ioth_getifaddrs(p->stack, &list) < 0)
		return false;
	for (const struct ifaddrs *i = list; i != NULL && !p->has_source; i = i->ifa_next) {
		const struct sockaddr_in6 *a = (const struct sockaddr_in6 *)(const void *)i->ifa_addr;
		if (a == NULL || a->sin6_family != AF_INET6 || a->sin6_scope_id != p->ifindex ||
		    !IN6_IS_ADDR_LINKLOCAL(&a->sin6_addr))
			continue;
		p->source = a->sin6_addr;
		p->has_source = true;
	}
	ioth_freeifaddrs(list);
	return p->has_source;
}

static int send_message(struct radv_port *port, const struct radv_host *to, const void *message, size_t n)
{
	struct port *p = (struct port *)port;
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6,
				   .sin6_addr = to != NULL ? to->addr : all_hosts,
				   .sin6_scope_id = p->ifindex };
	struct in6_pktinfo info = { .ipi6_ifindex = p->ifindex };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(info))] = { 0 };
	struct iovec iov = { (void *)(uintptr_t)message, n };
	struct msghdr msg = { .msg_name = &sa, .msg_namelen = sizeof(sa), .msg_iov = &iov, .msg_iovlen = 1 };

	if (!find_source(p))
		return -EADDRNOTAVAIL;
	if (p->knows_interface) {
		info.ipi6_addr = p->source;
		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
	}
	if (ioth_sendmsg(port->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	p->has_source = false; /* the address may be another one now */
	return -errno;
}

/* ------------------------------------------------------------------ opening */

static void close_port(struct radv_port *port)
{
	struct port *p = (struct port *)port;

	if (port->fd >= 0)
		(void)ioth_close(port->fd);
	if (p->member >= 0)
		(void)ioth_close(p->member);
	free(p);
}

static const struct radv_port_ops ops = { .receive = receive, .send = send_message, .close = close_port };

static bool set(int fd, int option, int value)
{
	return ioth_setsockopt(fd, IPPROTO_IPV6, option, &value, sizeof(value)) == 0;
}

/* Solicitations are sent to all routers. A stack may have groups for UDP only: then a socket of UDP is in. */
static int join_group(struct port *p)
{
	struct ipv6_mreq group = { .ipv6mr_multiaddr = all_routers, .ipv6mr_interface = p->ifindex };

	if (ioth_setsockopt(p->port.fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &group, sizeof(group)) == 0)
		return 0;
	if (errno != ENOPROTOOPT && errno != EINVAL)
		return -errno;
	p->member = ioth_msocket(p->stack, AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (p->member < 0 ||
	    ioth_setsockopt(p->member, IPPROTO_IPV6, IPV6_JOIN_GROUP, &group, sizeof(group)) < 0)
		return -errno;
	return 0;
}

static int open_socket(struct port *p)
{
	struct icmp6_filter filter;
	int fd = ioth_msocket(p->stack, AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6);

	p->port.fd = fd;
	if (fd < 0)
		return -errno;
	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ND_ROUTER_SOLICIT, &filter);
	if (ioth_setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter)) < 0 ||
	    !set(fd, IPV6_UNICAST_HOPS, HOPS))
		return -errno;
	p->knows_hops = set(fd, IPV6_RECVHOPLIMIT, 1);
	p->knows_interface = set(fd, IPV6_RECVPKTINFO, 1);
	/* A stack without these sends with 255 hops and by the interface of the address. */
	if (p->knows_interface &&
	    (!set(fd, IPV6_MULTICAST_HOPS, HOPS) || !set(fd, IPV6_MULTICAST_IF, (int)p->ifindex) ||
	     !set(fd, IPV6_MULTICAST_LOOP, 0)))
		return -errno;
	return join_group(p);
}

struct radv_port *radv_port_stack(struct ioth *stack, unsigned ifindex)
{
	struct port *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		(void)ioth_internal_fail(ENOMEM, "cannot start a router: out of memory");
		return NULL;
	}
	*p = (struct port){ .port = { &ops, .fd = -1 }, .stack = stack, .ifindex = ifindex, .member = -1 };
	p->port.has_mac = ioth_linkgetaddr(stack, ifindex, p->port.mac) == 0;
	int r = p->port.has_mac || errno == EADDRNOTAVAIL ? 0 : -errno;
	if (r < 0) {
		(void)ioth_internal_fail(-r, "cannot start a router: interface %u: %s", ifindex,
					 strerror(-r));
	} else if ((r = open_socket(p)) < 0) {
		(void)ioth_internal_fail(-r, "cannot start a router: no raw socket on interface %u: %s%s",
					 ifindex, strerror(-r),
					 r == -EPERM ? "; it takes CAP_NET_RAW, or a stack of its own" : "");
	} else {
		return &p->port;
	}
	int saved = errno;
	close_port(&p->port);
	errno = saved;
	return NULL;
}
