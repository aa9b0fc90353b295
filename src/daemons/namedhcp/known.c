/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "known.h"

#include <stdio.h>
#include <string.h>

/* Its place, or ND_KNOWN_MAX. */
static size_t find(const struct nd_known *known, const struct vs_dhcp6_bytes *duid)
{
	for (size_t i = 0; duid->n > 0 && i < ND_KNOWN_MAX; i++)
		if (known->clients[i].n == duid->n &&
		    memcmp(known->clients[i].duid, duid->bytes, duid->n) == 0)
			return i;
	return ND_KNOWN_MAX;
}

void nd_known_put(struct nd_known *known, const struct vs_dhcp6_bytes *duid, const char *name)
{
	size_t i = find(known, duid);

	if (duid->n == 0 || duid->n > VS_DHCP6_DUID_MAX)
		return;
	if (i == ND_KNOWN_MAX) {
		i = known->oldest;
		known->oldest = (known->oldest + 1) % ND_KNOWN_MAX;
	}
	known->clients[i].n = duid->n;
	memcpy(known->clients[i].duid, duid->bytes, duid->n);
	(void)snprintf(known->clients[i].name, sizeof(known->clients[i].name), "%s", name);
}

const char *nd_known_get(const struct nd_known *known, const struct vs_dhcp6_bytes *duid)
{
	size_t i = find(known, duid);

	return i == ND_KNOWN_MAX ? NULL : known->clients[i].name;
}
