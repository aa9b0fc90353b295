/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * `vdestack run` with the supervise engine. The programs are ../support/run_probe.c, which checks its sockets
 * itself; here is what is around it: exit status, processes, descriptors, deaths.
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include "net.h"
#include "refuse.h"

#define LIMIT_MS 20000
#define MAX_WORDS 30

/* The words of a command line, up to NULL. */
struct command {
	const char *words[MAX_WORDS];
};

static struct command command(const char *first, ...)
{
	struct command c = { { first } };
	va_list args;

	va_start(args, first);
	for (int n = 1; c.words[n - 1] != NULL; n++) {
		CHECK(n < MAX_WORDS);
		c.words[n] = va_arg(args, const char *);
	}
	va_end(args);
	return c;
}

#define COMMAND(...) command(__VA_ARGS__, NULL)
/* The probe's case in a stack that has only lo. */
#define RUN(...) COMMAND(TOOL, "run", "--any", "", "--", PROBE, __VA_ARGS__)
#define RUN_PRELOAD(...) COMMAND(TOOL, "run", "--engine=preload", "--require", "", "--", PROBE, __VA_ARGS__)
#define RUN_STATIC(...) COMMAND(TOOL, "run", "", "--", PROBE_STATIC, __VA_ARGS__)

static pid_t start(struct command c)
{
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) {
		execv(c.words[0], (char *const *)c.words);
		FAIL("%s cannot be executed: %s", c.words[0], strerror(errno));
	}
	return pid;
}

/* The wait status of a command that has ended. */
static int end(pid_t pid)
{
	int status = -1;

	CHECK_EQ(MUST(waitpid(pid, &status, 0)), pid);
	return status;
}

/* What collects the orphans of this case. */
static int supervisors(pid_t *pids, int max)
{
	return find_children(getppid(), "vdestack-run", pids, max);
}

static bool nothing_is_left(void *arg)
{
	(void)arg;
	return supervisors(NULL, 0) == 0 && net_keepers(NULL, 0) == 0;
}

static void passes(struct command c)
{
	int status = end(start(c));

	if (status != 0)
		FAIL("status 0x%x of %s", (unsigned)status, c.words[6] != NULL ? c.words[6] : c.words[0]);
	if (!wait_until(nothing_is_left, NULL, LIMIT_MS))
		FAIL("processes are left: %d supervisors, %d keepers", supervisors(NULL, 0),
		     net_keepers(NULL, 0));
}

/* What the command wrote to its standard error. */
static int end_with_message(struct command c, char *message, size_t size)
{
	int ends[2];
	size_t len = 0;
	ssize_t n;

	MUST(pipe2(ends, O_CLOEXEC));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		MUST(dup2(ends[1], STDERR_FILENO));
		execv(c.words[0], (char *const *)c.words);
		_exit(1);
	}
	close(ends[1]);
	while (len < size - 1 && (n = read(ends[0], message + len, size - 1 - len)) > 0)
		len += (size_t)n;
	message[len] = '\0';
	close(ends[0]);
	return end(pid);
}

static void fails(struct command c, int status, const char *text)
{
	char message[4000];

	CHECK_EQ(end_with_message(c, message, sizeof(message)), status << 8);
	CHECK_CONTAINS(message, text);
	CHECK(wait_until(nothing_is_left, NULL, LIMIT_MS));
}

/* ------------------------------------------------------------------ sockets */

#define PROBE_CASE(name, probe_case)                                                                         \
	CASE(name)                                                                                           \
	{                                                                                                    \
		passes(RUN(probe_case));                                                                     \
	}

PROBE_CASE(sockets_of_the_internet_families_are_in_the_stack_and_others_are_not, "families")
PROBE_CASE(a_socket_has_the_lowest_number_and_the_flags_that_were_asked_for, "flags")
PROBE_CASE(a_server_may_use_port_80, "connections")
PROBE_CASE(a_full_descriptor_table_is_reported_as_emfile, "few_descriptors")
PROBE_CASE(eight_threads_make_a_thousand_sockets, "threads")
PROBE_CASE(signals_every_millisecond_leave_no_descriptor_behind, "signals")
PROBE_CASE(callers_that_are_killed_while_they_wait_stop_nothing, "killed_callers")
PROBE_CASE(the_program_sees_no_child, "no_child")
PROBE_CASE(the_32_bit_calls_of_the_kernel_reach_no_other_network, "other_architecture")
PROBE_CASE(io_uring_is_absent_by_default, "io_uring_is_absent")
PROBE_CASE(forged_requests_are_refused, "forged_requests")
PROBE_CASE(the_description_of_the_run_cannot_be_changed, "sealed_description")

