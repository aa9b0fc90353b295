/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Router discovery (RFC 4861 section 6.3) and SLAAC (RFC 4862), for one interface.
 *
 *            start                  a router answers
 *   INIT ──────────▶ SOLICITING ─────────────────────▶ CONFIGURED
 *                        ▲                                 │
 *                        └──────── no router is left ──────┘
 *
 * The kernel could do most of this, but it keeps whatever an advertisement brings: two thousand forged ones
 * are two thousand routes (tests/kernel/ra.c). So the kernel takes only the MTU and the timers of neighbour
 * discovery. Routes, prefixes, name servers and addresses are in tables of a fixed size here. The kernel gets
 * them with their lifetimes, so they end in time even if this process is stopped.
 *
 * Solicitations are sent at once, and then less and less often for as long as no router answers (RFC 7559).
 * The link-local address may still be tentative: the first one is sent from it as an optimistic address
 * (RFC 4429), without our MAC address in it. Where the kernel refuses that, the next one is sent as soon as
 * the address is known to be ours.
 *
 * When the carrier was away, another network may be there. What was learned stays, but is marked stale.
 * Advertisements take the mark away. Some seconds after the first of them, what is still stale goes. Routes
 * and name servers are removed. Addresses are deprecated: if it is the same network, connections go on.
 *
 * An advertisement costs a few messages to the kernel. More than eight per second, beyond a first burst, are
 * dropped before they are parsed.
 */

#include "ra.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/ip6.h"
#include "ra_machine.h"

#define FIRST_INTERVAL_MS 4000   /* RTR_SOLICITATION_INTERVAL, RFC 4861 section 10 */
#define LAST_INTERVAL_MS 3600000 /* SOL_MAX_RT of RFC 7559 section 2 */
#define RESTART_DELAY_MS 1000    /* MAX_RTR_SOLICITATION_DELAY */
#define BURST 16
#define REFILL_MS 125

#define ALL_IIDS (1u << VS_IID_NONE | 1u << VS_IID_EUI64 | 1u << VS_IID_STABLE | 1u << VS_IID_HASH)

const struct vs_ra_sysctl vs_ra_sysctls[] = {
	{ "accept_ra", "2", ALL_IIDS }, /* in a stack that forwards, too */
	{ "accept_ra_defrtr", "0", ALL_IIDS },
	{ "accept_ra_pinfo", "0", ALL_IIDS },
	{ "accept_ra_rt_info_max_plen", "0", ALL_IIDS },
	{ "accept_ra_mtu", "1", ALL_IIDS },
	{ "autoconf", "0", ALL_IIDS },
	{ "router_solicitations", "0", ALL_IIDS },
	/* Also a random delay before duplicates are looked for, which is for the first packet of a host. */
	{ "router_solicitation_delay", "0", ALL_IIDS },
	{ "optimistic_dad", "1", ALL_IIDS },
	/* The link-local address: writing the secret selects addr_gen_mode 2. */
	{ "stable_secret", NULL, 1u << VS_IID_STABLE },
	{ NULL, NULL, 0 },
};

static const char INIT[] = "INIT", SOLICITING[] = "SOLICITING", CONFIGURED[] = "CONFIGURED", DOWN[] = "DOWN";

/* ------------------------------------------------------------------ solicitations */

/* A random part of up to a tenth of a time, RFC 7559: -0.1 to 0.1. */
static vs_auto_ms jitter(struct vs_ra *m, vs_auto_ms ms)
{
	uint16_t r;

	m->ops->random(m->arg, &r, sizeof(r));
	return ms * ((int)(r % 2001) - 1000) / 10000;
}

static void solicit(struct vs_ra *m)
{
	static const struct vs_auto_ip all_routers = { AF_INET6, { 0xff, 0x02, [15] = 2 } };
	uint8_t bytes[VS_NDP_RS_MAX];
	struct vs_auto_packet packet = {
		.way = VS_WAY_ICMP6, .bytes = bytes, .peer = all_routers, .hop_limit = 255
	};

	packet.n = vs_ndp_rs_encode(bytes, m->has_address ? m->config->mac : NULL);
	m->interval_ms = m->interval_ms == 0 ? FIRST_INTERVAL_MS : 2 * m->interval_ms;
	if (m->interval_ms > LAST_INTERVAL_MS)
		m->interval_ms = LAST_INTERVAL_MS;
	m->interval_ms += jitter(m, m->interval_ms);
	m->next = m->now + m->interval_ms;
	m->last = m->now;
	m->sent++;
	if (m->unanswered++ == 1)
		m->ops->news(m->arg, VS_NEWS_SILENT, NULL, "no router answers");
	m->ops->send(m->arg, &packet);
}

/* Begins to search for routers. */
static void search_from(struct vs_ra *m, vs_auto_ms when)
{
	m->interval_ms = 0;
	m->unanswered = 0;
	m->next = when;
}

/*
 * Searches again when the last router is gone: not all hosts at the same time, and not faster than RFC 4861
 * section 6.3.7 allows, as a forged advertisement may be the reason.
 */
