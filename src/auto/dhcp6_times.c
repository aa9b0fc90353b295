/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The times of what the DHCPv6 client holds: when it ends, and T1 and T2, when it is renewed. */

#include "dhcp6_machine.h"

#define RENEWALS_APART_S 10

vs_auto_ms vs_dhcp6_expiry(const struct vs_dhcp6_held *held)
{
	return vs_auto_end(held->obtained, held->valid_s);
}

/* What is left of a lifetime that began in the past. */
uint32_t vs_dhcp6_left_s(uint32_t lifetime_s, vs_auto_ms obtained, vs_auto_ms now)
{
	return vs_auto_left_s(now, vs_auto_end(obtained, lifetime_s));
}

/* The lifetime that counts for a renewal. Of what is to be phased out it is the valid lifetime. */
static uint32_t renewal_s(const struct vs_dhcp6_held *held, vs_auto_ms from)
{
	uint32_t preferred = vs_dhcp6_left_s(held->preferred_s, held->obtained, from);

	return preferred != 0 ? preferred : vs_dhcp6_left_s(held->valid_s, held->obtained, from);
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
		uint32_t renewal = renewal_s(h, from), valid = vs_dhcp6_left_s(h->valid_s, h->obtained, from);
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
void vs_dhcp6_choose_times(struct vs_dhcp6_client *c, vs_auto_ms from, uint32_t t1_s, uint32_t t2_s)
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
