/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The text of rules: what is refused, where and why, and what the rest is read as. */

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules/rules.h"
#include "unit.h"

static char message[512];

static struct vs_rules *parse(const char *text)
{
	struct vs_rules *rules = NULL;

	if (vs_rules_parse(text, strlen(text), "f", &rules, message, sizeof(message)) != 0)
		fail_msg("refused: %s", message);
	return rules;
}

struct refusal {
	const char *text, *place, *says;
};

static void check_refused(const struct refusal *r)
{
	struct vs_rules *rules = NULL;
	int result = vs_rules_parse(r->text, strlen(r->text), "f", &rules, message, sizeof(message));

	if (result != -EINVAL)
		fail_msg("\"%s\" returned %d", r->text, result);
	assert_null(rules);
	if (strncmp(message, r->place, strlen(r->place)) != 0 || strstr(message, r->says) == NULL)
		fail_msg("\"%s\": the message\n  %s\nis not at\n  %s\nor does not contain\n  %s", r->text,
			 message, r->place, r->says);
	if (strchr(message, ';') == NULL)
		fail_msg("no remedy: %s", message);
}

#define CHECK_REFUSALS(list)                                                                                 \
	for (size_t i = 0; i < sizeof(list) / sizeof((list)[0]); i++)                                        \
		check_refused(&(list)[i]);

#define A "stack a vnl=none\n"

static void words_that_are_not_known_are_refused_at_their_place(void **state)
{
	(void)state;
	static const struct refusal list[] = {
		{ "", "f:1:1: ", "neither a stack nor a default" },
		{ "# nothing\n\n", "f:1:1: ", "neither a stack nor a default" },
		{ "lcal=:80 use a", "f:1:1: ", "unknown word \"lcal=:80\"" },
		{ A "  Stack b\n", "f:2:3: ", "unknown word \"Stack\"" },
		{ A "family=inet type=\x01 use a", "f:2:18: ", "\"?\" is no type" },
		{ A "family=inet use", "f:2:16: ", "the target is missing" },
		{ A "family=inet use # a", "f:2:17: ", "the target is missing" },
		{ A "family=inet", "f:2:12: ", "no target" },
		{ A "family=inet use a b", "f:2:19: ", "\"b\" stands behind the target" },
		{ A "use a", "f:2:1: ", "no condition" },
		{ A "family=inet use b", "f:2:17: ", "no stack \"b\"" },
		{ A "default b", "f:2:9: ", "no stack \"b\"" },
		{ A "default", "f:2:8: ", "the target is missing" },
		{ A "thread=\"x use a", "f:2:8: ", "no second \"" },
		{ A "default \"x", "f:2:9: ", "no second \"" },
		{ "stack \"x", "f:1:7: ", "no second \"" },
		{ "\"x", "f:1:1: ", "no second \"" },
		{ A "family=inet use a \"", "f:2:19: ", "no second \"" },
		{ A "family=inet family=inet use a", "f:2:13: ", "a second family=" },
	};
	CHECK_REFUSALS(list);
}

static void values_that_mean_nothing_are_refused_at_their_place(void **state)
{
	(void)state;
	static const struct refusal list[] = {
		{ A "family=unix use a", "f:2:8: ", "no family" },
		{ A "type=tcp use a", "f:2:6: ", "no type" },
		{ A "protocol=0 use a", "f:2:10: ", "no protocol" },
		{ A "protocol=256 use a", "f:2:10: ", "no protocol" },
		{ A "protocol=6x use a", "f:2:10: ", "no protocol" },
		{ A "protocol=99999999999 use a", "f:2:10: ", "no protocol" },
		{ A "thread= use a", "f:2:8: ", "nothing follows" },
		{ A "thread=a-name-with-16-b use a", "f:2:8: ", "at most 15 bytes" },
		{ A "name=x[a use a", "f:2:7: ", "no ]" },
		{ A "name=[] use a", "f:2:6: ", "no ]" },
		{ A "local= use a", "f:2:7: ", "nothing follows" },
		{ A "local=10.0.0 use a", "f:2:7: ", "no address" },
		{ A "remote=www.example.org:443 use a", "f:2:8: ", "name=" },
		{ A "remote=*:443 use a", "f:2:8: ", "only :PORT" },
		{ A "remote=10.0.0.0/33 use a", "f:2:17: ", "from 0 to 32" },
		{ A "remote=10.0.0.0/ use a", "f:2:17: ", "from 0 to 32" },
		{ A "remote=10.1.0.0/8 use a", "f:2:8: ", "write 10.0.0.0/8" },
		{ A "remote=[2001:db8::1/64]:80 use a", "f:2:9: ", "write 2001:db8::/64" },
		{ A "remote=[::ffff:10.0.0.0/104] use a", "f:2:9: ", "write 10.0.0.0/8" },
		{ A "remote=[2001:db8:: use a", "f:2:8: ", "brackets" },
		{ A "remote=[2001:db8::]/32 use a", "f:2:20: ", "brackets" },
		{ A "remote=:0 use a", "f:2:9: ", "from 1 to 65535" },
		{ A "remote=:65536 use a", "f:2:9: ", "from 1 to 65535" },
		{ A "remote=:80-79 use a", "f:2:9: ", "from 1 to 65535" },
		{ A "remote=:80- use a", "f:2:9: ", "from 1 to 65535" },
		{ A "remote=: use a", "f:2:9: ", "from 1 to 65535" },
		{ A "remote=10.0.0.1:80x use a", "f:2:17: ", "from 1 to 65535" },
		{ A "remote=[::1]:http use a", "f:2:14: ", "from 1 to 65535" },
	};
	CHECK_REFUSALS(list);
}

