/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the DHCPv6 client does with an Advertise or a Reply (RFC 8415 sections 16, 18.2.9, 18.2.10).
 *
 * A message is checked before anything is done with it: it is of the exchange under way, for this client and,
 * where one server was asked, of this server. Others are ignored and counted. A Reconfigure is ignored, as no
 * message of ours says that it is accepted.
 */

#include <string.h>

#include "dhcp6_machine.h"

/* More servers get this time to answer, once one has. The RFC waits for the first RT, 1 s. */
#define COLLECT_MS 50
#define PREFERENCE_MAX 255

/* RFC 8415 sections 21.24 and 21.25: other values must be ignored. */
#define MAX_RT_LEAST_S 60
#define MAX_RT_MOST_S 86400

/* RFC 8415 section 7.6: IRT_DEFAULT, IRT_MINIMUM. */
#define REFRESH_DEFAULT_S 86400
#define REFRESH_LEAST_S 600

static bool equal(const struct vs_dhcp6_bytes *duid, const uint8_t *bytes, uint8_t n)
{
	return duid->n == n && memcmp(duid->bytes, bytes, n) == 0;
}

static bool awaited(const struct vs_dhcp6_client *c, const struct vs_dhcp6 *m)
{
	bool waits = c->tries != 0 && c->state != VS_DHCP6_S_BOUND && c->state != VS_DHCP6_S_INFORMED &&
		     c->state != VS_DHCP6_S_STOPPED;

	if (m->type == VS_DHCP6_ADVERTISE)
		return waits && c->state == VS_DHCP6_S_SOLICIT;
	return waits && m->type == VS_DHCP6_REPLY;
}

/* The exchanges with one server. */
static bool from_server(const struct vs_dhcp6_client *c, const struct vs_dhcp6 *m)
{
	switch (c->state) {
	case VS_DHCP6_S_REQUEST:
		return equal(&m->server, c->offer.server, c->offer.server_len);
	case VS_DHCP6_S_RENEW:
	case VS_DHCP6_S_DECLINE:
	case VS_DHCP6_S_RELEASE:
		return equal(&m->server, c->server, c->server_len);
	default:
		return true;
	}
}

/* RFC 8415 sections 16.3 and 16.10. Returns VS_IGNORED_N if the message is to be used. */
static enum vs_auto_ignored check(const struct vs_dhcp6_client *c, const struct vs_dhcp6 *m)
{
	if (!awaited(c, m))
		return VS_IGNORED_STATE;
	if (m->xid != c->xid)
		return VS_IGNORED_XID;
	if (m->client.bytes == NULL || !equal(&m->client, c->duid, c->duid_len))
		return VS_IGNORED_CLIENT;
	if (m->server.bytes == NULL)
		return VS_IGNORED_CONTENT;
	return from_server(c, m) ? VS_IGNORED_N : VS_IGNORED_SERVER;
}

static void take_max_rt(struct vs_dhcp6_client *c, const struct vs_dhcp6 *m)
{
	if (m->sol_max_rt_s >= MAX_RT_LEAST_S && m->sol_max_rt_s <= MAX_RT_MOST_S)
		c->sol_max_rt_s = m->sol_max_rt_s;
	if (m->inf_max_rt_s >= MAX_RT_LEAST_S && m->inf_max_rt_s <= MAX_RT_MOST_S)
		c->inf_max_rt_s = m->inf_max_rt_s;
}

static bool has_addr(const struct vs_dhcp6_ia *ia)
{
	for (uint8_t i = 0; ia->present && ia->status == VS_DHCP6_SUCCESS && i < ia->n; i++)
		if (ia->leases[i].valid_s != 0 && vs_dhcp6_lease_usable(&ia->leases[i]))
			return true;
	return false;
}

/* What a message says if it gives nothing. */
static uint16_t reason(const struct vs_dhcp6 *m)
{
	if (m->status != VS_DHCP6_SUCCESS)
		return m->status;
	return m->na.status != VS_DHCP6_SUCCESS ? m->na.status : VS_DHCP6_NO_ADDRS_AVAIL;
}

/*
 * How good an Advertise or Reply is; 0: it gives nothing. One with an address is better than one with a
 * prefix alone. Then comes the server's preference, then whether there is a prefix too.
 */
static uint32_t rank(const struct vs_dhcp6_client *c, const struct vs_dhcp6 *m)
{
	bool na = has_addr(&m->na), pd = c->config->pd_len != 0 && has_addr(&m->pd);

	if (m->status != VS_DHCP6_SUCCESS || (!na && !pd))
		return 0;
	return (na ? 1024u : 0) + 2u * m->preference + (pd ? 1 : 0) + 1;
}

