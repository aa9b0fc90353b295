/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The runner: one process per command.
 *
 *     program ──launch──▶ runner ──enter the stack, fork──▶ command (ambient capabilities, no more)
 *        ▲                  │  ▲                               │
 *        └──── control ─────┘  └──────── end, orphans ─────────┘
 *
 * Why not the keeper: a program may have dropped privileges since it made the stack, and may
 * have another environment, directory, umask, seccomp filter or cgroup by now. The runner is
 * made by the caller at this moment, so all of that is right by construction, and what the
 * caller may not do any more, entering the stack included, fails.
 *
 * Why not the program itself: the command would be its child, seen by wait().
 *
 * Entering. With CAP_SYS_ADMIN here, and hence over the stack, the namespace is entered
 * directly. Otherwise the stack lives in a user namespace below ours, which its owner may
 * enter, and gains all capabilities there. The first way is tried first: it keeps the user
 * namespace and with it the user numbers.
 *
 * Life. The runner stays in the caller's process group and session, so that Ctrl-C reaches
 * the command; its own signals are all blocked. Once the command runs, the runner gives up the
 * standard streams (or a reader at the other end would not see their end), the directory and
 * its capabilities. Then it sleeps until one of these:
 *
 *     the command ended                   -> tell its status, exit
 *     stack, keeper or program gone       -> kill command and descendants, tell, exit
 *     time limit passed, caller gave up   -> the same
 *     a descendant became an orphan and ended -> collect it
 *
 * Descendants are found because orphans come to the runner (child subreaper): kill all
 * children, wait for one to end, repeat; those whose parent is killed show up as children in
 * the next round. Those that outlive a command that ended by itself are left alone, like the
 * daemons that a command starts on the host.
 *
 * Should the runner be killed, the command dies with it (parent death signal). The kernel drops
 * that for a command whose file carries capabilities: such a one goes on until it ends.
 */

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

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "wire/fdmsg.h"
#include "base/caps.h"
#include "wire/command.h"
#include "runner.h"
#include "wire/roles.h"

#define NAME_SHOWN 100 /* bytes of the command's name in a sentence */

struct runner {
	struct vs_command_start start;
	char *args;
	char **argv;
	char **envp;       /* the command's environment, NULL: this process's */
	uint64_t caps;     /* what the command gets */
	bool chld_ignored; /* the caller ignores SIGCHLD, so the command shall */
	int self;          /* pidfd of this process, if the program collects it as an orphan; else -1 */
	int child_events;  /* signalfd of SIGCHLD */
	pid_t command;
	int command_pidfd;
	bool ended;        /* status is valid */
	int status;
	uint32_t flags;    /* of VS_COMMAND_ENDED */
};

/* ------------------------------------------------------------------ what shall be run */

static int receive_bytes(void *buf, size_t size)
{
	struct vs_fdmsg msg = { .iov = { { buf, size } }, .n_iov = 1 };
	ssize_t n = vs_fdmsg_recv(VS_RUNNER_CONTROL, &msg, MSG_CMSG_CLOEXEC);

	vs_fdmsg_drop(&msg);
	if (n < 0)
		return (int)n;
	return (size_t)n == size ? 0 : -EPROTO;
}

static int receive_args(struct runner *r)
{
	size_t size = r->start.args_bytes;

	r->args = malloc(size);
	if (r->args == NULL)
		return -ENOMEM;
	for (size_t got = 0; got < size;) {
		size_t piece = size - got < VS_COMMAND_PIECE_BYTES ? size - got : VS_COMMAND_PIECE_BYTES;
		int err = receive_bytes(r->args + got, piece);
		if (err < 0)
			return err;
		got += piece;
	}
	return 0;
}

/*
 * n strings lie at *at one behind the other, each with its NUL. Gives pointers to them and NULL, moves
 * *at on.
 */
static int split(char **at, const char *end, uint32_t n, char ***out)
{
	char **list = calloc((size_t)n + 1, sizeof(*list));

	if (list == NULL)
		return -ENOMEM;
	*out = list;
	for (uint32_t i = 0; i < n; i++) {
		char *nul = memchr(*at, '\0', (size_t)(end - *at));
		if (nul == NULL)
			return -EPROTO;
		list[i] = *at;
		*at = nul + 1;
	}
	return 0;
}

