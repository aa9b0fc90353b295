/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DH_WAITING_H
#define DH_WAITING_H

/*
 * Requests that wait for a lookup: copies of the messages, and of where they came from. Bounded.
 * When the lookup ends the server takes them out, and handles them anew. A request that still lacks a name is
 * put back with another ticket. One that has waited too long, or too often, is dropped. Clients share the
 * room (share.h).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client.h"

#define DH_WAITING_MAX 512
#define DH_WAITING_BYTES (4u << 20) /* of all messages; a station has a quarter */
#define DH_WAITING_MS 10000         /* clients have repeated their request long before */
#define DH_WAITING_TURNS 32         /* lookups of one request */
#define DH_ORIGIN_MAX 64            /* bytes of where a request came from */

struct dh_request {
	const uint8_t *bytes;
	size_t n;
	struct dh_client client;
	uint8_t origin[DH_ORIGIN_MAX]; /* the server's own; all of it is compared */
	int64_t since_ms;              /* when it came */
	unsigned turns;                /* how often it has waited; 0 at first */
};

struct dh_waiter;
struct dh_waiting {
	struct dh_waiter *first, *last;
	unsigned n;
	size_t n_bytes;
};

/*
 * Keeps a request, and copies it. False: it was dropped, because there are too many, or too many of its
 * client, it is too old, the same request of the same origin waits already, or memory is short.
 */
bool dh_waiting_add(struct dh_waiting *w, const struct dh_request *request, uint64_t ticket, int64_t now_ms);

/* Whether the same request of the same origin waits. */
bool dh_waiting_has(const struct dh_waiting *w, const struct dh_request *request);

/*
 * Calls handle() for each request that waits for this ticket, oldest first, and forgets it. Its bytes live
 * until handle() returns. handle() may add.
 */
void dh_waiting_wake(struct dh_waiting *w, uint64_t ticket,
		     void (*handle)(void *arg, const struct dh_request *request), void *arg);

void dh_waiting_clear(struct dh_waiting *w);

#endif
