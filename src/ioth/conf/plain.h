/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTHCONF_PLAIN_H
#define VS_IOTHCONF_PLAIN_H

/*
 * Static items that are set one by one by netlink, on interfaces for which the stack takes no words. Name
 * servers and domains are not set: they are remembered only.
 */

#include "target.h"

/*
 * From the items `before` to the items `next`. Those of `add`, a part of `next`, have to be there, and to be
 * usable if the interface is up. 0; or -1 with errno and the message, and then the interface is as before.
 */
int vs_plain_change(const struct vs_target *t, const struct vs_items *before, const struct vs_items *add,
		    const struct vs_items *next);

#endif