static int split_args(struct runner *r)
{
	char *at = r->args, *end = r->args + r->start.args_bytes;
	int err = split(&at, end, r->start.argc, &r->argv);

	if (err == 0 && !r->start.own_env)
		err = split(&at, end, r->start.envc, &r->envp);
	return err == 0 && at != end ? -EPROTO : err;
}

static int receive_start(struct runner *r)
{
	struct timeval limit = { .tv_sec = VS_COMMAND_START_MS / 1000 };

	/* A program that died in between may have left copies of its end in forked children. */
	(void)setsockopt(VS_RUNNER_CONTROL, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	int err = receive_bytes(&r->start, sizeof(r->start));
	if (err == 0 && (r->start.version != VS_COMMAND_VERSION || r->start.argc == 0 ||
			 r->start.args_bytes < r->start.argc || r->start.args_bytes < r->start.envc || r->start.args_bytes > VS_COMMAND_ARGS_BYTES_MAX))
		err = -EPROTO;
	if (err == 0)
		err = receive_args(r);
	if (err == 0)
		err = split_args(r);
	if (err == -EPROTO)
		return vs_fail(EPROTO, "cannot start a command: its runner does not understand this program; "
				       "the library's file was replaced since the program started, restart it");
	return err < 0 ? vs_fail(-err, "cannot start a command: its runner got no order: %s", strerror(-err)) : 0;
}

/* ------------------------------------------------------------------ what must be ready */

static int fail_to_start(const struct runner *r, int err, const char *step)
{
	return vs_fail(err, "cannot start \"%.*s\": %s: %s", NAME_SHOWN, r->argv[0], step, strerror(err));
}

/* So that the children's ends are seen and kept, even if the caller lets the kernel discard them. */
static void listen_to_children(struct runner *r)
{
	struct sigaction plain = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP }, before;

	r->chld_ignored = sigaction(SIGCHLD, &plain, &before) == 0 && before.sa_handler == SIG_IGN;
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); /* refused only by a filter: then only the command is killed */
}

/*
 * Takes what a call that makes a descriptor gave. Where the caller has no standard streams, their
 * numbers would be given out, and the runner closes those later. Gives fd or -errno.
 */
static int above_streams(int fd)
{
	if (fd < 0)
		return -errno;
	int err = fd > 2 ? 0 : vs_fd_raise(&fd, 3);
	return err < 0 ? err : fd;
}

