/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_RTNL_READY_H
#define VS_RTNL_READY_H

/* Waiting, in steps or as a whole, until a stack or a configuration can be used. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "nl.h"

/* An address that has to be usable. */
struct vs_ready_addr {
	int ifindex;
	const struct vs_conf_addr *addr;
	bool nodad; /* there is no detection: only its group has to be joined */
};

struct vs_ready {
	struct vs_nl *nl;               /* borrowed */
	const struct vs_config *config; /* borrowed; NULL: all links and all addresses */
	struct vs_ready_addr *wanted;   /* else these addresses */
	size_t n_wanted;
	int *learning;                  /* else all addresses of these interfaces, which sources set */
	size_t n_learning;
	size_t n_nodad;                 /* of the wanted ones */
	bool links;                     /* and the links of config that are on segments */
	bool at_once;                   /* the next step is due at once, not when the socket is readable */
	bool was_ready;                 /* at the last read; there may have been a change since */
	/* What the last read has found: */
	size_t n_usable;                  /* of the wanted ones */
	size_t n_joined;                  /* of those without detection */
	bool link_pending;                /* an interface is up without carrier */
	bool addr_pending;                /* an address is under detection */
	bool addr_failed;                 /* an address has been found in use elsewhere */
	char what[128];                   /* the first, or the worst, of these as text */
	int ifindex;                      /* of the address in `what`; 0: it is about a link */
	char addr[INET6_ADDRSTRLEN];
	const char *state;
};

/*
 * Subscribes, and keeps what config requests (NULL: see above). 0 or -errno with a message. Call
 * vs_ready_end() after both.
 */
int vs_ready_begin(struct vs_ready *watch, struct vs_nl *nl, const struct vs_config *config);

/*
 * The same for the IPv6 addresses that address sources have set, on the interfaces of config. One that is in
 * use elsewhere is no failure: its source finds another one.
 */
int vs_ready_begin_learned(struct vs_ready *watch, struct vs_nl *nl, const struct vs_config *config);

/*
 * Reads the state, without waiting. 0: ready; VS_NOT_YET: the next step is due when the socket (vs_nl_fd())
 * is readable, or at once; -EADDRNOTAVAIL when an address is in use elsewhere, or another -errno; then with a
 * message.
 */
int vs_ready_step(struct vs_ready *watch);

/*
 * The result for a caller that does not wait any longer: 0 if the last read found it ready, else -ETIMEDOUT
 * with a message that says what is missing.
 */
int vs_ready_late(struct vs_ready *watch);
/* What is missing, for a message. Valid until the next step. */
const char *vs_ready_missing(struct vs_ready *watch);

/*
 * Makes steps until the clock (vs_now_ms) shows deadline_ms, but at least one. Returns as vs_ready_step(), or
 * -ETIMEDOUT.
 */
int vs_ready_wait(struct vs_ready *watch, int64_t deadline_ms);

void vs_ready_end(struct vs_ready *watch);

/* Whether a configuration has anything to wait for. */
bool vs_conf_has_to_wait(const struct vs_config *config);
/* Whether it has sources of IPv6 addresses. */
bool vs_conf_learns_addrs(const struct vs_config *config);

#endif
