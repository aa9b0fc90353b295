/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_VIEW_H
#define VS_TOOLS_VIEW_H

/*
 * What there is to see of the stacks of this user's programs: for list, top and map. Every text may be any
 * bytes: a program chooses its own name (escape.h).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices.h"
#include <vdestack.h>
#include <vdestack/conf.h>
#include <vdestack/impair.h>
#include <vdestack/registry.h>
#include <vdestack/sources.h>

/* Each second, since the reading before. */
struct vs_view_rates {
	double rx_bytes, tx_bytes, rx_frames, tx_frames;
};

struct vs_view_iface {
	struct vs_device device;
	char *locator; /* NULL: the library has not made it */
	/* On the network, or, where the library has no counters, as the kernel counts. */
	uint64_t rx_frames, tx_frames, rx_dropped, tx_dropped, tx_refused, reconnects;
	bool has_link;  /* the library has made it */
	struct vdestack_link_stats link;
	bool impaired;  /* something is done to its frames on purpose */
	struct vdestack_impairment settings[2];       /* tx, rx */
	struct vdestack_impair_stats impair_stats[2];
	bool has_rates; /* it was there at the reading before */
	struct vs_view_rates rates;
};

struct vs_view_stack {
	struct vdestack_registered shown;
	char why[256]; /* why the rest is missing; "": it is there */
	struct vs_view_iface *ifaces;
	size_t n_ifaces;
	struct vdestack_addr *addrs;
	size_t n_addrs;
	struct vdestack_source *sources;
	size_t n_sources;
	int64_t time_ns; /* when it was read */
	struct vdestack *handle;
};

struct vs_view {
	struct vs_view_stack *stacks; /* by program, in the order of its stacks */
	size_t n;
	/* What is wanted; all zero: everything. */
	pid_t pid;         /* of a program or its keeper */
	const char *stack; /* its name, or its index in digits */
};

/*
 * Reads all of it that is wanted. A view that was read before has rates afterwards; a new one is all zero. A
 * stack that cannot be read is no failure, see `why`. 0, or -errno and vdestack_last_error(), and the view
 * is empty.
 */
int vs_view_read(struct vs_view *view);
void vs_view_end(struct vs_view *view);

/* How a stack is called: its name, or its index in digits. */
void vs_view_name(const struct vs_view_stack *stack, char name[64]);

/* How a source is called. */
const char *vs_view_source(uint32_t kind);

#endif
