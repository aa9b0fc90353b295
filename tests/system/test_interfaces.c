/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Interfaces of a stack: several at once, added and removed while others are used. */

#define _GNU_SOURCE
#define VDESTACK_BUILDING /* NULL is passed where it must not be */
#include <net/if.h>
#include <pthread.h>
#include <stdatomic.h>

#include "stacks.h"

/* ------------------------------------------------------------------ several in one string */

CASE_BOTH(one_string_makes_several_complete_interfaces)
{
	struct vdestack *s = new_stack(
		"iface=eth0 vnl=inproc://lan mac=02:00:00:00:00:01 mtu=1400 ip=10.9.0.1/24 ip=10.9.7.1/16 "
		"ip=fc00::1/64 gw=10.9.0.254  "
		"iface=eth1 vnl=inproc://wan mtu=9000 ip=10.8.0.1/30 route=192.0.2.0/24@10.8.0.2  "
		"vnl=inproc://lan");
	static const unsigned char mac[6] = { 2, 0, 0, 0, 0, 1 };
	unsigned char got[6];
	struct vdestack_addr addrs[8];
	struct vdestack_route routes[16];
	bool gateway = false, routed = false;

	int eth0 = (int)MUST(vdestack_if_nametoindex(s, "eth0"));
	MUST(vdestack_link_get_mac(s, "eth0", got));
	CHECK_EQ(memcmp(got, mac, 6), 0);
	CHECK_EQ(vdestack_link_get_mtu(s, "eth0"), 1400);
	CHECK_EQ(vdestack_link_get_mtu(s, "eth1"), 9000);
	CHECK_EQ(vdestack_link_get_mtu(s, "vde0"), 1500);
	CHECK(vdestack_link_get_flags(s, "vde0") & IFF_UP);
	CHECK(vdestack_addr_list(s, "eth0", addrs, 8, sizeof(struct vdestack_addr)) >= 3);
	CHECK_STR(addrs[0].addr, "10.9.0.1");
	CHECK_EQ(addrs[0].prefix_len, 24);
	CHECK_STR(addrs[0].ifname, "eth0");
	CHECK_EQ(addrs[0].ifindex, eth0);
	CHECK_STR(addrs[1].addr, "10.9.7.1");
	CHECK_EQ(addrs[1].prefix_len, 16);
	CHECK(vdestack_addr_list(s, "eth1", addrs, 8, sizeof(struct vdestack_addr)) >= 1);
	CHECK_STR(addrs[0].addr, "10.8.0.1");
	int n = (int)MUST(vdestack_route_list(s, NULL, routes, 16, sizeof(struct vdestack_route)));
	CHECK(n <= 16);
	for (int i = 0; i < n; i++) {
		gateway = gateway || (routes[i].prefix_len == 0 && strcmp(routes[i].gw, "10.9.0.254") == 0 &&
				      strcmp(routes[i].ifname, "eth0") == 0);
		routed = routed ||
			 (strcmp(routes[i].dst, "192.0.2.0") == 0 && strcmp(routes[i].gw, "10.8.0.2") == 0);
	}
	CHECK(gateway);
	CHECK(routed);
	MUST(vdestack_delete(s));
}

CASE_BOTH(traffic_flows_on_each_interface_of_a_stack)
{
	struct vdestack *a =
		new_stack("vnl=inproc://one ip=10.9.0.1/24 vnl=inproc://two ip=10.8.0.1/24 vnl=none vnl=");
	struct vdestack *b = new_stack("vnl=inproc://one ip=10.9.0.2/24"),
			*c = new_stack("vnl=inproc://two ip=10.8.0.2/24");

	check_udp(a, b, "10.9.0.2");
	check_tcp(c, a, "10.8.0.1", 0);
	CHECK_ERRNO(vdestack_if_nametoindex(a, "vde2"), ENODEV);
}

