/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A question to other servers is a few attempts, one after the other:
 *
 *     UDP to a server ---- a good reply ----------------------------------> answered
 *        |      |  |------ truncated, or many wrong messages --> TCP -----> answered
 *        |      '--------- it does not know EDNS --------------> UDP without EDNS, the same server
 *        '---------------- no reply in time, an error, a useless reply --> the next server
 *
 * After the last attempt, or when the time of the question is over, clients get SERVFAIL.
 *
 * Each attempt has a socket, a random port and a random identifier of its own. The socket is connected, so
 * the stack drops what does not come from the address and port that was asked. A message with another
 * identifier or another question is ignored. So a forger has to guess 32 bits before the reply comes; after
 * some wrong guesses the attempt goes on by TCP. The letters of the name stay as the client wrote them,
 * because a server with hash names answers differently for other letters: so no bits are hidden in their
 * case. But each spelling of a name that is asked for at the same time is one more target for a forger, whose
 * reply would be kept for all of them: only two spellings have questions of their own, RFC 5452 section 5.
 *
 * A server that did not answer is asked last for a while. A question to this program itself, by a server of a
 * line dns that forwards to us, ends: it is the same question as one that is on its way, and waits for it.
 */

#include "upstream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "sockets.h"

#define PORT 53
#define QUERIES_MAX 1000
#define WAITERS_MAX 100
#define SPELLINGS_MAX 2
#define ATTEMPTS_MAX 4
#define ATTEMPT_MS 1300
#define QUESTION_MS 4500
#define BAD_MS 10000
#define FAILURE_S 2
#define WRONG_MAX 20
#define UDP_REPLY_MAX 4096
#define NO_SERVER NM_DNS_MAX

enum state {
	BY_UDP,
	CONNECTING, /* TCP */
	READING     /* TCP: the question has been written */
};

struct nm_query {
	struct nm_source source; /* fd -1: between two attempts */
	struct nm_upstream *u;
	struct nm_query *next, *before;
	enum state state;
	struct nm_asked asked;
	struct in6_addr first; /* who asked first; :: if no client did */
	int64_t until_ms, attempt_until_ms;
	unsigned attempts, wrong, tried; /* tried: bits of servers */
	size_t server;                   /* NO_SERVER: one that the configuration had before */
	struct nm_waiter *waiters;
	unsigned n_waiters;
	uint8_t *in; /* TCP: a length and a message */
	size_t got;
};

/* ------------------------------------------------------------------ the end of a question */

static void close_attempt(struct nm_query *q)
{
	if (q->source.fd >= 0) {
		nm_loop_remove(q->u->loop, &q->source);
		(void)ioth_close(q->source.fd);
		q->source.fd = -1;
	}
	free(vs_steal_ptr(q->in));
	q->got = 0;
}

static void detach(struct nm_query *q)
{
	struct nm_upstream *u = q->u;

	*(q->before != NULL ? &q->before->next : &u->queries) = q->next;
	if (q->next != NULL)
		q->next->before = q->before;
	u->n--;
}

/* a NULL: no answers are sent. */
static void finish(struct nm_query *q, const struct nm_answer *a)
{
	close_attempt(q);
	detach(q); /* answer() may come back with other questions */
	while (q->waiters != NULL) {
		struct nm_waiter *waiter = q->waiters;
		q->waiters = waiter->next;
		if (a != NULL)
			q->u->answer(q->u->arg, waiter, a);
		free(waiter);
	}
	free(q);
}

/* That no server answers is kept for a moment, RFC 9520 section 3.2: impatient clients ask again at once. */
static void fail(struct nm_query *q)
{
	const struct nm_answer servfail = { .rcode = LDNS_RCODE_SERVFAIL, .ra = true };

	if (q->waiters != NULL) /* else it would replace an answer that is still valid */
		q->u->found(q->u->arg, &q->asked.name, q->asked.type, &servfail, FAILURE_S);
	finish(q, &servfail);
}

/* ------------------------------------------------------------------ attempts */

/* Servers in turn: first those that have not been tried and do answer. */
static size_t choose_server(struct nm_upstream *u, const struct nm_query *q, int64_t now_ms)
{
	size_t untried = u->n_dns;

	for (size_t i = 0; i < u->n_dns; i++) {
		size_t s = (u->turn + i) % u->n_dns;
		if ((q->tried & 1U << s) != 0)
			continue;
		if (u->bad_until_ms[s] <= now_ms)
			return s;
		if (untried == u->n_dns)
			untried = s;
	}
	return untried < u->n_dns ? untried : (q->server + 1) % u->n_dns;
}

static void ready(struct nm_source *source, uint32_t events);

