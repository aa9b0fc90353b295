/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sources are found by connecting a UDP socket of the stack, which sends nothing. One socket of each family
 * serves all addresses: connect(2) to AF_UNSPEC makes it forget its source in between
 * (tests/kernel/sockets.c).
 */

#include "addresses.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "resolver.h"

#define ADDRESSES_MAX 4096 /* more than a message of 64 KiB can have with TTLs and owners */

static const uint8_t mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

int vs_addresses_add(struct vs_addresses *a, int family, const void *bytes, uint32_t scope_id)
{
	if (a->n == ADDRESSES_MAX)
		return 0;
	if (a->n == a->room) {
		size_t room = a->room > 0 ? 2 * a->room : 8;
		struct vs_dest *list = realloc(a->list, room * sizeof(*list));
		if (list == NULL)
			return -ENOMEM;
		a->list = list;
		a->room = room;
	}
	struct vs_dest *d = &a->list[a->n++];
	memset(d, 0, sizeof(*d));
	d->family = (uint8_t)family;
	d->scope_id = scope_id;
	if (family == AF_INET) {
		memcpy(d->addr, mapped_prefix, 12);
		memcpy(d->addr + 12, bytes, 4);
	} else {
		memcpy(d->addr, bytes, 16);
	}
	return 0;
}

void vs_addresses_free(struct vs_addresses *a)
{
	free(a->list);
	memset(a, 0, sizeof(*a));
}

/* ------------------------------------------------------------------ sources */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t make_address(const struct vs_dest *d, uint16_t port, bool mapped, union address *out)
{
	memset(out, 0, sizeof(*out));
	if (d->family == AF_INET && !mapped) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(port);
		memcpy(&out->v4.sin_addr, d->addr + 12, 4);
		return sizeof(out->v4);
	}
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons(port);
	out->v6.sin6_scope_id = d->scope_id;
	memcpy(&out->v6.sin6_addr, d->addr, 16);
	return sizeof(out->v6);
}

static void take_source(struct vdestack_dns *dns, const union address *from, struct vs_dest *d)
{
	const void *bytes =
		from->any.sa_family == AF_INET ? (const void *)&from->v4.sin_addr : &from->v6.sin6_addr;

	if (from->any.sa_family == AF_INET) {
		memcpy(d->source, mapped_prefix, 12);
		memcpy(d->source + 12, bytes, 4);
	} else {
		memcpy(d->source, bytes, 16);
	}
	d->source_prefix = d->family == AF_INET ? 32 : 128;
	(void)vs_resolver_source(dns, from->any.sa_family, bytes, &d->source_prefix, &d->deprecated);
	d->usable = true;
}

static void probe(struct vdestack_dns *dns, int fd, struct vs_dest *d)
{
	const struct vs_net *net = vs_resolver_net(dns);
	const struct sockaddr none = { .sa_family = AF_UNSPEC };
	union address to, from;
	socklen_t len = make_address(d, 53, false, &to);

	if (vs_net_connect(net, fd, &to.any, len) < 0)
		return;
	len = sizeof(from);
	if (vs_net_getsockname(net, fd, &from.any, &len) == 0 && from.any.sa_family == d->family)
		take_source(dns, &from, d);
	if (net->stack != NULL)
		(void)connect(fd, &none, sizeof(none));
}

static int probe_family(struct vs_addresses *a, struct vdestack_dns *dns, int family)
{
	const struct vs_net *net = vs_resolver_net(dns);
	int fd = -1;

	for (size_t i = 0; i < a->n; i++) {
		if (a->list[i].family != family)
			continue;
		if (fd < 0)
			fd = vs_net_socket(net, family, SOCK_DGRAM, 0);
		if (fd < 0) /* a kernel without IPv6: no such address can be used */
			return errno == EAFNOSUPPORT ? 0 : -errno;
		probe(dns, fd, &a->list[i]);
		if (net->stack == NULL) { /* not every network can disconnect a socket */
			(void)vs_net_close(net, fd);
			fd = -1;
		}
	}
	if (fd >= 0)
		(void)vs_net_close(net, fd);
	return 0;
}

int vs_addresses_sort(struct vs_addresses *a, struct vdestack_dns *dns)
{
	int err;

	if (a->n < 2)
		return 0;
	err = probe_family(a, dns, AF_INET);
	if (err == 0)
		err = probe_family(a, dns, AF_INET6);
	return err < 0 ? err : vs_order_sort(a->list, a->n);
}

/* ------------------------------------------------------------------ the list */

struct node {
	struct addrinfo info; /* first: what is freed */
	union address addr;
};

static struct addrinfo *make_node(const struct vs_dest *d, const struct vs_target *target, bool mapped)
{
	struct node *node = calloc(1, sizeof(*node));

	if (node == NULL)
		return NULL;
	node->info.ai_addrlen = make_address(d, target->port, mapped, &node->addr);
	node->info.ai_addr = &node->addr.any;
	node->info.ai_family = node->addr.any.sa_family;
	node->info.ai_socktype = target->socktype;
	node->info.ai_protocol = target->protocol;
	return &node->info;
}

struct addrinfo *vs_addresses_list(const struct vs_addresses *a, const struct vs_target *targets,
				   int n_targets, int mapped, const char *canonical)
{
	struct addrinfo *first = NULL, **last = &first;

	for (size_t i = 0; i < a->n; i++) {
		for (int t = 0; t < n_targets; t++) {
			*last = make_node(&a->list[i], &targets[t], mapped != 0);
			if (*last == NULL)
				goto failed;
			last = &(*last)->ai_next;
		}
	}
	if (first != NULL && canonical != NULL) {
		first->ai_canonname = strdup(canonical);
		if (first->ai_canonname == NULL)
			goto failed;
	}
	return first;
failed:
	vdestack_freeaddrinfo(first);
	return NULL;
}

void vdestack_freeaddrinfo(struct addrinfo *res)
{
	while (res != NULL) {
		struct addrinfo *next = res->ai_next;
		free(res->ai_canonname);
		free(res);
		res = next;
	}
}
