/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Neighbours. */

#include <linux/neighbour.h>
#include <sys/socket.h>

#include "fixture.h"

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

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		CASE(neighbours_come_and_go),
	};

	return vs_unit_main(argc, argv, tests, VS_COUNT(tests));
}
