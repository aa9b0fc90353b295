/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Input: a byte of switches, a number of descriptors, the fixed part of a request for a command, then its
 * strings. For every input: the runner accepts the request or refuses it with a message. What it accepts has
 * as many strings as it says, inside the memory that was received, and descriptors above the standard
 * streams. None of the descriptors stays open after the end.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fuzz.h>
#include <poll.h>
#include <send_fds.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "runner/request.h"
#include "wire/fdmsg.h"

#define MOST 8 /* descriptors with a message; three are expected at most */

enum { VERSION = 1, LENGTHS = 2, LATE = 4, ONE_STRING = 8, SHORT = 16 }; /* switches */

/* What mutations rarely leave: the version, lengths that fit, few strings. */
static void mend(struct vs_command_start *start, uint8_t switches, size_t strings)
{
	if (switches & VERSION)
		start->version = VS_COMMAND_VERSION;
	if (switches & LENGTHS) {
		start->args_bytes = (uint32_t)strings;
		start->argc %= 8;
		start->envc %= 8;
		start->has_cwd &= 1;
		start->own_env &= 1;
		start->streams &= VS_COMMAND_STREAMS_MASK;
		start->stream = 0;
	}
	if (switches & ONE_STRING)
		start->argc = 1;
}

static void check_string(const struct vs_runner_request *request, const char *text)
{
	size_t at = (size_t)(text - request->strings);

	CHECK(text != NULL && at < request->start.args_bytes &&
	      strnlen(text, request->start.args_bytes - at) < request->start.args_bytes - at);
}

static void check_list(const struct vs_runner_request *request, char **list, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		check_string(request, list[i]);
	CHECK(list[n] == NULL);
}

static void check_request(const struct vs_runner_request *request)
{
	CHECK(request->start.argc > 0);
	check_list(request, request->argv, request->start.argc);
	CHECK((request->envp == NULL) == (request->start.own_env != 0));
	if (request->envp != NULL)
		check_list(request, request->envp, request->start.envc);
	CHECK((request->cwd == NULL) == (request->start.has_cwd == 0));
	if (request->cwd != NULL)
		check_string(request, request->cwd);
	for (int i = 0; i < 3; i++)
		CHECK((request->start.streams & 1u << i) != 0 ? request->streams[i] > 2
							      : request->streams[i] == -1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vs_command_start start;
	struct vs_runner_request request;
	int pair[2], witness[2];

	if (size < 2 + sizeof(start) || size > VS_COMMAND_PIECE_BYTES)
		return 0;
	const uint8_t *strings = data + 2 + sizeof(start);
	size_t n = data[1] % (MOST + 1), len = size - 2 - sizeof(start);
	memcpy(&start, data + 2, sizeof(start));
	mend(&start, data[0], len);
	CHECK(vs_socketpair(pair) == 0 && pipe2(witness, O_CLOEXEC) == 0);
	size_t head = data[0] & SHORT ? sizeof(start) - 1 : sizeof(start);
	CHECK(send_fds(pair[0], &start, head, witness[1], data[0] & LATE ? 0 : n) == (ssize_t)head);
	if (len > 0)
		CHECK(send_fds(pair[0], strings, len, witness[1], data[0] & LATE ? n : 0) == (ssize_t)len);
	close(witness[1]);
	close(pair[0]); /* so an incomplete request ends at once */
	int r = vs_request_receive(pair[1], &request);
	CHECK(r == 0 || (r < 0 && vs_message()[0] != '\0'));
	if (r == 0)
		check_request(&request);
	vs_request_end(&request);
	/* Every copy of the other end is closed. */
	close(pair[1]);
	struct pollfd end = { .fd = witness[0], .events = POLLIN };
	CHECK(poll(&end, 1, 10000) == 1 && (end.revents & POLLHUP) != 0);
	close(witness[0]);
	return 0;
}
