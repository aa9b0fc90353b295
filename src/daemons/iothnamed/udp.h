/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NM_UDP_H
#define NM_UDP_H

/* The service by UDP. Answers leave from the address that was asked. */

#include <ioth.h>

#include "client.h"
#include "loop.h"

struct nm_udp {
	struct nm_source source;
	struct nm_handler handler;
	int loop;
	bool has_addresses; /* the stack says which address was asked */
};

/* 0 or -errno. */
int nm_udp_open(struct nm_udp *udp, int loop, struct ioth *stack, const struct nm_handler *handler);
void nm_udp_close(struct nm_udp *udp);

/* An answer that the network does not take is lost, as any datagram can be. */
void nm_udp_send(struct nm_udp *udp, const struct nm_client *client, const uint8_t *bytes, size_t n);

#endif
