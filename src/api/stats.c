/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the keeper knows of an interface, the counters of its pump and its locator, and of itself. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/opts.h"
#include "config/config.h"
#include "core/long_call.h"
#include "core/stack.h"
#include <vdestack/conf.h>

/* The keeper's answer is call->answer then. */
static int ask(struct vdestack *stack, const char *ifname, const char *step, struct vs_long_call *call)
{
	call->req.op = VS_OP_STATS;
	memcpy(call->req.iface.name, ifname, strlen(ifname));
	int r = vs_stack_ask(stack, call);
	return r < 0 ? vs_fail_step(-r, "cannot read the %s of interface %s", step, ifname) : 0;
}

static int link_stats(struct vdestack *stack, const char *ifname, struct vdestack_link_stats *stats)
{
	struct vs_long_call call = { 0 };
	struct vdestack_link_stats s = { .size = stats != NULL ? stats->size : 0 };
	unsigned long long n[9];

	if (s.size < sizeof(s.size) || ifname == NULL || !vs_ifname_valid(ifname))
		return vs_fail(EINVAL, "cannot read counters: no interface name, or the result has no size");
	int r = ask(stack, ifname, "counters", &call);
	if (r < 0)
		return r;
	if (sscanf(call.answer, "%u %llu %llu %llu %llu %llu %llu %llu %u %u %llu %llu", &s.offloads, &n[0],
		   &n[1], &n[2], &n[3], &n[4], &n[5], &n[6], &s.captures, &s.taps, &n[7], &n[8]) != 12)
		return vs_fail(EPROTO,
			       "cannot read the counters of interface %s: the keeper's answer makes no sense",
			       ifname);
	s.tx_frames = n[0];
	s.tx_dropped = n[1];
	s.tx_refused = n[2];
	s.rx_frames = n[3];
	s.rx_writes = n[4];
	s.rx_dropped = n[5];
	s.reconnects = n[6];
	s.captured = n[7];
	s.uncaptured = n[8];
	vs_opts_write(stats, s.size, &s, sizeof(s));
	return 0;
}

int vdestack_link_get_stats(struct vdestack *stack, const char *ifname, struct vdestack_link_stats *stats)
{
	return vs_edge(link_stats(stack, ifname, stats));
}

static int link_locator(struct vdestack *stack, const char *ifname, char *buf, size_t size)
{
	struct vs_long_call call = { 0 };

	if (ifname == NULL || !vs_ifname_valid(ifname) || (buf == NULL && size > 0))
		return vs_fail(EINVAL, "cannot read a locator: no interface name, or no buffer");
	int r = ask(stack, ifname, "locator", &call);
	if (r < 0)
		return r;
	const char *line = strchr(call.answer, '\n');
	if (line == NULL)
		return vs_fail(
			EPERM,
			"cannot read the locator of interface %s: the stack was passed to this process "
			"without it",
			ifname);
	size_t len = strlen(++line);
	if (len >= size)
		return vs_fail(ERANGE, "cannot read the locator of interface %s: the buffer needs %zu bytes",
			       ifname, len + 1);
	memcpy(buf, line, len + 1);
	return (int)len;
}

int vdestack_link_get_locator(struct vdestack *stack, const char *ifname, char *buf, size_t size)
{
	return vs_edge(link_locator(stack, ifname, buf, size));
}

static int keeper_stats(struct vdestack *stack, struct vdestack_keeper_stats *stats)
{
	struct vs_long_call call = { .req = { .op = VS_OP_KEEPER_STATS } };
	size_t size = stats != NULL ? stats->size : 0;
	struct vdestack_keeper_stats s;

	if (size < sizeof(size))
		return vs_fail(EINVAL, "cannot read the counters of the keeper: the result has no size");
	int r = vs_stack_ask(stack, &call);
	if (r < 0)
		return vs_fail_step(-r, "cannot read the counters of the keeper");
	_Static_assert(sizeof(s) <= sizeof(call.answer), "an answer has room for it");
	memcpy(&s, call.answer, sizeof(s));
	s.size = size;
	vs_opts_write(stats, size, &s, sizeof(s));
	return 0;
}

int vdestack_keeper_get_stats(struct vdestack *stack, struct vdestack_keeper_stats *stats)
{
	return vs_edge(keeper_stats(stack, stats));
}
