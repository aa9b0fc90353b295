/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the steps of a creation share: requests to the keeper, their replies, a netlink socket. */

#include <limits.h>

#include "creation_steps.h"
#include "handle.h"
#include "stack.h"

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int vs_creation_wait_for(struct vs_creation *c, struct pollfd wanted, int64_t due_ms)
{
	c->wanted = wanted;
	c->due_ms = sooner(due_ms, c->deadline_ms);
	return VS_NOT_YET;
}

void vs_creation_prepare(struct vs_creation *c, struct vs_sock door, enum vs_op op)
{
	struct vs_long_call *call = &c->call;
	int limit = c->opts.step_timeout_ms;

	call->door = door;
	call->kept = vs_slot_kept(c->slot);
	call->keeper = c->slot->keeper;
	call->req = (struct vs_request){ .op = op };
	call->text = NULL;
	call->text_len = call->n_fds = call->n_got = 0;
	call->reply = (struct vs_reply){ 0 };
	bool none = limit < 0 || limit > INT_MAX - VS_CREATION_REPLY_GRACE_MS;
	call->timeout_ms = none ? VS_NO_LIMIT_MS : limit;
}

int vs_creation_send(struct vs_creation *c)
{
	int r = vs_long_call_begin(&c->call);

	if (r == 0 && !c->adding)
		c->slot->pending = c->call.channel;
	return r;
}

int vs_creation_await(struct vs_creation *c)
{
	int r = vs_long_call_step(&c->call);

	if (r != VS_NOT_YET)
		return r;
	return vs_creation_wait_for(c, vs_long_call_wanted(&c->call), c->call.deadline_ms);
}

int vs_creation_now_await(struct vs_creation *c, enum vs_creation_state state)
{
	c->state = state;
	return vs_creation_wait_for(c, vs_long_call_wanted(&c->call), c->call.deadline_ms);
}

int vs_creation_open_netlink(struct vs_creation *c)
{
	int r = vs_stack_nl_open(c->stack, &c->nl);

	vs_nl_keep(&c->nl);
	if (r < 0)
		return r;
	c->nl_sock = vs_sock_of(vs_nl_fd(&c->nl));
	if (!c->adding)
		c->slot->pending = c->nl_sock;
	return 0;
}

/* If the program has closed the socket, its number may be that of another file, so it is not closed. */
void vs_creation_close_netlink(struct vs_creation *c)
{
	if (c->nl.sock != NULL && !vs_sock_valid(&c->nl_sock))
		c->nl.sock = NULL;
	vs_nl_close(&c->nl);
}
