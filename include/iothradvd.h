/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTHRADVD_H
#define IOTHRADVD_H

/*
 * libiothradvd: a router that advertises itself and prefixes (RFC 4861), as a thread of the program. It
 * either sends from an interface of a stack, or is a station of a VDE network without any stack.
 * iothradvd_start(3) has examples.
 *
 * The thread advertises at random times between the two intervals, three times quickly at first, and
 * answers solicitations after at most half a second. Advertisements to all hosts are 3 s apart at least.
 * Hosts get answers of their own up to a limit; above it the next advertisement to all is the answer. A
 * solicitation that does not meet RFC 4861 section 6.1.1 is dropped. (A stack of kind picox does not say
 * which hop limit a packet came with, so that is not checked there.)
 *
 * In a stack the interface has to be up. While it is down, or has no link-local address yet, the thread tries
 * again. Its MAC address is read at the start: a later change of it takes a new server. The stack itself is
 * not changed: forwarding is the program's concern. A Linux host that does not forward says in its neighbour
 * advertisements that it is no router, and other hosts then drop it as one.
 *
 * Numbers are in the order of the machine. All strings and arrays are copied. Every function may be called
 * from any thread; a server is stopped by one thread. After fork(2) the server is the parent's, and the child
 * does not use it.
 */

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ioth;
struct iothradvd;

/* Flags of a router, as on the wire. A router with lifetime 0 is sent with medium preference (RFC 4191). */
#define IOTHRADVD_MANAGED 0x80    /* M: addresses by DHCPv6 */
#define IOTHRADVD_OTHER 0x40      /* O: other settings by DHCPv6 */
#define IOTHRADVD_HOME_AGENT 0x20 /* H: RFC 6275 */
#define IOTHRADVD_HIGH 0x08       /* high preference */
#define IOTHRADVD_LOW 0x18        /* low preference */
#define IOTHRADVD_PROXY 0x04      /* P: RFC 4389 */

/* Flags of a prefix, as on the wire. */
#define IOTHRADVD_ON_LINK 0x80        /* L */
#define IOTHRADVD_AUTONOMOUS 0x40     /* A: hosts make addresses of it */
#define IOTHRADVD_ROUTER_ADDRESS 0x20 /* R: all its bits are an address of the router */

#define IOTHRADVD_FOREVER UINT32_MAX /* a lifetime without end */

struct iothradata {
	uint8_t curhoplimit;      /* 0: nothing said */
	uint8_t flags;            /* of a router */
	uint16_t router_lifetime; /* seconds, the period at least; 0: it is no default router */
	uint32_t reachable;       /* milliseconds; 0: nothing said */
	uint32_t retransmit;      /* milliseconds; 0: nothing said */
	uint32_t mtu;             /* 1280 at least; 0: nothing said */
};

struct iothraprefix {
	struct in6_addr prefix;
	uint8_t prefixlen;
	uint8_t flags;           /* of a prefix */
	uint32_t valid_time;     /* seconds */
	uint32_t preferred_time; /* seconds; not longer */
};

/*
 * Starts a server on an interface of a stack (NULL: the default stack). period: the longest time between
 * advertisements that nobody asked for, in seconds, up to 65535; 0: there are none, and the server only
 * answers. data NULL: all zero.
 *
 * NULL with errno, and a message in ioth_last_error(): EINVAL (a wrong value), EMSGSIZE (all that is
 * advertised does not fit into a packet of 1280 bytes), ENODEV (no such interface), ENOMEM, or the stack's
 * own (EPERM: no raw sockets). The caller ends the server with iothradvd_stop(), before the stack is deleted.
 */
struct iothradvd *iothradvd_start(struct ioth *stack, unsigned ifindex, int period,
				  const struct iothradata *data, const struct iothraprefix *pdata,
				  int npdata);

/*
 * The same as a station of the VDE network vnl with this MAC address (6 bytes; NULL: a random one). Its
 * address is the link-local one of the MAC (EUI-64), for which it answers neighbour solicitations. The call
 * waits until the network is open, at most 10 seconds: a switch may take a client and not answer. When a
 * network is lost, the server opens it again without waiting for it. errno also: ETIMEDOUT, and what
 * libvdeplug returns.
 */
struct iothradvd *iothradvd_vdestart(const char *vnl, const void *macaddr, int period,
				     const struct iothradata *data, const struct iothraprefix *pdata,
				     int npdata);

/*
 * Sends a last advertisement, with all lifetimes but those of prefixes 0, and ends the server (RFC 4861
 * section 6.2.5). Returns when the thread has ended: it waits for nothing of the network. NULL is allowed.
 * Not for signal handlers.
 */
void iothradvd_stop(struct iothradvd *server);

/* ------------------------------------------------------------------ not in the family's earlier library */

/* RFC 4191: a route by this router. preference: 0, IOTHRADVD_HIGH or IOTHRADVD_LOW. */
struct iothraroute {
	struct in6_addr prefix;
	uint8_t prefixlen;
	uint8_t preference;
	uint32_t lifetime; /* seconds */
};

/* RFC 8106: a name server, and a domain of the search list. Lifetimes are seconds. */
struct iothrardnss {
	struct in6_addr server;
	uint32_t lifetime;
};
struct iothradnssl {
	const char *domain;
	uint32_t lifetime;
};

/* RFC 8781: a prefix of NAT64. prefixlen is 96, 64, 56, 48, 40 or 32. */
struct iothrapref64 {
	struct in6_addr prefix;
	uint8_t prefixlen;
	uint32_t lifetime; /* seconds, 65528 at most; sent in steps of 8 */
};

/* Zero means the default of each member. size is sizeof(struct iothradvd_opts). */
struct iothradvd_opts {
	size_t size;
	const char *vnl;     /* not NULL: a station of this network, and stack and ifindex are not used */
	const void *macaddr; /* 6 bytes: with vnl */
	struct ioth *stack;
	unsigned ifindex;
	unsigned max_interval; /* seconds: the period */
	unsigned min_interval; /* seconds: 3 to 3/4 of max_interval. 0: a third; 3/4 if that is under 9 */
	const struct iothradata *data;
	const struct iothraprefix *prefixes;
	size_t n_prefixes;
	const struct iothraroute *routes;
	size_t n_routes;
	const struct iothrardnss *rdnss;
	size_t n_rdnss;
	const struct iothradnssl *dnssl;
	size_t n_dnssl;
	const struct iothrapref64 *pref64;
	size_t n_pref64;
	const char *captive_portal; /* RFC 8910: the URI of its API */
};

/* Starts a server with all of this. NULL as above; errno also E2BIG: the struct is of a later version. */
struct iothradvd *iothradvd_start_opts(const struct iothradvd_opts *opts);

/*
 * Checks all of this as the call above does, and starts nothing: vnl, macaddr, stack and ifindex are not
 * looked at. 0, or -1 with errno EINVAL, E2BIG, EMSGSIZE or ENOMEM; ioth_last_error() has the reason.
 */
int iothradvd_check(const struct iothradvd_opts *opts);

/*
 * Replaces all that a server advertises, and its intervals; the members up to ifindex are not used. It is
 * advertised three times quickly, as at the start. What is not advertised any more stays with the hosts until
 * its lifetime is over. 0, or -1 with errno EINVAL, E2BIG, EMSGSIZE or ENOMEM, and nothing has changed.
 */
int iothradvd_update(struct iothradvd *server, const struct iothradvd_opts *opts);

#ifdef __cplusplus
}
#endif

#endif
