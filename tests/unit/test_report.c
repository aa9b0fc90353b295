/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What vdestack doctor writes: JSON strings, lines, profiles. */

#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/apparmor.h"
#include "tools/report.h"
#include "unit.h"

static char *text;
static size_t size;

static void check_json(const char *in, const char *want)
{
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	vs_report_json_string(out, in);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, want);
	free(text);
}

static void json_strings_are_escaped(void **state)
{
	(void)state;
	check_json("", "\"\"");
	check_json("a\"b\\c", "\"a\\\"b\\\\c\"");
	check_json("\n\x01\x7f", "\"\\u000a\\u0001\\u007f\"");
	check_json("\xc3\xa4\xf0\x9f\x98\x80", "\"\xc3\xa4\xf0\x9f\x98\x80\"");
	check_json("\xff", "\"\\ufffd\"");
	check_json("\xc3", "\"\\ufffd\"");                     /* ends early */
	check_json("\xc0\x80", "\"\\ufffd\\ufffd\"");          /* longer than needed */
	check_json("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""); /* a surrogate */
}

static void lines_keep_control_characters_off_the_terminal(void **state)
{
	struct vs_finding f = { VS_SEVERITY_FAILURE, "a\033[2Jb" };
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	vs_report_line(out, false, "tun", &f);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, "✗ tun       a?[2Jb\n");
	free(text);
}

static void paths_a_profile_cannot_name_are_refused(void **state)
{
	static const char *const paths[] = { "", "relative", "/a\"b", "/a@{b}", "/a\\b", "/a\nb" };
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		assert_int_equal(vs_apparmor_write(out, paths[i]), -EINVAL);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, "");
	free(text);
}

static void globs_in_a_profile_are_escaped(void **state)
{
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	assert_int_equal(vs_apparmor_write(out, "/a b/*[x]"), 0);
	assert_int_equal(fclose(out), 0);
	assert_non_null(strstr(text, "profile \"/a b/\\*\\[x\\]\" flags=(unconfined) {\n  userns,\n}\n"));
	free(text);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(json_strings_are_escaped),
	cmocka_unit_test(lines_keep_control_characters_off_the_terminal),
	cmocka_unit_test(paths_a_profile_cannot_name_are_refused),
	cmocka_unit_test(globs_in_a_profile_are_escaped),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
