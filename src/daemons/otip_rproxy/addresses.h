/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RP_ADDRESSES_H
#define RP_ADDRESSES_H

/* The one-time addresses of the stack outside, and the ports that are open at each. */

#include "loop.h"
#include "settings.h"
#include "spare.h"
#include "tcp.h"
#include "udp.h"

struct rp_addresses {
	/* Of the program. */
	struct rp_loop *loop;
	const struct rp_settings *settings;
	struct ioth *outside;
	int ifindex;
	struct rp_tcp *tcp;
	struct rp_udp *udp;
	/* Private. */
	struct rp_link list; /* the oldest one first */
	struct rp_watch clock;
	struct rp_timer again;
	struct rp_spare spare;
	bool starved; /* of memory, which is not reported again */
};

/* Makes the addresses that live at this time. All work when it returns 0. -1 after a message. */
int rp_addresses_begin(struct rp_addresses *a);

/* Takes all addresses back, and resets their connections. Also after a failure of begin. */
void rp_addresses_end(struct rp_addresses *a);

#endif
