/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What is sent over a link, frame by frame, with each set of offloads; how it is counted; and how long frames
 * may be.
 */

#define _GNU_SOURCE
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdatomic.h>

#include "bulk.h"
#include "cable.h"
#include "frames.h"
#include "net.h"
#include "traffic.h"
#include "wire.h"

/* ------------------------------------------------------------------ what goes over the link */

static void tcp_at(unsigned mtu)
{
	cable_lay(mtu, 0);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(stats_of(cable.s[i]).offloads &
				 (VDESTACK_OFFLOAD_CSUM | VDESTACK_OFFLOAD_TSO | VDESTACK_OFFLOAD_GRO),
			 VDESTACK_OFFLOAD_CSUM | VDESTACK_OFFLOAD_TSO | VDESTACK_OFFLOAD_GRO);
	bulk_both_ways(cable.s[0], "10.0.0.1", cable.s[1], 8 << 20);
	bulk_both_ways(cable.s[1], "fc00::2", cable.s[0], 8 << 20);
	cable_check();
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(cable.seen[i].longest, mtu + 14);
		CHECK(cable.seen[i].full > (16u << 20) / mtu / 2); /* most of it in frames of full length */
		CHECK(stats_of(cable.s[i]).rx_writes < stats_of(cable.s[i]).rx_frames);
	}
}

CASE_FLAGS(every_frame_of_tcp_is_complete_and_keeps_an_mtu_of_1500, BOTH_VDE | CASE_F_NO_TUN)
{
	tcp_at(1500);
}

CASE_FLAGS(every_frame_of_tcp_is_complete_and_keeps_an_mtu_of_1280, USER_VDE | CASE_F_NO_TUN)
{
	tcp_at(1280);
}

CASE_FLAGS(every_frame_of_tcp_is_complete_and_keeps_an_mtu_of_9000, USER_VDE | CASE_F_NO_TUN)
{
	tcp_at(9000);
}

/* Writes of one size, each sent when the one before has been answered. */
static struct wire_flow *write_in_steps(const char *addr, size_t size, unsigned n)
{
	struct connection c = connection_to(cable.s[1], addr, cable.s[0]);
	char *buf = calloc(1, size), byte = 'x';
	int room = 1 << 20; /* a sender that waits for buffer space sets PSH */

	CHECK(buf != NULL);
	MUST(setsockopt(c.a, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)));
	for (unsigned i = 0; i < n; i++) {
		CHECK_EQ(send(c.a, buf, size, MSG_NOSIGNAL), size);
		CHECK_EQ(recv(c.b, buf, size, MSG_WAITALL), size);
		CHECK_EQ(send(c.b, &byte, 1, MSG_NOSIGNAL), 1);
		CHECK_EQ(recv(c.a, &byte, 1, 0), 1);
	}
	/* the last write and FIN in one segment */
	int on = 1;
	MUST(setsockopt(c.a, IPPROTO_TCP, TCP_CORK, &on, sizeof(on)));
	CHECK_EQ(send(c.a, buf, size, MSG_NOSIGNAL), size);
	MUST(shutdown(c.a, SHUT_WR));
	CHECK_EQ(recv(c.b, buf, size, MSG_WAITALL), size);
	CHECK_EQ(recv(c.b, buf, 1, 0), 0);
	free(buf);
	connection_close(&c);
	for (size_t i = 0; i < cable.seen[0].n_flows; i++)
		if (cable.seen[0].flows[i].data > n)
			return &cable.seen[0].flows[i];
	FAIL("the flow has not been seen");
}

