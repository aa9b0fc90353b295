/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The options of a command: its standard streams, directory, environment, and all capabilities. */

#define _GNU_SOURCE
#define VDESTACK_BUILDING /* NULL is passed where it must not be */
#include <linux/capability.h>
#include <stddef.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "stacks.h"

#define SLEEPER "exec sleep 1000"

/* ------------------------------------------------------------------ helpers */

static struct vdestack *make_stack(void)
{
	struct vdestack *s = new_stack("%s", "");

	/* With a directory in PATH that may not be searched, a command that is not found is EACCES. */
	MUST(setenv("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", 1));
	return s;
}

static struct vdestack_cmd_opts options(void)
{
	return (struct vdestack_cmd_opts){ .size = sizeof(struct vdestack_cmd_opts) };
}

static int run_argv(struct vdestack *s, const struct vdestack_cmd_opts *opts, const char *const *argv)
{
	return vdestack_run(s, (char *const *)argv, opts);
}

#define RUN(s, opts, ...) run_argv(s, opts, (const char *const[]){ __VA_ARGS__, NULL })

static int spawn_shell(struct vdestack *s, const char *script, const struct vdestack_cmd_opts *opts,
		       int *done)
{
	return vdestack_spawn(s, (char *[]){ "sh", "-c", (char *)script, NULL }, opts, done);
}

/* All bytes up to the end of file, without a final newline. */
static const char *read_all(int fd)
{
	static char text[16384];
	size_t n = 0;
	ssize_t got;

	while (CHECK(wait_readable(fd, SOON_MS)), (got = MUST(read(fd, text + n, sizeof(text) - 1 - n))) > 0)
		n += (size_t)got;
	text[n > 0 && text[n - 1] == '\n' ? n - 1 : n] = '\0';
	close(fd);
	return text;
}

/* The output of a command that must succeed, by a pipe. */
static const char *output_of(struct vdestack *s, const struct vdestack_cmd_opts *opts, const char *script)
{
	struct vdestack_cmd_opts piped = opts != NULL ? *opts : options();
	int pipes[3], done, status;

	piped.out = VDESTACK_PIPE;
	piped.pipe_fds = pipes;
	close((int)MUST(spawn_shell(s, script, &piped, &done)));
	const char *text = read_all(pipes[1]);
	MUST(vdestack_cmd_wait(done, &status, SOON_MS));
	CHECK_EQ(status, 0);
	close(done);
	return text;
}

static const char *file_text(const char *path)
{
	return read_all((int)MUST(open(path, O_RDONLY | O_CLOEXEC)));
}

