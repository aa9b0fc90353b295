/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * TCP connections of the relay: two sockets, and a flow of bytes in each direction.
 *
 *     accepted ──▶ connecting ──▶ relaying ──▶ ending ──▶ closed
 *                      │              │           │
 *                      └──────────────┴───────────┴──▶ reset
 *
 * connecting: the server has not answered yet. There is a time limit. relaying:   as long as the two ends
 * like. A client that has vanished is found by keepalive probes. ending:     both ends have sent all, and
 * a receiver has not taken all of it. If it takes nothing for a minute, the
 *             connection is reset, as the kernel does with sockets that a program has closed.
 *
 * What happens at one end happens at the other: end of file becomes end of file, a reset a reset. A server
 * that refuses the connection resets the client. Urgent data is not passed on as urgent.
 *
 * The server should see the client's address (origin.c). If its port is in use in the stack, the relay
 * takes another port of that address. If that fails, too, it takes the stack's address.
 */

#define _GNU_SOURCE
#include "tcp.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "flow.h"
#include "origin.h"
#include "proxy.h"
#include "relay.h"

#define ACCEPTS 64 /* in one step */
#define KEEPALIVE_IDLE_S 120
#define KEEPALIVE_INTERVAL_S 30
#define KEEPALIVE_PROBES 4

#define EDGES (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)

struct side {
	struct vs_watch watch;
	struct vs_end end;
	bool sent_all; /* it has sent its end of file */
};

struct connection {
	struct vs_node node; /* first: struct vs_dead */
	struct vs_node more;
	struct vs_port *port;
	bool connected, ending;
	int family;             /* of the server's address */
	bool second;            /* the address of the other family is tried */
	struct side side[2];    /* of the client, of the server */
	struct vs_flow flow[2]; /* from the client, from the server */
	unsigned char header[VS_PROXY_MAX];
	size_t header_len;
};

/* ------------------------------------------------------------------ ends */

/* The next close(2) resets the connection. */
static void set_reset(int fd)
{
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

static void close_side(struct vs_publish *p, struct side *side, bool reset)
{
	if (side->end.fd < 0)
		return;
	if (reset)
		set_reset(side->end.fd);
	side->watch.fd = side->end.fd; /* if it was not watched yet */
	vs_relay_close(p, &side->watch);
	side->end.fd = -1;
}

static void end(struct vs_publish *p, struct connection *c, bool reset)
{
	for (int i = 0; i < 2; i++) {
		close_side(p, &c->side[i], reset);
		vs_pipes_give(&p->pipes, c->flow[i].pipe, c->flow[i].held > 0);
	}
	vs_list_remove(&c->more);
	vs_list_put(&p->dead, &c->node, 0);
	p->counts.connections--;
}

/* ------------------------------------------------------------------ bytes */

static void relay(struct vs_publish *p, struct connection *c)
{
	bool more = false;

	for (int i = 0; i < 2; i++) {
		int r = vs_flow_move(&c->flow[i], &c->side[i].end, &c->side[!i].end, &p->pipes);
		if (r < 0) {
			end(p, c, true);
			return;
		}
		more = more || r > 0;
	}
	if (c->flow[0].done && c->flow[1].done) {
		end(p, c, false);
		return;
	}
	if (more)
		vs_list_put(&p->more, &c->more, 0);
	else
		vs_list_remove(&c->more);
	bool moved = c->flow[0].moved || c->flow[1].moved;
	c->flow[0].moved = c->flow[1].moved = false;
	if (c->side[0].sent_all && c->side[1].sent_all && (moved || !c->ending)) {
		c->ending = true;
		vs_list_put(&p->ending, &c->node, p->now_ms);
	}
}

/* The server has answered. */
static void connected(struct vs_publish *p, struct connection *c)
{
	ssize_t n = 0;

	if (c->header_len > 0) /* the socket is new: the header has room in it */
		n = send(c->side[1].end.fd, c->header, c->header_len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n != (ssize_t)c->header_len) {
		end(p, c, true);
		return;
	}
	c->connected = true;
	vs_list_put(&p->relaying, &c->node, 0);
}

static void set_options(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) /* it works without them */
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}

