/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* namedhcp4 and messages that the case writes: each kind of message, in stacks of each kind. */

#include "dhcp4_ground.h"

#define INFINITE 0xffffffffu

/* A REQUEST for an address, with the server's identifier or without (0). */
static struct dhcp_message request(const char *name, uint32_t requested, uint32_t server)
{
	struct dhcp_message m = dhcp_message(3, name);

	dhcp_option32(&m, 50, requested);
	if (server != 0)
		dhcp_option32(&m, 54, server);
	return m;
}

static void check_nak(const struct dhcp_answer *a)
{
	CHECK_EQ(a->reply.type, VS_DHCP4_NAK);
	CHECK_EQ(a->reply.yiaddr, 0);
	CHECK_EQ(a->reply.server, SERVER_ID);
	CHECK(a->broadcast && a->dst == UINT32_MAX && a->dst_port == 68);
}

/* ------------------------------------------------------------------ kinds of stacks */

static void check_terms(const struct dhcp_answer *a)
{
	const struct vs_dhcp4_reply *r = &a->reply;

	CHECK_EQ(r->yiaddr, 0x0a090032);
	CHECK_EQ(r->server, SERVER_ID);
	CHECK_EQ(r->lease_s, INFINITE);
	CHECK_EQ(r->mask, 0xffffff00);
	CHECK(r->n_routers == 1 && r->routers[0] == 0x0a090001);
	CHECK(r->n_dns == 2 && r->dns[0] == 0x0a090002 && r->dns[1] == 0x0a090003);
	CHECK(memcmp(r->mac, "\2\0\0\0\0\x68", 6) == 0);
	size_t at = dhcp_find(a, 81);
	CHECK(at != 0 && a->bytes[at + 1] == 3 + 8 &&
	      memcmp(a->bytes + at + 2, "\x0a\xff\xffone.test", 11) == 0);
	CHECK(!a->broadcast && a->dst == 0x0a090032 && a->dst_port == 68 && a->src == SERVER_ID);
}

static void check_kind(enum dhcp_kind kind, const char *text)
{
	dhcp_begin(kind, text);
	struct dhcp_message m = dhcp_message(1, "one.test");
	struct dhcp_answer *a = dhcp_ask(&m);
	CHECK_EQ(a->reply.type, VS_DHCP4_OFFER);
	check_terms(a);
	m = request("one.test", 0x0a090032, SERVER_ID);
	a = dhcp_ask(&m);
	CHECK_EQ(a->reply.type, VS_DHCP4_ACK);
	check_terms(a);
	m = renewal("one.test", 0x0a090032);
	dhcp_send_from(0x0a090032, 68, SERVER_ID, &m);
	a = dhcp_await(&m);
	CHECK_EQ(a->reply.type, VS_DHCP4_ACK);
	check_terms(a);
	dhcp_end();
}

CASE(a_name_gets_its_address_from_a_stack_of_the_kernel)
{
	check_kind(DHCP_VDESTACK, "");
}

CASE(a_name_gets_its_address_from_the_network_of_the_process)
{
	check_kind(DHCP_KERNEL, "");
}

CASE_FLAGS(a_name_gets_its_address_from_a_station_of_a_network,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	check_kind(DHCP_NETWORK, "serverid 10.9.0.1\n");
}

#ifdef HAS_PICOX
CASE_FLAGS(a_name_gets_its_address_from_a_stack_in_user_space,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	check_kind(DHCP_PICOX, "");
}
#endif

/* The identifier is there without an address and without an option: the family's earlier server had none. */
CASE_FLAGS(a_server_without_an_address_has_an_identifier, CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	dhcp_begin(DHCP_NETWORK, "");
	struct dhcp_message m = dhcp_message(1, "one.test");
	struct dhcp_answer *a = dhcp_ask(&m);
	CHECK_EQ(a->reply.server, 0xa9fe0167); /* of the MAC address */
	CHECK_EQ(a->src, 0xa9fe0167);
	m = request("one.test", 0x0a090032, 0xa9fe0167);
	CHECK_EQ(dhcp_ask(&m)->reply.type, VS_DHCP4_ACK);
	dhcp_end();
}

/* ------------------------------------------------------------------ names */

