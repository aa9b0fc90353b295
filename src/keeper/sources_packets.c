/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Packets of address sources, by sockets that sources_sockets.c has made. */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

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

/* From the address of the lease: the interface may have others. */
static void send_udp4(struct vs_source *s, const struct vs_auto_packet *p)
{
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_port = htons(BOOTP_CLIENT) };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(BOOTP_SERVER) };
	struct in_pktinfo info = { 0 }; /* the socket is bound to the interface */
	struct iovec iov = { (void *)p->bytes, p->n };
	union {
		char bytes[CMSG_SPACE(sizeof(info))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct msghdr h = { .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov, .msg_iovlen = 1 };

	if (!s->udp_bound && bind(s->udp4, (struct sockaddr *)&own, sizeof(own)) == 0)
		s->udp_bound = true;
	if (!s->udp_bound)
		return; /* another client has the port; the machine will go on by broadcast */
	memcpy(&to.sin_addr, p->peer.bytes, 4);
	for (size_t i = 0; i < s->n_addrs; i++) {
		if (s->addrs[i].addr.ip.family != AF_INET)
			continue;
		memcpy(&info.ipi_spec_dst, s->addrs[i].addr.ip.bytes, 4);
		h.msg_control = control.bytes;
		h.msg_controllen = sizeof(control.bytes);
		control.align = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(info)),
						  .cmsg_level = IPPROTO_IP,
						  .cmsg_type = IP_PKTINFO };
		memcpy(CMSG_DATA(&control.align), &info, sizeof(info));
		break;
	}
	(void)sendmsg(s->udp4, &h, MSG_DONTWAIT | MSG_NOSIGNAL);
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

void vs_sources_packets_send(struct vs_source *s, const struct vs_auto_packet *p)
{
	switch (p->way) {
	case VS_WAY_IP4:
		vs_sources_packets_listen(s, true); /* the reply must not come before that */
		send_link(s, s->rx.fd, ETH_P_IP, p);
		break;
	case VS_WAY_UDP4:
		vs_sources_packets_listen(s, true);
		send_udp4(s, p);
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

void vs_sources_packets_listen(struct vs_source *s, bool on)
{
	struct sockaddr_ll where = { .sll_family = AF_PACKET,
				     .sll_protocol = htons(on ? ETH_P_IP : NO_PROTOCOL),
				     .sll_ifindex = s->config.ifindex };

	if (s->kind->source != VS_SOURCE_DHCP4 || s->listens == on)
		return;
	if (bind(s->rx.fd, (struct sockaddr *)&where, sizeof(where)) == 0)
		s->listens = on;
}

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
