/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "stats_read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One question to each keeper, by the first of its stacks that has a handle. */
static void read_keeper(struct vs_stats_keeper *k, const struct vs_view_stack *s)
{
	k->stats = (struct vdestack_keeper_stats){ .size = sizeof(k->stats) };
	if (s->handle == NULL)
		(void)snprintf(k->why, sizeof(k->why), "%s", s->why);
	else if (vdestack_keeper_get_stats(s->handle, &k->stats) < 0)
		(void)snprintf(k->why, sizeof(k->why), "%s", vdestack_last_error());
	else
		k->why[0] = '\0';
}

/* Stacks of one keeper stand together. */
static int read_keepers(struct vs_stats *stats)
{
	struct vs_stats_keeper *k = NULL;

	stats->keepers = calloc(stats->view.n + 1, sizeof(*stats->keepers));
	if (stats->keepers == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < stats->view.n; i++) {
		const struct vs_view_stack *s = &stats->view.stacks[i];
		bool same = k != NULL && k->stack->shown.keeper == s->shown.keeper;
		if (same && (k->why[0] == '\0' || s->handle == NULL))
			continue;
		if (!same) {
			k = &stats->keepers[stats->n_keepers++];
			k->stack = s;
		}
		read_keeper(k, s);
	}
	return 0;
}

static void drop_keepers(struct vs_stats *stats)
{
	free(stats->keepers);
	stats->keepers = NULL;
	stats->n_keepers = 0;
}

int vs_stats_read(struct vs_stats *stats)
{
	struct timespec now;

	drop_keepers(stats);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	stats->time_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	int r = vs_view_read(&stats->view);
	return r < 0 ? r : read_keepers(stats);
}

void vs_stats_end(struct vs_stats *stats)
{
	drop_keepers(stats);
	vs_view_end(&stats->view);
}

bool vs_stats_shows(const struct vs_stats *stats, const struct vs_view_iface *iface)
{
	return stats->ifname == NULL || strcmp(stats->ifname, iface->device.name) == 0;
}
