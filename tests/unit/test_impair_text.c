/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Impairments as words: what the tool shows can be given back. */

#include "config/impair_text.h"
#include "config/impair.h"
#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct vs_config_error error;

static struct vdestack_impairment parse_tx(const char *text)
{
	struct vs_conf_impair said;

	if (vs_impair_parse(text, &error, &said) != 0)
		fail_msg("\"%s\" was refused: %s", text, error.text);
	assert_true(said.rx.fields == 0);
	return said.tx.to;
}

static void words_come_out_as_they_went_in(void **state)
{
	static const char *const list[] = {
		"",
		"tx.cut",
		"tx.cut tx.seed=18446744073709551615",
		"tx.blackhole=1400",
		"tx.loss=1%",
		"tx.loss=7%",
		"tx.loss=0.001%",
		"tx.loss=33.333333333333%",
		"tx.loss=100%",
		"tx.loss-burst=1%:25%:100%:0%",
		"tx.loss-burst=0%:25%:0%:1%",
		"tx.loss-every=10",
		"tx.corrupt=0.5% tx.corrupt-valid=0.25%",
		"tx.duplicate=2% tx.seed=7",
		"tx.rate=10mbit tx.queue=64k tx.codel",
		"tx.rate=9600bit tx.queue=1500 tx.codel=5ms:100ms",
		"tx.rate=1500mbit tx.queue=2m tx.codel=1500us",
		"tx.delay=20ms tx.jitter=5ms tx.keep-order",
		"tx.delay=3600s tx.jitter=1ns:normal",
		"tx.delay=1500us tx.jitter=3us:pareto tx.reorder=1%",
		"tx.reorder=3%:5",
	};
	char text[VS_IMPAIR_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(list); i++) {
		struct vdestack_impairment settings = parse_tx(list[i]);
		vs_impair_text_words(&settings, "tx.", text);
		assert_string_equal(text, list[i]);
	}
}

/* Numbers of all sizes come back as the same bits, or, for probabilities, to 12 digits behind the point. */
static void random_settings_come_back(void **state)
{
	uint64_t random = 88172645463325252ull;
	char text[VS_IMPAIR_TEXT_MAX];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint64_t r[4];
		for (int j = 0; j < 4; j++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			r[j] = random >> (random % 64);
		}
		struct vdestack_impairment back, settings = {
			.seed = r[0], .cut = 1, .loss = (double)(r[1] >> 11) / 9007199254740992.0,
			.delay_ns = r[2] % 3600000000000, .rate = r[3] % 1000000000001,
			.queue_bytes = (uint32_t)r[1], .codel_interval_ns = 1 + r[1] % 3600000000000,
			.queue = VDESTACK_CODEL };
		vs_impair_text_words(&settings, "tx.", text);
		back = parse_tx(text);
		assert_true(back.seed == settings.seed && back.delay_ns == settings.delay_ns);
		assert_true(back.rate == settings.rate && back.queue_bytes == settings.queue_bytes);
		assert_true(back.codel_interval_ns == settings.codel_interval_ns);
		double away = back.loss - settings.loss;
		assert_true(away < 1e-13 && away > -1e-13);
	}
}

static void the_longest_text_has_room(void **state)
{
	struct vdestack_impairment s = parse_tx(
		"tx.cut tx.blackhole=65535 tx.loss=33.333333333333% tx.loss-every=4294967295 "
		"tx.loss-burst=33.333333333333%:33.333333333333%:33.333333333333%:33.333333333333% "
		"tx.corrupt=33.333333333333% tx.corrupt-valid=33.333333333333% tx.duplicate=33.333333333333% "
		"tx.rate=999999999999bit tx.queue=4294967295 tx.codel=3599999999999ns:3599999999999ns "
		"tx.delay=3599999999999ns tx.jitter=3599999999999ns:uniform tx.keep-order "
		"tx.reorder=33.333333333333%:1000 tx.seed=18446744073709551615");
	char text[VS_IMPAIR_TEXT_MAX], again[VS_IMPAIR_TEXT_MAX];

	(void)state;
	vs_impair_text_words(&s, "tx.", text);
	assert_true(strlen(text) < VS_IMPAIR_TEXT_MAX - 50);
	struct vdestack_impairment back = parse_tx(text);
	vs_impair_text_words(&back, "tx.", again);
	assert_string_equal(text, again);
	assert_true(back.seed == s.seed);
}

static void a_seed_alone_is_no_impairment(void **state)
{
	struct vdestack_impairment s = { .seed = 5 };
	char text[VS_IMPAIR_TEXT_MAX];

	(void)state;
	vs_impair_text_words(&s, "", text);
	assert_string_equal(text, "");
	assert_false(vs_impair_is_set(&s));
}

static void each_counter_has_its_name(void **state)
{
	struct vdestack_impair_stats s;
	unsigned long long value, sum = 0;
	size_t n = 0;

	(void)state;
	memset(&s, 0, sizeof(s));
	for (uint64_t *member = &s.seen; (char *)member < (char *)(&s + 1); member++)
		*member = 1ull << n++;
	for (size_t i = 0; vs_impair_text_counter(&s, i, &value) != NULL; i++)
		sum += value;
	assert_true(sum == (1ull << n) - 1);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(words_come_out_as_they_went_in),
	cmocka_unit_test(random_settings_come_back),
	cmocka_unit_test(the_longest_text_has_room),
	cmocka_unit_test(a_seed_alone_is_no_impairment),
	cmocka_unit_test(each_counter_has_its_name),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