CASE(who_has_no_name_or_a_name_without_address_gets_no_answer)
{
	static const char *const silent[] = { NULL,         "",          "no such name", "unknown.test",
					      "empty.test", "text.test", "loop.test" };

	dhcp_begin(DHCP_VDESTACK, "");
	for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
		struct dhcp_message m = dhcp_message(1, silent[i]);
		dhcp_option(&m, 12, "bare.test", 9); /* is no name without --hostname */
		dhcp_no_answer(&m);
	}
	dhcp_end();
}

CASE(a_host_name_counts_with_the_option_and_gets_the_domain)
{
	dhcp_begin(DHCP_VDESTACK, "hostname\ndomain test\n");
	struct dhcp_message m = dhcp_message(1, NULL);
	dhcp_option(&m, 12, "bare", 4);
	struct dhcp_answer *a = dhcp_ask(&m);
	CHECK(a->reply.yiaddr == 0x0a090033 && dhcp_find(a, 81) == 0);
	m = dhcp_message(1, "one"); /* option 81 comes first, and gets the domain, too */
	dhcp_option(&m, 12, "bare", 4);
	a = dhcp_ask(&m);
	CHECK_EQ(a->reply.yiaddr, 0x0a090032);
	CHECK(memcmp(a->bytes + dhcp_find(a, 81) + 5, "one.test", 8) == 0);
	dhcp_end();
}

CASE(of_several_addresses_the_wanted_or_a_near_one_is_given)
{
	dhcp_begin(DHCP_VDESTACK, "");
	struct dhcp_message m = dhcp_message(1, "two.test");
	CHECK_EQ(dhcp_ask(&m)->reply.yiaddr, 0x0a090034);
	m = dhcp_message(1, "two.test");
	dhcp_option32(&m, 50, 0x0b000001);
	struct dhcp_answer *a = dhcp_ask(&m);
	CHECK(a->reply.yiaddr == 0x0b000001 && a->reply.mask == 0xff000000); /* of its class */
	m = request("two.test", 0x0a090035, SERVER_ID);
	CHECK_EQ(dhcp_ask(&m)->reply.type, VS_DHCP4_ACK);
	dhcp_end();
}

/* ------------------------------------------------------------------ REQUEST */

CASE(an_address_of_before_is_confirmed_or_refused)
{
	dhcp_begin(DHCP_VDESTACK, "");
	struct dhcp_message m = request("one.test", 0x0a090032, 0);
	CHECK_EQ(dhcp_ask(&m)->reply.type, VS_DHCP4_ACK);
	m = request("one.test", 0x0a090099, 0);
	dhcp_option(&m, 61, "\1client", 7);
	struct dhcp_answer *a = dhcp_ask(&m);
	check_nak(a);
	CHECK_EQ(a->reply.client_id_len, 7); /* RFC 6842 */
	CHECK_CONTAINS(a->reply.text, "another address");
	m = request("unknown.test", 0x0a090032, 0); /* maybe another server's */
	dhcp_no_answer(&m);
	m = request("one.test", 0x0a090099, SERVER_ID);
	check_nak(dhcp_ask(&m));
	m = request("unknown.test", 0x0a090032, SERVER_ID);
	check_nak(dhcp_ask(&m));
	m = dhcp_message(3, "one.test"); /* for no address */
	dhcp_no_answer(&m);
	dhcp_end();
}

CASE(a_renewal_follows_the_name)
{
	dhcp_begin(DHCP_VDESTACK, "");
	struct dhcp_message m = renewal("one.test", 0x0a090032);
	dhcp_send(&m); /* REBINDING */
	struct dhcp_answer *a = dhcp_await(&m);
	CHECK(a->reply.type == VS_DHCP4_ACK && a->dst == 0x0a090032 && !a->broadcast);
	m = renewal("one.test", 0x0a090099);
	dhcp_send_from(0x0a090099, 68, SERVER_ID, &m);
	check_nak(dhcp_await(&m));
	m = renewal("one.test", 0x0a090099);
	check_nak(dhcp_ask(&m));
	m = renewal("unknown.test", 0x0a090032);
	dhcp_send_from(0x0a090032, 68, SERVER_ID, &m);
	check_nak(dhcp_await(&m));
	m = renewal("unknown.test", 0x0a090032);
	dhcp_no_answer(&m);
	dhcp_end();
}

