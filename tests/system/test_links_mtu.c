/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Frames that are longer than their network carries, after the MTU was raised. */

#define _GNU_SOURCE

#include "links.h"

#define RAISED_MTU 20000

static void raise_mtu(struct vdestack *s)
{
	MUST(vdestack_link_set_mtu(s, "vde0", RAISED_MTU));
}

static unsigned long long refused_by(struct vdestack *s)
{
	struct vdestack_link_stats stats = { .size = sizeof(stats) };

	MUST(vdestack_link_get_stats(s, "vde0", &stats));
	return stats.tx_refused;
}

static bool has_refused(void *stack)
{
	return refused_by(stack) > 0;
}

/* No event but those of addresses. */
static void check_nothing_happened(int events)
{
	struct vdestack_event e;

	while (MUST(vdestack_event_read(events, &e, 0)) == 1)
		if (e.type != VDESTACK_EVENT_ADDR_READY && e.type != VDESTACK_EVENT_ADDR_LOST)
			FAIL("event %u, error %d", e.type, e.error);
}

/* Frames too long for the network are counted and dropped. Those before and after them arrive. */
static void exceed(const char *vnl_a, const char *vnl_b)
{
	struct vdestack *a = stack_of("vnl='%s' ip=10.0.0.1/24", vnl_a);
	struct vdestack *b = stack_of("vnl='%s' ip=10.0.0.2/24", vnl_b);
	int events = (int)MUST(vdestack_events(a));

	CHECK(datagram_arrives(a, b, "10.0.0.2", 1000, true, SOON_MS));
	raise_mtu(a);
	CHECK_EQ(refused_by(a), 0);
	for (int i = 0; i < 3; i++)
		CHECK(!datagram_arrives(a, b, "10.0.0.2", 15000, true, 0));
	CHECK(wait_until(has_refused, a, SOON_MS));
	for (int i = 0; i < 3; i++) {
		CHECK(datagram_arrives(a, b, "10.0.0.2", 1000, true, SOON_MS));
		CHECK(datagram_arrives(b, a, "10.0.0.1", 1000, true, SOON_MS));
	}
	CHECK_EQ(refused_by(a), 3);
	check_nothing_happened(events);
	MUST(vdestack_delete(a));
	MUST(vdestack_delete(b));
}

CASE_FLAGS(frames_too_long_for_a_stream_are_dropped_and_the_link_stays_up,
	   VDE | CASE_F_INPROCESS | CASE_F_NO_TUN)
{
	const char *path = case_path("hub");
	struct tool hub;
	char vnl[300], node[300];

	(void)snprintf(node, sizeof(node), "hub://%s", path);
	(void)snprintf(vnl, sizeof(vnl), "=vde_plug %s", path);
	node_start(&hub, node);
	exceed(vnl, path);
}

CASE_FLAGS(frames_too_long_for_a_datagram_link_are_dropped_and_the_link_stays_up,
	   VDE | CASE_F_INPROCESS | CASE_F_NO_TUN)
{
	const char *path = case_path("hub");
	struct tool hub;
	char node[300];

	(void)snprintf(node, sizeof(node), "hub://%s", path);
	node_start(&hub, node);
	exceed(path, path);
}

CASE_FLAGS(frames_too_long_for_a_point_to_point_link_are_dropped_and_the_link_stays_up,
	   VDE | CASE_F_INPROCESS)
{
	char vnl[300];

	(void)snprintf(vnl, sizeof(vnl), "ptp://%s", case_path("ptp"));
	exceed(vnl, vnl);
}

CASE_FLAGS(frames_too_long_for_a_stock_switch_are_dropped_and_the_link_stays_up, VDE | CASE_F_INPROCESS)
{
	const char *path = case_path("sw");
	struct tool sw;

	switch_start(&sw, path, "32");
	exceed(path, path);
}

CASE_FLAGS(frames_too_long_for_a_plugin_are_dropped_and_the_link_stays_up, VDE | CASE_F_INPROCESS)
{
	const char *path = case_path("hub");
	struct tool hub;
	char node[300], vnl[300];

	(void)snprintf(node, sizeof(node), "hub://%s", path);
	(void)snprintf(vnl, sizeof(vnl), "vlan://3{vde://%s}", path);
	node_start(&hub, node);
	exceed(vnl, vnl);
}

CASE_FLAGS(frames_too_long_for_a_null_link_are_dropped, VDE | CASE_F_INPROCESS)
{
	struct vdestack *s = stack_of("%s", "vnl=null:// ip=10.0.0.1/24");
	unsigned char mac[6] = { 2, 0, 0, 0, 0, 2 };
	struct sockaddr_storage to;
	socklen_t len = address_of("10.0.0.2", 7, &to);
	static char bytes[15000];
	int fd = socket_in(s, AF_INET, SOCK_DGRAM);

	raise_mtu(s);
	MUST(vdestack_neigh_add(s, "vde0", "10.0.0.2", mac));
	MUST(sendto(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&to, len));
	CHECK(wait_until(has_refused, s, SOON_MS));
	CHECK(has_carrier(s, "vde0"));
}

/* There the kernel moves the frames, and the bridge has its own MTU. */
CASE_BOTH(frames_too_long_for_a_segment_do_no_harm)
{
	struct vdestack *a = stack_of("%s", "vnl=inproc://lan ip=10.0.0.1/24");
	struct vdestack *b = stack_of("%s", "vnl=inproc://lan ip=10.0.0.2/24");

	CHECK(datagram_arrives(a, b, "10.0.0.2", 1000, true, SOON_MS));
	raise_mtu(a);
	for (int i = 0; i < 3; i++)
		(void)datagram_arrives(a, b, "10.0.0.2", 15000, true, 0);
	CHECK(datagram_arrives(a, b, "10.0.0.2", 1000, true, SOON_MS));
	CHECK(datagram_arrives(b, a, "10.0.0.1", 1000, true, SOON_MS));
	CHECK(has_carrier(a, "vde0"));
}

/*
 * The kernel cuts TCP by the current MTU, so the segments of super-frames are too long for the network as
 * well.
 */
CASE_FLAGS(tcp_segments_too_long_for_a_stream_are_dropped_and_the_link_stays_up,
	   VDE | CASE_F_INPROCESS | CASE_F_NO_TUN)
{
	const char *path = case_path("hub");
	static char bytes[100000];
	struct tool hub;
	char node[300];
	int port = 0;

	(void)snprintf(node, sizeof(node), "hub://%s", path);
	node_start(&hub, node);
	struct vdestack *a = stack_of("vnl='=vde_plug %s' ip=10.0.0.1/24", path);
	struct vdestack *b = stack_of("vnl=%s ip=10.0.0.2/24", path);
	int events = (int)MUST(vdestack_events(a));
	raise_mtu(a);
	raise_mtu(b);
	int listener = bound_in(b, "10.0.0.2", SOCK_STREAM, &port);
	int tcp = connected_in(a, "10.0.0.2", SOCK_STREAM, port);
	CHECK(send(tcp, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) > RAISED_MTU);
	CHECK(wait_until(has_refused, a, SOON_MS));
	CHECK(datagram_arrives(a, b, "10.0.0.2", 1000, true, SOON_MS));
	CHECK(datagram_arrives(b, a, "10.0.0.1", 1000, true, SOON_MS));
	check_nothing_happened(events);
	close(listener);
}