CASE(a_static_program_has_sockets_in_the_stack)
{
	passes(RUN_STATIC("families"));
	passes(RUN_STATIC("connections"));
}

CASE_TIMED(two_thousand_requests_may_wait_at_the_same_time, CASE_F_ROOT | CASE_F_USER, 120)
{
	passes(RUN("flood"));
}

CASE(io_uring_is_there_if_it_is_allowed)
{
	if (access("/proc/sys/kernel/io_uring_disabled", F_OK) != 0)
		SKIP("this kernel has no io_uring");
	passes(COMMAND(TOOL, "run", "--any", "--allow-io-uring", "", "--", PROBE, "io_uring_is_there"));
}

CASE(a_configuration_may_be_several_words)
{
	passes(COMMAND(TOOL, "run", "--any", "vnl=inproc://a", "ip=10.9.0.1/24", "--", PROBE, "connections"));
}

/* ------------------------------------------------------------------ rules */

/* The stack `main`, from the command line, is the default. */
#define RULES                                                                                                \
	"--stack", "a=vnl=inproc://a ip=10.1.0.1/24", "--stack", "b=vnl=inproc://b ip=10.2.0.1/24",          \
		"--rule", "local=127.0.0.8 use host", "--rule", "local=127.0.0.9 use deny"

static const char rules_text[] = "# a file\n"
				 "local=10.1.0.1 use a\nlocal=10.2.0.1 use b\n"
				 "remote=10.1.0.0/24 use a\nremote=10.2.0.0/24:53 use b\n"
				 "thread=worker* family=inet use b\n"
				 "thread=worker* family=inet6 type=stream use host\n"
				 "thread=worker* family=inet6 use deny\n";

static const char *write_rules(const char *text)
{
	const char *path = case_path("rules");
	int fd = (int)MUST(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));

	CHECK_EQ(MUST(write(fd, text, strlen(text))), strlen(text));
	close(fd);
	return path;
}

#define RULE_CASE(name, probe_case)                                                                          \
	CASE(name)                                                                                           \
	{                                                                                                    \
		passes(COMMAND(TOOL, "run", "--any", RULES, "--rules", write_rules(rules_text), "", "--",    \
			       PROBE, probe_case));                                                          \
	}

RULE_CASE(rules_move_a_socket_at_bind, "rules_for_bind")
RULE_CASE(rules_move_a_socket_at_connect_and_when_it_sends, "rules_for_connect")
RULE_CASE(a_moved_socket_keeps_flags_options_and_epoll, "a_moved_socket_keeps_its_settings")
RULE_CASE(rules_look_at_the_name_of_the_thread, "rules_for_threads")

CASE(a_wrong_rule_is_reported_with_its_place)
{
	fails(COMMAND(TOOL, "run", "--any", "--rules", write_rules("# one\n\nlocal=1.2.3.4.5 use main\n"), "",
		      "--", PROBE, "exits", "0"),
	      125, "rules:3:");
	fails(COMMAND(TOOL, "run", "--any", "--rule", "family=inet use main", "--rule",
		      "family=inet use nothing", "", "--", PROBE, "exits", "0"),
	      125, "--rule number 2");
}

CASE(rules_with_names_are_refused_for_programs_without_the_library)
{
	fails(COMMAND(TOOL, "run", "--any", "--rule", "name=*.example use host", "", "--", PROBE, "exits",
		      "0"),
	      125, "rules with name= need the engine preload");
	fails(COMMAND(TOOL, "run", "--rule", "name=*.example use host", "", "--", PROBE_STATIC, "exits", "0"),
	      125, "rules with name= need the engine preload");
}

/* ------------------------------------------------------------------ interfaces */

