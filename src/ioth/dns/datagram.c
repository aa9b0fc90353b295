/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A host with several addresses, and a socket bound to none of them: the stack chooses the source of a reply
 * by its route, and a client drops a reply from an address that it has not asked. So the address that a
 * datagram was sent to is received with it (IP_PKTINFO, RFC 3542), and the reply leaves from there. What is
 * no address of one host (multicast, broadcast) is no source: the stack chooses then. So it does where the
 * options do not exist, as in picox.
 */

#include "datagram.h"

#include <errno.h>
#include <ioth.h>
#include <stdbool.h>
#include <string.h>

/* Room for what a socket of both families gives. */
union control {
	char bytes[CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(struct in6_pktinfo))];
	struct cmsghdr aligned;
};

/* Datagrams that wait already have their address, too. */
static bool ask_for_addresses(int fd)
{
	const int one = 1;

	return ioth_setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one)) == 0 ||
	       ioth_setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one)) == 0;
}

static void take_local(struct vs_datagram *d, const struct cmsghdr *c)
{
	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO &&
	    c->cmsg_len >= CMSG_LEN(sizeof(d->local4))) {
		memcpy(&d->local4, CMSG_DATA(c), sizeof(d->local4));
		/* Of a datagram that came before the option was set only the destination is known. */
		if (d->local4.ipi_spec_dst.s_addr == htonl(INADDR_ANY))
			d->local4.ipi_spec_dst = d->local4.ipi_addr;
		d->local4.ipi_ifindex = 0; /* the route to the client decides */
		d->local_family = AF_INET;
	}
	if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO &&
	    c->cmsg_len >= CMSG_LEN(sizeof(d->local6))) {
		memcpy(&d->local6, CMSG_DATA(c), sizeof(d->local6));
		if (!IN6_IS_ADDR_LINKLOCAL(&d->local6.ipi6_addr))
			d->local6.ipi6_ifindex = 0;
		d->local_family = IN6_IS_ADDR_MULTICAST(&d->local6.ipi6_addr) ? AF_UNSPEC : AF_INET6;
	}
}

ssize_t vs_datagram_receive(int fd, void *to, size_t size, struct vs_datagram *d)
{
	struct iovec part = { to, size };
	union control control;
	struct msghdr message = { .msg_name = &d->peer,
				  .msg_namelen = sizeof(d->peer),
				  .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = sizeof(control.bytes) };

	d->local_family = AF_UNSPEC;
	d->peer_len = sizeof(d->peer);
	if (!ask_for_addresses(fd))
		return ioth_recvfrom(fd, to, size, 0, (struct sockaddr *)&d->peer, &d->peer_len);
	ssize_t n = ioth_recvmsg(fd, &message, 0);
	if (n < 0)
		return -1;
	d->peer_len = message.msg_namelen;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c))
		take_local(d, c);
	return n;
}

static ssize_t reply_from(int fd, const void *bytes, size_t size, const struct vs_datagram *d)
{
	bool v4 = d->local_family == AF_INET;
	size_t n = v4 ? sizeof(d->local4) : sizeof(d->local6);
	struct iovec part = { (void *)(uintptr_t)bytes, size };
	union control control = { .bytes = { 0 } };
	struct msghdr message = { .msg_name = (void *)(uintptr_t)&d->peer,
				  .msg_namelen = d->peer_len,
				  .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = CMSG_SPACE(n) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);

	c->cmsg_level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
	c->cmsg_type = v4 ? IP_PKTINFO : IPV6_PKTINFO;
	c->cmsg_len = CMSG_LEN(n);
	memcpy(CMSG_DATA(c), v4 ? (const void *)&d->local4 : (const void *)&d->local6, n);
	return ioth_sendmsg(fd, &message, MSG_NOSIGNAL);
}

ssize_t vs_datagram_reply(int fd, const void *from, size_t size, const struct vs_datagram *d)
{
	ssize_t n = d->local_family != AF_UNSPEC ? reply_from(fd, from, size, d) : -1;

	/* The address may have been taken away meanwhile, or is that of a group. */
	if (d->local_family == AF_UNSPEC ||
	    (n < 0 && (errno == EINVAL || errno == EADDRNOTAVAIL || errno == ENETUNREACH)))
		n = ioth_sendto(fd, from, size, MSG_NOSIGNAL, (const struct sockaddr *)&d->peer, d->peer_len);
	return n;
}
