/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a Reply changes in what the DHCPv6 client holds.
 *
 * A Reply renews what it contains; what it does not contain goes on until it expires (RFC 8415 section
 * 18.2.10.1).
 *
 * Lifetimes count from the time at which the answered message was sent last. The Reply may have waited in the
 * socket, while the process was stopped.
 */

#include <string.h>

#include "dhcp6_machine.h"
#include "proto/ip6.h"

/* A unicast address that is valid beyond the link. */
bool vs_dhcp6_lease_usable(const struct vs_dhcp6_lease *lease)
{
	return lease->status == VS_DHCP6_SUCCESS && lease->prefix_len != 0 && vs_ip6_is_host(lease->ip) &&
	       !vs_ip6_is_link_local(lease->ip);
}

static bool has_usable(const struct vs_dhcp6_ia *ia)
{
	for (uint8_t i = 0; ia->present && ia->status == VS_DHCP6_SUCCESS && i < ia->n; i++)
		if (vs_dhcp6_lease_usable(&ia->leases[i]))
			return true;
	return false;
}

bool vs_dhcp6_mentions_lease(const struct vs_dhcp6_client *c, const struct vs_dhcp6 *m)
{
	return has_usable(&m->na) || (c->config->pd_len != 0 && has_usable(&m->pd));
}

static bool contains(const struct vs_dhcp6_ia *ia, const uint8_t *ip)
{
	for (uint8_t i = 0; i < ia->n; i++)
		if (memcmp(ia->leases[i].ip, ip, 16) == 0 && ia->leases[i].valid_s != 0)
			return true;
	return false;
}

/* The Reply has waited longer than this lease lasts. */
static bool over(const struct vs_dhcp6_client *c, const struct vs_dhcp6_lease *lease, vs_auto_ms now)
{
	return vs_dhcp6_left_s(lease->valid_s, c->asked, now) == 0;
}

/* Returns whether the set of addresses has changed. */
static bool accept_address(struct vs_dhcp6_client *c, vs_auto_ms now, const struct vs_dhcp6_lease *lease)
{
	struct vs_dhcp6_held *held = vs_dhcp6_find(c, lease->ip);
	bool is_new = held == NULL;

	if (lease->valid_s == 0) {
		if (held != NULL)
			vs_dhcp6_remove_at(c, (uint8_t)(held - c->addrs), now);
		return held != NULL;
	}
	if (over(c, lease, now) || (is_new && c->n == VS_DHCP6_ADDRS_MAX))
		return false;
	if (is_new)
		held = &c->addrs[c->n++];
	*held = (struct vs_dhcp6_held){.set = !is_new && held->set};
	memcpy(held->ip, lease->ip, 16);
	held->valid_s = lease->valid_s;
	held->preferred_s = lease->preferred_s;
	held->obtained = c->asked;
	vs_dhcp6_set_address(c, held, now);
	return is_new;
}

static bool remove_missing(struct vs_dhcp6_client *c, vs_auto_ms now, const struct vs_dhcp6_ia *ia)
{
	bool any = false;

	for (uint8_t i = c->n; i-- > 0;) {
		if (contains(ia, c->addrs[i].ip))
			continue;
		vs_dhcp6_remove_at(c, i, now);
		any = true;
	}
	return any;
}

static bool accept_addresses(struct vs_dhcp6_client *c, vs_auto_ms now, const struct vs_dhcp6_ia *ia,
			     bool all)
{
	bool changed = all && remove_missing(c, now, ia);

	/* Those that end come first: they make room. */
	for (int pass = 0; pass < 2; pass++)
		for (uint8_t i = 0; i < ia->n; i++)
			if ((ia->leases[i].valid_s == 0) == (pass == 0) &&
			    vs_dhcp6_lease_usable(&ia->leases[i]))
				changed |= accept_address(c, now, &ia->leases[i]);
	return changed;
}

