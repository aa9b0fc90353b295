/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * From words to interfaces (docs/configuration.md is the user's side of this).
 *
 * The words are read once, in order, each by its row of a table, into sections: one per interface, begun
 * by iface=, by a second vnl= or by the first word of all. A word by itself is checked when it is read.
 * Checks that depend on other words follow when all sections are complete: a default name must avoid
 * names that come later, the largest MTU depends on the kind of link, and a section without a link must
 * be empty. A section remembers the words that the messages of these checks name.
 *
 * The interfaces are returned only when all is right, so a failure has no result.
 */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "section.h"

#define SEGMENT_NAME_MAX 64 /* bytes of NAME in inproc://NAME */
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

/* ------------------------------------------------------------------ one word each */

static int take_iface(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
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
static int take_name(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
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

/* True if name can be the NAME of inproc://NAME. */
static bool segment_name_valid(const char *name)
{
	size_t length = strlen(name);

	for (const char *c = name; *c != '\0'; c++)
		if (*c < ' ' || *c > '~' || *c == '/')
			return false;
	return length > 0 && length <= SEGMENT_NAME_MAX;
}

static int take_vnl(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
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
	if (locator->kind == VS_KIND_SEGMENT && !segment_name_valid(locator->rest))
		return vs_word_fail(parser->error, EINVAL, word,
				    "not a name for a segment; write inproc:// and 1 to %d printable ASCII "
				    "characters without '/'",
				    SEGMENT_NAME_MAX);
	return 0;
}

/* ------------------------------------------------------------------ the table */

enum form {
	FLAG,           /* no '=' */
	VALUE,          /* '=' and at least one byte */
	VALUE_OR_EMPTY, /* '=' and perhaps nothing */
};

struct rule {
	const char *key;
	enum form form;
	bool is_setting; /* makes no sense without an interface */
	vs_take_fn *take;   /* NULL: nothing to do */
	const char *example;
};

static const struct rule rules[] = {
	{ "name", VALUE, false, take_name, "name=web" },
	{ "iface", VALUE, false, take_iface, "iface=eth0" },
	{ "vnl", VALUE_OR_EMPTY, false, take_vnl, "vnl=vde:///tmp/net" },
	{ "eth", FLAG, false, NULL, "eth" },
	{ "mac", VALUE, true, vs_take_mac, "mac=02:00:00:00:00:01" },
	{ "macaddr", VALUE, true, vs_take_mac, "macaddr=02:00:00:00:00:01" },
	{ "mtu", VALUE, true, vs_take_mtu, "mtu=1500" },
	{ "nodad", FLAG, true, vs_take_nodad, "nodad" },
	{ "ip", VALUE, true, vs_take_ip, "ip=10.0.0.1/24" },
	{ "gw", VALUE, true, vs_take_gw, "gw=10.0.0.254" },
	{ "route", VALUE, true, vs_take_route, "route=10.1.0.0/16@10.0.0.254" },
};

/* Words that have a meaning in this family of programs. Refused with or without a value. */
static const char *const reserved[] = {
	"dhcp",   "dhcp4", "dhcpv4", "dhcp6", "dhcpv6", "rd",     "rd6",   "slaac", "auto",    "auto4",
	"autov4", "auto6", "autov6", "fqdn",  "dns",    "domain", "debug", "stack", "ifindex",
};

/* Words that a '-' in front undoes, besides the reserved ones. */
static const char *const undoable[] = { "ip", "gw", "route", "eth", "static", "all" };

static bool key_equal(const char *text, size_t length, const char *key)
{
	return strncmp(text, key, length) == 0 && key[length] == '\0';
}

static bool key_among(const char *text, size_t length, const char *const *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (key_equal(text, length, keys[i]))
			return true;
	return false;
}

static bool is_reserved(const char *text, size_t length)
{
	if (length > 0 && text[0] == '-') {
		text++;
		length--;
		if (key_among(text, length, undoable, COUNT(undoable)))
			return true;
	}
	return key_among(text, length, reserved, COUNT(reserved));
}

static int fail_unknown(struct vs_parser *parser, const struct vs_word *word, size_t key_length)
{
	if (is_reserved(word->text, key_length))
		return vs_word_fail(parser->error, ENOTSUP, word,
				    "%.*s is not available yet; remove the word",
				    (int)key_length, word->text);
	return vs_word_fail(parser->error, EINVAL, word,
			    "unknown word; the words are name= iface= vnl= eth mac= mtu= nodad ip= gw= "
			    "route=, and a value with white space, ';' or ',' in it needs quotes");
}

static const struct rule *find_rule(const struct vs_word *word, size_t key_length)
{
	for (size_t i = 0; i < COUNT(rules); i++)
		if (key_equal(word->text, key_length, rules[i].key))
			return &rules[i];
	return NULL;
}

static int check_form(struct vs_parser *parser, const struct rule *rule, const struct vs_word *word,
		      const char *behind_key)
{
	if (rule->form == FLAG && *behind_key != '\0')
		return vs_word_fail(parser->error, EINVAL, word,
				    "the word takes no value; write %s", rule->example);
	if (rule->form != FLAG && *behind_key == '\0')
		return vs_word_fail(parser->error, EINVAL, word,
				    "the word needs '=' and a value; write one like %s",
				    rule->example);
	if (rule->form == VALUE && behind_key[1] == '\0')
		return vs_word_fail(parser->error, EINVAL, word,
				    "the value is missing; write one like %s", rule->example);
	return 0;
}

/* ------------------------------------------------------------------ sections */

static bool begins_section(const struct vs_parser *parser, const struct rule *rule)
{
	if (rule->take == take_name)
		return false;
	if (parser->n_sections == 0 || rule->take == take_iface)
		return true;
	return rule->take == take_vnl && parser->sections[parser->n_sections - 1].vnl != NULL;
}

static int begin_section(struct vs_parser *parser, const struct vs_word *word)
{
	struct vs_section *sections =
		vs_parser_make_room(parser->sections, parser->n_sections, sizeof(*sections));

	if (sections == NULL)
		return vs_config_fail_memory(parser->error);
	parser->sections = sections;
	sections[parser->n_sections++] = (struct vs_section){ .first = word };
	return 0;
}

static int read_word(struct vs_parser *parser, const struct vs_word *word)
{
	size_t key_length = strcspn(word->text, "=");
	const struct rule *rule = find_rule(word, key_length);

	if (rule == NULL)
		return fail_unknown(parser, word, key_length);
	int result = check_form(parser, rule, word, word->text + key_length);
	if (result == 0 && begins_section(parser, rule))
		result = begin_section(parser, word);
	if (result < 0)
		return result;
	struct vs_section *section =
		parser->n_sections > 0 ? &parser->sections[parser->n_sections - 1] : NULL;
	if (rule->is_setting && section->setting == NULL)
		section->setting = word;
	return rule->take != NULL ? rule->take(parser, section, word, word->text + key_length + 1) : 0;
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
	if (mtu > MTU_MAX_LINK && section->iface.locator.kind != VS_KIND_SEGMENT)
		return vs_fail_mtu(parser, section->mtu);
	if (mtu < MTU_MIN_IP6 && section->has_ip6)
		return vs_word_fail(parser->error, EINVAL, section->mtu,
				    "IPv6 needs an MTU of %d bytes or more; write mtu=%d or remove the "
				    "IPv6 addresses of the interface",
				    MTU_MIN_IP6, MTU_MIN_IP6);
	return 0;
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
	if (result < 0)
		return result;
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
	free(iface->addrs);
	free(iface->routes);
}

void vs_config_free(struct vs_config *config)
{
	if (config == NULL)
		return;
	for (size_t i = 0; i < config->n_ifaces; i++)
		free_inside(&config->ifaces[i]);
	free(config->ifaces);
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

/* Moves the interface out of its section; the name stays. */
static void move_iface(struct vs_section *section, struct vs_config *config)
{
	config->ifaces[config->n_ifaces++] = section->iface;
	section->iface.vnl = NULL;
	section->iface.addrs = NULL;
	section->iface.routes = NULL;
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
	if (parser->name != NULL)
		strcpy(config->name, parser->name);
	for (size_t i = 0; i < parser->n_sections; i++)
		if (!parser->sections[i].unplugged)
			move_iface(&parser->sections[i], config);
	*out = config;
	return 0;
}

int vs_config_parse(const char *text, vs_conf_taken_fn *taken, void *arg, struct vs_config_error *error,
		    struct vs_config **out)
{
	struct vs_parser parser = { .taken = taken, .taken_arg = arg, .error = error };
	struct vs_words words;
	int result = vs_words_split(text != NULL ? text : "", error, &words);

	if (result < 0)
		return result;
	for (size_t i = 0; i < words.n && result == 0; i++)
		result = read_word(&parser, &words.list[i]);
	if (result == 0)
		result = make_config(&parser, out);
	clear_parser(&parser);
	vs_words_free(&words);
	return result;
}
