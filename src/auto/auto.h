/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_AUTO_AUTO_H
#define VS_AUTO_AUTO_H

/*
 * Address sources: what gives an interface its addresses, routes and name servers. Each source is a state
 * machine. It gets times and packets, and calls the functions of struct vs_auto_ops for what is to be
 * done. It has no descriptor, reads no clock, allocates nothing and records no message. So a test can let a
 * month pass in a second.
 *
 * The driver (src/keeper/) has the sockets and the timer. It allocates the machines, and calls one machine
 * from one thread at a time. A machine calls its ops only from inside a call that it has got. An op never
 * calls the machine.
 *
 * Times are milliseconds of CLOCK_BOOTTIME, which counts while the system is suspended and which nobody sets.
 * `now` may be any time after the deadline: a stopped process gets its timer late.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

typedef int64_t vs_auto_ms;

#define VS_AUTO_NEVER INT64_MAX      /* a deadline: none */
#define VS_AUTO_FOREVER UINT32_MAX   /* a lifetime in seconds: for ever */
#define VS_AUTO_NAME_MAX 255         /* bytes of a domain name as text */
#define VS_AUTO_SERVERS_MAX 8
#define VS_AUTO_SEARCH_MAX 512       /* bytes of a search list as text, with the NUL */
#define VS_AUTO_DUID_MAX 130         /* bytes of a DUID, RFC 8415 section 11.1 */

enum vs_auto_source {
	VS_SOURCE_STATIC, /* the words dns= and domain=: no machine */
	VS_SOURCE_DHCP4,
	VS_SOURCE_RA,     /* router discovery and SLAAC */
	VS_SOURCE_DHCP6,
	VS_SOURCE_N,
};

struct vs_auto_ip {
	uint8_t family;    /* AF_INET, AF_INET6; 0: none */
	uint8_t bytes[16]; /* network order */
};

/* Lifetimes are seconds from now. */
struct vs_auto_addr {
	struct vs_auto_ip ip;
	uint8_t prefix_len;
	bool nodad;        /* the kernel does no duplicate address detection */
	bool no_prefix_route; /* IFA_F_NOPREFIXROUTE: the prefix is not known to be on the link */
	uint32_t valid_s, preferred_s;
};

struct vs_auto_route {
	struct vs_auto_ip dst; /* family and bytes; with prefix_len 0: default route */
	uint8_t prefix_len;
	struct vs_auto_ip gw;  /* family 0: on the link */
	uint32_t metric;       /* 0: the driver's */
	uint32_t lifetime_s;   /* IPv6 only; VS_AUTO_FOREVER */
};

/* What a source says besides addresses and routes. It replaces what the same source said before. */
struct vs_auto_facts {
	struct vs_auto_ip dns[VS_AUTO_SERVERS_MAX]; /* in order; a family of 0 ends the list */
	struct vs_auto_ip ntp[VS_AUTO_SERVERS_MAX];
	char search[VS_AUTO_SEARCH_MAX]; /* domain names, one space between two, no final dots */
	uint16_t mtu;                    /* 0: nothing said */
	uint32_t lifetime_s;             /* of dns and search, for records; the machine ends them itself */
	struct vs_auto_ip prefix;        /* delegated by DHCPv6 (IA_PD); family 0: none */
	uint8_t prefix_len;
	uint32_t prefix_valid_s, prefix_preferred_s;
};

/* How a packet goes or comes. */
enum vs_auto_way {
	/*
	 * An IPv4 packet from its header on, by a packet socket. Sent to an Ethernet address. Received: UDP
	 * to port 68, broadcast or unicast; its checksums are not checked yet.
	 */
	VS_WAY_IP4,
	VS_WAY_UDP4,  /* sent only: a payload from our address, port 68, to an address, port 67 */
	VS_WAY_ARP,   /* an ARP packet from its header on, by a packet socket */
	VS_WAY_UDP6,  /* a payload between port 546 and port 547 */
	VS_WAY_ICMP6, /* an ICMPv6 message from its type on. Hop limit 255; the kernel does the checksum */
};

struct vs_auto_packet {
	enum vs_auto_way way;
	const uint8_t *bytes;
	size_t n;
	struct vs_auto_ip peer; /* sent: destination; received: source. Not for IP4 and ARP */
	uint8_t mac[6];         /* sent by IP4 and ARP: destination; received so: source */
	uint8_t hop_limit;      /* received by ICMP6 */
	bool unfinished;        /* received by IP4: the UDP checksum is not done (TP_STATUS_CSUMNOTREADY) */
};

/* Why a source's packet was ignored. Counted. */
enum vs_auto_ignored {
	VS_IGNORED_MALFORMED, /* lengths, magic numbers, checksums */
	VS_IGNORED_XID,       /* of another transaction */
	VS_IGNORED_CLIENT,    /* for another client: chaddr, client id, DUID, IAID */
	VS_IGNORED_SERVER,    /* of another server than the one that was chosen */
	VS_IGNORED_SENDER,    /* hop limit, not link-local, wrong port */
	VS_IGNORED_STATE,     /* not awaited in this state */
	VS_IGNORED_CONTENT,   /* needed options are missing, or impossible values */
	VS_IGNORED_N,
};

/* What has happened to a source: for events, and for calls that wait until a stack is ready. */
enum vs_auto_news {
	VS_NEWS_GAINED,    /* it has an address; RA without SLAAC: a router; stateless DHCPv6: information */
	VS_NEWS_RENEWED,   /* the same one, with new lifetimes */
	VS_NEWS_CHANGED,   /* facts, routes or some of the addresses are others */
	VS_NEWS_LOST,      /* it has none any more: expired, NAK, stopped */
	VS_NEWS_CONFLICT,  /* another host uses the address */
	VS_NEWS_REFUSED,   /* the server has refused: NAK, a status code */
	VS_NEWS_SILENT,    /* no server has answered so far; said once per search */
	VS_NEWS_MANAGED,   /* RA only: an M flag has been seen: DHCPv6 for addresses */
	VS_NEWS_OTHER,     /* RA only: an O flag without M: DHCPv6 for information */
	VS_NEWS_IPV6_ONLY, /* DHCPv4 only: stopped for a while, as the network prefers IPv6 (RFC 8925) */
};

