/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An interface, by its name. */

#include "named.h"

#include <errno.h>

#include "base/error.h"
#include "core/stack.h"

int vs_named_open(struct vdestack *stack, const char *ifname, const char *step, struct vs_nl *nl,
		  struct vs_rtnl_link *link)
{
	if (ifname == NULL)
		return vs_fail(EINVAL, "%s: its name is NULL; give a name", step);
	int r = vs_stack_nl_open(stack, nl);
	if (r < 0)
		return r;
	r = vs_rtnl_link_get(nl, 0, ifname, link);
	return r < 0 ? vs_nl_fail(nl, -r, "%s %s", step, ifname) : 0;
}
