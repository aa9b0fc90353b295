/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_REQUEST_H
#define VS_CORE_REQUEST_H

/* Calls to the keeper, the program's side. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/fdmsg.h"
#include "handle.h"
#include "wire/messages.h"
#include "keepers.h"

/* A call of which each has its own reply channel, and which may take its time. */
struct vs_long_call {
	struct vs_sock door;   /* where to send it */
	struct vs_keeper_link *keeper;
	struct vs_request req; /* version, channel and seq are filled in */
	const char *text;      /* text_len bytes, may be NULL */
	size_t text_len;
	int fds[VS_FDS_MAX];   /* borrowed; sent behind the reply channel */
	size_t n_fds;
	int timeout_ms;
	/* out */
	struct vs_reply reply;
	char answer[VS_TEXT_MAX + 1];
	int got[VS_FDS_MAX]; /* the caller's */
	size_t n_got;
};

/*
 * Makes the call and waits for its reply; a signal never ends the wait. Gives reply.result if
 * it is >= 0; else -errno with a sentence: the keeper's, or -ENETDOWN, -ETIMEDOUT, -EMFILE.
 */
int vs_call_long(struct vs_long_call *call);

/*
 * socket(2) by the stack's networking thread, on a channel that this process keeps: no
 * descriptor is used but the one received, and it is async-signal-safe. Every signal must be
 * blocked. 0 and *fd (the number the kernel chose), or -errno, static sentence recorded.
 */
int vs_call_socket(struct vs_slot *slot, int domain, int type, int protocol, int *fd);

/*
 * Drops the sockets that were sent ahead for a stack: they would keep its namespace alive. Signals
 * blocked.
 */
void vs_channels_forget_stack(uint64_t door_cookie);

/* In a forked child: closes its copies of its parent's channels. Async-signal-safe. */
void vs_channels_close_inherited(void);

/* Closes the channels registered with a keeper. Signals blocked. */
void vs_channels_close(uint64_t keeper_cookie);

#endif
