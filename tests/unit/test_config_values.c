/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The words of a configuration string that have values: for every rule of docs/configuration.md, strings that
 * keep it and strings that break it.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "config_case.h"
#include "core/configuration.h"
#include <vdestack.h>

/* ------------------------------------------------------------------ vnl, mac, mtu */

static void any_vnl_is_accepted_unchanged(void **state)
{
	static const char *const list[][2] = {
		{ "vnl=vde:///tmp/net", "vde:///tmp/net" },
		{ "vnl=/run/net[3]", "/run/net[3]" },
		{ "vnl='=ssh host vde_plug'", "=ssh host vde_plug" },
		{ "vnl==cmd", "=cmd" },
		{ "vnl=\"udp://1,2\"", "udp://1,2" },
		{ "vnl=a?x=1&y=#frag", "a?x=1&y=#frag" },
		{ "'vnl=b'", "b" },
		{ "vnl=None", "None" },
		{ "vnl=none:", "none:" },
		{ "vnl=inproc://lan", "inproc://lan" },
		{ "vnl='inproc://a b'", "inproc://a b" },
		{ "vnl=local://lan", "local://lan" },
		{ "vnl=inproc:/lan/x", "inproc:/lan/x" },
		{ "vnl=INPROC://", "INPROC://" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct vs_config *config = parse(list[i][0]);
		assert_int_equal(config->n_ifaces, 1);
		assert_string_equal(config->ifaces[0].vnl, list[i][1]);
		assert_ptr_equal(config->ifaces[0].locator.text, config->ifaces[0].vnl);
		vs_config_free(config);
	}
}

/* The locator of each interface stays with it when the interfaces move. */
static void interfaces_carry_their_locators_parsed(void **state)
{
	static const struct {
		enum vs_locator_kind kind;
		const char *rest;
	} expected[] = {
		{ VS_KIND_PLUGIN, "/tmp/net" }, { VS_KIND_SEGMENT, "lan" },  { VS_KIND_COMMAND, "ssh host" },
		{ VS_KIND_COMMAND, "true" },    { VS_KIND_PLUGIN, "/run/sw" }, { VS_KIND_LOCAL, "lan" },
	};
	struct vs_config *config = parse("vnl=vde:///tmp/net vnl=inproc://lan vnl='=ssh host' vnl=none "
					 "vnl=cmd://true vnl=/run/sw vnl=local://lan");

	(void)state;
	assert_int_equal(config->n_ifaces, 6);
	for (size_t i = 0; i < 6; i++) {
		const struct vs_conf_iface *iface = &config->ifaces[i];
		assert_int_equal(iface->locator.kind, expected[i].kind);
		assert_string_equal(iface->locator.rest, expected[i].rest);
		assert_ptr_equal(iface->locator.text, iface->vnl);
	}
	vs_config_free(config);
}

static void segment_names_are_checked(void **state)
{
	static const struct refusal list[] = {
		{ "vnl=inproc://", EINVAL, "vnl=inproc://", 1, "1 to 64" },
		{ "vnl=inproc://a/b", EINVAL, "vnl=inproc://a/b", 1, "without '/'" },
		{ "vnl=inproc:///", EINVAL, "vnl=inproc:///", 1, "without '/'" },
		{ "vnl=local://", EINVAL, "vnl=local://", 1, "write local://" },
		{ "vnl=local://a/b", EINVAL, "vnl=local://a/b", 1, "without '/'" },
		{ "vnl='inproc://a\tb'", EINVAL, "vnl=inproc://a?b", 1, "ASCII" },
		{ "vnl=inproc://\xc3\xa9", EINVAL, "vnl=inproc://??", 1, "ASCII" },
	};
	char *longest = long_text("vnl=inproc://", 'n', 64);
	char *longer = long_text("vnl=inproc://", 'n', 65);
	const struct refusal too_long = { longer, EINVAL,
					  "vnl=inproc://nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn...", 1,
					  "1 to 64" };

	(void)state;
	CHECK_REFUSALS(list);
	vs_config_free(parse(longest));
	check_refused(&too_long, NULL, NULL);
	free(longer);
	free(longest);
}

static void a_vnl_has_at_most_4000_bytes(void **state)
{
	char *longest = long_text("vnl=", 'v', 4000);
	char *longer = long_text("vnl=", 'v', 4001);
	const struct refusal too_long = { longer, ENAMETOOLONG,
					  "vnl=vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv...", 1,
					  "4000 bytes" };

	(void)state;
	vs_config_free(parse(longest));
	check_refused(&too_long, NULL, NULL);
	free(longer);
	free(longest);
}

static void hardware_addresses_are_read(void **state)
{
	static const char *const list[] = {
		"vnl=a mac=02:ab:CD:0e:f0:01",
		"vnl=a macaddr=02:AB:cd:0E:f0:01",
		"mac=02-ab-cd-0e-f0-01 vnl=a",
	};
	static const unsigned char bytes[] = { 0x02, 0xab, 0xcd, 0x0e, 0xf0, 0x01 };

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct vs_config *config = parse(list[i]);
		assert_true(config->ifaces[0].has_mac);
		assert_memory_equal(config->ifaces[0].mac, bytes, sizeof(bytes));
		vs_config_free(config);
	}
	struct vs_config *without = parse("vnl=a");
	assert_false(without->ifaces[0].has_mac);
	assert_int_equal(without->ifaces[0].mtu, 0);
	vs_config_free(without);
}

