/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RP_TCP_H
#define RP_TCP_H

/* TCP: connections of clients, and a connection to the server inside for each. */

#include <ioth.h>

#include "hold.h"
#include "loop.h"
#include "relay.h"
#include "settings.h"

struct rp_tcp {
	/* Of the program. */
	struct rp_loop *loop;
	struct ioth *inside; /* NULL: the network of the process */
	int64_t timeout_ms;
	unsigned limit; /* of connections */
	int backlog;
	void (*room)(struct rp_tcp *t); /* a connection has ended. Set by rp_accept_init(), or NULL */
	/* Private. */
	unsigned n;
	bool paused;
	struct rp_relays relays;
	struct rp_link conns, listeners; /* connections: the one that has been idle for longest first */
	struct rp_link closing;          /* connections whose last bytes are on their way */
	struct rp_timer idle, retry, close;
};

/* 0 or -errno. */
int rp_tcp_init(struct rp_tcp *t);

/* Resets all connections. The listeners have been closed. */
void rp_tcp_fini(struct rp_tcp *t);

/* Takes both descriptors: that of a client, and a socket that is to be connected to the server inside. */
void rp_tcp_connect(struct rp_tcp *t, const struct rp_port *port, struct rp_hold *hold, int client,
		    int server);

/* Resets the connections of one address. */
void rp_tcp_reset(struct rp_tcp *t, const struct rp_hold *hold);

#endif
