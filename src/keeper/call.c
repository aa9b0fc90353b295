/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Receiving requests and sending replies. Who may ask for what: see auth.c. */

#include "call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "channel.h"
#include "closer.h"
#include "keeper.h"
#include "wire/fdmsg.h"
#include "wire/messages.h"

struct vs_call *vs_call_new(void)
{
	struct vs_call *call = malloc(sizeof(*call));

	/* All but the text, which is long. */
	if (call != NULL) {
		memset(call, 0, offsetof(struct vs_call, text));
		call->reply = -1;
	}
	return call;
}

int vs_call_recv(int door, struct vs_call *call, int flags)
{
	call->reply = -1;
	call->refusal = "its sender has not been checked";
	call->msg.iov[0] = (struct iovec){ &call->req, sizeof(call->req) };
	call->msg.iov[1] = (struct iovec){ call->text, VS_TEXT_MAX };
	call->msg.n_iov = 2;
	call->msg.drop = vs_close_foreign;
	ssize_t n = vs_fdmsg_recv(door, &call->msg, MSG_CMSG_CLOEXEC | flags);
	if (n <= 0)
		return n == -EBADMSG ? -EPROTO : (int)n;
	if ((size_t)n < sizeof(call->req) || call->req.version != VS_WIRE_VERSION) {
		vs_fdmsg_drop(&call->msg);
		return -EPROTO;
	}
	call->text_len = (size_t)n - sizeof(call->req);
	call->text[call->text_len] = '\0';
	if (call->req.channel == 0 && call->req.op != VS_OP_CHANNEL)
		call->reply = vs_call_take_fd(call, 0);
	return 1;
}

int vs_call_keep_channel(struct vs_keeper *k, struct vs_call *call)
{
	if (call->req.register_as == 0)
		return 0;
	/* The sender of a creation may claim another process id, so it does not count here. */
	pid_t maker = vs_auth_maker(call->reply);
	atomic_store(&k->user, maker);
	int r = vs_registry_add(k, call->req.register_as, maker, call->reply);
	if (r < 0)
		return vs_fail(-r, "cannot make sockets in the stack: the keeper cannot keep the channel for "
			       "them: %s", vs_cause_text(vs_diagnose_limit(-r), -r));
	call->reply = -1;
	call->req.channel = call->req.register_as;
	return 0;
}

int vs_call_take_fd(struct vs_call *call, size_t i)
{
	return i < call->msg.n_fds ? vs_steal_fd(&call->msg.fds[i]) : -1;
}

static int send_reply(struct vs_keeper *k, const struct vs_call *call, const struct vs_fdmsg *msg)
{
	return call->reply >= 0 ? vs_fdmsg_send(call->reply, msg, MSG_DONTWAIT)
				: vs_registry_send(k, call->req.channel, msg);
}

void vs_call_reply_bytes(struct vs_keeper *k, struct vs_call *call, int result, const void *bytes, size_t n)
{
	struct vs_reply reply = { .type = VS_REPLY_TYPE, .seq = call->req.seq, .result = result };
	struct vs_fdmsg msg = { .iov = { { &reply, sizeof(reply) }, { (void *)bytes, n } }, .n_iov = 2 };

	(void)send_reply(k, call, &msg); /* if the caller has given up or died, nothing is left to do */
}

void vs_call_reply(struct vs_keeper *k, struct vs_call *call, int result, const char *text, const int *fds,
		   size_t n_fds)
{
	struct vs_reply reply = { .type = VS_REPLY_TYPE, .seq = call->req.seq, .result = result };
	struct vs_fdmsg msg = {
		.iov = { { &reply, sizeof(reply) },
			 { (void *)text, text != NULL ? strnlen(text, VS_TEXT_MAX) : 0 } },
		.n_iov = text != NULL ? 2 : 1,
		.n_fds = n_fds,
	};

	if (n_fds > 0)
		memcpy(msg.fds, fds, n_fds * sizeof(*fds));
	/* If the caller has given up or died, nothing is left to do. */
	int r = send_reply(k, call, &msg);
	if (r < 0 && r != -EPIPE && r != -ECONNRESET && r != -EAGAIN && r != -ENOENT) {
		/* the descriptors cannot be sent, but the caller must get an answer */
		char why[VS_MESSAGE_MAX];
		int n = snprintf(why, sizeof(why), "cannot hand over a descriptor: %s",
				 vs_cause_text(vs_diagnose_limit(-r), -r));
		reply.result = r;
		msg.iov[1] = (struct iovec){ why, (size_t)n };
		msg.n_iov = call->reply >= 0 || call->req.op == VS_OP_CREATE ? 2 : 1;
		msg.n_fds = 0;
		(void)send_reply(k, call, &msg);
	}
}

void vs_call_fail(struct vs_keeper *k, struct vs_call *call, int r)
{
	vs_call_reply(k, call, r, vs_message(), NULL, 0);
}

void vs_call_drop(struct vs_call *call)
{
	if (call->reply >= 0 && call->refusal != NULL)
		vs_close_foreign(call->reply);
	else
		vs_close(call->reply);
	call->reply = -1;
	vs_fdmsg_drop(&call->msg);
}
