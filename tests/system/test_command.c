/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Commands in a stack: what they inherit, how they end, what they may do, and that the program does not
 * notice them.
 */

#define _GNU_SOURCE
#define VDESTACK_BUILDING /* NULL is passed where it must not be */
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
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

#include "case.h"
#include <vdestack.h>

#define SLEEPER "exec sleep 1000"
#define SOON_MS 20000 /* upper bound for what happens at once */
#define NETWORK_CAPS UINT64_C(0x3c00)

/* ------------------------------------------------------------------ helpers */

static struct vdestack *new_stack(void)
{
	struct vdestack *stack = vdestack_new("", case_opts());

	if (stack == NULL)
		FAIL("no stack: %s", vdestack_last_error());
	/* With a directory in PATH that may not be searched, a command that is not found is EACCES. */
	MUST(setenv("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", 1));
	return stack;
}

static int run_argv(struct vdestack *stack, const struct vdestack_cmd_opts *opts, const char *const *argv)
{
	return vdestack_run(stack, (char *const *)argv, opts);
}

#define RUN(stack, opts, ...) run_argv(stack, opts, (const char *const[]){__VA_ARGS__, NULL})

static int run_shell(struct vdestack *stack, const char *script)
{
	return RUN(stack, NULL, "sh", "-c", script);
}

static int spawn_shell(struct vdestack *stack, const char *script, int *status_fd)
{
	char *argv[] = {"sh", "-c", (char *)script, NULL};

	return (int)MUST(vdestack_spawn(stack, argv, NULL, status_fd));
}

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

static bool is_gone(void *arg)
{
	return kill(*(pid_t *)arg, 0) < 0 && errno == ESRCH;
}

/* The numbers that a script has written to a file of the case. Waits for all `n`. */
struct numbers {
	const char *path;
	int n;
	int value[4];
};

static bool has_numbers(void *arg)
{
	struct numbers *want = arg;
	FILE *f = fopen(want->path, "re");
	int n = 0;

	while (f != NULL && n < want->n && fscanf(f, "%d", &want->value[n]) == 1)
		n++;
	if (f != NULL)
		fclose(f);
	return n == want->n;
}

/* Two generations below the command, one of them in a session of its own; `numbers` gets all three. */
static const char *family_script(struct numbers *numbers)
{
	static char script[512];

	numbers->path = case_path("family");
	numbers->n = 3;
	(void)snprintf(
		script, sizeof(script),
		"sh -c 'sleep 1000 & echo $! $$ >> %s.part; wait' & setsid sleep 1000 & "
		"while ! test -s %s.part; do sleep 0.01; done; echo $! >> %s.part; mv %s.part %s; wait",
		numbers->path, numbers->path, numbers->path, numbers->path, numbers->path);
	return script;
}

static void check_family_gone(struct numbers *numbers)
{
	for (int i = 0; i < numbers->n; i++)
		if (!wait_until(is_gone, &numbers->value[i], SOON_MS))
			FAIL("process %d (%s) lives on", numbers->value[i], name_of(numbers->value[i]));
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

/* ------------------------------------------------------------------ ends */

CASE_BOTH(run_distinguishes_exit_from_signal)
{
	struct vdestack *s = new_stack();

	CHECK_EQ(RUN(s, NULL, "true"), 0);
	int status = run_shell(s, "exit 3");
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 3);
	status = run_shell(s, "kill -TERM $$");
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGTERM);
	MUST(vdestack_delete(s));
}

CASE(a_command_that_cannot_be_executed_is_reported_with_the_reason)
{
	struct vdestack *s = new_stack();
	const char *plain = case_path("plain");

	CHECK_ERRNO(RUN(s, NULL, "no-such-command"), ENOENT);
	CHECK_CONTAINS(vdestack_last_error(), "\"no-such-command\": not found in PATH");
	CHECK_ERRNO(RUN(s, NULL, "/no/such/command"), ENOENT);
	CHECK_CONTAINS(vdestack_last_error(), "no such file");
	close((int)MUST(open(plain, O_CREAT | O_WRONLY | O_CLOEXEC, 0644)));
	CHECK_ERRNO(RUN(s, NULL, plain), EACCES);
	CHECK_CONTAINS(vdestack_last_error(), "may not execute it");
	MUST(setenv("PATH", case_tmp(), 1));
	CHECK_ERRNO(RUN(s, NULL, "plain"), EACCES);
	CHECK_ERRNO(RUN(s, NULL, "true"), ENOENT);
	MUST(vdestack_delete(s));
}

