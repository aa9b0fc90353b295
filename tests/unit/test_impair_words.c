/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The words about impairment: what each means, and that each is refused when anything in it is wrong. */

#include <errno.h>
#include <stdlib.h>

#include "config/config.h"
#include "config/impair.h"
#include "config/impair_text.h"
#include "config/units.h"
#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct vs_config_error error;

static struct vs_conf_impair parse(const char *text)
{
	struct vs_conf_impair said;

	if (vs_impair_parse(text, &error, &said) != 0)
		fail_msg("\"%s\" was refused: %s", text, error.text);
	return said;
}

/* `word` is what the message names. */
static void check_refused(const char *text, const char *word, size_t position)
{
	struct vs_conf_impair said, before;
	char shown[100], place[40];

	memset(&said, 0x5a, sizeof(said));
	memcpy(&before, &said, sizeof(said));
	if (vs_impair_parse(text, &error, &said) != -EINVAL)
		fail_msg("\"%s\" was not refused", text);
	assert_memory_equal(&said, &before, sizeof(said));
	snprintf(shown, sizeof(shown), "\"%s\"", word);
	snprintf(place, sizeof(place), "at position %zu:", position);
	if (error.position != position || strstr(error.text, shown) == NULL ||
	    strstr(error.text, place) == NULL)
		fail_msg("\"%s\" at %zu: the message is\n  %s", text, position, error.text);
	assert_true(strlen(error.text) < VS_CONFIG_ERROR_MAX - 1); /* it is not cut */
}

/* ------------------------------------------------------------------ meaning */