static void search_if_no_router(struct vs_ra *m)
{
	if (!m->up || m->next != VS_AUTO_NEVER || vs_ra_has_route(m, VS_RA_DEFAULT))
		return;
	vs_auto_ms when = m->now + RESTART_DELAY_MS / 2 + jitter(m, 5 * RESTART_DELAY_MS);
	if (when < m->last + FIRST_INTERVAL_MS)
		when = m->last + FIRST_INTERVAL_MS;
	search_from(m, when);
}

/* ------------------------------------------------------------------ the end of each call */

static bool is_ready(struct vs_ra *m)
{
	if (m->config->iid != VS_IID_NONE)
		return vs_ra_addr_usable(m) != NULL;
	return vs_ra_has_route(m, VS_RA_DEFAULT) || vs_ra_has_route(m, VS_RA_MORE) ||
	       vs_ra_has_route(m, VS_RA_ON_LINK) || m->dns[0].end != 0;
}

static void report_facts(struct vs_ra *m)
{
	struct vs_auto_facts facts;

	vs_ra_facts(m, &facts);
	m->new_facts = false;
	m->ops->facts(m->arg, &facts);
}

static void report_news(struct vs_ra *m)
{
	const struct vs_auto_addr *about = vs_ra_addr_usable(m);
	bool ready = is_ready(m);

	if (ready && !m->gained)
		m->ops->news(m->arg, VS_NEWS_GAINED, about, NULL);
	else if (!ready && m->gained)
		m->ops->news(m->arg, VS_NEWS_LOST, NULL, NULL);
	else if (ready && m->changed)
		m->ops->news(m->arg, VS_NEWS_CHANGED, about, NULL);
	else if (ready && m->renewed)
		m->ops->news(m->arg, VS_NEWS_RENEWED, about, NULL);
	m->gained = ready;
	m->changed = m->renewed = false;
}

static void enter_state(struct vs_ra *m)
{
	const char *state = !m->running                ? INIT
			    : !m->up                   ? DOWN
			    : m->next != VS_AUTO_NEVER ? SOLICITING
						       : CONFIGURED;

	if (state != m->state)
		m->since = m->now;
	m->state = state;
}

static void settle(struct vs_ra *m)
{
	if (m->running)
		search_if_no_router(m);
	if (m->new_facts)
		report_facts(m);
	report_news(m);
	enter_state(m);
}

static void expire(struct vs_ra *m)
{
	vs_ra_routes_expire(m);
	vs_ra_addrs_expire(m);
	vs_ra_names_expire(m);
	if (m->judgement > m->now)
		return;
	m->judgement = VS_AUTO_NEVER;
	vs_ra_routes_drop_stale(m);
	vs_ra_addrs_deprecate_stale(m);
	vs_ra_names_drop_stale(m);
}

/* ------------------------------------------------------------------ advertisements */

/* Takes a token, if there is one. */
static bool may_process(struct vs_ra *m)
{
	vs_auto_ms n = (m->now - m->refilled) / REFILL_MS;

	m->refilled += n * REFILL_MS;
	m->tokens = n < (vs_auto_ms)(BURST - m->tokens) ? m->tokens + (unsigned)n : BURST;
	if (m->tokens == 0)
		return false;
	m->tokens--;
	return true;
}

static bool is_link_local(const struct vs_auto_ip *ip)
{
	return ip->family == AF_INET6 && vs_ip6_is_link_local(ip->bytes);
}

static void ignore(struct vs_ra *m, enum vs_auto_ignored why)
{
	m->ignored[why]++;
}

static void ra_input(void *machine, vs_auto_ms now, const struct vs_auto_packet *packet)
{
	struct vs_ra *m = machine;
	struct vs_ndp_ra ra;

	m->now = now;
	if (!m->up || packet->way != VS_WAY_ICMP6) {
		ignore(m, VS_IGNORED_STATE);
		return;
	}
	if (packet->hop_limit != 255 || !is_link_local(&packet->peer)) {
		ignore(m, VS_IGNORED_SENDER);
		return;
	}
	if (!may_process(m)) {
		ignore(m, VS_IGNORED_STATE);
		return;
	}
	if (vs_ndp_ra_parse(packet->bytes, packet->n, &ra) != VS_NDP_OK) {
		ignore(m, VS_IGNORED_MALFORMED);
		return;
	}
	expire(m);
	vs_ra_hear(m, &ra, &packet->peer);
	settle(m);
}

/* ------------------------------------------------------------------ the other calls */

static void ra_init(void *machine, const struct vs_auto_config *config, const struct vs_auto_ops *ops,
		    void *arg)
{
	struct vs_ra *m = machine;

	m->config = config;
	m->ops = ops;
	m->arg = arg;
	m->next = m->judgement = VS_AUTO_NEVER;
	m->state = INIT;
}

/* A search on a link that may be another one than before. */
static void begin(struct vs_ra *m)
{
	m->up = true;
	m->has_address = m->said_managed = m->said_other = false;
	m->problem = NULL;
	search_from(m, m->now);
	solicit(m);
	settle(m);
}

