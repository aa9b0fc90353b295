/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the DHCPv4 client does with packets: messages of servers, and ARP packets of other hosts. Each packet
 * that is not believed is counted by its reason and has no other effect.
 */

#include <stdio.h>
#include <string.h>

#include "dhcp4_machine.h"
#include "proto/udp4.h"

#define MIN_V6ONLY_WAIT_S 300

/* RFC 5227 section 1.1 */
#define MAX_CONFLICTS 10
#define RATE_LIMIT_INTERVAL_MS 60000
#define DEFEND_INTERVAL_MS 10000

#define DECLINE_WAIT_MS 10000 /* RFC 2131 section 3.1 point 5 */

static void ignore(struct vs_dhcp4 *m, enum vs_auto_ignored why)
{
	m->ignored[why]++;
}

/* Messages of servers */

/* RFC 8925 section 3.2. Called for offers, and for the ACK of a reboot: a lease in use goes on. */
static bool prefers_ipv6(struct vs_dhcp4 *m, vs_auto_ms now, const struct vs_dhcp4_reply *reply)
{
	if (!m->config->ipv6_only || !(reply->has & VS_DHCP4_HAS_IPV6_ONLY))
		return false;
	uint32_t wait_s = reply->ipv6_only_s > MIN_V6ONLY_WAIT_S ? reply->ipv6_only_s : MIN_V6ONLY_WAIT_S;
	const char *why = "the network prefers IPv6";
	vs_dhcp4_drop_lease(m, now, why);
	vs_dhcp4_enter(m, now, VS_DHCP4_V6ONLY_WAIT);
	m->next = now + (vs_auto_ms)wait_s * 1000;
	m->problem[0] = '\0';
	m->ops->news(m->arg, VS_NEWS_IPV6_ONLY, NULL, why);
	return true;
}

static void input_offer(struct vs_dhcp4 *m, vs_auto_ms now, const struct vs_dhcp4_reply *reply)
{
	struct vs_dhcp4_terms terms;

	if (m->state != VS_DHCP4_SELECTING && m->state != VS_DHCP4_REQUESTING) {
		ignore(m, VS_IGNORED_STATE);
		return;
	}
	/* Such an offer needs no address and no lease, RFC 8925 section 3.3. */
	if (m->state == VS_DHCP4_SELECTING && (reply->has & VS_DHCP4_HAS_SERVER) != 0 &&
	    prefers_ipv6(m, now, reply)) {
		m->received++;
		return;
	}
	if (!vs_dhcp4_judge(reply, &terms)) {
		ignore(m, VS_IGNORED_CONTENT);
		return;
	}
	if (m->state == VS_DHCP4_REQUESTING) {
		if (terms.server == m->offer.server || m->second.server != 0) {
			ignore(m, VS_IGNORED_STATE);
			return;
		}
		m->received++;
		m->second = (struct vs_dhcp4_offer){ .addr = terms.addr, .server = terms.server };
		return;
	}
	m->received++;
	m->offer = (struct vs_dhcp4_offer){ .addr = terms.addr, .server = terms.server };
	vs_dhcp4_begin_requesting(m, now);
}

/* Whether the state waits for an answer of this server; counts it otherwise. */
static bool awaited(struct vs_dhcp4 *m, const struct vs_dhcp4_reply *reply)
{
	uint32_t server = 0; /* any */

	switch (m->state) {
	case VS_DHCP4_REQUESTING:
		server = m->offer.server;
		break;
	case VS_DHCP4_RENEWING:
		server = m->terms.server;
		break;
	case VS_DHCP4_REBOOTING:
	case VS_DHCP4_REBINDING:
		break;
	default:
		ignore(m, VS_IGNORED_STATE);
		return false;
	}
	if (!(reply->has & VS_DHCP4_HAS_SERVER)) {
		ignore(m, VS_IGNORED_CONTENT);
		return false;
	}
	if (server != 0 && reply->server != server) {
		ignore(m, VS_IGNORED_SERVER);
		return false;
	}
	return true;
}

/* A lease without an OFFER, RFC 4039 */
static bool is_rapid(const struct vs_dhcp4 *m, const struct vs_dhcp4_reply *reply)
{
	return m->state == VS_DHCP4_SELECTING && vs_dhcp4_wants_rapid(m->config) &&
	       (reply->has & VS_DHCP4_HAS_RAPID) != 0;
}

/* Only a renewal may bring another address than the one that was requested. */
static bool other_address(const struct vs_dhcp4 *m, const struct vs_dhcp4_terms *terms)
{
	if (m->state == VS_DHCP4_REQUESTING)
		return terms->addr != m->offer.addr;
	return m->state == VS_DHCP4_REBOOTING && terms->addr != m->terms.addr;
}

static bool is_over(const struct vs_dhcp4 *m, vs_auto_ms now, const struct vs_dhcp4_terms *terms)
{
	return now >= vs_auto_end(m->sent_at, terms->lease_s);
}

static void input_ack(struct vs_dhcp4 *m, vs_auto_ms now, const struct vs_dhcp4_reply *reply,
		      const uint8_t *server_mac)
{
	struct vs_dhcp4_terms terms;

	if (!is_rapid(m, reply) && !awaited(m, reply))
		return;
	if (!vs_dhcp4_judge(reply, &terms) || other_address(m, &terms) || is_over(m, now, &terms)) {
		ignore(m, VS_IGNORED_CONTENT);
		return;
	}
	m->received++;
	memcpy(m->server_mac, server_mac, sizeof(m->server_mac));
	if (m->state != VS_DHCP4_REBOOTING || !prefers_ipv6(m, now, reply))
		vs_dhcp4_granted(m, now, &terms);
}

