/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The DHCPv4 client (RFC 2131 section 4.4) with duplicate address detection and defence (RFC 5227).
 *
 *            DISCOVER              REQUEST                ARP probes
 *     INIT ───────────▶ SELECTING ─────────▶ REQUESTING ────────────▶ PROBING ─────────▶ BOUND ◀────┐
 *      ▲                           an OFFER     │          an ACK        │                 │ T1      │
 *      │                                        │                        │ conflict        ▼         │
 *      │◀────────────── NAK, silence ───────────┘                        ▼             RENEWING ─ACK─┤
 *      │◀────────────── 10 s ────────────────────────────────────── DECLINED               │ T2      │
 *      │                                                                                   ▼         │
 *      └◀────────────── NAK, expiry: from each state with an address ────────────────── REBINDING ─ACK┘
 *
 *     start with a lease, link up again:  REBOOTING ──ACK──▶ PROBING, or BOUND if the address is set
 *                                                   ──NAK──▶ INIT
 *                                                   ──silence──▶ INIT, or BOUND if the address is set
 *     option 108:                         SELECTING, REBOOTING ──▶ V6ONLY_WAIT ──▶ INIT
 *
 *     state        waits for                            sends                           at the deadline
 *     INIT         a pause after a NAK; the link        nothing                         SELECTING
 *     SELECTING    an OFFER                             DISCOVER after 1, 2, 4 … 64 s   again
 *     REQUESTING   ACK or NAK of the chosen server      REQUEST after 1, 2, 4, 8 s      next offer or INIT
 *     REBOOTING    ACK or NAK of any server             REQUEST after 1, 2 s            see above
 *     PROBING      a conflict                           three ARP probes                BOUND
 *     BOUND        T1                                   one more announcement           RENEWING
 *     RENEWING     ACK or NAK of our server             REQUEST, unicast                again; T2: REBINDING
 *     REBINDING    ACK or NAK of any server             REQUEST, broadcast              again; expiry: INIT
 *     DECLINED     10 s, or 60 s after ten conflicts    nothing                         INIT
 *     V6ONLY_WAIT  time of option 108, at least 300 s   nothing                         INIT
 *
 * What always holds: an address is set only while a lease is granted, and is withdrawn before the machine
 * starts anew. No message has an effect unless its transaction id, hardware address and client id are ours,
 * and its server is the one that the state waits for. Each sender can add to counters only.
 *
 * Times. A lease counts from the time its REQUEST was sent. In RENEWING and REBINDING each request has a
 * transaction id of its own, so the time of the right one is known. A deadline may be noticed late, by a
 * process that was stopped: expiry is looked at first, then T2, then T1.
 *
 * The link. While it is down nothing is sent and an address stays, until it expires. When it comes up again,
 * the network may be another one: the address is confirmed as in INIT-REBOOT. It stays set meanwhile, so
 * connections live on if the answer is yes. If no server answers it stays too: RFC 2131 section 3.7 allows
 * that, and a server that is down is more probable than another network.
 *
 * Where this differs from the RFCs, on purpose:
 *  - The first DISCOVER leaves at once, not after 1 to 10 s: a stack starts alone, not with a building. T1
 *    and T2 have a random part, so that many stacks do not renew together.
 *  - Retransmissions begin after 1 s, not 4 s: a virtual network may be made in the same second as the stack,
 *    and its first frames get lost. They double up to 64 s as the RFC says.
 *  - The times of RFC 5227 are scaled to a virtual network: probes within a third of a second, not 5 s.
 *  - In RENEWING and REBINDING the least pause is a minute, but an eighth of the lease if that is shorter. A
 *    lease of 20 s would otherwise get one request.
 *
 * docs/requirements-dhcp4.md has each requirement with its test.
 */

#include "dhcp4.h"

#include <stdio.h>
#include <string.h>

#include "dhcp4_machine.h"
#include "proto/be.h"

#define REQUEST_TRIES 4
#define REQUEST_TRIES_WITH_SECOND 2
#define REBOOT_TRIES 2
#define LONGEST_PAUSE_TRIES 7 /* the pause behind this message is 64 s, and so are all that follow */
#define SILENT_AFTER 3 /* messages without an answer, 7 s */

