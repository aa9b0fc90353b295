/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CONFIG_CONFIG_H
#define VS_CONFIG_CONFIG_H

/* The configuration string of a stack, parsed. Pure: no descriptor, no kernel, no message recorded. */

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "impair.h"
#include "locator.h"

#define VS_VNL_MAX 4000 /* bytes in a VNL */

struct vs_conf_addr {
	int family; /* AF_INET or AF_INET6 */
	unsigned char bytes[16];
	unsigned prefixlen;
};

struct vs_conf_route {
	struct vs_conf_addr dst; /* prefixlen 0: default route */
	bool has_gw;
	struct vs_conf_addr gw;  /* prefixlen unused */
};

/* Address sources, bits. */
#define VS_CONF_DHCP4 0x1u
#define VS_CONF_RA    0x2u /* router discovery */
#define VS_CONF_SLAAC 0x4u /* addresses from prefixes of RAs; never without RA */
#define VS_CONF_DHCP6 0x8u

/* Options of sources, bits. */
#define VS_CONF_RAPID      0x01u
#define VS_CONF_IPV6_ONLY  0x02u
#define VS_CONF_STABLE     0x04u /* SLAAC: interface ids of RFC 7217 */
#define VS_CONF_NO_RELEASE 0x08u

#define VS_CONF_DNS_MAX 8
#define VS_CONF_DOMAINS_MAX 512 /* with the NUL */
#define VS_CONF_FQDN_MAX 256    /* with the NUL */

/* Name servers and search domains of a section. */
struct vs_conf_names {
	struct vs_conf_addr dns[VS_CONF_DNS_MAX]; /* prefixlen unused */
	size_t n_dns;
	char domains[VS_CONF_DOMAINS_MAX]; /* one space between two */
};

/* What the words about sources and names say of an interface. */
struct vs_conf_sources {
	unsigned start, stop;  /* VS_CONF_DHCP4... */
	unsigned required;     /* of start: each must be ready before the interface is */
	unsigned one_of;       /* of start: at least one must be */
	unsigned options;      /* VS_CONF_RAPID... */
	unsigned pd_len;       /* wanted length of a delegated prefix; 0: none is wanted */
	char fqdn[VS_CONF_FQDN_MAX]; /* without a final dot; "": not given */
	struct vs_conf_names add, remove;
	bool clear_dns, clear_domains; /* all of them are removed first */
};

/* Words with '-' in front, about addresses and routes. Only of a change. */
struct vs_conf_removals {
	bool all_addrs, all_gws, all_routes;
	struct vs_conf_addr *addrs; /* prefixlen 0: of any length */
	size_t n_addrs;
	struct vs_conf_route *routes;
	size_t n_routes;
};

enum vs_conf_updown {
	VS_CONF_AS_IT_IS,
	VS_CONF_UP,
	VS_CONF_DOWN,
};

struct vs_conf_iface {
	char name[IF_NAMESIZE]; /* never empty after parsing: vde0, vde1... when not given */
	char *vnl;              /* what the interface is plugged into; NULL only in a change */
	struct vs_locator locator; /* vnl parsed; points into it */
	bool has_mac;
	unsigned char mac[6];
	unsigned mtu; /* 0 = not given */
	char *capture; /* file of a capture; NULL: none */
	bool nodad;   /* its IPv6 addresses are used without duplicate address detection */
	struct vs_conf_addr *addrs;
	size_t n_addrs;
	struct vs_conf_route *routes; /* gw= words are default routes here, in their order */
	size_t n_routes;
	struct vs_conf_sources *sources; /* NULL: no words about sources and names */
	struct vs_conf_removals removals;
	struct vs_conf_impair *impair; /* NULL: no words about impairment */
	enum vs_conf_updown updown; /* eth, -eth; a new interface is brought up unless it is DOWN */
};

#define VS_STACK_NAME_MAX 63 /* bytes in the name of a stack */

struct vs_config {
	struct vs_conf_iface *ifaces;
	size_t n_ifaces;
	char name[VS_STACK_NAME_MAX + 1]; /* of the stack; "": none */
	char *leases;                     /* directory of lease files; NULL: none */
};

/* True if the stack that the string is for has an interface of that name. */
typedef bool vs_conf_taken_fn(void *arg, const char *name);

/*
 * Parses text (NULL = ""). taken may be NULL. Returns 0 and *out, which the caller frees with
 * vs_config_free(), or -EINVAL, -EEXIST, -ENOTSUP, -E2BIG, -ENAMETOOLONG, -ENOMEM with *error filled: its
 * message names the word and the position.
 */
int vs_config_parse(const char *text, vs_conf_taken_fn *taken, void *arg, struct vs_config_error *error,
		    struct vs_config **out);

/*
 * Parses words that change interfaces which exist: vdestack_configure(). As above, with other words. A
 * section is what is said of one interface; the words before the first iface= are about vde0.
 */
int vs_config_parse_change(const char *text, struct vs_config_error *error, struct vs_config **out);

/* NULL is allowed. */
void vs_config_free(struct vs_config *config);

/*
 * True if `name` can be an interface of a stack: 1..15 bytes, no '/', ':', no white space
 * or control characters, not ".", "..", "lo", nor with a '%' (the kernel would number it).
 */
bool vs_ifname_valid(const char *name);

#endif
