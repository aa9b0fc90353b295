/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * SLAAC, RFC 4862 section 5.5: one address for each prefix. The kernel looks for duplicates; the driver
 * reports the result. An address whose id can be another one, RFC 7217, is replaced then. Others are given up
 * until the link comes back, because their id cannot change.
 *
 * The prefix route is not the address's: a prefix may be for addresses and not on the link, or the reverse.
 */

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/hash_addr.h"
#include "proto/ip6.h"
#include "ra_machine.h"

#define TWO_HOURS_MS (2 * 3600 * 1000)
#define TRIES_MAX 3 /* IDGEN_RETRIES, RFC 7217 section 7 */

static bool is_set(const struct vs_ra_addr *a)
{
	return a->state == VS_RA_TENTATIVE || a->state == VS_RA_USED;
}

/* The first entry in use behind that one, or of all. */
static struct vs_ra_addr *next(struct vs_ra *m, struct vs_ra_addr *after)
{
	for (struct vs_ra_addr *a = after != NULL ? after + 1 : m->addrs; a < m->addrs + VS_RA_ADDRS_MAX; a++)
		if (a->state != VS_RA_FREE)
			return a;
	return NULL;
}

/* Tells the kernel. */
static void set(struct vs_ra *m, struct vs_ra_addr *a)
{
	a->addr.valid_s = vs_auto_left_s(m->now, a->valid);
	a->addr.preferred_s = vs_auto_left_s(m->now, a->preferred);
	m->ops->addr_set(m->arg, &a->addr);
}

/* The address of a prefix, whose bits are in a->addr.ip. */
static void choose(struct vs_ra *m, struct vs_ra_addr *a)
{
	const struct vs_auto_config *c = m->config;
	uint8_t *ip = a->addr.ip.bytes;

	memset(ip + 8, 0, 8);
	if (c->iid == VS_IID_STABLE)
		vs_stable_addr(ip, c->ifname, c->secret, &a->dad_counter);
	else if (c->iid == VS_IID_HASH && c->fqdn != NULL)
		vs_hash_addr(ip, c->fqdn, NULL, 0);
	else
		vs_eui64_addr(ip, c->mac);
	a->state = c->nodad ? VS_RA_USED : VS_RA_TENTATIVE;
	set(m, a);
	m->changed = true;
}

static void drop(struct vs_ra *m, struct vs_ra_addr *a)
{
	if (is_set(a)) {
		m->ops->addr_del(m->arg, &a->addr);
		m->changed = true;
	}
	memset(a, 0, sizeof(*a));
}

/* The entry of a prefix, or a free one, or NULL. */
static struct vs_ra_addr *find(struct vs_ra *m, const uint8_t *prefix)
{
	struct vs_ra_addr *place = NULL;

	for (struct vs_ra_addr *a = m->addrs; a < m->addrs + VS_RA_ADDRS_MAX; a++) {
		if (a->state != VS_RA_FREE && memcmp(a->addr.ip.bytes, prefix, 8) == 0)
			return a;
		if (a->state == VS_RA_FREE && place == NULL)
			place = a;
	}
	return place;
}

/*
 * New lifetimes of an address that is known, RFC 4862 section 5.5.3 e. Any host on the link can forge an
 * advertisement, so none makes the valid lifetime shorter than two hours.
 */
static void renew(struct vs_ra *m, struct vs_ra_addr *a, vs_auto_ms valid, vs_auto_ms preferred)
{
	vs_auto_ms least = m->now + TWO_HOURS_MS;

	a->stale = false;
	if (valid < least && valid < a->valid)
		valid = a->valid < least ? a->valid : least;
	if (valid == a->valid && preferred == a->preferred)
		return;
	a->valid = valid;
	a->preferred = preferred;
	if (!is_set(a))
		return;
	set(m, a);
	m->renewed = true;
}

bool vs_ra_addr_heard(struct vs_ra *m, const struct vs_ndp_prefix *prefix)
{
	struct vs_ra_addr *a = find(m, prefix->prefix);
	vs_auto_ms valid = vs_auto_end(m->now, prefix->valid_s);
	vs_auto_ms preferred = vs_auto_end(m->now, prefix->preferred_s);

	if (prefix->len != 64 || vs_ip6_is_special(prefix->prefix))
		return false; /* with an id of 64 bits it is no address: section 5.5.3 d */
	if (a != NULL && a->state != VS_RA_FREE) {
		renew(m, a, valid, preferred);
		return true;
	}
	if (prefix->valid_s == 0)
		return true;
	if (a == NULL) {
		m->problem = "there are more prefixes than 8: the others get no address";
		return true;
	}
	memset(a, 0, sizeof(*a));
	a->addr.ip.family = AF_INET6;
	memcpy(a->addr.ip.bytes, prefix->prefix, 8);
	a->addr.prefix_len = 64;
	a->addr.nodad = m->config->nodad;
	a->addr.no_prefix_route = true;
	a->valid = valid;
	a->preferred = preferred;
	choose(m, a);
	return true;
}