static void check_pushes(const char *addr)
{
	const size_t size = 16000;
	const unsigned n = 50, settled = 10; /* while the window opens, the kernel pushes in between */
	unsigned pushes = 0;

	cable.seen[0].n_flows = 0; /* nothing passes now */
	struct wire_flow *flow = write_in_steps(addr, size, n);
	printf("%llu segments, %u with PSH, %u with FIN; PSH after", flow->data, flow->n_pushes, flow->fins);
	for (unsigned i = 0; i < flow->n_pushes; i++)
		printf(" %u", flow->pushes[i] - 1);
	printf("\n");
	CHECK(flow->data > n * (size / 1500));
	CHECK(flow->fins > 0);
	for (unsigned i = 0; i < flow->n_pushes; i++) {
		unsigned at = flow->pushes[i] - 1;
		if (at <= settled * size ||
		    at > n * size) /* the last one was corked: its rest follows later */
			continue;
		if (at % size != 0)
			FAIL("PSH after byte %u, in the middle of a write of %zu", at, size);
		pushes++;
	}
	CHECK_EQ(pushes, n - settled);
	CHECK_EQ(flow->end, 1 + (n + 1) * size);
}

CASE_FLAGS(push_and_fin_are_on_the_last_segment_of_a_write_only, USER_VDE | CASE_F_NO_TUN)
{
	cable_lay(1500, 0);
	check_pushes("10.0.0.2");
	check_pushes("fc00::2");
	cable_check();
}

/* Datagrams cut by the offload, in steps so that none is lost: the sizes and bytes that arrive. */
static void udp_segments(const char *addr, int size, int n, int rounds)
{
	static unsigned char out[65536], in[65536];
	int port = 0, room = 1 << 20;
	int rx = bound_in(cable.s[1], addr, SOCK_DGRAM, &port);
	int tx = connected_in(cable.s[0], addr, SOCK_DGRAM, port);
	int last = size - size / 2;
	size_t len = (size_t)(size * (n - 1) + last);

	cable.seen[0].udp_run = (unsigned)n;
	MUST(setsockopt(rx, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)));
	MUST(setsockopt(tx, SOL_UDP, UDP_SEGMENT, &size, sizeof(size)));
	for (int round = 0; round < rounds; round++) {
		for (size_t i = 0; i < len; i++)
			out[i] = byte_at(i, (unsigned)round);
		CHECK_EQ(send(tx, out, len, 0), len);
		for (int i = 0; i < n; i++) {
			size_t want = (size_t)(i < n - 1 ? size : last);
			CHECK_EQ(recv(rx, in, sizeof(in), 0), want);
			CHECK(memcmp(in, out + (size_t)i * (size_t)size, want) == 0);
		}
	}
	close(tx);
	close(rx);
}

CASE_FLAGS(every_datagram_of_a_segmented_send_is_complete, BOTH_VDE | CASE_F_NO_TUN)
{
	cable_lay(1500, 0);
	udp_segments("10.0.0.2", 1000, 30, 40);
	udp_segments("fc00::2", 1000, 30, 40);
	udp_segments("10.0.0.2", 1472, 40, 20);
	udp_segments("fc00::2", 1452, 40, 20);
	udp_segments("10.0.0.2", 1, 60, 5);
	cable_check();
	CHECK_EQ(cable.seen[0].udp, 2 * 30 * 40 + 2 * 40 * 20 + 60 * 5);
	CHECK_EQ(cable.seen[0].longest, 1514);
}

CASE_FLAGS(segmented_sends_keep_mtus_of_1280_and_9000, USER_VDE | CASE_F_NO_TUN)
{
	cable_lay(9000, 0);
	udp_segments("10.0.0.2", 8972, 7, 20);
	udp_segments("fc00::2", 8952, 7, 20);
	for (int i = 0; i < 2; i++) {
		MUST(vdestack_link_set_mtu(cable.s[i], "vde0", 1280));
		cable.seen[i].mtu = 1280;
	}
	udp_segments("10.0.0.2", 1252, 30, 20);
	udp_segments("fc00::2", 1232, 30, 20);
	cable_check();
	CHECK_EQ(cable.seen[0].udp, 2 * 7 * 20 + 2 * 30 * 20);
	CHECK_EQ(cable.seen[0].longest, 9014);
}

