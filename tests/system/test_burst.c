/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bursts of datagrams through networks that forward frames without waiting. */

#include <time.h>

#include "traffic.h"

#define BURSTS 30
#define PAYLOAD 1000
#define PAUSE_MS 10
#define TRIES 10
#define GOOD 2 /* so many tries must succeed; other cases may run at the same time */
#define BURST (CASE_F_USER | CASE_F_VDE | CASE_F_NO_SANITIZER) /* with a sanitizer it is too slow */

static unsigned long long frames(struct vdestack *stack, bool in)
{
	struct vdestack_link_stats stats = { .size = sizeof(stats) };

	MUST(vdestack_link_get_stats(stack, "vde0", &stats));
	return in ? stats.rx_frames : stats.tx_frames;
}

static void pause_ms(long ms)
{
	struct timespec t = { .tv_nsec = ms * 1000000 };

	(void)nanosleep(&t, NULL); /* the interval of the bursts; this waits for no event */
}

static void send_bursts(int fd, int size)
{
	static const char payload[PAYLOAD];

	for (int i = 0; i < BURSTS; i++) {
		for (int j = 0; j < size; j++)
			(void)send(fd, payload, sizeof(payload), 0);
		pause_ms(PAUSE_MS);
	}
}

/* Frames sent by one stack and received by the other, once both numbers are constant. */
static void settle(struct vdestack *from, struct vdestack *to, unsigned long long *sent,
		   unsigned long long *got)
{
	unsigned long long before;

	do {
		before = *sent + *got;
		pause_ms(200);
		*sent = frames(from, false);
		*got = frames(to, true);
	} while (*sent + *got != before);
}

/*
 * Only the node is between the two links. The scheduler may not run every process in time, so a
 * try may fail. Without pacing most tries lose a tenth or more.
 */
static void bursts_arrive(const char *path, int size)
{
	struct vdestack *from = stack_of("vnl=vde://%s ip=10.0.0.1/24", path);
	struct vdestack *to = stack_of("vnl=vde://%s ip=10.0.0.2/24", path);
	unsigned long long sent = 0, got = 0, lost = 0;
	int port = 0, good = 0;

	CHECK(datagram_arrives(from, to, "10.0.0.2", 100, false, SOON_MS)); /* they know each other */
	(void)bound_in(to, "10.0.0.2", SOCK_DGRAM, &port);
	int fd = connected_in(from, "10.0.0.2", SOCK_DGRAM, port);
	settle(from, to, &sent, &got);
	for (int i = 0; i < TRIES && good < GOOD; i++) {
		unsigned long long sent_before = sent, got_before = got;
		send_bursts(fd, size);
		settle(from, to, &sent, &got);
		CHECK(sent - sent_before >= (unsigned long long)(BURSTS * size) / 2);
		lost = sent - sent_before > got - got_before ? (sent - sent_before) - (got - got_before) : 0;
		good += lost <= (unsigned long long)(BURSTS * size) / 100;
	}
	if (good < GOOD)
		FAIL("more than one in a hundred lost in all tries but %d, %llu of %d in the last", good,
		     lost, BURSTS * size);
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

CASE_TIMED(a_burst_of_128_datagrams_arrives_through_a_switch, BURST | CASE_F_NO_TUN, 60)
{
	through_node("switch", 128);
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
