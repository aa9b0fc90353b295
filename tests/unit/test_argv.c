/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The splitting of command lines: a table, and a comparison on random lines with s2argv of libexecs,
 * which libvdestack 0.1 uses. Intended differences are in the table,
 * and the comparison skips such lines.
 */

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "config/argv.h"
#include "config/scan.h"
#include "unit.h"

/* The commands as one text: [word][word]|[word]| */
static void show(char **argv, char *text, size_t size)
{
	size_t n = 0;

	text[0] = '\0';
	while (argv != NULL && *argv != NULL) {
		for (; *argv != NULL; argv++)
			n += (size_t)snprintf(text + n, size - n, "[%s]", *argv);
		n += (size_t)snprintf(text + n, size - n, "|");
		argv++;
	}
}

static void check(const char *line, const char *expected)
{
	char text[1024];
	char **argv = vs_argv_split(line);

	if (argv == NULL)
		fail_msg("<%s> failed with errno %d", line, errno);
	show(argv, text, sizeof(text));
	if (strcmp(text, expected) != 0)
		fail_msg("<%s> is %s, should be %s", line, text, expected);
	free(argv);
}

static void lines_are_split_as_documented(void **state)
{
	static const char *const table[][2] = {
		{ "", "" },
		{ "   ", "" },
		{ ";", "" },
		{ " ; ;; ", "" },
		{ "/bin/ls", "[/bin/ls]|" },
		{ "  a  b\tc\nd ", "[a][b][c][d]|" },
		{ "a;b", "[a]|[b]|" },
		{ "a x ; b ;; c y;", "[a][x]|[b]|[c][y]|" },
		{ "'a b' c", "[a b][c]|" },
		{ "\"a b\"c'd e'", "[a bcd e]|" },
		{ "a '' b \"\"", "[a][][b][]|" },
		{ "'a;b' \"c;d\" e\\;f", "[a;b][c;d][e;f]|" },
		{ "a\\ b \\'c\\\" d\\\\e", "[a b]['c\"][d\\e]|" },
		{ "'a\\' b", "[a\\][b]|" }, /* no escapes between '' */
		{ "\"a\\nb\" \"c\\\"d\"", "[a\\nb][c\\\"d]|" }, /* between \"\" the backslash stays */
		{ "'a\"b' \"c'd\"", "[a\"b][c'd]|" },
		{ "a\rb\vc", "[a\rb\vc]|" }, /* no blanks */
		{ "a #b", "[a][#b]|" },
		{ "a\\", "[a]|" },
		/* on purpose not as s2argv: */
		{ "$HOME a$b", "[$HOME][a$b]|" }, /* it replaces variables by nothing */
		{ "  ;a", "[a]|" }, /* it stops */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		check(table[i][0], table[i][1]);
}

/* The first word of a string by both grammars, and where reading stopped. */
static void the_two_grammars_differ_where_documented(void **state)
{
	static const struct {
		const char *text;
		struct {
			enum vs_scan_result result;
			const char *word;
			size_t stopped;
		} by[2]; /* VS_SCAN_CONFIG, VS_SCAN_COMMAND */
	} table[] = {
		{ "a'b c'\\ d e", { { VS_SCAN_WORD, "ab c d", 9 }, { VS_SCAN_WORD, "ab c d", 9 } } },
		{ "a;b", { { VS_SCAN_WORD, "a", 1 }, { VS_SCAN_WORD, "a", 1 } } },
		{ "a,b", { { VS_SCAN_WORD, "a", 1 }, { VS_SCAN_WORD, "a,b", 3 } } },
		{ "\"a\\\"b\"", { { VS_SCAN_WORD, "a\"b", 6 }, { VS_SCAN_WORD, "a\\\"b", 6 } } },
		{ "a\\", { { VS_SCAN_BACKSLASH, "a", 2 }, { VS_SCAN_WORD, "a", 2 } } },
		{ "a'b", { { VS_SCAN_OPEN_SINGLE, "ab", 3 }, { VS_SCAN_OPEN_SINGLE, "ab", 3 } } },
		{ "a\"b'", { { VS_SCAN_OPEN_DOUBLE, "ab'", 4 }, { VS_SCAN_OPEN_DOUBLE, "ab'", 4 } } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		for (int grammar = VS_SCAN_CONFIG; grammar <= VS_SCAN_COMMAND; grammar++) {
			char word[16];
			struct vs_scan scan = { .grammar = grammar, .at = table[i].text, .put = word };
			assert_int_equal(vs_scan_word(&scan), table[i].by[grammar].result);
			assert_string_equal(word, table[i].by[grammar].word);
			assert_int_equal(scan.at - table[i].text, table[i].by[grammar].stopped);
		}
	assert_true(vs_scan_is_blank(VS_SCAN_CONFIG, ',') && !vs_scan_is_blank(VS_SCAN_COMMAND, ','));
}

static void an_open_quote_is_refused(void **state)
{
	static const char *const lines[] = { "'", "\"", "a 'b", "a \"b", "a'b\" c", "a;b '", "\"a\\\"" };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		errno = 0;
		if (vs_argv_split(lines[i]) != NULL)
			fail_msg("<%s> was accepted", lines[i]);
		assert_int_equal(errno, EINVAL);
	}
}

static void next_walks_over_the_commands(void **state)
{
	char **all = vs_argv_split("a b; c ;d e f"), **at = all;
	int n = 0;

	(void)state;
	assert_non_null(all);
	assert_string_equal(at[0], "a");
	for (; at != NULL; at = vs_argv_next(at))
		n++;
	assert_int_equal(n, 3);
	assert_string_equal(vs_argv_next(all)[0], "c");
	assert_string_equal(vs_argv_next(vs_argv_next(all))[2], "f");
	free(all);
}

/* A line of n words of one byte: the most pointers that a line can need. */
static void many_words_fit(void **state)
{
	const size_t n = 5000;
	char *line = malloc(2 * n + 1);
	size_t words = 0;

	(void)state;
	assert_non_null(line);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < n; i++)
			memcpy(line + 2 * i, round == 0 ? "a " : "a;", 2);
		line[2 * n] = '\0';
		char **all = vs_argv_split(line);
		assert_non_null(all);
		words = 0;
		for (char **at = all; at != NULL; at = vs_argv_next(at))
			for (char **w = at; *w != NULL; w++, words++)
				assert_string_equal(*w, "a");
		assert_int_equal(words, n);
		free(all);
	}
	free(line);
}

