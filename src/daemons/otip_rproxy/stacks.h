/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RP_STACKS_H
#define RP_STACKS_H

/* The stacks outside and inside, and the names that are looked up. */

#include <ioth.h>

#include "settings.h"

struct rp_stacks {
	struct ioth *outside;
	struct ioth *inside; /* NULL: the network of the process */
	int ifindex;         /* the interface outside */
};

/* 0, or -1 after a message. Ended by rp_stacks_end() in both cases. */
int rp_stacks_begin(struct rp_stacks *k, const struct rp_settings *s);
void rp_stacks_end(struct rp_stacks *k);

/* The bases of the names, and the servers of the ports. 0, or -1 after a message for each that fails. */
int rp_stacks_lookup(const struct rp_stacks *k, struct rp_settings *s);

/* Where the value of iface= is in the configuration of a stack: its length, and *at. 0: there is none. */
size_t rp_stacks_iface(const char *config, const char **at);

#endif
