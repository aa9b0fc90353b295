/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * `vdestack exec`: a command in a stack of another program.
 *
 * The command has the streams, session and process group of this process, so it uses the terminal as if the
 * shell had started it, and Ctrl-C reaches it directly. This process waits. It does not end by a signal that
 * the terminal sends to both; the other signals that usually end a process it passes on. Then it ends as the
 * command has ended.
 *
 *     shell ──starts──▶ vdestack exec ──▶ runner ──▶ command      one process group
 */

#include "exec.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "target.h"
#include <vdestack.h>

#define NOT_STARTED 125
#define NOT_EXECUTABLE 126
#define NOT_FOUND 127

static const char help[] = "Usage: vdestack exec [OPTION...] PID[:STACK] [--] COMMAND [ARG...]\n"
			   "Runs COMMAND in a network stack of the program PID. STACK is its name or index.\n"
			   "  -a, --all-caps  with all capabilities, for tools that change their user\n"
			   "  -h, --help\n"
			   "Exit status: that of COMMAND; 125 it was not started, 126 it cannot be executed, "
			   "127 it is not found.\n";

/* ------------------------------------------------------------------ signals */

static volatile sig_atomic_t command_fd = -1, early;

static void pass_on(int sig)
{
	int kept = errno;

	if (command_fd < 0)
		early = sig;
	else
		(void)pidfd_send_signal(command_fd, sig, NULL, 0);
	errno = kept;
}

/* The terminal sends it to the command, too. */
static void stay(int sig)
{
	(void)sig;
}

/*
 * The command begins with the default settings: handlers do not outlive its execution. What is ignored stays
 * so.
 */
static void handle(int sig, void (*handler)(int))
{
	struct sigaction now, action = { .sa_handler = handler, .sa_flags = SA_RESTART };

	if (sigaction(sig, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
		(void)sigaction(sig, &action, NULL);
}

static void handle_signals(void)
{
	static const int passed[] = { SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 };

	handle(SIGINT, stay);
	handle(SIGQUIT, stay);
	for (size_t i = 0; i < VS_COUNT(passed); i++)
		handle(passed[i], pass_on);
}

/* Ends as the command has ended, so that a shell sees the same. */
static int end_by(int sig)
{
	const struct rlimit none = { 0, 0 };
	sigset_t only;

	(void)setrlimit(RLIMIT_CORE, &none); /* the command has dumped its own */
	(void)signal(sig, SIG_DFL);
	sigemptyset(&only);
	sigaddset(&only, sig);
	(void)sigprocmask(SIG_UNBLOCK, &only, NULL);
	(void)raise(sig);
	return 128 + sig;
}

/* ------------------------------------------------------------------ the command */

static int not_started(int err)
{
	vs_target_say("vdestack exec", vdestack_last_error());
	return err == ENOENT ? NOT_FOUND : err == EACCES || err == ENOEXEC ? NOT_EXECUTABLE : NOT_STARTED;
}

static int run(struct vdestack *stack, char *argv[], uint64_t caps)
{
	const struct vdestack_cmd_opts opts = { .size = sizeof(opts), .caps = caps };
	int status_fd, status;

	handle_signals();
	int pidfd = vdestack_spawn(stack, argv, &opts, &status_fd);
	if (pidfd < 0)
		return not_started(errno);
	command_fd = pidfd;
	if (early != 0)
		(void)pidfd_send_signal(pidfd, early, NULL, 0);
	while (vdestack_cmd_wait(status_fd, &status, -1) < 0)
		if (errno != EINTR) {
			vs_target_say("vdestack exec", vdestack_last_error());
			return NOT_STARTED;
		}
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	int there = vdestack_netns(stack);
	if (WTERMSIG(status) == SIGKILL && there < 0)
		(void)fprintf(stderr, "vdestack exec: the stack has ended, and the command with it\n");
	if (there >= 0)
		(void)close(there);
	return end_by(WTERMSIG(status));
}

int vs_exec_main(int argc, char *argv[])
{
	static const struct option options[] = { { "all-caps", no_argument, NULL, 'a' },
						 { "help", no_argument, NULL, 'h' },
						 { NULL, 0, NULL, 0 } };
	uint64_t caps = 0;
	int c;

	while ((c = getopt_long(argc, argv, "+ah", options, NULL)) != -1) {
		if (c == 'a')
			caps = VDESTACK_CAPS_ALL;
		else if (c == 'h')
			return fputs(help, stdout) < 0 || fflush(stdout) != 0 ? EX_IOERR : 0;
		else
			return EX_USAGE;
	}
	const char *word = optind < argc ? argv[optind++] : NULL;
	if (optind < argc && strcmp(argv[optind], "--") == 0)
		optind++;
	if (word == NULL || optind >= argc) {
		(void)fprintf(stderr, "usage: vdestack exec [-a] PID[:STACK] -- COMMAND [ARG...]\n");
		return EX_USAGE;
	}
	struct vdestack *stack = vs_target_attach("vdestack exec", word);
	if (stack == NULL)
		return NOT_STARTED;
	return run(stack, argv + optind, caps);
}