#define PLANET "iface=planet0 vnl=inproc://lan ip=10.9.0.1/24 nodad"

CASE(interfaces_are_those_of_the_stack)
{
	passes(COMMAND(TOOL, "run", "--any", PLANET, "--", PROBE, "interfaces"));
	passes(COMMAND(TOOL, "run", "--any", "--names=host", PLANET, "--", PROBE, "interfaces"));
	passes(COMMAND(TOOL, "run", PLANET, "--", PROBE_STATIC, "interfaces"));
}

CASE(interfaces_are_those_of_the_stack_in_static_children_of_the_preload_engine)
{
	passes(COMMAND(TOOL, "run", "--engine=preload", PLANET, "--", "/usr/bin/env", PROBE_STATIC,
		       "interfaces"));
	passes(COMMAND(TOOL, "run", "--engine=preload", PLANET, "--", PROBE, "interfaces"));
}

CASE(rules_choose_whose_interfaces_are_shown)
{
	passes(COMMAND(TOOL, "run", "--any", "--stack", "other=" PLANET, "--rule", "default other", "", "--",
		       PROBE, "interfaces"));
	passes(COMMAND(TOOL, "run", "--any", "--stack", "other=" PLANET, "--rule", "default main", "", "--",
		       PROBE, "interfaces_of_others"));
	passes(COMMAND(TOOL, "run", "--any", "--rule", "default host", PLANET, "--", PROBE,
		       "interfaces_of_others"));
}

CASE(attacks_by_questions_about_interfaces_stop_nothing)
{
	passes(COMMAND(TOOL, "run", "--any", PLANET, "--", PROBE, "attacks_by_questions"));
}

/* ------------------------------------------------------------------ life cycle */

PROBE_CASE(children_that_a_server_forks_in_advance_have_the_stack, "prefork")
PROBE_CASE(a_program_that_executes_itself_keeps_stack_and_listener, "executes_itself")
PROBE_CASE(a_child_without_environment_has_the_stack, "executes_with_clean_environment")

static bool file_says_ok(void *arg)
{
	char text[3] = "";
	int fd = open(arg, O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		(void)!read(fd, text, 2);
		close(fd);
	}
	if (strcmp(text, "no") == 0)
		FAIL("the daemon's socket is not in the stack");
	return strcmp(text, "ok") == 0;
}

CASE(a_daemon_that_closes_all_keeps_the_stack_until_its_end)
{
	char file[512];

	(void)snprintf(file, sizeof(file), "%s", case_path("daemon"));
	CHECK_EQ(end(start(RUN_STATIC("daemonizes", file))), 0);
	CHECK(wait_until(file_says_ok, file, LIMIT_MS));
	CHECK(wait_until(nothing_is_left, NULL, LIMIT_MS));
}

#ifdef HAS_PRELOAD /* it is built, without a sanitizer */
/* The same with the preload engine, which makes sockets in the process. */
CASE_FLAGS(the_preload_engine_has_the_same_life_cycle, CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	static const char *const cases[] = { "families", "flags", "connections", "signals", "killed_callers",
					     "prefork", "executes_itself", "executes_with_clean_environment",
					     "no_child" };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		passes(RUN_PRELOAD(cases[i]));
	if (geteuid() == 0) {
		passes(RUN_PRELOAD("drops_user"));
		passes(RUN_PRELOAD("changes_root", case_tmp()));
	}
}

CASE_FLAGS(a_daemon_of_the_preload_engine_keeps_the_stack_until_its_end,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	char file[512];

	(void)snprintf(file, sizeof(file), "%s", case_path("daemon"));
	CHECK_EQ(end(start(RUN_PRELOAD("daemonizes", file))), 0);
	CHECK(wait_until(file_says_ok, file, LIMIT_MS));
	CHECK(wait_until(nothing_is_left, NULL, LIMIT_MS));
}
#endif

CASE_ROOT(a_program_that_gives_up_its_user_keeps_the_stack)
{
	passes(RUN("drops_user"));
}

CASE_ROOT(a_program_that_gives_up_its_user_gets_no_rights_of_its_supervisor_in_the_host)
{
	passes(COMMAND(TOOL, "run", "--any", "--rule", "remote=127.0.0.8 use host", "", "--", PROBE,
		       "drops_user_and_moves"));
}

