/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "attempt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vdestack.h>
#include <vdestack/conf.h>

static socklen_t length_of(const union vs_race_addr *addr)
{
	return addr->any.sa_family == AF_INET6 ? sizeof(addr->in6) : sizeof(addr->in);
}

/*
 * A TCP socket that connects to a free port of its own stack may get that very port as its own. Then it is
 * connected to itself: nobody listens there.
 */
static bool is_itself(int fd)
{
	union vs_race_addr here = { 0 }, there = { 0 };
	socklen_t here_len = sizeof(here), there_len = sizeof(there);

	return getsockname(fd, &here.any, &here_len) == 0 && getpeername(fd, &there.any, &there_len) == 0 &&
	       here_len == there_len && memcmp(&here, &there, here_len) == 0;
}

static int connected(int fd, int type)
{
	return type == SOCK_STREAM && is_itself(fd) ? -ECONNREFUSED : 0;
}

int vs_attempt_start(struct vdestack *stack, const union vs_race_addr *addr, int type, int protocol, int *fd)
{
	int r;

	*fd = vdestack_msocket(stack, addr->any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (*fd < 0)
		return -errno;
	if (connect(*fd, &addr->any, length_of(addr)) == 0)
		r = connected(*fd, type);
	else /* EINTR: it goes on, as after EINPROGRESS */
		r = errno == EINPROGRESS || errno == EINTR ? VS_ATTEMPT_GOES_ON : -errno;
	if (r < 0) {
		(void)close(*fd);
		*fd = -1;
	}
	return r;
}

int vs_attempt_result(int fd, int type)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		return -errno;
	return err != 0 ? -err : connected(fd, type);
}

int vs_attempt_release(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ? -errno : 0;
}

/* "%vde0"; the number if the interface has gone. */
static void scope_text(struct vdestack *stack, uint32_t index, char text[IF_NAMESIZE + 1])
{
	char name[IF_NAMESIZE];

	if (vdestack_if_indextoname(stack, (int)index, name) == 0)
		(void)snprintf(text, IF_NAMESIZE + 1, "%%%s", name);
	else
		(void)snprintf(text, IF_NAMESIZE + 1, "%%%u", index);
}

char *vs_attempt_text(struct vdestack *stack, const union vs_race_addr *addr, char *text, size_t size)
{
	bool ip6 = addr->any.sa_family == AF_INET6;
	char ip[INET6_ADDRSTRLEN] = "", scope[IF_NAMESIZE + 1] = "";
	const void *bytes = ip6 ? (const void *)&addr->in6.sin6_addr : &addr->in.sin_addr;

	(void)inet_ntop(addr->any.sa_family, bytes, ip, sizeof(ip));
	if (ip6 && addr->in6.sin6_scope_id != 0)
		scope_text(stack, addr->in6.sin6_scope_id, scope);
	(void)snprintf(text, size, "%s%s port %u", ip, scope,
		       ntohs(ip6 ? addr->in6.sin6_port : addr->in.sin_port));
	return text;
}
