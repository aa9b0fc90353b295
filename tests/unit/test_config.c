/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The configuration string: for every rule of docs/configuration.md, strings that keep it and strings that
 * break it.
 *
 * Link with -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup,--wrap=free and with
 * the sources under test themselves (a shared library would keep its own malloc): the last
 * tests make each allocation fail in turn and count what is not freed.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/error.h"
#include "config/addr_text.h"
#include "config/config.h"
#include "config/words.h"
#include "config_case.h"
#include "core/configuration.h"
#include <vdestack.h>

/* ------------------------------------------------------------------ counted allocations */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *text);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *text);
void __wrap_free(void *p);

static long live;          /* blocks allocated and not freed */
static long until_failure; /* this many allocations succeed, then one fails; < 0: none fails */

static bool fails_now(void)
{
	return until_failure >= 0 && until_failure-- == 0;
}

static void *counted(void *p)
{
	live += p != NULL;
	return p;
}

void *__wrap_malloc(size_t size)
{
	return fails_now() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails_now() ? NULL : counted(__real_calloc(n, size));
}

void *__wrap_realloc(void *p, size_t size)
{
	if (fails_now())
		return NULL;
	void *moved = __real_realloc(p, size);
	live += p == NULL && moved != NULL;
	return moved;
}

char *__wrap_strdup(const char *text)
{
	return fails_now() ? NULL : counted(__real_strdup(text));
}

void __wrap_free(void *p)
{
	live -= p != NULL;
	__real_free(p);
}

/* ------------------------------------------------------------------ words */

struct split {
	const char *text;
	size_t n;
	struct {
		const char *text;
		size_t position;
	} words[5];
};

static void check_split(const struct split *s)
{
	struct vs_words words;

	if (vs_words_split(s->text, &error, &words) != 0)
		fail_msg("\"%s\" was refused: %s", s->text, error.text);
	if (words.n != s->n)
		fail_msg("\"%s\" has %zu words, not %zu", s->text, words.n, s->n);
	for (size_t i = 0; i < s->n; i++) {
		assert_string_equal(words.list[i].text, s->words[i].text);
		assert_int_equal(words.list[i].position, s->words[i].position);
	}
	vs_words_free(&words);
}

static void check_splits(const struct split *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_split(&list[i]);
}

static void separators_split_words(void **state)
{
	static const struct split list[] = {
		{ "", 0, { { NULL, 0 } } },
		{ " \t\n;,", 0, { { NULL, 0 } } },
		{ "a", 1, { { "a", 1 } } },
		{ "a b\tc\nd;e", 5, { { "a", 1 }, { "b", 3 }, { "c", 5 }, { "d", 7 }, { "e", 9 } } },
		{ "a,b", 2, { { "a", 1 }, { "b", 3 } } },
		{ " ;,a, ;\n\tb,, ", 2, { { "a", 4 }, { "b", 10 } } },
		{ "a\rb", 1, { { "a\rb", 1 } } },
		{ "\xc3\xa9 b", 2, { { "\xc3\xa9", 1 }, { "b", 4 } } },
	};

	(void)state;
	check_splits(list, sizeof(list) / sizeof(list[0]));
}

static void quotes_keep_separators(void **state)
{
	static const struct split list[] = {
		{ "vnl='a b' c", 2, { { "vnl=a b", 1 }, { "c", 11 } } },
		{ "'a'\"b\"\\ c d", 2, { { "ab c", 1 }, { "d", 11 } } },
		{ "'a\\b\"c'", 1, { { "a\\b\"c", 1 } } },
		{ "\"a\\\"b\\\\c\\d'e\"", 1, { { "a\"b\\cd'e", 1 } } },
		{ "a\\;b\\,c\\\\", 1, { { "a;b,c\\", 1 } } },
		{ "a\\\nb", 1, { { "a\nb", 1 } } },
		{ "'a\nb,;#'", 1, { { "a\nb,;#", 1 } } },
		{ "'' \"\" x", 3, { { "", 1 }, { "", 4 }, { "x", 7 } } },
	};

	(void)state;
	check_splits(list, sizeof(list) / sizeof(list[0]));
}

