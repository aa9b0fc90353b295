/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Packets of address sources, by sockets that sources_sockets.c has made. */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "closer.h"
#include "sources_inside.h"

#define AT_ONCE 8 /* packets read before other sources have their turn */
#define PACKET_BYTES 4096
#define NO_PROTOCOL 0x88b5 /* for local experiments, IEEE 802: nobody sends it */

enum { BOOTP_CLIENT = 68, BOOTP_SERVER = 67, DHCP6_CLIENT = 546, DHCP6_SERVER = 547 };

/* ------------------------------------------------------------------ sending */

/* Failures are losses of a packet, and the machine sends another one. */
static void send_link(const struct vs_source *s, int fd, int protocol, const struct vs_auto_packet *p)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_protocol = htons((uint16_t)protocol),
				  .sll_ifindex = s->config.ifindex,
				  .sll_halen = 6 };

	memcpy(to.sll_addr, p->mac, 6);
	(void)sendto(fd, p->bytes, p->n, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof(to));
}

/* A message from port 68 to port 67, from the address of the lease: the interface may have others. */
struct message4 {
	int fd;
	struct sockaddr_in to;
	struct in_pktinfo info; /* the socket is bound to the interface */
	const uint8_t *bytes;
	size_t n;
};

static void send_message4(const struct message4 *m)
{
	struct sockaddr_in to = m->to;
	struct iovec iov = { (void *)m->bytes, m->n };
	union {
		char bytes[CMSG_SPACE(sizeof(m->info))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct msghdr h = { .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes) };

	control.align = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(m->info)),
					  .cmsg_level = IPPROTO_IP,
					  .cmsg_type = IP_PKTINFO };
	memcpy(CMSG_DATA(&control.align), &m->info, sizeof(m->info));
	(void)sendmsg(m->fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* False: another client has the port; the machine will go on by broadcast. */
static bool make_message4(struct vs_source *s, const struct vs_auto_packet *p, struct message4 *m)
{
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_port = htons(BOOTP_CLIENT) };

	if (!s->udp_bound && bind(s->udp4, (struct sockaddr *)&own, sizeof(own)) == 0)
		s->udp_bound = true;
	*m = (struct message4){ .fd = s->udp4, .bytes = p->bytes, .n = p->n,
				.to = { .sin_family = AF_INET, .sin_port = htons(BOOTP_SERVER) } };
	memcpy(&m->to.sin_addr, p->peer.bytes, 4);
	for (size_t i = 0; i < s->n_addrs; i++)
		if (s->addrs[i].addr.ip.family == AF_INET) {
			memcpy(&m->info.ipi_spec_dst, s->addrs[i].addr.ip.bytes, 4);
			break;
		}
	return s->udp_bound;
}

static void send6(struct vs_source *s, uint16_t port, const struct vs_auto_packet *p)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	memcpy(&to.sin6_addr, p->peer.bytes, 16);
	if (IN6_IS_ADDR_LINKLOCAL(&to.sin6_addr) || IN6_IS_ADDR_MULTICAST(&to.sin6_addr))
		to.sin6_scope_id = (uint32_t)s->config.ifindex;
	s->sent_at = vs_sources_now();
	s->unsent = sendto(s->rx.fd, p->bytes, p->n, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to,
			   sizeof(to)) < 0;
}

/* ------------------------------------------------------------------ the IPv4 packet socket */

/*
 * While a lease is held that socket is bound to another protocol, see sources_sockets.c. To bind it waits
 * for the kernel, so the worker does that. A message is sent by the worker, too, so that its reply does not
 * come before the socket is bound. The worker keeps the order.
 */
struct socket_work {
	struct vs_work work;
	struct vs_source_closing *closing; /* counts this work */
	int fd;
	struct sockaddr_ll where; /* bound to that first */
	struct message4 message;  /* fd -1: none */
	struct sockaddr_ll to;    /* family 0: no packet */
	size_t n;
	uint8_t bytes[];
};

/*
 * To close a packet socket waits 5 to 20 ms for the kernel. So the worker closes those of a source that is
 * stopped. When a stack ends, its networking thread closes those of the stack, as many stacks may end
 * together. A socket that the worker still has work for is closed by the worker, after that work.
 */
struct vs_source_closing {
	struct vs_work work;
	unsigned in_work; /* pieces of work that the worker has; of the thread of the sources */
	atomic_bool over; /* the worker does none of them any more */
	int fds[3];
};

static void run_socket_work(struct vs_work *work)
{
	struct socket_work *w = VS_OF(struct socket_work, work, work);

	if (atomic_load(&w->closing->over))
		return;
	(void)bind(w->fd, (struct sockaddr *)&w->where, sizeof(w->where)); /* fails when the device is gone */
	if (w->message.fd >= 0)
		send_message4(&w->message);
	if (w->to.sll_family != 0)
		(void)sendto(w->fd, w->bytes, w->n, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&w->to,
			     sizeof(w->to));
}

