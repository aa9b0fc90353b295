/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Words about impairment:
 *
 *     [-][tx.|rx.]KEY[=VALUE]
 *
 * Without a prefix a word is about both directions. '-' ends what the word has set before. Each setting of a
 * direction stands once in a string, so the order of words means nothing. One exception: "unimpaired" comes
 * first, and the words behind it begin anew.
 */

#include "impair_words.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "units.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PARTS_MAX 4 /* of a value, with ':' between two */

struct part {
	const char *text;
	size_t n;
};

/* Reads the parts of a value. False: not a value for the word. No parts: the word has no value. */
typedef bool read_fn(const struct part *parts, size_t n, struct vdestack_impairment *out);

/* ------------------------------------------------------------------ values */

static bool probability(const struct part *part, double *out)
{
	return vs_units_probability(part->text, part->n, out);
}

static bool whole(const struct part *part, uint64_t least, uint64_t most, uint32_t *out)
{
	uint64_t value;

	if (!vs_units_whole(part->text, part->n, most, &value) || value < least)
		return false;
	*out = (uint32_t)value;
	return true;
}

static bool read_seed(const struct part *parts, size_t n, struct vdestack_impairment *out)
{
	uint64_t seed = 0;

	(void)n;
	for (size_t i = 0; i < parts[0].n; i++) {
		char c = parts[0].text[i];
		if (c < '0' || c > '9' || seed > (UINT64_MAX - (uint64_t)(c - '0')) / 10)
			return false;
		seed = seed * 10 + (uint64_t)(c - '0');
	}
	out->seed = seed;
	return seed != 0;
}

static bool read_cut(const struct part *parts, size_t n, struct vdestack_impairment *out)
{
	(void)parts;
	(void)n;
	out->cut = 1;
	return true;
}

static bool read_blackhole(const struct part *parts, size_t n, struct vdestack_impairment *out)
{
	(void)n;
	return whole(&parts[0], 1, 65535, &out->blackhole);
}

static bool read_loss(const struct part *parts, size_t n, struct vdestack_impairment *out)
{
	(void)n;
	return probability(&parts[0], &out->loss);
}

static bool read_burst(const struct part *parts, size_t n, struct vdestack_impairment *out)
{
	out->burst_loss = 1;
	out->burst_base = 0;
	return n >= 2 && probability(&parts[0], &out->burst_enter) &&
	       probability(&parts[1], &out->burst_leave) &&
	       (n < 3 || probability(&parts[2], &out->burst_loss)) &&
	       (n < 4 || probability(&parts[3], &out->burst_base));
}

static bool read_every(const struct part *parts, size_t n, struct vdestack_impairment *out)
{
	(void)n;
	return whole(&parts[0], 1, UINT32_MAX, &out->loss_every);
}

static bool read_duplicate(const struct part *parts, size_t n, struct vdestack_impairment *out)
{
	(void)n;
	return probability(&parts[0], &out->duplicate);
}

static bool read_reorder(const struct part *parts, size_t n, struct vdestack_impairment *out)
{
	out->reorder_gap = 1;
	return probability(&parts[0], &out->reorder) &&
	       (n < 2 || whole(&parts[1], 1, VS_CONF_REORDER_GAP_MAX, &out->reorder_gap));
}

static bool read_corrupt(const struct part *parts, size_t n, struct vdestack_impairment *out)
{
	(void)n;
	return probability(&parts[0], &out->corrupt);
}

static bool read_corrupt_valid(const struct part *parts, size_t n, struct vdestack_impairment *out)
{
	(void)n;
	return probability(&parts[0], &out->corrupt_valid);
}

static bool read_delay(const struct part *parts, size_t n, struct vdestack_impairment *out)
{
	(void)n;
	return vs_units_time_ns(parts[0].text, parts[0].n, &out->delay_ns);
}

static bool read_jitter(const struct part *parts, size_t n, struct vdestack_impairment *out)
{
	static const char *const names[] = {
		[VDESTACK_UNIFORM] = "uniform",
		[VDESTACK_NORMAL] = "normal",
		[VDESTACK_PARETO] = "pareto",
	};

	out->distribution = VDESTACK_UNIFORM;
	if (!vs_units_time_ns(parts[0].text, parts[0].n, &out->jitter_ns))
		return false;
	for (size_t i = 0; n == 2 && i < COUNT(names); i++)
		if (parts[1].n == strlen(names[i]) && memcmp(parts[1].text, names[i], parts[1].n) == 0) {
			out->distribution = (uint32_t)i;
			return true;
		}
	return n == 1;
}

static bool read_keep_order(const struct part *parts, size_t n, struct vdestack_impairment *out)
{
	(void)parts;
	(void)n;
	out->keep_order = 1;
	return true;
}

