/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The data path: what really goes over a link, frame by frame; that nothing changes on the way,
 * whatever the link and the offloads; and what happens when the other side does not do its part.
 *
 * VDESTACK_TEST_MIB says how much the cases of integrity send (64).
 */

#define _GNU_SOURCE
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdatomic.h>

#include "frames.h"
#include "net.h"
#include "traffic.h"
#include "wire.h"

#define VDE CASE_F_VDE
#define BOTH_VDE (CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | VDE)
#define USER_VDE (CASE_F_ROOT | CASE_F_USER | VDE)

/* ------------------------------------------------------------------ stacks and their counters */

__attribute__((format(printf, 2, 3))) static struct vdestack *stack_without(unsigned no_offload, const char *fmt, ...)
{
	struct vdestack_opts opts = *case_opts();
	char config[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(config, sizeof(config), fmt, ap);
	va_end(ap);
	opts.no_offload = no_offload;
	struct vdestack *s = vdestack_new(config, &opts);
	if (s == NULL)
		FAIL("no stack from \"%s\": %s", config, vdestack_last_error());
	return s;
}

static struct vdestack_link_stats stats_of(struct vdestack *s)
{
	struct vdestack_link_stats st = { .size = sizeof(st) };

	MUST(vdestack_link_get_stats(s, "vde0", &st));
	return st;
}

static void show_stats(const char *who, struct vdestack *s)
{
	struct vdestack_link_stats st = stats_of(s);

	printf("%s: offloads 0x%x; out %llu, dropped %llu, refused %llu; in %llu as %llu, dropped %llu\n", who, st.offloads,
	       (unsigned long long)st.out_frames, (unsigned long long)st.out_dropped, (unsigned long long)st.out_refused,
	       (unsigned long long)st.in_frames, (unsigned long long)st.in_writes, (unsigned long long)st.in_dropped);
}

/* ------------------------------------------------------------------ bulk */

/* Some bytes one way: a thread that makes and sends them, one that receives and sums them up. */
struct bulk {
	int from, to;
	size_t bytes;
	uint64_t seed;
	uint64_t sent, got; /* hashes */
	pthread_t threads[2];
};

#define BLOCK (1 << 16)

static uint64_t mix(uint64_t hash, const void *bytes, size_t len)
{
	const uint64_t *words = bytes;

	for (size_t i = 0; i < len / 8; i++)
		hash = (hash ^ words[i]) * UINT64_C(0x100000001b3) + (hash >> 29);
	return hash;
}

static void *bulk_send(void *arg)
{
	struct bulk *b = arg;
	uint64_t x = b->seed | 1;
	uint64_t *block = malloc(BLOCK);

	CHECK(block != NULL);
	for (size_t done = 0; done < b->bytes; done += BLOCK) {
		for (size_t i = 0; i < BLOCK / 8; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			block[i] = x;
		}
		b->sent = mix(b->sent, block, BLOCK);
		for (size_t at = 0; at < BLOCK;) {
			ssize_t n = send(b->from, (char *)block + at, BLOCK - at, MSG_NOSIGNAL);
			if (n <= 0)
				FAIL("send: %s after %zu bytes", strerror(errno), done + at);
			at += (size_t)n;
		}
	}
	free(block);
	MUST(shutdown(b->from, SHUT_WR));
	return NULL;
}

static void *bulk_receive(void *arg)
{
	struct bulk *b = arg;
	char *block = malloc(BLOCK);

	CHECK(block != NULL);
	for (size_t done = 0; done < b->bytes; done += BLOCK) {
		ssize_t n = recv(b->to, block, BLOCK, MSG_WAITALL);
		if (n != BLOCK)
			FAIL("recv: %s after %zu bytes", n < 0 ? strerror(errno) : "too few", done + (size_t)(n > 0 ? n : 0));
		b->got = mix(b->got, block, BLOCK);
	}
	CHECK_EQ(recv(b->to, block, 1, 0), 0);
	free(block);
	return NULL;
}

static void bulk_start(struct bulk *b, int from, int to, size_t bytes, uint64_t seed)
{
	*b = (struct bulk){ .from = from, .to = to, .bytes = bytes, .seed = seed };
	CHECK_EQ(pthread_create(&b->threads[0], NULL, bulk_send, b), 0);
	CHECK_EQ(pthread_create(&b->threads[1], NULL, bulk_receive, b), 0);
}

static void bulk_end(struct bulk *b)
{
	CHECK_EQ(pthread_join(b->threads[0], NULL), 0);
	CHECK_EQ(pthread_join(b->threads[1], NULL), 0);
	CHECK(b->sent == b->got);
}

struct connection {
	int listener, a, b;
};

static struct connection connection_to(struct vdestack *server, const char *addr, struct vdestack *client)
{
	struct connection c;
	int port = 0;

	c.listener = bound_in(server, addr, SOCK_STREAM, &port);
	c.a = connected_in(client, addr, SOCK_STREAM, port);
	c.b = (int)MUST(accept4(c.listener, NULL, NULL, SOCK_CLOEXEC));
	return c;
}

static void connection_close(struct connection *c)
{
	close(c->a);
	close(c->b);
	close(c->listener);
}

/* That many bytes each way at once. */
static void bulk_both_ways(struct vdestack *server, const char *addr, struct vdestack *client, size_t bytes)
{
	struct connection c = connection_to(server, addr, client);
	struct bulk out, in;

	bulk_start(&out, c.a, c.b, bytes, 0x1234567);
	bulk_start(&in, c.b, c.a, bytes, 0x7654321);
	bulk_end(&out);
	bulk_end(&in);
	connection_close(&c);
}

/* ------------------------------------------------------------------ two stacks on a cable that is watched */

struct cable {
	struct vdestack *s[2]; /* 10.0.0.1, fc00::1; 10.0.0.2, fc00::2 */
	int end[2];
	struct wire_seen seen[2]; /* what the stack of that number has sent */
	struct wire_way way[2];
};

static struct cable cable;

/* One end: opens the case's side and plugs a stack into the other. */
static struct vdestack *cable_plug(int i, unsigned mtu, unsigned no_offload)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "%s", case_path(i == 0 ? "a" : "b"));
	cable.end[i] = wire_open(path);
	cable.seen[i].mtu = mtu;
	cable.s[i] = stack_without(no_offload, "vnl=ptp://%s ip=10.0.0.%d/24 ip=fc00::%d/64 mtu=%u", path, i + 1, i + 1, mtu);
	wire_connect(cable.end[i], path);
	return cable.s[i];
}

