/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The options, lines and passwords of the daemons. */

#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemons/common/lines.h"
#include "daemons/common/options.h"
#include "daemons/common/secret.h"

#define MOST 16

struct settings {
	char seen[1024]; /* "name=value;" in the order of the calls */
	unsigned long number;
};

static void see(void *to, const char *name, const char *value)
{
	struct settings *s = to;
	size_t n = strlen(s->seen);

	(void)snprintf(s->seen + n, sizeof(s->seen) - n, "%s=%s;", name, value);
}

static int set_stack(void *to, const char *value, struct dm_where *where)
{
	(void)where;
	see(to, "stack", value);
	return 0;
}

static int set_flag(void *to, const char *value, struct dm_where *where)
{
	(void)where;
	see(to, "flag", value);
	return 0;
}

static int set_list(void *to, const char *value, struct dm_where *where)
{
	if (strcmp(value, "wrong") == 0)
		return dm_wrong(where, "list: %s is wrong", value);
	see(to, "list", value);
	return 0;
}

static int set_number(void *to, const char *value, struct dm_where *where)
{
	return dm_number("number", value, 2, 100, &((struct settings *)to)->number, where);
}

static int set_maybe(void *to, const char *value, struct dm_where *where)
{
	(void)where;
	see(to, "maybe", value);
	return 0;
}

static int set_secret(void *to, const char *value, struct dm_where *where)
{
	(void)where;
	see(to, "secret", value);
	return 0;
}

static const struct dm_option table[] = {
	{ "stack", 's', "CONFIG", "a value", 0, set_stack },
	{ "flag", 'd', NULL, "no value", 0, set_flag },
	{ "list", 'l', "WORD", "more than once", DM_REPEATS, set_list },
	{ "number", 'n', "N", "a number", 0, set_number },
	{ "maybe", 'm', "WORD", "a value or none", DM_OPTIONAL, set_maybe },
	{ "secret", 'P', "WORD", "hidden", DM_SECRET, set_secret },
	{ "hand", '\0', NULL, "not in files", DM_NO_TAG, set_flag },
};

static const struct dm_options options = { .program = "prog",
					   .arguments = "[WORD]",
					   .about = "Does nothing.\n",
					   .table = table,
					   .n = VS_COUNT(table),
					   .most = 1,
					   .has_rcfile = true };

/* What is printed by a call goes to a file. */
static char printed[4096];
static int saved[2] = { -1, -1 };

static void catch_output(void)
{
	FILE *f = tmpfile();

	assert_non_null(f);
	for (int i = 0; i < 2; i++) {
		(void)fflush(i == 0 ? stdout : stderr);
		saved[i] = dup(i + 1);
		assert_int_equal(dup2(fileno(f), i + 1), i + 1);
	}
	(void)fclose(f);
}

static void release_output(void)
{
	ssize_t n;

	(void)fflush(stdout);
	(void)fflush(stderr);
	n = pread(1, printed, sizeof(printed) - 1, 0);
	printed[n > 0 ? n : 0] = '\0';
	for (int i = 0; i < 2; i++) {
		assert_int_equal(dup2(saved[i], i + 1), i + 1);
		close(saved[i]);
	}
}

static char *with_file(const char *text, size_t len)
{
	static char path[] = "/tmp/daemons-options-XXXXXX";

	(void)snprintf(path, sizeof(path), "/tmp/daemons-options-XXXXXX");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
	return path;
}

/* `words` stand between spaces; "FILE" is the file. */
static enum dm_parsed parse(struct settings *s, const char *words, char *file, char *copy, int *first)
{
	char *argv[MOST + 1] = { (char *)"prog" };
	int argc = 1;