static void is_duplicate(struct vs_ra *m, struct vs_ra_addr *a)
{
	static const char why[] = "another host uses the address";

	m->ops->addr_del(m->arg, &a->addr);
	m->changed = true;
	a->state = VS_RA_DUPLICATE;
	a->tries++;
	m->ops->news(m->arg, VS_NEWS_CONFLICT, &a->addr, why);
	if (m->config->iid == VS_IID_STABLE && a->tries <= TRIES_MAX) {
		a->dad_counter++;
		choose(m, a);
	} else {
		m->problem = why;
	}
}

void vs_ra_addr_detected(struct vs_ra *m, const struct vs_auto_ip *ip, bool duplicate)
{
	for (struct vs_ra_addr *a = next(m, NULL); a != NULL; a = next(m, a)) {
		if (!is_set(a) || memcmp(a->addr.ip.bytes, ip->bytes, 16) != 0)
			continue;
		if (duplicate) {
			is_duplicate(m, a);
		} else if (a->state == VS_RA_TENTATIVE) {
			a->state = VS_RA_USED;
			m->changed = true;
		}
		return;
	}
}

void vs_ra_addrs_expire(struct vs_ra *m)
{
	for (struct vs_ra_addr *a = next(m, NULL); a != NULL; a = next(m, a))
		if (a->valid <= m->now)
			drop(m, a);
}

void vs_ra_addrs_stale(struct vs_ra *m)
{
	for (struct vs_ra_addr *a = next(m, NULL); a != NULL; a = next(m, a)) {
		a->stale = true;
		if (a->state == VS_RA_DUPLICATE)
			drop(m, a); /* the next advertisement makes another try */
	}
}

void vs_ra_addrs_deprecate_stale(struct vs_ra *m)
{
	for (struct vs_ra_addr *a = next(m, NULL); a != NULL; a = next(m, a)) {
		if (!a->stale || a->preferred <= m->now)
			continue;
		a->preferred = m->now;
		if (is_set(a))
			set(m, a);
		m->changed = true;
	}
}

void vs_ra_addrs_remove(struct vs_ra *m)
{
	for (struct vs_ra_addr *a = next(m, NULL); a != NULL; a = next(m, a))
		drop(m, a);
}

const struct vs_auto_addr *vs_ra_addr_usable(struct vs_ra *m)
{
	for (struct vs_ra_addr *a = next(m, NULL); a != NULL; a = next(m, a)) {
		if (a->state != VS_RA_USED)
			continue;
		a->addr.valid_s = vs_auto_left_s(m->now, a->valid);
		a->addr.preferred_s = vs_auto_left_s(m->now, a->preferred);
		return &a->addr;
	}
	return NULL;
}

size_t vs_ra_addrs_set(const struct vs_ra *m, struct vs_auto_addr *out, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < VS_RA_ADDRS_MAX && count < n; i++) {
		const struct vs_ra_addr *a = &m->addrs[i];
		if (!is_set(a))
			continue;
		out[count] = a->addr;
		out[count].valid_s = vs_auto_left_s(m->now, a->valid);
		out[count++].preferred_s = vs_auto_left_s(m->now, a->preferred);
	}
	return count;
}

void vs_ra_derive_secret(uint8_t secret[16], const char *stack, const char *ifname)
{
	uint8_t out[16], block[16];
	char name[128];

	(void)snprintf(name, sizeof(name), "%s/%s", stack, ifname);
	for (uint8_t i = 0; i < 2; i++) {
		uint8_t counter = 0;
		memset(block, i, sizeof(block));
		vs_stable_addr(block, name, secret, &counter);
		memcpy(out + (size_t)8 * i, block + 8, 8);
	}
	memcpy(secret, out, sizeof(out));
}

vs_auto_ms vs_ra_addrs_deadline(const struct vs_ra *m)
{
	vs_auto_ms first = VS_AUTO_NEVER;

	for (size_t i = 0; i < VS_RA_ADDRS_MAX; i++)
		if (m->addrs[i].state != VS_RA_FREE && m->addrs[i].valid < first)
			first = m->addrs[i].valid;
	return first;
}