static void comments_run_to_the_end_of_the_line(void **state)
{
	static const struct split list[] = {
		{ "# nothing", 0, { { NULL, 0 } } },
		{ "a # b ; c, 'd\nb", 2, { { "a", 1 }, { "b", 15 } } },
		{ "a;#b\n#c\n d", 2, { { "a", 1 }, { "d", 10 } } },
		{ "a#b c", 2, { { "a#b", 1 }, { "c", 5 } } },
		{ "'#a' \\#b ''#c", 3, { { "#a", 1 }, { "#b", 6 }, { "#c", 10 } } },
	};

	(void)state;
	check_splits(list, sizeof(list) / sizeof(list[0]));
}

static void unfinished_quotes_are_refused(void **state)
{
	static const struct refusal list[] = {
		{ "vnl='a b", EINVAL, "vnl=a b", 1, "no second ' closes the one at position 5;" },
		{ "eth vnl=\"a b", EINVAL, "vnl=a b", 5, "no second \" closes the one at position 9;" },
		{ "eth vnl=\"a\\\"", EINVAL, "vnl=a\"", 5, "no second \" closes the one at position 9;" },
		{ "vnl=\"a\\", EINVAL, "vnl=a\\", 1, "no second \" closes the one at position 5;" },
		{ "vnl=a\\", EINVAL, "vnl=a", 1, "nothing follows the backslash at position 6;" },
		{ "'", EINVAL, "", 1, "no second ' closes the one at position 1;" },
	};

	(void)state;
	CHECK_REFUSALS(list);
}

static void oversized_strings_are_refused(void **state)
{
	struct vs_config *config = NULL;
	char *text = long_text("", ' ', VS_CONFIG_TEXT_MAX);
	char *longer = long_text("", ' ', VS_CONFIG_TEXT_MAX + 1);

	(void)state;
	vs_config_free(parse(text));
	assert_int_equal(vs_config_parse(longer, NULL, NULL, &error, &config), -E2BIG);
	assert_non_null(strstr(error.text, "longer than 65536 bytes"));
	assert_null(config);
	free(longer);
	free(text);
}

static void too_many_words_are_refused(void **state)
{
	struct vs_words words;
	char *text = long_text("", 'a', 2 * VS_CONFIG_WORDS_MAX + 1);

	(void)state;
	for (size_t i = 1; i < 2 * VS_CONFIG_WORDS_MAX; i += 2)
		text[i] = ' ';
	assert_int_equal(vs_words_split(text, &error, &words), -E2BIG);
	assert_non_null(strstr(error.text, "more than 4096 words, at position 8193"));
	text[2 * VS_CONFIG_WORDS_MAX] = '\0';
	assert_int_equal(vs_words_split(text, &error, &words), 0);
	assert_int_equal(words.n, VS_CONFIG_WORDS_MAX);
	vs_words_free(&words);
	free(text);
}

/* ------------------------------------------------------------------ sections and names */

static void an_empty_string_has_no_interfaces(void **state)
{
	static const char *const list[] = { NULL, "", " \n", "# only a comment", "vnl=none", "vnl=" };

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct vs_config *config = parse(list[i]);
		assert_int_equal(config->n_ifaces, 0);
		vs_config_free(config);
	}
	vs_config_free(NULL);
}

static bool taken_vde0_and_eth7(void *arg, const char *name)
{
	(*(int *)arg)++;
	return strcmp(name, "vde0") == 0 || strcmp(name, "eth7") == 0;
}

static bool taken_always(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return true;
}

struct naming {
	const char *text;
	bool some_taken; /* vde0 and eth7 */
	size_t n;
	const char *names[4];
	const char *vnls[4];
};

