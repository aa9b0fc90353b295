/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ports that listen: of the host, opened by socket(2), and of the stack. */

#define _GNU_SOURCE
#include "listen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vdestack.h>

#define BACKLOG 4096

/* The address, and for UDP the reports that replies need. */
static int set_up(int fd, const struct vs_word *word, const union vs_endpoint *at, bool both)
{
	const int on = 1, only_v6 = !both;

	if (at->sa.sa_family == AF_INET6 &&
	    setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &only_v6, sizeof(only_v6)) < 0)
		return -errno;
	if (word->udp) {
		if (at->sa.sa_family == AF_INET6
			    ? setsockopt(fd, SOL_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) < 0
			    : setsockopt(fd, SOL_IP, IP_PKTINFO, &on, sizeof(on)) < 0)
			return -errno;
	} else if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0) {
		return -errno;
	}
	if (bind(fd, &at->sa, vs_endpoint_len(at)) < 0)
		return -errno;
	return word->udp || listen(fd, BACKLOG) == 0 ? 0 : -errno;
}

/* Opens the port at one address. `both`: also for IPv4, at an IPv6 address. A descriptor or -errno. */
static int open_at(struct vdestack *stack, const struct vs_word *word, const union vs_endpoint *at, bool both)
{
	int type = (word->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
	int fd = stack != NULL ? vdestack_msocket(stack, at->sa.sa_family, type, 0)
			       : socket(at->sa.sa_family, type, 0);

	if (fd < 0)
		return -errno;
	int r = set_up(fd, word, at, both);
	if (r == 0)
		return fd;
	(void)close(fd);
	return r;
}

int vs_listen_open(struct vs_port *port, struct vdestack *stack, char *message, size_t size)
{
	union vs_endpoint at = port->word.listen;
	socklen_t len = sizeof(port->at);
	char name[VS_ENDPOINT_TEXT];
	int fd;

	if (at.sa.sa_family != AF_UNSPEC) {
		vs_endpoint_set_port(&at, port->word.listen_port);
		fd = open_at(stack, &port->word, &at, false);
	} else {
		(void)vs_endpoint_parse("::", port->word.listen_port, &at);
		fd = open_at(stack, &port->word, &at, true);
		if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL) { /* IPv6 is off */
			(void)vs_endpoint_parse("0.0.0.0", port->word.listen_port, &at);
			fd = open_at(stack, &port->word, &at, false);
		}
	}
	if (fd < 0) {
		vs_endpoint_format(&at, name);
		(void)snprintf(message, size, "%s of the %s cannot be opened: %s%s", name,
			       stack != NULL ? "stack" : "host", strerror(-fd),
			       fd == -EACCES ? "; ports below net.ipv4.ip_unprivileged_port_start need "
					       "CAP_NET_BIND_SERVICE"
					     : "");
		return fd;
	}
	port->at = at;
	(void)getsockname(fd, &port->at.sa, &len); /* the port that was free, if it was 0 */
	port->watch.fd = fd;
	return 0;
}