static void cable_carry(void)
{
	for (int i = 0; i < 2; i++) {
		cable.way[i] = (struct wire_way){ cable.end[i], cable.end[!i], &cable.seen[i] };
		wire_start(&cable.way[i]);
	}
}

static void cable_lay(unsigned mtu, unsigned no_offload)
{
	cable_plug(0, mtu, no_offload);
	cable_plug(1, mtu, no_offload);
	cable_carry();
}

static void cable_check(void)
{
	for (int i = 0; i < 2; i++) {
		struct wire_seen *w = &cable.seen[i];
		printf("from stack %d: %llu frames, %llu TCP with payload, %llu UDP, %llu tagged, %llu of full length, longest %zu\n",
		       i, (unsigned long long)w->frames, (unsigned long long)w->tcp_data, (unsigned long long)w->udp,
		       (unsigned long long)w->tagged, (unsigned long long)w->full, (size_t)w->longest);
		show_stats("  its counters", cable.s[i]);
		CHECK_STR(w->complaint, "");
		CHECK_EQ(stats_of(cable.s[i]).out_refused, 0);
	}
}

/* ------------------------------------------------------------------ what goes over the link */

static void tcp_at(unsigned mtu)
{
	cable_lay(mtu, 0);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(stats_of(cable.s[i]).offloads & (VDESTACK_OFFLOAD_CSUM | VDESTACK_OFFLOAD_TSO | VDESTACK_OFFLOAD_GRO),
			 VDESTACK_OFFLOAD_CSUM | VDESTACK_OFFLOAD_TSO | VDESTACK_OFFLOAD_GRO);
	bulk_both_ways(cable.s[0], "10.0.0.1", cable.s[1], 8 << 20);
	bulk_both_ways(cable.s[1], "fc00::2", cable.s[0], 8 << 20);
	cable_check();
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(cable.seen[i].longest, mtu + 14);
		CHECK(cable.seen[i].full > (16u << 20) / mtu / 2); /* most of it in frames of full length */
		CHECK(stats_of(cable.s[i]).in_writes < stats_of(cable.s[i]).in_frames);
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
	int room = 1 << 20; /* a sender that waits for room pushes what it has */

	CHECK(buf != NULL);
	MUST(setsockopt(c.a, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)));
	for (unsigned i = 0; i < n; i++) {
		CHECK_EQ(send(c.a, buf, size, MSG_NOSIGNAL), size);
		CHECK_EQ(recv(c.b, buf, size, MSG_WAITALL), size);
		CHECK_EQ(send(c.b, &byte, 1, MSG_NOSIGNAL), 1);
		CHECK_EQ(recv(c.a, &byte, 1, 0), 1);
	}
	/* the last write and the end in one */
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
		if (at <= settled * size || at > n * size) /* the last one was corked: the rest of it follows by itself */
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
		int index = (int)MUST(vdestack_if_nametoindex(cable.s[i], "vde0"));
		MUST(vdestack_link_set_mtu(cable.s[i], index, 1280));
		cable.seen[i].mtu = 1280;
	}
	udp_segments("10.0.0.2", 1252, 30, 20);
	udp_segments("fc00::2", 1232, 30, 20);
	cable_check();
	CHECK_EQ(cable.seen[0].udp, 2 * 7 * 20 + 2 * 30 * 20);
	CHECK_EQ(cable.seen[0].longest, 9014);
}