/* The first prefix with a lifetime is taken. */
static void accept_prefix(struct vs_dhcp6_client *c, vs_auto_ms now, const struct vs_dhcp6_ia *ia, bool all)
{
	struct vs_dhcp6_held *p = &c->prefix;

	if (all)
		memset(p, 0, sizeof(*p));
	for (uint8_t i = 0; i < ia->n; i++) {
		const struct vs_dhcp6_lease *lease = &ia->leases[i];
		bool same = p->prefix_len == lease->prefix_len && memcmp(p->ip, lease->ip, 16) == 0;

		if (!vs_dhcp6_lease_usable(lease) || (lease->valid_s != 0 && over(c, lease, now)))
			continue;
		if (lease->valid_s == 0) {
			if (same)
				memset(p, 0, sizeof(*p));
			continue;
		}
		p->prefix_len = lease->prefix_len;
		memcpy(p->ip, lease->ip, 16);
		p->valid_s = lease->valid_s;
		p->preferred_s = lease->preferred_s;
		p->obtained = c->asked;
		return;
	}
}

/* The earlier of two times in an IA; 0 is none. */
static uint32_t earlier_s(uint32_t a, uint32_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

static uint32_t longest_s(const struct vs_dhcp6_client *c, vs_auto_ms now)
{
	uint32_t most = c->prefix.prefix_len != 0 ?
				vs_dhcp6_left_s(c->prefix.valid_s, c->prefix.obtained, now) :
				0;

	for (uint8_t i = 0; i < c->n; i++) {
		uint32_t s = vs_dhcp6_left_s(c->addrs[i].valid_s, c->addrs[i].obtained, now);

		most = s > most ? s : most;
	}
	return most;
}

static bool take_lease(struct vs_dhcp6_client *c, vs_auto_ms now, const struct vs_dhcp6 *m, bool all)
{
	static const struct vs_dhcp6_ia none;
	bool pd = c->config->pd_len != 0 && m->pd.present && m->pd.status == VS_DHCP6_SUCCESS;
	bool na = m->na.present && m->na.status == VS_DHCP6_SUCCESS;
	bool changed = accept_addresses(c, now, na ? &m->na : &none, all);

	accept_prefix(c, now, pd ? &m->pd : &none, all);
	vs_dhcp6_choose_times(c, c->asked, earlier_s(na ? m->na.t1_s : 0, pd ? m->pd.t1_s : 0),
		     earlier_s(na ? m->na.t2_s : 0, pd ? m->pd.t2_s : 0));
	return changed;
}

bool vs_dhcp6_accept(struct vs_dhcp6_client *c, vs_auto_ms now, const struct vs_dhcp6 *m,
		     const struct vs_auto_ip *server_ip, bool all)
{
	struct vs_auto_facts facts;
	struct vs_auto_addr addr;
	bool had = vs_dhcp6_has_set(c);
	bool changed = take_lease(c, now, m, all);

	c->updated = c->asked;
	c->server_len = (uint8_t)m->server.n;
	memcpy(c->server, m->server.bytes, m->server.n);
	c->server_ip = *server_ip;
	c->problem = NULL;
	c->ops->save(c->arg);
	if (!vs_dhcp6_has_lease(c)) {
		if (had)
			vs_dhcp6_report_loss(c, "the server has ended the lease");
		return false;
	}
	vs_dhcp6_read_facts(m, &facts);
	facts.lifetime_s = longest_s(c, now);
	changed |= vs_dhcp6_say_with_prefix(c, now, &facts);
	if (c->n > 0)
		vs_dhcp6_as_addr(c, &c->addrs[0], now, &addr);
	c->ops->news(c->arg,
		     !had      ? VS_NEWS_GAINED :
		     changed   ? VS_NEWS_CHANGED :
				 VS_NEWS_RENEWED,
		     c->n > 0 ? &addr : NULL, NULL);
	return true;
}
