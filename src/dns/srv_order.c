/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "srv_order.h"

#include <stddef.h>

#include <vdestack/dns.h>

/* Takes `from` out of its list. */
static struct vdestack_dns_srv *take(struct vdestack_dns_srv **from)
{
	struct vdestack_dns_srv *taken = *from;

	*from = taken->next;
	taken->next = NULL;
	return taken;
}

/*
 * One place of the lowest priority in the list. Places without weight stand first, so that 0 chooses one of
 * them: a small chance, but not none.
 */
static struct vdestack_dns_srv **choose(struct vdestack_dns_srv **list, uint16_t priority, uint32_t number)
{
	struct vdestack_dns_srv **weightless = NULL, **last = NULL;
	uint32_t sum = 0;

	for (struct vdestack_dns_srv **at = list; *at != NULL; at = &(*at)->next)
		if ((*at)->priority == priority && (*at)->weight == 0 && weightless == NULL)
			weightless = at;
	if (number == 0 && weightless != NULL)
		return weightless;
	for (struct vdestack_dns_srv **at = list; *at != NULL; at = &(*at)->next) {
		if ((*at)->priority != priority)
			continue;
		last = at;
		sum += (*at)->weight;
		if ((*at)->weight > 0 && sum >= number)
			return at;
	}
	return last;
}

static uint16_t lowest_priority(const struct vdestack_dns_srv *list)
{
	uint16_t lowest = UINT16_MAX;

	for (; list != NULL; list = list->next)
		if (list->priority < lowest)
			lowest = list->priority;
	return lowest;
}

static uint32_t weight_of(const struct vdestack_dns_srv *list, uint16_t priority)
{
	uint32_t sum = 0;

	for (; list != NULL; list = list->next)
		if (list->priority == priority)
			sum += list->weight;
	return sum;
}

struct vdestack_dns_srv *vs_srv_order(struct vdestack_dns_srv *list, vs_srv_random *random, void *arg)
{
	struct vdestack_dns_srv *head = NULL, **end = &head;

	while (list != NULL) {
		uint16_t priority = lowest_priority(list);
		uint32_t number = random(arg, weight_of(list, priority));

		*end = take(choose(&list, priority, number));
		end = &(*end)->next;
	}
	return head;
}