static int prepare(struct runner *r)
{
	sigset_t all, child;

	for (int fd = VS_RUNNER_CONTROL; fd < VS_RUNNER_CONTROL + VS_RUNNER_N_FDS; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			return fail_to_start(r, errno, "its runner lacks a descriptor");
	(void)prctl(PR_SET_NAME, VS_RUNNER_NAME); /* where the dynamic linker was executed, it is that one's */
	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	listen_to_children(r);
	if (getppid() == r->start.caller_pid && (r->self = above_streams(pidfd_open(getpid(), 0))) < 0)
		return fail_to_start(r, -r->self, "no pidfd");
	r->child_events = above_streams(signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
	return r->child_events < 0 ? fail_to_start(r, -r->child_events, "no signalfd") : 0;
}

/* ------------------------------------------------------------------ entering */

/* 0, or -errno: -EPERM when the stack is not, or no longer, this process's to enter. */
static int enter_namespaces(void)
{
	if (setns(VS_RUNNER_NETNS, CLONE_NEWNET) == 0)
		return 0;
	if (errno != EPERM)
		return -errno;
	VS_AUTO_CLOSE userns = ioctl(VS_RUNNER_NETNS, NS_GET_USERNS);
	if (userns < 0)
		return -errno;
	/* EINVAL: it is our own, where we lack CAP_SYS_ADMIN */
	if (setns(userns, CLONE_NEWUSER) < 0)
		return errno == EINVAL ? -EPERM : -errno;
	return setns(VS_RUNNER_NETNS, CLONE_NEWNET) < 0 ? -errno : 0;
}

static int choose_caps(struct runner *r)
{
	uint64_t there;
	char names[200];
	int err = vs_caps_inheritable(&there);

	if (err < 0)
		return fail_to_start(r, -err, "its capabilities cannot be read");
	r->caps = r->start.caps & there;
	if (r->caps == r->start.caps || !r->start.caps_explicit)
		return 0;
	vs_caps_names(r->start.caps & ~there, names, sizeof(names));
	return vs_fail(EPERM, "cannot start \"%.*s\": this process has no %s to give; ask only for what it has, or for nothing",
		       NAME_SHOWN, r->argv[0], names);
}

static int enter(struct runner *r)
{
	/* exec gives uid 0 everything; the command shall have no more than its caller */
	int err = vs_caps_keep(r->start.caller_caps);

	if (err == 0)
		err = enter_namespaces();
	if (err == -EPERM)
		return vs_fail(EPERM, "cannot start \"%.*s\": this process may not enter the stack: it is not, or no longer, "
				      "of the user that made it or has dropped the privileges it had then; "
				      "run commands before that, or from a process that kept them", NAME_SHOWN, r->argv[0]);
	return err < 0 ? fail_to_start(r, -err, "cannot enter the stack") : choose_caps(r);
}

/* ------------------------------------------------------------------ the command */

static int explain_exec(const struct runner *r, int err)
{
	bool by_path = strchr(r->argv[0], '/') != NULL;
	const char *why = strerror(err);

	if (err == ENOENT)
		why = by_path ? "no such file, or the interpreter it names is missing; check the path"
			      : "not found in PATH; give its path or extend PATH";
	else if (err == EACCES)
		why = by_path ? "this user may not execute it; check its permissions and the mount's noexec"
			      : "found in PATH, but this user may not execute it or search one of the directories; "
				"check permissions and PATH";
	else if (err == E2BIG)
		why = "arguments and environment are too long; shorten them or raise the stack limit (RLIMIT_STACK)";
	else if (err == EPERM)
		why = "execution refused; if the file carries capabilities, ask for them in vdestack_cmd_opts.caps";
	return vs_fail(err, "cannot start \"%.*s\": %s", NAME_SHOWN, r->argv[0], why);
}

static int take_stream(const struct runner *r)
{
	if (dup2(VS_RUNNER_STREAM, 0) < 0 || dup2(VS_RUNNER_STREAM, 1) < 0)
		return fail_to_start(r, errno, "it cannot get its stream");
	return 0;
}

/* The last steps in the command's own process. Comes back only with a negative errno. */
static int become_command(const struct runner *r, pid_t runner)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	int err = r->start.stream ? take_stream(r) : vs_caps_confine(r->caps);

	if (err < 0)
		return r->start.stream ? err : fail_to_start(r, -err, "its capabilities cannot be set");
	/* After the capabilities: changing those forgets it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return fail_to_start(r, errno, "it cannot be tied to its runner");
	if (getppid() != runner)
		return -ECANCELED; /* killed meanwhile: nobody listens */
	if (r->chld_ignored)
		(void)sigaction(SIGCHLD, &ignore, NULL);
	(void)sigprocmask(SIG_SETMASK, &r->start.mask, NULL);
	if (r->envp != NULL)
		environ = r->envp; /* its PATH counts */
	execvp(r->argv[0], r->argv);
	return explain_exec(r, errno);
}

struct failure {
	int32_t err;
	char text[VS_MESSAGE_MAX];
};

static _Noreturn void run_child(const struct runner *r, pid_t runner, int report)
{
	struct failure failure = { .err = become_command(r, runner) };

	(void)snprintf(failure.text, sizeof(failure.text), "%s", vs_message());
	(void)!write(report, &failure, sizeof(failure)); /* one piece, pipe(7); lost only with its reader */
	_exit(127);
}

/* The pipe ends without a word when the exec closed it. Gives 0 or the child's -errno. */
static int hear_of_exec(int from_child)
{
	struct failure failure;
	ssize_t n;

	do {
		n = read(from_child, &failure, sizeof(failure));
	} while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(failure))
		return 0;
	return vs_fail_text(-failure.err, failure.text);
}

