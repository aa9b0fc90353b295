/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A whole configuration: applied, and awaited. */

#include <arpa/inet.h>
#include <string.h>

#include "base/clock.h"
#include "core/stack.h"
#include "fixture.h"
#include "rtnl/apply.h"
#include "rtnl/nl.h"
#include "rtnl/ready.h"

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

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		CASE(a_configuration_is_applied),
		CASE(a_failing_configuration_names_interface_and_word),
		CASE(waiting_for_a_configuration_sees_duplicates),
		CASE(waiting_without_ipv6_costs_nothing),
		CASE(waiting_for_a_configuration_waits_for_its_addresses),
	};

	return vs_unit_main(argc, argv, tests, VS_COUNT(tests));
}
