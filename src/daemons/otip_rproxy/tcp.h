/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RP_TCP_H
#define RP_TCP_H

/* TCP: connections of clients, and a connection to the server inside for each. */

#include <ioth.h>

#include "hold.h"
#include "loop.h"
#include "settings.h"

struct rp_tcp {
	/* Of the program. */
	struct rp_loop *loop;
	struct ioth *inside; /* NULL: the network of the process */
	int64_t timeout_ms;
	unsigned limit; /* of connections */
	int backlog;
	/* Private. */
	unsigned n;
	bool paused;
	char *buffer;
	struct rp_link conns, listeners; /* connections: the one that has been idle for longest first */
	struct rp_timer idle, retry;
};

struct rp_tcp_listener;

/* 0 or -errno. */
int rp_tcp_init(struct rp_tcp *t);

/* Resets all connections. The listeners have been closed. */
void rp_tcp_fini(struct rp_tcp *t);

/* Takes the bound descriptor fd of ioth_msocket(), also if it fails. 0 and *made, or -errno. */
int rp_tcp_listen(struct rp_tcp *t, int fd, const struct rp_port *port, struct rp_hold *hold,
		  struct rp_tcp_listener **made);

/* Connections that were accepted go on. NULL is allowed. */
void rp_tcp_close(struct rp_tcp_listener *l);

/* Resets the connections of one address. */
void rp_tcp_reset(struct rp_tcp *t, const struct rp_hold *hold);

#endif
