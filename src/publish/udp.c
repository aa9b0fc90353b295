/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * UDP of the relay. A session is a client's address and port, the address that it sends to, and a socket
 * of its own that is connected to the server. What comes back on that socket is sent to that client, from
 * the address that the client has sent to.
 *
 * A session ends when nothing has passed for some time. As long as the server has not answered, that time
 * is short. Their number is limited. A new one at the limit ends another one: of those without an answer
 * the one that was idle longest, or of all if each has an answer. So datagrams with forged sources
 * displace each other, and not the clients that are served.
 *
 * When the server's port is closed, the session's socket reports it, and the session ends. The client is
 * not informed: only the kernel sends ICMP errors.
 */

#define _GNU_SOURCE
#include "udp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "origin.h"
#include "relay.h"

#define BATCH 16  /* datagrams in one call */
#define BATCHES 4 /* in one step for each socket */
#define DATAGRAM 65536
#define BUCKETS 1024

struct session {
	struct vs_node node;  /* first: struct vs_dead */
	struct session *next; /* in its bucket */
	struct vs_port *port;
	struct vs_watch watch;
	union vs_endpoint client; /* as the listening socket has it */
	union vs_endpoint at;     /* where the client has sent to; AF_UNSPEC: not known */
	bool answered;
};
_Static_assert(offsetof(struct session, node) == 0, "freed as a struct vs_dead");

/* Datagrams of one recvmmsg(2). Only one thread uses it, for one socket at a time. */
struct datagrams {
	char bytes[BATCH][DATAGRAM];
	union {
		char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
		struct cmsghdr align;
	} control[BATCH];
	union vs_endpoint from[BATCH];
	struct iovec iov[BATCH];
	struct mmsghdr h[BATCH];
};

struct vs_session_table {
	uint64_t secret;
	struct session *buckets[BUCKETS];
	struct datagrams got;
};

/* ------------------------------------------------------------------ table */

/* FNV-1a from a secret start, so that a stranger cannot choose addresses for one bucket. */
static struct session **bucket_of(struct vs_session_table *t, const struct vs_port *port,
				  const union vs_endpoint *client)
{
	uint64_t hash = t->secret ^ (uint64_t)(uintptr_t)port;
	unsigned char key[18];
	size_t n = 4;

	if (client->sa.sa_family == AF_INET) {
		memcpy(key, &client->in.sin_addr, 4);
	} else {
		memcpy(key, &client->in6.sin6_addr, 16);
		n = 16;
	}
	memcpy(key + n, &client->in6.sin6_port, 2); /* the same place in both */
	for (size_t i = 0; i < n + 2; i++)
		hash = (hash ^ key[i]) * 0x100000001b3u;
	hash ^= hash >> 32;
	hash *= t->secret | 1;
	return &t->buckets[(hash >> 40) % BUCKETS];
}

static struct session *find(struct vs_session_table *t, const struct vs_port *port,
			    const union vs_endpoint *client, const union vs_endpoint *at)
{
	struct session *s = *bucket_of(t, port, client);

	while (s != NULL && !(s->port == port && vs_endpoint_same(&s->client, client) &&
			      s->at.sa.sa_family == at->sa.sa_family &&
			      (at->sa.sa_family == AF_UNSPEC || vs_endpoint_same_addr(&s->at, at))))
		s = s->next;
	return s;
}

static void end(struct vs_publish *p, struct session *s)
{
	struct session **at = bucket_of(p->sessions, s->port, &s->client);

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	vs_relay_close(p, &s->watch);
	vs_list_put(&p->dead, &s->node, 0);
	p->counts.sessions--;
}

static void make_room(struct vs_publish *p)
{
	struct vs_node *node = vs_list_first(&p->unanswered);

	if (node == NULL)
		node = vs_list_first(&p->answered);
	if (p->counts.sessions < p->opts.max_sessions || node == NULL)
		return;
	struct session *s = vs_container(node, struct session, node);
	vs_relay_log_port(p, s->port, "a session ends: there are %u, the limit", p->counts.sessions);
	end(p, s);
	p->counts.evicted++;
}

