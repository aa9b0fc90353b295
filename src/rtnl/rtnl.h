/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_RTNL_RTNL_H
#define VS_RTNL_RTNL_H

/*
 * What can be asked of rtnetlink, on a conversation that is open already: shared by the
 * typed calls, which open one each, and by the configuration of a whole stack.
 * 0 (or what is named) or the kernel's -errno; no sentence is recorded, vs_nl_fail() does that.
 */

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>

#include "config/config.h"
#include "nl.h"

/* ------------------------------------------------------------------ links (link.c) */

struct vs_link {
	int ifindex;
	unsigned flags; /* IFF_... */
	unsigned mtu;
	char name[IF_NAMESIZE];
	unsigned char mac[6];
	bool has_mac; /* there is a hardware address and it has six bytes */
};

/* By name if it is not NULL, else by index. -ENODEV. */
int vs_link_get(struct vs_nl *nl, int ifindex, const char *name, struct vs_link *out);
int vs_link_set_up(struct vs_nl *nl, int ifindex, bool up);
/*
 * Has the kernel tell the network the addresses of an interface unasked (RFC 5227 announcements, RFC 4861 unsolicited neighbour
 * advertisements). An address belongs to stacks that come and go, each with another MAC; whoever has talked to
 * the one before would go on sending there for half a minute and more. Best effort: nothing depends on it.
 */
void vs_link_announce(struct vs_nl *nl, const char *name);

/* ------------------------------------------------------------------ addresses (addr.c) */

/* type: RTM_NEWADDR or RTM_DELADDR. */
int vs_addr_change(struct vs_nl *nl, int type, int ifindex, const struct vs_conf_addr *addr);

/* Bytes of an address: 4 or 16. */
unsigned vs_addr_bytes(int family);
/* Attribute to text; "" for one of the wrong length or of another family. */
void vs_addr_format_attr(int family, struct nlattr *attr, char text[INET6_ADDRSTRLEN]);

/* ------------------------------------------------------------------ routes (route.c) */

struct vs_route_spec {
	struct vs_conf_route to;
	int ifindex;     /* 0: the kernel finds it */
	unsigned metric; /* 0: the kernel's choice */
	unsigned table;  /* 0: main */
};

/* type: RTM_NEWROUTE or RTM_DELROUTE. */
int vs_route_change(struct vs_nl *nl, int type, const struct vs_route_spec *route);

#endif