CASE(wrong_arguments_are_refused)
{
	struct {
		struct vdestack_cmd_opts opts;
		uint64_t newer;
	} large = {.opts = {.size = sizeof(large)}};
	struct vdestack_cmd_opts opts = {.size = sizeof(opts)};
	struct vdestack *s = new_stack();
	char *none[] = {NULL};
	int status, pair[2];

	CHECK_ERRNO(RUN(NULL, NULL, "true"), EINVAL);
	CHECK_ERRNO(vdestack_run(s, NULL, NULL), EINVAL);
	CHECK_ERRNO(vdestack_run(s, none, NULL), EINVAL);
	opts.flags = 1;
	CHECK_ERRNO(RUN(s, &opts, "true"), EINVAL);
	opts = (struct vdestack_cmd_opts){.size = 0};
	CHECK_ERRNO(RUN(s, &opts, "true"), EINVAL);
	opts = (struct vdestack_cmd_opts){.size = sizeof(opts), .caps = VDESTACK_CAP(45)};
	CHECK_ERRNO(RUN(s, &opts, "true"), EINVAL);
	opts.caps = VDESTACK_CAPS_NONE | VDESTACK_CAP(12);
	CHECK_ERRNO(RUN(s, &opts, "true"), EINVAL);
	opts = (struct vdestack_cmd_opts){ .size = offsetof(struct vdestack_cmd_opts, caps),
					   .caps = VDESTACK_CAP(45) };
	CHECK_EQ(RUN(s, &opts, "true"), 0); /* the field was not there yet */
	CHECK_EQ(RUN(s, &large.opts, "true"), 0);
	large.newer = 1;
	CHECK_ERRNO(RUN(s, &large.opts, "true"), E2BIG);

	CHECK_ERRNO(vdestack_cmd_wait(-1, &status, 0), EINVAL);
	CHECK_ERRNO(vdestack_cmd_wait(0, &status, 0), EINVAL);
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	MUST(write(pair[0], "hello", 5));
	CHECK_ERRNO(vdestack_cmd_wait(pair[1], &status, 0), EINVAL);
	MUST(vdestack_delete(s));
}

CASE(the_status_can_be_read_late_and_more_than_once)
{
	struct vdestack *s = new_stack();
	int status_fd, status = 0;
	int pidfd = spawn_shell(s, "exit 5", &status_fd);

	CHECK(wait_readable(pidfd, SOON_MS));
	sleep_ms(300); /* the runner has long gone */
	for (int i = 0; i < 3; i++) {
		CHECK(wait_readable(status_fd, SOON_MS));
		MUST(vdestack_cmd_wait(status_fd, &status, i == 0 ? -1 : 0));
		CHECK_EQ(status, 5 << 8);
	}
	MUST(vdestack_delete(s));
	MUST(vdestack_cmd_wait(status_fd, &status, 0));
	CHECK_EQ(status, 5 << 8);
}

CASE(a_pidfd_signals_the_command_and_reports_its_end)
{
	struct vdestack *s = new_stack();
	int status_fd, status;
	int pidfd = spawn_shell(s, SLEEPER, &status_fd);

	CHECK_ERRNO(vdestack_cmd_wait(status_fd, &status, 0), ETIMEDOUT);
	CHECK_ERRNO(vdestack_cmd_wait(status_fd, &status, 50), ETIMEDOUT);
	CHECK_ERRNO(vdestack_cmd_wait(status_fd, &status, -2), EINVAL);
	CHECK(!wait_readable(pidfd, 0));
	CHECK(!wait_readable(status_fd, 0));
	MUST(pidfd_send_signal(pidfd, SIGTERM, NULL, 0));
	CHECK(wait_readable(pidfd, SOON_MS));
	MUST(vdestack_cmd_wait(status_fd, &status, SOON_MS));
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGTERM);
	CHECK((fcntl(pidfd, F_GETFD) & fcntl(status_fd, F_GETFD) & FD_CLOEXEC) != 0);
	MUST(vdestack_delete(s));
}

