/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_SOURCES_H
#define VDESTACK_SOURCES_H

/*
 * Address sources: what gives an interface its addresses, routes and name servers besides the static words
 * ip=, gw= and route=. The words dhcp, dhcp6, rd, slaac, auto and others of a configuration start them
 * (vdestack_config(7)). They run in the keeper. They go on across fork(2) and daemon(3), and after the
 * program has given up its privileges. The conventions of <vdestack.h> hold.
 *
 * Events of sources are read with <vdestack/events.h>.
 */

#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <vdestack.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where something has been learned. Later versions may add some. */
enum vdestack_source_kind {
	VDESTACK_SOURCE_STATIC = 1, /* the words dns= and domain= */
	VDESTACK_SOURCE_DHCP4 = 2,
	VDESTACK_SOURCE_RA = 3,     /* router discovery, and SLAAC */
	VDESTACK_SOURCE_DHCP6 = 4
};

/*
 * Changes the interfaces of a stack as the words of `config` say (vdestack_config(7)). iface=NAME chooses
 * the interface that the words behind it are about; before the first iface= that is vde0. The interfaces
 * exist already, made by this library or not. An error in a word is found before anything is changed.
 *
 *  - ip=, gw=, route=, dns=, domain= add. What is there already is no error.
 *  - dhcp, dhcp6, rd, slaac, auto, auto4, auto6 start sources. One that runs stays as it is, unless its
 *    options (fqdn=, rapid, v6only, pd...) have changed; then it begins anew.
 *  - a word with '-' in front undoes: -dhcp, -dhcp6, -rd, -slaac, -auto, -auto4, -auto6 stop sources and
 *    remove what they have set; -ip=, -gw=, -route=, -dns=, -domain= remove one item, or all items without
 *    '='; -static removes all that these five can add; -all removes it and stops all sources; -eth takes
 *    the interface down. What is not there is no error. All removals come before all additions. Other
 *    static addresses stay. So do routes whose gateway is still reached afterwards.
 *  - a source that is stopped is gone when the call returns, with its addresses, with VDESTACK_NO_WAIT too.
 *    One that gives a lease back keeps its address until that packet has left. The call waits for that, two
 *    seconds at most for each interface.
 *
 * Unless VDESTACK_NO_WAIT is in opts->flags, it returns when the new addresses can be used and the sources
 * are ready, within the limits of opts as in vdestack_new(). On failure addresses and routes are as
 * before, and interfaces are up or down as before. Name servers and domains that this call has added are
 * removed, and the sources that it has started are stopped. What it has stopped of sources, or removed of
 * name servers and domains, does not come back. opts may be NULL.
 *
 * errno: EINVAL (a word, as in vdestack_new()), ENODEV (no such interface), EPERM (as vdestack_iface_add()),
 * EADDRNOTAVAIL (an address is in use by another host), ETIMEDOUT (a source is not ready; the message says
 * which and why), ENOMEM, ENETDOWN, or the kernel's own for an address or a route.
 */
int vdestack_configure(struct vdestack *stack, const char *config, const struct vdestack_opts *opts)
	VDESTACK_NONNULL(2);

/* ------------------------------------------------------------------ what was learned */

enum vdestack_learned_type {
	VDESTACK_LEARNED_ADDRESS = 1, /* addr/prefix_len, with lifetimes */
	VDESTACK_LEARNED_ROUTE = 2,   /* to addr/prefix_len ("" and 0: default) via gw ("": on link) */
	VDESTACK_LEARNED_DNS = 3,     /* addr of a name server; a link-local one is on ifname */
	VDESTACK_LEARNED_SEARCH = 4,  /* text: one domain of the search list */
	VDESTACK_LEARNED_NTP = 5,     /* addr of a time server */
	VDESTACK_LEARNED_MTU = 6,     /* mtu, in bytes */
	VDESTACK_LEARNED_PREFIX = 7   /* addr/prefix_len, delegated by DHCPv6 (the word pd), with lifetimes */
};

