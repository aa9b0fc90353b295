/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * From a string to a plan, in three steps. The words are split. Each is found in the table of tags; what is
 * the family's own is read here. The others (addresses and names) are the same in vdestack_config(7): they
 * are left in a copy of the string, in which all other words are overwritten with blanks, and its parser
 * reads them. So its messages have the right positions.
 */

#include "plan.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "config/addr_text.h"
#include "config/words.h"
#include "proto/hash_addr.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define ETH VS_PLAN_ETH
#define DHCP VS_PLAN_DHCP
#define DHCP6 VS_PLAN_DHCP6
#define RD VS_PLAN_RD
#define SLAAC VS_PLAN_SLAAC

#define TIMEOUT_MAX_S 3600

struct reader {
	struct vs_plan *plan;
	struct vs_config_error *error;
	enum vs_plan_call call;
	const struct vs_word *iface, *mac, *stack, *timeout; /* NULL: not yet */
	char *rest;                                          /* the copy of the string */
	size_t length;                                       /* its bytes */
};

typedef int take_fn(struct reader *r, const struct vs_word *word, const char *value);

static take_fn take_iface, take_ifindex, take_mac, take_timeout, take_stack, take_vnl, take_rest;

/* A tag. take NULL: it has no value, and means these parts. */
struct tag {
	const char *key;
	take_fn *take;
	unsigned want, undo;
	unsigned calls; /* VS_CALL_... that take it */
	const char *example;
};

#define ANY (VS_CALL_CONFIG | VS_CALL_NEWSTACK | VS_CALL_RESOLVCONF)
#define SETS (VS_CALL_CONFIG | VS_CALL_NEWSTACK)
#define VALUE(key, take, calls, example)                                                                     \
	{                                                                                                    \
		key, take, 0, 0, calls, example                                                              \
	}
#define FLAG(key, want, undo)                                                                                \
	{                                                                                                    \
		key, NULL, want, undo, SETS, key                                                             \
	}

static const struct tag tags[] = {
	VALUE("iface", take_iface, ANY, "iface=vde0"),
	VALUE("ifindex", take_ifindex, ANY, "ifindex=2"),
	VALUE("stack", take_stack, VS_CALL_NEWSTACK, "stack=vdestack"),
	VALUE("vnl", take_vnl, VS_CALL_NEWSTACK, "vnl=vde:///tmp/net"),
	VALUE("fqdn", take_rest, SETS, "fqdn=host.example.org"),
	VALUE("mac", take_mac, SETS, "mac=02:00:00:00:00:01"),
	VALUE("macaddr", take_mac, SETS, "macaddr=02:00:00:00:00:01"),
	VALUE("timeout", take_timeout, SETS, "timeout=10"),
	VALUE("ip", take_rest, SETS, "ip=10.0.0.1/24"),
	VALUE("gw", take_rest, SETS, "gw=10.0.0.254"),
	VALUE("dns", take_rest, SETS, "dns=10.0.0.53"),
	VALUE("domain", take_rest, SETS, "domain=example.org"),
	VALUE("-ip", take_rest, SETS, "-ip=10.0.0.1"),
	VALUE("-gw", take_rest, SETS, "-gw=10.0.0.254"),
	VALUE("-dns", take_rest, SETS, "-dns=10.0.0.53"),
	VALUE("-domain", take_rest, SETS, "-domain=example.org"),
	FLAG("debug", 0, 0),
	FLAG("eth", ETH, 0),
	FLAG("dhcp", DHCP, 0),
	FLAG("dhcp4", DHCP, 0),
	FLAG("dhcpv4", DHCP, 0),
	FLAG("dhcp6", DHCP6, 0),
	FLAG("dhcpv6", DHCP6, 0),
	FLAG("rd", RD, 0),
	FLAG("rd6", RD, 0),
	FLAG("slaac", RD | SLAAC, 0),
	FLAG("auto", ETH | DHCP | DHCP6 | RD, 0),
	FLAG("auto4", ETH | DHCP, 0),
	FLAG("autov4", ETH | DHCP, 0),
	FLAG("auto6", ETH | DHCP6 | RD, 0),
	FLAG("autov6", ETH | DHCP6 | RD, 0),
	FLAG("-static", 0, VS_PLAN_STATIC),
	FLAG("-eth", 0, ETH),
	FLAG("-dhcp", 0, DHCP),
	FLAG("-dhcp4", 0, DHCP),
	FLAG("-dhcpv4", 0, DHCP),
	FLAG("-dhcp6", 0, DHCP6),
	FLAG("-dhcpv6", 0, DHCP6),
	FLAG("-rd", 0, RD | SLAAC),
	FLAG("-rd6", 0, RD | SLAAC),
	FLAG("-slaac", 0, SLAAC),
	FLAG("-auto", 0, ETH | VS_PLAN_SOURCES),
	FLAG("-all", 0, ETH | VS_PLAN_SOURCES),
	FLAG("-auto4", 0, ETH | DHCP),
	FLAG("-autov4", 0, ETH | DHCP),
	FLAG("-auto6", 0, ETH | DHCP6 | RD | SLAAC),
	FLAG("-autov6", 0, ETH | DHCP6 | RD | SLAAC),
};

