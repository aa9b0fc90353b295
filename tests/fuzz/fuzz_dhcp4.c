/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The DHCPv4 messages and the client. The input is first read as a message. Then it is a list of steps for a
 * client: times, packets, messages that are right except for what the input says, ARP, the link, stop and
 * start. Always: an address is set only within its lease, each set address and route is taken back once,
 * nothing is sent without a link, and a timer that was served is in the future again.
 */

#include <fuzz.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auto/dhcp4.h"
#include "proto/arp.h"
#include "proto/be.h"
#include "proto/dhcp4.h"
#include "proto/udp4.h"

#define ROUTES_MAX 64
#define SENDS_MAX 4 /* by one call */
#define LATE_MAX 8  /* calls of timer() until the deadline is in the future */

struct input {
	const uint8_t *bytes;
	size_t n;
};

struct client {
	void *m;
	struct vs_auto_config config;
	vs_auto_ms now;
	bool link, stopped;
	uint32_t addr, sent_addr, xid;
	unsigned prefix_len, sends;
	struct vs_auto_route routes[ROUTES_MAX];
	size_t n_routes;
	uint32_t random;
	uint8_t machine[2048] __attribute__((aligned(16)));
};

static uint8_t take(struct input *in)
{
	if (in->n == 0)
		return 0;
	in->n--;
	return *in->bytes++;
}

static uint32_t take32(struct input *in)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++)
		v = v << 8 | take(in);
	return v;
}

static void on_send(void *arg, const struct vs_auto_packet *packet)
{
	struct client *c = arg;
	struct vs_arp arp;
	struct vs_udp4 udp;

	CHECK(c->link && ++c->sends <= SENDS_MAX);
	if (packet->way == VS_WAY_ARP) {
		CHECK(vs_arp_parse(packet->bytes, packet->n, &arp));
		c->sent_addr = arp.target_ip;
		return;
	}
	CHECK(packet->way == VS_WAY_IP4 || (packet->way == VS_WAY_UDP4 && c->addr != 0));
	const uint8_t *message = packet->bytes;
	if (packet->way == VS_WAY_IP4) {
		CHECK(vs_udp4_unwrap(packet->bytes, packet->n, false, &udp) == VS_UDP4_OK);
		message = udp.payload;
	}
	c->xid = vs_be_get32(message + 4);
}

static void on_addr_set(void *arg, const struct vs_auto_addr *addr)
{
	struct client *c = arg;
	uint32_t ip = vs_be_get32(addr->ip.bytes);

	CHECK(addr->ip.family == AF_INET && addr->valid_s > 0 && addr->prefix_len > 0 &&
	      addr->prefix_len <= 32);
	CHECK(c->addr == 0 || (c->addr == ip && c->prefix_len == addr->prefix_len));
	c->addr = ip;
	c->prefix_len = addr->prefix_len;
}

static void on_addr_del(void *arg, const struct vs_auto_addr *addr)
{
	struct client *c = arg;

	CHECK(c->addr != 0 && c->addr == vs_be_get32(addr->ip.bytes) && c->prefix_len == addr->prefix_len);
	CHECK(c->n_routes == 0);
	c->addr = 0;
}

static size_t find(const struct client *c, const struct vs_auto_route *r)
{
	size_t i = 0;

	while (i < c->n_routes && (c->routes[i].prefix_len != r->prefix_len ||
				   memcmp(&c->routes[i].dst, &r->dst, sizeof(r->dst)) != 0 ||
				   memcmp(&c->routes[i].gw, &r->gw, sizeof(r->gw)) != 0))
		i++;
	return i;
}

static void on_route_set(void *arg, const struct vs_auto_route *r)
{
	struct client *c = arg;
	size_t i = find(c, r);

	CHECK(c->addr != 0 && i < ROUTES_MAX);
	if (i == c->n_routes)
		c->routes[c->n_routes++] = *r;
}

static void on_route_del(void *arg, const struct vs_auto_route *r)
{
	struct client *c = arg;
	size_t i = find(c, r);

	CHECK(i < c->n_routes);
	c->routes[i] = c->routes[--c->n_routes];
}

static void on_facts(void *arg, const struct vs_auto_facts *facts)
{
	(void)arg;
	CHECK(memchr(facts->search, '\0', sizeof(facts->search)) != NULL);
	for (const char *p = facts->search; *p != '\0'; p++)
		CHECK(*p >= ' ' && *p <= 'z');
}

