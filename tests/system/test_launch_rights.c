/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Programs with rights that their caller lacks. Variables that the caller has set in the environment
 * do not reach the keeper or the runner.
 *
 * The program is a copy of this one, executed by an ordinary user. It reads LAUNCH_DOES before its main,
 * which says what to do.
 */

#define _GNU_SOURCE
#include <linux/capability.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "stacks.h"

#define CALLER 1234 /* the ordinary user and group */
#define ROOT_ONLY CASE_F_ROOT | CASE_F_NO_SANITIZER

/* ------------------------------------------------------------------ in the program */

/* It cannot succeed: the file that the caller has planted is no plugin. */
static int use_planted_network(unsigned flags)
{
	struct vdestack_opts opts = { .size = sizeof(opts), .flags = flags };

	return vdestack_new("vnl=planted://x", &opts) == NULL ? 0 : 1;
}

/* A command gets the environment of the program, not that of its runner. */
static int run_command(void)
{
	static const char check[] = "test \"$MINE\" = own && test \"$VDEPLUGIN_PATH\" && "
				    "test \"$HOME\" = /of/the/caller && test \"$PATH\" = \"$WANTED_PATH\"";
	char *argv[] = { "sh", "-c", (char *)check, NULL };
	struct vdestack *s = vdestack_new("", NULL);

	if (s == NULL || setenv("MINE", "own", 1) < 0)
		return 1;
	return vdestack_run(s, argv, NULL) == 0 ? 0 : 2;
}

static int hold_command(void)
{
	char *argv[] = { "sleep", "1000", NULL };
	struct vdestack *s = vdestack_new("", NULL);

	if (s == NULL || vdestack_spawn(s, argv, NULL, NULL) < 0 || write(1, "x", 1) != 1)
		return 1;
	for (;;)
		(void)pause();
}

__attribute__((constructor)) static void act(void)
{
	const char *does = getenv("LAUNCH_DOES");
	int r = 9;

	if (does == NULL)
		return;
	if (getauxval(AT_SECURE) == 0)
		_exit(8);
	if (strcmp(does, "plugin") == 0)
		r = use_planted_network(0);
	else if (strcmp(does, "inprocess") == 0)
		r = use_planted_network(VDESTACK_INPROCESS);
	else if (strcmp(does, "run") == 0)
		r = run_command();
	else if (strcmp(does, "hold") == 0)
		r = hold_command();
	if (r != 0)
		(void)fprintf(stderr, "%s: %s\n", does, vdestack_last_error());
	_exit(r);
}

/* ------------------------------------------------------------------ around the program */

enum kind { SET_USER_ID, SET_GROUP_ID, FILE_CAPABILITIES };

static void copy_file(const char *from, const char *to, mode_t mode)
{
	static char buf[65536];
	int in = (int)MUST(open(from, O_RDONLY | O_CLOEXEC));
	int out = (int)MUST(open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0700));
	ssize_t n;

	while ((n = MUST(read(in, buf, sizeof(buf)))) > 0)
		CHECK_EQ(write(out, buf, (size_t)n), n);
	close(in);
	close(out);
	MUST(chmod(to, mode));
}

static const char *make_program(enum kind kind)
{
	const char *file = case_path("program");
	struct vfs_cap_data caps = { .magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE };

	MUST(chmod(case_tmp(), 0755));
	copy_file("/proc/self/exe", file, 0755);
	if (kind == SET_GROUP_ID)
		MUST(chown(file, 0, 42));
	if (kind != FILE_CAPABILITIES) {
		MUST(chmod(file, kind == SET_USER_ID ? 04755 : 02755));
		return file;
	}
	caps.data[0].permitted = 1u << CAP_SYS_ADMIN | 1u << CAP_NET_ADMIN | 1u << CAP_NET_RAW;
	MUST(setxattr(file, "security.capability", &caps, sizeof(caps), 0));
	return file;
}

/* A directory that every user may write to, with the planted plugin in it. */
static void plant(void)
{
	char path[256];

	MUST(mkdir(case_path("planted"), 0777));
	MUST(chmod(case_path("planted"), 0777));
	(void)snprintf(path, sizeof(path), "%s/libvdeplug_planted.so", case_path("planted"));
	copy_file(PLANTED, path, 0755);
}

static bool was_loaded(void)
{
	char path[256];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/libvdeplug_planted.so.mark", case_path("planted"));
	return stat(path, &st) == 0;
}

