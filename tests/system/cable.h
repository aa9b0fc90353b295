/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_CABLE_H
#define VDESTACK_TESTS_CABLE_H

/* A point-to-point link whose frames the test checks, between two stacks or a stack and the test. */

#include <linux/if_ether.h>
#include <net/if.h>
#include <netinet/in.h>

#include "bulk.h"
#include "frames.h"
#include "net.h"
#include "wire.h"

/* ------------------------------------------------------------------ two stacks on a cable that is watched */

struct cable {
	struct vdestack *s[2]; /* 10.0.0.1, fc00::1; 10.0.0.2, fc00::2 */
	int end[2];
	struct wire_seen seen[2]; /* what the stack with that index has sent */
	struct wire_way way[2];
};

static struct cable cable;

/*
 * One end: opens the case's side and connects a stack to the other. What passes are ordinary frames.
 */
static inline struct vdestack *cable_plug(int i, unsigned mtu, unsigned no_offload)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "%s", case_path(i == 0 ? "a" : "b"));
	cable.end[i] = wire_open(path);
	cable.seen[i].mtu = mtu;
	no_offload |= VDESTACK_OFFLOAD_SUPER;
	cable.s[i] = stack_without(no_offload, "vnl=ptp://%s ip=10.0.0.%d/24 ip=fc00::%d/64 mtu=%u", path,
				   i + 1, i + 1, mtu);
	wire_connect(cable.end[i], path);
	return cable.s[i];
}

static inline void cable_carry(void)
{
	for (int i = 0; i < 2; i++) {
		cable.way[i] = (struct wire_way){ cable.end[i], cable.end[!i], &cable.seen[i] };
		wire_start(&cable.way[i]);
	}
}

static inline void cable_lay(unsigned mtu, unsigned no_offload)
{
	cable_plug(0, mtu, no_offload);
	cable_plug(1, mtu, no_offload);
	cable_carry();
}

static inline void cable_check(void)
{
	for (int i = 0; i < 2; i++) {
		struct wire_seen *w = &cable.seen[i];
		printf("from stack %d: %llu frames, %llu TCP with payload, %llu UDP, %llu tagged, %llu of "
		       "full length, longest %zu\n",
		       i, (unsigned long long)w->frames, (unsigned long long)w->tcp_data,
		       (unsigned long long)w->udp, (unsigned long long)w->tagged, (unsigned long long)w->full,
		       (size_t)w->longest);
		show_stats("  its counters", cable.s[i]);
		CHECK_STR(w->complaint, "");
		CHECK_EQ(stats_of(cable.s[i]).tx_refused, 0);
	}
}

static const unsigned char peer_mac[6] = { 2, 0, 0, 0, 0, 9 };

/* A neighbour entry for an absent peer, so datagrams are sent at once. */
static inline int socket_to_nobody(struct vdestack *s)
{

	MUST(vdestack_neigh_add(s, "vde0", "10.0.0.9", peer_mac));
	return connected_in(s, "10.0.0.9", SOCK_DGRAM, 9);
}

/* A frame with a datagram to 10.0.0.1:port. */
static inline size_t make_datagram(struct vdestack *s, uint8_t *f, int port, size_t payload)
{
	uint8_t *ip = f + 14, *udp = ip + 20;
	size_t len = 8 + payload;

	memset(f, 0, 42);
	MUST(vdestack_link_get_mac(s, "vde0", f));
	memcpy(f + 6, peer_mac, 6);
	f[12] = 8;
	ip[0] = 0x45;
	ip[2] = (uint8_t)((20 + len) >> 8);
	ip[3] = (uint8_t)(20 + len);
	ip[8] = 64;
	ip[9] = 17;
	memcpy(ip + 12, "\x0a\x00\x00\x09\x0a\x00\x00\x01", 8);
	uint32_t sum = ~wire_sum(0, ip, 20);
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
	udp[1] = 9;
	udp[2] = (uint8_t)(port >> 8);
	udp[3] = (uint8_t)port;
	udp[4] = (uint8_t)(len >> 8);
	udp[5] = (uint8_t)len;
	for (size_t i = 0; i < payload; i++)
		udp[8 + i] = byte_at(i, 3);
	const uint8_t numbers[4] = { 0, 17, (uint8_t)(len >> 8), (uint8_t)len };
	sum = ~wire_sum(wire_sum(wire_sum(0, numbers, 4), ip + 12, 8), udp, len);
	sum = (sum & 0xffff) == 0 ? 0xffff : sum;
	udp[6] = (uint8_t)(sum >> 8);
	udp[7] = (uint8_t)sum;
	return 42 + payload;
}

struct counted {
	struct vdestack *s;
	unsigned long long in_frames, in_dropped;
};

struct expected {
	struct vdestack *s;
	unsigned long long at_least;
};

static inline bool out_frames_agree(void *arg)
{
	struct expected *e = arg;
	unsigned long long seen = cable.seen[0].frames;

	return seen >= e->at_least && stats_of(e->s).tx_frames == seen;
}

static inline void reader_only(int i)
{
	cable.way[i] = (struct wire_way){ cable.end[i], -1, &cable.seen[i] };
	wire_start(&cable.way[i]);
}

#endif
