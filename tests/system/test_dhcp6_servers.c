/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The source dhcp6 with real servers: dnsmasq, Kea, isc-dhcp-server. */

#include "dhcp_case.h"

static const struct server_plan plan6 = {
	.subnet = "fd07::/64",
	.first = "fd07::1:100",
	.last = "fd07::1:1ff",
	.lease_s = LEASE_S,
	.t1_s = 10,
	.t2_s = 16,
	.dns = "fd07::53",
	.domain = "home.test",
};

static const struct family family = {
	.af = AF_INET6,
	.word = "dhcp6",
	.server = "fd07::1/64",
	.first = "fd07::1:100",
	.first_len = "64",
	.all = "fd07::1:1",
	.plan = &plan6,
	.decline = D6_DECLINE,
};

/* ------------------------------------------------------------------ for each
 * server */

static void gives_all(enum server_kind kind, const char *release)
{
	struct server_plan p = longer();
	char text[512];

	lay_plan(kind, &p);
	struct vdestack *s = client("dhcp6");
	if (!has_address(s, "fd07::1:1"))
		EXPLAIN("no address");
	CHECK(has_learned(s, VDESTACK_LEARNED_DNS, VDESTACK_SOURCE_DHCP6, "fd07::53"));
	CHECK(has_learned(s, VDESTACK_LEARNED_SEARCH, VDESTACK_SOURCE_DHCP6, "home.test"));
	MUST(vdestack_resolvconf(s, NULL, text, sizeof(text)));
	CHECK_CONTAINS(text, "nameserver fd07::53\n");
	CHECK_CONTAINS(text, "search home.test\n");
	CHECK_EQ(relay_count(D6_SOLICIT, CLIENT_PORT), 1);
	CHECK_EQ(relay_count(D6_REQUEST, CLIENT_PORT), 1);
	CHECK(source_of(s, VDESTACK_SOURCE_DHCP6).ready);
	MUST(vdestack_delete(s));
	expect(D6_RELEASE, CLIENT_PORT, 1, SOON_MS);
	if (!server_wait_log(&server, release, 1, SOON_MS))
		EXPLAIN("the server has not seen the release");
	server_stop(&server);
}

CASE(dnsmasq_gives_address_and_names_and_sees_the_release)
{
	gives_all(SERVER_DNSMASQ6, "DHCPRELEASE(vde0)");
}

CASE(kea_gives_address_and_names_and_sees_the_release)
{
	gives_all(SERVER_KEA6, "DHCP6_RELEASE_NA ");
}

CASE(dhcpd_gives_address_and_names_and_sees_the_release)
{
	gives_all(SERVER_DHCPD6, "Release message from");
}

/* With VDESTACK_TESTS_FULL=1 for three minutes. */
static void renews(enum server_kind kind)
{
	int rounds = is_full() ? 18 : 1;

	lay_short(kind);
	struct vdestack *s = client("dhcp6");
	int events = (int)MUST(vdestack_events(s));
	for (int i = 1; i <= rounds; i++) {
		wait_event(events, VDESTACK_EVENT_SOURCE_RENEWED, VDESTACK_EVENT_SOURCE_LOST,
			   T1_MS + SOON_MS);
		CHECK(has_address(s, "fd07::1:1"));
	}
	CHECK(relay_count(D6_RENEW, CLIENT_PORT) >= rounds);
	CHECK_EQ(relay_count(D6_SOLICIT, CLIENT_PORT), 1);
	CHECK(relay_nth(D6_RENEW, CLIENT_PORT, 0).xid != relay_nth(D6_REQUEST, CLIENT_PORT, 0).xid);
	close(events);
	server_stop(&server);
}

CASE_TIMED(kea_renews_a_lease_of_20_seconds, CASE_F_USER, 300)
{
	renews(SERVER_KEA6);
}

CASE_TIMED(dhcpd_renews_a_lease_of_20_seconds, CASE_F_USER, 300)
{
	renews(SERVER_DHCPD6);
}

static void commits_rapidly(enum server_kind kind)
{
	struct server_plan p = longer();

	p.rapid = true;
	lay_plan(kind, &p);
	struct vdestack *s = client("dhcp6 rapid");
	CHECK(has_address(s, "fd07::1:1"));
	CHECK_EQ(relay_count(D6_REQUEST, CLIENT_PORT), 0);
	CHECK_EQ(relay_count(D6_ADVERTISE, SERVER_PORT), 0);
	server_stop(&server);
}

CASE(rapid_commit_needs_two_messages_kea)
{
	commits_rapidly(SERVER_KEA6);
}

