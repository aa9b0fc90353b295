/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ND_PORT_H
#define ND_PORT_H

/* The socket of the server, on one interface: messages of clients and relays, and answers. */

#include <netinet/in.h>

#include "daemons/dhcp/link.h"
#include "decide.h"

#define ND_MESSAGE_MAX 65535

/* Where a message comes from, and to which address of ours. */
struct nd_peer {
	struct sockaddr_in6 from;
	struct in6_addr to; /* all zero: not known */
	unsigned ifindex;   /* 0: not known */
};

struct nd_port {
	int fd;
	unsigned ifindex;
};

/*
 * Opens the socket, and waits for a moment until the interface has an address. 0, or -1 after a report. The
 * caller closes it, also after a failure.
 */
int nd_port_open(struct nd_port *port, const struct dh_link *link);

void nd_port_close(struct nd_port *port);

/* Receives a message of this interface. Its length, 0: none (another interface), -errno (EAGAIN: none). */
ssize_t nd_port_receive(const struct nd_port *port, uint8_t *bytes, size_t size, struct nd_peer *peer);

/* Answers it; relayed: to a relay. 0 or -errno. */
int nd_port_send(const struct nd_port *port, const struct nd_peer *peer, bool relayed, const uint8_t *bytes,
		 size_t n);

#endif
