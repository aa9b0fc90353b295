/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "control.h"

#include <errno.h>

#include <vdestack/events.h>

int vs_control_fail(vs_fail_fn *fail)
{
	return fail(errno, vdestack_last_error());
}

int vs_control_configure(struct vdestack *stack, vs_fail_fn *fail, const char *words, unsigned flags,
			 int timeout_ms)
{
	/* The time is that of each step, so of each source; and of all of them together. */
	const struct vdestack_opts opts = {
		.size = sizeof(opts), .flags = flags, .timeout_ms = timeout_ms, .step_timeout_ms = timeout_ms
	};
	int r = vdestack_configure(stack, words, &opts);

	return r < 0 ? vs_control_fail(fail) : r;
}

int vs_control_sources(struct vdestack *stack, vs_fail_fn *fail, const char *ifname,
		       struct vdestack_source *list, size_t n)
{
	int r = vdestack_sources(stack, ifname, list, n);

	return r < 0 ? vs_control_fail(fail) : r;
}

int vs_control_events(struct vdestack *stack, vs_fail_fn *fail)
{
	int fd = vdestack_events(stack);

	return fd < 0 ? vs_control_fail(fail) : fd;
}

int vs_control_resolvconf(struct vdestack *stack, vs_fail_fn *fail, const char *ifname, char *buf,
			  size_t size)
{
	int r = vdestack_resolvconf(stack, ifname, buf, size);

	return r < 0 ? vs_control_fail(fail) : r;
}
