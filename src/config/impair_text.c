/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "impair_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CODEL_TARGET_NS 5000000 /* what 0 means */

struct out {
	const char *prefix;
	char *text;
	size_t used;
};

bool vs_impair_is_set(const struct vdestack_impairment *s)
{
	return s->cut != 0 || s->blackhole != 0 || s->loss > 0 || s->burst_enter > 0 || s->burst_base > 0 ||
	       s->loss_every != 0 || s->reorder > 0 || s->duplicate > 0 || s->corrupt > 0 ||
	       s->corrupt_valid > 0 || s->delay_ns != 0 || s->jitter_ns != 0 || s->rate != 0;
}

__attribute__((format(printf, 2, 3))) static void put(struct out *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(out->text + out->used, VS_IMPAIR_TEXT_MAX - out->used, fmt, ap);
	va_end(ap);
	out->used += n > 0 ? (size_t)n : 0;
	if (out->used >= VS_IMPAIR_TEXT_MAX)
		out->used = VS_IMPAIR_TEXT_MAX - 1;
}

static void begin(struct out *out, const char *key)
{
	put(out, "%s%s%s", out->used > 0 ? " " : "", out->prefix, key);
}

/* With the largest unit that leaves a whole number. */
struct unit {
	const char *name;
	uint64_t scale;
};

static void put_scaled(struct out *out, char before, uint64_t value, const struct unit *units)
{
	while (units[1].name != NULL && (value == 0 || value % units->scale != 0))
		units++;
	put(out, "%c%" PRIu64 "%s", before, value / units->scale, units->name);
}

static void put_time(struct out *out, char before, uint64_t ns)
{
	static const struct unit units[] = {
		{ "s", 1000000000 }, { "ms", 1000000 }, { "us", 1000 }, { "ns", 1 }, { NULL, 0 },
	};

	put_scaled(out, before, ns, units);
}

/* As a percentage, without an exponent and in every locale with a point. */
static void put_probability(struct out *out, char before, double p)
{
	uint64_t units = (uint64_t)(p * 1e14 + 0.5), behind = units % 1000000000000;
	char digits[16] = "";
	int n = snprintf(digits, sizeof(digits), ".%012" PRIu64, behind);

	while (n > 0 && (digits[n - 1] == '0' || digits[n - 1] == '.'))
		digits[--n] = '\0';
	put(out, "%c%" PRIu64 "%s%%", before, units / 1000000000000, digits);
}

static void word_probability(struct out *out, const char *key, double p)
{
	if (!(p > 0 && p <= 1))
		return;
	begin(out, key);
	put_probability(out, '=', p);
}

static void word_time(struct out *out, const char *key, uint64_t ns)
{
	if (ns == 0)
		return;
	begin(out, key);
	put_time(out, '=', ns);
}

static void word_jitter(struct out *out, const struct vdestack_impairment *s)
{
	word_time(out, "jitter", s->jitter_ns);
	if (s->jitter_ns != 0 && s->distribution != VDESTACK_UNIFORM)
		put(out, ":%s", s->distribution == VDESTACK_NORMAL ? "normal" : "pareto");
}

static void word_burst(struct out *out, const struct vdestack_impairment *s)
{
	if (!(s->burst_enter > 0 || s->burst_base > 0))
		return;
	begin(out, "loss-burst");
	put_probability(out, '=', s->burst_enter);
	put_probability(out, ':', s->burst_leave);
	put_probability(out, ':', s->burst_loss);
	put_probability(out, ':', s->burst_base);
}

static void word_reorder(struct out *out, const struct vdestack_impairment *s)
{
	word_probability(out, "reorder", s->reorder);
	if (s->reorder > 0 && s->reorder_gap > 1)
		put(out, ":%" PRIu32, s->reorder_gap);
}

static void word_number(struct out *out, const char *key, uint64_t value)
{
	if (value == 0)
		return;
	begin(out, key);
	put(out, "=%" PRIu64, value);
}

static void word_codel(struct out *out, const struct vdestack_impairment *s)
{
	if (s->queue != VDESTACK_CODEL)
		return;
	begin(out, "codel");
	if (s->codel_target_ns != 0 || s->codel_interval_ns != 0)
		put_time(out, '=', s->codel_target_ns != 0 ? s->codel_target_ns : CODEL_TARGET_NS);
	if (s->codel_interval_ns != 0)
		put_time(out, ':', s->codel_interval_ns);
}

static void word_rate(struct out *out, const struct vdestack_impairment *s)
{
	static const struct unit rates[] = {
		{ "gbit", 1000000000 }, { "mbit", 1000000 }, { "kbit", 1000 }, { "bit", 1 }, { NULL, 0 },
	};
	static const struct unit sizes[] = { { "m", 1048576 }, { "k", 1024 }, { "", 1 }, { NULL, 0 } };

	if (s->rate != 0) {
		begin(out, "rate");
		put_scaled(out, '=', s->rate, rates);
	}
	if (s->queue_bytes != 0) {
		begin(out, "queue");
		put_scaled(out, '=', s->queue_bytes, sizes);
	}
	word_codel(out, s);
}

void vs_impair_text_words(const struct vdestack_impairment *s, const char *prefix,
			  char text[VS_IMPAIR_TEXT_MAX])
{
	struct out out = { prefix, text, 0 };

	text[0] = '\0';
	if (s->cut != 0)
		begin(&out, "cut");
	word_number(&out, "blackhole", s->blackhole);
	word_probability(&out, "loss", s->loss);
	word_burst(&out, s);
	word_number(&out, "loss-every", s->loss_every);
	word_probability(&out, "corrupt", s->corrupt);
	word_probability(&out, "corrupt-valid", s->corrupt_valid);
	word_probability(&out, "duplicate", s->duplicate);
	word_rate(&out, s);
	word_time(&out, "delay", s->delay_ns);
	word_jitter(&out, s);
	if (s->keep_order != 0)
		begin(&out, "keep-order");
	word_reorder(&out, s);
	if (out.used > 0)
		word_number(&out, "seed", s->seed);
}

const char *vs_impair_text_counter(const struct vdestack_impair_stats *stats, size_t number,
				   unsigned long long *value)
{
#define COUNTER(name) { #name, stats->name }
	const struct {
		const char *name;
		uint64_t value;
	} counters[] = {
		COUNTER(seen),      COUNTER(passed),     COUNTER(cut),       COUNTER(blackholed),
		COUNTER(lost),      COUNTER(overflowed), COUNTER(marked),    COUNTER(reordered),
		COUNTER(duplicated), COUNTER(corrupted), COUNTER(waiting),   COUNTER(no_memory),
	};
#undef COUNTER

	if (number >= sizeof(counters) / sizeof(counters[0]))
		return NULL;
	*value = counters[number].value;
	return counters[number].name;
}
