/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A connection has two sides, the client and the server inside. What one side sends goes to the other.
 *
 *	CONNECTING  the client is there; the connection to the server is being made, and nothing is read.
 *	            It fails: the client is reset.
 *	OPEN        bytes go both ways. A side that has ended is not read any more. When all its bytes have
 *	            been passed on, its end is passed on too, and the other direction goes on (half-close).
 *	CLOSING     both ends have been passed on, and the stack still has bytes for the client. They are
 *	            waited for: the local address must not go before. The end itself is not waited for.
 *	gone        all is done; or a side was reset, and so the other side is reset; or
 *	            nothing moved for the idle time, and both are reset: a client must not take that for the
 *	            end of the data.
 *
 * How bytes are moved stands in relay.c.
 */

#include "tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "daemons/common/report.h"

#define CLOSING_MS 200

struct conn;

struct side {
	struct rp_watch watch;
	struct conn *conn;
	struct rp_relay sends; /* to the other side */
};

enum state { CONNECTING, OPEN, CLOSING };

struct conn {
	struct rp_tcp *tcp;
	struct rp_hold *hold;
	enum state state;
	struct side client, server;
	int64_t used_ms;
	int unsent; /* bytes, when CLOSING was looked at last */
	struct rp_link link, closing;
};

static struct side *other(struct side *s)
{
	return s == &s->conn->client ? &s->conn->server : &s->conn->client;
}

static int error_of(int fd)
{
	int err = 0;
	socklen_t len = sizeof(err);

	return ioth_getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0 ? errno : err;
}

/* ------------------------------------------------------------------ ends */

static void close_side(struct rp_tcp *t, struct side *s, bool reset)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	rp_loop_forget(t->loop, &s->watch);
	if (reset)
		(void)ioth_setsockopt(s->watch.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	(void)ioth_close(s->watch.fd);
	rp_relay_drop(&s->sends, &t->relays);
}

static void end_conn(struct conn *c, bool reset)
{
	struct rp_tcp *t = c->tcp;

	rp_list_remove(&c->link);
	rp_list_remove(&c->closing);
	close_side(t, &c->client, reset);
	close_side(t, &c->server, reset);
	c->hold->sent_ms = t->loop->now_ms;
	rp_hold_drop(c->hold);
	free(c);
	if (--t->n == 0)
		rp_pipes_trim(&t->relays.pipes);
	if (t->room != NULL)
		t->room(t);
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

static void touch(struct conn *c)
{
	c->used_ms = c->tcp->loop->now_ms;
	rp_list_remove(&c->link);
	rp_list_append(&c->tcp->conns, &c->link);
}

/* ------------------------------------------------------------------ closing */

/* 1 is the end itself. */
static int unsent(int fd)
{
	int n = 0;

	return ioth_ioctl(fd, TIOCOUTQ, &n) < 0 ? 0 : n;
}

static void close_when_sent(struct conn *c)
{
	struct rp_tcp *t = c->tcp;

	c->unsent = unsent(c->client.watch.fd);
	if (c->unsent <= 1) {
		end_conn(c, false);
		return;
	}
	c->state = CLOSING;
	rp_loop_forget(t->loop, &c->client.watch);
	rp_loop_forget(t->loop, &c->server.watch);
	if (rp_list_empty(&t->closing))
		t->close.due_ms = t->loop->now_ms + CLOSING_MS;
	rp_list_append(&t->closing, &c->closing);
}

static void look_at_closing(struct rp_timer *timer)
{
	struct rp_tcp *t = RP_OF(timer, struct rp_tcp, close);

	for (struct rp_link *i = t->closing.next, *next; i != &t->closing; i = next) {
		struct conn *c = RP_OF(i, struct conn, closing);
		int n = unsent(c->client.watch.fd), err = error_of(c->client.watch.fd);
		next = i->next;
		if (n <= 1 || err != 0) {
			end_conn(c, err != 0);
			continue;
		}
		if (n != c->unsent)
			touch(c);
		c->unsent = n;
	}
	if (!rp_list_empty(&t->closing))
		timer->due_ms = t->loop->now_ms + CLOSING_MS;
}

/* ------------------------------------------------------------------ events */

static uint32_t wanted(struct side *s)
{
	if (s->conn->state == CONNECTING)
		return s == &s->conn->server ? EPOLLOUT : 0;
	return (!s->sends.ended && !rp_relay_waits(&s->sends) ? EPOLLIN : 0) |
	       (rp_relay_waits(&other(s)->sends) ? EPOLLOUT : 0);
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
		r = rp_relay_receive(&s->sends, &c->tcp->relays, s->watch.fd, other(s)->watch.fd);
	if (r == 0 && (due & EPOLLOUT) != 0 && ((events & EPOLLOUT) != 0 || failed != 0))
		r = rp_relay_send(&other(s)->sends, &c->tcp->relays, s->watch.fd);
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

	if (r == 0 && c->client.sends.closed && c->server.sends.closed) {
		touch(c);
		close_when_sent(c);
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
	touch(c);
}

/* ------------------------------------------------------------------ new connections */

void rp_tcp_connect(struct rp_tcp *t, const struct rp_port *port, struct rp_hold *hold, int client,
		    int server)
{
	struct conn *c = calloc(1, sizeof(*c));
	int one = 1;

	if (c == NULL) {
		(void)ioth_close(client);
		(void)ioth_close(server);
		return;
	}
	*c = (struct conn){ .tcp = t, .hold = hold, .used_ms = t->loop->now_ms };
	rp_list_init(&c->closing);
	c->client = (struct side){ .conn = c, .watch = { .fd = client, .ready = side_ready } };
	c->server = (struct side){ .conn = c, .watch = { .fd = server, .ready = side_ready } };
	t->n++;
	rp_hold_take(c->hold);
	if (rp_list_empty(&t->conns))
		t->idle.due_ms = c->used_ms + t->timeout_ms;
	rp_list_append(&t->conns, &c->link);
	(void)ioth_setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)ioth_setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	int r = ioth_connect(server, (const struct sockaddr *)&port->target, port->target_len);
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

/* ------------------------------------------------------------------ interface */

int rp_tcp_init(struct rp_tcp *t)
{
	rp_list_init(&t->conns);
	rp_list_init(&t->closing);
	t->n = 0;
	rp_loop_timer(t->loop, &t->idle, end_idle);
	rp_loop_timer(t->loop, &t->close, look_at_closing);
	return rp_relays_init(&t->relays);
}

void rp_tcp_fini(struct rp_tcp *t)
{
	while (!rp_list_empty(&t->conns))
		end_conn(RP_OF(t->conns.next, struct conn, link), true);
	rp_relays_fini(&t->relays);
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
