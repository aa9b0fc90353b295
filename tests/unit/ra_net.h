/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TESTS_RA_NET_H
#define VS_TESTS_RA_NET_H

/*
 * A clock and a network for one machine of router discovery. What the machine does is kept as the kernel
 * would keep it, so that each case compares what is set in the end.
 */

#include <arpa/inet.h>
#include <stdlib.h>

#include "auto/ra.h"
#include "proto/hash_addr.h"
#include "proto/ndp.h"
#include "unit.h"

#define SETS_MAX 64

static struct {
	struct vs_auto_addr addrs[SETS_MAX];
	struct vs_auto_route routes[SETS_MAX];
	size_t n_addrs, n_routes;
	struct vs_auto_facts facts;
	unsigned n_facts, sent, sent_with_mac, calls;
	unsigned news[VS_NEWS_IPV6_ONLY + 1];
	vs_auto_ms sent_at;
} seen;

static vs_auto_ms now;
static uint16_t chance; /* what random() returns */
static struct vs_auto_config config;
static void *machine;
static struct vs_ndp_ra ra; /* what advertise() sends */
static const char *const router = "fe80::1";

static inline void on_send(void *arg, const struct vs_auto_packet *p)
{
	static const uint8_t all_routers[16] = { 0xff, 0x02, [15] = 2 };

	(void)arg;
	assert_int_equal(p->way, VS_WAY_ICMP6);
	assert_memory_equal(p->peer.bytes, all_routers, 16);
	assert_int_equal(p->bytes[0], 133);
	assert_true(p->n == 8 || p->n == 16);
	seen.sent++;
	seen.sent_with_mac += p->n == 16;
	seen.sent_at = now;
}

static inline size_t find_addr(const struct vs_auto_addr *a)
{
	size_t i = 0;

	while (i < seen.n_addrs && memcmp(seen.addrs[i].ip.bytes, a->ip.bytes, 16) != 0)
		i++;
	return i;
}

static inline void on_addr_set(void *arg, const struct vs_auto_addr *a)
{
	size_t i = find_addr(a);

	(void)arg;
	assert_true(i < SETS_MAX);
	assert_true(a->no_prefix_route && a->prefix_len == 64 && a->ip.family == AF_INET6);
	assert_true(a->valid_s > 0 && a->preferred_s <= a->valid_s);
	seen.addrs[i] = *a;
	seen.n_addrs += i == seen.n_addrs;
	seen.calls++;
}

static inline void on_addr_del(void *arg, const struct vs_auto_addr *a)
{
	size_t i = find_addr(a);

	(void)arg;
	assert_true(i < seen.n_addrs);
	seen.addrs[i] = seen.addrs[--seen.n_addrs];
	seen.calls++;
}

/* As the kernel compares routes. */
static inline size_t find_route(const struct vs_auto_route *r)
{
	size_t i = 0;

	while (i < seen.n_routes &&
	       (memcmp(seen.routes[i].dst.bytes, r->dst.bytes, 16) != 0 ||
		seen.routes[i].prefix_len != r->prefix_len || seen.routes[i].metric != r->metric))
		i++;
	return i;
}

static inline void on_route_set(void *arg, const struct vs_auto_route *r)
{
	size_t i = find_route(r);

	(void)arg;
	assert_true(i < SETS_MAX && r->lifetime_s > 0 && r->metric > 0);
	assert_int_equal(r->dst.family, AF_INET6);
	if (i < seen.n_routes) /* a route never takes the place of that through another router */
		assert_memory_equal(seen.routes[i].gw.bytes, r->gw.bytes, 16);
	seen.routes[i] = *r;
	seen.n_routes += i == seen.n_routes;
	seen.calls++;
}

static inline void on_route_del(void *arg, const struct vs_auto_route *r)
{
	size_t i = find_route(r);

	(void)arg;
	assert_true(i < seen.n_routes);
	seen.routes[i] = seen.routes[--seen.n_routes];
	seen.calls++;
}

static inline void on_facts(void *arg, const struct vs_auto_facts *facts)
{
	(void)arg;
	seen.facts = *facts;
	seen.n_facts++;
}

static inline void on_news(void *arg, enum vs_auto_news what, const struct vs_auto_addr *about,
			   const char *why)
{
	(void)arg, (void)about, (void)why;
	seen.news[what]++;
}

static inline void on_save(void *arg)
{
	(void)arg;
	fail();
}

static inline void on_random(void *arg, void *bytes, size_t n)
{
	(void)arg;
	assert_int_equal(n, sizeof(chance));
	memcpy(bytes, &chance, n);
}

static const struct vs_auto_ops ops = {
	.send = on_send, .addr_set = on_addr_set, .addr_del = on_addr_del, .route_set = on_route_set,
	.route_del = on_route_del, .facts = on_facts, .news = on_news, .save = on_save, .random = on_random,
};

static inline struct vs_auto_state describe(void)
{
	struct vs_auto_state state;

	vs_ra_kind.describe(machine, &state);
	return state;
}

