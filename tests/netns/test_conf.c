/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The typed configuration calls, against the kernel, in a network namespace of the test.
 * ip(8) makes the interfaces, and results are compared with it.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/capability.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netpacket/packet.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/unit.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "core/stack.h"
#include "fake_core.h"
#include "rtnl/apply.h"
#include "rtnl/nl.h"
#include "rtnl/ready.h"
#include "rtnl/rtnl.h"
#include <vdestack/conf.h>

#define SKIP 77

static struct vdestack fake;
static struct vdestack *const stack = &fake;

#define assert_fails(err, call)                                                                              \
	do {                                                                                                 \
		errno = 0;                                                                                   \
		assert_int_equal((call), -1);                                                                \
		assert_int_equal(errno, (err));                                                              \
		assert_true(vdestack_last_error()[0] != '\0');                                               \
	} while (0)

/* Prints the message if the call should have succeeded. */
#define assert_works(call)                                                                                   \
	do {                                                                                                 \
		if ((call) < 0)                                                                              \
			fail_msg("%s: %s", #call, vdestack_last_error());                                    \
	} while (0)

/* ------------------------------------------------------------------ fixture */

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		(void)!write(fd, text, strlen(text)); /* a failure shows in what depends on it */
		(void)close(fd);
	}
}

static void could_not_run(const char *why)
{
	fprintf(stderr, "skipped: %s: %s\n", why, strerror(errno));
	exit(SKIP);
}