/*
 * A super-frame in one or two VLAN tags, as an interface for a VLAN would give it, by a packet
 * socket: not every kernel has such interfaces.
 */
static void send_tagged(int fd, int index, int tags, bool ipv6, bool udp)
{
	static uint8_t out[FRAME_ROOM];
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = index, .sll_protocol = htons(ETH_P_8021Q), .sll_halen = 6 };
	struct frame f = { .tags = tags, .ipv6 = ipv6, .udp = udp, .ttl = 64, .df = true, .id = 0xfffa, .sport = 5000, .dport = 5001,
			   .seq = 0xfffff000, .ack = 1, .flags = ACK | PSH, .window = 500, .payload = 30001, .partial = true, .host = 1 };
	struct virtio_net_hdr vnet = frame_vnet(&f, 1400);
	struct iovec iov[2] = { { &vnet, sizeof(vnet) }, { out, frame_make(&f, out) } };
	struct msghdr m = { .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = iov, .msg_iovlen = 2 };

	if (sendmsg(fd, &m, 0) < 0)
		FAIL("a super-frame with %d tags: %s", tags, strerror(errno));
}

static bool has_seen(void *arg)
{
	return cable.seen[0].tagged >= *(unsigned long long *)arg && cable.seen[0].looked_at == cable.seen[0].frames;
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
	printf("%llu frames with tags, longest %zu\n", (unsigned long long)cable.seen[0].tagged, (size_t)cable.seen[0].longest);
	show_stats("counters", s);
	CHECK_EQ(cable.seen[0].tagged, segments);
	CHECK_EQ(cable.seen[0].longest, 14 + 8 + 40 + 20 + 1400);
	CHECK_STR(cable.seen[0].complaint, "");
	CHECK_EQ(stats_of(s).out_refused, 0);
}

/* ------------------------------------------------------------------ offloads that are off */

/* Each off: the counters say so, and everything works the same. */
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

/* What is left on, as far as the kernel has it. */
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
	CHECK_EQ(stats_of(cable.s[0]).offloads, has & ~expected_off);
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
		CHECK_EQ(stats_of(cable.s[i]).in_writes, stats_of(cable.s[i]).in_frames);
}

CASE_FLAGS(an_offload_named_in_the_environment_is_off, USER_VDE | CASE_F_NO_TUN)
{
	MUST(setenv("VDESTACK_NO_OFFLOAD", "tso,gro", 1));
	traffic_without(0, VDESTACK_OFFLOAD_TSO | VDESTACK_OFFLOAD_GRO);
	CHECK(stats_of(cable.s[0]).offloads & VDESTACK_OFFLOAD_CSUM); /* and the others are not */
}

CASE_FLAGS(all_in_the_environment_is_all, BOTH_VDE | CASE_F_NO_TUN)
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

struct expected {
	struct vdestack *s;
	unsigned long long at_least;
};

static bool out_frames_agree(void *arg)
{
	struct expected *e = arg;
	unsigned long long seen = cable.seen[0].frames;

	return seen >= e->at_least && stats_of(e->s).out_frames == seen;
}

static void reader_only(int i)
{
	cable.way[i] = (struct wire_way){ cable.end[i], -1, &cable.seen[i] };
	wire_start(&cable.way[i]);
}

static const unsigned char peer_mac[6] = { 2, 0, 0, 0, 0, 9 };

/* A peer that is not there but has an address, so that datagrams go out at once. */
static int socket_to_nobody(struct vdestack *s)
{
	int index = (int)MUST(vdestack_if_nametoindex(s, "vde0"));

	MUST(vdestack_neigh_add(s, index, "10.0.0.9", peer_mac));
	return connected_in(s, "10.0.0.9", SOCK_DGRAM, 9);
}

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
	printf("the peer has seen %llu, %llu of UDP\n", (unsigned long long)cable.seen[0].frames, (unsigned long long)cable.seen[0].udp);
	CHECK(agree);
	CHECK_EQ(cable.seen[0].udp, 50 * 21);
	CHECK_EQ(stats_of(s).out_dropped, 0);
	CHECK_STR(cable.seen[0].complaint, "");
}

/* A datagram as it goes over the wire to 10.0.0.1:port. */
static size_t make_datagram(struct vdestack *s, uint8_t *f, int port, size_t payload)
{
	int index = (int)MUST(vdestack_if_nametoindex(s, "vde0"));
	uint8_t *ip = f + 14, *udp = ip + 20;
	size_t len = 8 + payload;

	memset(f, 0, 42);
	MUST(vdestack_link_get_mac(s, index, f));
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

static bool has_counted(void *arg)
{
	struct counted *c = arg;
	struct vdestack_link_stats st = stats_of(c->s);

	return st.in_frames >= c->in_frames && st.in_dropped >= c->in_dropped;
}

static void await_counts(struct vdestack *s, unsigned long long in_frames, unsigned long long in_dropped)
{
	struct counted c = { s, in_frames, in_dropped };

	(void)wait_until(has_counted, &c, SOON_MS);
	show_stats("counters", s);
	CHECK_EQ(stats_of(s).in_frames, in_frames);
	CHECK_EQ(stats_of(s).in_dropped, in_dropped);
}

CASE_FLAGS(every_frame_that_comes_is_counted, BOTH_VDE | CASE_F_NO_TUN)
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
	CHECK(stats_of(s).in_writes <= 300);
	CHECK(stats_of(s).in_writes > 0);
}

