/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_UDP_H
#define PX_UDP_H

#include <lwip/udp.h>
#include <stdbool.h>

#include "socket.h"

struct px_group {
	ip_addr_t addr;
	int index; /* of the interface */
};

struct px_udp {
	struct px_socket *s;
	struct udp_pcb *pcb;
	bool v6only;
	bool readable; /* the program's queue may have datagrams */
	struct px_group *groups;
	int n_groups;
};

static inline struct px_udp *px_udp_of(struct px_socket *s)
{
	return s->state;
}

/* multicast.c */
void px_multicast_leave_all(struct px_udp *u);

#endif
