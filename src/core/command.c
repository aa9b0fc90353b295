/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Commands in a stack, the program's side.
 *
 * A runner watches over a command. It is a process of its own (src/runner/runner.c), started by the call
 * that starts the command. One socket connects the two: the request goes over it, then the report of the
 * start, and in the end the status. The socket becomes the caller's status_fd. So the library keeps nothing
 * about a command, and a caller that closes status_fd loses only the status.
 *
 * The final message is only peeked at, so several waits, threads and forked children get the same answer.
 * It has the runner's pid, by which the first call that receives the status reaps the runner's holder, if
 * there is one (held.h).
 *
 * Cancellation: starting a command is short and bounded, and not a cancellation point. Waiting is one. A
 * cancelled vdestack_run() kills its command.
 *
 * A caller may give up while the command may be running: no answer in time, no number for the pidfd,
 * cancelled. Then it sends that to the runner, because a command that the caller does not know of must not
 * run.
 */

#include "command.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/opts.h"
#include "config/argv.h"
#include "environment.h"
#include "launch.h"
#include "stack.h"
#include "streams.h"
#include "wire/command.h"
#include "wire/fdmsg.h"
#include <vdestack.h>

#define NAME_SHOWN 100 /* bytes of the command's name in a message */
#define REAP_MS 500    /* the runner exits right after its last message */

struct command {
	int control; /* the socket to the runner, later the caller's status_fd */
	int pidfd;
	int pipes[3]; /* the caller's ends, -1: no pipe */
	pid_t runner;
};

/* What a request has besides its fixed part. */
struct parts {
	char *const *argv;
	char *const *envp; /* if start.own_env is 0 */
	const char *cwd;   /* if start.has_cwd is 1 */
	struct vs_streams streams;
};

/* ------------------------------------------------------------------ arguments */

static int read_options(const struct vdestack_cmd_opts *from, struct vdestack_cmd_opts *to)
{
	int r = vs_opts_read(from, sizeof(from->size), to, sizeof(*to));

	if (r < 0)
		return vs_opts_fail(r, "start a command", "vdestack_cmd_opts");
	if (!vs_timeout_valid(to->timeout_ms))
		return vs_fail(EINVAL, "cannot start a command: vdestack_cmd_opts.timeout_ms is %d; -1 and 0 "
				       "mean no limit", to->timeout_ms);
	if (to->reserved != 0)
		return vs_fail(EINVAL, "cannot start a command: vdestack_cmd_opts.reserved is %d; it must be "
				       "0", to->reserved);
	if (to->flags == 0)
		return 0;
	return vs_fail(EINVAL, "cannot start a command: unknown bits in vdestack_cmd_opts.flags: 0x%x; none "
			       "are defined yet", to->flags);
}

static int read_caps(uint64_t caps, struct vs_command_start *start)
{
	const uint64_t known = (UINT64_C(1) << (CAP_LAST_CAP + 1)) - 1;

	if (caps == VDESTACK_CAPS_ALL) {
		start->caps = ~UINT64_C(0); /* of which it gets those that there are */
		return 0;
	}
	start->caps_explicit = caps != 0 && caps != VDESTACK_CAPS_NONE;
	start->caps = caps == 0 ? VDESTACK_CAPS_NETWORK : caps & ~VDESTACK_CAPS_NONE;
	if ((caps & VDESTACK_CAPS_ALL) != 0)
		return vs_fail(EINVAL, "cannot start a command: vdestack_cmd_opts.caps has "
				       "VDESTACK_CAPS_ALL together with others");
	if ((start->caps & ~known) != 0)
		return vs_fail(EINVAL, "cannot start a command: unknown bits in vdestack_cmd_opts.caps: "
				       "0x%llx", (unsigned long long)(start->caps & ~known));
	if ((caps & VDESTACK_CAPS_NONE) != 0 && start->caps != 0)
		return vs_fail(EINVAL, "cannot start a command: vdestack_cmd_opts.caps has "
				       "VDESTACK_CAPS_NONE together with others");
	return 0;
}

