/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which offloads the environment allows. */

#include <stdlib.h>

#include "pump/offload.h"
#include "unit.h"

static void the_environment_turns_offloads_off(void **state)
{
	static const struct {
		const char *text;
		unsigned off;
	} table[] = {
		{ "", 0 },
		{ "csum", VS_OFFLOAD_CSUM | VS_OFFLOAD_TSO | VS_OFFLOAD_USO },
		{ "tso", VS_OFFLOAD_TSO },
		{ "uso", VS_OFFLOAD_USO },
		{ "gro", VS_OFFLOAD_GRO },
		{ "ugro", VS_OFFLOAD_UGRO },
		{ "super", VS_OFFLOAD_SUPER },
		{ "all", VS_OFFLOAD_ALL },
		{ "gro,ugro", VS_OFFLOAD_GRO | VS_OFFLOAD_UGRO },
		{ "tso gro", VS_OFFLOAD_TSO | VS_OFFLOAD_GRO },
		{ ",,gro, ,", VS_OFFLOAD_GRO },
		{ "gr,groo,GRO,none", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(setenv("VDESTACK_NO_OFFLOAD", table[i].text, 1), 0);
		assert_int_equal(vs_offload_allowed(), VS_OFFLOAD_ALL & ~table[i].off);
	}
	assert_int_equal(unsetenv("VDESTACK_NO_OFFLOAD"), 0);
	assert_int_equal(vs_offload_allowed(), VS_OFFLOAD_ALL);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_environment_turns_offloads_off),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
