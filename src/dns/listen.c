/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Listening sockets by address or name. */

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "edge.h"
#include "endpoint.h"
#include "no_cancel.h"
#include <vdestack/dial.h>
#include <vdestack/dns.h>

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* The socket takes IPv4, too: it is for all addresses of both families. */
static bool is_dual(const struct vs_endpoint *at, const struct sockaddr *addr)
{
	const struct sockaddr_in6 *in6 = (const void *)addr;

	return at->family == AF_UNSPEC && addr->sa_family == AF_INET6 &&
	       IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr);
}

/* A UDP socket has no SO_REUSEADDR: with it, another program of the user could take over the port. */
static int prepare(int fd, const struct vs_endpoint *at, const struct addrinfo *info)
{
	int r = 0;

	if (info->ai_family == AF_INET6)
		r = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, !is_dual(at, info->ai_addr));
	if (r == 0 && at->type == SOCK_STREAM)
		r = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (r == 0 && bind(fd, info->ai_addr, info->ai_addrlen) < 0)
		r = -errno;
	if (r == 0 && at->type == SOCK_STREAM && listen(fd, SOMAXCONN) < 0)
		r = -errno;
	return r;
}

/* Returns a socket or -errno. */
static int open_one(struct vdestack *stack, const struct vs_endpoint *at, const struct addrinfo *info)
{
	int fd = vdestack_msocket(stack, info->ai_family, at->type | SOCK_CLOEXEC, at->protocol);

	if (fd < 0)
		return -errno;
	int r = prepare(fd, at, info);
	if (r < 0)
		(void)close(fd);
	return r < 0 ? r : fd;
}

/* Without a host, IPv6 with IPv4 comes before IPv4 alone. */
static int open_first(struct vdestack *stack, const struct vs_endpoint *at, const struct addrinfo *list)
{
	int first = at->host[0] == '\0' && at->family == AF_UNSPEC ? AF_INET6 : AF_UNSPEC;
	int err = 0;

	for (int pass = 0; pass < 2; pass++) {
		for (const struct addrinfo *info = list; info != NULL; info = info->ai_next) {
			bool now = first == AF_UNSPEC || info->ai_family == first;
			int r;

			if (now != (pass == 0))
				continue;
			r = open_one(stack, at, info);
			if (r >= 0)
				return r;
			if (err == 0 || err == EAFNOSUPPORT)
				err = -r;
			/* The port is in use: IPv4 alone would hide that. */
			if (first != AF_UNSPEC && err != EAFNOSUPPORT && err != EADDRNOTAVAIL)
				return -err;
		}
	}
	return -err;
}

static int look_up(struct vdestack *stack, const struct vs_endpoint *at, struct addrinfo **list)
{
	const struct addrinfo hints = {
		.ai_family = at->family,
		.ai_socktype = at->type,
		.ai_protocol = at->protocol,
		.ai_flags = AI_PASSIVE | (at->numeric ? AI_NUMERICHOST : 0),
	};

	return vdestack_getaddrinfo(stack, at->host[0] != '\0' ? at->host : NULL,
				    at->service[0] != '\0' ? at->service : "0", &hints, list);
}

int vdestack_listen(struct vdestack *stack, const char *network, const char *address)
{
	VS_DNS_NO_CANCEL;
	struct vs_endpoint at;
	struct addrinfo *list = NULL;
	const char *wrong = network == NULL || address == NULL ? "network or address is NULL" :
								 vs_endpoint_read(network, address, &at);

	if (wrong != NULL)
		return vs_dns_edge(EINVAL, "cannot listen at %.100s: %s", address != NULL ? address : "NULL",
				   wrong);
	int code = look_up(stack, &at, &list);
	if (code != 0)
		return vs_dns_edge(vs_dns_errno_of(code), "cannot listen at %.100s: %.300s", address,
				   vdestack_dns_last_error());
	int r = open_first(stack, &at, list);
	vdestack_freeaddrinfo(list);
	return r < 0 ? vs_dns_edge(-r, "cannot listen at %.100s: %s", address, strerrordesc_np(-r)) : r;
}
