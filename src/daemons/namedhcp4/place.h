/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef N4_PLACE_H
#define N4_PLACE_H

/* The addresses of the server: its identifier, those of the interface, and those of the stack. */

#include "daemons/dhcp/link.h"
#include "decide.h"

#define N4_OWN_MAX 64

struct n4_ground {
	struct n4_place place;
	/* Private. */
	int64_t read_ms; /* 0: never */
	unsigned n_own;
	uint32_t own[N4_OWN_MAX];
};

/*
 * On a VDE network the address of --serverid is given to the interface: clients that renew find it. 0, or -1
 * after a report.
 */
int n4_ground_prepare(const struct dh_link *link, const struct n4_settings *s);

/*
 * Reads the addresses, if the last time is some seconds ago: they may come later than the server, or change.
 */
void n4_ground_refresh(struct n4_ground *g, const struct dh_link *link, const struct n4_settings *s,
		       int64_t now_ms);

/* Whether an interface of the stack has the address. */
bool n4_ground_has(const struct n4_ground *g, uint32_t addr);

/* Whether it is an address of this host, or the server identifier. */
bool n4_ground_is_own(const struct n4_ground *g, uint32_t addr);

/* Whether a packet to this address is for this host: its own, or a broadcast address. */
bool n4_ground_is_for(const struct n4_ground *g, uint32_t dst);

#endif
