/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The order is that of libvdestack: what is to go goes first, then link settings, then the link comes up,
 * then addresses, routes, sources.
 */

#include "words.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "names.h"
#include "settings.h"
#include "sources.h"

/* Where an error has happened. */
struct place {
	const struct px_iface *iface;
	char *why;
	size_t size;
};

static int fail(const struct place *p, const char *word, int r, const char *reason)
{
	(void)snprintf(p->why, p->size, "cannot do %s of interface %s: %s", word, p->iface->name,
		       reason != NULL ? reason : strerror(-r));
	return r;
}

static struct vs_pxnl_addr addr_of(const struct px_iface *iface, const struct vs_conf_addr *a, bool nodad)
{
	struct vs_pxnl_addr out = { .ifindex = netif_get_index(&iface->netif),
				    .family = (uint8_t)a->family,
				    .prefix_len = (uint8_t)a->prefixlen,
				    .valid_s = UINT32_MAX,
				    .preferred_s = UINT32_MAX,
				    .flags = nodad ? IFA_F_NODAD : 0 };

	memcpy(out.bytes, a->bytes, sizeof(out.bytes));
	return out;
}

static struct vs_pxnl_route route_of(const struct px_iface *iface, const struct vs_conf_route *r)
{
	struct vs_pxnl_route out = { .ifindex = netif_get_index(&iface->netif),
				     .family = (uint8_t)r->dst.family,
				     .prefix_len = (uint8_t)r->dst.prefixlen,
				     .has_gw = r->has_gw && r->gw.family == r->dst.family,
				     .protocol = RTPROT_STATIC };

	memcpy(out.dst, r->dst.bytes, sizeof(out.dst));
	memcpy(out.gw, r->gw.bytes, sizeof(out.gw));
	return out;
}

/* ------------------------------------------------------------------ removals */

static void remove_addrs(const struct px_iface *iface)
{
	struct vs_pxnl_addr addr;
	const char *reason;
	int index = netif_get_index(&iface->netif);

	for (size_t i = 0; px_settings_ops.addr_at(NULL, i, &addr);)
		if (addr.ifindex == index && (addr.family == AF_INET || addr.bytes[0] != 0xfe) &&
		    px_settings_ops.addr_del(NULL, &addr, &reason) == 0)
			i = 0;
		else
			i++;
}

static void remove_gateways(const struct px_iface *iface)
{
	struct vs_pxnl_route route;
	const char *reason;
	int index = netif_get_index(&iface->netif);

	for (size_t i = 0; px_settings_ops.route_at(NULL, i, &route);)
		if (route.ifindex == index && route.prefix_len == 0 && route.has_gw &&
		    route.protocol == RTPROT_STATIC && px_settings_ops.route_del(NULL, &route, &reason) == 0)
			i = 0;
		else
			i++;
}

static int remove_words(const struct place *p, const struct vs_conf_iface *words)
{
	const struct vs_conf_removals *gone = &words->removals;
	const char *reason = NULL;

	if (gone->all_gws || gone->all_routes)
		remove_gateways(p->iface);
	for (size_t i = 0; i < gone->n_routes; i++) {
		struct vs_pxnl_route route = route_of(p->iface, &gone->routes[i]);
		int r = px_settings_ops.route_del(NULL, &route, &reason);
		if (r < 0 && r != -ESRCH)
			return fail(p, "-route", r, reason);
	}
	if (gone->all_addrs)
		remove_addrs(p->iface);
	for (size_t i = 0; i < gone->n_addrs; i++) {
		struct vs_pxnl_addr addr = addr_of(p->iface, &gone->addrs[i], false);
		int r = px_settings_ops.addr_del(NULL, &addr, &reason);
		if (r < 0 && r != -EADDRNOTAVAIL)
			return fail(p, "-ip", r, reason);
	}
	return 0;
}

/* ------------------------------------------------------------------ settings */

