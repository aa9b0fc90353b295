/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Routes. */

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "fixture.h"

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

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		CASE(routes_come_and_go),
		CASE(a_listed_route_can_be_removed_and_added_again),
		CASE(routes_fail_with_the_errors_of_the_kernel),
		CASE(invalid_routes_are_refused),
		CASE(route_structs_of_other_sizes_are_understood),
		CASE(an_ipv4_route_may_have_an_ipv6_gateway),
		CASE(multipath_routes_are_listed_by_hop_and_blackholes_not),
		CASE(routes_go_to_large_tables),
	};

	return vs_unit_main(argc, argv, tests, VS_COUNT(tests));
}
