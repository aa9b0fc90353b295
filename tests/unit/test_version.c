/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The header, the library and the project have one version. */

#include <stdio.h>
#include <string.h>

#include "unit.h"
#include <vdestack.h>

static void the_number_of_the_library_is_that_of_its_header(void **state)
{
	(void)state;
	assert_int_equal(vdestack_version_number(), VDESTACK_VERSION_NUMBER);
}

/* vdestack_version() is what CMakeLists.txt says. */
static void the_header_has_the_version_of_the_project(void **state)
{
	char text[32];

	(void)state;
	(void)snprintf(text, sizeof(text), "%d.%d.%d", VDESTACK_VERSION_MAJOR, VDESTACK_VERSION_MINOR,
		       VDESTACK_VERSION_PATCH);
	assert_string_equal(vdestack_version(), text);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_number_of_the_library_is_that_of_its_header),
		cmocka_unit_test(the_header_has_the_version_of_the_project),
	};

	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