static inline void start(enum vs_auto_iid iid)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

	memset(&seen, 0, sizeof(seen));
	memset(&ra, 0, sizeof(ra));
	free(machine);
	now = 1000000;
	chance = 1000; /* in the middle: no jitter */
	strcpy(config.ifname, "vde0");
	memcpy(config.mac, mac, 6);
	config.iid = iid;
	machine = calloc(1, vs_ra_kind.size);
	assert_non_null(machine);
	vs_ra_kind.init(machine, &config, &ops, NULL);
	assert_int_equal(vs_ra_kind.deadline(machine), VS_AUTO_NEVER);
	assert_int_equal(seen.sent, 0);
	assert_string_equal(describe().state, "INIT");
	vs_ra_kind.start(machine, now, NULL);
	ra.lifetime_s = 1800;
}

/* Lets time pass, with the timer exactly when it is due. */
static inline void pass(vs_auto_ms ms)
{
	vs_auto_ms until = now + ms;

	for (vs_auto_ms due; (due = vs_ra_kind.deadline(machine)) <= until;) {
		now = due > now ? due : now;
		vs_ra_kind.timer(machine, now);
		assert_true(vs_ra_kind.deadline(machine) > now); /* otherwise it would be called for ever */
	}
	now = until;
	/* What the kernel ends by itself. */
	for (size_t i = 0; i < seen.n_routes; i++)
		assert_true(seen.routes[i].lifetime_s > 0);
}

static inline void input(const uint8_t *bytes, size_t n, const char *from, uint8_t hop_limit)
{
	struct vs_auto_packet packet = { .way = VS_WAY_ICMP6, .n = n, .hop_limit = hop_limit };
	uint8_t *exact = malloc(n > 0 ? n : 1);

	assert_non_null(exact);
	memcpy(exact, bytes, n);
	packet.bytes = exact;
	packet.peer.family = AF_INET6;
	assert_int_equal(inet_pton(AF_INET6, from, packet.peer.bytes), 1);
	vs_ra_kind.input(machine, now, &packet);
	free(exact);
}

static inline void advertise_from(const char *from)
{
	uint8_t bytes[1500];
	size_t n = vs_ndp_ra_encode(bytes, sizeof(bytes), &ra);

	assert_true(n > 0);
	input(bytes, n, from, 255);
}

static inline void advertise(void)
{
	advertise_from(router);
}

static inline void read_addr(const char *text, uint8_t bytes[16])
{
	assert_int_equal(inet_pton(AF_INET6, text, bytes), 1);
}

static inline void set_prefix(unsigned i, const char *prefix, uint32_t valid_s, uint32_t preferred_s)
{
	struct vs_ndp_prefix *p = &ra.prefixes[i];

	read_addr(prefix, p->prefix);
	p->len = 64;
	p->on_link = p->autonomous = true;
	p->valid_s = valid_s;
	p->preferred_s = preferred_s;
	if (ra.n_prefixes <= i)
		ra.n_prefixes = i + 1;
}

static inline void set_server(unsigned i, const char *addr, uint32_t lifetime_s)
{
	read_addr(addr, ra.dns[i].addr);
	ra.dns[i].lifetime_s = lifetime_s;
	if (ra.n_dns <= i)
		ra.n_dns = i + 1;
}

static inline void set_domain(unsigned i, const char *name, uint32_t lifetime_s)
{
	assert_true(strlen(name) < sizeof(ra.search[i].name));
	strcpy(ra.search[i].name, name);
	ra.search[i].lifetime_s = lifetime_s;
	if (ra.n_search <= i)
		ra.n_search = i + 1;
}

static inline const struct vs_auto_addr *the_addr(const char *text)
{
	struct vs_auto_addr a;

	read_addr(text, a.ip.bytes);
	size_t i = find_addr(&a);
	return i < seen.n_addrs ? &seen.addrs[i] : NULL;
}

/* The route to a prefix, the one with the least metric. */
static inline const struct vs_auto_route *the_route(const char *dst, uint8_t len)
{
	const struct vs_auto_route *best = NULL;
	uint8_t bytes[16];

	read_addr(dst, bytes);
	for (size_t i = 0; i < seen.n_routes; i++) {
		const struct vs_auto_route *r = &seen.routes[i];
		if (r->prefix_len == len && memcmp(r->dst.bytes, bytes, 16) == 0 &&
		    (best == NULL || r->metric < best->metric))
			best = r;
	}
	return best;
}

static inline bool goes_through(const struct vs_auto_route *r, const char *gw)
{
	uint8_t bytes[16];

	read_addr(gw, bytes);
	return r != NULL && r->gw.family == AF_INET6 && memcmp(r->gw.bytes, bytes, 16) == 0;
}

static inline void detected(const struct vs_auto_addr *a, bool duplicate)
{
	struct vs_auto_ip ip = a->ip;

	vs_ra_kind.detected(machine, now, &ip, duplicate);
}

static inline void link_local_is_ours(void)
{
	struct vs_auto_ip ip = { AF_INET6, { 0xfe, 0x80, [15] = 7 } };

	vs_ra_kind.detected(machine, now, &ip, false);
}

static inline uint32_t ignored(enum vs_auto_ignored why)
{
	return describe().ignored[why];
}

static inline int reset(void **state)
{
	(void)state;
	memset(&config, 0, sizeof(config));
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, reset)

#endif
