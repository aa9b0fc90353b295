/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The runner: one process per command.
 *
 *     program ──launch──▶ runner ──enter the stack, fork──▶ command (ambient capabilities, no more)
 *        ▲                  │  ▲                               │
 *        └──── control ─────┘  └──────── end, orphans ─────────┘
 *
 * Why not the keeper: the program may have dropped privileges since it made the stack. Its environment,
 * directory, umask, seccomp filter or cgroup may be others by now. The caller makes the runner at the time of
 * the call, so the runner inherits all of these as they are. What the caller may no longer do fails, entering
 * the stack included.
 *
 * Why not the program itself: the command would be its child, and wait() would return it.
 *
 * Entering. A runner with CAP_SYS_ADMIN in its own user namespace has it over the stack, too, and enters the
 * network namespace directly. Otherwise the stack is in a user namespace below the runner's. The owner of
 * that one may enter it, and has all capabilities there. The first way is tried first, because it keeps the
 * user namespace, and with it the numbers of users.
 *
 * Life. The runner stays in the caller's process group and session, so Ctrl-C reaches the command. Its own
 * signals are all blocked. When the command runs, the runner gives up the directory, its capabilities and the
 * standard streams: a reader at the other end of a stream would otherwise wait for the runner, too. Then it
 * sleeps until one of these happens:
 *
 *     the command ends                           -> send its status, exit
 *     stack, keeper or program is gone           -> kill command and descendants, send the status, exit
 *     the time limit passes, the caller gives up -> the same
 *     an orphan that is a descendant ends        -> collect it
 *
 * Descendants are found because orphans become children of the runner (child subreaper). It kills all
 * children, waits for one to end, and repeats. Descendants whose parent was killed are among the children in
 * the next round. Descendants that outlive a command that ended by itself are left alone, like the daemons
 * that a command starts on the host.
 *
 * If the runner is killed, the command dies with it (parent death signal). The kernel clears that signal for
 * a command whose file has capabilities. Such a command goes on until it ends.
 */

#include "runner.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "request.h"
#include "wire/command.h"
#include "wire/fdmsg.h"
#include "wire/roles.h"

#define NAME_SHOWN 100 /* bytes of the command's name in a message */

struct runner {
	struct vs_runner_request request;
	uint64_t caps;     /* what the command gets */
	bool chld_ignored; /* the caller ignores SIGCHLD, so the command does, too */
	int child_events;  /* signalfd of SIGCHLD */
	pid_t command;
	int command_pidfd;
	bool ended;        /* status is valid */
	int status;
	uint32_t flags;    /* of VS_COMMAND_ENDED */
};

/* ------------------------------------------------------------------ preparing */

static int fail_to_start(const struct runner *runner, int err, const char *step)
{
	return vs_fail(err, "cannot start \"%.*s\": %s: %s", NAME_SHOWN, runner->request.argv[0], step,
		       strerror(err));
}

/* So that ends of children are reported here, even if the caller has the kernel discard them. */
static void listen_to_children(struct runner *runner)
{
	struct sigaction plain = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP }, before;

	runner->chld_ignored = sigaction(SIGCHLD, &plain, &before) == 0 && before.sa_handler == SIG_IGN;
	/* Only a seccomp filter refuses this. Then the command is killed without its descendants. */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/*
 * Takes the result of a call that makes a descriptor. If the caller has no standard streams, the descriptor
 * may have the number of one. The runner closes these numbers later, so it is moved. Returns fd or -errno.
 */
static int above_streams(int fd)
{
	if (fd < 0)
		return -errno;
	int r = fd > 2 ? 0 : vs_fd_raise(&fd, 3);
	return r < 0 ? r : fd;
}