static int measure_args(char *const argv[], struct vs_command_start *start)
{
	size_t bytes = 0, n = 0;

	if (argv == NULL || argv[0] == NULL)
		return vs_fail(EINVAL, "cannot start a command: argv is empty; argv[0] names the command");
	for (; argv[n] != NULL && bytes <= VS_COMMAND_ARGS_BYTES_MAX; n++)
		bytes += strlen(argv[n]) + 1;
	if (bytes > VS_COMMAND_ARGS_BYTES_MAX)
		return vs_fail(E2BIG, "cannot start \"%.*s\": its arguments are longer than any system takes",
			       NAME_SHOWN, argv[0]);
	start->argc = (uint32_t)n;
	start->args_bytes = (uint32_t)bytes;
	return 0;
}

/*
 * The runner's environment may lack some variables (environment.c). The command gets the program's, as with
 * any exec.
 */
static int measure_environment(const struct vdestack_cmd_opts *options, struct vs_command_start *start,
			       struct parts *parts)
{
	size_t bytes = start->args_bytes, n = 0;

	if (options->envp != NULL)
		parts->envp = options->envp;
	start->own_env = options->envp == NULL && !vs_environment_differs();
	if (start->own_env)
		return 0;
	for (; parts->envp[n] != NULL && bytes <= VS_COMMAND_ARGS_BYTES_MAX; n++)
		bytes += strlen(parts->envp[n]) + 1;
	if (bytes > VS_COMMAND_ARGS_BYTES_MAX)
		return vs_fail(E2BIG, "cannot start \"%.*s\": its arguments and environment are longer than "
				      "any system takes", NAME_SHOWN, parts->argv[0]);
	start->envc = (uint32_t)n;
	start->args_bytes = (uint32_t)bytes;
	return 0;
}

static int measure_directory(const struct vdestack_cmd_opts *options, struct vs_command_start *start,
			     struct parts *parts)
{
	size_t bytes = options->cwd != NULL ? strlen(options->cwd) + 1 : 0;

	parts->cwd = options->cwd;
	start->has_cwd = options->cwd != NULL;
	if (bytes > VS_COMMAND_ARGS_BYTES_MAX - start->args_bytes)
		return vs_fail(ENAMETOOLONG, "cannot start \"%.*s\": the name of its directory is too long",
			       NAME_SHOWN, parts->argv[0]);
	start->args_bytes += (uint32_t)bytes;
	return 0;
}

static int measure(const struct vdestack_cmd_opts *options, char *const argv[],
		   struct vs_command_start *start, struct parts *parts)
{
	int r = measure_args(argv, start);

	parts->argv = argv;
	if (r == 0)
		r = measure_environment(options, start, parts);
	return r == 0 ? measure_directory(options, start, parts) : r;
}

/*
 * Fills in the request, except the strings themselves. Takes the caller's signal mask. On success the
 * descriptors in parts->streams are open.
 */
static int fill_start(struct vs_command_start *start, struct parts *parts, char *const argv[],
		      const struct vdestack_cmd_opts *opts)
{
	struct vdestack_cmd_opts options;
	int r;

	memset(start, 0, sizeof(*start));
	start->version = VS_COMMAND_VERSION;
	if ((r = read_options(opts, &options)) < 0 || (r = read_caps(options.caps, start)) < 0 ||
	    (r = measure(&options, argv, start, parts)) < 0)
		return r;
	start->timeout_ms = options.timeout_ms > 0 ? (uint32_t)options.timeout_ms : 0;
	if ((r = vs_caps_permitted(&start->caller_caps)) < 0)
		return vs_fail(-r, "cannot start \"%.*s\": this thread's capabilities cannot be read: %s",
			       NAME_SHOWN, argv[0], strerror(-r));
	(void)pthread_sigmask(SIG_SETMASK, NULL, &start->mask); /* cannot fail */
	r = vs_streams_open(&parts->streams, &options);
	start->streams = parts->streams.replaced;
	return r;
}

/* ------------------------------------------------------------------ the runner */

static void close_entry(struct vs_stack_entry *entry)
{
	vs_close(entry->netns);
	vs_close(entry->life);
	vs_close(entry->leash);
}

