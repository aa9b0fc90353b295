/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The source dhcp with real servers: dnsmasq, Kea, isc-dhcp-server, busybox
 * udhcpd. */

#include "dhcp_case.h"

static const struct server_plan plan4 = {
	.subnet = "10.7.0.0/24",
	.first = "10.7.0.100",
	.last = "10.7.0.109",
	.lease_s = LEASE_S,
	.t1_s = 10,
	.t2_s = 17,
	.router = "10.7.0.1",
	.dns = "10.7.0.53",
	.domain = "home.test",
};

static const struct family family = {
	.af = AF_INET,
	.word = "dhcp",
	.server = "10.7.0.1/24",
	.first = "10.7.0.100",
	.first_len = "24",
	.all = "10.7.0.1",
	.plan = &plan4,
	.decline = D4_DECLINE,
};

/* ------------------------------------------------------------------ for each
 * server */

static void gives_all(enum server_kind kind, const char *release)
{
	struct server_plan p = longer();
	char text[512];

	p.last = p.first;
	p.ntp = "10.7.0.123";
	p.route = "192.0.2.0/24";
	p.route_gw = "10.7.0.2";
	p.mtu = 1400;
	lay_plan(kind, &p);
	struct vdestack *s = client("dhcp");
	if (!has_address(s, "10.7.0.100"))
		EXPLAIN("no address");
	CHECK(has_route(s, AF_INET, "", 0, "10.7.0.1"));
	CHECK(has_route(s, AF_INET, "192.0.2.0", 24, "10.7.0.2"));
	CHECK(has_learned(s, VDESTACK_LEARNED_ADDRESS, VDESTACK_SOURCE_DHCP4, "10.7.0.100"));
	CHECK(has_learned(s, VDESTACK_LEARNED_DNS, VDESTACK_SOURCE_DHCP4, "10.7.0.53"));
	CHECK(has_learned(s, VDESTACK_LEARNED_SEARCH, VDESTACK_SOURCE_DHCP4, "home.test"));
	CHECK(has_learned(s, VDESTACK_LEARNED_NTP, VDESTACK_SOURCE_DHCP4, "10.7.0.123"));
	CHECK(has_learned_mtu(s, VDESTACK_SOURCE_DHCP4, 1400));
	MUST(vdestack_resolvconf(s, NULL, text, sizeof(text)));
	CHECK_CONTAINS(text, "nameserver 10.7.0.53\n");
	CHECK_CONTAINS(text, "search home.test\n");
	CHECK_EQ(relay_count(D4_DISCOVER, CLIENT_PORT), 1);
	CHECK_EQ(relay_count(D4_REQUEST, CLIENT_PORT), 1);
	struct vdestack_source state = source_of(s, VDESTACK_SOURCE_DHCP4);
	CHECK_STR(state.state, "BOUND");
	CHECK_STR(state.server, "10.7.0.1");
	CHECK(state.ready);
	CHECK(state.expiry_ms > 60000 && state.expiry_ms <= 120000);
	MUST(vdestack_delete(s));
	expect(D4_RELEASE, CLIENT_PORT, 1, SOON_MS);
	if (release != NULL && !server_wait_log(&server, release, 1, SOON_MS))
		EXPLAIN("the server has not seen the release");
	server_stop(&server);
}

/* A 20 s lease is renewed by unicast at T1; with VDESTACK_TESTS_FULL=1 for three
 * minutes. */
static void renews(enum server_kind kind)
{
	int rounds = is_full() ? 18 : 1;

	lay_short(kind);
	struct vdestack *s = client("dhcp");
	int events = (int)MUST(vdestack_events(s));
	for (int i = 1; i <= rounds; i++) {
		wait_event(events, VDESTACK_EVENT_SOURCE_RENEWED, VDESTACK_EVENT_SOURCE_LOST,
			   T1_MS + SOON_MS);
		CHECK(has_address(s, "10.7.0.10"));
	}
	struct relay_frame first = relay_nth(D4_REQUEST, CLIENT_PORT, 0);
	for (int i = 1; i <= rounds; i++) {
		static const uint8_t to[] = { 10, 7, 0, 1 };
		struct relay_frame f = relay_nth(D4_REQUEST, CLIENT_PORT, i);
		CHECK(memcmp(f.ciaddr, relay_nth(D4_ACK, SERVER_PORT, 0).ip, 4) == 0);
		CHECK(memcmp(f.to, to, 4) == 0);
		CHECK((f.dst[0] & 1) == 0);
		CHECK(f.xid != first.xid);
		long long apart_us = f.at_us - relay_nth(D4_REQUEST, CLIENT_PORT, i - 1).at_us;
		CHECK(apart_us > T1_MS * 900LL);
	}
	CHECK_EQ(relay_count(D4_DISCOVER, CLIENT_PORT), 1);
	close(events);
	server_stop(&server);
}