static int prepare(struct runner *runner)
{
	sigset_t all, child;

	for (int fd = VS_RUNNER_CONTROL; fd < VS_RUNNER_CONTROL + VS_RUNNER_N_FDS; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			return fail_to_start(runner, errno, "its runner lacks a descriptor");
	/* If the dynamic linker was executed, it has that one's name. */
	(void)prctl(PR_SET_NAME, VS_RUNNER_NAME);
	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	listen_to_children(runner);
	runner->child_events = above_streams(signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
	return runner->child_events < 0 ? fail_to_start(runner, -runner->child_events, "no signalfd") : 0;
}

/* ------------------------------------------------------------------ entering */

/* 0 or -errno; -EPERM: this process may not, or no longer, enter the stack. */
static int enter_namespaces(void)
{
	if (setns(VS_RUNNER_NETNS, CLONE_NEWNET) == 0)
		return 0;
	if (errno != EPERM)
		return -errno;
	VS_AUTO_CLOSE userns = ioctl(VS_RUNNER_NETNS, NS_GET_USERNS);
	if (userns < 0)
		return -errno;
	/* EINVAL: it is our own, in which we have no CAP_SYS_ADMIN */
	if (setns(userns, CLONE_NEWUSER) < 0)
		return errno == EINVAL ? -EPERM : -errno;
	return setns(VS_RUNNER_NETNS, CLONE_NEWNET) < 0 ? -errno : 0;
}

static int choose_caps(struct runner *runner)
{
	uint64_t there;
	char names[200];
	int r = vs_caps_inheritable(&there);

	if (r < 0)
		return fail_to_start(runner, -r, "its capabilities cannot be read");
	runner->caps = runner->request.start.caps & there;
	if (runner->caps == runner->request.start.caps || !runner->request.start.caps_explicit)
		return 0;
	vs_caps_names(runner->request.start.caps & ~there, names, sizeof(names));
	return vs_fail(EPERM,
		       "cannot start \"%.*s\": this process has no %s to give; ask only for what it has, or "
		       "for nothing",
		       NAME_SHOWN, runner->request.argv[0], names);
}

static int enter(struct runner *runner)
{
	/* exec adds all capabilities for uid 0; the command must not have more than its caller */
	int r = vs_caps_keep(runner->request.start.caller_caps);

	if (r == 0)
		r = enter_namespaces();
	if (r == -EPERM)
		return vs_fail(EPERM,
			       "cannot start \"%.*s\": this process may not enter the stack: it is not, or "
			       "no longer, of the user that made it or has dropped the privileges it had "
			       "then; run commands before that, or from a process that kept them",
			       NAME_SHOWN, runner->request.argv[0]);
	return r < 0 ? fail_to_start(runner, -r, "cannot enter the stack") : choose_caps(runner);
}

/* ------------------------------------------------------------------ the command */

static int explain_exec(const struct runner *runner, int err)
{
	bool by_path = strchr(runner->request.argv[0], '/') != NULL;
	const char *why = strerror(err);

	if (err == ENOENT)
		why = by_path ? "no such file, or the interpreter it names is missing; check the path"
			      : "not found in PATH; give its path or extend PATH";
	else if (err == EACCES)
		why = by_path ? "this user may not execute it; check its permissions and the mount's noexec"
			      : "found in PATH, but this user may not execute it or search one of the "
				"directories; check permissions and PATH";
	else if (err == E2BIG)
		why = "arguments and environment are too long; shorten them or raise the stack limit "
		      "(RLIMIT_STACK)";
	else if (err == EPERM)
		why = "execution refused; if the file carries capabilities, ask for them in "
		      "vdestack_cmd_opts.caps";
	return vs_fail(err, "cannot start \"%.*s\": %s", NAME_SHOWN, runner->request.argv[0], why);
}

static int take_stream(const struct runner *runner, int fd, int as)
{
	return dup2(fd, as) < 0 ? fail_to_start(runner, errno, "it cannot get its stream") : 0;
}

/* The streams that the request has. The others are those of this process. */
static int take_streams(const struct runner *runner)
{
	int r = 0;

	for (int i = 0; r == 0 && i < 3; i++)
		if (runner->request.streams[i] >= 0)
			r = take_stream(runner, runner->request.streams[i], i);
	return r;
}

/* With the command's capabilities, not with those of this process. */
static int change_directory(const struct runner *runner)
{
	const char *cwd = runner->request.cwd;

	if (cwd == NULL || chdir(cwd) == 0)
		return 0;
	return vs_fail(errno, "cannot start \"%.*s\": its directory \"%.200s\" cannot be entered: %s",
		       NAME_SHOWN, runner->request.argv[0], cwd, strerror(errno));
}

/* What the command of a link and the command of a stack get before they are tied to the runner. */
static int equip(const struct runner *runner)
{
	int r;

	if (runner->request.start.stream)
		return (r = take_stream(runner, VS_RUNNER_STREAM, 0)) < 0
			       ? r
			       : take_stream(runner, VS_RUNNER_STREAM, 1);
	if ((r = take_streams(runner)) < 0)
		return r;
	r = vs_caps_confine(runner->caps);
	return r < 0 ? fail_to_start(runner, -r, "its capabilities cannot be set") : change_directory(runner);
}

/* The last steps in the command's own process. Returns only on failure, -errno. */
static int become_command(const struct runner *runner, pid_t parent)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	int r = equip(runner);

	if (r < 0)
		return r;
	/* After the capabilities: the kernel clears it when they change. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return fail_to_start(runner, errno, "it cannot be tied to its runner");
	if (getppid() != parent)
		return -ECANCELED; /* the runner was killed meanwhile, so nothing reads a message */
	if (runner->chld_ignored)
		(void)sigaction(SIGCHLD, &ignore, NULL);
	(void)sigprocmask(SIG_SETMASK, &runner->request.start.mask, NULL);
	if (runner->request.envp != NULL)
		environ = runner->request.envp; /* its PATH counts */
	execvp(runner->request.argv[0], runner->request.argv);
	return explain_exec(runner, errno);
}

struct failure {
	int32_t result;
	char text[VS_MESSAGE_MAX];
};

static _Noreturn void run_child(const struct runner *runner, pid_t parent, int report)
{
	struct failure failure = { .result = become_command(runner, parent) };

	(void)snprintf(failure.text, sizeof(failure.text), "%s", vs_message());
	/* In one piece, pipe(7); fails only if the reader is gone. */
	(void)!write(report, &failure, sizeof(failure));
	_exit(127);
}

/* The exec closes the pipe, so it ends without a message. Returns 0 or the child's -errno. */
static int await_exec(int from_child)
{
	struct failure failure;
	ssize_t n;

	do {
		n = read(from_child, &failure, sizeof(failure));
	} while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(failure))
		return 0;
	return vs_fail_text(-failure.result, failure.text);
}

