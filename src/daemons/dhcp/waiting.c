/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "waiting.h"

#include <stdlib.h>
#include <string.h>

#include "share.h"

struct dh_waiter {
	struct dh_waiter *next;
	uint64_t ticket;
	struct dh_request request; /* bytes is the array below */
	uint8_t bytes[];
};

static bool same(const struct dh_waiter *waiter, const struct dh_request *r)
{
	return waiter->request.n == r->n && memcmp(waiter->request.origin, r->origin, DH_ORIGIN_MAX) == 0 &&
	       memcmp(waiter->bytes, r->bytes, r->n) == 0;
}

bool dh_waiting_has(const struct dh_waiting *w, const struct dh_request *r)
{
	for (const struct dh_waiter *waiter = w->first; waiter != NULL; waiter = waiter->next)
		if (same(waiter, r))
			return true;
	return false;
}

/* Whether the client leaves enough for others. */
static bool has_room(const struct dh_waiting *w, const struct dh_request *r)
{
	struct dh_share share = { .client = 0 };
	size_t n_bytes = r->n;

	if (w->n == DH_WAITING_MAX || w->n_bytes + r->n > DH_WAITING_BYTES)
		return false;
	for (const struct dh_waiter *waiter = w->first; waiter != NULL; waiter = waiter->next) {
		dh_share_add(&share, &r->client, &waiter->request.client);
		if (dh_client_same_station(&r->client, &waiter->request.client))
			n_bytes += waiter->request.n;
	}
	return dh_share_leaves(&share, DH_WAITING_MAX - w->n) && n_bytes <= DH_WAITING_BYTES / 4;
}

bool dh_waiting_add(struct dh_waiting *w, const struct dh_request *request, uint64_t ticket, int64_t now_ms)
{
	if (!has_room(w, request) || request->turns == DH_WAITING_TURNS ||
	    now_ms - request->since_ms > DH_WAITING_MS || dh_waiting_has(w, request))
		return false;
	struct dh_waiter *waiter = malloc(sizeof(*waiter) + request->n);
	if (waiter == NULL)
		return false;
	waiter->next = NULL;
	waiter->ticket = ticket;
	waiter->request = *request;
	waiter->request.bytes = waiter->bytes;
	waiter->request.turns++;
	memcpy(waiter->bytes, request->bytes, request->n);
	if (w->last == NULL)
		w->first = waiter;
	else
		w->last->next = waiter;
	w->last = waiter;
	w->n++;
	w->n_bytes += request->n;
	return true;
}

/* Takes those with the ticket out of the list: a list of its own, in the same order. */
static struct dh_waiter *detach(struct dh_waiting *w, uint64_t ticket)
{
	struct dh_waiter *taken = NULL, **end = &taken, *waiter = w->first, *next;

	w->first = w->last = NULL;
	for (; waiter != NULL; waiter = next) {
		next = waiter->next;
		waiter->next = NULL;
		if (waiter->ticket == ticket) {
			*end = waiter;
			end = &waiter->next;
			w->n--;
			w->n_bytes -= waiter->request.n;
			continue;
		}
		if (w->last == NULL)
			w->first = waiter;
		else
			w->last->next = waiter;
		w->last = waiter;
	}
	return taken;
}

void dh_waiting_wake(struct dh_waiting *w, uint64_t ticket,
		     void (*handle)(void *arg, const struct dh_request *request), void *arg)
{
	struct dh_waiter *next;

	for (struct dh_waiter *waiter = detach(w, ticket); waiter != NULL; waiter = next) {
		next = waiter->next;
		handle(arg, &waiter->request);
		free(waiter);
	}
}

void dh_waiting_clear(struct dh_waiting *w)
{
	struct dh_waiter *next;

	for (struct dh_waiter *waiter = w->first; waiter != NULL; waiter = next) {
		next = waiter->next;
		free(waiter);
	}
	*w = (struct dh_waiting){ .first = NULL };
}
