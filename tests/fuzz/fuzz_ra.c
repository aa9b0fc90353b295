/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Router discovery with any sequence of advertisements, times and reports. What the machine sets is bounded,
 * what it takes back was set, its timer makes progress, and stop() leaves nothing.
 *
 * The input is a byte of configuration, then steps. A step is an action, followed by two bytes of time, or by
 * router, length and advertisement, or by nothing.
 */

#include <fuzz.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "auto/ra.h"
#include "proto/dns_name.h"

static int addrs, routes;
static vs_auto_ms now;
static uint8_t last_addr[16];
static struct vs_auto_addr set_addrs[64];
static struct vs_auto_route set_routes[64];

static int find_addr(const struct vs_auto_addr *a)
{
	int i = 0;

	while (i < addrs && memcmp(set_addrs[i].ip.bytes, a->ip.bytes, 16) != 0)
		i++;
	return i;
}

static int find_route(const struct vs_auto_route *r)
{
	int i = 0;

	while (i < routes && (memcmp(set_routes[i].dst.bytes, r->dst.bytes, 16) != 0 ||
			      set_routes[i].prefix_len != r->prefix_len || set_routes[i].metric != r->metric))
		i++;
	return i;
}

static void on_send(void *arg, const struct vs_auto_packet *packet)
{
	(void)arg;
	CHECK(packet->n == 8 || packet->n == 16);
}

static void on_addr_set(void *arg, const struct vs_auto_addr *addr)
{
	int i = find_addr(addr);

	(void)arg;
	CHECK(addr->valid_s > 0 && addr->preferred_s <= addr->valid_s);
	CHECK(i < 8);
	set_addrs[i] = *addr;
	addrs += i == addrs;
	memcpy(last_addr, addr->ip.bytes, 16);
}

static void on_addr_del(void *arg, const struct vs_auto_addr *addr)
{
	int i = find_addr(addr);

	(void)arg;
	CHECK(i < addrs);
	set_addrs[i] = set_addrs[--addrs];
}

static void on_route_set(void *arg, const struct vs_auto_route *route)
{
	int i = find_route(route);

	(void)arg;
	CHECK(route->lifetime_s > 0 && i < 24);
	CHECK(i == routes || memcmp(set_routes[i].gw.bytes, route->gw.bytes, 16) == 0);
	set_routes[i] = *route;
	routes += i == routes;
}

static void on_route_del(void *arg, const struct vs_auto_route *route)
{
	int i = find_route(route);

	(void)arg;
	CHECK(i < routes);
	set_routes[i] = set_routes[--routes];
}

static void on_facts(void *arg, const struct vs_auto_facts *facts)
{
	char name[VS_AUTO_SEARCH_MAX];

	(void)arg;
	CHECK(memchr(facts->search, '\0', sizeof(facts->search)) != NULL);
	for (const char *p = facts->search; *p != '\0';) {
		size_t n = strcspn(p, " ");
		memcpy(name, p, n);
		name[n] = '\0';
		CHECK(vs_dns_name_valid(name));
		p += n + (p[n] == ' ');
	}
}

static void on_news(void *arg, enum vs_auto_news what, const struct vs_auto_addr *about, const char *why)
{
	(void)arg, (void)what, (void)about, (void)why;
}

static void on_save(void *arg)
{
	(void)arg;
}

static void on_random(void *arg, void *bytes, size_t n)
{
	(void)arg;
	memset(bytes, 0x5a, n);
}

static const struct vs_auto_ops ops = {
	.send = on_send, .addr_set = on_addr_set, .addr_del = on_addr_del, .route_set = on_route_set,
	.route_del = on_route_del, .facts = on_facts, .news = on_news, .save = on_save, .random = on_random,
};

/* An advertisement of one of 16 routers, in memory of exactly its length. Returns the bytes taken. */
static size_t advertise(void *m, const uint8_t *data, size_t size)
{
	struct vs_auto_packet packet = { .way = VS_WAY_ICMP6, .hop_limit = 255 };
	size_t n = size > 1 ? data[1] : 0;

	if (size < 2 || n > size - 2)
		n = size < 2 ? 0 : size - 2;
	uint8_t *exact = malloc(n > 0 ? n : 1);
	if (exact == NULL)
		return size;
	memcpy(exact, data + (size < 2 ? 0 : 2), n);
	packet.bytes = exact;
	packet.n = n;
	packet.peer = (struct vs_auto_ip){ AF_INET6, { 0xfe, 0x80, [15] = size > 0 ? data[0] & 15 : 0 } };
	vs_ra_kind.input(m, now, &packet);
	free(exact);
	return n + 2 < size ? n + 2 : size;
}

static size_t let_time_pass(void *m, const uint8_t *data, size_t size)
{
	vs_auto_ms until = now + (size < 2 ? 1 : (vs_auto_ms)(data[0] << 8 | data[1]) * 97);

	for (vs_auto_ms due; (due = vs_ra_kind.deadline(m)) <= until;) {
		now = due > now ? due : now;
		vs_ra_kind.timer(m, now);
		CHECK(vs_ra_kind.deadline(m) > now);
	}
	now = until;
	return size < 2 ? size : 2;
}

static size_t step(void *m, uint8_t action, const uint8_t *data, size_t size)
{
	struct vs_auto_ip ip = { .family = AF_INET6 };

	switch (action % 8) {
	case 0:
	case 1:
	case 2:
		return advertise(m, data, size);
	case 3:
	case 4:
		return let_time_pass(m, data, size);
	case 5:
		vs_ra_kind.link(m, now, (action & 0x80) != 0);
		return 0;
	case 6:
		memcpy(ip.bytes, last_addr, 16);
		vs_ra_kind.detected(m, now, &ip, (action & 0x80) != 0);
		return 0;
	default:
		ip.bytes[0] = 0xfe, ip.bytes[1] = 0x80;
		vs_ra_kind.detected(m, now, &ip, (action & 0x80) != 0);
		return 0;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vs_auto_config config = { .ifname = "vde0", .mac = { 2 }, .fqdn = "host.example" };
	void *m = calloc(1, vs_ra_kind.size);

	if (m == NULL || size == 0) {
		free(m);
		return 0;
	}
	addrs = routes = 0;
	now = 0;
	config.iid = data[0] & 3;
	config.nodad = (data[0] & 4) != 0;
	vs_ra_kind.init(m, &config, &ops, NULL);
	vs_ra_kind.start(m, now, NULL);
	for (size_t at = 1; at < size;) {
		uint8_t action = data[at++];
		at += step(m, action, data + at, size - at);
	}
	vs_ra_kind.stop(m, now);
	CHECK(addrs == 0 && routes == 0);
	CHECK(vs_ra_kind.deadline(m) == VS_AUTO_NEVER);
	free(m);
	return 0;
}