static int start_command(struct runner *runner)
{
	int pipe_fds[2];
	pid_t self = getpid();

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return fail_to_start(runner, errno, "no pipe");
	VS_AUTO_CLOSE from_child = above_streams(pipe_fds[0]);
	VS_AUTO_CLOSE to_runner = above_streams(pipe_fds[1]);
	if (from_child < 0 || to_runner < 0)
		return fail_to_start(runner, EMFILE, "no pipe");
	runner->command = fork();
	if (runner->command == 0)
		run_child(runner, self, to_runner);
	if (runner->command < 0)
		return fail_to_start(runner, errno,
				     "no process; a process limit (RLIMIT_NPROC, pids cgroup) or memory is "
				     "exhausted");
	/* Nothing else waits for the child, so its number stays its own. */
	runner->command_pidfd = above_streams(pidfd_open(runner->command, 0));
	int r = runner->command_pidfd < 0 ? fail_to_start(runner, -runner->command_pidfd, "no pidfd") : 0;
	if (r < 0)
		(void)kill(runner->command, SIGKILL);
	vs_close(vs_steal_fd(&to_runner));
	if (r == 0)
		r = await_exec(from_child);
	if (r < 0) /* else the process that adopts it would get the zombie */
		(void)waitpid(runner->command, NULL, 0);
	return r;
}

/* ------------------------------------------------------------------ messages to the program */