	*s = (struct settings){ .number = 0 };
	(void)strcpy(copy, words);
	for (char *save = NULL, *w = strtok_r(copy, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
		argv[argc++] = strcmp(w, "FILE") == 0 ? file : w;
	argv[argc] = NULL;
	catch_output();
	enum dm_parsed r = dm_options_parse(&options, argc, argv, s, first);
	release_output();
	return r;
}

static const struct {
	const char *words, *file;
	enum dm_parsed result;
	const char *expected; /* what is set, or a piece of the message */
} table_of_lines[] = {
	{ "", NULL, DM_RUN, "" },
	{ "-s a -d word", NULL, DM_RUN, "stack=a;flag=;" },
	{ "--stack=a --flag --list x --list=y", NULL, DM_RUN, "stack=a;flag=;list=x;list=y;" },
	{ "word -d", NULL, DM_RUN, "flag=;" },
	{ "-m --maybe=x", NULL, DM_WRONG, "prog: maybe is there twice" },
	{ "-m", NULL, DM_RUN, "maybe=;" },
	{ "-mx", NULL, DM_RUN, "maybe=x;" },
	{ "-ddddddddddddddddddddddd", NULL, DM_WRONG, "flag is there twice" },
	{ "--help", NULL, DM_DONE, "  -l, --list WORD" },
	{ "--help --nonsense", NULL, DM_DONE, "Usage: prog [OPTION...] [WORD]" },
	{ "--version", NULL, DM_DONE, "prog " },
	{ "--nonsense", NULL, DM_WRONG, "unknown or ambiguous option --nonsense" },
	{ "-zd", NULL, DM_WRONG, "unknown or ambiguous option -z;" },
	{ "-dzd", NULL, DM_WRONG, "unknown or ambiguous option -z;" },
	{ "-d -z", NULL, DM_WRONG, "unknown or ambiguous option -z;" },
	{ "--flag=1", NULL, DM_WRONG, "--flag=1: this option takes no value" },
	{ "--stack", NULL, DM_WRONG, "--stack needs a value" },
	{ "a b", NULL, DM_WRONG, "too many arguments: b" },
	{ "-n 1", NULL, DM_WRONG, "number: 1 is no number from 2 to 100" },
	{ "-n 101", NULL, DM_WRONG, "101 is no number" },
	{ "-n +3", NULL, DM_WRONG, "+3 is no number" },
	{ "-n 3x", NULL, DM_WRONG, "3x is no number" },
	{ "-n 99999999999999999999999", NULL, DM_WRONG, "is no number" },
	{ "-l wrong -n x", NULL, DM_WRONG, "prog: number: x is no number" }, /* both are reported */
	{ "-f /no/such/file", NULL, DM_WRONG, "cannot read /no/such/file: No such file" },
	{ "-f /", NULL, DM_WRONG, "cannot read /: Is a directory" },
	{ "-f FILE -f FILE", "", DM_WRONG, "--rcfile is there twice" },
	{ "-f FILE", "", DM_RUN, "" },
	{ "-f FILE", "\n# comment\n  \t\r\n #x\n", DM_RUN, "" },
	{ "-f FILE", "stack a b\r\n", DM_RUN, "stack=a b;" },
	{ "-f FILE", "  STACK  =  a=b,c  # why\nflag", DM_RUN, "stack=a=b,c;flag=;" },
	{ "-f FILE", "stack=vde:///x#y", DM_RUN, "stack=vde:///x#y;" },
	{ "-f FILE", "stack \"a # b\"\n", DM_RUN, "stack=a # b;" },
	{ "-f FILE", "stack \"a\" \"b\"\n", DM_RUN, "stack=\"a\" \"b\";" },
	{ "-f FILE", "stack \"a\n", DM_WRONG, ":1: a quote does not end" },
	{ "-f FILE", "list a\nlist b\n", DM_RUN, "list=a;list=b;" },
	{ "-f FILE -l c", "list a\nlist b\n", DM_RUN, "list=a;list=b;list=c;" },
	{ "-f FILE -s x", "stack a\n", DM_RUN, "stack=x;" },
	{ "-f FILE", "stack a\nstack b\n", DM_WRONG, ":2: stack is there twice" },
	{ "-f FILE", "hand\n", DM_WRONG, ":1: unknown option hand" },
	{ "-f FILE", "\n\nstac a\n", DM_WRONG, ":3: unknown option stac" },
	{ "-f FILE", "flag on\n", DM_WRONG, ":1: flag takes no value" },
	{ "-f FILE", "stack =\n", DM_WRONG, ":1: stack needs a value, CONFIG" },
	{ "-f FILE", "maybe\n", DM_RUN, "maybe=;" },
	{ "-f FILE -l wrong", "list wrong\n", DM_WRONG, ":1: list: wrong is wrong" },
	{ "-f FILE", "\001stack\n", DM_WRONG, ":1: unknown option ?stack" },
};

static void command_lines_and_files(void **state)
{
	struct settings s;
	char copy[256];
	int first;

	(void)state;
	for (size_t i = 0; i < VS_COUNT(table_of_lines); i++) {
		const char *text = table_of_lines[i].file, *expected = table_of_lines[i].expected;
		char *file = with_file(text != NULL ? text : "", text != NULL ? strlen(text) : 0);
		enum dm_parsed r = parse(&s, table_of_lines[i].words, file, copy, &first);
		unlink(file);
		if (r != table_of_lines[i].result || (r == DM_RUN && strcmp(s.seen, expected) != 0) ||
		    (r != DM_RUN && strstr(printed, expected) == NULL))
			fail_msg("%s, file %s: result %d, set %s, printed %s", table_of_lines[i].words,
				 text != NULL ? text : "(none)", r, s.seen, printed);
	}
}

/* As a daemon reads its file again. Arguments are moved behind options by the first reading. */
static void another_file_is_read_in_place_of_the_first(void **state)
{
	struct settings s = { .number = 0 };
	const char *path = NULL;
	struct dm_options o = options;
	char *argv[] = { (char *)"prog", (char *)"argument", (char *)"-f", (char *)"/dev/null",
			 (char *)"-l",   (char *)"x",        NULL };
	int first = 0;

	(void)state;
	o.rcfile = &path;
	assert_int_equal(dm_options_parse(&o, 6, argv, &s, &first), DM_RUN);
	assert_string_equal(path, "/dev/null");
	assert_string_equal(s.seen, "list=x;");
	path = with_file("stack a\n", 8);
	s = (struct settings){ .number = 0 };
	assert_int_equal(dm_options_parse(&o, 6, argv, &s, &first), DM_RUN);
	unlink(path);
	assert_string_equal(s.seen, "stack=a;list=x;");
	assert_string_equal(argv[first], "argument");
}

static void all_mistakes_are_reported_at_once(void **state)
{
	static const char text[] = "what\nlist wrong\nnumber 7\nnumber\n";
	struct settings s;
	char copy[256];
	int first;
	char *file = with_file(text, sizeof(text) - 1);

	(void)state;
	assert_int_equal(parse(&s, "-f FILE -l wrong", file, copy, &first), DM_WRONG);
	unlink(file);
	assert_non_null(strstr(printed, ":1: unknown option what\n"));
	assert_non_null(strstr(printed, ":2: list: wrong is wrong\n"));
	assert_non_null(strstr(printed, ":4: number needs a value, N\n"));
	assert_non_null(strstr(printed, "prog: list: wrong is wrong\n"));
}

static void bytes_0_and_long_lines_are_refused(void **state)
{
	static char text[70000];
	struct settings s;
	char copy[256];
	int first;

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, "stack a\0b\nflag\n", 15);
	text[14 + 66000] = '\n';
	char *file = with_file(text, sizeof(text));
	assert_int_equal(parse(&s, "-f FILE", file, copy, &first), DM_WRONG);
	unlink(file);
	assert_non_null(strstr(printed, ":1: there is a byte 0"));
	assert_non_null(strstr(printed, ":3: the line is longer than 65536 bytes"));
	assert_string_equal(s.seen, "flag=;");
}

static void a_secret_of_the_command_line_is_overwritten(void **state)
{
	struct settings s;
	char copy[256];
	int first;

	(void)state;
	assert_int_equal(parse(&s, "-P word last", NULL, copy, &first), DM_RUN);
	assert_string_equal(s.seen, "secret=word;");
	assert_string_equal(copy + 3, "xxxx");
	assert_int_equal(first, 3);
}

static void words_are_taken_out_of_their_quotes(void **state)
{
	char text[] = " a 'b c'  \"d'\"e  \"\"";
	char *at = text;

	(void)state;
	assert_string_equal(dm_lines_word(&at), "a");
	assert_string_equal(dm_lines_word(&at), "b c");
	assert_string_equal(dm_lines_word(&at), "d'e");
	assert_string_equal(dm_lines_word(&at), "");
	assert_null(dm_lines_word(&at));
	assert_null(dm_lines_word(&at));
}

static void passwords_are_the_first_line(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		int result;
		const char *secret;
	} rows[] = {
		{ "pass word\nmore\n", 15, 0, "pass word" },
		{ "pass", 4, 0, "pass" },
		{ "pass\r\n", 6, 0, "pass" },
		{ "\n", 1, -ENODATA, NULL },
		{ "\r\nmore\n", 7, -ENODATA, NULL },
		{ "", 0, -ENODATA, NULL },
		{ "a\0b\n", 4, -EINVAL, NULL },
	};
	char name[32], *secret = NULL;

