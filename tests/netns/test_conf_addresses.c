/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Addresses, and what all lists of records have in common. */

#include <linux/if_addr.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "fixture.h"

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

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		CASE(addresses_come_and_go),
		CASE(text_that_is_no_address_is_refused),
		CASE(loopback_addresses_have_host_scope),
		CASE(a_list_of_200_addresses_is_complete),
		CASE(records_of_a_newer_caller_are_filled_up_with_zeros),
		CASE(records_that_are_too_small_are_refused),
		CASE(a_list_is_of_one_interface_or_of_all),
		CASE(a_list_call_returns_the_total_when_the_array_is_too_short),
		CASE(an_address_with_a_peer_is_listed_as_ours),
	};

	return vs_unit_main(argc, argv, tests, VS_COUNT(tests));
}