CASE(rapid_commit_needs_two_messages_dnsmasq)
{
	commits_rapidly(SERVER_DNSMASQ6);
}

static void delegates(enum server_kind kind)
{
	struct server_plan p = longer();
	struct vdestack_learned_item list[64];
	bool found = false;

	p.pd = "fd08::/56";
	p.pd_len = kind == SERVER_DHCPD6 ? 56 : 60; /* the whole prefix is one part there */
	lay_plan(kind, &p);
	struct vdestack *s = client("dhcp6 pd=%u", p.pd_len);
	CHECK(has_address(s, "fd07::1:1"));
	int n = (int)MUST(vdestack_learned(s, "vde0", list, 64));
	for (int i = 0; i < n && i < 64; i++)
		if (list[i].type == VDESTACK_LEARNED_PREFIX && strncmp(list[i].addr, "fd08:", 5) == 0 &&
		    list[i].prefix_len == p.pd_len && list[i].valid_ms > 60000)
			found = true;
	if (!found)
		EXPLAIN("no delegated prefix");
	server_stop(&server);
}

CASE(kea_delegates_a_prefix)
{
	delegates(SERVER_KEA6);
}

CASE(dhcpd_delegates_a_prefix)
{
	delegates(SERVER_DHCPD6);
}

/* ------------------------------------------------------------------ losses */

LOST(solicit, SERVER_KEA6, D6_SOLICIT, CLIENT_PORT)
LOST(advertise, SERVER_KEA6, D6_ADVERTISE, SERVER_PORT)
LOST(request, SERVER_KEA6, D6_REQUEST, CLIENT_PORT)
LOST(reply, SERVER_KEA6, D6_REPLY, SERVER_PORT)

CASE(every_message_comes_twice_and_the_client_has_one_lease)
{
	struct server_plan p = longer();

	lay_plan(SERVER_KEA6, &p);
	relay_double(RELAY_ANY, SERVER_PORT);
	struct vdestack *s = client("dhcp6");
	CHECK(has_address(s, "fd07::1:100"));
	CHECK(!has_address(s, "fd07::1:101"));
	server_stop(&server);
}

/* All replies to RENEW are lost; the one to REBIND is not. */
CASE_TIMED(lost_renewals_make_the_client_rebind_at_T2, CASE_F_USER, 90)
{
	lay_short(SERVER_KEA6);
	struct vdestack *s = client("dhcp6");
	int events = (int)MUST(vdestack_events(s));
	relay_drop(D6_RENEW, CLIENT_PORT, 0, -1);
	wait_event(events, VDESTACK_EVENT_SOURCE_RENEWED, VDESTACK_EVENT_SOURCE_LOST, LONG_MS);
	CHECK(relay_count(D6_REBIND, CLIENT_PORT) >= 1);
	CHECK(has_address(s, "fd07::1:1"));
	close(events);
	server_stop(&server);
}

/* ------------------------------------------------------------------ servers
 * that come, go and disagree */

CASE_TIMED(a_server_that_restarts_renews_the_lease, CASE_F_USER, 90)
{
	restarts(SERVER_KEA6);
}

/* The server has forgotten the lease (NoBinding), and gives an address of
 * another pool. */
CASE_TIMED(a_server_that_has_forgotten_the_lease_gives_another_address, CASE_F_USER, 120)
{
	lay_short(SERVER_KEA6);
	struct vdestack *s = client("dhcp6");
	CHECK(has_address(s, "fd07::1:1"));
	server_stop(&server);
	server_forget(&server);
	plan.first = "fd07::2:200";
	plan.last = "fd07::2:2ff";
	server_start(&server);
	wait_address(s, "fd07::2:2", true, 90000);
	wait_address(s, "fd07::1:1", false, LONG_MS);
	server_stop(&server);
}

CASE(two_servers_advertise_and_one_is_chosen)
{
	struct server_plan p = longer(), p2 = longer();

	p2.first = "fd07::2:200";
	p2.last = "fd07::2:2ff";
	lay_plan(SERVER_KEA6, &p);
	struct server other = { .kind = SERVER_DHCPD6, .plan = &p2, .name = "other" };
	other.stack = new_stack("%s ip=fd07::2/64 nodad", relay_plug(NULL));
	server_start(&other);
	struct vdestack *s = client("dhcp6");
	CHECK_EQ(has_address(s, "fd07::1:1") + has_address(s, "fd07::2:2"), 1);
	CHECK_EQ(relay_count(D6_REPLY, SERVER_PORT) + relay_count(D6_REPLY, 1), 1);
	server_stop(&other);
	server_stop(&server);
}