/* ------------------------------------------------------------------ replies */

static void prepare(struct datagrams *d)
{
	for (int i = 0; i < BATCH; i++) {
		d->iov[i] = (struct iovec){ d->bytes[i], DATAGRAM };
		d->h[i].msg_hdr = (struct msghdr){ .msg_name = &d->from[i],
						   .msg_namelen = sizeof(d->from[i]),
						   .msg_iov = &d->iov[i],
						   .msg_iovlen = 1,
						   .msg_control = d->control[i].bytes,
						   .msg_controllen = sizeof(d->control[i].bytes) };
	}
}

/* The control message that sets the source address of what is sent. Returns its length. */
static size_t put_source(void *control, const union vs_endpoint *at)
{
	struct cmsghdr *c = control;

	if (at->sa.sa_family == AF_INET) {
		struct in_pktinfo info = { .ipi_spec_dst = at->in.sin_addr };
		*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(info)),
				       .cmsg_level = SOL_IP,
				       .cmsg_type = IP_PKTINFO };
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		return CMSG_SPACE(sizeof(info));
	}
	struct in6_pktinfo info = { .ipi6_addr = at->in6.sin6_addr, .ipi6_ifindex = at->in6.sin6_scope_id };
	*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(info)),
			       .cmsg_level = SOL_IPV6,
			       .cmsg_type = IPV6_PKTINFO };
	memcpy(CMSG_DATA(c), &info, sizeof(info));
	return CMSG_SPACE(sizeof(info));
}

static void reply(const struct session *s, struct datagrams *d, int n)
{
	for (int i = 0; i < n; i++) {
		struct msghdr *h = &d->h[i].msg_hdr;
		d->iov[i].iov_len = d->h[i].msg_len;
		h->msg_name = (void *)&s->client;
		h->msg_namelen = vs_endpoint_len(&s->client);
		memset(&d->control[i], 0, sizeof(d->control[i]));
		h->msg_control = d->control[i].bytes;
		h->msg_controllen =
			s->at.sa.sa_family != AF_UNSPEC ? put_source(d->control[i].bytes, &s->at) : 0;
		(void)sendmsg(s->port->watch.fd, h, MSG_DONTWAIT | MSG_NOSIGNAL); /* lost, as UDP may be */
	}
}

static void server_ready(struct vs_publish *p, struct vs_watch *watch, uint32_t events)
{
	struct session *s = vs_container(watch, struct session, watch);
	struct datagrams *d = &p->sessions->got;
	int n = BATCH;

	(void)events;
	for (int i = 0; i < BATCHES && n == BATCH; i++) {
		prepare(d);
		n = recvmmsg(watch->fd, d->h, BATCH, MSG_DONTWAIT, NULL);
		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			vs_relay_log_port(p, s->port, "the server is not reached: %s", strerror(errno));
			end(p, s);
			return;
		}
		if (n <= 0)
			return;
		s->answered = true;
		vs_list_put(&p->answered, &s->node, p->now_ms);
		reply(s, d, n);
	}
}

/* ------------------------------------------------------------------ requests */

static int connect_session(struct vs_publish *p, struct session *s)
{
	union vs_endpoint client = s->client, target;

	vs_endpoint_unmap(&client);
	vs_relay_target(p, s->port, client.sa.sa_family, &target);
	int fd = vs_relay_socket(p, s->port, target.sa.sa_family, SOCK_DGRAM);
	if (fd < 0)
		return fd;
	if (s->port->word.way == VS_PUBLISH_IN)
		(void)vs_origin_mark(fd); /* works without it, with less protection */
	s->watch = (struct vs_watch){ server_ready, fd };
	int r = connect(fd, &target.sa, vs_endpoint_len(&target)) == 0 ? 0 : -errno;
	if (r == 0)
		r = vs_relay_watch(p, &s->watch, EPOLLIN);
	if (r < 0)
		(void)close(fd);
	return r;
}

