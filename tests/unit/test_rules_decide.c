/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Decisions: which rule decides a call, and whether a later call can decide otherwise. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules/pattern.h"
#include "rules/rules.h"
#include "unit.h"

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static union address addr(const char *text, unsigned port)
{
	union address a = { 0 };

	if (inet_pton(AF_INET, text, &a.in.sin_addr) == 1) {
		a.in.sin_family = AF_INET;
		a.in.sin_port = htons((uint16_t)port);
	} else {
		assert_int_equal(inet_pton(AF_INET6, text, &a.in6.sin6_addr), 1);
		a.in6.sin6_family = AF_INET6;
		a.in6.sin6_port = htons((uint16_t)port);
	}
	return a;
}

static struct vs_rules *parse(const char *text)
{
	struct vs_rules *rules = NULL;
	char message[512];

	if (vs_rules_parse(text, strlen(text), "f", &rules, message, sizeof(message)) != 0)
		fail_msg("refused: %s", message);
	return rules;
}

/* "a" of a stack, "host" or "deny"; then "?" if the decision is open; then ":LINE". */
static const char *text_of(const struct vs_rules *rules, const struct vs_rules_decision *d)
{
	static char text[64];
	const char *target = d->verdict == VS_RULES_HOST   ? "host"
			     : d->verdict == VS_RULES_DENY ? "deny"
							   : vs_rules_stack_name(rules, d->stack);

	(void)snprintf(text, sizeof(text), "%s%s:%u", target, d->open ? "?" : "", d->line);
	return text;
}

static void check(const struct vs_rules *rules, const struct vs_rules_call *call, const char *expected)
{
	struct vs_rules_decision d = vs_rules_decide(rules, call);

	assert_string_equal(text_of(rules, &d), expected);
}

static struct vs_rules_call tcp(void)
{
	return (struct vs_rules_call){ .family = AF_INET, .type = SOCK_STREAM | SOCK_CLOEXEC };
}

static void check_bind(const struct vs_rules *rules, struct vs_rules_call call, const char *local,
		       unsigned port, const char *expected)
{
	union address a = addr(local, port);

	call.stage = VS_RULES_AT_BIND;
	call.family = a.sa.sa_family;
	call.local = &a.sa;
	check(rules, &call, expected);
}

static void check_connect(const struct vs_rules *rules, struct vs_rules_call call, const char *remote,
			  unsigned port, const char *expected)
{
	union address a = addr(remote, port);

	call.stage = VS_RULES_AT_CONNECT;
	call.family = a.sa.sa_family;
	call.remote = &a.sa;
	check(rules, &call, expected);
}

#define AB "stack a\nstack b\n"

static void the_first_rule_that_holds_decides(void **state)
{
	(void)state;
	struct vs_rules *rules = parse(AB "family=inet6 use b\nfamily=inet type=dgram use host\n"
					  "type=dgram use deny\nfamily=netlink use deny\n");
	struct vs_rules_call call = tcp();

	check(rules, &call, "a:0");
	call.type = SOCK_DGRAM;
	check(rules, &call, "host:4");
	call.family = AF_INET6;
	check(rules, &call, "b:3");
	call.family = AF_PACKET;
	check(rules, &call, "deny:5");
	call.family = AF_NETLINK;
	call.type = SOCK_RAW;
	check(rules, &call, "deny:6");
	vs_rules_free(rules);
}

static void protocol_0_is_what_the_type_means(void **state)
{
	(void)state;
	struct vs_rules *rules =
		parse(AB "protocol=tcp use b\nprotocol=udp use host\nprotocol=mptcp use deny\n"
			 "protocol=sctp use deny\n");
	struct vs_rules_call call = tcp();

	check(rules, &call, "b:3");
	call.protocol = IPPROTO_MPTCP;
	check(rules, &call, "deny:5");
	call = (struct vs_rules_call){ .family = AF_INET6, .type = SOCK_DGRAM | SOCK_NONBLOCK };
	check(rules, &call, "host:4");
	call.protocol = IPPROTO_ICMPV6;
	check(rules, &call, "a:0");
	call = (struct vs_rules_call){ .family = AF_INET6, .type = SOCK_SEQPACKET };
	check(rules, &call, "deny:6");
	call = (struct vs_rules_call){ .family = AF_PACKET, .type = SOCK_RAW, .protocol = IPPROTO_TCP };
	check(rules, &call, "a:0");
	vs_rules_free(rules);
}

