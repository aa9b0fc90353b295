/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_RTNL_RTNL_H
#define VS_RTNL_RTNL_H

/*
 * Requests to rtnetlink, on an open conversation. They do not know stacks.
 * They return 0 (or what is named) or the kernel's -errno and record no message; vs_nl_fail() does that.
 */

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "nl.h"

/* ------------------------------------------------------------------ links (link.c) */

struct vs_rtnl_link {
	int ifindex;
	unsigned flags; /* IFF_... */
	unsigned mtu;
	char name[IF_NAMESIZE];
	unsigned char mac[6];
	bool has_mac; /* there is a hardware address and it has six bytes */
};

/* Reads an RTM_NEWLINK message into a struct vs_rtnl_link. 0 or -EBADMSG. */
int vs_rtnl_link_take(void *link, struct nlmsghdr *hdr);
/* By name if it is not NULL, else by index. -ENODEV. */
int vs_rtnl_link_get(struct vs_nl *nl, int ifindex, const char *name, struct vs_rtnl_link *out);
/*
 * By name: index, MAC (of 6 bytes), and the lower 16 bits of the flags. By ioctl(2), which does not wait
 * for the lock of all devices, as a request does. -ENODEV.
 */
int vs_rtnl_link_peek(const struct vs_nl *nl, const char *name, struct vs_rtnl_link *out);

/* One change of a link: the flags that are in `mask`, and one attribute (0: none). */
struct vs_rtnl_link_change {
	unsigned flags;
	unsigned mask;
	int attr; /* IFLA_... */
	const void *data;
	int len;
};

int vs_rtnl_link_change(struct vs_nl *nl, int ifindex, const struct vs_rtnl_link_change *change);
int vs_rtnl_link_set_up(struct vs_nl *nl, int ifindex, bool up);
/*
 * Sets a link up, and has the kernel announce its IPv4 addresses whenever its MAC is set, if it can: in one
 * request.
 */
int vs_rtnl_link_set_up_announcing(struct vs_nl *nl, int ifindex);
/*
 * Has the kernel announce the addresses of an interface on the network (RFC 5227 announcements, RFC 4861
 * unsolicited neighbour advertisements). An address belongs to stacks that come and go, each with another
 * MAC. Without the announcement a peer of the previous stack goes on sending to the old MAC for half a
 * minute and more. Best effort: nothing depends on it. prepared: the interface is new, and
 * vs_rtnl_link_set_up_announcing() has been called. So it has no permanent neighbours; else they are kept.
 */
void vs_rtnl_link_announce(struct vs_nl *nl, const char *name, bool prepared);

/* ------------------------------------------------------------------ addresses (addr.c) */

struct vs_rtnl_addr {
	int ifindex;
	int family; /* AF_INET or AF_INET6 */
	unsigned prefix_len;
	unsigned flags; /* IFA_F_... */
	char text[INET6_ADDRSTRLEN];
};

/* type: RTM_NEWADDR or RTM_DELADDR. nodad: an IPv6 address is usable at once, without detection. */
int vs_rtnl_addr_change(struct vs_nl *nl, int type, int ifindex, const struct vs_conf_addr *addr, bool nodad);
/* The records are struct vs_rtnl_addr. */
int vs_rtnl_addr_list(struct vs_nl *nl, const struct vs_nl_reader *reader);

/* Bytes of an address: 4 or 16. */
unsigned vs_rtnl_addr_bytes(int family);
/* Attribute to text; "" for one of the wrong length or of another family. */
void vs_rtnl_addr_text(int family, struct nlattr *attr, char text[INET6_ADDRSTRLEN]);

/* ------------------------------------------------------------------ routes (route.c) */

struct vs_rtnl_route {
	struct vs_conf_route to;
	int ifindex;     /* 0: the kernel finds it */
	unsigned metric; /* 0: the kernel's choice */
	unsigned table;  /* 0: main */
	unsigned protocol; /* to remove: RTPROT_... of the one that has set it; 0: any */
};

/* A route of the main table, one of its next hops. */
struct vs_rtnl_hop {
	int family;
	char dst[INET6_ADDRSTRLEN]; /* "": default route */
	unsigned prefix_len;
	char gw[INET6_ADDRSTRLEN]; /* "": on link */
	int ifindex;
	unsigned metric;
	unsigned protocol; /* RTPROT_...: who has set it. vs_rtnl_route_change() sets RTPROT_STATIC */
};

/* type: RTM_NEWROUTE or RTM_DELROUTE. */
int vs_rtnl_route_change(struct vs_nl *nl, int type, const struct vs_rtnl_route *route);
/* The unicast routes of the main table. The records are struct vs_rtnl_hop. */
int vs_rtnl_route_list(struct vs_nl *nl, const struct vs_nl_reader *reader);

/* ------------------------------------------------------------------ neighbours (neigh.c) */

struct vs_rtnl_neigh {
	int ifindex;
	int family;
	unsigned state; /* NUD_... */
	unsigned char mac[6];
	char text[INET6_ADDRSTRLEN];
};

/* mac NULL: removes the neighbour, otherwise adds a permanent one or replaces what is there. */
int vs_rtnl_neigh_change(struct vs_nl *nl, int ifindex, const struct vs_conf_addr *addr,
			 const unsigned char *mac);
/* Entries that need no resolution (NUD_NOARP) are left out. The records are struct vs_rtnl_neigh. */
int vs_rtnl_neigh_list(struct vs_nl *nl, const struct vs_nl_reader *reader);

/*
 * For a request that makes the kernel forget all neighbours of an interface: keep reads the permanent ones
 * before, restore adds them again after. keep: 0 or -errno. The caller frees kept->list in any case.
 */
struct vs_rtnl_neighs {
	int ifindex;
	struct vs_rtnl_neigh *list;
	size_t n;
	bool complete;
};
int vs_rtnl_neigh_keep(struct vs_nl *nl, int ifindex, struct vs_rtnl_neighs *kept);
void vs_rtnl_neigh_restore(struct vs_nl *nl, const struct vs_rtnl_neighs *kept);

/* ------------------------------------------------------------------ all of it (ifaddrs.c, ready.c) */

/* getifaddrs(3). *list may be NULL on success; it is the caller's, freed by vs_rtnl_freeifaddrs(). */
int vs_rtnl_getifaddrs(struct vs_nl *nl, struct ifaddrs **list);
void vs_rtnl_freeifaddrs(struct ifaddrs *list);

/*
 * The same from messages that the caller has read: all links first, then all addresses. Begins as { 0 }.
 * take: 0 or -errno; a message of another kind is ignored. steal: the list, which is the caller's then; the
 * snapshot is empty. clear: frees all.
 */
struct vs_rtnl_entry;
struct vs_rtnl_place;
struct vs_rtnl_snapshot {
	struct vs_rtnl_entry *first;
	struct vs_rtnl_place *places;
	size_t n_places;
	size_t room;
};
int vs_rtnl_snapshot_take(struct vs_rtnl_snapshot *snapshot, struct nlmsghdr *hdr);
struct ifaddrs *vs_rtnl_snapshot_steal(struct vs_rtnl_snapshot *snapshot);
void vs_rtnl_snapshot_clear(struct vs_rtnl_snapshot *snapshot);

/*
 * Waits until every interface that is up has its carrier and every address is past duplicate address
 * detection. -ETIMEDOUT when the clock (vs_now_ms) shows deadline_ms, -EADDRNOTAVAIL when an address is in
 * use elsewhere. This one records its message.
 */
int vs_rtnl_wait_ready(struct vs_nl *nl, int64_t deadline_ms);

#endif
