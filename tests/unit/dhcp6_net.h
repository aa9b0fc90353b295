/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TESTS_DHCP6_NET_H
#define VS_TESTS_DHCP6_NET_H

/*
 * A network for one DHCPv6 client, without descriptors and with a clock that the test moves: it records what
 * the client does, and has up to two servers whose faults the test sets.
 */

#include <netinet/in.h>
#include <stdlib.h>

#include "auto/dhcp6.h"
#include "proto/dhcp6.h"
#include "unit.h"

#define ROOM 2048
#define QUEUE 8
#define DAY (24 * 3600)

/* Bytes that a test puts together: what the builder does not make, and what is wrong. */
struct bytes {
	uint8_t b[ROOM];
	size_t n;
};

static inline void add(struct bytes *b, const void *bytes, size_t n)
{
	assert_true(b->n + n <= sizeof(b->b));
	if (n != 0)
		memcpy(b->b + b->n, bytes, n);
	b->n += n;
}

static inline void add16(struct bytes *b, unsigned number)
{
	uint8_t two[2] = {(uint8_t)(number >> 8), (uint8_t)number};

	add(b, two, 2);
}

static inline void add32(struct bytes *b, uint32_t number)
{
	add16(b, number >> 16);
	add16(b, number & 0xffff);
}

static inline void add_option(struct bytes *b, unsigned code, const void *bytes, size_t n)
{
	add16(b, code);
	add16(b, (unsigned)n);
	add(b, bytes, n);
}

static inline void add_nested(struct bytes *b, unsigned code, const struct bytes *inside)
{
	add_option(b, code, inside->b, inside->n);
}

static inline void add_status(struct bytes *b, unsigned status)
{
	const uint8_t option[] = {0, 13, 0, 5, 0, (uint8_t)status, 'w', 'h', 'y'};

	if (status != VS_DHCP6_SUCCESS)
		add(b, option, sizeof(option));
}

struct server {
	bool on;
	uint8_t duid[10];
	int delay_ms;
	int preference;          /* -1: no option */
	bool rapid;
	uint8_t addr[16];
	uint32_t preferred_s, valid_s, t1_s, t2_s;
	unsigned prefix_len;     /* 0: no prefix */
	unsigned status[VS_DHCP6_INFORMATION_REQUEST + 1];    /* at the top, by type of the request */
	unsigned ia_status[VS_DHCP6_INFORMATION_REQUEST + 1]; /* in the IA */
	bool ends_old;           /* an address of the client that is not `addr` gets lifetimes of 0 */
	bool unwilling;          /* does not answer a Request */
	bool other_client;       /* answers with the wrong client identifier */
	uint32_t sol_max_rt_s, inf_max_rt_s, refresh_s;
	uint8_t dns_last;        /* the name server is 2001:db8::NN; 0: none */
	int asked[VS_DHCP6_INFORMATION_REQUEST + 1];          /* requests meant for it */
};

struct queued {
	vs_auto_ms at;
	struct bytes m;
	uint8_t server;
};

struct net {
	vs_auto_ms now;
	struct vs_auto_config config;
	struct vs_auto_ops ops;
	void *client;
	bool started;
	uint64_t random;
	struct server servers[2];
	int lose_every; /* each such message of the client or of a server is lost; 0: none */
	int n_packets;
	struct queued queue[QUEUE];
	int n_queued;
	/* What the client did. */
	int sent[VS_DHCP6_INFORMATION_REQUEST + 1];
	struct bytes last;     /* message of the client */
	vs_auto_ms last_at;
	struct vs_auto_addr addrs[8];
	int n_addrs, n_set, n_del;
	struct vs_auto_facts facts;
	int n_facts, n_save;
	int news[VS_NEWS_IPV6_ONLY + 1];
	enum vs_auto_news last_news;
	char why[128];
};

static inline void net_addr(uint8_t *ip, unsigned last)
{
	memset(ip, 0, 16);
	ip[0] = 0x20;
	ip[1] = 0x01;
	ip[2] = 0x0d;
	ip[3] = 0xb8;
	ip[14] = (uint8_t)(last >> 8);
	ip[15] = (uint8_t)last;
}

static inline void net_check_client(const struct net *net, const struct vs_dhcp6 *m)
{
	struct vs_dhcp6_bytes duid = m->client;

	assert_true(duid.n == net->config.duid_len || net->config.duid_len == 0);
	if (net->config.duid_len != 0)
		assert_memory_equal(duid.bytes, net->config.duid, duid.n);
	assert_true(m->has_elapsed);
}

