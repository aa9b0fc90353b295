/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUBLISH_FLOW_H
#define VS_PUBLISH_FLOW_H

/* One direction of a TCP connection: bytes from one socket to another. See flow.c. */

#include <stdbool.h>
#include <stddef.h>

#include "pipes.h"

/* What is known of a socket. It is non-blocking, and its events are edge-triggered. */
struct vs_end {
	int fd;
	bool readable, writable; /* no call has returned EAGAIN since the last event */
};

struct vs_flow {
	int pipe[2]; /* -1: has none */
	size_t held; /* bytes in the pipe */
	bool done;   /* the end of file has been passed on */
	bool moved;  /* something was moved; for the caller to clear */
};

/*
 * Moves what can be moved, up to some MiB. 0: it waits for an event. 1: there is more. Or -errno: one of
 * the sockets is broken.
 */
int vs_flow_move(struct vs_flow *flow, struct vs_end *from, struct vs_end *to, struct vs_pipes *pipes);

#endif
