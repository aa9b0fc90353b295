/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Attacks on address sources: requests of who may not, malformed requests, hostile servers. */

#define _GNU_SOURCE
#include <limits.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>

#include "leases.h"

/* ------------------------------------------------------------------ who may, and with what */

CASE_BOTH(only_who_has_the_key_changes_sources)
{
	struct vs_wire_sources want = sources_of("vde0", VS_SOURCES_DHCP4);
	struct raw_request r = { .req = { .op = VS_OP_SOURCES }, .text = &want, .text_len = sizeof(want),
				 .no_key = true };
	struct vdestack_source state[4];

	new_network();
	CHECK_EQ(raw_call(door_of(client), &r, NULL), -EPERM);
	CHECK_EQ(MUST(vdestack_sources(client, NULL, state, 4)), 0);
	start_sources(client, &want, -1);
	MUST(vdestack_seal());
	r.n_fds = 0;
	CHECK_EQ(raw_call(seen.door, &r, NULL), -EPERM);
	/* to read is no change */
	CHECK_EQ(MUST(vdestack_sources(client, NULL, state, 4)), 1);
}

static void check_refused(const struct vs_wire_sources *want, int dir, int expected)
{
	char answer[VS_TEXT_MAX + 1];
	int r = change_sources(client, want, dir, answer);

	if (r != expected)
		FAIL("%d instead of %d: %s", r, expected, answer);
	CHECK(answer[0] != '\0');
}

CASE_BOTH(malformed_requests_are_refused)
{
	const struct vs_wire_sources good = sources_of("vde0", VS_SOURCES_DHCP4);
	struct vs_wire_sources bad;
	struct raw_request r = { .req = { .op = VS_OP_SOURCES }, .text = &good, .claim = &seen.claim };
	struct learned l;

	new_network();
#define REFUSED(change)                                                                                      \
	do {                                                                                                 \
		bad = good;                                                                                  \
		change;                                                                                      \
		check_refused(&bad, -1, -EINVAL);                                                            \
	} while (0)
	REFUSED(memset(bad.ifname, 'x', sizeof(bad.ifname)));
	REFUSED(bad.ifname[0] = '\0');
	REFUSED(memset(bad.name, 'x', sizeof(bad.name)));
	REFUSED(strcpy(bad.name, "../x"));
	REFUSED(strcpy(bad.name, "a/b"));
	REFUSED(strcpy(bad.ifname, "../all")); /* the kernel has second names of interfaces with a '/' */
	REFUSED(strcpy(bad.ifname, "all"));
	REFUSED(bad.start = 0x10);
	REFUSED(bad.stop = ~0u);
	REFUSED(bad.required = 0x80000000);
	REFUSED(bad.one_of = 0x100);
	REFUSED(bad.flags = ~0u);
	REFUSED(bad.pd_len = 129);
	REFUSED(bad.n_dns = 9);
	REFUSED(bad.n_dns = ~0u);
	REFUSED(bad.n_dns = 1);     /* of no family */
	REFUSED(bad.n_del_dns = 9);
	REFUSED(memset(bad.domains, 'x', sizeof(bad.domains)));
	REFUSED(strcpy(bad.domains, "a\nnameserver 6.6.6.6"));
	REFUSED(memset(bad.del_domains, 'x', sizeof(bad.del_domains)));
	REFUSED(memset(bad.fqdn, 'x', sizeof(bad.fqdn)));
	REFUSED(strcpy(bad.fqdn, "a b"));
	bad = good;
	strcpy(bad.ifname, "vde7");
	check_refused(&bad, -1, -ENODEV);
	strcpy(bad.ifname, "lo");
	check_refused(&bad, -1, -EINVAL);
	bad = good;
	bad.has_leases = 1;
	check_refused(&bad, -1, -ENOTDIR);
	int file = (int)MUST(open("/dev/null", O_RDONLY | O_CLOEXEC));
	check_refused(&bad, file, -ENOTDIR);
	close(file);
	for (size_t n = 0; n < sizeof(good); n += 97) {
		r.text_len = n;
		r.n_fds = 0;
		CHECK_EQ(raw_call(door_of(client), &r, NULL), -EINVAL);
	}
	read_learned(client, &l);
	CHECK_EQ(l.head.n, 0);
}

#define WAITS 16

