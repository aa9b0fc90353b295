/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_ASK_H
#define PX_ASK_H

/*
 * What the calls of the plugin ask: the process of their stack, and the pair of their socket. -1 and errno on
 * failure, as functions of struct ioth_functions.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "request.h"
#include "wire/fdmsg.h"

struct px_stack {
	struct vs_sock control; /* a program may close any descriptor, so it is checked */
	pid_t pid;              /* of its process; may be that of another one when it has been reaped */
	pid_t maker;            /* the program that made it, not a child of it */
	int (*fail)(int err, const char *message); /* of struct ioth_functions */
};

/* Before the other functions: what knows the stack of a call, of struct ioth_functions. */
void px_ask_by(void *(*current)(void));
/* The stack of the call that runs. */
struct px_stack *px_ask_stack(void);
/* px_request() to a stack: 0 or -errno. */
int px_ask_request(struct px_stack *stack, struct px_call *call, int timeout_ms);
/* px_request() to this stack. A result below 0 goes to errno, and -1 is returned. */
int px_ask_call(struct px_call *call);
/* The same about a socket; call->socket is filled in. */
int px_ask_call_of(int fd, struct px_call *call);

/* SOCK_STREAM or SOCK_SEQPACKET; -1 and errno. */
int px_ask_pair(int fd);
/*
 * Takes SO_ERROR of a socket, 0: none. When the process cannot be asked, the errno of that: ENETDOWN, EMFILE,
 * ETIMEDOUT.
 */
int px_ask_error(int fd);
/* Whether the other end of the pair is closed, or both directions of it have ended. */
bool px_ask_hung_up(int fd);

#endif