CASE(a_command_continues_when_its_status_descriptor_is_closed)
{
	struct vdestack *s = new_stack();
	struct numbers written = {.path = case_path("written"), .n = 1};
	char script[300];
	int go[2], saved = (int)MUST(dup(0));

	MUST(pipe2(go, O_CLOEXEC));
	MUST(dup2(go[0], 0));
	(void)snprintf(script, sizeof(script), "read x; echo 7 > %s", written.path);
	close(spawn_shell(s, script, NULL));
	MUST(dup2(saved, 0));
	MUST(write(go[1], "x\n", 2));
	CHECK(wait_until(has_numbers, &written, SOON_MS));
	CHECK_EQ(written.value[0], 7);
	MUST(vdestack_delete(s));
}

CASE(a_deadline_kills_the_command_and_its_descendants)
{
	struct vdestack *s = new_stack();
	struct vdestack_cmd_opts opts = {.size = sizeof(opts), .timeout_ms = 1000};
	struct numbers family;
	int status, status_fd;

	CHECK_ERRNO(RUN(s, &opts, "sh", "-c", family_script(&family)), ETIMEDOUT);
	CHECK(has_numbers(&family));
	check_family_gone(&family);
	opts.timeout_ms = 100;
	MUST(vdestack_spawn(s, (char *[]){"sleep", "1000", NULL}, &opts, &status_fd));
	MUST(vdestack_cmd_wait(status_fd, &status, SOON_MS));
	CHECK_EQ(status, SIGKILL);
	opts.timeout_ms = SOON_MS;
	CHECK_EQ(RUN(s, &opts, "true"), 0);
	opts.timeout_ms = -1;
	CHECK_EQ(RUN(s, &opts, "true"), 0);
	opts.timeout_ms = -2;
	CHECK_ERRNO(RUN(s, &opts, "true"), EINVAL);
	MUST(vdestack_delete(s));
}

/* Their ends wake the runner, all the time. */
CASE(a_deadline_kills_a_command_whose_orphans_end_all_the_time)
{
	struct vdestack *s = new_stack();
	struct vdestack_cmd_opts opts = {.size = sizeof(opts), .timeout_ms = 1000};
	char *argv[] = {"sh", "-c", "while :; do sh -c 'sleep 0.01 &'; sleep 0.05; done", NULL};
	int status, status_fd;

	close((int)MUST(vdestack_spawn(s, argv, &opts, &status_fd)));
	MUST(vdestack_cmd_wait(status_fd, &status, SOON_MS));
	CHECK_EQ(status, SIGKILL);
	close(status_fd);
	MUST(vdestack_delete(s));
}

static bool no_runners(void *unused)
{
	(void)unused;
	return find_children(getppid(), "vdestack-runner", NULL, 0) == 0;
}

static int starve_at; /* before which of the next calls of recvmsg(2) all numbers are in use; 0: none */

/* The library's calls come here, too. */
ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	bool starves = starve_at > 0 && --starve_at == 0;
	struct rlimit was = {0};

	if (starves) {
		int first = (int)MUST(fcntl(0, F_DUPFD_CLOEXEC, 0));
		close(first);
		MUST(getrlimit(RLIMIT_NOFILE, &was));
		MUST(setrlimit(RLIMIT_NOFILE, &(struct rlimit){(rlim_t)first, was.rlim_max}));
	}
	ssize_t n = syscall(SYS_recvmsg, fd, msg, flags);
	int err = errno;
	if (starves)
		MUST(setrlimit(RLIMIT_NOFILE, &was));
	errno = err;
	return n;
}

/* When its caller gets no number for the pidfd, the command runs already. It must not go on unknown. */
CASE(a_command_whose_start_failed_does_not_go_on)
{
	struct vdestack *s = new_stack();
	bool late = false, worked = false;
	int before = count_fds();

	for (int i = 1; i < 30 && !worked; i++) {
		starve_at = i;
		int pidfd = vdestack_spawn(s, (char *[]){"sleep", "1000", NULL}, NULL, NULL);
		worked = starve_at > 0; /* there were fewer calls */
		starve_at = 0;
		late = late || (pidfd < 0 && strstr(vdestack_last_error(), "pidfd") != NULL);
		if (pidfd >= 0) {
			MUST(pidfd_send_signal(pidfd, SIGKILL, NULL, 0));
			close(pidfd);
		} else {
			CHECK_EQ(errno, EMFILE);
		}
		CHECK(wait_until(no_runners, NULL, SOON_MS));
		CHECK(count_fds() <= before + 2); /* the leash */
	}
	CHECK(late);
	CHECK(worked);
	MUST(vdestack_delete(s));
}