static void each_word_sets_its_members(void **state)
{
	static const struct {
		const char *word;
		uint64_t field;
		struct vdestack_impairment to;
	} list[] = {
		{ "delay=20ms", VS_IMPAIR_DELAY, { .delay_ns = 20000000 } },
		{ "delay=1.5us", VS_IMPAIR_DELAY, { .delay_ns = 1500 } },
		{ "delay=0", VS_IMPAIR_DELAY, { 0 } },
		{ "delay=3600s", VS_IMPAIR_DELAY, { .delay_ns = 3600000000000 } },
		{ "jitter=5ms", VS_IMPAIR_JITTER, { .jitter_ns = 5000000 } },
		{ "jitter=7ns:uniform", VS_IMPAIR_JITTER, { .jitter_ns = 7 } },
		{ "jitter=5ms:normal", VS_IMPAIR_JITTER,
		  { .jitter_ns = 5000000, .distribution = VDESTACK_NORMAL } },
		{ "jitter=5ms:pareto", VS_IMPAIR_JITTER,
		  { .jitter_ns = 5000000, .distribution = VDESTACK_PARETO } },
		{ "loss=1%", VS_IMPAIR_LOSS, { .loss = 0.01 } },
		{ "loss=0.25", VS_IMPAIR_LOSS, { .loss = 0.25 } },
		{ "loss=0.001%", VS_IMPAIR_LOSS, { .loss = 0.00001 } },
		{ "loss=100%", VS_IMPAIR_LOSS, { .loss = 1 } },
		{ "loss=1", VS_IMPAIR_LOSS, { .loss = 1 } },
		{ "loss=0", VS_IMPAIR_LOSS, { 0 } },
		{ "loss-burst=1%:25%", VS_IMPAIR_BURST,
		  { .burst_enter = 0.01, .burst_leave = 0.25, .burst_loss = 1 } },
		{ "loss-burst=1%:25%:50%", VS_IMPAIR_BURST,
		  { .burst_enter = 0.01, .burst_leave = 0.25, .burst_loss = 0.5 } },
		{ "loss-burst=1%:25%:50%:0.125", VS_IMPAIR_BURST,
		  { .burst_enter = 0.01, .burst_leave = 0.25, .burst_loss = 0.5, .burst_base = 0.125 } },
		{ "loss-every=10", VS_IMPAIR_EVERY, { .loss_every = 10 } },
		{ "loss-every=4294967295", VS_IMPAIR_EVERY, { .loss_every = UINT32_MAX } },
		{ "duplicate=2%", VS_IMPAIR_DUPLICATE, { .duplicate = 0.02 } },
		{ "reorder=3%", VS_IMPAIR_REORDER, { .reorder = 0.03, .reorder_gap = 1 } },
		{ "reorder=3%:5", VS_IMPAIR_REORDER, { .reorder = 0.03, .reorder_gap = 5 } },
		{ "corrupt=4%", VS_IMPAIR_CORRUPT, { .corrupt = 0.04 } },
		{ "corrupt-valid=5%", VS_IMPAIR_CORRUPT_VALID, { .corrupt_valid = 0.05 } },
		{ "rate=10mbit", VS_IMPAIR_RATE, { .rate = 10000000 } },
		{ "rate=1.5gbit", VS_IMPAIR_RATE, { .rate = 1500000000 } },
		{ "rate=64kbit", VS_IMPAIR_RATE, { .rate = 64000 } },
		{ "rate=9600bit", VS_IMPAIR_RATE, { .rate = 9600 } },
		{ "queue=64k", VS_IMPAIR_QUEUE_BYTES, { .queue_bytes = 65536 } },
		{ "queue=2m", VS_IMPAIR_QUEUE_BYTES, { .queue_bytes = 2097152 } },
		{ "queue=1500", VS_IMPAIR_QUEUE_BYTES, { .queue_bytes = 1500 } },
		{ "codel", VS_IMPAIR_CODEL, { .queue = VDESTACK_CODEL } },
		{ "codel=5ms", VS_IMPAIR_CODEL, { .queue = VDESTACK_CODEL, .codel_target_ns = 5000000 } },
		{ "codel=5ms:100ms", VS_IMPAIR_CODEL,
		  { .queue = VDESTACK_CODEL, .codel_target_ns = 5000000, .codel_interval_ns = 100000000 } },
		{ "blackhole=1400", VS_IMPAIR_BLACKHOLE, { .blackhole = 1400 } },
		{ "keep-order", VS_IMPAIR_KEEP_ORDER, { .keep_order = 1 } },
		{ "cut", VS_IMPAIR_CUT, { .cut = 1 } },
		{ "seed=42", VS_IMPAIR_SEED, { .seed = 42 } },
		{ "seed=18446744073709551615", VS_IMPAIR_SEED, { .seed = UINT64_MAX } },
	};
	char text[100];

	(void)state;
	for (size_t i = 0; i < COUNT(list); i++) {
		snprintf(text, sizeof(text), "tx.%s", list[i].word);
		struct vs_conf_impair said = parse(text);
		if (said.tx.fields != list[i].field || said.rx.fields != 0 || said.has_group ||
		    memcmp(&said.tx.to, &list[i].to, sizeof(said.tx.to)) != 0)
			fail_msg("%s", text);
		snprintf(text, sizeof(text), "rx.%s", list[i].word);
		said = parse(text);
		if (said.rx.fields != list[i].field || said.tx.fields != 0 ||
		    memcmp(&said.rx.to, &list[i].to, sizeof(said.rx.to)) != 0)
			fail_msg("%s", text);
		if (list[i].field == VS_IMPAIR_SEED)
			continue;
		said = parse(list[i].word);
		if (memcmp(&said.tx, &said.rx, sizeof(said.tx)) != 0 || said.tx.fields != list[i].field)
			fail_msg("%s", list[i].word);
	}
}

static void a_seed_for_both_directions_makes_two(void **state)
{
	(void)state;
	struct vs_conf_impair said = parse("seed=7");
	assert_true(said.tx.to.seed == 7 && said.rx.to.seed == 8);
	said = parse("seed=18446744073709551615");
	assert_true(said.tx.to.seed == UINT64_MAX && said.rx.to.seed == 1);
	said = parse("tx.seed=7 rx.seed=7");
	assert_true(said.tx.to.seed == 7 && said.rx.to.seed == 7);
}

