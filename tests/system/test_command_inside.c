/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands in a stack: what they inherit, and what they may do. */

#define _GNU_SOURCE
#define VDESTACK_BUILDING /* NULL is passed where it must not be */
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "command.h"

#define NETWORK_CAPS UINT64_C(0x3c00)

/* Runs a command with its standard output in a pipe. Returns the output, in a static buffer. */
static const char *output_of(struct vdestack *stack, const struct vdestack_cmd_opts *opts,
			     const char *const *argv)
{
	static char text[16384];
	int pipe_fds[2], saved = (int)MUST(fcntl(1, F_DUPFD_CLOEXEC, 10)), status_fd, status;
	size_t n = 0;
	ssize_t got;

	MUST(pipe2(pipe_fds, O_CLOEXEC));
	MUST(dup2(pipe_fds[1], 1));
	close(pipe_fds[1]);
	int pidfd = vdestack_spawn(stack, (char *const *)argv, opts, &status_fd);
	MUST(dup2(saved, 1));
	close(saved);
	MUST(pidfd);
	while ((got = read(pipe_fds[0], text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	text[n > 0 && text[n - 1] == '\n' ? n - 1 : n] = '\0';
	MUST(vdestack_cmd_wait(status_fd, &status, SOON_MS));
	CHECK_EQ(status, 0);
	close(pidfd);
	close(status_fd);
	close(pipe_fds[0]);
	return text;
}

#define OUTPUT(stack, opts, ...) output_of(stack, opts, (const char *const[]){__VA_ARGS__, NULL})

/* The value of a line "Name:\tvalue" in the format of /proc/PID/status. */
static unsigned long long status_line(const char *text, const char *name)
{
	const char *line = strstr(text, name);

	if (line == NULL)
		FAIL("no %s in \"%s\"", name, text);
	return strtoull(line + strlen(name) + 1, NULL, 16);
}

static const char *own_status(void)
{
	static char text[8192];
	int fd = (int)MUST(open("/proc/thread-self/status", O_RDONLY | O_CLOEXEC));
	ssize_t n = MUST(read(fd, text, sizeof(text) - 1));

	text[n] = '\0';
	close(fd);
	return text;
}

static void check_caps(struct vdestack *stack, uint64_t ask, uint64_t expect)
{
	struct vdestack_cmd_opts opts = {.size = sizeof(opts), .caps = ask};
	/* env is one exec more, which must change nothing */
	const char *text =
		OUTPUT(stack, &opts, "env", "grep", "-e", "Cap", "-e", "NoNewPrivs", "/proc/self/status");

	CHECK_EQ(status_line(text, "CapInh:"), expect);
	CHECK_EQ(status_line(text, "CapPrm:"), expect);
	CHECK_EQ(status_line(text, "CapEff:"), expect);
	CHECK_EQ(status_line(text, "CapBnd:"), expect);
	CHECK_EQ(status_line(text, "CapAmb:"), expect);
	CHECK_EQ(status_line(text, "NoNewPrivs:"), 1);
}

static void set_own_caps(uint64_t caps)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
		{.effective = (uint32_t)caps, .permitted = (uint32_t)caps},
		{.effective = (uint32_t)(caps >> 32), .permitted = (uint32_t)(caps >> 32)},
	};

	MUST(syscall(SYS_capset, &head, data));
}

/* ------------------------------------------------------------------ what is inherited */

CASE_BOTH(a_command_is_in_the_network_of_the_stack)
{
	struct vdestack *s = new_stack();
	struct stat st;
	char name[64];

	MUST(fstat((int)MUST(vdestack_netns(s)), &st));
	(void)snprintf(name, sizeof(name), "net:[%lu]", (unsigned long)st.st_ino);
	CHECK_STR(OUTPUT(s, NULL, "readlink", "/proc/self/ns/net"), name);
	MUST(vdestack_delete(s));
}

CASE(a_command_has_the_current_environment_directory_and_umask)
{
	struct vdestack *s = new_stack();

	MUST(setenv("VS_TEST_WORD", "current", 1));
	CHECK_STR(OUTPUT(s, NULL, "sh", "-c", "echo \"$VS_TEST_WORD\""), "current");
	MUST(mkdir(case_path("here"), 0755));
	MUST(chdir(case_path("here")));
	CHECK_STR(OUTPUT(s, NULL, "pwd"), case_path("here"));
	umask(0137);
	CHECK_STR(OUTPUT(s, NULL, "sh", "-c", "umask"), "0137");
	MUST(vdestack_delete(s));
}

CASE(a_command_has_the_standard_streams_and_nothing_more)
{
	struct vdestack *s = new_stack();
	int open_fd = (int)MUST(open("/dev/null", O_RDONLY)); /* no close-on-exec */

	const char *list =
		"i=0; while [ $i -lt 40 ]; do ! [ -e /proc/$$/fd/$i ] || printf '%s ' $i; i=$((i+1)); done";
	CHECK_STR(OUTPUT(s, NULL, "sh", "-c", list), "0 1 2 ");
	close(open_fd);
	MUST(vdestack_delete(s));
}

/* The runner must not keep a pipe open that the command has closed. */
CASE(the_end_of_a_stream_is_seen_while_the_command_runs)
{
	struct vdestack *s = new_stack();
	int pipe_fds[2], saved = (int)MUST(fcntl(1, F_DUPFD_CLOEXEC, 10));
	char c;

	MUST(pipe2(pipe_fds, O_CLOEXEC));
	MUST(dup2(pipe_fds[1], 1));
	int pidfd = spawn_shell(s, "exec >&- 2>&-; " SLEEPER, NULL);
	MUST(dup2(saved, 1));
	close(pipe_fds[1]);
	CHECK(wait_readable(pipe_fds[0], SOON_MS));
	CHECK_EQ(read(pipe_fds[0], &c, 1), 0);
	CHECK(!wait_readable(pidfd, 0));
	MUST(vdestack_delete(s));
}

CASE(a_program_without_standard_streams_runs_commands)
{
	struct vdestack *s = new_stack();
	int errors = (int)MUST(fcntl(2, F_DUPFD_CLOEXEC, 10)), status = -1, status_fd = -1;
	char script[300];
	struct numbers written = {.path = case_path("written"), .n = 1};

	(void)snprintf(script, sizeof(script),
		       "test -e /proc/$$/fd/0 -o -e /proc/$$/fd/1 -o -e /proc/$$/fd/2; echo $? > %s",
		       written.path);
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	int run = run_shell(s, script);
	int pidfd = vdestack_spawn(s, (char *[]){"true", NULL}, NULL, &status_fd);
	int waited = vdestack_cmd_wait(status_fd, &status, SOON_MS);
	bool closed = fcntl(0, F_GETFD) < 0 && fcntl(1, F_GETFD) < 0 && fcntl(2, F_GETFD) < 0;
	MUST(dup2(errors, 2));
	if (run != 0)
		FAIL("run returned %d: %s", run, vdestack_last_error());
	CHECK(has_numbers(&written));
	CHECK_EQ(written.value[0], 1);
	CHECK(pidfd > 2 && status_fd > 2);
	CHECK_EQ(waited, 0);
	CHECK_EQ(status, 0);
	CHECK(closed);
	MUST(vdestack_delete(s));
}

CASE(a_command_has_the_current_signal_mask_and_dispositions)
{
	static const int ignored[] = {SIGPIPE, SIGHUP, SIGCHLD, 0};
	struct vdestack *s = new_stack();
	sigset_t some;

	sigemptyset(&some);
	sigaddset(&some, SIGUSR1);
	sigaddset(&some, SIGRTMIN + 3);
	for (int round = 0; round < 2; round++) {
		const char *text = OUTPUT(s, NULL, "grep", "Sig", "/proc/self/status");
		unsigned long long blocked = status_line(text, "SigBlk:"),
				   ignore = status_line(text, "SigIgn:");
		CHECK_EQ(blocked, status_line(own_status(), "SigBlk:"));
		CHECK_EQ(ignore, status_line(own_status(), "SigIgn:"));
		CHECK_EQ(blocked != 0, round == 1);
		MUST(sigprocmask(SIG_SETMASK, &some, NULL));
		for (const int *sig = ignored; *sig != 0; sig++)
			CHECK(signal(*sig, SIG_IGN) != SIG_ERR);
	}
	MUST(vdestack_delete(s));
}

CASE(a_signal_to_the_process_group_reaches_the_command)
{
	struct vdestack *s = new_stack();
	struct numbers ids = {.path = case_path("ids"), .n = 2};
	struct sigaction note = {.sa_handler = note_signal};
	char script[300];
	int status, status_fd;

	(void)snprintf(script, sizeof(script),
		       "read a b c d pgrp sid rest < /proc/$$/stat; echo $pgrp $sid > %s.part; mv %s.part "
		       "%s; " SLEEPER,
		       ids.path, ids.path, ids.path);
	MUST(sigaction(SIGINT, &note, NULL));
	spawn_shell(s, script, &status_fd);
	CHECK(wait_until(has_numbers, &ids, SOON_MS));
	CHECK_EQ(ids.value[0], getpgrp());
	CHECK_EQ(ids.value[1], getsid(0));
	MUST(kill(0, SIGINT));
	MUST(vdestack_cmd_wait(status_fd, &status, SOON_MS));
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGINT);
	CHECK_EQ(interrupted, 1);
	CHECK_EQ(RUN(s, NULL, "true"), 0);
	MUST(vdestack_delete(s));
}