CASE_BOTH(deletion_kills_commands_and_their_descendants)
{
	struct vdestack *s = new_stack();
	struct numbers family;
	int status, status_fd;

	spawn_shell(s, family_script(&family), &status_fd);
	CHECK(wait_until(has_numbers, &family, SOON_MS));
	MUST(vdestack_delete(s));
	MUST(vdestack_cmd_wait(status_fd, &status, SOON_MS));
	CHECK_EQ(status, SIGKILL);
	check_family_gone(&family);
}

/* A child that was made without the handlers of fork(3) keeps its copies, until it uses the library. */
CASE(deletion_kills_commands_whatever_copies_a_child_has)
{
	struct vdestack *s = new_stack();
	int status, status_fd;

	close(spawn_shell(s, SLEEPER, &status_fd));
	pid_t child = (pid_t)MUST(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
	if (child == 0) {
		(void)pause();
		_exit(0);
	}
	MUST(vdestack_delete(s));
	MUST(vdestack_cmd_wait(status_fd, &status, SOON_MS));
	CHECK_EQ(status, SIGKILL);
	MUST(kill(child, SIGKILL));
	MUST(waitpid(child, NULL, 0));
}

CASE_BOTH(the_death_of_the_program_kills_commands_and_their_descendants)
{
	struct numbers family;
	const char *script = family_script(&family);
	pid_t program = (pid_t)MUST(fork());

	if (program == 0) {
		spawn_shell(new_stack(), script, NULL);
		for (;;)
			pause();
	}
	CHECK(wait_until(has_numbers, &family, SOON_MS));
	MUST(kill(program, SIGKILL));
	MUST(waitpid(program, NULL, 0));
	check_family_gone(&family);
}

CASE(the_death_of_the_keeper_kills_commands)
{
	struct vdestack *s = new_stack();
	pid_t keeper;
	int status, status_fd;

	spawn_shell(s, SLEEPER, &status_fd);
	/* the wrapper collects orphans */
	CHECK_EQ(find_children(getppid(), "vdestack-keeper", &keeper, 1), 1);
	MUST(kill(keeper, SIGKILL));
	MUST(vdestack_cmd_wait(status_fd, &status, SOON_MS));
	CHECK_EQ(status, SIGKILL);
	CHECK_ERRNO(RUN(s, NULL, "true"), ENETDOWN);
}

CASE(the_death_of_the_runner_kills_the_command_and_is_reported)
{
	struct vdestack *s = new_stack();
	struct numbers runner = {.path = case_path("runner"), .n = 1};
	char script[300];
	int status, status_fd;

	(void)snprintf(script, sizeof(script), "echo $PPID > %s; " SLEEPER, runner.path);
	int pidfd = spawn_shell(s, script, &status_fd);
	CHECK(wait_until(has_numbers, &runner, SOON_MS));
	CHECK_STR(name_of(runner.value[0]), "vdestack-runner");
	MUST(kill(runner.value[0], SIGKILL));
	CHECK_ERRNO(vdestack_cmd_wait(status_fd, &status, SOON_MS), ECANCELED);
	CHECK_ERRNO(vdestack_cmd_wait(status_fd, &status, 0), ECANCELED);
	CHECK(wait_readable(pidfd, SOON_MS));
	MUST(vdestack_delete(s));
}

CASE(a_daemon_started_by_a_command_lives_on_after_it)
{
	struct vdestack *s = new_stack();
	struct numbers daemon = {.path = case_path("daemon"), .n = 1};
	char script[300];

	(void)snprintf(script, sizeof(script), "setsid sleep 1000 & echo $! > %s", daemon.path);
	CHECK_EQ(run_shell(s, script), 0);
	CHECK(has_numbers(&daemon));
	sleep_ms(100); /* time in which the fault would happen */
	CHECK(!is_gone(&daemon.value[0]));
	MUST(kill(daemon.value[0], SIGKILL));
	CHECK(wait_until(is_gone, &daemon.value[0], SOON_MS));
	MUST(vdestack_delete(s));
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

static volatile sig_atomic_t interrupted;

static void note_signal(int sig)
{
	(void)sig;
	interrupted++;
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

/* ------------------------------------------------------------------ what the program sees */

CASE_BOTH(commands_are_invisible_to_wait_whatever_sigchld_does)
{
	struct sigaction actions[] = {
		{.sa_handler = SIG_DFL},
		{.sa_handler = SIG_IGN},
		{.sa_handler = note_signal},
		{.sa_handler = note_signal, .sa_flags = SA_NOCLDWAIT},
	};
	struct vdestack *s = new_stack();

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		int status, status_fd;
		MUST(sigaction(SIGCHLD, &actions[i], NULL));
		int pidfd = spawn_shell(s, SLEEPER, &status_fd);
		CHECK_ERRNO(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
		MUST(pidfd_send_signal(pidfd, SIGKILL, NULL, 0));
		MUST(vdestack_cmd_wait(status_fd, &status, SOON_MS));
		CHECK_EQ(status, SIGKILL);
		CHECK_EQ(run_shell(s, "exit 4"), 4 << 8);
		CHECK_ERRNO(RUN(s, NULL, "no-such-command"), ENOENT);
		CHECK_ERRNO(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
		close(pidfd);
		close(status_fd);
	}
	CHECK_EQ(interrupted, 0);
	MUST(vdestack_delete(s));
}

CASE(a_program_that_collects_orphans_gets_no_stray_child)
{
	int status, status_fd;

	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	struct vdestack *s = new_stack();
	CHECK_EQ(run_shell(s, "exit 4"), 4 << 8);
	CHECK_ERRNO(RUN(s, NULL, "no-such-command"), ENOENT);
	int pidfd = spawn_shell(s, SLEEPER, &status_fd);
	MUST(pidfd_send_signal(pidfd, SIGKILL, NULL, 0));
	MUST(vdestack_cmd_wait(status_fd, &status, SOON_MS));
	MUST(vdestack_cmd_wait(status_fd, &status, SOON_MS));
	MUST(vdestack_delete(s));
	CHECK_ERRNO(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD); /* no runner, no keeper, no holder */
}

struct worker {
	pthread_t id;
	struct vdestack *stack;
	int number;
};

static void *run_some(void *arg)
{
	struct worker *w = arg;
	char script[32];

	(void)snprintf(script, sizeof(script), "exit %d", w->number);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(run_shell(w->stack, script), w->number << 8);
	CHECK_ERRNO(RUN(w->stack, NULL, "no-such-command"), ENOENT);
	CHECK_CONTAINS(vdestack_last_error(), "no-such-command");
	return NULL;
}

static void eight_threads(void)
{
	struct worker workers[8];
	struct vdestack *s = new_stack();

	for (int i = 0; i < 8; i++) {
		workers[i] = (struct worker){.stack = s, .number = i + 1};
		CHECK_EQ(pthread_create(&workers[i].id, NULL, run_some, &workers[i]), 0);
	}
	for (int i = 0; i < 8; i++)
		CHECK_EQ(pthread_join(workers[i].id, NULL), 0);
	MUST(vdestack_delete(s));
}

CASE_FLAGS(eight_threads_run_commands_at_once, CASE_F_ROOT | CASE_F_USER | CASE_F_TSAN)
{
	eight_threads();
}

/* Not for the thread sanitizer, which assumes that all threads share one descriptor table. */
CASE_FLAGS(eight_threads_run_commands_at_once_inprocess, CASE_F_INPROCESS | CASE_F_ONLY_INPROCESS)
{
	eight_threads();
}

CASE_BOTH(running_commands_do_not_delay_sockets)
{
	struct vdestack *s = new_stack();

	for (int i = 0; i < 4; i++)
		close(spawn_shell(s, SLEEPER, NULL));
	for (int i = 0; i < 100; i++)
		close((int)MUST(vdestack_msocket(s, AF_INET, SOCK_STREAM, 0)));
	MUST(vdestack_delete(s));
}

CASE_BOTH(a_4_khz_signal_disturbs_no_command)
{
	struct vdestack *s = new_stack();
	struct sigaction note = {.sa_handler = note_signal}; /* no SA_RESTART */
	struct itimerval storm = {{0, 250}, {0, 250}}, calm = {{0, 0}, {0, 0}};
	int status, status_fd;

	MUST(sigaction(SIGALRM, &note, NULL));
	MUST(setitimer(ITIMER_REAL, &storm, NULL));
	for (int i = 0; i < 30; i++) {
		CHECK_EQ(run_shell(s, "exit 6"), 6 << 8);
		CHECK_ERRNO(RUN(s, NULL, "no-such-command"), ENOENT);
	}
	int pidfd = spawn_shell(s, SLEEPER, &status_fd);
	long long before = now_us();
	CHECK_ERRNO(vdestack_cmd_wait(status_fd, &status, 200), ETIMEDOUT);
	CHECK(now_us() - before >= 199000);
	MUST(pidfd_send_signal(pidfd, SIGKILL, NULL, 0));
	MUST(vdestack_cmd_wait(status_fd, &status, SOON_MS));
	MUST(setitimer(ITIMER_REAL, &calm, NULL));
	CHECK(interrupted > 100);
	MUST(vdestack_delete(s));
}

CASE_BOTH(a_forked_child_runs_commands_of_its_own)
{
	struct vdestack *s = new_stack();
	int status, status_fd;

	int pidfd = spawn_shell(s, SLEEPER, &status_fd);
	pid_t child = (pid_t)MUST(fork());
	if (child == 0) {
		CHECK_EQ(run_shell(s, "exit 9"), 9 << 8);
		CHECK_ERRNO(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
		_exit(9);
	}
	MUST(waitpid(child, &status, 0));
	CHECK_EQ(status, 9 << 8);
	CHECK(!wait_readable(pidfd, 100)); /* the end of the child does not affect commands of the parent */
	CHECK_EQ(run_shell(s, "exit 8"), 8 << 8);
	MUST(vdestack_delete(s));
	MUST(vdestack_cmd_wait(status_fd, &status, SOON_MS));
}

static void *run_sleeper(void *arg)
{
	struct worker *w = arg;
	char script[300];

	(void)snprintf(script, sizeof(script), "echo $$ > %s.part; mv %s.part %s; " SLEEPER,
		       case_path("sleeper"), case_path("sleeper"), case_path("sleeper"));
	(void)run_shell(w->stack, script);
	return NULL;
}

CASE(a_cancelled_run_kills_its_command_and_leaks_nothing)
{
	struct worker worker = {.stack = new_stack()};
	struct numbers sleeper = {.path = case_path("sleeper"), .n = 1};
	void *result;

	CHECK_EQ(RUN(worker.stack, NULL, "true"), 0); /* what is opened only once is open now */
	int before = count_fds();
	CHECK_EQ(pthread_create(&worker.id, NULL, run_sleeper, &worker), 0);
	CHECK(wait_until(has_numbers, &sleeper, SOON_MS));
	CHECK_EQ(pthread_cancel(worker.id), 0);
	CHECK_EQ(pthread_join(worker.id, &result), 0);
	CHECK(result == PTHREAD_CANCELED);
	CHECK(wait_until(is_gone, &sleeper.value[0], SOON_MS));
	CHECK_EQ(count_fds(), before);
	CHECK_EQ(RUN(worker.stack, NULL, "true"), 0);
	MUST(vdestack_delete(worker.stack));
}

CASE(commands_leak_nothing_also_when_descriptors_run_out)
{
	struct vdestack *s = new_stack();
	struct rlimit limit;
	bool failed = false, worked = false;

	CHECK_EQ(RUN(s, NULL, "true"), 0);
	int before = count_fds();
	MUST(getrlimit(RLIMIT_NOFILE, &limit));
	rlim_t was = limit.rlim_cur;
	for (rlim_t n = 3; n < 40; n++) {
		limit.rlim_cur = n;
		MUST(setrlimit(RLIMIT_NOFILE, &limit));
		int status = RUN(s, NULL, "/bin/true");
		int err = errno;
		limit.rlim_cur = was;
		MUST(setrlimit(RLIMIT_NOFILE, &limit));
		/* The limit also applies to descriptors in flight, of all processes of the user together. */
		if (status < 0 && err != EMFILE && err != ETOOMANYREFS)
			FAIL("limit %d: %s: %s", (int)n, strerrorname_np(err), vdestack_last_error());
		failed |= status < 0;
		worked |= status == 0;
		CHECK_EQ(count_fds(), before);
	}
	CHECK(failed);
	CHECK(worked);
	for (int i = 0; i < 20; i++) {
		CHECK_EQ(RUN(s, NULL, "true"), 0);
		CHECK_ERRNO(RUN(s, NULL, "no-such-command"), ENOENT);
	}
	CHECK_EQ(count_fds(), before);
	CHECK_EQ(RUN(s, NULL, "true"), 0);
	MUST(vdestack_delete(s));
}
