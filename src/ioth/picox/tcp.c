/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The calls of TCP sockets. */

#include "tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "addr.h"
#include "sockopt.h"

static int open_socket(struct px_socket *s)
{
	if (s->state != NULL) { /* a connection that was accepted */
		px_tcp_of(s)->s = s;
		return 0;
	}
	struct px_tcp *t = calloc(1, sizeof(*t));
	struct tcp_pcb *pcb = tcp_new_ip_type(s->family == AF_INET ? IPADDR_TYPE_V4 : IPADDR_TYPE_ANY);
	if (t == NULL || pcb == NULL) {
		free(t);
		if (pcb != NULL)
			tcp_abort(pcb);
		return -ENOBUFS;
	}
	t->s = s;
	s->state = t;
	px_tcp_attach(t, pcb);
	px_tcp_note_address(t);
	px_tcp_fill(t, s->program);
	return 0;
}

static void readable(struct px_socket *s)
{
	struct px_tcp *t = px_tcp_of(s);

	t->readable = true;
	px_tcp_later(t);
}

static void writable(struct px_socket *s)
{
	if (px_tcp_of(s)->received != NULL)
		px_tcp_later(px_tcp_of(s));
}

static void hangup(struct px_socket *s)
{
	struct px_tcp *t = px_tcp_of(s);

	if (t == NULL) {
		px_socket_free(s);
		return;
	}
	t->readable = true; /* what it has written before is still sent */
	px_tcp_later(t);
}

/* What stands in the queue before a connection is filler. */
static bool takes(const struct px_socket *s)
{
	const struct px_tcp *t = s->state;

	return t->state == PX_TCP_OPEN && !t->program_ended;
}

static int bind_socket(struct px_socket *s, const struct sockaddr *from, socklen_t len)
{
	struct px_tcp *t = px_tcp_of(s);
	ip_addr_t addr;
	u16_t port;
	int r = px_addr_read(s->family, from, len, &addr, &port);

	if (r < 0)
		return r;
	if (t->state != PX_TCP_NEW || t->pcb == NULL || t->pcb->local_port != 0)
		return -EINVAL;
	if (!px_addr_is_ours(&addr))
		return -EADDRNOTAVAIL;
	if (IP_IS_V6_VAL(addr) && px_addr_is_any(&addr))
		px_addr_any(s->family, !t->v6only, &addr);
	return px_addr_errno(tcp_bind(t->pcb, &addr, port));
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct px_tcp *t = arg;

	(void)pcb;
	(void)err;
	t->state = PX_TCP_OPEN;
	t->readable = true;
	px_tcp_note_address(t);
	px_tcp_drop_filler(t);
	px_tcp_later(t);
	return ERR_OK;
}

static int may_connect(const struct px_tcp *t)
{
	switch (t->state) {
	case PX_TCP_NEW:
		return t->pcb == NULL ? -ECONNABORTED : 0;
	case PX_TCP_CONNECTING:
		return -EALREADY;
	case PX_TCP_DEAD:
		return -ECONNABORTED;
	default:
		return -EISCONN;
	}
}

/* "Any" means this host. */
static void to_this_host(ip_addr_t *addr)
{
	if (!px_addr_is_any(addr))
		return;
	if (IP_IS_V4_VAL(*addr))
		IP_ADDR4(addr, 127, 0, 0, 1);
	else
		IP_ADDR6_HOST(addr, 0, 0, 0, 1);
}

static int connect_socket(struct px_socket *s, const struct sockaddr *to, socklen_t len)
{
	struct px_tcp *t = px_tcp_of(s);
	ip_addr_t addr;
	u16_t port = 0;
	int r = px_addr_read(s->family, to, len, &addr, &port);

	if (r == 0)
		r = may_connect(t);
	if (r == 0 && port == 0)
		r = -ECONNREFUSED;
	if (r == 0) {
		to_this_host(&addr);
		r = px_addr_errno(tcp_connect(t->pcb, &addr, port, on_connected));
	}
	if (r < 0)
		return r;
	t->state = PX_TCP_CONNECTING;
	px_tcp_note_address(t);
	return -EINPROGRESS;
}

static int name(struct px_socket *s, bool peer, struct sockaddr_storage *addr, socklen_t *len)
{
	const struct px_tcp *t = px_tcp_of(s);
	const struct tcp_pcb *pcb = t->pcb;

	if (peer && (t->state != PX_TCP_OPEN || pcb == NULL))
		return -ENOTCONN;
	if (peer)
		*len = px_addr_write(s->family, &pcb->remote_ip, pcb->remote_port, addr);
	else
		*len = px_addr_write(s->family, pcb != NULL ? &pcb->local_ip : &t->local,
				     pcb != NULL ? pcb->local_port : t->local_port, addr);
	return 0;
}

/* No more connections. Those that wait can still be accepted; then accept() sees an end. */
static int stop_listening(struct px_tcp *t)
{
	struct tcp_pcb *pcb = t->pcb;

	px_tcp_note_address(t);
	px_tcp_detach(t);
	(void)tcp_close(pcb); /* always possible for a listening one */
	t->state = PX_TCP_DEAD;
	(void)shutdown(t->s->watch.fd, SHUT_WR);
	return 0;
}

/* The bytes that are in the queue now go before the FIN. */
static int shut(struct px_socket *s, int how)
{
	struct px_tcp *t = px_tcp_of(s);

	if (t->state == PX_TCP_LISTENING)
		return how == SHUT_WR ? 0 : stop_listening(t); /* as Linux does it */
	/* The plugin shuts the socketpair: that is seen in the order of the bytes. */
	return t->state == PX_TCP_OPEN ? 0 : -ENOTCONN;
}

const struct px_ops px_tcp_ops = {
	.pair = SOCK_STREAM,
	.open = open_socket,
	.readable = readable,
	.writable = writable,
	.hangup = hangup,
	.takes = takes,
	.bind = bind_socket,
	.connect = connect_socket,
	.listen = px_tcp_listen,
	.name = name,
	.set = px_sockopt_set,
	.get = px_sockopt_get,
	.ioctl = px_ioctl,
	.shutdown = shut,
};
