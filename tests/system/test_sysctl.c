/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sysctls of a stack that cannot be set: each refusal names its cause. */

#define _GNU_SOURCE
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>

#include "stacks.h"

#define ALGORITHM "ipv4.tcp_congestion_control"
#define ALLOWED "ipv4.tcp_allowed_congestion_control"
#define AVAILABLE "ipv4.tcp_available_congestion_control"

/* True if list, words with spaces between them, has the word. */
static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; (at = strstr(at, word)) != NULL; at += len)
		if ((at == list || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
	return false;
}

CASE_BOTH(a_congestion_control_that_is_not_allowed_is_refused_with_the_list)
{
	struct vdestack *s = new_stack("%s", "");
	char allowed[256], available[256];
	int refused = 0;

	MUST(vdestack_sysctl_get(s, ALLOWED, allowed, sizeof(allowed)));
	MUST(vdestack_sysctl_get(s, AVAILABLE, available, sizeof(available)));
	for (char *rest, *word = strtok_r(available, " ", &rest); word != NULL;
	     word = strtok_r(NULL, " ", &rest)) {
		if (has_word(allowed, word)) {
			MUST(vdestack_sysctl_set(s, ALGORITHM, word));
			continue;
		}
		CHECK_ERRNO(vdestack_sysctl_set(s, ALGORITHM, word), EPERM);
		CHECK_CONTAINS(vdestack_last_error(), "is not in tcp_allowed_congestion_control");
		CHECK_CONTAINS(vdestack_last_error(), word);
		CHECK_CONTAINS(vdestack_last_error(), allowed);
		CHECK(strstr(vdestack_last_error(), "privileges") == NULL);
		refused++;
	}
	/* Where the host allows all of its algorithms, only an unknown one is refused. */
	printf("%d refused\n", refused);
	CHECK_ERRNO(vdestack_sysctl_set(s, ALGORITHM, "nosuch"), ENOENT);
	CHECK_CONTAINS(vdestack_last_error(), "no such congestion control; it has ");
	CHECK_CONTAINS(vdestack_last_error(), "reno");
}

CASE_BOTH(a_sysctl_that_all_namespaces_share_is_told_as_that)
{
	struct vdestack *s = new_stack("%s", "");
	char value[64];

	if (access("/proc/sys/net/core/netdev_max_backlog", F_OK) != 0)
		SKIP("these tests run in a network namespace that is not the initial one");
	CHECK_ERRNO(vdestack_sysctl_set(s, "core.netdev_max_backlog", "2000"), ENOENT);
	CHECK_CONTAINS(vdestack_last_error(), "one for all; set it on the host");
	CHECK_ERRNO(vdestack_sysctl_get(s, "core.netdev_max_backlog", value, sizeof(value)), ENOENT);
	CHECK_CONTAINS(vdestack_last_error(), "one for all; set it on the host");
	/* In a stack it is there, but read-only; or not there, in older kernels. */
	CHECK(vdestack_sysctl_set(s, "core.rmem_max", "1000000") < 0);
	CHECK(errno == EACCES || errno == ENOENT);
	CHECK_CONTAINS(vdestack_last_error(), "one for all; set it on the host");
	CHECK_ERRNO(vdestack_sysctl_set(s, AVAILABLE, "reno"), EACCES);
	CHECK_CONTAINS(vdestack_last_error(), "it can only be read");
	CHECK(strstr(vdestack_last_error(), "host") == NULL);
}

CASE_BOTH(a_refused_value_and_a_missing_interface_are_told_apart)
{
	struct vdestack *s = new_stack("vnl=inproc://lan");
	char value[64];

	CHECK_ERRNO(vdestack_sysctl_set(s, "ipv4.ip_default_ttl", "1000"), EINVAL);
	CHECK_CONTAINS(vdestack_last_error(), "refuses the value; it is \"64\" now");
	CHECK_ERRNO(vdestack_sysctl_set(s, "ipv6/conf/vde7/accept_ra", "0"), ENOENT);
	CHECK_CONTAINS(vdestack_last_error(), "the stack has no interface vde7");
	CHECK_ERRNO(vdestack_sysctl_set(s, "ipv6/conf/vde0/no_such", "0"), ENOENT);
	CHECK_CONTAINS(vdestack_last_error(), "no such setting");
	CHECK_ERRNO(vdestack_sysctl_set(s, "net.ipv4.ip_forward", "1"), ENOENT);
	CHECK_CONTAINS(vdestack_last_error(), "names begin behind \"net\"; write ipv4/ip_forward");
	CHECK_ERRNO(vdestack_sysctl_get(s, "net/ipv4/ip_forward", value, sizeof(value)), ENOENT);
	CHECK_CONTAINS(vdestack_last_error(), "write ipv4/ip_forward");
	CHECK_ERRNO(vdestack_sysctl_get(s, "ipv4.no_such", value, sizeof(value)), ENOENT);
	CHECK_CONTAINS(vdestack_last_error(), "no such setting");
}

/* Missing privileges are the cause that is reported, also where the value could not be set anyway. */
CASE_ROOT(a_child_without_privileges_is_told_of_its_privileges)
{
	struct vdestack *s = new_stack("%s", "");
	pid_t child = (pid_t)MUST(fork());
	int status;

	if (child == 0) {
		MUST(setresuid(65534, 65534, 65534));
		CHECK_ERRNO(vdestack_sysctl_set(s, ALGORITHM, "reno"), EPERM);
		CHECK_CONTAINS(vdestack_last_error(), "privileges");
		CHECK(strstr(vdestack_last_error(), "tcp_allowed") == NULL);
		_exit(0);
	}
	MUST(waitpid(child, &status, 0));
	CHECK_EQ(status, 0);
}

CASE_ROOT(a_read_only_proc_is_told_as_that)
{
	MUST(unshare(CLONE_NEWNS));
	MUST(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(mount("/proc/sys", "/proc/sys", NULL, MS_BIND, NULL));
	MUST(mount("none", "/proc/sys", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL));
	struct vdestack *s = new_stack("%s", "");
	CHECK_ERRNO(vdestack_sysctl_set(s, "ipv4.ip_forward", "1"), EROFS);
	CHECK_CONTAINS(vdestack_last_error(), "/proc/sys is mounted read-only");
}