/*
 * A super-frame in one or two VLAN tags, as a VLAN interface sends it. It is sent by a packet
 * socket, because not every kernel has VLAN interfaces.
 */
static void send_tagged(int fd, int index, int tags, bool ipv6, bool udp)
{
	static uint8_t out[FRAME_ROOM];
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = index,
				  .sll_protocol = htons(ETH_P_8021Q), .sll_halen = 6 };
	struct frame f = { .tags = tags, .ipv6 = ipv6, .udp = udp, .ttl = 64, .df = true, .id = 0xfffa,
			   .sport = 5000, .dport = 5001, .seq = 0xfffff000, .ack = 1, .flags = ACK | PSH,
			   .window = 500, .payload = 30001, .partial = true, .host = 1 };
	struct virtio_net_hdr vnet = frame_vnet(&f, 1400);
	struct iovec iov[2] = { { &vnet, sizeof(vnet) }, { out, frame_make(&f, out) } };
	struct msghdr m = { .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = iov, .msg_iovlen = 2 };

	if (sendmsg(fd, &m, 0) < 0)
		FAIL("a super-frame with %d tags: %s", tags, strerror(errno));
}

static bool has_seen(void *arg)
{
	return cable.seen[0].tagged >= *(unsigned long long *)arg &&
	       cable.seen[0].looked_at == cable.seen[0].frames;
}

CASE_FLAGS(super_frames_in_vlan_tags_leave_complete_with_their_tags, USER_VDE | CASE_F_NO_TUN)
{
	struct vdestack *s = cable_plug(0, 1500, 0);
	int index = (int)MUST(vdestack_if_nametoindex(s, "vde0")), on = 1;
	int fd = (int)MUST(vdestack_msocket(s, AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
	unsigned long long segments = 0;

	MUST(setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)));
	cable.way[0] = (struct wire_way){ cable.end[0], -1, &cable.seen[0] };
	wire_start(&cable.way[0]);
	for (int i = 0; i < 8; i++) {
		cable.seen[0].udp_run = 22;
		cable.seen[0].n_flows = 0; /* all have the same ports */
		send_tagged(fd, index, 1 + (i & 1), (i & 2) != 0, (i & 4) != 0);
		segments += 22; /* 21 of 1400 and one of 601 */
		CHECK(wait_until(has_seen, &segments, SOON_MS));
	}
	printf("%llu frames with tags, longest %zu\n", (unsigned long long)cable.seen[0].tagged,
	       (size_t)cable.seen[0].longest);
	show_stats("counters", s);
	CHECK_EQ(cable.seen[0].tagged, segments);
	CHECK_EQ(cable.seen[0].longest, 14 + 8 + 40 + 20 + 1400);
	CHECK_STR(cable.seen[0].complaint, "");
	CHECK_EQ(stats_of(s).tx_refused, 0);
}

/* ------------------------------------------------------------------ offloads that are off */

/* Each offload switched off: the counters show it, and everything works. */
static void traffic_without(unsigned off, unsigned expected_off)
{
	cable_lay(1500, off);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(stats_of(cable.s[i]).offloads & expected_off, 0);
	bulk_both_ways(cable.s[0], "10.0.0.1", cable.s[1], 4 << 20);
	bulk_both_ways(cable.s[1], "fc00::2", cable.s[0], 4 << 20);
	udp_segments("10.0.0.2", 1000, 30, 10);
	udp_segments("fc00::2", 1000, 30, 10);
	cable_check();
}

/* The offloads that stay on, if the kernel has them. */
static unsigned kernel_has(void)
{
	struct vdestack *s = stack_of("vnl=ptp://%s", case_path("probe"));
	unsigned has = stats_of(s).offloads;

	printf("offloads in force by default: 0x%x\n", has);
	CHECK_EQ(has & (VDESTACK_OFFLOAD_CSUM | VDESTACK_OFFLOAD_TSO | VDESTACK_OFFLOAD_GRO),
		 VDESTACK_OFFLOAD_CSUM | VDESTACK_OFFLOAD_TSO | VDESTACK_OFFLOAD_GRO);
	MUST(vdestack_delete(s));
	return has;
}

