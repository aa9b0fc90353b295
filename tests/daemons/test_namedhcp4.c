/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* namedhcp4 and messages that the case writes: each kind of message, in stacks of each kind. */

#include <sys/resource.h>

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

/* A REQUEST of a client that uses the address. */
static struct dhcp_message renewal(const char *name, uint32_t ciaddr)
{
	struct dhcp_message m = dhcp_message(3, name);

	vs_be_put32(m.bytes + 12, ciaddr);
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

/* ------------------------------------------------------------------ name servers */

static void ask_one(const char *name, uint32_t addr)
{
	struct dhcp_message m = dhcp_message(1, name);

	CHECK_EQ(dhcp_ask(&m)->reply.yiaddr, addr);
}

CASE(a_name_without_a_name_server_does_not_stop_others)
{
	char name[32];

	zone_set(21, (struct zone_line){ "half.test", { 0x0a090038 }, { "router=dead.gone" } });
	dhcp_begin(DHCP_VDESTACK, "");
	struct dhcp_message m =
		dhcp_message(1, "half.test"); /* no answer is better than one without its router */
	dhcp_send(&m);
	int other = open_wire(up); /* a client that asks for all of these waits for its own ones */
	for (int i = 0; i < 4; i++) {
		(void)snprintf(name, sizeof(name), "dead%d.gone", i);
		struct dhcp_message dead = dhcp_message(1, name);
		dhcp_send_by(other, 0, 68, UINT32_MAX, &dead);
	}
	long long since = now_us();
	ask_one("one.test", 0x0a090032);
	ask_one("bare.test", 0x0a090033);
	CHECK(now_us() - since < 3000000);
	m = renewal("dead1.gone", 0x0a090032); /* no NAK: nothing is known */
	dhcp_send_from(0x0a090032, 68, SERVER_ID, &m);
	struct dhcp_answer a;
	while (dhcp_receive(&a, 6000))
		CHECK(a.reply.type != VS_DHCP4_NAK && a.reply.yiaddr != 0x0a090038);
	CHECK_CONTAINS(dhcp_said(), "no name server answers");
	ask_one("one.test", 0x0a090032);
	close(other);
	dhcp_end();
}

/* The client has asked once. Meanwhile others are served, and it does not ask the name server again. */
CASE(a_name_server_that_is_slow_gets_the_client_its_address)
{
	zone_set(20, (struct zone_line){ "slow.test", { 0x0a090038 }, { "router=slow-gw.test" } });
	zone_set(21, (struct zone_line){ "slow-gw.test", { 0x0a0900fd }, { NULL } });
	dhcp_begin(DHCP_VDESTACK, "");
	struct dhcp_message slow = dhcp_message(1, "slow.test"), other;
	for (int i = 0; i < 5; i++)
		dhcp_send(&slow); /* it repeats itself: one of them waits */
	long long since = now_us();
	for (int i = 0; i < 3; i++) {
		other = dhcp_message(1, i == 1 ? "bare.test" : "one.test");
		CHECK_EQ(dhcp_ask(&other)->reply.type, VS_DHCP4_OFFER);
	}
	struct dhcp_answer *a = dhcp_await(&slow);
	CHECK(now_us() - since > 500000); /* three lookups, one behind the other */
	CHECK(a->reply.yiaddr == 0x0a090038 && a->reply.routers[0] == 0x0a0900fd);
	other = dhcp_message(1, "one.test");
	a = dhcp_ask(&other); /* nothing is there between: the five got one answer */
	/* Two for each other name, two for each lookup of the slow one, and those for what is forgotten. */
	CHECK(atomic_load(&names.questions) < 3 * 2 + 3 * 2 + 8);
	CHECK(strstr(strstr(dhcp_said(), "slow.test: OFFER") + 1, "slow.test: OFFER") == NULL);
	dhcp_end();
}

/* One behind the other they would take ten seconds, and answers are kept for two. */
CASE(a_record_of_many_slow_names_is_answered)
{
	static char slow[6][16];

	zone_set(20, (struct zone_line){ "slow.test",
					 { 0x0a090038 },
					 { "dns='slow0.test,slow1.test,slow2.test'",
					   "ntp='slow3.test,slow4.test,slow5.test'", "router=slow0.test" } });
	for (unsigned i = 0; i < 6; i++) {
		(void)snprintf(slow[i], sizeof(slow[i]), "slow%u.test", i);
		zone_set(21 + i, (struct zone_line){ slow[i], { 0x0a0900c0 + i }, { NULL } });
	}
	dhcp_begin(DHCP_VDESTACK, "");
	struct dhcp_message m = dhcp_message(1, "slow.test");
	dhcp_option(&m, 55, "\3\6\x2a", 3);
	long long since = now_us();
	struct dhcp_answer *a = dhcp_ask(&m);
	CHECK(now_us() - since < 7500000);
	CHECK(a->reply.n_dns == 3 && a->reply.n_ntp == 3 && a->reply.ntp[2] == 0x0a0900c5);
	CHECK(a->reply.routers[0] == 0x0a0900c0);
	dhcp_end();
}

CASE(the_name_servers_can_be_those_of_a_file)
{
	char text[300], path[256];

	(void)snprintf(path, sizeof(path), "%s", case_path("servers"));
	(void)snprintf(text, sizeof(text), "resolvconf %s\nverbose\n", path);
	FILE *f = fopen(path, "we");
	CHECK(f != NULL && fprintf(f, "nameserver 10.9.0.2\n") > 0);
	CHECK_EQ(fclose(f), 0);
	dhcp_begin(DHCP_NETWORK, text);
	ask_one("one.test", 0x0a090032);
	dhcp_end();
}

CASE(many_clients_of_one_name_cost_one_lookup)
{
	struct dhcp_message m;

	dhcp_begin(DHCP_VDESTACK, "");
	int before = atomic_load(&names.questions);
	for (int i = 0; i < 50; i++) {
		m = dhcp_message(1, "one.test");
		dhcp_send(&m);
	}
	CHECK_EQ(dhcp_await(&m)->reply.yiaddr, 0x0a090032);
	CHECK(atomic_load(&names.questions) - before <= 4);
	dhcp_end();
}

/* ------------------------------------------------------------------ life */

/* The family's earlier server copied as many bytes as the string said to have. */
CASE(a_string_that_is_longer_than_its_record_is_no_harm)
{
	zone_set(21, (struct zone_line){ "evil.test", { 0x0a09003a }, { "mask=24" } });
	dhcp_begin(DHCP_VDESTACK, "");
	ask_one("evil.test", 0x0a09003a); /* as without a record */
	ask_one("one.test", 0x0a090032);
	dhcp_end();
}

/* With 40 descriptors it serves; with too few for its start it says so. */
CASE(few_descriptors_are_enough)
{
	struct rlimit limit = { 40, 40 };
	char name[32];

	dhcp_network(DHCP_VDESTACK);
	struct rlimit before;
	MUST(getrlimit(RLIMIT_NOFILE, &before));
	limit.rlim_max = before.rlim_max;
	MUST(setrlimit(RLIMIT_NOFILE, &limit)); /* of the server, which inherits it */
	dhcp_start(DHCP_VDESTACK, "");
	MUST(setrlimit(RLIMIT_NOFILE, &before));
	dhcp_reach();
	int other = open_wire(up);
	for (int i = 0; i < 40; i++) {
		(void)snprintf(name, sizeof(name), "dead%d.gone", i);
		struct dhcp_message m = dhcp_message(1, name);
		dhcp_send_by(other, 0, 68, UINT32_MAX, &m);
	}
	struct dhcp_message good = dhcp_message(1, "ready.test"); /* its name may be forgotten already */
	CHECK_EQ(dhcp_ask(&good)->reply.yiaddr, 0x0a0900f0);
	close(other);
	dhcp_end();
}

CASE(a_server_that_was_killed_goes_on)
{
	dhcp_begin(DHCP_VDESTACK, "");
	ask_one("one.test", 0x0a090032);
	tool_end(&daemon4, SIGKILL);
	dhcp_start(DHCP_VDESTACK, "");
	dhcp_reach();
	struct dhcp_message m = renewal("one.test", 0x0a090032);
	dhcp_send_from(0x0a090032, 68, SERVER_ID, &m);
	CHECK_EQ(dhcp_await(&m)->reply.type, VS_DHCP4_ACK);
	dhcp_end();
}

CASE(a_pidfile_and_a_daemon_end_with_sigterm)
{
	char text[300], path[256];

	(void)snprintf(path, sizeof(path), "%s", case_path("pid"));
	(void)snprintf(text, sizeof(text), "pidfile %s\n", path);
	dhcp_begin(DHCP_VDESTACK, text);
	CHECK_EQ(atoi(text_of(path)), daemon4.pid);
	MUST(kill(daemon4.pid, SIGHUP));
	ask_one("one.test", 0x0a090032);
	int fds = count_fds_of(daemon4.pid);
	CHECK(fds > 0 && fds < 40);
	dhcp_end();
	CHECK(access(path, F_OK) < 0);
}

static bool has_said(void *text)
{
	return strstr(dhcp_said(), text) != NULL;
}

/* SIGHUP, when the file has this text. */
static void reload_with(const char *text, char *answer)
{
	dhcp_config(DHCP_VDESTACK, text);
	MUST(kill(daemon4.pid, SIGHUP));
	if (!wait_until(has_said, answer, SOON_MS))
		FAIL("not \"%s\": %s", answer, dhcp_said());
}

static uint32_t lease_of(const char *name)
{
	struct dhcp_message m = dhcp_message(1, name);

	return dhcp_ask(&m)->reply.lease_s;
}

CASE(sighup_reads_the_file_again)
{
	char again[] = "dhcp4.conf has been read again\n", start[] = "again; stack, iface",
	     wrong[] = "the settings stay as they were\n";

	zone_set(20, (struct zone_line){ "far.test", { 0x0b000001 }, { NULL } });
	dhcp_begin(DHCP_VDESTACK, "lease 3600\n");
	CHECK_EQ(lease_of("bare.test"), 3600);
	reload_with("lease 7200\ndomain test\nhostname\nmask 25\ndns 10.9.0.7\n", again);
	CHECK_EQ(lease_of("bare"), 7200);
	struct dhcp_message m = dhcp_message(1, NULL);
	dhcp_option(&m, 12, "far", 3);
	struct dhcp_answer *a = dhcp_ask(&m);
	CHECK(a->reply.mask == 0xffffff80 && a->reply.dns[0] == 0x0a090007);
	reload_with("lease 1\nntp 10.9.0.8\n", wrong);
	CHECK_EQ(lease_of("bare"), 7200);
	reload_with("lease 600\ndomain test\nserverid 10.9.0.9\n", start);
	CHECK_EQ(lease_of("bare"), 600);
	m = dhcp_message(1, "bare");
	CHECK_EQ(dhcp_ask(&m)->reply.server, SERVER_ID);
	dhcp_end();
}

static bool file_is_gone(void *arg)
{
	return access(arg, F_OK) < 0;
}

CASE(a_server_in_the_background_serves)
{
	char text[300], path[256];

	(void)snprintf(path, sizeof(path), "%s", case_path("pid"));
	(void)snprintf(text, sizeof(text), "daemon\npidfile %s\n", path);
	dhcp_begin(DHCP_VDESTACK, text);
	CHECK_EQ(tool_wait(&daemon4, SOON_MS), 0);
	daemon4.pid = atoi(text_of(path));
	CHECK(daemon4.pid > 1);
	ask_one("one.test", 0x0a090032);
	MUST(kill(daemon4.pid, SIGTERM));
	CHECK(wait_until(file_is_gone, path, SOON_MS));
	server_ended = true;
	dhcp_end();
}

static bool has_identifier(void *arg)
{
	struct dhcp_message m = dhcp_message(1, "one.test");
	struct dhcp_answer a;

	dhcp_send(
		&m); /* the sockets of the resolver have lost their address, too: maybe it is not answered */
	return dhcp_receive(&a, 300) && a.reply.server == *(uint32_t *)arg;
}

/* Its identifier follows, within some seconds; clients of before renew at the new address. */
CASE(a_server_whose_address_changes_goes_on)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" },
			 (char[]){ "ip addr del 10.9.0.1/24 dev vde0; ip addr add 10.9.0.21/24 dev vde0" },
			 NULL };
	uint32_t other = 0x0a090015;

	dhcp_begin(DHCP_KERNEL, "");
	CHECK_EQ(vdestack_run(server_host, argv, NULL), 0);
	if (!wait_until(has_identifier, &other, SOON_MS))
		FAIL("namedhcp4 said: %s", dhcp_said());
	struct dhcp_message m = renewal("one.test", 0x0a090032);
	dhcp_send_from(0x0a090032, 68, other, &m);
	CHECK_EQ(dhcp_await(&m)->reply.type, VS_DHCP4_ACK);
	m = renewal("one.test", 0x0a090032);
	dhcp_no_answer_from(0x0a090032, SERVER_ID, &m);
	dhcp_end();
}