/* Not of a port: for up to a second after it went down its far end takes them, and tells nobody that they are lost. */
CASE_FLAGS(frames_for_an_interface_that_is_down_are_counted_as_dropped, BOTH_VDE)
{
	struct vdestack *s = cable_plug(0, 1500, VDESTACK_OFFLOAD_UGRO);
	int index = (int)MUST(vdestack_if_nametoindex(s, "vde0"));
	uint8_t frame[2048];
	size_t len = make_datagram(s, frame, 9, 100);

	MUST(vdestack_link_set_up(s, index, 0));
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
			/* random bytes; some look like a packet for us until one looks closer */
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
	CHECK_EQ(stats_of(s).in_frames, all);
	CHECK(stats_of(s).in_dropped >= bad); /* the interface refuses some of the random ones */
	int rx = bound_in(s, "10.0.0.1", SOCK_DGRAM, &port);
	size_t len = make_datagram(s, junk, port, 50);
	CHECK_EQ(send(cable.end[0], junk, len, 0), len);
	CHECK_EQ(recv(rx, in, sizeof(in), 0), 50);
}

/* ------------------------------------------------------------------ a peer that stalls */

static int by_value(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;

	return x < y ? -1 : x > y;
}

/* Microseconds that a socket takes, the one in the middle of many; the longest to *max. */
static long long msocket_us(struct vdestack *s, long long *max)
{
	long long t[101];

	for (int i = 0; i < 101; i++) {
		long long start = now_us();
		int fd = (int)MUST(vdestack_msocket(s, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
		t[i] = now_us() - start;
		close(fd);
	}
	qsort(t, 101, sizeof(t[0]), by_value);
	*max = t[100];
	return t[50];
}

struct flood {
	int fd;
	atomic_bool stop;
	unsigned long long sent;
	pthread_t thread;
};

static void *flood_main(void *arg)
{
	struct flood *f = arg;
	static char data[1400];

	while (!atomic_load(&f->stop)) {
		if (send(f->fd, data, sizeof(data), MSG_DONTWAIT) > 0)
			f->sent++;
		else
			sleep_ms(1);
	}
	return NULL;
}

static bool has_dropped(void *s)
{
	return stats_of(s).out_dropped >= 100;
}

static void await_drops(struct vdestack *s)
{
	if (!wait_until(has_dropped, s, SOON_MS)) {
		show_stats("stalled", s);
		FAIL("too few frames have been counted as dropped");
	}
}

static bool another_pair_talks(void)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "%s", case_path("other"));
	struct vdestack *a = stack_of("vnl=ptp://%s ip=10.1.0.1/24", path);
	struct vdestack *b = stack_of("vnl=ptp://%s ip=10.1.0.2/24", path);
	long long start = now_us();
	bulk_both_ways(a, "10.1.0.1", b, 1 << 20);
	long long took = now_us() - start;
	printf("another pair has sent its bytes in %lld us\n", took);
	MUST(vdestack_delete(a));
	MUST(vdestack_delete(b));
	return took < 5000000;
}

static void flood_start(struct flood *f, struct vdestack *s)
{
	*f = (struct flood){ .fd = socket_to_nobody(s) };
	CHECK_EQ(pthread_create(&f->thread, NULL, flood_main, f), 0);
}

static void flood_end(struct flood *f)
{
	atomic_store(&f->stop, true);
	CHECK_EQ(pthread_join(f->thread, NULL), 0);
	close(f->fd);
}

/* Against a limit that only something that waits for the link would miss. */
static void check_quick(struct vdestack *s)
{
	long long max, median = msocket_us(s, &max);

	printf("msocket: median %lld us, longest %lld us\n", median, max);
	CHECK(median < 20000);
	CHECK(max < 2000000);
}

CASE_FLAGS(a_peer_that_does_not_read_stalls_nobody_else, BOTH_VDE | CASE_F_NO_TUN)
{
	struct vdestack *s = cable_plug(0, 1500, 0);
	struct flood f;

	flood_start(&f, s);
	await_drops(s);
	check_quick(s);
	CHECK(another_pair_talks());
	show_stats("stalled", s);
	flood_end(&f);
	/* what comes goes on: the two directions do not wait for each other */
	unsigned long long before = stats_of(s).in_frames;
	uint8_t frame[256];
	char in[64];
	int port = 0;
	int rx = bound_in(s, "10.0.0.1", SOCK_DGRAM, &port);
	size_t len = make_datagram(s, frame, port, 50);
	CHECK_EQ(send(cable.end[0], frame, len, 0), len);
	CHECK_EQ(recv(rx, in, sizeof(in), 0), 50);
	CHECK(stats_of(s).in_frames > before);
}