/* RFC 5227 section 1.1; the waits for probes are scaled, see above */
#define PROBE_WAIT_MS 50
#define PROBE_NUM 3
#define PROBE_MIN_MS 50
#define PROBE_MAX_MS 100
#define ANNOUNCE_WAIT_MS 100
#define ANNOUNCE_INTERVAL_MS 2000

#define RENEW_WAIT_MS 60000

static uint32_t random_below(struct vs_dhcp4 *m, uint32_t n)
{
	uint32_t v;

	m->ops->random(m->arg, &v, sizeof(v));
	return v % n;
}

static void new_xid(struct vs_dhcp4 *m)
{
	m->ops->random(m->arg, &m->xid, sizeof(m->xid));
}

void vs_dhcp4_enter(struct vs_dhcp4 *m, vs_auto_ms now, enum vs_dhcp4_state state)
{
	if (m->state != state)
		m->since = now;
	m->state = state;
}

vs_auto_ms vs_dhcp4_back_off(struct vs_dhcp4 *m, unsigned tries)
{
	uint32_t base = 1000u << ((tries < LONGEST_PAUSE_TRIES ? tries : LONGEST_PAUSE_TRIES) - 1);
	uint32_t spread = base / 4 < 1000 ? base / 4 : 1000;

	return (vs_auto_ms)base - spread + random_below(m, 2 * spread + 1);
}

static void set_secs(struct vs_dhcp4 *m, vs_auto_ms now)
{
	vs_auto_ms secs = (now - m->began) / 1000;

	m->secs = secs < UINT16_MAX ? (uint16_t)secs : UINT16_MAX;
}

static void set_problem(struct vs_dhcp4 *m, const char *text)
{
	snprintf(m->problem, sizeof(m->problem), "%s", text);
}

void vs_dhcp4_tell(struct vs_dhcp4 *m, vs_auto_ms now, enum vs_auto_news what, const char *why)
{
	struct vs_auto_addr addr = vs_dhcp4_addr(m, now);

	m->ops->news(m->arg, what, m->terms.addr != 0 ? &addr : NULL, why);
}

/* Searching */

static void send_discover(struct vs_dhcp4 *m, vs_auto_ms now)
{
	set_secs(m, now);
	/* With the longest pauses each message is a transaction: a lease by rapid commit counts from it. */
	if (m->tries == 0 || m->tries >= LONGEST_PAUSE_TRIES) {
		new_xid(m);
		m->sent_at = now;
	}
	if (m->tries < UINT8_MAX)
		m->tries++;
	vs_dhcp4_send_discover(m);
	m->next = now + vs_dhcp4_back_off(m, m->tries);
}

static void begin_selecting(struct vs_dhcp4 *m, vs_auto_ms now)
{
	vs_dhcp4_enter(m, now, VS_DHCP4_SELECTING);
	m->began = now;
	m->tries = 0;
	m->offer = m->second = (struct vs_dhcp4_offer){ 0 };
	send_discover(m, now);
}

void vs_dhcp4_begin_init(struct vs_dhcp4 *m, vs_auto_ms now, vs_auto_ms pause)
{
	vs_dhcp4_enter(m, now, VS_DHCP4_INIT);
	m->next = now + pause;
	if (pause == 0 && m->link_up)
		begin_selecting(m, now);
}

static void report_silence(struct vs_dhcp4 *m)
{
	if (m->silence_reported)
		return;
	m->silence_reported = true;
	set_problem(m, "no DHCP server answers");
	m->ops->news(m->arg, VS_NEWS_SILENT, NULL, m->problem);
}

void vs_dhcp4_drop_lease(struct vs_dhcp4 *m, vs_auto_ms now, const char *why)
{
	if (m->set) {
		vs_dhcp4_withdraw(m, now);
		vs_dhcp4_tell(m, now, VS_NEWS_LOST, why);
	}
	if (m->granted) {
		m->granted = false;
		m->ops->save(m->arg);
	}
}

/* Requesting */

static void send_request(struct vs_dhcp4 *m, vs_auto_ms now)
{
	if (m->tries == 0)
		m->sent_at = now;
	if (m->state == VS_DHCP4_REBOOTING)
		set_secs(m, now);
	m->tries++;
	vs_dhcp4_send_request(m);
	m->next = now + vs_dhcp4_back_off(m, m->tries);
}

