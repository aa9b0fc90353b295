/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Handles and arguments that the typed configuration calls refuse. */

#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

#include "fixture.h"

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

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		CASE(a_null_handle_is_refused),
		CASE(null_pointers_are_refused),
		CASE(indices_that_are_not_positive_are_refused),
		CASE(absent_interfaces_are_enodev_and_named),
	};

	return vs_unit_main(argc, argv, tests, VS_COUNT(tests));
}
