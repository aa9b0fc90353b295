/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waiting until a stack is ready. */

#include <errno.h>

#include "base/clock.h"
#include "base/error.h"
#include "core/stack.h"
#include "rtnl/rtnl.h"
#include <vdestack.h>

static int wait_ready(struct vdestack *stack, int timeout_ms)
{
	int64_t deadline_ms = vs_deadline_ms(timeout_ms);
	VS_AUTO_NL nl = { 0 };

	if (!vs_timeout_valid(timeout_ms))
		return vs_fail(
			EINVAL,
			"cannot wait for the stack: the time-out is %d; -1 waits for ever, 0 looks once",
			timeout_ms);
	int err = vs_stack_nl_open(stack, &nl);
	return err < 0 ? err : vs_rtnl_wait_ready(&nl, deadline_ms);
}

int vdestack_wait_ready(struct vdestack *stack, int timeout_ms)
{
	return vs_edge(wait_ready(stack, timeout_ms));
}
