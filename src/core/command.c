/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Commands in a stack, the program's side.
 *
 * A runner watches over a command. It is a process of its own (src/runner/runner.c), started by the call
 * that starts the command. One socket connects the two: the request goes over it, then the report of the
 * start, and in the end the status. The socket becomes the caller's status_fd. So the library keeps nothing
 * about a command, and a caller that closes status_fd loses only the status.
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
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/opts.h"
#include "command_end.h"
#include "command_request.h"
#include "config/argv.h"
#include "environment.h"
#include "launch.h"
#include "stack.h"
#include "streams.h"
#include "wire/command.h"
#include "wire/fdmsg.h"
#include <vdestack.h>

struct command {
	int control; /* the socket to the runner, later the caller's status_fd */
	int pidfd;
	int pipes[3]; /* the caller's ends, -1: no pipe */
	pid_t runner;
};

/* ------------------------------------------------------------------ the runner */

static void close_entry(struct vs_stack_entry *entry)
{
	vs_close(entry->netns);
	vs_close(entry->life);
	vs_close(entry->leash);
}

static int fail_to_start(const char *name, int err, const char *step)
{
	return vs_fail(err, "cannot start \"%.*s\": %s: %s", VS_COMMAND_NAME_SHOWN, name, step,
		       strerror(err));
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
				   "%s", VS_COMMAND_NAME_SHOWN, name, why);
	}
	return pair[0];
}

static int send_message(int control, const struct vs_fdmsg *msg, int64_t deadline_ms)
{
	int r;

	while ((r = vs_fdmsg_send(control, msg, MSG_DONTWAIT)) == -EAGAIN)
		if ((r = vs_command_wait_for(control, POLLOUT, deadline_ms)) < 0)
			break;
	return r;
}

static int send_piece(int control, const void *bytes, size_t size, int64_t deadline_ms)
{
	struct vs_fdmsg msg = { .iov = { { (void *)bytes, size } }, .n_iov = 1 };

	return send_message(control, &msg, deadline_ms);
}

static int send_start(int control, const struct vs_command_start *start, const struct vs_command_parts *parts,
		      int64_t deadline_ms)
{
	VS_AUTO_FREE char *args = vs_command_request_join(parts, start);
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
		       VS_COMMAND_NAME_SHOWN, name);
}

/* Waits for the runner's first message. Returns the command's pidfd, or -errno. */
static int hear_of_start(int control, const char *name, int64_t deadline_ms)
{
	struct vs_command_message m;
	struct vs_fdmsg msg = { .iov = { { &m, sizeof(m) } }, .n_iov = 1 };
	ssize_t n;

	do {
		n = vs_command_wait_for(control, POLLIN, deadline_ms);
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

static int ask_runner(const struct vs_command_start *start, const struct vs_command_parts *parts,
		      struct command *cmd)
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
		vs_launch_ended(cmd->runner, VS_COMMAND_REAP_MS);
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
	struct vs_command_parts parts = { .envp = env };
	int r = env != NULL ? vs_command_request_fill(&start, &parts, argv, opts)
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

/* vs_command_await_end() with the cancellation state of the caller, and the clean-up for a cancellation. */
static int await_end_or_cancel(struct command *cmd, int state, struct vs_command_message *end)
{
	int r, disabled;

	pthread_cleanup_push(cancel_run, cmd);
	(void)pthread_setcancelstate(state, NULL);
	r = vs_command_await_end(cmd->control, vs_deadline_ms(-1), end);
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
			r = vs_command_explain_wait(r);
		else if (end.flags & VS_COMMAND_DEADLINE)
			r = vs_fail(ETIMEDOUT, "cannot wait for \"%.*s\" any longer: its time limit has "
					       "passed and it was killed; raise vdestack_cmd_opts.timeout_ms",
				    VS_COMMAND_NAME_SHOWN, argv[0]);
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
		return vs_fail(errno, "cannot start \"%.*s\": %s", VS_COMMAND_NAME_SHOWN, line,
			       errno == EINVAL ? "a quote is not closed" : strerror(errno));
	if (argv[0] == NULL || vs_argv_next(argv) != NULL)
		return vs_fail(EINVAL, "cannot start \"%.*s\": a link takes exactly one command",
			       VS_COMMAND_NAME_SHOWN, line);
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
