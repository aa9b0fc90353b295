/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which question a thread of the DHCP servers asks next. The threads are those of the case: it says which of
 * them are busy.
 */

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemons/dhcp/order.h"
#include "daemons/dhcp/share.h"
#include "dhcp_client.h"

/* ------------------------------------------------------------------ which question is next */

static void domains_are_two_labels(void **state)
{
	(void)state;
	assert_string_equal(dh_domain("one"), "");
	assert_string_equal(dh_domain("one.test"), "test");
	assert_string_equal(dh_domain("one.a.test"), "a.test");
	assert_string_equal(dh_domain("one.a.b.c.test"), "c.test");
}

struct world {
	struct dh_busy busy;
	struct dh_queue todo;
	unsigned n; /* questions so far */
	struct dh_question questions[2000];
};

static struct world *new_world(unsigned n_threads)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->busy.n = n_threads;
	return w;
}

/* A client asks for a name of a domain of its own. */
static struct dh_question *ask(struct world *w, struct dh_client client)
{
	assert_true(w->n < 2000);
	struct dh_question *q = &w->questions[w->n];

	q->clients[0] = client;
	q->n_clients = 1;
	(void)snprintf(q->name, sizeof(q->name), "name.domain%u.test", w->n++);
	dh_queue_put(&w->todo, q);
	return q;
}

static void ask_many(struct world *w, struct dh_client client, unsigned n)
{
	while (n-- > 0)
		(void)ask(w, client);
}

/* An idle thread looks for a question. */
static struct dh_question *begin(struct world *w)
{
	unsigned place = 0;

	while (place < w->busy.n && w->busy.of[place] != NULL)
		place++;
	if (place == w->busy.n)
		return NULL;
	struct dh_question *q = dh_order_next(&w->todo, &w->busy);
	if (q != NULL)
		dh_order_begin(&w->busy, place, q);
	return q;
}

static unsigned begin_all(struct world *w)
{
	unsigned n = 0;

	while (begin(w) != NULL)
		n++;
	return n;
}

static void end(struct world *w, const struct dh_question *q)
{
	for (unsigned i = 0; i < w->busy.n; i++)
		if (w->busy.of[i] == q) {
			w->busy.of[i] = NULL;
			return;
		}
	fail();
}

static struct dh_share share_of(const struct world *w, struct dh_client client)
{
	struct dh_share share = { .client = 0 };

	for (unsigned i = 0; i < w->busy.n; i++)
		if (w->busy.of[i] != NULL)
			dh_share_add(&share, &client, &w->busy.of[i]->clients[w->busy.of[i]->charged]);
	return share;
}

static void a_client_alone_has_half_of_the_threads(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= DH_ASKERS; n++) { /* there may be fewer threads than wanted */
		struct world *w = new_world(n);
		ask_many(w, client_of(1, 0, 0), 20);
		assert_int_equal(begin_all(w), (n + 1) / 2);
		free(w);
	}
}

static void clients_and_relays_that_are_made_up_stay_within_the_station(void **state)
{
	struct world *w = new_world(DH_ASKERS);

	(void)state;
	for (unsigned i = 1; i < 100; i++)
		(void)ask(w, client_of(1, 1, i));
	assert_int_equal(begin_all(w), 6);
	for (unsigned i = 1; i < 100; i++)
		(void)ask(w, client_of(1, i, i));
	assert_int_equal(begin_all(w), 1);
	struct dh_question *honest = ask(w, client_of(2, 0, 0));
	assert_ptr_equal(begin(w), honest);
	assert_null(begin(w));
	free(w);
}

/* However many questions of the first ones wait before it. */
static void who_has_nothing_begins_at_once(void **state)
{
	struct world *w = new_world(DH_ASKERS);

	(void)state;
	for (unsigned i = 1; i <= 3; i++) {
		ask_many(w, client_of(i, 0, 0), 200);
		assert_true(begin_all(w) > 0);
	}
	struct dh_question *honest = ask(w, client_of(9, 0, 0));
	assert_ptr_equal(begin(w), honest);
	assert_null(begin(w));
	free(w);
}

