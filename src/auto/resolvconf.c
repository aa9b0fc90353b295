/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The name servers and the search list of a stack, as the text of a resolv.conf(5).
 *
 * The order of name servers is that of trust: what the program has said, then what a server has said to this
 * host, then what a router has said to all. glibc reads all lines and asks the first three servers.
 */

#include "resolvconf.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define SEARCH_DOMAINS_MAX 6 /* MAXDNSRCH of glibc before 2.26 */
#define SEARCH_BYTES_MAX 256 /* the same, and musl */

struct list {
	vs_resolv_fn *item;
	const void *arg;
	size_t n;
};

struct text {
	char *buf;
	size_t size, length; /* length may be more than what is stored */
};

static void put(struct text *text, const char *string)
{
	size_t n = strlen(string);

	for (size_t i = 0; i < n && text->length + i + 1 < text->size; i++)
		text->buf[text->length + i] = string[i];
	text->length += n;
	if (text->size > 0)
		text->buf[text->length < text->size ? text->length : text->size - 1] = '\0';
}

/* The order of sources. */
static const enum vs_auto_source order[] = { VS_SOURCE_STATIC, VS_SOURCE_DHCP6, VS_SOURCE_DHCP4,
					     VS_SOURCE_RA };

#define N_ORDER (sizeof(order) / sizeof(order[0]))

/* ------------------------------------------------------------------ name servers */

static bool is_link_local(const struct vs_auto_ip *ip)
{
	return ip->family == AF_INET6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

/* A link-local address is another one on another interface. */
static bool same_server(const struct vs_resolv_item *a, const struct vs_resolv_item *b)
{
	size_t bytes = a->addr.family == AF_INET ? 4 : 16;

	return a->addr.family == b->addr.family && memcmp(a->addr.bytes, b->addr.bytes, bytes) == 0 &&
	       (!is_link_local(&a->addr) || strcmp(a->ifname, b->ifname) == 0);
}

/* The place of an item among the groups of servers; items in one group keep their order. */
static unsigned group_of(const struct vs_resolv_item *item)
{
	unsigned place = 0;

	while (place < N_ORDER && order[place] != item->source)
		place++;
	return 2 * place + (item->addr.family == AF_INET6 ? 0 : 1);
}

static bool is_server(const struct vs_resolv_item *item)
{
	return item->addr.family != 0;
}

/* Whether an item that is written before item i has the same server. */
static bool written_before(const struct list *list, size_t i)
{
	struct vs_resolv_item item = list->item(list->arg, i);

	for (size_t j = 0; j < list->n; j++) {
		struct vs_resolv_item other = list->item(list->arg, j);
		if (is_server(&other) && same_server(&other, &item) &&
		    (group_of(&other) < group_of(&item) || (group_of(&other) == group_of(&item) && j < i)))
			return true;
	}
	return false;
}

static void put_server(struct text *text, const struct vs_resolv_item *item)
{
	char addr[INET6_ADDRSTRLEN];

	put(text, "nameserver ");
	put(text, inet_ntop(item->addr.family, item->addr.bytes, addr, sizeof(addr)));
	if (is_link_local(&item->addr)) {
		put(text, "%");
		put(text, item->ifname);
	}
	put(text, "\n");
}

static void put_servers(struct text *text, const struct list *list)
{
	for (unsigned group = 0; group < 2 * (N_ORDER + 1); group++)
		for (size_t i = 0; i < list->n; i++) {
			struct vs_resolv_item item = list->item(list->arg, i);
			if (is_server(&item) && group_of(&item) == group && !written_before(list, i))
				put_server(text, &item);
		}
}

/* ------------------------------------------------------------------ search list */

/* Drivers pass on names of hosts only. Another check, because a line end would begin another word. */
static bool is_plain_name(const char *name)
{
	return name[0] != '\0' && name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
						    "0123456789-_.")] == '\0';
}

/* Whether one of the words of list is name. Domain names are compared without case. */
static bool has_word(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (const char *word = list; *word != '\0'; word += strcspn(word, " ")) {
		word += strspn(word, " ");
		if (strcspn(word, " ") == length && strncasecmp(word, name, length) == 0)
			return true;
	}
	return false;
}

static void put_search(struct text *text, const struct list *list)
{
	char words[SEARCH_BYTES_MAX + 1] = "";
	unsigned count = 0;

	for (size_t i = 0; i < N_ORDER * list->n && count < SEARCH_DOMAINS_MAX; i++) {
		struct vs_resolv_item item = list->item(list->arg, i % list->n);
		if (item.domain == NULL || item.source != order[i / list->n] || !is_plain_name(item.domain) ||
		    has_word(words, item.domain))
			continue;
		if (strlen(words) + 1 + strlen(item.domain) >= sizeof(words))
			break; /* and none behind it: the order has a meaning */
		strcat(words, " ");
		strcat(words, item.domain);
		count++;
	}
	if (count > 0) {
		put(text, "search");
		put(text, words);
		put(text, "\n");
	}
}

/* ------------------------------------------------------------------ the whole */

size_t vs_resolv_write(vs_resolv_fn *item, const void *arg, size_t n, char *buf, size_t size)
{
	struct text text = { .buf = buf, .size = size };
	struct list list = { item, arg, n };

	put(&text, "");
	put_search(&text, &list);
	put_servers(&text, &list);
	return text.length;
}
