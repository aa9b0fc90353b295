/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DH_CLIENT_H
#define DH_CLIENT_H

/*
 * Who asks. What one client may have at the same time is limited, so that it leaves the rest to others. A
 * relay brings messages of many clients, and says whose they are. A client may say that it is a relay. So a
 * station has a limit, too, which is larger.
 */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct dh_client {
	uint8_t station[16]; /* its address, which has sent the message; all zero: not known, no limits */
	uint8_t behind[32];  /* the client behind this relay; all zero: the station itself */
};

static inline bool dh_client_known(const struct dh_client *c)
{
	static const uint8_t none[sizeof(c->station)];

	return memcmp(c->station, none, sizeof(none)) != 0;
}

static inline bool dh_client_same_station(const struct dh_client *a, const struct dh_client *b)
{
	return memcmp(a->station, b->station, sizeof(a->station)) == 0;
}

static inline bool dh_client_same(const struct dh_client *a, const struct dh_client *b)
{
	return dh_client_same_station(a, b) && memcmp(a->behind, b->behind, sizeof(a->behind)) == 0;
}

/* How much a client and its station have. */
struct dh_share {
	unsigned client, station;
};

static inline void dh_share_add(struct dh_share *share, const struct dh_client *who,
				const struct dh_client *other)
{
	share->station += dh_client_same_station(who, other);
	share->client += dh_client_same(who, other);
}

#endif
