/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A program that changes its root: a file planted there by another user does not become its keeper or a
 * runner.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <glob.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "stacks.h"

#define OTHER 1234 /* a user that this process is not */
#define ROOT_ONLY CASE_F_ROOT | CASE_F_NO_SANITIZER

static char root[PATH_MAX];

/* "ROOT/path" into a static buffer. */
static const char *in_root(const char *path)
{
	static char joined[2 * PATH_MAX];

	(void)snprintf(joined, sizeof(joined), "%s/%s", root, path);
	return joined;
}

static void own_library(char path[PATH_MAX])
{
	Dl_info info;

	CHECK(dladdr((void *)vdestack_new, &info) != 0);
	CHECK(realpath(info.dli_fname, path) != NULL);
}

/* All directories of a path below the root, of this owner. */
static void make_directories(const char *path, uid_t owner)
{
	char so_far[PATH_MAX];

	for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		(void)snprintf(so_far, sizeof(so_far), "%.*s", (int)(slash - path), path);
		if (mkdir(in_root(so_far), 0755) == 0)
			MUST(chown(in_root(so_far), owner, owner));
		else
			CHECK_EQ(errno, EEXIST);
	}
}

/* Shows a directory of the host in the root, read-only. */
static void show(const char *path)
{
	MUST(mount(path, in_root(path), NULL, MS_BIND | MS_REC, NULL));
	MUST(mount("none", in_root(path), NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL));
}

/*
 * A root with the programs and libraries of the host, in a directory of this owner. Only this process has the
 * mounts, so the removal of the case's directory does not reach the host's files.
 */
static void make_root(uid_t owner)
{
	static const char *const names[] = { "/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32" };
	char target[PATH_MAX];
	struct stat st;

	MUST(unshare(CLONE_NEWNS));
	MUST(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	(void)snprintf(root, sizeof(root), "%s", case_path("root"));
	MUST(mkdir(root, 0755));
	MUST(chown(root, owner, owner));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ssize_t n = readlink(names[i], target, sizeof(target) - 1);
		if (n >= 0) {
			target[n] = '\0';
			MUST(symlink(target, in_root(names[i])));
		} else if (stat(names[i], &st) == 0) {
			MUST(mkdir(in_root(names[i]), 0755));
			show(names[i]);
		}
	}
}

/* The real library, where it was loaded from. */
static void show_library(void)
{
	char path[PATH_MAX];

	own_library(path);
	make_directories(path, 0);
	*strrchr(path, '/') = '\0';
	show(path);
}

/* A program in its place that makes a file in the root when it runs. */
static void plant_library(uid_t owner)
{
	static const char script[] = "#!/bin/sh\n: >/mark\n";
	char path[PATH_MAX];

	own_library(path);
	make_directories(path, owner);
	int fd = (int)MUST(open(in_root(path), O_CREAT | O_WRONLY | O_CLOEXEC, 0755));
	CHECK_EQ(write(fd, script, strlen(script)), strlen(script));
	MUST(fchmod(fd, 0755));
	MUST(fchown(fd, owner, owner));
	close(fd);
}

static void enter_root(void)
{
	MUST(chroot(root));
	MUST(chdir("/"));
}

static bool no_mark(void)
{
	return access("/mark", F_OK) < 0 && errno == ENOENT;
}

static void check_no_keeper(const char *why)
{
	errno = 0;
	struct vdestack *s = vdestack_new("", case_opts());
	int err = errno;
	CHECK(no_mark());
	CHECK(s == NULL);
	CHECK_CONTAINS(vdestack_last_error(), why);
	CHECK_CONTAINS(vdestack_last_error(), "make the first stack before the root is changed");
	CHECK_EQ(err, EPERM);
}

static void use_stack_and_run(void)
{
	char *argv[] = { "true", NULL };
	struct vdestack *s = new_stack("%s", "");

	close((int)MUST(vdestack_msocket(s, AF_INET, SOCK_DGRAM, 0)));
	CHECK_EQ(MUST(vdestack_run(s, argv, NULL)), 0);
}

/* ------------------------------------------------------------------ cases */

CASE_FLAGS(a_file_planted_in_a_users_directory_does_not_become_a_keeper_in_that_root, ROOT_ONLY)
{
	make_root(OTHER);
	plant_library(OTHER);
	enter_root();
	check_no_keeper("/ belongs to another user (owner 1234, mode 0755)");
}

