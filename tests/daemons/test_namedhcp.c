/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* namedhcp, message by message. */

#include "dhcp6_ground.h"

static struct message *solicit(const char *name)
{
	struct message *m = message(SOLICIT);

	fqdn(m, 1, name);
	ia(m, IA_NA, 7, NULL);
	return m;
}

/* A message to this server. */
static struct message *to_server(unsigned type, const char *name)
{
	static struct message id;

	if (id.n == 0)
		id = server_id();
	struct message *m = message(type);
	option(m, SERVER_ID, id.bytes, id.n);
	if (name != NULL)
		fqdn(m, 1, name);
	return m;
}

CASE(a_client_gets_the_address_of_its_name)
{
	dhcp_begin(NULL);
	CHECK_STR(given(ask(solicit("one.static.test"), ADVERTISE), IA_NA, 0), "fd00::101 4294967295");
	struct message *m = to_server(REQUEST, "one.static.test");
	ia(m, IA_NA, 7, "fd00::101");
	struct answer *a = ask(m, REPLY);
	CHECK_STR(given(a, IA_NA, 0), "fd00::101 4294967295");
	CHECK(!has(a, DNS) && !has(a, FQDN) && !has(a, STATUS));
	dhcp_end();
}

CASE(a_solicit_that_cannot_be_served_is_not_answered)
{
	dhcp_begin(NULL);
	no_answer(solicit("none.static.test"), "a name without address: none.static.test");
	no_answer(solicit("four.static.test"), "a name without address: four.static.test");
	struct message *m = message(SOLICIT);
	ia(m, IA_NA, 7, NULL);
	no_answer(m, "a message without a name");
	dhcp_end();
}

CASE(several_ias_get_the_addresses_of_the_name)
{
	dhcp_begin(NULL);
	struct message *m = message(SOLICIT);
	fqdn(m, 0, "two.static.test");
	ia(m, IA_NA, 1, NULL);
	ia(m, IA_PD, 4, NULL);
	ia(m, IA_TA, 5, NULL);
	ia(m, IA_NA, 2, "fd00::201"); /* keeps it */
	ia(m, IA_NA, 3, NULL);
	struct answer *a = ask(m, ADVERTISE);
	CHECK_STR(given(a, IA_NA, 0), "fd00::202 4294967295");
	CHECK_STR(given(a, IA_NA, 1), "fd00::201 4294967295");
	CHECK_STR(given(a, IA_NA, 2), "status 2");
	CHECK_STR(given(a, IA_PD, 0), "status 6");
	CHECK_STR(given(a, IA_TA, 0), "status 2");
	dhcp_end();
}

CASE(rapid_commit_needs_two_messages)
{
	dhcp_begin(NULL);
	struct message *m = solicit("one.static.test");
	option(m, RAPID, "", 0);
	struct answer *a = ask(m, REPLY);
	CHECK(has(a, RAPID));
	CHECK_STR(given(a, IA_NA, 0), "fd00::101 4294967295");
	dhcp_end();
}

CASE(a_lease_has_its_times)
{
	size_t len;

	dhcp_begin(WORDS("--lease", "1000"));
	struct answer *a = ask(solicit("one.static.test"), ADVERTISE);
	CHECK_STR(given(a, IA_NA, 0), "fd00::101 1000");
	const uint8_t *o = find(a, IA_NA, 0, &len);
	CHECK(o[6] == 500 >> 8 && o[7] == (500 & 255) && o[10] == 800 >> 8 && o[11] == (800 & 255));
	dhcp_end();
}

CASE(a_renewal_takes_back_what_the_name_has_not)
{
	struct message *m;
	size_t len, inner;

	dhcp_begin(NULL);
	m = to_server(RENEW, "one.static.test");
	ia(m, IA_NA, 7, "fd00::bad");
	struct answer *a = ask(m, REPLY);
	CHECK_STR(given(a, IA_NA, 0), "fd00::101 4294967295");
	const uint8_t *o = find(a, IA_NA, 0, &len);
	o = find_in(o + 12, len - 12, IAADDR, 1, &inner);
	CHECK(o != NULL && o[15] == 0xad && o[23] == 0);
	m = to_server(RENEW, "none.static.test");
	ia(m, IA_NA, 7, "fd00::101");
	ia(m, IA_NA, 8, NULL);
	a = ask(m, REPLY);
	CHECK_STR(given(a, IA_NA, 0), "fd00::101 0");
	CHECK_STR(given(a, IA_NA, 1), "status 3");
	m = message(REBIND);
	fqdn(m, 0, "two.static.test");
	ia(m, IA_NA, 7, "fd00::101");
	a = ask(m, REPLY);
	CHECK_STR(given(a, IA_NA, 0), "fd00::201 4294967295");
	m = to_server(REQUEST, "none.static.test");
	ia(m, IA_NA, 7, "fd00::101");
	CHECK_STR(given(ask(m, REPLY), IA_NA, 0), "status 2");
	dhcp_end();
}

