/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Terms from text. The reader keeps nothing: when a name is not known yet it stops, and the caller begins
 * anew when it is. So each name costs one more pass over a text of at most some kilobytes.
 */

#include "txt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemons/dhcp/lookup.h"
#include "daemons/dhcp/words.h"
#include "proto/dns_name.h"

#define MTU_LEAST 68 /* RFC 2132 section 5.1 */
#define WORD (VS_DNS_NAME_TEXT + 32)

void n4_list_add(struct n4_list *list, uint32_t addr)
{
	for (unsigned i = 0; i < list->n; i++)
		if (list->addrs[i] == addr)
			return;
	if (list->n < N4_LIST_MAX)
		list->addrs[list->n++] = addr;
}

static bool read_number(const char *text, unsigned long most, unsigned long *number)
{
	char *end;

	errno = 0;
	unsigned long n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || n > most)
		return false;
	*number = n;
	return true;
}

static bool read_address(const char *text, uint32_t *addr)
{
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) != 1)
		return false;
	*addr = ntohl(in.s_addr);
	return true;
}

/* An address, or the addresses of a name; what is neither is skipped. */
static bool take_address(const char *word, n4_resolve *resolve, void *arg, struct n4_list *list)
{
	uint32_t addr;

	if (read_address(word, &addr)) {
		if (addr != 0)
			n4_list_add(list, addr);
		return true;
	}
	return !vs_dns_name_valid(word) || resolve(arg, word, list);
}

bool n4_txt_addresses(const char *text, n4_resolve *resolve, void *arg, struct n4_list *list)
{
	char word[WORD];

	while (list->n < N4_LIST_MAX && dh_word(&text, word, sizeof(word)))
		if (!take_address(word, resolve, arg, list))
			return false;
	return true;
}

static bool has_domain(const char *search, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = search; (at = strcasestr(at, name)) != NULL; at++)
		if ((at == search || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
			return true;
	return false;
}

void n4_txt_domains(const char *text, char *search)
{
	char word[WORD];

	while (dh_word(&text, word, sizeof(word))) {
		size_t n = strlen(search), len = strlen(word);
		if (!vs_dns_name_valid(word))
			continue;
		if (word[len - 1] == '.')
			word[--len] = '\0';
		if (len > 0 && !has_domain(search, word) && n + 1 + len < N4_SEARCH_MAX)
			(void)snprintf(search + n, N4_SEARCH_MAX - n, "%s%s", n > 0 ? " " : "", word);
	}
}

uint32_t n4_txt_mask(const char *text)
{
	unsigned long len;
	uint32_t mask;

	if (read_address(text, &mask))
		return (~mask & (~mask + 1)) == 0 ? mask : 0; /* ones, and then zeros */
	if (*text == '/')
		text++;
	return read_number(text, 32, &len) && len > 0 ? UINT32_MAX << (32 - len) : 0;
}

/* ------------------------------------------------------------------ tags */

struct reader {
	n4_resolve *resolve;
	void *arg;
	struct n4_terms *terms;
};

static bool set_mask(struct reader *r, char *value)
{
	if (r->terms->mask == 0)
		r->terms->mask = n4_txt_mask(value);
	return true;
}

static bool set_list(struct reader *r, const char *value, struct n4_list *list)
{
	struct n4_list read = { .n = 0 };

	if (list->n > 0)
		return true;
	if (!n4_txt_addresses(value, r->resolve, r->arg, &read))
		return false;
	*list = read;
	return true;
}

static bool set_router(struct reader *r, char *value)
{
	return set_list(r, value, &r->terms->routers);
}

static bool set_dns(struct reader *r, char *value)
{
	return set_list(r, value, &r->terms->dns);
}

static bool set_ntp(struct reader *r, char *value)
{
	return set_list(r, value, &r->terms->ntp);
}

static bool set_broadcast(struct reader *r, char *value)
{
	struct n4_list read = { .n = 0 };

	if (r->terms->broadcast != 0)
		return true;
	if (!set_list(r, value, &read))
		return false;
	r->terms->broadcast = read.n > 0 ? read.addrs[0] : 0;
	return true;
}

static bool set_domname(struct reader *r, char *value)
{
	if (r->terms->search[0] == '\0')
		n4_txt_domains(value, r->terms->search);
	return true;
}

static bool set_lease(struct reader *r, char *value)
{
	unsigned long n = UINT32_MAX;

	if (r->terms->lease_s == 0 &&
	    (strcasecmp(value, "infinite") == 0 || read_number(value, UINT32_MAX, &n)))
		r->terms->lease_s = (uint32_t)n;
	return true;
}

static bool set_mtu(struct reader *r, char *value)
{
	unsigned long n;

	if (r->terms->mtu == 0 && read_number(value, UINT16_MAX, &n) && n >= MTU_LEAST)
		r->terms->mtu = (uint16_t)n;
	return true;
}

/* NET/LEN/ROUTER. False: the router's name is not known yet. */
static bool take_route(struct reader *r, char *word)
{
	struct n4_route *route = &r->terms->routes[r->terms->n_routes];
	struct n4_list gw = { .n = 0 };
	char *len_text = strchr(word, '/');
	char *gw_text = len_text == NULL ? NULL : strchr(len_text + 1, '/');
	unsigned long len;
	uint32_t dst;

	if (gw_text == NULL)
		return true;
	*len_text++ = '\0';
	*gw_text++ = '\0';
	if (!read_address(word, &dst) || !read_number(len_text, 32, &len))
		return true;
	if (!take_address(gw_text, r->resolve, r->arg, &gw))
		return false;
	if (gw.n == 0)
		return true;
	dst = len == 0 ? 0 : dst & (UINT32_MAX << (32 - len));
	*route = (struct n4_route){ .dst = dst, .gw = gw.addrs[0], .len = (unsigned)len };
	r->terms->n_routes++;
	return true;
}

static bool set_routes(struct reader *r, char *value)
{
	const char *rest = value;
	char word[WORD];

	if (r->terms->n_routes > 0)
		return true;
	while (r->terms->n_routes < N4_ROUTES_MAX && dh_word(&rest, word, sizeof(word)))
		if (!take_route(r, word))
			return false;
	return true;
}

bool n4_txt_read(const char *text, n4_resolve *resolve, void *arg, struct n4_terms *terms)
{
	static const struct {
		const char *name;
		bool (*set)(struct reader *r, char *value);
	} tags[] = {
		{ "mask", set_mask },   { "router", set_router },   { "broadcast", set_broadcast },
		{ "dns", set_dns },     { "domname", set_domname }, { "ntp", set_ntp },
		{ "lease", set_lease }, { "mtu", set_mtu },         { "routes", set_routes },
	};
	struct reader r = { .resolve = resolve, .arg = arg, .terms = terms };
	char word[DH_TEXT_MAX + 1], *value;

	while (dh_tag(&text, word, sizeof(word), &value))
		for (size_t i = 0; value != NULL && i < sizeof(tags) / sizeof(tags[0]); i++)
			if (strcasecmp(word, tags[i].name) == 0 && !tags[i].set(&r, value))
				return false;
	return true;
}