static void on_news(void *arg, enum vs_auto_news what, const struct vs_auto_addr *about, const char *why)
{
	(void)arg;
	(void)about;
	CHECK(what <= VS_NEWS_IPV6_ONLY);
	for (; why != NULL && *why != '\0'; why++)
		CHECK(*why >= ' ' && *why <= '~');
}

static void on_save(void *arg)
{
	(void)arg;
}

static void on_random(void *arg, void *bytes, size_t n)
{
	struct client *c = arg;

	for (size_t i = 0; i < n; i++) {
		c->random = c->random * 1664525 + 1013904223;
		((uint8_t *)bytes)[i] = (uint8_t)(c->random >> 24);
	}
}

static const struct vs_auto_ops ops = {
	.send = on_send,
	.addr_set = on_addr_set,
	.addr_del = on_addr_del,
	.route_set = on_route_set,
	.route_del = on_route_del,
	.facts = on_facts,
	.news = on_news,
	.save = on_save,
	.random = on_random,
};

/* What holds after each call. */
static void check(struct client *c)
{
	struct vs_auto_addr addr;
	struct vs_auto_state s;

	c->sends = 0;
	vs_dhcp4_kind.describe(c->m, &s);
	CHECK(s.state != NULL && memchr(s.problem, '\0', sizeof(s.problem)) != NULL);
	CHECK(vs_dhcp4_kind.addrs(c->m, &addr, 1) == (c->addr != 0));
	CHECK(c->addr == 0 || (c->now < s.expiry && s.ready));
	CHECK(c->addr != 0 || c->n_routes == 0);
}

static void serve_timer(struct client *c)
{
	for (int i = 0; vs_dhcp4_kind.deadline(c->m) <= c->now; i++) {
		CHECK(i < LATE_MAX);
		vs_dhcp4_kind.timer(c->m, c->now);
		check(c);
	}
}

static void input(struct client *c, enum vs_auto_way way, const uint8_t *bytes, size_t n)
{
	struct vs_auto_packet packet = { .way = way, .n = n, .mac = { 2, 0, 0, 0, 0, 1 } };
	uint8_t *copy = malloc(n != 0 ? n : 1);

	CHECK(copy != NULL);
	memcpy(copy, bytes, n);
	packet.bytes = copy;
	vs_dhcp4_kind.input(c->m, c->now, &packet);
	free(copy);
	check(c);
}

static void input_rest(struct client *c, enum vs_auto_way way, struct input *in)
{
	size_t n = take(in) * 6u;

	n = n < in->n ? n : in->n;
	input(c, way, in->bytes, n);
	in->bytes += n;
	in->n -= n;
}

/* A message of a server, right where the input does not say otherwise. */
static void input_message(struct client *c, struct input *in)
{
	uint8_t message[240 + 9 + 6 + 6 + 6 + 255] = { 2, 1, 6 }, bytes[sizeof(message) + VS_UDP4_HEADERS];
	uint8_t type = take(in), server = take(in) % 4, host = take(in), lease = take(in), extra = take(in);
	size_t n = 240;

	vs_be_put32(message + 4, c->xid);
	vs_be_put32(message + 16, 0x0a000000u | host);
	memcpy(message + 28, c->config.mac, 6);
	vs_be_put32(message + 236, 0x63825363);
	memcpy(message + n, (uint8_t[]){ 53, 1, type % 16, 54, 4, 10, 0, 0, server }, 9);
	n += 9;
	memcpy(message + n, (uint8_t[]){ 51, 4, 0, 0, lease / 16, lease }, 6);
	n += 6;
	if (type < 128) {
		memcpy(message + n, (uint8_t[]){ 1, 4, 255, 255, 255, 0 }, 6);
		n += 6;
	}
	extra = extra < in->n ? extra : (uint8_t)in->n;
	memcpy(message + n, in->bytes, extra);
	in->bytes += extra;
	in->n -= extra;
	n += extra;
	message[n++] = 255;
	const struct vs_udp4 udp = { .src = 0x0a000001,
				     .dst = UINT32_MAX,
				     .src_port = 67,
				     .dst_port = 68,
				     .payload = message,
				     .n = n };
	input(c, VS_WAY_IP4, bytes, vs_udp4_wrap(&udp, bytes, sizeof(bytes)));
}

static void input_arp(struct client *c, struct input *in)
{
	uint8_t kind = take(in), bytes[VS_ARP_BYTES];
	struct vs_arp arp = { .op = kind & 1 ? VS_ARP_REQUEST : VS_ARP_REPLY,
			      .sender_mac = { 2, 0, 0, 0, 0, 9 },
			      .sender_ip = kind & 2 ? c->sent_addr : 0,
			      .target_ip = kind & 4 ? c->sent_addr : 1 };

	if (kind & 8)
		memcpy(arp.sender_mac, c->config.mac, 6);
	vs_arp_encode(&arp, bytes);
	input(c, VS_WAY_ARP, bytes, sizeof(bytes));
}