static struct session *begin(struct vs_publish *p, struct vs_port *port, const union vs_endpoint *client,
			     const union vs_endpoint *at)
{
	make_room(p);
	struct session *s = calloc(1, sizeof(*s));
	int r = -ENOMEM;
	if (s != NULL) {
		s->port = port;
		s->client = *client;
		s->at = *at;
		r = connect_session(p, s);
	}
	if (r < 0) {
		vs_relay_log_port(p, port, "a datagram is lost: %s", strerror(-r));
		free(s);
		return NULL;
	}
	struct session **bucket = bucket_of(p->sessions, port, client);
	s->next = *bucket;
	*bucket = s;
	p->counts.sessions++;
	p->counts.accepted++;
	return s;
}

/* Where the datagram was sent to. */
static union vs_endpoint destination(struct msghdr *h)
{
	union vs_endpoint at;

	memset(&at, 0, sizeof(at)); /* AF_UNSPEC */
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c != NULL; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level == SOL_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			at.in.sin_family = AF_INET;
			at.in.sin_addr = info.ipi_spec_dst;
		} else if (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			at.in6.sin6_family = AF_INET6;
			at.in6.sin6_addr = info.ipi6_addr;
			if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
				at.in6.sin6_scope_id = info.ipi6_ifindex;
		}
	}
	return at;
}

/* The relay's own address as source would make the relay answer itself for ever. */
static bool is_own(const struct vs_port *port, const union vs_endpoint *client, const union vs_endpoint *at)
{
	return vs_endpoint_port(client) == vs_endpoint_port(&port->at) && vs_endpoint_same_addr(client, at);
}

static void pass_on(struct vs_publish *p, struct vs_port *port, struct mmsghdr *m)
{
	const union vs_endpoint *client = m->msg_hdr.msg_name;
	union vs_endpoint at = destination(&m->msg_hdr);

	if (is_own(port, client, &at))
		return;
	struct session *s = find(p->sessions, port, client, &at);
	if (s == NULL)
		s = begin(p, port, client, &at);
	if (s == NULL)
		return;
	vs_list_put(s->answered ? &p->answered : &p->unanswered, &s->node, p->now_ms);
	ssize_t n = -1;
	for (int i = 0; i < 2 && n < 0; i++) { /* the first error may be that of an earlier datagram */
		n = send(s->watch.fd, m->msg_hdr.msg_iov->iov_base, m->msg_len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			return; /* lost, as UDP may be */
	}
}

void vs_udp_receive(struct vs_publish *p, struct vs_watch *watch, uint32_t events)
{
	struct vs_port *port = vs_container(watch, struct vs_port, watch);
	struct datagrams *d = &p->sessions->got;
	int n = BATCH;

	(void)events;
	for (int i = 0; i < BATCHES && n == BATCH; i++) {
		prepare(d);
		n = recvmmsg(watch->fd, d->h, BATCH, MSG_DONTWAIT, NULL);
		for (int k = 0; k < n; k++)
			pass_on(p, port, &d->h[k]);
	}
}

/* ------------------------------------------------------------------ life cycle */

int vs_udp_new(struct vs_publish *p)
{
	p->sessions = calloc(1, sizeof(*p->sessions));
	if (p->sessions == NULL)
		return -ENOMEM;
	return getrandom(&p->sessions->secret, sizeof(p->sessions->secret), 0) ==
			       (ssize_t)sizeof(p->sessions->secret)
		       ? 0
		       : -EIO;
}

void vs_udp_expire(struct vs_publish *p)
{
	struct vs_node *node;

	while ((node = vs_list_expired(&p->unanswered, p->now_ms)) != NULL)
		end(p, vs_container(node, struct session, node));
	while ((node = vs_list_expired(&p->answered, p->now_ms)) != NULL)
		end(p, vs_container(node, struct session, node));
}

void vs_udp_free(struct vs_publish *p)
{
	struct vs_node *node;

	while ((node = vs_list_first(&p->unanswered)) != NULL || (node = vs_list_first(&p->answered)) != NULL)
		end(p, vs_container(node, struct session, node));
	free(p->sessions);
	p->sessions = NULL;
}