CASE_FLAGS(links_of_every_kind_live_side_by_side, CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)
{
	const char *hub = case_path("hub"), *ptp = case_path("ptp");
	struct vdestack *a = new_stack(
		"vnl=hub://%s ip=10.1.0.1/24 vnl=ptp://%s ip=10.2.0.1/24 vnl=inproc://lan ip=10.3.0.1/24",
		hub, ptp);
	struct vdestack *b = new_stack(
		"vnl=vde://%s ip=10.1.0.2/24 vnl=ptp://%s ip=10.2.0.2/24 vnl=inproc://lan ip=10.3.0.2/24",
		hub, ptp);

	check_udp(a, b, "10.1.0.2");
	check_udp(b, a, "10.2.0.1");
	check_udp(a, b, "10.3.0.2");
	MUST(vdestack_iface_del(a, "vde1"));
	check_udp(a, b, "10.1.0.2");
	check_udp(a, b, "10.3.0.2");
}

CASE_BOTH(an_interface_has_a_hundred_addresses_from_the_start)
{
	char config[8192] = "vnl=inproc://lan";
	struct vdestack_addr addrs[128];
	char addr[32];

	for (int i = 1; i <= 100; i++)
		(void)sprintf(config + strlen(config), " ip=10.9.%d.%d/16", i, i);
	struct vdestack *a = new_stack("%s", config), *b = new_stack("vnl=inproc://lan ip=10.9.200.1/16");
	int ipv4 = 0;
	int n = (int)MUST(vdestack_addr_list(a, "vde0", addrs, 128, sizeof(struct vdestack_addr)));
	for (int i = 0; i < n && i < 128; i++)
		ipv4 += addrs[i].family == AF_INET;
	CHECK_EQ(ipv4, 100);
	for (int i = 1; i <= 100; i += 33) {
		(void)snprintf(addr, sizeof(addr), "10.9.%d.%d", i, i);
		check_udp(b, a, addr);
	}
}

CASE_BOTH(a_stack_has_thirty_two_interfaces)
{
	char config[4096] = "", name[16];

	for (int i = 0; i < 16; i++)
		(void)sprintf(config + strlen(config), "vnl=inproc://lan%d ip=10.9.%d.1/24 ", i, i);
	struct vdestack *s = new_stack("%s", config);
	for (int i = 16; i < 32; i++) {
		(void)sprintf(config, "vnl=inproc://lan%d ip=10.9.%d.1/24 ", i, i);
		MUST(vdestack_iface_add(s, config, case_opts()));
	}
	for (int i = 0; i < 32; i++) {
		(void)snprintf(name, sizeof(name), "vde%d", i);
		MUST(vdestack_if_nametoindex(s, name));
	}
	struct vdestack *b = new_stack("vnl=inproc://lan31 ip=10.9.31.2/24");
	check_udp(b, s, "10.9.31.1");
	check_udp(s, b, "10.9.31.2");
	MUST(vdestack_iface_del(s, "vde7"));
	MUST(vdestack_iface_add(s, "vnl=inproc://lan7", case_opts()));
	MUST(vdestack_if_nametoindex(s, "vde7")); /* the lowest free name */
	MUST(vdestack_delete(s));
}

/* ------------------------------------------------------------------ coming and going */

static atomic_bool enough;
static atomic_uint echoed;

struct flow {
	struct pair pair;
	pthread_t thread;
};