/* The transaction id and secs are those of the DISCOVER (RFC 2131 section 4.4.1). */
void vs_dhcp4_begin_requesting(struct vs_dhcp4 *m, vs_auto_ms now)
{
	vs_dhcp4_enter(m, now, VS_DHCP4_REQUESTING);
	m->tries = 0;
	send_request(m, now);
}

static void begin_rebooting(struct vs_dhcp4 *m, vs_auto_ms now)
{
	vs_dhcp4_enter(m, now, VS_DHCP4_REBOOTING);
	new_xid(m);
	m->began = now;
	m->tries = 0;
	m->second = (struct vs_dhcp4_offer){ 0 };
	send_request(m, now);
}

/* Renewing */

static void send_renewal(struct vs_dhcp4 *m, vs_auto_ms now)
{
	vs_auto_ms end = m->state == VS_DHCP4_RENEWING ? m->t2 : m->expiry;
	vs_auto_ms least = (vs_auto_ms)m->terms.lease_s * 1000 / 8;
	vs_auto_ms pause = (end - now) / 2;

	least = least < RENEW_WAIT_MS ? least : RENEW_WAIT_MS;
	new_xid(m);
	set_secs(m, now);
	m->sent_at = now;
	m->next = now + (pause > least ? pause : least);
	vs_dhcp4_send_request(m);
}

static void begin_renewing(struct vs_dhcp4 *m, vs_auto_ms now, enum vs_dhcp4_state state)
{
	if (m->state != VS_DHCP4_RENEWING)
		m->began = now;
	if (state == VS_DHCP4_REBINDING)
		set_problem(m, "the server does not answer");
	vs_dhcp4_enter(m, now, state);
	send_renewal(m, now);
}

/* The state of a machine with an address, by the time. */
static void enter_bound(struct vs_dhcp4 *m, vs_auto_ms now)
{
	m->next = VS_AUTO_NEVER;
	vs_dhcp4_enter(m, now, VS_DHCP4_BOUND);
	if (m->link_up && now >= m->t2)
		begin_renewing(m, now, VS_DHCP4_REBINDING);
	else if (m->link_up && now >= m->t1)
		begin_renewing(m, now, VS_DHCP4_RENEWING);
}

/* Getting an address */

static void announce(struct vs_dhcp4 *m, vs_auto_ms now, vs_auto_ms again)
{
	vs_dhcp4_send_announcement(m);
	m->announce_at = again == 0 ? VS_AUTO_NEVER : now + again;
}

static void install(struct vs_dhcp4 *m, vs_auto_ms now)
{
	m->naks = 0;
	m->silence_reported = false;
	m->problem[0] = '\0';
	m->conflict_at = VS_DHCP4_LONG_AGO;
	m->hint = m->terms.addr;
	vs_dhcp4_install(m, now);
	announce(m, now, ANNOUNCE_INTERVAL_MS);
	enter_bound(m, now);
	m->ops->save(m->arg);
	vs_dhcp4_tell(m, now, VS_NEWS_GAINED, NULL);
}

static void begin_probing(struct vs_dhcp4 *m, vs_auto_ms now)
{
	vs_dhcp4_enter(m, now, VS_DHCP4_PROBING);
	m->tries = 0;
	m->next = now + random_below(m, PROBE_WAIT_MS + 1);
}

static void probe(struct vs_dhcp4 *m, vs_auto_ms now)
{
	if (m->tries == PROBE_NUM) {
		install(m, now);
		return;
	}
	m->tries++;
	vs_dhcp4_send_probe(m);
	m->next = now + (m->tries == PROBE_NUM ?
				 ANNOUNCE_WAIT_MS :
				 PROBE_MIN_MS + random_below(m, PROBE_MAX_MS - PROBE_MIN_MS + 1));
}

/* The end of `seconds` that are up to 1/16 of `spread` shorter. */
static vs_auto_ms after(struct vs_dhcp4 *m, uint32_t seconds, uint32_t spread)
{
	vs_auto_ms end = vs_auto_end(m->obtained, seconds);

	if (end == VS_AUTO_NEVER)
		return VS_AUTO_NEVER;
	return end - (vs_auto_ms)(random_below(m, 1000) * (uint64_t)spread / 16);
}

