/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TESTS_DHCP4_WORLD_H
#define VS_TESTS_DHCP4_WORLD_H

/*
 * A world for one DHCPv4 client: a clock, a network that takes 1 ms for each packet, up to two servers, and
 * an interface that checks what is set on it. The messages are made and read here without the codec that is
 * tested.
 */

#include <frames.h>
#include <stdbool.h>
#include <stdlib.h>

#include "auto/dhcp4.h"
#include "unit.h"

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
#define ANY_XID 0 /* in a reply: that of the client */

enum { MSG_DISCOVER = 1, MSG_OFFER, MSG_REQUEST, MSG_DECLINE, MSG_ACK, MSG_NAK, MSG_RELEASE, MSG_INFORM };

/* A message of the client, as its bytes say. */
struct seen {
	vs_auto_ms at;
	bool unicast; /* by a UDP socket */
	uint8_t type; /* 0: ARP */
	uint32_t xid, ciaddr, requested, server, src, dst;
	uint16_t secs;
	uint32_t arp_sender, arp_target;
	uint8_t mac[6]; /* destination */
	size_t n;
	uint8_t bytes[1024]; /* the message without IP and UDP headers */
};

/* A message of a server. */
struct reply {
	uint8_t type;
	uint32_t xid, yiaddr, server, lease_s, t1_s, t2_s, mask;
	uint32_t dst;       /* 0: broadcast */
	uint16_t src_port;  /* 0: 67 */
	uint8_t mac[6];     /* all 0: that of the client */
	uint8_t extra[600]; /* more options */
	size_t n_extra;
	bool bare; /* no option but type and extra */
};

struct server {
	uint32_t ip;    /* 0: there is none */
	uint32_t addr;  /* what it offers */
	bool silent;    /* answers nothing */
	bool unwilling; /* offers, does not answer requests */
	bool refuses;   /* offers, and refuses requests */
	bool ignorant;  /* answers no requests of other servers' or unknown addresses */
	bool pool_empty;
	bool rapid;
	struct reply terms;
};

#define FLIGHT_MAX 64
#define SEEN_MAX 512

struct flying {
	vs_auto_ms at;
	enum vs_auto_way way;
	size_t n;
	uint8_t bytes[1600];
};

struct world {
	struct vs_auto_config config;
	void *m;
	vs_auto_ms now;
	bool link;
	struct server servers[2];
	struct flying flights[FLIGHT_MAX];
	size_t n_flights;

	unsigned packets,
		lost; /* all packets in both directions are counted; number `lost` is lost, 0: none */
	struct seen seen[SEEN_MAX]; /* the last ones, in a ring */
	size_t n_seen;

	/* The interface */
	uint32_t addr;
	uint8_t prefix_len;
	struct vs_auto_addr last_addr;
	struct vs_auto_route routes[64];
	size_t n_routes;
	struct vs_auto_facts facts;
	unsigned n_facts, news[VS_NEWS_IPV6_ONLY + 1], saves, releases;
	struct vs_auto_lease stored;
	bool has_stored, in_call;
	char why[128];
	uint64_t random;
};

static const uint8_t world_mac[6] = { 0x02, 0, 0, 0, 0, 0x22 };
static const uint8_t world_server_mac[6] = { 0x02, 0, 0, 0, 0, 0x01 };
static const uint8_t world_other_mac[6] = { 0x02, 0, 0, 0, 0, 0x99 };

static inline uint32_t world_ip(const struct vs_auto_ip *ip)
{
	return ip->family == AF_INET ? frame_get(ip->bytes, 4) : 0;
}

/* Packets */

static const uint8_t *world_option(const uint8_t *message, size_t n, uint8_t code, size_t *len)
{
	for (size_t at = 240; at < n && message[at] != 255;
	     at += message[at] == 0 ? 1 : 2u + message[at + 1]) {
		if (message[at] != code)
			continue;
		*len = message[at + 1];
		return message + at + 2;
	}
	return NULL;
}

static inline uint32_t world_number(const uint8_t *message, size_t n, uint8_t code)
{
	size_t len;
	const uint8_t *value = world_option(message, n, code, &len);

	return value == NULL ? 0 : frame_get(value, (int)len);
}