static bool is_answered(int channel)
{
	struct pollfd p = { .fd = channel, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/*
 * Whether as many calls wait as may wait. The keeper serves requests in their order, so a refusal is there
 * when a later request is answered. A call that has gone counts until the keeper has seen its end.
 */
static bool all_wait(void *arg)
{
	int *channels = arg, refused = 0;
	struct learned l;

	for (int i = 0; i < WAITS; i++)
		channels[i] = begin_wait(client);
	read_learned(client, &l);
	for (int i = 0; i < WAITS; i++)
		refused += is_answered(channels[i]);
	for (int i = 0; i < WAITS && refused > 0; i++)
		close(channels[i]);
	return refused == 0;
}

CASE_BOTH(a_few_calls_may_wait_and_no_more)
{
	struct vs_wire_sources want = sources_of("vde0", VS_SOURCES_DHCP4);
	int channels[WAITS];

	new_network();
	start_sources(client, &want, -1); /* there is no server */
	for (int round = 0; round < 3; round++) {
		CHECK(wait_until(all_wait, channels, SOON_MS)); /* those of the last round have gone */
		int refused = begin_wait(client);
		CHECK_EQ(raw_reply(refused, NULL), -EBUSY);
		close(refused);
		for (int i = 0; i < WAITS; i++)
			close(channels[i]);
	}
	CHECK(wait_until(all_wait, channels, SOON_MS));
	MUST(vdestack_delete(client));
	for (int i = 0; i < WAITS; i++) {
		int r = raw_reply(channels[i], NULL);
		CHECK(r == -ENETDOWN || r == -EPIPE);
		close(channels[i]);
	}
}

/* ------------------------------------------------------------------ hostile servers */

static void fill(uint8_t *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)random();
}

/* A reply to the client's MAC with random content, without a checksum. Most have the magic number. */
static size_t random_bootp(uint8_t *p)
{
	size_t n = 20 + 8 + 240 + (size_t)random() % 300;
	static const uint8_t head[] = { 0x45, 0,  0,   0,   0,   0,   0, 0,  64, 17, 0, 0, 10, 7, 0, 1,
					255,  255, 255, 255, 0, 67, 0, 68, 0,  0,  0, 0, 2,  1, 6, 0 };
	static const uint8_t mac[] = { 2, 0, 0, 0, 0, 0x77 }, magic[] = { 99, 130, 83, 99, 53, 1 };

	fill(p, n);
	memcpy(p, head, sizeof(head));
	memcpy(p + 56, mac, sizeof(mac));
	if (random() % 4 != 0)
		memcpy(p + 264, magic, sizeof(magic));
	p[2] = (uint8_t)(n >> 8);
	p[3] = (uint8_t)n;
	p[24] = (uint8_t)((n - 20) >> 8);
	p[25] = (uint8_t)(n - 20);
	uint32_t sum = 0;
	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	p[10] = (uint8_t)(~sum >> 8);
	p[11] = (uint8_t)~sum;
	return n;
}

static void send_hostile(int rounds)
{
	uint8_t p[1400];
	int link = (int)MUST(vdestack_msocket(server, AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	int raw = (int)MUST(vdestack_msocket(server, AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6));
	int udp = (int)MUST(vdestack_msocket(server, AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	int index = (int)MUST(vdestack_if_nametoindex(server, "vde0")), hops = 255;
	struct sockaddr_ll all = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP),
				   .sll_ifindex = index, .sll_halen = 6,
				   .sll_addr = { 255, 255, 255, 255, 255, 255 } };
	struct sockaddr_in6 nodes = { .sin6_family = AF_INET6, .sin6_scope_id = (uint32_t)index,
				      .sin6_addr = { { { 0xff, 2, [15] = 1 } } } };

	MUST(setsockopt(raw, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)));
	for (int i = 0; i < rounds; i++) {
		size_t n = random_bootp(p);
		(void)sendto(link, p, n, 0, (struct sockaddr *)&all, sizeof(all));
		fill(p, sizeof(p));
		p[0] = 134; /* a router advertisement */
		p[1] = 0;
		nodes.sin6_port = 0;
		n = 16 + (size_t)random() % 1000;
		(void)sendto(raw, p, n, 0, (struct sockaddr *)&nodes, sizeof(nodes));
		p[0] = (uint8_t)(random() % 16);
		nodes.sin6_port = htons(546);
		(void)sendto(udp, p, (size_t)random() % 1000, 0, (struct sockaddr *)&nodes, sizeof(nodes));
	}
	close(link);
	close(raw);
	close(udp);
}

CASE_BOTH(hostile_replies_are_ignored_and_counted)
{
	struct vs_wire_sources want =
		sources_of("vde0", VS_SOURCES_DHCP4 | VS_SOURCES_DHCP6 | VS_SOURCES_SLAAC);
	struct vdestack_source state[4];
	unsigned seed = (unsigned)getpid();

	(void)printf("seed %u\n", seed);
	srandom(seed);
	server = new_stack("vnl=inproc://lan ip=10.7.0.1/24 ip=fd00:7::1/64");
	client = new_stack("vnl=inproc://lan eth mac=02:00:00:00:00:77");
	start_sources(client, &want, -1);
	send_hostile(1000);
	int n = (int)MUST(vdestack_sources(client, "vde0", state, 4));
	CHECK_EQ(n, 3);
	unsigned ignored = 0;
	for (int i = 0; i < n; i++)
		for (int j = 0; state[i].source == VDESTACK_SOURCE_DHCP4 && j < 8; j++)
			ignored += state[i].ignored[j];
	CHECK(ignored > 0);
	close(start_dnsmasq(server, four));
	want = sources_of("vde0", VS_SOURCES_DHCP4);
	want.stop = VS_SOURCES_DHCP4 | VS_SOURCES_RA | VS_SOURCES_DHCP6;
	start_sources(client, &want, -1);
	send_hostile(100);
	wait_for_sources(client);
}
