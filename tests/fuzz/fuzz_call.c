/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Input: a byte of switches and a number of descriptors, then the bytes of one message to a door. For every
 * input: the message is a request or refused, none of its descriptors stays open after the call, and none is
 * written beyond the array.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fuzz.h>
#include <poll.h>
#include <send_fds.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keeper/call.h"
#include "keeper/keeper.h"

#define MOST 16 /* descriptors in the message; VS_FDS_MAX are expected at most */

enum { ASKS_CREDS = 1, VERSION = 2, REGISTERED = 4, PLENTY = 8 }; /* switches */

static void check_request(const struct vs_call *call, const uint8_t *bytes, size_t len, size_t n)
{
	size_t text = len - sizeof(call->req);

	CHECK(memcmp(&call->req, bytes, sizeof(call->req)) == 0 && call->req.version == VS_WIRE_VERSION);
	CHECK(call->text_len == (text < VS_TEXT_MAX ? text : VS_TEXT_MAX));
	CHECK(memcmp(call->text, bytes + sizeof(call->req), call->text_len) == 0 &&
	      call->text[call->text_len] == '\0');
	CHECK(call->msg.n_fds == (n < VS_FDS_MAX ? n : VS_FDS_MAX));
	CHECK(call->msg.fds_lost == (n > VS_FDS_MAX));
	bool own = call->req.channel == 0 && call->req.op != VS_OP_CHANNEL;
	CHECK((call->reply >= 0) == (own && n > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[sizeof(struct vs_request) + VS_TEXT_MAX + 8192];
	struct vs_request req;
	int pair[2], witness[2], on = 1;

	if (size < 3)
		return 0;
	size_t n = data[1] % (MOST + 1), len = size - 2;
	if (len > sizeof(bytes))
		len = sizeof(bytes);
	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes, data + 2, len);
	if (data[0] & PLENTY)
		len = sizeof(bytes);
	if (data[0] & VERSION) { /* what mutations rarely leave */
		memcpy(&req, bytes, sizeof(req));
		req.version = VS_WIRE_VERSION;
		req.channel = data[0] & REGISTERED ? 7 : 0;
		memcpy(bytes, &req, sizeof(req));
	}
	CHECK(vs_socketpair(pair) == 0 && pipe2(witness, O_CLOEXEC) == 0);
	if (data[0] & ASKS_CREDS)
		CHECK(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0);
	CHECK(send_fds(pair[0], bytes, len, witness[1], n) == (ssize_t)len);
	close(witness[1]);
	struct vs_call *call = malloc(sizeof(*call)); /* so a write beyond the array is detected */
	CHECK(call != NULL);
	int r = vs_call_recv(pair[1], call, 0);
	memcpy(&req, bytes, sizeof(req));
	CHECK(r == (len >= sizeof(req) && req.version == VS_WIRE_VERSION ? 1 : -EPROTO));
	if (r == 1) {
		check_request(call, bytes, len, n);
		vs_call_drop(call);
	}
	/* Every copy of the other end is closed. */
	struct pollfd end = { .fd = witness[0], .events = POLLIN };
	CHECK(poll(&end, 1, 10000) == 1 && (end.revents & POLLHUP) != 0);
	close(pair[0]);
	CHECK(vs_call_recv(pair[1], call, 0) == 0);
	free(call);
	close(pair[1]);
	close(witness[0]);
	return 0;
}
