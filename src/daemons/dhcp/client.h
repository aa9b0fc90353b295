/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DH_CLIENT_H
#define DH_CLIENT_H

/*
 * Who asks, as limits see it. The station that has sent the message is what the network says; the rest is
 * what the message says. A relay brings messages of many clients. A router brings messages of many relays.
 * All zero is a client as any other.
 */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct dh_client {
	uint8_t station[16]; /* its address, with zeros behind a short one */
	uint8_t relay[16];   /* where the relay stands; all zero: there is none */
	uint8_t behind[16];  /* the client behind the relay or a router; all zero: the station itself */
};

static inline bool dh_client_same_station(const struct dh_client *a, const struct dh_client *b)
{
	return memcmp(a->station, b->station, sizeof(a->station)) == 0;
}

static inline bool dh_client_same_relay(const struct dh_client *a, const struct dh_client *b)
{
	return dh_client_same_station(a, b) && memcmp(a->relay, b->relay, sizeof(a->relay)) == 0;
}

static inline bool dh_client_same(const struct dh_client *a, const struct dh_client *b)
{
	return dh_client_same_relay(a, b) && memcmp(a->behind, b->behind, sizeof(a->behind)) == 0;
}

#endif