static void words_add_up_and_commas_separate_them(void **state)
{
	(void)state;
	struct vs_conf_impair said = parse("delay=20ms,loss=1%  rx.rate=1mbit;group=3");
	assert_true(said.tx.fields == (VS_IMPAIR_DELAY | VS_IMPAIR_LOSS));
	assert_true(said.rx.fields == (VS_IMPAIR_DELAY | VS_IMPAIR_LOSS | VS_IMPAIR_RATE));
	assert_true(said.has_group && said.group == 3);
	assert_true(said.tx.to.delay_ns == 20000000 && said.rx.to.rate == 1000000);
	said = parse("");
	assert_true(said.tx.fields == 0 && said.rx.fields == 0 && !said.has_group);
}

static void a_minus_ends_what_a_word_sets(void **state)
{
	struct vdestack_impairment now = { .delay_ns = 5, .jitter_ns = 7, .distribution = VDESTACK_PARETO,
					   .loss = 0.5, .seed = 9 };

	(void)state;
	struct vs_conf_impair said = parse("-jitter -tx.loss");
	assert_true(said.tx.fields == (VS_IMPAIR_JITTER | VS_IMPAIR_LOSS));
	assert_true(said.rx.fields == VS_IMPAIR_JITTER);
	vs_impair_change(&now, said.rx.fields, &said.rx.to);
	assert_true(now.jitter_ns == 0 && now.distribution == VDESTACK_UNIFORM);
	assert_true(now.delay_ns == 5 && now.loss > 0.49 && now.seed == 9);
}

static void unimpaired_ends_all_and_words_behind_it_begin_anew(void **state)
{
	struct vdestack_impairment now = { .delay_ns = 5, .loss = 0.5, .cut = 1, .seed = 9 };
	struct vdestack_impairment copy = now;

	(void)state;
	struct vs_conf_impair said = parse("unimpaired delay=1ms");
	vs_impair_change(&now, said.tx.fields, &said.tx.to);
	assert_true(now.delay_ns == 1000000 && now.loss <= 0 && now.cut == 0 && now.seed == 0);
	said = parse("rx.unimpaired tx.cut");
	assert_true(said.tx.fields == VS_IMPAIR_CUT && said.rx.fields == VS_IMPAIR_ALL);
	vs_impair_change(&copy, said.rx.fields, &said.rx.to);
	assert_false(vs_impair_is_set(&copy));
}

/* Each member by itself: what it is alone decides whether frames are touched. */
static void what_does_nothing_to_frames_is_no_impairment(void **state)
{
	static const char *const nothing[] = { "seed=1", "keep-order", "queue=64k", "codel", "delay=0" };
	static const char *const something[] = {
		"delay=1ns", "jitter=1ns", "loss=1%", "loss-burst=1%:1%", "loss-burst=0:1%:0:1%",
		"loss-every=2", "duplicate=1%", "reorder=1%", "corrupt=1%", "corrupt-valid=1%", "rate=1bit",
		"blackhole=1", "cut",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(nothing); i++) {
		struct vs_conf_impair said = parse(nothing[i]);
		assert_false(vs_impair_is_set(&said.tx.to));
	}
	for (size_t i = 0; i < COUNT(something); i++) {
		struct vs_conf_impair said = parse(something[i]);
		assert_true(vs_impair_is_set(&said.tx.to));
	}
}

static void all_bits_cover_all_members(void **state)
{
	struct vdestack_impairment all, to;

	(void)state;
	memset(&all, 0, sizeof(all));
	memset(&to, 0x5a, sizeof(to));
	vs_impair_change(&all, VS_IMPAIR_ALL, &to);
	all.size = to.size; /* the only one that is not a setting */
	assert_memory_equal(&all, &to, sizeof(all));
}

/* ------------------------------------------------------------------ refusal */

