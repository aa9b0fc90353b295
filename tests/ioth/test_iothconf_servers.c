/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Address sources that ioth_config() starts, against the servers of others.
 *
 *     stack of libioth: vde0 -- relay of the case -- vde0: stack "server" with the server
 */

#include "../system/client.h"

#include "ioth_stacks.h"

#define LEASE_S 12
#define WAIT "timeout=60"

static const struct server_plan plan4 = {
	.subnet = "10.7.0.0/24",
	.first = "10.7.0.100",
	.last = "10.7.0.109",
	.lease_s = LEASE_S,
	.t1_s = 3,
	.t2_s = 9,
	.router = "10.7.0.1",
	.dns = "10.7.0.53",
	.domain = "home.test",
};

static const struct server_plan plan6 = {
	.subnet = "fd07::/64",
	.first = "fd07::1:100",
	.last = "fd07::1:1ff",
	.lease_s = LEASE_S,
	.t1_s = 3,
	.t2_s = 9,
	.dns = "fd07::53",
	.domain = "home.test",
};

static const struct server_plan plan_ra = {
	.subnet = "fd07::/64",
	.lease_s = 120,
	.dns = "fd07::53",
	.domain = "home.test",
};

/* A stack at the next port of the relay. */
static struct ioth *at_relay(const char *words)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "stack=vdestack %s %s", relay_plug(NULL), words);
	return new_ioth(text);
}

static void lay_long(enum server_kind kind, const struct server_plan *p, const char *address)
{
	struct server_plan longer = *p;

	longer.lease_s = 600;
	longer.t1_s = longer.t2_s = 0;
	lay(kind, &longer, address);
}

/* ------------------------------------------------------------------ each source alone */

static void dhcp_alone(enum server_kind kind)
{
	lay_long(kind, &plan4, "10.7.0.1/24");
	struct ioth *s = at_relay("eth");

	CHECK_EQ(config(s, "dhcp " WAIT), IOTHCONF_DHCP);
	CHECK(has_addr(s, "vde0", "10.7.0.1", true));
	check_resolvconf(s, NULL, "search home.test\nnameserver 10.7.0.53\n");
	CHECK_EQ(config(s, "-dhcp"), 0);
	CHECK(!has_addr(s, "vde0", "10.7.0.1", true));
	MUST(ioth_delstack(s));
	server_stop(&server);
}

CASE(kea_gives_an_address_to_dhcp)
{
	dhcp_alone(SERVER_KEA4);
}

CASE(udhcpd_gives_an_address_to_dhcp)
{
	dhcp_alone(SERVER_UDHCPD);
}

/* The link has just come up: its link-local address is still under duplicate address detection. */
CASE(dhcp6_needs_no_router_and_no_time_after_eth)
{
	lay_long(SERVER_KEA6, &plan6, "fd07::1/64");
	struct ioth *s = at_relay("");

	CHECK_EQ(config(s, "eth dhcp6 " WAIT), IOTHCONF_ETH | IOTHCONF_DHCPV6);
	CHECK(has_addr(s, "vde0", "fd07::1:1", true));
	check_resolvconf(s, NULL, "search home.test\nnameserver fd07::53\n");
	CHECK_EQ(config(s, "-dhcp6"), 0);
	CHECK(!has_addr(s, "vde0", "fd07::1:1", true));
	MUST(ioth_delstack(s));
	server_stop(&server);
}

CASE(rd_gives_a_router_and_names_and_slaac_an_address_too)
{
	lay(SERVER_RADVD, &plan_ra, "fd07::1/64");
	struct ioth *s = at_relay("");

	CHECK_EQ(config(s, "eth rd mac=02:00:00:00:00:55 " WAIT), IOTHCONF_ETH | IOTHCONF_RD);
	CHECK(has_default_route(s, "vde0", AF_INET6));
	CHECK(!has_addr(s, "vde0", "fd07:", true));
	check_resolvconf(s, NULL, "search home.test\nnameserver fd07::53\n");
	CHECK_EQ(config(s, "slaac " WAIT), IOTHCONF_RD);
	CHECK(has_addr(s, "vde0", "fd07::ff:fe00:55", false));
	check_bind(s, "fd07::ff:fe00:55");
	CHECK_EQ(config(s, "-rd"), 0);
	CHECK(!has_addr(s, "vde0", "fd07:", true));
	CHECK(!has_default_route(s, "vde0", AF_INET6));
	check_resolvconf(s, NULL, "");
	MUST(ioth_delstack(s));
	server_stop(&server);
}

