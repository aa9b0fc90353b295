/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The way of a request:
 *
 *     udp or tcp --> message: read --> limit --> decide --------------> message: written --> udp or tcp
 *                                                   |                        ^
 *                                                   '--> upstream (waits) ---'--> cache
 *
 * One thread does all of this. Nothing waits: a request that needs another server is a record of upstream,
 * and its client a copy of where the answer goes.
 */

#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cookie.h"
#include "daemons/common/report.h"
#include "decide.h"
#include "limit.h"
#include "plain.h"
#include "refresh.h"
#include "tcp.h"
#include "transfer.h"
#include "udp.h"
#include "upstream.h"

#define BYTES_PER_ANSWER 2048 /* of the cache, for its size in answers */
#define HREV_MOST 10000
#define CHECK_MS 5000 /* between two looks at the stacks */

struct watched {
	struct nm_source source;
	void (*ready)(void *arg);
	void *arg;
};

struct nm_server {
	struct nm_config *config;
	struct nm_mind mind;
	struct nm_udp udp;
	struct nm_tcp tcp;
	struct nm_upstream upstream;
	struct nm_refresh refresh;
	struct nm_limit limit;
	uint8_t cookie_key[NM_SIPHASH_KEY];
	struct watched watched[NM_N_WATCHES];
	struct ioth *stack; /* that serves */
	bool failed;        /* it has */
	int64_t check_ms;   /* when to look */
	int loop;
};

/* ------------------------------------------------------------------ answers */

static void log_answer(const struct nm_server *s, const struct nm_client *client, const struct nm_request *r,
		       const struct nm_answer *a)
{
	char addr[INET6_ADDRSTRLEN], name[NM_TEXT_MAX];
	bool v4 = IN6_IS_ADDR_V4MAPPED(&client->addr);

	if (!s->config->options.logqueries || !r->has_question)
		return;
	const void *bytes = v4 ? (const void *)&client->addr.s6_addr[12] : (const void *)&client->addr;
	char *type = ldns_rr_type2str((ldns_rr_type)r->type);
	const ldns_lookup_table *rcode = ldns_lookup_by_id(ldns_rcodes, a->rcode);
	dm_report(DM_NOTICE, "%s %s %s %s: %s, %zu records",
		  inet_ntop(v4 ? AF_INET : AF_INET6, bytes, addr, sizeof(addr)), client->tcp ? "tcp" : "udp",
		  nm_name_text(&r->name, name), type != NULL ? type : "?", rcode != NULL ? rcode->name : "?",
		  a->answer != NULL ? ldns_rr_list_rr_count(a->answer) : 0);
	free(type);
}

static void send_bytes(struct nm_server *s, const struct nm_client *client, const uint8_t *bytes, size_t n)
{
	if (client->tcp)
		nm_tcp_send(&s->tcp, client, bytes, n);
	else if (n > 0)
		nm_udp_send(&s->udp, client, bytes, n);
}

/* A zone may need several messages. One that cannot be made ends the connection: the zone is not whole. */
static void send_transfer(struct nm_server *s, const struct nm_client *client, const struct nm_request *r,
			  const struct nm_answer *a)
{
	size_t at = 0, all = ldns_rr_list_rr_count(a->answer);

	while (at < all) {
		VS_AUTO_FREE uint8_t *bytes = NULL;
		size_t n = 0;
		if (nm_transfer_write(a, r, &at, &bytes, &n) < 0) {
			nm_tcp_drop(&s->tcp, client);
			return;
		}
		if (at < all)
			nm_tcp_send_part(&s->tcp, client, bytes, n);
		else
			nm_tcp_send(&s->tcp, client, bytes, n);
	}
}

static void send_answer(struct nm_server *s, const struct nm_client *client, const struct nm_request *r,
			const struct nm_answer *a)
{
	VS_AUTO_FREE uint8_t *bytes = NULL;
	uint8_t plain[NM_UDP_MAX];
	size_t n = nm_plain_write(a, r, plain, sizeof(plain));
	bool is_plain = n > 0;

	if (!is_plain && nm_answer_write(a, r, client->tcp, &bytes, &n) < 0)
		n = 0;
	send_bytes(s, client, is_plain ? plain : bytes, n);
	log_answer(s, client, r, a);
}

static void send_error(struct nm_server *s, const struct nm_client *client, const struct nm_request *r,
		       int rcode)
{
	const struct nm_answer a = { .rcode = rcode };

	send_answer(s, client, r, &a);
}

/* ------------------------------------------------------------------ requests */

/* Header and question with TC. The name of the question may have been compressed: it is written whole. */
static void send_truncated(struct nm_server *s, const struct nm_client *client, const uint8_t *request,
			   const struct nm_request *r)
{
	uint8_t bytes[NM_HEADER + NM_NAME_MAX + 4];
	const uint8_t rest[] = { (uint8_t)(r->type >> 8), (uint8_t)r->type, (uint8_t)(r->class >> 8),
				 (uint8_t)r->class };

	memcpy(bytes, request, 6);
	bytes[2] = (uint8_t)((bytes[2] & 0x79) | 0x82);
	bytes[3] = 0;
	memset(bytes + 6, 0, 6);
	memcpy(bytes + NM_HEADER, r->name.wire, r->name.n);
	memcpy(bytes + NM_HEADER + r->name.n, rest, sizeof(rest));
	nm_udp_send(&s->udp, client, bytes, NM_HEADER + r->name.n + sizeof(rest));
}