static int fail_to_start(const char *name, int err, const char *step)
{
	return vs_fail(err, "cannot start \"%.*s\": %s: %s", NAME_SHOWN, name, step, strerror(err));
}

/*
 * Starts a runner for the stack. stream (-1: none) takes the place of the namespace. Returns our end of its
 * control socket, or -errno. *runner gets its pid.
 */
static int launch_runner(struct vdestack *stack, const char *name, int stream, pid_t *runner)
{
	struct vs_stack_entry entry;
	char why[VS_MESSAGE_MAX];
	int pair[2];
	int r = vs_socketpair(pair); /* made first: the launch needs less room for ascending numbers */

	if (r < 0)
		return fail_to_start(name, -r, "no socket to talk to its runner");
	if ((r = vs_stack_entry(stack, stream >= 0, &entry)) < 0) {
		vs_close(pair[0]);
		vs_close(pair[1]);
		return r;
	}
	const int fds[VS_RUNNER_N_FDS] = {
		[VS_RUNNER_CONTROL - 3] = pair[1],
		[VS_RUNNER_NETNS - 3] = stream >= 0 ? stream : entry.netns,
		[VS_RUNNER_LIFE - 3] = entry.life,
		[VS_RUNNER_LEASH - 3] = entry.leash,
	};
	r = vs_launch(VS_LAUNCH_RUNNER, fds, VS_RUNNER_N_FDS, runner, why);
	vs_close(pair[1]);
	if (r < 0) /* tells the keeper that no process has entered the stack */
		(void)send(entry.life, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	close_entry(&entry);
	if (r < 0) {
		vs_close(pair[0]);
		return vs_fail(-r, "cannot start \"%.*s\": its runner, a process of its own, cannot be made: "
				   "%s", NAME_SHOWN, name, why);
	}
	return pair[0];
}

/* 0 when poll(2) reports something for fd, -ETIMEDOUT. A cancellation point. */
static int wait_for(int fd, short events, int64_t deadline_ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int n = poll(&p, 1, vs_left_ms(deadline_ms));
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		/* Signals may interrupt poll() each time before it checks the clock. */
		if (vs_now_ms() >= deadline_ms)
			return -ETIMEDOUT;
	}
}

static int send_message(int control, const struct vs_fdmsg *msg, int64_t deadline_ms)
{
	int r;

	while ((r = vs_fdmsg_send(control, msg, MSG_DONTWAIT)) == -EAGAIN)
		if ((r = wait_for(control, POLLOUT, deadline_ms)) < 0)
			break;
	return r;
}

static int send_piece(int control, const void *bytes, size_t size, int64_t deadline_ms)
{
	struct vs_fdmsg msg = { .iov = { { (void *)bytes, size } }, .n_iov = 1 };

	return send_message(control, &msg, deadline_ms);
}

/* Returns the end of the copy; NULL: it does not fit. */
static char *append(char *at, const char *end, const char *text)
{
	return at != NULL ? memccpy(at, text, '\0', (size_t)(end - at)) : NULL;
}

/* If a string has changed since it was measured, the runner refuses the result. */
static char *join_strings(const struct parts *parts, const struct vs_command_start *start)
{
	char *all = calloc(start->args_bytes, 1), *at = all;

	if (all == NULL)
		return NULL;
	const char *end = all + start->args_bytes;
	for (uint32_t i = 0; i < start->argc; i++)
		at = append(at, end, parts->argv[i]);
	for (uint32_t i = 0; i < start->envc; i++)
		at = append(at, end, parts->envp[i]);
	if (start->has_cwd)
		(void)append(at, end, parts->cwd);
	return all;
}

static int send_start(int control, const struct vs_command_start *start, const struct parts *parts,
		      int64_t deadline_ms)
{
	VS_AUTO_FREE char *args = join_strings(parts, start);
	struct vs_fdmsg first = { .iov = { { (void *)start, sizeof(*start) } }, .n_iov = 1 };

	if (args == NULL)
		return -ENOMEM;
	first.n_fds = vs_streams_list(&parts->streams, first.fds);
	int r = send_message(control, &first, deadline_ms);
	for (size_t sent = 0; r == 0 && sent < start->args_bytes; sent += VS_COMMAND_PIECE_BYTES) {
		size_t left = start->args_bytes - sent;
		r = send_piece(control, args + sent,
			       left < VS_COMMAND_PIECE_BYTES ? left : VS_COMMAND_PIECE_BYTES, deadline_ms);
	}
	/* the runner has ended; its last message says why */
	return r == -EPIPE || r == -ECONNRESET ? 0 : r;
}