/* Starts the program as the ordinary user; out gets its standard output. */
static pid_t start(const char *file, const char *does, int out)
{
	pid_t pid = (pid_t)MUST(fork());

	if (pid != 0)
		return pid;
	if (out >= 0)
		MUST(dup2(out, 1));
	MUST(setenv("LAUNCH_DOES", does, 1));
	MUST(setenv("VDEPLUGIN_PATH", case_path("planted"), 1));
	MUST(setenv("HOME", "/of/the/caller", 1));
	MUST(setenv("LC_TIME", "/of/the/caller", 1));
	MUST(setenv("LANG", "C.UTF-8", 1));
	MUST(setenv("TZ", ":/of/the/caller", 1));
	MUST(setenv("WANTED_PATH", getenv("PATH"), 1));
	MUST(setgroups(0, NULL));
	MUST(setresgid(CALLER, CALLER, CALLER));
	MUST(setresuid(CALLER, CALLER, CALLER));
	MUST(execl(file, "program", (char *)NULL));
	_exit(127);
}

static int run(const char *file, const char *does)
{
	int status;

	MUST(waitpid(start(file, does, -1), &status, 0));
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void check_plugin_is_not_loaded(enum kind kind)
{
	plant();
	CHECK_EQ(run(make_program(kind), "plugin"), 0);
	CHECK(!was_loaded());
}

/* ------------------------------------------------------------------ cases */

/* So the planted plugin would be loaded without the protection. */
CASE_FLAGS(an_ordinary_program_has_its_keeper_load_plugins_from_where_the_environment_says,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	plant();
	MUST(setenv("VDEPLUGIN_PATH", case_path("planted"), 1));
	CHECK_EQ(use_planted_network(0), 0);
	CHECK(was_loaded());
}

CASE_FLAGS(the_keeper_of_a_set_user_id_program_loads_no_plugin_of_its_callers, ROOT_ONLY)
{
	check_plugin_is_not_loaded(SET_USER_ID);
}

CASE_FLAGS(the_keeper_of_a_set_group_id_program_loads_no_plugin_of_its_callers, ROOT_ONLY)
{
	check_plugin_is_not_loaded(SET_GROUP_ID);
}

CASE_FLAGS(the_keeper_of_a_program_with_file_capabilities_loads_no_plugin_of_its_callers, ROOT_ONLY)
{
	check_plugin_is_not_loaded(FILE_CAPABILITIES);
}

CASE_FLAGS(a_set_user_id_program_loads_no_plugin_of_its_callers_into_itself, ROOT_ONLY)
{
	plant();
	CHECK_EQ(run(make_program(SET_USER_ID), "inprocess"), 0);
	CHECK(!was_loaded());
}

CASE_FLAGS(a_command_of_a_set_user_id_program_has_the_environment_of_the_program, ROOT_ONLY)
{
	CHECK_EQ(run(make_program(SET_USER_ID), "run"), 0);
}

CASE_FLAGS(a_command_of_a_set_group_id_program_has_the_environment_of_the_program, ROOT_ONLY | CASE_F_USERNS)
{
	CHECK_EQ(run(make_program(SET_GROUP_ID), "run"), 0);
}

CASE_FLAGS(a_command_of_a_program_with_file_capabilities_has_the_environment_of_the_program, ROOT_ONLY)
{
	CHECK_EQ(run(make_program(FILE_CAPABILITIES), "run"), 0);
}

/* Each string of /proc/PID/environ. */
static void check_environment(pid_t pid)
{
	static char text[65536];
	char path[64];
	bool has_path = false, has_lang = false;

	(void)snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	int fd = (int)MUST(open(path, O_RDONLY | O_CLOEXEC));
	ssize_t n = MUST(read(fd, text, sizeof(text) - 1));
	close(fd);
	CHECK(n > 0);
	for (char *at = text; at < text + n; at += strlen(at) + 1) {
		has_path = has_path || strcmp(at, "PATH=/usr/sbin:/usr/bin:/sbin:/bin") == 0;
		has_lang = has_lang || strcmp(at, "LANG=C.UTF-8") == 0;
		if (strstr(at, "caller") != NULL || strstr(at, "planted") != NULL ||
		    strncmp(at, "LAUNCH_DOES", 11) == 0)
			FAIL("process %d got \"%s\"", (int)pid, at);
	}
	CHECK(has_path);
	CHECK(has_lang);
}

CASE_FLAGS(keeper_and_runner_of_a_set_user_id_program_get_a_list_of_harmless_variables, ROOT_ONLY)
{
	const char *file = make_program(SET_USER_ID);
	int said[2], status;
	pid_t runner = 0;

	MUST(pipe2(said, O_CLOEXEC));
	pid_t program = start(file, "hold", said[1]);
	close(said[1]);
	CHECK(wait_readable(said[0], SOON_MS));
	char byte;
	CHECK_EQ(read(said[0], &byte, 1), 1);
	CHECK_EQ(find_children(getppid(), "vdestack-runner", &runner, 1), 1);
	check_environment(runner);
	check_environment(the_keeper());
	MUST(kill(program, SIGKILL));
	MUST(waitpid(program, &status, 0));
}
