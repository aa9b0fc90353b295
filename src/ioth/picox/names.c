/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "auto/resolvconf.h"
#include "config/config.h"
#include "sources.h"

/* What the words have set. */
struct names {
	struct names *next;
	const struct px_iface *iface;
	struct vs_conf_names n;
};

static struct names *all;

static struct names *find(const struct px_iface *iface)
{
	struct names *names = all;

	while (names != NULL && names->iface != iface)
		names = names->next;
	return names;
}

void px_names_drop(const struct px_iface *iface)
{
	for (struct names **at = &all; *at != NULL; at = &(*at)->next)
		if ((*at)->iface == iface) {
			struct names *gone = *at;
			*at = gone->next;
			free(gone);
			return;
		}
}

/* ------------------------------------------------------------------ changes */

static bool same_addr(const struct vs_conf_addr *a, const struct vs_conf_addr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, a->family == AF_INET ? 4 : 16) == 0;
}

static size_t place_of(const struct vs_conf_names *n, const struct vs_conf_addr *dns)
{
	size_t i = 0;

	while (i < n->n_dns && !same_addr(&n->dns[i], dns))
		i++;
	return i;
}

/* The next word of a list: its start, and its length. 0: there are no more. */
static size_t next_word(const char **list)
{
	*list += strspn(*list, " ");
	return strcspn(*list, " ");
}

/* Where the word stands in the list; NULL: nowhere. */
static char *word_in(char *list, const char *word, size_t length)
{
	const char *at = list;

	for (size_t n; (n = next_word(&at)) > 0; at += n)
		if (n == length && strncasecmp(at, word, n) == 0)
			return list + (at - list);
	return NULL;
}

static void remove_word(char *list, const char *word, size_t length)
{
	char *at = word_in(list, word, length);

	if (at == NULL)
		return;
	char *behind = at + length + (at[length] == ' ');
	memmove(at, behind, strlen(behind) + 1);
	size_t n = strlen(list);
	if (n > 0 && list[n - 1] == ' ')
		list[n - 1] = '\0';
}

static void remove_names(struct vs_conf_names *n, const struct vs_conf_sources *words)
{
	const char *domain = words->remove.domains;

	if (words->clear_dns)
		n->n_dns = 0;
	if (words->clear_domains)
		n->domains[0] = '\0';
	for (size_t i = 0; i < words->remove.n_dns; i++) {
		size_t at = place_of(n, &words->remove.dns[i]);
		if (at < n->n_dns)
			memmove(&n->dns[at], &n->dns[at + 1], (--n->n_dns - at) * sizeof(n->dns[0]));
	}
	for (size_t length; (length = next_word(&domain)) > 0; domain += length)
		remove_word(n->domains, domain, length);
}

static int add_names(struct vs_conf_names *n, const struct vs_conf_sources *words)
{
	const char *domain = words->add.domains;

	for (size_t i = 0; i < words->add.n_dns; i++) {
		if (place_of(n, &words->add.dns[i]) < n->n_dns)
			continue;
		if (n->n_dns == VS_CONF_DNS_MAX)
			return -ENOSPC;
		n->dns[n->n_dns++] = words->add.dns[i];
	}
	for (size_t length; (length = next_word(&domain)) > 0; domain += length) {
		size_t have = strlen(n->domains);
		if (word_in(n->domains, domain, length) != NULL)
			continue;
		if (have + 1 + length >= sizeof(n->domains))
			return -ENOSPC;
		if (have > 0)
			n->domains[have++] = ' ';
		memcpy(n->domains + have, domain, length);
		n->domains[have + length] = '\0';
	}
	return 0;
}

int px_names_change(const struct px_iface *iface, const struct vs_conf_sources *words, const char **why)
{
	struct names *names = find(iface);

	if (names == NULL) {
		names = calloc(1, sizeof(*names));
		if (names == NULL)
			return -ENOMEM;
		names->iface = iface;
		names->next = all;
		all = names;
	}
	struct vs_conf_names now = names->n;
	remove_names(&now, words);
	int r = add_names(&now, words);
	if (r < 0)
		*why = "an interface has no room for more name servers or domains";
	else
		names->n = now;
	return r;
}

/* ------------------------------------------------------------------ resolv.conf */

struct list {
	struct vs_resolv_item *items; /* their domains are allocated */
	size_t n;
	bool failed; /* out of memory */
};

static void add_item(struct list *list, struct vs_resolv_item item)
{
	struct vs_resolv_item *items = reallocarray(list->items, list->n + 1, sizeof(item));

	if (items == NULL) {
		free((void *)item.domain);
		list->failed = true;
		return;
	}
	list->items = items;
	list->items[list->n++] = item;
}

static void add_domains(struct list *list, struct vs_resolv_item item, const char *domains)
{
	item.addr.family = 0;
	for (size_t length; (length = next_word(&domains)) > 0; domains += length) {
		item.domain = strndup(domains, length);
		if (item.domain != NULL)
			add_item(list, item);
		else
			list->failed = true;
	}
}

static void add_iface(struct list *list, const struct px_iface *iface)
{
	const struct names *names = find(iface);
	struct vs_resolv_item item = { .source = VS_SOURCE_STATIC, .ifname = iface->name };

	for (size_t i = 0; names != NULL && i < names->n.n_dns; i++) {
		item.addr.family = (uint8_t)names->n.dns[i].family;
		memcpy(item.addr.bytes, names->n.dns[i].bytes, sizeof(item.addr.bytes));
		add_item(list, item);
	}
	if (names != NULL)
		add_domains(list, item, names->n.domains);
	for (int source = VS_SOURCE_DHCP4; source < VS_SOURCE_N; source++) {
		const struct vs_auto_facts *facts = px_sources_facts(iface, (enum vs_auto_source)source);
		item.source = (enum vs_auto_source)source;
		for (size_t i = 0; facts != NULL && i < VS_AUTO_SERVERS_MAX && facts->dns[i].family != 0;
		     i++) {
			item.addr = facts->dns[i];
			add_item(list, item);
		}
		if (facts != NULL)
			add_domains(list, item, facts->search);
	}
}

static struct vs_resolv_item item_of(const void *arg, size_t i)
{
	return ((const struct list *)arg)->items[i];
}

long px_names_resolvconf(const char *ifname, char *buf, size_t size)
{
	struct list list = { 0 };
	long length = -ENOMEM;

	for (const struct px_iface *iface = px_iface_first(); iface != NULL; iface = iface->next)
		if (ifname[0] == '\0' || strcmp(ifname, iface->name) == 0)
			add_iface(&list, iface);
	if (!list.failed)
		length = (long)vs_resolv_write(item_of, &list, list.n, buf, size);
	for (size_t i = 0; i < list.n; i++)
		free((void *)list.items[i].domain);
	free(list.items);
	return length;
}
