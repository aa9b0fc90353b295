/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A station that attacks with containers: the case is the other end of a point-to-point link and sends any
 * bytes. Those are made here, without code of the library.
 */

#define _GNU_SOURCE
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>

#include "cable.h"
#include "container_wire.h"

#define FORGED (CASE_F_ROOT | CASE_F_USER | VDE)
#define LONGEST CONTAINER_LONGEST

static struct vdestack *s;
static int end;
static uint8_t mac[6], f[65536];

static void plug(unsigned no_offload)
{
	const char *path = case_path("p");

	end = wire_open(path);
	s = stack_without(no_offload, "vnl=ptp://%s ip=10.0.0.1/24", path);
	wire_connect(end, path);
	MUST(vdestack_link_get_mac(s, "vde0", mac));
}

/* From the attacker to the stack. */
static size_t seal(uint8_t *c, size_t len, int kind)
{
	return container_seal(c, len, kind, mac, peer_mac);
}

/* A record at `at`. Returns where it ends. */
static size_t record(uint8_t *c, size_t at, const uint8_t *frame, size_t len, unsigned segment)
{
	memset(c + at, 0, 24);
	put16(c + at, len - 12);
	put16(c + at + 2, segment);
	memcpy(c + at + 24, frame + 12, len - 12);
	return at + 24 + len - 12;
}

static size_t next(size_t at)
{
	return (at + 7) & ~(size_t)7;
}

static void throw(const uint8_t *bytes, size_t len)
{
	MUST(send(end, bytes, len, 0));
}

/* What the stack sends next of this kind; 0: nothing in that time. */
static size_t awaited(int kind, int ms)
{
	long long until = now_us() + 1000LL * ms;

	while (wait_readable(end, (int)((until - now_us()) / 1000) + 1)) {
		ssize_t n = MUST(recv(end, f, sizeof(f), 0));
		if (container_is(f, (size_t)n) && container_kind(f) == kind)
			return (size_t)n;
		if (now_us() > until)
			break;
	}
	return 0;
}

static size_t probe(uint8_t *c, size_t len, unsigned nonce)
{
	return container_probe(c, len, nonce, mac, peer_mac);
}

/* The stack answers the next probe: all that was sent before has been handled. */
static void catch_up(void)
{
	static unsigned nonce;
	uint8_t c[64];

	throw(c, probe(c, sizeof(c), ++nonce));
	for (size_t n; (n = awaited(ANSWER, SOON_MS)) > 0;)
		if (f[30] == nonce >> 8 && f[31] == (nonce & 0xff))
			return;
	FAIL("no answer");
}

static bool expect_datagram(int fd, size_t size)
{
	unsigned char in[2000];

	return wait_readable(fd, SOON_MS) && recv(fd, in, sizeof(in), 0) == (ssize_t)size;
}

CASE_FLAGS(datagrams_in_a_container_reach_their_socket, FORGED)
{
	uint8_t c[4000], one[200];
	int port = 0;

	plug(0);
	int fd = bound_in(s, "10.0.0.1", SOCK_DGRAM, &port);
	size_t at = 24, last = 0;
	for (size_t i = 0; i < 5; i++) {
		size_t len = make_datagram(s, one, port, 30 + i);
		last = record(c, at, one, len, 0);
		at = next(last);
	}
	throw(c, seal(c, last, FRAMES));
	for (size_t i = 0; i < 5; i++)
		CHECK(expect_datagram(fd, 30 + i));
	catch_up();
	CHECK_EQ(stats_of(s).rx_dropped, 0);
}

CASE_FLAGS(a_probe_is_answered_by_the_station_that_it_is_for, FORGED)
{
	static uint8_t c[LONGEST];

	plug(0);
	throw(c, probe(c, LONGEST, 0x1234));
	CHECK_EQ(awaited(ANSWER, SOON_MS), 64); /* shorter than any probe */
	CHECK(memcmp(f, peer_mac, 6) == 0 && memcmp(f + 6, mac, 6) == 0);
	CHECK(f[30] == 0x12 && f[31] == 0x34);
	CHECK_EQ(f[32] << 8 | f[33], LONGEST);

	probe(c, LONGEST, 1);
	c[5] ^= 1; /* to another station */
	throw(c, LONGEST);
	probe(c, LONGEST, 2);
	memset(c, 0xff, 6);
	throw(c, LONGEST);
	probe(c, LONGEST, 3);
	memcpy(c + 6, mac, 6); /* from itself */
	throw(c, LONGEST);
	probe(c, LONGEST, 4);
	c[6] |= 1; /* from a group */
	throw(c, LONGEST);
	probe(c, LONGEST, 5);
	throw(c, LONGEST - 1); /* cut */
	probe(c, LONGEST, 6);
	c[100] = 1; /* damaged */
	throw(c, LONGEST);
	throw(c, probe(c, LONGEST, 7));
	CHECK(awaited(ANSWER, SOON_MS) > 0);
	CHECK_EQ(f[31], 7); /* none of those before */
}

CASE_FLAGS(with_the_switch_off_no_probe_is_answered_and_no_container_opened, FORGED)
{
	uint8_t c[2000], one[200];
	int port = 0;

	plug(VDESTACK_OFFLOAD_SUPER);
	int fd = bound_in(s, "10.0.0.1", SOCK_DGRAM, &port);
	size_t len = make_datagram(s, one, port, 30);
	throw(c, seal(c, record(c, 24, one, len, 0), FRAMES));
	throw(c, probe(c, 1000, 1));
	throw(one, make_datagram(s, one, port, 31));
	CHECK(expect_datagram(fd, 31)); /* the one in the container was not delivered before */
	CHECK_EQ(awaited(ANSWER, 50), 0);
}