	(void)state;
	for (size_t i = 0; i < VS_COUNT(rows); i++) {
		char *file = with_file(rows[i].text, rows[i].len);
		int fd = open(file, O_RDONLY); /* as a shell does it */
		(void)snprintf(name, sizeof(name), "fd:%d", fd);
		for (int by_fd = 0; by_fd < 2; by_fd++) {
			assert_int_equal(dm_secret_read(by_fd ? name : file, &secret), rows[i].result);
			if (rows[i].secret != NULL) {
				assert_string_equal(secret, rows[i].secret);
				free(secret);
			}
		}
		assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
		close(fd);
		unlink(file);
	}
	assert_int_equal(dm_secret_read("/no/such/file", &secret), -ENOENT);
	assert_int_equal(dm_secret_read("fd:", &secret), -EBADF);
	assert_int_equal(dm_secret_read("fd:1000000", &secret), -EBADF);
	assert_int_equal(dm_secret_read("/", &secret), -EISDIR);
	assert_int_equal(dm_secret_read("/dev/zero", &secret), -EINVAL);
}

static void a_password_has_at_most_4096_bytes(void **state)
{
	static char text[4098];
	char *secret = NULL;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[4096] = '\n';
	char *file = with_file(text, 4097);
	assert_int_equal(dm_secret_read(file, &secret), 0);
	assert_int_equal(strlen(secret), 4096);
	free(secret);
	unlink(file);
	text[4096] = 'a';
	file = with_file(text, 4098);
	assert_int_equal(dm_secret_read(file, &secret), -E2BIG);
	unlink(file);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(command_lines_and_files),
	cmocka_unit_test(another_file_is_read_in_place_of_the_first),
	cmocka_unit_test(all_mistakes_are_reported_at_once),
	cmocka_unit_test(bytes_0_and_long_lines_are_refused),
	cmocka_unit_test(a_secret_of_the_command_line_is_overwritten),
	cmocka_unit_test(words_are_taken_out_of_their_quotes),
	cmocka_unit_test(passwords_are_the_first_line),
	cmocka_unit_test(a_password_has_at_most_4096_bytes),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
