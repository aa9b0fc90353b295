/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Links: names, flags, MTU, MAC address. */

#include <net/if.h>
#include <string.h>

#include "fixture.h"

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

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		CASE(names_and_indices_map_to_each_other),
		CASE(links_go_up_and_down),
		CASE(mtu_is_set_and_read),
		CASE(mac_is_set_and_read),
	};

	return vs_unit_main(argc, argv, tests, VS_COUNT(tests));
}
