/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Packet sockets. Frames are seen before the stack sees them. As in Linux, frames that this host sends are
 * seen by sockets of ETH_P_ALL only, and not by the one that has sent them. All frames that the network
 * delivers are seen: there is no need to ask for promiscuous mode.
 */

#include "packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <lwip/pbuf.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netpacket/packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "datagram.h"
#include "sockopt.h"

#define HEADER 14 /* two addresses and a type */
#define VLAN 4

struct packet {
	struct px_socket *s;
	struct packet *next;
	uint16_t protocol; /* host order; 0: it receives nothing */
	int ifindex;       /* 0: of all interfaces */
	bool readable;
};

static struct packet *all;
static const struct packet *sending; /* the socket whose frame leaves now */

/* ------------------------------------------------------------------ to the program */

static uint8_t kind_of(const struct px_iface *iface, const uint8_t *frame, bool sent)
{
	static const uint8_t broadcast[6] = { 255, 255, 255, 255, 255, 255 };

	if (sent)
		return PACKET_OUTGOING;
	if (memcmp(frame, broadcast, 6) == 0)
		return PACKET_BROADCAST;
	if ((frame[0] & 1) != 0)
		return PACKET_MULTICAST;
	return memcmp(frame, iface->netif.hwaddr, 6) == 0 ? PACKET_HOST : PACKET_OTHERHOST;
}

static void deliver(const struct packet *k, const struct sockaddr_ll *from, const uint8_t *frame, size_t n)
{
	size_t skip = k->s->type == SOCK_DGRAM ? HEADER : 0;
	struct px_datagram head = { .len = (uint32_t)(n - skip),
				    .ifindex = (uint32_t)from->sll_ifindex,
				    .addr_len = sizeof(*from) };
	struct iovec iov[2] = { { &head, sizeof(head) }, { (void *)(frame + skip), n - skip } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	memcpy(head.addr, from, sizeof(*from));
	(void)sendmsg(k->s->watch.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL); /* what has no room is lost */
}

void px_packet_frame(const struct px_iface *iface, const void *bytes, size_t n, bool sent)
{
	const uint8_t *frame = bytes;
	struct sockaddr_ll from = { .sll_family = AF_PACKET, .sll_hatype = ARPHRD_ETHER, .sll_halen = 6 };

	if (all == NULL || n < HEADER)
		return;
	uint16_t type = (uint16_t)(frame[12] << 8 | frame[13]);
	from.sll_protocol = htons(type >= 0x600 ? type : ETH_P_802_2);
	from.sll_ifindex = netif_get_index(&iface->netif);
	from.sll_pkttype = kind_of(iface, frame, sent);
	memcpy(from.sll_addr, frame + 6, 6);
	for (const struct packet *k = all; k != NULL; k = k->next)
		if (k != sending && (k->ifindex == 0 || k->ifindex == from.sll_ifindex) &&
		    (k->protocol == ETH_P_ALL || (!sent && htons(k->protocol) == from.sll_protocol)))
			deliver(k, &from, frame, n);
}

/* ------------------------------------------------------------------ from the program */

static int read_addr(const void *bytes, size_t len, struct sockaddr_ll *out)
{
	*out = (struct sockaddr_ll){ 0 };
	if (len < sizeof(*out))
		return -EINVAL;
	memcpy(out, bytes, sizeof(*out));
	return out->sll_family == AF_PACKET ? 0 : -EINVAL;
}

/* The header of a frame of a SOCK_DGRAM socket. */
static int write_header(const struct packet *k, const struct px_iface *iface, const struct sockaddr_ll *to,
			uint8_t *frame)
{
	uint16_t type = to->sll_protocol != 0 ? to->sll_protocol : htons(k->protocol);

	if (to->sll_halen != 6)
		return -EINVAL;
	memcpy(frame, to->sll_addr, 6);
	memcpy(frame + 6, iface->netif.hwaddr, 6);
	memcpy(frame + 12, &type, 2);
	return 0;
}

static int send_frame(struct px_socket *s, const struct px_datagram *head, const void *payload)
{
	struct packet *k = s->state;
	struct sockaddr_ll to = { 0 };
	size_t header = s->type == SOCK_DGRAM ? HEADER : 0;
	int r = head->addr_len > 0 ? read_addr(head->addr, head->addr_len, &to)
		: header > 0       ? -EDESTADDRREQ
				   : 0;

	if (r < 0)
		return r;
	struct px_iface *iface = px_iface_by_index(to.sll_ifindex != 0 ? to.sll_ifindex : k->ifindex);
	if (iface == NULL || iface->vnl == NULL)
		return -ENXIO;
	if (!netif_is_up(&iface->netif))
		return -ENETDOWN;
	size_t n = header + head->len;
	if (n < HEADER)
		return -EINVAL;
	if (n > (size_t)iface->netif.mtu + HEADER + VLAN)
		return -EMSGSIZE;
	struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)n, PBUF_RAM);
	if (p == NULL)
		return -ENOBUFS;
	if (header > 0)
		r = write_header(k, iface, &to, p->payload);
	if (head->len > 0)
		memcpy((uint8_t *)p->payload + header, payload, head->len);
	sending = k;
	if (r == 0 && iface->netif.linkoutput(&iface->netif, p) != ERR_OK)
		r = -ENOBUFS;
	sending = NULL;
	pbuf_free(p);
	return r;
}