CASE_TIMED(a_pool_of_one_address_serves_the_second_client_when_the_first_has_gone, CASE_F_USER, 150)
{
	struct server_plan p = longer();

	p.last = p.first;
	lay_plan(SERVER_KEA6, &p);
	struct vdestack *first = client("dhcp6");
	CHECK(has_address(first, "fd07::1:100"));
	struct vdestack *second = client_at_once("dhcp6");
	expect(D6_SOLICIT, 2, 2, SOON_MS);
	CHECK(!has_address(second, "fd07::1:100"));
	MUST(vdestack_delete(first));
	wait_address(second, "fd07::1:100", true, 130000);
	server_stop(&server);
}

CASE_TIMED(a_silent_server_lets_the_lease_expire_and_gives_one_when_it_is_back, CASE_F_USER, 150)
{
	expires(SERVER_DHCPD6, stop_server);
}

/* ------------------------------------------------------------------
 * duplicates, stopped keepers, cables */

CASE(dnsmasq_sees_a_DECLINE_of_an_address_in_use)
{
	sees_the_decline(SERVER_DNSMASQ6, "DHCPDECLINE");
}

CASE(kea_sees_a_DECLINE_of_an_address_in_use)
{
	sees_the_decline(SERVER_KEA6, "DHCP6_DECLINE_LEASE");
}

CASE(dhcpd_sees_a_DECLINE_of_an_address_in_use)
{
	sees_the_decline(SERVER_DHCPD6, "Decline message from");
}

CASE_TIMED(a_keeper_that_was_stopped_over_T1_renews_when_it_goes_on, CASE_F_USER, 90)
{
	stopped_for(SERVER_KEA6, T1_MS + 2000, VDESTACK_EVENT_SOURCE_RENEWED, VDESTACK_EVENT_SOURCE_LOST);
}

CASE_TIMED(a_network_that_is_cut_over_T2_ends_the_lease_and_gives_it_back_later, CASE_F_USER, 150)
{
	expires(SERVER_KEA6, cut_network);
}

CASE(a_cable_that_is_plugged_in_again_makes_the_client_confirm_its_address)
{
	struct server_plan p = longer();

	lay_plan(SERVER_KEA6, &p);
	struct vdestack *s = client("dhcp6");
	int events = (int)MUST(vdestack_events(s));
	MUST(vdestack_link_set_carrier(s, "vde0", 0));
	wait_event(events, VDESTACK_EVENT_CARRIER_CUT, 0, SOON_MS);
	wait_carrier(s, false);
	MUST(vdestack_link_set_carrier(s, "vde0", 1));
	expect(D6_CONFIRM, CLIENT_PORT, 1, SOON_MS);
	expect(D6_REPLY, SERVER_PORT, 2, SOON_MS);
	CHECK_EQ(relay_count(D6_SOLICIT, CLIENT_PORT), 1);
	wait_address(s, "fd07::1:1", true, SOON_MS);
	close(events);
	server_stop(&server);
}

CASE(a_program_that_starts_again_confirms_its_old_address_first)
{
	struct server_plan p = longer();

	lay_plan(SERVER_KEA6, &p);
	struct vdestack *s = client("name=again leases=%s norelease dhcp6", lease_dir());
	CHECK(has_address(s, "fd07::1:100"));
	MUST(vdestack_delete(s));
	s = client("name=again leases=%s norelease dhcp6", lease_dir());
	CHECK(has_address(s, "fd07::1:100"));
	CHECK_EQ(relay_count(D6_RELEASE, -1), 0);
	CHECK_EQ(relay_count(D6_SOLICIT, 2), 0);
	CHECK(relay_count(D6_CONFIRM, 2) >= 1);
	server_stop(&server);
}

/* ------------------------------------------------------------------ the
 * messages themselves */

CASE(tcpdump_finds_nothing_wrong_in_the_messages)
{
	struct server_plan p = longer();
	char capture[256];

	(void)snprintf(capture, sizeof(capture), "%s", case_path("dhcp6.pcap"));
	relay_capture(capture);
	lay_plan(SERVER_DNSMASQ6, &p);
	struct vdestack *s = client("fqdn=box.home.test dhcp6");
	MUST(vdestack_delete(s));
	expect(D6_RELEASE, CLIENT_PORT, 1, SOON_MS);
	const char *text = decoded(capture);
	CHECK_CONTAINS(text, "dhcp6 solicit");
	CHECK_CONTAINS(text, "dhcp6 request");
	CHECK_CONTAINS(text, "dhcp6 release");
	CHECK_CONTAINS(text, "client-ID");
	CHECK_CONTAINS(text, "Client-FQDN");
	server_stop(&server);
}
