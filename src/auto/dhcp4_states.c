/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The states of the DHCPv4 client: what is done when one is entered, and at its deadline. dhcp4.c has the
 * picture.
 */

#include <stdio.h>

#include "dhcp4_machine.h"

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

void vs_dhcp4_begin_rebooting(struct vs_dhcp4 *m, vs_auto_ms now)
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
void vs_dhcp4_enter_bound(struct vs_dhcp4 *m, vs_auto_ms now)
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
	vs_dhcp4_enter_bound(m, now);
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
	vs_dhcp4_enter_bound(m, now);
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

vs_auto_ms vs_dhcp4_deadline(const struct vs_dhcp4 *m)
{
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
		vs_dhcp4_enter_bound(m, now);
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
			vs_dhcp4_enter_bound(m, now);
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

void vs_dhcp4_timer(struct vs_dhcp4 *m, vs_auto_ms now)
{
	if (now < vs_dhcp4_deadline(m))
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