CASE_FLAGS(a_flood_of_probes_gets_few_answers, FORGED)
{
	uint8_t c[64];
	long long start = now_us();
	unsigned answers = 0;

	plug(0);
	for (unsigned i = 0; i < 5000; i++) {
		throw(c, probe(c, sizeof(c), i));
		while (wait_readable(end, 0)) {
			ssize_t n = MUST(recv(end, f, sizeof(f), 0));
			answers += container_is(f, (size_t)n) && container_kind(f) == ANSWER;
		}
	}
	long long seconds = (now_us() - start) / 1000000 + 1;
	printf("%u answers in %lld s\n", answers, seconds);
	CHECK(answers > 0 && answers <= 50u * (unsigned)(seconds + 1));
}

/* Answers that were not asked for, or have another nonce: the stack goes on with ordinary frames. */
CASE_FLAGS(a_forged_answer_changes_nothing, FORGED)
{
	uint8_t c[64];
	unsigned frames = 0, probes = 0;

	plug(0);
	int fd = socket_to_nobody(s);
	for (int i = 0; i < 20000; i++) {
		char data[100] = { 0 };
		memset(c, 0, sizeof(c));
		put16(c + 24, (size_t)i); /* a nonce */
		put16(c + 32, LONGEST);
		put16(c + 34, 7);
		throw(c, seal(c, sizeof(c), ANSWER));
		(void)send(fd, data, sizeof(data), MSG_DONTWAIT);
		(void)send(fd, data, sizeof(data), MSG_DONTWAIT);
		while (wait_readable(end, 0)) {
			ssize_t n = MUST(recv(end, f, sizeof(f), 0));
			bool ours = container_is(f, (size_t)n);
			CHECK(!ours || f[19] == PROBE);
			probes += ours;
			frames += !ours;
		}
	}
	printf("%u frames, %u probes\n", frames, probes);
	CHECK(frames > 1000);
	CHECK(probes >= 1 && probes <= 4);
}

/* The answer to the probe in f. The station takes everything and has no limit. */
static void answer_greedily(void)
{
	uint8_t c[64] = { 0 };

	memcpy(c + 24, f + 24, 8);
	put16(c + 32, 65535);
	put16(c + 34, 7);
	throw(c, seal(c, sizeof(c), ANSWER));
}

CASE_FLAGS(a_station_that_wants_longer_containers_gets_none_that_are_too_long, FORGED)
{
	long long until = now_us() + 1000LL * SOON_MS;
	size_t longest = 0, containers = 0;

	plug(0);
	int fd = socket_to_nobody(s);
	while (containers < 20 || longest < LONGEST / 2) {
		char data[1000] = { 0 };
		CHECK(now_us() < until);
		for (int i = 0; i < 60; i++)
			(void)send(fd, data, sizeof(data), MSG_DONTWAIT);
		while (wait_readable(end, 1)) {
			size_t n = (size_t)MUST(recv(end, f, sizeof(f), MSG_TRUNC));
			if (n <= 24 || !container_is(f, n))
				continue;
			CHECK(n <= LONGEST);
			if (f[19] == PROBE)
				answer_greedily();
			containers += f[19] == FRAMES;
			longest = f[19] == FRAMES && n > longest ? n : longest;
		}
	}
	printf("%zu containers, the longest has %zu bytes\n", containers, longest);
	CHECK_EQ(stats_of(s).tx_dropped, 0);
}

/* ------------------------------------------------------------------ bytes at random */

static uint64_t chance;

static unsigned pick(unsigned n)
{
	chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (unsigned)(chance >> 33) % n;
}

/* A TCP segment of a connection that there is not, or a datagram, as a super-frame. */
static size_t make_super(uint8_t *to, int port)
{
	size_t payload = 1 + pick(3000), len = make_datagram(s, to, port, payload);

	if (pick(2)) {
		to[23] = 6;
		to[34 + 12] = (uint8_t)(pick(4) ? 0x50 : pick(256));
		to[34 + 13] = (uint8_t)(pick(4) ? 0x10 : pick(256));
	}
	return len;
}

CASE_TIMED(containers_at_random_cost_only_themselves, FORGED, 120)
{
	static uint8_t c[70000], one[4000];
	unsigned long long refused;
	int port = 0;

	chance = (uint64_t)now_us();
	printf("seed %llu\n", (unsigned long long)chance);
	plug(0);
	int fd = bound_in(s, "10.0.0.1", SOCK_DGRAM, &port);
	for (int i = 0; i < 20000; i++) {
		size_t at = 24, last = 24;
		for (unsigned n = pick(4); n > 0 && at < 6000; n--) {
			size_t len = make_super(one, port);
			last = record(c, at, one, len, pick(3) ? pick(3000) : pick(65536));
			at = next(last);
		}
		for (unsigned n = pick(4); n > 0 && last > 24; n--)
			c[24 + pick((unsigned)last - 24)] = (uint8_t)pick(256);
		if (pick(8) == 0)
			last = 24 + pick((unsigned)last - 23);
		throw(c, seal(c, last, FRAMES));
	}
	refused = stats_of(s).rx_dropped;
	printf("%llu of %llu dropped\n", refused, (unsigned long long)stats_of(s).rx_frames);
	while (wait_readable(fd, 0))
		(void)recv(fd, c, sizeof(c), 0);
	size_t len = make_datagram(s, one, port, 77);
	throw(c, seal(c, record(c, 24, one, len, 0), FRAMES));
	for (int left = 1000; left > 0; left--) { /* what came before may still be on its way */
		CHECK(wait_readable(fd, SOON_MS));
		if (MUST(recv(fd, c, sizeof(c), 0)) == 77)
			break;
		CHECK(left > 1);
	}
	CHECK(stats_of(s).rx_dropped > 0);
}