#define FOR_SERVER(name, kind, release)                                                                      \
	CASE(name##_gives_address_routes_and_names_and_sees_the_release)                                     \
	{                                                                                                    \
		gives_all(kind, release);                                                                    \
	}

FOR_SERVER(dnsmasq, SERVER_DNSMASQ4, "DHCPRELEASE(vde0) 10.7.0.100")
FOR_SERVER(kea, SERVER_KEA4, "DHCP4_RELEASE ")
FOR_SERVER(dhcpd, SERVER_DHCPD4, "DHCPRELEASE of 10.7.0.100")
FOR_SERVER(udhcpd, SERVER_UDHCPD, NULL)

#define RENEWS(name, kind)                                                                                   \
	CASE_TIMED(name##_renews_a_lease_of_20_seconds, CASE_F_USER, 300)                                    \
	{                                                                                                    \
		renews(kind);                                                                                \
	}

RENEWS(kea, SERVER_KEA4)
RENEWS(dhcpd, SERVER_DHCPD4)
RENEWS(udhcpd, SERVER_UDHCPD)

/* ------------------------------------------------------------------ losses */

LOST(discover, SERVER_DHCPD4, D4_DISCOVER, CLIENT_PORT)
LOST(offer, SERVER_DHCPD4, D4_OFFER, SERVER_PORT)
LOST(request, SERVER_DHCPD4, D4_REQUEST, CLIENT_PORT)
LOST(ack, SERVER_DHCPD4, D4_ACK, SERVER_PORT)

CASE(every_message_comes_twice_and_the_client_has_one_lease)
{
	lay_short(SERVER_KEA4);
	relay_double(RELAY_ANY, -1);
	struct vdestack *s = client("dhcp");
	CHECK(has_address(s, "10.7.0.100"));
	CHECK(!has_address(s, "10.7.0.101"));
	server_stop(&server);
}

/* Renewals are sent by unicast and lost. Those at T2 are broadcast. */
CASE_TIMED(lost_renewals_make_the_client_rebind_at_T2, CASE_F_USER, 90)
{
	lay_short(SERVER_KEA4);
	struct vdestack *s = client("dhcp");
	int events = (int)MUST(vdestack_events(s));
	relay_drop_unicast(D4_REQUEST, CLIENT_PORT);
	wait_event(events, VDESTACK_EVENT_SOURCE_RENEWED, VDESTACK_EVENT_SOURCE_LOST, LONG_MS);
	int n = relay_count(D4_REQUEST, CLIENT_PORT);
	CHECK(n >= 3);
	CHECK((relay_nth(D4_REQUEST, CLIENT_PORT, n - 1).dst[0] & 1) == 1);
	CHECK(has_address(s, "10.7.0.100"));
	close(events);
	server_stop(&server);
}

/* ------------------------------------------------------------------ servers
 * that come, go and disagree */

CASE_TIMED(a_server_that_restarts_renews_the_lease, CASE_F_USER, 90)
{
	restarts(SERVER_KEA4);
}

/* Another server of the segment, at port 1. */
static struct server other;
static struct server_plan other_plan;

static void lay_other(enum server_kind kind, const char *first)
{
	other_plan = plan4;
	other_plan.first = other_plan.last = first;
	other = (struct server){ .kind = kind, .plan = &other_plan, .name = "other" };
	other.stack = new_stack("%s ip=10.7.0.2/24 nodad", relay_plug(NULL));
	server_start(&other);
}

CASE(two_servers_offer_and_one_is_chosen)
{
	lay_short(SERVER_KEA4);
	lay_other(SERVER_DHCPD4, "10.7.0.200");
	struct vdestack *s = client("dhcp");
	CHECK_EQ(has_address(s, "10.7.0.100") + has_address(s, "10.7.0.200"), 1);
	CHECK_EQ(relay_count(D4_ACK, -1), 1);
	CHECK_EQ(relay_count(D4_NAK, -1), 0);
	const char *chosen = has_address(s, "10.7.0.100") ? "10.7.0.1" : "10.7.0.2";
	CHECK_STR(source_of(s, VDESTACK_SOURCE_DHCP4).server, chosen);
	server_stop(&other);
	server_stop(&server);
}

/* The first server offers and never acknowledges. Its offer comes first, as the
 * other's is held. */
CASE_TIMED(a_server_that_offers_and_then_is_silent_does_not_keep_the_client, CASE_F_USER, 120)
{
	lay_short(SERVER_KEA4);
	lay_other(SERVER_DHCPD4, "10.7.0.200");
	relay_drop(D4_ACK, SERVER_PORT, 0, -1);
	relay_hold(D4_OFFER, 1);
	struct vdestack *s = client_at_once("dhcp");
	expect(D4_OFFER, SERVER_PORT, 1, SOON_MS);
	expect(D4_OFFER, 1, 1, SOON_MS);
	relay_release();
	wait_address(s, "10.7.0.200", true, 90000);
	server_stop(&other);
	server_stop(&server);
}

CASE_TIMED(a_pool_of_one_address_serves_the_second_client_when_the_first_has_gone, CASE_F_USER, 120)
{
	struct server_plan p = plan4;
	char config[256];

	p.last = p.first;
	lay_plan(SERVER_KEA4, &p);
	struct vdestack *first = client("dhcp");
	CHECK(has_address(first, "10.7.0.100"));
	struct vdestack_opts opts = *case_opts();
	opts.timeout_ms = 5000;
	(void)snprintf(config, sizeof(config), "%s dhcp", relay_plug(NULL));
	CHECK_ERRNO(vdestack_new(config, &opts), ETIMEDOUT);
	CHECK_CONTAINS(vdestack_last_error(), "dhcp");
	CHECK_CONTAINS(vdestack_last_error(), "vde0");

	struct vdestack *second = client_at_once("dhcp");
	expect(D4_DISCOVER, 3, 1, SOON_MS);
	MUST(vdestack_delete(first));
	wait_address(second, "10.7.0.100", true, 60000);
	server_stop(&server);
}

/* The pool has changed while the cable was out: NAK to the request for the old address. */
CASE(a_nak_takes_the_address_away_and_another_is_requested_at_once)
{
	lay_short(SERVER_KEA4);
	struct vdestack *s = client("dhcp");
	int events = (int)MUST(vdestack_events(s));
	CHECK(has_address(s, "10.7.0.100"));
	MUST(vdestack_link_set_carrier(s, "vde0", 0));
	wait_carrier(s, false);
	server_stop(&server);
	server_forget(&server);
	plan.first = "10.7.0.150";
	plan.last = "10.7.0.159";
	server_start(&server);
	MUST(vdestack_link_set_carrier(s, "vde0", 1));
	wait_event(events, VDESTACK_EVENT_SOURCE_LOST, VDESTACK_EVENT_SOURCE_RENEWED, SOON_MS);
	if (relay_count(D4_NAK, SERVER_PORT) != 1)
		EXPLAIN("no NAK");
	wait_address(s, "10.7.0.15", true, SOON_MS);
	CHECK(!has_address(s, "10.7.0.100"));
	close(events);
	server_stop(&server);
}

/* A server that has lost its leases is silent to renewals of them. The client gets another address later. */
CASE_TIMED(a_server_that_has_forgotten_the_lease_gives_another_address, CASE_F_USER, 90)
{
	lay_short(SERVER_KEA4);
	struct vdestack *s = client("dhcp");
	CHECK(has_address(s, "10.7.0.100"));
	server_stop(&server);
	server_forget(&server);
	plan.first = "10.7.0.150";
	plan.last = "10.7.0.159";
	server_start(&server);
	wait_address(s, "10.7.0.15", true, LONG_MS);
	CHECK(!has_address(s, "10.7.0.100"));
	server_stop(&server);
}

/* A server that is stopped (SIGSTOP) until the lease has expired. */
CASE_TIMED(a_silent_server_lets_the_lease_expire_and_gives_one_when_it_is_back, CASE_F_USER, 150)
{
	expires(SERVER_DHCPD4, stop_server);
}

/* ------------------------------------------------------------------ duplicates
 */

/* used: the address that this server offers first. */
static void declines(enum server_kind kind, const char *used, const char *left)
{
	struct server_plan p = longer();

	p.last = "10.7.0.101";
	lay_plan(kind, &p);
	struct vdestack *user = new_stack("%s ip=%s/24 nodad", relay_plug(NULL), used);
	struct vdestack *s = client_at_once("dhcp");
	wait_address(s, left, true, LONG_MS);
	CHECK_EQ(relay_count(D4_DECLINE, 2), 1);
	CHECK(!has_address(s, used));
	CHECK(has_address(user, used));
	server_stop(&server);
}

CASE(dnsmasq_sees_a_DECLINE_of_an_address_in_use)
{
	sees_the_decline(SERVER_DNSMASQ4, "DHCPDECLINE(vde0) 10.7.0.100");
}

CASE(kea_sees_a_DECLINE_of_an_address_in_use)
{
	sees_the_decline(SERVER_KEA4, "DHCP4_DECLINE_LEASE");
}

CASE(dhcpd_sees_a_DECLINE_of_an_address_in_use)
{
	sees_the_decline(SERVER_DHCPD4, "DHCPDECLINE of 10.7.0.100");
}

CASE_TIMED(another_address_is_used_instead_of_one_in_use_kea, CASE_F_USER, 90)
{
	declines(SERVER_KEA4, "10.7.0.100", "10.7.0.101");
}

CASE_TIMED(another_address_is_used_instead_of_one_in_use_dhcpd, CASE_F_USER, 90)
{
	declines(SERVER_DHCPD4, "10.7.0.100", "10.7.0.101");
}

/* ------------------------------------------------------------------ stopped
 * keepers, cut cables */

CASE_TIMED(a_keeper_that_was_stopped_over_T1_renews_when_it_goes_on, CASE_F_USER, 90)
{
	stopped_for(SERVER_KEA4, T1_MS + 2000, VDESTACK_EVENT_SOURCE_RENEWED, VDESTACK_EVENT_SOURCE_LOST);
}

CASE_TIMED(a_keeper_that_was_stopped_over_the_expiry_begins_anew, CASE_F_USER, 90)
{
	stopped_for(SERVER_KEA4, LEASE_S * 1000 + 2000, VDESTACK_EVENT_SOURCE_LOST,
		    VDESTACK_EVENT_SOURCE_RENEWED);
}

/* The network is cut behind the interface, which keeps its carrier: T1, T2 and
 * the expiry pass. */
CASE_TIMED(a_network_that_is_cut_over_T2_ends_the_lease_and_gives_it_back_later, CASE_F_USER, 150)
{
	expires(SERVER_KEA4, cut_network);
}

/* A cable that was out may be in another network: the client requests its
 * address again (INIT-REBOOT). */
CASE(a_cable_that_is_plugged_in_again_makes_the_client_confirm_its_address)
{
	lay_short(SERVER_KEA4);
	struct vdestack *s = client("dhcp");
	int events = (int)MUST(vdestack_events(s));
	MUST(vdestack_link_set_carrier(s, "vde0", 0));
	wait_event(events, VDESTACK_EVENT_CARRIER_CUT, 0, SOON_MS);
	wait_carrier(s, false);
	MUST(vdestack_link_set_carrier(s, "vde0", 1));
	expect(D4_REQUEST, CLIENT_PORT, 2, T1_MS - 2000);
	expect(D4_ACK, SERVER_PORT, 2, SOON_MS);
	CHECK_EQ(relay_count(D4_DISCOVER, CLIENT_PORT), 1);
	wait_address(s, "10.7.0.100", true, SOON_MS);
	close(events);
	server_stop(&server);
}

/* The kernel may report both changes at once. */
CASE(a_cable_that_is_out_for_a_moment_makes_the_client_confirm_its_address)
{
	lay_short(SERVER_KEA4);
	struct vdestack *s = client("dhcp");
	for (int i = 0; i < 3; i++) {
		MUST(vdestack_link_set_carrier(s, "vde0", 0));
		MUST(vdestack_link_set_carrier(s, "vde0", 1));
		expect(D4_REQUEST, CLIENT_PORT, i + 2, T1_MS - 2000);
		expect(D4_ACK, SERVER_PORT, i + 2, SOON_MS);
	}
	CHECK_EQ(relay_count(D4_DISCOVER, CLIENT_PORT), 1);
	CHECK(has_address(s, "10.7.0.100"));
	server_stop(&server);
}

/* ------------------------------------------------------------------ the MTU */

static unsigned mtu_of(struct vdestack *s)
{
	return (unsigned)MUST(vdestack_link_get_mtu(s, "vde0"));
}

static void lay_mtu(unsigned mtu)
{
	struct server_plan p = longer();

	p.mtu = mtu;
	lay_plan(SERVER_DNSMASQ4, &p);
}

CASE(the_mtu_of_the_server_is_set_and_goes_with_the_lease)
{
	lay_mtu(1400);
	struct vdestack *s = client("dhcp");
	CHECK_EQ(mtu_of(s), 1400);
	CHECK(has_learned_mtu(s, VDESTACK_SOURCE_DHCP4, 1400));
	MUST(vdestack_configure(s, "-dhcp", NULL));
	CHECK_EQ(mtu_of(s), 1500);
	MUST(vdestack_configure(s, "dhcp", NULL));
	CHECK_EQ(mtu_of(s), 1400);
	MUST(vdestack_link_set_mtu(s, "vde0", 1390)); /* by the program: it stays */
	MUST(vdestack_configure(s, "-dhcp", NULL));
	CHECK_EQ(mtu_of(s), 1390);
	s = client("mtu=1450 dhcp");
	CHECK_EQ(mtu_of(s), 1450);
	server_stop(&server);
}

CASE(a_hostile_mtu_does_not_take_IPv6_away)
{
	lay_mtu(600);
	struct vdestack *s = client("dhcp ip=fd07::5/64 nodad");
	CHECK_EQ(mtu_of(s), 1280);
	CHECK(has_address(s, "fd07::5"));
	CHECK_CONTAINS(source_of(s, VDESTACK_SOURCE_DHCP4).problem, "1280");
	server_stop(&server);
}

CASE(an_mtu_below_576_or_above_that_of_the_interface_is_not_used)
{
	lay_mtu(68);
	struct vdestack *s = client("dhcp");
	CHECK_EQ(mtu_of(s), 1500);
	server_stop(&server);
	plan.mtu = 9000;
	server_start(&server);
	s = client("dhcp");
	CHECK_EQ(mtu_of(s), 1500);
	server_stop(&server);
}

/* ------------------------------------------------------------------ the next
 * program */

CASE(a_program_that_starts_again_requests_its_old_address_first)
{
	struct server_plan p = longer();

	lay_plan(SERVER_KEA4, &p);
	struct vdestack *s = client("name=again leases=%s norelease dhcp", lease_dir());
	CHECK(has_address(s, "10.7.0.100"));
	MUST(vdestack_delete(s));
	CHECK_EQ(relay_count(D4_RELEASE, -1), 0);
	s = client("name=again leases=%s norelease dhcp", lease_dir());
	CHECK(has_address(s, "10.7.0.100"));
	CHECK_EQ(relay_count(D4_DISCOVER, 2), 0);
	CHECK_EQ(relay_count(D4_REQUEST, 2), 1);
	server_stop(&server);
}

CASE(a_program_that_starts_again_in_another_network_gets_a_nak_and_a_new_address)
{
	struct server_plan p = longer();

	lay_plan(SERVER_KEA4, &p);
	struct vdestack *s = client("name=again leases=%s norelease dhcp", lease_dir());
	CHECK(has_address(s, "10.7.0.100"));
	MUST(vdestack_delete(s));
	server_stop(&server);
	server_forget(&server);
	plan.first = "10.7.0.150";
	plan.last = "10.7.0.159";
	server_start(&server);
	s = client("name=again leases=%s norelease dhcp", lease_dir());
	CHECK(has_address(s, "10.7.0.15"));
	CHECK_EQ(relay_count(D4_NAK, SERVER_PORT), 1);
	server_stop(&server);
}

CASE(a_source_that_is_stopped_releases_its_address)
{
	lay_short(SERVER_KEA4);
	struct vdestack *s = client("dhcp");
	MUST(vdestack_configure(s, "-dhcp", NULL));
	CHECK(!has_any_address(s, "10.7.0.100"));
	expect(D4_RELEASE, CLIENT_PORT, 1, SOON_MS);
	CHECK(!has_route(s, AF_INET, "", 0, NULL));
	MUST(vdestack_configure(s, "dhcp", NULL));
	CHECK(has_address(s, "10.7.0.1"));
	server_stop(&server);
}

/* ------------------------------------------------------------------ the
 * messages themselves */

CASE(tcpdump_finds_nothing_wrong_in_the_messages)
{
	struct server_plan p = longer();
	char capture[256];

	(void)snprintf(capture, sizeof(capture), "%s", case_path("dhcp4.pcap"));
	relay_capture(capture);
	lay_plan(SERVER_DNSMASQ4, &p);
	struct vdestack *s = client("fqdn=box.home.test dhcp");
	MUST(vdestack_delete(s));
	expect(D4_RELEASE, CLIENT_PORT, 1, SOON_MS);
	const char *text = decoded(capture);
	CHECK_CONTAINS(text, "Discover");
	CHECK_CONTAINS(text, "Request");
	CHECK_CONTAINS(text, "Release");
	CHECK_CONTAINS(text, "Client-ID");
	CHECK_CONTAINS(text, "FQDN");
	CHECK_CONTAINS(text, "Parameter-Request");
	server_stop(&server);
}
