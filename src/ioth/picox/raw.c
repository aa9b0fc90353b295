/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Raw sockets of IP protocols (SOCK_RAW), and ping sockets (SOCK_DGRAM with ICMP). As in Linux, a raw socket
 * of IPv4 receives packets from their IP header on, and one of IPv6 what is behind the headers. A ping socket
 * sends echo requests with its own identifier, which is its port, and receives the replies to them only.
 */

#include "raw.h"

#include <errno.h>
#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/uio.h>

#include "addr.h"
#include "datagram.h"
#include "iface.h"
#include "sockopt.h"

#define PIECES 64
#define ECHO_BYTES 8  /* the header of an echo message */
#define ICMP_FILTER 1 /* <linux/icmp.h>; level SOL_RAW */
#define LEVEL_RAW 255

struct raw {
	struct px_socket *s;
	struct raw_pcb *pcb;
	struct raw *next;
	uint16_t id;   /* of a ping socket; 0: none yet */
	bool readable; /* the program's queue may have messages */
	bool connected;
	uint8_t block[32]; /* types of ICMP messages that are not received, as struct icmp6_filter */
};

static struct raw *all;

static struct raw *raw_of(const struct px_socket *s)
{
	return s->state;
}

struct raw_pcb *px_raw_pcb(const struct px_socket *s)
{
	return raw_of(s)->pcb;
}

static bool is_ping(const struct raw *w)
{
	return w->s->type == SOCK_DGRAM;
}

