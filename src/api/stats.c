/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The counters of an interface, which its pump keeps. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/opts.h"
#include "config/config.h"
#include "core/long_call.h"
#include "core/stack.h"
#include <vdestack/conf.h>

static int link_stats(struct vdestack *stack, const char *ifname, struct vdestack_link_stats *stats)
{
	struct vs_long_call call = { .req = { .op = VS_OP_STATS } };
	struct vdestack_link_stats s = { .size = stats != NULL ? stats->size : 0 };
	unsigned long long n[6];

	if (s.size < sizeof(s.size) || ifname == NULL || !vs_ifname_valid(ifname))
		return vs_fail(EINVAL, "cannot read counters: no interface name, or the result has no size");
	memcpy(call.req.iface.name, ifname, strlen(ifname));
	int r = vs_stack_ask(stack, &call);
	if (r < 0)
		return vs_fail_step(-r, "cannot read the counters of interface %s", ifname);
	if (sscanf(call.answer, "%u %llu %llu %llu %llu %llu %llu", &s.offloads, &n[0], &n[1], &n[2], &n[3],
		   &n[4], &n[5]) != 7)
		return vs_fail(EPROTO,
			       "cannot read the counters of interface %s: the keeper's answer makes no sense",
			       ifname);
	s.tx_frames = n[0];
	s.tx_dropped = n[1];
	s.tx_refused = n[2];
	s.rx_frames = n[3];
	s.rx_writes = n[4];
	s.rx_dropped = n[5];
	vs_opts_write(stats, s.size, &s, sizeof(s));
	return 0;
}

int vdestack_link_get_stats(struct vdestack *stack, const char *ifname, struct vdestack_link_stats *stats)
{
	return vs_edge(link_stats(stack, ifname, stats));
}
