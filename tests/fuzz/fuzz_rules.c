/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any text is refused with a message of one line that names a place in it, or is a set of rules. The
 * decisions of a set are consistent: one that is not open stays, whatever the later calls are, and none
 * that is open is to deny.
 */

#include <errno.h>
#include <fuzz.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "rules/endpoint.h"
#include "rules/rules.h"

static bool same(const struct vs_rules_decision *a, const struct vs_rules_decision *b)
{
	return a->verdict == b->verdict && (a->verdict != VS_RULES_STACK || a->stack == b->stack);
}

static void check_decision(const struct vs_rules *rules, const struct vs_rules_decision *d)
{
	CHECK(d->verdict != VS_RULES_STACK || d->stack < vs_rules_n_stacks(rules));
	CHECK(!d->open || d->verdict != VS_RULES_DENY);
}

/* A socket through its life, with addresses made of the bytes of the text. */
static void check_socket(const struct vs_rules *rules, int family, int type, int protocol,
			 const uint8_t *bytes, size_t n)
{
	static const char *const names[] = { "www.example.org", "x" };
	struct sockaddr_in6 local = { .sin6_family = (sa_family_t)family }, remote = local;
	struct vs_rules_call call = {
		.family = family, .type = type, .protocol = protocol, .thread = "worker"
	};
	struct vs_rules_decision first = vs_rules_decide(rules, &call), second, third;

	memcpy((char *)&local + 2, bytes, n < 26 ? n : 26);
	memcpy((char *)&remote + 2, bytes + n / 2, n / 2 < 26 ? n / 2 : 26);
	check_decision(rules, &first);
	CHECK(!first.open || vs_rules_movable(family, type, protocol));
	call.stage = VS_RULES_AT_BIND;
	call.local = (const struct sockaddr *)&local;
	second = vs_rules_decide(rules, &call);
	check_decision(rules, &second);
	CHECK(first.open || same(&first, &second));
	call.stage = VS_RULES_AT_CONNECT;
	call.remote = (const struct sockaddr *)&remote;
	call.names = names;
	call.n_names = 2;
	third = vs_rules_decide(rules, &call);
	check_decision(rules, &third);
	/* bind(2) gives a port to what has none; without it the socket looks unbound */
	bool unbound_udp = (type & 0xf) == SOCK_DGRAM && !vs_rules_is_bound(call.local);
	CHECK(!third.open && (second.open || unbound_udp || same(&second, &third)));
	call.local = NULL;
	third = vs_rules_decide(rules, &call);
	CHECK(first.open || same(&first, &third));
}

static void check_rules(const struct vs_rules *rules, const uint8_t *bytes, size_t n)
{
	static const int families[] = { AF_INET, AF_INET6, AF_PACKET, AF_NETLINK };
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET };
	static const int protocols[] = { 0, IPPROTO_UDP, IPPROTO_ICMP };

	for (size_t i = 0; i < vs_rules_n_stacks(rules); i++)
		CHECK(vs_rules_stack_name(rules, i)[0] != '\0' && vs_rules_stack_config(rules, i) != NULL);
	for (size_t f = 0; f < 4; f++)
		for (size_t t = 0; t < 4; t++)
			for (size_t p = 0; p < 3; p++)
				check_socket(rules, families[f], types[t], protocols[p], bytes, n);
}

static void check_message(const char *message)
{
	unsigned line, column;

	CHECK(sscanf(message, "origin:%u:%u: ", &line, &column) == 2 && line > 0 && column > 0);
	CHECK(strchr(message, ';') != NULL && strlen(message) < 511); /* a remedy, and it is not cut */
	for (; *message != '\0'; message++)
		CHECK(*message >= ' ' && *message <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vs_rules *rules = NULL;
	char message[512];
	int result = vs_rules_parse((const char *)data, size, "origin", &rules, message, sizeof(message));

	if (result == 0) {
		check_rules(rules, data, size);
	} else {
		CHECK(result == -EINVAL && rules == NULL);
		check_message(message);
	}
	vs_rules_free(rules);
	return 0;
}