static void a_destination_decides_at_connect(void **state)
{
	(void)state;
	struct vs_rules *rules = parse(AB "remote=10.0.0.0/9:80-81 use b\nremote=[2001:db8::/33] use host\n"
					  "remote=:22 use deny\n");
	struct vs_rules_call call = tcp();

	check(rules, &call, "a?:0");
	check_connect(rules, call, "10.127.255.255", 80, "b:3");
	check_connect(rules, call, "10.0.0.0", 81, "b:3");
	check_connect(rules, call, "10.0.0.0", 82, "a:0");
	check_connect(rules, call, "10.0.0.0", 79, "a:0");
	check_connect(rules, call, "10.128.0.0", 80, "a:0");
	check_connect(rules, call, "9.255.255.255", 80, "a:0");
	check_connect(rules, call, "1.2.3.4", 22, "deny:5");
	check_connect(rules, call, "::ffff:10.1.2.3", 80, "b:3");
	check_connect(rules, call, "2001:db8:7fff::1", 5, "host:4");
	check_connect(rules, call, "2001:db8:8000::1", 5, "a:0");
	vs_rules_free(rules);
}

static void a_decision_is_open_only_if_another_target_is_possible(void **state)
{
	(void)state;
	static const struct {
		const char *text, *expected;
	} list[] = {
		{ AB "remote=:80 use a\n", "a:0" },
		{ AB "remote=:80 use b\n", "a?:0" },
		{ AB "family=inet use a\nremote=:80 use b\n", "a:3" },
		{ AB "remote=[::/0] use b\n", "a:0" }, /* no address of a socket of IPv4 */
		{ AB "remote=:80 family=inet6 use b\n", "a:0" },
		{ AB "remote=:80 thread=x use b\n", "a:0" },
		{ AB "local=:80 use host\ndefault host\n", "host:0" },
		{ AB "local=:80 use deny\n", "a?:0" },
		{ AB "local=:80 use b\ntype=stream use host\n", "host?:4" },
		/* the socket waits where it may be let through */
		{ AB "local=:80 use b\ndefault deny\n", "b?:3" },
		{ AB "local=:80 use deny\nremote=:80 use host\ndefault deny\n", "host?:4" },
		{ AB "local=:80 use deny\ndefault deny\n", "deny:0" },
	};
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct vs_rules_call call = tcp();
		struct vs_rules *rules = parse(list[i].text);
		check(rules, &call, list[i].expected);
		vs_rules_free(rules);
	}
}

static void a_socket_that_cannot_move_is_decided_at_once(void **state)
{
	(void)state;
	struct vs_rules *rules = parse(AB "remote=:80 use b\nlocal=:80 use b\nname=* use b\n");
	static const struct vs_rules_call calls[] = {
		{ .family = AF_INET, .type = SOCK_RAW, .protocol = IPPROTO_ICMP },
		{ .family = AF_INET, .type = SOCK_STREAM, .protocol = IPPROTO_SCTP },
		{ .family = AF_INET, .type = SOCK_DGRAM, .protocol = IPPROTO_UDPLITE },
		{ .family = AF_INET, .type = SOCK_DGRAM, .protocol = IPPROTO_ICMPV6 },
		{ .family = AF_PACKET, .type = SOCK_DGRAM },
		{ .family = AF_NETLINK, .type = SOCK_RAW },
	};
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		check(rules, &calls[i], "a:0");
	struct vs_rules_call ping = { .family = AF_INET, .type = SOCK_DGRAM, .protocol = IPPROTO_ICMP };
	check(rules, &ping, "a?:0");
	vs_rules_free(rules);
}