static void stacks_and_defaults_are_checked(void **state)
{
	(void)state;
	static const struct refusal list[] = {
		{ "stack", "f:1:6: ", "the name of the stack is missing" },
		{ "stack host vnl=none", "f:1:7: ", "cannot be the name" },
		{ "stack deny vnl=none", "f:1:7: ", "cannot be the name" },
		{ "stack a/b vnl=none", "f:1:7: ", "cannot be the name" },
		{ "stack \"\" vnl=none", "f:1:7: ", "cannot be the name" },
		{ "stack -a vnl=none", "f:1:7: ", "cannot be the name" },
		{ A "stack b\nstack a x", "f:3:7: ", "line 1 has a stack \"a\"" },
		{ A "default a\ndefault a", "f:3:1: ", "line 2 has a default" },
		{ A "default a\nfamily=inet use a", "f:3:1: ", "behind the default of line 2" },
	};
	CHECK_REFUSALS(list);
}

static void rules_that_cannot_be_kept_are_refused_with_the_reason(void **state)
{
	(void)state;
	static const struct refusal list[] = {
		{ A "remote=10.0.0.0/8 type=raw use a",
		  "f:2:19: ", "\"remote=10.0.0.0/8\" is known only after" },
		{ A "type=raw name=x use a", "f:2:1: ", "\"name=x\" is known only after" },
		{ A "family=packet local=:1 use a", "f:2:1: ", "cannot move" },
		{ A "family=netlink remote=:1 use a", "f:2:1: ", "cannot move" },
		{ A "protocol=sctp local=:80 use a", "f:2:1: ", "cannot move" },
		{ A "protocol=136 local=:80 use a", "f:2:1: ", "cannot move" },
		{ A "type=seqpacket local=:80 use a", "f:2:1: ", "cannot move" },
	};
	CHECK_REFUSALS(list);
}

static void rules_that_never_hold_are_refused(void **state)
{
	(void)state;
	static const struct refusal list[] = {
		{ A "family=packet type=stream use a", "f:2:15: ", "no socket has \"type=stream\"" },
		{ A "protocol=tcp type=dgram use a", "f:2:14: ", "no socket has \"type=dgram\"" },
		{ A "family=inet6 protocol=icmp use a", "f:2:14: ", "no socket has" },
		{ A "family=inet protocol=icmpv6 use a", "f:2:13: ", "no socket has" },
		{ A "family=netlink protocol=tcp use a", "f:2:16: ", "no socket has" },
		{ A "protocol=udp type=seqpacket use a", "f:2:14: ", "no socket has" },
		{ A "type=raw protocol=mptcp use a", "f:2:10: ", "no socket has" },
		{ A "name=a\033?*\a\377 protocol=222 use a", "f:2:13: ", "cannot be kept: \"name=a??*??\"" },
		{ A "family=inet local=[::1] use a", "f:2:13: ", "two rules" },
		{ A "remote=[::1] family=inet use a", "f:2:1: ", "two rules" },
		{ A "local=10.0.0.1 remote=[2001:db8::]/1 use a", "f:2:35: ", "brackets" },
		{ A "local=10.0.0.1 remote=2001:db8:: use a", "f:2:16: ", "two rules" },
	};
	CHECK_REFUSALS(list);
}

static void a_rule_that_an_earlier_one_hides_is_refused(void **state)
{
	(void)state;
	static const struct refusal list[] = {
		{ A "family=inet use a\nfamily=inet type=raw use host",
		  "f:3:1: ", "line 2 holds whenever it does" },
		{ A "remote=10.0.0.0/8 use a\nremote=10.1.0.0/16:80 use host", "f:3:1: ", "line 2" },
		{ A "remote=:1-100 use a\nremote=[2001:db8::1]:7-9 thread=x use host", "f:3:1: ", "line 2" },
		{ A "thread=* use a\n\nthread=x family=inet use host", "f:4:1: ", "line 2" },
		{ A "name=WWW.x use a\nname=www.X use host", "f:3:1: ", "line 2" },
	};
	CHECK_REFUSALS(list);
	vs_rules_free(parse(A "remote=10.1.0.0/16 use a\nremote=10.0.0.0/8 use host\nremote=:80 use deny\n"
			      "remote=11.0.0.0/8:81 local=:1 thread=x use a\n"));
}

