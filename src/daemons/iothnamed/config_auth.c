/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* auth TYPE NET[,NET...] [NAME [BASE [PASSWORD | passwdfile FILE]]] */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config.h"
#include "daemons/common/lines.h"
#include "daemons/common/secret.h"

static const struct {
	const char *word;
	unsigned arguments; /* behind the networks */
	const char *usage;
} kinds[NM_N_KINDS] = {
	[NM_ERROR] = { "error", 1, "NAME" },
	[NM_ACCEPT] = { "accept", 0, "" },
	[NM_STATIC] = { "static", 1, "NAME" },
	[NM_OTIP] = { "otip", 3, "NAME BASE PASSWORD, or NAME BASE passwdfile FILE" },
	[NM_HASH] = { "hash", 2, "NAME BASE" },
	[NM_CACHE] = { "cache", 1, "NAME" },
	[NM_HREV] = { "hrev", 1, "NAME" },
	[NM_FWD] = { "fwd", 1, "NAME" },
	[NM_AXFR] = { "axfr", 1, "NAME" },
};

static int find_kind(const char *word)
{
	for (int i = 0; word != NULL && i < NM_N_KINDS; i++)
		if (strcasecmp(kinds[i].word, word) == 0)
			return i;
	return -1;
}

/* The reverse zone of a range, or of a host whose address is not known yet. */
static bool reverse_zone(struct nm_rule *rule, const char *text, const char *slash)
{
	struct nm_range range;
	bool v4;

	if (nm_range_read(&range, text, &v4)) {
		unsigned bits = range.bits - (v4 ? 96 : 0);
		nm_name_reverse(&rule->name, &range.addr, v4, bits);
		rule->below = bits < (v4 ? 32U : 128U);
		return true;
	}
	if (slash == NULL || slash == text)
		return false;
	char *end;
	unsigned long bits = strtoul(slash + 1, &end, 10);
	if (slash[1] < '0' || slash[1] > '9' || *end != '\0' || bits > 128)
		return false;
	rule->host = strndup(text, (size_t)(slash - text));
	rule->host_bits = (unsigned)bits;
	struct nm_name name;
	return rule->host != NULL && nm_name_read(&name, rule->host);
}

bool nm_config_zone(struct nm_rule *rule, const char *text)
{
	const char *slash = strchr(text, '/');
	struct in6_addr addr;

	if (slash != NULL || nm_addr_read(&addr, text, NULL))
		return reverse_zone(rule, text, slash);
	rule->below = *text == '.';
	return nm_name_read(&rule->name, *text == '.' && text[1] != '\0' ? text + 1 : text);
}

static char *copy(const char *text, struct dm_where *where)
{
	char *made = strdup(text);

	if (made == NULL)
		(void)dm_wrong(where, "out of memory");
	return made;
}

#define DESCRIPTOR_MS 5000

/* False: nothing comes from a descriptor, as from a pipe that has been read before and is still open. */
static bool is_readable(const char *number)
{
	struct pollfd p = { .fd = (int)strtol(number, NULL, 10), .events = POLLIN };

	return poll(&p, 1, DESCRIPTOR_MS) != 0;
}

/*
 * The password of a file, or of a descriptor as fd:N. A path is absolute, as the program has another
 * directory in the background, and no pipe, which may have no end.
 */
static bool read_password(struct nm_rule *rule, const char *path, struct dm_where *where)
{
	struct stat st;

	if (*path != '/' && strncmp(path, "fd:", 3) != 0)
		return dm_wrong(where, "auth: the passwdfile %s is neither an absolute path nor fd:N",
				path) == 0;
	if (*path == '/' && stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return dm_wrong(where, "auth: the passwdfile %s is no regular file", path) == 0;
	int e = *path != '/' && !is_readable(path + 3) ? -ETIMEDOUT : dm_secret_read(path, &rule->password);
	if (e == 0)
		return true;
	return dm_wrong(where, "auth: cannot read a password from %s: %s", path,
			e == -ENODATA ? "its first line is empty" : strerror(-e)) == 0;
}

/* words: the zone, the base, and the password or two words for its file; NULL for what is not there. */
static bool take_arguments(struct nm_rule *rule, char *words[], struct dm_where *where)
{
	if (words[0] != NULL && !nm_config_zone(rule, words[0]))
		return dm_wrong(where, "auth: %s is no name, and no network ADDR/BITS or HOST/BITS",
				words[0]) == 0;
	if (words[1] != NULL && (rule->base_text = copy(words[1], where)) == NULL)
		return false;
	if (words[3] != NULL && !read_password(rule, words[3], where))
		return false;
	if (words[2] != NULL && words[3] == NULL && (rule->password = copy(words[2], where)) == NULL)
		return false;
	rule->open_password = words[2] != NULL && words[3] == NULL;
	struct nm_name name;
	const char *base = rule->base_text;
	if (base == NULL || (strchr(base, ':') == NULL && nm_name_read(&name, base)) ||
	    (strchr(base, ':') != NULL && nm_addr_read(&rule->base, base, NULL)))
		return true;
	return dm_wrong(where, "auth: the base %s is neither an IPv6 address nor a name", base) == 0;
}

void nm_config_auth(struct nm_config *config, char *text, struct dm_where *where)
{
	const char *word = dm_lines_word(&text), *nets = dm_lines_word(&text);
	char *arguments[5] = { NULL };
	unsigned n = 0;
	int kind = find_kind(word);

	if (kind < 0) {
		(void)dm_wrong(where,
			       "auth: %s is not error, accept, static, otip, hash, cache, hrev, fwd or axfr",
			       word != NULL ? word : "nothing");
		return;
	}
	while (n < 5 && (arguments[n] = dm_lines_word(&text)) != NULL)
		n++;
	bool has_file = kind == NM_OTIP && n == 4 && strcasecmp(arguments[2], "passwdfile") == 0;
	if (nets == NULL || (n != kinds[kind].arguments && !has_file)) {
		(void)dm_wrong(where, "the line has to be: auth %s NET[,NET...] %s", kinds[kind].word,
			       kinds[kind].usage);
		return;
	}
	struct nm_rule rule = { .kind = (enum nm_kind)kind, .line = where->line };
	rule.nets_text = copy(nets, where);
	if (rule.nets_text == NULL || !take_arguments(&rule, arguments, where))
		nm_rule_free(&rule);
	else if (nm_rules_add(&config->rules, &rule) < 0)
		(void)dm_wrong(where, "out of memory");
}

static void find_nets(const struct nm_config *config, struct nm_rule *rule, struct dm_where *where)
{
	char *rest = rule->nets_text, *name;

	rule->nets = calloc(strlen(rest) + 1, sizeof(int)); /* more than there are commas */
	if (rule->nets == NULL) {
		(void)dm_wrong(where, "out of memory");
		return;
	}
	while ((name = strsep(&rest, ",")) != NULL) {
		int i = nm_nets_find(&config->nets, name);
		if (i < 0)
			(void)dm_wrong(where, "auth: there is no net %s", name);
		else
			rule->nets[rule->n_nets++] = i;
	}
}

void nm_config_find_nets(struct nm_config *config, struct dm_where *where)
{
	unsigned last = where->line;

	for (size_t i = 0; i < config->rules.n; i++) {
		where->line = config->rules.rules[i].line;
		find_nets(config, &config->rules.rules[i], where);
	}
	where->line = last;
}