static inline void world_read(struct world *w, const struct vs_auto_packet *packet, struct seen *s)
{
	const uint8_t *p = packet->bytes;
	size_t n = packet->n;

	memset(s, 0, sizeof(*s));
	s->at = w->now;
	memcpy(s->mac, packet->mac, 6);
	if (packet->way == VS_WAY_ARP) {
		assert_int_equal(n, 28);
		assert_int_equal(frame_get(p + 6, 2), 1);
		assert_memory_equal(p + 8, world_mac, 6);
		s->arp_sender = frame_get(p + 14, 4);
		s->arp_target = frame_get(p + 24, 4);
		return;
	}
	if (packet->way == VS_WAY_IP4) {
		assert_int_equal(frame_get(p + 2, 2), n);
		assert_int_equal(frame_sum(0, p, 20), 0xffff);
		assert_int_equal(frame_sum(frame_pseudo(p, false, true, n - 20), p + 20, n - 20), 0xffff);
		assert_int_equal(frame_get(p + 20, 4), 68u << 16 | 67);
		s->src = frame_get(p + 12, 4);
		s->dst = frame_get(p + 16, 4);
		p += 28;
		n -= 28;
	} else {
		assert_int_equal(packet->way, VS_WAY_UDP4);
		assert_int_not_equal(w->addr, 0); /* it needs an address to be sent from */
		s->unicast = true;
		s->src = w->addr;
		s->dst = world_ip(&packet->peer);
	}
	assert_in_range(n, 300, sizeof(s->bytes));
	memcpy(s->bytes, p, n);
	s->n = n;
	assert_int_equal(frame_get(p, 4), 0x01010600);
	assert_memory_equal(p + 28, world_mac, 6);
	assert_int_equal(frame_get(p + 236, 4), 0x63825363);
	s->xid = frame_get(p + 4, 4);
	s->secs = (uint16_t)frame_get(p + 8, 2);
	s->ciaddr = frame_get(p + 12, 4);
	s->type = (uint8_t)world_number(p, n, 53);
	s->requested = world_number(p, n, 50);
	s->server = world_number(p, n, 54);
}

/* The last message sent but `back`. */
static const struct seen *world_seen(const struct world *w, size_t back)
{
	assert_true(back < w->n_seen && back < SEEN_MAX);
	return &w->seen[(w->n_seen - 1 - back) % SEEN_MAX];
}

static inline void put_option32(uint8_t *out, size_t *n, uint8_t code, uint32_t v)
{
	out[(*n)++] = code;
	out[(*n)++] = 4;
	frame_put(out + *n, v, 4);
	*n += 4;
}

/* An IPv4 packet with a server's message. Returns its length. */
static inline size_t world_make_reply(const struct reply *r, uint8_t *out)
{
	uint8_t *p = out + 28;
	size_t n = 240;

	memset(out, 0, 28 + 240);
	frame_put(p, 0x02010600, 4);
	frame_put(p + 4, r->xid, 4);
	frame_put(p + 16, r->yiaddr, 4);
	memcpy(p + 28, r->mac, 6);
	frame_put(p + 236, 0x63825363, 4);
	p[n++] = 53;
	p[n++] = 1;
	p[n++] = r->type;
	if (!r->bare) {
		put_option32(p, &n, 54, r->server);
		if (r->lease_s != 0)
			put_option32(p, &n, 51, r->lease_s);
		if (r->t1_s != 0)
			put_option32(p, &n, 58, r->t1_s);
		if (r->t2_s != 0)
			put_option32(p, &n, 59, r->t2_s);
		if (r->mask != 0)
			put_option32(p, &n, 1, r->mask);
	}
	memcpy(p + n, r->extra, r->n_extra);
	n += r->n_extra;
	p[n++] = 255;

	frame_put(out, 0x45000000u | (uint32_t)(n + 28), 4);
	out[8] = 64;
	out[9] = 17;
	frame_put(out + 12, r->server, 4);
	frame_put(out + 16, r->dst != 0 ? r->dst : UINT32_MAX, 4);
	frame_put(out + 10, ~frame_sum(0, out, 20) & 0xffff, 2);
	frame_put(out + 20, r->src_port != 0 ? r->src_port : 67, 2);
	frame_put(out + 22, 68, 2);
	frame_put(out + 24, (uint32_t)n + 8, 2);
	frame_put(out + 26, ~frame_sum(frame_pseudo(out, false, true, n + 8), out + 20, n + 8) & 0xffff, 2);
	return n + 28;
}

static inline bool world_loses(struct world *w)
{
	return ++w->packets == w->lost || !w->link;
}

static inline struct flying *world_fly(struct world *w, enum vs_auto_way way)
{
	assert_true(w->n_flights < FLIGHT_MAX);
	struct flying *f = &w->flights[w->n_flights++];
	f->at = w->now + 1;
	f->way = way;
	return f;
}