/* More stations than threads: who has waited for its first or next turn gets the thread that is free. */
static void a_thread_that_is_free_again_goes_to_who_had_least(void **state)
{
	struct world *w = new_world(DH_ASKERS);
	unsigned turns[21] = { 0 };

	(void)state;
	for (unsigned i = 1; i <= 19; i++)
		ask_many(w, client_of(i, 0, 0), 50);
	assert_int_equal(begin_all(w), DH_ASKERS);
	ask_many(w, client_of(20, 0, 0), 2); /* behind 900 others */
	for (unsigned i = 1; turns[20] < 2; i++) {
		end(w, w->busy.of[i % DH_ASKERS]);
		turns[begin(w)->clients[0].station[2]]++;
		assert_int_equal(turns[20] > 0, i >= 12); /* behind the first ones of the others */
		assert_true(i <= 12 + DH_LATELY + 1);
	}
	free(w);
}

static void behind_a_relay_the_client_that_has_least_is_next(void **state)
{
	struct world *w = new_world(DH_ASKERS);

	(void)state;
	ask_many(w, client_of(1, 1, 1), 20);
	assert_int_equal(begin_all(w), 4);
	struct dh_question *honest = ask(w, client_of(1, 1, 2)), *other = ask(w, client_of(1, 2, 1));
	assert_ptr_equal(begin(w), other); /* behind another relay of the station */
	assert_ptr_equal(begin(w), honest);
	free(w);
}

static void a_domain_has_four_threads(void **state)
{
	struct world *w = new_world(DH_ASKERS);

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		struct dh_question *q = ask(w, client_of(i, 0, 0));
		(void)snprintf(q->name, sizeof(q->name), "host%u.%s", i,
			       i % 2 == 0 ? "Dead.test" : "dead.TEST");
	}
	assert_int_equal(begin_all(w), 4);
	struct dh_question *honest = ask(w, client_of(1, 0, 0));
	assert_ptr_equal(begin(w), honest);
	free(w);
}

/* A client that is served in turns does not lose its place to one that asks all the time. */
static void two_clients_that_ask_without_end_have_the_same(void **state)
{
	struct world *w = new_world(2);
	unsigned n[3] = { 0 };

	(void)state;
	ask_many(w, client_of(1, 0, 0), 300);
	ask_many(w, client_of(2, 0, 0), 300);
	for (unsigned i = 0; i < 400; i++) {
		(void)begin_all(w);
		const struct dh_question *q = w->busy.of[i % 2];
		n[q->clients[0].station[2]]++;
		end(w, q);
	}
	assert_int_equal(n[1], 200);
	assert_int_equal(n[2], 200);
	free(w);
}

/* ------------------------------------------------------------------ questions of several clients */

static void one_that_may_begin_is_enough(void **state)
{
	struct world *w = new_world(DH_ASKERS);
	struct dh_client hostile = client_of(1, 0, 0), honest = client_of(2, 0, 0);

	(void)state;
	ask_many(w, hostile, 20);
	assert_int_equal(begin_all(w), 4);
	struct dh_question *q = w->todo.last; /* what the other one needs, too */
	assert_true(dh_order_share(q, &honest, &w->busy));
	assert_false(dh_order_share(q, &honest, &w->busy));
	assert_ptr_equal(begin(w), q);
	assert_int_equal(share_of(w, honest).client, 1);
	assert_int_equal(share_of(w, hostile).client, 4);
	assert_false(dh_order_share(q, &(struct dh_client){ .station = { 7 } }, &w->busy)); /* it is asked */
	assert_int_equal(q->n_clients, 2);
	free(w);
}

