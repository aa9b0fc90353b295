/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Connections to accept. Each becomes a socket of its own at once, and its program's end waits in the queue
 * of the listening socket, which makes that readable. What the kernel counts in the queue says how many wait.
 * When as many wait as the program allows, a new connection is reset.
 */

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "addr.h"
#include "base/cleanup.h"
#include "message.h"
#include "tcp.h"
#include "wire/fdmsg.h"

#define BACKLOG_MAX 128 /* a queue of a socketpair has room for them */

static int queued(const struct px_tcp *t)
{
	int bytes = 0;

	return ioctl(t->s->watch.fd, SIOCOUTQ, &bytes) < 0 ? 0 : bytes;
}

/* Linux allows one more than the number. */
static bool full(const struct px_tcp *t)
{
	return t->unit > 0 && queued(t) / t->unit > t->backlog;
}

static int hand_over(struct px_tcp *t, int program, const struct tcp_pcb *pcb)
{
	struct px_accepted head = { .magic = PX_ACCEPTED };
	struct vs_fdmsg msg = {
		.iov = { { &head, sizeof(head) } }, .n_iov = 1, .fds = { program }, .n_fds = 1
	};

	head.addr_len = px_addr_write(t->s->family, &pcb->remote_ip, pcb->remote_port, head.addr);
	int before = queued(t);
	int r = vs_fdmsg_send(t->s->watch.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (r == 0 && before == 0)
		t->unit = queued(t);
	return r;
}

/* lwIP passes on SO_REUSEADDR and SO_KEEPALIVE. */
static void inherit(const struct px_tcp *t, struct px_tcp *child, struct tcp_pcb *pcb)
{
	child->v6only = t->v6only;
	child->abort_on_close = t->abort_on_close;
	pcb->ttl = t->pcb->ttl;
	pcb->tos = t->pcb->tos;
	pcb->keep_idle = t->options.keep_idle;
	pcb->keep_intvl = t->options.keep_intvl;
	pcb->keep_cnt = t->options.keep_cnt;
	if (t->options.nodelay)
		tcp_nagle_disable(pcb);
}

static int make_connection(struct px_tcp *t, struct tcp_pcb *pcb)
{
	struct px_kind kind = { t->s->family, t->s->type, t->s->protocol, &px_tcp_ops };
	struct px_tcp *child = calloc(1, sizeof(*child));
	struct px_socket *s;
	VS_AUTO_CLOSE program = -1;

	if (child == NULL)
		return -ENOMEM;
	int r = px_socket_make(&kind, child, &s, &program);
	if (r < 0) {
		free(child);
		return r;
	}
	child->state = PX_TCP_OPEN;
	inherit(t, child, pcb);
	r = hand_over(t, program, pcb);
	if (r < 0) {
		px_socket_free(s);
		free(child);
		return r;
	}
	px_tcp_attach(child, pcb);
	px_tcp_note_address(child);
	return 0;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct px_tcp *t = arg;

	if (pcb == NULL || err != ERR_OK)
		return ERR_VAL;
	if (t == NULL || t->s->gone || full(t) || make_connection(t, pcb) < 0) {
		tcp_abort(pcb);
		return ERR_ABRT;
	}
	return ERR_OK;
}

static int start_listening(struct px_tcp *t)
{
	ip_addr_t any;
	err_t err = ERR_OK;

	if (t->pcb->local_port == 0) {
		px_addr_any(t->s->family, !t->v6only, &any);
		err = tcp_bind(t->pcb, &any, 0);
		if (err != ERR_OK)
			return px_addr_errno(err);
	}
	t->options = (struct px_tcp_kept_options){ tcp_nagle_disabled(t->pcb) != 0, t->pcb->keep_idle,
						   t->pcb->keep_intvl, t->pcb->keep_cnt };
	/* An error function would be called for a pcb that has none any more. */
	struct tcp_pcb *listening = tcp_listen_with_backlog_and_err(t->pcb, TCP_DEFAULT_LISTEN_BACKLOG, &err);
	if (listening == NULL)
		return px_addr_errno(err);
	t->pcb = listening;
	t->state = PX_TCP_LISTENING;
	tcp_arg(listening, t);
	tcp_accept(listening, on_accept);
	px_tcp_drop_filler(t);
	return 0;
}

int px_tcp_listen(struct px_socket *s, int backlog)
{
	struct px_tcp *t = px_tcp_of(s);

	if (t->state != PX_TCP_NEW && t->state != PX_TCP_LISTENING)
		return -EINVAL;
	int r = t->state == PX_TCP_NEW ? start_listening(t) : 0;
	if (r == 0)
		t->backlog = backlog < 0 || backlog > BACKLOG_MAX ? BACKLOG_MAX : backlog;
	return r;
}
