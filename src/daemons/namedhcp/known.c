/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "known.h"

#include <stdio.h>
#include <string.h>

#include "daemons/dhcp/share.h"

/* Its place, or ND_KNOWN_MAX. */
static size_t find(const struct nd_known *known, const struct vs_dhcp6_bytes *duid)
{
	for (size_t i = 0; duid->n > 0 && i < ND_KNOWN_MAX; i++)
		if (known->clients[i].n == duid->n &&
		    memcmp(known->clients[i].duid, duid->bytes, duid->n) == 0)
			return i;
	return ND_KNOWN_MAX;
}

/* The oldest one: of the client or its station if they have too many, else of all. Free ones are oldest. */
static size_t find_room(const struct nd_known *known, const struct dh_client *from)
{
	size_t of_client = ND_KNOWN_MAX, of_station = ND_KNOWN_MAX, of_all = 0;
	struct dh_share share = { .client = 0 };

	for (size_t i = 0; i < ND_KNOWN_MAX; i++) {
		const struct nd_client *c = &known->clients[i];
		if (c->turn < known->clients[of_all].turn)
			of_all = i;
		if (c->n == 0)
			continue;
		dh_share_add(&share, from, &c->from);
		if (dh_client_same_station(from, &c->from) &&
		    (of_station == ND_KNOWN_MAX || c->turn < known->clients[of_station].turn))
			of_station = i;
		if (dh_client_same(from, &c->from) &&
		    (of_client == ND_KNOWN_MAX || c->turn < known->clients[of_client].turn))
			of_client = i;
	}
	return share.client >= ND_KNOWN_OF_A_CLIENT     ? of_client
	       : share.station >= ND_KNOWN_OF_A_STATION ? of_station
							: of_all;
}

void nd_known_put(struct nd_known *known, const struct dh_client *from, const struct vs_dhcp6_bytes *duid,
		  const char *name)
{
	size_t i = find(known, duid);

	if (duid->n == 0 || duid->n > VS_DHCP6_DUID_MAX)
		return;
	if (i == ND_KNOWN_MAX)
		i = find_room(known, from);
	struct nd_client *c = &known->clients[i];
	c->from = *from;
	c->turn = ++known->turns;
	c->n = duid->n;
	memcpy(c->duid, duid->bytes, duid->n);
	(void)snprintf(c->name, sizeof(c->name), "%s", name);
}

const char *nd_known_get(const struct nd_known *known, const struct vs_dhcp6_bytes *duid)
{
	size_t i = find(known, duid);

	return i == ND_KNOWN_MAX ? NULL : known->clients[i].name;
}
