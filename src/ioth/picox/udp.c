/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * UDP sockets. Each message of the socketpair is a datagram with a header (message.h). A datagram for
 * which the program's queue has no room is dropped, as UDP does. The program blocks when it sends faster than
 * the loop takes.
 */

#include "udp.h"

#include <errno.h>
#include <lwip/ip.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "addr.h"
#include "datagram.h"
#include "iface.h"
#include "sockopt.h"

#define PIECES 64

/* ------------------------------------------------------------------ to the program */

static void on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from, u16_t port)
{
	struct px_socket *s = arg;
	struct px_datagram head = { .len = p->tot_len };
	struct iovec iov[PIECES + 1] = { { &head, sizeof(head) } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 1 };

	(void)pcb;
	head.addr_len = (uint8_t)px_addr_write(s->family, from, port, head.addr);
	head.ifindex = netif_get_index(ip_current_input_netif());
	for (struct pbuf *q = p; q != NULL && msg.msg_iovlen <= PIECES; q = q->next)
		iov[msg.msg_iovlen++] = (struct iovec){ q->payload, q->len };
	(void)sendmsg(s->watch.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	pbuf_free(p);
}

/* ------------------------------------------------------------------ from the program */

static int send_datagram(struct px_socket *s, const struct px_datagram *head, const void *payload)
{
	struct px_udp *u = px_udp_of(s);
	ip_addr_t to;
	u16_t port;
	int r = 0;

	if (head->addr_len > 0)
		r = px_addr_read(u->s->family, (const struct sockaddr *)head->addr, head->addr_len, &to,
				 &port);
	else if ((u->pcb->flags & UDP_FLAGS_CONNECTED) == 0)
		r = -EDESTADDRREQ;
	if (r < 0)
		return r;
	struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)head->len, PBUF_RAM);
	if (p == NULL)
		return -ENOBUFS;
	if (head->len > 0)
		memcpy(p->payload, payload, head->len);
	err_t err = head->addr_len > 0 ? udp_sendto(u->pcb, p, &to, port) : udp_send(u->pcb, p);
	pbuf_free(p);
	return err == ERR_VAL ? -EACCES : px_addr_errno(err); /* a broadcast that is not allowed */
}

static void collect(struct px_later *later)
{
	struct px_socket *s = (struct px_socket *)((char *)later - offsetof(struct px_socket, later));
	struct px_udp *u = px_udp_of(s);

	u->readable = u->readable && px_datagram_read(s, send_datagram);
	if (u->readable) { /* others have their turn */
		px_later_again(&s->later, collect);
		return;
	}
	if (s->gone) {
		px_multicast_leave_all(u);
		udp_remove(u->pcb);
		px_socket_free(s);
		free(u);
	}
}

static void readable(struct px_socket *s)
{
	px_udp_of(s)->readable = true;
	px_later(&s->later, collect);
}

static void hangup(struct px_socket *s)
{
	if (px_udp_of(s) == NULL)
		px_socket_free(s);
	else
		readable(s);
}

/* ------------------------------------------------------------------ calls */

static int open_socket(struct px_socket *s)
{
	struct px_udp *u = calloc(1, sizeof(*u));
	struct udp_pcb *pcb = udp_new_ip_type(s->family == AF_INET ? IPADDR_TYPE_V4 : IPADDR_TYPE_ANY);

	if (u == NULL || pcb == NULL) {
		free(u);
		if (pcb != NULL)
			udp_remove(pcb);
		return -ENOBUFS;
	}
	*u = (struct px_udp){ .s = s, .pcb = pcb };
	s->state = u;
	udp_recv(pcb, on_datagram, s);
	udp_setflags(pcb, (u8_t)(udp_flags(pcb) | UDP_FLAGS_MULTICAST_LOOP));
	return 0;
}

static int bind_socket(struct px_socket *s, const struct sockaddr *from, socklen_t len)
{
	struct px_udp *u = px_udp_of(s);
	ip_addr_t addr;
	u16_t port;
	int r = px_addr_read(s->family, from, len, &addr, &port);

	if (r < 0)
		return r;
	if (u->pcb->local_port != 0)
		return -EINVAL;
	if (!px_addr_is_ours(&addr) && !ip_addr_ismulticast(&addr) &&
	    !(IP_IS_V4_VAL(addr) && ip_2_ip4(&addr)->addr == IPADDR_BROADCAST))
		return -EADDRNOTAVAIL;
	if (IP_IS_V6_VAL(addr) && px_addr_is_any(&addr))
		px_addr_any(s->family, !u->v6only, &addr);
	return px_addr_errno(udp_bind(u->pcb, &addr, port));
}

static int connect_socket(struct px_socket *s, const struct sockaddr *to, socklen_t len)
{
	struct px_udp *u = px_udp_of(s);
	ip_addr_t addr;
	u16_t port;

	if (len >= sizeof(to->sa_family) && to->sa_family == AF_UNSPEC) {
		udp_disconnect(u->pcb);
		return 0;
	}
	int r = px_addr_read(s->family, to, len, &addr, &port);
	return r < 0 ? r : px_addr_errno(udp_connect(u->pcb, &addr, port));
}

static int name(struct px_socket *s, bool peer, struct sockaddr_storage *addr, socklen_t *len)
{
	const struct udp_pcb *pcb = px_udp_of(s)->pcb;

	if (peer && (pcb->flags & UDP_FLAGS_CONNECTED) == 0)
		return -ENOTCONN;
	*len = peer ? px_addr_write(s->family, &pcb->remote_ip, pcb->remote_port, addr)
		    : px_addr_write(s->family, &pcb->local_ip, pcb->local_port, addr);
	return 0;
}

const struct px_ops px_udp_ops = {
	.pair = SOCK_SEQPACKET,
	.open = open_socket,
	.readable = readable,
	.hangup = hangup,
	.bind = bind_socket,
	.connect = connect_socket,
	.name = name,
	.set = px_sockopt_set,
	.get = px_sockopt_get,
	.ioctl = px_ioctl,
};
