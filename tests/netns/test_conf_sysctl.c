/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sysctls. */

#include <string.h>

#include "fixture.h"

static void sysctls_are_set_and_read(void **state)
{
	char value[16];

	(void)state;
	assert_works(vdestack_sysctl_set(stack, "ipv4.ip_forward", "1"));
	assert_int_equal(vdestack_sysctl_get(stack, "ipv4/ip_forward", value, sizeof(value)), 1);
	assert_string_equal(value, "1");
	assert_works(vdestack_sysctl_set(stack, "ipv4/ip_forward", "0\n"));
	assert_int_equal(vdestack_sysctl_get(stack, "ipv4.ip_forward", value, 2), 1);
	assert_string_equal(value, "0");
	assert_fails(ERANGE, vdestack_sysctl_get(stack, "ipv4.ip_forward", value, 1));
	assert_fails(ENOENT, vdestack_sysctl_get(stack, "ipv4.no_such", value, sizeof(value)));
	assert_fails(EINVAL, vdestack_sysctl_set(stack, "ipv4.ip_forward", "maybe"));
}

static void assert_says(const char *text)
{
	if (strstr(vdestack_last_error(), text) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", text, vdestack_last_error());
}

/* Here the program is in the namespace of the stack, so a setting that is only on the host is unknown. */
static void each_refusal_of_a_sysctl_has_its_cause(void **state)
{
	char value[16];

	(void)state;
	assert_fails(ENOENT, vdestack_sysctl_get(stack, "ipv4.no_such", value, sizeof(value)));
	assert_says("no such setting; check the name");
	assert_fails(ENOENT, vdestack_sysctl_set(stack, "ipv4.no_such", "1"));
	assert_says("no such setting; check the name");
	assert_fails(ENOENT, vdestack_sysctl_set(stack, "ipv6/conf/nosuch0/accept_ra", "1"));
	assert_says("no interface nosuch0");
	assert_fails(ENOENT, vdestack_sysctl_get(stack, "ipv4/neigh/nosuch0/retrans_time_ms", value, 16));
	assert_says("no interface nosuch0");
	assert_fails(ENOENT, vdestack_sysctl_set(stack, "ipv4/conf/lo/no_such", "1"));
	assert_says("no such setting; check the name");
	assert_fails(EINVAL, vdestack_sysctl_set(stack, "ipv4.ip_default_ttl", "maybe"));
	assert_says("the kernel refuses the value; it is \"64\" now");
	assert_fails(ENOENT, vdestack_sysctl_set(stack, "ipv4.tcp_congestion_control", "nosuch"));
	assert_says("no such congestion control; it has ");
	assert_says("reno");
	/* Nothing can write it. */
	assert_fails(EACCES, vdestack_sysctl_set(stack, "ipv4.tcp_available_congestion_control", "reno"));
	assert_says("it can only be read");
}

static void dots_in_interface_names_survive_slashes(void **state)
{
	char value[16];

	(void)state;
	make_plugged("d0.5");
	assert_works(vdestack_sysctl_set(stack, "ipv6/conf/d0.5/accept_ra", "0"));
	assert_int_equal(vdestack_sysctl_get(stack, "ipv6/conf/d0.5/accept_ra", value, sizeof(value)), 1);
}

static void sysctl_names_cannot_leave_net(void **state)
{
	static const char *const bad[] = { "",
					   "/",
					   ".",
					   "..",
					   "ipv4/../../kernel/hostname",
					   "a/.",
					   "/etc/passwd",
					   "ipv4//x",
					   "ipv4..x",
					   "ipv4/x/",
					   "../kernel/hostname",
					   ".a",
					   "ipv4.ip x",
					   "ipv4\n/x",
					   "ipv4/*",
					   "ip\xc3\xa9/x" };
	char value[16];

	(void)state;
	for (size_t i = 0; i < VS_COUNT(bad); i++) {
		assert_fails(EINVAL, vdestack_sysctl_get(stack, bad[i], value, sizeof(value)));
		assert_fails(EINVAL, vdestack_sysctl_set(stack, bad[i], "1"));
	}
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		CASE(sysctls_are_set_and_read),
		CASE(each_refusal_of_a_sysctl_has_its_cause),
		CASE(dots_in_interface_names_survive_slashes),
		CASE(sysctl_names_cannot_leave_net),
	};

	return vs_unit_main(argc, argv, tests, VS_COUNT(tests));
}