static void only_off(unsigned off, unsigned expected_off)
{
	unsigned has = kernel_has();

	traffic_without(off, expected_off);
	/* The cable carries ordinary frames. */
	CHECK_EQ(stats_of(cable.s[0]).offloads, has & ~(expected_off | VDESTACK_OFFLOAD_SUPER));
}

CASE_FLAGS(without_checksum_offload_traffic_is_the_same, USER_VDE | CASE_F_NO_TUN)
{
	only_off(VDESTACK_OFFLOAD_CSUM, VDESTACK_OFFLOAD_CSUM | VDESTACK_OFFLOAD_TSO | VDESTACK_OFFLOAD_USO);
}

CASE_FLAGS(without_tcp_segmentation_traffic_is_the_same, USER_VDE | CASE_F_NO_TUN)
{
	only_off(VDESTACK_OFFLOAD_TSO, VDESTACK_OFFLOAD_TSO);
}

CASE_FLAGS(without_udp_segmentation_traffic_is_the_same, USER_VDE | CASE_F_NO_TUN)
{
	only_off(VDESTACK_OFFLOAD_USO, VDESTACK_OFFLOAD_USO);
}

CASE_FLAGS(without_tcp_coalescing_traffic_is_the_same, USER_VDE | CASE_F_NO_TUN)
{
	only_off(VDESTACK_OFFLOAD_GRO, VDESTACK_OFFLOAD_GRO);
}

CASE_FLAGS(without_udp_coalescing_traffic_is_the_same, USER_VDE | CASE_F_NO_TUN)
{
	only_off(VDESTACK_OFFLOAD_UGRO, VDESTACK_OFFLOAD_UGRO);
}

CASE_FLAGS(without_any_offload_traffic_is_the_same, BOTH_VDE | CASE_F_NO_TUN)
{
	only_off(VDESTACK_OFFLOAD_ALL, VDESTACK_OFFLOAD_ALL);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(stats_of(cable.s[i]).rx_writes, stats_of(cable.s[i]).rx_frames);
}

CASE_FLAGS(an_offload_named_in_the_environment_is_off, USER_VDE | CASE_F_NO_TUN)
{
	MUST(setenv("VDESTACK_NO_OFFLOAD", "tso,gro", 1));
	traffic_without(0, VDESTACK_OFFLOAD_TSO | VDESTACK_OFFLOAD_GRO);
	CHECK(stats_of(cable.s[0]).offloads & VDESTACK_OFFLOAD_CSUM); /* and the others are not */
}

CASE_FLAGS(all_in_the_environment_switches_every_offload_off, BOTH_VDE | CASE_F_NO_TUN)
{
	MUST(setenv("VDESTACK_NO_OFFLOAD", "all", 1));
	traffic_without(0, VDESTACK_OFFLOAD_ALL);
}

CASE_FLAGS(unknown_offloads_are_refused, CASE_F_ROOT | CASE_F_USER)
{
	struct vdestack_opts opts = *case_opts();

	opts.no_offload = VDESTACK_OFFLOAD_ALL + 1;
	CHECK_ERRNO(vdestack_new("", &opts), EINVAL);
	CHECK_CONTAINS(vdestack_last_error(), "no_offload");
}

/* ------------------------------------------------------------------ counters */

