/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_LINKS_H
#define VDESTACK_TESTS_LINKS_H

/* What the cases about links and their events share. */

#include <net/if.h>

#include "stacks.h"
#include "traffic.h"
#include <vdestack/events.h>

#define VDE (CASE_F_ROOT | CASE_F_USER | CASE_F_VDE)
#define BACK_MS 15000 /* a network that is back is joined within six seconds */

/* The next event, which must be of that type; skips LINK_RETRY and addresses. */
static inline struct vdestack_event next_event(int events, uint32_t type)
{
	struct vdestack_event e;

	for (;;) {
		int r = (int)MUST(vdestack_event_read(events, &e, BACK_MS));
		if (r == 0)
			FAIL("no event of type %u", type);
		if (e.type == type)
			return e;
		if (e.type != VDESTACK_EVENT_LINK_RETRY && e.type != VDESTACK_EVENT_ADDR_READY &&
		    e.type != VDESTACK_EVENT_ADDR_LOST)
			FAIL("event %u, error %d instead of %u", e.type, e.error, type);
	}
}

static inline bool has_carrier(struct vdestack *stack, const char *ifname)
{
	int flags = (int)MUST(vdestack_link_get_flags(stack, ifname));

	return (flags & IFF_RUNNING) != 0;
}

#endif