CASE(long_arguments_arrive_and_too_long_ones_are_refused)
{
	enum { PIECE = 120000, MANY = 160 };
	struct vdestack *s = new_stack();
	char *argv[MANY + 5] = {"sh", "-c", "test $# = 9 -a ${#9} = 120000", "sh"};
	char *piece = malloc(PIECE + 1);

	memset(piece, 'x', PIECE);
	piece[PIECE] = '\0';
	for (int i = 0; i < 9; i++)
		argv[4 + i] = piece;
	CHECK_EQ(vdestack_run(s, argv, NULL), 0);
	for (int i = 9; i < 100; i++)
		argv[4 + i] = piece;
	CHECK_ERRNO(vdestack_run(s, argv, NULL), E2BIG); /* the kernel's limit */
	for (int i = 100; i < MANY; i++)
		argv[4 + i] = piece;
	CHECK_ERRNO(vdestack_run(s, argv, NULL), E2BIG); /* ours */
	CHECK_EQ(RUN(s, NULL, "sh", "-c", "test \"$1\" = '' -a \"$2\" = 'a b\n'", "sh", "", "a b\n"), 0);
	free(piece);
	MUST(vdestack_delete(s));
}

/* ------------------------------------------------------------------ rights */

CASE_BOTH(a_command_sees_its_own_user)
{
	struct vdestack *s = new_stack();
	char id[32];

	(void)snprintf(id, sizeof(id), "%d %d", (int)geteuid(), (int)getegid());
	CHECK_STR(OUTPUT(s, NULL, "sh", "-c", "echo $(id -u) $(id -g)"), id);
	MUST(vdestack_delete(s));
}