CASE_FLAGS(traffic_goes_on_when_a_stalled_peer_reads_again, BOTH_VDE | CASE_F_NO_TUN)
{
	struct vdestack *a = cable_plug(0, 1500, 0);
	struct vdestack *b = cable_plug(1, 1500, 0);
	struct flood f;

	flood_start(&f, a);
	await_drops(a);
	flood_end(&f);
	cable_carry();
	bulk_both_ways(b, "10.0.0.2", a, 1 << 20);
	struct vdestack_link_stats st = stats_of(a);
	show_stats("a", a);
	CHECK_STR(cable.seen[0].complaint, "");
	CHECK(st.out_frames > 0);
}

CASE_FLAGS(a_stack_with_a_stalled_peer_is_deleted_at_once, BOTH_VDE | CASE_F_NO_TUN)
{
	struct vdestack *s = cable_plug(0, 1500, 0);
	struct flood f;

	flood_start(&f, s);
	await_drops(s);
	long long start = now_us();
	MUST(vdestack_delete(s));
	long long took = now_us() - start;
	printf("deleted in %lld us\n", took);
	CHECK(took < 1000000);
	flood_end(&f);
}

/* UDP without pace through a link: whatever is missing behind it is in a counter before it. */
CASE_FLAGS(what_a_slow_peer_misses_is_counted, USER_VDE | CASE_F_NO_TUN)
{
	struct vdestack *s = cable_plug(0, 1500, 0);
	struct flood f;

	flood_start(&f, s);
	await_drops(s);
	reader_only(0);
	sleep_ms(300); /* some that are taken: how many does not matter */
	flood_end(&f);
	struct expected e = { .s = s, .at_least = 1 };
	bool agree = wait_until(out_frames_agree, &e, SOON_MS);
	show_stats("counters", s);
	printf("%llu sent, the peer has seen %llu, %llu of them UDP\n", f.sent, (unsigned long long)cable.seen[0].frames,
	       (unsigned long long)cable.seen[0].udp);
	CHECK(agree);
	CHECK(cable.seen[0].udp + stats_of(s).out_dropped <= f.sent + 1000); /* 1000: neighbours, routers */
	CHECK_STR(cable.seen[0].complaint, "");
}

CASE_FLAGS(a_stream_that_is_not_read_stalls_nobody_else, BOTH_VDE | CASE_F_NO_TUN)
{
	struct vdestack *s = stack_of("vnl='=sleep 1000' ip=10.0.0.1/24");
	struct flood f;

	flood_start(&f, s);
	sleep_ms(200); /* the stream is full long before */
	check_quick(s);
	CHECK(another_pair_talks());
	show_stats("stalled", s);
	flood_end(&f);
}

/* ------------------------------------------------------------------ a link that ends */

static long cpu_ticks(pid_t pid)
{
	char path[64], text[1024];
	long user = 0, sys = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	int fd = (int)MUST(open(path, O_RDONLY | O_CLOEXEC));
	ssize_t n = MUST(read(fd, text, sizeof(text) - 1));
	close(fd);
	text[n] = '\0';
	char *rest = strrchr(text, ')');
	CHECK(rest != NULL);
	CHECK_EQ(sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user, &sys), 2);
	return user + sys;
}

/* Hundredths of a second of CPU that the pumps take in half a second. */
static long idle_ticks(void)
{
	pid_t pid = case_is_inprocess() ? getpid() : net_keeper();
	long before = cpu_ticks(pid);

	sleep_ms(500);
	return cpu_ticks(pid) - before;
}

static bool lost_carrier(void *s)
{
	int index = vdestack_if_nametoindex(s, "vde0");

	return (vdestack_link_get_flags(s, index) & IFF_RUNNING) == 0;
}

CASE_FLAGS(nothing_spins_when_a_switch_has_died, BOTH_VDE | CASE_F_NO_TUN)
{
	const char *path = case_path("sw");
	struct tool sw;

	switch_start(&sw, path, "32");
	struct vdestack *a = stack_of("vnl=vde://%s ip=10.0.0.1/24", path);
	struct vdestack *b = stack_of("vnl=vde://%s ip=10.0.0.2/24", path);
	struct connection c = connection_to(a, "10.0.0.1", b);
	struct flood f;

	flood_start(&f, a); /* it dies while frames are under way */
	tool_end(&sw, SIGKILL);
	CHECK(wait_until(lost_carrier, a, SOON_MS));
	CHECK(wait_until(lost_carrier, b, SOON_MS));
	flood_end(&f);
	long ticks = idle_ticks();
	printf("%ld ticks in half a second\n", ticks);
	CHECK(ticks < 10);
	check_quick(a);
	connection_close(&c);
}