/* ------------------------------------------------------------------ time */

struct until {
	struct ioth *stack;
	const char *addr;
	long long us;
};

static bool time_is_over(void *arg)
{
	const struct until *u = arg;

	if (!has_addr(u->stack, "vde0", u->addr, true))
		EXPLAIN("%s is gone", u->addr);
	return now_us() > u->us;
}

/* The address is there all the time until the lease of the first answer has been over for a while. */
static void goes_on(enum server_kind kind, const struct server_plan *p, const char *address,
		    const char *words, const char *addr)
{
	lay(kind, p, address);
	struct ioth *s = at_relay(words);
	struct until u = { s, addr, now_us() + (LEASE_S + 3) * 1000000LL };

	CHECK(wait_until(time_is_over, &u, 4 * LEASE_S * 1000));
	MUST(ioth_delstack(s));
	server_stop(&server);
}

CASE_USER(a_lease_of_dhcp_outlives_its_time)
{
	goes_on(SERVER_KEA4, &plan4, "10.7.0.1/24", "eth dhcp " WAIT, "10.7.0.1");
	CHECK(relay_count(D4_REQUEST, CLIENT_PORT) >= 2);
}

CASE_USER(a_lease_of_dhcp6_outlives_its_time)
{
	goes_on(SERVER_KEA6, &plan6, "fd07::1/64", "eth dhcp6 " WAIT, "fd07::1:1");
	CHECK(relay_count(D6_RENEW, CLIENT_PORT) >= 1);
}

static bool has_address_now(void *arg)
{
	return has_addr(arg, "vde0", "10.7.0.1", true);
}

/* The server comes when the call has returned without it. */
CASE(a_source_that_is_late_is_not_given_up)
{
	lay_long(SERVER_KEA4, &plan4, "10.7.0.1/24");
	relay_drop(D4_OFFER, SERVER_PORT, 0, -1);
	struct ioth *s = at_relay("");

	CHECK_EQ(config(s, "eth dhcp timeout=1"), IOTHCONF_ETH);
	CHECK_CONTAINS(ioth_last_error(), "dhcp on interface vde0 is not ready in time");
	relay_obey();
	if (!wait_until(has_address_now, s, 60000))
		EXPLAIN("no address");
	CHECK_EQ(config(s, "dhcp " WAIT), IOTHCONF_DHCP);
	MUST(ioth_delstack(s));
	server_stop(&server);
}

/* ------------------------------------------------------------------ a gateway by the lease */

CASE(a_static_gateway_may_be_in_the_network_of_the_lease)
{
	struct server_plan p = plan4;

	p.router = NULL;
	lay_long(SERVER_KEA4, &p, "10.7.0.1/24");
	struct ioth *s = at_relay("");
	struct in_addr gw;

	CHECK_EQ(config(s, "eth dhcp gw=10.7.0.9 " WAIT), IOTHCONF_ETH | IOTHCONF_DHCP | IOTHCONF_STATIC);
	CHECK_EQ(inet_pton(AF_INET, "10.7.0.9", &gw), 1);
	int ifindex = (int)MUST(ioth_if_nametoindex(s, "vde0"));
	MUST(ioth_iproute_del(s, AF_INET, NULL, 0, &gw, ifindex)); /* it is there */
	MUST(ioth_delstack(s));
	server_stop(&server);
}

/* ------------------------------------------------------------------ a network of libvdeplug */

CASE_FLAGS(dhcp_works_over_a_network_of_libvdeplug, CASE_F_ROOT | CASE_F_USER | CASE_F_VDE)
{
	char text[512];

	plan = plan4;
	plan.lease_s = 600;
	plan.t1_s = plan.t2_s = 0;
	server = (struct server){ .kind = SERVER_UDHCPD, .plan = &plan };
	server.stack = new_stack("vnl=hub://%s ip=10.7.0.1/24", case_path("hub"));
	server_start(&server);
	(void)snprintf(text, sizeof(text), "stack=vdestack,vnl=vde://%s", case_path("hub"));
	struct ioth *s = new_ioth(text);
	CHECK_EQ(config(s, "auto4," WAIT), IOTHCONF_ETH | IOTHCONF_DHCP);
	CHECK(has_addr(s, "vde0", "10.7.0.1", true));
	MUST(ioth_delstack(s));
	server_stop(&server);
}
