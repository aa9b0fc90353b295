/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of licences: each plugin with each program. */

#include "ioth/lib/license.h"
#include "unit.h"

static const char *const programs[] = {
	NULL,
	"MIT",
	"LGPL-2.1-or-later",
	"GPL-2.0-only",
	"GPL-3.0-only",
	"GPL-2.0-or-later",
	"GPL-3.0-or-later",
};

/* y or n for each of the programs. */
static const struct {
	const char *plugin;
	const char *allowed;
} rows[] = {
	{ NULL, "yyyyyyy" },
	{ "LGPL-2.1-or-later", "yyyyyyy" },
	{ "lgpl-3.0-only", "yyyyyyy" },
	{ "MIT", "nynnnnn" },
	{ "GPL-2.0-only", "nnnynnn" },
	{ "GPL-3.0-only", "nnnnynn" },
	{ "GPL-2.0-or-later", "nnnyyyy" },
	{ "GPL-3.0-or-later", "nnnnyny" },
	{ "GPL-2.0-only OR GPL-3.0-only", "nnnyyyy" },
	{ "SPDX-License-Identifier: gpl-2.0-ONLY or gpl-3.0-only", "nnnyyyy" },
	{ "", "nnnnnnn" },
	{ "GPL", "nnnnnnn" },
};

static void each_row_is_as_the_rules_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t j = 0; j < sizeof(programs) / sizeof(programs[0]); j++)
			if (vs_license_allows(rows[i].plugin, programs[j]) != (rows[i].allowed[j] == 'y'))
				fail_msg("plugin %s, program %s", rows[i].plugin, programs[j]);
}

static void case_and_prefix_do_not_count(void **state)
{
	(void)state;
	assert_true(vs_license_allows("SPDX-License-Identifier: X-1", "x-1"));
	assert_true(vs_license_allows("GPL-2.0-or-later", "spdx-license-identifier:GPL-3.0-ONLY"));
	assert_false(vs_license_allows("GPL-2.0-or-later", "GPL-2.0-or-later "));
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_is_as_the_rules_say),
		cmocka_unit_test(case_and_prefix_do_not_count),
	};

	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
