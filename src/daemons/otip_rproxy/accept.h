/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RP_ACCEPT_H
#define RP_ACCEPT_H

/* Listening sockets: clients that come, and clients that wait. */

#include "tcp.h"

struct rp_tcp_listener;

/* After rp_tcp_init(). From then on clients that wait are taken when a connection has ended. */
void rp_accept_init(struct rp_tcp *t);

/* Takes the bound descriptor fd of ioth_msocket(), also if it fails. 0 and *made, or -errno. */
int rp_accept_open(struct rp_tcp *t, int fd, const struct rp_port *port, struct rp_hold *hold,
		   struct rp_tcp_listener **made);

/* Connections that were accepted go on. NULL is allowed. */
void rp_accept_close(struct rp_tcp_listener *l);

#endif
