/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_API_NAMED_H
#define VS_API_NAMED_H

#include "rtnl/rtnl.h"
#include <vdestack.h>

/*
 * Opens an rtnetlink conversation in the stack and finds the interface by it. 0, or -EINVAL (handle, ifname
 * NULL), -ENODEV... with a message. The message begins with `step` and the name: "cannot set the MTU of
 * interface vde0".
 */
int vs_named_open(struct vdestack *stack, const char *ifname, const char *step, struct vs_nl *nl,
		  struct vs_rtnl_link *link);

#endif
