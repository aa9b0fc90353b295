/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Connections of clients, RFC 7766: requests may follow each other, and each has its length before it.
 *
 *     reads requests <--> has enough in work: stops reading <--> waits until answers are written
 *            |                                                              |
 *            +----- the client sends no more: the answers are written -----> end
 *
 * A connection ends when no whole request comes, or no answer is taken, within the time of the option
 * tcptimeout: single bytes do not count. The time in which another server is asked is not the client's. So a
 * client costs at most one buffer of 4 KiB, the answers to a few requests, and that time. When all slots are
 * taken, a new client takes that of the one that is idle for the longest time; when an address has its share
 * of them, a new client of this address takes one of its own. Connections have half of the descriptors of
 * the process at most, so that there are some to ask other servers with.
 *
 * Clients that wait for an answer of another server are known by slot and number: a number is never used
 * again.
 */

#include "tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "sockets.h"

#define PORT 53
#define REQUEST_MAX 4096
#define PENDING_MAX 16
#define PAUSE_MS 500   /* when there are no descriptors */
#define OUT_MAX 131072 /* bytes of answers, beyond which no request is read */
#define PROGRESS 16384 /* bytes of answers that a client takes in its time: a zone is long */

struct nm_connection {
	struct nm_source source;
	struct nm_tcp *tcp;
	struct nm_client client;
	int64_t since_ms; /* of the last request, or the last large part of an answer that was written */
	unsigned pending; /* requests without an answer */
	bool ended, dead; /* the client sends no more; the connection is to be closed */
	uint32_t events;  /* that are waited for */
	size_t got;
	uint8_t in[2 + REQUEST_MAX];
	uint8_t *out;
	size_t out_n, out_sent, out_size;
	size_t out_fresh; /* bytes that have been written since since_ms was set */
};

static void end_connection(struct nm_connection *c)
{
	struct nm_tcp *tcp = c->tcp;

	nm_loop_remove(tcp->loop, &c->source);
	(void)ioth_close(c->source.fd);
	tcp->slots[c->client.slot] = NULL;
	tcp->n--;
	free(c->out);
	free(c);
}

/* ------------------------------------------------------------------ writing */

static void write_answers(struct nm_connection *c)
{
	while (c->out_sent < c->out_n) {
		ssize_t n = ioth_send(c->source.fd, c->out + c->out_sent, c->out_n - c->out_sent,
				      MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			c->dead = true;
			return;
		}
		c->out_sent += (size_t)n;
		c->out_fresh += (size_t)n;
		if (c->out_fresh >= PROGRESS) {
			c->out_fresh = 0;
			c->since_ms = vs_now_ms();
		}
	}
	if (c->out_n > 0)
		c->since_ms = vs_now_ms();
	c->out_n = c->out_sent = c->out_fresh = 0;
}

/* What has been written goes: a client that always leaves something would make the buffer grow for ever. */
static void drop_written(struct nm_connection *c)
{
	if (c->out_sent == 0)
		return;
	c->out_n -= c->out_sent;
	memmove(c->out, c->out + c->out_sent, c->out_n);
	c->out_sent = 0;
}

static bool add_answer(struct nm_connection *c, const uint8_t *bytes, size_t n)
{
	drop_written(c);
	if (c->out_size - c->out_n < n + 2) {
		size_t size = (c->out_n + n + 2) * 2;
		uint8_t *grown = realloc(c->out, size);
		if (grown == NULL)
			return false;
		c->out = grown;
		c->out_size = size;
	}
	c->out[c->out_n] = (uint8_t)(n >> 8);
	c->out[c->out_n + 1] = (uint8_t)n;
	memcpy(c->out + c->out_n + 2, bytes, n);
	c->out_n += n + 2;
	return true;
}

/* ------------------------------------------------------------------ reading */

static bool may_read(const struct nm_connection *c)
{
	return !c->ended && c->pending < PENDING_MAX && c->out_n - c->out_sent < OUT_MAX;
}

/* Handles the requests that are whole. */
static void take_requests(struct nm_connection *c)
{
	while (!c->dead && c->got >= 2 && c->pending < PENDING_MAX && c->out_n - c->out_sent < OUT_MAX) {
		size_t n = (size_t)c->in[0] << 8 | c->in[1];
		if (n < NM_HEADER || n > REQUEST_MAX) {
			c->dead = true;
			return;
		}
		if (c->got < n + 2)
			return;
		c->since_ms = vs_now_ms();
		c->pending++;
		c->tcp->handler.request(c->tcp->handler.arg, &c->client, c->in + 2, n);
		c->got -= n + 2;
		memmove(c->in, c->in + n + 2, c->got);
	}
}

