/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_WIRE_SOURCES_H
#define VS_WIRE_SOURCES_H

/*
 * Messages about address sources. VS_OP_SOURCES changes the sources of one interface. VS_OP_SOURCES_WAIT is
 * answered when they have what they were asked for. VS_OP_LEARNED returns a sealed memory file with records.
 */

#include <net/if.h>
#include <stdint.h>

#define VS_SOURCES_DNS_MAX 8
#define VS_SOURCES_DOMAINS_BYTES 512
#define VS_SOURCES_FQDN_BYTES 256

/* Bits of the masks below. */
#define VS_SOURCES_DHCP4 0x1u
#define VS_SOURCES_RA    0x2u /* router discovery */
#define VS_SOURCES_SLAAC 0x4u /* addresses from prefixes of RAs; implies RA */
#define VS_SOURCES_DHCP6 0x8u

/* Bits of flags. */
#define VS_SOURCES_NODAD      0x01u
#define VS_SOURCES_RAPID      0x02u
#define VS_SOURCES_IPV6_ONLY  0x04u
#define VS_SOURCES_STABLE     0x08u /* SLAAC with stable private interface ids */
#define VS_SOURCES_NO_RELEASE 0x10u
/* Only writes the sysctls that the sources need, as the interface is not set up yet. Starts nothing. */
#define VS_SOURCES_PREPARE    0x20u

/* Bits of clear_static. */
#define VS_SOURCES_CLEAR_DNS     0x1u
#define VS_SOURCES_CLEAR_DOMAINS 0x2u

struct vs_wire_ip {
	uint8_t family; /* AF_INET, AF_INET6 */
	uint8_t bytes[16];
};

/* The text of VS_OP_SOURCES. Idempotent; stops come before starts. */
struct vs_wire_sources {
	char ifname[IF_NAMESIZE];
	char name[64];      /* of the stack, for the names of lease files; "": none */
	uint32_t start;     /* sources to start, if they do not run */
	uint32_t stop;      /* sources to stop; those in `start` too are started anew */
	uint32_t required;  /* of those that run: each must be ready before the interface is */
	uint32_t one_of;    /* at least one of these must be ready */
	uint32_t flags;     /* VS_SOURCES_..., for what is started */
	uint32_t pd_len;    /* prefix delegation: wanted length; 0: none */
	uint32_t n_dns, n_del_dns;
	struct vs_wire_ip dns[VS_SOURCES_DNS_MAX];     /* dns= : added */
	struct vs_wire_ip del_dns[VS_SOURCES_DNS_MAX]; /* -dns=: removed */
	char domains[VS_SOURCES_DOMAINS_BYTES];        /* domain=: added, one space between two */
	char del_domains[VS_SOURCES_DOMAINS_BYTES];
	char fqdn[VS_SOURCES_FQDN_BYTES];              /* "": none, or as before */
	uint8_t clear_static; /* VS_SOURCES_CLEAR_...: all of dns=, all of domain= is removed first */
	uint8_t has_leases;   /* 1: the last descriptor is the directory of leases */
	uint8_t restore;      /* 1: only `required` and `one_of` are waited for then; undoes a change */
};

/* What a record of VS_OP_LEARNED is about. */
enum vs_learned_kind {
	VS_LEARNED_SOURCE = 1, /* the state of a source itself */
	VS_LEARNED_ADDRESS,
	VS_LEARNED_ROUTE,
	VS_LEARNED_DNS,
	VS_LEARNED_SEARCH, /* text: one domain */
	VS_LEARNED_NTP,
	VS_LEARNED_MTU,
	VS_LEARNED_PREFIX, /* delegated */
};

struct vs_wire_learned {
	uint32_t kind;    /* enum vs_learned_kind */
	uint32_t source;  /* enum vs_auto_source */
	char ifname[IF_NAMESIZE];
	struct vs_wire_ip addr;   /* address, destination, server; of SOURCE: the server or router */
	struct vs_wire_ip gw;     /* of ROUTE */
	uint8_t prefix_len;
	uint8_t ready;            /* of SOURCE */
	uint8_t active;           /* of SOURCE: its bits that were requested; 0: a router has started it */
	uint8_t required, one_of; /* of SOURCE: what is waited for on the interface, all sources */
	uint32_t mtu;
	int64_t valid_ms, preferred_ms;  /* left; -1: for ever */
	int64_t t1_ms, t2_ms, since_ms;  /* of SOURCE: until T1 and T2 (-1: none), since the state began */
	uint32_t sent, received, ignored[8]; /* of SOURCE */
	char state[24];           /* of SOURCE: the RFC's name */
	char text[256];           /* of SEARCH: the domain; of SOURCE: the problem */
};

/* At the head of the memory file; then n records. */
struct vs_wire_learned_head {
	uint32_t version; /* VS_WIRE_VERSION */
	uint32_t n;
	uint64_t generation; /* changes with every change of what was learned, lifetimes excepted */
};

#endif
