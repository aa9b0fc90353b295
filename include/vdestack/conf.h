/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_CONF_H
#define VDESTACK_CONF_H

/*
 * Typed configuration of a stack, through rtnetlink (rtnetlink(7)) on a socket made in the stack; nothing is
 * executed. The conventions of <vdestack.h> hold.
 *
 *  - An interface is named by its name. ENODEV: the stack has no interface of that name.
 *  - An address is text ("10.0.0.1", "fc00::1"). The length of its prefix is an argument of its own.
 *  - A hardware address (MAC) is six bytes, in the order in which they are sent.
 *  - Changes need the right to administer the stack: the user that made it, with the privileges it had then;
 *    EPERM otherwise. Reading needs none.
 *  - The functions wait some seconds at most: ETIMEDOUT when the kernel or the keeper did not answer.
 *
 * Besides these, errno is the kernel's own (EEXIST, ESRCH, EADDRNOTAVAIL, ENETUNREACH...) or
 * EINVAL: text that is no address, or a prefix that is too long.
 *
 * Lists. A list function writes list[0..n-1] and returns how many records there are, which may be
 * more than n. list may be NULL when n is 0. record_size is sizeof(*list): a later version of the
 * library may know longer records, and writes only what the caller has room for; members that the
 * library does not know are zero-filled. EINVAL: record_size is smaller than the record of version
 * 1.0. ifname NULL or "": all interfaces. EAGAIN: the list changes faster than it can be read. A
 * record has the name of its interface and the index that the kernel uses (for sin6_scope_id and
 * the like). The name is "" if the interface was deleted while the list was read.
 */

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <vdestack.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ links */

/* Returns the index of an interface, > 0. */
int vdestack_if_nametoindex(struct vdestack *stack, const char *ifname) VDESTACK_NONNULL(2);
/* Writes the name of the interface with this index. EINVAL: ifindex is not greater than 0. */
int vdestack_if_indextoname(struct vdestack *stack, int ifindex, char name[IF_NAMESIZE]) VDESTACK_NONNULL(3);

/* up: 0 = down, anything else = up. */
int vdestack_link_set_up(struct vdestack *stack, const char *ifname, int up) VDESTACK_NONNULL(2);
/* Returns the IFF_... flags of the interface (netdevice(7)), >= 0. */
int vdestack_link_get_flags(struct vdestack *stack, const char *ifname) VDESTACK_NONNULL(2);
/* The MTU in bytes, without the Ethernet header. EINVAL: the interface cannot have this MTU. */
int vdestack_link_set_mtu(struct vdestack *stack, const char *ifname, int mtu) VDESTACK_NONNULL(2);
int vdestack_link_get_mtu(struct vdestack *stack, const char *ifname) VDESTACK_NONNULL(2);
/* EADDRNOTAVAIL: a group address or all zero (set); the interface has no Ethernet address (get). */
int vdestack_link_set_mac(struct vdestack *stack, const char *ifname, const unsigned char mac[6])
	VDESTACK_NONNULL(2, 3);
int vdestack_link_get_mac(struct vdestack *stack, const char *ifname, unsigned char mac[6])
	VDESTACK_NONNULL(2, 3);

/*
 * What has passed between an interface and its network. Frames are counted as they are on the network, and
 * those in a container (vdestack_offload(7)) as if there were none.
 * rx: from the network into the stack. tx: from the stack to the network. Set size.
 */
struct vdestack_link_stats {
	size_t size;
	unsigned offloads;   /* VDESTACK_OFFLOAD_... in force */
	uint64_t rx_frames;  /* received from the network */
	uint64_t rx_writes;  /* the packets in the stack that they became, coalesced */
	uint64_t rx_dropped; /* of rx_frames: too short, too long, or not taken by the interface (down) */
	uint64_t tx_frames;  /* sent to the network */
	uint64_t tx_dropped; /* lost, because the network did not take them in time */
	uint64_t tx_refused; /* not sent: packets that are malformed, or longer than the network carries */
	uint64_t reconnects; /* how often the network came back, or came when it was absent at first */
	uint32_t captures;   /* that are running now, of all programs, see <vdestack/capture.h> */
	uint32_t taps;       /* wire taps that are open now, of all programs */
	uint64_t captured;   /* frames that captures have taken into files */
	uint64_t uncaptured; /* frames that passed and are in no file, as it was too slow for them */
};

/*
 * ENODEV: no interface of that name was made by this library. Interfaces on segments (inproc://, local://)
 * have no counters of their own but those of captures and wire taps: the others are 0. Captures bring their
 * numbers up to date a few milliseconds after the frames.
 */
int vdestack_link_get_stats(struct vdestack *stack, const char *ifname, struct vdestack_link_stats *stats)
	VDESTACK_NONNULL(2, 3);

/*
 * Writes the locator of an interface as its configuration has it, with a NUL, and returns its length.
 * ENODEV: no interface of that name was made by this library. ERANGE: buf is too small. EPERM: the stack was
 * passed to this process with VDESTACK_PASS_APART.
 */
int vdestack_link_get_locator(struct vdestack *stack, const char *ifname, char *buf, size_t size)
	VDESTACK_NONNULL(2);

/* ------------------------------------------------------------------ keeper */

/*
 * The process that holds the stacks of a program (vdestack(7)), and what it has done since it was started.
 * Of the in-process variant, threads, descriptors and memory are those of the program. Set size.
 */