/* ------------------------------------------------------------------ values */

/* Remembers a word that may stand once. */
static int once(struct reader *r, const struct vs_word **seen, const struct vs_word *word)
{
	if (*seen != NULL)
		return vs_word_fail(r->error, EINVAL, word,
				    "the word at position %zu says this already; remove one",
				    (*seen)->position);
	*seen = word;
	return 0;
}

static int take_iface(struct reader *r, const struct vs_word *word, const char *value)
{
	if (once(r, &r->iface, word) < 0)
		return -EINVAL;
	if (!vs_ifname_valid(value) && strcmp(value, "lo") != 0)
		return vs_word_fail(r->error, EINVAL, word,
				    "not a name for an interface; write one like iface=vde0");
	strcpy(r->plan->ifname, value);
	return 0;
}

static int take_ifindex(struct reader *r, const struct vs_word *word, const char *value)
{
	char *end;

	if (once(r, &r->iface, word) < 0)
		return -EINVAL;
	errno = 0;
	unsigned long index = strtoul(value, &end, 10); /* picox of the family had ones of 32 bits */
	if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0 || index == 0 || index > UINT_MAX)
		return vs_word_fail(r->error, EINVAL, word,
				    "not the index of an interface; write a number greater than 0");
	r->plan->ifindex = (unsigned)index;
	return 0;
}

static int take_mac(struct reader *r, const struct vs_word *word, const char *value)
{
	static const unsigned char zeros[6];
	unsigned char *mac = r->plan->mac;

	if (once(r, &r->mac, word) < 0)
		return -EINVAL;
	if (!vs_mac_from_text(value, mac) || (mac[0] & 1) != 0 || memcmp(mac, zeros, 6) == 0)
		return vs_word_fail(
			r->error, EINVAL, word,
			"not the hardware address of a host; write six bytes, the first one even, "
			"as in mac=02:00:00:00:00:01");
	r->plan->has_mac = true;
	return 0;
}

static int take_timeout(struct reader *r, const struct vs_word *word, const char *value)
{
	unsigned seconds;

	if (once(r, &r->timeout, word) < 0)
		return -EINVAL;
	if (!vs_number_from_text(value, strlen(value), 4, &seconds) || seconds < 1 || seconds > TIMEOUT_MAX_S)
		return vs_word_fail(r->error, EINVAL, word, "not 1 to %d seconds; write timeout=10",
				    TIMEOUT_MAX_S);
	r->plan->timeout_ms = (int)seconds * 1000;
	return 0;
}

