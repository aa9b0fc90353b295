/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A flow is what one client, an address and a port, exchanges with one port of one local address. Its first
 * datagram makes a socket inside, which is connected to the server. What this socket receives goes to this
 * client. A flow ends when it has been idle for the idle time, or when its socket has an error (the port of
 * the server is closed); the next datagram of the client makes a new one.
 *
 * A retired port has no new flows. It is closed with its last one, or at once without any: the stack answers
 * for it then as for any closed port.
 *
 * At the limit of flows, and without descriptors, datagrams of new clients are dropped: those that are there
 * are not pushed out by forged addresses. A datagram that the next stack does not take at once is dropped.
 */

#include "udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "daemons/common/report.h"

#define BUFFER 65536
#define TURN 32 /* datagrams of one descriptor, before others have their turn */

struct rp_udp_port {
	struct rp_watch watch;
	struct rp_udp *udp;
	const struct rp_port *port;
	struct rp_hold *hold;
	struct rp_udp_port **made; /* where the owner has it */
	unsigned n_flows;
	bool retired;
};

struct flow {
	struct rp_watch watch; /* the socket inside */
	struct rp_udp_port *port;
	struct sockaddr_in6 client;
	int64_t used_ms;
	struct rp_link link, bucket;
};

/* ------------------------------------------------------------------ the table */

/* FNV-1a, with a random beginning: a client cannot choose ports that all fall into one bucket. */
static struct rp_link *bucket_of(struct rp_udp *u, const struct rp_udp_port *p,
				 const struct sockaddr_in6 *client)
{
	struct {
		uint64_t port;
		struct in6_addr addr;
		uint64_t number;
	} key = { (uintptr_t)p, client->sin6_addr, client->sin6_port };
	const unsigned char *bytes = (const unsigned char *)&key;
	uint64_t h = 0xcbf29ce484222325u ^ u->seed;

	for (size_t i = 0; i < sizeof(key); i++)
		h = (h ^ bytes[i]) * 0x100000001b3u;
	return &u->buckets[(h >> 32) % RP_UDP_BUCKETS];
}

static struct flow *find(struct rp_link *bucket, const struct rp_udp_port *p,
			 const struct sockaddr_in6 *client)
{
	for (struct rp_link *i = bucket->next; i != bucket; i = i->next) {
		struct flow *f = RP_OF(i, struct flow, bucket);
		if (f->port == p && f->client.sin6_port == client->sin6_port &&
		    f->client.sin6_scope_id == client->sin6_scope_id &&
		    memcmp(&f->client.sin6_addr, &client->sin6_addr, sizeof(client->sin6_addr)) == 0)
			return f;
	}
	return NULL;
}

static void touch(struct flow *f)
{
	struct rp_udp *u = f->port->udp;

	f->used_ms = u->loop->now_ms;
	rp_list_remove(&f->link);
	rp_list_append(&u->flows, &f->link);
}

static void remove_flow(struct flow *f)
{
	struct rp_udp *u = f->port->udp;

	rp_loop_forget(u->loop, &f->watch);
	(void)ioth_close(f->watch.fd);
	rp_list_remove(&f->link);
	rp_list_remove(&f->bucket);
	f->port->n_flows--;
	rp_hold_drop(f->port->hold);
	free(f);
	u->n--;
}

/* A port without flows. */
static void close_port(struct rp_udp_port *p)
{
	rp_loop_forget(p->udp->loop, &p->watch);
	(void)ioth_close(p->watch.fd);
	*p->made = NULL;
	free(p);
}

static void close_if_done(struct rp_udp_port *p)
{
	if (p->retired && p->n_flows == 0)
		close_port(p);
}

/* Its port may be gone then. */
static void end_flow(struct flow *f)
{
	struct rp_udp_port *p = f->port;

	remove_flow(f);
	close_if_done(p);
}

static void end_idle(struct rp_timer *timer)
{
	struct rp_udp *u = RP_OF(timer, struct rp_udp, idle);

	while (!rp_list_empty(&u->flows)) {
		struct flow *f = RP_OF(u->flows.next, struct flow, link);
		if (f->used_ms + u->timeout_ms > u->loop->now_ms) {
			timer->due_ms = f->used_ms + u->timeout_ms;
			return;
		}
		end_flow(f);
	}
}

/* ------------------------------------------------------------------ from the server */

static void from_server(struct rp_watch *w, uint32_t events)
{
	struct flow *f = RP_OF(w, struct flow, watch);
	struct rp_udp *u = f->port->udp;

	if ((events & EPOLLHUP) != 0) {
		end_flow(f);
		return;
	}
	for (int i = 0; i < TURN; i++) {
		ssize_t n = ioth_recv(w->fd, u->buffer, BUFFER, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n < 0) {
			dm_report(DM_DEBUG, "a flow ends: %s", strerror(errno));
			end_flow(f);
			return;
		}
		touch(f);
		(void)ioth_sendto(f->port->watch.fd, u->buffer, (size_t)n, 0,
				  (const struct sockaddr *)&f->client, sizeof(f->client));
	}
}

