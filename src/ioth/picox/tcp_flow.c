/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The bytes of a connection.
 *
 *     program -> its queue -> tcp_write(): as much as lwIP's send buffer has room for. The rest stays in the
 *                queue, which fills, and the program blocks.
 *     lwIP -> received -> the program's queue: as much as it takes. Only so much is given back to lwIP's
 *                window, which closes, and the other side stops.
 *
 * The functions that lwIP calls only note what happened. Everything else is done at the end of the turn,
 * when lwIP is not in the middle of something: a pcb may be freed then.
 *
 * An end travels in both directions: end of file of the program is a FIN, a FIN is end of file for the
 * program. When both have ended, or the program has closed its socket, lwIP has the pcb to itself and sends
 * what is left.
 */

#include "tcp.h"

#include <errno.h>
#include <lwip/priv/tcp_priv.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "addr.h"
#include "base/cleanup.h"
#include "linger.h"
#include "message.h"

#define CHUNK 65536
#define PIECES 64

static unsigned char chunk[CHUNK];

/* ------------------------------------------------------------------ to the program */

/* Sends what one sendmsg() takes. Bytes, or -errno. */
static ssize_t offer(struct px_tcp *t)
{
	struct iovec iov[PIECES];
	struct msghdr msg = { .msg_iov = iov };

	for (struct pbuf *p = t->received; p != NULL && msg.msg_iovlen < PIECES; p = p->next)
		iov[msg.msg_iovlen++] = (struct iovec){ p->payload, p->len };
	ssize_t n = sendmsg(t->s->watch.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	return n < 0 ? -errno : n;
}

static void taken(struct px_tcp *t, size_t n)
{
	size_t back = n < t->lent ? n : t->lent;

	t->received = pbuf_free_header(t->received, (u16_t)n);
	t->lent -= (unsigned)back;
	if (t->pcb != NULL)
		tcp_recved(t->pcb, (u16_t)(n - back));
}

/*
 * lwIP answers each acknowledgement that comes while its window is closed. Two ends whose windows are both
 * closed answer each other for ever, in one call of lwIP if they are in one stack. So the window is never
 * quite closed: lwIP has one byte more than it has announced, for the byte with which the other end asks for
 * the window. That byte stays in lwIP as long as there is no room.
 */
static void keep_window_open(struct px_tcp *t, struct tcp_pcb *pcb)
{
	if (pcb->rcv_wnd > 0)
		return;
	pcb->rcv_wnd = 1;
	t->lent++;
}

/* Bytes of a stream must not be lost: the connection is. lwIP calls back, if it still has the pcb. */
static void abort_connection(struct px_tcp *t, int error)
{
	if (t->received != NULL)
		(void)pbuf_free(t->received);
	t->received = NULL;
	t->error = error;
	if (t->pcb != NULL)
		tcp_abort(t->pcb);
	else if (!t->failed)
		px_tcp_fail(t, error);
}

static void deliver(struct px_tcp *t)
{
	while (t->received != NULL && !t->s->gone) {
		ssize_t n = offer(t);
		if (n == -EAGAIN || n == -EINTR)
			return; /* EPOLLOUT comes */
		if ((n == -ENOBUFS || n == -ENOMEM) && t->pcb != NULL)
			return; /* again when lwIP polls */
		if (n == -EPIPE || n == -ECONNRESET)
			n = t->received->tot_len; /* the program reads no more: dropped, as the kernel does */
		if (n < 0) {
			abort_connection(t, (int)-n);
			return;
		}
		taken(t, (size_t)n);
	}
	if (t->received == NULL && t->net_ended && !t->end_told && !t->s->gone) {
		t->end_told = true;
		(void)shutdown(t->s->watch.fd, SHUT_WR);
	}
}

/* ------------------------------------------------------------------ from the program */

/*
 * The kernel says "writable" when the bytes in a queue are not above a quarter of SO_SNDBUF. The plugin lets
 * a program set it to PX_SNDBUF_MAX.
 */
void px_tcp_fill(struct px_tcp *t, int program)
{
	static const char filler[16384];
	const int half = PX_SNDBUF_MAX / 2 / 2; /* the kernel doubles it */

	(void)setsockopt(program, SOL_SOCKET, SO_SNDBUF, &half, sizeof(half));
	while (t->filler <= PX_SNDBUF_MAX / 4) {
		ssize_t n = send(program, filler, sizeof(filler), MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n <= 0)
			return; /* full */
		t->filler += (size_t)n;
	}
}

/*
 * The program has closed its socket, and wants a reset and no FIN. The event may be one of the next turn, but
 * the end is read already.
 */
static bool is_to_be_reset(const struct px_tcp *t)
{
	struct pollfd p = { .fd = t->s->watch.fd };

	return t->abort_on_close && poll(&p, 1, 0) == 1 && (p.revents & POLLHUP) != 0;
}

/* -EAGAIN: nothing there; 0: end. */
static ssize_t take(struct px_tcp *t, size_t room)
{
	ssize_t n;

	do {
		n = recv(t->s->watch.fd, chunk, room, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN) {
		t->readable = false;
		return -EAGAIN;
	}
	if (n <= 0) { /* ECONNRESET: it was closed with bytes that it has not read */
		t->readable = false;
		t->program_ended = !is_to_be_reset(t);
		return 0;
	}
	return n;
}

void px_tcp_drop_filler(struct px_tcp *t)
{
	while (t->filler > 0) {
		ssize_t n = take(t, t->filler < CHUNK ? t->filler : CHUNK);
		if (n <= 0)
			return;
		t->filler -= (size_t)n;
	}
}

static size_t room_for(const struct px_tcp *t)
{
	size_t room = tcp_sndbuf(t->pcb), segments = room / tcp_mss(t->pcb) + 2;

	if (tcp_sndqueuelen(t->pcb) + 2 * segments > TCP_SND_QUEUELEN)
		segments = tcp_sndqueuelen(t->pcb) + 8 > TCP_SND_QUEUELEN ? 0 : 1;
	if (segments == 1)
		room = room < tcp_mss(t->pcb) ? room : tcp_mss(t->pcb);
	return segments == 0 ? 0 : room < CHUNK ? room : CHUNK;
}

static void keep(struct px_tcp *t, const unsigned char *data, size_t n)
{
	t->kept = malloc(n);
	if (t->kept == NULL) {
		abort_connection(t, ENOBUFS);
		return;
	}
	memcpy(t->kept, data, n);
	t->n_kept = n;
}

static bool write_kept(struct px_tcp *t)
{
	if (t->kept == NULL)
		return true;
	if (tcp_write(t->pcb, t->kept, (u16_t)t->n_kept, TCP_WRITE_FLAG_COPY) != ERR_OK)
		return false;
	free(t->kept);
	t->kept = NULL;
	return true;
}

static void collect(struct px_tcp *t)
{
	bool wrote = t->kept != NULL;

	if (!write_kept(t))
		return;
	while (t->readable && !t->program_ended) {
		size_t room = room_for(t);
		ssize_t n = room == 0 ? -EAGAIN : take(t, room);
		if (n <= 0)
			break;
		wrote = true;
		if (tcp_write(t->pcb, chunk, (u16_t)n, TCP_WRITE_FLAG_COPY) != ERR_OK) {
			keep(t, chunk, (size_t)n);
			break;
		}
	}
	if (wrote && t->pcb != NULL)
		(void)tcp_output(t->pcb);
}

/* ------------------------------------------------------------------ ends */

/*
 * What the program has not read stays in its queue. Bytes of it that are unread here make the kernel report
 * ECONNRESET; without them it sees an end, and the plugin asks for the error.
 */
void px_tcp_fail(struct px_tcp *t, int error)
{
	t->state = PX_TCP_DEAD;
	t->failed = true;
	px_socket_leave_error(t->s, error);
	deliver(t);
	px_tcp_later(t);
}

static void send_fin(struct px_tcp *t)
{
	if (!t->program_ended || t->fin_sent || t->kept != NULL || t->state != PX_TCP_OPEN)
		return;
	if (t->s->gone && t->abort_on_close)
		return; /* a reset only: the other side could read the end before it */
	t->fin_sent = tcp_shutdown(t->pcb, 0, 1) == ERR_OK; /* no memory: again when lwIP polls */
}

static void free_tcp(struct px_tcp *t)
{
	if (t->received != NULL)
		(void)pbuf_free(t->received);
	free(t->kept);
	px_socket_free(t->s);
	free(t);
}

/* The program has closed: lwIP sends what it has, then forgets the connection. */
static void finish(struct px_tcp *t)
{
	struct tcp_pcb *pcb = t->pcb;
	bool more = t->state == PX_TCP_OPEN && (!t->program_ended || t->kept != NULL);

	if (pcb != NULL && more && !t->abort_on_close)
		return;
	if (pcb != NULL) {
		px_tcp_detach(t);
		if (t->abort_on_close && t->state == PX_TCP_OPEN) {
			tcp_abort(pcb);
		} else if (tcp_close(pcb) != ERR_OK) {
			px_tcp_attach(t, pcb);
			return; /* no memory: again when lwIP polls */
		}
	}
	free_tcp(t);
}

static void work(struct px_later *later)
{
	struct px_socket *s = (struct px_socket *)((char *)later - offsetof(struct px_socket, later));
	struct px_tcp *t = px_tcp_of(s);
	bool aborts = s->gone && t->abort_on_close;

	if (t->state == PX_TCP_OPEN && !aborts) {
		deliver(t);
		if (t->pcb != NULL)
			collect(t);
		if (t->pcb != NULL)
			send_fin(t);
	}
	if (s->gone || t->failed)
		finish(t);
}

void px_tcp_later(struct px_tcp *t)
{
	px_later(&t->s->later, work);
}

/* ------------------------------------------------------------------ called by lwIP */

static err_t on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	struct px_tcp *t = arg;

	(void)err;
	keep_window_open(t, pcb);
	if (p == NULL)
		t->net_ended = true;
	else if (t->received == NULL)
		t->received = p;
	else if ((size_t)t->received->tot_len + p->tot_len > UINT16_MAX)
		return ERR_MEM; /* lwIP keeps it and asks again */
	else
		pbuf_cat(t->received, p);
	px_tcp_later(t);
	return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
	struct px_tcp *t = arg;

	(void)pcb;
	(void)len;
	if (t->readable || t->kept != NULL || t->s->gone)
		px_tcp_later(t);
	return ERR_OK;
}

static err_t on_poll(void *arg, struct tcp_pcb *pcb)
{
	(void)pcb;
	px_tcp_later(arg);
	return ERR_OK;
}

/* lwIP has freed the pcb, or is about to. */
static void on_error(void *arg, err_t err)
{
	struct px_tcp *t = arg;
	bool connecting = t->state == PX_TCP_CONNECTING;

	t->pcb = NULL;
	if (err == ERR_CLSD) { /* both directions have ended in good order */
		t->net_ended = true;
		px_tcp_later(t);
		return;
	}
	px_tcp_fail(t, t->error != 0    ? t->error
		       : err == ERR_RST ? (connecting ? ECONNREFUSED : ECONNRESET)
		       : err == ERR_MEM ? ENOBUFS
					: ETIMEDOUT);
}

void px_tcp_attach(struct px_tcp *t, struct tcp_pcb *pcb)
{
	t->pcb = pcb;
	tcp_arg(pcb, t);
	tcp_recv(pcb, on_received);
	tcp_sent(pcb, on_sent);
	tcp_err(pcb, on_error);
	tcp_poll(pcb, on_poll, 2);
}

void px_tcp_note_address(struct px_tcp *t)
{
	t->local = t->pcb->local_ip;
	t->local_port = t->pcb->local_port;
}

void px_tcp_detach(struct px_tcp *t)
{
	struct tcp_pcb *pcb = t->pcb;

	t->pcb = NULL;
	tcp_arg(pcb, NULL);
	if (t->state == PX_TCP_LISTENING) {
		tcp_accept(pcb, NULL);
		return;
	}
	tcp_recv(pcb, NULL);
	tcp_sent(pcb, NULL);
	tcp_err(pcb, NULL);
	tcp_poll(pcb, NULL, 0);
}

static bool has_data(const struct tcp_seg *segments)
{
	while (segments != NULL && segments->len == 0)
		segments = segments->next;
	return segments != NULL;
}

enum px_unsent px_tcp_unsent(u32_t *acked)
{
	enum px_unsent what = PX_ALL_SENT;

	*acked = 0;
	for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
		if (has_data(pcb->unsent) || has_data(pcb->unacked))
			what = PX_DATA_UNSENT;
		else if (what == PX_ALL_SENT && (pcb->unsent != NULL || pcb->unacked != NULL))
			what = PX_END_UNSENT;
		*acked += pcb->lastack;
	}
	return what;
}

unsigned px_tcp_last_segments(void)
{
	struct tcp_pcb *next;
	unsigned n = 0;

	for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = next) {
		next = pcb->next;
		if (pcb->unsent != NULL || pcb->unacked != NULL) {
			tcp_abort(pcb);
			n++;
		} else if ((pcb->flags & (TF_ACK_DELAY | TF_ACK_NOW)) != 0) {
			tcp_ack_now(pcb);
			(void)tcp_output(pcb);
			n++;
		}
	}
	return n;
}