static int new_file(const char *name)
{
	return (int)MUST(open(case_path(name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
}

/* ------------------------------------------------------------------ streams */

CASE_BOTH(streams_of_a_command_can_be_pipes)
{
	struct vdestack *s = make_stack();
	int pipes[3] = { -9, -9, -9 }, done, status, before = count_fds();
	struct vdestack_cmd_opts opts = options();

	opts.in = opts.out = opts.err = VDESTACK_PIPE;
	opts.pipe_fds = pipes;
	int pidfd = (int)MUST(spawn_shell(s, "cat; echo to err >&2; exit 3", &opts, &done));
	for (int i = 0; i < 3; i++) {
		CHECK(pipes[i] > 2);
		CHECK(MUST(fcntl(pipes[i], F_GETFD)) & FD_CLOEXEC);
		CHECK_EQ(MUST(fcntl(pipes[i], F_GETFL)) & O_NONBLOCK, 0);
	}
	MUST(write(pipes[0], "to the command\n", 15));
	close(pipes[0]);
	CHECK_STR(read_all(pipes[1]), "to the command");
	CHECK_STR(read_all(pipes[2]), "to err");
	MUST(vdestack_cmd_wait(done, &status, SOON_MS));
	CHECK_EQ(status, 3 << 8);
	close(pidfd);
	close(done);
	CHECK(count_fds() <= before + 2); /* the leash */
	MUST(vdestack_delete(s));
}

CASE(a_stream_that_is_no_pipe_has_no_end_here)
{
	struct vdestack *s = make_stack();
	int pipes[3] = { -9, -9, -9 };
	struct vdestack_cmd_opts opts = options();

	opts.in = VDESTACK_NULL;
	opts.out = VDESTACK_PIPE;
	opts.pipe_fds = pipes;
	close((int)MUST(spawn_shell(s, "true", &opts, NULL)));
	CHECK_EQ(pipes[0], -1);
	CHECK(pipes[1] > 2);
	CHECK_EQ(pipes[2], -1);
	opts = options();
	opts.pipe_fds = pipes;
	close((int)MUST(spawn_shell(s, "true", &opts, NULL)));
	CHECK_EQ(pipes[1], -1);
	MUST(vdestack_delete(s));
}

CASE(streams_of_a_command_can_be_dev_null)
{
	struct vdestack *s = make_stack();
	struct vdestack_cmd_opts opts = options();

	opts.in = VDESTACK_NULL;
	CHECK_STR(output_of(s, &opts, "readlink /proc/self/fd/0; cat"), "/dev/null");
	opts = options();
	opts.out = opts.err = VDESTACK_NULL;
	CHECK_EQ(RUN(s, &opts, "sh", "-c",
		     "test $(readlink /proc/$$/fd/1) = /dev/null -a $(readlink /proc/$$/fd/2) = /dev/null && "
		     "echo 1 && echo 2 >&2"),
		 0);
	MUST(vdestack_delete(s));
}

CASE(streams_of_a_command_can_be_descriptors_of_the_program)
{
	struct vdestack *s = make_stack();
	struct vdestack_cmd_opts opts = options();

	opts.in = new_file("in");
	opts.out = new_file("out");
	opts.err = new_file("err");
	MUST(write(opts.in, "some words", 10));
	MUST(lseek(opts.in, 0, SEEK_SET));
	CHECK_EQ(RUN(s, &opts, "sh", "-c", "cat; echo problems >&2"), 0);
	CHECK_STR(file_text(case_path("out")), "some words");
	CHECK_STR(file_text(case_path("err")), "problems");
	/* They stay the program's, with close-on-exec as it was. */
	CHECK(fcntl(opts.in, F_GETFD) & fcntl(opts.out, F_GETFD) & fcntl(opts.err, F_GETFD) & FD_CLOEXEC);
	MUST(vdestack_delete(s));
}

/* The numbers are those of the program, whatever the command's are. */
CASE(streams_can_be_exchanged)
{
	struct vdestack *s = make_stack();
	struct vdestack_cmd_opts opts = options();
	int saved[2] = { (int)MUST(fcntl(1, F_DUPFD_CLOEXEC, 10)), (int)MUST(fcntl(2, F_DUPFD_CLOEXEC, 10)) };

	MUST(dup2(new_file("one"), 1));
	MUST(dup2(new_file("two"), 2));
	opts.out = 2;
	opts.err = 1;
	int r = RUN(s, &opts, "sh", "-c", "echo out; echo err >&2");
	MUST(dup2(saved[0], 1));
	MUST(dup2(saved[1], 2));
	CHECK_EQ(r, 0);
	CHECK_STR(file_text(case_path("one")), "err");
	CHECK_STR(file_text(case_path("two")), "out");
	MUST(vdestack_delete(s));
}

CASE(err_can_be_the_same_as_out)
{
	static const char both[] = "echo 1; echo 2 >&2; echo 3";
	struct vdestack *s = make_stack();
	struct vdestack_cmd_opts opts = options();
	int saved = (int)MUST(fcntl(1, F_DUPFD_CLOEXEC, 10));

	opts.err = VDESTACK_AS_OUT;
	CHECK_STR(output_of(s, &opts, both), "1\n2\n3");
	opts.out = new_file("both");
	CHECK_EQ(RUN(s, &opts, "sh", "-c", both), 0);
	CHECK_STR(file_text(case_path("both")), "1\n2\n3");
	opts.out = VDESTACK_NULL;
	CHECK_EQ(RUN(s, &opts, "sh", "-c", "test $(readlink /proc/$$/fd/2) = /dev/null"), 0);
	MUST(dup2(new_file("own"), 1));
	opts.out = VDESTACK_INHERIT;
	int r = RUN(s, &opts, "sh", "-c", both);
	MUST(dup2(saved, 1));
	CHECK_EQ(r, 0);
	CHECK_STR(file_text(case_path("own")), "1\n2\n3");
	MUST(vdestack_delete(s));
}

static void check_refused(struct vdestack *s, const struct vdestack_cmd_opts *opts, int err, const char *says)
{
	int before = count_fds();

	CHECK_ERRNO(spawn_shell(s, "exit 9", opts, NULL), err);
	CHECK_CONTAINS(vdestack_last_error(), says);
	CHECK_EQ(count_fds(), before);
}

CASE(wrong_streams_are_refused_and_leave_nothing)
{
	struct vdestack *s = make_stack();
	struct vdestack_cmd_opts opts = options();
	int pipes[3] = { -9, -9, -9 };

	CHECK_EQ(RUN(s, NULL, "true"), 0);
	opts.out = -1;
	check_refused(s, &opts, EINVAL, "vdestack_cmd_opts.out is -1; did the call fail");
	opts.out = -5;
	check_refused(s, &opts, EINVAL, "vdestack_cmd_opts.out is -5");
	opts.out = VDESTACK_AS_OUT;
	check_refused(s, &opts, EINVAL, "for err only");
	opts = options();
	opts.in = VDESTACK_AS_OUT;
	check_refused(s, &opts, EINVAL, "for err only");
	opts.in = VDESTACK_PIPE;
	check_refused(s, &opts, EINVAL, "pipe_fds is NULL");
	opts.pipe_fds = pipes;
	opts.out = VDESTACK_PIPE;
	opts.err = 777; /* the pipes are there already */
	check_refused(s, &opts, EBADF, "vdestack_cmd_opts.err is 777");
	opts.err = 0;
	opts.cwd = "/no/such/directory";
	check_refused(s, &opts, ENOENT, "/no/such/directory");
	CHECK_EQ(pipes[0], -9); /* written only on success */
	opts = options();
	opts.reserved = 1;
	check_refused(s, &opts, EINVAL, "reserved");
	/* The caller of run() cannot read a pipe before the command's end, which may wait for the reader. */
	for (int i = 0; i < 3; i++) {
		opts = options();
		opts.pipe_fds = pipes;
		*(i == 0 ? &opts.in : i == 1 ? &opts.out : &opts.err) = VDESTACK_PIPE;
		CHECK_ERRNO(RUN(s, &opts, "true"), EINVAL);
		CHECK_CONTAINS(vdestack_last_error(), "vdestack_spawn()");
	}
	/* A program that was compiled before these members were there. */
	memset(&opts, -1, sizeof(opts));
	opts.size = offsetof(struct vdestack_cmd_opts, in);
	opts.flags = 0;
	opts.timeout_ms = 0;
	opts.caps = 0;
	CHECK_EQ(RUN(s, &opts, "true"), 0);
	MUST(vdestack_delete(s));
}

/* Neither the runner nor another command keeps an end of a pipe open. */
CASE_BOTH(only_the_command_holds_the_other_ends_of_its_pipes)
{
	struct vdestack *s = make_stack();
	struct vdestack_cmd_opts opts = options();
	int first[3], second[3], done, status;
	char c;

	opts.in = opts.out = VDESTACK_PIPE;
	opts.pipe_fds = first;
	close((int)MUST(spawn_shell(s, "cat", &opts, &done)));
	opts.pipe_fds = second;
	int pidfd = (int)MUST(spawn_shell(s, "exec <&- >&-; " SLEEPER, &opts, NULL));
	CHECK(wait_readable(second[1], SOON_MS));
	CHECK_EQ(read(second[1], &c, 1), 0);
	CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	CHECK_ERRNO(write(second[0], "x", 1), EPIPE);
	close(first[0]); /* so cat ends, unless the second command has a copy */
	CHECK_STR(read_all(first[1]), "");
	MUST(vdestack_cmd_wait(done, &status, SOON_MS));
	CHECK_EQ(status, 0);
	CHECK(!wait_readable(pidfd, 0));
	MUST(vdestack_delete(s));
}

CASE(a_program_without_standard_streams_gives_some_to_a_command)
{
	struct vdestack *s = make_stack();
	struct vdestack_cmd_opts opts = options();
	int errors = (int)MUST(fcntl(2, F_DUPFD_CLOEXEC, 10)), pipes[3], done, status = -1;

	opts.in = opts.out = VDESTACK_PIPE;
	opts.err = VDESTACK_AS_OUT;
	opts.pipe_fds = pipes;
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	int pidfd = spawn_shell(s, "cat; echo err >&2", &opts, &done);
	bool closed = fcntl(0, F_GETFD) < 0 && fcntl(1, F_GETFD) < 0 && fcntl(2, F_GETFD) < 0;
	MUST(dup2(errors, 2));
	if (pidfd < 0)
		FAIL("%s", vdestack_last_error());
	CHECK(closed);
	CHECK(pipes[0] > 2 && pipes[1] > 2 && pidfd > 2 && done > 2);
	MUST(write(pipes[0], "x", 1));
	close(pipes[0]);
	CHECK_STR(read_all(pipes[1]), "xerr");
	MUST(vdestack_cmd_wait(done, &status, SOON_MS));
	CHECK_EQ(status, 0);
	/* Only out is missing: nothing to copy. */
	opts = options();
	opts.err = VDESTACK_AS_OUT;
	close(1);
	CHECK_ERRNO(RUN(s, &opts, "true"), EBADF);
	MUST(vdestack_delete(s));
}

CASE(pipes_leak_nothing_also_when_descriptors_run_out)
{
	struct vdestack *s = make_stack();
	struct vdestack_cmd_opts opts = options();
	struct rlimit limit;
	bool failed = false, worked = false;
	int pipes[3];

	opts.in = opts.out = opts.err = VDESTACK_PIPE;
	opts.pipe_fds = pipes;
	CHECK_EQ(RUN(s, NULL, "true"), 0);
	int before = count_fds();
	MUST(getrlimit(RLIMIT_NOFILE, &limit));
	rlim_t was = limit.rlim_cur;
	for (rlim_t n = 3; n < 50; n++) {
		limit.rlim_cur = n;
		MUST(setrlimit(RLIMIT_NOFILE, &limit));
		int pidfd = vdestack_spawn(s, (char *[]){ "/bin/true", NULL }, &opts, NULL);
		int err = errno;
		limit.rlim_cur = was;
		MUST(setrlimit(RLIMIT_NOFILE, &limit));
		/* The limit also applies to descriptors in flight, of all processes of the user together. */
		if (pidfd < 0 && err != EMFILE && err != ETOOMANYREFS)
			FAIL("limit %d: %s: %s", (int)n, strerrorname_np(err), vdestack_last_error());
		failed |= pidfd < 0;
		worked |= pidfd >= 0;
		for (int i = 0; pidfd >= 0 && i < 3; i++)
			close(pipes[i]);
		if (pidfd >= 0)
			close(pidfd);
		CHECK_EQ(count_fds(), before);
	}
	CHECK(failed);
	CHECK(worked);
	MUST(vdestack_delete(s));
}

/* ------------------------------------------------------------------ directory and environment */

CASE_BOTH(a_command_has_the_directory_of_the_options)
{
	struct vdestack *s = make_stack();
	struct vdestack_cmd_opts opts = options();
	char here[4096], script[300];

	MUST(mkdir(case_path("there"), 0755));
	(void)snprintf(script, sizeof(script), "printf '#!/bin/sh\\npwd\\n' >%s/tool && chmod 755 %s/tool",
		       case_path("there"), case_path("there"));
	CHECK_EQ(system(script), 0);
	CHECK(getcwd(here, sizeof(here)) != NULL);
	opts.cwd = case_path("there");
	(void)snprintf(script, sizeof(script), "%s\n%s", case_path("there"), case_path("there"));
	CHECK_STR(output_of(s, &opts, "pwd; ./tool"), script);
	CHECK_EQ(RUN(s, &opts, "./tool"), 0); /* a path of the command is relative to its directory */
	CHECK_STR(getcwd(script, sizeof(script)), here);
	MUST(chdir(case_tmp()));
	opts.cwd = "there"; /* relative to that of the program */
	CHECK_STR(output_of(s, &opts, "pwd"), case_path("there"));
	opts.cwd = "nowhere";
	CHECK_ERRNO(RUN(s, &opts, "true"), ENOENT);
	CHECK_CONTAINS(vdestack_last_error(), "its directory \"nowhere\" cannot be entered");
	opts.cwd = "there/tool";
	CHECK_ERRNO(RUN(s, &opts, "true"), ENOTDIR);
	opts.cwd = "";
	CHECK_ERRNO(RUN(s, &opts, "true"), ENOENT);
	char *longest = malloc(5000);
	memset(longest, 'x', 4999);
	longest[4999] = '\0';
	opts.cwd = longest;
	CHECK_ERRNO(RUN(s, &opts, "true"), ENAMETOOLONG);
	free(longest);
	MUST(vdestack_delete(s));
}

/* The rights are those of the command, as if it changed the directory itself. */
CASE_ROOT(the_directory_is_entered_with_the_rights_of_the_command)
{
	struct vdestack *s = make_stack();
	struct vdestack_cmd_opts opts = options();

	MUST(mkdir(case_path("closed"), 0700));
	MUST(chown(case_path("closed"), 65534, 65534));
	opts.cwd = case_path("closed");
	CHECK_ERRNO(RUN(s, &opts, "true"), EACCES);
	CHECK_CONTAINS(vdestack_last_error(), "cannot be entered");
	opts.caps = VDESTACK_CAP(CAP_DAC_OVERRIDE);
	CHECK_EQ(RUN(s, &opts, "true"), 0);
	MUST(vdestack_delete(s));
}

CASE_BOTH(a_command_has_the_environment_of_the_options_and_no_other)
{
	struct vdestack *s = make_stack();
	struct vdestack_cmd_opts opts = options();
	char *some[] = { "B=2 3", "A=", "PATH=/bin:/usr/bin", NULL }, *none[] = { NULL };
	char search[300];

	MUST(setenv("VS_TEST_WORD", "of the program", 1));
	opts.envp = some;
	opts.out = new_file("env"); /* a shell would add variables */
	CHECK_EQ(RUN(s, &opts, "env"), 0);
	CHECK_STR(file_text(case_path("env")), "B=2 3\nA=\nPATH=/bin:/usr/bin");
	opts.envp = none;
	CHECK_STR(output_of(s, &opts, "echo \"$VS_TEST_WORD$A\""), "");
	/* argv[0] is looked up in the PATH of that environment. */
	MUST(mkdir(case_path("tools"), 0755));
	(void)snprintf(search, sizeof(search), "cp /bin/true %s/only-here", case_path("tools"));
	CHECK_EQ(system(search), 0);
	(void)snprintf(search, sizeof(search), "PATH=%s", case_path("tools"));
	opts.envp = (char *[]){ search, NULL };
	CHECK_EQ(RUN(s, &opts, "only-here"), 0);
	CHECK_ERRNO(RUN(s, &opts, "sh", "-c", "true"), ENOENT);
	CHECK_ERRNO(RUN(s, NULL, "only-here"), ENOENT);
	CHECK_STR(getenv("VS_TEST_WORD"), "of the program");
	MUST(vdestack_delete(s));
}

CASE(too_large_an_environment_is_refused)
{
	enum { PIECE = 120000, MANY = 160 };
	struct vdestack *s = make_stack();
	struct vdestack_cmd_opts opts = options();
	char *piece = malloc(PIECE + 1), *envp[MANY + 1] = { NULL };

	memset(piece, 'x', PIECE);
	piece[1] = '=';
	piece[PIECE] = '\0';
	envp[0] = piece;
	opts.envp = envp;
	CHECK_EQ(RUN(s, &opts, "/bin/true"), 0);
	for (int i = 0; i < 100; i++)
		envp[i] = piece;
	CHECK_ERRNO(RUN(s, &opts, "/bin/true"), E2BIG); /* the kernel's limit */
	for (int i = 0; i < MANY; i++)
		envp[i] = piece;
	CHECK_ERRNO(RUN(s, &opts, "/bin/true"), E2BIG); /* ours */
	free(piece);
	MUST(vdestack_delete(s));
}

/* ------------------------------------------------------------------ capabilities */

static unsigned long long effective(const char *status)
{
	const char *line = strstr(status, "CapEff:");

	CHECK(line != NULL);
	return strtoull(line + 7, NULL, 16);
}

static unsigned long long own_effective(void)
{
	return effective(file_text("/proc/thread-self/status"));
}

CASE_BOTH(all_capabilities_are_those_of_the_program_in_the_stack)
{
	struct vdestack *s = make_stack();
	struct vdestack_cmd_opts opts = options();

	opts.caps = VDESTACK_CAPS_ALL;
	unsigned long long has = effective(output_of(s, &opts, "cat /proc/self/status"));
	if (case_is_root())
		CHECK_EQ(has, own_effective());
	CHECK(has & VDESTACK_CAP(CAP_SYS_ADMIN) && has & VDESTACK_CAP(CAP_SETUID));
	opts.caps |= VDESTACK_CAP(CAP_NET_RAW);
	CHECK_ERRNO(RUN(s, &opts, "true"), EINVAL);
	CHECK_CONTAINS(vdestack_last_error(), "VDESTACK_CAPS_ALL");
	opts.caps = VDESTACK_CAPS_ALL | VDESTACK_CAPS_NONE;
	CHECK_ERRNO(RUN(s, &opts, "true"), EINVAL);
	MUST(vdestack_delete(s));
}

CASE_BOTH_ROOT(all_capabilities_do_not_include_those_that_were_dropped)
{
	struct vdestack *s = make_stack();
	struct vdestack_cmd_opts opts = options();
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	MUST(syscall(SYS_capget, &head, data));
	data[0].permitted &= ~(1u << CAP_SYS_CHROOT | 1u << CAP_SETUID);
	data[0].effective = data[0].permitted;
	MUST(syscall(SYS_capset, &head, data));
	opts.caps = VDESTACK_CAPS_ALL;
	CHECK_EQ(effective(output_of(s, &opts, "cat /proc/self/status")), own_effective());
	opts.caps = VDESTACK_CAPS_NETWORK | VDESTACK_CAP(CAP_SETUID);
	CHECK_ERRNO(RUN(s, &opts, "true"), EPERM);
	CHECK_CONTAINS(vdestack_last_error(), "cap_setuid");
	MUST(vdestack_delete(s));
}

/* What vdestack_run(3) says of commands that change their user. */
CASE_ROOT(a_command_of_root_changes_its_user_with_three_capabilities)
{
	static const char change[] = "setpriv --reuid=65534 --regid=65534 --clear-groups id -u 2>&1";
	struct vdestack *s = make_stack();
	struct vdestack_cmd_opts opts = options();
	int pipes[3], done, status;

	opts.out = VDESTACK_PIPE;
	opts.pipe_fds = pipes;
	close((int)MUST(spawn_shell(s, change, &opts, &done)));
	CHECK_CONTAINS(read_all(pipes[1]), "Operation not permitted");
	MUST(vdestack_cmd_wait(done, &status, SOON_MS));
	CHECK(status != 0);
	opts.caps = VDESTACK_CAPS_NETWORK | VDESTACK_CAP(CAP_SETUID) | VDESTACK_CAP(CAP_SETGID) |
		    VDESTACK_CAP(CAP_CHOWN);
	CHECK_STR(output_of(s, &opts, change), "65534");
	opts.caps = VDESTACK_CAPS_ALL;
	CHECK_STR(output_of(s, &opts, change), "65534");
	MUST(vdestack_delete(s));
}

CASE_USER(a_command_of_an_ordinary_user_has_no_other_user_to_become)
{
	struct vdestack *s = make_stack();
	struct vdestack_cmd_opts opts = options();

	opts.caps = VDESTACK_CAPS_ALL;
	opts.cwd = case_tmp();
	CHECK_CONTAINS(output_of(s, &opts, "setpriv --reuid=65534 true 2>&1 || true"), "Invalid argument");
	CHECK_CONTAINS(output_of(s, &opts, "setpriv --clear-groups true 2>&1 || true"),
		       "Operation not permitted");
	CHECK_CONTAINS(output_of(s, &opts, "touch mine && chown 65534 mine 2>&1 || true"),
		       "Invalid argument");
	MUST(vdestack_delete(s));
}

/* ------------------------------------------------------------------ what a command does not see */

static int listen_at(const char *path, socklen_t len)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int l = (int)MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));

	memcpy(a.sun_path, path, len);
	MUST(bind(l, (struct sockaddr *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)));
	MUST(listen(l, 4));
	return l;
}