/* A namespace of its own for each case; an ordinary user gets a user namespace with it. */
static int enter_namespace(void **state)
{
	char map[32];
	unsigned uid = geteuid();

	(void)state;
	fake = (struct vdestack){ 0 };
	if (unshare(CLONE_NEWNET) == 0)
		return 0;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		could_not_run("cannot make a network namespace");
	write_file("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof(map), "0 %u 1", uid);
	write_file("/proc/self/uid_map", map);
	return 0;
}

__attribute__((format(printf, 1, 2))) static int ip_command(const char *fmt, ...)
{
	char command[512] = "PATH=$PATH:/sbin:/usr/sbin ip ";
	size_t used = strlen(command);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(command + used, sizeof(command) - used, fmt, ap);
	va_end(ap);
	return system(command);
}

#define ip(...) assert_int_equal(ip_command(__VA_ARGS__), 0)

/* An interface with carrier whose peer sends nothing. Not a dummy device: not every kernel has them. */
static int make_plugged(const char *name)
{
	if (ip_command("link add %s type veth peer name %s-far", name, name) != 0)
		could_not_run("cannot make a veth pair");
	ip("link set %s-far addrgenmode none up", name);
	ip("link set %s up", name);
	int ifindex = vdestack_if_nametoindex(stack, name);
	assert_true(ifindex > 0);
	return ifindex;
}

static void make_veth(void)
{
	if (ip_command("link add v0 type veth peer name v1") != 0)
		could_not_run("cannot make a veth pair");
}

static int count_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* ------------------------------------------------------------------ handles and arguments */

static void a_null_handle_is_refused(void **state)
{
	unsigned char mac[6] = { 2 };
	char text[64];
	struct ifaddrs *list;
	struct vdestack_route route = { .size = sizeof(route), .gw = "10.0.0.1" };

	(void)state;
	assert_fails(EINVAL, vdestack_if_nametoindex(NULL, "lo"));
	assert_fails(EINVAL, vdestack_if_indextoname(NULL, 1, text));
	assert_fails(EINVAL, vdestack_link_set_up(NULL, "lo", 1));
	assert_fails(EINVAL, vdestack_link_get_flags(NULL, "lo"));
	assert_fails(EINVAL, vdestack_link_set_mtu(NULL, "lo", 1500));
	assert_fails(EINVAL, vdestack_link_get_mtu(NULL, "lo"));
	assert_fails(EINVAL, vdestack_link_set_mac(NULL, "lo", mac));
	assert_fails(EINVAL, vdestack_link_get_mac(NULL, "lo", mac));
	assert_fails(EINVAL, vdestack_addr_add(NULL, "lo", "10.0.0.1", 24));
	assert_fails(EINVAL, vdestack_addr_del(NULL, "lo", "10.0.0.1", 24));
	assert_fails(EINVAL, vdestack_addr_list(NULL, NULL, NULL, 0, sizeof(struct vdestack_addr)));
	assert_fails(EINVAL, vdestack_route_add(NULL, &route));
	assert_fails(EINVAL, vdestack_route_del(NULL, &route));
	assert_fails(EINVAL, vdestack_route_list(NULL, NULL, NULL, 0, sizeof(struct vdestack_route)));
	assert_fails(EINVAL, vdestack_neigh_add(NULL, "lo", "10.0.0.1", mac));
	assert_fails(EINVAL, vdestack_neigh_del(NULL, "lo", "10.0.0.1"));
	assert_fails(EINVAL, vdestack_neigh_list(NULL, NULL, NULL, 0, sizeof(struct vdestack_neigh)));
	assert_fails(EINVAL, vdestack_getifaddrs(NULL, &list));
	assert_fails(EINVAL, vdestack_sysctl_set(NULL, "ipv4.ip_forward", "1"));
	assert_fails(EINVAL, vdestack_sysctl_get(NULL, "ipv4.ip_forward", text, sizeof(text)));
	assert_fails(EINVAL, vdestack_wait_ready(NULL, 0));
}

static void null_pointers_are_refused(void **state)
{
	(void)state;
	assert_fails(EINVAL, vdestack_if_nametoindex(stack, NULL));
	assert_fails(EINVAL, vdestack_if_indextoname(stack, 1, NULL));
	assert_fails(EINVAL, vdestack_link_set_mac(stack, "lo", NULL));
	assert_fails(EINVAL, vdestack_link_get_mac(stack, "lo", NULL));
	assert_fails(EINVAL, vdestack_addr_add(stack, "lo", NULL, 24));
	assert_fails(EINVAL, vdestack_addr_del(stack, "lo", NULL, 24));
	assert_fails(EINVAL, vdestack_addr_list(stack, NULL, NULL, 1, sizeof(struct vdestack_addr)));
	assert_fails(EINVAL, vdestack_route_add(stack, NULL));
	assert_fails(EINVAL, vdestack_route_list(stack, NULL, NULL, 1, sizeof(struct vdestack_route)));
	assert_fails(EINVAL, vdestack_neigh_add(stack, "lo", "10.0.0.1", NULL));
	assert_fails(EINVAL, vdestack_neigh_del(stack, "lo", NULL));
	assert_fails(EINVAL, vdestack_neigh_list(stack, NULL, NULL, 1, sizeof(struct vdestack_neigh)));
	assert_fails(EINVAL, vdestack_getifaddrs(stack, NULL));
	assert_fails(EINVAL, vdestack_sysctl_set(stack, "ipv4.ip_forward", NULL));
	assert_fails(EINVAL, vdestack_sysctl_set(stack, NULL, "1"));
	assert_fails(EINVAL, vdestack_sysctl_get(stack, "ipv4.ip_forward", NULL, 0));
	vdestack_freeifaddrs(NULL);
}

static void indices_that_are_not_positive_are_refused(void **state)
{
	char name[IF_NAMESIZE];

	(void)state;
	assert_fails(EINVAL, vdestack_if_indextoname(stack, 0, name));
	assert_fails(EINVAL, vdestack_if_indextoname(stack, -1, name));
}

#define assert_names_absent(call)                                                                            \
	do {                                                                                                 \
		assert_fails(ENODEV, call);                                                                  \
		assert_non_null(strstr(vdestack_last_error(), "nosuch0"));                                   \
	} while (0)

static void absent_interfaces_are_enodev_and_named(void **state)
{
	static const unsigned char mac[6] = { 2 };
	unsigned char got[6];
	char name[IF_NAMESIZE];
	struct vdestack_route route = {
		.size = sizeof(route),
		.dst = "10.7.0.0",
		.prefix_len = 16,
		.ifname = "nosuch0",
	};

	(void)state;
	assert_names_absent(vdestack_if_nametoindex(stack, "nosuch0"));
	assert_fails(ENODEV, vdestack_if_nametoindex(stack, ""));
	assert_fails(ENODEV, vdestack_if_nametoindex(stack, "a-name-that-is-far-too-long"));
	assert_fails(ENODEV, vdestack_if_indextoname(stack, 4711, name));
	assert_names_absent(vdestack_link_set_up(stack, "nosuch0", 1));
	assert_names_absent(vdestack_link_get_flags(stack, "nosuch0"));
	assert_names_absent(vdestack_link_set_mtu(stack, "nosuch0", 1500));
	assert_names_absent(vdestack_link_get_mtu(stack, "nosuch0"));
	assert_names_absent(vdestack_link_set_mac(stack, "nosuch0", mac));
	assert_names_absent(vdestack_link_get_mac(stack, "nosuch0", got));
	assert_names_absent(vdestack_addr_add(stack, "nosuch0", "10.0.0.1", 24));
	assert_names_absent(vdestack_addr_add(stack, "nosuch0", "fc00::1", 64));
	assert_names_absent(vdestack_addr_del(stack, "nosuch0", "10.0.0.1", 24));
	assert_names_absent(vdestack_route_add(stack, &route));
	assert_names_absent(vdestack_route_del(stack, &route));
	assert_names_absent(vdestack_neigh_add(stack, "nosuch0", "10.0.0.1", mac));
	assert_names_absent(vdestack_neigh_del(stack, "nosuch0", "10.0.0.1"));
	assert_names_absent(vdestack_addr_list(stack, "nosuch0", NULL, 0, sizeof(struct vdestack_addr)));
	assert_names_absent(vdestack_route_list(stack, "nosuch0", NULL, 0, sizeof(struct vdestack_route)));
	assert_names_absent(vdestack_neigh_list(stack, "nosuch0", NULL, 0, sizeof(struct vdestack_neigh)));
}

/* ------------------------------------------------------------------ links */

static void names_and_indices_map_to_each_other(void **state)
{
	char name[IF_NAMESIZE];
	int d0 = make_plugged("d0");

	(void)state;
	assert_int_equal(vdestack_if_nametoindex(stack, "lo"), 1);
	assert_int_equal(d0, (int)if_nametoindex("d0"));
	assert_works(vdestack_if_indextoname(stack, d0, name));
	assert_string_equal(name, "d0");
}

static void links_go_up_and_down(void **state)
{
	(void)state;
	if (ip_command("link add br0 type bridge") != 0)
		could_not_run("cannot make a bridge");
	assert_false(vdestack_link_get_flags(stack, "br0") & IFF_UP);
	assert_works(vdestack_link_set_up(stack, "br0", 7));
	assert_true(vdestack_link_get_flags(stack, "br0") & IFF_UP);
	assert_true(vdestack_link_get_flags(stack, "br0") & IFF_BROADCAST);
	assert_works(vdestack_link_set_up(stack, "br0", 0));
	assert_false(vdestack_link_get_flags(stack, "br0") & IFF_UP);
}

static void mtu_is_set_and_read(void **state)
{
	(void)state;
	make_veth();
	assert_int_equal(vdestack_link_get_mtu(stack, "v0"), 1500);
	assert_works(vdestack_link_set_mtu(stack, "v0", 9000));
	assert_int_equal(vdestack_link_get_mtu(stack, "v0"), 9000);
	assert_fails(EINVAL, vdestack_link_set_mtu(stack, "v0", 0));
	assert_fails(EINVAL, vdestack_link_set_mtu(stack, "v0", -1500));
	assert_fails(EINVAL, vdestack_link_set_mtu(stack, "v0", 1 << 20));
	assert_non_null(
		/* the text of the kernel */
		strstr(vdestack_last_error(), "mtu greater than device maximum"));
	assert_int_equal(vdestack_link_get_mtu(stack, "v0"), 9000);
}

static void mac_is_set_and_read(void **state)
{
	static const unsigned char good[6] = { 2, 3, 4, 5, 6, 7 };
	static const unsigned char group[6] = { 3, 3, 4, 5, 6, 7 };
	static const unsigned char zero[6];
	unsigned char mac[6];
	make_plugged("d0");

	(void)state;
	assert_works(vdestack_link_set_mac(stack, "d0", good));
	assert_fails(EADDRNOTAVAIL, vdestack_link_get_mac(stack, "lo", mac)); /* all zero */
	assert_works(vdestack_link_get_mac(stack, "d0", mac));
	assert_memory_equal(mac, good, sizeof(mac));
	assert_fails(EADDRNOTAVAIL, vdestack_link_set_mac(stack, "d0", group));
	assert_fails(EADDRNOTAVAIL, vdestack_link_set_mac(stack, "d0", zero));
	assert_works(vdestack_link_get_mac(stack, "d0", mac));
	assert_memory_equal(mac, good, sizeof(mac));
}

/* ------------------------------------------------------------------ addresses */

static void addresses_come_and_go(void **state)
{
	struct vdestack_addr list[8];
	int d0 = make_plugged("d0");

	(void)state;
	ip("-6 addr flush dev d0");
	assert_works(vdestack_addr_add(stack, "d0", "10.0.0.1", 24));
	assert_works(vdestack_addr_add(stack, "d0", "fc00::1", 64));
	assert_fails(EEXIST, vdestack_addr_add(stack, "d0", "10.0.0.1", 24));
	assert_fails(EEXIST, vdestack_addr_add(stack, "d0", "fc00::1", 64));
	assert_int_equal(vdestack_addr_list(stack, "d0", list, 8, sizeof(struct vdestack_addr)), 2);
	assert_int_equal(list[0].ifindex, d0);
	assert_string_equal(list[0].ifname, "d0");
	assert_int_equal(list[0].family, AF_INET);
	assert_int_equal(list[0].prefix_len, 24);
	assert_true(list[0].flags & IFA_F_PERMANENT);
	assert_string_equal(list[0].addr, "10.0.0.1");
	assert_int_equal(list[1].family, AF_INET6);
	assert_int_equal(list[1].prefix_len, 64);
	assert_string_equal(list[1].addr, "fc00::1");
	assert_works(vdestack_addr_del(stack, "d0", "10.0.0.1", 24));
	assert_works(vdestack_addr_del(stack, "d0", "fc00::1", 64));
	assert_fails(EADDRNOTAVAIL, vdestack_addr_del(stack, "d0", "10.0.0.1", 24));
	assert_fails(EADDRNOTAVAIL, vdestack_addr_del(stack, "d0", "fc00::1", 64));
	assert_int_equal(vdestack_addr_list(stack, "d0", list, 8, sizeof(struct vdestack_addr)), 0);
}

static void text_that_is_no_address_is_refused(void **state)
{
	static const char *const bad[] = {
		"",           "10.0.0", "10.0.0.256", "10.0.0.1/24",      " 10.0.0.1",
		"fc00::1%lo", ":",      "host",       "1:2:3:4:5:6:7:8:9"
	};
	unsigned char mac[6] = { 2 };

	(void)state;
	for (size_t i = 0; i < VS_COUNT(bad); i++) {
		assert_fails(EINVAL, vdestack_addr_add(stack, "lo", bad[i], 0));
		assert_fails(EINVAL, vdestack_addr_del(stack, "lo", bad[i], 0));
		assert_fails(EINVAL, vdestack_neigh_add(stack, "lo", bad[i], mac));
	}
	assert_fails(EINVAL, vdestack_addr_add(stack, "lo", "10.0.0.1", 33));
	assert_fails(EINVAL, vdestack_addr_add(stack, "lo", "fc00::1", 129));
}

static void loopback_addresses_have_host_scope(void **state)
{
	(void)state;
	ip("link set lo up");
	assert_works(vdestack_addr_add(stack, "lo", "127.0.0.9", 8));
	ip("-4 addr show dev lo | grep -q '127.0.0.9/8 scope host'");
}

/* 200 addresses: more than one part of a dump. */
static void add_many(const char *ifname)
{
	char text[32];

	for (int i = 0; i < 100; i++) {
		(void)snprintf(text, sizeof(text), "10.9.0.%d", i + 1);
		assert_works(vdestack_addr_add(stack, ifname, text, 16));
		(void)snprintf(text, sizeof(text), "fc09::%x", i + 1);
		assert_works(vdestack_addr_add(stack, ifname, text, 64));
	}
}

/* True if the list has what add_many() made, each once. */
static bool has_many(const struct vdestack_addr *list, int n)
{
	bool seen[2][101] = { { false } };
	int count = 0;

	for (int i = 0; i < n; i++) {
		bool four = list[i].family == AF_INET;
		const char *start = four ? "10.9.0." : "fc09::";
		if (strncmp(list[i].addr, start, strlen(start)) != 0)
			continue;
		long number = strtol(list[i].addr + strlen(start), NULL, four ? 10 : 16);
		assert_true(number >= 1 && number <= 100);
		if (seen[four][number])
			return false;
		seen[four][number] = true;
		count++;
	}
	return count == 200;
}

static void a_list_of_200_addresses_is_complete(void **state)
{
	struct vdestack_addr list[256];
	make_plugged("d0");

	(void)state;
	add_many("d0");
	int n = vdestack_addr_list(stack, NULL, list, VS_COUNT(list), sizeof(struct vdestack_addr));
	assert_true(n >= 200);
	assert_true(has_many(list, n));
}

static void a_list_call_returns_the_total_when_the_array_is_too_short(void **state)
{
	struct vdestack_addr list[8];
	int d0 = make_plugged("d0");

	(void)state;
	add_many("d0");
	memset(list, 0x5a, sizeof(list));
	int all = vdestack_addr_list(stack, NULL, NULL, 0, sizeof(struct vdestack_addr));
	assert_true(all >= 200);
	assert_int_equal(vdestack_addr_list(stack, NULL, list, 7, sizeof(struct vdestack_addr)), all);
	for (int i = 0; i < 7; i++)
		assert_true(list[i].ifindex == d0 || list[i].ifindex == 1);
	assert_int_equal(list[7].ifindex, 0x5a5a5a5a);
}

/* As a program that was compiled with a later version, whose records are longer. */
static void records_of_a_newer_caller_are_filled_up_with_zeros(void **state)
{
	struct {
		struct vdestack_addr known;
		long later[3];
	} addrs[4];
	struct {
		struct vdestack_route known;
		long later[3];
	} routes[8];
	const long zeros[3] = { 0 };

	(void)state;
	make_plugged("d0");
	ip("addr flush dev d0");
	ip("addr add 10.0.0.1/24 dev d0");
	ip("addr add 10.0.1.1/24 dev d0");
	memset(addrs, 0x5a, sizeof(addrs));
	memset(routes, 0x5a, sizeof(routes));
	assert_int_equal(vdestack_addr_list(stack, "d0", &addrs[0].known, 3, sizeof(addrs[0])), 2);
	assert_string_equal(addrs[0].known.addr, "10.0.0.1");
	assert_string_equal(addrs[1].known.addr, "10.0.1.1");
	assert_string_equal(addrs[1].known.ifname, "d0");
	assert_memory_equal(addrs[0].later, zeros, sizeof(zeros));
	assert_memory_equal(addrs[1].later, zeros, sizeof(zeros));
	assert_int_equal(addrs[2].known.ifindex, 0x5a5a5a5a);
	int n = vdestack_route_list(stack, "d0", &routes[0].known, 8, sizeof(routes[0]));
	assert_true(n >= 2 && n < 8);
	for (int i = 0; i < n; i++) {
		assert_int_equal(routes[i].known.size, sizeof(routes[0]));
		assert_memory_equal(routes[i].later, zeros, sizeof(zeros));
	}
	assert_works(vdestack_route_del(stack, &routes[0].known));
	assert_works(vdestack_route_add(stack, &routes[0].known));
}

static void records_that_are_too_small_are_refused(void **state)
{
	struct vdestack_addr addr;
	struct vdestack_route route;
	struct vdestack_neigh neigh;

	(void)state;
	assert_fails(EINVAL, vdestack_addr_list(stack, NULL, &addr, 1, sizeof(addr) - 1));
	assert_fails(EINVAL, vdestack_addr_list(stack, NULL, NULL, 0, 0));
	assert_fails(EINVAL, vdestack_route_list(stack, NULL, &route, 1, sizeof(route) - 1));
	assert_fails(EINVAL, vdestack_neigh_list(stack, NULL, &neigh, 1, sizeof(neigh) - 1));
	assert_non_null(strstr(vdestack_last_error(), "sizeof"));
}

static void a_list_is_of_one_interface_or_of_all(void **state)
{
	struct vdestack_addr addrs[64];
	struct vdestack_route routes[64];
	char name[IF_NAMESIZE];
	int all = 0;

	(void)state;
	for (int i = 0; i < 20; i++) { /* more than the names that are kept */
		(void)snprintf(name, sizeof(name), "e%d", i);
		make_plugged(name);
		ip("addr flush dev %s", name);
		ip("addr add 10.0.%d.1/24 dev %s", i, name);
		assert_int_equal(vdestack_addr_list(stack, name, addrs, 64, sizeof(addrs[0])), 1);
		assert_string_equal(addrs[0].ifname, name);
		int n = vdestack_route_list(stack, name, routes, 64, sizeof(routes[0]));
		assert_true(n >= 1 && n < 64);
		while (n-- > 0)
			assert_string_equal(routes[n].ifname, name);
	}
	int n = vdestack_addr_list(stack, "", addrs, 64, sizeof(addrs[0]));
	assert_true(n >= 20 && n <= 64);
	for (int i = 0; i < n; i++) {
		all += addrs[i].family == AF_INET;
		assert_int_equal(addrs[i].ifindex, if_nametoindex(addrs[i].ifname));
	}
	assert_int_equal(all, 20);
}

/* ------------------------------------------------------------------ routes */

static struct vdestack_route route_to(const char *dst, unsigned prefix_len, const char *gw)
{
	struct vdestack_route route = { .size = sizeof(route), .prefix_len = prefix_len };

	(void)snprintf(route.dst, sizeof(route.dst), "%s", dst);
	(void)snprintf(route.gw, sizeof(route.gw), "%s", gw);
	return route;
}

static const struct vdestack_route *find_route(const struct vdestack_route *list, int n, const char *dst,
					       const char *gw)
{
	for (int i = 0; i < n; i++)
		if (strcmp(list[i].dst, dst) == 0 && strcmp(list[i].gw, gw) == 0)
			return &list[i];
	return NULL;
}

static void routes_come_and_go(void **state)
{
	struct vdestack_route list[16];
	struct vdestack_route def4 = route_to("", 0, "10.0.0.254");
	struct vdestack_route def6 = route_to("", 0, "fc00::ff");
	struct vdestack_route net4 = route_to("192.168.0.0", 16, "10.0.0.253");
	struct vdestack_route link6 = route_to("fd00::", 16, "");
	int d0 = make_plugged("d0");

	(void)state;
	ip("addr add 10.0.0.1/24 dev d0");
	ip("addr add fc00::1/64 dev d0 nodad");
	(void)snprintf(link6.ifname, sizeof(link6.ifname), "d0");
	net4.metric = 77;
	assert_works(vdestack_route_add(stack, &def4));
	assert_works(vdestack_route_add(stack, &def6));
	assert_works(vdestack_route_add(stack, &net4));
	assert_works(vdestack_route_add(stack, &link6));
	assert_fails(EEXIST, vdestack_route_add(stack, &def4));
	assert_fails(EEXIST, vdestack_route_add(stack, &def6));

	int n = vdestack_route_list(stack, NULL, list, VS_COUNT(list), sizeof(struct vdestack_route));
	assert_true(n <= (int)VS_COUNT(list));
	const struct vdestack_route *found = find_route(list, n, "", "10.0.0.254");
	assert_non_null(found);
	assert_int_equal(found->size, sizeof(*found));
	assert_int_equal(found->family, AF_INET);
	assert_int_equal(found->ifindex, d0);
	assert_string_equal(found->ifname, "d0");
	assert_int_equal(found->table, 254);
	assert_non_null(find_route(list, n, "", "fc00::ff"));
	assert_non_null(find_route(list, n, "fd00::", ""));
	found = find_route(list, n, "192.168.0.0", "10.0.0.253");
	assert_non_null(found);
	assert_int_equal(found->metric, 77);
	assert_int_equal(found->prefix_len, 16);
	assert_int_equal(vdestack_route_list(stack, NULL, NULL, 0, sizeof(struct vdestack_route)), n);

	assert_works(vdestack_route_del(stack, &def4));
	assert_works(vdestack_route_del(stack, &def6));
	assert_works(vdestack_route_del(stack, &net4));
	assert_works(vdestack_route_del(stack, &link6));
	assert_fails(ESRCH, vdestack_route_del(stack, &def4));
	assert_fails(ESRCH, vdestack_route_del(stack, &def6));
	assert_int_equal(vdestack_route_list(stack, NULL, NULL, 0, sizeof(struct vdestack_route)), n - 4);
}

static void a_listed_route_can_be_removed_and_added_again(void **state)
{
	struct vdestack_route list[16];

	(void)state;
	make_plugged("d0");
	ip("addr add 10.0.0.1/24 dev d0");
	ip("route add 172.16.0.0/12 via 10.0.0.2 metric 5");
	int n = vdestack_route_list(stack, NULL, list, VS_COUNT(list), sizeof(struct vdestack_route));
	assert_true(n > 0 && n <= (int)VS_COUNT(list));
	for (int i = 0; i < n; i++) {
		assert_works(vdestack_route_del(stack, &list[i]));
		assert_int_equal(vdestack_route_list(stack, NULL, NULL, 0, sizeof(list[0])), n - 1);
		assert_works(vdestack_route_add(stack, &list[i]));
		assert_int_equal(vdestack_route_list(stack, NULL, NULL, 0, sizeof(struct vdestack_route)), n);
	}
}

static void routes_fail_with_the_errors_of_the_kernel(void **state)
{
	struct vdestack_route route = route_to("", 0, "10.0.0.254");
	make_plugged("d0");

	(void)state;
	assert_fails(ENETUNREACH, vdestack_route_add(stack, &route));
	assert_non_null(strstr(vdestack_last_error(), "Nexthop has invalid gateway"));
	route = route_to("", 0, "fe80::1"); /* link-local without interface */
	assert_int_equal(vdestack_route_add(stack, &route), -1);
	(void)snprintf(route.ifname, sizeof(route.ifname), "d0");
	assert_works(vdestack_route_add(stack, &route));
	ip("link set d0 down");
	route = route_to("10.7.0.0", 16, "");
	(void)snprintf(route.ifname, sizeof(route.ifname), "d0");
	assert_fails(ENETDOWN, vdestack_route_add(stack, &route));
}

static void invalid_routes_are_refused(void **state)
{
	struct vdestack_route route = route_to("", 0, "");

	(void)state;
	assert_fails(EINVAL, vdestack_route_add(stack, &route)); /* no family */
	route.family = AF_INET;
	assert_fails(EINVAL, vdestack_route_add(stack, &route)); /* neither gateway nor interface */
	route = route_to("", 8, "10.0.0.1");
	assert_fails(EINVAL, vdestack_route_add(stack, &route));
	route = route_to("10.0.0.0", 33, "10.0.0.1");
	assert_fails(EINVAL, vdestack_route_add(stack, &route));
	route = route_to("fc00::", 64, "10.0.0.1");
	assert_fails(EINVAL, vdestack_route_add(stack, &route));
	route = route_to("10.0.0.0", 8, "gateway");
	assert_fails(EINVAL, vdestack_route_add(stack, &route));
	route = route_to("10.0.0.0", 8, "10.0.0.1");
	route.family = AF_INET6;
	assert_fails(EINVAL, vdestack_route_add(stack, &route));
	memset(route.dst, '1', sizeof(route.dst));
	assert_fails(EINVAL, vdestack_route_add(stack, &route)); /* not terminated */
}

static void route_structs_of_other_sizes_are_understood(void **state)
{
	struct {
		struct vdestack_route known;
		long later;
	} larger = { .known = route_to("", 0, "10.0.0.254") };
	struct vdestack_route smaller = route_to("10.5.0.0", 16, "10.0.0.254");

	(void)state;
	make_plugged("d0");
	ip("addr add 10.0.0.1/24 dev d0");
	larger.known.size = sizeof(larger);
	larger.later = 1;
	assert_fails(E2BIG, vdestack_route_add(stack, &larger.known));
	larger.later = 0;
	assert_works(vdestack_route_add(stack, &larger.known));
	assert_works(vdestack_route_add(stack, &smaller));
	smaller.size = sizeof(smaller) - 1; /* no version has a smaller one */
	assert_fails(EINVAL, vdestack_route_add(stack, &smaller));
	smaller.size = 0;
	assert_fails(EINVAL, vdestack_route_add(stack, &smaller));
}

static void an_ipv4_route_may_have_an_ipv6_gateway(void **state)
{
	struct vdestack_route list[16];
	struct vdestack_route route = route_to("10.4.0.0", 16, "fe80::7");

	(void)state;
	make_plugged("d0");
	(void)snprintf(route.ifname, sizeof(route.ifname), "d0");
	assert_works(vdestack_route_add(stack, &route));
	int n = vdestack_route_list(stack, NULL, list, VS_COUNT(list), sizeof(struct vdestack_route));
	assert_non_null(find_route(list, n, "10.4.0.0", "fe80::7"));
	assert_works(vdestack_route_del(stack, &route));
}

static void multipath_routes_are_listed_by_hop_and_blackholes_not(void **state)
{
	struct vdestack_route list[16];

	(void)state;
	make_plugged("d0");
	ip("addr add 10.0.0.1/24 dev d0");
	ip("route add 10.8.0.0/16 nexthop via 10.0.0.2 nexthop via 10.0.0.3");
	ip("route add blackhole 10.66.0.0/16");
	ip("route add 10.67.0.0/16 via 10.0.0.2 table 1000");
	int n = vdestack_route_list(stack, NULL, list, VS_COUNT(list), sizeof(struct vdestack_route));
	assert_non_null(find_route(list, n, "10.8.0.0", "10.0.0.2"));
	assert_non_null(find_route(list, n, "10.8.0.0", "10.0.0.3"));
	assert_null(find_route(list, n, "10.66.0.0", ""));
	assert_null(find_route(list, n, "10.67.0.0", "10.0.0.2"));
}

static void routes_go_to_large_tables(void **state)
{
	struct vdestack_route route = route_to("10.4.0.0", 16, "");

	(void)state;
	make_plugged("d0");
	(void)snprintf(route.ifname, sizeof(route.ifname), "d0");
	route.table = 1000;
	assert_works(vdestack_route_add(stack, &route));
	ip("route show table 1000 | grep -q '^10.4.0.0/16 dev d0'");
	assert_works(vdestack_route_del(stack, &route));
}

/* ------------------------------------------------------------------ neighbours */

static void neighbours_come_and_go(void **state)
{
	static const unsigned char first[6] = { 2, 0, 0, 0, 0, 1 };
	static const unsigned char second[6] = { 2, 0, 0, 0, 0, 2 };
	struct vdestack_neigh list[8];

	(void)state;
	make_veth();
	int v0 = vdestack_if_nametoindex(stack, "v0");
	ip("link set v0 up");
	assert_works(vdestack_neigh_add(stack, "v0", "10.0.0.9", first));
	assert_works(vdestack_neigh_add(stack, "v0", "fc00::9", first));
	assert_works(vdestack_neigh_add(stack, "v0", "10.0.0.9", second)); /* replaces */
	assert_int_equal(vdestack_neigh_list(stack, "v0", list, 8, sizeof(struct vdestack_neigh)), 2);
	for (int i = 0; i < 2; i++) {
		bool four = list[i].family == AF_INET;
		assert_int_equal(list[i].ifindex, v0);
		assert_string_equal(list[i].ifname, "v0");
		assert_int_equal(list[i].state, NUD_PERMANENT);
		assert_string_equal(list[i].addr, four ? "10.0.0.9" : "fc00::9");
		assert_memory_equal(list[i].mac, four ? second : first, 6);
	}
	assert_int_equal(vdestack_neigh_list(stack, NULL, NULL, 0, sizeof(struct vdestack_neigh)), 2);
	assert_works(vdestack_neigh_del(stack, "v0", "10.0.0.9"));
	assert_works(vdestack_neigh_del(stack, "v0", "fc00::9"));
	assert_fails(ENOENT, vdestack_neigh_del(stack, "v0", "10.0.0.77"));
	assert_fails(ENODEV, vdestack_neigh_add(stack, "nosuch0", "10.0.0.9", first));
}

/* ------------------------------------------------------------------ getifaddrs */

static size_t sockaddr_size(const struct sockaddr *sa)
{
	switch (sa->sa_family) {
	case AF_INET:
		return sizeof(struct sockaddr_in);
	case AF_INET6:
		return sizeof(struct sockaddr_in6);
	default:
		return offsetof(struct sockaddr_ll, sll_addr) +
		       ((const struct sockaddr_ll *)(const void *)sa)->sll_halen;
	}
}

static bool same_sockaddr(const struct sockaddr *a, const struct sockaddr *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return a->sa_family == b->sa_family && sockaddr_size(a) == sockaddr_size(b) &&
	       memcmp(a, b, sockaddr_size(a)) == 0;
}

static bool same_entry(const struct ifaddrs *a, const struct ifaddrs *b)
{
	size_t stats = 23 * sizeof(uint32_t); /* of struct rtnl_link_stats, as far as every glibc knows it */

	return strcmp(a->ifa_name, b->ifa_name) == 0 && a->ifa_flags == b->ifa_flags &&
	       same_sockaddr(a->ifa_addr, b->ifa_addr) && same_sockaddr(a->ifa_netmask, b->ifa_netmask) &&
	       same_sockaddr(a->ifa_broadaddr, b->ifa_broadaddr) &&
	       (a->ifa_data == NULL) == (b->ifa_data == NULL) &&
	       (a->ifa_data == NULL || memcmp(a->ifa_data, b->ifa_data, stats) == 0);
}

static int count_entries(const struct ifaddrs *list)
{
	int n = 0;

	for (; list != NULL; list = list->ifa_next)
		n++;
	return n;
}

/* The first entry of a that b lacks, described; "" if none. */
static void find_difference(const struct ifaddrs *a, const struct ifaddrs *b, char text[64])
{
	text[0] = '\0';
	for (; a != NULL; a = a->ifa_next) {
		const struct ifaddrs *other = b;
		while (other != NULL && !same_entry(a, other))
			other = other->ifa_next;
		if (other == NULL)
			(void)snprintf(text, 64, "%s, family %d", a->ifa_name,
				       a->ifa_addr != NULL ? a->ifa_addr->sa_family : -1);
	}
}

/* Counters may change between the two calls, so only a lasting difference is a failure. */
static void compare_with_glibc(void)
{
	char difference[64] = "?";

	for (int i = 0; i < 100 && difference[0] != '\0'; i++) {
		struct ifaddrs *ours, *theirs;
		assert_works(vdestack_getifaddrs(stack, &ours));
		assert_int_equal(getifaddrs(&theirs), 0);
		find_difference(theirs, ours, difference);
		if (count_entries(ours) != count_entries(theirs))
			(void)snprintf(difference, sizeof(difference), "the number of entries");
		vdestack_freeifaddrs(ours);
		freeifaddrs(theirs);
	}
	if (difference[0] != '\0')
		fail_msg("differs from glibc: %s", difference);
}

static void getifaddrs_returns_what_glibc_returns(void **state)
{
	static const int lengths4[] = { 1, 7, 8, 9, 24, 25, 30, 31, 32 };
	static const int lengths6[] = { 1, 7, 8, 61, 64, 65, 127, 128 };

	(void)state;
	make_plugged("d0");
	make_veth();
	ip("link add br0 type bridge");
	compare_with_glibc();
	ip("link set lo up");
	ip("link set v0 up");
	ip("link set v1 up");
	ip("link set br0 up");
	for (size_t i = 0; i < VS_COUNT(lengths4); i++)
		ip("addr add 10.%d.0.1/%d dev d0", lengths4[i], lengths4[i]);
	for (size_t i = 0; i < VS_COUNT(lengths6); i++)
		ip("addr add fc%02x::1/%d dev d0", lengths6[i], lengths6[i]);
	ip("addr add 10.100.0.1/24 broadcast + dev br0");
	ip("addr add 10.101.0.1/24 broadcast + label br0:web dev br0");
	ip("addr add 10.102.0.1 peer 10.103.0.1/32 dev d0");
	ip("addr add fc77::1 peer fc78::1/64 dev d0");
	ip("addr add 0.0.0.0/32 dev br0 2>/dev/null || true");
	compare_with_glibc();
}

static void getifaddrs_groups_by_interface(void **state)
{
	struct ifaddrs *list;
	char name[IF_NAMESIZE] = "";
	int last_family = 0;

	(void)state;
	make_plugged("d0");
	make_plugged("d1");
	ip("addr add 10.0.0.1/24 dev d0");
	ip("addr add 10.0.1.1/24 dev d1");
	assert_works(vdestack_getifaddrs(stack, &list));
	for (const struct ifaddrs *ifa = list; ifa != NULL; ifa = ifa->ifa_next) {
		int family = ifa->ifa_addr->sa_family;
		if (family == AF_PACKET)
			(void)snprintf(name, sizeof(name), "%s", ifa->ifa_name);
		else
			assert_true(last_family == AF_PACKET || family == last_family || family == AF_INET6);
		assert_string_equal(ifa->ifa_name, name);
		last_family = family;
	}
	vdestack_freeifaddrs(list);
}

/* ------------------------------------------------------------------ sysctl */

static void sysctls_are_set_and_read(void **state)
{
	char value[16];

	(void)state;
	assert_works(vdestack_sysctl_set(stack, "ipv4.ip_forward", "1"));
	assert_int_equal(vdestack_sysctl_get(stack, "ipv4/ip_forward", value, sizeof(value)), 1);
	assert_string_equal(value, "1");
	assert_works(vdestack_sysctl_set(stack, "ipv4/ip_forward", "0\n"));
	assert_int_equal(vdestack_sysctl_get(stack, "ipv4.ip_forward", value, 2), 1);
	assert_string_equal(value, "0");
	assert_fails(ERANGE, vdestack_sysctl_get(stack, "ipv4.ip_forward", value, 1));
	assert_fails(ENOENT, vdestack_sysctl_get(stack, "ipv4.no_such", value, sizeof(value)));
	assert_fails(EINVAL, vdestack_sysctl_set(stack, "ipv4.ip_forward", "maybe"));
}

static void assert_says(const char *text)
{
	if (strstr(vdestack_last_error(), text) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", text, vdestack_last_error());
}

/* Here the program is in the namespace of the stack, so a setting that is only on the host is unknown. */
static void each_refusal_of_a_sysctl_has_its_cause(void **state)
{
	char value[16];

	(void)state;
	assert_fails(ENOENT, vdestack_sysctl_get(stack, "ipv4.no_such", value, sizeof(value)));
	assert_says("no such setting; check the name");
	assert_fails(ENOENT, vdestack_sysctl_set(stack, "ipv4.no_such", "1"));
	assert_says("no such setting; check the name");
	assert_fails(ENOENT, vdestack_sysctl_set(stack, "ipv6/conf/nosuch0/accept_ra", "1"));
	assert_says("no interface nosuch0");
	assert_fails(ENOENT, vdestack_sysctl_get(stack, "ipv4/neigh/nosuch0/retrans_time_ms", value, 16));
	assert_says("no interface nosuch0");
	assert_fails(ENOENT, vdestack_sysctl_set(stack, "ipv4/conf/lo/no_such", "1"));
	assert_says("no such setting; check the name");
	assert_fails(EINVAL, vdestack_sysctl_set(stack, "ipv4.ip_default_ttl", "maybe"));
	assert_says("the kernel refuses the value; it is \"64\" now");
	assert_fails(ENOENT, vdestack_sysctl_set(stack, "ipv4.tcp_congestion_control", "nosuch"));
	assert_says("no such congestion control; it has ");
	assert_says("reno");
	/* Nothing can write it. */
	assert_fails(EACCES, vdestack_sysctl_set(stack, "ipv4.tcp_available_congestion_control", "reno"));
	assert_says("it can only be read");
}

static void dots_in_interface_names_survive_slashes(void **state)
{
	char value[16];

	(void)state;
	make_plugged("d0.5");
	assert_works(vdestack_sysctl_set(stack, "ipv6/conf/d0.5/accept_ra", "0"));
	assert_int_equal(vdestack_sysctl_get(stack, "ipv6/conf/d0.5/accept_ra", value, sizeof(value)), 1);
}

static void sysctl_names_cannot_leave_net(void **state)
{
	static const char *const bad[] = { "",
					   "/",
					   ".",
					   "..",
					   "ipv4/../../kernel/hostname",
					   "a/.",
					   "/etc/passwd",
					   "ipv4//x",
					   "ipv4..x",
					   "ipv4/x/",
					   "../kernel/hostname",
					   ".a",
					   "ipv4.ip x",
					   "ipv4\n/x",
					   "ipv4/*",
					   "ip\xc3\xa9/x" };
	char value[16];

	(void)state;
	for (size_t i = 0; i < VS_COUNT(bad); i++) {
		assert_fails(EINVAL, vdestack_sysctl_get(stack, bad[i], value, sizeof(value)));
		assert_fails(EINVAL, vdestack_sysctl_set(stack, bad[i], "1"));
	}
}

/* ------------------------------------------------------------------ readiness */

static void an_empty_stack_is_ready(void **state)
{
	(void)state;
	assert_works(vdestack_wait_ready(stack, 0));
	ip("link set lo up");
	assert_works(vdestack_wait_ready(stack, 1000));
	assert_works(vdestack_wait_ready(stack, -1));
	assert_fails(EINVAL, vdestack_wait_ready(stack, -2));
}

static void waiting_without_carrier_times_out(void **state)
{
	(void)state;
	make_veth();
	ip("link set v0 up");
	assert_fails(ETIMEDOUT, vdestack_wait_ready(stack, 0));
	int64_t start = vs_now_ms();
	assert_fails(ETIMEDOUT, vdestack_wait_ready(stack, 200));
	assert_true(vs_now_ms() - start >= 190);
	assert_non_null(strstr(vdestack_last_error(), "v0"));
}

static void waiting_ends_with_the_detection_of_duplicates(void **state)
{
	struct vdestack_addr list[8];

	(void)state;
	make_veth();
	ip("link set v0 up");
	ip("link set v1 up");
	assert_works(vdestack_addr_add(stack, "v0", "fc00::1", 64));
	assert_fails(ETIMEDOUT, vdestack_wait_ready(stack, 0));
	assert_works(vdestack_wait_ready(stack, 10000));
	int n = vdestack_addr_list(stack, NULL, list, VS_COUNT(list), sizeof(struct vdestack_addr));
	assert_int_equal(n, 3);
	for (int i = 0; i < n; i++)
		assert_false(list[i].flags & IFA_F_TENTATIVE);
}

static void a_duplicate_address_is_eaddrnotavail(void **state)
{
	(void)state;
	make_veth();
	ip("link set v0 up");
	ip("link set v1 up");
	assert_works(vdestack_wait_ready(stack, 10000));
	ip("addr add fc00::1/64 dev v0 nodad");
	ip("addr add fc00::1/64 dev v1");
	assert_fails(EADDRNOTAVAIL, vdestack_wait_ready(stack, 10000));
	assert_non_null(strstr(vdestack_last_error(), "fc00::1"));
}

static void *bring_up_v1(void *arg)
{
	(void)usleep(100000); /* the case holds for either order */
	(void)vdestack_link_set_up(stack, arg, 1);
	return NULL;
}

static void waiting_ends_when_another_thread_brings_the_carrier(void **state)
{
	pthread_t thread;

	(void)state;
	make_veth();
	ip("link set v0 up");
	assert_int_equal(pthread_create(&thread, NULL, bring_up_v1, "v1"), 0);
	assert_works(vdestack_wait_ready(stack, 10000));
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(vdestack_link_get_flags(stack, "v1") & IFF_RUNNING);
}

static void *flood_and_bring_up(void *arg)
{
	struct vdestack large = { 0 }; /* answers need room */

	for (int i = 0; i < 2000; i++) {
		(void)vdestack_addr_add(&large, "lo", "fc05::5", 128);
		(void)vdestack_addr_del(&large, "lo", "fc05::5", 128);
	}
	(void)vdestack_link_set_up(&large, arg, 1);
	return NULL;
}

static void lost_notifications_do_no_harm(void **state)
{
	pthread_t thread;

	(void)state;
	make_veth();
	ip("link set v0 up");
	ip("link set lo up");
	fake.receive_buffer = 1; /* the kernel makes it the smallest there is: one message fills it */
	assert_int_equal(pthread_create(&thread, NULL, flood_and_bring_up, "v1"), 0);
	assert_works(vdestack_wait_ready(stack, 20000));
	assert_int_equal(pthread_join(thread, NULL), 0);
}

/* ------------------------------------------------------------------ a whole configuration */

static struct vs_conf_addr conf_addr(const char *text, unsigned prefixlen)
{
	struct vs_conf_addr addr = { .family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET,
				     .prefixlen = prefixlen };

	assert_int_equal(inet_pton(addr.family, text, addr.bytes), 1);
	return addr;
}

static int apply(const struct vs_config *config)
{
	VS_AUTO_NL nl = { 0 };
	int err = vs_stack_nl_open(stack, &nl);

	return err < 0 ? err : vs_conf_apply(&nl, config, false);
}

static int wait_for(const struct vs_config *config, int timeout_ms)
{
	VS_AUTO_NL nl = { 0 };
	struct vs_ready watch = { 0 };
	int err = vs_stack_nl_open(stack, &nl);

	if (err == 0)
		err = vs_ready_begin(&watch, &nl, config);
	if (err == 0)
		err = vs_ready_wait(&watch, vs_now_ms() + timeout_ms);
	vs_ready_end(&watch);
	return err;
}

static void a_configuration_is_applied(void **state)
{
	struct vs_conf_addr addrs[] = { conf_addr("10.0.0.1", 24), conf_addr("fc00::1", 64) };
	struct vs_conf_route routes[] = {
		{ .dst = conf_addr("0.0.0.0", 0), .has_gw = true, .gw = conf_addr("10.0.0.254", 32) },
		{ .dst = conf_addr("::", 0), .has_gw = true, .gw = conf_addr("fe80::1", 128) },
		{ .dst = conf_addr("10.99.0.0", 16) },
	};
	struct vs_conf_iface ifaces[] = {
		{ .name = "v0", .addrs = addrs, .n_addrs = 2, .routes = routes, .n_routes = 3 },
		{ .name = "v1" },
	};
	const struct vs_config config = { .ifaces = ifaces, .n_ifaces = 2 };

	(void)state;
	make_veth();
	int before = count_descriptors();
	assert_works(apply(&config));
	assert_int_equal(wait_for(&config, 0), -ETIMEDOUT);
	assert_works(wait_for(&config, 10000));
	assert_int_equal(count_descriptors(), before);
	ip("-4 addr show dev v0 | grep -q '10.0.0.1/24'");
	ip("-6 addr show dev v0 | grep 'fc00::1/64' | grep -vq tentative");
	ip("route | grep -q '^default via 10.0.0.254 dev v0'");
	ip("-6 route | grep -q '^default via fe80::1 dev v0'");
	ip("route | grep -q '^10.99.0.0/16 dev v0'");
}

static void a_failing_configuration_names_interface_and_word(void **state)
{
	struct vs_conf_addr addrs[] = { conf_addr("10.0.0.1", 24), conf_addr("10.0.0.1", 24) };
	struct vs_conf_route routes[] = {
		{ .dst = conf_addr("0.0.0.0", 0), .has_gw = true, .gw = conf_addr("10.7.0.254", 32) },
	};
	struct vs_conf_iface iface = { .name = "v0", .addrs = addrs, .n_addrs = 2 };
	const struct vs_config config = { .ifaces = &iface, .n_ifaces = 1 };

	(void)state;
	assert_int_equal(apply(&config), -ENODEV);
	assert_non_null(strstr(vdestack_last_error(), "v0"));
	make_veth();
	assert_int_equal(apply(&config), -EEXIST);
	assert_non_null(strstr(vdestack_last_error(), "ip=10.0.0.1/24"));
	iface = (struct vs_conf_iface){ .name = "v0", .routes = routes, .n_routes = 1 };
	assert_int_equal(apply(&config), -ENETUNREACH);
	assert_non_null(strstr(vdestack_last_error(), "gw=10.7.0.254"));
}

static void waiting_for_a_configuration_sees_duplicates(void **state)
{
	struct vs_conf_addr addr = conf_addr("fc00::1", 64);
	struct vs_conf_iface iface = { .name = "v0", .addrs = &addr, .n_addrs = 1 };
	const struct vs_config config = { .ifaces = &iface, .n_ifaces = 1 };

	(void)state;
	make_veth();
	ip("link set v1 up");
	ip("addr add fc00::1/64 dev v1 nodad");
	assert_works(apply(&config));
	assert_int_equal(wait_for(&config, 10000), -EADDRNOTAVAIL);
}

static void waiting_without_ipv6_costs_nothing(void **state)
{
	struct vs_conf_addr addr = conf_addr("10.0.0.1", 24);
	struct vs_conf_iface iface = { .name = "nosuch0", .addrs = &addr, .n_addrs = 1 };
	const struct vs_config config = { .ifaces = &iface, .n_ifaces = 1 };

	(void)state;
	assert_false(vs_conf_has_to_wait(&config));
}

/* ------------------------------------------------------------------ hard times */

static atomic_int storm_count;

static void on_alarm(int signo)
{
	(void)signo;
	atomic_fetch_add(&storm_count, 1);
}

/* 4 kHz of signals that interrupt system calls; hz 0 ends them. */
static void storm(int hz)
{
	const struct sigaction action = { .sa_handler = on_alarm };
	const struct itimerval timer = { .it_interval = { .tv_usec = hz != 0 ? 1000000 / hz : 0 },
					 .it_value = { .tv_usec = hz != 0 ? 1 : 0 } };

	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static void waiting_for_a_configuration_waits_for_its_addresses(void **state)
{
	struct vs_conf_addr addrs[] = { conf_addr("fc00::1", 64), conf_addr("fc00::2", 64) };
	struct vs_conf_iface iface = { .name = "d0", .addrs = addrs, .n_addrs = 2 };
	const struct vs_config config = { .ifaces = &iface, .n_ifaces = 1 };

	(void)state;
	make_plugged("d0");
	assert_int_equal(wait_for(&config, 100), -ETIMEDOUT);
	assert_non_null(strstr(vdestack_last_error(), "not there"));
	ip("addr add fc00::1/64 dev d0 nodad");
	ip("addr add fc00::3/64 dev d0 nodad"); /* as many as are wanted, but another one */
	assert_int_equal(wait_for(&config, 100), -ETIMEDOUT);
	ip("addr add fc00::2/64 dev d0 nodad");
	assert_works(wait_for(&config, 10000));
}

static void signals_do_not_disturb(void **state)
{
	struct vdestack_addr list[256];
	struct ifaddrs *ifaddrs;
	make_plugged("d0");

	(void)state;
	add_many("d0");
	make_veth();
	assert_works(vdestack_wait_ready(stack, 10000));
	storm(4000);
	/* On a loaded machine several expirations of the timer are one signal. */
	for (int64_t end = vs_now_ms() + 1500; vs_now_ms() < end || atomic_load(&storm_count) <= 1000;) {
		int n = vdestack_addr_list(stack, "d0", list, VS_COUNT(list), sizeof(struct vdestack_addr));
		assert_true(n >= 200 && has_many(list, n));
		assert_works(vdestack_getifaddrs(stack, &ifaddrs));
		vdestack_freeifaddrs(ifaddrs);
		assert_works(vdestack_link_set_mtu(stack, "v0", 1400));
		assert_fails(ENODEV, vdestack_if_nametoindex(stack, "nosuch0"));
	}
	assert_works(vdestack_link_set_up(stack, "v0", 1));
	int before = atomic_load(&storm_count);
	int64_t start = vs_now_ms();
	assert_fails(ETIMEDOUT, vdestack_wait_ready(stack, 300)); /* no carrier: waits through the storm */
	int64_t took = vs_now_ms() - start;
	storm(0);
	assert_true(took >= 290 && took < 3000);
	assert_true(atomic_load(&storm_count) > before);
}

static atomic_bool changing;

static void *keep_changing(void *arg)
{
	while (atomic_load(&changing)) {
		(void)vdestack_addr_add(stack, arg, "10.200.0.1", 32);
		(void)vdestack_addr_del(stack, arg, "10.200.0.1", 32);
		(void)usleep(100);
	}
	return NULL;
}

static bool always_changing;

int __real_vs_nl_drain(struct vs_nl *nl);
int __wrap_vs_nl_drain(struct vs_nl *nl);

int __wrap_vs_nl_drain(struct vs_nl *nl)
{
	int r = __real_vs_nl_drain(nl);

	nl->noticed = nl->noticed || always_changing;
	return r;
}

/* After each read there has been a change, so the next one is due at once. */
static void waiting_ends_in_time_while_the_stack_changes_all_the_time(void **state)
{
	(void)state;
	make_veth();
	ip("link set v0 up"); /* it has no carrier */
	always_changing = true;
	(void)alarm(20); /* ends the case if the wait does not end */
	int64_t start = vs_now_ms();
	assert_fails(ETIMEDOUT, vdestack_wait_ready(stack, 300));
	int64_t took = vs_now_ms() - start;
	always_changing = false;
	(void)alarm(0);
	assert_true(took >= 290 && took < 10000);
}

static struct {
	int begun, n;
	bool changed;
} reading;

static void note_begin(void *arg)
{
	(void)arg;
	reading.begun++;
	reading.n = 0;
}

static void change_at_first(void *arg, const void *record)
{
	(void)arg;
	(void)record;
	reading.n++;
	if (!reading.changed)
		assert_int_equal(vdestack_addr_add(stack, "d0", "10.201.0.1", 32), 0);
	reading.changed = true;
}

/* It is so long that the kernel sends it in several parts. */
static void a_list_that_changes_while_it_is_read_is_read_again(void **state)
{
	enum { LONG = 1500 };
	const struct vs_nl_reader reader = { note_begin, change_at_first, NULL };
	VS_AUTO_NL nl = { 0 };
	char addr[32];

	(void)state;
	make_plugged("d0");
	for (int i = 0; i < LONG; i++) {
		(void)snprintf(addr, sizeof(addr), "10.202.%d.%d", i / 250, i % 250 + 1);
		assert_works(vdestack_addr_add(stack, "d0", addr, 32));
	}
	assert_int_equal(vs_stack_nl_open(stack, &nl), 0);
	assert_int_equal(vs_rtnl_addr_list(&nl, &reader), 0);
	assert_true(reading.begun >= 2);
	assert_true(reading.n >= LONG + 1);
}

static void lists_are_whole_while_another_thread_changes(void **state)
{
	struct vdestack_addr list[256];
	pthread_t thread;
	make_plugged("d0");

	(void)state;
	make_plugged("d1");
	add_many("d0");
	atomic_store(&changing, true);
	assert_int_equal(pthread_create(&thread, NULL, keep_changing, "d1"), 0);
	for (int i = 0; i < 500; i++) {
		int n = vdestack_addr_list(stack, NULL, list, VS_COUNT(list), sizeof(struct vdestack_addr));
		if (n < 0)
			fail_msg("%s", vdestack_last_error());
		assert_true(has_many(list, n));
	}
	atomic_store(&changing, false);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static void an_address_with_a_peer_is_listed_as_ours(void **state)
{
	struct vdestack_addr list[16];
	make_plugged("d0");
	bool ours = false;

	(void)state;
	ip("addr add 10.3.0.1 peer 10.3.0.2/32 dev d0");
	int n = vdestack_addr_list(stack, "d0", list, VS_COUNT(list), sizeof(struct vdestack_addr));
	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		assert_string_not_equal(list[i].addr, "10.3.0.2");
		ours = ours || strcmp(list[i].addr, "10.3.0.1") == 0;
	}
	assert_true(ours);
}

static void count_record(void *arg, const void *record)
{
	(void)record;
	++*(int *)arg;
}

static void begin_count(void *arg)
{
	*(int *)arg = 0;
}

/* A command in the stack with CAP_NET_ADMIN can send messages to our socket. */
static void messages_of_another_process_are_no_answer(void **state)
{
	struct sockaddr_nl name = { .nl_family = AF_NETLINK };
	socklen_t len = sizeof(name);
	struct {
		struct nlmsghdr head;
		int result;
	} done = { .head = { .nlmsg_len = sizeof(done),
			     .nlmsg_type = NLMSG_DONE,
			     .nlmsg_flags = NLM_F_MULTI } };
	int n = 0;
	const struct vs_nl_reader reader = { begin_count, count_record, &n };
	VS_AUTO_NL nl = { 0 };

	(void)state;
	make_plugged("d0");
	add_many("d0");
	assert_int_equal(vs_stack_nl_open(stack, &nl), 0);
	assert_int_equal(vs_rtnl_addr_list(&nl, &reader), 0);
	assert_true(n >= 200);
	assert_int_equal(getsockname(vs_nl_fd(&nl), (struct sockaddr *)&name, &len), 0);
	int other = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	assert_true(other >= 0);
	done.head.nlmsg_pid = name.nl_pid;
	for (done.head.nlmsg_seq = nl.seq; done.head.nlmsg_seq < nl.seq + 4; done.head.nlmsg_seq++)
		assert_int_equal(sendto(other, &done, sizeof(done), 0, (struct sockaddr *)&name, len),
				 (ssize_t)sizeof(done));
	assert_int_equal(vs_rtnl_addr_list(&nl, &reader), 0);
	assert_true(n >= 200);
	(void)close(other);
}

/* As after a request that has timed out. */
static void the_answer_to_an_earlier_request_is_no_answer(void **state)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	const struct {
		struct nlmsghdr head;
		struct ifinfomsg info;
	} earlier = { .head = { .nlmsg_len = sizeof(earlier), .nlmsg_type = RTM_GETLINK,
				.nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = 1 },
		      .info = { .ifi_index = 1 } };
	int n = 0;
	const struct vs_nl_reader reader = { begin_count, count_record, &n };
	VS_AUTO_NL nl = { 0 };

	(void)state;
	make_plugged("d0");
	add_many("d0");
	assert_int_equal(vs_stack_nl_open(stack, &nl), 0);
	assert_int_equal(sendto(vs_nl_fd(&nl), &earlier, sizeof(earlier), 0, (const struct sockaddr *)&kernel,
				sizeof(kernel)), (ssize_t)sizeof(earlier));
	assert_int_equal(vs_rtnl_addr_list(&nl, &reader), 0);
	assert_true(n >= 200);
}

static void calls_without_a_free_descriptor_are_emfile(void **state)
{
	struct rlimit before;
	struct ifaddrs *list;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	struct rlimit none = { .rlim_cur = 0, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	int result = vdestack_if_nametoindex(stack, "lo");
	int err = errno;
	int result2 = vdestack_getifaddrs(stack, &list);
	int err2 = errno;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(result, -1);
	assert_int_equal(err, EMFILE);
	assert_int_equal(result2, -1);
	assert_int_equal(err2, EMFILE);
}

static void no_call_leaks_a_descriptor(void **state)
{
	struct ifaddrs *list;
	make_plugged("d0");
	int before = count_descriptors();

	(void)state;
	for (int i = 0; i < 100; i++) {
		(void)vdestack_addr_add(stack, "d0", "10.0.0.1", 24);
		(void)vdestack_if_nametoindex(stack, "nosuch0");
		(void)vdestack_wait_ready(stack, 0);
		assert_works(vdestack_getifaddrs(stack, &list));
		vdestack_freeifaddrs(list);
	}
	assert_int_equal(count_descriptors(), before);
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	assert_int_equal(syscall(SYS_capset, &header, data), 0);
}

static void refused_without_capabilities(void)
{
	static const unsigned char mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct vdestack_route route = route_to("10.0.0.0", 8, "");

	(void)snprintf(route.ifname, sizeof(route.ifname), "lo");
	drop_capabilities();
	assert_fails(EPERM, vdestack_link_set_up(stack, "lo", 1));
	assert_fails(EPERM, vdestack_link_set_mtu(stack, "lo", 1500));
	assert_fails(EPERM, vdestack_addr_add(stack, "lo", "10.0.0.1", 24));
	assert_fails(EPERM, vdestack_addr_del(stack, "lo", "10.0.0.1", 24));
	assert_fails(EPERM, vdestack_route_add(stack, &route));
	assert_fails(EPERM, vdestack_neigh_add(stack, "lo", "10.0.0.1", mac));
	assert_non_null(strstr(vdestack_last_error(), "privileges"));
	/* Reading needs no privilege. */
	assert_works(vdestack_addr_list(stack, NULL, NULL, 0, sizeof(struct vdestack_addr)));
}

/* In a child: the next case needs what is dropped. */
static void changes_without_capabilities_are_eperm(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		refused_without_capabilities();
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#define CASE(name) cmocka_unit_test_setup(name, enter_namespace)

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		CASE(a_null_handle_is_refused),
		CASE(null_pointers_are_refused),
		CASE(indices_that_are_not_positive_are_refused),
		CASE(absent_interfaces_are_enodev_and_named),
		CASE(names_and_indices_map_to_each_other),
		CASE(links_go_up_and_down),
		CASE(mtu_is_set_and_read),
		CASE(mac_is_set_and_read),
		CASE(addresses_come_and_go),
		CASE(text_that_is_no_address_is_refused),
		CASE(loopback_addresses_have_host_scope),
		CASE(a_list_of_200_addresses_is_complete),
		CASE(records_of_a_newer_caller_are_filled_up_with_zeros),
		CASE(records_that_are_too_small_are_refused),
		CASE(a_list_is_of_one_interface_or_of_all),
		CASE(a_list_call_returns_the_total_when_the_array_is_too_short),
		CASE(routes_come_and_go),
		CASE(a_listed_route_can_be_removed_and_added_again),
		CASE(routes_fail_with_the_errors_of_the_kernel),
		CASE(invalid_routes_are_refused),
		CASE(route_structs_of_other_sizes_are_understood),
		CASE(an_ipv4_route_may_have_an_ipv6_gateway),
		CASE(multipath_routes_are_listed_by_hop_and_blackholes_not),
		CASE(routes_go_to_large_tables),
		CASE(neighbours_come_and_go),
		CASE(getifaddrs_returns_what_glibc_returns),
		CASE(getifaddrs_groups_by_interface),
		CASE(sysctls_are_set_and_read),
		CASE(each_refusal_of_a_sysctl_has_its_cause),
		CASE(dots_in_interface_names_survive_slashes),
		CASE(sysctl_names_cannot_leave_net),
		CASE(an_empty_stack_is_ready),
		CASE(waiting_without_carrier_times_out),
		CASE(waiting_ends_with_the_detection_of_duplicates),
		CASE(a_duplicate_address_is_eaddrnotavail),
		CASE(waiting_ends_when_another_thread_brings_the_carrier),
		CASE(lost_notifications_do_no_harm),
		CASE(a_configuration_is_applied),
		CASE(a_failing_configuration_names_interface_and_word),
		CASE(waiting_for_a_configuration_sees_duplicates),
		CASE(waiting_without_ipv6_costs_nothing),
		CASE(waiting_for_a_configuration_waits_for_its_addresses),
		CASE(signals_do_not_disturb),
		CASE(waiting_ends_in_time_while_the_stack_changes_all_the_time),
		CASE(a_list_that_changes_while_it_is_read_is_read_again),
		CASE(lists_are_whole_while_another_thread_changes),
		CASE(an_address_with_a_peer_is_listed_as_ours),
		CASE(messages_of_another_process_are_no_answer),
		CASE(the_answer_to_an_earlier_request_is_no_answer),
		CASE(calls_without_a_free_descriptor_are_emfile),
		CASE(no_call_leaks_a_descriptor),
		CASE(changes_without_capabilities_are_eperm),
	};

	return vs_unit_main(argc, argv, tests, VS_COUNT(tests));
}
