/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NM_CLIENT_H
#define NM_CLIENT_H

/* Where an answer goes. It can be copied and kept: a connection that has ended meanwhile is noticed. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct nm_client {
	struct in6_addr addr; /* v4-mapped */
	bool tcp;
	/* TCP */
	unsigned slot;
	uint64_t number;
	/* UDP: both ends */
	struct sockaddr_storage peer;
	socklen_t peer_len;
	int local_family; /* AF_UNSPEC: the stack chooses the source */
	struct in_pktinfo local4;
	struct in6_pktinfo local6;
};

/* Who handles requests. */
struct nm_handler {
	void (*request)(void *arg, const struct nm_client *client, const uint8_t *bytes, size_t n);
	bool (*accepts)(void *arg, const struct in6_addr *addr); /* by TCP */
	void (*failed)(void *arg);                               /* the stack has: nothing comes any more */
	void *arg;
};

#endif
