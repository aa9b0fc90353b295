/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_CALL_H
#define VS_KEEPER_CALL_H

/* Requests and their replies. */

#include <stddef.h>

#include "wire/fdmsg.h"
#include "wire/messages.h"

struct vs_keeper;

/* A request as it was received, with its descriptors and its sender. */
struct vs_call {
	struct vs_request req;
	size_t text_len;
	struct vs_fdmsg msg;
	int reply; /* descriptor of a reply channel for this call alone; -1: req.channel names one */
	const char *refusal; /* why its sender may not change stacks, see auth.c; NULL: it may */
	char text[VS_TEXT_MAX + 1]; /* NUL added; last, so that unused pages of it cost nothing */
};

/* An empty call. Free it after vs_call_drop(). NULL: out of memory. */
struct vs_call *vs_call_new(void);

/*
 * Receives one request; flags as for recvmsg(2). 1: *call is filled; 0: end of file; -errno. A message
 * that is not a request (short, wrong version): -EPROTO, and its descriptors are closed.
 */
int vs_call_recv(int door, struct vs_call *call, int flags);

/* Answers a call: result, text (may be NULL), descriptors (borrowed). Never blocks. */
void vs_call_reply(struct vs_keeper *k, struct vs_call *call, int result, const char *text, const int *fds,
		   size_t n_fds);
/* The same with n bytes, VS_TEXT_MAX at most, that are no text. */
void vs_call_reply_bytes(struct vs_keeper *k, struct vs_call *call, int result, const void *bytes, size_t n);
/*
 * Registers the reply channel of a creation, if the caller keeps it; before the reply, which then goes there
 * all the same. 0, or -errno with a message.
 */
int vs_call_keep_channel(struct vs_keeper *k, struct vs_call *call);
/* Answers with r, a negative errno, and this thread's message. */
void vs_call_fail(struct vs_keeper *k, struct vs_call *call, int r);
/* Closes the descriptors of the call that have not been taken. */
void vs_call_drop(struct vs_call *call);
/* Takes descriptor i of the call. -1: it has none. */
int vs_call_take_fd(struct vs_call *call, size_t i);

#endif