CASE_FLAGS(a_peer_that_goes_and_comes_back_is_talked_to_again, BOTH_VDE | CASE_F_NO_TUN)
{
	struct vdestack *s = cable_plug(0, 1500, 0);
	uint8_t frame[256];
	char in[64], path[96];
	int port = 0;

	(void)snprintf(path, sizeof(path), "%s", case_path("a"));
	int rx = bound_in(s, "10.0.0.1", SOCK_DGRAM, &port);
	int tx = socket_to_nobody(s);
	size_t len = make_datagram(s, frame, port, 50);
	for (int round = 0; round < 3; round++) {
		close(cable.end[0]);
		MUST(unlink(path));
		for (int i = 0; i < 20; i++) /* lost, and nothing else happens */
			(void)send(tx, frame, 100, 0);
		CHECK(idle_ticks() < 10);
		cable.end[0] = wire_open(path);
		wire_connect(cable.end[0], path);
		CHECK_EQ(send(cable.end[0], frame, len, 0), len);
		CHECK_EQ(recv(rx, in, sizeof(in), 0), 50);
		bool came = false;
		for (int i = 0; i < 50 && !came; i++) {
			(void)send(tx, frame, 100, 0);
			came = wait_readable(cable.end[0], 100);
		}
		CHECK(came);
	}
	CHECK(!lost_carrier(s));
}

/* ------------------------------------------------------------------ integrity */

static size_t bulk_bytes(void)
{
	const char *mib = getenv("VDESTACK_TEST_MIB");
	long n = mib != NULL ? strtol(mib, NULL, 10) : 64;

	return (size_t)(n > 0 ? n : 64) << 20;
}

static void pour_between(struct vdestack *a, struct vdestack *b)
{
	struct connection c = connection_to(a, "10.0.0.1", b);
	struct bulk bulk;
	long long start = now_us();

	bulk_start(&bulk, c.b, c.a, bulk_bytes(), (uint64_t)start);
	bulk_end(&bulk);
	printf("%zu MiB in %lld ms\n", bulk_bytes() >> 20, (now_us() - start) / 1000);
	show_stats("a", a);
	show_stats("b", b);
	connection_close(&c);
}

static void pour_mtu(const char *vnl_a, const char *vnl_b, int mtu, unsigned off)
{
	struct vdestack *a = stack_without(off, "vnl='%s' mtu=%d ip=10.0.0.1/24", vnl_a, mtu);
	struct vdestack *b = stack_without(off, "vnl='%s' mtu=%d ip=10.0.0.2/24", vnl_b, mtu);

	CHECK_EQ(stats_of(a).offloads & off, 0);
	pour_between(a, b);
}

static void pour(const char *vnl_a, const char *vnl_b, unsigned off)
{
	pour_mtu(vnl_a, vnl_b, 1500, off);
}

static const char *with(const char *before, const char *path)
{
	static char ring[4][256];
	static unsigned next;
	char *text = ring[next++ % 4];

	(void)snprintf(text, sizeof(ring[0]), "%s%s", before, path);
	return text;
}

static void pour_ptp(int mtu, unsigned off)
{
	const char *vnl = with("ptp://", case_path("p"));

	pour_mtu(vnl, vnl, mtu, off);
}

static void pour_switch(unsigned off)
{
	const char *path = case_path("sw");
	struct tool sw;

	switch_start(&sw, path, "32");
	pour(with("vde://", path), with("vde://", path), off);
}

static void pour_hub(unsigned off)
{
	const char *path = case_path("hub");
	struct tool hub;

	node_start(&hub, with("hub://", path));
	pour(with("vde://", path), with("vde://", path), off);
}

static void pour_stream(unsigned off)
{
	const char *path = case_path("hub");
	struct tool hub;

	node_start(&hub, with("hub://", path));
	pour(with("=vde_plug vde://", path), with("=vde_plug vde://", path), off);
}

CASE_TIMED(bytes_are_the_same_through_a_point_to_point_link, BOTH_VDE | CASE_F_NO_TUN, 120)
{
	pour_ptp(1500, 0);
}

CASE_TIMED(bytes_are_the_same_through_a_point_to_point_link_without_offloads, USER_VDE, 120)
{
	pour_ptp(1500, VDESTACK_OFFLOAD_ALL);
}

CASE_TIMED(bytes_are_the_same_through_a_stock_switch, USER_VDE | CASE_F_NO_TUN, 120)
{
	pour_switch(0);
}

CASE_TIMED(bytes_are_the_same_through_a_stock_switch_without_offloads, USER_VDE, 120)
{
	pour_switch(VDESTACK_OFFLOAD_ALL);
}

CASE_TIMED(bytes_are_the_same_through_a_hub, USER_VDE, 120)
{
	pour_hub(0);
}

CASE_TIMED(bytes_are_the_same_through_a_hub_without_offloads, USER_VDE, 120)
{
	pour_hub(VDESTACK_OFFLOAD_ALL);
}

CASE_TIMED(bytes_are_the_same_through_a_stream, BOTH_VDE | CASE_F_NO_TUN, 120)
{
	pour_stream(0);
}

