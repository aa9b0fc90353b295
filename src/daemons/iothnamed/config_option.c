/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* option NAME VALUE: one table. */

#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "config.h"
#include "daemons/common/lines.h"
#include "daemons/common/options.h"

#define YEAR_S 31536000
#define TTL_MAX_S 2147483647

static const char *const hrevmodes[] = { "always", "net", "same", "never", NULL };
static const char *const cases[] = { "keep", "lower", NULL };
static const char *const logs[] = { "none", "queries", NULL };

static const struct {
	const char *name;
	size_t offset;
	const char *const *words; /* NULL: a number */
	unsigned long least, most, normal;
} table[] = {
#define FIELD(name) #name, offsetof(struct nm_options, name)
	{ FIELD(hrevmode), hrevmodes, 0, 0, NM_HREV_ALWAYS },
	{ FIELD(hashttl), NULL, 0, TTL_MAX_S, 600 },
	{ FIELD(tcplistenbacklog), NULL, 1, INT_MAX, 5 },
	{ FIELD(tcptimeout), NULL, 1, 3600, 60 },
	{ FIELD(tcpclients), NULL, 1, 10000, 200 },
	{ FIELD(tcpperclient), NULL, 1, 10000, 50 },
	{ FIELD(staticttl), NULL, 0, TTL_MAX_S, TTL_MAX_S },
	{ FIELD(negttl), NULL, 0, YEAR_S, 60 },
	{ FIELD(cachesize), NULL, 0, 10000000, 10000 },
	{ FIELD(ratelimit), NULL, 0, 1000000, 0 },
	{ "hashcase", offsetof(struct nm_options, hashlower), cases, 0, 0, 0 },
	{ "log", offsetof(struct nm_options, logqueries), logs, 0, 0, 0 },
#undef FIELD
};

#define N_OPTIONS (sizeof(table) / sizeof(table[0]))

static unsigned long *field(struct nm_options *options, size_t i)
{
	return (unsigned long *)(void *)((char *)options + table[i].offset);
}

void nm_options_default(struct nm_options *options)
{
	for (size_t i = 0; i < N_OPTIONS; i++)
		*field(options, i) = table[i].normal;
}

static void take_word(size_t i, const char *value, unsigned long *to, struct dm_where *where)
{
	char all[64] = "";

	for (unsigned long w = 0; table[i].words[w] != NULL; w++) {
		if (strcasecmp(table[i].words[w], value) == 0) {
			*to = w;
			return;
		}
		(void)strcat(strcat(all, w > 0 ? " " : ""), table[i].words[w]);
	}
	(void)dm_wrong(where, "option %s: %s is none of: %s", table[i].name, value, all);
}

void nm_config_option(struct nm_config *config, char *text, struct dm_where *where)
{
	const char *name = dm_lines_word(&text), *value = dm_lines_word(&text);

	for (size_t i = 0; i < N_OPTIONS; i++) {
		unsigned long *to = field(&config->options, i);
		if (name == NULL || strcasecmp(table[i].name, name) != 0)
			continue;
		if (value == NULL || dm_lines_word(&text) != NULL)
			(void)dm_wrong(where, "option %s needs one value", name);
		else if (table[i].words != NULL)
			take_word(i, value, to, where);
		else
			(void)dm_number(name, value, table[i].least, table[i].most, to, where);
		return;
	}
	(void)dm_wrong(where, "option: there is no %s", name != NULL ? name : "name");
}