static inline void world_reply(struct world *w, const struct reply *reply)
{
	static const uint8_t none[6];
	struct reply r = *reply;

	if (world_loses(w))
		return;
	if (memcmp(r.mac, none, 6) == 0)
		memcpy(r.mac, world_mac, 6);
	struct flying *f = world_fly(w, VS_WAY_IP4);
	f->n = world_make_reply(&r, f->bytes);
}

/* An ARP packet of another host. */
static inline void world_arp(struct world *w, const uint8_t *mac, uint32_t sender_ip, uint32_t target_ip)
{
	struct flying *f = world_fly(w, VS_WAY_ARP);

	memset(f->bytes, 0, sizeof(f->bytes));
	frame_put(f->bytes, 0x00010800, 4);
	frame_put(f->bytes + 4, 0x06040001, 4);
	memcpy(f->bytes + 8, mac, 6);
	frame_put(f->bytes + 14, sender_ip, 4);
	frame_put(f->bytes + 24, target_ip, 4);
	f->n = 28;
}

/* Servers */

static inline void world_answer(struct world *w, const struct server *s, const struct seen *in, uint8_t type)
{
	struct reply r = s->terms;

	r.type = type;
	r.xid = in->xid;
	r.server = s->ip;
	r.yiaddr = type == MSG_NAK ? 0 : s->addr;
	r.bare = false;
	if (type == MSG_NAK)
		r.lease_s = r.t1_s = r.t2_s = r.mask = 0, r.n_extra = 0;
	if (in->ciaddr != 0 && type == MSG_ACK)
		r.dst = in->ciaddr;
	world_reply(w, &r);
}

static inline void world_serve_request(struct world *w, const struct server *s, const struct seen *in)
{
	uint32_t wanted = in->ciaddr != 0 ? in->ciaddr : in->requested;

	if (s->unwilling || (in->server != 0 && in->server != s->ip) || (in->unicast && in->dst != s->ip))
		return;
	if (s->refuses)
		world_answer(w, s, in, MSG_NAK);
	else if (in->ciaddr != 0 || wanted == s->addr)
		world_answer(w, s, in, MSG_ACK);
	else if (!s->ignorant)
		world_answer(w, s, in, MSG_NAK);
}

static inline void world_serve(struct world *w, const struct server *s, const struct seen *in)
{
	size_t len;

	if (s->ip == 0 || s->silent)
		return;
	if (in->type == MSG_DISCOVER && !s->pool_empty)
		world_answer(w, s, in,
			     s->rapid && world_option(in->bytes, in->n, 80, &len) != NULL ? MSG_ACK
											  : MSG_OFFER);
	else if (in->type == MSG_REQUEST)
		world_serve_request(w, s, in);
}

/* What the machine calls */

static inline void world_send(void *arg, const struct vs_auto_packet *packet)
{
	struct world *w = arg;
	struct seen *s = &w->seen[w->n_seen++ % SEEN_MAX];

	assert_true(w->in_call && w->link);
	world_read(w, packet, s);
	w->releases += s->type == MSG_RELEASE;
	if (s->type == 0 || world_loses(w))
		return;
	for (size_t i = 0; i < 2; i++)
		world_serve(w, &w->servers[i], s);
}

static inline void world_addr_set(void *arg, const struct vs_auto_addr *addr)
{
	struct world *w = arg;

	assert_true(w->in_call && (w->addr == 0 || w->addr == world_ip(&addr->ip)));
	assert_true(addr->valid_s > 0);
	w->addr = world_ip(&addr->ip);
	w->prefix_len = addr->prefix_len;
	w->last_addr = *addr;
}

static inline void world_addr_del(void *arg, const struct vs_auto_addr *addr)
{
	struct world *w = arg;

	assert_true(w->in_call && w->addr != 0);
	assert_int_equal(world_ip(&addr->ip), w->addr);
	assert_int_equal(addr->prefix_len, w->prefix_len);
	assert_int_equal(w->n_routes, 0);
	w->addr = 0;
}

static inline bool world_covers(uint32_t net, unsigned len, uint32_t ip)
{
	return len == 0 || (net ^ ip) >> (32 - len) == 0;
}

static inline size_t world_find_route(const struct world *w, const struct vs_auto_route *r)
{
	size_t i = 0;

	while (i < w->n_routes &&
	       (world_ip(&w->routes[i].dst) != world_ip(&r->dst) ||
		w->routes[i].prefix_len != r->prefix_len || world_ip(&w->routes[i].gw) != world_ip(&r->gw)))
		i++;
	return i;
}