static void nodad_is_of_one_interface_and_the_flag_of_all(void **state)
{
	struct vs_config *config = parse("nodad vnl=a ip=fc00::1 nodad vnl=b ip=fc00::2");

	(void)state;
	assert_true(config->ifaces[0].nodad);
	assert_false(config->ifaces[1].nodad);
	vs_config_free(config);
	assert_int_equal(vs_configuration_read("vnl=a vnl=b", VDESTACK_NODAD, NULL, NULL, &config), 0);
	assert_true(config->ifaces[0].nodad && config->ifaces[1].nodad);
	vs_config_free(config);
}

static void bad_hardware_addresses_are_refused(void **state)
{
	static const struct refusal list[] = {
		{ "vnl=a mac=02:00:00:00:00", EINVAL, "mac=02:00:00:00:00", 7, "six bytes" },
		{ "vnl=a mac=02:00:00:00:00:01:02", EINVAL, "mac=02:00:00:00:00:01:02", 7, "six bytes" },
		{ "vnl=a mac=2:0:0:0:0:1", EINVAL, "mac=2:0:0:0:0:1", 7, "six bytes" },
		{ "vnl=a mac=02:00:00:00:00:0g", EINVAL, "mac=02:00:00:00:00:0g", 7, "six bytes" },
		{ "vnl=a mac=02:00-00:00:00:01", EINVAL, "mac=02:00-00:00:00:01", 7, "six bytes" },
		{ "vnl=a mac=02.00.00.00.00.01", EINVAL, "mac=02.00.00.00.00.01", 7, "six bytes" },
		{ "vnl=a mac=020000000001", EINVAL, "mac=020000000001", 7, "six bytes" },
		{ "vnl=a mac=+2:00:00:00:00:01", EINVAL, "mac=+2:00:00:00:00:01", 7, "six bytes" },
		{ "vnl=a mac=01:00:00:00:00:01", EINVAL, "mac=01:00:00:00:00:01", 7, "group address" },
		{ "vnl=a mac=ff:ff:ff:ff:ff:ff", EINVAL, "mac=ff:ff:ff:ff:ff:ff", 7, "group address" },
		{ "vnl=a mac=00:00:00:00:00:00", EINVAL, "mac=00:00:00:00:00:00", 7, "zero" },
		{ "vnl=a mac=02:00:00:00:00:01 macaddr=02:00:00:00:00:02", EINVAL,
		  "macaddr=02:00:00:00:00:02", 29, "position 7" },
	};

	(void)state;
	CHECK_REFUSALS(list);
}