CASE_BOTH(abstract_names_belong_to_the_network_and_paths_do_not)
{
	struct vdestack *s = make_stack();
	char name[108], script[600];
	const char *path = case_path("bus");

	name[0] = '\0';
	int len = 1 + snprintf(name + 1, sizeof(name) - 1, "vdestack-test-%d", getpid());
	listen_at(name, (socklen_t)len);
	listen_at(path, (socklen_t)strlen(path) + 1);
	/* /proc/net/unix lists the unix sockets of the network namespace, abstract names with '@'. */
	(void)snprintf(script, sizeof(script), "! grep -q '@%s' /proc/net/unix && test -S %s", name + 1,
		       path);
	CHECK_EQ(RUN(s, NULL, "sh", "-c", script), 0);
	(void)snprintf(script, sizeof(script), "grep -q '@%s' /proc/net/unix", name + 1);
	CHECK_EQ(system(script), 0);
	if (access("/usr/bin/python3", X_OK) == 0) {
		(void)snprintf(script, sizeof(script),
			       "import socket; s = socket.socket(socket.AF_UNIX); "
			       "assert s.connect_ex('\\0%s') == 111; assert s.connect_ex('%s') == 0",
			       name + 1, path);
		CHECK_EQ(RUN(s, NULL, "/usr/bin/python3", "-c", script), 0);
	}
	/* With a default stack the program itself still reaches both. */
	MUST(vdestack_set_default(s));
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	memcpy(a.sun_path, name, (size_t)len);
	int c = (int)MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	len += (int)offsetof(struct sockaddr_un, sun_path);
	MUST(connect(c, (struct sockaddr *)&a, (socklen_t)len));
	MUST(vdestack_set_default(NULL));
	MUST(vdestack_delete(s));
}

/* sysfs shows the devices of the namespace in which it was mounted, proc those of its reader. */
CASE_BOTH(sys_class_net_shows_the_host_until_it_is_mounted_again)
{
	struct vdestack *s = new_stack("iface=stackside0 vnl=inproc://lan");
	struct vdestack_cmd_opts opts = options();

	MUST(setenv("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", 1));
	if (access("/sys/class/net", X_OK) != 0)
		SKIP("sysfs is not mounted on /sys");
	CHECK_EQ(RUN(s, NULL, "sh", "-c", "test ! -e /sys/class/net/stackside0"), 0);
	CHECK_EQ(RUN(s, NULL, "sh", "-c", "grep -q stackside0 /proc/net/dev"), 0);
	opts.caps = VDESTACK_CAPS_ALL;
	CHECK_STR(output_of(s, &opts,
			    "unshare --mount sh -c 'mount -t sysfs none /sys && cat "
			    "/sys/class/net/stackside0/operstate' && test ! -e /sys/class/net/stackside0"),
		  "up");
	MUST(vdestack_delete(s));
}
