/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Containers between stacks, on a network that the case holds: it forwards frames without knowing them,
 * counts those of EtherType 88b5, and can be as bad as a network may be.
 *
 *     stack 0 ══ ptp://…/a ══ the case: counts, forwards, drops ══ ptp://…/b ══ stack 1
 */

#define _GNU_SOURCE
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#include "bulk.h"
#include "container_wire.h"
#include "frames.h"
#include "net.h"
#include "wire.h"
#include <vdestack/capture.h>
#include <vdestack/impair.h>

#define CONTAINERS (CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | VDE)
#define OFF VDESTACK_OFFLOAD_SUPER
#define MIB (1u << 20)
#define LIMIT CONTAINER_LONGEST

/* ------------------------------------------------------------------ the network */

struct side {
	int end;
	atomic_ullong frames, of_kind[4];
	atomic_size_t longest, longest_ordinary;
};

static struct net {
	struct vdestack *s[2];
	struct side side[2];       /* what stack i has sent */
	atomic_size_t limit;       /* longer frames are dropped; 0: none */
	atomic_bool ignores[2];    /* stack i seems not to know containers */
} net;

static void *forward(void *arg)
{
	int i = arg == &net.side[0] ? 0 : 1;
	struct side *side = &net.side[i];
	static _Thread_local uint8_t f[65536];
	ssize_t n;

	while ((n = recv(side->end, f, sizeof(f), 0)) >= 0) {
		size_t len = (size_t)n, limit = atomic_load(&net.limit);
		bool ours = container_is(f, len);
		atomic_fetch_add(&side->frames, 1);
		if (ours)
			atomic_fetch_add(&side->of_kind[container_kind(f) & 3], 1);
		if (len > atomic_load(&side->longest))
			atomic_store(&side->longest, len);
		if (!ours && len > atomic_load(&side->longest_ordinary))
			atomic_store(&side->longest_ordinary, len);
		if ((limit == 0 || len <= limit) && !(ours && atomic_load(&net.ignores[!i])))
			(void)send(net.side[!i].end, f, len, MSG_NOSIGNAL);
	}
	return NULL;
}

static struct vdestack *plug(int i, unsigned no_offload)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "%s", case_path(i == 0 ? "a" : "b"));
	net.side[i].end = wire_open(path);
	net.s[i] = stack_without(no_offload, "vnl=ptp://%s ip=10.0.0.%d/24 ip=fc00::%d/64", path, i + 1,
				 i + 1);
	wire_connect(net.side[i].end, path);
	return net.s[i];
}

static void lay(unsigned off_0, unsigned off_1)
{
	pthread_t t;

	plug(0, off_0);
	plug(1, off_1);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(pthread_create(&t, NULL, forward, &net.side[i]), 0);
		CHECK_EQ(pthread_detach(t), 0);
	}
}

static unsigned long long sent(int i, int kind)
{
	return atomic_load(&net.side[i].of_kind[kind]);
}

static void show(void)
{
	for (int i = 0; i < 2; i++) {
		printf("stack %d: %llu frames, of them %llu containers, %llu probes, %llu answers; longest "
		       "%zu, of ordinary ones %zu\n",
		       i, (unsigned long long)net.side[i].frames, sent(i, FRAMES), sent(i, PROBE),
		       sent(i, ANSWER), (size_t)net.side[i].longest,
		       (size_t)net.side[i].longest_ordinary);
		show_stats("  its counters", net.s[i]);
	}
}

static void exchange_bytes(size_t bytes)
{
	bulk_both_ways(net.s[0], "10.0.0.1", net.s[1], bytes);
	bulk_both_ways(net.s[1], "fc00::2", net.s[0], bytes);
	show();
}

/* Every datagram is as it was sent and in its place, and most arrive. */
static void datagrams(const char *addr, size_t size, int n)
{
	unsigned char out[2000], in[2000];
	int port = 0, got = 0;
	/* While a stack looks for the address, it keeps datagrams back, and later ones may overtake them. */
	CHECK(datagram_arrives(net.s[0], net.s[1], addr, 100, false, SOON_MS));
	int receiver = bound_in(net.s[1], addr, SOCK_DGRAM, &port);
	int sender = connected_in(net.s[0], addr, SOCK_DGRAM, port);
	uint32_t last = 0;

	for (uint32_t i = 1; i <= (uint32_t)n; i++) {
		for (size_t k = 0; k < size; k++)
			out[k] = byte_at(i + k, 5);
		memcpy(out, &i, sizeof(i));
		(void)send(sender, out, size, 0);
		while (recv(receiver, in, sizeof(in), MSG_DONTWAIT) == (ssize_t)size) {
			uint32_t number;
			memcpy(&number, in, sizeof(number));
			if (number <= last || number > i)
				FAIL("datagram %u after %u, of %u that were sent", number, last, i);
			last = number;
			for (size_t k = sizeof(number); k < size; k++)
				CHECK_EQ(in[k], byte_at(number + k, 5));
			got++;
		}
	}
	printf("%d of %d datagrams of %zu bytes were received while they were sent\n", got, n, size);
	CHECK(got > 0);
	close(sender);
	close(receiver);
}

