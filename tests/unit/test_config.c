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
#include "core/configuration.h"
#include "unit.h"
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

/* ------------------------------------------------------------------ helpers */

static struct vs_config_error error; /* of the last refusal */

static struct vs_config *parse(const char *text)
{
	struct vs_config *config = NULL;
	int result = vs_config_parse(text, NULL, NULL, &error, &config);

	if (result != 0)
		fail_msg("\"%s\" was refused: %s", text, error.text);
	assert_non_null(config);
	return config;
}

/* The usual text of addr. */
static const char *addr_text(const struct vs_conf_addr *addr)
{
	static char text[VS_PREFIX_TEXT_MAX];

	vs_prefix_to_text(addr, text);
	return text;
}

struct refusal {
	const char *text;
	int err;
	const char *word; /* as the message shows it */
	size_t position;
	const char *says; /* a part of cause or remedy */
};

static void check_refused(const struct refusal *r, vs_conf_taken_fn *taken, void *arg)
{
	struct vs_config *config = NULL;
	char start[128];
	int result = vs_config_parse(r->text, taken, arg, &error, &config);

	if (result != -r->err)
		fail_msg("\"%s\" returned %d, not %d", r->text, result, -r->err);
	assert_null(config);
	assert_int_equal(error.err, r->err);
	assert_int_equal(error.position, r->position);
	(void)snprintf(start, sizeof(start), "configuration word \"%s\" at position %zu: ", r->word,
		       r->position);
	if (strncmp(error.text, start, strlen(start)) != 0)
		fail_msg("the message\n  %s\ndoes not begin with\n  %s", error.text, start);
	if (strstr(error.text + strlen(start), r->says) == NULL)
		fail_msg("the message\n  %s\ndoes not contain\n  %s", error.text, r->says);
}

static void check_refusals(const struct refusal *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_refused(&list[i], NULL, NULL);
}

#define CHECK_REFUSALS(list) check_refusals(list, sizeof(list) / sizeof((list)[0]))

