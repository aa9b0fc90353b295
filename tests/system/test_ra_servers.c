/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The sources rd and slaac with real routers: radvd and dnsmasq. */

#include <signal.h>

#include "client.h"

#define LONG_MS 45000

static const struct server_plan plan_ra = {
	.subnet = "fd07::/64",
	.lease_s = 120,
	.dns = "fd07::53",
	.domain = "home.test",
};

static void lay_ra(enum server_kind kind, const struct server_plan *p)
{
	lay(kind, p, "fd07::1/64");
}

/* The server's link-local address, which is the gateway. */
static const char *router(void)
{
	static char text[INET6_ADDRSTRLEN];
	struct vdestack_addr list[8];
	int n = (int)MUST(vdestack_addr_list(server.stack, "vde0", list, 8, sizeof(list[0])));

	for (int i = 0; i < n && i < 8; i++)
		if (strncmp(list[i].addr, "fe80:", 5) == 0)
			(void)snprintf(text, sizeof(text), "%s", list[i].addr);
	return text;
}

struct wanted_route {
	struct vdestack *s;
	bool there;
};

static bool default_route_is_as_wanted(void *arg)
{
	struct wanted_route *w = arg;

	return has_route(w->s, AF_INET6, "", 0, NULL) == w->there;
}

static void wait_default_route(struct vdestack *s, bool there, int timeout_ms)
{
	struct wanted_route w = { s, there };

	if (!wait_until(default_route_is_as_wanted, &w, timeout_ms))
		EXPLAIN("the default route is %s", there ? "not there" : "still there");
}

/* ------------------------------------------------------------------ what a
 * router tells */

static void tells_all(enum server_kind kind)
{
	char text[512];

	lay_ra(kind, &plan_ra);
	struct vdestack *s = client("slaac");
	wait_address(s, "fd07::", true, SOON_MS);
	CHECK(has_route(s, AF_INET6, "", 0, router()));
	CHECK(has_learned(s, VDESTACK_LEARNED_DNS, VDESTACK_SOURCE_RA, "fd07::53"));
	CHECK(has_learned(s, VDESTACK_LEARNED_SEARCH, VDESTACK_SOURCE_RA, "home.test"));
	MUST(vdestack_resolvconf(s, NULL, text, sizeof(text)));
	CHECK_CONTAINS(text, "nameserver fd07::53\n");
	CHECK_CONTAINS(text, "search home.test\n");
	struct vdestack_source state = source_of(s, VDESTACK_SOURCE_RA);
	CHECK(state.ready);
	CHECK_STR(state.server, router());
	CHECK(relay_count(D6_SOLICIT, CLIENT_PORT) == 0);
	server_stop(&server);
}

CASE(radvd_gives_address_router_and_names)
{
	tells_all(SERVER_RADVD);
}

CASE(dnsmasq_gives_address_router_and_names)
{
	tells_all(SERVER_DNSMASQ6);
}

CASE(router_discovery_without_slaac_sets_no_address)
{
	lay_ra(SERVER_RADVD, &plan_ra);
	struct vdestack *s = client("rd");
	wait_default_route(s, true, SOON_MS);
	expect(ND_RA, SERVER_PORT, relay_count(ND_RA, SERVER_PORT) + 1, SOON_MS);
	CHECK(!has_any_address(s, "fd07:"));
	CHECK(has_learned(s, VDESTACK_LEARNED_DNS, VDESTACK_SOURCE_RA, "fd07::53"));
	server_stop(&server);
}

CASE(an_mtu_of_the_router_is_learned)
{
	struct server_plan p = plan_ra;

	p.mtu = 1400;
	lay_ra(SERVER_RADVD, &p);
	struct vdestack *s = client("slaac");
	char text[32] = "";
	MUST(vdestack_sysctl_get(s, "ipv6/conf/vde0/mtu", text, sizeof(text)));
	CHECK_STR(text, "1400");
	server_stop(&server);
}