static bool is_icmp(const struct raw *w)
{
	return w->s->protocol == (w->s->family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

/* ------------------------------------------------------------------ to the program */

/* p begins with the ICMP message. */
static bool checksum_fits(const struct raw *w, struct pbuf *p)
{
	if (w->s->family == AF_INET)
		return inet_chksum_pbuf(p) == 0;
	return ip6_chksum_pseudo(p, IP6_NEXTH_ICMP6, p->tot_len, ip6_current_src_addr(),
				 ip6_current_dest_addr()) == 0;
}

/* p begins with the payload of IP. */
static bool is_wanted(const struct raw *w, struct pbuf *p)
{
	uint8_t head[ECHO_BYTES] = { 0 };
	uint8_t reply = w->s->family == AF_INET ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY;
	u16_t n = pbuf_copy_partial(p, head, sizeof(head), 0);

	if (!is_icmp(w))
		return true;
	if (n < 4 || (w->block[head[0] >> 3] & 1u << (head[0] & 7)) != 0)
		return false;
	if (is_ping(w) &&
	    (n < ECHO_BYTES || head[0] != reply || w->id == 0 || w->id != (head[4] << 8 | head[5])))
		return false;
	return (w->s->family == AF_INET && !is_ping(w)) || checksum_fits(w, p);
}

static void send_to_program(const struct raw *w, struct pbuf *p, const ip_addr_t *from)
{
	struct px_datagram head = { .len = p->tot_len };
	struct iovec iov[PIECES + 1] = { { &head, sizeof(head) } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 1 };

	head.addr_len = (uint8_t)px_addr_write(w->s->family, from, 0, head.addr);
	head.ifindex = netif_get_index(ip_current_input_netif());
	for (struct pbuf *q = p; q != NULL && msg.msg_iovlen <= PIECES; q = q->next)
		iov[msg.msg_iovlen++] = (struct iovec){ q->payload, q->len };
	(void)sendmsg(w->s->watch.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* lwIP: p begins with the IP header. 0: the packet lives on, for the stack itself and for other sockets. */
static u8_t on_packet(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *from)
{
	const struct raw *w = arg;
	u16_t headers = ip_current_header_tot_len();

	(void)pcb;
	if (pbuf_remove_header(p, headers) != 0)
		return 0;
	bool wanted = is_wanted(w, p), whole = w->s->family == AF_INET && !is_ping(w);
	if (wanted && !whole)
		send_to_program(w, p, from);
	(void)pbuf_add_header_force(p, headers);
	if (wanted && whole)
		send_to_program(w, p, from);
	return 0;
}

/* ------------------------------------------------------------------ from the program */

static bool id_is_free(const struct raw *w, uint16_t id)
{
	for (const struct raw *other = all; other != NULL; other = other->next)
		if (other != w && is_ping(other) && other->s->family == w->s->family && other->id == id)
			return false;
	return id != 0;
}

static int choose_id(struct raw *w)
{
	for (int i = 0; i < 1000 && w->id == 0; i++) {
		uint16_t id;
		if (getrandom(&id, sizeof(id), 0) == sizeof(id) && id_is_free(w, id))
			w->id = id;
	}
	return w->id == 0 ? -EAGAIN : 0;
}

/* Makes the message one of this ping socket: RFC 792, RFC 4443. */
static int finish_echo(struct raw *w, struct pbuf *p)
{
	uint8_t *icmp = p->payload;
	uint8_t request = w->s->family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST;

	if (p->len < ECHO_BYTES || icmp[0] != request || icmp[1] != 0)
		return -EINVAL;
	int r = choose_id(w);
	if (r < 0)
		return r;
	icmp[4] = (uint8_t)(w->id >> 8);
	icmp[5] = (uint8_t)w->id;
	icmp[2] = icmp[3] = 0;
	if (w->s->family == AF_INET) { /* that of ICMPv6 is done by lwIP */
		uint16_t sum = inet_chksum_pbuf(p);
		memcpy(icmp + 2, &sum, sizeof(sum));
	}
	return 0;
}

static int send_packet(struct px_socket *s, const struct px_datagram *head, const void *payload)
{
	struct raw *w = raw_of(s);
	ip_addr_t to;
	u16_t port;
	int r = 0;

	if (head->addr_len > 0)
		r = px_addr_read(s->family, (const struct sockaddr *)head->addr, head->addr_len, &to, &port);
	else if (!w->connected)
		r = -EDESTADDRREQ;
	if (r < 0)
		return r;
	if (s->protocol == IPPROTO_ICMPV6 && s->family == AF_INET6 && head->len < 4)
		return -EINVAL; /* it has no room for its checksum */
	struct pbuf *p = pbuf_alloc(PBUF_IP, (u16_t)head->len, PBUF_RAM);
	if (p == NULL)
		return -ENOBUFS;
	if (head->len > 0)
		memcpy(p->payload, payload, head->len);
	if (is_ping(w))
		r = finish_echo(w, p);
	if (r == 0)
		r = px_addr_errno(head->addr_len > 0 ? raw_sendto(w->pcb, p, &to) : raw_send(w->pcb, p));
	pbuf_free(p);
	return r;
}

static void forget(struct raw *w)
{
	for (struct raw **at = &all; *at != NULL; at = &(*at)->next)
		if (*at == w) {
			*at = w->next;
			break;
		}
	raw_remove(w->pcb);
	free(w);
}

static void collect(struct px_later *later)
{
	struct px_socket *s = (struct px_socket *)((char *)later - offsetof(struct px_socket, later));
	struct raw *w = raw_of(s);

	w->readable = w->readable && px_datagram_read(s, send_packet);
	if (w->readable) {
		px_later_again(&s->later, collect);
	} else if (s->gone) {
		px_socket_free(s);
		forget(w);
	}
}

static void readable(struct px_socket *s)
{
	raw_of(s)->readable = true;
	px_later(&s->later, collect);
}

static void hangup(struct px_socket *s)
{
	if (raw_of(s) == NULL)
		px_socket_free(s);
	else
		readable(s);
}

/* ------------------------------------------------------------------ calls */

static int open_socket(struct px_socket *s)
{
	/* 0 is none; 255 would need headers of the program. */
	if (s->protocol < 1 || s->protocol > 254)
		return -EPROTONOSUPPORT;
	struct raw *w = calloc(1, sizeof(*w));
	struct raw_pcb *pcb =
		raw_new_ip_type(s->family == AF_INET ? IPADDR_TYPE_V4 : IPADDR_TYPE_V6, (u8_t)s->protocol);
	if (w == NULL || pcb == NULL) {
		free(w);
		if (pcb != NULL)
			raw_remove(pcb);
		return -ENOBUFS;
	}
	*w = (struct raw){ .s = s, .pcb = pcb, .next = all };
	all = w;
	s->state = w;
	pcb->ttl = 64;
	if (s->family == AF_INET6 && is_icmp(w)) {
		pcb->chksum_reqd = 1;
		pcb->chksum_offset = 2;
	}
	raw_recv(pcb, on_packet, w);
	return 0;
}

static int bind_socket(struct px_socket *s, const struct sockaddr *from, socklen_t len)
{
	struct raw *w = raw_of(s);
	ip_addr_t addr;
	u16_t port;
	int r = px_addr_read(s->family, from, len, &addr, &port);

	if (r < 0)
		return r;
	if (!px_addr_is_ours(&addr))
		return -EADDRNOTAVAIL;
	if (is_ping(w) && port != 0 && !id_is_free(w, port))
		return -EADDRINUSE;
	r = px_addr_errno(raw_bind(w->pcb, &addr));
	if (r == 0 && is_ping(w) && port != 0)
		w->id = port;
	return r < 0 || !is_ping(w) ? r : choose_id(w);
}

static int connect_socket(struct px_socket *s, const struct sockaddr *to, socklen_t len)
{
	struct raw *w = raw_of(s);
	ip_addr_t addr;
	u16_t port;

	if (len >= sizeof(to->sa_family) && to->sa_family == AF_UNSPEC) {
		raw_disconnect(w->pcb);
		w->connected = false;
		return 0;
	}
	int r = px_addr_read(s->family, to, len, &addr, &port);
	if (r == 0)
		r = px_addr_errno(raw_connect(w->pcb, &addr));
	w->connected = w->connected || r == 0;
	return r;
}

static int name(struct px_socket *s, bool peer, struct sockaddr_storage *addr, socklen_t *len)
{
	const struct raw *w = raw_of(s);

	if (peer && !w->connected)
		return -ENOTCONN;
	*len = px_addr_write(s->family, peer ? &w->pcb->remote_ip : &w->pcb->local_ip, peer ? 0 : w->id,
			     addr);
	return 0;
}

static bool is_filter(const struct px_socket *s, int level, int option)
{
	if (s->family == AF_INET)
		return level == LEVEL_RAW && option == ICMP_FILTER && s->protocol == IPPROTO_ICMP;
	return level == IPPROTO_ICMPV6 && option == ICMP6_FILTER && s->protocol == IPPROTO_ICMPV6;
}

static int set_filter(struct raw *w, const void *value, socklen_t len)
{
	uint32_t words[8] = { 0 };

	if (len < sizeof(words[0]))
		return -EINVAL;
	memcpy(words, value, len < sizeof(words) ? len : sizeof(words));
	memset(w->block, 0, sizeof(w->block));
	for (unsigned type = 0; type < (w->s->family == AF_INET ? 32u : 256u); type++)
		if ((words[type >> 5] & 1u << (type & 31)) != 0)
			w->block[type >> 3] |= (uint8_t)(1u << (type & 7));
	return 0;
}

static int set(struct px_socket *s, int level, int option, const void *value, socklen_t len)
{
	if (is_filter(s, level, option))
		return set_filter(raw_of(s), value, len);
	if (level == IPPROTO_IP && option == IP_HDRINCL)
		return -ENOPROTOOPT;
	return px_sockopt_set(s, level, option, value, len);
}

const struct px_ops px_raw_ops = {
	.pair = SOCK_SEQPACKET,
	.open = open_socket,
	.readable = readable,
	.hangup = hangup,
	.bind = bind_socket,
	.connect = connect_socket,
	.name = name,
	.set = set,
	.get = px_sockopt_get,
	.ioctl = px_ioctl,
};