static void interfaces_get_their_names(void **state)
{
	static const struct naming list[] = {
		{ "vnl=a", false, 1, { "vde0" }, { "a" } },
		{ "eth ip=10.0.0.1/24 vnl=a", false, 1, { "vde0" }, { "a" } },
		{ "iface=eth0 vnl=a", false, 1, { "eth0" }, { "a" } },
		{ "vnl=a vnl=b vnl=c", false, 3, { "vde0", "vde1", "vde2" }, { "a", "b", "c" } },
		{ "iface=x vnl=a vnl=b", false, 2, { "x", "vde0" }, { "a", "b" } },
		{ "vnl=a iface=x vnl=b", false, 2, { "vde0", "x" }, { "a", "b" } },
		{ "vnl=a vnl=b iface=vde0 vnl=c", false, 3, { "vde1", "vde2", "vde0" }, { "a", "b", "c" } },
		{ "vnl=a vnl=b iface=vde1 vnl=c", false, 3, { "vde0", "vde2", "vde1" }, { "a", "b", "c" } },
		{ "vnl=none vnl=b", false, 1, { "vde0" }, { "b" } },
		{ "vnl=a vnl= vnl=c", false, 2, { "vde0", "vde1" }, { "a", "c" } },
		{ "iface=vde0 vnl=none vnl=b", false, 1, { "vde1" }, { "b" } },
		{ "eth vnl=none", false, 0, { NULL }, { NULL } },
		{ "vnl=a vnl=b", true, 2, { "vde1", "vde2" }, { "a", "b" } },
		{ "iface=vde1 vnl=a vnl=b", true, 2, { "vde1", "vde2" }, { "a", "b" } },
		{ "iface=exactly15bytes_ vnl=a", false, 1, { "exactly15bytes_" }, { "a" } },
		{ "iface='q\"u#' vnl=a", false, 1, { "q\"u#" }, { "a" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		const struct naming *naming = &list[i];
		struct vs_config *config = NULL;
		int calls = 0;
		if (vs_config_parse(naming->text, naming->some_taken ? taken_vde0_and_eth7 : NULL, &calls,
				    &error, &config) != 0)
			fail_msg("\"%s\" was refused: %s", naming->text, error.text);
		assert_int_equal(config->n_ifaces, naming->n);
		for (size_t j = 0; j < naming->n; j++) {
			assert_string_equal(config->ifaces[j].name, naming->names[j]);
			assert_string_equal(config->ifaces[j].vnl, naming->vnls[j]);
		}
		vs_config_free(config);
	}
}

static void bad_interface_names_are_refused(void **state)
{
	static const struct refusal list[] = {
		{ "iface=lo vnl=a", EINVAL, "iface=lo", 1, "not a name" },
		{ "iface=all vnl=a", EINVAL, "iface=all", 1, "other than lo, all and default" },
		{ "iface=default vnl=a", EINVAL, "iface=default", 1, "not a name" },
		{ " iface=. vnl=a", EINVAL, "iface=.", 2, "not a name" },
		{ "iface=.. vnl=a", EINVAL, "iface=..", 1, "not a name" },
		{ "iface=a/b vnl=a", EINVAL, "iface=a/b", 1, "'/'" },
		{ "iface=a:b vnl=a", EINVAL, "iface=a:b", 1, "':'" },
		{ "iface=a%d vnl=a", EINVAL, "iface=a%d", 1, "'%'" },
		{ "iface='a b' vnl=a", EINVAL, "iface=a b", 1, "white space" },
		{ "iface=a\x01 vnl=a", EINVAL, "iface=a?", 1, "ASCII" },
		{ "iface=a\x7f vnl=a", EINVAL, "iface=a?", 1, "ASCII" },
		{ "iface=\xc3\xa9 vnl=a", EINVAL, "iface=??", 1, "ASCII" },
		{ "iface=sixteen_bytes_xx vnl=a", EINVAL, "iface=sixteen_bytes_xx", 1, "1 to 15" },
		{ "iface=x vnl=a iface=x vnl=b", EINVAL, "iface=x", 15, "already; choose another" },
		{ "iface=x vnl=none iface=x vnl=b", EINVAL, "iface=x", 18, "already; choose another" },
	};

	(void)state;
	CHECK_REFUSALS(list);
}

static void taken_names_are_refused(void **state)
{
	static const struct refusal given = { "vnl=a iface=eth7 vnl=b", EEXIST, "iface=eth7", 7,
					      "the stack has" };
	static const struct refusal made = { "eth vnl=a", EINVAL, "eth", 1, "from vde0 to vde65535" };
	int calls = 0;

	(void)state;
	check_refused(&given, taken_vde0_and_eth7, &calls);
	assert_true(calls > 0);
	check_refused(&made, taken_always, NULL);
}

static void interfaces_without_vnl_are_refused(void **state)
{
	static const struct refusal list[] = {
		{ "iface=eth0", EINVAL, "iface=eth0", 1, "interface eth0 has no vnl=" },
		{ "ip=10.0.0.1/24", EINVAL, "ip=10.0.0.1/24", 1, "interface vde0 has no vnl=" },
		{ "eth", EINVAL, "eth", 1, "interface vde0 has no vnl=" },
		{ "eth iface=x vnl=a", EINVAL, "eth", 1, "interface vde0 has no vnl=" },
		{ "vnl=a iface=x mtu=1500", EINVAL, "iface=x", 7, "interface x has no vnl=" },
		{ "iface=x iface=y vnl=a", EINVAL, "iface=x", 1, "interface x has no vnl=" },
	};

	(void)state;
	CHECK_REFUSALS(list);
}

static void sections_without_a_network_carry_nothing(void **state)
{
	static const struct refusal list[] = {
		{ "vnl=none ip=10.0.0.1/24", EINVAL, "ip=10.0.0.1/24", 10, "no interface is made" },
		{ "ip=10.0.0.1/24 vnl=none", EINVAL, "ip=10.0.0.1/24", 1, "vnl= at position 16" },
		{ "vnl= mac=02:00:00:00:00:01", EINVAL, "mac=02:00:00:00:00:01", 6, "no interface is made" },
		{ "vnl= macaddr=02:00:00:00:00:01", EINVAL, "macaddr=02:00:00:00:00:01", 6,
		  "no interface is made" },
		{ "vnl= mtu=1500", EINVAL, "mtu=1500", 6, "no interface is made" },
		{ "vnl= eth gw=10.0.0.1", EINVAL, "gw=10.0.0.1", 10, "no interface is made" },
		{ "vnl= eth nodad", EINVAL, "nodad", 10, "no interface is made" },
		{ "vnl= route=10.0.0.0/8", EINVAL, "route=10.0.0.0/8", 6, "no interface is made" },
		{ "vnl=a vnl=none mtu=1500", EINVAL, "mtu=1500", 16, "vnl= at position 7" },
	};

	(void)state;
	CHECK_REFUSALS(list);
}

/* ------------------------------------------------------------------ words as such */

static void reserved_words_are_not_available_yet(void **state)
{
	static const char *const list[] = { "debug", "debug=2", "stack=kernel", "stack", "ifindex=3" };
	char text[64];
	char says[64];

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		(void)snprintf(text, sizeof(text), "vnl=a eth %s", list[i]);
		(void)snprintf(says, sizeof(says), "%.*s is not available yet", (int)strcspn(list[i], "="),
			       list[i]);
		const struct refusal refusal = { text, ENOTSUP, list[i], 11, says };
		check_refused(&refusal, NULL, NULL);
	}
}

static void unknown_words_are_refused(void **state)
{
	static const struct refusal list[] = {
		{ "vnl=a foo", EINVAL, "foo", 7, "unknown word" },
		{ "vnl=a ETH", EINVAL, "ETH", 7, "unknown word" },
		{ "vnl=a IP=10.0.0.1/24", EINVAL, "IP=10.0.0.1/24", 7, "unknown word" },
		{ "vnl=a ipx=1", EINVAL, "ipx=1", 7, "unknown word" },
		{ "vnl=a i=1", EINVAL, "i=1", 7, "unknown word" },
		{ "vnl=a macaddress=02:00:00:00:00:01", EINVAL, "macaddress=02:00:00:00:00:01", 7,
		  "unknown word" },
		{ "vnl=a dhcp6x", EINVAL, "dhcp6x", 7, "unknown word" },
		{ "vnl=a -", EINVAL, "-", 7, "unknown word" },
		{ "vnl=a -vnl", EINVAL, "-vnl", 7, "unknown word" },
		{ "vnl=a =b", EINVAL, "=b", 7, "unknown word" },
		{ "vnl=a ''", EINVAL, "", 7, "unknown word" },
		{ "vnl=udp://1,2", EINVAL, "2", 13, "needs quotes" },
		{ "vnl=a ip\xc3\xa9=1", EINVAL,
		  "ip?"
		  "?=1",
		  7, "unknown word" },
		{ "vnl=a 'x\ny'", EINVAL, "x?y", 7, "unknown word" },
	};

	(void)state;
	CHECK_REFUSALS(list);
}

static void values_are_stored_in_their_fields(void **state)
{
	static const struct refusal list[] = {
		{ "vnl=a eth=1", EINVAL, "eth=1", 7, "takes no value; write eth" },
		{ "vnl=a eth=", EINVAL, "eth=", 7, "takes no value" },
		{ "vnl=a nodad=1", EINVAL, "nodad=1", 7, "takes no value; write nodad" },
		{ "vnl", EINVAL, "vnl", 1, "needs '=' and a value" },
		{ "vnl=a ip", EINVAL, "ip", 7, "needs '='" },
		{ "vnl=a iface", EINVAL, "iface", 7, "needs '='" },
		{ "vnl=a mac", EINVAL, "mac", 7, "needs '='" },
		{ "vnl=a iface=", EINVAL, "iface=", 7, "value is missing; write one like iface=eth0" },
		{ "vnl=a ip=", EINVAL, "ip=", 7, "value is missing" },
		{ "vnl=a ip=''", EINVAL, "ip=", 7, "value is missing" },
		{ "vnl=a gw=", EINVAL, "gw=", 7, "value is missing" },
		{ "vnl=a route=", EINVAL, "route=", 7, "value is missing" },
		{ "vnl=a mac=", EINVAL, "mac=", 7, "value is missing" },
		{ "vnl=a macaddr=", EINVAL, "macaddr=", 7, "value is missing" },
		{ "vnl=a mtu=", EINVAL, "mtu=", 7, "value is missing" },
	};

	(void)state;
	CHECK_REFUSALS(list);
}

static void messages_shorten_long_words(void **state)
{
	char *sixty = long_text("vnl=a ", 'x', 60);
	char *longer = long_text("vnl=a ", 'x', 61);
	const struct refusal whole = { sixty, EINVAL,
				       "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 7,
				       "unknown" };
	const struct refusal cut = { longer, EINVAL,
				     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...", 7,
				     "unknown" };

	(void)state;
	check_refused(&whole, NULL, NULL);
	check_refused(&cut, NULL, NULL);
	free(longer);
	free(sixty);
}

/* ------------------------------------------------------------------ memory */

/* Makes the k-th allocation of parsing text fail, for every k. Returns how many there are. */
static long walk_failures(const char *text, int final_result)
{
	for (long k = 0;; k++) {
		struct vs_config *config = NULL;
		long before = live;
		until_failure = k;
		int result = vs_config_parse(text, NULL, NULL, &error, &config);
		bool reached = until_failure < 0;
		until_failure = -1;
		if (!reached) {
			assert_int_equal(result, final_result);
			vs_config_free(config);
		} else {
			assert_int_equal(result, -ENOMEM);
			assert_null(config);
			assert_int_equal(error.err, ENOMEM);
			assert_string_equal(error.text, "");
		}
		assert_int_equal(live, before);
		if (!reached)
			return k;
	}
}

static void every_failed_allocation_is_survived(void **state)
{
	static const char rich[] =
		"vnl=none iface=eth0 vnl='a b' ip=10.0.0.1 ip=10.0.0.2 ip=fc00::1 gw=10.0.0.3 gw=fc00::2 "
		"route=10.1.0.0/16 vnl=b vnl=inproc://c mtu=9000 ip=10.0.0.9";

	(void)state;
	/* words and their store; space for 1, 2, 4 sections, addresses and routes, and for another
	 * address; three locators; the result and its interfaces */
	assert_int_equal(walk_failures(rich, 0), 2 + (3 + 3 + 3 + 1) + 3 + 2);
	assert_int_equal(walk_failures("", 0), 3);
}

/* What the library's calls make of the parser's error. */
static void the_error_becomes_the_message_of_the_call(void **state)
{
	struct vs_config *config = NULL;

	(void)state;
	assert_int_equal(vs_configuration_read("vnl=a vnl='inproc://'", 0, NULL, NULL, &config), -EINVAL);
	assert_string_equal(vs_message(),
			    "configuration word \"vnl=inproc://\" at position 7: not a name for a "
			    "segment; write inproc:// and 1 to 64 printable ASCII characters without '/'");
	until_failure = 0;
	assert_int_equal(vs_configuration_read("vnl=a", 0, NULL, NULL, &config), -ENOMEM);
	assert_non_null(strstr(vs_message(), "cannot read the configuration: out of memory"));
	assert_null(config);
	assert_int_equal(vs_configuration_read("vnl=a vnl='=x' vnl=inproc://b", 0, NULL, NULL, &config), 0);
	assert_int_equal(vs_configuration_check_locators(config), 0);
	vs_config_free(config);
	config = NULL;
	assert_int_equal(vs_configuration_read("vnl=a vnl=vlan://3{cmd://x}", 0, NULL, NULL, &config), 0);
	assert_int_equal(vs_configuration_check_locators(config), -ENOTSUP);
	assert_non_null(
		strstr(vs_message(), "cannot plug interface vde1 into \"vlan://3{cmd://x}\": the keeper"));
	vs_config_free(config);
}

static void refused_strings_leave_nothing_behind(void **state)
{
	static const char *const list[] = {
		"vnl=a ip=10.0.0.1 gw=10.0.0.2 vnl=b ip=10.0.0.3/99",
		"vnl=a ip=10.0.0.1 'x",
		"vnl=a vnl=b iface=x",
		"vnl=a ip=fc00::1 mtu=1000",
		"vnl=a iface=x vnl=none mtu=1500",
		"vnl=a iface=lo",
		"leases=/x vnl=a dns=10.0.0.1 fqdn=a.b vnl=b domain=.",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		assert_true(walk_failures(list[i], -EINVAL) > 0);
	assert_true(walk_failures("vnl=a ip=10.0.0.1 dhcp debug", -ENOTSUP) > 0);
}

static void large_strings_are_read(void **state)
{
	char *text = long_text("vnl=a", ' ', 40000);
	size_t at = 5;

	(void)state;
	for (unsigned i = 1; i <= 1500; i++)
		at += (size_t)sprintf(text + at, " ip=10.%u.%u.1/24", i / 256, i % 256);
	struct vs_config *config = parse(text);
	assert_int_equal(config->ifaces[0].n_addrs, 1500);
	assert_string_equal(addr_text(&config->ifaces[0].addrs[1499]), "10.5.220.1/24");
	vs_config_free(config);
	for (at = 0; at < VS_CONFIG_WORDS_MAX; at++)
		memcpy(text + 6 * at, "vnl=a ", 6);
	text[6 * at] = '\0';
	config = parse(text);
	assert_int_equal(config->n_ifaces, VS_CONFIG_WORDS_MAX);
	assert_string_equal(config->ifaces[4095].name, "vde4095");
	vs_config_free(config);
	free(text);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(separators_split_words),
	cmocka_unit_test(quotes_keep_separators),
	cmocka_unit_test(comments_run_to_the_end_of_the_line),
	cmocka_unit_test(unfinished_quotes_are_refused),
	cmocka_unit_test(oversized_strings_are_refused),
	cmocka_unit_test(too_many_words_are_refused),
	cmocka_unit_test(an_empty_string_has_no_interfaces),
	cmocka_unit_test(interfaces_get_their_names),
	cmocka_unit_test(bad_interface_names_are_refused),
	cmocka_unit_test(taken_names_are_refused),
	cmocka_unit_test(interfaces_without_vnl_are_refused),
	cmocka_unit_test(sections_without_a_network_carry_nothing),
	cmocka_unit_test(reserved_words_are_not_available_yet),
	cmocka_unit_test(unknown_words_are_refused),
	cmocka_unit_test(values_are_stored_in_their_fields),
	cmocka_unit_test(messages_shorten_long_words),
	cmocka_unit_test(every_failed_allocation_is_survived),
	cmocka_unit_test(the_error_becomes_the_message_of_the_call),
	cmocka_unit_test(refused_strings_leave_nothing_behind),
	cmocka_unit_test(large_strings_are_read),
};

int main(int argc, char **argv)
{
	until_failure = -1;
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