static int start_command(struct runner *r)
{
	int pipe_fds[2];
	pid_t self = getpid();

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return fail_to_start(r, errno, "no pipe");
	VS_AUTO_CLOSE from_child = above_streams(pipe_fds[0]);
	VS_AUTO_CLOSE to_runner = above_streams(pipe_fds[1]);
	if (from_child < 0 || to_runner < 0)
		return fail_to_start(r, EMFILE, "no pipe");
	r->command = fork();
	if (r->command == 0)
		run_child(r, self, to_runner);
	if (r->command < 0)
		return fail_to_start(r, errno, "no process; a process limit (RLIMIT_NPROC, pids cgroup) or memory is exhausted");
	/* The child cannot vanish before it is waited for, so its number is good. */
	r->command_pidfd = above_streams(pidfd_open(r->command, 0));
	int err = r->command_pidfd < 0 ? fail_to_start(r, -r->command_pidfd, "no pidfd") : 0;
	if (err < 0)
		(void)kill(r->command, SIGKILL);
	vs_close(vs_steal_fd(&to_runner));
	if (err == 0)
		err = hear_of_exec(from_child);
	if (err < 0) /* a zombie left behind would go to a program that collects orphans */
		(void)waitpid(r->command, NULL, 0);
	return err;
}

/* ------------------------------------------------------------------ telling */

/* 0 or -errno; -EPIPE: the program does not listen. There is room for all messages ever sent. */
static int tell(const struct vs_command_message *message, int fd)
{
	struct vs_fdmsg msg = { .iov = { { (void *)message, sizeof(*message) } }, .n_iov = 1 };

	if (fd >= 0)
		msg.fds[msg.n_fds++] = fd;
	return vs_fdmsg_send(VS_RUNNER_CONTROL, &msg, MSG_DONTWAIT);
}

/*
 * The last message. The descriptor in it is a convenience, and the kernel may refuse it:
 * the limit of descriptors is also one of those in flight (unix(7), ETOOMANYREFS).
 */
static void tell_last(const struct runner *r, const struct vs_command_message *message)
{
	if (tell(message, r->self) < 0)
		(void)tell(message, -1); /* nobody there to hear it is no matter */
}

static void tell_failure(const struct runner *r, int err)
{
	struct vs_command_message m = { .version = VS_COMMAND_VERSION, .type = VS_COMMAND_FAILED, .value = -err };

	(void)snprintf(m.text, sizeof(m.text), "%s", vs_message());
	tell_last(r, &m);
}

static void tell_end(const struct runner *r)
{
	struct vs_command_message m = {
		.version = VS_COMMAND_VERSION, .type = VS_COMMAND_ENDED, .value = r->status, .flags = r->flags
	};

	tell_last(r, &m);
}

/* Hands out the command. What cannot be handed out has to be ended. */
static int tell_started(const struct runner *r)
{
	struct vs_command_message m = { .version = VS_COMMAND_VERSION, .type = VS_COMMAND_STARTED };
	int err = tell(&m, r->command_pidfd);

	if (err == -ETOOMANYREFS)
		return vs_fail(EMFILE, "cannot start \"%.*s\": too many descriptors of this user are under way between "
				       "processes; raise the descriptor limit (RLIMIT_NOFILE)", NAME_SHOWN, r->argv[0]);
	return err < 0 ? fail_to_start(r, -err, "its program cannot be told") : 0;
}

/* ------------------------------------------------------------------ watching */

/*
 * Lets go of what only the command shall hold, or what the runner no longer needs. CAP_KILL
 * stays for commands that may change their user. Not dumpable: the command, of the same
 * user, shall not reach into the descriptors kept here.
 */
