/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The order of RFC 2782, with numbers of the test. */

#include "unit.h"

#include "dns/srv_order.h"

#include <vdestack/dns.h>

#define MAX 8

struct place {
	uint16_t priority, weight;
};

/* Numbers that the test has chosen, and what the calls of them allowed. */
struct script {
	const uint32_t *numbers;
	uint32_t most[MAX];
	unsigned n;
};

static uint32_t scripted(void *arg, uint32_t most)
{
	struct script *script = arg;

	script->most[script->n] = most;
	return script->numbers[script->n++];
}

/* A list of n places; port is the number of the place. */
static struct vdestack_dns_srv *list_of(struct vdestack_dns_srv nodes[MAX], const struct place *places,
					size_t n)
{
	for (size_t i = 0; i < n; i++)
		nodes[i] = (struct vdestack_dns_srv){
			.next = i + 1 < n ? &nodes[i + 1] : NULL,
			.port = (uint16_t)i,
			.priority = places[i].priority,
			.weight = places[i].weight,
		};
	return n > 0 ? nodes : NULL;
}

static void expect_order(const struct place *places, size_t n, const uint32_t *numbers, const char *order)
{
	struct vdestack_dns_srv nodes[MAX];
	struct script script = { .numbers = numbers };
	char got[MAX + 1] = "";
	size_t i = 0;

	for (struct vdestack_dns_srv *at = vs_srv_order(list_of(nodes, places, n), scripted, &script);
	     at != NULL && i < MAX; at = at->next)
		got[i++] = (char)('0' + at->port);
	assert_string_equal(got, order);
}

static void lower_priorities_come_first(void **state)
{
	static const struct place places[] = { { 30, 1 }, { 10, 0 }, { 20, 9 }, { 65535, 0 }, { 0, 0 } };
	static const uint32_t numbers[5] = { 0 };

	(void)state;
	expect_order(places, 5, numbers, "41203");
}

static void an_empty_list_stays_empty(void **state)
{
	(void)state;
	expect_order(NULL, 0, NULL, "");
}

static void a_number_chooses_by_the_sum_of_weights(void **state)
{
	static const struct place places[] = { { 1, 10 }, { 1, 20 }, { 1, 30 } };

	(void)state;
	expect_order(places, 3, (const uint32_t[]){ 0, 0, 0 }, "012");
	expect_order(places, 3, (const uint32_t[]){ 10, 0, 0 }, "012");
	expect_order(places, 3, (const uint32_t[]){ 11, 0, 0 }, "102");
	expect_order(places, 3, (const uint32_t[]){ 30, 11, 0 }, "120");
	expect_order(places, 3, (const uint32_t[]){ 31, 0, 0 }, "201");
	expect_order(places, 3, (const uint32_t[]){ 60, 30, 20 }, "210");
}

static void only_zero_chooses_a_place_without_weight(void **state)
{
	static const struct place places[] = { { 1, 5 }, { 1, 0 } };

	(void)state;
	expect_order(places, 2, (const uint32_t[]){ 0, 0 }, "10");
	expect_order(places, 2, (const uint32_t[]){ 1, 0 }, "01");
}

static void numbers_are_drawn_up_to_the_sum_that_is_left(void **state)
{
	static const struct place places[] = { { 1, 65535 }, { 1, 65535 }, { 1, 65535 }, { 2, 7 } };
	static const uint32_t numbers[4] = { 0 };
	struct vdestack_dns_srv nodes[MAX];
	struct script script = { .numbers = numbers };

	(void)state;
	(void)vs_srv_order(list_of(nodes, places, 4), scripted, &script);
	assert_int_equal(script.most[0], 3 * 65535);
	assert_int_equal(script.most[1], 2 * 65535);
	assert_int_equal(script.most[2], 65535);
	assert_int_equal(script.most[3], 7);
}

/* A generator whose seed is in the test. */
static uint32_t generated(void *arg, uint32_t most)
{
	uint64_t *x = arg;

	*x = *x * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((*x >> 33) % (most + 1ull));
}

static void the_first_place_is_chosen_as_often_as_its_weight_says(void **state)
{
	static const struct place places[] = { { 1, 10 }, { 1, 30 }, { 1, 60 } };
	unsigned first[3] = { 0 };
	uint64_t x = 20260101;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		struct vdestack_dns_srv nodes[MAX];

		first[vs_srv_order(list_of(nodes, places, 3), generated, &x)->port]++;
	}
	for (int i = 0; i < 3; i++) /* 0 falls to the first, so the shares are a little off */
		assert_in_range(first[i], places[i].weight * 100 - 250, places[i].weight * 100 + 250);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(lower_priorities_come_first),
	cmocka_unit_test(an_empty_list_stays_empty),
	cmocka_unit_test(a_number_chooses_by_the_sum_of_weights),
	cmocka_unit_test(only_zero_chooses_a_place_without_weight),
	cmocka_unit_test(numbers_are_drawn_up_to_the_sum_that_is_left),
	cmocka_unit_test(the_first_place_is_chosen_as_often_as_its_weight_says),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
