/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Networks that go away and come back, and cables that are pulled. */

#define _GNU_SOURCE
#include <dirent.h>
#include <net/if.h>

#include "links.h"
#include "net.h"

struct on_a_node {
	const char *path;
	char locator[300];
	struct tool node;
	struct vdestack *a, *b;
	int events;
};

/*
 * The node's own sockets, one per client, are named fd and a number. A node that is killed while a client
 * connects leaves one behind. Sockets of clients have other names, and the clients must remove them.
 */
static bool place_is_free(void *path)
{
	DIR *dir = opendir(path);

	if (dir == NULL)
		return errno == ENOENT;
	for (struct dirent *e; (e = readdir(dir)) != NULL;)
		if (strncmp(e->d_name, "fd", 2) == 0)
			(void)unlinkat(dirfd(dir), e->d_name, 0);
	closedir(dir);
	return rmdir(path) == 0 || errno == ENOENT;
}

/*
 * A node of vde_plug that ends before its clients have removed their sockets leaves its folder, and
 * then refuses to start again.
 */
static void node_up(struct on_a_node *n)
{
	CHECK(wait_until(place_is_free, (void *)n->path, SOON_MS));
	node_start(&n->node, n->locator);
}

static void node_down(struct on_a_node *n)
{
	tool_end(&n->node, SIGTERM);
}

static void begin(struct on_a_node *n, const char *scheme)
{
	n->path = case_path("node");
	(void)snprintf(n->locator, sizeof(n->locator), "%s://%s", scheme, n->path);
	node_up(n);
	n->a = stack_of("vnl=vde://%s ip=10.0.0.1/24", n->path);
	n->b = stack_of("vnl=vde://%s ip=10.0.0.2/24", n->path);
	n->events = (int)MUST(vdestack_events(n->a));
}

/* Some bytes from one end to the other, on a connection that stays open. */
static void carry(int from, int to)
{
	static unsigned char out[40000], in[sizeof(out)];
	static size_t place;

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = byte_at(place++, 1);
	CHECK_EQ(send(from, out, sizeof(out), 0), sizeof(out));
	for (size_t got = 0; got < sizeof(out);) {
		ssize_t n = recv(to, in + got, sizeof(in) - got, 0);
		CHECK(n > 0);
		got += (size_t)n;
	}
	CHECK(memcmp(in, out, sizeof(out)) == 0);
}

static unsigned long long reconnects(struct vdestack *stack)
{
	struct vdestack_link_stats stats = { .size = sizeof(stats) };

	MUST(vdestack_link_get_stats(stack, "vde0", &stats));
	return stats.reconnects;
}