CASE_BOTH(a_command_has_exactly_the_capabilities_asked_for)
{
	struct vdestack *s = new_stack();

	check_caps(s, 0, NETWORK_CAPS);
	check_caps(s, VDESTACK_CAPS_NETWORK, NETWORK_CAPS);
	check_caps(s, VDESTACK_CAPS_NONE, 0);
	check_caps(s, VDESTACK_CAP(CAP_NET_RAW), UINT64_C(1) << CAP_NET_RAW);
	check_caps(s, VDESTACK_CAP(CAP_SETPCAP) | VDESTACK_CAP(CAP_SYS_CHROOT),
		   UINT64_C(1) << CAP_SETPCAP | UINT64_C(1) << CAP_SYS_CHROOT);
	MUST(vdestack_delete(s));
}

CASE(a_command_may_use_its_capabilities_on_the_stack)
{
	struct vdestack *s = new_stack();
	struct vdestack_cmd_opts none = {.size = sizeof(none), .caps = VDESTACK_CAPS_NONE};

	if (access("/sbin/ip", X_OK) != 0)
		SKIP("there is no /sbin/ip");
	CHECK_EQ(RUN(s, NULL, "/sbin/ip", "link", "set", "lo", "mtu", "4000"), 0);
	CHECK_CONTAINS(OUTPUT(s, NULL, "/sbin/ip", "link", "show", "lo"), "mtu 4000");
	int saved = (int)MUST(fcntl(2, F_DUPFD_CLOEXEC, 10)); /* its error output is not checked */
	MUST(dup2((int)MUST(open("/dev/null", O_WRONLY)), 2));
	int status = RUN(s, &none, "/sbin/ip", "link", "set", "lo", "mtu", "3000");
	MUST(dup2(saved, 2));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) != 0);
	MUST(vdestack_delete(s));
}