static void bind_decides_for_good_if_a_rule_on_the_local_address_holds(void **state)
{
	(void)state;
	struct vs_rules *rules = parse(AB "remote=10.0.0.0/8 use host\nlocal=:53 use b\n");
	struct vs_rules_call call = tcp();
	union address bound = addr("0.0.0.0", 53), other = addr("0.0.0.0", 54), any = addr("0.0.0.0", 0);

	check_bind(rules, call, "0.0.0.0", 53, "b:4");
	check_bind(rules, call, "::", 53, "b:4");
	check_bind(rules, call, "10.1.1.1", 54, "a?:0");
	call.local = &bound.sa;
	check_connect(rules, call, "10.1.1.1", 1, "b:4"); /* although the rule of line 3 holds */
	call.local = &other.sa;
	check_connect(rules, call, "10.1.1.1", 1, "host:3");
	call.local = &any.sa;
	check_connect(rules, call, "10.1.1.1", 1, "host:3");
	call.local = NULL;
	check_connect(rules, call, "11.1.1.1", 1, "a:0");
	vs_rules_free(rules);
}

static void a_local_prefix_is_matched_by_the_address_of_bind(void **state)
{
	(void)state;
	struct vs_rules *rules = parse(AB "local=10.0.0.0/8 use b\nlocal=[2001:db8::1]:80 use host\n"
					  "local=0.0.0.0/0 use deny\n");
	struct vs_rules_call call = tcp();
	struct sockaddr_in old_style = { .sin_family = AF_UNSPEC, .sin_port = htons(80) };

	check_bind(rules, call, "10.1.1.1", 0, "b:3");
	check_bind(rules, call, "0.0.0.0", 80, "deny:5");
	check_bind(rules, call, "::", 80, "a:0");
	check_bind(rules, call, "2001:db8::1", 80, "host:4");
	check_bind(rules, call, "2001:db8::1", 81, "a:0");
	call.stage = VS_RULES_AT_BIND; /* bind(2) takes AF_UNSPEC as AF_INET */
	call.local = (const struct sockaddr *)&old_style;
	check(rules, &call, "deny:5");
	vs_rules_free(rules);
}

static void addresses_of_other_families_match_nothing(void **state)
{
	(void)state;
	struct vs_rules *rules = parse(AB "remote=:1-65535 use b\nlocal=0.0.0.0/0 use b\n");
	struct sockaddr_storage unix_address = { .ss_family = AF_UNIX };
	struct vs_rules_call call = tcp();

	memset((char *)&unix_address + 2, 1, 30);
	call.stage = VS_RULES_AT_CONNECT;
	call.remote = (const struct sockaddr *)&unix_address;
	call.local = call.remote;
	check(rules, &call, "a:0");
	call.remote = call.local = NULL;
	check(rules, &call, "a:0");
	vs_rules_free(rules);
}

static void names_are_matched_without_case_and_final_dot(void **state)
{
	(void)state;
	struct vs_rules *rules = parse(AB "name=*.Example.org use b\nname=host? remote=:80 use host\n");
	static const char *const yes[] = { "other", "a.b.EXAMPLE.ORG." }, *const no[] = { "example.org",
											  "host1" };
	static char long_name[300];
	const char *const longer[] = { long_name };
	struct vs_rules_call call = tcp();

	memset(long_name, 'x', sizeof(long_name) - 1);
	memcpy(long_name + sizeof(long_name) - 13, ".example.org", 12);
	call.names = yes;
	call.n_names = 2;
	check_connect(rules, call, "1.2.3.4", 1, "b:3");
	call.names = no;
	check_connect(rules, call, "1.2.3.4", 1, "a:0");
	check_connect(rules, call, "1.2.3.4", 80, "host:4");
	call.names = longer;
	call.n_names = 1;
	check_connect(rules, call, "1.2.3.4", 80, "a:0");
	call.stage = VS_RULES_AT_SOCKET;
	check(rules, &call, "a?:0");
	vs_rules_free(rules);
}