/* Sends the question by UDP, or begins a connection. 0 or -errno. */
static int send_attempt(struct nm_query *q, bool tcp)
{
	VS_AUTO_FREE uint8_t *bytes = NULL;
	size_t n;

	close_attempt(q);
	q->wrong = 0;
	if (getrandom(&q->asked.id, sizeof(q->asked.id), 0) != (ssize_t)sizeof(q->asked.id))
		return -EIO;
	int fd = nm_socket_connect(q->u->stack, tcp ? SOCK_STREAM : SOCK_DGRAM, &q->u->dns[q->server], PORT);
	q->u->failed |= fd == -ESTALE;
	if (fd < 0)
		return fd;
	q->source = (struct nm_source){ fd, ready };
	q->state = tcp ? CONNECTING : BY_UDP;
	int r = nm_loop_add(q->u->loop, &q->source, tcp ? EPOLLOUT : EPOLLIN);
	if (r < 0 || tcp)
		return r;
	if (nm_asked_write(&q->asked, &bytes, &n) < 0)
		return -ENOMEM;
	return ioth_send(fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)n ? 0 : -errno;
}

static void set_time(struct nm_query *q)
{
	q->attempt_until_ms = vs_now_ms() + ATTEMPT_MS;
	if (q->attempt_until_ms > q->until_ms)
		q->attempt_until_ms = q->until_ms;
}

static void mark_server(struct nm_query *q, int64_t bad_until_ms)
{
	if (q->server < q->u->n_dns)
		q->u->bad_until_ms[q->server] = bad_until_ms;
}

/* The next server, or the end. May free q. */
static void next_server(struct nm_query *q)
{
	struct nm_upstream *u = q->u;

	while (u->n_dns > 0 && q->attempts < ATTEMPTS_MAX && vs_now_ms() < q->until_ms) {
		q->attempts++;
		q->asked.edns = true;
		q->server = choose_server(u, q, vs_now_ms());
		q->tried |= 1U << q->server;
		set_time(q);
		if (send_attempt(q, false) == 0)
			return;
		mark_server(q, vs_now_ms() + BAD_MS);
	}
	fail(q);
}

static void give_up_server(struct nm_query *q)
{
	mark_server(q, vs_now_ms() + BAD_MS);
	next_server(q);
}

/* The same server in another way, if it is still one. */
static void same_server(struct nm_query *q, bool tcp)
{
	set_time(q);
	if (q->server >= q->u->n_dns || send_attempt(q, tcp) < 0)
		next_server(q);
}

/* ------------------------------------------------------------------ replies */

/* May free q. */
static void take_message(struct nm_query *q, const uint8_t *bytes, size_t n)
{
	struct nm_answer a = { .rcode = 0 };
	uint32_t ttl_s = 0;
	bool tcp = q->state != BY_UDP;

	switch (nm_reply_read(&q->asked, bytes, n, &a, &ttl_s)) {
	case NM_REPLY_GOOD:
		mark_server(q, 0);
		q->u->found(q->u->arg, &q->asked.name, q->asked.type, &a, ttl_s);
		finish(q, &a);
		nm_answer_clear(&a);
		return;
	case NM_REPLY_TRUNCATED:
		if (tcp)
			next_server(q);
		else
			same_server(q, true);
		return;
	case NM_REPLY_PLAIN:
		q->asked.edns = false;
		same_server(q, tcp);
		return;
	case NM_REPLY_OTHER:
		if (tcp)
			next_server(q);
		else if (++q->wrong >= WRONG_MAX)
			same_server(q, true);
		return;
	case NM_REPLY_USELESS:
		next_server(q);
		return;
	}
}

static void read_udp(struct nm_query *q)
{
	static uint8_t bytes[UDP_REPLY_MAX];
	ssize_t n = ioth_recv(q->source.fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n >= 0)
		take_message(q, bytes, (size_t)n);
	else if (errno != EAGAIN && errno != EINTR)
		give_up_server(q); /* nothing listens there */
}

