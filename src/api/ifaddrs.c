/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* getifaddrs(3) of a stack. */

#include <errno.h>

#include "base/error.h"
#include "core/stack.h"
#include "rtnl/rtnl.h"
#include <vdestack/conf.h>

static int list_ifaddrs(struct vdestack *stack, struct ifaddrs **list)
{
	VS_AUTO_NL nl = { 0 };

	if (list == NULL)
		return vs_fail(EINVAL, "cannot list addresses: the pointer for the list is NULL; give one");
	int r = vs_stack_nl_open(stack, &nl);
	if (r < 0)
		return r;
	r = vs_rtnl_getifaddrs(&nl, list);
	return r < 0 ? vs_nl_fail(&nl, -r, "cannot list the interfaces and their addresses") : 0;
}

int vdestack_getifaddrs(struct vdestack *stack, struct ifaddrs **list)
{
	return vs_edge(list_ifaddrs(stack, list));
}

void vdestack_freeifaddrs(struct ifaddrs *list)
{
	vs_rtnl_freeifaddrs(list);
}
