/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * DHCPv6 client, RFC 8415: states, timers, the calls of the machine.
 *
 *	start ──▶ SOLICIT ──▶ REQUEST ──▶ BOUND ──T1──▶ RENEW ──T2──▶ REBIND ──expired──▶ SOLICIT
 *	  │          └───rapid commit────▶  ▲ ▲           │ │           │
 *	  │                                 │ └───Reply───┴─────────────┘
 *	  └─lease──▶ CONFIRM ──Reply──▶ RENEW └─no binding──▶ REQUEST
 *	               └──no answer──▶ BOUND
 *	duplicate ──▶ DECLINE ──▶ SOLICIT         stop ──▶ RELEASE ──▶ STOPPED
 *	without addresses: start ──▶ INFORM ──▶ INFORMED ──refresh──▶ INFORM
 *
 * What always holds: addresses are used until they expire, are taken back by the server, belong to another
 * network, or are duplicates. Which messages are sent meanwhile does not matter. All times are absolute, so a
 * timer that comes late goes to the state that fits the time: a process that was stopped from before T1 until
 * after T2 rebinds, and one that was stopped longer looks for a server.
 *
 * The files, each uses only those before it: dhcp6_facts (name servers and the like), dhcp6_times (T1, T2),
 * dhcp6_lease (addresses, the prefix), dhcp6_exchange (messages, retransmission), dhcp6_accept (what a Reply
 * changes in the lease), dhcp6_moves (transitions that timers and answers share), dhcp6_reply (answers), and
 * this one.
 */

#include "dhcp6.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "dhcp6_machine.h"
#include "duid.h"

#define REFRESH_DELAY_MS 1000
#define LATE_MS 5000 /* a timer that is later shows that the process was stopped */

_Static_assert(sizeof(struct vs_dhcp6_client) <= 3072, "the machine is larger than it should be");
_Static_assert(VS_AUTO_DUID_MAX == VS_DHCP6_DUID_MAX, "a DUID is a DUID");
_Static_assert(VS_AUTO_LEASE_ADDRS_MAX >= VS_DHCP6_ADDRS_MAX, "a lease has room for all addresses");

static void init(void *m, const struct vs_auto_config *config, const struct vs_auto_ops *ops, void *arg)
{
	struct vs_dhcp6_client *c = m;

	memset(c, 0, sizeof(*c));
	c->config = config;
	c->ops = ops;
	c->arg = arg;
	c->duid_len = config->duid_len;
	memcpy(c->duid, config->duid, sizeof(c->duid));
	c->iaid = config->iaid;
	if (c->duid_len == 0) {
		c->duid_len = vs_duid_ll(c->duid, config->mac);
		c->iaid = vs_duid_iaid(config->mac);
	}
	c->next = c->t1 = c->t2 = c->refresh = VS_AUTO_NEVER;
}

/* On a link that may be another one than before. */
static void begin(struct vs_dhcp6_client *c, vs_auto_ms now)
{
	uint32_t delay = 1 + vs_dhcp6_random(c, VS_DHCP6_FIRST_DELAY_MS);

	c->failures = c->silent_len = 0;
	c->silence_said = c->refusal_said = false;
	if (c->config->information)
		vs_dhcp6_enter(c, now, VS_DHCP6_S_INFORM, delay);
	else if (vs_dhcp6_has_lease(c))
		vs_dhcp6_enter(c, now, VS_DHCP6_S_CONFIRM, delay);
	else
		vs_dhcp6_start_search(c, now);
}

static void start(void *m, vs_auto_ms now, const struct vs_auto_lease *lease)
{
	struct vs_dhcp6_client *c = m;

	/* Nothing of an earlier run counts, except the hint. */
	c->down = false;
	c->problem = NULL;
	c->n = c->server_len = 0;
	memset(&c->prefix, 0, sizeof(c->prefix));
	c->t1 = c->t2 = c->refresh = VS_AUTO_NEVER;
	c->tokens = VS_DHCP6_TOKENS_MAX;
	c->tokens_at = now;
	if (lease != NULL && !c->config->information)
		vs_dhcp6_remember(c, now, lease);
	begin(c, now);
}

/* When the state ends by itself. */
static vs_auto_ms state_end(const struct vs_dhcp6_client *c)
{
	switch (c->state) {
	case VS_DHCP6_S_SOLICIT:
		return c->offer.rank != 0 ? c->collected : VS_AUTO_NEVER;
	case VS_DHCP6_S_BOUND:
		return vs_auto_earlier(c->t1, c->t2);
	case VS_DHCP6_S_RENEW:
		return c->t2;
	case VS_DHCP6_S_CONFIRM:
		return vs_dhcp6_exchange_end(c);
	case VS_DHCP6_S_INFORMED:
		return c->refresh;
	default:
		return VS_AUTO_NEVER;
	}
}

