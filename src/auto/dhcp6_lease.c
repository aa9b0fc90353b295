/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the DHCPv6 client holds: addresses and one prefix, with their lifetimes, and the times at which they
 * are renewed.
 *
 * Each has a lifetime of its own. A Reply renews what it contains; what it does not contain goes on until
 * it expires (RFC 8415 section 18.2.10.1).
 *
 * Lifetimes count from the time at which the answered message was sent last. The Reply may have waited in the
 * socket, while the process was stopped.
 */

#include <netinet/in.h>
#include <string.h>

#include "dhcp6_machine.h"
#include "proto/ip6.h"

#define RENEWALS_APART_S 10

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

vs_auto_ms vs_dhcp6_expiry(const struct vs_dhcp6_held *held)
{
	return vs_auto_end(held->obtained, held->valid_s);
}

/* What is left of a lifetime that began in the past. */
static uint32_t left_s(uint32_t lifetime_s, vs_auto_ms obtained, vs_auto_ms now)
{
	return vs_auto_left_s(now, vs_auto_end(obtained, lifetime_s));
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
		.valid_s = left_s(held->valid_s, held->obtained, now),
		.preferred_s = left_s(held->preferred_s, held->obtained, now),
	};
	memcpy(out->ip.bytes, held->ip, 16);
}

static void set_address(struct vs_dhcp6_client *c, struct vs_dhcp6_held *held, vs_auto_ms now)
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

static void remove_at(struct vs_dhcp6_client *c, uint8_t i, vs_auto_ms now)
{
	unset_address(c, &c->addrs[i], now);
	c->n--;
	memmove(&c->addrs[i], &c->addrs[i + 1], (c->n - i) * sizeof(c->addrs[0]));
}

static struct vs_dhcp6_held *find(struct vs_dhcp6_client *c, const uint8_t *ip)
{
	for (uint8_t i = 0; i < c->n; i++)
		if (memcmp(c->addrs[i].ip, ip, 16) == 0)
			return &c->addrs[i];
	return NULL;
}