/* Lines that are left out of the comparison: see the end of the table. */
static int differs_on_purpose(const char *line)
{
	char **argv = vs_argv_split(line);
	int open_quote = argv == NULL;

	free(argv);
	return open_quote || line[strspn(line, " \t\n")] == ';';
}

static void random_lines_are_split_as_libexecs_does(void **state)
{
	static const char alphabet[] = "ab;'\" \\\t'\"\\ ";
	const char *given = getenv("VDESTACK_TEST_SEED");
	unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
	/* A dependency of Debian's libvdestack0, which other tests need: version 1 since Debian 13. */
	void *libexecs = dlopen("libexecs.so.1", RTLD_NOW);
	char **(*s2argv)(const char *) = NULL;
	void (*s2argv_free)(char **) = NULL;
	int compared = 0;

	(void)state;
	if (libexecs == NULL)
		libexecs = dlopen("libexecs.so.0", RTLD_NOW);
	if (libexecs == NULL)
		fail_msg("libexecs is not here to compare with: %s", dlerror());
	*(void **)&s2argv = dlsym(libexecs, "s2argv");
	*(void **)&s2argv_free = dlsym(libexecs, "s2argv_free");
	assert_true(s2argv != NULL && s2argv_free != NULL);
	print_message("VDESTACK_TEST_SEED=%u\n", seed);
	for (int round = 0; round < 20000; round++) {
		char line[24], ours[512], theirs[512];
		size_t n = (size_t)rand_r(&seed) % (sizeof(line) - 1);
		for (size_t i = 0; i < n; i++)
			line[i] = alphabet[(size_t)rand_r(&seed) % (sizeof(alphabet) - 1)];
		line[n] = '\0';
		if (differs_on_purpose(line))
			continue;
		char **a = vs_argv_split(line), **b = s2argv(line);
		show(a, ours, sizeof(ours));
		show(b, theirs, sizeof(theirs));
		if (strcmp(ours, theirs) != 0)
			fail_msg("<%s>: ours %s, libexecs %s", line, ours, theirs);
		free(a);
		s2argv_free(b);
		compared++;
	}
	assert_true(compared > 1000);
	dlclose(libexecs);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(lines_are_split_as_documented),
	cmocka_unit_test(the_two_grammars_differ_where_documented),
	cmocka_unit_test(an_open_quote_is_refused),
	cmocka_unit_test(next_walks_over_the_commands),
	cmocka_unit_test(many_words_fit),
	cmocka_unit_test(random_lines_are_split_as_libexecs_does),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
