/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Datagrams that are sent faster than they can be received. Each lost datagram must be counted once, where it
 * was lost:
 *
 *     socket -> device      -> pump       -> link      -> pump      -> device      -> socket
 *               tx_dropped     out_refused   (nothing)   in_dropped  rx_dropped    its drops
 *                              out_dropped
 *
 * These links lose nothing: the sender waits for the receiver, or sending fails. There is no other traffic:
 * the ends know each other's addresses, and there is no IPv6.
 */

#define _GNU_SOURCE
#include <ifaddrs.h>
#include <linux/if_link.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <pthread.h>
#include <stdatomic.h>

#include "cable.h"
#include "traffic.h"

#define LOSSES (CASE_F_USER | CASE_F_VDE | CASE_F_NO_TUN)
#define DATAGRAMS 60000

/* ------------------------------------------------------------------ both ends */

struct receiver {
	int fd;
	size_t size;
	pthread_t thread;
	atomic_ullong got;
	atomic_bool stop;
};

/* A datagram: its number, then a known pattern. */
static void fill(unsigned char *data, size_t size, uint32_t number)
{
	memcpy(data, &number, sizeof(number));
	for (size_t i = sizeof(number); i < size; i++)
		data[i] = byte_at(number + i, 3);
}

static void *receive(void *arg)
{
	static unsigned char data[65536], expected[65536];
	struct receiver *r = arg;
	int64_t last = -1;
	uint32_t number;

	while (!atomic_load(&r->stop)) {
		if (!wait_readable(r->fd, 50))
			continue;
		ssize_t n = MUST(recv(r->fd, data, sizeof(data), 0));
		CHECK_EQ(n, r->size);
		memcpy(&number, data, sizeof(number));
		fill(expected, r->size, number);
		CHECK(memcmp(data, expected, r->size) == 0);
		if ((int64_t)number <= last)
			FAIL("datagram %u after %lld", number, (long long)last);
		last = number;
		atomic_fetch_add(&r->got, 1);
	}
	return NULL;
}

/* Returns how many were sent. */
static unsigned long long flood(int fd, size_t size)
{
	static unsigned char data[65536];
	unsigned long long sent = 0;

	for (uint32_t i = 0; i < DATAGRAMS; i++) {
		fill(data, size, i);
		ssize_t n = send(fd, data, size, 0);
		if (n < 0 && errno != ENOBUFS)
			FAIL("send: %s", strerror(errno));
		sent += n == (ssize_t)size;
	}
	return sent;
}

/* ------------------------------------------------------------------ the books */

static struct rtnl_link_stats device_stats(struct vdestack *stack)
{
	struct rtnl_link_stats stats;
	struct ifaddrs *all;
	bool found = false;

	MUST(vdestack_getifaddrs(stack, &all));
	for (struct ifaddrs *i = all; i != NULL && !found; i = i->ifa_next) {
		found = i->ifa_addr != NULL && i->ifa_addr->sa_family == AF_PACKET &&
			strcmp(i->ifa_name, "vde0") == 0;
		if (found)
			memcpy(&stats, i->ifa_data, sizeof(stats));
	}
	vdestack_freeifaddrs(all);
	CHECK(found);
	return stats;
}

enum { TX_DEVICE, OUT_REFUSED, OUT_DROPPED, IN_DROPPED, RX_DEVICE, RX_SOCKET, N_PLACES };

struct books {
	struct vdestack *from, *to;
	struct receiver *receiver;
	unsigned long long sent;
	unsigned long long before[N_PLACES], lost[N_PLACES];
};

