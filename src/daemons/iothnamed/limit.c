/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Each network has a slot, which others share by chance; the one that comes takes it over with a full
 * measure. Time is the measure: an answer costs 1/N of a second, at most one second is saved.
 */

#include "limit.h"

#include <string.h>

#define SAVED_MS 1000
#define SCALE 1000 /* tokens are in thousandths of milliseconds */

static uint64_t network(const struct in6_addr *client)
{
	uint64_t net = 0;

	if (IN6_IS_ADDR_V4MAPPED(client))
		memcpy(&net, &client->s6_addr[12], 3);
	else
		memcpy(&net, client->s6_addr, 7);
	return net + 1; /* no slot is 0 */
}

enum nm_limited nm_limit_ask(struct nm_limit *limit, int64_t now_ms, const struct in6_addr *client,
			     unsigned long per_second)
{
	if (per_second == 0)
		return NM_PASSES;
	uint64_t net = network(client), mixed = (net ^ limit->key) * 0x9e3779b97f4a7c15;
	size_t i = (size_t)(mixed >> 40) % NM_LIMIT_SLOTS;
	if (limit->slots[i].net != net) {
		limit->slots[i].net = net;
		limit->slots[i].tokens_ms = SAVED_MS * SCALE;
		limit->slots[i].since_ms = now_ms;
		limit->slots[i].over = 0;
	}
	int64_t passed = now_ms - limit->slots[i].since_ms, cost = SAVED_MS * SCALE / (int64_t)per_second;
	int64_t tokens = passed >= SAVED_MS ? SAVED_MS * SCALE : limit->slots[i].tokens_ms + passed * SCALE;
	limit->slots[i].since_ms = now_ms;
	limit->slots[i].tokens_ms = tokens > SAVED_MS * SCALE ? SAVED_MS * SCALE : tokens;
	if (limit->slots[i].tokens_ms < cost)
		return limit->slots[i].over++ % 2 == 0 ? NM_TRUNCATED : NM_DROPPED;
	limit->slots[i].tokens_ms -= cost;
	return NM_PASSES;
}
