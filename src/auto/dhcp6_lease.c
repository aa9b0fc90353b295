/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the DHCPv6 client holds: addresses and one prefix, each with a lifetime of its own. */

#include <netinet/in.h>
#include <string.h>

#include "dhcp6_machine.h"

bool vs_dhcp6_has_lease(const struct vs_dhcp6_client *c)
{
	for (uint8_t i = 0; i < c->n; i++)
		if (!c->addrs[i].declined)
			return true;
	return c->prefix.prefix_len != 0;
}

bool vs_dhcp6_has_set(const struct vs_dhcp6_client *c)
{
	for (uint8_t i = 0; i < c->n; i++)
		if (c->addrs[i].set)
			return true;
	return c->prefix.set;
}

void vs_dhcp6_as_addr(const struct vs_dhcp6_client *c, const struct vs_dhcp6_held *held, vs_auto_ms now,
		      struct vs_auto_addr *out)
{
	/* RFC 8415 section 18.2.10.1: an address says nothing about which prefixes are on the link. */
	*out = (struct vs_auto_addr){
		.ip = {.family = AF_INET6},
		.prefix_len = 128,
		.nodad = c->config->nodad,
		.no_prefix_route = true,
		.valid_s = vs_dhcp6_left_s(held->valid_s, held->obtained, now),
		.preferred_s = vs_dhcp6_left_s(held->preferred_s, held->obtained, now),
	};
	memcpy(out->ip.bytes, held->ip, 16);
}

void vs_dhcp6_set_address(struct vs_dhcp6_client *c, struct vs_dhcp6_held *held, vs_auto_ms now)
{
	struct vs_auto_addr addr;

	vs_dhcp6_as_addr(c, held, now, &addr);
	held->set = true;
	c->ops->addr_set(c->arg, &addr);
}

static void unset_address(struct vs_dhcp6_client *c, struct vs_dhcp6_held *held, vs_auto_ms now)
{
	struct vs_auto_addr addr;

	if (!held->set)
		return;
	vs_dhcp6_as_addr(c, held, now, &addr);
	held->set = false;
	c->ops->addr_del(c->arg, &addr);
}

void vs_dhcp6_remove_at(struct vs_dhcp6_client *c, uint8_t i, vs_auto_ms now)
{
	unset_address(c, &c->addrs[i], now);
	c->n--;
	memmove(&c->addrs[i], &c->addrs[i + 1], (c->n - i) * sizeof(c->addrs[0]));
}

struct vs_dhcp6_held *vs_dhcp6_find(struct vs_dhcp6_client *c, const uint8_t *ip)
{
	for (uint8_t i = 0; i < c->n; i++)
		if (memcmp(c->addrs[i].ip, ip, 16) == 0)
			return &c->addrs[i];
	return NULL;
}

/* Facts with the prefix that is held now. */
bool vs_dhcp6_say_with_prefix(struct vs_dhcp6_client *c, vs_auto_ms now, struct vs_auto_facts *facts)
{
	struct vs_dhcp6_held *p = &c->prefix;

	memset(&facts->prefix, 0, sizeof(facts->prefix));
	p->set = p->prefix_len != 0;
	facts->prefix_len = p->prefix_len;
	facts->prefix_valid_s = facts->prefix_preferred_s = 0;
	if (p->set) {
		facts->prefix.family = AF_INET6;
		memcpy(facts->prefix.bytes, p->ip, 16);
		facts->prefix_valid_s = vs_dhcp6_left_s(p->valid_s, p->obtained, now);
		facts->prefix_preferred_s = vs_dhcp6_left_s(p->preferred_s, p->obtained, now);
	}
	return vs_dhcp6_say_facts(c, facts);
}

static void say_nothing(struct vs_dhcp6_client *c)
{
	const struct vs_auto_facts none = {.mtu = 0};

	c->prefix.set = false;
	(void)vs_dhcp6_say_facts(c, &none);
}

static void keep_hint(struct vs_dhcp6_client *c, const uint8_t *ip)
{
	c->has_hint = true;
	memcpy(c->hint, ip, 16);
}

void vs_dhcp6_remember(struct vs_dhcp6_client *c, vs_auto_ms now, const struct vs_auto_lease *lease)
{
	vs_auto_ms obtained = vs_auto_earlier(lease->obtained, now);

	for (uint8_t i = 0; i < lease->n_addrs && i < VS_DHCP6_ADDRS_MAX; i++) {
		const struct vs_auto_addr *a = &lease->addrs[i];
		struct vs_dhcp6_held held = {.valid_s = a->valid_s, .preferred_s = a->preferred_s};

		memcpy(held.ip, a->ip.bytes, 16);
		held.obtained = obtained;
		if (!c->has_hint)
			keep_hint(c, held.ip);
		if (a->ip.family == AF_INET6 && vs_dhcp6_expiry(&held) > now)
			c->addrs[c->n++] = held;
	}
	c->server_len = lease->server_len <= VS_DHCP6_DUID_MAX ? lease->server_len : 0;
	memcpy(c->server, lease->server, c->server_len);
	if (c->config->pd_len != 0 && lease->prefix.family == AF_INET6 && lease->prefix_len <= 128) {
		c->prefix.prefix_len = lease->prefix_len;
		memcpy(c->prefix.ip, lease->prefix.bytes, 16);
		/* The file has no lifetimes of the prefix: as long as the addresses, or until the Rebind. */
		c->prefix.obtained = obtained;
		c->prefix.valid_s = c->n > 0 ? c->addrs[0].valid_s : 0;
		c->prefix.preferred_s = c->n > 0 ? c->addrs[0].preferred_s : 0;
	}
	c->updated = obtained;
	vs_dhcp6_choose_times(c, now, 0, 0);
}

