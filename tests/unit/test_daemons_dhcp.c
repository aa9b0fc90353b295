/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What both DHCP servers share: words, and requests that wait. */

#include "unit.h"

#include <string.h>

#include "daemons/dhcp/waiting.h"
#include "daemons/dhcp/words.h"
#include "dhcp_client.h"

/* ------------------------------------------------------------------ words */

static void check_words(const char *text, const char *const *expected)
{
	char word[16];

	for (; *expected != NULL; expected++) {
		assert_true(dh_word(&text, word, sizeof(word)));
		assert_string_equal(word, *expected);
	}
	assert_false(dh_word(&text, word, sizeof(word)));
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void words_are_separated_and_quoted(void **state)
{
	const char *text = ",dns='a,b c';domname=\"x\" flag", *empty = " ,; ";
	char word[16], *value;

	(void)state;
	check_words("a, b;c\td", WORDS("a", "b", "c", "d"));
	check_words("'a b' \"c'd\" e\\ f g\\\\", WORDS("a b", "c'd", "e f", "g\\"));
	check_words("a much-too-long-word b", WORDS("a", "b"));
	check_words("a 'no end", WORDS("a"));
	check_words("end\\", WORDS("end\\"));
	assert_false(dh_word(&empty, word, sizeof(word)));
	assert_true(dh_tag(&text, word, sizeof(word), &value));
	assert_string_equal(word, "dns");
	assert_string_equal(value, "a,b c");
	assert_true(dh_tag(&text, word, sizeof(word), &value));
	assert_string_equal(value, "x");
	assert_true(dh_tag(&text, word, sizeof(word), &value));
	assert_null(value);
	assert_false(dh_tag(&text, word, sizeof(word), &value));
}

/* ------------------------------------------------------------------ waiting */

struct woken {
	struct dh_waiting *waiting;
	unsigned n, turns;
	char seen[16];
};

static void wake(void *arg, const struct dh_request *request)
{
	struct woken *w = arg;

	assert_int_equal(request->n, 1);
	w->turns = request->turns;
	w->seen[w->n++] = (char)request->bytes[0];
	if (request->bytes[0] == 'a')
		assert_true(dh_waiting_add(w->waiting, request, 9, 1000));
}

static void requests_wait_for_their_lookup(void **state)
{
	struct dh_waiting w = { .n = 0 };
	struct woken woken = { .waiting = &w };

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct dh_request r = { .bytes = (const uint8_t *)&"abcd"[i], .n = 1 };
		assert_true(dh_waiting_add(&w, &r, i % 2 == 0 ? 1 : 2, 0));
		assert_true(dh_waiting_has(&w, &r));
		assert_false(dh_waiting_add(&w, &r, 7, 0));
		r.origin[0] = 1;
		assert_false(dh_waiting_has(&w, &r));
	}
	dh_waiting_wake(&w, 1, wake, &woken);
	assert_string_equal(woken.seen, "ac");
	assert_int_equal(w.n, 3);
	dh_waiting_wake(&w, 9, wake, &woken);
	assert_int_equal(woken.turns, 2);
	dh_waiting_wake(&w, 2, wake, &woken);
	assert_string_equal(woken.seen, "acabd");
	assert_int_equal(w.n, 1); /* a waits once more */
	dh_waiting_clear(&w);
	assert_int_equal(w.n, 0);
}

static void waiting_requests_are_bounded(void **state)
{
	struct dh_waiting w = { .n = 0 };
	uint8_t byte[2];
	struct dh_request r = { .bytes = byte, .n = 2 };

	(void)state;
	for (unsigned i = 0; i < DH_WAITING_MAX; i++) {
		r.client = client_of(i, 0, 0);
		byte[0] = (uint8_t)i;
		byte[1] = (uint8_t)(i >> 8);
		assert_true(dh_waiting_add(&w, &r, 1, 0));
	}
	r.client = client_of(DH_WAITING_MAX, 0, 0);
	byte[1] = 99;
	assert_false(dh_waiting_add(&w, &r, 1, 0));
	dh_waiting_clear(&w);
	static uint8_t large[65535];
	struct dh_request l = { .bytes = large, .n = sizeof(large) };
	do {
		large[0]++;
		l.client = client_of(large[0], 0, 0);
	} while (dh_waiting_add(&w, &l, 1, 0));
	assert_int_equal(w.n, DH_WAITING_BYTES / sizeof(large));
	dh_waiting_clear(&w);
	assert_int_equal(w.n_bytes, 0);
	assert_false(dh_waiting_add(&w, &r, 1, DH_WAITING_MS + 1));
	r.turns = DH_WAITING_TURNS;
	assert_false(dh_waiting_add(&w, &r, 1, 0));
}

/* Returns how many requests can wait, of clients as `next` makes them, besides those that do. */
static unsigned fill(struct dh_waiting *w, struct dh_client (*next)(unsigned i), size_t n)
{
	static uint8_t bytes[65535];
	static uint32_t serial;
	struct dh_request r = { .bytes = bytes, .n = n };
	unsigned added = 0;

	do {
		serial++;
		memcpy(bytes, &serial, sizeof(serial));
		r.client = next(serial);
	} while (dh_waiting_add(w, &r, 1, 0) && ++added < 1000);
	return added;
}

static struct dh_client first_station(unsigned i)
{
	(void)i;
	return client_of(1, 0, 0);
}

static struct dh_client second_station(unsigned i)
{
	(void)i;
	return client_of(2, 0, 0);
}

static struct dh_client behind_a_relay(unsigned i)
{
	return client_of(3, 1, i);
}

static struct dh_client behind_any_relay(unsigned i)
{
	return client_of(3, i, 1);
}

static void a_client_leaves_room_to_others(void **state)
{
	struct dh_waiting w = { .n = 0 };

	(void)state;
	assert_int_equal(fill(&w, first_station, 4), DH_WAITING_MAX / 2);
	assert_int_equal(fill(&w, second_station, 4), DH_WAITING_MAX / 4);
	dh_waiting_clear(&w);
	assert_int_equal(fill(&w, behind_a_relay, 4), DH_WAITING_MAX * 2 / 3 + 1);
	unsigned waiting = w.n;
	assert_int_equal(fill(&w, behind_any_relay, 4), DH_WAITING_MAX * 4 / 5 + 1 - waiting);
	assert_int_equal(fill(&w, first_station, 4), DH_WAITING_MAX / 10);
	dh_waiting_clear(&w);
	assert_int_equal(fill(&w, first_station, 65535), DH_WAITING_BYTES / 4 / 65535);
	dh_waiting_clear(&w);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(words_are_separated_and_quoted),
	cmocka_unit_test(requests_wait_for_their_lookup),
	cmocka_unit_test(waiting_requests_are_bounded),
	cmocka_unit_test(a_client_leaves_room_to_others),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