static void read_requests(struct nm_connection *c)
{
	ssize_t n = ioth_recv(c->source.fd, c->in + c->got, sizeof(c->in) - c->got, MSG_DONTWAIT);

	if (n > 0)
		c->got += (size_t)n;
	else if (n == 0)
		c->ended = true;
	else if (errno != EAGAIN && errno != EINTR)
		c->dead = true;
}

/* After anything has changed: goes on as far as it can, and waits for what is needed then. May free c. */
static void go_on(struct nm_connection *c)
{
	take_requests(c);
	if (!c->dead)
		write_answers(c);
	take_requests(c); /* writing has made room */
	bool writing = c->out_sent < c->out_n;
	if (c->dead || (c->ended && !writing && c->pending == 0)) {
		end_connection(c);
		return;
	}
	uint32_t events = (may_read(c) ? EPOLLIN : 0u) | (writing ? EPOLLOUT : 0u);
	if (events != c->events && nm_loop_change(c->tcp->loop, &c->source, events) == 0)
		c->events = events;
}

static void ready(struct nm_source *source, uint32_t events)
{
	struct nm_connection *c = (struct nm_connection *)(void *)source;

	if ((events & (EPOLLERR | EPOLLHUP)) != 0)
		c->dead = true;
	else if ((events & EPOLLIN) != 0 && may_read(c))
		read_requests(c);
	go_on(c);
}

static struct nm_connection *find(const struct nm_tcp *tcp, const struct nm_client *client)
{
	struct nm_connection *c = client->slot < tcp->n_slots ? tcp->slots[client->slot] : NULL;

	return c != NULL && c->client.number == client->number ? c : NULL;
}

/* The loop comes to it soon: it is written, or the connection ended, there. Callers are inside. */
static void call_later(struct nm_connection *c)
{
	uint32_t events = (c->events & EPOLLIN) | EPOLLOUT;

	if (events != c->events && nm_loop_change(c->tcp->loop, &c->source, events) == 0)
		c->events = events;
}

void nm_tcp_send_part(struct nm_tcp *tcp, const struct nm_client *client, const uint8_t *bytes, size_t n)
{
	struct nm_connection *c = find(tcp, client);

	if (c == NULL)
		return;
	if (n > 0 && !add_answer(c, bytes, n))
		c->dead = true;
	call_later(c);
}

void nm_tcp_send(struct nm_tcp *tcp, const struct nm_client *client, const uint8_t *bytes, size_t n)
{
	struct nm_connection *c = find(tcp, client);

	if (c != NULL)
		c->pending--;
	nm_tcp_send_part(tcp, client, bytes, n);
}

void nm_tcp_drop(struct nm_tcp *tcp, const struct nm_client *client)
{
	struct nm_connection *c = find(tcp, client);

	if (c == NULL)
		return;
	c->dead = true;
	call_later(c);
}

/* ------------------------------------------------------------------ new clients */

static bool is_before(const struct nm_connection *a, const struct nm_connection *b)
{
	return a->since_ms != b->since_ms ? a->since_ms < b->since_ms : a->client.number < b->client.number;
}

static bool is_of(const struct nm_connection *c, const struct in6_addr *addr)
{
	return addr == NULL || memcmp(&c->client.addr, addr, sizeof(*addr)) == 0;
}

/* The client that is idle for the longest time; with this address, if there is one. */
static struct nm_connection *idle_one(const struct nm_tcp *tcp, const struct in6_addr *addr)
{
	struct nm_connection *oldest = NULL;

	for (size_t i = 0; i < tcp->n_slots; i++) {
		struct nm_connection *c = tcp->slots[i];
		if (c != NULL && c->pending == 0 && is_of(c, addr) &&
		    (oldest == NULL || is_before(c, oldest)))
			oldest = c;
	}
	return oldest;
}

static size_t count_of(const struct nm_tcp *tcp, const struct in6_addr *addr)
{
	size_t n = 0;

	for (size_t i = 0; i < tcp->n_slots; i++)
		n += tcp->slots[i] != NULL && is_of(tcp->slots[i], addr);
	return n;
}

/* Ends an idle connection if a client of this address is too many. False: none is idle. */
static bool make_room(struct nm_tcp *tcp, const struct in6_addr *addr)
{
	bool has_share = count_of(tcp, addr) >= tcp->most_of_address;
	struct nm_connection *idle;

	if (!has_share && tcp->n < tcp->most)
		return true;
	idle = idle_one(tcp, has_share ? addr : NULL);
	if (idle != NULL)
		end_connection(idle);
	return idle != NULL;
}