static inline void net_answer_na(const struct net *net, struct server *s, const struct vs_dhcp6 *m,
				 struct bytes *r)
{
	struct bytes ia = {.n = 0};

	add32(&ia, net->config.iaid);
	add32(&ia, s->t1_s);
	add32(&ia, s->t2_s);
	for (int i = 0; s->ends_old && i < m->na.n; i++) {
		struct bytes a = {.n = 0};

		if (memcmp(m->na.leases[i].ip, s->addr, 16) == 0)
			continue;
		add(&a, m->na.leases[i].ip, 16);
		add32(&a, 0);
		add32(&a, 0);
		add_nested(&ia, VS_DHCP6_IAADDR, &a);
	}
	if (s->ia_status[m->type] == VS_DHCP6_SUCCESS) {
		struct bytes a = {.n = 0};

		add(&a, s->addr, 16);
		add32(&a, s->preferred_s);
		add32(&a, s->valid_s);
		add_nested(&ia, VS_DHCP6_IAADDR, &a);
	}
	add_status(&ia, s->ia_status[m->type]);
	add_nested(r, VS_DHCP6_IA_NA, &ia);
}

static inline void net_answer_pd(const struct net *net, const struct server *s, struct bytes *r)
{
	struct bytes ia = {.n = 0}, p = {.n = 0};
	uint8_t ip[16] = {0x20, 0x01, 0x0d, 0xb8, 0x10};

	add32(&ia, net->config.iaid);
	add32(&ia, s->t1_s);
	add32(&ia, s->t2_s);
	if (s->prefix_len != 0) {
		add32(&p, s->preferred_s);
		add32(&p, s->valid_s);
		uint8_t len = (uint8_t)s->prefix_len;
		add(&p, &len, 1);
		add(&p, ip, 16);
		add_nested(&ia, VS_DHCP6_IAPREFIX, &p);
	} else {
		add_status(&ia, VS_DHCP6_NO_PREFIX_AVAIL);
	}
	add_nested(r, VS_DHCP6_IA_PD, &ia);
}

static inline void net_answer_facts(const struct server *s, struct bytes *r)
{
	static const uint8_t search[] = "\3sub\7example\3org";
	struct bytes b = {.n = 0};
	uint8_t ip[16];

	if (s->dns_last != 0) {
		net_addr(ip, s->dns_last);
		add_option(r, VS_DHCP6_DNS, ip, 16);
		add_option(r, VS_DHCP6_SEARCH, search, sizeof(search));
		add_option(&b, 1, ip, 16);
		add_nested(r, VS_DHCP6_NTP, &b);
	}
	const struct {
		unsigned code;
		uint32_t seconds;
	} times[] = {{VS_DHCP6_REFRESH, s->refresh_s},
		     {VS_DHCP6_SOL_MAX_RT, s->sol_max_rt_s},
		     {VS_DHCP6_INF_MAX_RT, s->inf_max_rt_s}};
	for (size_t i = 0; i < 3; i++) {
		struct bytes t = {.n = 0};

		add32(&t, times[i].seconds);
		if (times[i].seconds != 0)
			add_nested(r, times[i].code, &t);
	}
}

static inline void net_answer(const struct net *net, struct server *s, const struct vs_dhcp6 *m,
			      struct bytes *r)
{
	bool rapid = m->type == VS_DHCP6_SOLICIT && m->rapid && s->rapid;
	bool leases = m->type == VS_DHCP6_SOLICIT || m->type == VS_DHCP6_REQUEST ||
		      m->type == VS_DHCP6_RENEW || m->type == VS_DHCP6_REBIND;
	uint8_t duid[VS_DHCP6_DUID_MAX];