static void input_nak(struct vs_dhcp4 *m, vs_auto_ms now, const struct vs_dhcp4_reply *reply)
{
	if (!awaited(m, reply))
		return;
	m->received++;
	snprintf(m->problem, sizeof(m->problem), "the server has refused%s%s",
		 reply->text[0] != '\0' ? ": " : "", reply->text);
	m->ops->news(m->arg, VS_NEWS_REFUSED, NULL, m->problem);
	vs_dhcp4_drop_lease(m, now, m->problem);
	m->hint = 0;
	/* At once the first time. A server that offers and refuses for ever gets longer and longer pauses. */
	vs_auto_ms pause = m->naks == 0 ? 0 : vs_dhcp4_back_off(m, m->naks);
	if (m->naks < UINT8_MAX)
		m->naks++;
	vs_dhcp4_begin_init(m, now, pause);
}

/* Whether the message is for this client and of its exchange. Counts it otherwise. */
static bool is_ours(struct vs_dhcp4 *m, const struct vs_dhcp4_reply *reply)
{
	uint8_t id[VS_DHCP4_CLIENT_ID_MAX];
	uint8_t n = vs_dhcp4_client_id(m->config, id);
	/* RFC 6842: a server that returns the client id returns it unchanged. */
	bool other_id = (reply->has & VS_DHCP4_HAS_CLIENT_ID) != 0 &&
			(reply->client_id_len != n || memcmp(reply->client_id, id, n) != 0);

	if (memcmp(reply->mac, m->config->mac, sizeof(reply->mac)) != 0 || other_id) {
		ignore(m, VS_IGNORED_CLIENT);
		return false;
	}
	if (reply->xid != m->xid) {
		ignore(m, VS_IGNORED_XID);
		return false;
	}
	return true;
}

/* A reply goes to all, or to the address that the client has or gets. */
static bool is_addressed_to_us(const struct vs_dhcp4 *m, const struct vs_udp4 *udp,
			       const struct vs_dhcp4_reply *reply)
{
	return udp->src_port == VS_DHCP4_SERVER_PORT && udp->dst_port == VS_DHCP4_CLIENT_PORT &&
	       (udp->dst == UINT32_MAX || (reply->yiaddr != 0 && udp->dst == reply->yiaddr) ||
		(m->set && udp->dst == m->terms.addr));
}

void vs_dhcp4_input_message(struct vs_dhcp4 *m, vs_auto_ms now, const struct vs_auto_packet *packet)
{
	struct vs_dhcp4_reply reply;
	struct vs_udp4 udp;

	if (m->state == VS_DHCP4_STOPPED || !m->link_up) {
		ignore(m, VS_IGNORED_STATE);
		return;
	}
	if (vs_udp4_unwrap(packet->bytes, packet->n, packet->unfinished, &udp) != VS_UDP4_OK ||
	    !vs_dhcp4_parse(udp.payload, udp.n, &reply)) {
		ignore(m, VS_IGNORED_MALFORMED);
		return;
	}
	if (!is_addressed_to_us(m, &udp, &reply)) {
		ignore(m, VS_IGNORED_SENDER);
		return;
	}
	if (!is_ours(m, &reply))
		return;
	if (reply.type == VS_DHCP4_OFFER)
		input_offer(m, now, &reply);
	else if (reply.type == VS_DHCP4_ACK)
		input_ack(m, now, &reply, packet->mac);
	else
		input_nak(m, now, &reply);
}

/* Conflicts */

static void decline(struct vs_dhcp4 *m, vs_auto_ms now, const uint8_t *mac)
{
	snprintf(m->problem, sizeof(m->problem), "%02x:%02x:%02x:%02x:%02x:%02x uses the address too", mac[0],
		 mac[1], mac[2], mac[3], mac[4], mac[5]);
	vs_dhcp4_tell(m, now, VS_NEWS_CONFLICT, m->problem);
	vs_dhcp4_send_decline(m);
	vs_dhcp4_drop_lease(m, now, m->problem);
	m->hint = 0;
	if (m->conflicts < UINT8_MAX)
		m->conflicts++;
	vs_dhcp4_enter(m, now, VS_DHCP4_DECLINED);
	m->next = now + (m->conflicts >= MAX_CONFLICTS ? RATE_LIMIT_INTERVAL_MS : DECLINE_WAIT_MS);
}

/* RFC 5227 section 2.4 (b): one announcement, unless there was another conflict a short time ago. */
static void defend(struct vs_dhcp4 *m, vs_auto_ms now, const uint8_t *mac)
{
	bool again = m->conflict_at != VS_DHCP4_LONG_AGO && now - m->conflict_at < DEFEND_INTERVAL_MS;

	m->conflict_at = now;
	if (again)
		decline(m, now, mac);
	else
		vs_dhcp4_send_announcement(m);
}

void vs_dhcp4_input_arp(struct vs_dhcp4 *m, vs_auto_ms now, const struct vs_auto_packet *packet)
{
	struct vs_arp arp;

	if (!vs_arp_parse(packet->bytes, packet->n, &arp)) {
		ignore(m, VS_IGNORED_MALFORMED);
		return;
	}
	if (!m->link_up || !m->granted || memcmp(arp.sender_mac, m->config->mac, sizeof(arp.sender_mac)) == 0)
		return;
	bool claims = arp.sender_ip == m->terms.addr;
	/* RFC 5227 section 2.1.1: another host probes for the same address */
	bool probes = arp.op == VS_ARP_REQUEST && arp.sender_ip == 0 && arp.target_ip == m->terms.addr;
	if (m->state == VS_DHCP4_PROBING && (claims || probes))
		decline(m, now, arp.sender_mac);
	else if (m->set && claims)
		defend(m, now, arp.sender_mac);
}
