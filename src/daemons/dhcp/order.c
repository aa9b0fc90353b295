/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A name whose servers are dead takes a thread for the time of the resolver, which is seconds. So the first
 * question is not always the next one. A question may begin if its domain has not too many threads, and if
 * one of its clients may have one more (share.h). Names of a domain often have the same servers. A client can
 * say names of many domains.
 *
 * Of those that may begin, the one whose client has the fewest threads is next. If they have the same number,
 * as they do if more stations ask than there are threads, it is the one who has begun the fewest of the last
 * questions: so they have their turns. Else it is the oldest.
 *
 * If several clients need an answer, the one that has the least counts: else a client could stop others by
 * asking for their names behind slow ones. Only some of its clients are remembered. When there are more, the
 * one that has the most is forgotten.
 */

#include "order.h"

#include <strings.h>

#include "share.h"

#define OF_A_DOMAIN 4 /* threads */

void dh_queue_put(struct dh_queue *q, struct dh_question *question)
{
	question->next = NULL;
	if (q->last == NULL)
		q->first = question;
	else
		q->last->next = question;
	q->last = question;
}

/* Takes out the one behind `before`; NULL: the first. */
static struct dh_question *take_behind(struct dh_queue *q, struct dh_question *before)
{
	struct dh_question *question = before == NULL ? q->first : before->next;

	if (question == NULL)
		return NULL;
	if (before == NULL)
		q->first = question->next;
	else
		before->next = question->next;
	if (q->last == question)
		q->last = before;
	return question;
}

struct dh_question *dh_queue_take(struct dh_queue *q)
{
	return take_behind(q, NULL);
}

const char *dh_domain(const char *name)
{
	const char *dot = strchr(name, '.'), *at = dot == NULL ? "" : dot + 1, *next;

	while ((next = strchr(at, '.')) != NULL && strchr(next + 1, '.') != NULL)
		at = next + 1;
	return at;
}

/* ------------------------------------------------------------------ who may begin */

static unsigned count_idle(const struct dh_busy *busy)
{
	unsigned n = 0;

	for (unsigned i = 0; i < busy->n; i++)
		n += busy->of[i] == NULL;
	return n;
}

static bool domain_may_begin(const struct dh_busy *busy, const char *domain)
{
	unsigned n = 0;

	for (unsigned i = 0; i < busy->n; i++)
		n += busy->of[i] != NULL && strcasecmp(dh_domain(busy->of[i]->name), domain) == 0;
	return n < OF_A_DOMAIN;
}

struct claim {
	struct dh_share now, lately; /* threads, and of the last questions */
};

static struct claim claim_of(const struct dh_client *client, const struct dh_busy *busy)
{
	struct claim c = { .now = { .client = 0 } };

	for (unsigned i = 0; i < busy->n; i++)
		if (busy->of[i] != NULL)
			dh_share_add(&c.now, client, &busy->of[i]->clients[busy->of[i]->charged]);
	for (unsigned i = 0; i < DH_LATELY && i < busy->n_begun; i++)
		dh_share_add(&c.lately, client, &busy->lately[i]);
	return c;
}

/* Whether who has the first claim comes before who has the second one. */
static bool is_before(const struct claim *first, const struct claim *second)
{
	int r = dh_share_compare(&first->now, &second->now);

	return r < 0 || (r == 0 && dh_share_compare(&first->lately, &second->lately) < 0);
}

/* Charges the client that is first. False: none of them may begin. */
static bool charge(struct dh_question *q, const struct dh_busy *busy, struct claim *first)
{
	unsigned n_idle = count_idle(busy);
	bool found = false;

	for (unsigned i = 0; i < q->n_clients; i++) {
		struct claim c = claim_of(&q->clients[i], busy);
		if (!dh_share_leaves(&c.now, n_idle) || (found && !is_before(&c, first)))
			continue;
		*first = c;
		q->charged = i;
		found = true;
	}
	return found;
}

bool dh_order_share(struct dh_question *q, const struct dh_client *client, const struct dh_busy *busy)
{
	struct claim last = claim_of(client, busy);
	unsigned place = q->n_clients;

	for (unsigned i = 0; i < q->n_clients; i++)
		if (dh_client_same(&q->clients[i], client))
			return false;
	if (q->begun)
		return false;
	for (unsigned i = 1; q->n_clients == DH_SHARED && i < DH_SHARED; i++) {
		struct claim c = claim_of(&q->clients[i], busy);
		if (!is_before(&last, &c))
			continue;
		last = c;
		place = i;
	}
	if (place == DH_SHARED)
		return false;
	q->clients[place] = *client;
	q->n_clients += place == q->n_clients;
	return true;
}

void dh_order_begin(struct dh_busy *busy, unsigned thread, struct dh_question *q)
{
	q->begun = true;
	busy->of[thread] = q;
	busy->lately[busy->n_begun++ % DH_LATELY] = q->clients[q->charged];
}

struct dh_question *dh_order_next(struct dh_queue *todo, const struct dh_busy *busy)
{
	struct dh_question *before = NULL, *before_best = NULL, *best = NULL;
	struct claim first = { .now = { .client = 0 } }, claim = first;

	for (struct dh_question *q = todo->first; q != NULL; before = q, q = q->next) {
		if (!domain_may_begin(busy, dh_domain(q->name)) || !charge(q, busy, &claim) ||
		    (best != NULL && !is_before(&claim, &first)))
			continue;
		first = claim;
		best = q;
		before_best = before;
	}
	return best == NULL ? NULL : take_behind(todo, before_best);
}