void vs_dhcp6_set_all(struct vs_dhcp6_client *c, vs_auto_ms now)
{
	for (uint8_t i = 0; i < c->n; i++)
		if (!c->addrs[i].set && !c->addrs[i].declined)
			vs_dhcp6_set_address(c, &c->addrs[i], now);
	if (c->prefix.prefix_len != 0 && !c->prefix.set) {
		struct vs_auto_facts facts = c->facts;

		(void)vs_dhcp6_say_with_prefix(c, now, &facts);
	}
}

void vs_dhcp6_unset_all(struct vs_dhcp6_client *c, vs_auto_ms now)
{
	for (uint8_t i = 0; i < c->n; i++)
		unset_address(c, &c->addrs[i], now);
	say_nothing(c);
}

void vs_dhcp6_report_loss(struct vs_dhcp6_client *c, const char *why)
{
	say_nothing(c);
	c->ops->news(c->arg, VS_NEWS_LOST, NULL, why);
}

void vs_dhcp6_forget(struct vs_dhcp6_client *c, vs_auto_ms now, const char *why)
{
	bool had = vs_dhcp6_has_set(c);

	while (c->n > 0)
		vs_dhcp6_remove_at(c, (uint8_t)(c->n - 1), now);
	memset(&c->prefix, 0, sizeof(c->prefix));
	c->t1 = c->t2 = VS_AUTO_NEVER;
	if (had)
		vs_dhcp6_report_loss(c, why);
	c->ops->save(c->arg);
}

/* Returns whether any has been removed. */
static bool expire_addresses(struct vs_dhcp6_client *c, vs_auto_ms now)
{
	bool any = false;

	for (uint8_t i = c->n; i-- > 0;) {
		if (c->addrs[i].declined || vs_dhcp6_expiry(&c->addrs[i]) > now)
			continue;
		keep_hint(c, c->addrs[i].ip);
		vs_dhcp6_remove_at(c, i, now);
		any = true;
	}
	return any;
}

static bool expire_prefix(struct vs_dhcp6_client *c, vs_auto_ms now)
{
	struct vs_auto_facts facts = c->facts;

	if (c->prefix.prefix_len == 0 || vs_dhcp6_expiry(&c->prefix) > now)
		return false;
	memset(&c->prefix, 0, sizeof(c->prefix));
	(void)vs_dhcp6_say_with_prefix(c, now, &facts);
	return true;
}

bool vs_dhcp6_expire(struct vs_dhcp6_client *c, vs_auto_ms now)
{
	bool had = vs_dhcp6_has_set(c);
	bool addresses = expire_addresses(c, now), prefix = expire_prefix(c, now);

	if (!addresses && !prefix)
		return false;
	c->ops->save(c->arg);
	if (vs_dhcp6_has_lease(c)) {
		c->ops->news(c->arg, VS_NEWS_CHANGED, NULL, "a part of the lease has expired");
		return false;
	}
	c->t1 = c->t2 = VS_AUTO_NEVER;
	if (had)
		vs_dhcp6_report_loss(c, "the lease has expired");
	return true;
}

bool vs_dhcp6_mark_declined(struct vs_dhcp6_client *c, vs_auto_ms now, const uint8_t *ip)
{
	struct vs_dhcp6_held *held = vs_dhcp6_find(c, ip);
	struct vs_auto_addr addr;

	if (held == NULL || !held->set)
		return false;
	vs_dhcp6_as_addr(c, held, now, &addr);
	unset_address(c, held, now);
	held->declined = true;
	if (c->has_hint && memcmp(c->hint, ip, 16) == 0)
		c->has_hint = false;
	c->ops->save(c->arg);
	c->ops->news(c->arg, VS_NEWS_CONFLICT, &addr, "another host uses the address");
	if (!vs_dhcp6_has_lease(c))
		vs_dhcp6_report_loss(c, "another host uses the address");
	return true;
}

void vs_dhcp6_drop_declined(struct vs_dhcp6_client *c)
{
	for (uint8_t i = c->n; i-- > 0;)
		if (c->addrs[i].declined)
			vs_dhcp6_remove_at(c, i, 0);
}