/* The service manager starts it again then. */
CASE(a_server_without_its_interface_ends)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" },
			 (char[]){ "ip link set vde0 down; ip link set vde0 up" }, NULL };
	int status;

	dhcp_begin(DHCP_KERNEL, "");
	CHECK_EQ(vdestack_run(server_host, argv, NULL), 0);
	dhcp_reach(); /* down is not gone */
	MUST(vdestack_iface_del(server_host, "vde0"));
	MUST(vdestack_cmd_wait(server_status, &status, SOON_MS));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CHECK_CONTAINS(dhcp_said(), "the interface vde0 is gone\n");
	dhcp_end();
}

CASE(a_second_server_is_refused)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[512]){ "" }, NULL };

	dhcp_begin(DHCP_KERNEL, "");
	(void)snprintf(argv[2], 512, "exec %s -n 10.9.0.2 >%s 2>&1", DHCP4_FILE, case_path("second"));
	int status = (int)MUST(vdestack_run(server_host, argv, NULL));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CHECK_CONTAINS(text_of(case_path("second")),
		       "cannot have UDP port 67 of vde0: Address already in use; another");
	dhcp_end();
}

/* vde0 has another server, which is no hindrance. */
CASE(another_interface_can_be_served)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[512]){ "" }, NULL };
	struct dhcp_message m;
	struct dhcp_answer a;
	int status;

	dhcp_begin(DHCP_KERNEL, "");
	MUST(vdestack_iface_add(server_host, "vnl=local://lan ip=10.9.0.11/24", case_opts()));
	(void)snprintf(argv[2], 512, "exec %s -n 10.9.0.2 -i vde1 >%s 2>&1", DHCP4_FILE, case_path("second"));
	int pidfd = (int)MUST(vdestack_spawn(server_host, argv, NULL, &status));
	bool first = false, second = false;
	for (long long until = now_us() + SOON_MS * 1000LL; !first || !second;) {
		if (now_us() > until)
			FAIL("%s is silent: %s", first ? "vde1" : "vde0", text_of(case_path("second")));
		m = dhcp_message(1, "one.test");
		dhcp_send(&m);
		while (dhcp_receive(&a, 100)) {
			first = first || a.reply.server == SERVER_ID;
			second = second || a.reply.server == 0x0a09000b;
		}
	}
	close(pidfd);
	close(status);
	dhcp_end();
}

