/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * From struct vs_dhcp6_plan to bytes.
 *
 * A writer counts all bytes that it gets, and stores those for which there is room. So no step checks the
 * room: the end does.
 */

#include "dhcp6.h"

#include <string.h>

#include "be.h"

#define FQDN_SERVER_UPDATES 0x01 /* RFC 4704 section 4.1: S, the server is to update the AAAA record */

struct writer {
	uint8_t *bytes;
	size_t n, room;
};

static void put(struct writer *w, const void *bytes, size_t n)
{
	if (w->n + n <= w->room)
		memcpy(w->bytes + w->n, bytes, n);
	w->n += n;
}

static void put8(struct writer *w, uint8_t number)
{
	put(w, &number, 1);
}

static void put16(struct writer *w, uint16_t number)
{
	uint8_t bytes[2];

	vs_be_put16(bytes, number);
	put(w, bytes, sizeof(bytes));
}

static void put32(struct writer *w, uint32_t number)
{
	uint8_t bytes[4];

	vs_be_put32(bytes, number);
	put(w, bytes, sizeof(bytes));
}

static void put_zeros(struct writer *w, size_t n)
{
	while (n-- > 0)
		put8(w, 0);
}

static void put_header(struct writer *w, enum vs_dhcp6_option code, size_t n)
{
	put16(w, (uint16_t)code);
	put16(w, (uint16_t)n);
}

static void put_option(struct writer *w, enum vs_dhcp6_option code, const uint8_t *bytes, size_t n)
{
	put_header(w, code, n);
	put(w, bytes, n);
}

static void put_na(struct writer *w, const struct vs_dhcp6_plan *plan)
{
	put_header(w, VS_DHCP6_IA_NA, 12 + 28u * plan->n_addrs);
	put32(w, plan->iaid);
	put_zeros(w, 8); /* T1, T2 */
	for (uint8_t i = 0; i < plan->n_addrs; i++) {
		put_header(w, VS_DHCP6_IAADDR, 24);
		put(w, plan->addrs[i], 16);
		put_zeros(w, 8); /* lifetimes */
	}
}

static void put_pd(struct writer *w, const struct vs_dhcp6_plan *plan)
{
	put_header(w, VS_DHCP6_IA_PD, plan->prefix_len != 0 ? 12 + 29 : 12);
	put32(w, plan->iaid);
	put_zeros(w, 8); /* T1, T2 */
	if (plan->prefix_len == 0)
		return;
	put_header(w, VS_DHCP6_IAPREFIX, 25);
	put_zeros(w, 8); /* lifetimes */
	put8(w, plan->prefix_len);
	put(w, plan->prefix, 16);
}

static void put_wanted(struct writer *w, const struct vs_dhcp6_plan *plan)
{
	put_header(w, VS_DHCP6_ORO, 2u * plan->n_wanted);
	for (uint8_t i = 0; i < plan->n_wanted; i++)
		put16(w, plan->wanted[i]);
}

static void put_fqdn(struct writer *w, const struct vs_dhcp6_plan *plan)
{
	put_header(w, VS_DHCP6_FQDN, 1u + plan->fqdn_len);
	put8(w, FQDN_SERVER_UPDATES);
	put(w, plan->fqdn, plan->fqdn_len);
}

size_t vs_dhcp6_build(const struct vs_dhcp6_plan *plan, uint8_t *bytes, size_t room)
{
	struct writer w = {bytes, 0, room};

	put32(&w, (uint32_t)plan->type << 24 | (plan->xid & 0xffffff));
	put_option(&w, VS_DHCP6_CLIENT_ID, plan->client, plan->client_len);
	if (plan->server != NULL)
		put_option(&w, VS_DHCP6_SERVER_ID, plan->server, plan->server_len);
	put_header(&w, VS_DHCP6_ELAPSED, 2);
	put16(&w, plan->elapsed_cs);
	if (plan->rapid)
		put_header(&w, VS_DHCP6_RAPID_COMMIT, 0);
	if (plan->na)
		put_na(&w, plan);
	if (plan->pd)
		put_pd(&w, plan);
	if (plan->n_wanted != 0)
		put_wanted(&w, plan);
	if (plan->fqdn != NULL)
		put_fqdn(&w, plan);
	return w.n <= w.room ? w.n : 0;
}
