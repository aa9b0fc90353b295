/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_PICOX_MODEL_H
#define VDESTACK_TESTS_PICOX_MODEL_H

/*
 * A stack that is nothing but lists, behind the netlink requests of the user-space stack. MODEL_CHECK(...)
 * is the includer's: what an op gets must always meet it.
 */

#include <errno.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "nl.h"

#define MODEL_MAX 8

struct model {
	struct vs_pxnl_link links[MODEL_MAX];
	struct vs_pxnl_addr addrs[MODEL_MAX];
	struct vs_pxnl_route routes[MODEL_MAX];
	size_t n_links, n_addrs, n_routes;
	char vnl[VS_PXNL_VNL_MAX + 1]; /* of the last new link */
	_Alignas(struct nlmsghdr) uint8_t sent[65536];
	size_t n_sent;
	bool deaf; /* the socket takes no more */
};

static inline void model_init(struct model *m)
{
	memset(m, 0, sizeof(*m));
	m->links[0] =
		(struct vs_pxnl_link){ 1, "lo", { 0 }, true, 65535, IFF_UP | IFF_RUNNING | IFF_LOOPBACK };
	m->links[1] = (struct vs_pxnl_link){ 2, "vde0", { 2, 0, 0, 0, 0, 7 }, false, 1500, IFF_BROADCAST };
	m->n_links = 2;
}

static inline bool model_link_at(void *arg, size_t i, struct vs_pxnl_link *out)
{
	struct model *m = arg;

	if (i < m->n_links)
		*out = m->links[i];
	return i < m->n_links;
}

static inline struct vs_pxnl_link *model_link(struct model *m, int ifindex)
{
	for (size_t i = 0; i < m->n_links; i++)
		if (m->links[i].ifindex == ifindex)
			return &m->links[i];
	return NULL;
}

static inline void model_change(struct vs_pxnl_link *l, const struct vs_pxnl_change *change)
{
	MODEL_CHECK((change->mask & ~(uint32_t)IFF_UP) == 0 && (change->flags & ~change->mask) == 0);
	MODEL_CHECK(change->mtu == 0 || (change->mtu >= 68 && change->mtu <= 9216));
	MODEL_CHECK(!change->has_mac || (change->mac[0] & 1) == 0);
	l->flags = (l->flags & ~change->mask) | change->flags;
	if (change->mtu != 0)
		l->mtu = change->mtu;
	if (change->has_mac)
		memcpy(l->mac, change->mac, 6);
}

static inline int model_link_set(void *arg, int ifindex, const struct vs_pxnl_change *change,
				 const char **why)
{
	struct vs_pxnl_link *l = model_link(arg, ifindex);

	(void)why;
	MODEL_CHECK(l != NULL && memchr(change->name, '\0', IF_NAMESIZE) != NULL);
	model_change(l, change);
	if (change->name[0] != '\0')
		memcpy(l->name, change->name, IF_NAMESIZE);
	return 0;
}

static inline int model_link_new(void *arg, const struct vs_pxnl_request *request,
				 const struct vs_pxnl_new_link *link, const char **why)
{
	struct model *m = arg;

	(void)request;
	MODEL_CHECK(memchr(link->name, '\0', IF_NAMESIZE) != NULL);
	MODEL_CHECK(memchr(link->vnl, '\0', sizeof(link->vnl)) != NULL);
	if (m->n_links == MODEL_MAX) {
		*why = "the model has no more room";
		return -ENOSPC;
	}
	struct vs_pxnl_link *l = &m->links[m->n_links++];
	*l = (struct vs_pxnl_link){ .ifindex = link->ifindex != 0 ? link->ifindex : (int)m->n_links,
				    .mtu = 1500 };
	memcpy(l->name, link->name, IF_NAMESIZE);
	memcpy(m->vnl, link->vnl, sizeof(m->vnl));
	model_change(l, &link->change);
	return 0;
}

