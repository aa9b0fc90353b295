/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Transitions of the DHCPv6 client that timers and answers share. dhcp6.c has the picture. */

#include <string.h>

#include "dhcp6_machine.h"

#define DOUBLINGS_MAX 12

/* A search that begins again because of what a server has said must not become a loop without pauses. */
static uint32_t search_delay(struct vs_dhcp6_client *c)
{
	uint32_t first = 1 + vs_dhcp6_random(c, VS_DHCP6_FIRST_DELAY_MS);

	if (c->failures <= 1)
		return first;
	uint32_t doublings = c->failures - 2u < DOUBLINGS_MAX ? c->failures - 2u : DOUBLINGS_MAX;
	uint32_t most_s = c->sol_max_rt_s != 0 ? c->sol_max_rt_s : 3600;
	uint32_t s = 1u << doublings;
	return (s < most_s ? s : most_s) * 1000 + vs_dhcp6_random(c, 1000);
}

void vs_dhcp6_start_search(struct vs_dhcp6_client *c, vs_auto_ms now)
{
	memset(&c->offer, 0, sizeof(c->offer));
	vs_dhcp6_enter(c, now, VS_DHCP6_S_SOLICIT, search_delay(c));
}

void vs_dhcp6_search(struct vs_dhcp6_client *c, vs_auto_ms now)
{
	if (c->failures < UINT8_MAX)
		c->failures++;
	vs_dhcp6_start_search(c, now);
}

void vs_dhcp6_take_offer(struct vs_dhcp6_client *c, vs_auto_ms now)
{
	vs_dhcp6_enter(c, now, VS_DHCP6_S_REQUEST, 0);
}

void vs_dhcp6_resume(struct vs_dhcp6_client *c, vs_auto_ms now)
{
	bool had = vs_dhcp6_has_set(c);
	struct vs_auto_addr addr;

	vs_dhcp6_set_all(c, now);
	vs_dhcp6_enter(c, now, VS_DHCP6_S_BOUND, 0);
	if (had || !vs_dhcp6_has_set(c))
		return;
	if (c->n > 0)
		vs_dhcp6_as_addr(c, &c->addrs[0], now, &addr);
	c->ops->news(c->arg, VS_NEWS_GAINED, c->n > 0 ? &addr : NULL, NULL);
}

void vs_dhcp6_declined(struct vs_dhcp6_client *c, vs_auto_ms now)
{
	vs_dhcp6_drop_declined(c);
	if (vs_dhcp6_has_lease(c))
		vs_dhcp6_enter(c, now, VS_DHCP6_S_BOUND, 0);
	else
		vs_dhcp6_search(c, now);
}

void vs_dhcp6_released(struct vs_dhcp6_client *c, vs_auto_ms now)
{
	vs_dhcp6_enter(c, now, VS_DHCP6_S_STOPPED, 0);
	vs_dhcp6_forget(c, now, NULL);
}

void vs_dhcp6_refused(struct vs_dhcp6_client *c, uint16_t status)
{
	static const char *const texts[] = {
		[VS_DHCP6_UNSPEC_FAIL] = "the DHCPv6 server fails (UnspecFail)",
		[VS_DHCP6_NO_ADDRS_AVAIL] = "the DHCPv6 server has no address left (NoAddrsAvail)",
		[VS_DHCP6_NO_BINDING] = "the DHCPv6 server does not know the lease (NoBinding)",
		[VS_DHCP6_NOT_ON_LINK] = "the address does not belong to this network (NotOnLink)",
		[VS_DHCP6_USE_MULTICAST] = "the DHCPv6 server wants multicast, which it got (UseMulticast)",
		[VS_DHCP6_NO_PREFIX_AVAIL] = "the DHCPv6 server has no prefix left (NoPrefixAvail)",
	};
	bool known = status < sizeof(texts) / sizeof(texts[0]) && texts[status] != NULL;

	c->problem = known ? texts[status] : "the DHCPv6 server refuses for an unknown reason";
	if (c->refusal_said)
		return;
	c->refusal_said = true;
	c->ops->news(c->arg, VS_NEWS_REFUSED, NULL, c->problem);
}
