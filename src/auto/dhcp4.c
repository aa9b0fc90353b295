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
 * The files: dhcp4_states (transitions and timers), dhcp4_input (packets that come), dhcp4_send (those that
 * leave), dhcp4_terms (what a server says, judged), dhcp4_apply (what is set). Here is the machine as its
 * driver sees it. docs/requirements-dhcp4.md has each requirement with its test.
 */

#include "dhcp4.h"

#include <stdio.h>
#include <string.h>

#include "dhcp4_machine.h"
#include "proto/be.h"

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
		vs_dhcp4_begin_rebooting(m, now);
	else
		vs_dhcp4_begin_init(m, now, 0);
}

static void dhcp4_input(void *machine, vs_auto_ms now, const struct vs_auto_packet *packet)
{
	struct vs_dhcp4 *m = machine;

	if (m->granted && now >= m->expiry)
		vs_dhcp4_timer(m, now); /* late: the address must not be used any more */
	if (packet->way == VS_WAY_IP4)
		vs_dhcp4_input_message(m, now, packet);
	else if (packet->way == VS_WAY_ARP)
		vs_dhcp4_input_arp(m, now, packet);
}

static void dhcp4_timer(void *machine, vs_auto_ms now)
{
	vs_dhcp4_timer(machine, now);
}

static vs_auto_ms dhcp4_deadline(const void *machine)
{
	return vs_dhcp4_deadline(machine);
}

static void link_down(struct vs_dhcp4 *m, vs_auto_ms now)
{
	if (m->set)
		vs_dhcp4_enter_bound(m, now);
	else if (m->state != VS_DHCP4_DECLINED && m->state != VS_DHCP4_V6ONLY_WAIT)
		vs_dhcp4_begin_init(m, now, 0);
}

static void link_up(struct vs_dhcp4 *m, vs_auto_ms now)
{
	if (m->granted && now < m->expiry)
		vs_dhcp4_begin_rebooting(m, now);
	else if (m->granted)
		vs_dhcp4_timer(m, now);
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
		.quiet = m->state == VS_DHCP4_BOUND,
	};
	if (m->set) {
		out->server.family = AF_INET;
		vs_be_put32(out->server.bytes, m->terms.server);
	}
	memcpy(out->ignored, m->ignored, sizeof(out->ignored));
	memcpy(out->problem, m->problem, sizeof(out->problem));
	if (m->state == VS_DHCP4_SELECTING && m->problem[0] == '\0')
		snprintf(out->problem, sizeof(out->problem), "no DHCP server has answered yet");
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