struct vdestack_keeper_stats {
	size_t size;
	int32_t pid;
	uint32_t in_process;  /* != 0: threads of the program (VDESTACK_INPROCESS) */
	uint64_t uptime_ms;
	uint64_t requests;    /* that came from programs */
	uint64_t refused;     /* of these: not served because of who sent them, or how */
	uint64_t sockets;     /* that were made in stacks by request */
	uint64_t lookups;     /* that came from other programs, which look for stacks */
	uint64_t lookups_refused; /* of these: not served because of who sent them, or how */
	uint32_t stacks;      /* there are now */
	uint32_t interfaces;
	uint32_t captures;    /* and wire taps */
	uint32_t threads;     /* 0: /proc cannot be read; so are the next two */
	uint64_t descriptors;
	uint64_t memory_bytes; /* resident */
};

/*
 * Reads the counters of the keeper that holds the stack. A handle of vdestack_attach() may, one of
 * vdestack_receive() with VDESTACK_PASS_APART may not (EPERM). errno: EINVAL (stats has no size), EPERM,
 * ENETDOWN, ETIMEDOUT.
 */
int vdestack_keeper_get_stats(struct vdestack *stack, struct vdestack_keeper_stats *stats)
	VDESTACK_NONNULL(2);

/* ------------------------------------------------------------------ addresses */

struct vdestack_addr {
	char ifname[IF_NAMESIZE];
	int ifindex;
	int family;                  /* AF_INET or AF_INET6 */
	unsigned prefix_len;         /* 0..32 or 0..128 */
	unsigned flags;              /* IFA_F_... of <linux/if_addr.h>: IFA_F_TENTATIVE... */
	char addr[INET6_ADDRSTRLEN];
	char reserved[2];            /* 0 */
};

/* Does not wait for duplicate address detection; vdestack_wait_ready() does. */
int vdestack_addr_add(struct vdestack *stack, const char *ifname, const char *addr, unsigned prefix_len)
	VDESTACK_NONNULL(2, 3);
int vdestack_addr_del(struct vdestack *stack, const char *ifname, const char *addr, unsigned prefix_len)
	VDESTACK_NONNULL(2, 3);
int vdestack_addr_list(struct vdestack *stack, const char *ifname, struct vdestack_addr *list, size_t n,
		       size_t record_size);

/* ------------------------------------------------------------------ routes */

/* Set size; a member that is 0 or "" is not given. */
struct vdestack_route {
	size_t size;
	char dst[INET6_ADDRSTRLEN]; /* "" = default route (then gw or family tells the family) */
	char gw[INET6_ADDRSTRLEN];  /* "" = on link */
	char ifname[IF_NAMESIZE];   /* "" = the kernel finds the interface from gw */
	int ifindex;                /* written by vdestack_route_list(); _add and _del do not read it */
	int family;                 /* 0 = from dst or gw */
	unsigned prefix_len;        /* of dst */
	unsigned metric;            /* 0 = the kernel's default */
	unsigned table;             /* 0 = main (254) */
};

/* del: members that are not given match anything. */
int vdestack_route_add(struct vdestack *stack, const struct vdestack_route *route) VDESTACK_NONNULL(2);
int vdestack_route_del(struct vdestack *stack, const struct vdestack_route *route) VDESTACK_NONNULL(2);
/* Unicast routes of the main table, a record for each next hop. size is set to record_size. */
int vdestack_route_list(struct vdestack *stack, const char *ifname, struct vdestack_route *list, size_t n,
			size_t record_size);

/* ------------------------------------------------------------------ neighbours */

struct vdestack_neigh {
	char ifname[IF_NAMESIZE];
	int ifindex;
	int family;
	unsigned state;              /* NUD_... of <linux/neighbour.h> */
	char addr[INET6_ADDRSTRLEN];
	unsigned char mac[6];        /* all zero while it is not known */
};

/* Adds or replaces a permanent neighbour. */
int vdestack_neigh_add(struct vdestack *stack, const char *ifname, const char *addr,
		       const unsigned char mac[6]) VDESTACK_NONNULL(2, 3, 4);
int vdestack_neigh_del(struct vdestack *stack, const char *ifname, const char *addr) VDESTACK_NONNULL(2, 3);
/* NUD_NOARP entries are left out. */
int vdestack_neigh_list(struct vdestack *stack, const char *ifname, struct vdestack_neigh *list, size_t n,
			size_t record_size);

/* ------------------------------------------------------------------ the stack as a whole */

/*
 * getifaddrs(3) of the stack: for each interface an AF_PACKET entry, then its AF_INET and
 * AF_INET6 addresses. Free it with vdestack_freeifaddrs() (NULL is allowed), not freeifaddrs(3).
 */
int vdestack_getifaddrs(struct vdestack *stack, struct ifaddrs **list) VDESTACK_NODISCARD VDESTACK_NONNULL(2);
void vdestack_freeifaddrs(struct ifaddrs *list);

/*
 * sysctl of the stack. name is a path below /proc/sys/net, with '/' or '.' between the words
 * ("ipv4.ip_forward", "ipv6/conf/vde0/accept_ra"). EINVAL: not a name under net.
 * get writes the value without its final newline and with a NUL, and returns its length;
 * ERANGE: buf is too small.
 */
int vdestack_sysctl_set(struct vdestack *stack, const char *name, const char *value) VDESTACK_NONNULL(2, 3);
int vdestack_sysctl_get(struct vdestack *stack, const char *name, char *buf, size_t size)
	VDESTACK_NONNULL(2, 3);

#ifdef __cplusplus
}
#endif
#endif