/* A record: 448 bytes in every version. Records of one type from one source keep the server's order. */
struct vdestack_learned_item {
	uint32_t type;                /* enum vdestack_learned_type; later versions may add some */
	uint32_t source;              /* enum vdestack_source_kind */
	char ifname[IF_NAMESIZE];
	uint8_t family;               /* of addr: AF_INET, AF_INET6; 0: none */
	uint8_t prefix_len;
	uint8_t reserved1[2];         /* 0 */
	uint32_t mtu;
	int64_t valid_ms;             /* time left; -1: for ever */
	int64_t preferred_ms;         /* time left until an address or prefix is deprecated; -1: for ever */
	char addr[INET6_ADDRSTRLEN];  /* text, without a zone; "": none */
	char gw[INET6_ADDRSTRLEN];
	char text[256];
	uint8_t reserved[52];         /* 0 in this version */
};

/*
 * Writes list[0..n-1] and returns how many records there are, which may be more than n. list may be NULL when
 * n is 0. ifname NULL or "": of all interfaces. What the words ip=, gw= and route= have set is not in it.
 * ENODEV: there is no such interface. Needs no privileges; allowed after vdestack_seal().
 */
int vdestack_learned(struct vdestack *stack, const char *ifname, struct vdestack_learned_item *list,
		     size_t n);

/* ------------------------------------------------------------------ the state of sources */

/* Why packets of a source were ignored: indices of vdestack_source.ignored. */
enum vdestack_ignored {
	VDESTACK_IGNORED_MALFORMED = 0, /* lengths, magic numbers, checksums */
	VDESTACK_IGNORED_XID = 1,       /* of another transaction */
	VDESTACK_IGNORED_CLIENT = 2,    /* for another client */
	VDESTACK_IGNORED_SERVER = 3,    /* of another server than the one that was chosen */
	VDESTACK_IGNORED_SENDER = 4,    /* not from where such packets come: hop limit, address, port */
	VDESTACK_IGNORED_STATE = 5,     /* not awaited in this state */
	VDESTACK_IGNORED_CONTENT = 6    /* options that it needs are missing, or have impossible values */
};

/* A record: 512 bytes in every version. */
struct vdestack_source {
	uint32_t source;              /* enum vdestack_source_kind; never STATIC */
	uint8_t ready;                /* 1: it has what it was started for */
	uint8_t reserved1[3];         /* 0 */
	char ifname[IF_NAMESIZE];
	char state[24];               /* the RFC's name of the state, for example "BOUND" */
	int64_t since_ms;             /* how long it has been in this state */
	int64_t t1_ms, t2_ms;         /* time left until it renews, rebinds; -1: does not apply */
	int64_t expiry_ms;            /* time left until it has nothing any more; -1: never */
	char server[INET6_ADDRSTRLEN]; /* the server or router; "": not known */
	uint8_t reserved2[2];         /* 0 */
	uint32_t sent, received;      /* packets */
	uint32_t ignored[8];          /* of received, by enum vdestack_ignored */
	char problem[256];            /* what is wrong, in plain text; "": nothing */
	uint8_t reserved[88];         /* 0 in this version */
};

/*
 * The sources that run, a record each: as vdestack_learned(). A source that has been stopped has none.
 */
int vdestack_sources(struct vdestack *stack, const char *ifname, struct vdestack_source *list, size_t n);

/* ------------------------------------------------------------------ resolv.conf */

/*
 * Writes the name servers and the search list of the stack, or of one interface (ifname not NULL and not ""),
 * as the text of a resolv.conf(5), with a NUL. Returns its length without the NUL; 0: nothing is known.
 * ERANGE: buf is too small; the message says how much is needed.
 *
 * First come the static name servers (dns=), then those of DHCPv6, DHCPv4 and router advertisements; in each
 * group those of IPv6 come first, and then those of the interface that was made first. An address stands
 * once. All are listed; glibc asks the first three. A link-local one has its interface as zone
 * (fe80::1%vde0). The search list has the same order. It has at most six domains and 256 bytes, the limit of
 * many resolvers; the others are left out.
 */
int vdestack_resolvconf(struct vdestack *stack, const char *ifname, char *buf, size_t size);

#ifdef __cplusplus
}
#endif

#endif