static void count_losses(const struct books *b, unsigned long long *lost)
{
	struct vdestack_link_stats out = stats_of(b->from), in = stats_of(b->to);
	uint32_t memory[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(memory);

	MUST(getsockopt(b->receiver->fd, SOL_SOCKET, SO_MEMINFO, memory, &len));
	lost[TX_DEVICE] = device_stats(b->from).tx_dropped;
	lost[OUT_REFUSED] = out.tx_refused;
	lost[OUT_DROPPED] = out.tx_dropped;
	lost[IN_DROPPED] = in.rx_dropped;
	lost[RX_DEVICE] = device_stats(b->to).rx_dropped;
	lost[RX_SOCKET] = memory[SK_MEMINFO_DROPS];
}

static bool books_balance(void *arg)
{
	struct books *b = arg;
	unsigned long long sum = atomic_load(&b->receiver->got);

	count_losses(b, b->lost);
	for (int i = 0; i < N_PLACES; i++) {
		b->lost[i] -= b->before[i];
		sum += b->lost[i];
	}
	return sum == b->sent;
}

static void know_each_other(struct vdestack *a, struct vdestack *b)
{
	MUST(vdestack_sysctl_set(a, "ipv6/conf/all/disable_ipv6", "1"));
	MUST(vdestack_sysctl_set(b, "ipv6/conf/all/disable_ipv6", "1"));
	CHECK(datagram_arrives(a, b, "10.0.0.2", 100, false, SOON_MS));
	CHECK(datagram_arrives(b, a, "10.0.0.1", 100, false, SOON_MS));
	/* A permanent entry. Otherwise the stack would send ARP requests while the queue is full. */
	char *argv[] = { (char *)"ip",       (char *)"neigh",     (char *)"change",
			 (char *)"10.0.0.2", (char *)"dev",       (char *)"vde0",
			 (char *)"nud",      (char *)"permanent", NULL };
	CHECK_EQ(MUST(vdestack_run(a, argv, NULL)), 0);
	argv[3] = (char *)"10.0.0.1";
	CHECK_EQ(MUST(vdestack_run(b, argv, NULL)), 0);
}

static void balance(struct vdestack *a, struct vdestack *b, size_t size)
{
	struct receiver receiver = { .size = size };
	struct books books = { .from = a, .to = b, .receiver = &receiver };
	int port = 0, most = 4 << 20;

	know_each_other(a, b);
	receiver.fd = bound_in(b, "10.0.0.2", SOCK_DGRAM, &port);
	int fd = connected_in(a, "10.0.0.2", SOCK_DGRAM, port);
	MUST(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &most, sizeof(most))); /* more than a device's queue */
	count_losses(&books, books.before);
	CHECK_EQ(pthread_create(&receiver.thread, NULL, receive, &receiver), 0);
	books.sent = flood(fd, size);
	bool balanced = wait_until(books_balance, &books, SOON_MS);
	printf("sent %llu, got %llu; device %llu, pump refused %llu, dropped %llu, pump %llu, device %llu, "
	       "socket %llu\n",
	       books.sent, receiver.got, books.lost[TX_DEVICE], books.lost[OUT_REFUSED],
	       books.lost[OUT_DROPPED], books.lost[IN_DROPPED], books.lost[RX_DEVICE], books.lost[RX_SOCKET]);
	if (!balanced)
		FAIL("of %llu datagrams %llu came, and the places where others were lost do not add up",
		     books.sent, receiver.got);
	CHECK(receiver.got > 0);
	atomic_store(&receiver.stop, true);
	CHECK_EQ(pthread_join(receiver.thread, NULL), 0);
}

/* ------------------------------------------------------------------ the cases */

static void balance_on_ptp(size_t size, int mtu, unsigned off)
{
	const char *path = case_path("p");

	balance(stack_without(off, "vnl=ptp://%s mtu=%d ip=10.0.0.1/24", path, mtu),
		stack_without(off, "vnl=ptp://%s mtu=%d ip=10.0.0.2/24", path, mtu), size);
}

CASE_TIMED(small_datagrams_that_are_lost_are_counted, LOSSES, 120)
{
	balance_on_ptp(16, 1500, 0);
}

CASE_TIMED(datagrams_that_are_lost_are_counted, LOSSES, 120)
{
	balance_on_ptp(1400, 1500, 0);
}

CASE_TIMED(datagrams_that_are_lost_without_offloads_are_counted, LOSSES, 120)
{
	balance_on_ptp(1400, 1500, VDESTACK_OFFLOAD_ALL);
}

CASE_TIMED(large_datagrams_that_are_lost_are_counted, LOSSES, 120)
{
	balance_on_ptp(8000, 9000, 0);
}

/* Sometimes pauses for longer than a pump waits for space. */
static void *carry_lazily(void *arg)
{
	struct wire_way *way = arg;
	uint8_t frame[65536];
	ssize_t n;

	for (unsigned i = 0; (n = recv(way->from, frame, sizeof(frame), 0)) >= 0; i++) {
		(void)send(way->to, frame, (size_t)n, MSG_NOSIGNAL);
		if (i % 1000 == 999)
			sleep_ms(400);
	}
	return NULL;
}

CASE_TIMED(datagrams_that_a_slow_link_loses_are_counted, LOSSES, 120)
{
	pthread_t t;

	cable_plug(0, 1500, 0);
	cable_plug(1, 1500, 0);
	for (int i = 0; i < 2; i++) {
		cable.way[i] = (struct wire_way){ cable.end[i], cable.end[!i], &cable.seen[i] };
		CHECK_EQ(pthread_create(&t, NULL, carry_lazily, &cable.way[i]), 0);
		CHECK_EQ(pthread_detach(t), 0);
	}
	balance(cable.s[0], cable.s[1], 1000);
	CHECK(stats_of(cable.s[0]).tx_dropped > 0);
}
