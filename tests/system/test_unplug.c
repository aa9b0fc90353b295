/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is free in the network when vdestack_iface_del() has returned. */

#define _GNU_SOURCE

#include "stacks.h"

#define VDE (CASE_F_ROOT | CASE_F_USER | CASE_F_VDE | CASE_F_INPROCESS | CASE_F_NO_TUN)
#define ROUNDS 20

struct side {
	struct vdestack *stack;
	const char *addr;
	char socket[300]; /* the path of its socket */
};

static int try_plug(const struct side *side, const char *path)
{
	char config[400];

	(void)snprintf(config, sizeof(config), "iface=p0 vnl=ptp://%s ip=%s/24", path, side->addr);
	return vdestack_iface_add(side->stack, config, case_opts());
}

static void plug(const struct side *side, const char *path)
{
	MUST(try_plug(side, path));
}

static void unplug(const struct side *side)
{
	CHECK(access(side->socket, F_OK) == 0);
	MUST(vdestack_iface_del(side->stack, "p0"));
	CHECK_ERRNO(access(side->socket, F_OK), ENOENT);
}

/* The side that came first has the path itself, the other one the path and a plus. */
static void make_sides(struct side *a, struct side *b, const char *path)
{
	*a = (struct side){ .stack = new_stack("%s", ""), .addr = "10.9.0.1" };
	*b = (struct side){ .stack = new_stack("%s", ""), .addr = "10.9.0.2" };
	(void)snprintf(a->socket, sizeof(a->socket), "%s", path);
	(void)snprintf(b->socket, sizeof(b->socket), "%s+", path);
	plug(a, path);
	plug(b, path);
}

CASE_TIMED(the_first_side_of_a_point_to_point_link_can_be_plugged_in_again_at_once, VDE | CASE_F_TSAN, 120)
{
	const char *path = case_path("ptp");
	struct side a, b;

	make_sides(&a, &b, path);
	for (int i = 0; i < ROUNDS; i++) {
		unplug(&a);
		plug(&a, path);
	}
	check_udp(a.stack, b.stack, b.addr);
	check_udp(b.stack, a.stack, a.addr);
}

struct again {
	const struct side *first, *second;
	const char *path;
	int tx;
};

/* The socket of the first side knows its old peer until it has sent something in vain. */
static bool is_plugged(void *arg)
{
	const struct again *again = arg;
	struct sockaddr_in all = address("10.9.0.255", 9);

	(void)sendto(again->tx, "", 1, MSG_DONTWAIT, (struct sockaddr *)&all, sizeof(all));
	return try_plug(again->second, again->path) == 0;
}

CASE_TIMED(the_second_side_can_be_plugged_in_again_when_the_first_has_noticed, VDE, 120)
{
	const char *path = case_path("ptp");
	struct side a, b;
	int on = 1;

	make_sides(&a, &b, path);
	struct again again = { &a, &b, path, 0 };
	again.tx = (int)MUST(vdestack_msocket(a.stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	MUST(setsockopt(again.tx, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)));
	for (int i = 0; i < ROUNDS; i++) {
		unplug(&b);
		CHECK(wait_until(is_plugged, &again, SOON_MS));
	}
	check_udp(a.stack, b.stack, b.addr);
	check_udp(b.stack, a.stack, a.addr);
}

CASE_TIMED(another_stack_takes_the_place_at_once, VDE, 120)
{
	const char *path = case_path("ptp");
	struct side a, b;

	make_sides(&a, &b, path);
	struct side c = { .stack = new_stack("%s", ""), .addr = "10.9.0.3" };
	(void)snprintf(c.socket, sizeof(c.socket), "%s", a.socket);
	for (int i = 0; i < ROUNDS; i++) {
		unplug(i % 2 == 0 ? &a : &c);
		plug(i % 2 == 0 ? &c : &a, path);
	}
	check_udp(a.stack, b.stack, b.addr);
}