CASE(without_verbose_only_what_matters_is_reported)
{
	dhcp_begin(DHCP_VDESTACK, "# all of the file\nnameserver 10.9.0.2\n");
	struct dhcp_message m = dhcp_message(4, "one.test");
	dhcp_option32(&m, 50, 0x0a090032);
	dhcp_no_answer(&m);
	CHECK_CONTAINS(dhcp_said(), "DECLINE of");
	CHECK(strstr(dhcp_said(), "OFFER") == NULL);
	dhcp_end();
}

CASE(an_interface_that_is_no_ethernet_is_refused)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[512]){ "" }, NULL };

	server_host = new_stack("vnl=local://lan");
	(void)snprintf(argv[2], 512,
		       "ip tuntap add dev tun7 mode tun && ip link set tun7 up && "
		       "exec timeout 10 %s -n 10.9.0.2 -i tun7 >%s 2>&1",
		       DHCP4_FILE, case_path("said"));
	int status = (int)MUST(vdestack_run(server_host, argv, NULL));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CHECK_CONTAINS(dhcp_said(), "the interface tun7 is no Ethernet; --iface");
	MUST(vdestack_delete(server_host));
}

CASE(mistakes_are_reported_with_their_place)
{
	static const char *const words[][2] = { { "--serverid=0.0.0.0", "no address of a host" },
						{ "--serverid=224.0.0.1", "no address of a host" },
						{ "--serverid=127.0.0.1", "no address of a host" },
						{ "--mask=255.0.255.0", "no mask" },
						{ "--iface=none0", "no interface none0" },
						{ "--lease=1", "lease" },
						{ "word", "usage" } };
	struct tool t;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		tool_start(&t, WORDS(DHCP4_FILE, words[i][0]));
		CHECK_EQ(tool_wait(&t, SOON_MS), 1 << 8);
		CHECK_CONTAINS(tool_output(&t), words[i][1]);
	}
	tool_start(&t, WORDS(DHCP4_FILE));
	CHECK_EQ(tool_wait(&t, SOON_MS), 1 << 8);
	CHECK_CONTAINS(tool_output(&t), "namedhcp4: no options; usage");
}
