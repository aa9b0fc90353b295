/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A connection has two sides, the client and the server inside. What one side sends goes to the other.
 *
 *	CONNECTING  the client is there; the connection to the server is being made, and nothing is read.
 *	            It fails: the client is reset.
 *	OPEN        bytes go both ways. A side that has ended is not read any more. When all its bytes have
 *	            been passed on, its end is passed on too, and the other direction goes on (half-close).
 *	gone        both ends have been passed on; or a side was reset, and so the other side is reset; or
 *	            nothing moved for the idle time, and both are reset: a client must not take that for the
 *	            end of the data.
 *
 * Bytes are read into one buffer that all connections share, and written at once. Only what the other side
 * does not take is kept, in memory of the connection. While something is kept for a side, the other one is
 * not read: its sender stops when the buffers of the stacks are full. So an idle connection has no buffer,
 * and a stalled one has at most BUFFER bytes for each direction.
 *
 * Bytes are copied. splice(2) would need two pipes, four descriptors, for each connection.
 *
 * A client that is accepted needs a second descriptor, for the server. That one is made first. So when there
 * are no descriptors, the client stays in the queue of the stack, and nothing is lost. Accepting pauses until
 * a connection ends or a second has passed. It pauses as well at the limit of connections.
 */

#include "tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemons/common/report.h"

#define BUFFER 65536
#define RETRY_MS 1000

struct rp_tcp_listener {
	struct rp_watch watch;
	struct rp_tcp *tcp;
	const struct rp_port *port;
	struct rp_hold *hold;
	struct rp_link link;
};

struct conn;

struct side {
	struct rp_watch watch;
	struct conn *conn;
	bool ended;  /* it sends nothing more */
	bool closed; /* it has been sent the end of the other side */
	char *kept;  /* bytes that it did not take yet; NULL: none */
	size_t at, len;
};

enum state { CONNECTING, OPEN };

struct conn {
	struct rp_tcp *tcp;
	struct rp_hold *hold;
	enum state state;
	struct side client, server;
	int64_t used_ms;
	struct rp_link link;
};

static struct side *other(struct side *s)
{
	return s == &s->conn->client ? &s->conn->server : &s->conn->client;
}

/* ------------------------------------------------------------------ ends */

static void watch_listeners(struct rp_tcp *t, bool paused)
{
	t->paused = paused;
	t->retry.due_ms = paused ? t->loop->now_ms + RETRY_MS : RP_NEVER;
	for (struct rp_link *i = t->listeners.next; i != &t->listeners; i = i->next) {
		struct rp_tcp_listener *l = RP_OF(i, struct rp_tcp_listener, link);
		(void)rp_loop_watch(t->loop, &l->watch, paused ? 0 : EPOLLIN);
	}
}

static void close_side(struct rp_loop *loop, struct side *s, bool reset)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	rp_loop_forget(loop, &s->watch);
	if (reset)
		(void)ioth_setsockopt(s->watch.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	(void)ioth_close(s->watch.fd);
	free(s->kept);
}

static void end_conn(struct conn *c, bool reset)
{
	struct rp_tcp *t = c->tcp;

	rp_list_remove(&c->link);
	close_side(t->loop, &c->client, reset);
	close_side(t->loop, &c->server, reset);
	c->hold->sent_ms = t->loop->now_ms;
	rp_hold_drop(c->hold);
	free(c);
	t->n--;
	if (t->paused)
		watch_listeners(t, false);
}

static void end_idle(struct rp_timer *timer)
{
	struct rp_tcp *t = RP_OF(timer, struct rp_tcp, idle);

	while (!rp_list_empty(&t->conns)) {
		struct conn *c = RP_OF(t->conns.next, struct conn, link);
		if (c->used_ms + t->timeout_ms > t->loop->now_ms) {
			timer->due_ms = c->used_ms + t->timeout_ms;
			return;
		}
		end_conn(c, true);
	}
}

/* ------------------------------------------------------------------ bytes */

static bool passes(int err)
{
	return err == EAGAIN || err == EWOULDBLOCK || err == EINTR;
}

static int error_of(int fd)
{
	int err = 0;
	socklen_t len = sizeof(err);

	return ioth_getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0 ? errno : err;
}

static int pass_end_on(struct side *to)
{
	to->closed = true;
	return ioth_shutdown(to->watch.fd, SHUT_WR) < 0 ? -errno : 0;
}