static void copy_offer(struct vs_dhcp6_client *c, const struct vs_dhcp6 *m, uint32_t ranking)
{
	struct vs_dhcp6_offer *o = &c->offer;

	memset(o, 0, sizeof(*o));
	o->rank = ranking;
	o->server_len = (uint8_t)m->server.n;
	memcpy(o->server, m->server.bytes, m->server.n);
	for (uint8_t i = 0; has_addr(&m->na) && i < m->na.n; i++)
		if (m->na.leases[i].valid_s != 0 && vs_dhcp6_lease_usable(&m->na.leases[i]))
			memcpy(o->addrs[o->n_addrs++], m->na.leases[i].ip, 16);
	for (uint8_t i = 0; c->config->pd_len != 0 && has_addr(&m->pd) && i < m->pd.n; i++) {
		if (o->prefix_len != 0 || !vs_dhcp6_lease_usable(&m->pd.leases[i]))
			continue;
		o->prefix_len = m->pd.leases[i].prefix_len;
		memcpy(o->prefix, m->pd.leases[i].ip, 16);
	}
}

static void advertised(struct vs_dhcp6_client *c, vs_auto_ms now, const struct vs_dhcp6 *m)
{
	bool silent = equal(&m->server, c->silent, c->silent_len);
	uint32_t ranking = rank(c, m);

	if (ranking == 0) {
		vs_dhcp6_refused(c, reason(m));
		return;
	}
	if (silent)
		ranking = 1; /* less than any other */
	if (c->offer.rank == 0)
		c->collected = now + COLLECT_MS < c->next ? now + COLLECT_MS : c->next;
	if (ranking > c->offer.rank)
		copy_offer(c, m, ranking);
	/* Section 18.2.1: the highest preference ends the search, and so does the end of the first RT. */
	if (!silent && (m->preference == PREFERENCE_MAX || c->tries > 1))
		vs_dhcp6_take_offer(c, now);
}

static void bound(struct vs_dhcp6_client *c, vs_auto_ms now, const struct vs_dhcp6 *m,
		  const struct vs_auto_ip *server_ip, bool all)
{
	c->silence_said = c->refusal_said = false;
	c->silent_len = 0;
	if (!vs_dhcp6_accept(c, now, m, server_ip, all)) {
		vs_dhcp6_search(c, now);
		return;
	}
	if (c->config->pd_len != 0 && c->prefix.prefix_len == 0)
		c->problem = "the DHCPv6 server has delegated no prefix";
	vs_dhcp6_enter(c, now, VS_DHCP6_S_BOUND, 0);
}

/* RFC 8415 section 18.2.1: a Reply to a Solicit has a Rapid Commit option, or it must be ignored. */
static enum vs_auto_ignored rapid(struct vs_dhcp6_client *c, vs_auto_ms now, const struct vs_dhcp6 *m,
				  const struct vs_auto_ip *server_ip)
{
	if (!c->config->rapid || !m->rapid)
		return VS_IGNORED_STATE;
	if (rank(c, m) == 0)
		vs_dhcp6_refused(c, reason(m));
	else
		bound(c, now, m, server_ip, true);
	return VS_IGNORED_N;
}

/* A server that cannot answer now is asked again, at the times of the retransmissions. */
static bool is_temporary(uint16_t status)
{
	return status == VS_DHCP6_UNSPEC_FAIL || status == VS_DHCP6_USE_MULTICAST;
}

static void requested(struct vs_dhcp6_client *c, vs_auto_ms now, const struct vs_dhcp6 *m,
		      const struct vs_auto_ip *server_ip)
{
	if (rank(c, m) != 0) {
		bound(c, now, m, server_ip, true);
		return;
	}
	vs_dhcp6_refused(c, reason(m));
	if (!is_temporary(m->status))
		vs_dhcp6_search(c, now);
}

static bool without_binding(const struct vs_dhcp6_client *c, const struct vs_dhcp6 *m)
{
	return m->status == VS_DHCP6_NO_BINDING || m->na.status == VS_DHCP6_NO_BINDING ||
	       (c->config->pd_len != 0 && c->prefix.prefix_len != 0 && m->pd.status == VS_DHCP6_NO_BINDING);
}

/* Section 18.2.10.1: the server does not know the lease. It is asked for the same addresses. */
static void request_again(struct vs_dhcp6_client *c, vs_auto_ms now, const struct vs_dhcp6 *m)
{
	struct vs_dhcp6_offer *o = &c->offer;

	memset(o, 0, sizeof(*o));
	o->rank = 1;
	o->server_len = (uint8_t)m->server.n;
	memcpy(o->server, m->server.bytes, m->server.n);
	for (uint8_t i = 0; i < c->n; i++)
		if (!c->addrs[i].declined)
			memcpy(o->addrs[o->n_addrs++], c->addrs[i].ip, 16);
	o->prefix_len = c->prefix.prefix_len;
	memcpy(o->prefix, c->prefix.ip, 16);
	vs_dhcp6_take_offer(c, now);
}

/* A Reply to a Renew, or to a Rebind. One that does not help leaves the exchange as it is. */
static enum vs_auto_ignored renewed(struct vs_dhcp6_client *c, vs_auto_ms now, const struct vs_dhcp6 *m,
				    const struct vs_auto_ip *server_ip)
{
	if (without_binding(c, m)) {
		vs_dhcp6_refused(c, VS_DHCP6_NO_BINDING);
		request_again(c, now, m);
		return VS_IGNORED_N;
	}
	if (m->status != VS_DHCP6_SUCCESS) {
		vs_dhcp6_refused(c, m->status);
		return VS_IGNORED_N;
	}
	if (vs_dhcp6_mentions_lease(c, m)) {
		c->failures = 0;
		bound(c, now, m, server_ip, false);
		return VS_IGNORED_N;
	}
	if (m->na.status != VS_DHCP6_SUCCESS)
		vs_dhcp6_refused(c, m->na.status);
	return VS_IGNORED_CONTENT;
}