static int take_stack(struct reader *r, const struct vs_word *word, const char *value)
{
	if (once(r, &r->stack, word) < 0)
		return -EINVAL;
	r->plan->stack = strdup(value);
	return r->plan->stack != NULL ? 0 : vs_config_fail_memory(r->error);
}

static int take_vnl(struct reader *r, const struct vs_word *word, const char *value)
{
	struct vs_plan *plan = r->plan;
	char **vnlv = reallocarray(plan->vnlv, plan->n_vnl + 2, sizeof(*vnlv));

	(void)word;
	if (vnlv == NULL)
		return vs_config_fail_memory(r->error);
	plan->vnlv = vnlv;
	vnlv[plan->n_vnl] = strdup(value);
	vnlv[plan->n_vnl + 1] = NULL;
	return vnlv[plan->n_vnl++] != NULL ? 0 : vs_config_fail_memory(r->error);
}

/* For the parser of vdestack_config(7). */
static int take_rest(struct reader *r, const struct vs_word *word, const char *value)
{
	(void)r;
	(void)word;
	(void)value;
	return 0;
}

/* ------------------------------------------------------------------ words */

static const struct tag *find_tag(const char *key, size_t length)
{
	for (size_t i = 0; i < COUNT(tags); i++)
		if (strncmp(tags[i].key, key, length) == 0 && tags[i].key[length] == '\0')
			return &tags[i];
	return NULL;
}

static int check_word(struct reader *r, const struct tag *tag, const struct vs_word *word, const char *behind)
{
	if (tag == NULL)
		return vs_word_fail(
			r->error, EINVAL, word,
			"unknown word; iothconf(3) lists the words, and a value with white space, "
			"';' or ',' in it needs quotes");
	if ((tag->calls & r->call) == 0)
		return vs_word_fail(r->error, EINVAL, word, "this call does not take the word; remove it");
	if (tag->take == NULL && *behind != '\0')
		return vs_word_fail(r->error, EINVAL, word, "the word takes no value; write %s",
				    tag->example);
	if (tag->take != NULL && (behind[0] == '\0' || behind[1] == '\0') && tag->take != take_vnl)
		return vs_word_fail(r->error, EINVAL, word, "the value is missing; write one like %s",
				    tag->example);
	if (tag->take == take_vnl && behind[0] == '\0')
		return vs_word_fail(r->error, EINVAL, word, "the word needs '='; write one like %s",
				    tag->example);
	return 0;
}

static int read_word(struct reader *r, const struct vs_word *word, size_t end)
{
	size_t length = strcspn(word->text, "=");
	const struct tag *tag = find_tag(word->text, length);
	int result = check_word(r, tag, word, word->text + length);

	if (result < 0)
		return result;
	r->plan->want |= tag->want;
	r->plan->undo |= tag->undo;
	if (tag->take != take_rest)
		memset(r->rest + word->position - 1, ' ', end - (word->position - 1));
	return tag->take != NULL ? tag->take(r, word, word->text + length + 1) : 0;
}

static int read_words(struct reader *r, const struct vs_words *words)
{
	for (size_t i = 0; i < words->n; i++) {
		size_t end = i + 1 < words->n ? words->list[i + 1].position - 1 : r->length;
		int result = read_word(r, &words->list[i], end);
		if (result < 0)
			return result;
	}
	return 0;
}

/* ------------------------------------------------------------------ addresses and names */

/* any_length: those without a length mean any. */
static bool add_addrs(struct vs_items *items, const struct vs_conf_addr *addrs, size_t n, bool any_length)
{
	char text[VS_PREFIX_TEXT_MAX];

	for (size_t i = 0; i < n; i++) {
		if (any_length && addrs[i].prefixlen == 0)
			vs_addr_to_text(&addrs[i], text);
		else
			vs_prefix_to_text(&addrs[i], text);
		if (!vs_items_add(items, "ip", text))
			return false;
	}
	return true;
}