static inline int model_link_del(void *arg, int ifindex, const char **why)
{
	struct model *m = arg;
	struct vs_pxnl_link *l = model_link(m, ifindex);

	(void)why;
	MODEL_CHECK(l != NULL && !l->loopback);
	*l = m->links[--m->n_links];
	return 0;
}

static inline bool model_addr_at(void *arg, size_t i, struct vs_pxnl_addr *out)
{
	struct model *m = arg;

	if (i < m->n_addrs)
		*out = m->addrs[i];
	return i < m->n_addrs;
}

static inline struct vs_pxnl_addr *model_addr(struct model *m, const struct vs_pxnl_addr *addr)
{
	MODEL_CHECK(addr->family == AF_INET || addr->family == AF_INET6);
	MODEL_CHECK(addr->prefix_len <= (addr->family == AF_INET ? 32 : 128));
	MODEL_CHECK(model_link(m, addr->ifindex) != NULL);
	for (size_t i = 0; i < m->n_addrs; i++)
		if (m->addrs[i].ifindex == addr->ifindex && memcmp(m->addrs[i].bytes, addr->bytes, 16) == 0)
			return &m->addrs[i];
	return NULL;
}

static inline int model_addr_new(void *arg, const struct vs_pxnl_addr *addr, bool replace, const char **why)
{
	struct model *m = arg;
	struct vs_pxnl_addr *a = model_addr(m, addr);

	(void)why;
	MODEL_CHECK(addr->valid_s != 0 && addr->preferred_s <= addr->valid_s);
	if (a != NULL && !replace)
		return -EEXIST;
	if (a == NULL && m->n_addrs == MODEL_MAX)
		return -ENOBUFS;
	if (a == NULL)
		a = &m->addrs[m->n_addrs++];
	*a = *addr;
	return 0;
}

static inline int model_addr_del(void *arg, const struct vs_pxnl_addr *addr, const char **why)
{
	struct model *m = arg;
	struct vs_pxnl_addr *a = model_addr(m, addr);

	(void)why;
	if (a == NULL)
		return -EADDRNOTAVAIL;
	*a = m->addrs[--m->n_addrs];
	return 0;
}

static inline bool model_route_at(void *arg, size_t i, struct vs_pxnl_route *out)
{
	struct model *m = arg;

	if (i < m->n_routes)
		*out = m->routes[i];
	return i < m->n_routes;
}

static inline int model_route_new(void *arg, const struct vs_pxnl_route *route, bool replace,
				  const char **why)
{
	struct model *m = arg;

	(void)replace;
	(void)why;
	MODEL_CHECK(route->family == AF_INET || route->family == AF_INET6);
	MODEL_CHECK(route->prefix_len <= (route->family == AF_INET ? 32 : 128));
	MODEL_CHECK(route->has_gw || model_link(m, route->ifindex) != NULL);
	if (m->n_routes == MODEL_MAX)
		return -ENOBUFS;
	m->routes[m->n_routes++] = *route;
	return 0;
}

static inline int model_route_del(void *arg, const struct vs_pxnl_route *route, const char **why)
{
	struct model *m = arg;

	(void)route;
	(void)why;
	if (m->n_routes == 0)
		return -ESRCH;
	m->n_routes--;
	return 0;
}

static inline bool model_send(void *arg, const void *bytes, size_t n)
{
	struct model *m = arg;

	MODEL_CHECK(n >= NLMSG_HDRLEN && n <= VS_PXNL_MESSAGE_MAX && n % NLMSG_ALIGNTO == 0);
	if (m->deaf || m->n_sent + n > sizeof(m->sent))
		return false;
	memcpy(m->sent + m->n_sent, bytes, n);
	m->n_sent += n;
	return true;
}

static const struct vs_pxnl_ops model_ops = {
	.link_at = model_link_at,
	.link_set = model_link_set,
	.link_new = model_link_new,
	.link_del = model_link_del,
	.addr_at = model_addr_at,
	.addr_new = model_addr_new,
	.addr_del = model_addr_del,
	.route_at = model_route_at,
	.route_new = model_route_new,
	.route_del = model_route_del,
	.send = model_send,
};

#endif