/* Section 18.2.10.3. The Renew that follows brings name servers and exact lifetimes. */
static enum vs_auto_ignored confirmed(struct vs_dhcp6_client *c, vs_auto_ms now, const struct vs_dhcp6 *m,
				      const struct vs_auto_ip *server_ip)
{
	if (m->status == VS_DHCP6_NOT_ON_LINK) {
		vs_dhcp6_refused(c, m->status);
		c->has_hint = false;
		vs_dhcp6_forget(c, now, "the address does not belong to this network");
		vs_dhcp6_search(c, now);
		return VS_IGNORED_N;
	}
	if (c->prefix.prefix_len != 0) /* it was a Rebind */
		return renewed(c, now, m, server_ip);
	if (m->status != VS_DHCP6_SUCCESS) {
		vs_dhcp6_refused(c, m->status);
		return VS_IGNORED_N;
	}
	c->failures = 0;
	vs_dhcp6_resume(c, now);
	vs_dhcp6_enter(c, now, c->server_len != 0 ? VS_DHCP6_S_RENEW : VS_DHCP6_S_REBIND, 0);
	return VS_IGNORED_N;
}

/* Section 21.23: how long information is good for; infinity is possible. */
static uint32_t refresh_s(const struct vs_dhcp6 *m)
{
	uint32_t seconds = m->refresh_s != 0 ? m->refresh_s : REFRESH_DEFAULT_S;

	return seconds < REFRESH_LEAST_S ? REFRESH_LEAST_S : seconds;
}

static void informed(struct vs_dhcp6_client *c, vs_auto_ms now, const struct vs_dhcp6 *m,
		     const struct vs_auto_ip *server_ip)
{
	struct vs_auto_facts facts;
	bool first = c->server_len == 0;

	if (m->status != VS_DHCP6_SUCCESS) {
		vs_dhcp6_refused(c, m->status);
		return;
	}
	c->silence_said = c->refusal_said = false;
	c->problem = NULL;
	c->server_len = (uint8_t)m->server.n;
	memcpy(c->server, m->server.bytes, m->server.n);
	c->server_ip = *server_ip;
	c->refresh = vs_auto_end(c->asked, refresh_s(m));
	vs_dhcp6_read_facts(m, &facts);
	facts.lifetime_s = vs_auto_left_s(now, c->refresh);
	bool changed = vs_dhcp6_say_facts(c, &facts);
	vs_dhcp6_enter(c, now, VS_DHCP6_S_INFORMED, 0);
	c->ops->news(c->arg,
		     first     ? VS_NEWS_GAINED :
		     changed   ? VS_NEWS_CHANGED :
				 VS_NEWS_RENEWED,
		     NULL, NULL);
}

/* Returns VS_IGNORED_N if the Reply was used. */
static enum vs_auto_ignored replied(struct vs_dhcp6_client *c, vs_auto_ms now, const struct vs_dhcp6 *m,
				    const struct vs_auto_ip *server_ip)
{
	switch (c->state) {
	case VS_DHCP6_S_SOLICIT:
		return rapid(c, now, m, server_ip);
	case VS_DHCP6_S_RENEW:
	case VS_DHCP6_S_REBIND:
		return renewed(c, now, m, server_ip);
	case VS_DHCP6_S_CONFIRM:
		return confirmed(c, now, m, server_ip);
	case VS_DHCP6_S_REQUEST:
		requested(c, now, m, server_ip);
		break;
	case VS_DHCP6_S_INFORM:
		informed(c, now, m, server_ip);
		break;
	case VS_DHCP6_S_DECLINE: /* any status ends it, section 18.2.10.2 */
		vs_dhcp6_declined(c, now);
		break;
	case VS_DHCP6_S_RELEASE:
		vs_dhcp6_released(c, now);
		break;
	default:
		break;
	}
	return VS_IGNORED_N;
}

void vs_dhcp6_input(struct vs_dhcp6_client *c, vs_auto_ms now, const struct vs_auto_packet *packet)
{
	enum vs_auto_ignored why = VS_IGNORED_SENDER;
	struct vs_dhcp6 m;

	if (packet->way == VS_WAY_UDP6)
		why = vs_dhcp6_parse(packet->bytes, packet->n, c->iaid, &m) == VS_DHCP6_OK ?
			      check(c, &m) :
			      VS_IGNORED_MALFORMED;
	if (why == VS_IGNORED_N) {
		take_max_rt(c, &m);
		if (m.type == VS_DHCP6_ADVERTISE)
			advertised(c, now, &m);
		else
			why = replied(c, now, &m, &packet->peer);
	}
	if (why != VS_IGNORED_N)
		c->ignored[why]++;
	else
		c->received++;
}
