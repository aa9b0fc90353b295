/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The table of words: where each may stand, which form it has, what reads it. A word that is not in it is
 * refused here, with a reason that fits.
 */

#include "section.h"

#include <errno.h>
#include <string.h>

#include "impair_words.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define DHCP4 VS_CONF_DHCP4
#define DHCP6 VS_CONF_DHCP6
#define RA VS_CONF_RA
#define SLAAC (VS_CONF_RA | VS_CONF_SLAAC)
#define SOURCES (DHCP4 | DHCP6 | SLAAC)

/* Rows of the table by their place. WORD: everywhere; MAKE, MAKE_ALL: where interfaces are made; UNDO. */
#define WORD(key, form, take, example) { key, VS_FORM_##form, VS_PLACE_ANY, true, take, example, 0, 0, 0, 0 }
#define MAKE(key, form, setting, take, example) \
	{ key, VS_FORM_##form, VS_PLACE_CREATION, setting, take, example, 0, 0, 0, 0 }
#define UNDO(key, form, take, stop, example) \
	{ key, VS_FORM_##form, VS_PLACE_CHANGE, true, take, example, 0, 0, 0, stop }
/* One source, which is required. */
#define SOURCE(key, bits) { key, VS_FORM_FLAG, VS_PLACE_ANY, true, NULL, key, bits, bits, 0, 0 }
/* Several sources; one with an address is enough. */
#define AUTO(key, bits, one_of) { key, VS_FORM_FLAG, VS_PLACE_ANY, true, NULL, key, bits, 0, one_of, 0 }

static const struct vs_rule rules[] = {
	/* the stack */
	MAKE("name", VALUE, false, vs_take_name, "name=web"),
	{ "leases", VS_FORM_VALUE, VS_PLACE_ANY, false, vs_take_leases, "leases=/var/lib/web", 0, 0, 0, 0 },
	/* interfaces */
	{ "iface", VS_FORM_VALUE, VS_PLACE_ANY, false, vs_take_iface, "iface=eth0", 0, 0, 0, 0 },
	MAKE("vnl", VALUE_OR_EMPTY, false, vs_take_vnl, "vnl=vde:///tmp/net"),
	{ "eth", VS_FORM_FLAG, VS_PLACE_ANY, false, vs_take_eth, "eth", 0, 0, 0, 0 },
	MAKE("mac", VALUE, true, vs_take_mac, "mac=02:00:00:00:00:01"),
	MAKE("macaddr", VALUE, true, vs_take_mac, "macaddr=02:00:00:00:00:01"),
	MAKE("mtu", VALUE, true, vs_take_mtu, "mtu=1500"),
	WORD("nodad", FLAG, vs_take_nodad, "nodad"),
	MAKE("capture", VALUE, true, vs_take_capture, "capture=web.pcapng"),
	/* static addresses, routes and names */
	WORD("ip", VALUE, vs_take_ip, "ip=10.0.0.1/24"),
	WORD("gw", VALUE, vs_take_gw, "gw=10.0.0.254"),
	WORD("route", VALUE, vs_take_route, "route=10.1.0.0/16@10.0.0.254"),
	WORD("dns", VALUE, vs_take_dns, "dns=10.0.0.53"),
	WORD("domain", VALUE, vs_take_domain, "domain=example.org"),
	/* address sources */
	SOURCE("dhcp", DHCP4),
	SOURCE("dhcp4", DHCP4),
	SOURCE("dhcpv4", DHCP4),
	SOURCE("dhcp6", DHCP6),
	SOURCE("dhcpv6", DHCP6),
	SOURCE("rd", RA),
	SOURCE("rd6", RA),
	{ "slaac", VS_FORM_BOTH, VS_PLACE_ANY, true, vs_take_slaac, "slaac=stable", SLAAC, SLAAC, 0, 0 },
	AUTO("auto", SOURCES, DHCP4 | DHCP6 | VS_CONF_SLAAC),
	AUTO("auto4", DHCP4, DHCP4),
	AUTO("autov4", DHCP4, DHCP4),
	AUTO("auto6", DHCP6 | SLAAC, DHCP6 | VS_CONF_SLAAC),
	AUTO("autov6", DHCP6 | SLAAC, DHCP6 | VS_CONF_SLAAC),
	/* their options */
	WORD("fqdn", VALUE, vs_take_fqdn, "fqdn=host.example.org"),
	WORD("rapid", FLAG, vs_take_rapid, "rapid"),
	WORD("v6only", FLAG, vs_take_v6only, "v6only"),
	WORD("pd", BOTH, vs_take_pd, "pd=56"),
	WORD("norelease", FLAG, vs_take_norelease, "norelease"),
	/* undoing */
	UNDO("-ip", BOTH, vs_remove_ip, 0, "-ip=10.0.0.1"),
	UNDO("-gw", BOTH, vs_remove_gw, 0, "-gw=10.0.0.254"),
	UNDO("-route", BOTH, vs_remove_route, 0, "-route=10.1.0.0/16"),
	UNDO("-dns", BOTH, vs_remove_dns, 0, "-dns=10.0.0.53"),
	UNDO("-domain", BOTH, vs_remove_domain, 0, "-domain=example.org"),
	UNDO("-static", FLAG, vs_remove_static, 0, "-static"),
	UNDO("-eth", FLAG, vs_remove_eth, 0, "-eth"),
	UNDO("-dhcp", FLAG, NULL, DHCP4, "-dhcp"),
	UNDO("-dhcp4", FLAG, NULL, DHCP4, "-dhcp4"),
	UNDO("-dhcpv4", FLAG, NULL, DHCP4, "-dhcpv4"),
	UNDO("-dhcp6", FLAG, NULL, DHCP6, "-dhcp6"),
	UNDO("-dhcpv6", FLAG, NULL, DHCP6, "-dhcpv6"),
	UNDO("-rd", FLAG, NULL, SLAAC, "-rd"),
	UNDO("-rd6", FLAG, NULL, SLAAC, "-rd6"),
	UNDO("-slaac", FLAG, NULL, VS_CONF_SLAAC, "-slaac"),
	UNDO("-auto", FLAG, NULL, SOURCES, "-auto"),
	UNDO("-auto4", FLAG, NULL, DHCP4, "-auto4"),
	UNDO("-autov4", FLAG, NULL, DHCP4, "-autov4"),
	UNDO("-auto6", FLAG, NULL, DHCP6 | SLAAC, "-auto6"),
	UNDO("-autov6", FLAG, NULL, DHCP6 | SLAAC, "-autov6"),
	UNDO("-all", FLAG, vs_remove_static, SOURCES, "-all"),
};

/* Impairment has a table of its own, which knows the forms of its words. */
static const struct vs_rule impair_rules[] = {
	{ "", VS_FORM_BOTH, VS_PLACE_ANY, true, vs_take_impair, "", 0, 0, 0, 0 },
	{ "-", VS_FORM_BOTH, VS_PLACE_CHANGE, true, vs_take_impair, "", 0, 0, 0, 0 },
};

/* Words that have a meaning in this family of programs. Refused with or without a value. */
static const char *const reserved[] = { "debug", "stack", "ifindex" };

static bool key_equal(const char *text, size_t length, const char *key)
{
	return strncmp(text, key, length) == 0 && key[length] == '\0';
}

static bool is_reserved(const char *text, size_t length)
{
	for (size_t i = 0; i < COUNT(reserved); i++)
		if (key_equal(text, length, reserved[i]))
			return true;
	return false;
}

static int fail_unknown(struct vs_parser *parser, const struct vs_word *word, size_t key_length)
{
	if (is_reserved(word->text, key_length))
		return vs_word_fail(parser->error, ENOTSUP, word,
				    "%.*s is not available yet; remove the word",
				    (int)key_length, word->text);
	return vs_word_fail(parser->error, EINVAL, word,
			    "unknown word; vdestack_config(7) lists the words, and a value with white space, "
			    "';' or ',' in it needs quotes");
}

static int check_place(struct vs_parser *parser, const struct vs_rule *rule, const struct vs_word *word)
{
	if (rule->place == VS_PLACE_CHANGE && !parser->change)
		return vs_word_fail(parser->error, EINVAL, word,
				    "a word with '-' undoes something of a stack that is there; only "
				    "vdestack_configure() takes it");
	if (rule->place == VS_PLACE_CREATION && parser->change)
		return vs_word_fail(parser->error, EINVAL, word,
				    "the word has an effect only when a stack or an interface is made; "
				    "give it to vdestack_new() or vdestack_iface_add()");
	return 0;
}

static int check_form(struct vs_parser *parser, const struct vs_rule *rule, const struct vs_word *word,
		      const char *behind_key)
{
	bool has_value = *behind_key != '\0';

	if (rule->form == VS_FORM_FLAG && has_value)
		return vs_word_fail(parser->error, EINVAL, word,
				    "the word takes no value; write %s", rule->example);
	if ((rule->form == VS_FORM_VALUE || rule->form == VS_FORM_VALUE_OR_EMPTY) && !has_value)
		return vs_word_fail(parser->error, EINVAL, word,
				    "the word needs '=' and a value; write one like %s", rule->example);
	if (rule->form != VS_FORM_VALUE_OR_EMPTY && has_value && behind_key[1] == '\0')
		return vs_word_fail(parser->error, EINVAL, word,
				    "the value is missing; write one like %s", rule->example);
	return 0;
}

const struct vs_rule *vs_rule_find(struct vs_parser *parser, const struct vs_word *word, int *result)
{
	size_t key_length = strcspn(word->text, "=");

	for (size_t i = 0; i < COUNT(rules); i++) {
		const struct vs_rule *rule = &rules[i];
		if (!key_equal(word->text, key_length, rule->key))
			continue;
		*result = check_place(parser, rule, word);
		if (*result == 0)
			*result = check_form(parser, rule, word, word->text + key_length);
		return *result == 0 ? rule : NULL;
	}
	if (vs_impair_is_word(word->text)) {
		const struct vs_rule *rule = &impair_rules[word->text[0] == '-'];
		*result = check_place(parser, rule, word);
		return *result == 0 ? rule : NULL;
	}
	*result = fail_unknown(parser, word, key_length);
	return NULL;
}