static void mtus_are_read(void **state)
{
	static const struct {
		const char *text;
		unsigned mtu;
	} list[] = {
		{ "vnl=a mtu=68", 68 },
		{ "mtu=9216 vnl=a", 9216 },
		{ "vnl=inproc://a mtu=65535", 65535 },
		{ "mtu=65535 vnl=inproc://a", 65535 },
		{ "vnl=local://a mtu=65535", 65535 },
		{ "vnl=a mtu=01500", 1500 },
		{ "vnl=a mtu=1279 ip=10.0.0.1/24 gw=10.0.0.2", 1279 },
		{ "vnl=a mtu=1280 ip=fc00::1/64", 1280 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct vs_config *config = parse(list[i].text);
		assert_int_equal(config->ifaces[0].mtu, list[i].mtu);
		vs_config_free(config);
	}
	struct vs_config *two = parse("vnl=a mtu=1000 vnl=b mtu=1280 ip=fc00::1/64");
	assert_int_equal(two->n_ifaces, 2);
	vs_config_free(two);
}

static void bad_mtus_are_refused(void **state)
{
	static const struct refusal list[] = {
		{ "vnl=a mtu=67", EINVAL, "mtu=67", 7, "68 to 9216" },
		{ "vnl=a mtu=9217", EINVAL, "mtu=9217", 7, "68 to 9216" },
		{ "mtu=9217 vnl=a", EINVAL, "mtu=9217", 1, "to 65535 on an inproc:// or local:// link" },
		{ "vnl=inproc://a mtu=65536", EINVAL, "mtu=65536", 16, "68 to 9216" },
		{ "vnl=a mtu=4294968796", EINVAL, "mtu=4294968796", 7, "68 to 9216" },
		{ "vnl=a mtu=001500", EINVAL, "mtu=001500", 7, "68 to 9216" },
		{ "vnl=a mtu=+1500", EINVAL, "mtu=+1500", 7, "68 to 9216" },
		{ "vnl=a mtu=1500b", EINVAL, "mtu=1500b", 7, "68 to 9216" },
		{ "vnl=a mtu=0x5dc", EINVAL, "mtu=0x5dc", 7, "68 to 9216" },
		{ "vnl=a mtu=' 1500'", EINVAL, "mtu= 1500", 7, "68 to 9216" },
		{ "vnl=a mtu=1500 mtu=1500", EINVAL, "mtu=1500", 16, "position 7" },
		{ "vnl=a mtu=1279 ip=fc00::1/64", EINVAL, "mtu=1279", 7, "1280" },
		{ "vnl=a ip=fc00::1/64 mtu=1279", EINVAL, "mtu=1279", 21, "1280" },
		{ "vnl=a gw=fe80::1 mtu=1000", EINVAL, "mtu=1000", 18, "1280" },
		{ "vnl=a route=fc00::/7 mtu=1000", EINVAL, "mtu=1000", 22, "1280" },
	};

	(void)state;
	CHECK_REFUSALS(list);
}

/* ------------------------------------------------------------------ addresses and routes */

static void addresses_are_read(void **state)
{
	static const char *const list[][2] = {
		{ "vnl=a ip=10.0.0.1/8", "10.0.0.1/8" },
		{ "vnl=a ip=10.0.0.1", "10.0.0.1/24" },
		{ "vnl=a ip=10.0.0.1/0", "10.0.0.1/0" },
		{ "vnl=a ip=10.0.0.1/32", "10.0.0.1/32" },
		{ "vnl=a ip=10.0.0.1/008", "10.0.0.1/8" },
		{ "vnl=a ip=255.255.255.254/24", "255.255.255.254/24" },
		{ "vnl=a ip=223.255.255.255/24", "223.255.255.255/24" },
		{ "vnl=a ip=FC00:0::1", "fc00::1/64" },
		{ "vnl=a ip=fe80::1/128", "fe80::1/128" },
		{ "vnl=a ip=::1/0", "::1/0" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct vs_config *config = parse(list[i][0]);
		assert_int_equal(config->ifaces[0].n_addrs, 1);
		assert_string_equal(addr_text(&config->ifaces[0].addrs[0]), list[i][1]);
		vs_config_free(config);
	}
}

static void bad_addresses_are_refused(void **state)
{
	static const struct refusal list[] = {
		{ "vnl=vde:///tmp/s eth;  ip=10.0.0.1/99", EINVAL, "ip=10.0.0.1/99", 24,
		  "prefix length must be 0 to 32; write ip=10.0.0.1/24" },
		{ "vnl=a ip=10.0.0.1/33", EINVAL, "ip=10.0.0.1/33", 7, "0 to 32" },
		{ "vnl=a ip=10.0.0.1/", EINVAL, "ip=10.0.0.1/", 7, "write ip=10.0.0.1/24" },
		{ "vnl=a ip=10.0.0.1/+8", EINVAL, "ip=10.0.0.1/+8", 7, "0 to 32" },
		{ "vnl=a ip=10.0.0.1/0008", EINVAL, "ip=10.0.0.1/0008", 7, "0 to 32" },
		{ "vnl=a ip=10.0.0.1/8x", EINVAL, "ip=10.0.0.1/8x", 7, "0 to 32" },
		{ "vnl=a ip=10.0.0.1/8/8", EINVAL, "ip=10.0.0.1/8/8", 7, "0 to 32" },
		{ "vnl=a ip=10.0.0.1/255.0.0.0", EINVAL, "ip=10.0.0.1/255.0.0.0", 7, "0 to 32" },
		{ "vnl=a ip=fc00::1/129", EINVAL, "ip=fc00::1/129", 7, "0 to 128; write ip=fc00::1/64" },
		{ "vnl=a ip=10.0.1/8", EINVAL, "ip=10.0.1/8", 7, "not an address" },
		{ "vnl=a ip=10.0.0.256/8", EINVAL, "ip=10.0.0.256/8", 7, "not an address" },
		{ "vnl=a ip=+10.0.0.1/8", EINVAL, "ip=+10.0.0.1/8", 7, "not an address" },
		{ "vnl=a ip=10.0.0.1x/8", EINVAL, "ip=10.0.0.1x/8", 7, "not an address" },
		{ "vnl=a ip='10.0.0.1 /8'", EINVAL, "ip=10.0.0.1 /8", 7, "not an address" },
		{ "vnl=a ip=/8", EINVAL, "ip=/8", 7, "not an address" },
		{ "vnl=a ip=fe80::1%eth0/64", EINVAL, "ip=fe80::1%eth0/64", 7, "not an address" },
		{ "vnl=a ip=fc00::1::/64", EINVAL, "ip=fc00::1::/64", 7, "not an address" },
		{ "vnl=a ip=host/24", EINVAL, "ip=host/24", 7, "not an address" },
		{ "vnl=a ip=0.0.0.0/24", EINVAL, "ip=0.0.0.0/24", 7, "unspecified" },
		{ "vnl=a ip=::/64", EINVAL, "ip=::/64", 7, "unspecified" },
		{ "vnl=a ip=224.0.0.1/24", EINVAL, "ip=224.0.0.1/24", 7, "multicast" },
		{ "vnl=a ip=239.1.1.1", EINVAL, "ip=239.1.1.1", 7, "multicast" },
		{ "vnl=a ip=ff02::1/64", EINVAL, "ip=ff02::1/64", 7, "multicast" },
		{ "vnl=a ip=255.255.255.255/24", EINVAL, "ip=255.255.255.255/24", 7, "broadcast" },
		{ "vnl=a ip=10.0.0.1/8 ip=10.0.0.1/8", EINVAL, "ip=10.0.0.1/8", 21, "already" },
		{ "vnl=a ip=10.0.0.1/8 ip=10.0.0.1/24", EINVAL, "ip=10.0.0.1/24", 21, "already" },
		{ "vnl=a ip=fc00::1 ip=fc00:0::1", EINVAL, "ip=fc00:0::1", 18, "already" },
	};

	(void)state;
	CHECK_REFUSALS(list);
}

static void two_interfaces_may_have_the_same_address(void **state)
{
	struct vs_config *config = parse("vnl=a ip=10.0.0.1 ip=10.0.0.2 ip=a00:1:: vnl=b ip=10.0.0.1");

	(void)state;
	assert_int_equal(config->n_ifaces, 2);
	assert_int_equal(config->ifaces[0].n_addrs, 3);
	assert_int_equal(config->ifaces[1].n_addrs, 1);
	vs_config_free(config);
}

static void routes_are_read(void **state)
{
	static const struct {
		const char *text;
		const char *dst;
		const char *gw; /* NULL: on link */
	} list[] = {
		{ "vnl=a gw=10.0.0.254", "0.0.0.0/0", "10.0.0.254/32" },
		{ "vnl=a gw=fe80::1", "::/0", "fe80::1/128" },
		{ "vnl=a route=default@10.0.0.254", "0.0.0.0/0", "10.0.0.254/32" },
		{ "vnl=a route=default@fc00::1", "::/0", "fc00::1/128" },
		{ "vnl=a route=0.0.0.0/0@10.0.0.254", "0.0.0.0/0", "10.0.0.254/32" },
		{ "vnl=a route=::/0", "::/0", NULL },
		{ "vnl=a route=10.1.0.0/16@10.0.0.254", "10.1.0.0/16", "10.0.0.254/32" },
		{ "vnl=a route=10.1.2.3/32", "10.1.2.3/32", NULL },
		{ "vnl=a route=224.0.0.0/4", "224.0.0.0/4", NULL },
		{ "vnl=a route=fc00:1::/33@fc00::1", "fc00:1::/33", "fc00::1/128" },
		{ "vnl=a route=128.0.0.0/1", "128.0.0.0/1", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct vs_config *config = parse(list[i].text);
		struct vs_conf_route *route = config->ifaces[0].routes;
		assert_int_equal(config->ifaces[0].n_routes, 1);
		assert_string_equal(addr_text(&route->dst), list[i].dst);
		assert_int_equal(route->has_gw, list[i].gw != NULL);
		if (route->has_gw)
			assert_string_equal(addr_text(&route->gw), list[i].gw);
		vs_config_free(config);
	}
}

static void routes_keep_their_order(void **state)
{
	struct vs_config *config =
		parse("vnl=a gw=10.0.0.1 route=10.1.0.0/16 gw=10.0.0.2 route=10.2.0.0/16 gw=fc00::1");
	static const char *const dsts[] = { "0.0.0.0/0", "10.1.0.0/16", "0.0.0.0/0", "10.2.0.0/16", "::/0" };

	(void)state;
	assert_int_equal(config->ifaces[0].n_routes, 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(addr_text(&config->ifaces[0].routes[i].dst), dsts[i]);
	vs_config_free(config);
}

static void bad_routes_are_refused(void **state)
{
	static const struct refusal list[] = {
		{ "vnl=a gw=10.0.0.254/24", EINVAL, "gw=10.0.0.254/24", 7, "without a prefix length" },
		{ "vnl=a gw=router", EINVAL, "gw=router", 7, "not an address" },
		{ "vnl=a gw=0.0.0.0", EINVAL, "gw=0.0.0.0", 7, "unspecified" },
		{ "vnl=a gw=ff02::2", EINVAL, "gw=ff02::2", 7, "multicast" },
		{ "vnl=a gw=255.255.255.255", EINVAL, "gw=255.255.255.255", 7, "broadcast" },
		{ "vnl=a route=default", EINVAL, "route=default", 7, "needs a gateway" },
		{ "vnl=a route=default@", EINVAL, "route=default@", 7, "gateway is not an address" },
		{ "vnl=a route=default/0@10.0.0.1", EINVAL, "route=default/0@10.0.0.1", 7,
		  "destination is not" },
		{ "vnl=a route=defaul@10.0.0.1", EINVAL, "route=defaul@10.0.0.1", 7, "destination is not" },
		{ "vnl=a route=@10.0.0.1", EINVAL, "route=@10.0.0.1", 7, "destination is not" },
		{ "vnl=a route=10.1.0.0/16@", EINVAL, "route=10.1.0.0/16@", 7, "gateway is not an address" },
		{ "vnl=a route=10.1.0.0/16@10.0.0.1@10.0.0.2", EINVAL, "route=10.1.0.0/16@10.0.0.1@10.0.0.2",
		  7, "gateway is not an address" },
		{ "vnl=a route=10.1.0.0/16@224.0.0.1", EINVAL, "route=10.1.0.0/16@224.0.0.1", 7,
		  "multicast" },
		{ "vnl=a route=10.1.0.7", EINVAL, "route=10.1.0.7", 7, "write 10.1.0.7/32" },
		{ "vnl=a route=fc00::7@fc00::1", EINVAL, "route=fc00::7@fc00::1", 7, "write fc00::7/128" },
		{ "vnl=a route=10.1.0.7/33", EINVAL, "route=10.1.0.7/33", 7,
		  "0 to 32; write route=10.1.0.0/24" },
		{ "vnl=a route=10.1.0.0/+8", EINVAL, "route=10.1.0.0/+8", 7, "0 to 32" },
		{ "vnl=a route=10.1.2.3/16@10.0.0.1", EINVAL, "route=10.1.2.3/16@10.0.0.1", 7,
		  "write 10.1.0.0/16" },
		{ "vnl=a route=fc00::1/64", EINVAL, "route=fc00::1/64", 7, "write fc00::/64" },
		{ "vnl=a route=10.0.0.129/25", EINVAL, "route=10.0.0.129/25", 7, "write 10.0.0.128/25" },
		{ "vnl=a route=10.128.0.0/8", EINVAL, "route=10.128.0.0/8", 7, "write 10.0.0.0/8" },
		{ "vnl=a route=fc00:0:0:1::/63", EINVAL, "route=fc00:0:0:1::/63", 7, "write fc00::/63" },
		{ "vnl=a route=1.0.0.0/0", EINVAL, "route=1.0.0.0/0", 7, "write 0.0.0.0/0" },
		{ "vnl=a route=10.1.0.0/16@fc00::1", EINVAL, "route=10.1.0.0/16@fc00::1", 7,
		  "different families" },
		{ "vnl=a route=fc00::/7@10.0.0.1", EINVAL, "route=fc00::/7@10.0.0.1", 7,
		  "different families" },
	};

	(void)state;
	CHECK_REFUSALS(list);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(any_vnl_is_accepted_unchanged),
	cmocka_unit_test(interfaces_carry_their_locators_parsed),
	cmocka_unit_test(segment_names_are_checked),
	cmocka_unit_test(a_vnl_has_at_most_4000_bytes),
	cmocka_unit_test(hardware_addresses_are_read),
	cmocka_unit_test(nodad_is_of_one_interface_and_the_flag_of_all),
	cmocka_unit_test(bad_hardware_addresses_are_refused),
	cmocka_unit_test(mtus_are_read),
	cmocka_unit_test(bad_mtus_are_refused),
	cmocka_unit_test(addresses_are_read),
	cmocka_unit_test(bad_addresses_are_refused),
	cmocka_unit_test(two_interfaces_may_have_the_same_address),
	cmocka_unit_test(routes_are_read),
	cmocka_unit_test(routes_keep_their_order),
	cmocka_unit_test(bad_routes_are_refused),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
