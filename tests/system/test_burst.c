/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bursts of datagrams through networks that pass frames on without waiting. */

#include <pthread.h>

#include "traffic.h"

#define BURSTS 30
#define PAYLOAD 1000
#define PAUSE_MS 10
#define TRIES 10
#define GOOD 2 /* of them must be good; other cases may run beside this one */
#define BURST (CASE_F_USER | CASE_F_VDE | CASE_F_NO_SANITIZER) /* instrumented it is too slow to be asked */

struct counter {
	int fd;
	_Atomic unsigned long n;
};

static void *count_datagrams(void *arg)
{
	struct counter *c = arg;
	char buf[2048];
	ssize_t n;

	while ((n = recv(c->fd, buf, sizeof(buf), 0)) >= 0 || errno == EAGAIN)
		c->n += n == PAYLOAD;
	return NULL;
}

static void pause_ms(long ms)
{
	struct timespec t = { .tv_nsec = ms * 1000000 };

	(void)nanosleep(&t, NULL); /* the bursts' own rhythm, nothing is waited for */
}

static unsigned long send_bursts(int fd, int size)
{
	static const char payload[PAYLOAD];
	unsigned long sent = 0;

	for (int i = 0; i < BURSTS; i++) {
		for (int j = 0; j < size; j++)
			sent += send(fd, payload, sizeof(payload), 0) == (ssize_t)sizeof(payload);
		pause_ms(PAUSE_MS);
	}
	return sent;
}

/* Counts until nothing has come for a while. */
static unsigned long settled(struct counter *c)
{
	unsigned long before;

	do {
		before = c->n;
		pause_ms(200);
	} while (c->n != before);
	return before;
}

/*
 * Nothing orders the scheduler to let everybody run in time, so a try may fail. Without pacing
 * most lose a tenth and more, and of the large bursts half.
 */
static void bursts_arrive(const char *path, int size)
{
	struct vdestack *from = stack_of("vnl=vde://%s ip=10.0.0.1/24", path);
	struct vdestack *to = stack_of("vnl=vde://%s ip=10.0.0.2/24", path);
	int port = 0, good = 0, lost = 0;
	static struct counter c; /* its thread lives on */
	pthread_t thread;

	CHECK(datagram_arrives(from, to, "10.0.0.2", 100, false, SOON_MS)); /* they know each other */
	c.fd = bound_in(to, "10.0.0.2", SOCK_DGRAM, &port);
	int fd = connected_in(from, "10.0.0.2", SOCK_DGRAM, port);
	CHECK(pthread_create(&thread, NULL, count_datagrams, &c) == 0);
	for (int i = 0; i < TRIES && good < GOOD; i++) {
		unsigned long before = settled(&c), sent = send_bursts(fd, size);
		lost = (int)(sent - (settled(&c) - before));
		good += lost <= BURSTS * size / 100;
	}
	if (good < GOOD)
		FAIL("more than one in a hundred lost in all tries but %d, %d of %d in the last", good, lost, BURSTS * size);
}

static void through_node(const char *scheme, int size)
{
	const char *path = case_path("node");
	char locator[300];
	struct tool node;

	(void)snprintf(locator, sizeof(locator), "%s://%s", scheme, path);
	node_start(&node, locator);
	bursts_arrive(path, size);
}

CASE_TIMED(a_burst_of_128_datagrams_arrives_through_a_switch, BURST, 60)
{
	through_node("switch", 128);
}

CASE_TIMED(a_burst_of_512_datagrams_arrives_through_a_switch, BURST, 60)
{
	through_node("switch", 512);
}

CASE_TIMED(a_burst_of_128_datagrams_arrives_through_a_hub, BURST, 60)
{
	through_node("hub", 128);
}

CASE_TIMED(a_burst_of_128_datagrams_arrives_through_a_stock_switch, BURST, 60)
{
	const char *path = case_path("sw");
	struct tool sw;

	switch_start(&sw, path, "32");
	bursts_arrive(path, 128);
}
