/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* iothnamed: what the words of its file and of its command line change. table/iothnamed.tsv lists them. */

#include "named_ground.h"

static bool said(void *piece)
{
	return strstr(tool_output(&named), piece) != NULL;
}

/* The TTL of the first authority, which is a SOA record without answers before it. */
static uint32_t soa_ttl(const struct named_answer *a)
{
	CHECK(a->records == 0 && a->authorities == 1);
	size_t at = named_skip_name(a, named_skip_name(a, 12) + 4);
	CHECK_EQ(named_16(a, at), 6);
	return named_16(a, at + 4) << 16 | named_16(a, at + 6);
}

CASE(ttls_are_those_of_the_options)
{
	named_begin(NAMED_VDESTACK, NAMED_NETS
		    "auth static all .s.test\nauth hash all .h.test fc00::\nauth otip all .o.test fc00:: pw\n"
		    "static A a.s.test 10.0.0.1\noption staticttl 9\nstatic A b.s.test 10.0.0.2\n"
		    "option hashttl 7\noption negttl 5\n");
	CHECK_EQ(named_ask("a.s.test", 1, false)->ttl, 2147483647);
	CHECK_EQ(named_ask("b.s.test", 1, false)->ttl, 9);
	CHECK_EQ(named_ask("a.h.test", 28, false)->ttl, 7);
	CHECK_EQ(named_ask("a.o.test", 28, false)->ttl, 1);
	CHECK_EQ(soa_ttl(named_ask("none.s.test", 1, false)), 5);
	CHECK_EQ(soa_ttl(named_ask("a.h.test", 1, false)), 5);
	named_end();
}

static void check_letters(const char *option, bool count)
{
	uint8_t addr[16];

	named_config(named_text(NAMED_VDESTACK, option));
	MUST(kill(named.pid, SIGHUP));
	CHECK(wait_until(said, (void *)(uintptr_t) "the new configuration is in use", SOON_MS));
	memcpy(addr, named_ask("host.h.test", 28, false)->addr, 16);
	CHECK_EQ(memcmp(addr, named_ask("HOST.h.TEST", 28, false)->addr, 16) != 0, count);
}

#define HASH_RULE NAMED_NETS "auth hash all .h.test fc00::\n"

CASE(letters_count_for_hashes_unless_hashcase_is_lower)
{
	named_begin(NAMED_VDESTACK, HASH_RULE "option hashcase lower\n");
	check_letters(HASH_RULE "option hashcase lower\n", false);
	named_stop();
	named_start(NAMED_VDESTACK, HASH_RULE);
	check_letters(HASH_RULE "option hashcase keep\n", true);
	named_end();
}

CASE(answers_are_logged_if_the_file_says_so)
{
	named_begin(NAMED_VDESTACK,
		    NAMED_NETS "auth static all .\nstatic A a.test 10.0.0.1\noption log queries\n");
	CHECK_EQ(named_ask("a.test", 1, false)->records, 1);
	CHECK(wait_until(said, (void *)(uintptr_t) "10.9.0.9 udp a.test A: NOERROR, 1 records", SOON_MS));
	CHECK_EQ(named_ask("none.test", 28, true)->rcode, 3);
	CHECK(wait_until(said, (void *)(uintptr_t) "10.9.0.9 tcp none.test AAAA: NXDOMAIN, 0 records",
			 SOON_MS));
	named_end();
}

/* Asks for a name, and then for the name of its address. The answer to the latter. */
static struct named_answer *ask_back(const char *name)
{
	char reverse[100] = "", *at = reverse;
	uint8_t addr[16];

	memcpy(addr, named_ask(name, 28, false)->addr, 16);
	for (int i = 15; i >= 0; i--)
		at += sprintf(at, "%x.%x.", addr[i] & 15, addr[i] >> 4);
	(void)strcpy(at, "ip6.arpa");
	return named_ask(reverse, 12, false);
}

#define HREV_RULES NAMED_NETS "auth hash all .h.test fc00::\nauth hrev all fc00::/64\n"

CASE(hrevmode_says_which_addresses_get_a_name)
{
	static const struct {
		const char *text;
		unsigned rcode;
	} modes[] = {
		{ HREV_RULES, 0 },
		{ HREV_RULES "option hrevmode always\n", 0 },
		{ HREV_RULES "option hrevmode same\n", 3 }, /* no client has such an address */
		{ HREV_RULES "option hrevmode net\n", 3 },
		{ HREV_RULES "option hrevmode never\n", 3 },
	};

	named_network(NAMED_VDESTACK);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		named_start(NAMED_VDESTACK, modes[i].text);
		struct named_answer *a = ask_back("a.h.test");
		if (a->rcode != modes[i].rcode || (a->rcode == 0) != (a->records == 1))
			FAIL("%s: rcode %u, %u records", modes[i].text, a->rcode, a->records);
		named_stop();
	}
	named_start(NAMED_VDESTACK, HREV_RULES);
	named_end();
}

CASE(help_and_version_are_printed)
{
	struct tool tool;

	tool_start(&tool, WORDS(NAMED_FILE, "--help"));
	CHECK_EQ(tool_wait(&tool, SOON_MS), 0);
	CHECK_CONTAINS(tool_output(&tool), "--pidfile");
	tool_start(&tool, WORDS(NAMED_FILE, "--version"));
	CHECK_EQ(tool_wait(&tool, SOON_MS), 0);
	CHECK_CONTAINS(tool_output(&tool), "iothnamed");
	tool_start(&tool, WORDS(NAMED_FILE, "-v"));
	CHECK_EQ(WEXITSTATUS(tool_wait(&tool, SOON_MS)), 1); /* there is no file */
}

#define OTIP_RULE NAMED_NETS "auth otip all .o.test fc00:: "

/* The address with the password of the rule, and then with that of the file. False: they differ. */
static bool same_address(const char *with_file)
{
	uint8_t addr[16];

	named_start(NAMED_VDESTACK, OTIP_RULE "'my password'\n");
	memcpy(addr, named_ask("host.o.test", 28, false)->addr, 16);
	named_stop();
	named_start(NAMED_VDESTACK, with_file);
	struct named_answer *a = named_ask("host.o.test", 28, false);
	CHECK_EQ(a->records, 1);
	return memcmp(addr, a->addr, 16) == 0;
}

CASE(a_password_file_gives_the_same_addresses)
{
	char text[1000], path[256];
	struct tool tool;
	FILE *f = fopen(case_path("secret"), "we");

	CHECK(f != NULL && fputs("my password\nmore\n", f) >= 0 && fclose(f) == 0);
	(void)snprintf(path, sizeof(path), "%s", case_path("secret"));
	(void)snprintf(text, sizeof(text), "%spasswdfile %s\n", OTIP_RULE, path);
	named_network(NAMED_VDESTACK);
	for (int i = 0; !same_address(text); i++) { /* a period may end between the two */
		CHECK(i < 3);
		named_stop();
	}
	MUST(unlink(path));
	MUST(kill(named.pid, SIGHUP));
	CHECK(wait_until(said, (void *)(uintptr_t) "cannot read a password from", SOON_MS));
	CHECK(wait_until(said, (void *)(uintptr_t) "the old configuration stays in use", SOON_MS));
	CHECK_EQ(named_ask("host.o.test", 28, false)->records, 1);
	named_end();
	tool_start(&tool, WORDS(NAMED_FILE, case_path("named.conf")));
	CHECK_EQ(WEXITSTATUS(tool_wait(&tool, SOON_MS)), 1);
}