static void set_times(struct vs_dhcp4 *m, const struct vs_dhcp4_terms *terms)
{
	m->obtained = m->sent_at;
	m->t1 = after(m, terms->t1_s, terms->t1_s);
	m->t2 = after(m, terms->t2_s, terms->t2_s - terms->t1_s);
	m->expiry = vs_auto_end(m->obtained, terms->lease_s);
}

/* An ACK for the address that is set. */
static void renewed(struct vs_dhcp4 *m, vs_auto_ms now, const struct vs_dhcp4_terms *terms)
{
	bool reboot = m->state == VS_DHCP4_REBOOTING;
	bool changed = vs_dhcp4_replace(m, now, terms);

	m->conflicts = 0;
	m->naks = 0;
	m->silence_reported = false;
	m->problem[0] = '\0';
	enter_bound(m, now);
	if (reboot)
		announce(m, now, 0); /* switches and neighbours may be others */
	m->ops->save(m->arg);
	vs_dhcp4_tell(m, now, changed ? VS_NEWS_CHANGED : VS_NEWS_RENEWED, NULL);
}

void vs_dhcp4_granted(struct vs_dhcp4 *m, vs_auto_ms now, const struct vs_dhcp4_terms *terms)
{
	if (m->set && terms->addr == m->terms.addr) {
		set_times(m, terms);
		renewed(m, now, terms);
		return;
	}
	if (m->set)
		vs_dhcp4_drop_lease(m, now, "the server has assigned another address");
	set_times(m, terms);
	m->terms = *terms;
	m->granted = true;
	if (m->config->nodad)
		install(m, now);
	else
		begin_probing(m, now);
}

/* Time */

static vs_auto_ms dhcp4_deadline(const void *machine)
{
	const struct vs_dhcp4 *m = machine;
	vs_auto_ms end = m->granted ? m->expiry : VS_AUTO_NEVER;

	if (m->state == VS_DHCP4_STOPPED)
		return VS_AUTO_NEVER;
	if (!m->link_up)
		return end;
	if (m->state == VS_DHCP4_BOUND)
		end = vs_auto_earlier(end, m->t1);
	else
		end = vs_auto_earlier(end, m->next);
	if (m->state == VS_DHCP4_RENEWING)
		end = vs_auto_earlier(end, m->t2);
	return vs_auto_earlier(end, m->set ? m->announce_at : VS_AUTO_NEVER);
}

static void selecting_late(struct vs_dhcp4 *m, vs_auto_ms now)
{
	if (m->tries >= SILENT_AFTER)
		report_silence(m);
	send_discover(m, now);
}

static void requesting_late(struct vs_dhcp4 *m, vs_auto_ms now)
{
	bool second = m->second.server != 0;

	if (m->tries < (second ? REQUEST_TRIES_WITH_SECOND : REQUEST_TRIES)) {
		send_request(m, now);
		return;
	}
	if (!second) {
		report_silence(m);
		vs_dhcp4_begin_init(m, now, 0);
		return;
	}
	m->offer = m->second;
	m->second = (struct vs_dhcp4_offer){ 0 };
	vs_dhcp4_begin_requesting(m, now);
}

static void rebooting_late(struct vs_dhcp4 *m, vs_auto_ms now)
{
	if (m->tries < REBOOT_TRIES) {
		send_request(m, now);
	} else if (m->set) {
		enter_bound(m, now);
	} else {
		m->granted = false; /* what is stored stays; DISCOVER asks for the same address */
		vs_dhcp4_begin_init(m, now, 0);
	}
}

static void state_timer(struct vs_dhcp4 *m, vs_auto_ms now)
{
	switch (m->state) {
	case VS_DHCP4_BOUND:
		if (now >= m->t1)
			enter_bound(m, now);
		return;
	case VS_DHCP4_RENEWING:
		if (now >= m->t2) {
			begin_renewing(m, now, VS_DHCP4_REBINDING);
			return;
		}
		break;
	default:
		break;
	}
	if (now < m->next)
		return;
	switch (m->state) {
	case VS_DHCP4_INIT:
	case VS_DHCP4_DECLINED:
	case VS_DHCP4_V6ONLY_WAIT:
		vs_dhcp4_begin_init(m, now, 0);
		break;
	case VS_DHCP4_SELECTING:
		selecting_late(m, now);
		break;
	case VS_DHCP4_REQUESTING:
		requesting_late(m, now);
		break;
	case VS_DHCP4_REBOOTING:
		rebooting_late(m, now);
		break;
	case VS_DHCP4_PROBING:
		probe(m, now);
		break;
	case VS_DHCP4_RENEWING:
	case VS_DHCP4_REBINDING:
		send_renewal(m, now);
		break;
	default:
		break;
	}
}

