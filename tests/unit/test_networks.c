/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which locators mean the same network, and what is shown of a locator. */

#include "tools/networks.h"
#include "unit.h"

static void same_networks_are_found(void **state)
{
	static const struct {
		const char *a, *b;
		bool one_keeper, two_keepers;
	} cases[] = {
		{ "inproc://lan", "inproc://lan", true, false },
		{ "inproc://lan", "inproc://wan", false, false },
		{ "local://lan", "local://lan", true, true },
		{ "local://lan", "local://wan", false, false },
		{ "local://lan", "inproc://lan", false, false },
		{ "vde:///tmp/net", "vde:///tmp/net", true, true },
		{ "vde:///tmp/net", "/tmp/net", true, true },
		{ "vde:///tmp/net/", "/tmp/net[7]", true, true },
		{ "hub:///tmp/net", "vde:///tmp/net", true, true },
		{ "switch:///tmp/net", "vde:///tmp/net", true, true },
		{ "vde:///tmp/net", "vde:///tmp/net2", false, false },
		{ "vde://", "vde://", true, true },
		{ "vde://net", "vde://net", true, false },
		{ "net", "net", true, false },
		{ "ptp:///tmp/x", "ptp:///tmp/x", true, true },
		{ "ptp://x", "ptp://x", true, false },
		{ "ptp:///tmp/x", "/tmp/x", false, false },
		{ "vxvde://239.1.2.3", "vxvde://239.1.2.3", true, true },
		{ "slirp://", "slirp://", false, false },
		{ "=cat", "=cat", false, false },
		{ "cmd://cat", "cmd://cat", false, false },
		{ "", "", true, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(vs_networks_same(cases[i].a, 1, cases[i].b, 1), cases[i].one_keeper);
		assert_int_equal(vs_networks_same(cases[i].b, 1, cases[i].a, 1), cases[i].one_keeper);
		assert_int_equal(vs_networks_same(cases[i].a, 1, cases[i].b, 2), cases[i].two_keepers);
	}
}

static void check_shown(const char *locator, const char *want)
{
	char text[64];

	vs_networks_show(locator, text, sizeof(text));
	assert_string_equal(text, want);
}

static void private_parts_are_not_shown(void **state)
{
	char small[6];

	(void)state;
	check_shown("vde:///tmp/net", "vde:///tmp/net");
	check_shown("/tmp/a@b", "/tmp/a@b");
	check_shown("=ssh -i key user@host vde_plug", "=ssh");
	check_shown("= ssh host", "=ssh");
	check_shown("cmd://ssh host", "=ssh");
	check_shown("seqpacket://user:secret@host", "seqpacket://...@host");
	check_shown("vxvde://239.0.0.1?key=secret", "vxvde://239.0.0.1");
	check_shown("agno://{vde:///tmp/net}/secret", "agno://{...}");
	check_shown("", "");
	vs_networks_show("vde:///tmp/net", small, sizeof(small));
	assert_string_equal(small, "vde:/");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(same_networks_are_found),
	cmocka_unit_test(private_parts_are_not_shown),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