CASE_ROOT(a_program_that_changes_its_root_keeps_the_stack)
{
	passes(RUN("changes_root", case_tmp()));
}

/* ------------------------------------------------------------------ the program's surroundings */

CASE(the_exit_status_is_that_of_the_program)
{
	CHECK_EQ(end(start(RUN("exits", "0"))), 0);
	CHECK_EQ(end(start(RUN("exits", "3"))), 3 << 8);
	CHECK_EQ(end(start(RUN("kills_itself"))), SIGKILL);
	CHECK(wait_until(nothing_is_left, NULL, LIMIT_MS));
}

CASE(failures_before_the_program_have_statuses_of_their_own_and_a_message)
{
	const char *file = case_path("plain");

	close((int)MUST(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)));
	fails(COMMAND(TOOL, "run", "", "--", "/nonexistent"), 127, "/nonexistent: No such file");
	fails(COMMAND(TOOL, "run", "", "--", "no-such-program-anywhere"), 127, "no-such-program-anywhere");
	fails(COMMAND(TOOL, "run", "", "--", file), 126, "Permission denied");
	fails(COMMAND(TOOL, "run", "ip=1.2.3.4.5/8", "--", PROBE, "exits", "0"), 125, "1.2.3.4.5");
	fails(COMMAND(TOOL, "run", ""), 125, "no program");
	fails(COMMAND(TOOL, "run", "--", PROBE, "exits", "0"), 125, "no configuration");
	fails(COMMAND(TOOL, "run", "--engine=magic", "", "--", PROBE, "exits", "0"), 125, "magic");
	fails(COMMAND(TOOL, "run", "--nonsense", "", "--", PROBE, "exits", "0"), 125, "nonsense");
}

CASE(a_run_in_a_run_is_refused_with_the_reason)
{
	fails(COMMAND(TOOL, "run", "--any", "", "--", TOOL, "run", "--any", "", "--", PROBE, "exits", "0"),
	      125, "has a supervisor already");
}

/* The command under a filter that refuses a call, as in a container. */
static void fails_without(long call, struct command c, const char *text)
{
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) {
		MUST(refuse_call(call, 0, EPERM));
		fails(c, 125, text);
		_exit(0);
	}
	CHECK_EQ(end(pid), 0);
}

CASE(what_the_system_refuses_is_reported_at_the_start)
{
	struct command rules = COMMAND(TOOL, "run", "--any", "--rule", "remote=10.0.0.0/8 use main", "--rule",
				       "default deny", "", "--", PROBE, "exits", "0");

	fails_without(SYS_seccomp, RUN("exits", "0"), "seccomp filters are refused here");
	fails_without(SYS_process_vm_readv, rules, "kernel.yama.ptrace_scope=0");
	fails_without(SYS_pidfd_getfd, rules, "kernel.yama.ptrace_scope=0");
}

CASE(where_programs_cannot_be_read_the_host_answers_for_interfaces_and_that_is_reported)
{
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) {
		char message[4000];
		MUST(refuse_call(SYS_process_vm_readv, 0, EPERM));
		CHECK_EQ(end_with_message(COMMAND(TOOL, "run", "-v", "--any", PLANET, "--", PROBE,
						  "interfaces_of_others"),
					  message, sizeof(message)),
			 0);
		CHECK_CONTAINS(message, "unix sockets show the interfaces of the host");
		_exit(0);
	}
	CHECK_EQ(end(pid), 0);
	CHECK(wait_until(nothing_is_left, NULL, LIMIT_MS));
}

CASE(a_starter_that_is_interrupted_leaves_nothing)
{
	/* The switch is not there, and each attempt waits: the creation goes on until it is cancelled. */
	char config[600];

	(void)snprintf(config, sizeof(config), "vnl==sleep\\ 1000 dhcp");
	pid_t pid = start(COMMAND(TOOL, "run", "--any", config, "--", PROBE, "exits", "0"));
	pid_t supervisor;
	for (int i = 0; i < 1000 && supervisors(&supervisor, 1) == 0; i++)
		sleep_ms(10);
	CHECK_EQ(supervisors(NULL, 0), 1);
	MUST(kill(pid, SIGINT));
	CHECK_EQ(end(pid), SIGINT);
	CHECK(wait_until(nothing_is_left, NULL, LIMIT_MS));
}