static bool is_limited(struct nm_server *s, const struct nm_client *client, const uint8_t *bytes, size_t n,
		       const struct nm_request *r)
{
	enum nm_limited limited = NM_PASSES;

	if (!client->tcp && !nm_cookie_good(s->cookie_key, (uint32_t)time(NULL), &client->addr, r))
		limited = nm_limit_ask(&s->limit, vs_now_ms(), &client->addr, s->config->options.ratelimit);
	if (limited == NM_PASSES)
		return false;
	s->mind.counted[NM_N_LIMITED]++;
	/* No answer is longer than its request. */
	if (limited == NM_TRUNCATED && r->has_question && n >= NM_HEADER + r->name.n + 4u)
		send_truncated(s, client, bytes, r);
	return true;
}

static void answer_question(struct nm_server *s, const struct nm_client *client, const struct nm_request *r)
{
	struct nm_answer a;
	enum nm_decision decision = nm_decide(&s->mind, vs_now_ms(), &client->addr, r, &a);

	if (decision == NM_FORWARDED) {
		if (nm_upstream_ask(&s->upstream, client, r) == 0)
			return;
		s->mind.counted[NM_N_FAILED]++;
		send_error(s, client, r, LDNS_RCODE_SERVFAIL);
		return;
	}
	if (decision == NM_TRANSFERRED) {
		send_transfer(s, client, r, &a);
		log_answer(s, client, r, &a);
	} else {
		send_answer(s, client, r, &a);
	}
	nm_answer_clear(&a);
	if (decision == NM_AGED)
		(void)nm_upstream_ask(&s->upstream, NULL,
				      r); /* without it the answer expires, as others do */
}

static struct nm_request *with_cookie(const struct nm_server *s, const struct nm_client *client,
				      struct nm_request *r)
{
	nm_cookie_make(s->cookie_key, (uint32_t)time(NULL), &client->addr, r);
	return r;
}

static void request(void *arg, const struct nm_client *client, const uint8_t *bytes, size_t n)
{
	static const int errors[] = { [NM_HEARD_FORMERR] = LDNS_RCODE_FORMERR,
				      [NM_HEARD_NOTIMP] = LDNS_RCODE_NOTIMPL,
				      [NM_HEARD_BADVERS] = 16 };
	struct nm_server *s = arg;
	struct nm_request r;
	enum nm_heard heard = nm_request_read(&r, bytes, n);

	r.tcp = client->tcp;
	s->mind.counted[NM_N_REQUESTS]++;
	s->mind.counted[NM_N_MALFORMED] += heard != NM_HEARD_QUESTION;
	if (heard == NM_HEARD_NOTHING || is_limited(s, client, bytes, n, &r))
		send_bytes(s, client, NULL, 0);
	else if (heard == NM_HEARD_QUESTION)
		answer_question(s, client, with_cookie(s, client, &r));
	else
		send_error(s, client, &r, errors[heard]);
}

static bool accepts(void *arg, const struct in6_addr *addr)
{
	const struct nm_server *s = arg;

	return nm_rules_accept(&s->config->rules, &s->config->nets, addr);
}

static void stack_failed(void *arg)
{
	((struct nm_server *)arg)->failed = true;
}

static void found(void *arg, const struct nm_name *name, uint16_t type, const struct nm_answer *a,
		  uint32_t ttl_s)
{
	struct nm_server *s = arg;

	nm_decide_keep(&s->mind, vs_now_ms(), name, type, a, ttl_s);
	nm_refresh_take(&s->refresh, s->config, vs_now_ms(), name, type, a, ttl_s);
}

static void answer_waiter(void *arg, const struct nm_waiter *waiter, const struct nm_answer *a)
{
	struct nm_server *s = arg;

	s->mind.counted[NM_N_FAILED] += a->rcode == LDNS_RCODE_SERVFAIL;
	send_answer(s, &waiter->client, &waiter->request, a);
}

/* ------------------------------------------------------------------ the server */

static int open_sockets(struct nm_server *s, struct ioth *stacks[NM_N_STACKS])
{
	const struct nm_handler handler = { request, accepts, stack_failed, s };

	s->loop = nm_loop_new();
	if (s->loop < 0)
		return s->loop;
	int r = nm_udp_open(&s->udp, s->loop, stacks[NM_SERVICE], &handler);
	return r < 0 ? r : nm_tcp_open(&s->tcp, s->loop, stacks[NM_SERVICE], &handler, &s->config->options);
}

