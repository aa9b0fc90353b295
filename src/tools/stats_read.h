/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_STATS_READ_H
#define VS_TOOLS_STATS_READ_H

/* What `vdestack stats` reads: the stacks, and the keepers that hold them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "view.h"

struct vs_stats_keeper {
	const struct vs_view_stack *stack; /* its first one that is shown: the process, its program */
	char why[256];                     /* why the rest is missing; "": it is there */
	struct vdestack_keeper_stats stats;
};

struct vs_stats {
	struct vs_view view;
	const char *ifname; /* the only one that is shown; NULL: all */
	int64_t time_ms;    /* of the reading, since 1970 */
	struct vs_stats_keeper *keepers;
	size_t n_keepers;
};

/* As vs_view_read(); what is wanted is set. */
int vs_stats_read(struct vs_stats *stats);
void vs_stats_end(struct vs_stats *stats);

/* Whether that interface is shown. */
bool vs_stats_shows(const struct vs_stats *stats, const struct vs_view_iface *iface);

/* Write all of it to standard output. */
void vs_stats_write_json(const struct vs_stats *stats);
void vs_stats_write_prometheus(const struct vs_stats *stats);

#endif
