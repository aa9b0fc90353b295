/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The name servers and the search list of a stack, as the text of a resolv.conf(5).
 *
 * The order of name servers is that of trust: what the program has said, then what a server has said to this
 * host, then what a router has said to all. glibc reads all lines and asks the first three servers.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "auto/auto.h"
#include "base/error.h"
#include "learned_list.h"
#include <vdestack/sources.h>

#define SEARCH_DOMAINS_MAX 6 /* MAXDNSRCH of glibc before 2.26 */
#define SEARCH_BYTES_MAX 256 /* the same, and musl */

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
static const uint32_t order[] = { VS_SOURCE_STATIC, VS_SOURCE_DHCP6, VS_SOURCE_DHCP4, VS_SOURCE_RA };

#define N_ORDER (sizeof(order) / sizeof(order[0]))

/* ------------------------------------------------------------------ name servers */

static bool is_link_local(const struct vs_wire_ip *ip)
{
	return ip->family == AF_INET6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

/* A link-local address is another one on another interface. */
static bool same_server(const struct vs_wire_learned *a, const struct vs_wire_learned *b)
{
	size_t bytes = a->addr.family == AF_INET ? 4 : 16;

	return a->addr.family == b->addr.family && memcmp(a->addr.bytes, b->addr.bytes, bytes) == 0 &&
	       (!is_link_local(&a->addr) || strcmp(a->ifname, b->ifname) == 0);
}

/* The place of a record among the groups of servers; records in one group keep their order. */
static unsigned group_of(const struct vs_wire_learned *record)
{
	unsigned place = 0;

	while (place < N_ORDER && order[place] != record->source)
		place++;
	return 2 * place + (record->addr.family == AF_INET6 ? 0 : 1);
}

static bool is_server(const struct vs_wire_learned *record)
{
	return record->kind == VS_LEARNED_DNS && record->addr.family != 0;
}

/* Whether a record that is written before record i has the same server. */
static bool written_before(const struct vs_learned *learned, size_t i)
{
	const struct vs_wire_learned *record = &learned->list[i];

	for (size_t j = 0; j < learned->n; j++) {
		const struct vs_wire_learned *other = &learned->list[j];
		if (is_server(other) && same_server(other, record) &&
		    (group_of(other) < group_of(record) || (group_of(other) == group_of(record) && j < i)))
			return true;
	}
	return false;
}

static void put_server(struct text *text, const struct vs_wire_learned *record)
{
	char addr[INET6_ADDRSTRLEN];

	put(text, "nameserver ");
	put(text, inet_ntop(record->addr.family, record->addr.bytes, addr, sizeof(addr)));
	if (is_link_local(&record->addr)) {
		put(text, "%");
		put(text, record->ifname);
	}
	put(text, "\n");
}

static void put_servers(struct text *text, const struct vs_learned *learned)
{
	for (unsigned group = 0; group < 2 * (N_ORDER + 1); group++)
		for (size_t i = 0; i < learned->n; i++)
			if (is_server(&learned->list[i]) && group_of(&learned->list[i]) == group &&
			    !written_before(learned, i))
				put_server(text, &learned->list[i]);
}

/* ------------------------------------------------------------------ search list */

/* The keeper passes on names of hosts only. Another look, because a line end would begin another word. */
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

static void put_search(struct text *text, const struct vs_learned *learned)
{
	char list[SEARCH_BYTES_MAX + 1] = "";
	unsigned count = 0;

	for (size_t i = 0; i < N_ORDER * learned->n && count < SEARCH_DOMAINS_MAX; i++) {
		const struct vs_wire_learned *record = &learned->list[i % learned->n];
		if (record->kind != VS_LEARNED_SEARCH || record->source != order[i / learned->n] ||
		    !is_plain_name(record->text) || has_word(list, record->text))
			continue;
		if (strlen(list) + 1 + strlen(record->text) >= sizeof(list))
			break; /* and none behind it: the order has a meaning */
		strcat(list, " ");
		strcat(list, record->text);
		count++;
	}
	if (count > 0) {
		put(text, "search");
		put(text, list);
		put(text, "\n");
	}
}

/* ------------------------------------------------------------------ the whole */

size_t vs_resolvconf_write(const struct vs_learned *learned, char *buf, size_t size)
{
	struct text text = { .buf = buf, .size = size };

	put(&text, "");
	put_search(&text, learned);
	put_servers(&text, learned);
	return text.length;
}

static int write_resolvconf(struct vdestack *stack, const char *ifname, char *buf, size_t size)
{
	VS_AUTO_LEARNED learned = { 0 };

	if (buf == NULL && size > 0)
		return vs_fail(EINVAL, "cannot write a resolv.conf: the buffer is NULL");
	int r = vs_learned_of(stack, ifname, "cannot write a resolv.conf", &learned);
	if (r < 0)
		return r;
	size_t length = vs_resolvconf_write(&learned, buf, size);
	if (length >= size)
		return vs_fail(ERANGE,
			       "cannot write a resolv.conf: it needs %zu bytes, and the buffer has %zu",
			       length + 1, size);
	return (int)length;
}

int vdestack_resolvconf(struct vdestack *stack, const char *ifname, char *buf, size_t size)
{
	return vs_edge(write_resolvconf(stack, ifname, buf, size));
}