CASE_FLAGS(a_file_planted_in_a_users_directory_does_not_become_a_runner_in_that_root, ROOT_ONLY)
{
	char *argv[] = { "true", NULL };
	struct vdestack *s = new_stack("%s", "");

	make_root(OTHER);
	plant_library(OTHER);
	enter_root();
	errno = 0;
	int r = vdestack_run(s, argv, NULL), err = errno;
	CHECK(no_mark());
	CHECK_EQ(r, -1);
	CHECK_EQ(err, EPERM);
	CHECK_CONTAINS(vdestack_last_error(), "/ belongs to another user");
	close((int)MUST(vdestack_msocket(s, AF_INET, SOCK_DGRAM, 0))); /* the stack lives on */
}

/* Root owns the directories of the path, but not the file. */
CASE_FLAGS(a_planted_file_in_a_root_of_its_own_does_not_become_the_keeper, ROOT_ONLY)
{
	char path[PATH_MAX];

	make_root(0);
	plant_library(0);
	own_library(path);
	MUST(chown(in_root(path), OTHER, OTHER));
	enter_root();
	check_no_keeper("belongs to another user");
}

CASE_FLAGS(a_file_that_others_may_write_to_does_not_become_the_keeper, ROOT_ONLY)
{
	char path[PATH_MAX];

	make_root(0);
	plant_library(0);
	own_library(path);
	MUST(chmod(in_root(path), 0775));
	enter_root();
	check_no_keeper("can be written by others");
}

CASE_FLAGS(no_keeper_is_started_where_another_user_may_have_planted_the_dynamic_linker, ROOT_ONLY)
{
	make_root(0);
	show_library();
	if (unlink(in_root("/lib64")) < 0) {
		MUST(umount2(in_root("/lib64"), MNT_DETACH));
		MUST(rmdir(in_root("/lib64")));
	}
	MUST(mkdir(in_root("/lib64"), 0755));
	MUST(chown(in_root("/lib64"), OTHER, OTHER));
	enter_root();
	check_no_keeper("/lib64 belongs to another user");
}

CASE_FLAGS(no_keeper_is_started_where_another_user_directs_the_dynamic_linker, ROOT_ONLY)
{
	make_root(0);
	show_library();
	MUST(mkdir(in_root("/etc"), 0755));
	close((int)MUST(open(in_root("/etc/ld.so.preload"), O_CREAT | O_WRONLY | O_CLOEXEC, 0644)));
	MUST(chown(in_root("/etc/ld.so.preload"), OTHER, OTHER));
	enter_root();
	check_no_keeper("/etc/ld.so.preload belongs to another user");
}

CASE_FLAGS(no_keeper_is_started_where_the_environment_names_libraries_of_another_user, ROOT_ONLY)
{
	make_root(0);
	show_library();
	MUST(mkdir(in_root("/planted"), 0755));
	MUST(chown(in_root("/planted"), OTHER, OTHER));
	MUST(setenv("LD_LIBRARY_PATH", "/usr/lib:/planted", 1));
	enter_root();
	check_no_keeper("/planted belongs to another user");
}

/* An empty one between colons is the working directory. */
CASE_FLAGS(no_keeper_is_started_where_libraries_come_from_the_working_directory, ROOT_ONLY)
{
	make_root(0);
	show_library();
	MUST(setenv("LD_LIBRARY_PATH", "/usr/lib:", 1));
	enter_root();
	check_no_keeper("\"\" is a relative path");
}

/* By a link that root has made, into a world-writable directory. */
CASE_FLAGS(no_keeper_is_started_where_the_environment_names_a_world_writable_directory, ROOT_ONLY)
{
	make_root(0);
	show_library();
	MUST(mkdir(in_root("/open"), 0755));
	MUST(chmod(in_root("/open"), 01777));
	MUST(symlink("open", in_root("/link")));
	MUST(setenv("VDEPLUGIN_PATH", "/link/not/there", 1));
	enter_root();
	check_no_keeper("/open can be written by others");
}