/* Its name has an address in the DNS of that one. */
CASE(a_client_of_another_server_keeps_its_address)
{
	static const unsigned types[] = { CONFIRM, REBIND };

	dhcp_begin(NULL);
	for (size_t i = 0; i < 2; i++) {
		struct message *m = message(types[i]);
		fqdn(m, 0, "none.static.test");
		ia(m, IA_NA, 7, "fd00::101");
		no_answer(m, "a name without address: none.static.test");
	}
	dhcp_end();
}

CASE(confirm_release_and_decline_are_answered)
{
	struct message *m;

	dhcp_begin(NULL);
	m = message(CONFIRM);
	fqdn(m, 0, "one.static.test");
	ia(m, IA_NA, 7, "fd00::101");
	CHECK_EQ(status_of(ask(m, REPLY)), 0);
	m = message(CONFIRM);
	fqdn(m, 0, "one.static.test");
	ia(m, IA_NA, 7, "fd00::102");
	CHECK_EQ(status_of(ask(m, REPLY)), 4);
	m = message(CONFIRM);
	fqdn(m, 0, "one.static.test");
	ia(m, IA_NA, 7, NULL);
	no_answer(m, "without a question");
	m = to_server(RELEASE, NULL);
	ia(m, IA_NA, 7, "fd00::101");
	CHECK_EQ(status_of(ask(m, REPLY)), 0);
	m = to_server(DECLINE, NULL);
	ia(m, IA_NA, 7, "fd00::101");
	CHECK_EQ(status_of(ask(m, REPLY)), 0);
	dhcp_says("the address fd00::101 is declined");
	dhcp_end();
}

/* RFC 4704 section 5: some messages never have a name. */
CASE(a_client_is_known_by_the_name_it_has_said_before)
{
	struct message *m;
	struct answer *a;

	dhcp_begin(WORDS("--dns", "fd00::5300"));
	m = message(CONFIRM);
	ia(m, IA_NA, 7, "fd00::101");
	no_answer(m, "a message without a name");
	(void)ask(solicit("one.static.test"), ADVERTISE);
	m = message(CONFIRM);
	ia(m, IA_NA, 7, "fd00::101");
	CHECK_EQ(status_of(ask(m, REPLY)), 0);
	m = to_server(RENEW, NULL);
	ia(m, IA_NA, 7, "fd00::101");
	WANTS(m, FQDN);
	a = ask(m, REPLY);
	CHECK_STR(given(a, IA_NA, 0), "fd00::101 4294967295");
	CHECK(!has(a, FQDN));
	m = message(INFORM);
	WANTS(m, SEARCH, FQDN);
	CHECK(has(ask(m, REPLY), SEARCH)); /* of the TXT record */
	m = message(SOLICIT);
	ia(m, IA_NA, 7, NULL);
	no_answer(m, "a message without a name");
	dhcp_end();
}

/* RFC 8415 section 16. */
CASE(messages_for_other_servers_are_ignored)
{
	static const unsigned types[] = { REQUEST, RENEW, RELEASE, DECLINE };

	dhcp_begin(NULL);
	for (size_t i = 0; i < 4; i++) {
		struct message *m = message(types[i]);
		option(m, SERVER_ID, "\0\3\0\1other!", 10);
		fqdn(m, 0, "one.static.test");
		ia(m, IA_NA, 7, "fd00::101");
		no_answer(m, "for another server");
		m = message(types[i]);
		fqdn(m, 0, "one.static.test");
		ia(m, IA_NA, 7, "fd00::101");
		no_answer(m, "wrong identifiers");
	}
	struct message *m = to_server(SOLICIT, "one.static.test");
	ia(m, IA_NA, 7, NULL);
	no_answer(m, "wrong identifiers");
	m = message(INFORM);
	ia(m, IA_NA, 7, NULL);
	no_answer(m, "wrong identifiers");
	dhcp_end();
}

CASE(a_client_that_uses_unicast_is_corrected)
{
	struct message *m;

	dhcp_begin(NULL);
	m = to_server(RENEW, "one.static.test");
	ia(m, IA_NA, 7, "fd00::101");
	struct answer *a = ask_to(m, REPLY, "fd00::547");
	CHECK_EQ(status_of(a), 5);
	CHECK(!has(a, IA_NA));
	dhcp_end();
}