CASE_TIMED(bytes_are_the_same_in_containers, CONTAINERS, 120)
{
	lay(0, 0);
	exchange_bytes(16 * MIB);
	for (int i = 0; i < 2; i++) {
		CHECK(stats_of(net.s[i]).offloads & OFF);
		CHECK(sent(i, FRAMES) > 1000);
		CHECK(sent(i, PROBE) > 0 && sent(!i, ANSWER) > 0);
		CHECK(net.side[i].longest <= LIMIT && net.side[i].longest > 8000);
		CHECK(net.side[i].longest_ordinary <= 1514);
		CHECK_EQ(vdestack_link_get_mtu(net.s[i], "vde0"), 1500);
		CHECK_EQ(stats_of(net.s[i]).rx_dropped, 0);
		/* They are counted as the frames that they stand for. */
		CHECK(stats_of(net.s[i]).tx_frames > 32 * MIB / 1500);
		CHECK(net.side[i].frames < stats_of(net.s[i]).tx_frames);
	}
}

CASE_TIMED(datagrams_are_the_same_in_containers, CONTAINERS, 120)
{
	static const size_t sizes[] = { 4, 64, 65, 700, 1472 };

	lay(0, 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		datagrams("10.0.0.2", sizes[i], 20000);
		datagrams("fc00::2", sizes[i] < 1452 ? sizes[i] : 1452, 20000);
	}
	show();
	CHECK(sent(0, FRAMES) > 0);
	CHECK(net.side[0].longest <= LIMIT);
}

/* ------------------------------------------------------------------ where they are not used */

CASE_TIMED(a_station_that_does_not_know_containers_gets_ordinary_frames, CONTAINERS, 120)
{
	lay(0, OFF);
	exchange_bytes(16 * MIB);
	CHECK(!(stats_of(net.s[1]).offloads & OFF));
	CHECK(sent(0, PROBE) >= 1 && sent(0, PROBE) <= 4);
	CHECK_EQ(sent(0, FRAMES) + sent(0, ANSWER), 0);
	CHECK_EQ(sent(1, FRAMES) + sent(1, PROBE) + sent(1, ANSWER), 0);
	CHECK_EQ(net.side[0].longest_ordinary, 1514);
}

CASE_TIMED(with_the_switch_off_nothing_is_asked_and_nothing_answered, CONTAINERS, 120)
{
	MUST(setenv("VDESTACK_NO_OFFLOAD", "super", 1));
	lay(0, 0);
	exchange_bytes(4 * MIB);
	for (int i = 0; i < 2; i++) {
		CHECK(!(stats_of(net.s[i]).offloads & OFF));
		CHECK_EQ(sent(i, FRAMES) + sent(i, PROBE) + sent(i, ANSWER), 0);
	}
}

CASE_TIMED(a_network_that_drops_long_frames_gets_no_containers, CONTAINERS, 120)
{
	net.limit = 1518;
	lay(0, 0);
	exchange_bytes(8 * MIB);
	for (int i = 0; i < 2; i++) {
		CHECK(sent(i, PROBE) >= 1 && sent(i, PROBE) <= 4);
		CHECK_EQ(sent(i, FRAMES) + sent(i, ANSWER), 0);
	}
}

CASE_TIMED(without_coalescing_at_one_end_the_bytes_are_the_same, CONTAINERS, 120)
{
	lay(0, VDESTACK_OFFLOAD_GRO | VDESTACK_OFFLOAD_UGRO | VDESTACK_OFFLOAD_TSO);
	exchange_bytes(8 * MIB);
	CHECK(sent(0, FRAMES) > 100); /* complete frames in containers */
	CHECK(net.side[0].longest <= LIMIT);
}

/* ------------------------------------------------------------------ changes under way */

static bool many_containers(void *arg)
{
	return sent(0, FRAMES) > *(const unsigned long long *)arg;
}

