/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What an advertisement says, into the tables. What it leaves out stays as it was: RFC 4861 section 6.3.4.
 */

#include <string.h>
#include <sys/socket.h>

#include "ra_machine.h"

#define JUDGEMENT_MS 4000 /* every router has answered: MIN_DELAY_BETWEEN_RAS and MAX_RA_DELAY_TIME */

static void hear_routes(struct vs_ra *m, const struct vs_ndp_ra *ra, const struct vs_auto_ip *router)
{
	struct vs_auto_route route = { .dst.family = AF_INET6, .gw = *router, .lifetime_s = ra->lifetime_s };
	int8_t preference = ra->preference;

	for (unsigned i = 0; i < ra->n_routes; i++) {
		const struct vs_ndp_route *r = &ra->routes[i];
		if (r->len == 0) { /* says more about the default route: RFC 4191 section 3.1 */
			route.lifetime_s = r->lifetime_s;
			preference = r->preference;
			continue;
		}
		struct vs_auto_route more = { .prefix_len = r->len, .gw = *router };
		more.lifetime_s = r->lifetime_s;
		more.dst.family = AF_INET6;
		memcpy(more.dst.bytes, r->prefix, 16);
		if (!vs_ra_route_heard(m, VS_RA_MORE, &more, r->preference))
			m->problem = "there are more routes than 8: the others are not used";
	}
	if (!vs_ra_route_heard(m, VS_RA_DEFAULT, &route, preference))
		m->problem = "there are more routers than 8: the others are not used";
}

/* Returns false if a prefix of them cannot be used. */
static bool hear_prefixes(struct vs_ra *m, const struct vs_ndp_ra *ra)
{
	bool good = true;

	for (unsigned i = 0; i < ra->n_prefixes; i++) {
		const struct vs_ndp_prefix *p = &ra->prefixes[i];
		if (p->on_link && p->len == 0) {
			good = false; /* no host is reached through a router then */
		} else if (p->on_link) {
			struct vs_auto_route route = { .prefix_len = p->len, .lifetime_s = p->valid_s };
			route.dst.family = AF_INET6;
			memcpy(route.dst.bytes, p->prefix, 16);
			if (!vs_ra_route_heard(m, VS_RA_ON_LINK, &route, VS_NDP_MEDIUM))
				m->problem = "there are more prefixes than 8: the others are not used";
		}
		if (p->autonomous && m->config->iid != VS_IID_NONE && !vs_ra_addr_heard(m, p))
			good = false;
	}
	return good;
}

static void hear_facts(struct vs_ra *m, const struct vs_ndp_ra *ra)
{
	for (unsigned i = 0; i < ra->n_dns; i++)
		vs_ra_server_heard(m, &ra->dns[i]);
	for (unsigned i = 0; i < ra->n_search; i++)
		vs_ra_domain_heard(m, &ra->search[i]);
	if (ra->mtu != 0 && ra->mtu <= UINT16_MAX && m->mtu != ra->mtu) {
		m->mtu = (uint16_t)ra->mtu;
		m->changed = m->new_facts = true;
	}
}

/* The M and O flags: each is reported once for a search. M includes O, RFC 4861 section 4.2. */
static void hear_flags(struct vs_ra *m, const struct vs_ndp_ra *ra)
{
	if (ra->managed && !m->said_managed) {
		m->said_managed = true;
		m->ops->news(m->arg, VS_NEWS_MANAGED, NULL, NULL);
	} else if (ra->other && !m->said_managed && !m->said_other) {
		m->said_other = true;
		m->ops->news(m->arg, VS_NEWS_OTHER, NULL, NULL);
	}
}

void vs_ra_hear(struct vs_ra *m, const struct vs_ndp_ra *ra, const struct vs_auto_ip *router)
{
	m->received++;
	if (ra->lifetime_s != 0) /* others do not end the search: RFC 7559 section 2.1 */
		m->next = VS_AUTO_NEVER;
	m->unanswered = 0;
	if (m->doubtful)
		m->judgement = m->now + JUDGEMENT_MS;
	m->doubtful = false;
	hear_routes(m, ra, router);
	if (!hear_prefixes(m, ra) || ra->refused > 0)
		m->ignored[VS_IGNORED_CONTENT]++;
	hear_facts(m, ra);
	hear_flags(m, ra);
}
