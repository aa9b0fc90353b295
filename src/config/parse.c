/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * From words to interfaces (docs/configuration.md is the user's side of this).
 *
 * The words are read once, in order, each by its row of a table (rules.c), into sections: one per interface,
 * begun by iface=, by a second vnl= or by the first word of all. A word by itself is checked when it is read.
 * Checks that depend on other words follow when all sections are complete: a default name must avoid
 * names that come later, the largest MTU depends on the kind of link, and a section without a link must
 * be empty. A section remembers the words that the messages of these checks name.
 *
 * The interfaces are returned only when all is right, so a failure has no result.
 */

#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "impair_words.h"
#include "section.h"

#define SEGMENT_NAME_MAX 64 /* bytes of NAME in inproc://NAME and local://NAME */
#define DEFAULT_NAMES_MAX 65536 /* vde0 to vde65535; ends the search when everything is taken */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ------------------------------------------------------------------ small helpers */

/* True if all of text is printable ASCII without space. */
static bool is_plain(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

bool vs_ifname_valid(const char *name)
{
	/* the kernel refuses "all" and "default", which its sysctl trees use for themselves */
	static const char *const refused[] = { ".", "..", "lo", "all", "default" };
	size_t length = strnlen(name, IF_NAMESIZE);

	for (size_t i = 0; i < COUNT(refused); i++)
		if (strcmp(name, refused[i]) == 0)
			return false;
	return length > 0 && length < IF_NAMESIZE && is_plain(name) && strpbrk(name, "/:%") == NULL;
}

static bool name_used(const struct vs_parser *parser, const char *name)
{
	for (size_t i = 0; i < parser->n_sections; i++)
		if (strcmp(parser->sections[i].iface.name, name) == 0)
			return true;
	return false;
}

static bool name_taken(const struct vs_parser *parser, const char *name)
{
	return parser->taken != NULL && parser->taken(parser->taken_arg, name);
}

/* ------------------------------------------------------------------ words of the stack and of sections */

int vs_take_iface(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		      const char *value)
{
	if (!vs_ifname_valid(value))
		return vs_word_fail(parser->error, EINVAL, word,
				    "not a name for an interface; write 1 to 15 ASCII characters without "
				    "white space, '/', ':' and '%%', other than lo, all and default");
	if (name_used(parser, value))
		return vs_word_fail(parser->error, EINVAL, word,
				    "the name stands in this configuration already; choose another");
	if (name_taken(parser, value))
		return vs_word_fail(parser->error, EEXIST, word,
				    "the stack has an interface of that name; choose another");
	strcpy(section->iface.name, value);
	return 0;
}

static bool is_name_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
	       c == '_' || c == '-';
}

/* The name of the stack. The word may be in any section. */
int vs_take_name(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		     const char *value)
{
	size_t length = strlen(value);

	(void)section;
	for (const char *c = value; *c != '\0'; c++)
		if (!is_name_byte(*c))
			length = 0;
	if (length == 0 || length > VS_STACK_NAME_MAX)
		return vs_word_fail(
			parser->error, EINVAL, word,
			"not a name for a stack; write 1 to %d ASCII letters, digits, '.', '_' and '-'",
			VS_STACK_NAME_MAX);
	if (parser->name != NULL)
		return vs_word_fail(parser->error, EINVAL, word,
				    "the stack has a name already; remove one of the two");
	parser->name = value;
	return 0;
}

/* True if name can be the NAME of inproc://NAME or local://NAME. */
static bool segment_name_valid(const char *name)
{
	size_t length = strlen(name);

	for (const char *c = name; *c != '\0'; c++)
		if (*c < ' ' || *c > '~' || *c == '/')
			return false;
	return length > 0 && length <= SEGMENT_NAME_MAX;
}

int vs_take_vnl(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		    const char *value)
{
	section->vnl = word;
	if (value[0] == '\0' || strcmp(value, "none") == 0) {
		section->unplugged = true;
		return 0;
	}
	if (strlen(value) > VS_VNL_MAX)
		return vs_word_fail(parser->error, ENAMETOOLONG, word,
				    "longer than %d bytes; use a shorter locator",
				    VS_VNL_MAX);
	section->iface.vnl = strdup(value);
	if (section->iface.vnl == NULL)
		return vs_config_fail_memory(parser->error);
	struct vs_locator *locator = &section->iface.locator;
	vs_locator_parse(section->iface.vnl, locator);
	if (vs_locator_is_segment(locator->kind) && !segment_name_valid(locator->rest))
		return vs_word_fail(parser->error, EINVAL, word,
				    "not a name for a segment; write %s:// and 1 to %d printable ASCII "
				    "characters without '/'",
				    locator->kind == VS_KIND_LOCAL ? "local" : "inproc", SEGMENT_NAME_MAX);
	return 0;
}

int vs_take_impair(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		   const char *value)
{
	struct vs_conf_iface *iface = &section->iface;

	(void)value;
	if (iface->impair == NULL)
		iface->impair = calloc(1, sizeof(*iface->impair));
	if (iface->impair == NULL)
		return vs_config_fail_memory(parser->error);
	return vs_impair_take(iface->impair, word, parser->error);
}

/* The directory belongs to the whole stack, like its name. It is opened, and checked, by the caller. */
int vs_take_leases(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		   const char *value)
{
	(void)section;
	if (parser->leases != NULL)
		return vs_word_fail(parser->error, EINVAL, word,
				    "the stack has a directory of leases already; remove one of the two");
	if (strlen(value) >= PATH_MAX)
		return vs_word_fail(parser->error, ENAMETOOLONG, word,
				    "longer than %d bytes; use a shorter path", PATH_MAX - 1);
	parser->leases = word;
	return 0;
}

/* ------------------------------------------------------------------ sections */

static bool begins_section(const struct vs_parser *parser, const struct vs_rule *rule)
{
	if (rule->take == vs_take_name || rule->take == vs_take_leases)
		return false;
	if (parser->n_sections == 0 || rule->take == vs_take_iface)
		return true;
	return rule->take == vs_take_vnl && parser->sections[parser->n_sections - 1].vnl != NULL;
}

/* named: iface= begins it. Otherwise that of a change is about vde0. */
static int begin_section(struct vs_parser *parser, const struct vs_word *word, bool named)
{
	struct vs_section *sections =
		vs_parser_make_room(parser->sections, parser->n_sections, sizeof(*sections));

	if (sections == NULL)
		return vs_config_fail_memory(parser->error);
	parser->sections = sections;
	struct vs_section *section = &sections[parser->n_sections++];
	*section = (struct vs_section){ .first = word };
	if (parser->change && !named)
		strcpy(section->iface.name, "vde0");
	return 0;
}

static int read_word(struct vs_parser *parser, const struct vs_word *word)
{
	int result;
	const struct vs_rule *rule = vs_rule_find(parser, word, &result);

	if (rule == NULL)
		return result;
	if (begins_section(parser, rule))
		result = begin_section(parser, word, rule->take == vs_take_iface);
	if (result < 0)
		return result;
	struct vs_section *section =
		parser->n_sections > 0 ? &parser->sections[parser->n_sections - 1] : NULL;
	if (rule->is_setting && section->setting == NULL)
		section->setting = word;
	const char *value = strchr(word->text, '=');
	if (rule->take != NULL)
		result = rule->take(parser, section, word, value != NULL ? value + 1 : NULL);
	return result == 0 ? vs_section_add_sources(parser, section, rule) : result;
}

/* Names the section by the lowest default name that is free. */
static int name_section(struct vs_parser *parser, struct vs_section *section)
{
	char name[IF_NAMESIZE];

	while (parser->next_default < DEFAULT_NAMES_MAX) {
		(void)snprintf(name, sizeof(name), "vde%u", parser->next_default++);
		if (!name_used(parser, name) && !name_taken(parser, name)) {
			strcpy(section->iface.name, name);
			return 0;
		}
	}
	return vs_word_fail(parser->error, EINVAL, section->first,
			    "all names from vde0 to vde%d are taken; name the interface with iface=",
			    DEFAULT_NAMES_MAX - 1);
}

static int check_mtu(struct vs_parser *parser, const struct vs_section *section)
{
	unsigned mtu = section->iface.mtu;

	if (section->mtu == NULL)
		return 0;
	if (mtu > MTU_MAX_LINK && !vs_locator_is_segment(section->iface.locator.kind))
		return vs_fail_mtu(parser, section->mtu);
	if (mtu < MTU_MIN_IP6 && section->has_ip6)
		return vs_word_fail(parser->error, EINVAL, section->mtu,
				    "IPv6 needs an MTU of %d bytes or more; write mtu=%d or remove the "
				    "IPv6 addresses and sources of the interface",
				    MTU_MIN_IP6, MTU_MIN_IP6);
	return 0;
}

/* In a change it is about what the change adds. */
static int check_nodad(struct vs_parser *parser, const struct vs_section *section)
{
	const struct vs_conf_iface *iface = &section->iface;
	bool starts = iface->sources != NULL && iface->sources->start != 0;

	if (section->nodad == NULL || starts || iface->n_addrs > 0)
		return 0;
	return vs_word_fail(parser->error, EINVAL, section->nodad,
			    "interface %s gets no address here that it could be about; add one, or "
			    "remove the word",
			    iface->name);
}

/* What can only be said of a section when all words have been read. */
static int finish_section(struct vs_parser *parser, struct vs_section *section)
{
	if (section->unplugged && section->setting != NULL)
		return vs_word_fail(parser->error, EINVAL, section->setting,
				    "no interface is made, because of the empty vnl= at position %zu; plug "
				    "it into a network or remove the word",
				    section->vnl->position);
	if (section->unplugged)
		return 0;
	int result = section->iface.name[0] == '\0' ? name_section(parser, section) : 0;
	if (result == 0)
		result = vs_section_check_sources(parser, section);
	if (result < 0)
		return result;
	if (parser->change)
		return check_nodad(parser, section);
	if (section->vnl == NULL)
		return vs_word_fail(parser->error, EINVAL, section->first,
				    "interface %s has no vnl=; add one like vnl=vde:///tmp/net, or "
				    "vnl=none to make no interface",
				    section->iface.name);
	return check_mtu(parser, section);
}

/* ------------------------------------------------------------------ the whole */

static void free_inside(struct vs_conf_iface *iface)
{
	free(iface->vnl);
	free(iface->capture);
	free(iface->addrs);
	free(iface->routes);
	free(iface->sources);
	free(iface->impair);
	free(iface->removals.addrs);
	free(iface->removals.routes);
}

void vs_config_free(struct vs_config *config)
{
	if (config == NULL)
		return;
	for (size_t i = 0; i < config->n_ifaces; i++)
		free_inside(&config->ifaces[i]);
	free(config->ifaces);
	free(config->leases);
	free(config);
}

static void clear_parser(struct vs_parser *parser)
{
	for (size_t i = 0; i < parser->n_sections; i++)
		free_inside(&parser->sections[i].iface);
	free(parser->sections);
}

static struct vs_config *new_config(size_t most_ifaces)
{
	struct vs_config *config = calloc(1, sizeof(*config));

	if (config == NULL || most_ifaces == 0)
		return config;
	config->ifaces = calloc(most_ifaces, sizeof(*config->ifaces));
	if (config->ifaces == NULL) {
		free(config);
		return NULL;
	}
	return config;
}

/* Moves the interface out of its section. */
static void move_iface(struct vs_section *section, struct vs_config *config)
{
	config->ifaces[config->n_ifaces++] = section->iface;
	section->iface = (struct vs_conf_iface){ 0 };
}

static int copy_stack_words(const struct vs_parser *parser, struct vs_config *config)
{
	if (parser->name != NULL)
		strcpy(config->name, parser->name);
	if (parser->leases == NULL)
		return 0;
	config->leases = strdup(strchr(parser->leases->text, '=') + 1);
	return config->leases == NULL ? vs_config_fail_memory(parser->error) : 0;
}

/* The directory is passed on with what is said about the sources of an interface. */
static int add_leases(struct vs_parser *parser, struct vs_config *config)
{
	if (parser->leases == NULL)
		return 0;
	if (config->n_ifaces == 0)
		return vs_word_fail(parser->error, EINVAL, parser->leases,
				    "there is no interface here whose leases it could keep; give the word "
				    "together with an interface");
	for (size_t i = 0; i < config->n_ifaces; i++)
		if (config->ifaces[i].sources != NULL)
			return 0;
	config->ifaces[0].sources = calloc(1, sizeof(*config->ifaces[0].sources));
	return config->ifaces[0].sources == NULL ? vs_config_fail_memory(parser->error) : 0;
}

static int make_config(struct vs_parser *parser, struct vs_config **out)
{
	for (size_t i = 0; i < parser->n_sections; i++) {
		int result = finish_section(parser, &parser->sections[i]);
		if (result < 0)
			return result;
	}
	struct vs_config *config = new_config(parser->n_sections);
	if (config == NULL)
		return vs_config_fail_memory(parser->error);
	int result = copy_stack_words(parser, config);
	for (size_t i = 0; i < parser->n_sections; i++)
		if (!parser->sections[i].unplugged)
			move_iface(&parser->sections[i], config);
	if (result == 0)
		result = add_leases(parser, config);
	if (result < 0) {
		vs_config_free(config);
		return result;
	}
	*out = config;
	return 0;
}

static int parse(struct vs_parser *parser, const char *text, struct vs_config **out)
{
	struct vs_words words;
	int result = vs_words_split(text != NULL ? text : "", parser->error, &words);

	if (result < 0)
		return result;
	for (size_t i = 0; i < words.n && result == 0; i++)
		result = read_word(parser, &words.list[i]);
	if (result == 0)
		result = make_config(parser, out);
	clear_parser(parser);
	vs_words_free(&words);
	return result;
}

int vs_config_parse(const char *text, vs_conf_taken_fn *taken, void *arg, struct vs_config_error *error,
		    struct vs_config **out)
{
	struct vs_parser parser = { .taken = taken, .taken_arg = arg, .error = error };

	return parse(&parser, text, out);
}

int vs_config_parse_change(const char *text, struct vs_config_error *error, struct vs_config **out)
{
	struct vs_parser parser = { .change = true, .error = error };

	return parse(&parser, text, out);
}