CASE(what_is_for_another_server_is_ignored)
{
	dhcp_begin(DHCP_VDESTACK, "");
	struct dhcp_message m = request("one.test", 0x0a090032, 0x0a090063);
	dhcp_no_answer(&m);
	m = request("one.test", 0x0a090099, 0x0a090063);
	dhcp_no_answer(&m);
	/* A host with the server may be a router: this packet only passes through it. */
	m = renewal("one.test", 0x0a090032);
	dhcp_send_from(0x0a090032, 68, 0x0a090163, &m);
	m = dhcp_message(1, "one.test");
	struct dhcp_answer *a = dhcp_ask(&m);
	CHECK_EQ(a->reply.type, VS_DHCP4_OFFER);
	dhcp_end();
}

CASE(the_identifier_can_be_given)
{
	dhcp_begin(DHCP_VDESTACK, "ServerId = 10.9.0.77\n");
	struct dhcp_message m = dhcp_message(1, "one.test");
	struct dhcp_answer *a = dhcp_ask(&m);
	CHECK(a->reply.server == 0x0a09004d && a->src == 0x0a09004d);
	CHECK_CONTAINS(dhcp_said(), "--serverid: no interface of the stack has 10.9.0.77 now");
	m = request("one.test", 0x0a090032, SERVER_ID);
	dhcp_no_answer(&m);
	dhcp_end();
}

CASE(rapid_commit_saves_two_messages)
{
	dhcp_begin(DHCP_VDESTACK, "");
	struct dhcp_message m = dhcp_message(1, "one.test");
	dhcp_option(&m, 80, "", 0);
	struct dhcp_answer *a = dhcp_ask(&m);
	CHECK_EQ(a->reply.type, VS_DHCP4_ACK);
	CHECK(a->reply.has & VS_DHCP4_HAS_RAPID);
	check_terms(a);
	dhcp_end();
}

CASE(who_cannot_receive_frames_of_its_own_gets_a_broadcast)
{
	dhcp_begin(DHCP_VDESTACK, "");
	struct dhcp_message m = dhcp_message(1, "one.test");
	m.bytes[10] = 0x80;
	struct dhcp_answer *a = dhcp_ask(&m);
	CHECK(a->broadcast && a->dst == UINT32_MAX && a->reply.yiaddr == 0x0a090032);
	CHECK_EQ(a->bytes[10], 0x80);
	dhcp_end();
}

/* Nor may a client have the server's own address, or one of all hosts, whatever name it says. */
CASE(who_names_an_address_of_another_gets_no_answer)
{
	const uint8_t group[] = { 1, 0, 0x5e, 0, 0, 1 };

	zone_set(20, (struct zone_line){ "own.test", { SERVER_ID }, { NULL } });
	zone_set(21, (struct zone_line){ "all.test", { 0x0a0900ff, 0x0a090000 }, { NULL } });
	dhcp_begin(DHCP_VDESTACK, "");
	struct dhcp_message m = dhcp_message(1, "own.test");
	dhcp_no_answer(&m);
	m = dhcp_message(1, "all.test");
	dhcp_no_answer(&m);
	m = dhcp_message(1, "one.test");
	memcpy(m.bytes + 28, group, 6);
	dhcp_no_answer(&m);
	m = renewal("one.test", 0x0a090032); /* it would go to that address */
	dhcp_no_answer_from(0x0a090033, SERVER_ID, &m);
	m = dhcp_message(8, "one.test");
	vs_be_put32(m.bytes + 12, 0xffffffff);
	dhcp_no_answer(&m);
	m = dhcp_message(1, "one.test"); /* from afar: it would go to any station of this network */
	dhcp_no_answer_from(0x0b000001, SERVER_ID, &m);
	m = dhcp_message(1, "one.test"); /* for a router, or another server */
	dhcp_no_answer_from(0x0a090032, 0x0a0900fe, &m);
	CHECK_CONTAINS(dhcp_said(), "no answer: it comes from another address than it says\n");
	m = dhcp_message(1, "one.test"); /* the broadcast address of the network */
	dhcp_send_from(0, 68, 0x0a0900ff, &m);
	CHECK_EQ(dhcp_await(&m)->reply.type, VS_DHCP4_OFFER);
	dhcp_end();
}