static bool expires(const struct vs_dhcp6_client *c)
{
	return c->state != VS_DHCP6_S_STOPPED && c->state != VS_DHCP6_S_RELEASE;
}

static vs_auto_ms deadline(const void *m)
{
	const struct vs_dhcp6_client *c = m;
	vs_auto_ms t = c->down ? VS_AUTO_NEVER : vs_auto_earlier(c->next, state_end(c));

	for (uint8_t i = 0; expires(c) && i < c->n; i++)
		if (!c->addrs[i].declined)
			t = vs_auto_earlier(t, vs_dhcp6_expiry(&c->addrs[i]));
	if (expires(c) && c->prefix.prefix_len != 0)
		t = vs_auto_earlier(t, vs_dhcp6_expiry(&c->prefix));
	return t;
}

/* What comes after the end of a state. */
static void end_state(struct vs_dhcp6_client *c, vs_auto_ms now)
{
	switch (c->state) {
	case VS_DHCP6_S_SOLICIT:
		vs_dhcp6_take_offer(c, now);
		break;
	case VS_DHCP6_S_BOUND:
		vs_dhcp6_enter(c, now,
			       now >= c->t2 || c->server_len == 0 ? VS_DHCP6_S_REBIND : VS_DHCP6_S_RENEW, 0);
		break;
	case VS_DHCP6_S_RENEW:
		vs_dhcp6_enter(c, now, VS_DHCP6_S_REBIND, 0);
		break;
	case VS_DHCP6_S_CONFIRM:
		/* Section 18.2.3: no answer; the addresses go on with the lifetimes that they had. */
		c->problem = "no DHCPv6 server has confirmed the addresses";
		vs_dhcp6_resume(c, now);
		break;
	case VS_DHCP6_S_INFORMED:
		vs_dhcp6_enter(c, now, VS_DHCP6_S_INFORM, 1 + vs_dhcp6_random(c, REFRESH_DELAY_MS));
		break;
	default:
		break;
	}
}

/* The next search prefers other servers. */
static void request_in_vain(struct vs_dhcp6_client *c, vs_auto_ms now)
{
	c->silent_len = c->offer.server_len;
	memcpy(c->silent, c->offer.server, sizeof(c->silent));
	vs_dhcp6_search(c, now);
}

/* No answer to the last message that may be sent. */
static void give_up(struct vs_dhcp6_client *c, vs_auto_ms now)
{
	if (c->state == VS_DHCP6_S_DECLINE)
		vs_dhcp6_declined(c, now);
	else if (c->state == VS_DHCP6_S_RELEASE)
		vs_dhcp6_released(c, now);
	else
		request_in_vain(c, now);
}

/* Removes what has expired. If nothing is left, a server is looked for. */
static void run_out(struct vs_dhcp6_client *c, vs_auto_ms now)
{
	if (!expires(c) || !vs_dhcp6_expire(c, now))
		return;
	bool gets_one = c->state == VS_DHCP6_S_SOLICIT || c->state == VS_DHCP6_S_REQUEST ||
			c->state == VS_DHCP6_S_DECLINE;
	if (!gets_one)
		vs_dhcp6_start_search(c, now);
}

static void send_again(struct vs_dhcp6_client *c, vs_auto_ms now)
{
	/*
	 * The process was stopped. An answer that has waited since then must not count as one to the message
	 * that is sent now: it is a new exchange.
	 */
	if (c->tries > 0 && now - c->next > LATE_MS)
		vs_dhcp6_enter(c, now, c->state, 0);
	else
		vs_dhcp6_transmit(c, now);
}

static void timer(void *m, vs_auto_ms now)
{
	struct vs_dhcp6_client *c = m;

	if (now < deadline(c))
		return;
	run_out(c, now);
	if (c->down)
		return;
	if (now >= state_end(c))
		end_state(c, now);
	else if (vs_dhcp6_exhausted(c, now))
		give_up(c, now);
	else if (now >= c->next)
		send_again(c, now);
}

/* It may come before a timer that is late. */
static void input(void *m, vs_auto_ms now, const struct vs_auto_packet *packet)
{
	run_out(m, now);
	vs_dhcp6_input(m, now, packet);
}

static void link_changed(void *m, vs_auto_ms now, bool up)
{
	struct vs_dhcp6_client *c = m;
	bool was_down = c->down;
	bool searching = c->state == VS_DHCP6_S_SOLICIT || c->state == VS_DHCP6_S_REQUEST;

	c->down = !up;
	if (!up && c->state == VS_DHCP6_S_RELEASE)
		vs_dhcp6_released(c, now); /* no message leaves any more */
	if (!up || c->state == VS_DHCP6_S_STOPPED || c->state == VS_DHCP6_S_RELEASE)
		return;
	if (!was_down && searching)
		return;
	vs_dhcp6_drop_declined(c);
	begin(c, now);
}

