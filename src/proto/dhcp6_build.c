/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From struct vs_dhcp6_plan to bytes. */

#include "dhcp6.h"

#include "dhcp6_options.h"

static void put_na(struct vs_dhcp6_writer *w, const struct vs_dhcp6_plan *plan)
{
	vs_dhcp6_put_header(w, VS_DHCP6_IA_NA, 12 + 28u * plan->n_addrs);
	vs_dhcp6_put32(w, plan->iaid);
	vs_dhcp6_put_zeros(w, 8); /* T1, T2 */
	for (uint8_t i = 0; i < plan->n_addrs; i++) {
		vs_dhcp6_put_header(w, VS_DHCP6_IAADDR, 24);
		vs_dhcp6_put(w, plan->addrs[i], 16);
		vs_dhcp6_put_zeros(w, 8); /* lifetimes */
	}
}

static void put_pd(struct vs_dhcp6_writer *w, const struct vs_dhcp6_plan *plan)
{
	vs_dhcp6_put_header(w, VS_DHCP6_IA_PD, plan->prefix_len != 0 ? 12 + 29 : 12);
	vs_dhcp6_put32(w, plan->iaid);
	vs_dhcp6_put_zeros(w, 8); /* T1, T2 */
	if (plan->prefix_len == 0)
		return;
	vs_dhcp6_put_header(w, VS_DHCP6_IAPREFIX, 25);
	vs_dhcp6_put_zeros(w, 8); /* lifetimes */
	vs_dhcp6_put8(w, plan->prefix_len);
	vs_dhcp6_put(w, plan->prefix, 16);
}

static void put_wanted(struct vs_dhcp6_writer *w, const struct vs_dhcp6_plan *plan)
{
	vs_dhcp6_put_header(w, VS_DHCP6_ORO, 2u * plan->n_wanted);
	for (uint8_t i = 0; i < plan->n_wanted; i++)
		vs_dhcp6_put16(w, plan->wanted[i]);
}

static void put_fqdn(struct vs_dhcp6_writer *w, const struct vs_dhcp6_plan *plan)
{
	vs_dhcp6_put_header(w, VS_DHCP6_FQDN, 1u + plan->fqdn_len);
	vs_dhcp6_put8(w, VS_DHCP6_FQDN_S);
	vs_dhcp6_put(w, plan->fqdn, plan->fqdn_len);
}

size_t vs_dhcp6_build(const struct vs_dhcp6_plan *plan, uint8_t *bytes, size_t room)
{
	struct vs_dhcp6_writer w = {bytes, 0, room};

	vs_dhcp6_put32(&w, (uint32_t)plan->type << 24 | (plan->xid & 0xffffff));
	vs_dhcp6_put_option(&w, VS_DHCP6_CLIENT_ID, plan->client, plan->client_len);
	if (plan->server != NULL)
		vs_dhcp6_put_option(&w, VS_DHCP6_SERVER_ID, plan->server, plan->server_len);
	vs_dhcp6_put_header(&w, VS_DHCP6_ELAPSED, 2);
	vs_dhcp6_put16(&w, plan->elapsed_cs);
	if (plan->rapid)
		vs_dhcp6_put_header(&w, VS_DHCP6_RAPID_COMMIT, 0);
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
