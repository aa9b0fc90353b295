/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * No byte changes between stacks, for each link, each set of offloads and each MTU.
 *
 * VDESTACK_TEST_MIB says how much each case sends (64).
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
#include "frames.h"
#include "net.h"
#include "traffic.h"
#include "wire.h"

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
	struct vdestack *a = stack_of("vnl=inproc://lan ip=10.0.0.1/24"),
			*b = stack_of("vnl=inproc://lan ip=10.0.0.2/24");

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
		CHECK(stats_of(s).tx_frames < bulk_bytes() / 2 / 3000);
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

/* Adds and removes an interface of both stacks, beside the busy one. Returns how often. */
static void *come_and_go(void *arg)
{
	struct vdestack *const *stacks = arg;
	long rounds = 0;

	while (!atomic_load(&stop_coming)) {
		for (int i = 0; i < 2; i++)
			MUST(vdestack_iface_add(stacks[i], with("iface=other vnl=ptp://", case_path("other")),
						case_opts()));
		for (int i = 0; i < 2; i++)
			MUST(vdestack_iface_del(stacks[i], "other"));
		rounds++;
	}
	return (void *)rounds;
}

CASE_TIMED(bytes_are_the_same_while_interfaces_come_and_go, USER_VDE | CASE_F_NO_TUN, 300)
{
	const char *vnl = with("ptp://", case_path("p"));
	struct vdestack *stacks[2] = { stack_of("vnl=%s ip=10.0.0.1/24", vnl),
				       stack_of("vnl=%s ip=10.0.0.2/24", vnl) };
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
