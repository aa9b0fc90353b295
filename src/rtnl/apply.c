/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The addresses and routes of a whole configuration.
 *
 * All links are set up first. Then duplicate address detection runs on all of them at the same time, and
 * routes may name any interface, whatever the order of the words. Nothing is listed; only the index of each
 * interface is read. So the cost is one request for each interface, address and route. Each request waits for
 * the kernel's lock of all devices of all namespaces, which is held for long while others are deleted.
 */

#include "apply.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "config/addr_text.h"
#include "rtnl.h"

/* One that is to stay down is found only. */
static int bring_up(struct vs_nl *nl, const struct vs_conf_iface *iface, int *ifindex)
{
	struct vs_rtnl_link link;
	int r = vs_rtnl_link_peek(nl, iface->name, &link);

	if (r == 0 && iface->updown != VS_CONF_DOWN && ((link.flags & IFF_UP) == 0 || iface->n_addrs > 0))
		r = iface->n_addrs > 0 ? vs_rtnl_link_set_up_announcing(nl, link.ifindex)
				       : vs_rtnl_link_set_up(nl, link.ifindex, true);
	if (r < 0)
		return vs_nl_fail(nl, -r, "cannot bring up interface %s", iface->name);
	*ifindex = link.ifindex;
	return 0;
}

int vs_conf_add_addrs(struct vs_nl *nl, const struct vs_conf_iface *iface, int ifindex, bool may_exist)
{
	char text[VS_PREFIX_TEXT_MAX];

	for (size_t i = 0; i < iface->n_addrs; i++) {
		const struct vs_conf_addr *addr = &iface->addrs[i];
		int r = vs_rtnl_addr_change(nl, RTM_NEWADDR, ifindex, addr, iface->nodad);
		if (r < 0 && !(may_exist && r == -EEXIST)) {
			vs_prefix_to_text(addr, text);
			return vs_nl_fail(nl, -r, "cannot give interface %s its ip=%s", iface->name, text);
		}
	}
	return 0;
}

/* Default routes come from the word gw=, the others from route=. */
static int fail_route(const struct vs_nl *nl, int err, const struct vs_conf_iface *iface,
		      const struct vs_conf_route *to)
{
	char dst[VS_PREFIX_TEXT_MAX];
	char gw[VS_ADDR_TEXT_MAX] = "";

	vs_prefix_to_text(&to->dst, dst);
	if (to->has_gw)
		vs_addr_to_text(&to->gw, gw);
	if (to->dst.prefixlen == 0 && to->has_gw)
		return vs_nl_fail(nl, err, "cannot give interface %s its gw=%s", iface->name, gw);
	return vs_nl_fail(nl, err, "cannot give interface %s its route=%s%s%s", iface->name, dst,
			  to->has_gw ? " via " : "", gw);
}

/* Each route has its interface: a link-local gateway is ambiguous without it. */
int vs_conf_add_routes(struct vs_nl *nl, const struct vs_conf_iface *iface, int ifindex, bool may_exist)
{
	for (size_t i = 0; i < iface->n_routes; i++) {
		const struct vs_rtnl_route route = { .to = iface->routes[i], .ifindex = ifindex };
		int r = vs_rtnl_route_change(nl, RTM_NEWROUTE, &route);
		if (r < 0 && !(may_exist && r == -EEXIST))
			return fail_route(nl, -r, iface, &iface->routes[i]);
	}
	return 0;
}

void vs_conf_announce(struct vs_nl *nl, const struct vs_config *config, bool applied)
{
	for (size_t i = 0; i < config->n_ifaces; i++)
		if (config->ifaces[i].n_addrs > 0)
			vs_rtnl_link_announce(nl, config->ifaces[i].name, applied);
}

static int apply(struct vs_nl *nl, const struct vs_config *config, int *indices)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < config->n_ifaces; i++)
		r = bring_up(nl, &config->ifaces[i], &indices[i]);
	for (size_t i = 0; r == 0 && i < config->n_ifaces; i++)
		r = vs_conf_add_addrs(nl, &config->ifaces[i], indices[i], false);
	for (size_t i = 0; r == 0 && i < config->n_ifaces; i++)
		r = vs_conf_add_routes(nl, &config->ifaces[i], indices[i], false);
	return r;
}

int vs_conf_apply(struct vs_nl *nl, const struct vs_config *config, bool announce)
{
	VS_AUTO_FREE int *indices = calloc(config->n_ifaces + 1, sizeof(*indices));

	if (indices == NULL)
		return vs_fail(ENOMEM, "cannot configure the interfaces: %s; free some", strerror(ENOMEM));
	int r = apply(nl, config, indices);
	if (r == 0 && announce)
		vs_conf_announce(nl, config, true);
	return r;
}