/* ------------------------------------------------------------------ INFORM, RELEASE, DECLINE */

CASE(an_inform_gets_the_terms_without_an_address)
{
	dhcp_begin(DHCP_VDESTACK, "");
	struct dhcp_message m = dhcp_message(8, "one.test");
	vs_be_put32(m.bytes + 12, 0x0a090032);
	dhcp_option(&m, 55, "\1\3\6", 3);
	dhcp_send_from(0x0a090032, 68, UINT32_MAX, &m);
	struct dhcp_answer *a = dhcp_await(&m);
	CHECK(a->reply.type == VS_DHCP4_ACK && a->reply.yiaddr == 0 && a->dst == 0x0a090032 && !a->broadcast);
	CHECK(a->reply.n_dns == 2 && a->reply.mask == 0xffffff00);
	CHECK(dhcp_find(a, 51) == 0 && dhcp_find(a, 58) == 0);
	m = dhcp_message(8, "one.test"); /* without an address there is no way to it */
	dhcp_no_answer(&m);
	CHECK_CONTAINS(dhcp_said(), "INFORM of 02:00:00:00:00:68 one.test: ACK without an address\n");
	dhcp_end();
}

CASE(release_and_decline_are_reported)
{
	dhcp_begin(DHCP_VDESTACK, "");
	struct dhcp_message m = dhcp_message(7, "one.test");
	vs_be_put32(m.bytes + 12, 0x0a090032);
	dhcp_option32(&m, 54, SERVER_ID);
	dhcp_no_answer(&m);
	CHECK_CONTAINS(dhcp_said(),
		       "RELEASE of 02:00:00:00:00:68 one.test: 10.9.0.50 is not used any more\n");
	m = dhcp_message(4, "one.test");
	dhcp_option32(&m, 50, 0x0a090032);
	dhcp_option32(&m, 54, SERVER_ID);
	dhcp_option(&m, 56, "seen\nthere", 10);
	dhcp_no_answer(&m);
	CHECK_CONTAINS(dhcp_said(), "10.9.0.50 is used by another station already: seen?there\n");
	m = dhcp_message(4, "two.test");
	dhcp_option32(&m, 50, 0x0a090034);
	dhcp_option32(&m, 54, 0x0a090063);
	dhcp_no_answer(&m);
	CHECK(strstr(dhcp_said(), "10.9.0.52 is used") == NULL);
	m = dhcp_message(1, "one.test"); /* the name keeps its address */
	CHECK_EQ(dhcp_ask(&m)->reply.yiaddr, 0x0a090032);
	dhcp_end();
}

/* ------------------------------------------------------------------ relays */

static struct dhcp_message relayed(unsigned type, uint32_t requested)
{
	struct dhcp_message m = dhcp_message(type, "one.test");

	vs_be_put32(m.bytes + 24, 0x0a0900fe);
	m.bytes[3] = 1;
	if (requested != 0)
		dhcp_option32(&m, 50, requested);
	dhcp_option(&m, 82, "\1\4port\2\1x", 9);
	return m;
}

static void check_relayed(const struct dhcp_answer *a)
{
	CHECK(a->dst == 0x0a0900fe && a->dst_port == 67 && !a->broadcast);
	size_t at = dhcp_find(a, 82);
	CHECK(at != 0 && a->bytes[at + 1] == 9 && memcmp(a->bytes + at + 2, "\1\4port\2\1x", 9) == 0);
	CHECK_EQ(a->bytes[at + 11], 255); /* it is the last */
	CHECK_EQ(vs_be_get32(a->bytes + 24), 0x0a0900fe);
}

