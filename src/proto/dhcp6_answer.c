/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From struct vs_dhcp6_answer to bytes. */

#include "dhcp6_server.h"

#include <string.h>

#include "dhcp6_options.h"

static void put_said(struct vs_dhcp6_writer *w, const struct vs_dhcp6_said *said)
{
	if (said->text == NULL)
		return;
	vs_dhcp6_put_header(w, VS_DHCP6_STATUS, 2 + strlen(said->text));
	vs_dhcp6_put16(w, (uint16_t)said->status);
	vs_dhcp6_put(w, said->text, strlen(said->text));
}

static void put_ia(struct vs_dhcp6_writer *w, const struct vs_dhcp6_given *ia)
{
	size_t from = vs_dhcp6_open(w, ia->code);

	vs_dhcp6_put32(w, ia->iaid);
	if (ia->code != VS_DHCP6_IA_TA) {
		vs_dhcp6_put32(w, ia->t1_s);
		vs_dhcp6_put32(w, ia->t2_s);
	}
	for (uint8_t i = 0; i < ia->n; i++) {
		vs_dhcp6_put_header(w, VS_DHCP6_IAADDR, 24);
		vs_dhcp6_put(w, ia->addrs[i].ip, 16);
		vs_dhcp6_put32(w, ia->addrs[i].lifetime_s);
		vs_dhcp6_put32(w, ia->addrs[i].lifetime_s);
	}
	put_said(w, &ia->said);
	vs_dhcp6_close(w, from);
}

static void put_ntp(struct vs_dhcp6_writer *w, const struct vs_dhcp6_answer *a)
{
	vs_dhcp6_put_header(w, VS_DHCP6_NTP, 20u * a->n_ntp);
	for (uint8_t i = 0; i < a->n_ntp; i++) {
		vs_dhcp6_put16(w, VS_DHCP6_NTP_ADDRESS);
		vs_dhcp6_put16(w, 16);
		vs_dhcp6_put(w, a->ntp[i], 16);
	}
}

static void put_settings(struct vs_dhcp6_writer *w, const struct vs_dhcp6_answer *a)
{
	if (a->n_dns > 0)
		vs_dhcp6_put_option(w, VS_DHCP6_DNS, a->dns[0], 16u * a->n_dns);
	if (a->search != NULL)
		vs_dhcp6_put_option(w, VS_DHCP6_SEARCH, a->search, a->search_len);
	if (a->n_sntp > 0)
		vs_dhcp6_put_option(w, VS_DHCP6_SNTP, a->ntp[0], 16u * a->n_sntp);
	if (a->n_ntp > 0)
		put_ntp(w, a);
	if (a->fqdn == NULL)
		return;
	vs_dhcp6_put_header(w, VS_DHCP6_FQDN, 1u + a->fqdn_len);
	vs_dhcp6_put8(w, a->fqdn_flags);
	vs_dhcp6_put(w, a->fqdn, a->fqdn_len);
}

static void put_message(struct vs_dhcp6_writer *w, const struct vs_dhcp6_answer *a)
{
	vs_dhcp6_put32(w, (uint32_t)a->type << 24 | (a->to->xid & 0xffffff));
	if (a->to->client.bytes != NULL)
		vs_dhcp6_put_option(w, VS_DHCP6_CLIENT_ID, a->to->client.bytes, a->to->client.n);
	vs_dhcp6_put_option(w, VS_DHCP6_SERVER_ID, a->server, a->server_len);
	if (a->rapid)
		vs_dhcp6_put_header(w, VS_DHCP6_RAPID_COMMIT, 0);
	put_said(w, &a->said);
	for (uint8_t i = 0; i < a->n_ias; i++)
		put_ia(w, &a->ias[i]);
	put_settings(w, a);
}

/* Opens the message for a relay. */
static size_t put_relay(struct vs_dhcp6_writer *w, const struct vs_dhcp6_relay *relay)
{
	vs_dhcp6_put8(w, VS_DHCP6_RELAY_REPL);
	vs_dhcp6_put8(w, relay->hops);
	vs_dhcp6_put(w, relay->link, 16);
	vs_dhcp6_put(w, relay->peer, 16);
	if (relay->interface_id.bytes != NULL)
		vs_dhcp6_put_option(w, VS_DHCP6_INTERFACE_ID, relay->interface_id.bytes,
				    relay->interface_id.n);
	if (relay->remote_id.bytes != NULL)
		vs_dhcp6_put_option(w, VS_DHCP6_REMOTE_ID, relay->remote_id.bytes, relay->remote_id.n);
	return vs_dhcp6_open(w, VS_DHCP6_RELAY_MSG);
}

size_t vs_dhcp6_answer_build(const struct vs_dhcp6_answer *answer, uint8_t *bytes, size_t room)
{
	struct vs_dhcp6_writer w = { bytes, 0, room };
	size_t from[VS_DHCP6_RELAYS_MAX];
	uint8_t n = answer->to->n_relays;

	for (uint8_t i = 0; i < n; i++)
		from[i] = put_relay(&w, &answer->to->relays[i]);
	put_message(&w, answer);
	while (n-- > 0)
		vs_dhcp6_close(&w, from[n]);
	return w.n <= w.room ? w.n : 0;
}
