/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTHDNS_DATAGRAM_H
#define VS_IOTHDNS_DATAGRAM_H

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

/* The two ends of a datagram that was received. */
struct vs_datagram {
	struct sockaddr_storage peer;
	socklen_t peer_len;
	int local_family; /* AF_UNSPEC: the stack does not tell the address that it was sent to */
	struct in_pktinfo local4;
	struct in6_pktinfo local6;
};

/* Both as recvfrom(2) and sendto(2). The reply leaves from the address that the datagram was sent to. */
ssize_t vs_datagram_receive(int fd, void *to, size_t size, struct vs_datagram *d);
ssize_t vs_datagram_reply(int fd, const void *from, size_t size, const struct vs_datagram *d);

#endif
