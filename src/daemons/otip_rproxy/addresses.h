/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RP_ADDRESSES_H
#define RP_ADDRESSES_H

/* The one-time addresses of the stack outside, and the ports that are open at each. */

#include "address.h"
#include "loop.h"
#include "spare.h"

struct rp_addresses {
	struct rp_place place; /* of the program, but for its call */
	/* Private. */
	struct rp_link list;           /* the oldest one first */
	struct rp_watch clock, events; /* events: of addresses; its descriptor -1: there are none */
	struct rp_timer again;
	struct rp_spare spare;
	bool starved; /* of memory, which is not reported again */
};

/* Makes the addresses that live at this time. All work when it returns 0. -1 after a message. */
int rp_addresses_begin(struct rp_addresses *a);

/* Makes all as it has to be now: the clock has gone on, or was set. 0, or -errno; that is tried again. */
int rp_addresses_update(struct rp_addresses *a);

/* Takes all addresses back, and resets their connections. Also after a failure of begin. */
void rp_addresses_end(struct rp_addresses *a);

#endif