/* The closing comes behind it in the order of the worker, so it is still there. */
static void free_socket_work(struct vs_work *work)
{
	struct socket_work *w = VS_OF(struct socket_work, work, work);

	w->closing->in_work--;
	free(w);
}

static struct sockaddr_ll link_address(const struct vs_source *s, int protocol)
{
	return (struct sockaddr_ll){ .sll_family = AF_PACKET, .sll_protocol = htons((uint16_t)protocol),
				     .sll_ifindex = s->config.ifindex };
}

/* Room for a packet of n bytes. NULL: out of memory. */
static struct socket_work *new_socket_work(struct vs_source *s, int protocol, const uint8_t *bytes, size_t n)
{
	struct socket_work *w = malloc(sizeof(*w) + n);

	if (w == NULL)
		return NULL;
	*w = (struct socket_work){ .work = { .run = run_socket_work, .done = free_socket_work },
				   .closing = s->closing, .fd = s->rx.fd,
				   .where = link_address(s, protocol), .message.fd = -1, .n = n };
	if (n > 0)
		memcpy(w->bytes, bytes, n);
	return w;
}

static void submit(struct vs_source *s, struct vs_work *work)
{
	s->by_worker = true;
	s->closing->in_work++;
	vs_sources_work(s->iface->stack->sources, VS_WORK_SOCKETS, work);
}

void vs_sources_packets_listen(struct vs_source *s, bool on)
{
	struct socket_work *w;

	if (s->kind->source != VS_SOURCE_DHCP4 || s->listens == on || s->phase == VS_SOURCE_PARTING)
		return;
	w = new_socket_work(s, on ? ETH_P_IP : NO_PROTOCOL, NULL, 0);
	if (w == NULL) /* it goes on as it was; the machine is called again */
		return;
	s->listens = on;
	submit(s, &w->work);
}

/* To its server, through the worker. A failure is a loss of the packet. */
static void send_by_worker(struct vs_source *s, const struct vs_auto_packet *p, const struct message4 *m)
{
	struct socket_work *w = new_socket_work(s, ETH_P_IP, p->bytes, p->n);

	if (w == NULL)
		return;
	if (m != NULL) {
		w->message = *m;
		w->message.bytes = w->bytes;
	} else {
		w->to = link_address(s, ETH_P_IP);
		w->to.sll_halen = 6;
		memcpy(w->to.sll_addr, p->mac, 6);
	}
	s->listens = true;
	submit(s, &w->work);
}

static void send4(struct vs_source *s, const struct vs_auto_packet *p)
{
	struct message4 m;
	bool udp = p->way == VS_WAY_UDP4;
	/* A release has no reply, and the worker may be late. No request must follow it. */
	bool direct = !s->by_worker || s->phase == VS_SOURCE_PARTING;

	if (s->phase == VS_SOURCE_PARTING && s->closing != NULL)
		atomic_store(&s->closing->over, true);

	if (udp && !make_message4(s, p, &m))
		return;
	if (!direct)
		send_by_worker(s, p, udp ? &m : NULL);
	else if (udp)
		send_message4(&m);
	else
		send_link(s, s->rx.fd, ETH_P_IP, p);
}

void vs_sources_packets_send(struct vs_source *s, const struct vs_auto_packet *p)
{
	switch (p->way) {
	case VS_WAY_IP4:
	case VS_WAY_UDP4:
		send4(s, p);
		break;
	case VS_WAY_ARP:
		if (p->n >= 28) /* what it asks about is what is watched */
			vs_sources_sockets_arp_for(s, p->bytes + 24);
		send_link(s, s->arp.fd, ETH_P_ARP, p);
		break;
	case VS_WAY_UDP6:
		send6(s, DHCP6_SERVER, p);
		break;
	case VS_WAY_ICMP6:
		send6(s, 0, p);
	}
}

/* ------------------------------------------------------------------ the end of the sockets */

static void run_closing(struct vs_work *work)
{
	struct vs_source_closing *c = VS_OF(struct vs_source_closing, work, work);

	for (size_t i = 0; i < VS_COUNT(c->fds); i++)
		if (c->fds[i] >= 0)
			vs_close_foreign(c->fds[i]); /* several at a time */
}

static void free_closing(struct vs_work *work)
{
	free(VS_OF(struct vs_source_closing, work, work));
}

int vs_sources_packets_prepare(struct vs_source *s)
{
	s->closing = calloc(1, sizeof(*s->closing));
	return s->closing != NULL ? 0 : -ENOMEM;
}