/* They have more than it: one of them is forgotten. */
static void clients_that_are_made_up_do_not_keep_the_others_out(void **state)
{
	struct world *w = new_world(DH_ASKERS);
	struct dh_client honest = client_of(2, 0, 0);

	(void)state;
	for (unsigned i = 1; i < 20; i++)
		(void)ask(w, client_of(1, i, i));
	assert_int_equal(begin_all(w), 7);
	struct dh_question *q = w->todo.last;
	for (unsigned i = 30; i < 40; i++)
		(void)dh_order_share(q,
				     &(struct dh_client){ .station = { 1, 0, 1 },
							  .behind = { 3, (uint8_t)i } },
				     &w->busy);
	assert_int_equal(q->n_clients, DH_SHARED);
	assert_true(dh_order_share(q, &honest, &w->busy));
	assert_int_equal(q->n_clients, DH_SHARED);
	assert_ptr_equal(begin(w), q);
	assert_int_equal(share_of(w, honest).client, 1);
	free(w);
}

/* ------------------------------------------------------------------ anything */

static unsigned any(unsigned *seed, unsigned below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % below;
}

/* The rule again, written plainly. The least is first. */
static unsigned long long rank_of(const struct world *w, struct dh_client client)
{
	struct dh_share s = share_of(w, client), l = { .client = 0 };

	for (unsigned i = 0; i < DH_LATELY && i < w->busy.n_begun; i++)
		dh_share_add(&l, &client, &w->busy.lately[i]);
	return ((((s.station * 100ULL + s.relay) * 100 + s.client) * 100 + l.station) * 100 + l.relay) * 100 +
	       l.client;
}

static bool may_begin(const struct world *w, struct dh_client client, unsigned n_idle)
{
	struct dh_share s = share_of(w, client);

	return s.client < n_idle && s.relay < 2 * n_idle && s.station < 4 * n_idle;
}

/* That it may begin, and that none of those that were left comes before it. */
static void check_choice(const struct world *w, const struct dh_question *chosen, unsigned n_idle)
{
	assert_true(chosen == NULL || may_begin(w, chosen->clients[0], n_idle));
	for (const struct dh_question *q = w->todo.first; q != NULL; q = q->next)
		if (may_begin(w, q->clients[0], n_idle)) {
			assert_non_null(chosen);
			assert_true(rank_of(w, chosen->clients[0]) <= rank_of(w, q->clients[0]));
		}
}

static void any_mixture_follows_the_rule(void **state)
{
	struct world *w = new_world(DH_ASKERS);
	unsigned seed = (unsigned)(uintptr_t)w ^ 0x5eed, n_busy = 0;

	(void)state;
	print_message("seed %u\n", seed);
	for (unsigned turn = 0; turn < 20000; turn++) {
		if (any(&seed, 3) > 0 && w->n < 2000)
			(void)ask(w, client_of(any(&seed, 3), any(&seed, 3), any(&seed, 3)));
		if (n_busy > 0 && any(&seed, 3) == 0) {
			unsigned i = any(&seed, w->busy.n);
			n_busy -= w->busy.of[i] != NULL;
			w->busy.of[i] = NULL;
		}
		if (n_busy == w->busy.n)
			continue;
		struct dh_question *q = dh_order_next(&w->todo, &w->busy);
		check_choice(w, q, w->busy.n - n_busy);
		if (q == NULL)
			continue;
		unsigned place = 0;
		while (w->busy.of[place] != NULL)
			place++;
		dh_order_begin(&w->busy, place, q);
		n_busy++;
	}
	assert_int_equal(w->busy.n_begun, w->n); /* each had its turn */
	assert_null(w->todo.first);
	assert_null(w->todo.last);
	free(w);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(domains_are_two_labels),
	cmocka_unit_test(a_client_alone_has_half_of_the_threads),
	cmocka_unit_test(clients_and_relays_that_are_made_up_stay_within_the_station),
	cmocka_unit_test(who_has_nothing_begins_at_once),
	cmocka_unit_test(a_thread_that_is_free_again_goes_to_who_had_least),
	cmocka_unit_test(behind_a_relay_the_client_that_has_least_is_next),
	cmocka_unit_test(a_domain_has_four_threads),
	cmocka_unit_test(two_clients_that_ask_without_end_have_the_same),
	cmocka_unit_test(one_that_may_begin_is_enough),
	cmocka_unit_test(clients_that_are_made_up_do_not_keep_the_others_out),
	cmocka_unit_test(any_mixture_follows_the_rule),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
