/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A station of a hub or switch sends probes as fast as it can, from MAC addresses that it makes up. The
 * node is an interface of stack 0 itself (hub://, switch://): there the thread for rx sends the answers,
 * beside the one for tx. Stack 1 is a station as usual, whose one thread does both. Each of them gets every
 * second probe.
 *
 *     stack 0 = hub or switch ══ stack 1
 *                             ══ the case: probes, counts answers
 */

#define _GNU_SOURCE
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#include "bulk.h"
#include "container_wire.h"
#include "segment.h"
#include "vde_station.h"

#define FLOODED (CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | VDE)
#define MIB (1u << 20)
#define PER_S 50         /* answers to stations that the stack sends to, and as many to others */
#define WARM 20000       /* probes */
#define MANY 60000
#define GROWTH_KIB 1024  /* 17 bytes for each of so many: less than a table needs that has them all */

static struct vdestack *s[2];
static uint8_t macs[2][6];
static struct flood {
	struct vde_station at;
	pthread_t sender, counter;
	bool spoofs;             /* some probes are from the MAC address of the other stack */
	atomic_bool ends, ended; /* the sender's; the counter's */
	atomic_ullong probes, containers, answers[2];
	long long start_us;
} flood;

static void lay(const char *scheme)
{
	const char *path = case_path("net");

	s[0] = stack_without(0, "vnl=%s%s ip=10.0.0.1/24", scheme, path);
	s[1] = stack_without(0, "vnl=vde://%s ip=10.0.0.2/24", path);
	for (int i = 0; i < 2; i++)
		MUST(vdestack_link_get_mac(s[i], "vde0", macs[i]));
	flood.at = vde_station_open(path, "hostile");
}

/* ------------------------------------------------------------------ the hostile station */

static void *send_probes(void *arg)
{
	static unsigned station;

	while (!atomic_load(&flood.ends)) {
		unsigned n = ++station;
		uint8_t c[64], from[6] = { 2, 0xbd, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, 1 };
		int to = n % 2;
		size_t len = container_probe(c, sizeof(c), n, macs[to],
					     flood.spoofs && n % 8 < 2 ? macs[!to] : from);
		if (send(flood.at.fd, c, len, MSG_NOSIGNAL) == (ssize_t)len)
			atomic_fetch_add(&flood.probes, 1);
	}
	return arg;
}

static void note(const uint8_t *f, size_t len)
{
	if (!container_is(f, len))
		return;
	atomic_fetch_add(&flood.containers, container_kind(f) == FRAMES);
	for (int i = 0; i < 2; i++) {
		/* A hub passes on what the stacks answer to each other, too. */
		bool to_stack = memcmp(f, macs[!i], 6) == 0;
		if (container_kind(f) == ANSWER && memcmp(f + 6, macs[i], 6) == 0 &&
		    (flood.spoofs || !to_stack))
			atomic_fetch_add(&flood.answers[i], 1);
	}
}

static void *count_answers(void *arg)
{
	static uint8_t f[65536];

	while (!atomic_load(&flood.ended)) {
		ssize_t n = wait_readable(flood.at.fd, 20) ? recv(flood.at.fd, f, sizeof(f), 0) : 0;
		if (n > 0)
			note(f, (size_t)n);
	}
	return arg;
}

static void flood_begin(void)
{
	for (int i = 0; i < 2; i++)
		atomic_store(&flood.answers[i], 0);
	atomic_store(&flood.ends, false);
	atomic_store(&flood.ended, false);
	atomic_store(&flood.probes, 0);
	atomic_store(&flood.containers, 0);
	flood.start_us = now_us();
	CHECK_EQ(pthread_create(&flood.sender, NULL, send_probes, NULL), 0);
	CHECK_EQ(pthread_create(&flood.counter, NULL, count_answers, NULL), 0);
}

static bool is_flooded(void *arg)
{
	return atomic_load(&flood.probes) >= *(const unsigned long long *)arg;
}

static void flood_end(void)
{
	atomic_store(&flood.ends, true);
	CHECK_EQ(pthread_join(flood.sender, NULL), 0);
	long long seconds = (now_us() - flood.start_us) / 1000000 + 1;
	atomic_store(&flood.ended, true);
	CHECK_EQ(pthread_join(flood.counter, NULL), 0);
	printf("%llu probes in %lld s; %llu and %llu answers; %llu containers seen\n",
	       (unsigned long long)flood.probes, seconds, (unsigned long long)flood.answers[0],
	       (unsigned long long)flood.answers[1], (unsigned long long)flood.containers);
	for (int i = 0; i < 2; i++) {
		CHECK(flood.answers[i] > 0);
		CHECK(flood.answers[i] <= (flood.spoofs ? 2u : 1u) * PER_S * (unsigned)(seconds + 1));
	}
}

/* So many probes at least. Meanwhile the stacks exchange bytes. Returns what memory the tables are in. */
static long flooded_exchange(unsigned long long probes)
{
	pid_t pid = keeper_pid();

	flood_begin();
	bulk_both_ways(s[0], "10.0.0.1", s[1], 4 * MIB);
	CHECK(wait_until(is_flooded, &probes, 3 * SOON_MS));
	bulk_both_ways(s[1], "10.0.0.2", s[0], 4 * MIB);
	long kib = rss_kib_of(pid);
	flood_end();
	return kib;
}

static void flood_network(const char *scheme)
{
	lay(scheme);
	bulk_both_ways(s[0], "10.0.0.1", s[1], MIB);
	long before = flooded_exchange(WARM), after = flooded_exchange(MANY);
	printf("%ld KiB, %ld KiB before\n", after, before);
	if (case_sanitizer()[0] == '\0') /* it has memory of its own */
		CHECK(after - before < GROWTH_KIB);
	for (int i = 0; i < 2; i++)
		show_stats("counters", s[i]);
}

CASE_TIMED(a_flood_of_probes_on_a_hub_gets_few_answers_and_a_connection_goes_on, FLOODED, 180)
{
	flood_network("hub://");
	CHECK(flood.containers > 0); /* it is containers that the stacks exchange meanwhile */
}

CASE_TIMED(a_flood_of_probes_on_a_switch_gets_few_answers_and_a_connection_goes_on, FLOODED, 180)
{
	flood_network("switch://");
}

/* Then the stacks may get no answers themselves, and exchange ordinary frames. */
CASE_TIMED(a_flood_of_probes_in_the_name_of_its_peer_leaves_a_connection, FLOODED, 180)
{
	flood.spoofs = true;
	flood_network("hub://");
}