static void dhcp4_timer(void *machine, vs_auto_ms now)
{
	struct vs_dhcp4 *m = machine;

	if (now < dhcp4_deadline(m))
		return;
	if (m->granted && now >= m->expiry) {
		set_problem(m, "the lease has expired");
		vs_dhcp4_drop_lease(m, now, m->problem);
		vs_dhcp4_begin_init(m, now, 0);
		return;
	}
	if (!m->link_up)
		return;
	if (m->set && now >= m->announce_at)
		announce(m, now, 0);
	state_timer(m, now);
}

/* The outside */

static void dhcp4_init(void *machine, const struct vs_auto_config *config, const struct vs_auto_ops *ops,
		       void *arg)
{
	struct vs_dhcp4 *m = machine;

	memset(m, 0, sizeof(*m));
	m->config = config;
	m->ops = ops;
	m->arg = arg;
	m->next = m->announce_at = m->t1 = m->t2 = m->expiry = VS_AUTO_NEVER;
	m->conflict_at = VS_DHCP4_LONG_AGO;
}

/* Takes over a remembered lease. False: it is over, or was never one; the address may still be a hint. */
static bool recall(struct vs_dhcp4 *m, vs_auto_ms now, const struct vs_auto_lease *lease)
{
	const struct vs_auto_addr *addr = &lease->addrs[0];
	vs_auto_ms obtained = vs_auto_earlier(lease->obtained, now);

	if (lease->n_addrs == 0 || addr->ip.family != AF_INET || addr->prefix_len == 0 ||
	    addr->prefix_len > 32)
		return false;
	m->hint = vs_be_get32(addr->ip.bytes);
	m->obtained = obtained;
	m->expiry = vs_auto_end(obtained, addr->valid_s);
	m->terms.addr = m->hint;
	m->terms.given.prefix_len = addr->prefix_len;
	m->terms.server = lease->server_len == 4 ? vs_be_get32(lease->server) : 0;
	m->granted = now < m->expiry && m->hint != 0;
	return m->granted;
}

static void dhcp4_start(void *machine, vs_auto_ms now, const struct vs_auto_lease *lease)
{
	struct vs_dhcp4 *m = machine;

	m->link_up = true;
	m->granted = false;
	m->conflicts = m->naks = 0;
	m->silence_reported = false;
	m->problem[0] = '\0';
	if (lease != NULL && recall(m, now, lease))
		begin_rebooting(m, now);
	else
		vs_dhcp4_begin_init(m, now, 0);
}

static void dhcp4_input(void *machine, vs_auto_ms now, const struct vs_auto_packet *packet)
{
	struct vs_dhcp4 *m = machine;

	if (m->granted && now >= m->expiry)
		dhcp4_timer(m, now); /* late: the address must not be used any more */
	if (packet->way == VS_WAY_IP4)
		vs_dhcp4_input_message(m, now, packet);
	else if (packet->way == VS_WAY_ARP)
		vs_dhcp4_input_arp(m, now, packet);
}

static void link_down(struct vs_dhcp4 *m, vs_auto_ms now)
{
	if (m->set)
		enter_bound(m, now);
	else if (m->state != VS_DHCP4_DECLINED && m->state != VS_DHCP4_V6ONLY_WAIT)
		vs_dhcp4_begin_init(m, now, 0);
}

static void link_up(struct vs_dhcp4 *m, vs_auto_ms now)
{
	if (m->granted && now < m->expiry)
		begin_rebooting(m, now);
	else if (m->granted)
		dhcp4_timer(m, now);
	else if (m->state != VS_DHCP4_DECLINED)
		vs_dhcp4_begin_init(m, now, 0);
}