static int set_link(const struct place *p, const struct vs_conf_iface *words)
{
	struct vs_pxnl_change change = { .mtu = words->mtu,
					 .has_mac = words->has_mac,
					 .mask = words->updown != VS_CONF_AS_IT_IS ? IFF_UP : 0,
					 .flags = words->updown == VS_CONF_UP ? IFF_UP : 0 };
	const char *reason = NULL;

	/* What has an address or a source is to be used. */
	if (words->updown == VS_CONF_AS_IT_IS &&
	    (words->n_addrs > 0 || (words->sources != NULL && words->sources->start != 0)))
		change.mask = change.flags = IFF_UP;
	memcpy(change.mac, words->mac, sizeof(change.mac));
	int r = px_settings_ops.link_set(NULL, netif_get_index(&p->iface->netif), &change, &reason);
	return r < 0 ? fail(p, "mtu=, mac= or eth", r, reason) : 0;
}

static int set_addrs(const struct place *p, const struct vs_conf_iface *words)
{
	const char *reason = NULL;

	for (size_t i = 0; i < words->n_addrs; i++) {
		struct vs_pxnl_addr addr = addr_of(p->iface, &words->addrs[i], words->nodad);
		int r = px_settings_ops.addr_new(NULL, &addr, false, &reason);
		if (r < 0 && r != -EEXIST)
			return fail(p, "ip=", r, reason);
	}
	return 0;
}

static int set_routes(const struct place *p, const struct vs_conf_iface *words)
{
	const char *reason = NULL;

	for (size_t i = 0; i < words->n_routes; i++) {
		struct vs_pxnl_route route = route_of(p->iface, &words->routes[i]);
		int r = px_settings_ops.route_new(NULL, &route, true, &reason);
		if (r < 0 && r != -EEXIST)
			return fail(p, "gw= or route=", r, reason);
	}
	return 0;
}

static int change_iface(const struct vs_conf_iface *words, char *why, size_t size)
{
	struct px_iface *iface = px_iface_by_name(words->name);
	struct place p = { iface, why, size };
	const char *reason = NULL;

	if (iface == NULL) {
		(void)snprintf(why, size, "there is no interface %s", words->name);
		return -ENODEV;
	}
	if (words->impair != NULL || words->capture != NULL)
		return fail(&p, "impair or capture=", -EOPNOTSUPP, NULL);
	int r = remove_words(&p, words);
	if (r == 0)
		r = set_link(&p, words);
	if (r == 0)
		r = set_addrs(&p, words);
	if (r == 0)
		r = set_routes(&p, words);
	if (r < 0)
		return r;
	if (words->sources != NULL) {
		r = px_names_change(iface, words->sources, &reason);
		if (r < 0)
			return fail(&p, "dns= or domain=", r, reason);
	}
	r = px_sources_change(iface, words, &reason);
	return r < 0 ? fail(&p, "address sources", r, reason) : 0;
}

int px_words_change(const char *text, char *why, size_t size)
{
	struct vs_config_error error = { 0 };
	struct vs_config *config = NULL;
	int r = vs_config_parse_change(text, &error, &config);

	if (r < 0) {
		(void)snprintf(why, size, "%s", error.text);
		return r;
	}
	for (size_t i = 0; i < config->n_ifaces && r == 0; i++)
		r = change_iface(&config->ifaces[i], why, size);
	vs_config_free(config);
	return r;
}

/* An address that cannot be used, or not yet. */
static int addr_fails(const struct vs_pxnl_addr *addr, char *why, size_t size)
{
	bool duplicate = (addr->flags & IFA_F_DADFAILED) != 0;
	char text[INET6_ADDRSTRLEN] = "";

	if (!duplicate &&
	    ((addr->flags & IFA_F_TENTATIVE) == 0 || !netif_is_up(netif_get_by_index((u8_t)addr->ifindex))))
		return 0;
	(void)inet_ntop(addr->family, addr->bytes, text, sizeof(text));
	(void)snprintf(why, size, "%s %s", text,
		       duplicate ? "is in use by another host" : "is still checked for duplicates");
	return duplicate ? -EADDRNOTAVAIL : -EAGAIN;
}

int px_words_ready(char *why, size_t size)
{
	struct vs_pxnl_addr addr;
	int r = 0;

	for (size_t i = 0; px_settings_ops.addr_at(NULL, i, &addr); i++) {
		int fails = addr_fails(&addr, why, size);
		if (fails == -EADDRNOTAVAIL)
			return fails;
		r = fails < 0 ? fails : r;
	}
	for (struct px_iface *iface = px_iface_first(); iface != NULL; iface = iface->next)
		if (!px_sources_ready(iface, why, size))
			r = -EAGAIN;
	return r;
}
