/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * From words to interfaces (docs/configuration.md is the user's side of this).
 *
 * The words are read once, in order, each by its row of a table, into sections: one per
 * interface, begun by iface=, by a second vnl= or by the first word of all. What can be
 * said about a word alone is said there. What depends on the rest comes when all sections
 * are complete: a default name must avoid names that are given further on, the largest MTU
 * depends on the kind of link, and a section without a link must be empty. A section
 * remembers the words that such a complaint would have to point at.
 *
 * Interfaces are handed over only when everything is right, so a failure has no result.
 */

#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr_text.h"
#include "words.h"

#define SEGMENT_NAME_MAX 64 /* bytes of NAME in inproc://NAME */
#define MTU_MIN 68          /* RFC 791, section 3.2 */
#define MTU_MIN_IP6 1280    /* RFC 8200, section 5 */
#define MTU_MAX_LINK 9216   /* VDE_MAXMTU of libvdeplug */
#define MTU_MAX_SEGMENT 65535
#define DEFAULT_NAMES_MAX 65536 /* vde0 to vde65535; ends the search when everything is taken */

struct section {
	struct vs_conf_iface iface;  /* name is "" until it is given or made */
	bool unplugged;              /* vnl=none: no interface is made */
	const struct vs_word *first; /* what began it */
	const struct vs_word *vnl;
	const struct vs_word *mac;
	const struct vs_word *mtu;
	const struct vs_word *setting; /* the first word that needs an interface to be made */
	bool has_ip6;
};

struct parser {
	struct section *sections;
	size_t n_sections;
	unsigned next_default; /* the lowest default name that has not been tried */
	vs_conf_taken_fn *taken;
	void *taken_arg;
	struct vs_config_error *error;
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ------------------------------------------------------------------ small helpers */

/*
 * Gives array, which has n items of item_bytes, with room for one more, or NULL with the
 * array untouched. Needs no capacity: room doubles whenever n is a power of two.
 */
static void *make_room(void *array, size_t n, size_t item_bytes)
{
	size_t bytes;

	if (n != 0 && (n & (n - 1)) != 0)
		return array;
	if (__builtin_mul_overflow(n == 0 ? 1 : n, n == 0 ? item_bytes : 2 * item_bytes, &bytes))
		return NULL;
	return realloc(array, bytes);
}

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

static bool name_used(const struct parser *parser, const char *name)
{
	for (size_t i = 0; i < parser->n_sections; i++)
		if (strcmp(parser->sections[i].iface.name, name) == 0)
			return true;
	return false;
}

static bool name_taken(const struct parser *parser, const char *name)
{
	return parser->taken != NULL && parser->taken(parser->taken_arg, name);
}

/* ------------------------------------------------------------------ one word each */

static int take_iface(struct parser *parser, struct section *section, const struct vs_word *word,
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
		return vs_word_fail(parser->error, EINVAL, word,
				    "the stack has an interface of that name; choose another");
	strcpy(section->iface.name, value);
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

static int take_vnl(struct parser *parser, struct section *section, const struct vs_word *word,
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

static int take_mac(struct parser *parser, struct section *section, const struct vs_word *word,
		    const char *value)
{
	static const unsigned char zeros[6];
	unsigned char mac[6];

	if (section->mac != NULL)
		return vs_word_fail(parser->error, EINVAL, word,
				    "the interface has a hardware address already, at position %zu; "
				    "remove one",
				    section->mac->position);
	if (!vs_mac_from_text(value, mac))
		return vs_word_fail(parser->error, EINVAL, word,
				    "not a hardware address; write six bytes, mac=02:00:00:00:00:01");
	if ((mac[0] & 1) != 0)
		return vs_word_fail(parser->error, EINVAL, word,
				    "a group address; make the first byte even, as in mac=02:00:00:00:00:01");
	if (memcmp(mac, zeros, sizeof(mac)) == 0)
		return vs_word_fail(parser->error, EINVAL, word,
				    "all bytes are zero; write one like mac=02:00:00:00:00:01");
	section->mac = word;
	section->iface.has_mac = true;
	memcpy(section->iface.mac, mac, sizeof(mac));
	return 0;
}

static int fail_mtu(struct parser *parser, const struct vs_word *word)
{
	return vs_word_fail(parser->error, EINVAL, word,
			    "the MTU must be %d to %d bytes, or to %d on an inproc:// link; write mtu=1500",
			    MTU_MIN, MTU_MAX_LINK, MTU_MAX_SEGMENT);
}

static int take_mtu(struct parser *parser, struct section *section, const struct vs_word *word,
		    const char *value)
{
	unsigned mtu;

	if (section->mtu != NULL)
		return vs_word_fail(parser->error, EINVAL, word,
				    "the interface has an MTU already, at position %zu; remove one",
				    section->mtu->position);
	if (!vs_number_from_text(value, strlen(value), 5, &mtu) || mtu < MTU_MIN || mtu > MTU_MAX_SEGMENT)
		return fail_mtu(parser, word);
	section->mtu = word;
	section->iface.mtu = mtu;
	return 0;
}

/* Refuses what cannot be the address of one host. */
static int check_host(struct parser *parser, const struct vs_word *word, const struct vs_conf_addr *addr)
{
	static const char *const names[] = {
		[VS_ADDR_UNSPECIFIED] = "unspecified",
		[VS_ADDR_MULTICAST] = "multicast",
		[VS_ADDR_BROADCAST] = "broadcast",
	};
	enum vs_addr_kind kind = vs_addr_kind(addr);

	if (kind == VS_ADDR_ORDINARY)
		return 0;
	return vs_word_fail(parser->error, EINVAL, word,
			    "the %s address cannot be that of a host; write one like %s",
			    names[kind], addr->family == AF_INET ? "10.0.0.1" : "fc00::1");
}

/* key: "ip" or "route", for the remedy. addr has the length to propose. */
static int fail_prefixlen(struct parser *parser, const struct vs_word *word, const char *key,
			  const struct vs_conf_addr *addr)
{
	struct vs_conf_addr shown = *addr;
	char text[VS_PREFIX_TEXT_MAX];

	if (strcmp(key, "route") == 0)
		(void)vs_prefix_clear_host(&shown); /* a remedy that would be refused helps nobody */
	vs_prefix_to_text(&shown, text);
	return vs_word_fail(parser->error, EINVAL, word,
			    "prefix length must be 0 to %u; write %s=%s", vs_addr_bits(addr),
			    key, text);
}

static int add_addr(struct parser *parser, struct vs_conf_iface *iface, const struct vs_conf_addr *addr)
{
	struct vs_conf_addr *addrs = make_room(iface->addrs, iface->n_addrs, sizeof(*addrs));

	if (addrs == NULL)
		return vs_config_fail_memory(parser->error);
	iface->addrs = addrs;
	addrs[iface->n_addrs++] = *addr;
	return 0;
}

static int take_ip(struct parser *parser, struct section *section, const struct vs_word *word,
		   const char *value)
{
	struct vs_conf_addr addr;
	enum vs_prefix_text outcome = vs_prefix_from_text(value, strlen(value), &addr);

	if (outcome == VS_PREFIX_NO_ADDR)
		return vs_word_fail(parser->error, EINVAL, word,
				    "not an address; write one like ip=10.0.0.1/24 or ip=fc00::1/64");
	int result = check_host(parser, word, &addr);
	if (result < 0)
		return result;
	if (outcome == VS_PREFIX_BAD_LEN)
		return fail_prefixlen(parser, word, "ip", &addr);
	for (size_t i = 0; i < section->iface.n_addrs; i++)
		if (vs_addr_equal(&section->iface.addrs[i], &addr))
			return vs_word_fail(parser->error, EINVAL, word,
					    "the interface has this address already; remove one of the two");
	section->has_ip6 = section->has_ip6 || addr.family == AF_INET6;
	return add_addr(parser, &section->iface, &addr);
}

static int add_route(struct parser *parser, struct section *section, const struct vs_conf_route *route)
{
	struct vs_conf_iface *iface = &section->iface;
	struct vs_conf_route *routes = make_room(iface->routes, iface->n_routes, sizeof(*routes));

	if (routes == NULL)
		return vs_config_fail_memory(parser->error);
	iface->routes = routes;
	routes[iface->n_routes++] = *route;
	section->has_ip6 = section->has_ip6 || route->dst.family == AF_INET6;
	return 0;
}

static int read_gateway(struct parser *parser, const struct vs_word *word, const char *text,
			struct vs_conf_route *route)
{
	if (!vs_addr_from_text(text, strlen(text), &route->gw))
		return vs_word_fail(parser->error, EINVAL, word,
				    "the gateway is not an address; write one like 10.0.0.254 or fc00::ff, "
				    "without a prefix length");
	route->has_gw = true;
	return check_host(parser, word, &route->gw);
}

static int take_gw(struct parser *parser, struct section *section, const struct vs_word *word,
		   const char *value)
{
	struct vs_conf_route route = { 0 };
	int result = read_gateway(parser, word, value, &route);

	if (result < 0)
		return result;
	route.dst.family = route.gw.family;
	return add_route(parser, section, &route);
}

/* The DST/LEN of route=, which is text[0..length). */
static int read_destination(struct parser *parser, const struct vs_word *word, const char *text, size_t length,
			    struct vs_conf_addr *dst)
{
	char shown[VS_PREFIX_TEXT_MAX];

	switch (vs_prefix_from_text(text, length, dst)) {
	case VS_PREFIX_NO_ADDR:
		return vs_word_fail(parser->error, EINVAL, word,
				    "the destination is not a network; write one like "
				    "route=10.1.0.0/16@10.0.0.254 or route=default@10.0.0.254");
	case VS_PREFIX_BAD_LEN:
		return fail_prefixlen(parser, word, "route", dst);
	case VS_PREFIX_NO_LEN:
		vs_addr_to_text(dst, shown);
		return vs_word_fail(parser->error, EINVAL, word,
				    "the destination has no prefix length; write %s/%u for that host, or "
				    "the length of the network",
				    shown, vs_addr_bits(dst));
	case VS_PREFIX_OK:
		break;
	}
	if (!vs_prefix_clear_host(dst))
		return 0;
	vs_prefix_to_text(dst, shown);
	return vs_word_fail(parser->error, EINVAL, word,
			    "the destination has bits set below its prefix length; write %s",
			    shown);
}

static int take_route(struct parser *parser, struct section *section, const struct vs_word *word,
		      const char *value)
{
	struct vs_conf_route route = { 0 };
	size_t length = strcspn(value, "@");
	bool is_default = length == strlen("default") && strncmp(value, "default", length) == 0;
	int result = 0;

	if (!is_default)
		result = read_destination(parser, word, value, length, &route.dst);
	else if (value[length] == '\0')
		result = vs_word_fail(parser->error, EINVAL, word,
				      "a default route needs a gateway; write route=default@10.0.0.254");
	if (result == 0 && value[length] == '@')
		result = read_gateway(parser, word, value + length + 1, &route);
	if (result < 0)
		return result;
	if (is_default)
		route.dst.family = route.gw.family;
	if (route.has_gw && route.gw.family != route.dst.family)
		return vs_word_fail(parser->error, EINVAL, word,
				    "destination and gateway are of different families; write two IPv4 "
				    "addresses or two IPv6 addresses");
	return add_route(parser, section, &route);
}

/* ------------------------------------------------------------------ the table */

enum form {
	FLAG,           /* no '=' */
	VALUE,          /* '=' and at least one byte */
	VALUE_OR_EMPTY, /* '=' and perhaps nothing */
};

typedef int take_fn(struct parser *parser, struct section *section, const struct vs_word *word,
		    const char *value);

struct rule {
	const char *key;
	enum form form;
	bool is_setting; /* makes no sense without an interface */
	take_fn *take;   /* NULL: nothing to do */
	const char *example;
};

static const struct rule rules[] = {
	{ "iface", VALUE, false, take_iface, "iface=eth0" },
	{ "vnl", VALUE_OR_EMPTY, false, take_vnl, "vnl=vde:///tmp/net" },
	{ "eth", FLAG, false, NULL, "eth" },
	{ "mac", VALUE, true, take_mac, "mac=02:00:00:00:00:01" },
	{ "macaddr", VALUE, true, take_mac, "macaddr=02:00:00:00:00:01" },
	{ "mtu", VALUE, true, take_mtu, "mtu=1500" },
	{ "ip", VALUE, true, take_ip, "ip=10.0.0.1/24" },
	{ "gw", VALUE, true, take_gw, "gw=10.0.0.254" },
	{ "route", VALUE, true, take_route, "route=10.1.0.0/16@10.0.0.254" },
};

/* Words that have a meaning in this family of programs. Refused with or without a value. */
static const char *const reserved[] = {
	"dhcp",   "dhcp4", "dhcpv4", "dhcp6", "dhcpv6", "rd",     "rd6",   "slaac", "auto",    "auto4",
	"autov4", "auto6", "autov6", "fqdn",  "dns",    "domain", "debug", "stack", "ifindex",
};

/* What can stand behind a '-' besides, to undo it. */
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

static int fail_unknown(struct parser *parser, const struct vs_word *word, size_t key_length)
{
	if (is_reserved(word->text, key_length))
		return vs_word_fail(parser->error, ENOTSUP, word,
				    "%.*s is not available yet; remove the word",
				    (int)key_length, word->text);
	return vs_word_fail(parser->error, EINVAL, word,
			    "unknown word; the words are iface= vnl= eth mac= mtu= ip= gw= route=, and a "
			    "value with white space, ';' or ',' in it needs quotes");
}

static const struct rule *find_rule(const struct vs_word *word, size_t key_length)
{
	for (size_t i = 0; i < COUNT(rules); i++)
		if (key_equal(word->text, key_length, rules[i].key))
			return &rules[i];
	return NULL;
}

static int check_form(struct parser *parser, const struct rule *rule, const struct vs_word *word,
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

static bool begins_section(const struct parser *parser, const struct rule *rule)
{
	if (parser->n_sections == 0 || rule->take == take_iface)
		return true;
	return rule->take == take_vnl && parser->sections[parser->n_sections - 1].vnl != NULL;
}

static int begin_section(struct parser *parser, const struct vs_word *word)
{
	struct section *sections = make_room(parser->sections, parser->n_sections, sizeof(*sections));

	if (sections == NULL)
		return vs_config_fail_memory(parser->error);
	parser->sections = sections;
	sections[parser->n_sections++] = (struct section){ .first = word };
	return 0;
}

static int read_word(struct parser *parser, const struct vs_word *word)
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
	struct section *section = &parser->sections[parser->n_sections - 1];
	if (rule->is_setting && section->setting == NULL)
		section->setting = word;
	return rule->take != NULL ? rule->take(parser, section, word, word->text + key_length + 1) : 0;
}

/* Gives the section the lowest default name that is free. */
static int name_section(struct parser *parser, struct section *section)
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

static int check_mtu(struct parser *parser, const struct section *section)
{
	unsigned mtu = section->iface.mtu;

	if (section->mtu == NULL)
		return 0;
	if (mtu > MTU_MAX_LINK && section->iface.locator.kind != VS_KIND_SEGMENT)
		return fail_mtu(parser, section->mtu);
	if (mtu < MTU_MIN_IP6 && section->has_ip6)
		return vs_word_fail(parser->error, EINVAL, section->mtu,
				    "IPv6 needs an MTU of %d bytes or more; write mtu=%d or remove the "
				    "IPv6 addresses of the interface",
				    MTU_MIN_IP6, MTU_MIN_IP6);
	return 0;
}

/* What can only be said of a section when all words have been read. */
static int finish_section(struct parser *parser, struct section *section)
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

static void clear_parser(struct parser *parser)
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
static void move_iface(struct section *section, struct vs_config *config)
{
	config->ifaces[config->n_ifaces++] = section->iface;
	section->iface.vnl = NULL;
	section->iface.addrs = NULL;
	section->iface.routes = NULL;
}

static int make_config(struct parser *parser, struct vs_config **out)
{
	for (size_t i = 0; i < parser->n_sections; i++) {
		int result = finish_section(parser, &parser->sections[i]);
		if (result < 0)
			return result;
	}
	struct vs_config *config = new_config(parser->n_sections);
	if (config == NULL)
		return vs_config_fail_memory(parser->error);
	for (size_t i = 0; i < parser->n_sections; i++)
		if (!parser->sections[i].unplugged)
			move_iface(&parser->sections[i], config);
	*out = config;
	return 0;
}

int vs_config_parse(const char *text, vs_conf_taken_fn *taken, void *arg, struct vs_config_error *error,
		    struct vs_config **out)
{
	struct parser parser = { .taken = taken, .taken_arg = arg, .error = error };
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