void vs_sources_packets_close(struct vs_source *s)
{
	struct vs_sources *all = s->iface->stack->sources;
	struct vs_source_closing *c = vs_steal_ptr(s->closing);

	if (c == NULL) { /* done before, or no packet sockets, or it has not got all of them */
		vs_sources_unwatch(&s->rx);
		vs_close(vs_steal_fd(&s->udp4));
		return;
	}
	c->work = (struct vs_work){ .run = run_closing, .done = free_closing };
	c->fds[0] = vs_sources_pause(all, &s->rx);
	c->fds[1] = vs_sources_pause(all, &s->arp);
	if (c->in_work == 0) /* its port may be wanted */
		vs_close(vs_steal_fd(&s->udp4));
	c->fds[2] = vs_steal_fd(&s->udp4);
	if (!s->iface->stack->ending || c->in_work > 0) {
		vs_sources_work(all, VS_WORK_SOCKETS, &c->work);
		return;
	}
	c->work.next = s->iface->stack->late;
	s->iface->stack->late = &c->work;
}

void vs_sources_packets_close_late(struct vs_sources_stack *stack)
{
	struct vs_work *work;

	while ((work = stack->late) != NULL) {
		struct vs_source_closing *c = VS_OF(struct vs_source_closing, work, work);
		stack->late = work->next;
		for (size_t i = 0; i < VS_COUNT(c->fds); i++)
			vs_close(c->fds[i]);
		free(c);
	}
}

/* ------------------------------------------------------------------ DHCPv6 */

int vs_sources_packets_bind6(int fd)
{
	struct sockaddr_in6 own = { .sin6_family = AF_INET6, .sin6_port = htons(DHCP6_CLIENT) };

	return bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0 ? -errno : 0;
}

static bool has_unsent(int fd)
{
	int bytes = 0;

	return fd >= 0 && ioctl(fd, SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

bool vs_sources_packets_pending(const struct vs_source *s)
{
	return has_unsent(s->udp4) || (s->kind->source == VS_SOURCE_DHCP6 && has_unsent(s->rx.fd));
}

/* ------------------------------------------------------------------ receiving */

/* One packet with what its control messages say. Its length; < 0: there is none. */
static ssize_t receive(int fd, struct vs_auto_packet *p, uint8_t *buf, struct sockaddr_storage *from)
{
	_Alignas(struct cmsghdr) char control[128];
	struct iovec iov = { buf, PACKET_BYTES };
	struct msghdr h = { .msg_name = from, .msg_namelen = sizeof(*from), .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = control, .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &h, MSG_DONTWAIT | MSG_TRUNC);

	for (struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&h); c != NULL; c = CMSG_NXTHDR(&h, c)) {
		struct tpacket_auxdata aux;
		int hops;
		if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA) {
			memcpy(&aux, CMSG_DATA(c), sizeof(aux));
			p->unfinished = (aux.tp_status & TP_STATUS_CSUMNOTREADY) != 0;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT) {
			memcpy(&hops, CMSG_DATA(c), sizeof(hops));
			p->hop_limit = (uint8_t)hops;
		}
	}
	return n;
}

static bool from_link(struct vs_auto_packet *p, const struct sockaddr_storage *from)
{
	const struct sockaddr_ll *ll = (const void *)from;

	if (ll->sll_family != AF_PACKET || ll->sll_pkttype == PACKET_OUTGOING ||
	    ll->sll_pkttype == PACKET_OTHERHOST)
		return false;
	memcpy(p->mac, ll->sll_addr, 6);
	return true;
}

static bool from_ip6(struct vs_auto_packet *p, const struct sockaddr_storage *from)
{
	const struct sockaddr_in6 *in6 = (const void *)from;

	if (in6->sin6_family != AF_INET6)
		return false;
	p->peer.family = AF_INET6;
	memcpy(p->peer.bytes, &in6->sin6_addr, 16);
	return true;
}

void vs_sources_packets_read(struct vs_source *s, bool arp)
{
	static const enum vs_auto_way ways[] = { [VS_SOURCE_DHCP4] = VS_WAY_IP4,
						 [VS_SOURCE_DHCP6] = VS_WAY_UDP6,
						 [VS_SOURCE_RA] = VS_WAY_ICMP6 };
	uint8_t buf[PACKET_BYTES];
	int fd = arp ? s->arp.fd : s->rx.fd;
	bool link = arp || s->kind->source == VS_SOURCE_DHCP4;

	for (int i = 0; i < AT_ONCE; i++) {
		struct sockaddr_storage from = { 0 };
		struct vs_auto_packet p = { .way = arp ? VS_WAY_ARP : ways[s->kind->source], .bytes = buf };
		ssize_t n = receive(fd, &p, buf, &from);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			continue; /* ENETDOWN and the like are reported once */
		if (n < 0)
			return;
		p.n = (size_t)n;
		/* One that is longer than the buffer is no packet of these protocols. */
		if (p.n <= PACKET_BYTES && (link ? from_link(&p, &from) : from_ip6(&p, &from)))
			vs_source_input(s, &p);
	}
}
