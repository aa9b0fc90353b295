/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From an errno to its cause, with an artificial /proc and /dev for each case. */

#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diagnose.h"
#include "unit.h"

static char root[256];

/* Writes a file below the artificial root, with the directories of its path. */
static void put(const char *path, const char *text, unsigned mode)
{
	char name[512];

	(void)snprintf(name, sizeof(name), "%s%s", root, path);
	for (char *slash = strchr(name + strlen(root) + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(name, 0755);
		*slash = '/';
	}
	FILE *f = fopen(name, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(name, mode), 0);
}

static int make_root(void **state)
{
	const char *tmp = getenv("VDESTACK_TEST_TMP");

	(void)state;
	(void)snprintf(root, sizeof(root), "%s/root.XXXXXX", tmp != NULL ? tmp : "/tmp");
	return mkdtemp(root) != NULL ? 0 : -1;
}

static int drop_root(void **state)
{
	char command[300];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command) == 0 ? 0 : -1;
}

#define USERNS_MAX "/proc/sys/user/max_user_namespaces"
#define NETNS_MAX "/proc/sys/user/max_net_namespaces"
#define DEBIAN "/proc/sys/kernel/unprivileged_userns_clone"
#define APPARMOR "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
#define STATUS "/proc/self/status"

static void check_message(enum vs_cause cause, const char *part, const char *remedy)
{
	const char *text = vs_cause_text(cause, EPERM);

	assert_non_null(strstr(text, part));
	assert_non_null(strstr(text, remedy));
	assert_non_null(strstr(text, "; ")); /* "cause; remedy" */
}

static void where_no_namespaces_are_to_be_had_the_way_without_is_named(void **state)
{
	static const enum vs_cause none[] = { VS_CAUSE_USERNS_OFF,       VS_CAUSE_USERNS_DEBIAN,
					      VS_CAUSE_USERNS_APPARMOR,  VS_CAUSE_USERNS_SECCOMP,
					      VS_CAUSE_USERNS_NOT_BUILT, VS_CAUSE_NETNS_OFF };

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_non_null(strstr(vs_cause_text(none[i], EPERM), "picox of libioth needs no namespace"));
	assert_null(strstr(vs_cause_text(VS_CAUSE_USERNS_LIMIT, ENOSPC), "picox")); /* some can be freed */
}

static void user_namespaces_switched_off_by_their_maximum(void **state)
{
	(void)state;
	put(USERNS_MAX, "0\n", 0644);
	assert_int_equal(vs_diagnose_userns(ENOSPC, root), VS_CAUSE_USERNS_OFF);
	assert_int_equal(vs_diagnose_userns(EUSERS, root), VS_CAUSE_USERNS_OFF);
	check_message(VS_CAUSE_USERNS_OFF, "switched off", "user.max_user_namespaces=");
}

static void the_limit_of_user_namespaces_is_not_disk_space(void **state)
{
	(void)state;
	put(USERNS_MAX, "5\n", 0644);
	assert_int_equal(vs_diagnose_userns(ENOSPC, root), VS_CAUSE_USERNS_LIMIT);
	assert_int_equal(vs_diagnose_userns(EUSERS, root), VS_CAUSE_USERNS_LIMIT);
	check_message(VS_CAUSE_USERNS_LIMIT, "the disk is not full", "user.max_user_namespaces");
}

static void user_namespaces_switched_off_by_debians_sysctl(void **state)
{
	(void)state;
	put(DEBIAN, "0\n", 0644);
	put(APPARMOR, "1\n", 0644); /* the other file would not be read */
	assert_int_equal(vs_diagnose_userns(EPERM, root), VS_CAUSE_USERNS_DEBIAN);
	check_message(VS_CAUSE_USERNS_DEBIAN, "switched off", "kernel.unprivileged_userns_clone=1");
}

static void user_namespaces_restricted_by_apparmor(void **state)
{
	(void)state;
	put(DEBIAN, "1\n", 0644);
	put(APPARMOR, "1\n", 0644);
	put(STATUS, "Name:\tx\nSeccomp:\t0\n", 0644);
	assert_int_equal(vs_diagnose_userns(EPERM, root), VS_CAUSE_USERNS_APPARMOR);
	assert_int_equal(vs_diagnose_userns(EACCES, root), VS_CAUSE_USERNS_APPARMOR);
	check_message(VS_CAUSE_USERNS_APPARMOR, "AppArmor", "kernel.apparmor_restrict_unprivileged_userns=0");
	check_message(VS_CAUSE_USERNS_APPARMOR, "AppArmor", "userns,");
}

