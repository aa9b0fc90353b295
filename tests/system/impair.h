/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_IMPAIR_H
#define VDESTACK_TESTS_IMPAIR_H

/* What the cases about impairment share. */

#include "stacks.h"
#include <vdestack/events.h>
#include <vdestack/impair.h>

/* What is in force on an interface, and its counters. */
struct impaired {
	struct vdestack_impairment tx, rx;
	struct vdestack_impair_stats tx_stats, rx_stats;
};

__attribute__((unused)) static struct impaired impairment_of(struct vdestack *stack, const char *ifname)
{
	struct impaired i;

	memset(&i, 0, sizeof(i));
	i.tx.size = i.rx.size = sizeof(i.tx);
	i.tx_stats.size = i.rx_stats.size = sizeof(i.tx_stats);
	MUST(vdestack_impair_get(stack, ifname, &i.tx, &i.rx, &i.tx_stats, &i.rx_stats));
	return i;
}

__attribute__((unused)) static bool same_settings(const struct impaired *a, const struct impaired *b)
{
	return memcmp(&a->tx, &b->tx, sizeof(a->tx)) == 0 && memcmp(&a->rx, &b->rx, sizeof(a->rx)) == 0;
}

/* A stack with an interface of its own on a network where nobody else is. */
__attribute__((unused)) static struct vdestack *lone_stack(const char *words)
{
	return new_stack("vnl=ptp://%s %s", case_path("lone"), words);
}

/* Two stacks on a point-to-point network: 10.9.0.1 and 10.9.0.2. */
__attribute__((unused)) static struct pair ptp_pair(void)
{
	return (struct pair){ new_stack("vnl=ptp://%s ip=10.9.0.1/24", case_path("net")),
			      new_stack("vnl=ptp://%s ip=10.9.0.2/24", case_path("net")) };
}

#endif