/* Facts with the prefix that is held now. */
static bool say_with_prefix(struct vs_dhcp6_client *c, vs_auto_ms now, struct vs_auto_facts *facts)
{
	struct vs_dhcp6_held *p = &c->prefix;

	memset(&facts->prefix, 0, sizeof(facts->prefix));
	p->set = p->prefix_len != 0;
	facts->prefix_len = p->prefix_len;
	facts->prefix_valid_s = facts->prefix_preferred_s = 0;
	if (p->set) {
		facts->prefix.family = AF_INET6;
		memcpy(facts->prefix.bytes, p->ip, 16);
		facts->prefix_valid_s = left_s(p->valid_s, p->obtained, now);
		facts->prefix_preferred_s = left_s(p->preferred_s, p->obtained, now);
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

/* The lifetime that counts for a renewal. Of what is to be phased out it is the valid lifetime. */
static uint32_t renewal_s(const struct vs_dhcp6_held *held, vs_auto_ms from)
{
	uint32_t preferred = left_s(held->preferred_s, held->obtained, from);

	return preferred != 0 ? preferred : left_s(held->valid_s, held->obtained, from);
}

/* The shortest lifetimes of what is held. */
struct shortest {
	uint32_t renewal_s, valid_s;
};

static void shorten(struct shortest *s, uint32_t renewal_s, uint32_t valid_s)
{
	s->renewal_s = renewal_s < s->renewal_s ? renewal_s : s->renewal_s;
	s->valid_s = valid_s < s->valid_s ? valid_s : s->valid_s;
}

/*
 * What T1 and T2 depend on. What the Reply has left out does not count: the server does not renew it, so
 * asking earlier does not help.
 */
static struct shortest find_shortest(const struct vs_dhcp6_client *c, vs_auto_ms from)
{
	struct shortest renewed = {VS_AUTO_FOREVER, VS_AUTO_FOREVER}, all = renewed;
	bool any = false;

	for (uint8_t i = 0; i <= c->n; i++) {
		const struct vs_dhcp6_held *h = i < c->n ? &c->addrs[i] : &c->prefix;

		if (h->declined || (i == c->n && h->prefix_len == 0))
			continue;
		uint32_t renewal = renewal_s(h, from), valid = left_s(h->valid_s, h->obtained, from);
		shorten(&all, renewal, valid);
		if (h->obtained != from)
			continue;
		shorten(&renewed, renewal, valid);
		any = true;
	}
	return any ? renewed : all;
}

static vs_auto_ms after(vs_auto_ms from, uint32_t seconds)
{
	return vs_auto_end(from, seconds > 0 ? seconds : 1);
}

/* A time of the server. One that is not before the end is none; infinity means never (section 7.7). */
static uint32_t judge_time(uint32_t seconds, uint32_t valid_s)
{
	return seconds != VS_AUTO_FOREVER && seconds >= valid_s ? 0 : seconds;
}

/*
 * T1 and T2 count from `from`. RFC 8415 section 21.4: 0 leaves the choice to the client. Those of section
 * 14.2: 0.5 and 0.8. Renewals are 10 s apart (REN_TIMEOUT), or an eighth of a short lease: a server cannot
 * make the client ask all the time.
 */
static void choose_times(struct vs_dhcp6_client *c, vs_auto_ms from, uint32_t t1_s, uint32_t t2_s)
{
	struct shortest s = find_shortest(c, from);
	uint32_t base = s.renewal_s;
	uint32_t half = base == VS_AUTO_FOREVER ? base : base / 2;
	uint32_t most = base == VS_AUTO_FOREVER ? base : base / 5 * 4 + base % 5 * 4 / 5;
	uint32_t least = s.valid_s / 8 < RENEWALS_APART_S ? s.valid_s / 8 : RENEWALS_APART_S;

	t1_s = judge_time(t1_s, s.valid_s);
	t2_s = judge_time(t2_s, s.valid_s);
	if (t1_s == 0)
		t1_s = t2_s != 0 && t2_s < half ? t2_s : half;
	if (t1_s < least)
		t1_s = least;
	if (t2_s == 0)
		t2_s = most > t1_s ? most : t1_s;
	if (t2_s < least)
		t2_s = least;
	c->t1 = after(from, t1_s);
	c->t2 = after(from, t2_s);
	if (c->t1 > c->t2)
		c->t1 = c->t2;
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
	choose_times(c, now, 0, 0);
}

void vs_dhcp6_set_all(struct vs_dhcp6_client *c, vs_auto_ms now)
{
	for (uint8_t i = 0; i < c->n; i++)
		if (!c->addrs[i].set && !c->addrs[i].declined)
			set_address(c, &c->addrs[i], now);
	if (c->prefix.prefix_len != 0 && !c->prefix.set) {
		struct vs_auto_facts facts = c->facts;

		(void)say_with_prefix(c, now, &facts);
	}
}

void vs_dhcp6_unset_all(struct vs_dhcp6_client *c, vs_auto_ms now)
{
	for (uint8_t i = 0; i < c->n; i++)
		unset_address(c, &c->addrs[i], now);
	say_nothing(c);
}

static void report_loss(struct vs_dhcp6_client *c, const char *why)
{
	say_nothing(c);
	c->ops->news(c->arg, VS_NEWS_LOST, NULL, why);
}

void vs_dhcp6_forget(struct vs_dhcp6_client *c, vs_auto_ms now, const char *why)
{
	bool had = vs_dhcp6_has_set(c);

	while (c->n > 0)
		remove_at(c, (uint8_t)(c->n - 1), now);
	memset(&c->prefix, 0, sizeof(c->prefix));
	c->t1 = c->t2 = VS_AUTO_NEVER;
	if (had)
		report_loss(c, why);
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
		remove_at(c, i, now);
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
	(void)say_with_prefix(c, now, &facts);
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
		report_loss(c, "the lease has expired");
	return true;
}

bool vs_dhcp6_mark_declined(struct vs_dhcp6_client *c, vs_auto_ms now, const uint8_t *ip)
{
	struct vs_dhcp6_held *held = find(c, ip);
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
		report_loss(c, "another host uses the address");
	return true;
}

void vs_dhcp6_drop_declined(struct vs_dhcp6_client *c)
{
	for (uint8_t i = c->n; i-- > 0;)
		if (c->addrs[i].declined)
			remove_at(c, i, 0);
}

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
	return left_s(lease->valid_s, c->asked, now) == 0;
}

/* Returns whether the set of addresses has changed. */
static bool accept_address(struct vs_dhcp6_client *c, vs_auto_ms now, const struct vs_dhcp6_lease *lease)
{
	struct vs_dhcp6_held *held = find(c, lease->ip);
	bool is_new = held == NULL;

	if (lease->valid_s == 0) {
		if (held != NULL)
			remove_at(c, (uint8_t)(held - c->addrs), now);
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
	set_address(c, held, now);
	return is_new;
}

static bool remove_missing(struct vs_dhcp6_client *c, vs_auto_ms now, const struct vs_dhcp6_ia *ia)
{
	bool any = false;

	for (uint8_t i = c->n; i-- > 0;) {
		if (contains(ia, c->addrs[i].ip))
			continue;
		remove_at(c, i, now);
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
	uint32_t most = c->prefix.prefix_len != 0 ? left_s(c->prefix.valid_s, c->prefix.obtained, now) : 0;

	for (uint8_t i = 0; i < c->n; i++) {
		uint32_t s = left_s(c->addrs[i].valid_s, c->addrs[i].obtained, now);

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
	choose_times(c, c->asked, earlier_s(na ? m->na.t1_s : 0, pd ? m->pd.t1_s : 0),
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
			report_loss(c, "the server has ended the lease");
		return false;
	}
	vs_dhcp6_read_facts(m, &facts);
	facts.lifetime_s = longest_s(c, now);
	changed |= say_with_prefix(c, now, &facts);
	if (c->n > 0)
		vs_dhcp6_as_addr(c, &c->addrs[0], now, &addr);
	c->ops->news(c->arg,
		     !had      ? VS_NEWS_GAINED :
		     changed   ? VS_NEWS_CHANGED :
				 VS_NEWS_RENEWED,
		     c->n > 0 ? &addr : NULL, NULL);
	return true;
}