static void ra_start(void *machine, vs_auto_ms now, const struct vs_auto_lease *lease)
{
	struct vs_ra *m = machine;

	(void)lease; /* an advertisement is quicker than a file */
	m->now = m->since = now;
	m->running = true;
	m->tokens = BURST;
	m->refilled = now;
	begin(m);
}

static void ra_timer(void *machine, vs_auto_ms now)
{
	struct vs_ra *m = machine;

	m->now = now;
	if (!m->running)
		return;
	expire(m);
	if (m->next <= now)
		solicit(m);
	settle(m);
}

static vs_auto_ms ra_deadline(const void *machine)
{
	const struct vs_ra *m = machine;
	vs_auto_ms first = vs_auto_earlier(m->next, m->judgement);

	first = vs_auto_earlier(first, vs_ra_routes_deadline(m));
	first = vs_auto_earlier(first, vs_ra_addrs_deadline(m));
	return vs_auto_earlier(first, vs_ra_names_deadline(m));
}

static void ra_link(void *machine, vs_auto_ms now, bool up)
{
	struct vs_ra *m = machine;

	m->now = now;
	if (!m->running || up == m->up)
		return;
	if (up) {
		expire(m);
		vs_ra_routes_stale(m);
		vs_ra_addrs_stale(m);
		vs_ra_names_stale(m);
		m->doubtful = true;
		begin(m);
		return;
	}
	m->up = false;
	m->next = m->judgement = VS_AUTO_NEVER;
	settle(m);
}

static void ra_detected(void *machine, vs_auto_ms now, const struct vs_auto_ip *ip, bool duplicate)
{
	struct vs_ra *m = machine;

	m->now = now;
	if (!m->running)
		return;
	if (!is_link_local(ip)) {
		vs_ra_addr_detected(m, ip, duplicate);
	} else if (duplicate) {
		m->problem = "another host uses the link-local address";
	} else if (m->up && !m->has_address) {
		m->has_address = true;
		if (m->next != VS_AUTO_NEVER && m->unanswered == 1) { /* the first may not have been sent */
			search_from(m, now);
			solicit(m);
		}
	}
	settle(m);
}

static void ra_stop(void *machine, vs_auto_ms now)
{
	struct vs_ra *m = machine;

	m->now = now;
	if (!m->running)
		return;
	m->running = m->up = false;
	m->next = m->judgement = VS_AUTO_NEVER;
	m->mtu = 0;
	vs_ra_routes_stale(m);
	vs_ra_routes_drop_stale(m);
	vs_ra_addrs_remove(m);
	vs_ra_names_stale(m);
	vs_ra_names_drop_stale(m);
	m->new_facts = true;
	settle(m);
}

/* The router that is used: the one with the least metric. */
static const struct vs_ra_route *best_router(const struct vs_ra *m)
{
	const struct vs_ra_route *best = NULL;

	for (size_t i = 0; i < VS_RA_ROUTES_MAX; i++) {
		const struct vs_ra_route *r = &m->routes[VS_RA_DEFAULT][i];
		if (r->end != 0 && (best == NULL || r->route.metric < best->route.metric))
			best = r;
	}
	return best;
}

static void ra_describe(const void *machine, struct vs_auto_state *out)
{
	const struct vs_ra *m = machine;
	const struct vs_ra_route *router = best_router(m);

	memset(out, 0, sizeof(*out));
	out->state = m->state;
	out->since = m->since;
	out->t1 = out->t2 = VS_AUTO_NEVER;
	out->expiry = m->config->iid != VS_IID_NONE ? vs_ra_addrs_deadline(m) : vs_ra_routes_deadline(m);
	if (router != NULL)
		out->server = router->route.gw;
	out->sent = m->sent;
	out->received = m->received;
	memcpy(out->ignored, m->ignored, sizeof(out->ignored));
	out->ready = m->gained;
	if (m->problem != NULL)
		(void)snprintf(out->problem, sizeof(out->problem), "%s", m->problem);
	else if (m->unanswered > 1)
		(void)snprintf(out->problem, sizeof(out->problem), "no router has answered %u solicitations",
			       m->unanswered);
	else if (m->received > 0 && m->config->iid != VS_IID_NONE && vs_ra_addrs_deadline(m) == VS_AUTO_NEVER)
		(void)snprintf(out->problem, sizeof(out->problem),
			       "the router advertises no prefix for addresses");
}

static bool ra_lease(const void *machine, struct vs_auto_lease *out)
{
	(void)machine;
	(void)out;
	return false;
}

static size_t ra_addrs(const void *machine, struct vs_auto_addr *out, size_t n)
{
	return vs_ra_addrs_set(machine, out, n);
}

const struct vs_auto_kind vs_ra_kind = {
	.name = "ra",
	.source = VS_SOURCE_RA,
	.size = sizeof(struct vs_ra),
	.init = ra_init,
	.start = ra_start,
	.input = ra_input,
	.timer = ra_timer,
	.deadline = ra_deadline,
	.link = ra_link,
	.detected = ra_detected,
	.stop = ra_stop,
	.describe = ra_describe,
	.lease = ra_lease,
	.addrs = ra_addrs,
};