/* The same root, owned by root. */
CASE_FLAGS(keepers_and_runners_are_started_in_a_root_that_the_administrator_owns, ROOT_ONLY)
{
	make_root(0);
	show_library();
	MUST(mkdir(in_root("/etc"), 0755));
	MUST(setenv("LD_LIBRARY_PATH", "/usr/lib:/not/there", 1));
	MUST(setenv("VDEPLUGIN_PATH", "", 1));
	enter_root();
	use_stack_and_run();
}

/* The check leaves no descriptor open. */
CASE_FLAGS(a_launch_that_is_refused_leaves_no_descriptor, ROOT_ONLY)
{
	make_root(OTHER);
	plant_library(OTHER);
	enter_root();
	check_no_keeper("/ belongs to another user"); /* what stays open after the first call is open now */
	int before = open("/", O_PATH | O_CLOEXEC);
	close(before);
	check_no_keeper("/ belongs to another user");
	CHECK_EQ(open("/", O_PATH | O_CLOEXEC), before);
}

/* ------------------------------------------------------------------ users with capabilities */

/*
 * As with file or ambient capabilities: a file planted by this user would get rights that the user does not
 * have.
 */
static void become_with_capabilities(uid_t uid)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	MUST(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	MUST(setresgid(uid, uid, uid));
	MUST(setresuid(uid, uid, uid));
	MUST(syscall(SYS_capget, &head, data));
	for (int i = 0; i < 2; i++)
		data[i].effective = data[i].permitted;
	MUST(syscall(SYS_capset, &head, data));
}

CASE_FLAGS(a_user_with_capabilities_is_not_trusted_with_what_becomes_the_keeper, ROOT_ONLY)
{
	make_root(OTHER);
	plant_library(OTHER);
	become_with_capabilities(OTHER);
	enter_root();
	check_no_keeper("belongs to another user");
}

/* ------------------------------------------------------------------ a keeper that follows into a root */

/* In all directories that a dynamic linker may search. */
static void plant_everywhere(const char *name)
{
	static const char *const dirs[] = { "/lib", "/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu",
					    "/usr/lib", "/usr/lib/x86_64-linux-gnu",
					    "/usr/lib/aarch64-linux-gnu", "/lib64", "/usr/lib64" };
	char path[PATH_MAX], *command;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dirs[i], name);
		make_directories(path, OTHER);
		MUST(asprintf(&command, "mkdir -p %s%s/vdeplug && cp %s %s%s && chmod -R a+rwX %s", root,
			      dirs[i], PLANTED, root, path, root));
		CHECK_EQ(system(command), 0);
		free(command);
	}
}

static bool any_mark(void)
{
	static const char *const patterns[] = { "/*/*.mark", "/*/*/*.mark", "/*/*/*/*.mark",
						"/*/*/*/*/*.mark" };
	glob_t g;

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		if (glob(patterns[i], 0, NULL, &g) == 0)
			return true;
	return false;
}

/* There is a keeper already. Another user owns the root and all that is in it. */
static void add_in_root_of_other(const char *config, const char *library)
{
	struct vdestack *s = new_stack("%s", "");
	char text[] = "passwd: evil files\nhosts: evil files\n";

	(void)snprintf(root, sizeof(root), "%s", case_path("root"));
	MUST(mkdir(root, 0755));
	plant_everywhere(library);
	MUST(mkdir(in_root("etc"), 0755));
	int fd = (int)MUST(open(in_root("etc/nsswitch.conf"), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	CHECK_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	enter_root();
	(void)vdestack_iface_add(s, config, NULL); /* the case does not check whether it works */
	CHECK(!any_mark());
	MUST(vdestack_iface_add(s, "iface=works vnl=ptp:///there", NULL));
	MUST(access("/there", F_OK));
}

CASE_FLAGS(the_keeper_loads_nothing_from_a_users_root_to_look_up_a_user, ROOT_ONLY)
{
	add_in_root_of_other("vnl=vde:///tmp/switch", "libnss_evil.so.2");
}

CASE_FLAGS(the_keeper_loads_nothing_from_a_users_root_to_look_up_a_host, ROOT_ONLY)
{
	add_in_root_of_other("vnl=udp://5000->some.host/5001", "libnss_evil.so.2");
}

CASE_FLAGS(the_keeper_loads_no_plugin_from_a_users_root, ROOT_ONLY)
{
	add_in_root_of_other("vnl=vlan://3{evil:///tmp/x}", "vdeplug/libvdeplug_evil.so");
}