static void start(struct client *c, struct input *in)
{
	struct vs_auto_lease lease = { .n_addrs = take(in), .server_len = take(in) };

	if (!c->stopped) {
		vs_dhcp4_kind.stop(c->m, c->now);
		check(c);
		CHECK(c->addr == 0);
		CHECK(vs_dhcp4_kind.deadline(c->m) == VS_AUTO_NEVER);
		c->stopped = true;
		return;
	}
	lease.obtained = c->now - take32(in);
	lease.addrs[0].ip.family = AF_INET;
	lease.addrs[0].prefix_len = take(in);
	lease.addrs[0].valid_s = take32(in);
	vs_be_put32(lease.addrs[0].ip.bytes, 0x0a000000u | take(in));
	c->link = true;
	c->stopped = false;
	vs_dhcp4_kind.start(c->m, c->now, lease.n_addrs & 1 ? &lease : NULL);
	check(c);
}

static void step(struct client *c, struct input *in)
{
	switch (take(in) % 9) {
	case 0: /* to the deadline */
		if (vs_dhcp4_kind.deadline(c->m) != VS_AUTO_NEVER && vs_dhcp4_kind.deadline(c->m) > c->now)
			c->now = vs_dhcp4_kind.deadline(c->m) + take(in) % 8;
		break;
	case 1: /* a while, without a look at the timer */
		c->now += take32(in) >> (take(in) % 32);
		return;
	case 2:
		input_rest(c, VS_WAY_IP4, in);
		return;
	case 3:
		input_rest(c, VS_WAY_ARP, in);
		return;
	case 4:
	case 5:
		input_message(c, in);
		return;
	case 6:
		input_arp(c, in);
		return;
	case 7:
		c->link = !c->link;
		vs_dhcp4_kind.link(c->m, c->now, c->link);
		c->sends = 0;
		break;
	default:
		serve_timer(c);
		start(c, in);
		break;
	}
	serve_timer(c);
}

static void check_text(const char *text, size_t room)
{
	CHECK(memchr(text, '\0', room) != NULL);
	for (; *text != '\0'; text++)
		CHECK(*text >= ' ' && *text <= '~');
}

static void read_message(const uint8_t *data, size_t size)
{
	struct vs_dhcp4_reply r;

	if (!vs_dhcp4_parse(data, size, &r))
		return;
	CHECK(r.type == VS_DHCP4_OFFER || r.type == VS_DHCP4_ACK || r.type == VS_DHCP4_NAK);
	CHECK(r.n_routers <= VS_DHCP4_LIST_MAX && r.n_dns <= VS_DHCP4_LIST_MAX &&
	      r.n_ntp <= VS_DHCP4_LIST_MAX);
	CHECK(r.n_routes <= VS_DHCP4_ROUTES_MAX && r.client_id_len <= VS_DHCP4_CLIENT_ID_MAX);
	for (size_t i = 0; i < r.n_routes; i++)
		CHECK(r.routes[i].prefix_len <= 32);
	check_text(r.search, sizeof(r.search));
	check_text(r.text, sizeof(r.text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct client c = { .now = 1000000, .link = true, .random = 1 };
	struct input in = { .bytes = data, .n = size };

	read_message(data, size);
	uint8_t flags = take(&in);
	c.config = (struct vs_auto_config){ .mac = { 2, 0, 0, 0, 0, 2 },
					    .nodad = flags & 1,
					    .rapid = flags & 2,
					    .ipv6_only = flags & 4,
					    .release = flags & 8,
					    .fqdn = flags & 16 ? "host.lab.test" : NULL,
					    .duid_len = flags & 32 ? VS_AUTO_DUID_MAX : 0 };
	CHECK(vs_dhcp4_kind.size <= sizeof(c.machine));
	c.m = c.machine;
	vs_dhcp4_kind.init(c.m, &c.config, &ops, &c);
	vs_dhcp4_kind.start(c.m, c.now, NULL);
	check(&c);
	for (int n = 0; n < 300 && in.n > 0; n++)
		step(&c, &in);
	serve_timer(&c);
	vs_dhcp4_kind.stop(c.m, c.now);
	CHECK(c.addr == 0 && c.n_routes == 0);
	return 0;
}