/* As in the kernel, the router must be on the link. */
static inline void world_route_set(void *arg, const struct vs_auto_route *r)
{
	struct world *w = arg;
	uint32_t gw = world_ip(&r->gw);
	bool reachable = gw == 0 || world_covers(w->addr, w->prefix_len, gw);

	assert_int_not_equal(w->addr, 0);
	for (size_t i = 0; i < w->n_routes; i++)
		reachable =
			reachable || (w->routes[i].gw.family == 0 &&
				      world_covers(world_ip(&w->routes[i].dst), w->routes[i].prefix_len, gw));
	assert_true(reachable);
	size_t at = world_find_route(w, r);
	if (at < w->n_routes)
		return;
	assert_true(w->n_routes < 64);
	w->routes[w->n_routes++] = *r;
}

static inline void world_route_del(void *arg, const struct vs_auto_route *r)
{
	struct world *w = arg;
	size_t at = world_find_route(w, r);

	assert_true(at < w->n_routes);
	w->routes[at] = w->routes[--w->n_routes];
}

static inline void world_facts(void *arg, const struct vs_auto_facts *facts)
{
	struct world *w = arg;

	w->facts = *facts;
	w->n_facts++;
}

static inline void world_news(void *arg, enum vs_auto_news what, const struct vs_auto_addr *about,
			      const char *why)
{
	struct world *w = arg;

	if (what == VS_NEWS_GAINED || what == VS_NEWS_LOST || what == VS_NEWS_RENEWED)
		assert_non_null(about);
	assert_true(what != VS_NEWS_LOST || w->addr == 0);
	w->news[what]++;
	if (why != NULL)
		snprintf(w->why, sizeof(w->why), "%s", why);
}

static inline void world_save(void *arg)
{
	struct world *w = arg;

	w->saves++;
}

static inline void world_random(void *arg, void *bytes, size_t n)
{
	struct world *w = arg;

	for (size_t i = 0; i < n; i++) {
		w->random ^= w->random << 13;
		w->random ^= w->random >> 7;
		w->random ^= w->random << 17;
		((uint8_t *)bytes)[i] = (uint8_t)(w->random >> 24);
	}
}

static const struct vs_auto_ops world_ops = {
	.send = world_send,
	.addr_set = world_addr_set,
	.addr_del = world_addr_del,
	.route_set = world_route_set,
	.route_del = world_route_del,
	.facts = world_facts,
	.news = world_news,
	.save = world_save,
	.random = world_random,
};

/* Running */

static inline struct vs_auto_state world_state(const struct world *w)
{
	struct vs_auto_state s;

	vs_dhcp4_kind.describe(w->m, &s);
	return s;
}

#define assert_state(w, name) assert_string_equal(world_state(w).state, name)

/* What must hold behind each call of the machine. */
static inline void world_after(struct world *w, unsigned saves)
{
	struct vs_auto_addr addrs[2];
	size_t n = vs_dhcp4_kind.addrs(w->m, addrs, 2);

	w->in_call = false;
	assert_int_equal(n, w->addr != 0);
	if (n == 1)
		assert_int_equal(world_ip(&addrs[0].ip), w->addr);
	if (w->saves != saves)
		w->has_stored = vs_dhcp4_kind.lease(w->m, &w->stored);
	assert_true(w->addr != 0 || w->n_routes == 0);
	assert_true(w->addr == 0 || w->now < world_state(w).expiry);
}

#define WORLD_CALL(w, call)                                                                                  \
	do {                                                                                                 \
		unsigned saves_before = (w)->saves;                                                          \
		(w)->in_call = true;                                                                         \
		vs_dhcp4_kind.call;                                                                          \
		world_after(w, saves_before);                                                                \
	} while (0)

static inline void world_deliver(struct world *w, size_t i)
{
	struct flying f = w->flights[i];
	struct vs_auto_packet packet = { .way = f.way, .bytes = f.bytes, .n = f.n };

	memcpy(packet.mac, f.way == VS_WAY_IP4 ? world_server_mac : f.bytes + 8, 6);
	w->flights[i] = w->flights[--w->n_flights];
	WORLD_CALL(w, input(w->m, w->now, &packet));
}

/* The packet that arrives next; n_flights: none */
static inline size_t world_next_flight(const struct world *w)
{
	size_t best = w->n_flights;

	for (size_t i = 0; i < w->n_flights; i++)
		if (best == w->n_flights || w->flights[i].at < w->flights[best].at)
			best = i;
	return best;
}