CASE_FLAGS(the_frames_counted_are_those_that_arrive, BOTH_VDE | CASE_F_NO_TUN)
{
	struct vdestack *s = cable_plug(0, 1500, 0);
	static unsigned char data[20000];
	int size = 1000;

	reader_only(0);
	int fd = socket_to_nobody(s);
	MUST(setsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, sizeof(size)));
	for (int i = 0; i < 50; i++) {
		CHECK_EQ(send(fd, data, sizeof(data), 0), sizeof(data));
		CHECK_EQ(send(fd, data, 10, 0), 10);
	}
	struct expected e = { .s = s, .at_least = 50 * 21 };
	bool agree = wait_until(out_frames_agree, &e, SOON_MS);
	show_stats("counters", s);
	printf("the peer has seen %llu, %llu of UDP\n", (unsigned long long)cable.seen[0].frames,
	       (unsigned long long)cable.seen[0].udp);
	CHECK(agree);
	CHECK_EQ(cable.seen[0].udp, 50 * 21);
	CHECK_EQ(stats_of(s).tx_dropped, 0);
	CHECK_STR(cable.seen[0].complaint, "");
}

static bool has_counted(void *arg)
{
	struct counted *c = arg;
	struct vdestack_link_stats st = stats_of(c->s);

	return st.rx_frames >= c->in_frames && st.rx_dropped >= c->in_dropped;
}

static void await_counts(struct vdestack *s, unsigned long long in_frames, unsigned long long in_dropped)
{
	struct counted c = { s, in_frames, in_dropped };

	(void)wait_until(has_counted, &c, SOON_MS);
	show_stats("counters", s);
	CHECK_EQ(stats_of(s).rx_frames, in_frames);
	CHECK_EQ(stats_of(s).rx_dropped, in_dropped);
}

CASE_FLAGS(every_frame_that_is_received_is_counted, BOTH_VDE | CASE_F_NO_TUN)
{
	struct vdestack *s = cable_plug(0, 1500, 0);
	uint8_t frame[2048];
	char in[2048];
	int port = 0, room = 4 << 20;
	int rx = bound_in(s, "10.0.0.1", SOCK_DGRAM, &port);
	size_t len = make_datagram(s, frame, port, 100);

	MUST(setsockopt(rx, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)));
	for (int i = 0; i < 300; i++)
		CHECK_EQ(send(cable.end[0], frame, len, 0), len);
	for (int i = 0; i < 300; i++)
		CHECK_EQ(recv(rx, in, sizeof(in), 0), 100);
	await_counts(s, 300, 0);
	CHECK(stats_of(s).rx_writes <= 300);
	CHECK(stats_of(s).rx_writes > 0);
}

/*
 * Not for a packet device: up to a second after the interface went down its peer accepts frames, and does not
 * report that they are lost.
 */
CASE_FLAGS(frames_for_an_interface_that_is_down_are_counted_as_dropped, BOTH_VDE)
{
	struct vdestack *s = cable_plug(0, 1500, VDESTACK_OFFLOAD_UGRO);
	uint8_t frame[2048];
	size_t len = make_datagram(s, frame, 9, 100);

	MUST(vdestack_link_set_up(s, "vde0", 0));
	for (int i = 0; i < 100; i++)
		CHECK_EQ(send(cable.end[0], frame, len, 0), len);
	await_counts(s, 100, 100);
}

/* ------------------------------------------------------------------ garbage */

static uint64_t random_state;

static uint32_t chance(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % below;
}