/* A socket that connects to the target; from this address, unless NULL. A descriptor or -errno. */
static int connect_from(struct vs_publish *p, const struct vs_port *port, const union vs_endpoint *source,
			const union vs_endpoint *target)
{
	int r = 0, fd = vs_relay_socket(p, port, target->sa.sa_family, SOCK_STREAM);

	if (fd < 0)
		return fd;
	set_options(fd);
	if (source != NULL)
		r = vs_origin_bind(fd, source);
	else if (port->word.way == VS_PUBLISH_IN)
		(void)vs_origin_mark(fd); /* works without it, with less protection */
	if (r == 0 && connect(fd, &target->sa, vs_endpoint_len(target)) < 0 && errno != EINPROGRESS)
		r = -errno;
	if (r == 0)
		return fd;
	(void)close(fd);
	return r;
}

static void server_ready(struct vs_publish *p, struct vs_watch *watch, uint32_t events);

static int watch_server(struct vs_publish *p, struct connection *c, int fd)
{
	c->side[1].watch = (struct vs_watch){ server_ready, fd };
	c->side[1].end = (struct vs_end){ .fd = fd };
	return vs_relay_watch(p, &c->side[1].watch, EDGES);
}

/* The server has refused. It may listen at the stack's address of the other family. true: that is tried. */
static bool try_other_family(struct vs_publish *p, struct connection *c)
{
	const struct vs_word *word = &c->port->word;
	union vs_endpoint target;

	if (c->second || word->way != VS_PUBLISH_IN || word->target.sa.sa_family != AF_UNSPEC)
		return false;
	c->second = true;
	vs_target_pick(&p->target, c->family == AF_INET ? AF_INET6 : AF_INET, word->target_port, p->now_ms,
		       &target);
	if (target.sa.sa_family == c->family)
		return false;
	int fd = connect_from(p, c->port, NULL, &target);
	if (fd < 0)
		return false;
	close_side(p, &c->side[1], false);
	return watch_server(p, c, fd) == 0;
}

static int error_of(int fd)
{
	int err = 0;
	socklen_t len = sizeof(err);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0 ? err : errno;
}

static void handle(struct vs_publish *p, struct connection *c, struct side *side, uint32_t events)
{
	if (events & EPOLLERR) {
		int err = error_of(side->end.fd);
		if (err == ECONNREFUSED && !c->connected && try_other_family(p, c))
			return;
		if (err != 0 && !c->connected && side == &c->side[1])
			vs_relay_log_port(p, c->port, "the server is not reached: %s", strerror(err));
		if (err != 0) {
			end(p, c, true);
			return;
		}
	}
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP))
		side->end.readable = true;
	if (events & (EPOLLOUT | EPOLLHUP))
		side->end.writable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP))
		side->sent_all = true;
	if (!c->connected && side == &c->side[1] && (events & (EPOLLOUT | EPOLLHUP)))
		connected(p, c);
	if (c->connected && c->side[0].end.fd >= 0)
		relay(p, c);
}

static void client_ready(struct vs_publish *p, struct vs_watch *watch, uint32_t events)
{
	struct connection *c = vs_container(watch, struct connection, side[0].watch);

	handle(p, c, &c->side[0], events);
}

static void server_ready(struct vs_publish *p, struct vs_watch *watch, uint32_t events)
{
	struct connection *c = vs_container(watch, struct connection, side[1].watch);

	handle(p, c, &c->side[1], events);
}

/* ------------------------------------------------------------------ begins */

/* Whether the server can see this address as that of the client. */
static bool can_keep(struct vs_publish *p, const struct vs_port *port, const union vs_endpoint *client,
		     const union vs_endpoint *target)
{
	return client->sa.sa_family == target->sa.sa_family &&
	       port->keeps[client->sa.sa_family == AF_INET6] && vs_endpoint_is_global(client) &&
	       !vs_target_owns(&p->target, client, p->now_ms);
}

/* *family becomes that of the server's address. A descriptor or -errno. */
static int connect_for(struct vs_publish *p, const struct vs_port *port, const union vs_endpoint *client,
		       int *family)
{
	union vs_endpoint target, source = *client;
	int fd = -EADDRINUSE;

	vs_relay_target(p, port, client->sa.sa_family, &target);
	*family = target.sa.sa_family;
	if (can_keep(p, port, client, &target)) {
		fd = connect_from(p, port, &source, &target);
		if (fd == -EADDRINUSE || fd == -EADDRNOTAVAIL) {
			vs_endpoint_set_port(&source, 0);
			fd = connect_from(p, port, &source, &target);
		}
	}
	if (fd == -EADDRINUSE || fd == -EADDRNOTAVAIL || fd == -EPERM)
		fd = connect_from(p, port, NULL, &target);
	return fd;
}