/* 0, or -errno: the connection is over. */
static int send_or_keep(struct side *to, const char *bytes, size_t n)
{
	ssize_t sent = ioth_send(to->watch.fd, bytes, n, MSG_NOSIGNAL);

	if (sent < 0 && !passes(errno))
		return -errno;
	if (sent < 0)
		sent = 0;
	if ((size_t)sent == n)
		return 0;
	to->len = n - (size_t)sent;
	to->at = 0;
	to->kept = malloc(to->len);
	if (to->kept == NULL)
		return -ENOMEM;
	memcpy(to->kept, bytes + sent, to->len);
	return 0;
}

/* As above. */
static int send_kept(struct side *to)
{
	ssize_t sent = ioth_send(to->watch.fd, to->kept + to->at, to->len - to->at, MSG_NOSIGNAL);

	if (sent < 0)
		return passes(errno) ? 0 : -errno;
	to->at += (size_t)sent;
	if (to->at < to->len)
		return 0;
	free(vs_steal_ptr(to->kept));
	return other(to)->ended ? pass_end_on(to) : 0;
}

/* As above. */
static int receive(struct side *from)
{
	char *buffer = from->conn->tcp->buffer;
	ssize_t n = ioth_recv(from->watch.fd, buffer, BUFFER, 0);

	if (n < 0)
		return passes(errno) ? 0 : -errno;
	if (n > 0)
		return send_or_keep(other(from), buffer, (size_t)n);
	/* A reset can look like the end where the descriptor is that of another process (picox). */
	int err = error_of(from->watch.fd);
	if (err != 0)
		return -err;
	from->ended = true;
	return pass_end_on(other(from));
}

/* ------------------------------------------------------------------ events */

static uint32_t wanted(struct side *s)
{
	if (s->conn->state == CONNECTING)
		return s == &s->conn->server ? EPOLLOUT : 0;
	return (!s->ended && other(s)->kept == NULL ? EPOLLIN : 0) | (s->kept != NULL ? EPOLLOUT : 0);
}

static int after_connect(struct conn *c, uint32_t events)
{
	int err = error_of(c->server.watch.fd);

	if (err == 0 && (events & EPOLLHUP) != 0)
		err = ECONNRESET;
	c->state = OPEN;
	if (err != 0)
		dm_report(DM_DEBUG, "cannot connect to the server inside: %s", strerror(err));
	return -err;
}

static int move_bytes(struct side *s, uint32_t events)
{
	struct conn *c = s->conn;
	uint32_t due = wanted(s), failed = events & (EPOLLERR | EPOLLHUP);
	int r = 0;

	if (c->state == CONNECTING && due != 0)
		return after_connect(c, events);
	if ((due & EPOLLIN) != 0 && ((events & EPOLLIN) != 0 || failed != 0))
		r = receive(s);
	if (r == 0 && (due & EPOLLOUT) != 0 && ((events & EPOLLOUT) != 0 || failed != 0))
		r = send_kept(s);
	if (due == 0 && (events & EPOLLERR) != 0)
		return -ECONNRESET;
	if (due == 0)
		rp_loop_forget(c->tcp->loop,
			       &s->watch); /* both directions have ended: it would report that again */
	return r;
}

static void side_ready(struct rp_watch *w, uint32_t events)
{
	struct side *s = RP_OF(w, struct side, watch);
	struct conn *c = s->conn;
	struct rp_tcp *t = c->tcp;
	int r = move_bytes(s, events);

	if (r == 0 && c->client.closed && c->server.closed) {
		end_conn(c, false);
		return;
	}
	if (r == 0)
		r = rp_loop_watch(t->loop, &c->client.watch, wanted(&c->client));
	if (r == 0)
		r = rp_loop_watch(t->loop, &c->server.watch, wanted(&c->server));
	if (r < 0) {
		end_conn(c, true);
		return;
	}
	c->used_ms = t->loop->now_ms;
	rp_list_remove(&c->link);
	rp_list_append(&t->conns, &c->link);
}

/* ------------------------------------------------------------------ new connections */

