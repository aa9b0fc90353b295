/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_LONG_CALL_H
#define VS_CORE_LONG_CALL_H

/* Calls to the keeper that may take their time; each has a reply channel of its own. */

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "handle.h"
#include "keepers.h"
#include "wire/fdmsg.h"
#include "wire/messages.h"

#define VS_NO_LIMIT_MS (-1)

struct vs_long_call {
	struct vs_sock door;   /* where to send it */
	enum vs_slot_kept kept; /* of the stack, for the message if the door is lost */
	struct vs_keeper_link *keeper;
	struct vs_request req; /* version, channel and seq are filled in */
	const char *text;      /* text_len bytes, may be NULL; borrowed until the request is sent */
	size_t text_len;
	int fds[VS_FDS_MAX];   /* borrowed until the request is sent; go behind the reply channel */
	size_t n_fds;
	int timeout_ms;        /* of the call; VS_NO_LIMIT_MS */
	/* By which the keeper registers the reply channel (VS_OP_CREATE), constant; NULL: it does not. */
	const uint64_t *register_as;
	/* while it is under way: */
	struct vs_sock channel; /* our end; fd -1: the call is not under way */
	int their_end;          /* of the channel, until the request is sent; -1 */
	int64_t deadline_ms;
	/* out */
	struct vs_reply reply;
	char answer[VS_TEXT_MAX + 1];
	int got[VS_FDS_MAX]; /* the caller's */
	size_t n_got;
};

/*
 * Makes the call and waits for its reply; a signal never ends the wait. Returns reply.result if
 * it is >= 0; else -errno with a message: the keeper's, or -ENETDOWN, -ETIMEDOUT, -EMFILE.
 */
int vs_long_call_run(struct vs_long_call *call);

/*
 * The same in steps, none of which waits:
 *
 *     begin --> { poll(vs_long_call_wanted(), until deadline_ms) --> step }, while it returns VS_NOT_YET
 *
 * A call of which the keeper registers the channel leaves that open if it succeeds, for the caller.
 *
 * begin: 0, or -errno with a message: then the call is not under way. step: VS_NOT_YET: the call goes on.
 * Any other result is that of vs_long_call_run(), and the call is over. end: cancels the call, in any
 * state, also before begin. The keeper notices. close: closes this process's descriptors only, for a
 * forked child.
 */
int vs_long_call_begin(struct vs_long_call *call);
struct pollfd vs_long_call_wanted(const struct vs_long_call *call);
int vs_long_call_step(struct vs_long_call *call);
void vs_long_call_end(struct vs_long_call *call);
void vs_long_call_close(struct vs_long_call *call);

#endif
