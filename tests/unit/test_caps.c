/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The names of capabilities in messages. */

#define _GNU_SOURCE
#include <linux/capability.h>
#include <stdint.h>
#include <sys/capability.h>

#include "base/caps.h"
#include "unit.h"

#define ONE UINT64_C(1)

static void names_are_those_of_libcap(void **state)
{
	(void)state;
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++) {
		char ours[64];
		char *theirs = cap_to_name(cap);

		assert_non_null(theirs);
		vs_caps_names(ONE << cap, ours, sizeof(ours));
		assert_string_equal(ours, theirs);
		cap_free(theirs);
	}
}

static void several_are_listed_and_cut_where_there_is_no_room(void **state)
{
	char text[64];

	(void)state;
	vs_caps_names(0, text, sizeof(text));
	assert_string_equal(text, "");
	vs_caps_names(ONE << CAP_CHOWN | ONE << CAP_NET_RAW, text, sizeof(text));
	assert_string_equal(text, "cap_chown, cap_net_raw");
	vs_caps_names(ONE << 63, text, sizeof(text)); /* of a newer kernel */
	assert_string_equal(text, "63");
	vs_caps_names(UINT64_MAX, text, 16);
	assert_string_equal(text, "cap_chown, cap_");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(names_are_those_of_libcap),
	cmocka_unit_test(several_are_listed_and_cut_where_there_is_no_room),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