static void collect(struct px_later *later)
{
	struct px_socket *s = (struct px_socket *)((char *)later - offsetof(struct px_socket, later));
	struct packet *k = s->state;

	k->readable = k->readable && px_datagram_read(s, send_frame);
	if (k->readable) {
		px_later_again(&s->later, collect);
	} else if (s->gone) {
		for (struct packet **at = &all; *at != NULL; at = &(*at)->next)
			if (*at == k) {
				*at = k->next;
				break;
			}
		px_socket_free(s);
		free(k);
	}
}

static void readable(struct px_socket *s)
{
	struct packet *k = s->state;

	k->readable = true;
	px_later(&s->later, collect);
}

static void hangup(struct px_socket *s)
{
	if (s->state == NULL)
		px_socket_free(s);
	else
		readable(s);
}

/* ------------------------------------------------------------------ calls */

static int open_socket(struct px_socket *s)
{
	struct packet *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return -ENOBUFS;
	*k = (struct packet){ .s = s, .next = all, .protocol = ntohs((uint16_t)s->protocol) };
	s->state = k;
	all = k;
	return 0;
}

static int bind_socket(struct px_socket *s, const struct sockaddr *addr, socklen_t len)
{
	struct packet *k = s->state;
	struct sockaddr_ll ll;
	int r = read_addr(addr, len, &ll);

	if (r < 0)
		return r;
	if (ll.sll_ifindex != 0 && px_iface_by_index(ll.sll_ifindex) == NULL)
		return -ENODEV;
	k->ifindex = ll.sll_ifindex;
	if (ll.sll_protocol != 0)
		k->protocol = ntohs(ll.sll_protocol);
	return 0;
}

static int name(struct px_socket *s, bool peer, struct sockaddr_storage *addr, socklen_t *len)
{
	const struct packet *k = s->state;
	const struct px_iface *iface = px_iface_by_index(k->ifindex);
	struct sockaddr_ll ll = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(k->protocol),
				  .sll_ifindex = k->ifindex };

	if (peer)
		return -EOPNOTSUPP;
	if (iface != NULL && iface->vnl != NULL) {
		ll.sll_hatype = ARPHRD_ETHER;
		ll.sll_halen = 6;
		memcpy(ll.sll_addr, iface->netif.hwaddr, 6);
	}
	memcpy(addr, &ll, sizeof(ll));
	*len = sizeof(ll);
	return 0;
}

/* All frames come in any case. */
static int set(struct px_socket *s, int level, int option, const void *value, socklen_t len)
{
	struct packet_mreq mreq;

	(void)s;
	if (level != SOL_PACKET || (option != PACKET_ADD_MEMBERSHIP && option != PACKET_DROP_MEMBERSHIP))
		return -ENOPROTOOPT;
	if (len < sizeof(mreq))
		return -EINVAL;
	memcpy(&mreq, value, sizeof(mreq));
	return px_iface_by_index(mreq.mr_ifindex) == NULL ? -ENODEV : 0;
}

static int get(struct px_socket *s, int level, int option, void *value, socklen_t *len)
{
	return level != SOL_SOCKET ? -ENOPROTOOPT : px_sockopt_get(s, level, option, value, len);
}

const struct px_ops px_packet_ops = {
	.pair = SOCK_SEQPACKET,
	.open = open_socket,
	.readable = readable,
	.hangup = hangup,
	.bind = bind_socket,
	.name = name,
	.set = set,
	.get = get,
	.ioctl = px_ioctl,
};