/* 0 or -errno; -EPIPE: the program has closed its end. The queue has space for all messages of a runner. */
static int tell(const struct vs_command_message *message, int fd)
{
	struct vs_fdmsg msg = { .iov = { { (void *)message, sizeof(*message) } }, .n_iov = 1 };

	if (fd >= 0)
		msg.fds[msg.n_fds++] = fd;
	return vs_fdmsg_send(VS_RUNNER_CONTROL, &msg, MSG_DONTWAIT);
}

static void tell_failure(int r)
{
	struct vs_command_message m = { .version = VS_COMMAND_VERSION,
					.type = VS_COMMAND_FAILED,
					.value = -r };

	(void)snprintf(m.text, sizeof(m.text), "%s", vs_message());
	(void)tell(&m, -1); /* the program may be gone */
}

static void tell_end(const struct runner *runner)
{
	struct vs_command_message m = { .version = VS_COMMAND_VERSION,
					.type = VS_COMMAND_ENDED,
					.value = runner->status,
					.flags = runner->flags,
					.runner = getpid() };

	(void)tell(&m, -1); /* the program may be gone */
}

/* Sends a pidfd of the command. If that fails, the caller must end the command. */
static int tell_started(const struct runner *runner)
{
	struct vs_command_message m = { .version = VS_COMMAND_VERSION, .type = VS_COMMAND_STARTED };
	int r = tell(&m, runner->command_pidfd);

	if (r == -ETOOMANYREFS)
		return vs_fail(EMFILE,
			       "cannot start \"%.*s\": too many descriptors of this user are in messages "
			       "between processes; raise the descriptor limit (RLIMIT_NOFILE)",
			       NAME_SHOWN, runner->request.argv[0]);
	return r < 0 ? fail_to_start(runner, -r, "no message can be sent to the program") : 0;
}

/* ------------------------------------------------------------------ watching */

/*
 * Closes and gives up what only the command may hold, and what the runner no longer needs. CAP_KILL stays,
 * because a command may change its user. The process is not dumpable, so the command, of the same user,
 * cannot reach the descriptors of the runner.
 */
static void withdraw(struct runner *runner)
{
	vs_request_close_streams(&runner->request);
	for (int fd = 0; fd < 3; fd++)
		(void)close(fd);
	(void)close(VS_RUNNER_NETNS);
	(void)!chdir("/");
	(void)vs_caps_keep(UINT64_C(1) << CAP_KILL);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* Collects one child if one has ended, or waits for one (flags 0). False: there is none. */
static bool collect_one(struct runner *runner, int flags)
{
	int status;
	pid_t pid;

	do {
		pid = waitpid(-1, &status, flags | __WALL);
	} while (pid < 0 && errno == EINTR);
	if (pid == runner->command) {
		runner->ended = true;
		runner->status = status;
	}
	return pid > 0;
}

/*
 * The command's end shows at its pidfd, which stays readable until the command is collected. The signal is
 * for orphans.
 */
static void collect_ended(struct runner *runner)
{
	struct signalfd_siginfo info;

	(void)!read(runner->child_events, &info, sizeof(info)); /* one signal may stand for many ends */
	while (collect_one(runner, WNOHANG))
		;
}

/*
 * Kills every child. /proc may show the numbers of another PID namespace, so a process is killed only if
 * waitid() says that it is a child. False: the children cannot be listed.
 */
static bool kill_children(void)
{
	FILE *list = fopen("/proc/thread-self/children", "re");
	siginfo_t info;
	int pid;

	if (list == NULL)
		return false;
	while (fscanf(list, "%d", &pid) == 1)
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0)
			(void)kill(pid, SIGKILL);
	(void)fclose(list);
	return true;
}

/* Ends the command and all its descendants. Without /proc: the command alone. */
static void end_everything(struct runner *runner)
{
	bool listed;

	if (!runner->ended)
		(void)kill(runner->command, SIGKILL); /* it is not collected yet, so the number is its own */
	do {
		listed = kill_children();
	} while ((listed || !runner->ended) && collect_one(runner, 0));
}

