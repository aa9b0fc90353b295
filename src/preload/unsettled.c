/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "unsettled.h"

#include <netinet/tcp.h>
#include <string.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

static int option(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value : -1;
}

/*
 * A TCP socket that is bound but neither listens nor is connected. Its connect(2) may move it. What a UDP
 * socket with a port has done cannot be seen: it may be a server, whose answers must not move it.
 */
static bool is_only_bound(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 && info.tcpi_state == TCP_CLOSE;
}

bool vs_unsettled_read(int fd, bool binds, struct vs_unsettled *out)
{
	socklen_t len = sizeof(out->own);

	memset(&out->own, 0, sizeof(out->own));
	if (getsockname(fd, &out->own.any, &len) < 0)
		return false;
	out->family = out->own.any.sa_family;
	if (out->family != AF_INET && out->family != AF_INET6)
		return false;
	in_port_t port = out->family == AF_INET ? out->own.v4.sin_port : out->own.v6.sin6_port;
	if (port != 0 && (binds || !is_only_bound(fd)))
		return false;
	out->type = option(fd, SO_TYPE);
	out->protocol = option(fd, SO_PROTOCOL);
	return out->type >= 0 && out->protocol >= 0 && (port == 0 || out->type == SOCK_STREAM);
}

uint64_t vs_unsettled_network(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	return getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) == 0 ? cookie : 0;
}

bool vs_unsettled_is_address(const struct sockaddr *addr, size_t len)
{
	return len >= sizeof(struct sockaddr_in) &&
	       (addr->sa_family == AF_INET ||
		(addr->sa_family == AF_INET6 && len >= offsetof(struct sockaddr_in6, sin6_scope_id)));
}