/* ------------------------------------------------------------------ from clients */

static int socket_inside(const struct rp_udp *u, const struct rp_port *port)
{
	int fd =
		ioth_msocket(u->inside, port->target.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioth_connect(fd, (const struct sockaddr *)&port->target, port->target_len) == 0)
		return fd;
	int err = errno;
	(void)ioth_close(fd);
	errno = err;
	return -1;
}

static struct flow *begin_flow(struct rp_udp_port *p, struct rp_link *bucket,
			       const struct sockaddr_in6 *client)
{
	struct rp_udp *u = p->udp;

	if (p->retired || u->n >= u->limit)
		return NULL;
	struct flow *f = calloc(1, sizeof(*f));
	if (f == NULL)
		return NULL;
	int fd = socket_inside(u, p->port);
	*f = (struct flow){ .port = p, .client = *client, .watch = { .fd = fd, .ready = from_server } };
	if (fd < 0 && errno == ENETDOWN)
		rp_loop_fail(u->loop, "the stack inside has failed");
	if (fd < 0 || rp_loop_watch(u->loop, &f->watch, EPOLLIN) < 0) {
		dm_report(DM_DEBUG, "a datagram is dropped: %s", strerror(errno));
		if (fd >= 0)
			(void)ioth_close(fd);
		free(f);
		return NULL;
	}
	u->n++;
	p->n_flows++;
	rp_hold_take(p->hold);
	f->used_ms = u->loop->now_ms;
	if (rp_list_empty(&u->flows))
		u->idle.due_ms = f->used_ms + u->timeout_ms;
	rp_list_append(&u->flows, &f->link);
	rp_list_append(bucket, &f->bucket);
	return f;
}

static void from_clients(struct rp_watch *w, uint32_t events)
{
	struct rp_udp_port *p = RP_OF(w, struct rp_udp_port, watch);
	struct rp_udp *u = p->udp;

	if ((events & EPOLLHUP) != 0) {
		rp_loop_fail(u->loop, "the stack outside has failed");
		return;
	}
	for (int i = 0; i < TURN; i++) {
		struct sockaddr_in6 client = { 0 };
		socklen_t len = sizeof(client);
		ssize_t n = ioth_recvfrom(w->fd, u->buffer, BUFFER, 0, (struct sockaddr *)&client, &len);
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n < 0 || len < sizeof(client) || client.sin6_family != AF_INET6)
			continue; /* an error of an answer that was sent before; it is taken now */
		struct rp_link *bucket = bucket_of(u, p, &client);
		struct flow *f = find(bucket, p, &client);
		if (f == NULL)
			f = begin_flow(p, bucket, &client);
		if (f == NULL)
			continue;
		touch(f);
		(void)ioth_send(f->watch.fd, u->buffer, (size_t)n, 0);
	}
}

/* ------------------------------------------------------------------ interface */

int rp_udp_init(struct rp_udp *u)
{
	rp_list_init(&u->flows);
	for (size_t i = 0; i < RP_UDP_BUCKETS; i++)
		rp_list_init(&u->buckets[i]);
	u->n = 0;
	u->seed = 0;
	(void)!getrandom(&u->seed, sizeof(u->seed), GRND_NONBLOCK);
	u->buffer = malloc(BUFFER);
	rp_loop_timer(u->loop, &u->idle, end_idle);
	return u->buffer == NULL ? -ENOMEM : 0;
}

void rp_udp_fini(struct rp_udp *u)
{
	free(vs_steal_ptr(u->buffer));
}

int rp_udp_open(struct rp_udp *u, int fd, const struct rp_port *port, struct rp_hold *hold,
		struct rp_udp_port **made)
{
	struct rp_udp_port *p = calloc(1, sizeof(*p));
	int r = p == NULL ? -ENOMEM : 0;

	if (r == 0) {
		*p = (struct rp_udp_port){ .udp = u,
					   .port = port,
					   .hold = hold,
					   .made = made,
					   .watch = { .fd = fd, .ready = from_clients } };
		r = rp_loop_watch(u->loop, &p->watch, EPOLLIN);
	}
	if (r < 0) {
		(void)ioth_close(fd);
		free(p);
		return r;
	}
	*made = p;
	return 0;
}

void rp_udp_retire(struct rp_udp_port *p, bool retired)
{
	if (p == NULL)
		return;
	p->retired = retired;
	close_if_done(p);
}

void rp_udp_close(struct rp_udp_port *p)
{
	if (p == NULL)
		return;
	struct rp_udp *u = p->udp;
	for (struct rp_link *i = u->flows.next, *next; i != &u->flows; i = next) {
		struct flow *f = RP_OF(i, struct flow, link);
		next = i->next;
		if (f->port == p)
			remove_flow(f);
	}
	close_port(p);
}
