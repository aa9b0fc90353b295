/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemons/common/lines.h"

static void add_stack_line(struct nm_config *c, enum nm_stack stack, const char *text, struct dm_where *where)
{
	struct nm_stack_lines *s = &c->stacks[stack];
	char **grown = reallocarray(s->lines, s->n + 1, sizeof(*grown));
	char *copy = strdup(text);

	if (grown != NULL)
		s->lines = grown;
	if (grown == NULL || copy == NULL) {
		free(copy);
		(void)dm_wrong(where, "out of memory");
		return;
	}
	grown[s->n++] = copy;
}

static void take_stack(struct nm_config *c, char *text, struct dm_where *where)
{
	if (!c->one_stack && (c->stacks[NM_SERVICE].n > 0 || c->stacks[NM_FORWARD].n > 0)) {
		(void)dm_wrong(where, "stack cannot be used with rstack or fstack");
		return;
	}
	c->one_stack = true;
	add_stack_line(c, NM_SERVICE, text, where);
}

static void take_one_of_two(struct nm_config *c, enum nm_stack stack, const char *word, const char *text,
			    struct dm_where *where)
{
	if (c->one_stack)
		(void)dm_wrong(where, "%s cannot be used with stack", word);
	else
		add_stack_line(c, stack, text, where);
}

static void take_rstack(struct nm_config *c, char *text, struct dm_where *where)
{
	take_one_of_two(c, NM_SERVICE, "rstack", text, where);
}

static void take_fstack(struct nm_config *c, char *text, struct dm_where *where)
{
	take_one_of_two(c, NM_FORWARD, "fstack", text, where);
}

static void take_dns(struct nm_config *c, char *text, struct dm_where *where)
{
	const char *word;

	while ((word = dm_lines_word(&text)) != NULL) {
		if (c->n_dns == NM_DNS_MAX)
			(void)dm_wrong(where, "dns: there are more than %d servers", NM_DNS_MAX);
		else if (!nm_addr_read(&c->dns[c->n_dns], word, NULL))
			(void)dm_wrong(where, "dns: %s is no address", word);
		else
			c->n_dns++;
	}
}

static void take_net(struct nm_config *c, char *text, struct dm_where *where)
{
	const char *name = dm_lines_word(&text), *word = dm_lines_word(&text);
	struct nm_range range;

	if (name == NULL || word == NULL || strchr(name, ',') != NULL) {
		(void)dm_wrong(where, "net needs a name without ',' and networks: net NAME ADDR/BITS...");
		return;
	}
	for (; word != NULL; word = dm_lines_word(&text)) {
		if (!nm_range_read(&range, word, NULL))
			(void)dm_wrong(where, "net: %s is no network ADDR/BITS", word);
		else if (nm_nets_add(&c->nets, name, &range) < 0)
			(void)dm_wrong(where, "out of memory");
	}
}

static const struct {
	const char *word;
	void (*take)(struct nm_config *c, char *text, struct dm_where *where);
} words[] = {
	{ "stack", take_stack },
	{ "rstack", take_rstack },
	{ "fstack", take_fstack },
	{ "dns", take_dns },
	{ "net", take_net },
	{ "auth", nm_config_auth },
	{ "static", nm_config_static },
	{ "option", nm_config_option },
};

static void take_line(void *to, char *text, struct dm_where *where)
{
	size_t len = strcspn(text, " \t"), n = sizeof(words) / sizeof(words[0]);
	char *rest = text + len + strspn(text + len, " \t");

	for (size_t i = 0; i < n; i++) {
		if (strncasecmp(words[i].word, text, len) != 0 || words[i].word[len] != '\0')
			continue;
		if (*rest == '\0')
			(void)dm_wrong(where, "%s needs a value", words[i].word);
		else
			words[i].take(to, rest, where);
		return;
	}
	(void)dm_wrong(where, "unknown word %.*s", (int)len, text);
}

/* A password that all users can read is no secret. Files from before are like this, so it is no mistake. */
static void check_passwords(const struct nm_config *c, const char *path)
{
	struct stat st;
	size_t i = 0;

	while (i < c->rules.n && !c->rules.rules[i].open_password)
		i++;
	if (i < c->rules.n && stat(path, &st) == 0 && (st.st_mode & S_IROTH) != 0)
		dm_report(DM_NOTICE,
			  "%s:%u: all users can read this password: take their right away by chmod o-r, or "
			  "use auth otip NET NAME BASE passwdfile FILE",
			  path, c->rules.rules[i].line);
}

static void check_whole(const struct nm_config *c, struct dm_where *where)
{
	if (nm_rules_have(&c->rules, NM_FWD) && c->n_dns == 0) {
		dm_report(DM_ERROR, "%s: auth fwd needs a server to ask, a line dns", where->file);
		where->errors++;
	}
}

struct nm_config *nm_config_read(const char *path)
{
	struct nm_config *c = calloc(1, sizeof(*c));
	struct dm_where where = { .file = path };

	if (c == NULL) {
		dm_report(DM_ERROR, "out of memory");
		return NULL;
	}
	nm_options_default(&c->options);
	dm_lines_read(path, &where, take_line, c);
	nm_config_find_nets(c, &where);
	check_whole(c, &where);
	check_passwords(c, path);
	if (where.errors > 0) {
		nm_config_free(c);
		return NULL;
	}
	nm_zone_sort(&c->zone);
	return c;
}

bool nm_config_same_stacks(const struct nm_config *a, const struct nm_config *b)
{
	if (a->one_stack != b->one_stack)
		return false;
	for (int s = 0; s < NM_N_STACKS; s++) {
		if (a->stacks[s].n != b->stacks[s].n)
			return false;
		for (size_t i = 0; i < a->stacks[s].n; i++)
			if (strcmp(a->stacks[s].lines[i], b->stacks[s].lines[i]) != 0)
				return false;
	}
	return true;
}

void nm_config_free(struct nm_config *config)
{
	if (config == NULL)
		return;
	for (int s = 0; s < NM_N_STACKS; s++) {
		for (size_t i = 0; i < config->stacks[s].n; i++)
			free(config->stacks[s].lines[i]);
		free(config->stacks[s].lines);
	}
	nm_nets_free(&config->nets);
	nm_rules_free(&config->rules);
	nm_zone_free(&config->zone);
	free(config);
}