CASE(the_interface_id_is_that_of_the_MAC_or_a_stable_one)
{
	lay_ra(SERVER_RADVD, &plan_ra);
	struct vdestack *eui = client("mac=02:00:00:00:00:55 slaac");
	wait_address(eui, "fd07::ff:fe00:55", true, SOON_MS);
	struct vdestack *stable = client("mac=02:00:00:00:00:56 slaac=stable");
	wait_address(stable, "fd07::", true, SOON_MS);
	CHECK(!has_any_address(stable, "fd07::ff:fe00:56"));
	server_stop(&server);
}

/* ------------------------------------------------------------------ routers
 * that change */

CASE_TIMED(a_router_that_says_goodbye_takes_its_route_and_names_away, CASE_F_USER, 90)
{
	lay_ra(SERVER_RADVD, &plan_ra);
	struct vdestack *s = client("slaac");
	wait_default_route(s, true, SOON_MS);
	server_stop(&server); /* a last RA with a lifetime of 0 */
	wait_default_route(s, false, SOON_MS);
}

CASE_TIMED(a_router_that_disappears_is_forgotten_when_its_lifetime_is_over, CASE_F_USER, 150)
{
	struct server_plan p = plan_ra;

	p.router_s = 9;
	p.lease_s = 20;
	lay_ra(SERVER_RADVD, &p);
	struct vdestack *s = client("rd");
	int events = (int)MUST(vdestack_events(s));
	wait_default_route(s, true, SOON_MS);
	server_kill(&server);
	wait_default_route(s, false, SOON_MS);
	/* The prefix and the name server live longer, 20 and 30 s. */
	wait_event(events, VDESTACK_EVENT_SOURCE_LOST, 0, LONG_MS);
	server_start(&server);
	wait_default_route(s, true, LONG_MS);
	close(events);
	server_stop(&server);
}

CASE_TIMED(a_router_that_changes_its_prefix_gives_an_address_of_the_new_one, CASE_F_USER, 120)
{
	struct server_plan p = plan_ra;

	p.lease_s = LONG_MS / 1000 - 10;
	p.preferred_s = 10;
	lay_ra(SERVER_RADVD, &p);
	struct vdestack *s = client("slaac");
	wait_address(s, "fd07:", true, SOON_MS);
	server_kill(&server);
	plan.subnet = "fd09::/64";
	server_start(&server);
	wait_address(s, "fd09:", true, SOON_MS);
	wait_address(s, "fd07:", false, LONG_MS); /* deprecated */
	CHECK(has_address(s, "fd09:"));
	server_stop(&server);
}

/* ------------------------------------------------------------------ the flags
 * M and O */

static struct server dhcp;
static struct server_plan dhcp_plan;

static void lay_both(bool managed, bool other_flag, const char *first)
{
	struct server_plan p = plan_ra;

	p.managed = managed;
	p.other = other_flag;
	p.no_slaac = managed;
	p.dns = p.domain = NULL;
	lay_ra(SERVER_RADVD, &p);
	dhcp_plan = (struct server_plan){
		.subnet = "fd07::/64",
		.first = first,
		.last = "fd07::1:1ff",
		.lease_s = 120,
		.dns = "fd07::54",
		.domain = "six.test",
	};
	dhcp = (struct server){ .kind = SERVER_KEA6, .stack = server.stack, .plan = &dhcp_plan };
	server_start(&dhcp);
}

CASE(the_flag_M_starts_dhcp6)
{
	lay_both(true, true, "fd07::1:100");
	struct vdestack *s = client("rd");
	wait_address(s, "fd07::1:1", true, SOON_MS);
	CHECK(has_learned(s, VDESTACK_LEARNED_DNS, VDESTACK_SOURCE_DHCP6, "fd07::54"));
	server_stop(&dhcp);
	server_stop(&server);
}

static bool has_names_of_dhcp6(void *stack)
{
	return has_learned(stack, VDESTACK_LEARNED_DNS, VDESTACK_SOURCE_DHCP6, "fd07::54");
}

