/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_SOCKOPT_H
#define PX_SOCKOPT_H

/* The options of TCP and UDP sockets that lwIP has. All others: -ENOPROTOOPT. docs/picox.md has the table. */

#include "socket.h"

int px_sockopt_set(struct px_socket *s, int level, int name, const void *value, socklen_t len);
int px_sockopt_get(struct px_socket *s, int level, int name, void *value, socklen_t *len);

/* The part that pcbs have in common. NULL: there is no pcb any more. */
struct ip_pcb *px_sockopt_pcb(struct px_socket *s);

/* multicast.c. -ENOPROTOOPT: not one of these. */
int px_multicast_set(struct px_socket *s, int level, int name, const void *value, socklen_t len);

#endif