/* True: end of file, or an error of the socket. Nothing sends data here; it would be discarded. */
static bool at_end(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/* Reads one message of the program. No longer watches the control socket if its other end is closed. */
static bool caller_gave_up(struct pollfd *control)
{
	struct vs_command_message m;
	struct vs_fdmsg msg = { .iov = { { &m, sizeof(m) } }, .n_iov = 1 };
	ssize_t n = vs_fdmsg_recv(VS_RUNNER_CONTROL, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	vs_fdmsg_drop(&msg);
	if (n == 0 || (n < 0 && n != -EAGAIN && n != -ECONNRESET))
		control->fd = -1;
	return n == (ssize_t)sizeof(m) && m.version == VS_COMMAND_VERSION && m.type == VS_COMMAND_KILL;
}

/* Sleeps until the command has ended (true) or must be ended (false). */
static bool watch(struct runner *runner)
{
	enum { CHILDREN, COMMAND, LIFE, LEASH, CONTROL, N };
	struct pollfd fds[N] = {
		[CHILDREN] = { .fd = runner->child_events, .events = POLLIN },
		[COMMAND] = { .fd = runner->command_pidfd, .events = POLLIN },
		[LIFE] = { .fd = VS_RUNNER_LIFE, .events = POLLIN },
		[LEASH] = { .fd = VS_RUNNER_LEASH, .events = POLLIN },
		[CONTROL] = { .fd = VS_RUNNER_CONTROL, .events = POLLIN },
	};
	int64_t deadline = vs_now_ms() + runner->request.start.timeout_ms;

	while (!runner->ended) {
		int n = poll(fds, N, runner->request.start.timeout_ms > 0 ? vs_left_ms(deadline) : -1);

		if (n < 0)
			continue;
		if (fds[CHILDREN].revents || fds[COMMAND].revents)
			collect_ended(runner);
		if (runner->ended)
			break;
		if (fds[COMMAND].revents)
			fds[COMMAND].fd = -1; /* a debugger has it; when it lets go, there is a signal */
		if (runner->request.start.timeout_ms > 0 && vs_now_ms() >= deadline) {
			runner->flags |= VS_COMMAND_DEADLINE;
			return false;
		}
		if ((fds[LIFE].revents && at_end(VS_RUNNER_LIFE)) ||
		    (fds[LEASH].revents && at_end(VS_RUNNER_LEASH)) ||
		    (fds[CONTROL].revents && caller_gave_up(&fds[CONTROL])))
			return false;
	}
	return true;
}

/* ------------------------------------------------------------------ main */

static int set_up(struct runner *runner)
{
	/* First, and all of it: if some stays unread, the program gets ECONNRESET instead of the answer. */
	int r = vs_request_receive(VS_RUNNER_CONTROL, &runner->request);

	if (r == 0)
		r = prepare(runner);
	if (r == 0 && !runner->request.start.stream)
		r = enter(runner);
	if (r == 0)
		r = start_command(runner);
	return r;
}

/*
 * Tells the keeper if no descendant is left in the stack. All orphans become children of this
 * process.
 */
static void tell_keeper(void)
{
	siginfo_t info;

	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0 && errno == ECHILD)
		(void)send(VS_RUNNER_LIFE, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int vs_runner_main(void)
{
	struct runner runner = { .child_events = -1, .command_pidfd = -1 };
	int r = set_up(&runner);

	if (r == 0 && (r = tell_started(&runner)) < 0)
		end_everything(&runner);
	if (r < 0) {
		tell_keeper();
		tell_failure(r);
		return 1;
	}
	withdraw(&runner);
	if (!watch(&runner))
		end_everything(&runner);
	if (!WIFSIGNALED(runner.status))
		runner.flags &= ~VS_COMMAND_DEADLINE; /* it ended by itself just in time */
	tell_keeper();
	tell_end(&runner);
	return 0; /* the process ends, and its descriptors and memory with it */
}