CASE(the_flag_O_starts_an_information_request)
{
	lay_both(false, true, NULL);
	struct vdestack *s = client("slaac");
	expect(D6_INFORMATION, CLIENT_PORT, 1, SOON_MS);
	if (!wait_until(has_names_of_dhcp6, s, SOON_MS))
		EXPLAIN("no name server of DHCPv6");
	CHECK_EQ(relay_count(D6_SOLICIT, CLIENT_PORT), 0);
	CHECK(has_learned(s, VDESTACK_LEARNED_SEARCH, VDESTACK_SOURCE_DHCP6, "six.test"));
	server_stop(&dhcp);
	server_stop(&server);
}

CASE(auto6_has_an_address_of_whatever_the_router_says)
{
	lay_both(true, true, "fd07::1:100");
	struct vdestack *s = client("auto6");
	wait_address(s, "fd07::1:1", true, SOON_MS);
	wait_default_route(s, true, SOON_MS);
	CHECK(has_route(s, AF_INET6, "", 0, router()));
	server_stop(&dhcp);
	server_stop(&server);
}

/* ------------------------------------------------------------------ lies */

/* The ICMPv6 checksum of this frame. */
static void finish(uint8_t *frame, size_t len)
{
	const uint8_t pseudo[8] = { 0, 0, 0, 40, 0, 0, 0, 58 };
	uint32_t sum = 0;

	for (int i = 0; i < 8; i += 2)
		sum += (uint32_t)pseudo[i] << 8 | pseudo[i + 1];
	for (size_t i = 22; i < len; i += 2)
		sum += (uint32_t)frame[i] << 8 | frame[i + 1];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	frame[14 + 40 + 2] = (uint8_t)(~sum >> 8);
	frame[14 + 40 + 3] = (uint8_t)~sum;
}

static bool has_learned_66(void *stack)
{
	return has_learned(stack, VDESTACK_LEARNED_DNS, VDESTACK_SOURCE_RA, "fd07::66");
}

/* An RA with a hop limit of 64 has come through a router. The kernel and we
 * ignore it. */
CASE(an_RA_that_comes_from_afar_is_ignored)
{
	/* from fe80::66 to all nodes, router lifetime 1800 s, RDNSS fd07::66 */
	static uint8_t frame[14 + 40 + 16 + 24] = {
		0x33, 0x33, 0, 0, 0,  1,  2,  0,    0,    0, 0, 0x66, 0x86, 0xdd, /* Ethernet
                                                                       */
		0x60, 0,    0, 0, 0,  40, 58, 64,                                 /* IPv6, hop limit */
		0xfe, 0x80, 0, 0, 0,  0,  0,  0,    0,    0, 0, 0,    0,    0,    0, 0x66, /* from */
		0xff, 2,    0, 0, 0,  0,  0,  0,    0,    0, 0, 0,    0,    0,    0, 1,    /* to */
		134,  0,    0, 0, 64, 0,  7,  8,    0,    0, 0, 0,    0,    0,    0, 0,    /* RA */
		25,   3,    0, 0, 0,  0,  7,  8,    0xfd, 7, 0, 0,    0,    0,    0, 0,
		0,    0,    0, 0, 0,  0,  0,  0x66,
	};
	finish(frame, sizeof(frame));
	lay_ra(SERVER_RADVD, &plan_ra);
	struct vdestack *s = client("slaac");
	wait_default_route(s, true, SOON_MS);
	relay_inject(CLIENT_PORT, frame, sizeof(frame));
	/* The next RA of the router comes behind it. */
	expect(ND_RA, SERVER_PORT, relay_count(ND_RA, SERVER_PORT) + 1, SOON_MS);
	CHECK(!has_learned_66(s));
	CHECK(!has_route(s, AF_INET6, "", 0, "fe80::66"));

	frame[14 + 7] = 255; /* the same from the link is believed */
	relay_inject(CLIENT_PORT, frame, sizeof(frame));
	if (!wait_until(has_learned_66, s, SOON_MS))
		EXPLAIN("the RA has not been received");
	server_stop(&server);
}