CASE_TIMED(bytes_are_the_same_through_a_stream_without_offloads, USER_VDE, 120)
{
	pour_stream(VDESTACK_OFFLOAD_ALL);
}

CASE_TIMED(bytes_are_the_same_through_a_segment, CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS, 300)
{
	struct vdestack *a = stack_of("vnl=inproc://lan ip=10.0.0.1/24"), *b = stack_of("vnl=inproc://lan ip=10.0.0.2/24");

	bulk_both_ways(a, "10.0.0.1", b, bulk_bytes() / 2);
}

/* To a server of the host network and back. */
static void pour_slirp(unsigned off)
{
	struct vdestack *s = stack_without(off, "vnl=slirp:// ip=10.0.2.15/24 gw=10.0.2.2");
	struct connection c;
	struct bulk out, in;
	int port = 0;

	c.listener = bound_in(NULL, "127.0.0.1", SOCK_STREAM, &port);
	c.a = connected_in(s, "10.0.2.2", SOCK_STREAM, port);
	c.b = (int)MUST(accept4(c.listener, NULL, NULL, SOCK_CLOEXEC));
	bulk_start(&out, c.a, c.b, bulk_bytes() / 2, 5);
	bulk_end(&out);
	show_stats("stack", s);
	if (off == 0) /* no wire behind it: its frames are longer than the MTU */
		CHECK(stats_of(s).out_frames < bulk_bytes() / 2 / 3000);
	bulk_start(&in, c.b, c.a, bulk_bytes() / 2, 6);
	bulk_end(&in);
	connection_close(&c);
}

CASE_TIMED(bytes_are_the_same_through_slirp, USER_VDE | CASE_F_NO_TUN, 300)
{
	pour_slirp(0);
}

CASE_TIMED(bytes_are_the_same_through_slirp_without_offloads, USER_VDE, 300)
{
	pour_slirp(VDESTACK_OFFLOAD_ALL);
}

CASE_TIMED(bytes_are_the_same_with_an_mtu_of_576, USER_VDE | CASE_F_NO_TUN, 300)
{
	pour_ptp(576, 0);
}

CASE_TIMED(bytes_are_the_same_with_an_mtu_of_576_without_offloads, USER_VDE, 300)
{
	pour_ptp(576, VDESTACK_OFFLOAD_ALL);
}

CASE_TIMED(bytes_are_the_same_with_an_mtu_of_1280, USER_VDE, 300)
{
	pour_ptp(1280, 0);
}

CASE_TIMED(bytes_are_the_same_with_an_mtu_of_1280_without_offloads, USER_VDE, 300)
{
	pour_ptp(1280, VDESTACK_OFFLOAD_ALL);
}

CASE_TIMED(bytes_are_the_same_with_an_mtu_of_9000, USER_VDE | CASE_F_NO_TUN, 300)
{
	pour_ptp(9000, 0);
}

CASE_TIMED(bytes_are_the_same_with_an_mtu_of_9000_without_offloads, USER_VDE, 300)
{
	pour_ptp(9000, VDESTACK_OFFLOAD_ALL);
}

CASE_TIMED(bytes_are_the_same_through_a_hub_with_an_mtu_of_9000, USER_VDE, 300)
{
	const char *path = case_path("hub");
	struct tool hub;

	node_start(&hub, with("hub://", path));
	pour_mtu(with("vde://", path), with("vde://", path), 9000, 0);
}

static atomic_bool stop_coming;

/* An interface of both stacks, beside the one that is busy. Gives how often. */
static void *come_and_go(void *arg)
{
	struct vdestack *const *stacks = arg;
	long rounds = 0;

	while (!atomic_load(&stop_coming)) {
		for (int i = 0; i < 2; i++)
			MUST(vdestack_add(stacks[i], with("iface=other vnl=ptp://", case_path("other")), case_opts()));
		for (int i = 0; i < 2; i++)
			MUST(vdestack_remove(stacks[i], "other"));
		rounds++;
	}
	return (void *)rounds;
}

CASE_TIMED(bytes_are_the_same_while_interfaces_come_and_go, USER_VDE | CASE_F_NO_TUN, 300)
{
	const char *vnl = with("ptp://", case_path("p"));
	struct vdestack *stacks[2] = { stack_of("vnl=%s ip=10.0.0.1/24", vnl), stack_of("vnl=%s ip=10.0.0.2/24", vnl) };
	pthread_t thread;
	void *rounds;

	CHECK_EQ(pthread_create(&thread, NULL, come_and_go, stacks), 0);
	pour_between(stacks[0], stacks[1]);
	atomic_store(&stop_coming, true);
	CHECK_EQ(pthread_join(thread, &rounds), 0);
	printf("%ld times there and gone\n", (long)rounds);
	CHECK((long)rounds > 0);
}