/* Lets the time pass until `end`, with all that happens. */
static inline void world_run_until(struct world *w, vs_auto_ms end)
{
	for (unsigned n = 0;; n++) {
		size_t flight = world_next_flight(w);
		vs_auto_ms arrival = flight < w->n_flights ? w->flights[flight].at : VS_AUTO_NEVER;
		vs_auto_ms timer = vs_dhcp4_kind.deadline(w->m);
		vs_auto_ms next = arrival < timer ? arrival : timer;
		if (next > end)
			break;
		assert_true(n < 10000000);
		w->now = next > w->now ? next : w->now;
		if (arrival <= timer)
			world_deliver(w, flight);
		else
			WORLD_CALL(w, timer(w->m, w->now));
	}
	w->now = end;
}

static inline void world_run(struct world *w, vs_auto_ms ms)
{
	world_run_until(w, w->now + ms);
}

/* The process is stopped for a time: packets and deadlines are noticed at its end. */
static inline void world_suspend(struct world *w, vs_auto_ms ms)
{
	w->now += ms;
	world_run(w, 0);
}

static inline void world_set_link(struct world *w, bool up)
{
	w->link = up;
	WORLD_CALL(w, link(w->m, w->now, up));
}

static inline void world_start(struct world *w, const struct vs_auto_lease *lease)
{
	WORLD_CALL(w, start(w->m, w->now, lease));
}

static inline void world_stop(struct world *w)
{
	WORLD_CALL(w, stop(w->m, w->now));
}

/* With one server, 10.0.0.1, that leases 10.0.0.50/24 for `lease_s` seconds. */
static inline struct world *world_new(uint32_t lease_s)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->now = 5000000;
	w->link = true;
	w->random = 88172645463325252u;
	memcpy(w->config.mac, world_mac, 6);
	w->config.release = true;
	w->servers[0] = (struct server){
		.ip = IP(10, 0, 0, 1),
		.addr = IP(10, 0, 0, 50),
		.terms = { .lease_s = lease_s, .mask = IP(255, 255, 255, 0) },
	};
	w->m = calloc(1, vs_dhcp4_kind.size);
	assert_non_null(w->m);
	vs_dhcp4_kind.init(w->m, &w->config, &world_ops, w);
	return w;
}

static inline void world_free(struct world *w)
{
	free(w->m);
	free(w);
}

static inline void world_option_add(struct reply *r, uint8_t code, const void *bytes, size_t n)
{
	r->extra[r->n_extra++] = code;
	r->extra[r->n_extra++] = (uint8_t)n;
	memcpy(r->extra + r->n_extra, bytes, n);
	r->n_extra += n;
}

/* What most cases begin with, and ask for */

#define OURS IP(10, 0, 0, 50)
#define SECOND_SERVER IP(10, 0, 0, 2)
#define MINUTE 60000
#define HOUR (60 * MINUTE)
#define DAY (24 * (vs_auto_ms)HOUR)

/* Runs until the address is there, 10 s at most. */
static inline void get_address(struct world *w)
{
	vs_auto_ms end = w->now + 10000;

	while (w->addr == 0 && w->now < end)
		world_run(w, 1);
	assert_int_not_equal(w->addr, 0);
}

static inline struct world *bound(uint32_t lease_s)
{
	struct world *w = world_new(lease_s);

	world_start(w, NULL);
	get_address(w);
	assert_state(w, "BOUND");
	return w;
}

/* The last message of a type; NULL: none of the last ones */
static const struct seen *last_of(const struct world *w, uint8_t type)
{
	for (size_t i = 0; i < w->n_seen && i < SEEN_MAX; i++)
		if (world_seen(w, i)->type == type)
			return world_seen(w, i);
	return NULL;
}

static inline unsigned count_of(const struct world *w, uint8_t type)
{
	unsigned n = 0;

	for (size_t i = 0; i < w->n_seen && i < SEEN_MAX; i++)
		n += world_seen(w, i)->type == type;
	return n;
}

static inline uint32_t server_of(const struct world *w)
{
	struct vs_auto_state s = world_state(w);

	return world_ip(&s.server);
}

static inline unsigned ignored(const struct world *w)
{
	struct vs_auto_state s = world_state(w);
	unsigned n = 0;

	for (size_t i = 0; i < VS_IGNORED_N; i++)
		n += s.ignored[i];
	return n;
}

#endif
