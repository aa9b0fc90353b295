/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RP_HOLD_H
#define RP_HOLD_H

/* What connections and flows have of the local address that they use: it stays as long as they are there. */

#include <stdbool.h>
#include <stdint.h>

struct rp_hold {
	unsigned users;
	int64_t sent_ms;                  /* when the last TCP connection ended; 0: there was none */
	void (*unused)(struct rp_hold *); /* the last user has gone. Must not free anything of TCP and UDP */
};

static inline void rp_hold_take(struct rp_hold *h)
{
	h->users++;
}

static inline void rp_hold_drop(struct rp_hold *h)
{
	if (--h->users == 0)
		h->unused(h);
}

#endif