/* Takes both descriptors. */
static void begin_conn(struct rp_tcp_listener *l, int client, int server)
{
	struct rp_tcp *t = l->tcp;
	struct conn *c = calloc(1, sizeof(*c));
	int one = 1;

	if (c == NULL) {
		(void)ioth_close(client);
		(void)ioth_close(server);
		return;
	}
	*c = (struct conn){ .tcp = t, .hold = l->hold, .used_ms = t->loop->now_ms };
	c->client = (struct side){ .conn = c, .watch = { .fd = client, .ready = side_ready } };
	c->server = (struct side){ .conn = c, .watch = { .fd = server, .ready = side_ready } };
	t->n++;
	rp_hold_take(c->hold);
	if (rp_list_empty(&t->conns))
		t->idle.due_ms = c->used_ms + t->timeout_ms;
	rp_list_append(&t->conns, &c->link);
	(void)ioth_setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)ioth_setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	int r = ioth_connect(server, (const struct sockaddr *)&l->port->target, l->port->target_len);
	if (r < 0 && errno != EINPROGRESS)
		dm_report(DM_DEBUG, "cannot connect to the server inside: %s", strerror(errno));
	else
		r = 0;
	/* The client is watched for errors from the beginning. */
	if (r == 0)
		r = rp_loop_watch(t->loop, &c->client.watch, EPOLLIN);
	if (r == 0)
		r = rp_loop_watch(t->loop, &c->client.watch, 0);
	if (r == 0)
		r = rp_loop_watch(t->loop, &c->server.watch, EPOLLOUT);
	if (r < 0)
		end_conn(c, true);
}

static void pause_accepting(struct rp_tcp *t, const char *why)
{
	dm_report(DM_DEBUG, "clients wait: %s", why);
	watch_listeners(t, true);
}

/* One connection a time: the loop comes back as long as there are more. */
static void accept_one(struct rp_watch *w, uint32_t events)
{
	struct rp_tcp_listener *l = RP_OF(w, struct rp_tcp_listener, watch);
	struct rp_tcp *t = l->tcp;

	(void)events;
	if (t->n >= t->limit) {
		pause_accepting(t, "the limit of connections is reached");
		return;
	}
	int server = ioth_msocket(t->inside, l->port->target.ss_family,
				  SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (server < 0) {
		pause_accepting(t, strerror(errno));
		return;
	}
	int client = ioth_accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (client >= 0) {
		begin_conn(l, client, server);
		return;
	}
	int err = errno;
	(void)ioth_close(server);
	if (!passes(err) && err != ECONNABORTED)
		pause_accepting(t, strerror(err));
}

static void accept_again(struct rp_timer *timer)
{
	watch_listeners(RP_OF(timer, struct rp_tcp, retry), false);
}

/* ------------------------------------------------------------------ interface */

int rp_tcp_init(struct rp_tcp *t)
{
	rp_list_init(&t->conns);
	rp_list_init(&t->listeners);
	t->n = 0;
	t->paused = false;
	t->buffer = malloc(BUFFER);
	rp_loop_timer(t->loop, &t->idle, end_idle);
	rp_loop_timer(t->loop, &t->retry, accept_again);
	return t->buffer == NULL ? -ENOMEM : 0;
}

void rp_tcp_fini(struct rp_tcp *t)
{
	while (!rp_list_empty(&t->conns))
		end_conn(RP_OF(t->conns.next, struct conn, link), true);
	free(vs_steal_ptr(t->buffer));
}

int rp_tcp_listen(struct rp_tcp *t, int fd, const struct rp_port *port, struct rp_hold *hold,
		  struct rp_tcp_listener **made)
{
	struct rp_tcp_listener *l = calloc(1, sizeof(*l));
	int r = l == NULL ? -ENOMEM : ioth_listen(fd, t->backlog) < 0 ? -errno : 0;

	if (r == 0) {
		*l = (struct rp_tcp_listener){
			.tcp = t, .port = port, .hold = hold, .watch = { .fd = fd, .ready = accept_one }
		};
		rp_list_init(&l->link);
		r = rp_loop_watch(t->loop, &l->watch, EPOLLIN);
	}
	if (r < 0) {
		(void)ioth_close(fd);
		free(l);
		return r;
	}
	rp_list_append(&t->listeners, &l->link);
	if (t->paused)
		(void)rp_loop_watch(t->loop, &l->watch, 0);
	*made = l;
	return 0;
}

void rp_tcp_close(struct rp_tcp_listener *l)
{
	if (l == NULL)
		return;
	rp_loop_forget(l->tcp->loop, &l->watch);
	rp_list_remove(&l->link);
	(void)ioth_close(l->watch.fd);
	free(l);
}

void rp_tcp_reset(struct rp_tcp *t, const struct rp_hold *hold)
{
	for (struct rp_link *i = t->conns.next, *next; i != &t->conns; i = next) {
		struct conn *c = RP_OF(i, struct conn, link);
		next = i->next;
		if (c->hold == hold)
			end_conn(c, true);
	}
}
