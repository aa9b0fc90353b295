/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests to a runner that do not come from the library: each is refused, and nothing is executed. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include "send_fds.h"
#include "wire/command.h"
#include "wire/roles.h"
#include <vdestack.h>

#define SOON_MS 20000
/* A library with a sanitizer cannot be executed. */
#define PLAIN (CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
#define STRINGS "sh\0-c\0echo ran >ran"

struct runner {
	pid_t pid;
	int control;
	int stream; /* of its command */
};

static struct runner start_runner(void)
{
	struct runner runner;
	int control[2], stream[2], life[2];
	Dl_info info;

	CHECK(dladdr((void *)vdestack_version, &info) != 0);
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control));
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream));
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, life));
	runner.pid = (pid_t)MUST(fork());
	if (runner.pid == 0) {
		const int fds[] = { control[1], stream[1], life[1], life[0] };
		int high[4];
		for (int i = 0; i < 4; i++)
			high[i] = (int)MUST(fcntl(fds[i], F_DUPFD, 20));
		for (int i = 0; i < 4; i++)
			MUST(dup2(high[i], VS_RUNNER_CONTROL + i));
		MUST(close_range(VS_RUNNER_CONTROL + VS_RUNNER_N_FDS, ~0u, 0));
		MUST(chdir(case_tmp()));
		execv(info.dli_fname, (char *[]){ (char *)VS_RUNNER_NAME, NULL });
		_exit(99);
	}
	close(control[1]);
	close(stream[1]);
	runner.control = control[0];
	runner.stream = stream[0];
	return runner; /* life stays open, so the command is not ended early */
}

/* A request for the command in STRINGS, in the host network. */
static struct vs_command_start good_start(void)
{
	return (struct vs_command_start){ .version = VS_COMMAND_VERSION,
					  .argc = 3,
					  .args_bytes = sizeof(STRINGS),
					  .stream = 1,
					  .own_env = 1 };
}

static void send_with_fds(int control, const void *bytes, size_t len, size_t n_fds)
{
	CHECK_EQ(MUST(send_fds(control, bytes, len, 2, n_fds)), (long)len);
}

/* The runner's next message. False: there is none, because it has ended. */
static bool next_message(const struct runner *runner, struct vs_command_message *m)
{
	CHECK(wait_readable(runner->control, SOON_MS));
	ssize_t n = recv(runner->control, m, sizeof(*m), 0);
	if (n < 0 && errno == ECONNRESET) /* it has left something unread */
		n = recv(runner->control, m, sizeof(*m), 0);
	CHECK(n == 0 || n == (ssize_t)sizeof(*m));
	return n > 0;
}

static bool has_run(void)
{
	return access(case_path("ran"), F_OK) == 0;
}

static int end_of(struct runner *runner)
{
	int status;

	MUST(waitpid(runner->pid, &status, 0));
	close(runner->control);
	close(runner->stream);
	return status;
}

CASE_FLAGS(a_request_that_is_as_it_should_be_is_executed, PLAIN)
{
	struct runner runner = start_runner();
	struct vs_command_start start = good_start();
	struct vs_command_message m;

	send_with_fds(runner.control, &start, sizeof(start), 0);
	send_with_fds(runner.control, STRINGS, sizeof(STRINGS), 0);
	CHECK(next_message(&runner, &m));
	if (m.type == VS_COMMAND_FAILED)
		FAIL("%s", m.text);
	CHECK_EQ(m.type, VS_COMMAND_STARTED);
	CHECK(next_message(&runner, &m));
	CHECK_EQ(m.type, VS_COMMAND_ENDED);
	CHECK_EQ(m.value, 0);
	CHECK(has_run());
	CHECK_EQ(end_of(&runner), 0);
}

struct bad {
	const char *what;
	struct vs_command_start start;
	size_t start_bytes; /* of it that are sent */
	size_t fds;         /* with it */
	const char *strings;
	size_t strings_bytes;
};

