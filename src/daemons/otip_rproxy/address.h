/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RP_ADDRESS_H
#define RP_ADDRESS_H

/* One one-time address, and the ports that are open at it. Its life stands in addresses.c. */

#include "loop.h"
#include "settings.h"
#include "tcp.h"
#include "udp.h"

/* Where addresses are made. */
struct rp_place {
	struct rp_loop *loop;
	const struct rp_settings *settings;
	struct ioth *outside;
	int ifindex;
	struct rp_tcp *tcp;
	struct rp_udp *udp;
	void (*unused)(struct rp_place *p); /* the last user of a retired address has gone */
};

enum rp_address_state { RP_LIVE, RP_RETIRED };

struct rp_tcp_listener;

union rp_service {
	struct rp_tcp_listener *tcp;
	struct rp_udp_port *udp;
};

struct rp_address {
	struct rp_place *place;
	enum rp_address_state state;
	const struct rp_name *name;
	int64_t slot;
	struct in6_addr addr;
	bool added;    /* to the stack */
	bool reported; /* a failure, which is not reported again */
	struct rp_hold hold;
	struct rp_link link; /* of the owner */
	union rp_service
		services[]; /* one for each port of the settings; NULL: it is closed, or of another name */
};

/* It is in no list, and not in the stack. NULL: no memory. */
struct rp_address *rp_address_new(struct rp_place *place, const struct rp_name *name, int64_t slot);

/* Takes it out of the stack and the list, resets its connections, and frees it. */
void rp_address_remove(struct rp_address *a);

/* No new clients from now on, or new ones again. */
void rp_address_retire(struct rp_address *a, bool retired);

/* When a retired one can go; RP_NEVER: it is used. */
int64_t rp_address_end(const struct rp_address *a);

/*
 * Puts it into the stack. 0 or -errno, also for one that is there as it has to be. One that is there the
 * first time was left by a process that did not end well.
 */
int rp_address_add(struct rp_address *a);

/* Opens those of its ports that are not open. 0, or -errno of what failed, after a message. */
int rp_address_open(struct rp_address *a);

/* Reports that this failed, once; number: of a port, 0 for none. Returns err. */
int rp_address_failed(struct rp_address *a, const char *what, unsigned number, int err);

#endif
