/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RP_UDP_H
#define RP_UDP_H

/* UDP: flows of clients, and a socket inside for each. */

#include <ioth.h>

#include "hold.h"
#include "loop.h"
#include "settings.h"

#define RP_UDP_BUCKETS 1024

struct rp_udp {
	/* Of the program. */
	struct rp_loop *loop;
	struct ioth *inside; /* NULL: the network of the process */
	int64_t timeout_ms;
	unsigned limit; /* of flows */
	/* Private. */
	unsigned n;
	uint64_t seed;
	char *buffer;
	struct rp_link buckets[RP_UDP_BUCKETS];
	struct rp_link flows; /* the one that has been idle for longest first */
	struct rp_timer idle;
};

struct rp_udp_port;

/* 0 or -errno. */
int rp_udp_init(struct rp_udp *u);

/* The ports have been closed. */
void rp_udp_fini(struct rp_udp *u);

/*
 * Takes the bound descriptor fd of ioth_msocket(), also if it fails. 0 and *made, or -errno. The pointer at
 * made must stay valid until the port is closed: it becomes NULL then.
 */
int rp_udp_open(struct rp_udp *u, int fd, const struct rp_port *port, struct rp_hold *hold,
		struct rp_udp_port **made);

/*
 * Datagrams of flows that are there are still passed on, others are dropped. The port closes itself when it
 * has no flow, now or later. Not retired: all are passed on, as before. NULL is allowed.
 */
void rp_udp_retire(struct rp_udp_port *p, bool retired);

/* Ends its flows, too. NULL is allowed. */
void rp_udp_close(struct rp_udp_port *p);

#endif