static bool read_rate(const struct part *parts, size_t n, struct vdestack_impairment *out)
{
	(void)n;
	return vs_units_rate(parts[0].text, parts[0].n, &out->rate);
}

static bool read_queue(const struct part *parts, size_t n, struct vdestack_impairment *out)
{
	(void)n;
	return vs_units_bytes(parts[0].text, parts[0].n, &out->queue_bytes);
}

static bool read_codel(const struct part *parts, size_t n, struct vdestack_impairment *out)
{
	out->queue = VDESTACK_CODEL;
	out->codel_target_ns = out->codel_interval_ns = 0;
	return (n < 1 || (vs_units_time_ns(parts[0].text, parts[0].n, &out->codel_target_ns) &&
			  out->codel_target_ns != 0)) &&
	       (n < 2 || (vs_units_time_ns(parts[1].text, parts[1].n, &out->codel_interval_ns) &&
			  out->codel_interval_ns != 0));
}

/* ------------------------------------------------------------------ the table */

struct key {
	const char *key;
	uint64_t field;
	unsigned least, most; /* parts of the value; most 0: it takes none */
	read_fn *read;
	const char *expected; /* for messages */
};

#define PROBABILITY "; a probability is a percentage like 1%, or a number from 0 to 1"
#define TIME "; a time has one of the units ns, us, ms and s, and is at most an hour"

static const struct key keys[] = {
	{ "delay", VS_IMPAIR_DELAY, 1, 1, read_delay, "delay=20ms" TIME },
	{ "jitter", VS_IMPAIR_JITTER, 1, 2, read_jitter,
	  "jitter=5ms or jitter=5ms:normal (uniform, normal, pareto)" TIME },
	{ "loss", VS_IMPAIR_LOSS, 1, 1, read_loss, "loss=1%" PROBABILITY },
	{ "loss-burst", VS_IMPAIR_BURST, 2, 4, read_burst,
	  "loss-burst=ENTER:LEAVE[:LOSS[:BASE]], like loss-burst=1%:25%" PROBABILITY },
	{ "loss-every", VS_IMPAIR_EVERY, 1, 1, read_every, "loss-every=10; a number from 1 to 4294967295" },
	{ "duplicate", VS_IMPAIR_DUPLICATE, 1, 1, read_duplicate, "duplicate=1%" PROBABILITY },
	{ "reorder", VS_IMPAIR_REORDER, 1, 2, read_reorder,
	  "reorder=1% or reorder=1%:3 (behind 3 later frames, of at most 1000)" PROBABILITY },
	{ "corrupt", VS_IMPAIR_CORRUPT, 1, 1, read_corrupt, "corrupt=1%" PROBABILITY },
	{ "corrupt-valid", VS_IMPAIR_CORRUPT_VALID, 1, 1, read_corrupt_valid,
	  "corrupt-valid=1%" PROBABILITY },
	{ "rate", VS_IMPAIR_RATE, 1, 1, read_rate,
	  "rate=10mbit; a rate has one of the units bit, kbit, mbit and gbit, from 1bit to 1000gbit" },
	{ "queue", VS_IMPAIR_QUEUE_BYTES, 1, 1, read_queue, "queue=64k; bytes, or with k or m behind" },
	{ "codel", VS_IMPAIR_CODEL, 0, 2, read_codel, "codel, codel=5ms or codel=5ms:100ms" TIME },
	{ "blackhole", VS_IMPAIR_BLACKHOLE, 1, 1, read_blackhole,
	  "blackhole=1400; a number of bytes from 1 to 65535" },
	{ "keep-order", VS_IMPAIR_KEEP_ORDER, 0, 0, read_keep_order, "keep-order" },
	{ "cut", VS_IMPAIR_CUT, 0, 0, read_cut, "cut" },
	{ "seed", VS_IMPAIR_SEED, 1, 1, read_seed, "seed=42; a number from 1 to 18446744073709551615" },
	{ "unimpaired", VS_IMPAIR_ALL, 0, 0, NULL, "unimpaired" },
};

static const char group_expected[] = "group=1; a number from 0 to 65535";

/* ------------------------------------------------------------------ words */

/* A word, taken apart. */
struct parsed {
	const struct key *key; /* NULL: group */
	bool ends;             /* '-' */
	bool tx, rx;
	const char *value;     /* NULL: there is no '=' */
};

static const struct key *find_key(const char *text, size_t n)
{
	for (size_t i = 0; i < COUNT(keys); i++)
		if (strlen(keys[i].key) == n && memcmp(keys[i].key, text, n) == 0)
			return &keys[i];
	return NULL;
}

