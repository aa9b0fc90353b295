/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands in a stack: how and by what they end, and that the program does not notice them. */

#define _GNU_SOURCE
#define VDESTACK_BUILDING /* NULL is passed where it must not be */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"

static bool is_gone(void *arg)
{
	return kill(*(pid_t *)arg, 0) < 0 && errno == ESRCH;
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