CASE(a_relay_gets_the_answer_and_its_information)
{
	dhcp_begin(DHCP_VDESTACK, "");
	struct dhcp_message m = relayed(1, 0);
	dhcp_send_from(0x0a0900fe, 67, SERVER_ID, &m);
	struct dhcp_answer *a = dhcp_await(&m);
	check_relayed(a);
	CHECK(a->reply.type == VS_DHCP4_OFFER && a->reply.yiaddr == 0x0a090032 && a->bytes[10] == 0);
	m = relayed(3, 0x0a090099);
	dhcp_send_from(0x0a0900fe, 67, SERVER_ID, &m);
	a = dhcp_await(&m);
	check_relayed(a);
	CHECK(a->reply.type == VS_DHCP4_NAK && a->bytes[10] == 0x80); /* RFC 2131 section 4.3.2 */
	dhcp_end();
}

/* ------------------------------------------------------------------ terms */

CASE(all_strings_of_a_record_and_names_in_it_are_read)
{
	static char long_text[512];
	struct zone_line line = { "long.test",
				  { 0x0a090037 },
				  { long_text, "=10.9.0.1,mtu=1400", "broadcast=10.9.0.255",
				    "routes='192.0.2.0/24/gw.test',domname=lab.test" } };

	/* The first string has 255 bytes and ends inside of a word. */
	(void)snprintf(long_text, sizeof(long_text),
		       "%0*d,mask=24,ntp=10.9.0.9,ntp=10.9.0.8,dns='gw.test 10.9.0.2',router", 255 - 70, 0);
	CHECK(strlen(long_text) <= 255);
	(void)snprintf(long_text, sizeof(long_text),
		       "%0*d,mask=24,ntp=10.9.0.9,ntp=10.9.0.8,dns='gw.test 10.9.0.2',router",
		       (int)(255 - 70 + 255 - strlen(long_text)), 0);
	CHECK_EQ(strlen(long_text), 255);
	zone_set(20, line);
	dhcp_begin(DHCP_VDESTACK, "");
	struct dhcp_message m = dhcp_message(1, "long.test");
	dhcp_option(&m, 55, "\x1c\x79\3\1\x1a\x0f\x2a\6\x77", 9);
	struct dhcp_answer *a = dhcp_ask(&m);
	CHECK(a->reply.mask == 0xffffff00 && a->reply.mtu == 1400);
	CHECK(a->reply.n_ntp == 1 && a->reply.ntp[0] == 0x0a090009);
	CHECK(a->reply.n_dns == 2 && a->reply.dns[0] == 0x0a0900fe && a->reply.dns[1] == 0x0a090002);
	CHECK(a->reply.n_routes == 2 && a->reply.routes[0].dst == 0xc0000200 &&
	      a->reply.routes[0].gw == 0x0a0900fe);
	CHECK(a->reply.routes[1].prefix_len == 0 && a->reply.routes[1].gw == 0x0a090001); /* the router */
	CHECK_STR(a->reply.search, "lab.test");
	/* The mask first, then in the order of the client. */
	static const uint8_t order[] = { 1, 28, 121, 3, 26, 15, 42, 6, 119 };
	for (size_t i = 1; i < sizeof(order); i++)
		CHECK(dhcp_find(a, order[i - 1]) != 0 && dhcp_find(a, order[i - 1]) < dhcp_find(a, order[i]));
	dhcp_end();
}

/* The client takes packets of 1500 bytes, and the interface of the server none. */
CASE(an_interface_of_short_packets_gets_a_short_answer)
{
	char *argv[] = { (char[]){ "ip" },
			 (char[]){ "link" },
			 (char[]){ "set" },
			 (char[]){ "vde0" },
			 (char[]){ "mtu" },
			 (char[]){ "600" },
			 NULL };
	static char domains[2][256];
	struct zone_line line = { "big.test", { 0x0a090037 }, { "router=10.9.0.1", domains[0], domains[1] } };

	for (int i = 0; i < 2; i++)
		(void)snprintf(domains[i], 256, "%s%0*d.%063d.%063d%s", i == 0 ? "domname='" : "", 63, i, i,
			       i, i == 0 ? "," : "'");
	memset(domains[0] + strlen(domains[0]), ' ', 255 - strlen(domains[0])); /* it goes on in the second */
	zone_set(20, line);
	dhcp_begin(DHCP_KERNEL, "");
	struct dhcp_message m = dhcp_message(1, "big.test");
	dhcp_option(&m, 57, "\5\xdc", 2);
	dhcp_option(&m, 55, "\x77\3", 2);
	struct dhcp_answer *a = dhcp_ask(&m);
	CHECK(a->n > 572 && dhcp_find(a, 119) != 0);
	CHECK_EQ(vdestack_run(server_host, argv, NULL), 0);
	m = dhcp_message(1, "big.test");
	dhcp_option(&m, 57, "\5\xdc", 2);
	dhcp_option(&m, 55, "\x77\3", 2);
	a = dhcp_ask(&m);
	CHECK(a->n <= 548 && a->reply.routers[0] == 0x0a090001);
	dhcp_end();
}