/* uid 0 has no privileges in the stack: file modes apply to it, and it can gain nothing. */
/* A command of uid 0 can neither unlock what takes its privileges away at an exec, nor gain them by it. */
CASE(the_securebits_of_a_command_are_locked)
{
	struct vdestack *s = new_stack();
	struct vdestack_cmd_opts opts = {.size = sizeof(opts), .caps = VDESTACK_CAP(CAP_NET_RAW)};

	const char *text = OUTPUT(s, &opts, "setpriv", "--dump");
	CHECK_CONTAINS(text, "no_new_privs: 1");
	const char *bits = strstr(text, "Securebits: ");
	CHECK(bits != NULL);
	CHECK_CONTAINS(bits, "noroot,noroot_locked");
	CHECK_CONTAINS(bits, "no_setuid_fixup_locked");
	const char *bound = strstr(text, "Capability bounding set: ");
	CHECK(bound != NULL);
	CHECK(strncmp(bound, "Capability bounding set: net_raw\n", 33) == 0);
	MUST(vdestack_delete(s));
}

CASE_ROOT(root_regains_nothing_by_uid_set_id_or_file_capabilities)
{
	struct vdestack *s = new_stack();
	struct vfs_cap_data file = {
		.magic_etc = VFS_CAP_REVISION_2,
		.data = {{.permitted = 1u << CAP_SYS_ADMIN | 1u << CAP_NET_RAW}},
	};
	const char *copy = case_path("grep");
	struct vdestack_cmd_opts opts = {.size = sizeof(opts), .caps = VDESTACK_CAP(CAP_NET_RAW)};
	char command[300];

	(void)snprintf(command, sizeof(command), "cp $(command -v grep) %s", copy);
	CHECK_EQ(system(command), 0);
	MUST(chmod(copy, 04755));
	MUST(setxattr(copy, "security.capability", &file, XATTR_CAPS_SZ_2, 0));
	const char *text = OUTPUT(s, &opts, copy, "Cap", "/proc/self/status");
	CHECK_EQ(status_line(text, "CapPrm:"), 1u << CAP_NET_RAW);
	CHECK_EQ(status_line(text, "CapEff:") & ~(1ull << CAP_NET_RAW), 0);
	/* A file that needs more capabilities is not executed. */
	file.magic_etc |= VFS_CAP_FLAGS_EFFECTIVE;
	MUST(setxattr(copy, "security.capability", &file, XATTR_CAPS_SZ_2, 0));
	CHECK_ERRNO(RUN(s, &opts, copy, "Cap", "/proc/self/status"), EPERM);
	CHECK_CONTAINS(vdestack_last_error(), "capabilities");
	MUST(vdestack_delete(s));
}

CASE_BOTH_ROOT(capabilities_that_the_caller_lacks_are_refused)
{
	struct vdestack *s = new_stack();
	struct vdestack_cmd_opts opts = { .size = sizeof(opts),
					  .caps = VDESTACK_CAP(CAP_SYS_CHROOT) | VDESTACK_CAP(CAP_NET_RAW) };
	uint64_t have = status_line(own_status(), "CapPrm:");

	set_own_caps(have & ~VDESTACK_CAP(CAP_SYS_CHROOT) & ~VDESTACK_CAP(CAP_NET_BIND_SERVICE));
	CHECK_ERRNO(RUN(s, &opts, "true"), EPERM);
	CHECK_CONTAINS(vdestack_last_error(), "cap_sys_chroot");
	check_caps(s, 0, NETWORK_CAPS & ~VDESTACK_CAP(CAP_NET_BIND_SERVICE));
	MUST(vdestack_delete(s));
}

CASE_BOTH_ROOT(a_program_that_dropped_its_privileges_does_not_regain_them)
{
	struct vdestack *s = new_stack();

	for (int way = 0; way < 2; way++) {
		pid_t child = (pid_t)MUST(fork());
		if (child == 0) {
			if (way == 0)
				set_own_caps(0);
			else
				MUST(setresuid(65534, 65534, 65534));
			CHECK_ERRNO(RUN(s, NULL, "true"), EPERM);
			CHECK_CONTAINS(vdestack_last_error(), "privileges");
			_exit(0);
		}
		int status;
		MUST(waitpid(child, &status, 0));
		CHECK_EQ(status, 0);
	}
	CHECK_EQ(RUN(s, NULL, "true"), 0);
	MUST(vdestack_delete(s));
}
