/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Text of other programs, as the tool writes it; tables. */

#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>

#include "tools/escape.h"
#include "tools/table.h"
#include "unit.h"

static void check(void (*write)(FILE *, const char *), const char *in, const char *want)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	write(out, in);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, want);
	free(text);
}

static void terminals_get_no_control_characters(void **state)
{
	(void)state;
	check(vs_escape_plain, "plain \xc3\xa4 \xf0\x9f\x98\x80", "plain \xc3\xa4 \xf0\x9f\x98\x80");
	check(vs_escape_plain, "a\033[2J\n\t\x7f", "a?[2J???");
	check(vs_escape_plain, "\xc2\x9b" "2J", "?2J");          /* CSI as one character */
	check(vs_escape_plain, "a\xe2\x80\xae" "b", "a?b");      /* right to left */
	check(vs_escape_plain, "\xff\xc3.\xc0\x80", "??.??");    /* not UTF-8 */
	check(vs_escape_plain, "\xef\xbb\xbf\xef\xbf\xbe", "??"); /* byte order mark, noncharacter */
	check(vs_escape_plain, "\xe2\x80", "??");                /* ends early */
}

static void xml_and_dot_are_escaped(void **state)
{
	(void)state;
	check(vs_escape_xml, "<a b=\"c\" d='e'>&\x01]]>",
	      "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;?]]&gt;");
	check(vs_escape_dot, "a\"b\\n\nc", "a\\\"b\\\\n?c");
}

static void check_fit(const char *in, int columns, size_t size, const char *want, int n)
{
	char buf[32];

	assert_int_equal(vs_escape_fit(buf, size, in, columns), n);
	assert_string_equal(buf, want);
}

static void text_is_cut_between_characters(void **state)
{
	(void)state;
	check_fit("abc", 3, 32, "abc", 3);
	check_fit("abcd", 3, 32, "ab~", 3);
	check_fit("\xc3\xa4\xc3\xb6\xc3\xbc", 2, 32, "\xc3\xa4~", 2);
	check_fit("\xc3\xa4\xc3\xb6\xc3\xbc", 9, 5, "\xc3\xa4~", 2); /* no room for the third one */
	check_fit("abc", 9, 2, "~", 1);
	check_fit("abc", 0, 32, "", 0);
	check_fit("", 3, 2, "", 0);
}

static void check_number(double number, const char *want)
{
	char text[16];

	assert_string_equal(vs_table_number(text, number), want);
}

static void numbers_have_at_most_four_characters(void **state)
{
	(void)state;
	check_number(0, "0");
	check_number(999, "999");
	check_number(999.6, "1.0k");
	check_number(9940, "9.9k");
	check_number(9960, "10k");
	check_number(999499, "999k");
	check_number(999600, "1.0M");
	check_number(1.25e9, "1.2G");
}

static void columns_are_as_wide_as_their_cells(void **state)
{
	struct vs_table t = { .right = 2, .n_columns = 3 };
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	vs_table_row(&t);
	vs_table_cell(&t, 0, 10, "NAME");
	vs_table_cell(&t, 1, 10, "N");
	vs_table_row(&t);
	vs_table_cell(&t, 0, 10, "\xc3\xa4");
	vs_table_cell(&t, 1, 10, "100");
	vs_table_cell(&t, 2, 10, "last");
	vs_table_write(&t, out, 0, 9, 0);
	vs_table_write(&t, out, 1, 2, 7);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, "NAME    N\n\xc3\xa4     100  last\n\xc3\xa4     1\n");
	free(text);
	vs_table_end(&t);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(terminals_get_no_control_characters),
	cmocka_unit_test(xml_and_dot_are_escaped),
	cmocka_unit_test(text_is_cut_between_characters),
	cmocka_unit_test(numbers_have_at_most_four_characters),
	cmocka_unit_test(columns_are_as_wide_as_their_cells),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