static void restrictions_of_apparmor_on_a_network_namespace_are_recognised(void **state)
{
	(void)state;
	/* It allows the user namespace, without rights in it. */
	put(APPARMOR, "1\n", 0644);
	assert_int_equal(vs_diagnose_netns(EPERM, root), VS_CAUSE_USERNS_APPARMOR);
	assert_int_equal(vs_diagnose_netns(EACCES, root), VS_CAUSE_USERNS_APPARMOR);
}

static void user_namespaces_refused_by_seccomp(void **state)
{
	(void)state;
	put(APPARMOR, "0\n", 0644);
	put(STATUS, "Name:\tx\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n", 0644);
	assert_int_equal(vs_diagnose_userns(EPERM, root), VS_CAUSE_USERNS_SECCOMP);
	check_message(VS_CAUSE_USERNS_SECCOMP, "seccomp", "CLONE_NEWUSER");
}

static void user_namespaces_refused_in_a_chroot(void **state)
{
	(void)state;
	put(STATUS, "Name:\tx\nSeccomp:\t0\nSeccomp_filters:\t0\n", 0644);
	assert_int_equal(vs_diagnose_userns(EPERM, root), VS_CAUSE_USERNS_CHROOT);
	check_message(VS_CAUSE_USERNS_CHROOT, "chroot", "pivot_root");
}

static void a_kernel_without_user_namespaces(void **state)
{
	(void)state;
	assert_int_equal(vs_diagnose_userns(EINVAL, root), VS_CAUSE_USERNS_NOT_BUILT);
	assert_int_equal(vs_diagnose_userns(ENOSYS, root), VS_CAUSE_USERNS_NOT_BUILT);
	check_message(VS_CAUSE_USERNS_NOT_BUILT, "no user namespaces", "CONFIG_USER_NS");
}

static void network_namespaces_switched_off_or_used_up(void **state)
{
	(void)state;
	put(NETNS_MAX, "0\n", 0644);
	assert_int_equal(vs_diagnose_netns(ENOSPC, root), VS_CAUSE_NETNS_OFF);
	put(NETNS_MAX, "7\n", 0644);
	assert_int_equal(vs_diagnose_netns(ENOSPC, root), VS_CAUSE_NETNS_LIMIT);
	check_message(VS_CAUSE_NETNS_OFF, "switched off", "sysctl");
	check_message(VS_CAUSE_NETNS_LIMIT, "the disk is not full", "user.max_net_namespaces");
}

static void the_tun_device_absent_forbidden_or_without_driver(void **state)
{
	(void)state;
	assert_int_equal(vs_diagnose_tun(ENOENT, root), VS_CAUSE_TUN_ABSENT);
	assert_int_equal(vs_diagnose_tun(ENOTDIR, root), VS_CAUSE_TUN_ABSENT);
	assert_int_equal(vs_diagnose_tun(ENODEV, root), VS_CAUSE_TUN_MODULE);
	assert_int_equal(vs_diagnose_tun(ENXIO, root), VS_CAUSE_TUN_MODULE);
	put("/dev/net/tun", "", 0600);
	assert_int_equal(vs_diagnose_tun(EACCES, root), VS_CAUSE_TUN_PERMISSION);
	assert_int_equal(vs_diagnose_tun(EPERM, root), VS_CAUSE_TUN_PERMISSION);
	put("/dev/net/tun", "", 0666);
	assert_int_equal(vs_diagnose_tun(EPERM, root), VS_CAUSE_TUN_CGROUP);
	check_message(VS_CAUSE_TUN_ABSENT, "does not exist", "mknod");
	check_message(VS_CAUSE_TUN_PERMISSION, "may not be opened", "chmod 666");
	check_message(VS_CAUSE_TUN_MODULE, "driver", "modprobe tun");
	check_message(VS_CAUSE_TUN_CGROUP, "device cgroup", "c 10:200");
}

static void a_tun_node_that_is_something_else(void **state)
{
	(void)state;
	/* the errno of TUNSETIFF on another device or a file */
	assert_int_equal(vs_diagnose_tun(ENOTTY, root), VS_CAUSE_TUN_OTHER);
	check_message(VS_CAUSE_TUN_OTHER, "not the tun driver's", "mknod");
}