static bool take_apart(const char *text, struct parsed *out)
{
	bool ends = *text == '-';

	text += ends;
	bool tx = strncmp(text, "tx.", 3) == 0, rx = strncmp(text, "rx.", 3) == 0;
	text += tx || rx ? 3 : 0;
	size_t n = strcspn(text, "=");
	*out = (struct parsed){ .key = find_key(text, n), .ends = ends, .tx = !rx, .rx = !tx,
				.value = text[n] == '=' ? text + n + 1 : NULL };
	return out->key != NULL || (!ends && !tx && !rx && n == 5 && memcmp(text, "group", 5) == 0);
}

bool vs_impair_is_word(const char *text)
{
	struct parsed parsed;

	return take_apart(text, &parsed);
}

static int fail_value(struct vs_config_error *error, const struct vs_word *word, const char *expected)
{
	return vs_word_fail(error, EINVAL, word, "not understood; write one like %s", expected);
}

/* The parts of a value, or 0: there are too many, or one is empty. */
static size_t split(const char *value, struct part parts[PARTS_MAX])
{
	size_t n = 0;

	for (;;) {
		size_t length = strcspn(value, ":");
		if (length == 0 || n == PARTS_MAX)
			return 0;
		parts[n++] = (struct part){ value, length };
		if (value[length] == '\0')
			return n;
		value += length + 1;
	}
}

static int fail_twice(struct vs_config_error *error, const struct vs_word *word)
{
	return vs_word_fail(error, EINVAL, word,
			    "the same is said twice for one direction; remove one of the two words");
}

static int take_group(struct vs_conf_impair *impair, const struct vs_word *word, const char *value,
		      struct vs_config_error *error)
{
	uint64_t group;

	if (value == NULL || !vs_units_whole(value, strlen(value), VS_CONF_GROUP_MAX, &group))
		return fail_value(error, word, group_expected);
	if (impair->has_group)
		return fail_twice(error, word);
	impair->has_group = true;
	impair->group = (unsigned)group;
	return 0;
}

/* to: what the word sets. */
static int read_value(const struct parsed *parsed, const struct vs_word *word, struct vdestack_impairment *to,
		      struct vs_config_error *error)
{
	const struct key *key = parsed->key;
	struct part parts[PARTS_MAX];
	size_t n = parsed->value != NULL ? split(parsed->value, parts) : 0;

	if (key->read == NULL)
		return parsed->value != NULL || parsed->ends ? fail_value(error, word, key->expected) : 0;
	if (parsed->ends)
		return parsed->value == NULL ? 0 : vs_word_fail(error, EINVAL, word,
								"with '-' the word takes no value; write -%s",
								key->key);
	if ((parsed->value != NULL && n == 0) || n < key->least || n > key->most || !key->read(parts, n, to))
		return fail_value(error, word, key->expected);
	return 0;
}

static int add(struct vs_conf_impair_change *change, const struct key *key, const struct vs_word *word,
	       const struct vdestack_impairment *to, struct vs_config_error *error)
{
	bool all = key->field == VS_IMPAIR_ALL;

	if (all && change->fields != 0)
		return vs_word_fail(error, EINVAL, word,
				    "the word comes before all others about impairment; move or remove it");
	if ((change->said & key->field) != 0)
		return fail_twice(error, word);
	change->fields |= key->field;
	change->said |= all ? 0 : key->field;
	vs_impair_change(&change->to, key->field, to);
	return 0;
}

int vs_impair_take(struct vs_conf_impair *impair, const struct vs_word *word, struct vs_config_error *error)
{
	struct vdestack_impairment to = { 0 };
	struct parsed parsed;

	if (!take_apart(word->text, &parsed))
		return vs_word_fail(error, EINVAL, word,
				    "not a word about impairment; vdestack_config(7) lists them");
	if (parsed.key == NULL)
		return take_group(impair, word, parsed.value, error);
	int r = read_value(&parsed, word, &to, error);
	if (r == 0 && parsed.tx)
		r = add(&impair->tx, parsed.key, word, &to, error);
	/* Both directions make other choices. */
	if (parsed.tx && to.seed != 0)
		to.seed = to.seed == UINT64_MAX ? 1 : to.seed + 1;
	if (r == 0 && parsed.rx)
		r = add(&impair->rx, parsed.key, word, &to, error);
	return r;
}

int vs_impair_parse(const char *text, struct vs_config_error *error, struct vs_conf_impair *out)
{
	struct vs_conf_impair impair = { 0 };
	struct vs_words words;
	int r = vs_words_split(text, error, &words);

	if (r < 0)
		return r;
	for (size_t i = 0; i < words.n && r == 0; i++)
		r = vs_impair_take(&impair, &words.list[i], error);
	vs_words_free(&words);
	if (r == 0)
		*out = impair;
	return r;
}
