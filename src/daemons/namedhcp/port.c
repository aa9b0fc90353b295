/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Clients send to ff02::1:2, and relays to that, to ff05::1:3 or to an address of the server. Answers leave
 * from the address that was asked, or from the link-local one: that has to be checked for duplicates by the
 * kernel first, so the start waits for it.
 */

#include "port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "base/clock.h"

#define SERVER_PORT 547
#define CLIENT_PORT 546
#define ADDRESS_MS 4000 /* the kernel checks an address for one second, after a pause of up to one more */
#define STEP_MS 50

static const char all_relays_and_servers[] = "ff02::1:2", all_servers[] = "ff05::1:3";

static int join(int fd, const char *group, unsigned ifindex)
{
	struct ipv6_mreq request = { .ipv6mr_interface = ifindex };

	(void)inet_pton(AF_INET6, group, &request.ipv6mr_multiaddr);
	return ioth_setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &request, sizeof(request)) < 0 ? -errno : 0;
}

/*
 * Only messages of this interface: so that another server may serve another one. A stack may not know
 * this; then messages of others are dropped by their interface.
 */
static void bind_to_device(int fd, const char *ifname)
{
	(void)ioth_setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname, (socklen_t)strlen(ifname) + 1);
}

static int open_socket(struct nd_port *port, const struct dh_link *link)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(SERVER_PORT) };
	int one = 1;

	port->ifindex = link->ifindex;
	port->fd = ioth_msocket(link->stack, AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (port->fd < 0 || ioth_ioctl(port->fd, FIONBIO, &one) < 0)
		return -errno;
	bind_to_device(port->fd, link->ifname);
	(void)ioth_setsockopt(port->fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	(void)ioth_setsockopt(port->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one)); /* or not known */
	if (ioth_bind(port->fd, (struct sockaddr *)&any, sizeof(any)) < 0)
		return -errno;
	int r = join(port->fd, all_relays_and_servers, port->ifindex);
	if (r == 0)
		(void)join(port->fd, all_servers, port->ifindex); /* relays have other ways */
	return r;
}

/* Whether a message to the link would have a source. */
static bool has_address(const struct dh_link *link)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6,
				   .sin6_port = htons(CLIENT_PORT),
				   .sin6_scope_id = link->ifindex };
	int fd = ioth_msocket(link->stack, AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)inet_pton(AF_INET6, all_relays_and_servers, &to.sin6_addr);
	int r = fd < 0 ? -1 : ioth_connect(fd, (struct sockaddr *)&to, sizeof(to));
	if (fd >= 0)
		(void)ioth_close(fd);
	return r == 0;
}

static void wait_for_address(const struct dh_link *link)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000L };
	int64_t deadline = vs_now_ms() + ADDRESS_MS;

	while (!has_address(link)) {
		if (vs_now_ms() > deadline) {
			dm_report(DM_NOTICE, "%s has no IPv6 address yet: clients wait until it has one",
				  link->ifname);
			return;
		}
		(void)nanosleep(&step, NULL);
	}
}

int nd_port_open(struct nd_port *port, const struct dh_link *link)
{
	int r = open_socket(port, link);

	if (r == 0) {
		wait_for_address(link);
		return 0;
	}
	dm_report(DM_ERROR, "cannot serve on %s, port %d: %s%s", link->ifname, SERVER_PORT, strerror(-r),
		  r == -EADDRINUSE ? "; another DHCPv6 server or relay of this stack has to be stopped"
		  : r == -EACCES   ? "; it needs CAP_NET_BIND_SERVICE, or a stack of its own"
				   : "");
	return -1;
}

void nd_port_close(struct nd_port *port)
{
	if (port->fd >= 0)
		(void)ioth_close(port->fd);
	port->fd = -1;
}

static void read_destination(struct msghdr *msg, struct nd_peer *peer)
{
	struct in6_pktinfo info;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_PKTINFO ||
		    c->cmsg_len < CMSG_LEN(sizeof(info)))
			continue;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		peer->to = info.ipi6_addr;
		peer->ifindex = info.ipi6_ifindex;
	}
}

ssize_t nd_port_receive(const struct nd_port *port, uint8_t *bytes, size_t size, struct nd_peer *peer)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { bytes, size };
	struct msghdr msg = { .msg_name = &peer->from,
			      .msg_namelen = sizeof(peer->from),
			      .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };

	memset(peer, 0, sizeof(*peer)); /* it is compared as bytes */
	ssize_t n = ioth_recvmsg(port->fd, &msg, 0);
	if (n < 0)
		return -errno;
	if (msg.msg_namelen < sizeof(peer->from) || peer->from.sin6_family != AF_INET6 ||
	    (msg.msg_flags & MSG_TRUNC) != 0)
		return 0;
	read_destination(&msg, peer);
	return peer->ifindex == 0 || peer->ifindex == port->ifindex ? n : 0;
}

static bool is_known_unicast(const struct in6_addr *addr)
{
	return !IN6_IS_ADDR_MULTICAST(addr) && !IN6_IS_ADDR_UNSPECIFIED(addr);
}

int nd_port_send(const struct nd_port *port, const struct nd_peer *peer, bool relayed, const uint8_t *bytes,
		 size_t n)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
		struct cmsghdr align;
	} control = { .bytes = "" };
	struct in6_pktinfo info = { .ipi6_addr = peer->to, .ipi6_ifindex = port->ifindex };
	struct sockaddr_in6 to = peer->from;
	struct iovec iov = { (void *)(uintptr_t)bytes, n };
	struct msghdr msg = { .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov, .msg_iovlen = 1 };

	to.sin6_port = htons(relayed ? SERVER_PORT : CLIENT_PORT);
	if (is_known_unicast(&peer->to)) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		control.align = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(info)),
						  .cmsg_level = IPPROTO_IPV6,
						  .cmsg_type = IPV6_PKTINFO };
		memcpy(CMSG_DATA(&control.align), &info, sizeof(info));
	}
	return ioth_sendmsg(port->fd, &msg, 0) < 0 ? -errno : 0;
}