CASE_TIMED(bytes_of_eight_flows_at_once_are_the_same, USER_VDE | CASE_F_NO_TUN, 120)
{
	enum { FLOWS = 8 };
	const char *vnl = with("ptp://", case_path("p"));
	struct vdestack *a = stack_of("vnl=%s ip=10.0.0.1/24 ip=fc00::1/64", vnl);
	struct vdestack *b = stack_of("vnl=%s ip=10.0.0.2/24 ip=fc00::2/64", vnl);
	struct connection c[FLOWS];
	struct bulk bulk[FLOWS];

	for (int i = 0; i < FLOWS; i++)
		c[i] = i % 2 ? connection_to(a, "fc00::1", b) : connection_to(b, "10.0.0.2", a);
	for (int i = 0; i < FLOWS; i++)
		bulk_start(&bulk[i], c[i].a, c[i].b, bulk_bytes() / FLOWS, 77 + (uint64_t)i);
	for (int i = 0; i < FLOWS; i++) {
		bulk_end(&bulk[i]);
		connection_close(&c[i]);
	}
	show_stats("a", a);
	show_stats("b", b);
}

/* ------------------------------------------------------------------ one busy stack and the others */

static void *pour_for_ever(void *arg)
{
	static char data[1 << 17];
	const int *fd = arg;

	while (send(*fd, data, sizeof(data), MSG_NOSIGNAL) > 0)
		;
	return NULL;
}

static void *drain_for_ever(void *arg)
{
	static char data[1 << 18];
	const int *fd = arg;

	while (recv(*fd, data, sizeof(data), 0) > 0)
		;
	return NULL;
}

/* Microseconds of a round trip, the one in the middle of many. */
static long long round_trip_us(struct connection *c)
{
	long long t[201];
	int on = 1;
	char byte = 'x';

	MUST(setsockopt(c->a, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)));
	MUST(setsockopt(c->b, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)));
	for (int i = 0; i < 201; i++) {
		long long start = now_us();
		CHECK_EQ(send(c->a, &byte, 1, 0), 1);
		CHECK_EQ(recv(c->b, &byte, 1, 0), 1);
		CHECK_EQ(send(c->b, &byte, 1, 0), 1);
		CHECK_EQ(recv(c->a, &byte, 1, 0), 1);
		t[i] = now_us() - start;
	}
	qsort(t, 201, sizeof(t[0]), by_value);
	return t[100];
}

CASE_FLAGS(a_busy_stack_does_not_starve_another, BOTH_VDE | CASE_F_NO_TUN)
{
	const char *vnl = with("ptp://", case_path("p"));
	struct vdestack *a = stack_of("vnl=%s ip=10.0.0.1/24", vnl);
	struct vdestack *b = stack_of("vnl=%s ip=10.0.0.2/24", vnl);
	const char *other = with("ptp://", case_path("q"));
	struct vdestack *x = stack_of("vnl=%s ip=10.1.0.1/24", other);
	struct vdestack *y = stack_of("vnl=%s ip=10.1.0.2/24", other);
	struct connection busy = connection_to(a, "10.0.0.1", b), quiet = connection_to(x, "10.1.0.1", y);
	long long max, idle = round_trip_us(&quiet);
	pthread_t t[2];

	CHECK_EQ(pthread_create(&t[0], NULL, pour_for_ever, &busy.a), 0);
	CHECK_EQ(pthread_create(&t[1], NULL, drain_for_ever, &busy.b), 0);
	sleep_ms(200);
	unsigned long long before = stats_of(b).out_frames;
	long long loaded = round_trip_us(&quiet);
	long long socket_us = msocket_us(a, &max);
	unsigned long long passed = stats_of(b).out_frames - before;
	printf("round trip: idle %lld us, beside a busy stack %lld us; msocket on the busy one %lld us, at most %lld; %llu frames meanwhile\n",
	       idle, loaded, socket_us, max, passed);
	CHECK(passed > 100);
	CHECK(loaded < 20 * idle + 20000);
	CHECK(socket_us < 20000);
	MUST(shutdown(busy.a, SHUT_RDWR));
	MUST(shutdown(busy.b, SHUT_RDWR));
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
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

CASE_FLAGS(an_mtu_that_is_forced_is_taken, BOTH_VDE | CASE_F_NO_TUN)
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
	CHECK_EQ(vdestack_link_get_mtu(s, (int)MUST(vdestack_if_nametoindex(s, "vde0"))), 9000);
}

CASE_FLAGS(a_hub_takes_and_carries_jumbo_frames, USER_VDE | CASE_F_NO_TUN)
{
	const char *path = case_path("hub");
	struct tool hub;

	node_start(&hub, with("hub://", path));
	struct vdestack *a = stack_of("vnl=vde://%s ip=10.0.0.1/24 mtu=9000", path);
	struct vdestack *b = stack_of("vnl=vde://%s ip=10.0.0.2/24 mtu=9000", path);
	unsigned long long before = stats_of(a).out_frames;
	CHECK(datagram_arrives(a, b, "10.0.0.2", 9000 - 28, true, SOON_MS));
	CHECK(stats_of(a).out_frames - before < 10); /* in one piece */
	bulk_both_ways(a, "10.0.0.1", b, 4 << 20);
}
