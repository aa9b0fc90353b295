/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A DHCPv6 client in any network: packets, times, cables and duplicates in any order.
 *
 * The first byte of the input is the configuration. Then come events: a byte, and what belongs to it. Most
 * packets get the transaction id that the client waits for; the fuzzer could not guess it.
 */

#include <fuzz.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "auto/dhcp6.h"
#include "proto/dhcp6.h"

#define IAID 7
#define PACKET_MAX 1500

static struct {
	vs_auto_ms now, begun;
	struct vs_auto_config config;
	void *client;
	bool down, stopped;
	uint32_t n_sent, xid, starts;
	struct vs_auto_addr addrs[VS_AUTO_LEASE_ADDRS_MAX];
	size_t n_addrs;
	struct vs_auto_facts facts;
	uint32_t random;
} w;

struct input {
	const uint8_t *bytes;
	size_t n;
};

static uint32_t take(struct input *in, size_t n)
{
	uint32_t number = 0;

	for (; n > 0 && in->n > 0; n--, in->n--)
		number = number << 8 | *in->bytes++;
	return number;
}

static void send_packet(void *arg, const struct vs_auto_packet *packet)
{
	struct vs_dhcp6 m;

	(void)arg;
	CHECK(!w.down);
	CHECK(packet->way == VS_WAY_UDP6 && packet->n <= VS_DHCP6_BYTES_MAX);
	CHECK(vs_dhcp6_parse(packet->bytes, packet->n, IAID, &m) == VS_DHCP6_OK);
	CHECK(m.client.n == 10 && m.has_elapsed && m.skipped == 0);
	CHECK(m.type != VS_DHCP6_ADVERTISE && m.type != VS_DHCP6_REPLY && m.type != VS_DHCP6_RECONFIGURE);
	CHECK(!w.stopped || m.type == VS_DHCP6_RELEASE);
	bool to_server = m.type == VS_DHCP6_REQUEST || m.type == VS_DHCP6_RENEW ||
			 m.type == VS_DHCP6_RELEASE || m.type == VS_DHCP6_DECLINE;
	CHECK((m.server.bytes != NULL) == to_server);
	w.xid = m.xid;
	w.n_sent++;
	CHECK(w.n_sent <= 20 * w.starts + (w.now - w.begun) / 1000);
}

static size_t find(const struct vs_auto_addr *addr)
{
	size_t i = 0;

	while (i < w.n_addrs && memcmp(w.addrs[i].ip.bytes, addr->ip.bytes, 16) != 0)
		i++;
	return i;
}

static void addr_set(void *arg, const struct vs_auto_addr *addr)
{
	size_t i = find(addr);
	const uint8_t *ip = addr->ip.bytes;

	(void)arg;
	CHECK(!w.stopped && i < VS_AUTO_LEASE_ADDRS_MAX);
	CHECK(addr->ip.family == AF_INET6 && addr->prefix_len == 128 && addr->no_prefix_route);
	CHECK(ip[0] != 0xff && !(ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80));
	CHECK(addr->valid_s > 0 && addr->preferred_s <= addr->valid_s);
	w.addrs[i] = *addr;
	w.n_addrs += i == w.n_addrs;
}

static void addr_del(void *arg, const struct vs_auto_addr *addr)
{
	size_t i = find(addr);

	(void)arg;
	CHECK(i < w.n_addrs);
	w.addrs[i] = w.addrs[--w.n_addrs];
}

static void route(void *arg, const struct vs_auto_route *r)
{
	(void)arg;
	(void)r;
	CHECK(false);
}