static void withdraw(void)
{
	for (int fd = 0; fd < 3; fd++)
		(void)close(fd);
	(void)close(VS_RUNNER_NETNS);
	(void)!chdir("/");
	(void)vs_caps_keep(UINT64_C(1) << CAP_KILL);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* Collects one child if one has ended, or waits for it (flags 0). False: none there. */
static bool collect_one(struct runner *r, int flags)
{
	int status;
	pid_t pid;

	do {
		pid = waitpid(-1, &status, flags | __WALL);
	} while (pid < 0 && errno == EINTR);
	if (pid == r->command) {
		r->ended = true;
		r->status = status;
	}
	return pid > 0;
}

/*
 * The command's end is read from its pidfd: it stays readable until the command is collected. The signal
 * is for orphans.
 */
static void collect_ended(struct runner *r)
{
	struct signalfd_siginfo info;

	(void)!read(r->child_events, &info, sizeof(info)); /* one signal may stand for many ends */
	while (collect_one(r, WNOHANG))
		;
}

/*
 * Kills every child. /proc may show another PID namespace's numbers, so only what waitid()
 * confirms as ours is killed. False: the children cannot be listed.
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

/* Ends the command and all its descendants; without /proc, the command alone. */
static void end_everything(struct runner *r)
{
	bool listed;

	if (!r->ended)
		(void)kill(r->command, SIGKILL); /* not collected yet, so the number is still its own */
	do {
		listed = kill_children();
	} while ((listed || !r->ended) && collect_one(r, 0));
}

/* End of file, or a socket that is good for nothing. Data, which nobody sends here, is discarded. */
static bool at_end(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/* Reads one message of the program's. Forgets the control socket when its other end is closed. */
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

/* Sleeps until the command has ended (true) or has to be ended (false). */
static bool watch(struct runner *r)
{
	enum { CHILDREN, COMMAND, LIFE, LEASH, CONTROL, N };
	struct pollfd fds[N] = {
		[CHILDREN] = { .fd = r->child_events, .events = POLLIN },
		[COMMAND] = { .fd = r->command_pidfd, .events = POLLIN },
		[LIFE] = { .fd = VS_RUNNER_LIFE, .events = POLLIN },
		[LEASH] = { .fd = VS_RUNNER_LEASH, .events = POLLIN },
		[CONTROL] = { .fd = VS_RUNNER_CONTROL, .events = POLLIN },
	};
	int64_t deadline = vs_now_ms() + r->start.timeout_ms;

	while (!r->ended) {
		int n = poll(fds, N, r->start.timeout_ms > 0 ? vs_left_ms(deadline) : -1);

		if (n < 0)
			continue;
		if (fds[CHILDREN].revents || fds[COMMAND].revents)
			collect_ended(r);
		if (r->ended)
			break;
		if (r->start.timeout_ms > 0 && vs_now_ms() >= deadline) {
			r->flags |= VS_COMMAND_DEADLINE;
			return false;
		}
		if ((fds[LIFE].revents && at_end(VS_RUNNER_LIFE)) || (fds[LEASH].revents && at_end(VS_RUNNER_LEASH)) ||
		    (fds[CONTROL].revents && caller_gave_up(&fds[CONTROL])))
			return false;
	}
	return true;
}

/* ------------------------------------------------------------------ the whole */

static int set_up(struct runner *r)
{
	int err = receive_start(r); /* all of it first: what is left unread would spoil the answer */

	if (err == 0)
		err = prepare(r);
	if (err == 0 && !r->start.stream)
		err = enter(r);
	if (err == 0)
		err = start_command(r);
	return err;
}

int vs_runner_main(void)
{
	struct runner r = { .self = -1, .child_events = -1, .command_pidfd = -1 };
	int err = set_up(&r);

	if (err == 0 && (err = tell_started(&r)) < 0)
		end_everything(&r);
	if (err < 0) {
		tell_failure(&r, err);
		return 1;
	}
	withdraw();
	if (!watch(&r))
		end_everything(&r);
	if (!WIFSIGNALED(r.status))
		r.flags &= ~VS_COMMAND_DEADLINE; /* it was done just in time */
	tell_end(&r);
	return 0; /* the descriptors and the arguments go with the process */
}