static void read_file(const char *path, char *text, size_t size)
{
	int fd = (int)MUST(open(path, O_RDONLY | O_CLOEXEC));
	ssize_t n = MUST(read(fd, text, size - 1));

	text[n] = '\0';
	close(fd);
}

/* An unusual process starts the command. */
static void describe(struct command c, int pipe_end)
{
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) {
		sigset_t some;
		struct rlimit files = { 40, 50 };
		MUST(dup2(pipe_end, 17));
		close(0);
		(void)umask(027);
		(void)signal(SIGCHLD, SIG_IGN);
		(void)signal(SIGUSR2, SIG_IGN);
		(void)sigemptyset(&some);
		(void)sigaddset(&some, SIGUSR1);
		(void)sigaddset(&some, SIGCHLD);
		(void)sigprocmask(SIG_BLOCK, &some, NULL);
		MUST(setrlimit(RLIMIT_NOFILE, &files));
		MUST(setenv("SOME_VARIABLE", "some value", 1));
		MUST(chdir("/proc"));
		execv(c.words[0], (char *const *)c.words);
		_exit(1);
	}
	CHECK_EQ(end(pid), 0);
}

CASE(the_program_inherits_all_that_the_command_was_started_with)
{
	static char plain[20000], run[20000];
	char plain_file[512], run_file[512];
	int ends[2];

	(void)snprintf(plain_file, sizeof(plain_file), "%s", case_path("plain"));
	(void)snprintf(run_file, sizeof(run_file), "%s", case_path("run"));
	MUST(pipe2(ends, O_CLOEXEC));
	describe(COMMAND(PROBE, "surroundings", plain_file), ends[1]);
	describe(COMMAND(TOOL, "run", "--any", "--names=host", "", "--", PROBE, "surroundings", run_file),
		 ends[1]);
	read_file(plain_file, plain, sizeof(plain));
	read_file(run_file, run, sizeof(run));
	CHECK_CONTAINS(plain, "SOME_VARIABLE=some value");
	CHECK_CONTAINS(plain, "\n17 pipe:");
	CHECK_STR(run, plain);
	CHECK(wait_until(nothing_is_left, NULL, LIMIT_MS));
}

/* With mounts of its own an ordinary user is in the user namespace of the stack. */
static void leave_out_rights(char *text)
{
	static const char *const lines[] = {
		"Groups:", "CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char *at = strstr(text, lines[i]), *behind = at != NULL ? strchr(at, '\n') : NULL;
		if (behind != NULL)
			memmove(at, behind + 1, strlen(behind + 1) + 1);
	}
}

CASE(mounts_of_a_run_change_nothing_but_the_rights_of_an_ordinary_user)
{
	static char plain[20000], run[20000];
	char plain_file[512], run_file[512];
	int ends[2];

	(void)snprintf(plain_file, sizeof(plain_file), "%s", case_path("plain"));
	(void)snprintf(run_file, sizeof(run_file), "%s", case_path("run"));
	MUST(pipe2(ends, O_CLOEXEC));
	describe(COMMAND(PROBE, "surroundings", plain_file), ends[1]);
	describe(RUN("surroundings", run_file), ends[1]);
	read_file(plain_file, plain, sizeof(plain));
	read_file(run_file, run, sizeof(run));
	CHECK_CONTAINS(plain, "SOME_VARIABLE=some value");
	CHECK_CONTAINS(plain, "\n17 pipe:");
	if (!case_is_root()) {
		leave_out_rights(run);
		leave_out_rights(plain);
	}
	CHECK_STR(run, plain);
	CHECK(wait_until(nothing_is_left, NULL, LIMIT_MS));
}