/* Ping-pong over a connection of two stacks; ends with the first failure. */
static void *flow_main(void *arg)
{
	struct flow *f = arg;
	struct sockaddr_in sa = address("10.9.0.2", 0);
	socklen_t len = sizeof(sa);
	struct timeval limit = { .tv_sec = SOON_MS / 1000 };
	char byte = 1;
	int l = (int)MUST(vdestack_msocket(f->pair.b, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	int c = (int)MUST(vdestack_msocket(f->pair.a, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

	MUST(bind(l, (struct sockaddr *)&sa, sizeof(sa)));
	MUST(getsockname(l, (struct sockaddr *)&sa, &len));
	MUST(listen(l, 1));
	MUST(connect(c, (struct sockaddr *)&sa, sizeof(sa)));
	int s = (int)MUST(accept(l, NULL, NULL));
	MUST(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
	MUST(setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
	while (!atomic_load(&enough)) {
		CHECK_EQ(send(c, &byte, 1, MSG_NOSIGNAL), 1);
		CHECK_EQ(recv(s, &byte, 1, 0), 1);
		CHECK_EQ(send(s, &byte, 1, MSG_NOSIGNAL), 1);
		CHECK_EQ(recv(c, &byte, 1, 0), 1);
		atomic_fetch_add(&echoed, 1);
	}
	close(l);
	close(c);
	close(s);
	return NULL;
}

static bool echoed_more(void *before)
{
	return atomic_load(&echoed) > *(unsigned *)before + 20;
}

static void start_flow(struct flow *f)
{
	f->pair = new_pair();
	CHECK_EQ(pthread_create(&f->thread, NULL, flow_main, f), 0);
}

static void check_flow(void)
{
	unsigned before = atomic_load(&echoed);

	CHECK(wait_until(echoed_more, &before, SOON_MS));
}

static void end_flow(struct flow *f)
{
	check_flow();
	atomic_store(&enough, true);
	CHECK_EQ(pthread_join(f->thread, NULL), 0);
}

CASE_BOTH(interfaces_come_and_go_while_another_one_is_busy)
{
	struct flow f;

	start_flow(&f);
	struct vdestack *peer = new_stack("vnl=inproc://side ip=10.7.0.2/24");
	for (int i = 0; i < 10; i++) {
		MUST(vdestack_iface_add(f.pair.a, "iface=side vnl=inproc://side ip=10.7.0.1/24",
					case_opts()));
		check_udp(f.pair.a, peer, "10.7.0.2");
		MUST(vdestack_iface_del(f.pair.a, "side"));
		CHECK_ERRNO(vdestack_if_nametoindex(f.pair.a, "side"), ENODEV);
		check_flow();
	}
	end_flow(&f);
}

CASE_FLAGS(vde_interfaces_come_and_go_while_another_one_is_busy,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)
{
	struct flow f;
	char config[256];

	start_flow(&f);
	struct vdestack *peer = new_stack("vnl=hub://%s ip=10.7.0.2/24", case_path("net"));
	(void)snprintf(config, sizeof(config), "iface=side vnl=vde://%s ip=10.7.0.1/24", case_path("net"));
	for (int i = 0; i < 5; i++) {
		MUST(vdestack_iface_add(f.pair.a, config, case_opts()));
		check_udp(f.pair.a, peer, "10.7.0.2");
		MUST(vdestack_iface_del(f.pair.a, "side"));
		CHECK_ERRNO(vdestack_if_nametoindex(f.pair.a, "side"), ENODEV);
	}
	end_flow(&f);
}

CASE_BOTH(removing_an_interface_leaves_the_rest_of_its_segment_alone)
{
	struct pair p = new_pair();
	struct vdestack *c = new_stack("vnl=inproc://lan ip=10.9.0.3/24");

	MUST(vdestack_iface_del(p.a, "vde0"));
	check_udp(p.b, c, "10.9.0.3");
	MUST(vdestack_delete(p.b));
	MUST(vdestack_iface_add(p.a, "vnl=inproc://lan ip=10.9.0.1/24", case_opts()));
	check_udp(p.a, c, "10.9.0.3");
}

CASE_BOTH(a_hundred_names_on_one_stack_leave_nothing)
{
	struct vdestack *s = new_stack("vnl=inproc://lan ip=10.9.0.1/24");
	int fds = count_fds();
	char config[64], name[16];

	for (int i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof(name), "n%d", i);
		(void)snprintf(config, sizeof(config), "iface=%s vnl=inproc://%s", name, name);
		MUST(vdestack_iface_add(s, config, case_opts()));
		MUST(vdestack_iface_del(s, name));
	}
	struct ifaddrs *list;
	int links = 0;
	MUST(vdestack_getifaddrs(s, &list));
	for (struct ifaddrs *a = list; a != NULL; a = a->ifa_next)
		links += a->ifa_addr != NULL && a->ifa_addr->sa_family == AF_PACKET;
	vdestack_freeifaddrs(list);
	CHECK_EQ(links, 2);
	CHECK(count_fds() <= fds + 1); /* a reply channel may have been opened */
}

/* ------------------------------------------------------------------ all or none */

static bool has(struct vdestack *s, const char *name)
{
	return vdestack_if_nametoindex(s, name) > 0;
}

CASE_FLAGS(when_the_second_of_two_fails_the_first_is_removed,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)
{
	struct vdestack *s = new_stack("vnl=inproc://lan ip=10.9.0.1/24");
	struct vdestack *peer = new_stack("vnl=inproc://lan ip=10.9.0.2/24");

	CHECK_ERRNO(vdestack_iface_add(s, "iface=first vnl=inproc://one iface=second vnl=nosuchscheme://x",
				       case_opts()),
		    EPROTONOSUPPORT);
	CHECK_CONTAINS(vdestack_last_error(), "nosuchscheme");
	CHECK(!has(s, "first"));
	CHECK(!has(s, "second"));
	/* a route that cannot be set comes after both interfaces are there */
	CHECK_ERRNO(vdestack_iface_add(s,
				       "iface=first vnl=inproc://one ip=10.7.0.1/24 iface=second "
				       "vnl=inproc://two gw=192.0.2.1",
				       case_opts()),
		    ENETUNREACH);
	CHECK_CONTAINS(vdestack_last_error(), "gw=192.0.2.1");
	CHECK(!has(s, "first"));
	CHECK(!has(s, "second"));
	/* and a correct call works */
	MUST(vdestack_iface_add(s, "iface=first vnl=inproc://one iface=second vnl=inproc://two",
				case_opts()));
	check_udp(s, peer, "10.9.0.2");
}

CASE_FLAGS(a_stack_that_cannot_have_all_its_interfaces_is_not_made,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)
{
	int fds = count_fds();

	CHECK_ERRNO(vdestack_new("iface=first vnl=inproc://one iface=second vnl=nosuchscheme://x",
				 case_opts()),
		    EPROTONOSUPPORT);
	CHECK_ERRNO(vdestack_new("vnl=inproc://one gw=192.0.2.1", case_opts()), ENETUNREACH);
	CHECK_EQ(count_fds(), fds);
}

CASE_BOTH(an_interface_name_in_use_is_refused)
{
	struct vdestack *s = new_stack("iface=eth0 vnl=inproc://lan");

	CHECK_ERRNO(vdestack_iface_add(s, "iface=eth0 vnl=inproc://lan", case_opts()), EEXIST);
	CHECK_CONTAINS(vdestack_last_error(), "eth0");
	CHECK_ERRNO(vdestack_new("iface=eth0 vnl=inproc://lan iface=eth0 vnl=inproc://lan", case_opts()),
		    EINVAL);
	CHECK_CONTAINS(vdestack_last_error(), "eth0");
	CHECK_ERRNO(vdestack_iface_add(s, "iface=lo vnl=inproc://lan", case_opts()), EINVAL);
}

CASE_BOTH(an_absent_interface_cannot_be_removed)
{
	struct vdestack *s = new_stack("iface=eth0 vnl=inproc://lan");

	CHECK_ERRNO(vdestack_iface_del(s, "eth1"), ENODEV);
	CHECK_CONTAINS(vdestack_last_error(), "eth1");
	CHECK_ERRNO(vdestack_iface_del(s, NULL), EINVAL);
	CHECK_ERRNO(vdestack_iface_del(s, ""), EINVAL);
	CHECK_ERRNO(vdestack_iface_del(s, "a-name-of-16-byt"), EINVAL);
	CHECK_ERRNO(vdestack_iface_del(NULL, "eth0"), EINVAL);
	MUST(vdestack_iface_del(s, "eth0"));
	CHECK_ERRNO(vdestack_iface_del(s, "eth0"), ENODEV);
	CHECK_ERRNO(vdestack_iface_add(NULL, "vnl=inproc://lan", case_opts()), EINVAL);
	MUST(vdestack_delete(s));
	CHECK_ERRNO(vdestack_iface_del(s, "eth0"), EINVAL);
	CHECK_ERRNO(vdestack_iface_add(s, "vnl=inproc://lan", case_opts()), EINVAL);
	CHECK(strlen(vdestack_last_error()) > 0);
}

/* ------------------------------------------------------------------ at the same time */

static void *add_and_remove(void *stack)
{
	static atomic_uint numbers;
	char config[64], name[16];

	(void)snprintf(name, sizeof(name), "t%u", atomic_fetch_add(&numbers, 1));
	(void)snprintf(config, sizeof(config), "iface=%s vnl=inproc://lan", name);
	for (int i = 0; i < 10; i++) {
		MUST(vdestack_iface_add(stack, config, case_opts()));
		MUST(vdestack_iface_del(stack, name));
	}
	return NULL;
}

CASE_BOTH(threads_add_and_remove_at_the_same_time)
{
	struct vdestack *s = new_stack("%s", "");
	pthread_t threads[8];

	for (int i = 0; i < 8; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, add_and_remove, s), 0);
	for (int i = 0; i < 8; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

/* One succeeds, the others get an error. Their failure does not remove the interface of the first. */
static void *add_the_same(void *stack)
{
	int r = vdestack_iface_add(stack, "iface=same vnl=inproc://lan ip=10.9.0.1/24", case_opts());

	if (r < 0 && errno != EEXIST)
		FAIL("errno %d: %s", errno, vdestack_last_error());
	return r < 0 ? NULL : stack;
}

CASE_BOTH(of_many_threads_that_add_the_same_name_one_succeeds)
{
	for (int round = 0; round < 5; round++) {
		struct vdestack *s = new_stack("%s", "");
		pthread_t threads[4];
		int winners = 0;
		void *won;
		for (int i = 0; i < 4; i++)
			CHECK_EQ(pthread_create(&threads[i], NULL, add_the_same, s), 0);
		for (int i = 0; i < 4; i++) {
			CHECK_EQ(pthread_join(threads[i], &won), 0);
			winners += won != NULL;
		}
		CHECK_EQ(winners, 1);
		CHECK(has(s, "same"));
		struct vdestack_addr addr;
		CHECK(vdestack_addr_list(s, "same", &addr, 1, sizeof(struct vdestack_addr)) >= 1);
		MUST(vdestack_delete(s));
	}
}

static void *add_until_refused(void *stack)
{
	char config[64];

	for (int i = 0;; i++) {
		(void)snprintf(config, sizeof(config), "iface=n%d vnl=inproc://lan ip=10.9.%d.1/24", i,
			       i % 250);
		if (vdestack_iface_add(stack, config, case_opts()) < 0)
			break;
		atomic_fetch_add(&echoed, 1);
	}
	/* the stack was deleted meanwhile; no other reason is right */
	if (errno != EINVAL && errno != ENETDOWN && errno != ECANCELED && errno != ENODEV)
		FAIL("errno %d: %s", errno, vdestack_last_error());
	return NULL;
}

static bool some_added(void *from)
{
	return atomic_load(&echoed) >= *(unsigned *)from + 3;
}

CASE_BOTH(a_stack_can_be_deleted_while_another_thread_adds_to_it)
{
	for (int round = 0; round < 10; round++) {
		struct vdestack *s = new_stack("%s", "");
		unsigned from = atomic_load(&echoed);
		pthread_t thread;
		CHECK_EQ(pthread_create(&thread, NULL, add_until_refused, s), 0);
		CHECK(wait_until(some_added, &from, SOON_MS));
		MUST(vdestack_delete(s));
		CHECK_EQ(pthread_join(thread, NULL), 0);
	}
	MUST(vdestack_delete(new_stack("vnl=inproc://lan")));
}

static void *add_vde_until_refused(void *stack)
{
	char config[256];

	for (int i = 0;; i++) {
		(void)snprintf(config, sizeof(config), "iface=n%d vnl=vde://%s", i, case_path("net"));
		if (vdestack_iface_add(stack, config, case_opts()) < 0)
			break;
		atomic_fetch_add(&echoed, 1);
	}
	if (errno != EINVAL && errno != ENETDOWN && errno != ECANCELED && errno != ENODEV)
		FAIL("errno %d: %s", errno, vdestack_last_error());
	return NULL;
}

CASE_FLAGS(a_stack_can_be_deleted_while_another_thread_adds_vde_links,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)
{
	struct vdestack *hub = new_stack("vnl=hub://%s", case_path("net"));

	for (int round = 0; round < 3; round++) {
		struct vdestack *s = new_stack("%s", "");
		unsigned from = atomic_load(&echoed);
		pthread_t thread;
		CHECK_EQ(pthread_create(&thread, NULL, add_vde_until_refused, s), 0);
		CHECK(wait_until(some_added, &from, SOON_MS));
		MUST(vdestack_delete(s));
		CHECK_EQ(pthread_join(thread, NULL), 0);
	}
	MUST(vdestack_delete(hub));
}