static void dhcp4_link(void *machine, vs_auto_ms now, bool up)
{
	struct vs_dhcp4 *m = machine;

	if (m->link_up == up)
		return;
	m->link_up = up;
	if (m->state == VS_DHCP4_STOPPED)
		return;
	if (up)
		link_up(m, now);
	else
		link_down(m, now);
}

static void dhcp4_stop(void *machine, vs_auto_ms now)
{
	struct vs_dhcp4 *m = machine;
	bool release = m->config->release && m->link_up && (m->set || m->state == VS_DHCP4_PROBING);

	if (m->state == VS_DHCP4_STOPPED)
		return;
	if (release)
		vs_dhcp4_send_release(m);
	if (m->set) {
		vs_dhcp4_withdraw(m, now);
		vs_dhcp4_tell(m, now, VS_NEWS_LOST, "stopped");
	}
	if (release) {
		m->granted = false;
		m->ops->save(m->arg);
	}
	vs_dhcp4_enter(m, now, VS_DHCP4_STOPPED);
}

static void dhcp4_describe(const void *machine, struct vs_auto_state *out)
{
	static const char *const names[] = {
		[VS_DHCP4_STOPPED] = "STOPPED",       [VS_DHCP4_INIT] = "INIT",
		[VS_DHCP4_SELECTING] = "SELECTING",   [VS_DHCP4_REQUESTING] = "REQUESTING",
		[VS_DHCP4_REBOOTING] = "REBOOTING",   [VS_DHCP4_PROBING] = "PROBING",
		[VS_DHCP4_BOUND] = "BOUND",           [VS_DHCP4_RENEWING] = "RENEWING",
		[VS_DHCP4_REBINDING] = "REBINDING",   [VS_DHCP4_DECLINED] = "DECLINED",
		[VS_DHCP4_V6ONLY_WAIT] = "V6ONLY_WAIT",
	};
	const struct vs_dhcp4 *m = machine;

	*out = (struct vs_auto_state){
		.state = names[m->state],
		.since = m->since,
		.t1 = m->set ? m->t1 : VS_AUTO_NEVER,
		.t2 = m->set ? m->t2 : VS_AUTO_NEVER,
		.expiry = m->set ? m->expiry : VS_AUTO_NEVER,
		.sent = m->sent,
		.received = m->received,
		/* A network that wants no IPv4 has nothing to wait for. */
		.ready = m->set || m->state == VS_DHCP4_V6ONLY_WAIT,
	};
	if (m->set) {
		out->server.family = AF_INET;
		vs_be_put32(out->server.bytes, m->terms.server);
	}
	memcpy(out->ignored, m->ignored, sizeof(out->ignored));
	memcpy(out->problem, m->problem, sizeof(out->problem));
}

static bool dhcp4_lease(const void *machine, struct vs_auto_lease *out)
{
	const struct vs_dhcp4 *m = machine;

	if (!m->granted)
		return false;
	memset(out, 0, sizeof(*out));
	out->n_addrs = 1;
	out->obtained = m->obtained;
	out->addrs[0] = vs_dhcp4_addr(m, m->obtained);
	vs_be_put32(out->server, m->terms.server);
	out->server_len = 4;
	return true;
}

/* Those in PROBING are not set. */
static size_t dhcp4_addrs(const void *machine, struct vs_auto_addr *out, size_t n)
{
	const struct vs_dhcp4 *m = machine;

	if (!m->set || n == 0)
		return 0;
	out[0] = vs_dhcp4_addr(m, m->obtained);
	return 1;
}

const struct vs_auto_kind vs_dhcp4_kind = {
	.name = "dhcp4",
	.source = VS_SOURCE_DHCP4,
	.size = sizeof(struct vs_dhcp4),
	.init = dhcp4_init,
	.start = dhcp4_start,
	.input = dhcp4_input,
	.timer = dhcp4_timer,
	.deadline = dhcp4_deadline,
	.link = dhcp4_link,
	.stop = dhcp4_stop,
	.describe = dhcp4_describe,
	.lease = dhcp4_lease,
	.addrs = dhcp4_addrs,
};

_Static_assert(sizeof(struct vs_dhcp4) <= 2048, "one per interface, of which a program may have hundreds");
