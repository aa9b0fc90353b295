/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "link.h"

#include <errno.h>
#include <iothconf.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"

/* One word that begins with SCHEME://. */
static bool is_network(const char *stack)
{
	size_t scheme = strspn(stack, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");

	return scheme > 0 && strncmp(stack + scheme, "://", 3) == 0 && strpbrk(stack, " \t\n") == NULL;
}

static struct ioth *new_stack(const char *option, const char *config)
{
	struct ioth *stack = ioth_newstackc(config);

	if (stack == NULL)
		dm_report(DM_ERROR, "--%s: cannot make the stack %s: %s", option, config, ioth_last_error());
	return stack;
}

static int join_network(struct dh_link *link, const struct dh_settings *s)
{
	char vnl[1024];
	int n = snprintf(vnl, sizeof(vnl), "%s:%s", link->ifname, s->stack);

	link->vde = true;
	if (n < 0 || n >= (int)sizeof(vnl)) {
		dm_report(DM_ERROR, "--stack: the name of the network is too long");
		return -1;
	}
	link->stack = ioth_newstack("vdestack", vnl);
	if (link->stack == NULL)
		dm_report(DM_ERROR, "--stack: cannot join the network %s: %s", s->stack, ioth_last_error());
	return link->stack == NULL ? -1 : 0;
}

static int open_stack(struct dh_link *link, const struct dh_settings *s)
{
	if (s->stack == NULL)
		return 0;
	if (is_network(s->stack))
		return join_network(link, s);
	link->stack = new_stack("stack", s->stack);
	return link->stack == NULL ? -1 : 0;
}

/* The stack on a VDE network has no IP addresses, so it reaches no name server. */
static int open_dnsstack(struct dh_link *link, const struct dh_settings *s)
{
	link->dnsstack = link->vde ? NULL : link->stack;
	if (s->dnsstack == NULL)
		return 0;
	link->dnsstack = new_stack("dnsstack", s->dnsstack);
	return link->dnsstack == NULL ? -1 : 0;
}

static int start_interface(const struct dh_link *link, const struct dh_settings *s)
{
	uint8_t mac[6];

	if (s->macaddr != NULL) {
		(void)ioth_macton(s->macaddr, mac);
	} else {
		if (getrandom(mac, sizeof(mac), 0) != (ssize_t)sizeof(mac))
			return -EIO;
		mac[0] = (uint8_t)((mac[0] | 2) & 0xfe);
	}
	if (ioth_linksetaddr(link->stack, link->ifindex, mac) < 0 ||
	    ioth_linksetupdown(link->stack, link->ifindex, 1) < 0)
		return -errno;
	return 0;
}

static int find_interface(struct dh_link *link, const struct dh_settings *s)
{
	int index = ioth_if_nametoindex(link->stack, link->ifname);

	if (index <= 0) {
		dm_report(DM_ERROR, "--iface: there is no interface %s in the stack: %s", link->ifname,
			  strerror(errno));
		return -1;
	}
	link->ifindex = (unsigned)index;
	if (link->vde) {
		int r = start_interface(link, s);
		if (r < 0) {
			dm_report(DM_ERROR, "cannot bring the interface %s up: %s", link->ifname,
				  strerror(-r));
			return -1;
		}
	} else if (s->macaddr != NULL) {
		dm_report(DM_NOTICE, "--macaddr is for a VDE network; a stack has the word macaddr=");
	}
	if (ioth_linkgetaddr(link->stack, link->ifindex, link->mac) < 0)
		memset(link->mac, 0, sizeof(link->mac));
	return 0;
}

int dh_link_open(struct dh_link *link, const struct dh_settings *settings)
{
	*link = (struct dh_link){ .stack = NULL };
	(void)snprintf(link->ifname, sizeof(link->ifname), "%s", settings->iface);
	if (open_stack(link, settings) < 0 || open_dnsstack(link, settings) < 0)
		return -1;
	return find_interface(link, settings);
}

void dh_link_close(struct dh_link *link)
{
	if (link->dnsstack != NULL && link->dnsstack != link->stack)
		(void)ioth_delstack(link->dnsstack);
	if (link->stack != NULL)
		(void)ioth_delstack(link->stack);
	link->stack = link->dnsstack = NULL;
}
