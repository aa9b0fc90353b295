/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Words about address sources, and about name servers and search domains. */

#include "section.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "addr_text.h"

#define LABEL_MAX 63   /* RFC 1035, section 2.3.4 */
#define NAME_MAX_TEXT 253 /* 255 bytes on the wire, of which two are no text */
#define PD_DEFAULT 64
#define PD_MIN 1

struct vs_conf_sources *vs_section_sources(struct vs_parser *parser, struct vs_section *section)
{
	struct vs_conf_iface *iface = &section->iface;

	if (iface->sources == NULL)
		iface->sources = calloc(1, sizeof(*iface->sources));
	if (iface->sources == NULL)
		(void)vs_config_fail_memory(parser->error);
	return iface->sources;
}

int vs_section_add_sources(struct vs_parser *parser, struct vs_section *section, const struct vs_rule *rule)
{
	if ((rule->start | rule->stop) == 0)
		return 0;
	struct vs_conf_sources *sources = vs_section_sources(parser, section);
	if (sources == NULL)
		return -ENOMEM;
	sources->start |= rule->start;
	sources->required |= rule->required;
	sources->one_of |= rule->one_of;
	sources->stop |= rule->stop;
	section->has_ip6 = section->has_ip6 || (rule->required & ~VS_CONF_DHCP4) != 0;
	return 0;
}

static int add_option(struct vs_parser *parser, struct vs_section *section, unsigned option)
{
	struct vs_conf_sources *sources = vs_section_sources(parser, section);

	if (sources == NULL)
		return -ENOMEM;
	sources->options |= option;
	return 0;
}

/* ------------------------------------------------------------------ options */

int vs_take_rapid(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		  const char *value)
{
	(void)value;
	section->rapid = word;
	return add_option(parser, section, VS_CONF_RAPID);
}

int vs_take_v6only(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		   const char *value)
{
	(void)value;
	section->v6only = word;
	return add_option(parser, section, VS_CONF_IPV6_ONLY);
}

int vs_take_norelease(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		      const char *value)
{
	(void)value;
	section->norelease = word;
	return add_option(parser, section, VS_CONF_NO_RELEASE);
}

int vs_take_slaac(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		  const char *value)
{
	if (value == NULL)
		return 0;
	bool stable = strcmp(value, "stable") == 0;
	if (!stable && strcmp(value, "eui64") != 0)
		return vs_word_fail(parser->error, EINVAL, word,
				    "not a kind of interface id; write slaac=stable (RFC 7217) or "
				    "slaac=eui64 (from the hardware address)");
	if (section->iid != NULL)
		return vs_word_fail(parser->error, EINVAL, word,
				    "the interface ids are chosen already, at position %zu; remove one",
				    section->iid->position);
	section->iid = word;
	return stable ? add_option(parser, section, VS_CONF_STABLE) : 0;
}

int vs_take_pd(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
	       const char *value)
{
	struct vs_conf_sources *sources = vs_section_sources(parser, section);
	unsigned len = PD_DEFAULT;

	if (sources == NULL)
		return -ENOMEM;
	if (section->pd != NULL)
		return vs_word_fail(parser->error, EINVAL, word,
				    "a prefix is asked for already, at position %zu; remove one",
				    section->pd->position);
	if (value != NULL &&
	    (!vs_number_from_text(value, strlen(value), 3, &len) || len < PD_MIN || len > 128))
		return vs_word_fail(parser->error, EINVAL, word,
				    "the length of a prefix must be %d to 128 bits; write pd=56", PD_MIN);
	section->pd = word;
	sources->pd_len = len;
	return 0;
}

/* ------------------------------------------------------------------ names */

static bool is_name_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
	       c == '-';
}

/* Checks a domain name. *length: without its final dot. 0 or -errno. */
static int check_name(struct vs_parser *parser, const struct vs_word *word, const char *value,
		      const char *example, size_t *length)
{
	size_t n = strlen(value), label = 0;

	if (n > 0 && value[n - 1] == '.')
		n--;
	if (n > NAME_MAX_TEXT)
		return vs_word_fail(parser->error, EINVAL, word,
				    "a domain name has %d characters at most; use a shorter one",
				    NAME_MAX_TEXT);
	for (size_t i = 0; i <= n; i++) {
		if (i < n && value[i] != '.') {
			if (!is_name_byte(value[i]) || ++label > LABEL_MAX)
				break;
			continue;
		}
		if (label == 0)
			break;
		if (i == n) {
			*length = n;
			return 0;
		}
		label = 0;
	}
	return vs_word_fail(parser->error, EINVAL, word,
			    "not a domain name; write labels of 1 to %d ASCII letters, digits, '-' and '_' "
			    "with dots between them, %s",
			    LABEL_MAX, example);
}

