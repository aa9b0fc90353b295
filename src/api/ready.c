/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Waiting until a stack is ready.
 *
 * A thread cannot be cancelled while it has a netlink socket. A long wait is made of short ones, and can be
 * cancelled between them. Each short wait first reads the whole state, so no change is missed.
 */

#include <errno.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/error.h"
#include "core/stack.h"
#include "rtnl/rtnl.h"
#include <vdestack.h>

#define SLICE_MS 1000

/* Waits until the clock shows deadline_ms. *opened: -ETIMEDOUT is about the stack, not about the socket. */
static int wait_once(struct vdestack *stack, int64_t deadline_ms, bool *opened)
{
	VS_AUTO_NL nl = { 0 };
	int r = vs_stack_nl_open(stack, &nl);

	*opened = r == 0;
	return r < 0 ? r : vs_rtnl_wait_ready(&nl, deadline_ms);
}

static int wait_ready(struct vdestack *stack, int timeout_ms)
{
	int64_t deadline_ms = vs_deadline_ms(timeout_ms);

	if (!vs_timeout_valid(timeout_ms))
		return vs_fail(EINVAL,
			       "cannot wait for the stack: the time-out is %d; -1 waits for ever, 0 looks "
			       "once",
			       timeout_ms);
	for (;;) {
		int64_t slice_ms = vs_now_ms() + SLICE_MS;
		bool opened;
		int r = wait_once(stack, slice_ms < deadline_ms ? slice_ms : deadline_ms, &opened);
		if (r != -ETIMEDOUT || !opened || vs_now_ms() >= deadline_ms)
			return r;
		pthread_testcancel();
	}
}

int vdestack_wait_ready(struct vdestack *stack, int timeout_ms)
{
	return vs_edge(wait_ready(stack, timeout_ms));
}