static void a_nul_byte_and_too_long_a_text_are_refused(void **state)
{
	(void)state;
	static const char text[] = "stack a vnl=none\nfam\0ly=inet use a";
	struct vs_rules *rules = NULL;
	size_t big = (1 << 20) + 1;
	char *long_text = malloc(big);

	assert_int_equal(vs_rules_parse(text, sizeof(text) - 1, "f", &rules, message, sizeof(message)),
			 -EINVAL);
	assert_memory_equal(message, "f:2:4: a NUL byte", 17);
	assert_non_null(long_text);
	memset(long_text, '#', big);
	assert_int_equal(vs_rules_parse(long_text, big, "f", &rules, message, sizeof(message)), -EINVAL);
	assert_non_null(strstr(message, "bytes"));
	assert_null(rules);
	free(long_text);
}

/* A stack, then n lines with a number. */
static char *repeat(const char *before, const char *behind, unsigned n)
{
	size_t size = n * 64ul + 64, at = 0;
	char *text = malloc(size);

	assert_non_null(text);
	at += (size_t)snprintf(text, size, "stack a\n");
	for (unsigned i = 0; i < n; i++)
		at += (size_t)snprintf(text + at, size - at, "%s%u%s\n", before, i + 1, behind);
	return text;
}

static void there_is_a_limit_of_rules_and_of_stacks(void **state)
{
	(void)state;
	char *rules_text = repeat("local=:", " use a", 4097), *stacks_text = repeat("stack s", "", 256);
	const struct refusal too_many_rules = { rules_text, "f:4098:1: ", "more than 4096 rules" };
	const struct refusal too_many_stacks = { stacks_text, "f:257:7: ", "more than 256 stacks" };

	check_refused(&too_many_rules);
	check_refused(&too_many_stacks);
	free(rules_text);
	free(stacks_text);
	rules_text = repeat("local=:", " use a", 4096);
	vs_rules_free(parse(rules_text));
	free(rules_text);
}

static void the_configuration_of_a_stack_is_the_rest_of_its_line(void **state)
{
	(void)state;
	struct vs_rules *rules = parse("\tstack a  vnl=\"x y\" # z \t\r\nstack b\r\nstack c\n# stack d\n"
				       "family=inet use c\n");
	unsigned line, column;

	assert_int_equal(vs_rules_n_stacks(rules), 3);
	assert_string_equal(vs_rules_stack_name(rules, 0), "a");
	assert_string_equal(vs_rules_stack_config(rules, 0), "vnl=\"x y\" # z");
	assert_string_equal(vs_rules_stack_name(rules, 1), "b");
	assert_string_equal(vs_rules_stack_config(rules, 1), "");
	vs_rules_stack_place(rules, 0, &line, &column);
	assert_int_equal(line, 1);
	assert_int_equal(column, 11);
	assert_true(vs_rules_stack_used(rules, 0));
	assert_false(vs_rules_stack_used(rules, 1));
	assert_true(vs_rules_stack_used(rules, 2));
	vs_rules_free(rules);
}

static void what_calls_the_rules_depend_on_is_known(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		unsigned needs;
	} list[] = {
		{ A, 0 },
		{ A "family=inet type=raw protocol=icmp use host", 0 },
		{ A "local=:80 use host", VS_RULES_NEED_BIND },
		{ A "remote=:80 use host", VS_RULES_NEED_CONNECT },
		{ A "name=x use host", VS_RULES_NEED_CONNECT | VS_RULES_NEED_NAMES },
		{ A "local=:80 thread=x use host", VS_RULES_NEED_BIND | VS_RULES_NEED_THREAD },
	};
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct vs_rules *rules = parse(list[i].text);
		assert_int_equal(vs_rules_needs(rules), list[i].needs);
		vs_rules_free(rules);
	}
}

static void quotes_keep_blanks_in_a_word(void **state)
{
	(void)state;
	struct vs_rules *rules =
		parse(A "thread=\"my worker\" use host\nthread=a\"b c\"d\"\" use \"host\"\n");
	const struct vs_rules_call call = { .family = AF_INET, .type = SOCK_STREAM, .thread = "my worker" };
	const struct vs_rules_call other = { .family = AF_INET, .type = SOCK_STREAM, .thread = "ab cd" };

	assert_int_equal(vs_rules_decide(rules, &call).line, 2);
	assert_int_equal(vs_rules_decide(rules, &other).line, 3);
	vs_rules_free(rules);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_that_are_not_known_are_refused_at_their_place),
		cmocka_unit_test(values_that_mean_nothing_are_refused_at_their_place),
		cmocka_unit_test(stacks_and_defaults_are_checked),
		cmocka_unit_test(rules_that_cannot_be_kept_are_refused_with_the_reason),
		cmocka_unit_test(rules_that_never_hold_are_refused),
		cmocka_unit_test(a_rule_that_an_earlier_one_hides_is_refused),
		cmocka_unit_test(a_nul_byte_and_too_long_a_text_are_refused),
		cmocka_unit_test(there_is_a_limit_of_rules_and_of_stacks),
		cmocka_unit_test(the_configuration_of_a_stack_is_the_rest_of_its_line),
		cmocka_unit_test(what_calls_the_rules_depend_on_is_known),
		cmocka_unit_test(quotes_keep_blanks_in_a_word),
	};
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