/* A string of n times c behind prefix, freed by the caller. */
static char *long_text(const char *prefix, char c, size_t n)
{
	size_t length = strlen(prefix);
	char *text = malloc(length + n + 1);

	assert_non_null(text);
	memcpy(text, prefix, length);
	memset(text + length, c, n);
	text[length + n] = '\0';
	return text;
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

/* ------------------------------------------------------------------ vnl, mac, mtu */

static void any_vnl_is_accepted_unchanged(void **state)
{
	static const char *const list[][2] = {
		{ "vnl=vde:///tmp/net", "vde:///tmp/net" },
		{ "vnl=/run/net[3]", "/run/net[3]" },
		{ "vnl='=ssh host vde_plug'", "=ssh host vde_plug" },
		{ "vnl==cmd", "=cmd" },
		{ "vnl=\"udp://1,2\"", "udp://1,2" },
		{ "vnl=a?x=1&y=#frag", "a?x=1&y=#frag" },
		{ "'vnl=b'", "b" },
		{ "vnl=None", "None" },
		{ "vnl=none:", "none:" },
		{ "vnl=inproc://lan", "inproc://lan" },
		{ "vnl='inproc://a b'", "inproc://a b" },
		{ "vnl=inproc:/lan/x", "inproc:/lan/x" },
		{ "vnl=INPROC://", "INPROC://" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct vs_config *config = parse(list[i][0]);
		assert_int_equal(config->n_ifaces, 1);
		assert_string_equal(config->ifaces[0].vnl, list[i][1]);
		assert_ptr_equal(config->ifaces[0].locator.text, config->ifaces[0].vnl);
		vs_config_free(config);
	}
}

/* The locator of each interface stays with it when the interfaces move. */
static void interfaces_carry_their_locators_parsed(void **state)
{
	static const struct {
		enum vs_locator_kind kind;
		const char *rest;
	} expected[] = {
		{ VS_KIND_PLUGIN, "/tmp/net" }, { VS_KIND_SEGMENT, "lan" },  { VS_KIND_COMMAND, "ssh host" },
		{ VS_KIND_COMMAND, "true" },    { VS_KIND_PLUGIN, "/run/sw" },
	};
	struct vs_config *config = parse("vnl=vde:///tmp/net vnl=inproc://lan vnl='=ssh host' vnl=none "
					 "vnl=cmd://true vnl=/run/sw");

	(void)state;
	assert_int_equal(config->n_ifaces, 5);
	for (size_t i = 0; i < 5; i++) {
		const struct vs_conf_iface *iface = &config->ifaces[i];
		assert_int_equal(iface->locator.kind, expected[i].kind);
		assert_string_equal(iface->locator.rest, expected[i].rest);
		assert_ptr_equal(iface->locator.text, iface->vnl);
	}
	vs_config_free(config);
}

static void segment_names_are_checked(void **state)
{
	static const struct refusal list[] = {
		{ "vnl=inproc://", EINVAL, "vnl=inproc://", 1, "1 to 64" },
		{ "vnl=inproc://a/b", EINVAL, "vnl=inproc://a/b", 1, "without '/'" },
		{ "vnl=inproc:///", EINVAL, "vnl=inproc:///", 1, "without '/'" },
		{ "vnl='inproc://a\tb'", EINVAL, "vnl=inproc://a?b", 1, "ASCII" },
		{ "vnl=inproc://\xc3\xa9", EINVAL, "vnl=inproc://??", 1, "ASCII" },
	};
	char *longest = long_text("vnl=inproc://", 'n', 64);
	char *longer = long_text("vnl=inproc://", 'n', 65);
	const struct refusal too_long = { longer, EINVAL,
					  "vnl=inproc://nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn...", 1,
					  "1 to 64" };

	(void)state;
	CHECK_REFUSALS(list);
	vs_config_free(parse(longest));
	check_refused(&too_long, NULL, NULL);
	free(longer);
	free(longest);
}

static void a_vnl_has_at_most_4000_bytes(void **state)
{
	char *longest = long_text("vnl=", 'v', 4000);
	char *longer = long_text("vnl=", 'v', 4001);
	const struct refusal too_long = { longer, ENAMETOOLONG,
					  "vnl=vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv...", 1,
					  "4000 bytes" };

	(void)state;
	vs_config_free(parse(longest));
	check_refused(&too_long, NULL, NULL);
	free(longer);
	free(longest);
}

static void hardware_addresses_are_read(void **state)
{
	static const char *const list[] = {
		"vnl=a mac=02:ab:CD:0e:f0:01",
		"vnl=a macaddr=02:AB:cd:0E:f0:01",
		"mac=02-ab-cd-0e-f0-01 vnl=a",
	};
	static const unsigned char bytes[] = { 0x02, 0xab, 0xcd, 0x0e, 0xf0, 0x01 };

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct vs_config *config = parse(list[i]);
		assert_true(config->ifaces[0].has_mac);
		assert_memory_equal(config->ifaces[0].mac, bytes, sizeof(bytes));
		vs_config_free(config);
	}
	struct vs_config *without = parse("vnl=a");
	assert_false(without->ifaces[0].has_mac);
	assert_int_equal(without->ifaces[0].mtu, 0);
	vs_config_free(without);
}

static void nodad_is_of_one_interface_and_the_flag_of_all(void **state)
{
	struct vs_config *config = parse("nodad vnl=a ip=fc00::1 nodad vnl=b ip=fc00::2");

	(void)state;
	assert_true(config->ifaces[0].nodad);
	assert_false(config->ifaces[1].nodad);
	vs_config_free(config);
	assert_int_equal(vs_configuration_read("vnl=a vnl=b", VDESTACK_NODAD, NULL, NULL, &config), 0);
	assert_true(config->ifaces[0].nodad && config->ifaces[1].nodad);
	vs_config_free(config);
}

static void bad_hardware_addresses_are_refused(void **state)
{
	static const struct refusal list[] = {
		{ "vnl=a mac=02:00:00:00:00", EINVAL, "mac=02:00:00:00:00", 7, "six bytes" },
		{ "vnl=a mac=02:00:00:00:00:01:02", EINVAL, "mac=02:00:00:00:00:01:02", 7, "six bytes" },
		{ "vnl=a mac=2:0:0:0:0:1", EINVAL, "mac=2:0:0:0:0:1", 7, "six bytes" },
		{ "vnl=a mac=02:00:00:00:00:0g", EINVAL, "mac=02:00:00:00:00:0g", 7, "six bytes" },
		{ "vnl=a mac=02:00-00:00:00:01", EINVAL, "mac=02:00-00:00:00:01", 7, "six bytes" },
		{ "vnl=a mac=02.00.00.00.00.01", EINVAL, "mac=02.00.00.00.00.01", 7, "six bytes" },
		{ "vnl=a mac=020000000001", EINVAL, "mac=020000000001", 7, "six bytes" },
		{ "vnl=a mac=+2:00:00:00:00:01", EINVAL, "mac=+2:00:00:00:00:01", 7, "six bytes" },
		{ "vnl=a mac=01:00:00:00:00:01", EINVAL, "mac=01:00:00:00:00:01", 7, "group address" },
		{ "vnl=a mac=ff:ff:ff:ff:ff:ff", EINVAL, "mac=ff:ff:ff:ff:ff:ff", 7, "group address" },
		{ "vnl=a mac=00:00:00:00:00:00", EINVAL, "mac=00:00:00:00:00:00", 7, "zero" },
		{ "vnl=a mac=02:00:00:00:00:01 macaddr=02:00:00:00:00:02", EINVAL,
		  "macaddr=02:00:00:00:00:02", 29, "position 7" },
	};

	(void)state;
	CHECK_REFUSALS(list);
}

static void mtus_are_read(void **state)
{
	static const struct {
		const char *text;
		unsigned mtu;
	} list[] = {
		{ "vnl=a mtu=68", 68 },
		{ "mtu=9216 vnl=a", 9216 },
		{ "vnl=inproc://a mtu=65535", 65535 },
		{ "mtu=65535 vnl=inproc://a", 65535 },
		{ "vnl=a mtu=01500", 1500 },
		{ "vnl=a mtu=1279 ip=10.0.0.1/24 gw=10.0.0.2", 1279 },
		{ "vnl=a mtu=1280 ip=fc00::1/64", 1280 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct vs_config *config = parse(list[i].text);
		assert_int_equal(config->ifaces[0].mtu, list[i].mtu);
		vs_config_free(config);
	}
	struct vs_config *two = parse("vnl=a mtu=1000 vnl=b mtu=1280 ip=fc00::1/64");
	assert_int_equal(two->n_ifaces, 2);
	vs_config_free(two);
}

static void bad_mtus_are_refused(void **state)
{
	static const struct refusal list[] = {
		{ "vnl=a mtu=67", EINVAL, "mtu=67", 7, "68 to 9216" },
		{ "vnl=a mtu=9217", EINVAL, "mtu=9217", 7, "68 to 9216" },
		{ "mtu=9217 vnl=a", EINVAL, "mtu=9217", 1, "to 65535 on an inproc:// link" },
		{ "vnl=inproc://a mtu=65536", EINVAL, "mtu=65536", 16, "68 to 9216" },
		{ "vnl=a mtu=4294968796", EINVAL, "mtu=4294968796", 7, "68 to 9216" },
		{ "vnl=a mtu=001500", EINVAL, "mtu=001500", 7, "68 to 9216" },
		{ "vnl=a mtu=+1500", EINVAL, "mtu=+1500", 7, "68 to 9216" },
		{ "vnl=a mtu=1500b", EINVAL, "mtu=1500b", 7, "68 to 9216" },
		{ "vnl=a mtu=0x5dc", EINVAL, "mtu=0x5dc", 7, "68 to 9216" },
		{ "vnl=a mtu=' 1500'", EINVAL, "mtu= 1500", 7, "68 to 9216" },
		{ "vnl=a mtu=1500 mtu=1500", EINVAL, "mtu=1500", 16, "position 7" },
		{ "vnl=a mtu=1279 ip=fc00::1/64", EINVAL, "mtu=1279", 7, "1280" },
		{ "vnl=a ip=fc00::1/64 mtu=1279", EINVAL, "mtu=1279", 21, "1280" },
		{ "vnl=a gw=fe80::1 mtu=1000", EINVAL, "mtu=1000", 18, "1280" },
		{ "vnl=a route=fc00::/7 mtu=1000", EINVAL, "mtu=1000", 22, "1280" },
	};

	(void)state;
	CHECK_REFUSALS(list);
}

/* ------------------------------------------------------------------ addresses and routes */

static void addresses_are_read(void **state)
{
	static const char *const list[][2] = {
		{ "vnl=a ip=10.0.0.1/8", "10.0.0.1/8" },
		{ "vnl=a ip=10.0.0.1", "10.0.0.1/24" },
		{ "vnl=a ip=10.0.0.1/0", "10.0.0.1/0" },
		{ "vnl=a ip=10.0.0.1/32", "10.0.0.1/32" },
		{ "vnl=a ip=10.0.0.1/008", "10.0.0.1/8" },
		{ "vnl=a ip=255.255.255.254/24", "255.255.255.254/24" },
		{ "vnl=a ip=223.255.255.255/24", "223.255.255.255/24" },
		{ "vnl=a ip=FC00:0::1", "fc00::1/64" },
		{ "vnl=a ip=fe80::1/128", "fe80::1/128" },
		{ "vnl=a ip=::1/0", "::1/0" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct vs_config *config = parse(list[i][0]);
		assert_int_equal(config->ifaces[0].n_addrs, 1);
		assert_string_equal(addr_text(&config->ifaces[0].addrs[0]), list[i][1]);
		vs_config_free(config);
	}
}

static void bad_addresses_are_refused(void **state)
{
	static const struct refusal list[] = {
		{ "vnl=vde:///tmp/s eth;  ip=10.0.0.1/99", EINVAL, "ip=10.0.0.1/99", 24,
		  "prefix length must be 0 to 32; write ip=10.0.0.1/24" },
		{ "vnl=a ip=10.0.0.1/33", EINVAL, "ip=10.0.0.1/33", 7, "0 to 32" },
		{ "vnl=a ip=10.0.0.1/", EINVAL, "ip=10.0.0.1/", 7, "write ip=10.0.0.1/24" },
		{ "vnl=a ip=10.0.0.1/+8", EINVAL, "ip=10.0.0.1/+8", 7, "0 to 32" },
		{ "vnl=a ip=10.0.0.1/0008", EINVAL, "ip=10.0.0.1/0008", 7, "0 to 32" },
		{ "vnl=a ip=10.0.0.1/8x", EINVAL, "ip=10.0.0.1/8x", 7, "0 to 32" },
		{ "vnl=a ip=10.0.0.1/8/8", EINVAL, "ip=10.0.0.1/8/8", 7, "0 to 32" },
		{ "vnl=a ip=10.0.0.1/255.0.0.0", EINVAL, "ip=10.0.0.1/255.0.0.0", 7, "0 to 32" },
		{ "vnl=a ip=fc00::1/129", EINVAL, "ip=fc00::1/129", 7, "0 to 128; write ip=fc00::1/64" },
		{ "vnl=a ip=10.0.1/8", EINVAL, "ip=10.0.1/8", 7, "not an address" },
		{ "vnl=a ip=10.0.0.256/8", EINVAL, "ip=10.0.0.256/8", 7, "not an address" },
		{ "vnl=a ip=+10.0.0.1/8", EINVAL, "ip=+10.0.0.1/8", 7, "not an address" },
		{ "vnl=a ip=10.0.0.1x/8", EINVAL, "ip=10.0.0.1x/8", 7, "not an address" },
		{ "vnl=a ip='10.0.0.1 /8'", EINVAL, "ip=10.0.0.1 /8", 7, "not an address" },
		{ "vnl=a ip=/8", EINVAL, "ip=/8", 7, "not an address" },
		{ "vnl=a ip=fe80::1%eth0/64", EINVAL, "ip=fe80::1%eth0/64", 7, "not an address" },
		{ "vnl=a ip=fc00::1::/64", EINVAL, "ip=fc00::1::/64", 7, "not an address" },
		{ "vnl=a ip=host/24", EINVAL, "ip=host/24", 7, "not an address" },
		{ "vnl=a ip=0.0.0.0/24", EINVAL, "ip=0.0.0.0/24", 7, "unspecified" },
		{ "vnl=a ip=::/64", EINVAL, "ip=::/64", 7, "unspecified" },
		{ "vnl=a ip=224.0.0.1/24", EINVAL, "ip=224.0.0.1/24", 7, "multicast" },
		{ "vnl=a ip=239.1.1.1", EINVAL, "ip=239.1.1.1", 7, "multicast" },
		{ "vnl=a ip=ff02::1/64", EINVAL, "ip=ff02::1/64", 7, "multicast" },
		{ "vnl=a ip=255.255.255.255/24", EINVAL, "ip=255.255.255.255/24", 7, "broadcast" },
		{ "vnl=a ip=10.0.0.1/8 ip=10.0.0.1/8", EINVAL, "ip=10.0.0.1/8", 21, "already" },
		{ "vnl=a ip=10.0.0.1/8 ip=10.0.0.1/24", EINVAL, "ip=10.0.0.1/24", 21, "already" },
		{ "vnl=a ip=fc00::1 ip=fc00:0::1", EINVAL, "ip=fc00:0::1", 18, "already" },
	};

	(void)state;
	CHECK_REFUSALS(list);
}

static void two_interfaces_may_have_the_same_address(void **state)
{
	struct vs_config *config = parse("vnl=a ip=10.0.0.1 ip=10.0.0.2 ip=a00:1:: vnl=b ip=10.0.0.1");

	(void)state;
	assert_int_equal(config->n_ifaces, 2);
	assert_int_equal(config->ifaces[0].n_addrs, 3);
	assert_int_equal(config->ifaces[1].n_addrs, 1);
	vs_config_free(config);
}

static void routes_are_read(void **state)
{
	static const struct {
		const char *text;
		const char *dst;
		const char *gw; /* NULL: on link */
	} list[] = {
		{ "vnl=a gw=10.0.0.254", "0.0.0.0/0", "10.0.0.254/32" },
		{ "vnl=a gw=fe80::1", "::/0", "fe80::1/128" },
		{ "vnl=a route=default@10.0.0.254", "0.0.0.0/0", "10.0.0.254/32" },
		{ "vnl=a route=default@fc00::1", "::/0", "fc00::1/128" },
		{ "vnl=a route=0.0.0.0/0@10.0.0.254", "0.0.0.0/0", "10.0.0.254/32" },
		{ "vnl=a route=::/0", "::/0", NULL },
		{ "vnl=a route=10.1.0.0/16@10.0.0.254", "10.1.0.0/16", "10.0.0.254/32" },
		{ "vnl=a route=10.1.2.3/32", "10.1.2.3/32", NULL },
		{ "vnl=a route=224.0.0.0/4", "224.0.0.0/4", NULL },
		{ "vnl=a route=fc00:1::/33@fc00::1", "fc00:1::/33", "fc00::1/128" },
		{ "vnl=a route=128.0.0.0/1", "128.0.0.0/1", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct vs_config *config = parse(list[i].text);
		struct vs_conf_route *route = config->ifaces[0].routes;
		assert_int_equal(config->ifaces[0].n_routes, 1);
		assert_string_equal(addr_text(&route->dst), list[i].dst);
		assert_int_equal(route->has_gw, list[i].gw != NULL);
		if (route->has_gw)
			assert_string_equal(addr_text(&route->gw), list[i].gw);
		vs_config_free(config);
	}
}

static void routes_keep_their_order(void **state)
{
	struct vs_config *config =
		parse("vnl=a gw=10.0.0.1 route=10.1.0.0/16 gw=10.0.0.2 route=10.2.0.0/16 gw=fc00::1");
	static const char *const dsts[] = { "0.0.0.0/0", "10.1.0.0/16", "0.0.0.0/0", "10.2.0.0/16", "::/0" };

	(void)state;
	assert_int_equal(config->ifaces[0].n_routes, 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(addr_text(&config->ifaces[0].routes[i].dst), dsts[i]);
	vs_config_free(config);
}

static void bad_routes_are_refused(void **state)
{
	static const struct refusal list[] = {
		{ "vnl=a gw=10.0.0.254/24", EINVAL, "gw=10.0.0.254/24", 7, "without a prefix length" },
		{ "vnl=a gw=router", EINVAL, "gw=router", 7, "not an address" },
		{ "vnl=a gw=0.0.0.0", EINVAL, "gw=0.0.0.0", 7, "unspecified" },
		{ "vnl=a gw=ff02::2", EINVAL, "gw=ff02::2", 7, "multicast" },
		{ "vnl=a gw=255.255.255.255", EINVAL, "gw=255.255.255.255", 7, "broadcast" },
		{ "vnl=a route=default", EINVAL, "route=default", 7, "needs a gateway" },
		{ "vnl=a route=default@", EINVAL, "route=default@", 7, "gateway is not an address" },
		{ "vnl=a route=default/0@10.0.0.1", EINVAL, "route=default/0@10.0.0.1", 7,
		  "destination is not" },
		{ "vnl=a route=defaul@10.0.0.1", EINVAL, "route=defaul@10.0.0.1", 7, "destination is not" },
		{ "vnl=a route=@10.0.0.1", EINVAL, "route=@10.0.0.1", 7, "destination is not" },
		{ "vnl=a route=10.1.0.0/16@", EINVAL, "route=10.1.0.0/16@", 7, "gateway is not an address" },
		{ "vnl=a route=10.1.0.0/16@10.0.0.1@10.0.0.2", EINVAL, "route=10.1.0.0/16@10.0.0.1@10.0.0.2",
		  7, "gateway is not an address" },
		{ "vnl=a route=10.1.0.0/16@224.0.0.1", EINVAL, "route=10.1.0.0/16@224.0.0.1", 7,
		  "multicast" },
		{ "vnl=a route=10.1.0.7", EINVAL, "route=10.1.0.7", 7, "write 10.1.0.7/32" },
		{ "vnl=a route=fc00::7@fc00::1", EINVAL, "route=fc00::7@fc00::1", 7, "write fc00::7/128" },
		{ "vnl=a route=10.1.0.7/33", EINVAL, "route=10.1.0.7/33", 7,
		  "0 to 32; write route=10.1.0.0/24" },
		{ "vnl=a route=10.1.0.0/+8", EINVAL, "route=10.1.0.0/+8", 7, "0 to 32" },
		{ "vnl=a route=10.1.2.3/16@10.0.0.1", EINVAL, "route=10.1.2.3/16@10.0.0.1", 7,
		  "write 10.1.0.0/16" },
		{ "vnl=a route=fc00::1/64", EINVAL, "route=fc00::1/64", 7, "write fc00::/64" },
		{ "vnl=a route=10.0.0.129/25", EINVAL, "route=10.0.0.129/25", 7, "write 10.0.0.128/25" },
		{ "vnl=a route=10.128.0.0/8", EINVAL, "route=10.128.0.0/8", 7, "write 10.0.0.0/8" },
		{ "vnl=a route=fc00:0:0:1::/63", EINVAL, "route=fc00:0:0:1::/63", 7, "write fc00::/63" },
		{ "vnl=a route=1.0.0.0/0", EINVAL, "route=1.0.0.0/0", 7, "write 0.0.0.0/0" },
		{ "vnl=a route=10.1.0.0/16@fc00::1", EINVAL, "route=10.1.0.0/16@fc00::1", 7,
		  "different families" },
		{ "vnl=a route=fc00::/7@10.0.0.1", EINVAL, "route=fc00::/7@10.0.0.1", 7,
		  "different families" },
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
	cmocka_unit_test(any_vnl_is_accepted_unchanged),
	cmocka_unit_test(interfaces_carry_their_locators_parsed),
	cmocka_unit_test(segment_names_are_checked),
	cmocka_unit_test(a_vnl_has_at_most_4000_bytes),
	cmocka_unit_test(hardware_addresses_are_read),
	cmocka_unit_test(nodad_is_of_one_interface_and_the_flag_of_all),
	cmocka_unit_test(bad_hardware_addresses_are_refused),
	cmocka_unit_test(mtus_are_read),
	cmocka_unit_test(bad_mtus_are_refused),
	cmocka_unit_test(addresses_are_read),
	cmocka_unit_test(bad_addresses_are_refused),
	cmocka_unit_test(two_interfaces_may_have_the_same_address),
	cmocka_unit_test(routes_are_read),
	cmocka_unit_test(routes_keep_their_order),
	cmocka_unit_test(bad_routes_are_refused),
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