static bool add_gws(struct vs_items *items, const struct vs_conf_route *routes, size_t n)
{
	char text[VS_ADDR_TEXT_MAX];

	for (size_t i = 0; i < n; i++) {
		vs_addr_to_text(&routes[i].gw, text);
		if (!vs_items_add(items, "gw", text))
			return false;
	}
	return true;
}

static bool add_names(struct vs_items *items, const struct vs_conf_names *names)
{
	char text[VS_ADDR_TEXT_MAX], domain[VS_CONF_DOMAINS_MAX];

	for (size_t i = 0; i < names->n_dns; i++) {
		vs_addr_to_text(&names->dns[i], text);
		if (!vs_items_add(items, "dns", text))
			return false;
	}
	for (const char *name = names->domains; *name != '\0';) {
		size_t length = strcspn(name, " ");
		memcpy(domain, name, length);
		domain[length] = '\0';
		if (!vs_items_add(items, "domain", domain))
			return false;
		name += length + strspn(name + length, " ");
	}
	return true;
}

static bool take_over(struct vs_plan *plan, const struct vs_conf_iface *iface)
{
	const struct vs_conf_sources *sources = iface->sources;
	const struct vs_conf_removals *removals = &iface->removals;
	bool good = add_addrs(&plan->add, iface->addrs, iface->n_addrs, false) &&
		    add_gws(&plan->add, iface->routes, iface->n_routes) &&
		    add_addrs(&plan->remove, removals->addrs, removals->n_addrs, true) &&
		    add_gws(&plan->remove, removals->routes, removals->n_routes);

	if (good && sources != NULL) {
		memcpy(plan->fqdn, sources->fqdn, sizeof(plan->fqdn));
		good = add_names(&plan->add, &sources->add) && add_names(&plan->remove, &sources->remove);
	}
	return good;
}

static int read_rest(struct reader *r)
{
	struct vs_config *config;
	int result = vs_config_parse_change(r->rest, r->error, &config);

	if (result < 0)
		return result;
	if (config->n_ifaces > 0 && !take_over(r->plan, &config->ifaces[0]))
		result = vs_config_fail_memory(r->error);
	vs_config_free(config);
	return result;
}

/* ------------------------------------------------------------------ the whole */

static void finish(struct vs_plan *plan)
{
	if (plan->add.n > 0)
		plan->want |= VS_PLAN_STATIC;
	if (!plan->has_mac && plan->fqdn[0] != '\0') {
		vs_hash_mac(plan->mac, plan->fqdn, NULL);
		plan->has_mac = true;
	}
}

int vs_plan_read(const char *text, enum vs_plan_call call, struct vs_config_error *error,
		 struct vs_plan *plan)
{
	struct reader r = { .plan = plan, .error = error, .call = call };
	struct vs_words words;
	int result = vs_words_split(text != NULL ? text : "", error, &words);

	*plan = (struct vs_plan){ .timeout_ms = VS_PLAN_TIMEOUT_MS };
	if (result < 0)
		return result;
	r.rest = strdup(text != NULL ? text : "");
	r.length = r.rest != NULL ? strlen(r.rest) : 0;
	result = r.rest != NULL ? read_words(&r, &words) : vs_config_fail_memory(error);
	if (result == 0)
		result = read_rest(&r);
	if (result == 0)
		finish(plan);
	else
		vs_plan_free(plan);
	free(r.rest);
	vs_words_free(&words);
	return result;
}

bool vs_plan_needs_iface(const struct vs_plan *plan)
{
	return (plan->want | plan->undo) != 0 || plan->remove.n > 0 || plan->ifname[0] != '\0' ||
	       plan->ifindex != 0;
}

void vs_plan_free(struct vs_plan *plan)
{
	vs_items_free(&plan->add);
	vs_items_free(&plan->remove);
	free(plan->stack);
	for (size_t i = 0; i < plan->n_vnl; i++)
		free(plan->vnlv[i]);
	free(plan->vnlv);
	*plan = (struct vs_plan){ 0 };
}