	r->n = 0;
	uint32_t type = m->type == VS_DHCP6_SOLICIT && !rapid ? VS_DHCP6_ADVERTISE : VS_DHCP6_REPLY;
	add32(r, type << 24 | m->xid);
	memcpy(duid, m->client.bytes, m->client.n);
	duid[m->client.n - 1] ^= s->other_client;
	add_option(r, VS_DHCP6_CLIENT_ID, duid, m->client.n);
	add_option(r, VS_DHCP6_SERVER_ID, s->duid, sizeof(s->duid));
	add_status(r, s->status[m->type]);
	if (s->preference >= 0) {
		uint8_t p = (uint8_t)s->preference;

		add_option(r, VS_DHCP6_PREFERENCE, &p, 1);
	}
	if (rapid)
		add_option(r, VS_DHCP6_RAPID_COMMIT, NULL, 0);
	if (leases && m->na.present && s->status[m->type] == VS_DHCP6_SUCCESS)
		net_answer_na(net, s, m, r);
	if (leases && m->pd.present && s->status[m->type] == VS_DHCP6_SUCCESS)
		net_answer_pd(net, s, r);
	net_answer_facts(s, r);
}

static inline void net_send(void *arg, const struct vs_auto_packet *packet)
{
	static const uint8_t everyone[16] = {0xff, 2, [13] = 1, [15] = 2};
	struct net *net = arg;
	struct vs_dhcp6 m;

	assert_int_equal(packet->way, VS_WAY_UDP6);
	assert_int_equal(packet->peer.family, AF_INET6);
	assert_memory_equal(packet->peer.bytes, everyone, 16);
	net->last.n = 0;
	add(&net->last, packet->bytes, packet->n);
	net->last_at = net->now;
	assert_int_equal(vs_dhcp6_parse(net->last.b, net->last.n, net->config.iaid, &m), VS_DHCP6_OK);
	net_check_client(net, &m);
	net->sent[m.type]++;
	if (net->lose_every != 0 && ++net->n_packets % net->lose_every == 0)
		return;
	for (uint8_t i = 0; i < 2; i++) {
		struct server *s = &net->servers[i];

		if (!s->on || (m.server.bytes != NULL && memcmp(m.server.bytes, s->duid, 10) != 0))
			continue;
		s->asked[m.type]++;
		if (s->unwilling && m.type == VS_DHCP6_REQUEST)
			continue;
		if (net->lose_every != 0 && ++net->n_packets % net->lose_every == 0)
			continue;
		assert_true(net->n_queued < QUEUE);
		struct queued *q = &net->queue[net->n_queued++];
		q->at = net->now + s->delay_ms;
		q->server = i;
		net_answer(net, s, &m, &q->m);
	}
}

static inline int net_find(const struct net *net, const uint8_t *ip)
{
	for (int i = 0; i < net->n_addrs; i++)
		if (memcmp(net->addrs[i].ip.bytes, ip, 16) == 0)
			return i;
	return -1;
}

static inline void net_addr_set(void *arg, const struct vs_auto_addr *addr)
{
	struct net *net = arg;
	int i = net_find(net, addr->ip.bytes);

	assert_int_equal(addr->prefix_len, 128);
	assert_true(addr->no_prefix_route);
	assert_true(addr->valid_s > 0 && addr->preferred_s <= addr->valid_s);
	assert_true(net->n_addrs < 8);
	net->addrs[i >= 0 ? i : net->n_addrs++] = *addr;
	net->n_set++;
}

static inline void net_addr_del(void *arg, const struct vs_auto_addr *addr)
{
	struct net *net = arg;
	int i = net_find(net, addr->ip.bytes);

	assert_true(i >= 0);
	net->addrs[i] = net->addrs[--net->n_addrs];
	net->n_del++;
}

static inline void net_route(void *arg, const struct vs_auto_route *route)
{
	(void)arg;
	(void)route;
	fail_msg("DHCPv6 has no routes");
}

static inline void net_facts(void *arg, const struct vs_auto_facts *facts)
{
	struct net *net = arg;

	net->facts = *facts;
	net->n_facts++;
}

static inline void net_news(void *arg, enum vs_auto_news what, const struct vs_auto_addr *about,
			    const char *why)
{
	struct net *net = arg;

	(void)about;
	net->news[what]++;
	net->last_news = what;
	snprintf(net->why, sizeof(net->why), "%s", why != NULL ? why : "");
}

static inline void net_save(void *arg)
{
	((struct net *)arg)->n_save++;
}

static inline void net_random(void *arg, void *bytes, size_t n)
{
	struct net *net = arg;

	for (size_t i = 0; i < n; i++) {
		net->random = net->random * 6364136223846793005u + 1442695040888963407u;
		((uint8_t *)bytes)[i] = (uint8_t)(net->random >> 56);
	}
}