struct vs_auto_ops {
	void (*send)(void *arg, const struct vs_auto_packet *packet);
	/* Sets an address, or the lifetimes of one that is set. */
	void (*addr_set)(void *arg, const struct vs_auto_addr *addr);
	void (*addr_del)(void *arg, const struct vs_auto_addr *addr);
	void (*route_set)(void *arg, const struct vs_auto_route *route);
	void (*route_del)(void *arg, const struct vs_auto_route *route);
	void (*facts)(void *arg, const struct vs_auto_facts *facts);
	/* about: the address, or NULL. why: plain text for a message, or NULL. */
	void (*news)(void *arg, enum vs_auto_news what, const struct vs_auto_addr *about, const char *why);
	/* The lease has changed: the driver calls lease() once the machine has returned, and stores it. */
	void (*save)(void *arg);
	/* Unpredictable bytes. */
	void (*random)(void *arg, void *bytes, size_t n);
};

/* How SLAAC chooses the interface id. */
enum vs_auto_iid {
	VS_IID_NONE,   /* no SLAAC: router discovery only */
	VS_IID_EUI64,  /* from the MAC, RFC 4291 */
	VS_IID_STABLE, /* RFC 7217, from `secret` */
	VS_IID_HASH,   /* from fqdn, as the Internet-of-Threads family does */
};

/* What a machine is to do. */
struct vs_auto_config {
	char ifname[16];
	uint8_t mac[6];
	int ifindex;
	bool nodad;        /* addresses are used before duplicates are looked for; they are defended */
	const char *fqdn;  /* as text; NULL: none */
	uint8_t duid[VS_AUTO_DUID_MAX];
	uint8_t duid_len;  /* 0: DHCPv4 has the client id 01 and the MAC; DHCPv6 makes a DUID-LL */
	uint32_t iaid;     /* with duid_len != 0, RFC 4361 and RFC 8415 */
	bool rapid;        /* rapid commit */
	bool ipv6_only;    /* DHCPv4: asks for option 108 */
	bool information;  /* DHCPv6: no addresses, information-request */
	uint8_t pd_len;    /* DHCPv6: asks for a prefix with this length as a hint; 0: does not ask */
	bool release;      /* says goodbye to the server when it is stopped (-dhcp, deletion) */
	enum vs_auto_iid iid;
	uint8_t secret[16]; /* for VS_IID_STABLE */
};

/* What a lease file keeps. Lifetimes count from `obtained`. */
#define VS_AUTO_LEASE_ADDRS_MAX 4
struct vs_auto_lease {
	uint8_t n_addrs;
	struct vs_auto_addr addrs[VS_AUTO_LEASE_ADDRS_MAX];
	vs_auto_ms obtained;
	uint8_t server[VS_AUTO_DUID_MAX]; /* DHCPv4: four bytes of server identifier */
	uint8_t server_len;
	struct vs_auto_ip prefix; /* IA_PD */
	uint8_t prefix_len;
};

struct vs_auto_state {
	const char *state;      /* the RFC's name of the state, for example "BOUND" */
	vs_auto_ms since;       /* when it was entered */
	vs_auto_ms t1, t2, expiry; /* VS_AUTO_NEVER: not in this state */
	struct vs_auto_ip server;  /* or router; family 0: not known */
	uint32_t sent, received;   /* packets; received: those that were not ignored */
	uint32_t ignored[VS_IGNORED_N];
	bool ready;             /* it has what it was started for */
	bool quiet;             /* it awaits no packet but ARP: DHCPv4 that holds a lease */
	char problem[96];       /* what is wrong, plain text; "": nothing */
};

/* A kind of source: the same calls for all. */
struct vs_auto_kind {
	const char *name; /* "dhcp4", "dhcp6", "ra" */
	enum vs_auto_source source;
	size_t size;      /* of the machine: the caller allocates it, zeroed, aligned for any type */
	/* config and ops stay valid as long as the machine. Does nothing yet. */
	void (*init)(void *m, const struct vs_auto_config *config, const struct vs_auto_ops *ops,
		     void *arg);
	/* Begins. lease: a remembered one, or NULL; copied. The link counts as up. */
	void (*start)(void *m, vs_auto_ms now, const struct vs_auto_lease *lease);
	void (*input)(void *m, vs_auto_ms now, const struct vs_auto_packet *packet);
	/* To be called when deadline() has passed; an early call does nothing. */
	void (*timer)(void *m, vs_auto_ms now);
	vs_auto_ms (*deadline)(const void *m);
	/* The carrier has gone or come back: another network may be on the link. */
	void (*link)(void *m, vs_auto_ms now, bool up);
	/* IPv6: what the kernel's duplicate address detection found of an address. NULL: not used. */
	void (*detected)(void *m, vs_auto_ms now, const struct vs_auto_ip *ip, bool duplicate);
	/* Ends: takes back what it has set; tells the server if config->release. */
	void (*stop)(void *m, vs_auto_ms now);
	void (*describe)(const void *m, struct vs_auto_state *out);
	/* The lease to store. False: there is none. */
	bool (*lease)(const void *m, struct vs_auto_lease *out);
	/* The addresses that it has set now. Returns how many, at most n. */
	size_t (*addrs)(const void *m, struct vs_auto_addr *out, size_t n);
};

#endif
