/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "udp.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "sockets.h"

#define PORT 53
#define BATCH 32         /* requests in a row, before other descriptors get their turn */
#define REQUEST_MAX 4096 /* a question is shorter */

/* Room for what a socket of both families gives. */
union control {
	char bytes[CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(struct in6_pktinfo))];
	struct cmsghdr aligned;
};

static void take_local(struct nm_client *c, const struct cmsghdr *m)
{
	if (m->cmsg_level == IPPROTO_IP && m->cmsg_type == IP_PKTINFO &&
	    m->cmsg_len >= CMSG_LEN(sizeof(c->local4))) {
		memcpy(&c->local4, CMSG_DATA(m), sizeof(c->local4));
		c->local4.ipi_ifindex = 0; /* the route to the client decides */
		c->local_family = AF_INET;
	}
	if (m->cmsg_level == IPPROTO_IPV6 && m->cmsg_type == IPV6_PKTINFO &&
	    m->cmsg_len >= CMSG_LEN(sizeof(c->local6))) {
		memcpy(&c->local6, CMSG_DATA(m), sizeof(c->local6));
		if (!IN6_IS_ADDR_LINKLOCAL(&c->local6.ipi6_addr))
			c->local6.ipi6_ifindex = 0;
		c->local_family = IN6_IS_ADDR_MULTICAST(&c->local6.ipi6_addr) ? AF_UNSPEC : AF_INET6;
	}
}

static ssize_t receive(struct nm_udp *udp, uint8_t *to, size_t size, struct nm_client *c)
{
	struct iovec part = { to, size };
	union control control;
	struct msghdr m = { .msg_name = &c->peer,
			    .msg_namelen = sizeof(c->peer),
			    .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };

	c->peer_len = sizeof(c->peer);
	if (!udp->has_addresses)
		return ioth_recvfrom(udp->source.fd, to, size, MSG_DONTWAIT, (struct sockaddr *)&c->peer,
				     &c->peer_len);
	ssize_t n = ioth_recvmsg(udp->source.fd, &m, MSG_DONTWAIT);
	if (n < 0)
		return -1;
	c->peer_len = m.msg_namelen;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h != NULL; h = CMSG_NXTHDR(&m, h))
		take_local(c, h);
	return n;
}

static void ready(struct nm_source *source, uint32_t events)
{
	struct nm_udp *udp = (struct nm_udp *)(void *)source;
	static uint8_t bytes[REQUEST_MAX];

	if ((events & EPOLLHUP) != 0) {
		udp->handler.failed(udp->handler.arg);
		return;
	}
	for (int i = 0; i < BATCH; i++) {
		struct nm_client c = { .local_family = AF_UNSPEC };
		ssize_t n = receive(udp, bytes, sizeof(bytes), &c);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		c.addr = nm_socket_address(&c.peer);
		if (n > 0 && c.peer_len > 0)
			udp->handler.request(udp->handler.arg, &c, bytes, (size_t)n);
	}
}

int nm_udp_open(struct nm_udp *udp, int loop, struct ioth *stack, const struct nm_handler *handler)
{
	const int one = 1;
	int fd = nm_socket_serve(stack, SOCK_DGRAM, PORT);

	*udp = (struct nm_udp){ .source = { fd, ready }, .handler = *handler, .loop = loop };
	if (fd < 0)
		return fd;
	bool six = ioth_setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one)) == 0;
	bool four = ioth_setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one)) == 0;
	udp->has_addresses = six || four;
	return nm_loop_add(loop, &udp->source, EPOLLIN);
}

void nm_udp_close(struct nm_udp *udp)
{
	if (udp->source.fd < 0)
		return;
	nm_loop_remove(udp->loop, &udp->source);
	(void)ioth_close(udp->source.fd);
	udp->source.fd = -1;
}

static ssize_t send_from(int fd, const struct nm_client *c, const uint8_t *bytes, size_t size)
{
	bool v4 = c->local_family == AF_INET;
	size_t n = v4 ? sizeof(c->local4) : sizeof(c->local6);
	struct iovec part = { (void *)(uintptr_t)bytes, size };
	union control control = { .bytes = { 0 } };
	struct msghdr m = { .msg_name = (void *)(uintptr_t)&c->peer,
			    .msg_namelen = c->peer_len,
			    .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = control.bytes,
			    .msg_controllen = CMSG_SPACE(n) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
	h->cmsg_type = v4 ? IP_PKTINFO : IPV6_PKTINFO;
	h->cmsg_len = CMSG_LEN(n);
	memcpy(CMSG_DATA(h), v4 ? (const void *)&c->local4 : (const void *)&c->local6, n);
	return ioth_sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void nm_udp_send(struct nm_udp *udp, const struct nm_client *client, const uint8_t *bytes, size_t n)
{
	ssize_t r = -1;

	if (client->local_family != AF_UNSPEC)
		r = send_from(udp->source.fd, client, bytes, n);
	/* Nothing is known of the address, or it has gone meanwhile. */
	if (client->local_family == AF_UNSPEC ||
	    (r < 0 && (errno == EINVAL || errno == EADDRNOTAVAIL || errno == ENETUNREACH)))
		(void)ioth_sendto(udp->source.fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT,
				  (const struct sockaddr *)&client->peer, client->peer_len);
}
