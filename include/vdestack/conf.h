/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_CONF_H
#define VDESTACK_CONF_H

/*
 * Typed configuration of a stack, through rtnetlink (rtnetlink(7)) on a descriptor made in
 * the stack; nothing is executed. The conventions of <vdestack.h> hold. An interface is
 * named by its index (> 0) in the stack. Changing takes the right to administer the stack: the
 * user that made it, with the privileges it had then; EPERM otherwise. Reading takes none.
 *
 * Addresses are given as text ("10.0.0.1", "fc00::1"), with the prefix length apart.
 * errno besides the kernel's own (EEXIST, ESRCH, ENODEV, EADDRNOTAVAIL, ENETUNREACH...):
 * EINVAL for text that is no address, a prefix too long, an index that is not positive.
 */

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <vdestack.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ links */

/* The index of an interface, > 0; -1 with ENODEV. */
int vdestack_if_nametoindex(struct vdestack *stack, const char *ifname);
/* The name of an interface into name[IF_NAMESIZE]. */
int vdestack_if_indextoname(struct vdestack *stack, int ifindex, char name[IF_NAMESIZE]);

/* up: 0 = down, anything else = up. */
int vdestack_link_set_up(struct vdestack *stack, int ifindex, int up);
/* IFF_... flags of the interface (netdevice(7)), >= 0. */
int vdestack_link_get_flags(struct vdestack *stack, int ifindex);
/* MTU in bytes, without the Ethernet header. */
int vdestack_link_set_mtu(struct vdestack *stack, int ifindex, int mtu);
int vdestack_link_get_mtu(struct vdestack *stack, int ifindex);
/* mac: 6 bytes in network order. EADDRNOTAVAIL: a group address or all zero. */
int vdestack_link_set_mac(struct vdestack *stack, int ifindex, const unsigned char mac[6]);
int vdestack_link_get_mac(struct vdestack *stack, int ifindex, unsigned char mac[6]);

/*
 * What has passed between an interface and its network. Frames are counted as they are on the
 * network, complete. Set size.
 */
struct vdestack_link_stats {
	size_t size;
	unsigned offloads;    /* VDESTACK_OFFLOAD_... in force */
	uint64_t out_frames;  /* given to the network */
	uint64_t out_dropped; /* lost because it did not take them in time */
	uint64_t out_refused; /* what the stack sent that made no sense, or is longer than the network carries */
	uint64_t in_frames;   /* taken from the network */
	uint64_t in_writes;   /* what they became in the stack, coalesced */
	uint64_t in_dropped;  /* of in_frames: too short, too long, or not taken by the interface (down) */
};

/*
 * ENODEV: no interface of that name was made by this library. Interfaces on inproc:// segments have no
 * counts of their own: zeros.
 */
int vdestack_link_get_stats(struct vdestack *stack, const char *ifname, struct vdestack_link_stats *stats);

/* ------------------------------------------------------------------ addresses */

struct vdestack_addr {
	int ifindex;
	int family;                  /* AF_INET or AF_INET6 */
	unsigned prefixlen;          /* 0..32 or 0..128 */
	unsigned flags;              /* IFA_F_... of rtnetlink(7): IFA_F_TENTATIVE, IFA_F_DADFAILED... */
	char text[INET6_ADDRSTRLEN]; /* the address */
};

int vdestack_addr_add(struct vdestack *stack, int ifindex, const char *addr, unsigned prefixlen);
int vdestack_addr_del(struct vdestack *stack, int ifindex, const char *addr, unsigned prefixlen);
/*
 * The addresses of one interface (ifindex > 0) or of all (0). Fills list[0..n-1] and gives
 * how many there are, which may be more than n. list may be NULL when n is 0.
 */
int vdestack_addr_list(struct vdestack *stack, int ifindex, struct vdestack_addr *list, size_t n);

/* ------------------------------------------------------------------ routes */

/* Set size; zero or empty = default/not given. Strings here are text addresses. */
struct vdestack_route {
	size_t size;
	char dst[INET6_ADDRSTRLEN]; /* "" = default route (then gw or family tells the family) */
	unsigned prefixlen;         /* of dst */
	char gw[INET6_ADDRSTRLEN];  /* "" = on link */
	int ifindex;                /* 0 = the kernel finds it from gw */
	int family;                 /* 0 = from dst or gw */
	unsigned metric;            /* 0 = the kernel's default */
	unsigned table;             /* 0 = main (254) */
};

/* del: members that are not given match anything. */
int vdestack_route_add(struct vdestack *stack, const struct vdestack_route *route);
int vdestack_route_del(struct vdestack *stack, const struct vdestack_route *route);
/* Routes of the main table, both families; as vdestack_addr_list(). */
int vdestack_route_list(struct vdestack *stack, struct vdestack_route *list, size_t n);

/* ------------------------------------------------------------------ neighbours */

struct vdestack_neigh {
	int ifindex;
	int family;
	unsigned state;              /* NUD_... of rtnetlink(7) */
	unsigned char mac[6];        /* all zero while it is not known */
	char text[INET6_ADDRSTRLEN];
};

/* Adds or replaces a permanent neighbour. */
int vdestack_neigh_add(struct vdestack *stack, int ifindex, const char *addr, const unsigned char mac[6]);
int vdestack_neigh_del(struct vdestack *stack, int ifindex, const char *addr);
/* Neighbours of one interface or of all (0), NUD_NOARP entries left out; as vdestack_addr_list(). */
int vdestack_neigh_list(struct vdestack *stack, int ifindex, struct vdestack_neigh *list, size_t n);

/* ------------------------------------------------------------------ the stack as a whole */

/*
 * getifaddrs(3) of the stack: for each interface an AF_PACKET entry, then its AF_INET and
 * AF_INET6 addresses. Freed with vdestack_freeifaddrs() (NULL is allowed), not freeifaddrs(3).
 */
int vdestack_getifaddrs(struct vdestack *stack, struct ifaddrs **list);
void vdestack_freeifaddrs(struct ifaddrs *list);

/*
 * sysctl of the stack: name as under /proc/sys/net, with '/' or '.' between the words
 * ("ipv4.ip_forward", "ipv6/conf/vde0/accept_ra"). EINVAL: not a name under net.
 * get: the value without its final newline into buf, always terminated; gives its length;
 * ERANGE: buf is too small.
 */
int vdestack_sysctl_set(struct vdestack *stack, const char *name, const char *value);
int vdestack_sysctl_get(struct vdestack *stack, const char *name, char *buf, size_t size);

#ifdef __cplusplus
}
#endif
#endif