static void facts(void *arg, const struct vs_auto_facts *f)
{
	(void)arg;
	w.facts = *f;
	CHECK(memchr(f->search, 0, sizeof(f->search)) != NULL);
	for (const char *s = f->search; *s != 0; s++)
		CHECK((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') ||
		      strchr("-_. ", *s) != NULL);
	CHECK(f->prefix_len <= 128 && (f->prefix_len != 0) == (f->prefix.family != 0));
}

static void news(void *arg, enum vs_auto_news what, const struct vs_auto_addr *about, const char *why)
{
	(void)arg;
	(void)about;
	CHECK(what <= VS_NEWS_IPV6_ONLY);
	CHECK(why == NULL || strlen(why) < 96);
}

static void save(void *arg)
{
	(void)arg;
}

static void random_bytes(void *arg, void *bytes, size_t n)
{
	(void)arg;
	for (size_t i = 0; i < n; i++) {
		w.random = w.random * 1664525 + 1013904223;
		((uint8_t *)bytes)[i] = (uint8_t)(w.random >> 24);
	}
}

static const struct vs_auto_ops ops = {send_packet, addr_set, addr_del, route, route,
				       facts, news, save, random_bytes};

static void check_message(const struct vs_dhcp6 *m, const uint8_t *bytes, size_t n)
{
	const struct vs_dhcp6_bytes parts[] = {m->client, m->server, m->search, m->fqdn, m->wanted};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		CHECK(parts[i].bytes == NULL ||
		      (parts[i].bytes >= bytes + 8 && parts[i].bytes + parts[i].n <= bytes + n));
	CHECK(m->na.n <= VS_DHCP6_ADDRS_MAX && m->pd.n <= VS_DHCP6_ADDRS_MAX);
	CHECK(m->n_dns <= VS_DHCP6_SERVERS_MAX && m->n_ntp <= VS_DHCP6_SERVERS_MAX);
	CHECK(m->client.n <= VS_DHCP6_DUID_MAX && m->server.n <= VS_DHCP6_DUID_MAX);
	for (uint8_t i = 0; i < m->na.n; i++)
		CHECK(m->na.leases[i].preferred_s <= m->na.leases[i].valid_s);
	for (uint8_t i = 0; i < m->pd.n; i++)
		CHECK(m->pd.leases[i].prefix_len <= 128);
	(void)vs_dhcp6_wants(m, VS_DHCP6_DNS);
}

/* In memory of exactly that length, so a sanitizer detects a read beyond it. */
static void packet(struct input *in, bool as_it_is)
{
	size_t n = take(in, 2) % PACKET_MAX;

	n = n < in->n ? n : in->n;
	uint8_t *exact = malloc(n > 0 ? n : 1);
	if (exact == NULL)
		return;
	memcpy(exact, in->bytes, n);
	in->bytes += n;
	in->n -= n;
	if (!as_it_is && n >= 4) {
		exact[1] = (uint8_t)(w.xid >> 16);
		exact[2] = (uint8_t)(w.xid >> 8);
		exact[3] = (uint8_t)w.xid;
	}
	struct vs_dhcp6 m;
	if (vs_dhcp6_parse(exact, n, IAID, &m) == VS_DHCP6_OK)
		check_message(&m, exact, n);
	struct vs_auto_packet p = {.way = VS_WAY_UDP6, .bytes = exact, .n = n};
	vs_dhcp6_kind.input(w.client, w.now, &p);
	free(exact);
}

static void advance(vs_auto_ms to)
{
	if (to == VS_AUTO_NEVER)
		return;
	w.now = to > w.now ? to : w.now;
	/* A late timer may pass several states. If it did not end, the driver's thread would spin. */
	for (int i = 0; i < 4 && (i == 0 || vs_dhcp6_kind.deadline(w.client) < w.now); i++)
		vs_dhcp6_kind.timer(w.client, w.now);
	CHECK(vs_dhcp6_kind.deadline(w.client) >= w.now);
}

static void duplicate(uint32_t which)
{
	if (which < w.n_addrs) {
		struct vs_auto_ip ip = w.addrs[which].ip;

		vs_dhcp6_kind.detected(w.client, w.now, &ip, true);
	}
}

static void stop(void)
{
	/* what is sent by the call itself is a Release */
	w.stopped = true;
	vs_dhcp6_kind.stop(w.client, w.now);
	CHECK(w.n_addrs == 0);
	CHECK(w.facts.dns[0].family == 0 && w.facts.prefix.family == 0 && w.facts.search[0] == 0);
}

/* With a lease of as many addresses as the input says. */
static void start_again(struct input *in)
{
	struct vs_auto_lease lease = {.n_addrs = (uint8_t)(take(in, 1) % (VS_AUTO_LEASE_ADDRS_MAX + 1)),
				      .obtained = w.now,
				      .server_len = 10};

	for (uint8_t i = 0; i < lease.n_addrs; i++) {
		lease.addrs[i].ip.family = AF_INET6;
		memcpy(lease.addrs[i].ip.bytes, (uint8_t[16]){0x20, 1, 0x0d, 0xb8, [15] = i}, 16);
		lease.addrs[i].valid_s = lease.addrs[i].preferred_s = take(in, 2);
	}
	w.stopped = w.down = false;
	w.starts++;
	vs_dhcp6_kind.start(w.client, w.now, lease.n_addrs != 0 ? &lease : NULL);
}

static void event(struct input *in)
{
	uint32_t what = take(in, 1);

	switch (what % 8) {
	case 0:
	case 1:
		packet(in, what % 8 == 1);
		break;
	case 2:
	case 3:
		advance(vs_dhcp6_kind.deadline(w.client));
		break;
	case 4:
		advance(w.now + ((vs_auto_ms)take(in, 2) << (what / 8)));
		break;
	case 5:
		w.down = (what / 8) % 2 == 0;
		vs_dhcp6_kind.link(w.client, w.now, !w.down);
		break;
	case 6:
		duplicate(what / 8);
		break;
	default:
		if (what == 0xff && w.stopped)
			start_again(in);
		else if (what == 0xff)
			stop();
		else
			w.now += (vs_auto_ms)take(in, 2) << (what / 8); /* the process is stopped */
		break;
	}
}

static void check_state(void)
{
	struct vs_auto_state state;
	struct vs_auto_addr addrs[VS_AUTO_LEASE_ADDRS_MAX + 1];
	struct vs_auto_lease lease;

	vs_dhcp6_kind.describe(w.client, &state);
	CHECK(state.state != NULL && state.sent == w.n_sent);
	CHECK(memchr(state.problem, 0, sizeof(state.problem)) != NULL);
	CHECK(vs_dhcp6_kind.addrs(w.client, addrs, VS_AUTO_LEASE_ADDRS_MAX + 1) == w.n_addrs);
	if (vs_dhcp6_kind.lease(w.client, &lease))
		CHECK(lease.n_addrs <= VS_AUTO_LEASE_ADDRS_MAX && lease.server_len <= VS_AUTO_DUID_MAX);
	CHECK(!w.stopped || !state.ready);
}

static void start(uint32_t how)
{
	struct vs_auto_lease lease = {.n_addrs = 1, .obtained = 0, .server_len = 10};

	memset(&w, 0, sizeof(w));
	w.now = w.begun = 1000000;
	w.starts = 1;
	w.random = 1;
	memcpy(w.config.duid, "\0\3\0\1\2\0\0\0\0\1", 10);
	w.config.duid_len = 10;
	w.config.iaid = IAID;
	w.config.rapid = how & 1;
	w.config.pd_len = how & 2 ? 56 : 0;
	w.config.information = how & 4;
	w.config.release = how & 8;
	w.config.fqdn = how & 32 ? "host.example.org" : NULL;
	memcpy(lease.server, "\0\3\0\1\2\0\0\0\1\1", 10);
	lease.addrs[0].ip.family = AF_INET6;
	memcpy(lease.addrs[0].ip.bytes, (uint8_t[16]){0x20, 1, 0x0d, 0xb8, [15] = 1}, 16);
	lease.addrs[0].valid_s = lease.addrs[0].preferred_s = 1800;
	w.client = calloc(1, vs_dhcp6_kind.size);
	if (w.client == NULL)
		abort();
	vs_dhcp6_kind.init(w.client, &w.config, &ops, NULL);
	vs_dhcp6_kind.start(w.client, w.now, how & 16 ? &lease : NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};

	start(take(&in, 1));
	while (in.n > 0) {
		event(&in);
		check_state();
	}
	free(w.client);
	return 0;
}