CASE_FLAGS(garbage_from_the_link_does_no_harm_and_is_counted, BOTH_VDE | CASE_F_NO_TUN)
{
	static uint8_t junk[20000];
	const size_t no_frames[] = { 0, 1, 13, 9235, 20000 };
	struct vdestack *s = cable_plug(0, 1500, 0);
	unsigned long long bad = 0, all = 0;
	int port = 0;
	char in[64];

	random_state = (uint64_t)now_us() | 1;
	printf("seed %llu\n", (unsigned long long)random_state);
	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < sizeof(no_frames) / sizeof(no_frames[0]); i++, bad++, all++)
			CHECK_EQ(send(cable.end[0], junk, no_frames[i], 0), no_frames[i]);
		for (int i = 0; i < 50; i++, all++) {
			/* random bytes; some look like a packet for us at first */
			size_t len = 14 + chance(i % 2 ? 200 : 9000);
			for (size_t k = 0; k < len; k++)
				junk[k] = (uint8_t)chance(256);
			if (i % 3 != 0) {
				(void)make_datagram(s, junk, 9, 0);
				junk[14 + chance(28)] = (uint8_t)chance(256);
				junk[23] = i % 2 ? 6 : 17;
			}
			CHECK_EQ(send(cable.end[0], junk, len, 0), len);
		}
	}
	struct counted c = { s, all, bad };
	(void)wait_until(has_counted, &c, SOON_MS);
	show_stats("counters", s);
	CHECK_EQ(stats_of(s).rx_frames, all);
	CHECK(stats_of(s).rx_dropped >= bad); /* the interface refuses some of the random ones */
	int rx = bound_in(s, "10.0.0.1", SOCK_DGRAM, &port);
	size_t len = make_datagram(s, junk, port, 50);
	CHECK_EQ(send(cable.end[0], junk, len, 0), len);
	CHECK_EQ(recv(rx, in, sizeof(in), 0), 50);
}

/* ------------------------------------------------------------------ MTU */

CASE_FLAGS(an_mtu_that_a_stock_switch_drops_is_refused, BOTH_VDE | CASE_F_NO_TUN)
{
	const char *path = case_path("sw");
	char config[256];
	struct tool sw;

	switch_start(&sw, path, "32");
	(void)snprintf(config, sizeof(config), "vnl=vde://%s ip=10.0.0.1/24 mtu=9000", path);
	CHECK_ERRNO(vdestack_new(config, case_opts()), EMSGSIZE);
	CHECK_CONTAINS(vdestack_last_error(), "drops packets longer than 1500 bytes");
	CHECK_CONTAINS(vdestack_last_error(), "mtu=1500");
	CHECK_CONTAINS(vdestack_last_error(), "VDESTACK_FORCE_MTU");
	(void)snprintf(config, sizeof(config), "vnl=%s ip=10.0.0.1/24 mtu=1501", path);
	CHECK_ERRNO(vdestack_new(config, case_opts()), EMSGSIZE);
	struct vdestack *s = stack_of("vnl=vde://%s ip=10.0.0.1/24 mtu=1500", path);
	MUST(vdestack_delete(s));
}

CASE_FLAGS(a_forced_mtu_is_accepted, BOTH_VDE | CASE_F_NO_TUN)
{
	const char *path = case_path("sw");
	struct vdestack_opts opts = *case_opts();
	char config[256];
	struct tool sw;

	switch_start(&sw, path, "32");
	opts.flags |= VDESTACK_FORCE_MTU;
	(void)snprintf(config, sizeof(config), "vnl=vde://%s ip=10.0.0.1/24 mtu=9000", path);
	struct vdestack *s = vdestack_new(config, &opts);
	CHECK(s != NULL);
	CHECK_EQ(vdestack_link_get_mtu(s, "vde0"), 9000);
}

CASE_FLAGS(a_hub_carries_jumbo_frames, USER_VDE | CASE_F_NO_TUN)
{
	const char *path = case_path("hub");
	struct tool hub;

	node_start(&hub, with("hub://", path));
	struct vdestack *a = stack_of("vnl=vde://%s ip=10.0.0.1/24 mtu=9000", path);
	struct vdestack *b = stack_of("vnl=vde://%s ip=10.0.0.2/24 mtu=9000", path);
	unsigned long long before = stats_of(a).tx_frames;
	CHECK(datagram_arrives(a, b, "10.0.0.2", 9000 - 28, true, SOON_MS));
	CHECK(stats_of(a).tx_frames - before < 10); /* in one piece */
	bulk_both_ways(a, "10.0.0.1", b, 4 << 20);
}