static void detected(void *m, vs_auto_ms now, const struct vs_auto_ip *ip, bool duplicate)
{
	struct vs_dhcp6_client *c = m;

	if (!duplicate || ip->family != AF_INET6 || !vs_dhcp6_mark_declined(c, now, ip->bytes))
		return;
	if (c->server_len != 0)
		vs_dhcp6_enter(c, now, VS_DHCP6_S_DECLINE, 0);
	else
		vs_dhcp6_declined(c, now);
}

static void stop(void *m, vs_auto_ms now)
{
	struct vs_dhcp6_client *c = m;

	if (c->state == VS_DHCP6_S_STOPPED || c->state == VS_DHCP6_S_RELEASE)
		return;
	bool had = vs_dhcp6_has_set(c) || c->state == VS_DHCP6_S_INFORMED;
	bool release = c->config->release && vs_dhcp6_has_set(c) && c->server_len != 0 && !c->down;
	vs_dhcp6_drop_declined(c);
	vs_dhcp6_unset_all(c, now);
	/* Section 18.2.7: the addresses are not used any more when the first Release is sent. */
	vs_dhcp6_enter(c, now, release ? VS_DHCP6_S_RELEASE : VS_DHCP6_S_STOPPED, 0);
	c->problem = NULL;
	if (release)
		c->ops->save(c->arg);
	if (had)
		c->ops->news(c->arg, VS_NEWS_LOST, NULL, "stopped");
}

static vs_auto_ms last_expiry(const struct vs_dhcp6_client *c)
{
	vs_auto_ms last = c->prefix.prefix_len != 0 ? vs_dhcp6_expiry(&c->prefix) : 0;

	for (uint8_t i = 0; i < c->n; i++) {
		vs_auto_ms t = vs_dhcp6_expiry(&c->addrs[i]);

		last = t > last ? t : last;
	}
	return last != 0 ? last : VS_AUTO_NEVER;
}

static void describe(const void *m, struct vs_auto_state *out)
{
	const struct vs_dhcp6_client *c = m;
	bool bound = vs_dhcp6_has_set(c);

	memset(out, 0, sizeof(*out));
	out->state = vs_dhcp6_state_name(c->state);
	out->since = c->since;
	out->t1 = bound ? c->t1 : c->refresh;
	out->t2 = bound ? c->t2 : VS_AUTO_NEVER;
	out->expiry = bound ? last_expiry(c) : VS_AUTO_NEVER;
	if (c->server_len != 0)
		out->server = c->server_ip;
	out->sent = c->sent;
	out->received = c->received;
	memcpy(out->ignored, c->ignored, sizeof(out->ignored));
	out->ready = c->config->information ? c->server_len != 0 && c->state != VS_DHCP6_S_STOPPED : bound;
	(void)snprintf(out->problem, sizeof(out->problem), "%s", c->problem != NULL ? c->problem : "");
}

static bool lease_to_store(const void *m, struct vs_auto_lease *out)
{
	const struct vs_dhcp6_client *c = m;

	if (c->state == VS_DHCP6_S_RELEASE || !vs_dhcp6_has_lease(c))
		return false;
	memset(out, 0, sizeof(*out));
	for (uint8_t i = 0; i < c->n; i++)
		if (!c->addrs[i].declined)
			vs_dhcp6_as_addr(c, &c->addrs[i], c->updated, &out->addrs[out->n_addrs++]);
	out->obtained = c->updated;
	out->server_len = c->server_len;
	memcpy(out->server, c->server, c->server_len);
	if (c->prefix.prefix_len != 0) {
		out->prefix.family = AF_INET6;
		memcpy(out->prefix.bytes, c->prefix.ip, 16);
		out->prefix_len = c->prefix.prefix_len;
	}
	return true;
}

static size_t addrs(const void *m, struct vs_auto_addr *out, size_t n)
{
	const struct vs_dhcp6_client *c = m;
	size_t used = 0;

	for (uint8_t i = 0; i < c->n && used < n; i++)
		if (c->addrs[i].set)
			vs_dhcp6_as_addr(c, &c->addrs[i], c->addrs[i].obtained, &out[used++]);
	return used;
}

const struct vs_auto_kind vs_dhcp6_kind = {
	.name = "dhcp6",
	.source = VS_SOURCE_DHCP6,
	.size = sizeof(struct vs_dhcp6_client),
	.init = init,
	.start = start,
	.input = input,
	.timer = timer,
	.deadline = deadline,
	.link = link_changed,
	.detected = detected,
	.stop = stop,
	.describe = describe,
	.lease = lease_to_store,
	.addrs = addrs,
};