/* As a MAC address that moves to a program without them: the connection goes on with ordinary frames. */
CASE_TIMED(a_peer_that_no_more_knows_containers_keeps_its_connection, CONTAINERS, 120)
{
	unsigned long long some = 200;
	struct bulk bulk;

	lay(0, 0);
	struct connection c = connection_to(net.s[1], "10.0.0.2", net.s[0]);
	bulk_start(&bulk, c.a, c.b, 256 * MIB, 99);
	CHECK(wait_until(many_containers, &some, SOON_MS));
	atomic_store(&net.ignores[1], true);
	atomic_store(&net.ignores[0], true);
	bulk_end(&bulk);
	show();
	unsigned long long before = sent(0, FRAMES);
	bulk_start(&bulk, c.b, c.a, 1 * MIB, 98);
	connection_close(&(struct connection){ c.listener, -1, -1 });
	bulk_end(&bulk);
	CHECK_EQ(sent(0, FRAMES), before);
	CHECK(net.side[0].frames > 100 * MIB / 1500);
}

/* Runs a transfer from stack 0 to 1. */
static void transfer(size_t bytes)
{
	struct connection c = connection_to(net.s[1], "10.0.0.2", net.s[0]);
	struct bulk bulk;

	bulk_start(&bulk, c.a, c.b, bytes, 5);
	bulk_end(&bulk);
	connection_close(&c);
}

/* The lengths and types of the frames in the file are those of ordinary frames. */
static void check_file(const char *name)
{
	char command[600], line[4096];
	unsigned frames = 0, len;

	(void)snprintf(command, sizeof(command), "exec python3 -B %s %s 2>&1", PCAPNG_READER, name);
	FILE *p = popen(command, "re");
	CHECK(p != NULL);
	while (fgets(line, sizeof(line), p) != NULL) {
		CHECK(strstr(line, "type=88b5") == NULL);
		if (sscanf(line, "frame %*s %u ", &len) == 1) {
			CHECK(len <= 1514);
			frames++;
		}
	}
	CHECK_EQ(pclose(p), 0);
	CHECK(frames >= 1000);
}

CASE_TIMED(a_capture_sees_ordinary_frames_on_both_sides, CONTAINERS, 120)
{
	struct vdestack_capture_opts opts = { .size = sizeof(opts) };
	struct vdestack_capture_stats stats = { .size = sizeof(stats) };

	lay(0, 0);
	transfer(8 * MIB);
	CHECK(sent(0, FRAMES) > 100);
	for (int i = 1; i >= 0; i--) { /* first where they arrive, then where they are sent */
		opts.path = case_path(i == 1 ? "rx" : "tx");
		int fd = (int)MUST(vdestack_capture_start(net.s[i], "vde0", &opts));
		transfer(MIB); /* what was on its way when it began has passed */
		unsigned long long before = sent(i, FRAMES), of_0 = sent(0, FRAMES);
		transfer(4 * MIB);
		MUST(vdestack_capture_stop(fd, &stats));
		printf("stack %d: %llu captured\n", i, (unsigned long long)stats.seen);
		CHECK(stats.seen >= 4 * MIB / 1500);
		CHECK_EQ(sent(i, FRAMES), before); /* it sends none while it is watched */
		if (i == 1)
			CHECK(sent(0, FRAMES) > of_0 + 100);
		check_file(opts.path);
	}
	transfer(4 * MIB);
	CHECK(sent(0, FRAMES) > 100);
}

static bool frames_were_seen(void *arg)
{
	struct vdestack_impair_stats stats = { .size = sizeof(stats) };

	(void)arg;
	MUST(vdestack_impair_get(net.s[1], "vde0", NULL, NULL, NULL, &stats));
	return stats.seen > 4 * MIB / 1500;
}

CASE_TIMED(what_is_impaired_are_ordinary_frames, CONTAINERS, 120)
{
	struct vdestack_impairment slow = { .size = sizeof(slow), .delay_ns = 100000 };

	lay(0, 0);
	transfer(4 * MIB);
	MUST(vdestack_impair(net.s[1], "vde0", NULL, &slow));
	unsigned long long before = sent(0, FRAMES);
	transfer(4 * MIB);
	CHECK(sent(0, FRAMES) > before + 100);
	CHECK(wait_until(frames_were_seen, NULL, SOON_MS));
	MUST(vdestack_impair(net.s[0], "vde0", &slow, NULL));
	transfer(MIB); /* what was on its way before has passed */
	before = sent(0, FRAMES);
	transfer(4 * MIB);
	CHECK_EQ(sent(0, FRAMES), before);
}