static void give_up(const struct command *cmd)
{
	const struct vs_command_message m = { .version = VS_COMMAND_VERSION, .type = VS_COMMAND_KILL };

	(void)send_piece(cmd->control, &m, sizeof(m), 0); /* if this fails, the runner has ended already */
}

static int not_started(const char *name, const struct vs_command_message *m, ssize_t size)
{
	int32_t r;

	if (size == (ssize_t)sizeof(*m) && m->version == VS_COMMAND_VERSION && m->type == VS_COMMAND_FAILED)
		return vs_fail_text(m->value, m->text);
	if (size == (ssize_t)sizeof(r)) {
		memcpy(&r, m, sizeof(r));
		return fail_to_start(name, -r, "its runner, this library's file, cannot be executed");
	}
	if (size < 0)
		return fail_to_start(name, (int)-size, "its runner did not answer");
	return vs_fail(ECANCELED, "cannot start \"%.*s\": its runner was killed or could not be loaded",
		       NAME_SHOWN, name);
}

/* Waits for the runner's first message. Returns the command's pidfd, or -errno. */
static int hear_of_start(int control, const char *name, int64_t deadline_ms)
{
	struct vs_command_message m;
	struct vs_fdmsg msg = { .iov = { { &m, sizeof(m) } }, .n_iov = 1 };
	ssize_t n;

	do {
		n = wait_for(control, POLLIN, deadline_ms);
		if (n == 0)
			n = vs_fdmsg_recv(control, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n == -EAGAIN || n == -ECONNRESET); /* ECONNRESET: reported once, before the message */
	if (n != (ssize_t)sizeof(m) || m.version != VS_COMMAND_VERSION || m.type != VS_COMMAND_STARTED) {
		int r = not_started(name, &m, n);
		vs_fdmsg_drop(&msg);
		return r;
	}
	if (msg.n_fds != 1)
		return fail_to_start(name, EMFILE,
				     "no free descriptor number for its pidfd; close descriptors, or raise "
				     "RLIMIT_NOFILE (ulimit -n)");
	int r = msg.fds[0] > 2 ? 0 : vs_fd_raise(&msg.fds[0], 3);
	return r < 0 ? fail_to_start(name, -r, "no free descriptor number for its pidfd") : msg.fds[0];
}

static int ask_runner(const struct vs_command_start *start, const struct parts *parts, struct command *cmd)
{
	int64_t deadline = vs_now_ms() + VS_COMMAND_START_MS;
	int r = send_start(cmd->control, start, parts, deadline);

	if (r < 0)
		r = fail_to_start(parts->argv[0], -r, "the request cannot be sent to its runner");
	else
		r = cmd->pidfd = hear_of_start(cmd->control, parts->argv[0], deadline);
	if (r < 0) {
		give_up(cmd);
		vs_close(cmd->control);
		vs_launch_ended(cmd->runner, REAP_MS);
	}
	return r;
}

/*
 * Starts a command of the stack or, with a stream, of the host network. On success the caller owns the
 * descriptors in *cmd. On failure there are none.
 */
static int start_command(struct vdestack *stack, char *const argv[], const struct vdestack_cmd_opts *opts,
			 int stream, struct command *cmd)
{
	struct vs_command_start start;
	VS_AUTO_FREE char **env = vs_environment_of_command();
	struct parts parts = { .envp = env };
	int r = env != NULL ? fill_start(&start, &parts, argv, opts)
			    : vs_fail(ENOMEM, "cannot start a command: %s", strerror(ENOMEM));

	if (r < 0)
		return r;
	start.stream = stream >= 0;
	r = cmd->control = launch_runner(stack, argv[0], stream, &cmd->runner);
	if (r >= 0)
		r = ask_runner(&start, &parts, cmd);
	vs_streams_close_theirs(&parts.streams);
	memcpy(cmd->pipes, parts.streams.ours, sizeof(cmd->pipes));
	if (r < 0)
		vs_streams_close(&parts.streams);
	return r < 0 ? r : 0;
}

/* ------------------------------------------------------------------ the end */

/*
 * Peeks at the runner's last message. 0: *end is set. -EAGAIN: it is not there yet. -ECANCELED: it will
 * never come. -EINVAL: not such a socket.
 */
static int peek_end(int control, struct vs_command_message *end)
{
	struct vs_command_message m;
	struct vs_fdmsg msg = { .iov = { { &m, sizeof(m) } }, .n_iov = 1 };
	ssize_t n = vs_fdmsg_recv(control, &msg, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n == (ssize_t)sizeof(m) && m.version == VS_COMMAND_VERSION && m.type == VS_COMMAND_ENDED) {
		vs_fdmsg_drop(&msg);
		vs_launch_ended(m.runner, REAP_MS);
		*end = m;
		return 0;
	}
	vs_fdmsg_drop(&msg);
	if (n == 0)
		return -ECANCELED;
	return n == -EAGAIN || n == -ECONNRESET ? -EAGAIN : n == -ENOMEM ? -ENOMEM : -EINVAL;
}

/*
 * Waits for the command's end until deadline_ms, a time of vs_now_ms(). It can be cancelled only while it
 * sleeps, and only if the caller can be. It owns nothing then.
 */
static int await_end(int control, int64_t deadline_ms, struct vs_command_message *end)
{
	for (;;) {
		int r = wait_for(control, POLLIN, deadline_ms);

		if (r < 0)
			return r;
		VS_NO_CANCEL;
		r = peek_end(control, end);
		if (r != -EAGAIN)
			return r;
	}
}

static bool is_status_fd(int fd)
{
	int domain = 0, type = 0;
	socklen_t len = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

static int explain_wait(int r)
{
	switch (r) {
	case -ETIMEDOUT:
		return vs_fail(ETIMEDOUT, "cannot return the command's status: it is still running; wait "
					  "longer");
	case -ECANCELED:
		return vs_fail(ECANCELED, "cannot return the command's status: the runner that watched over "
					  "it was killed, and the command with it");
	case -EINVAL:
		return vs_fail(EINVAL, "cannot wait for a command: the descriptor is not a status_fd of "
				       "vdestack_spawn()");
	default:
		return vs_fail(-r, "cannot wait for a command: %s", strerror(-r));
	}
}

/* ------------------------------------------------------------------ public */

/* opts has been read before. pipe_fds is there if the caller's header has it. */
static void hand_out_pipes(const struct vdestack_cmd_opts *opts, const struct command *cmd)
{
	struct vdestack_cmd_opts options;

	if (vs_opts_read(opts, sizeof(opts->size), &options, sizeof(options)) == 0 &&
	    options.pipe_fds != NULL)
		memcpy(options.pipe_fds, cmd->pipes, sizeof(cmd->pipes));
}

/* vdestack_run() waits for the command, so nothing would read its pipes, and it would wait for ever. */
static int refuse_pipes(const struct vdestack_cmd_opts *opts)
{
	struct vdestack_cmd_opts options;

	if (vs_opts_read(opts, sizeof(opts->size), &options, sizeof(options)) < 0)
		return 0; /* start_command() has the message */
	if (options.in != VDESTACK_PIPE && options.out != VDESTACK_PIPE && options.err != VDESTACK_PIPE)
		return 0;
	return vs_fail(EINVAL, "cannot run a command: vdestack_run() returns when it has ended, so its pipes "
			       "are of no use; use vdestack_spawn() for VDESTACK_PIPE");
}

static int spawn(struct vdestack *stack, char *const argv[], const struct vdestack_cmd_opts *opts,
		 int *status_fd)
{
	VS_NO_CANCEL;
	struct command cmd = { .control = -1, .pidfd = -1 };
	int r = start_command(stack, argv, opts, -1, &cmd);
	if (r < 0)
		return r;
	if (status_fd != NULL)
		*status_fd = cmd.control;
	else
		vs_close(cmd.control);
	hand_out_pipes(opts, &cmd);
	return cmd.pidfd;
}

int vdestack_spawn(struct vdestack *stack, char *const argv[], const struct vdestack_cmd_opts *opts,
		   int *status_fd)
{
	return vs_edge(spawn(stack, argv, opts, status_fd));
}

int vdestack_cmd_wait(int status_fd, int *status, int timeout_ms)
{
	struct vs_command_message end;
	int r = is_status_fd(status_fd) ? 0 : -EINVAL;

	if (!vs_timeout_valid(timeout_ms))
		return vs_edge(vs_fail(EINVAL, "cannot wait for a command: the time-out is %d; -1 waits for "
					       "ever, 0 looks once", timeout_ms));
	if (r == 0)
		r = await_end(status_fd, vs_deadline_ms(timeout_ms), &end);

	if (r < 0)
		return vs_edge(explain_wait(r));
	if (status != NULL)
		*status = end.value;
	return 0;
}

/* Closes the descriptors of a vdestack_run(), also if its thread is cancelled. */
static void end_run(void *arg)
{
	const struct command *cmd = arg;

	vs_close(cmd->control);
	vs_close(cmd->pidfd);
}

static void cancel_run(void *arg)
{
	give_up(arg);
	end_run(arg);
}

/* await_end() with the cancellation state of the caller, and the clean-up for a cancellation. */
static int await_end_or_cancel(struct command *cmd, int state, struct vs_command_message *end)
{
	int r, disabled;

	pthread_cleanup_push(cancel_run, cmd);
	(void)pthread_setcancelstate(state, NULL);
	r = await_end(cmd->control, vs_deadline_ms(-1), end);
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &disabled);
	pthread_cleanup_pop(0);
	return r;
}

static int run(struct vdestack *stack, char *const argv[], const struct vdestack_cmd_opts *opts)
{
	VS_NO_CANCEL;
	struct command cmd = { .control = -1, .pidfd = -1 };
	struct vs_command_message end = { .value = 0 };
	int r = refuse_pipes(opts);
	if (r == 0)
		r = start_command(stack, argv, opts, -1, &cmd);
	if (r == 0) {
		r = await_end_or_cancel(&cmd, vs_cancel_state, &end);
		end_run(&cmd);
		if (r < 0)
			r = explain_wait(r);
		else if (end.flags & VS_COMMAND_DEADLINE)
			r = vs_fail(ETIMEDOUT, "cannot wait for \"%.*s\" any longer: its time limit has "
					       "passed and it was killed; raise vdestack_cmd_opts.timeout_ms",
				    NAME_SHOWN, argv[0]);
	}
	return r < 0 ? r : end.value;
}

int vdestack_run(struct vdestack *stack, char *const argv[], const struct vdestack_cmd_opts *opts)
{
	return vs_edge(run(stack, argv, opts));
}

/* ------------------------------------------------------------------ stream commands */

int vs_command_stream(struct vdestack *stack, const char *line, int *stream)
{
	struct command cmd = { .control = -1, .pidfd = -1 };
	int pair[2];

	VS_AUTO_FREE char **argv = vs_argv_split(line);
	if (argv == NULL)
		return vs_fail(errno, "cannot start \"%.*s\": %s", NAME_SHOWN, line,
			       errno == EINVAL ? "a quote is not closed" : strerror(errno));
	if (argv[0] == NULL || vs_argv_next(argv) != NULL)
		return vs_fail(EINVAL, "cannot start \"%.*s\": a link takes exactly one command", NAME_SHOWN,
			       line);
	int r = vs_stream_pair(pair);
	if (r < 0)
		return fail_to_start(argv[0], -r, "no socket for its stream");
	r = start_command(stack, argv, NULL, pair[1], &cmd);
	vs_close(pair[1]);
	if (r < 0) {
		vs_close(pair[0]);
		return r;
	}
	vs_close(cmd.pidfd);
	vs_close(cmd.control); /* its status is not used; the command ends with the stack */
	*stream = pair[0];
	return 0;
}