static int watch_both(struct vs_publish *p, struct connection *c, int client, int server)
{
	c->side[0].watch = (struct vs_watch){ client_ready, client };
	c->side[0].end.fd = client;
	c->side[1].end.fd = server; /* belongs to the connection from here on */
	int r = vs_relay_watch(p, &c->side[0].watch, EDGES);
	return r == 0 ? watch_server(p, c, server) : r;
}

/* Takes the client's descriptor. */
static int begin(struct vs_publish *p, struct vs_port *port, int client, const union vs_endpoint *from)
{
	struct connection *c = calloc(1, sizeof(*c));
	union vs_endpoint at = port->at;
	socklen_t len = sizeof(at);
	int server = -ENOMEM, r;

	if (c != NULL)
		server = connect_for(p, port, from, &c->family);
	if (server < 0) {
		free(c);
		return server;
	}
	_Static_assert(offsetof(struct connection, node) == 0, "freed as a struct vs_dead");
	c->port = port;
	for (int i = 0; i < 2; i++)
		c->flow[i].pipe[0] = c->flow[i].pipe[1] = -1;
	if (port->word.proxy) {
		(void)getsockname(client, &at.sa, &len);
		vs_endpoint_unmap(&at);
		c->header_len = vs_proxy_header(from, &at, c->header);
	}
	set_options(client);
	p->counts.connections++;
	r = watch_both(p, c, client, server);
	if (r == 0)
		vs_list_put(&p->connecting, &c->node, p->now_ms);
	else
		end(p, c, true);
	return 0;
}

static void reset(int fd)
{
	set_reset(fd);
	(void)close(fd);
}

void vs_tcp_accept(struct vs_publish *p, struct vs_watch *watch, uint32_t events)
{
	struct vs_port *port = vs_container(watch, struct vs_port, watch);
	union vs_endpoint from;

	(void)events;
	for (int i = 0; i < ACCEPTS; i++) {
		socklen_t len = sizeof(from);
		int client = accept4(watch->fd, &from.sa, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (client < 0 &&
		    (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
			vs_relay_log_port(p, port, "clients wait: %s", strerror(errno));
			vs_relay_pause(p, port);
			return;
		}
		if (client < 0 && errno == EAGAIN)
			return;
		if (client < 0)
			continue; /* an error of that client */
		p->counts.accepted++;
		vs_endpoint_unmap(&from);
		if (p->counts.connections >= p->opts.max_connections) {
			vs_relay_log_port(p, port, "a client is reset: there are %u connections, the limit",
					  p->counts.connections);
			p->counts.refused++;
			reset(client);
			continue;
		}
		int r = begin(p, port, client, &from);
		if (r < 0) {
			vs_relay_log_port(p, port, "the server is not reached: %s", strerror(-r));
			reset(client);
		}
	}
}

/* ------------------------------------------------------------------ time */

void vs_tcp_more(struct vs_publish *p)
{
	struct vs_list now = p->more;
	struct vs_node *node;

	if (vs_list_first(&p->more) == NULL)
		return;
	/* to a list of its own: those that have more again come to the next step */
	now.head.next->prev = now.head.prev->next = &now.head;
	vs_list_init(&p->more, 0);
	while ((node = vs_list_first(&now)) != NULL) {
		vs_list_remove(node);
		relay(p, vs_container(node, struct connection, more));
	}
}

void vs_tcp_expire(struct vs_publish *p)
{
	struct vs_node *node;

	while ((node = vs_list_expired(&p->connecting, p->now_ms)) != NULL) {
		struct connection *c = vs_container(node, struct connection, node);
		vs_relay_log_port(p, c->port, "the server does not answer");
		end(p, c, true);
	}
	while ((node = vs_list_expired(&p->ending, p->now_ms)) != NULL)
		end(p, vs_container(node, struct connection, node), true);
}

void vs_tcp_end_all(struct vs_publish *p)
{
	struct vs_list *lists[] = { &p->connecting, &p->relaying, &p->ending };
	struct vs_node *node;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		while ((node = vs_list_first(lists[i])) != NULL)
			end(p, vs_container(node, struct connection, node), true);
}
