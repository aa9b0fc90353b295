/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_SERVERS_H
#define VDESTACK_TESTS_SERVERS_H

/*
 * Real DHCP servers and routers, each run as a command in a stack of the case. They read a configuration that
 * is made here from a plan, and keep their leases in the directory of the case. A call that cannot do its
 * work fails the case and prints the log of the server. A case without the program of a server is skipped.
 *
 *     struct server_plan plan = { .subnet = "10.7.0.0/24", .first = "10.7.0.100", ... };
 *     struct server s = { .kind = SERVER_KEA4, .stack = stack, .plan = &plan };
 *     server_start(&s);
 *
 * Root and an ordinary user can run all of them. The programs are copied into the directory of the case:
 * the AppArmor profiles of a distribution belong to paths, and would not let them read their configuration.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct vdestack;

enum server_kind {
	SERVER_DNSMASQ4, /* its shortest lease is 120 s */
	SERVER_DNSMASQ6, /* DHCPv6 and router advertisements */
	SERVER_KEA4,
	SERVER_KEA6,
	SERVER_DHCPD4,
	SERVER_DHCPD6,
	SERVER_UDHCPD,
	SERVER_RADVD,
	SERVER_N,
};

/* What a server gives to its clients. 0, NULL and false: the option is not sent. */
struct server_plan {
	const char *subnet;       /* "10.7.0.0/24", "fd07::/64": the network of the server's interface */
	const char *first, *last; /* the pool; for DHCPv6 first == NULL: no addresses */
	unsigned lease_s;         /* valid lifetime of addresses */
	unsigned t1_s, t2_s;      /* not for udhcpd and dnsmasq; dhcpd -6 has its own */
	const char *router, *dns, *domain, *ntp;
	const char *route, *route_gw; /* option 121: "192.0.2.0/24" and its router, with the default route */
	unsigned mtu;
	const char *pd; /* DHCPv6: a network that is delegated in parts of length pd_len */
	unsigned pd_len;
	bool rapid; /* DHCPv6: rapid commit is allowed */
	bool quiet;               /* DHCPv4: not "authoritative" */
	/* Router advertisements. */
	bool no_slaac;        /* the prefix has no A flag */
	bool managed, other;  /* the flags M and O */
	unsigned router_s;    /* lifetime of the router; 0: 1800 s */
	unsigned preferred_s; /* of addresses and prefixes; 0: that of lease_s */
};

struct server {
	enum server_kind kind;
	struct vdestack *stack;         /* with an address in the subnet on its interface vde0 */
	const struct server_plan *plan; /* may be changed before server_restart() */
	const char *name;               /* of its directory; NULL: that of its kind */
	/* Set by server_start(). */
	char dir[200];
	int pidfd, status_fd;
	int starts;
};

/* The name of its program. */
const char *server_program(enum server_kind kind);

/* Returns when the server answers requests. Leases of an earlier start in this case are kept. */
void server_start(struct server *server);
/* SIGTERM, and waits for the end. The leases stay. */
void server_stop(struct server *server);
/* Stops it as a crash does. */
void server_kill(struct server *server);
void server_restart(struct server *server);
/* Removes the leases of a stopped server. */
void server_forget(struct server *server);
/* A stopped server (SIGSTOP) reads no requests, but its sockets stay. */
void server_pause(struct server *server, bool paused);

/* The log of the last start, in a static buffer. */
const char *server_log(const struct server *server);
/* How often `text` occurs in the log. */
int server_said(const struct server *server, const char *text);
/* Waits until it occurs n times. False when the time has passed. */
bool server_wait_log(const struct server *server, const char *text, int n, int timeout_ms);

#endif