static void threads_are_matched_by_name(void **state)
{
	(void)state;
	struct vs_rules *rules = parse(AB "thread=Work[a-c]* use b\n");
	struct vs_rules_call call = tcp();
	static const struct {
		const char *thread, *expected;
	} list[] = {
		{ "Workb1", "b:3" }, { "workb1", "a:0" }, { "Workd", "a:0" }, { "", "a:0" }, { NULL, "a:0" }
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		call.thread = list[i].thread;
		check(rules, &call, list[i].expected);
	}
	vs_rules_free(rules);
}

static void a_rule_says_what_holds_it_back(void **state)
{
	(void)state;
	struct vs_rules *rules =
		parse(AB "remote=:80 family=inet6 use b\nfamily=inet local=:80 remote=:80 use host\n"
			 "type=stream use deny\n");
	struct vs_rules_call call = tcp();
	struct vs_rules_reason reason;

	assert_true(vs_rules_explain(rules, 0, &call, &reason));
	assert_int_equal(reason.answer, VS_RULES_FAILS);
	assert_string_equal(reason.condition, "family=inet6");
	assert_string_equal(reason.target, "b");
	assert_true(vs_rules_explain(rules, 1, &call, &reason));
	assert_int_equal(reason.answer, VS_RULES_LATER);
	assert_string_equal(reason.condition, "local=:80");
	assert_int_equal(reason.line, 4);
	assert_true(vs_rules_explain(rules, 2, &call, &reason));
	assert_int_equal(reason.answer, VS_RULES_HOLDS);
	assert_null(reason.condition);
	assert_false(vs_rules_explain(rules, 3, &call, &reason));
	vs_rules_free(rules);
}

static void patterns_are_those_of_the_shell(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *text;
		bool matches;
	} list[] = {
		{ "", "", true },
		{ "", "a", false },
		{ "*", "", true },
		{ "**", "abc", true },
		{ "a*", "abc", true },
		{ "*c", "abc", true },
		{ "a*b*c", "aXbXbc", true },
		{ "a*b*c", "aXbXcd", false },
		{ "?", "", false },
		{ "??", "ab", true },
		{ "[abc]", "b", true },
		{ "[!abc]", "b", false },
		{ "[a-c]x", "cx", true },
		{ "[a-c]", "d", false },
		{ "[]a]", "]", true },
		{ "[!]a]", "]", false },
		{ "[a-]", "-", true },
		{ "[[]", "[", true },
		{ "*a", "aaaaaaaab", false },
		{ "A", "a", false },
		{ "*ab", "aab", true },
	};
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (vs_rules_pattern_matches(list[i].pattern, list[i].text, false) != list[i].matches)
			fail_msg("%s and %s", list[i].pattern, list[i].text);
	assert_true(vs_rules_pattern_matches("[A-C]Z", "bz", true));
}

static void a_pattern_with_many_stars_takes_little_time(void **state)
{
	(void)state;
	char text[4096], pattern[512];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (size_t i = 0; i < sizeof(pattern) - 2; i += 2)
		memcpy(pattern + i, "*a", 2);
	memcpy(pattern + sizeof(pattern) - 2, "b", 2);
	assert_false(vs_rules_pattern_matches(pattern, text, false));
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_rule_that_holds_decides),
		cmocka_unit_test(protocol_0_is_what_the_type_means),
		cmocka_unit_test(a_destination_decides_at_connect),
		cmocka_unit_test(a_decision_is_open_only_if_another_target_is_possible),
		cmocka_unit_test(a_socket_that_cannot_move_is_decided_at_once),
		cmocka_unit_test(bind_decides_for_good_if_a_rule_on_the_local_address_holds),
		cmocka_unit_test(a_local_prefix_is_matched_by_the_address_of_bind),
		cmocka_unit_test(addresses_of_other_families_match_nothing),
		cmocka_unit_test(names_are_matched_without_case_and_final_dot),
		cmocka_unit_test(threads_are_matched_by_name),
		cmocka_unit_test(a_rule_says_what_holds_it_back),
		cmocka_unit_test(patterns_are_those_of_the_shell),
		cmocka_unit_test(a_pattern_with_many_stars_takes_little_time),
	};
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