/* What is wrong with any value, where a unit is needed and where not. */
static const char *const never[] = {
	"", "-1", "+1", " ", "nan", "inf", "-inf", "NaN", "infinity", "0x10", "1e3", "1e-3", ".", ".5", "5.",
	"1..2", "1.2.3", "x", "1x", "1 ms", "1,5", "--", "=", "1=", ":", "1:", ":1", "1:2:3:4:5", "\xff",
	"1\x01", "99999999999999999999999999999999999999", "0.0000000000000000000000000000000000001",
};

static const char *const times[] = { "1", "20", "1m", "1min", "1h", "1sec", "1MS", "1ms ", "3600.1s",
				     "3601s", "99999999999s", "999999999999999999ms", "20msms", "ms", "%",
				     "1%" };
static const char *const probabilities[] = { "101%", "100.0001%", "1.01", "2", "1%%", "%", "1 %", "1ms",
					     "1p", "1/2", "999999999999999999%" };
static const char *const rates[] = { "1", "10", "0", "0bit", "0mbit", "0.4bit", "1mb", "1Mbit", "1mbps",
				     "1bits", "1k", "1001gbit", "999999999999999999gbit", "bit", "1%" };
static const char *const sizes[] = { "0", "0k", "1.5k", "64kb", "64K", "1g", "4294967296", "4096m",
				     "4194304k", "k", "1%", "999999999999999999m" };
static const char *const wholes[] = { "0", "1.0", "1k", "1%", "4294967296", "1ms" };
static const char *const none[] = { "1", "0", "yes", "1ms", "true" };
static const char *const bursts[] = { "1%", "1%:", "1%:2%:3%:4%:5%", "101%:1%", "1%:101%", "1%:1%:101%",
				      "1%:1%:1%:101%", "1%::1%", "1ms:1%", "1%:x" };
static const char *const jitters[] = { "1ms:", "1ms:Normal", "1ms:gauss", "1ms:normal:normal", "1ms:1ms",
				       ":normal", "normal" };
static const char *const reorders[] = { "1%:0", "1%:-1", "1%:1.5", "1%:1001", "1%:1%", "1%:1:1", "1%:" };
static const char *const codels[] = { "0", "0ms", "5ms:0", "5ms:", ":5ms", "5ms:100ms:1ms", "5", "5ms:100" };
static const char *const holes[] = { "0", "65536", "1.5", "1k", "1400b" };
static const char *const seeds[] = { "0", "18446744073709551616", "1.5", "1k", "99999999999999999999" };
static const char *const groups[] = { "65536", "1.5", "1k", "4294967296" };

#define WRONG(list) list, COUNT(list)

static const struct {
	const char *key;
	const char *const *wrong;
	size_t n;
} refusals[] = {
	{ "delay", WRONG(times) },
	{ "jitter", WRONG(times) },
	{ "jitter", WRONG(jitters) },
	{ "loss", WRONG(probabilities) },
	{ "loss-burst", WRONG(bursts) },
	{ "loss-every", WRONG(wholes) },
	{ "duplicate", WRONG(probabilities) },
	{ "reorder", WRONG(probabilities) },
	{ "reorder", WRONG(reorders) },
	{ "corrupt", WRONG(probabilities) },
	{ "corrupt-valid", WRONG(probabilities) },
	{ "rate", WRONG(rates) },
	{ "queue", WRONG(sizes) },
	{ "codel", WRONG(codels) },
	{ "codel", WRONG(times) },
	{ "blackhole", WRONG(holes) },
	{ "keep-order", WRONG(none) },
	{ "cut", WRONG(none) },
	{ "seed", WRONG(seeds) },
	{ "unimpaired", WRONG(none) },
	{ "group", WRONG(groups) },
};