/* A new connection has room for one question. */
static void write_tcp(struct nm_query *q)
{
	VS_AUTO_FREE uint8_t *question = NULL;
	uint8_t bytes[2 + 512];
	size_t n;
	int error = 0;
	socklen_t len = sizeof(error);

	if (ioth_getsockopt(q->source.fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error != 0 ||
	    nm_asked_write(&q->asked, &question, &n) < 0) {
		next_server(q);
		return;
	}
	bytes[0] = (uint8_t)(n >> 8);
	bytes[1] = (uint8_t)n;
	memcpy(bytes + 2, question, n);
	q->in = malloc(2 + NM_TCP_MAX);
	if (q->in == NULL ||
	    ioth_send(q->source.fd, bytes, n + 2, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)n + 2 ||
	    nm_loop_change(q->u->loop, &q->source, EPOLLIN) < 0) {
		next_server(q);
		return;
	}
	q->state = READING;
}

static void read_tcp(struct nm_query *q)
{
	ssize_t n = ioth_recv(q->source.fd, q->in + q->got, 2 + NM_TCP_MAX - q->got, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		next_server(q);
		return;
	}
	q->got += (size_t)n;
	size_t size = q->got < 2 ? NM_TCP_MAX : (size_t)q->in[0] << 8 | q->in[1];
	if (q->got < size + 2)
		return;
	VS_AUTO_FREE uint8_t *in = vs_steal_ptr(q->in); /* the message outlives the attempt */
	take_message(q, in + 2, size);
}

static void ready(struct nm_source *source, uint32_t events)
{
	struct nm_query *q = (struct nm_query *)(void *)source;

	(void)events;
	switch (q->state) {
	case BY_UDP:
		read_udp(q);
		break;
	case CONNECTING:
		write_tcp(q);
		break;
	case READING:
		read_tcp(q);
		break;
	}
}

/* ------------------------------------------------------------------ calls */

/* The question with the same letters; or another one of this name, if there are too many of them. */
static struct nm_query *find_same(struct nm_upstream *u, const struct nm_request *r)
{
	struct nm_query *other = NULL;
	unsigned n = 0;

	for (struct nm_query *q = u->queries; q != NULL; q = q->next) {
		if (q->asked.type != r->type || !nm_name_equal(&q->asked.name, &r->name))
			continue;
		if (memcmp(q->asked.name.wire, r->name.wire, r->name.n) == 0)
			return q;
		other = q;
		n++;
	}
	return n >= SPELLINGS_MAX ? other : NULL;
}

/* An address has half of the questions at most: others are served while it asks what no server answers. */
static bool may_ask(const struct nm_upstream *u, const struct in6_addr *client)
{
	size_t most = nm_descriptors() / 4, n = 0;

	if (most > QUERIES_MAX)
		most = QUERIES_MAX;
	for (const struct nm_query *q = u->queries; q != NULL; q = q->next)
		n += memcmp(&q->first, client, sizeof(*client)) == 0;
	return u->n < most && n < most / 2;
}

static struct nm_query *new_query(struct nm_upstream *u, const struct nm_client *client,
				  const struct nm_request *r)
{
	const struct in6_addr *first = client != NULL ? &client->addr : &in6addr_any;
	struct nm_query *q = may_ask(u, first) ? calloc(1, sizeof(*q)) : NULL;

	if (q == NULL)
		return NULL;
	q->first = *first;
	q->source.fd = -1;
	q->u = u;
	q->asked.type = r->type;
	q->asked.name = r->name;
	q->until_ms = vs_now_ms() + QUESTION_MS;
	q->next = u->queries;
	if (q->next != NULL)
		q->next->before = q;
	u->queries = q;
	u->n++;
	return q;
}

static int add_waiter(struct nm_query *q, const struct nm_client *client, const struct nm_request *r)
{
	struct nm_waiter *waiter = q->n_waiters >= WAITERS_MAX ? NULL : malloc(sizeof(*waiter));

	if (waiter == NULL)
		return -EAGAIN;
	*waiter = (struct nm_waiter){ *client, *r, q->waiters };
	q->waiters = waiter;
	q->n_waiters++;
	return 0;
}

int nm_upstream_ask(struct nm_upstream *u, const struct nm_client *client, const struct nm_request *r)
{
	struct nm_query *q = find_same(u, r);
	bool is_new = q == NULL;

	if (is_new && (q = new_query(u, client, r)) == NULL)
		return -EAGAIN;
	int e = client != NULL ? add_waiter(q, client, r) : 0;
	if (e < 0 && is_new)
		finish(q, NULL);
	if (e == 0 && is_new) {
		u->turn++;
		next_server(q);
	}
	return e;
}

static struct nm_query *find_due(const struct nm_upstream *u, int64_t now_ms, int64_t *next_ms)
{
	*next_ms = INT64_MAX;
	for (struct nm_query *q = u->queries; q != NULL; q = q->next) {
		if (q->attempt_until_ms <= now_ms)
			return q;
		if (q->attempt_until_ms < *next_ms)
			*next_ms = q->attempt_until_ms;
	}
	return NULL;
}

int64_t nm_upstream_tick(struct nm_upstream *u, int64_t now_ms)
{
	struct nm_query *due;
	int64_t next_ms;

	while ((due = find_due(u, now_ms, &next_ms)) != NULL) {
		give_up_server(due);
	}
	return next_ms;
}

/* Questions on their way go on, and their next attempts are with the new servers. */
void nm_upstream_set(struct nm_upstream *u, const struct nm_config *config)
{
	memcpy(u->dns, config->dns, sizeof(u->dns));
	memset(u->bad_until_ms, 0, sizeof(u->bad_until_ms));
	u->n_dns = config->n_dns;
	for (struct nm_query *q = u->queries; q != NULL; q = q->next) {
		q->tried = 0;
		q->server = NO_SERVER;
	}
}

void nm_upstream_close(struct nm_upstream *u)
{
	while (u->queries != NULL)
		finish(u->queries, NULL);
}
