/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_API_CHANGE_H
#define VS_API_CHANGE_H

/* The part of a change that rtnetlink does: addresses, routes, up and down. It can be undone. */

#include "config/config.h"
#include "core/sources.h"
#include "rtnl/rtnl.h"

struct vs_change {
	struct vs_nl *nl;               /* borrowed */
	const struct vs_config *config; /* borrowed */
	int *indices;                   /* of its interfaces */
	unsigned *flags;                /* IFF_... of them, before */
	bool removed;                   /* an address or a route */
	/* As they were before: all addresses of these interfaces, and the routes that words can set. */
	struct vs_rtnl_addr *addrs;     /* IFA_F_PERMANENT only in those that words can set */
	size_t n_addrs;
	struct vs_rtnl_hop *routes;
	size_t n_routes;
};

/*
 * Finds the interfaces and reads how they are. learned: addresses in it are not static; NULL: none.
 * 0 or -errno with a message; -ENODEV. Call vs_change_end() in any case.
 */
int vs_change_begin(struct vs_change *change, struct vs_nl *nl, const struct vs_config *config,
		    const struct vs_learned *learned);
/*
 * Removes, then adds. What the kernel removes besides comes again, if it can. What is there already, or not
 * there, is no error. 0 or -errno with a message.
 */
int vs_change_apply(struct vs_change *change);
/* Restores addresses and routes as they were before. No message. */
void vs_change_undo(struct vs_change *change);
void vs_change_end(struct vs_change *change);

#endif