/* In the middle of words that are right, with each prefix. Quotes keep separators in the value. */
static void check_value_refused(const char *key, const char *value)
{
	static const char *const prefixes[] = { "", "tx.", "rx." };
	char text[200], word[100], shown[100];

	for (size_t i = 0; i < COUNT(prefixes) && (i == 0 || strcmp(key, "group") != 0); i++) {
		snprintf(word, sizeof(word), "%s%s=%s", prefixes[i], key, value);
		snprintf(text, sizeof(text), "'%s'", word);
		size_t n = strlen(word) > 60 ? 57 : strlen(word);
		for (size_t at = 0; at < n; at++)
			shown[at] = word[at] < ' ' || word[at] > '~' ? '?' : word[at];
		strcpy(shown + n, strlen(word) > 60 ? "..." : "");
		check_refused(text, shown, 1);
	}
}

static void each_word_is_refused_with_each_wrong_value(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refusals); i++) {
		for (size_t j = 0; j < refusals[i].n; j++)
			check_value_refused(refusals[i].key, refusals[i].wrong[j]);
		for (size_t j = 0; j < COUNT(never); j++)
			check_value_refused(refusals[i].key, never[j]);
	}
}

static void words_that_are_no_impairment_are_refused(void **state)
{
	static const struct {
		const char *text, *word;
		size_t position;
	} list[] = {
		{ "delay", "delay", 1 },
		{ "loss=1% jitter", "jitter", 9 },
		{ "loss=1% group", "group", 9 },
		{ "DELAY=1ms", "DELAY=1ms", 1 },
		{ "dela=1ms", "dela=1ms", 1 },
		{ "delayy=1ms", "delayy=1ms", 1 },
		{ "tx.tx.delay=1ms", "tx.tx.delay=1ms", 1 },
		{ "tx.rx.delay=1ms", "tx.rx.delay=1ms", 1 },
		{ "tx.", "tx.", 1 },
		{ "tx.=1", "tx.=1", 1 },
		{ "tx delay=1ms", "tx", 1 },
		{ "xx.delay=1ms", "xx.delay=1ms", 1 },
		{ "tx.-delay", "tx.-delay", 1 },
		{ "tx.group=1", "tx.group=1", 1 },
		{ "-group", "-group", 1 },
		{ "--delay", "--delay", 1 },
		{ "-", "-", 1 },
		{ "-delay=1ms", "-delay=1ms", 1 },
		{ "-cut=1", "-cut=1", 1 },
		{ "-unimpaired", "-unimpaired", 1 },
		{ "-tx.unimpaired", "-tx.unimpaired", 1 },
		{ "loss=1% ip=10.0.0.1/24", "ip=10.0.0.1/24", 9 },
		{ "iface=vde0 loss=1%", "iface=vde0", 1 },
		{ "''", "", 1 },
		/* twice */
		{ "delay=1ms delay=1ms", "delay=1ms", 11 },
		{ "delay=1ms tx.delay=2ms", "tx.delay=2ms", 11 },
		{ "rx.delay=1ms delay=2ms", "delay=2ms", 14 },
		{ "tx.cut tx.cut", "tx.cut", 8 },
		{ "delay=1ms -delay", "-delay", 11 },
		{ "-delay delay=1ms", "delay=1ms", 8 },
		{ "group=1 group=1", "group=1", 9 },
		{ "unimpaired unimpaired", "unimpaired", 12 },
		{ "delay=1ms unimpaired", "unimpaired", 11 },
		{ "tx.delay=1ms tx.unimpaired", "tx.unimpaired", 14 },
		{ "unimpaired delay=1ms delay=2ms", "delay=2ms", 22 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(list); i++)
		check_refused(list[i].text, list[i].word, list[i].position);
}

/* Any byte of a right word, replaced by any other: refused, or the same word with another value. */
static void a_changed_byte_never_makes_a_value_out_of_range(void **state)
{
	static const char *const right[] = {
		"delay=20ms", "jitter=5ms:normal", "loss=1%", "loss-burst=1%:25%:1:0", "loss-every=10",
		"reorder=1%:3", "rate=10mbit", "queue=64k", "codel=5ms:100ms", "blackhole=1400", "seed=42",
	};
	char text[40];
	struct vs_conf_impair said;

	(void)state;
	for (size_t i = 0; i < COUNT(right); i++)
		for (size_t at = 0; at < strlen(right[i]); at++)
			for (int c = 1; c < 256; c++) {
				strcpy(text, right[i]);
				text[at] = (char)c;
				if (vs_impair_parse(text, &error, &said) < 0)
					continue;
				const struct vdestack_impairment *to = &said.tx.to;
				assert_true(to->loss >= 0 && to->loss <= 1);
				assert_true(to->burst_enter >= 0 && to->burst_enter <= 1);
				assert_true(to->burst_leave >= 0 && to->burst_leave <= 1);
				assert_true(to->reorder >= 0 && to->reorder <= 1);
				assert_true(to->delay_ns <= VS_UNITS_TIME_MAX_NS);
				assert_true(to->jitter_ns <= VS_UNITS_TIME_MAX_NS);
				assert_true(to->rate <= VS_UNITS_RATE_MAX && to->blackhole <= 65535);
			}
}

/* ------------------------------------------------------------------ in the configuration */

static void impairment_belongs_to_its_interface(void **state)
{
	struct vs_config *config = NULL;

	(void)state;
	assert_int_equal(vs_config_parse("vnl=inproc://a delay=1ms group=2 iface=b vnl=inproc://a "
					 "iface=c vnl=inproc://a rx.loss=2%",
					 NULL, NULL, &error, &config),
			 0);
	assert_int_equal(config->n_ifaces, 3);
	assert_true(config->ifaces[0].impair->tx.to.delay_ns == 1000000);
	assert_true(config->ifaces[0].impair->group == 2);
	assert_null(config->ifaces[1].impair);
	assert_true(config->ifaces[2].impair->rx.fields == VS_IMPAIR_LOSS);
	vs_config_free(config);
	assert_int_equal(vs_config_parse_change("-delay iface=b unimpaired", &error, &config), 0);
	assert_string_equal(config->ifaces[0].name, "vde0");
	assert_true(config->ifaces[0].impair->tx.fields == VS_IMPAIR_DELAY);
	assert_true(config->ifaces[1].impair->rx.fields == VS_IMPAIR_ALL);
	vs_config_free(config);
}

static void impairment_is_refused_where_it_makes_no_sense(void **state)
{
	static const struct {
		const char *text;
		size_t position;
		const char *says;
	} list[] = {
		{ "vnl=inproc://a -delay", 16, "only vdestack_configure()" },
		{ "vnl=inproc://a delay=1", 16, "write one like delay=20ms" },
		{ "vnl=none delay=1ms", 10, "no interface is made" },
		{ "vnl=inproc://a delay=1ms ip=10.0.0.1/24 delay=2ms", 41, "twice" },
		{ "delay=1ms", 1, "has no vnl=" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(list); i++) {
		struct vs_config *config = NULL;
		if (vs_config_parse(list[i].text, NULL, NULL, &error, &config) != -EINVAL)
			fail_msg("\"%s\" was not refused", list[i].text);
		assert_null(config);
		if (error.position != list[i].position || strstr(error.text, list[i].says) == NULL)
			fail_msg("\"%s\": the message is\n  %s", list[i].text, error.text);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(each_word_sets_its_members),
	cmocka_unit_test(a_seed_for_both_directions_makes_two),
	cmocka_unit_test(words_add_up_and_commas_separate_them),
	cmocka_unit_test(a_minus_ends_what_a_word_sets),
	cmocka_unit_test(unimpaired_ends_all_and_words_behind_it_begin_anew),
	cmocka_unit_test(what_does_nothing_to_frames_is_no_impairment),
	cmocka_unit_test(all_bits_cover_all_members),
	cmocka_unit_test(each_word_is_refused_with_each_wrong_value),
	cmocka_unit_test(words_that_are_no_impairment_are_refused),
	cmocka_unit_test(a_changed_byte_never_makes_a_value_out_of_range),
	cmocka_unit_test(impairment_belongs_to_its_interface),
	cmocka_unit_test(impairment_is_refused_where_it_makes_no_sense),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
