/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_AUTO_RA_MACHINE_H
#define VS_AUTO_RA_MACHINE_H

/* The inside of router discovery, for the files ra*.c. All tables have a fixed size. */

#include "auto/lifetime.h"
#include "auto/ra.h"
#include "proto/ndp.h"

#define VS_RA_ROUTES_MAX 8 /* of each kind */
#define VS_RA_ADDRS_MAX 8
#define VS_RA_SEARCH_MAX 8

struct vs_ra_route {
	struct vs_auto_route route; /* prefix_len and gw tell the kind */
	vs_auto_ms end;             /* 0: the entry is free */
	bool stale;                 /* not heard of since the link came back */
};

enum vs_ra_route_kind {
	VS_RA_DEFAULT, /* the router itself */
	VS_RA_MORE,    /* route information, RFC 4191 */
	VS_RA_ON_LINK, /* prefixes on the link */
	VS_RA_KINDS,
};

enum vs_ra_addr_state {
	VS_RA_FREE,
	VS_RA_TENTATIVE, /* set; duplicates are looked for */
	VS_RA_USED,
	VS_RA_DUPLICATE, /* another host has it: not set */
};

struct vs_ra_addr {
	enum vs_ra_addr_state state;
	struct vs_auto_addr addr;
	vs_auto_ms valid, preferred; /* when these lifetimes end */
	uint8_t dad_counter;         /* RFC 7217 */
	uint8_t tries;               /* addresses that were duplicates */
	bool stale;
};

struct vs_ra_server {
	uint8_t addr[16];
	vs_auto_ms end; /* 0: the entry is free, and so are those behind it */
	bool stale;
};

struct vs_ra_domain {
	vs_auto_ms end;
	uint8_t len; /* of its name in the pool; 0: the entry is free, and so are those behind it */
	bool stale;
};

struct vs_ra {
	const struct vs_auto_config *config;
	const struct vs_auto_ops *ops;
	void *arg;
	vs_auto_ms now; /* of the last call */
	bool running, up;
	bool has_address; /* the link-local address is known to be no duplicate */

	/* solicitations, RFC 7559 */
	vs_auto_ms next; /* when the next one is sent; VS_AUTO_NEVER: not searching */
	vs_auto_ms interval_ms;
	vs_auto_ms last; /* when one was sent */
	unsigned unanswered;

	bool doubtful;        /* no advertisement was heard since the link came back */
	vs_auto_ms judgement; /* when entries go that are still stale; starts with the first one */
	unsigned tokens;      /* advertisements that may be processed, */
	vs_auto_ms refilled;  /* and when one was added */

	struct vs_ra_route routes[VS_RA_KINDS][VS_RA_ROUTES_MAX];
	struct vs_ra_addr addrs[VS_RA_ADDRS_MAX];
	struct vs_ra_server dns[VS_AUTO_SERVERS_MAX];
	struct vs_ra_domain search[VS_RA_SEARCH_MAX];
	char pool[VS_AUTO_SEARCH_MAX]; /* the names of search, one behind the other */
	uint16_t mtu;

	/* what happened in this call, for the news at its end */
	bool changed, renewed, new_facts;
	bool gained; /* VS_NEWS_GAINED was said, and VS_NEWS_LOST not since */
	bool said_managed, said_other;

	const char *state;
	vs_auto_ms since;
	uint32_t sent, received, ignored[VS_IGNORED_N];
	const char *problem; /* a constant text, or NULL */
};

/* ra_hear.c */

/* An advertisement of a router, whose sender was checked. */
void vs_ra_hear(struct vs_ra *m, const struct vs_ndp_ra *ra, const struct vs_auto_ip *router);

/* ra_routes.c */

/* A route that was heard of; with lifetime 0 it is removed. Returns false if there is no room. */
bool vs_ra_route_heard(struct vs_ra *m, enum vs_ra_route_kind kind, const struct vs_auto_route *route,
		       int8_t preference);
void vs_ra_routes_expire(struct vs_ra *m);
void vs_ra_routes_stale(struct vs_ra *m);
void vs_ra_routes_drop_stale(struct vs_ra *m);
bool vs_ra_has_route(const struct vs_ra *m, enum vs_ra_route_kind kind);
vs_auto_ms vs_ra_routes_deadline(const struct vs_ra *m);

/* ra_addrs.c */

/* A prefix for addresses. Returns false if it cannot be used. */
bool vs_ra_addr_heard(struct vs_ra *m, const struct vs_ndp_prefix *prefix);
void vs_ra_addr_detected(struct vs_ra *m, const struct vs_auto_ip *ip, bool duplicate);
void vs_ra_addrs_expire(struct vs_ra *m);
void vs_ra_addrs_stale(struct vs_ra *m);
void vs_ra_addrs_deprecate_stale(struct vs_ra *m);
/* All of them, at the end. */
void vs_ra_addrs_remove(struct vs_ra *m);
/* The first one that can be used, with its lifetimes; NULL: none. */
const struct vs_auto_addr *vs_ra_addr_usable(struct vs_ra *m);
size_t vs_ra_addrs_set(const struct vs_ra *m, struct vs_auto_addr *out, size_t n);
vs_auto_ms vs_ra_addrs_deadline(const struct vs_ra *m);

/* ra_names.c */

void vs_ra_server_heard(struct vs_ra *m, const struct vs_ndp_server *server);
void vs_ra_domain_heard(struct vs_ra *m, const struct vs_ndp_domain *domain);
void vs_ra_names_expire(struct vs_ra *m);
void vs_ra_names_stale(struct vs_ra *m);
void vs_ra_names_drop_stale(struct vs_ra *m);
void vs_ra_facts(const struct vs_ra *m, struct vs_auto_facts *out);
vs_auto_ms vs_ra_names_deadline(const struct vs_ra *m);

#endif