CASE(the_name_comes_back_with_the_right_flags)
{
	size_t len;

	dhcp_begin(WORDS("--domain", "static.test"));
	struct message *m = message(SOLICIT);
	WANTS(m, FQDN);
	option(m, FQDN, "\1\3one", 5); /* a part of a name, and S */
	ia(m, IA_NA, 7, NULL);
	const uint8_t *o = find(ask(m, ADVERTISE), FQDN, 0, &len);
	CHECK(o != NULL && len == 18 && memcmp(o, "\6\3one\6static\4test", 18) == 0); /* N, O */
	m = message(SOLICIT);
	WANTS(m, FQDN);
	fqdn(m, 4, "one.static.test");
	ia(m, IA_NA, 7, NULL);
	o = find(ask(m, ADVERTISE), FQDN, 0, &len);
	CHECK(o != NULL && o[0] == 4);
	dhcp_end();
}

static bool has_bytes(const struct answer *a, unsigned code, const void *bytes, size_t n)
{
	size_t len;
	const uint8_t *o = find(a, code, 0, &len);

	return o != NULL && len == n && memcmp(o, bytes, n) == 0;
}

CASE(options_of_the_command_line_are_given_when_they_are_asked_for)
{
	uint8_t dns[32], ntp[20] = { 0, 1, 0, 16 };

	CHECK_EQ(inet_pton(AF_INET6, "fd00::5300", dns), 1);
	CHECK_EQ(inet_pton(AF_INET6, "fd00::5302", dns + 16), 1);
	CHECK_EQ(inet_pton(AF_INET6, "fd00::123", ntp + 4), 1);
	dhcp_begin(WORDS("--dns", "fd00::5300,ns.static.test", "--dnssearch", "a.test b.test", "-N",
			 "fd00::123"));
	struct message *m = message(INFORM);
	WANTS(m, 21, DNS, SEARCH, SNTP, NTP, 65000, 0, FQDN);
	struct answer *a = ask(m, REPLY);
	CHECK(has_bytes(a, DNS, dns, 32));
	CHECK(has_bytes(a, SEARCH, "\1a\4test\0\1b\4test", 16));
	CHECK(has_bytes(a, SNTP, ntp + 4, 16));
	CHECK(has_bytes(a, NTP, ntp, 20));
	CHECK(!has(a, 21) && !has(a, 0) && !has(a, 65000) && !has(a, FQDN));
	m = message(INFORM);
	WANTS(m, NTP);
	a = ask(m, REPLY);
	CHECK(has(a, NTP) && !has(a, DNS) && !has(a, SEARCH) && !has(a, SNTP));
	dhcp_end();
}

CASE(a_txt_record_has_the_options_of_a_name)
{
	uint8_t dns[32], ntp[16];

	CHECK_EQ(inet_pton(AF_INET6, "fd00::5301", dns), 1);
	CHECK_EQ(inet_pton(AF_INET6, "fd00::5302", dns + 16), 1);
	CHECK_EQ(inet_pton(AF_INET6, "fd00::7b", ntp), 1);
	dhcp_begin(WORDS("--dns", "fd00::5300", "--dnssearch", "a.test"));
	struct message *m = solicit("one.static.test");
	WANTS(m, DNS, SEARCH, SNTP);
	struct answer *a = ask(m, ADVERTISE);
	CHECK(has_bytes(a, DNS, dns, 32));
	CHECK(has_bytes(a, SEARCH, "\3lab\4test", 10));
	CHECK(has_bytes(a, SNTP, ntp, 16));
	m = solicit("two.static.test");
	WANTS(m, DNS, SEARCH, SNTP);
	a = ask(m, ADVERTISE);
	CHECK(has(a, DNS) && !has_bytes(a, DNS, dns, 32) && has_bytes(a, SEARCH, "\1a\4test", 8));
	CHECK(!has(a, SNTP));
	dhcp_end();
}

/* The option request is a list of any length with any numbers. */
CASE(any_option_may_be_asked_for)
{
	unsigned all[6000];

	dhcp_begin(WORDS("--dns", "fd00::5300"));
	for (unsigned i = 0; i < 6000; i++)
		all[i] = i * 11;
	struct message *m = solicit("one.static.test");
	oro(m, all, 6000);
	(void)ask(m, ADVERTISE);
	m = solicit("one.static.test");
	option(m, ORO, "\0\27\0", 3); /* an odd length: as if it was not there */
	CHECK(!has(ask(m, ADVERTISE), DNS));
	m = solicit("one.static.test");
	option(m, ORO, "", 0);
	CHECK(!has(ask(m, ADVERTISE), DNS));
	dhcp_end();
}