CASE(a_lease_that_ends_has_times_to_renew)
{
	dhcp_begin(DHCP_VDESTACK, "lease 3600\n");
	struct dhcp_message m = dhcp_message(1, "one.test");
	struct dhcp_answer *a = dhcp_ask(&m);
	CHECK(a->reply.lease_s == 3600 && a->reply.t1_s == 1800 && a->reply.t2_s == 3150);
	m = dhcp_message(1, "short.test");
	a = dhcp_ask(&m);
	CHECK(a->reply.lease_s == 60 && a->reply.t1_s == 30 && a->reply.t2_s == 52 &&
	      a->reply.mask == 0xffffff00);
	m = dhcp_message(1, "one.test"); /* RFC 2131 section 4.3.1: the client may want another one */
	dhcp_option32(&m, 51, 600);
	a = dhcp_ask(&m);
	CHECK(a->reply.lease_s == 600 && a->reply.t1_s == 300 && a->reply.t2_s == 525);
	m = request("one.test", 0x0a090032, SERVER_ID);
	dhcp_option32(&m, 51, INFINITE);
	CHECK_EQ(dhcp_ask(&m)->reply.lease_s, 3600);
	dhcp_end();
}

CASE(defaults_are_for_names_without_a_record)
{
	dhcp_begin(DHCP_VDESTACK, "dns gw.test,10.9.0.2\ndnssearch lab.test,home.test\nntp = gw.test\n");
	struct dhcp_message m = dhcp_message(1, "bare.test");
	dhcp_option(&m, 55, "\1\6\x0f\x2a\x77", 5);
	struct dhcp_answer *a = dhcp_ask(&m);
	CHECK(a->reply.n_dns == 2 && a->reply.dns[0] == 0x0a0900fe && a->reply.ntp[0] == 0x0a0900fe);
	CHECK_STR(a->reply.search, "lab.test home.test");
	size_t at = dhcp_find(a, 15);
	CHECK(a->bytes[at + 1] == 8 && memcmp(a->bytes + at + 2, "lab.test", 8) == 0);
	CHECK_EQ(a->reply.mask, 0xffffff00); /* of the interface */
	m = dhcp_message(1, "one.test");
	a = dhcp_ask(&m);
	CHECK(a->reply.n_dns == 2 && a->reply.dns[0] == 0x0a090002); /* of its record */
	dhcp_end();
}

/* Its interface is that of the case. */
CASE(the_example_of_a_configuration_works)
{
	static char text[16384];
	char *iface;

	(void)snprintf(text, sizeof(text), "%s", text_of(SOURCE_DIR "/examples/namedhcp4.conf"));
	iface = strstr(text, "eth1");
	CHECK(iface != NULL);
	memcpy(iface, "vde0", 4);
	zone_set(20, (struct zone_line){ "host.lan.example.org",
					 { 0x0a090032 },
					 { "mask=24,router=10.9.0.1,mtu=1400" } });
	dhcp_begin(DHCP_KERNEL, text);
	struct dhcp_message m = dhcp_message(1, NULL);
	dhcp_option(&m, 12, "host", 4);
	struct dhcp_answer *a = dhcp_ask(&m);
	CHECK(a->reply.yiaddr == 0x0a090032 && a->reply.mtu == 1400 && a->reply.lease_s == 3600);
	CHECK(a->reply.n_dns == 1 && a->reply.dns[0] == 0x0a090002 && a->reply.ntp[0] == 0x0a090002);
	CHECK_STR(a->reply.search, "lan.example.org example.org");
	dhcp_end();
}