struct nm_server *nm_server_new(struct nm_config *config, struct ioth *stacks[NM_N_STACKS])
{
	struct nm_server *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		dm_report(DM_ERROR, "out of memory");
		return NULL;
	}
	s->udp.source.fd = s->tcp.source.fd = s->loop = -1;
	s->stack = stacks[NM_SERVICE];
	s->upstream.stack = stacks[NM_FORWARD];
	s->upstream.found = found;
	s->upstream.answer = answer_waiter;
	s->upstream.arg = s;
	s->config = config;
	s->mind.cache = nm_cache_new(config->options.cachesize, 0);
	s->mind.hrev = nm_cache_new(HREV_MOST, (size_t)HREV_MOST * BYTES_PER_ANSWER);
	int r = getrandom(&s->limit.key, sizeof(s->limit.key), 0) < 0 ? -errno : 0;
	if (r == 0 && getrandom(s->cookie_key, sizeof(s->cookie_key), 0) < 0)
		r = -errno;
	if (s->mind.cache == NULL || s->mind.hrev == NULL)
		r = -ENOMEM;
	if (r == 0)
		r = open_sockets(s, stacks);
	if (r < 0) {
		dm_report(DM_ERROR, "cannot serve on port 53: %s%s", strerror(-r),
			  r == -EADDRINUSE ? "; another name server of this stack has to be stopped"
			  : r == -EACCES   ? "; it needs CAP_NET_BIND_SERVICE, or a stack of its own"
					   : "");
		nm_server_free(s);
		return NULL;
	}
	s->upstream.loop = s->loop;
	nm_server_set(s, config);
	return s;
}

void nm_server_free(struct nm_server *server)
{
	if (server == NULL)
		return;
	nm_upstream_close(&server->upstream);
	nm_refresh_free(&server->refresh);
	nm_tcp_close(&server->tcp);
	nm_udp_close(&server->udp);
	nm_cache_free(server->mind.cache);
	nm_cache_free(server->mind.hrev);
	vs_close(server->loop);
	free(server);
}

void nm_server_set(struct nm_server *server, struct nm_config *config)
{
	server->config = config;
	server->mind.config = config;
	nm_tcp_set(&server->tcp, &config->options);
	nm_cache_set(server->mind.cache, config->options.cachesize,
		     config->options.cachesize * BYTES_PER_ANSWER);
	nm_upstream_set(&server->upstream, config);
	nm_refresh_set(&server->refresh, config);
	if (!nm_rules_have(&config->rules, NM_ACCEPT))
		dm_report(DM_NOTICE, "there is no rule accept: clients are not served by TCP");
}

static void watched_ready(struct nm_source *source, uint32_t events)
{
	struct watched *w = (struct watched *)(void *)source;

	(void)events;
	w->ready(w->arg);
}

int nm_server_watch(struct nm_server *server, enum nm_watch which, int fd, void (*ready)(void *arg),
		    void *arg)
{
	server->watched[which] = (struct watched){ { fd, watched_ready }, ready, arg };
	return nm_loop_add(server->loop, &server->watched[which].source, EPOLLIN);
}

/* Looks at the stacks from time to time. Returns when to look again. */
static int64_t check_stacks(struct nm_server *s, int64_t now_ms)
{
	if (s->stack == NULL && s->upstream.stack == NULL)
		return INT64_MAX;
	if (s->check_ms > now_ms)
		return s->check_ms;
	s->failed |= nm_stack_failed(s->stack);
	s->upstream.failed |= s->upstream.stack != s->stack && nm_stack_failed(s->upstream.stack);
	s->check_ms = now_ms + CHECK_MS;
	return s->failed || s->upstream.failed ? now_ms : s->check_ms;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int nm_server_once(struct nm_server *server)
{
	int64_t now = vs_now_ms();
	int64_t next = check_stacks(server, now);
	/* Refreshing asks questions, which have times of their own. */
	next = earlier(next, nm_refresh_tick(&server->refresh, &server->upstream, now));
	next = earlier(next, nm_upstream_tick(&server->upstream, now));
	next = earlier(next, nm_tcp_tick(&server->tcp, now));
	int r = nm_loop_once(server->loop, next == INT64_MAX ? -1 : vs_left_ms(next) + 1);

	if (r < 0)
		dm_report(DM_ERROR, "cannot wait for requests: %s", strerror(-r));
	else if (server->failed || server->upstream.failed)
		dm_report(DM_ERROR, "the stack %s has failed: the program has to be started again",
			  server->failed ? "that serves" : "in which other servers are asked");
	return r < 0 || server->failed || server->upstream.failed ? -1 : 0;
}

void nm_server_report(const struct nm_server *server)
{
	static const char *const names[NM_N_COUNTED] = { "requests", "static",    "hash",    "hrev",
							 "cached",   "forwarded", "refused", "malformed",
							 "failed",   "limited" };
	char text[512] = "";
	size_t n = 0;

	for (int i = 0; i < NM_N_COUNTED; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%" PRIu64 " %s", i > 0 ? ", " : "",
				      server->mind.counted[i], names[i]);
	dm_report(DM_NOTICE, "%s; %zu answers are kept (%zu bytes), %zu clients by TCP", text,
		  nm_cache_count(server->mind.cache), nm_cache_bytes(server->mind.cache), server->tcp.n);
}