int vs_take_fqdn(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		 const char *value)
{
	struct vs_conf_sources *sources = vs_section_sources(parser, section);
	size_t length = 0;

	if (sources == NULL)
		return -ENOMEM;
	if (section->fqdn != NULL)
		return vs_word_fail(parser->error, EINVAL, word,
				    "the interface has a name already, at position %zu; remove one",
				    section->fqdn->position);
	int result = check_name(parser, word, value, "fqdn=host.example.org", &length);
	if (result < 0)
		return result;
	section->fqdn = word;
	memcpy(sources->fqdn, value, length);
	return 0;
}

int vs_names_add_dns(struct vs_parser *parser, const struct vs_word *word, const char *value,
		     struct vs_conf_names *names)
{
	struct vs_conf_addr addr;
	int result = vs_read_host(parser, word, value, &addr);

	if (result < 0)
		return result;
	for (size_t i = 0; i < names->n_dns; i++)
		if (vs_addr_equal(&names->dns[i], &addr))
			return 0;
	if (names->n_dns == VS_CONF_DNS_MAX)
		return vs_word_fail(parser->error, EINVAL, word,
				    "an interface has %d name servers at most; remove one", VS_CONF_DNS_MAX);
	names->dns[names->n_dns++] = addr;
	return 0;
}

/* Domain names are compared without case. */
static bool has_domain(const char *domains, const char *name, size_t length)
{
	while (*domains != '\0') {
		size_t n = strcspn(domains, " ");
		if (n == length && strncasecmp(domains, name, length) == 0)
			return true;
		domains += n + strspn(domains + n, " ");
	}
	return false;
}

int vs_names_add_domain(struct vs_parser *parser, const struct vs_word *word, const char *value,
			struct vs_conf_names *names)
{
	size_t used = strlen(names->domains), length = 0;
	int result = check_name(parser, word, value, "domain=example.org", &length);

	if (result < 0 || has_domain(names->domains, value, length))
		return result;
	if (used + (used > 0) + length >= sizeof(names->domains))
		return vs_word_fail(parser->error, EINVAL, word,
				    "the domains of an interface have %zu characters at most; remove one",
				    sizeof(names->domains) - 1);
	if (used > 0)
		names->domains[used++] = ' ';
	memcpy(names->domains + used, value, length);
	names->domains[used + length] = '\0';
	return 0;
}

int vs_take_dns(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		const char *value)
{
	struct vs_conf_sources *sources = vs_section_sources(parser, section);

	return sources == NULL ? -ENOMEM : vs_names_add_dns(parser, word, value, &sources->add);
}

int vs_take_domain(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		   const char *value)
{
	struct vs_conf_sources *sources = vs_section_sources(parser, section);

	return sources == NULL ? -ENOMEM : vs_names_add_domain(parser, word, value, &sources->add);
}

/* ------------------------------------------------------------------ one word against the others */

/* Refuses an option of sources that are not started. names: of their words. */
static int check_option(struct vs_parser *parser, const struct vs_section *section,
			const struct vs_word *option, unsigned sources, const char *names)
{
	if (option == NULL || (section->iface.sources->start & sources) != 0)
		return 0;
	return vs_word_fail(parser->error, EINVAL, option,
			    "an option of %s, which interface %s does not start here; add it or remove "
			    "the word",
			    names, section->iface.name);
}

int vs_section_check_sources(struct vs_parser *parser, struct vs_section *section)
{
	struct vs_conf_sources *sources = section->iface.sources;

	if (sources == NULL)
		return 0;
	/* Where SLAAC is asked for besides, its address is as good as the others. */
	if (sources->one_of != 0)
		sources->one_of |= sources->start & VS_CONF_SLAAC;
	if (section->fqdn != NULL && section->iid != NULL)
		return vs_word_fail(parser->error, EINVAL, section->iid,
				    "fqdn= at position %zu chooses the interface ids; write slaac without a "
				    "value",
				    section->fqdn->position);
	int result = check_option(parser, section, section->rapid, VS_CONF_DHCP4 | VS_CONF_DHCP6,
				  "dhcp or dhcp6");
	if (result == 0)
		result = check_option(parser, section, section->v6only, VS_CONF_DHCP4, "dhcp");
	if (result == 0)
		result = check_option(parser, section, section->pd, VS_CONF_DHCP6, "dhcp6");
	if (result == 0)
		result = check_option(parser, section, section->norelease, VS_CONF_DHCP4 | VS_CONF_DHCP6,
				      "dhcp or dhcp6");
	return result;
}