static void check_refused(const struct bad *bad)
{
	struct runner runner = start_runner();
	struct vs_command_message m;

	send_with_fds(runner.control, &bad->start, bad->start_bytes, bad->fds);
	if (bad->strings_bytes > 0)
		send_with_fds(runner.control, bad->strings, bad->strings_bytes, 0);
	MUST(shutdown(runner.control, SHUT_WR)); /* no more is to come */
	if (!next_message(&runner, &m))
		FAIL("%s: no answer", bad->what);
	if (m.type != VS_COMMAND_FAILED || m.value != EPROTO)
		FAIL("%s: message %u with %d: %s", bad->what, m.type, m.value, m.text);
	CHECK_CONTAINS(m.text, "does not understand");
	CHECK_EQ(end_of(&runner), 1 << 8);
	if (has_run())
		FAIL("%s: the command has run", bad->what);
}

CASE_FLAGS(malformed_requests_are_refused_and_nothing_is_executed, PLAIN)
{
	const struct bad plain = { .start = good_start(),
				   .start_bytes = sizeof(struct vs_command_start),
				   .strings = STRINGS,
				   .strings_bytes = sizeof(STRINGS) };
	struct bad bad;

#define REFUSED(name, ...)                                                                                   \
	do {                                                                                                 \
		bad = plain;                                                                                 \
		bad.what = name;                                                                             \
		__VA_ARGS__;                                                                                 \
		check_refused(&bad);                                                                         \
	} while (0)

	REFUSED("another version", bad.start.version++);
	REFUSED("a short request", bad.start_bytes--);
	REFUSED("no arguments", bad.start.argc = 0);
	REFUSED("more arguments than strings", bad.start.argc = 4);
	REFUSED("fewer arguments than strings", bad.start.argc = 2);
	REFUSED("as many arguments as there can be", bad.start.argc = UINT32_MAX);
	REFUSED("more bytes than are allowed", bad.start.args_bytes = VS_COMMAND_ARGS_BYTES_MAX + 1);
	REFUSED("as many bytes as there can be", bad.start.args_bytes = UINT32_MAX);
	REFUSED("strings that do not come", bad.strings_bytes = 0);
	REFUSED("strings that end early", bad.start.args_bytes++);
	REFUSED("strings without an end", (bad.start.args_bytes--, bad.strings_bytes--));
	REFUSED("an environment that is not there", (bad.start.own_env = 0, bad.start.envc = 1));
	REFUSED("an environment without an end", (bad.start.own_env = 0, bad.start.envc = UINT32_MAX));
	REFUSED("a directory that is not there", bad.start.has_cwd = 1);
	REFUSED("a directory without an end", (bad.start.has_cwd = 1, bad.start.argc = 2,
					       bad.start.args_bytes--, bad.strings_bytes--));
	REFUSED("streams of a link", (bad.start.streams = 1, bad.fds = 1));
	REFUSED("a stream without a descriptor", (bad.start.stream = 0, bad.start.streams = 1));
	REFUSED("three streams, two descriptors",
		(bad.start.stream = 0, bad.start.streams = VS_COMMAND_STREAMS_MASK, bad.fds = 2));
	REFUSED("a descriptor without a stream", (bad.start.stream = 0, bad.fds = 1));
	REFUSED("more descriptors than a message has space for",
		(bad.start.stream = 0, bad.start.streams = VS_COMMAND_STREAMS_MASK, bad.fds = 8));
	REFUSED("a fourth stream", (bad.start.stream = 0, bad.start.streams = 8, bad.fds = 1));
	REFUSED("as many streams as there can be",
		(bad.start.stream = 0, bad.start.streams = UINT32_MAX, bad.fds = 4));
}

CASE_FLAGS(a_runner_without_a_request_ends, PLAIN)
{
	struct runner runner = start_runner();
	struct vs_command_message m;

	MUST(shutdown(runner.control, SHUT_WR));
	CHECK(next_message(&runner, &m));
	CHECK_EQ(m.type, VS_COMMAND_FAILED);
	CHECK_EQ(end_of(&runner), 1 << 8);
}