CASE(a_pipeline_ends_with_the_program)
{
	int ends[2];
	char byte;

	MUST(pipe2(ends, O_CLOEXEC));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		struct command c = RUN("exits", "0");
		MUST(dup2(ends[1], STDOUT_FILENO));
		MUST(dup2(ends[1], 30));
		execv(c.words[0], (char *const *)c.words);
		_exit(1);
	}
	close(ends[1]);
	CHECK_EQ(end(pid), 0);
	CHECK(wait_readable(ends[0], LIMIT_MS));
	CHECK_EQ(MUST(read(ends[0], &byte, 1)), 0);
	close(ends[0]);
	CHECK(wait_until(nothing_is_left, NULL, LIMIT_MS));
}

CASE(a_log_that_nobody_reads_stops_nothing)
{
	int ends[2];
	char text[64] = "";

	MUST(pipe2(ends, O_CLOEXEC));
	MUST(fcntl(ends[1], F_SETPIPE_SZ, 4096)); /* some fifty lines; there are a thousand */
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		struct command c = RUN("threads");
		MUST(dup2(ends[1], STDERR_FILENO));
		MUST(setenv("VDESTACK_DEBUG", "1", 1));
		execv(c.words[0], (char *const *)c.words);
		_exit(1);
	}
	close(ends[1]);
	CHECK_EQ(end(pid), 0);
	CHECK(MUST(read(ends[0], text, sizeof(text) - 1)) > 0);
	CHECK_CONTAINS(text, "vdestack run: ");
	close(ends[0]);
	CHECK(wait_until(nothing_is_left, NULL, LIMIT_MS));
}

/* ------------------------------------------------------------------ deaths */

/* Starts a case of the probe that waits, once or twice; acts meanwhile; the case must pass. */
static void meets_twice(const char *probe_case, void (*act)(void), void (*again)(void))
{
	int in[2], out[2];
	char byte;

	MUST(pipe2(in, O_CLOEXEC));
	MUST(pipe2(out, O_CLOEXEC));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		struct command c = RUN(probe_case);
		MUST(dup2(in[0], 0));
		MUST(dup2(out[1], 1));
		execv(c.words[0], (char *const *)c.words);
		_exit(1);
	}
	close(in[0]);
	close(out[1]); /* end of file, if the case fails */
	CHECK_EQ(MUST(read(out[0], &byte, 1)), 1);
	act();
	CHECK_EQ(MUST(write(in[1], "x", 1)), 1);
	if (again != NULL) {
		CHECK_EQ(MUST(read(out[0], &byte, 1)), 1);
		again();
		CHECK_EQ(MUST(write(in[1], "x", 1)), 1);
	}
	CHECK_EQ(end(pid), 0);
	CHECK(wait_until(nothing_is_left, NULL, LIMIT_MS));
}

static void meets(const char *probe_case, void (*act)(void))
{
	meets_twice(probe_case, act, NULL);
}

static void kill_and_wait(pid_t pid)
{
	MUST(kill(pid, SIGKILL));
	for (int i = 0; i < 2000 && name_of(pid)[0] != '\0'; i++)
		sleep_ms(5);
	CHECK_STR(name_of(pid), "");
}

static pid_t the_supervisor(void)
{
	pid_t pid = -1;

	CHECK_EQ(supervisors(&pid, 1), 1);
	return pid;
}

static void kill_supervisor(void)
{
	kill_and_wait(the_supervisor());
}

static void kill_keeper(void)
{
	kill_and_wait(net_keeper());
}

static void stop_keeper(void)
{
	MUST(kill(net_keeper(), SIGSTOP));
}

static void continue_keeper(void)
{
	MUST(kill(net_keeper(), SIGCONT));
}

static void disturb_supervisor(void)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM };
	pid_t supervisor = the_supervisor();

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		MUST(kill(supervisor, signals[i]));
}

CASE(without_its_supervisor_a_program_gets_no_socket_of_the_host)
{
	meets("without_supervisor", kill_supervisor);
}

CASE(without_its_keeper_a_program_gets_no_socket_of_the_host)
{
	meets("without_keeper", kill_keeper);
}

CASE_TIMED(those_who_wait_for_a_stopped_keeper_wait_together, CASE_F_ROOT | CASE_F_USER, 60)
{
	meets_twice("with_a_stopped_keeper", stop_keeper, continue_keeper);
}

CASE(the_supervisor_ignores_the_signals_that_end_groups_of_processes)
{
	meets("still_served", disturb_supervisor);
}
