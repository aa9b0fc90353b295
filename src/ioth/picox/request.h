/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_REQUEST_H
#define PX_REQUEST_H

/* Requests of the plugin to the process of a stack, from any thread. */

#include <stddef.h>
#include <stdint.h>

#include "message.h"

#define PX_CALL_MS 10000 /* the process answers at once, so it has been stopped or it hangs */

struct px_call {
	enum px_op op;
	uint64_t socket;
	int32_t args[4];
	const void *data; /* len bytes, at most PX_DATA_MAX */
	size_t len;
	void *result; /* room bytes for the data of the reply; more is cut */
	size_t room;
	size_t got;     /* written: the bytes of data of the reply, also if cut */
	uint64_t value; /* written: of the reply */
	int *fd;        /* NULL: none is expected; else written, -1: the reply brought none */
};

/*
 * The result of the reply, or -errno: -ENETDOWN: the process is gone; -ETIMEDOUT: it does not answer;
 * -ENFILE: it has no free descriptor; -EMFILE: this program has not the two that a request needs.
 */
int px_request(int control, struct px_call *call, int timeout_ms);
/* Asks for the end of the stack, and waits only until the request can be sent. 0 or -errno. */
int px_request_end(int control, int timeout_ms);

#endif