static void limits_have_their_own_causes(void **state)
{
	static const struct {
		int err;
		enum vs_cause cause;
		const char *remedy;
	} table[] = {
		{ EMFILE, VS_CAUSE_DESCRIPTORS, "RLIMIT_NOFILE" },
		{ ENFILE, VS_CAUSE_DESCRIPTORS, "ulimit -n" },
		{ ENOMEM, VS_CAUSE_MEMORY, "RLIMIT_AS" },
		{ EAGAIN, VS_CAUSE_PROCESSES, "RLIMIT_NPROC" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(vs_diagnose_limit(table[i].err), table[i].cause);
		assert_int_equal(vs_diagnose_userns(table[i].err, root), table[i].cause);
		assert_int_equal(vs_diagnose_netns(table[i].err, root), table[i].cause);
		assert_int_equal(vs_diagnose_tun(table[i].err, root), table[i].cause);
		check_message(table[i].cause, "limit", table[i].remedy);
	}
}

static void an_unknown_cause_keeps_its_own_text(void **state)
{
	(void)state;
	assert_int_equal(vs_diagnose_limit(EIO), VS_CAUSE_UNKNOWN);
	assert_string_equal(vs_cause_text(VS_CAUSE_UNKNOWN, EIO), strerror(EIO));
	assert_string_equal(vs_cause_text((enum vs_cause)9999, EIO), strerror(EIO));
}

static void networks_that_cannot_be_opened(void **state)
{
	(void)state;
	assert_int_equal(vs_diagnose_network(EPROTONOSUPPORT), VS_CAUSE_NETWORK_SCHEME);
	assert_int_equal(vs_diagnose_network(ENOENT), VS_CAUSE_NETWORK_ABSENT);
	assert_int_equal(vs_diagnose_network(ECONNREFUSED), VS_CAUSE_NETWORK_DEAD);
	assert_int_equal(vs_diagnose_network(EACCES), VS_CAUSE_NETWORK_PERMISSION);
	assert_int_equal(vs_diagnose_network(ENAMETOOLONG), VS_CAUSE_NETWORK_LONG);
	assert_int_equal(vs_diagnose_network(ETIMEDOUT), VS_CAUSE_NETWORK_SILENT);
	assert_int_equal(vs_diagnose_network(EADDRINUSE), VS_CAUSE_NETWORK_BUSY);
	assert_int_equal(vs_diagnose_network(EMFILE), VS_CAUSE_DESCRIPTORS);
	assert_int_equal(vs_diagnose_network(EIO), VS_CAUSE_NETWORK_OTHER);
	assert_non_null(strstr(vs_cause_text(VS_CAUSE_NETWORK_OTHER, EIO), "vde_plug(1)"));
}

static void every_cause_has_a_message(void **state)
{
	(void)state;
	for (int cause = VS_CAUSE_UNKNOWN + 1; cause < VS_CAUSE_NETWORK_OTHER; cause++)
		check_message((enum vs_cause)cause, "", "");
}

/* Files that are empty, unreadable or malformed are treated as absent. */
static void malformed_files_are_ignored(void **state)
{
	(void)state;
	put(USERNS_MAX, "", 0644);
	put(APPARMOR, "", 0644);
	put(DEBIAN, "", 0644);
	put(STATUS, "", 0644);
	assert_int_equal(vs_diagnose_userns(ENOSPC, root), VS_CAUSE_USERNS_LIMIT);
	assert_int_equal(vs_diagnose_userns(EPERM, root), VS_CAUSE_USERNS_CHROOT);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_root, drop_root)

static const struct CMUnitTest tests[] = {
	CASE(user_namespaces_switched_off_by_their_maximum),
	CASE(the_limit_of_user_namespaces_is_not_disk_space),
	CASE(user_namespaces_switched_off_by_debians_sysctl),
	CASE(user_namespaces_restricted_by_apparmor),
	CASE(restrictions_of_apparmor_on_a_network_namespace_are_recognised),
	CASE(user_namespaces_refused_by_seccomp),
	CASE(user_namespaces_refused_in_a_chroot),
	CASE(a_kernel_without_user_namespaces),
	CASE(network_namespaces_switched_off_or_used_up),
	CASE(the_tun_device_absent_forbidden_or_without_driver),
	CASE(a_tun_node_that_is_something_else),
	CASE(limits_have_their_own_causes),
	CASE(an_unknown_cause_keeps_its_own_text),
	CASE(networks_that_cannot_be_opened),
	CASE(every_cause_has_a_message),
	CASE(where_no_namespaces_are_to_be_had_the_way_without_is_named),
	CASE(malformed_files_are_ignored),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