/* The index of a free slot; -1: there is none. */
static int free_slot(struct nm_tcp *tcp, const struct in6_addr *addr)
{
	if (!make_room(tcp, addr))
		return -1;
	for (size_t i = 0; i < tcp->n_slots; i++)
		if (tcp->slots[i] == NULL)
			return (int)i;
	struct nm_connection **grown =
		reallocarray(tcp->slots, tcp->n_slots + 1, sizeof(struct nm_connection *));
	if (grown == NULL)
		return -1;
	tcp->slots = grown;
	grown[tcp->n_slots] = NULL;
	return (int)tcp->n_slots++;
}

static int begin_connection(struct nm_tcp *tcp, int fd, const struct in6_addr *addr)
{
	int slot = free_slot(tcp, addr);
	VS_AUTO_FREE struct nm_connection *c = slot < 0 ? NULL : calloc(1, sizeof(*c));

	if (c == NULL)
		return -ENOMEM;
	c->source = (struct nm_source){ fd, ready };
	c->tcp = tcp;
	c->client = (struct nm_client){ .addr = *addr, .tcp = true, .slot = (unsigned)slot };
	c->client.number = ++tcp->last_number;
	c->since_ms = vs_now_ms();
	c->events = EPOLLIN;
	int r = nm_loop_add(tcp->loop, &c->source, c->events);
	if (r < 0)
		return r;
	tcp->slots[slot] = vs_steal_ptr(c);
	tcp->n++;
	return 0;
}

/* Nothing can be accepted now, and the descriptor stays readable: without a pause the loop would spin. */
static void pause_listening(struct nm_tcp *tcp)
{
	struct nm_connection *idle = idle_one(tcp, NULL);

	if (idle != NULL)
		end_connection(idle);
	else if (nm_loop_change(tcp->loop, &tcp->source, 0) == 0)
		tcp->paused_until_ms = vs_now_ms() + PAUSE_MS;
}

static void listening(struct nm_source *source, uint32_t events)
{
	struct nm_tcp *tcp = (struct nm_tcp *)(void *)source;
	struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(from);

	if ((events & EPOLLHUP) != 0) {
		tcp->handler.failed(tcp->handler.arg);
		return;
	}
	int fd = ioth_accept(source->fd, (struct sockaddr *)&from, &len);
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			pause_listening(tcp);
		return;
	}
	struct in6_addr addr = nm_socket_address(&from);
	(void)ioth_fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (!tcp->handler.accepts(tcp->handler.arg, &addr) || begin_connection(tcp, fd, &addr) < 0)
		(void)ioth_close(fd);
}

/* ------------------------------------------------------------------ all of them */

void nm_tcp_set(struct nm_tcp *tcp, const struct nm_options *options)
{
	size_t half = nm_descriptors() / 2;

	tcp->most = options->tcpclients < half ? options->tcpclients : half;
	tcp->most_of_address = options->tcpperclient;
	tcp->timeout_ms = (int64_t)options->tcptimeout * 1000;
}

int nm_tcp_open(struct nm_tcp *tcp, int loop, struct ioth *stack, const struct nm_handler *handler,
		const struct nm_options *options)
{
	int fd = nm_socket_serve(stack, SOCK_STREAM, PORT);

	*tcp = (struct nm_tcp){ .source = { fd, listening }, .handler = *handler, .loop = loop };
	nm_tcp_set(tcp, options);
	if (fd < 0)
		return fd;
	if (ioth_listen(fd, (int)options->tcplistenbacklog) < 0)
		return -errno;
	return nm_loop_add(loop, &tcp->source, EPOLLIN);
}

void nm_tcp_close(struct nm_tcp *tcp)
{
	for (size_t i = 0; i < tcp->n_slots; i++)
		if (tcp->slots[i] != NULL)
			end_connection(tcp->slots[i]);
	free(vs_steal_ptr(tcp->slots));
	tcp->n_slots = 0;
	if (tcp->source.fd >= 0) {
		nm_loop_remove(tcp->loop, &tcp->source);
		(void)ioth_close(tcp->source.fd);
		tcp->source.fd = -1;
	}
}

int64_t nm_tcp_tick(struct nm_tcp *tcp, int64_t now_ms)
{
	int64_t next = INT64_MAX;

	if (tcp->paused_until_ms > now_ms)
		next = tcp->paused_until_ms;
	else if (tcp->paused_until_ms > 0 && nm_loop_change(tcp->loop, &tcp->source, EPOLLIN) == 0)
		tcp->paused_until_ms = 0;
	for (size_t i = 0; i < tcp->n_slots; i++) {
		struct nm_connection *c = tcp->slots[i];
		if (c == NULL)
			continue;
		if (c->pending > 0 && c->out_n == 0) /* other servers are asked, which ends in time */
			c->since_ms = now_ms;
		int64_t until = c->since_ms + tcp->timeout_ms;
		if (until <= now_ms)
			end_connection(c);
		else if (until < next)
			next = until;
	}
	return next;
}