static void gone_and_back(const char *scheme)
{
	struct on_a_node n;

	begin(&n, scheme);
	int port = 0, listener = bound_in(n.a, "10.0.0.1", SOCK_STREAM, &port);
	int client = connected_in(n.b, "10.0.0.1", SOCK_STREAM, port);
	int served = (int)MUST(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
	carry(client, served);
	carry(served, client);
	CHECK_EQ(reconnects(n.a), 0);
	node_down(&n);
	struct vdestack_event down = next_event(n.events, VDESTACK_EVENT_LINK_DOWN);
	CHECK_STR(down.ifname, "vde0");
	CHECK(!has_carrier(n.a, "vde0"));
	node_up(&n);
	struct vdestack_event up = next_event(n.events, VDESTACK_EVENT_LINK_UP);
	CHECK(up.time_ns > down.time_ns);
	CHECK_EQ(reconnects(n.a), 1);
	CHECK(has_carrier(n.a, "vde0"));
	carry(client, served); /* the same connection */
	carry(served, client);
	tcp_both_ways(n.a, "10.0.0.1", n.b, "10.0.0.2");
}

CASE_TIMED(connections_live_through_a_restart_of_the_switch,
	   VDE | CASE_F_INPROCESS | CASE_F_TSAN | CASE_F_NO_TUN, 120)
{
	gone_and_back("switch");
}

CASE_TIMED(connections_live_through_a_restart_of_the_hub, VDE | CASE_F_NO_TUN, 120)
{
	gone_and_back("hub");
}

/* The attempts go on where they were, so they become less frequent in this case, too. */
CASE_TIMED(a_network_that_goes_right_after_it_came_back_is_tried_less_often, VDE | CASE_F_NO_TUN, 60)
{
	struct on_a_node n;
	struct vdestack_event up, down, retry;

	begin(&n, "switch");
	node_down(&n);
	(void)next_event(n.events, VDESTACK_EVENT_LINK_DOWN);
	CHECK_EQ(next_event(n.events, VDESTACK_EVENT_LINK_RETRY).attempt, 1);
	do {
		node_up(&n);
		up = next_event(n.events, VDESTACK_EVENT_LINK_UP);
		node_down(&n);
		down = next_event(n.events, VDESTACK_EVENT_LINK_DOWN);
		retry = next_event(n.events, VDESTACK_EVENT_LINK_RETRY);
	} while (down.time_ns - up.time_ns > INT64_C(4000000000)); /* it has stayed, on a slow machine */
	CHECK(retry.attempt > 1);
}

CASE_TIMED(reconnect_attempts_are_reported_and_become_less_frequent, VDE | CASE_F_NO_TUN, 60)
{
	struct on_a_node n;
	int64_t last = 0;

	begin(&n, "switch");
	node_down(&n);
	(void)next_event(n.events, VDESTACK_EVENT_LINK_DOWN);
	for (unsigned i = 1; i <= 4; i++) {
		struct vdestack_event e = next_event(n.events, VDESTACK_EVENT_LINK_RETRY);
		CHECK_EQ(e.attempt, i);
		CHECK(e.error == ENOENT || e.error == ECONNREFUSED);
		if (last != 0)
			/* half of 200 ms, less what a clock may differ */
			CHECK(e.time_ns - last >= 90000000);
		last = e.time_ns;
	}
}

static int count_in(const char *dir)
{
	DIR *d = opendir(dir);
	int n = 0;

	while (d != NULL && readdir(d) != NULL)
		n++;
	if (d != NULL)
		closedir(d);
	return n;
}

static int keeper_tasks(void)
{
	char dir[64];
	pid_t keeper;

	CHECK_EQ(find_keepers(&keeper, 1), 1);
	(void)snprintf(dir, sizeof(dir), "/proc/%d/task", (int)keeper);
	return count_in(dir);
}

static int keeper_descriptors(void)
{
	char dir[64];
	pid_t keeper;

	CHECK_EQ(find_keepers(&keeper, 1), 1);
	(void)snprintf(dir, sizeof(dir), "/proc/%d/fd", (int)keeper);
	return count_in(dir);
}

/* Pumps that have been busy keep a thread, with descriptors, for a moment. */
static bool tasks_are_back(void *arg)
{
	return keeper_tasks() <= *(int *)arg;
}

static bool descriptors_are_back(void *arg)
{
	return keeper_descriptors() <= *(int *)arg;
}

CASE_TIMED(many_restarts_leave_nothing, CASE_F_ROOT | CASE_F_VDE | CASE_F_NO_TUN, 180)
{
	struct on_a_node n;

	begin(&n, "switch");
	int tasks = keeper_tasks();
	tcp_one_way(n.a, "10.0.0.1", n.b); /* everything has begun */
	CHECK(wait_until(tasks_are_back, &tasks, SOON_MS));
	int descriptors = keeper_descriptors();
	for (int i = 0; i < 5; i++) { /* with growing delays, so no more of them */
		node_down(&n);
		(void)next_event(n.events, VDESTACK_EVENT_LINK_DOWN);
		node_up(&n);
		(void)next_event(n.events, VDESTACK_EVENT_LINK_UP);
	}
	tcp_one_way(n.a, "10.0.0.1", n.b);
	CHECK(wait_until(tasks_are_back, &tasks, SOON_MS));
	CHECK(wait_until(descriptors_are_back, &descriptors, SOON_MS));
}

CASE_TIMED(a_network_may_be_absent_at_creation, VDE | CASE_F_INPROCESS | CASE_F_NO_TUN, 60)
{
	struct vdestack_opts opts = { .size = sizeof(opts),
				      .flags = case_opts()->flags | VDESTACK_ALLOW_ABSENT };
	struct on_a_node n = { .path = case_path("node") };
	char config[400];

	(void)snprintf(n.locator, sizeof(n.locator), "switch://%s", n.path);
	(void)snprintf(config, sizeof(config), "vnl=vde://%s ip=10.0.0.1/24 ip=fc00::1/64", n.path);
	struct vdestack *early = vdestack_new(config, &opts);
	if (early == NULL)
		FAIL("%s", vdestack_last_error());
	CHECK(!has_carrier(early, "vde0"));
	int events = (int)MUST(vdestack_events(early));
	node_up(&n);
	(void)next_event(events, VDESTACK_EVENT_LINK_UP);
	struct vdestack *late = stack_of("vnl=vde://%s ip=10.0.0.2/24", n.path);
	tcp_both_ways(early, "10.0.0.1", late, "10.0.0.2");
	/* this error is permanent */
	CHECK_ERRNO(vdestack_iface_add(early, "vnl=nosuch://x", &opts), EPROTONOSUPPORT);
	MUST(vdestack_iface_add(early, "vnl=vde:///nowhere/at/all", &opts));
	CHECK(!has_carrier(early, "vde1"));
	MUST(vdestack_iface_del(early, "vde1"));
}

CASE_TIMED(without_reconnecting_an_interface_stays_down, VDE | CASE_F_NO_TUN, 60)
{
	struct vdestack_opts opts = { .size = sizeof(opts),
				      .flags = case_opts()->flags | VDESTACK_NO_RECONNECT };
	struct on_a_node n;
	struct vdestack_event e;
	char config[400];

	begin(&n, "switch");
	(void)snprintf(config, sizeof(config), "vnl=vde://%s ip=10.0.0.3/24", n.path);
	struct vdestack *c = vdestack_new(config, &opts);
	CHECK(c != NULL);
	int events = (int)MUST(vdestack_events(c));
	node_down(&n);
	(void)next_event(events, VDESTACK_EVENT_LINK_DOWN);
	node_up(&n);
	(void)next_event(n.events, VDESTACK_EVENT_LINK_DOWN);
	/* the other stack is back, so this one could be */
	(void)next_event(n.events, VDESTACK_EVENT_LINK_UP);
	CHECK_EQ(vdestack_event_read(events, &e, 0), 0);
	CHECK_ERRNO(vdestack_event_read(events, &e, -2), EINVAL);
	CHECK(!has_carrier(c, "vde0"));
}

CASE_TIMED(the_carrier_stays_off_when_a_command_has_ended, VDE | CASE_F_NO_TUN, 60)
{
	struct vdestack *s = stack_of("%s", "vnl='=sleep 2' ip=10.0.0.1/24");
	int events = (int)MUST(vdestack_events(s));

	(void)next_event(events, VDESTACK_EVENT_LINK_DOWN);
	CHECK(!has_carrier(s, "vde0"));
}

/* ------------------------------------------------------------------ deletion in the middle */

CASE_TIMED(stacks_can_be_deleted_while_they_reconnect, VDE | CASE_F_INPROCESS | CASE_F_TSAN | CASE_F_NO_TUN,
	   60)
{
	struct on_a_node n;

	begin(&n, "switch");
	node_down(&n);
	(void)next_event(n.events, VDESTACK_EVENT_LINK_DOWN);
	(void)next_event(n.events, VDESTACK_EVENT_LINK_RETRY);
	MUST(vdestack_delete(n.a));
	(void)next_event(n.events, VDESTACK_EVENT_STACK_ENDED);
	MUST(vdestack_iface_del(n.b, "vde0"));
	/* the name is free and the stack works */
	MUST(vdestack_iface_add(n.b, "vnl=inproc://lan ip=10.0.1.2/24", case_opts()));
	MUST(vdestack_delete(n.b));
}

/* A process listens on the switch's socket and never answers. */
CASE_TIMED(stacks_can_be_deleted_while_a_network_does_not_answer, VDE | CASE_F_NO_TUN, 60)
{
	struct on_a_node n;

	begin(&n, "switch");
	node_down(&n);
	(void)next_event(n.events, VDESTACK_EVENT_LINK_DOWN);
	int silent = silent_switch(n.path, 8);
	struct pollfd attempt = { .fd = silent, .events = POLLIN };
	CHECK_EQ(poll(&attempt, 1, BACK_MS), 1);
	MUST(vdestack_delete(n.a));
	MUST(vdestack_delete(n.b));
}

/* ------------------------------------------------------------------ addresses that move */

#define MOVED_MS                                                                                             \
	5000 /* without announcement, a neighbour takes thirty seconds or more to learn the new MAC */

static void reach(struct vdestack *from, struct vdestack *to, const char *addr)
{
	struct sockaddr_storage ss;
	int port = 0, err = 0, listener = bound_in(to, addr, SOCK_STREAM, &port);
	socklen_t len = address_of(addr, port, &ss), err_len = sizeof(err);
	int fd = (int)MUST(
		vdestack_msocket(from, ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	long long start = now_us();

	(void)connect(fd, (struct sockaddr *)&ss, len);
	if (poll(&p, 1, MOVED_MS) != 1)
		FAIL("%s is not found", addr);
	MUST(getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &err_len));
	CHECK_EQ(err, 0);
	printf("%s: %lld us\n", addr, now_us() - start);
	close(fd);
	close(listener);
}

/*
 * Each stack and each interface has a MAC of its own. A neighbour that knows the old MAC must learn the new
 * one.
 */
static void addresses_move(const char *vnl)
{
	struct vdestack *stays = stack_of("vnl=%s ip=10.0.0.1/24 ip=fc00::1/64", vnl), *holder = NULL;

	for (int i = 0; i < 2; i++) {
		holder = stack_of("vnl=%s ip=10.0.0.2/24 ip=fc00::2/64", vnl);
		reach(stays, holder, "10.0.0.2");
		reach(stays, holder, "fc00::2");
		if (i == 0)
			MUST(vdestack_delete(holder));
	}
	char config[400];
	(void)snprintf(config, sizeof(config), "vnl=%s ip=10.0.0.2/24", vnl);
	MUST(vdestack_iface_del(holder, "vde0"));
	MUST(vdestack_iface_add(holder, config, case_opts()));
	reach(stays, holder, "10.0.0.2");
}

static void addresses_move_on(const char *scheme)
{
	struct on_a_node n = { .path = case_path("node") };
	char vnl[300];

	(void)snprintf(n.locator, sizeof(n.locator), "%s://%s", scheme, n.path);
	(void)snprintf(vnl, sizeof(vnl), "vde://%s", n.path);
	node_up(&n);
	addresses_move(vnl);
}

CASE_TIMED(an_address_that_moves_is_found_at_once_on_a_hub, CASE_F_USER | CASE_F_VDE | CASE_F_NO_TUN, 60)
{
	addresses_move_on("hub");
}

CASE_TIMED(an_address_that_moves_is_found_at_once_on_a_switch, CASE_F_ROOT | CASE_F_VDE, 60)
{
	addresses_move_on("switch");
}

CASE_TIMED(an_address_that_moves_is_found_at_once_on_a_segment, CASE_F_USER | CASE_F_INPROCESS, 60)
{
	addresses_move("inproc://lan");
}

/* ------------------------------------------------------------------ cables */

static bool few_tasks(void *tasks)
{
	return count_tasks_of(net_keeper()) <= *(int *)tasks;
}

/* A command in the stack deletes the device. Its pump ends, and the name is free. */
CASE_TIMED(the_pump_of_an_interface_that_is_deleted_in_the_stack_ends, VDE | CASE_F_NO_TUN, 60)
{
	char *argv[] = { (char *)"ip", (char *)"link", (char *)"del", (char *)"vde0", NULL };
	struct vdestack *stays = stack_of("%s", "vnl=inproc://lan");
	int before = count_tasks_of(net_keeper()), with_stack = before + 1;

	for (int i = 0; i < 5; i++) {
		CHECK(wait_until(few_tasks, &before, SOON_MS));
		struct vdestack *s = stack_of("vnl=null:// ip=10.0.0.1/24 %s", "");
		CHECK(count_tasks_of(net_keeper()) > with_stack);
		CHECK_EQ(MUST(vdestack_run(s, argv, NULL)), 0);
		CHECK(wait_until(few_tasks, &with_stack, SOON_MS));
		MUST(vdestack_delete(s));
	}
	MUST(vdestack_delete(stays));
}

/*
 * No thread watches a device whose cable is pulled or whose network is absent. The next call on it notices.
 */
static void deleted_unseen(const char *config, bool cut)
{
	char *argv[] = { (char *)"ip", (char *)"link", (char *)"del", (char *)"vde0", NULL };
	struct vdestack_opts absent = { .size = sizeof(absent),
					.flags = case_opts()->flags | VDESTACK_ALLOW_ABSENT };
	struct vdestack_link_stats stats = { .size = sizeof(stats) };

	struct vdestack *s = vdestack_new(config, &absent);
	CHECK(s != NULL);
	for (int i = 0; i < 3; i++) {
		if (cut)
			MUST(vdestack_link_set_carrier(s, "vde0", 0));
		CHECK_EQ(MUST(vdestack_run(s, argv, NULL)), 0);
		if (i == 0) {
			CHECK_ERRNO(vdestack_link_get_stats(s, "vde0", &stats), ENODEV);
			CHECK_ERRNO(vdestack_link_set_carrier(s, "vde0", 1), ENODEV);
		}
		if (i == 1)
			CHECK_ERRNO(vdestack_iface_del(s, "vde0"), ENODEV);
		MUST(vdestack_iface_add(s, config, &absent));
		CHECK((int)MUST(vdestack_if_nametoindex(s, "vde0")) > 0);
	}
	MUST(vdestack_iface_del(s, "vde0"));
	MUST(vdestack_delete(s));
}

CASE_FLAGS(a_device_that_is_deleted_while_its_cable_is_pulled_is_removed, VDE | CASE_F_NO_TUN)
{
	deleted_unseen("vnl=null:// ip=10.0.0.1/24", true);
}

CASE_FLAGS(a_device_that_is_deleted_while_its_network_is_absent_is_removed, VDE | CASE_F_NO_TUN)
{
	char config[300];

	(void)snprintf(config, sizeof(config), "vnl=vde://%s ip=10.0.0.1/24", case_path("nobody"));
	deleted_unseen(config, false);
}

CASE(a_device_that_is_deleted_on_a_segment_is_removed)
{
	deleted_unseen("vnl=inproc://lan ip=10.0.0.1/24", false);
	deleted_unseen("vnl=inproc://lan ip=10.0.0.1/24", true);
}

CASE_TIMED(the_cable_can_be_pulled_and_plugged_in_again, VDE | CASE_F_INPROCESS | CASE_F_NO_TUN, 60)
{
	struct on_a_node n;
	int port = 0;

	begin(&n, "switch");
	tcp_one_way(n.a, "10.0.0.1", n.b);
	MUST(vdestack_link_set_carrier(n.a, "vde0", 0));
	(void)next_event(n.events, VDESTACK_EVENT_CARRIER_CUT);
	CHECK(!has_carrier(n.a, "vde0"));
	int in = bound_in(n.a, "10.0.0.1", SOCK_DGRAM, &port),
	    out = connected_in(n.b, "10.0.0.1", SOCK_DGRAM, port);
	(void)send(out, "lost", 4, 0);
	CHECK(!wait_readable(in, 300));
	node_down(&n); /* the state of the network has no effect meanwhile */
	(void)next_event(n.events, VDESTACK_EVENT_LINK_DOWN);
	node_up(&n);
	(void)next_event(n.events, VDESTACK_EVENT_LINK_UP);
	CHECK(!has_carrier(n.a, "vde0"));
	MUST(vdestack_link_set_carrier(n.a, "vde0", 1));
	(void)next_event(n.events, VDESTACK_EVENT_CARRIER_RESTORED);
	CHECK(has_carrier(n.a, "vde0"));
	tcp_one_way(n.a, "10.0.0.1", n.b);
	CHECK_ERRNO(vdestack_link_set_carrier(n.a, "vde7", 0), ENODEV);
	CHECK_ERRNO(vdestack_link_set_carrier(n.a, "lo", 0), EINVAL);
}

static bool carrier_is_back(void *stack)
{
	return has_carrier(stack, "vde0");
}

static bool carrier_is_gone(void *stack)
{
	return !has_carrier(stack, "vde0");
}

CASE_BOTH(the_cable_to_a_segment_can_be_pulled)
{
	struct vdestack *a = stack_of("%s", "vnl=inproc://lan ip=10.0.0.1/24"),
			*b = stack_of("%s", "vnl=inproc://lan ip=10.0.0.2/24");

	tcp_one_way(a, "10.0.0.1", b);
	MUST(vdestack_link_set_carrier(a, "vde0", 0));
	CHECK(wait_until(carrier_is_gone, a, SOON_MS));
	MUST(vdestack_link_set_carrier(a, "vde0", 1));
	CHECK(wait_until(carrier_is_back, a, SOON_MS));
	tcp_one_way(a, "10.0.0.1", b);
}