static inline void net_init(struct net *net)
{
	memset(net, 0, sizeof(*net));
	net->now = 1000000;
	net->random = 42;
	net->ops = (struct vs_auto_ops){net_send, net_addr_set, net_addr_del, net_route, net_route,
					net_facts, net_news, net_save, net_random};
	memcpy(net->config.ifname, "vde0", 5);
	memcpy(net->config.mac, "\2\0\0\0\0\1", 6);
	net->config.duid_len = 10;
	memcpy(net->config.duid, "\0\3\0\1\2\0\0\0\0\1", 10);
	net->config.iaid = 7;
	for (uint8_t i = 0; i < 2; i++) {
		struct server *s = &net->servers[i];

		s->on = i == 0;
		memcpy(s->duid, "\0\3\0\1\2\0\0\0\1\0", 10);
		s->duid[9] = (uint8_t)(i + 1);
		s->delay_ms = 2;
		s->preference = -1;
		net_addr(s->addr, 0x100u * (i + 1));
		s->preferred_s = 1800;
		s->valid_s = 3600;
		s->dns_last = (uint8_t)(53 + i);
	}
	net->client = calloc(1, vs_dhcp6_kind.size);
	assert_non_null(net->client);
	vs_dhcp6_kind.init(net->client, &net->config, &net->ops, net);
}

static inline void net_free(struct net *net)
{
	free(net->client);
}

/* In memory of exactly that length, so a sanitizer detects a read beyond it. */
static inline void net_input(struct net *net, const struct bytes *m)
{
	uint8_t *exact = malloc(m->n > 0 ? m->n : 1);
	struct vs_auto_packet packet = {
		.way = VS_WAY_UDP6, .n = m->n, .peer = {AF_INET6, {0xfe, 0x80, [15] = 9}}
	};

	assert_non_null(exact);
	memcpy(exact, m->b, m->n);
	packet.bytes = exact;
	vs_dhcp6_kind.input(net->client, net->now, &packet);
	free(exact);
}

static inline void net_start(struct net *net, const struct vs_auto_lease *lease)
{
	net->started = true;
	vs_dhcp6_kind.start(net->client, net->now, lease);
}

/* One event, not later than `until`. Returns false if there was none; then it is `until`. */
static inline bool net_step(struct net *net, vs_auto_ms until)
{
	int first = -1;

	for (int i = 0; i < net->n_queued; i++)
		if (first < 0 || net->queue[i].at < net->queue[first].at)
			first = i;
	vs_auto_ms deadline = vs_dhcp6_kind.deadline(net->client);
	vs_auto_ms packet = first < 0 ? VS_AUTO_NEVER : net->queue[first].at;
	if (deadline > until && packet > until) {
		net->now = until;
		return false;
	}
	if (packet <= deadline) {
		struct queued q = net->queue[first];

		net->queue[first] = net->queue[--net->n_queued];
		net->now = packet > net->now ? packet : net->now;
		net_input(net, &q.m);
		return true;
	}
	net->now = deadline > net->now ? deadline : net->now;
	vs_dhcp6_kind.timer(net->client, net->now);
	/* A deadline that stays in the past would be a loop without pauses. */
	assert_true(vs_dhcp6_kind.deadline(net->client) >= net->now);
	return true;
}

static inline void net_run(struct net *net, vs_auto_ms ms)
{
	vs_auto_ms until = net->now + ms;
	int n = 0;

	while (net_step(net, until))
		assert_true(++n < 1000000);
}

static inline struct vs_auto_state net_state(const struct net *net)
{
	struct vs_auto_state state;

	vs_dhcp6_kind.describe(net->client, &state);
	return state;
}

/* Runs until the client is in that state, at most so long. */
static inline void net_run_to(struct net *net, const char *state, vs_auto_ms ms)
{
	vs_auto_ms until = net->now + ms;

	while (strcmp(net_state(net).state, state) != 0)
		if (!net_step(net, until))
			fail_msg("state %s instead of %s", net_state(net).state, state);
}

static inline void net_assert_addr(const struct net *net, const uint8_t *ip)
{
	assert_int_equal(net->n_addrs, 1);
	assert_memory_equal(net->addrs[0].ip.bytes, ip, 16);
}

static inline void net_last(const struct net *net, struct vs_dhcp6 *m)
{
	assert_int_equal(vs_dhcp6_parse(net->last.b, net->last.n, net->config.iaid, m), VS_DHCP6_OK);
}

#endif
