/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Waiting until a stack is ready.
 *
 * A thread cannot be cancelled while it has a netlink socket. A long wait is made of short ones, and can be
 * cancelled between them. Each short wait first reads the whole state, so no change is missed.
 */

#include <errno.h>
#include <poll.h>
#include <pthread.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "core/sources.h"
#include "core/stack.h"
#include "rtnl/rtnl.h"
#include <vdestack.h>

#define SLICE_MS 1000
#define BUSY_MS 50

/* Waits until the clock shows deadline_ms. *opened: -ETIMEDOUT is about the stack, not about the socket. */
static int wait_once(struct vdestack *stack, int64_t deadline_ms, bool *opened)
{
	VS_AUTO_NL nl = { 0 };
	int r = vs_stack_nl_open(stack, &nl);

	*opened = r == 0;
	return r < 0 ? r : vs_rtnl_wait_ready(&nl, deadline_ms);
}

/* What the next short wait may take. */
static int64_t slice_end_ms(int64_t deadline_ms)
{
	int64_t slice_ms = vs_now_ms() + SLICE_MS;

	return slice_ms < deadline_ms ? slice_ms : deadline_ms;
}

static int wait_addrs(struct vdestack *stack, int64_t deadline_ms)
{
	for (;;) {
		bool opened;
		int r = wait_once(stack, slice_end_ms(deadline_ms), &opened);
		if (r != -ETIMEDOUT || !opened || vs_now_ms() >= deadline_ms)
			return r;
		pthread_testcancel();
	}
}

static int look_at_sources(struct vdestack *stack)
{
	VS_NO_CANCEL;
	VS_AUTO_LEARNED learned = { 0 };
	char text[VS_MESSAGE_MAX / 2];
	int r = vs_sources_look(stack, &learned);

	if (r != VS_NOT_YET && r != -EBUSY)
		return r;
	vs_learned_missing(&learned, NULL, text, sizeof(text));
	return vs_fail(ETIMEDOUT, "the stack is not ready: %s", text);
}

static int wait_sources(struct vdestack *stack, int64_t deadline_ms)
{
	while (vs_now_ms() < deadline_ms) {
		int r = vs_sources_wait(stack, NULL, vs_left_ms(slice_end_ms(deadline_ms)));
		if (r != -ETIMEDOUT && r != -EBUSY)
			return r;
		if (r == -EBUSY) /* the keeper has enough calls that wait; it answers a look */
			(void)poll(NULL, 0, BUSY_MS);
		pthread_testcancel();
	}
	return look_at_sources(stack);
}

/* Sources come first: their addresses have to pass detection too. */
static int wait_ready(struct vdestack *stack, int timeout_ms)
{
	int64_t deadline_ms = vs_deadline_ms(timeout_ms);

	if (!vs_timeout_valid(timeout_ms))
		return vs_fail(EINVAL,
			       "cannot wait for the stack: the time-out is %d; -1 waits for ever, 0 looks "
			       "once",
			       timeout_ms);
	int r = vs_sources_possible(stack) ? wait_sources(stack, deadline_ms) : 0;
	return r < 0 ? r : wait_addrs(stack, deadline_ms);
}

int vdestack_wait_ready(struct vdestack *stack, int timeout_ms)
{
	return vs_edge(wait_ready(stack, timeout_ms));
}
