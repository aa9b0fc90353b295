/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PRELOAD_UNSETTLED_H
#define VS_PRELOAD_UNSETTLED_H

/*
 * Which sockets rules may still move, and by which addresses. Both engines ask here, so that they do the
 * same.
 *
 * A socket gets its port by bind(2), connect(2), or the first datagram. So the port and the state of TCP
 * tell, and no table of descriptors is needed. Signal-safe.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct vs_unsettled {
	int family, type, protocol;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_storage room;
	} own; /* its address */
};

/* True: an inet socket whose network the call may still decide. binds: the call is bind(2). */
bool vs_unsettled_read(int fd, bool binds, struct vs_unsettled *out);

/* The network of a socket, the cookie of its namespace. 0: not known. */
uint64_t vs_unsettled_network(int fd);

/* Whether the kernel takes such an address for inet sockets. It refuses shorter ones. */
bool vs_unsettled_is_address(const struct sockaddr *addr, size_t len);

#endif
