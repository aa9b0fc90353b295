/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sockets.h"

#include <errno.h>
#include <iothconf.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/resource.h>

#include "daemons/common/report.h"

#define FIRST_PORT 1024
#define BIND_TRIES 10

/* ------------------------------------------------------------------ stacks */

static int open_stack(const struct nm_stack_lines *s, struct ioth **stack)
{
	*stack = NULL;
	if (s->n == 0)
		return 0;
	*stack = ioth_newstackc(s->lines[0]);
	if (*stack == NULL) {
		dm_report(DM_ERROR, "cannot make the stack %s: %s", s->lines[0], ioth_last_error());
		return -1;
	}
	for (size_t i = 1; i < s->n; i++)
		if (ioth_config(*stack, s->lines[i]) < 0) {
			dm_report(DM_ERROR, "cannot configure the stack by %s: %s", s->lines[i],
				  ioth_last_error());
			return -1;
		}
	return 0;
}

int nm_stacks_open(const struct nm_config *config, struct ioth *stacks[NM_N_STACKS])
{
	stacks[NM_SERVICE] = stacks[NM_FORWARD] = NULL;
	if (open_stack(&config->stacks[NM_SERVICE], &stacks[NM_SERVICE]) < 0)
		return -1;
	if (!config->one_stack)
		return open_stack(&config->stacks[NM_FORWARD], &stacks[NM_FORWARD]);
	stacks[NM_FORWARD] = stacks[NM_SERVICE];
	return 0;
}

void nm_stacks_close(struct ioth *stacks[NM_N_STACKS])
{
	if (stacks[NM_FORWARD] != NULL && stacks[NM_FORWARD] != stacks[NM_SERVICE])
		(void)ioth_delstack(stacks[NM_FORWARD]);
	if (stacks[NM_SERVICE] != NULL)
		(void)ioth_delstack(stacks[NM_SERVICE]);
	stacks[NM_SERVICE] = stacks[NM_FORWARD] = NULL;
}

/* ------------------------------------------------------------------ sockets */

static int close_with(int fd, int error)
{
	(void)ioth_close(fd);
	return -error;
}

/* Also of stacks that do not know SOCK_NONBLOCK. */
static int new_socket(struct ioth *stack, int family, int type)
{
	int one = 1, fd = ioth_msocket(stack, family, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno == ENETDOWN ? -ESTALE : -errno;
	return ioth_ioctl(fd, FIONBIO, &one) < 0 ? close_with(fd, errno) : fd;
}

bool nm_stack_failed(struct ioth *stack)
{
	int fd = stack != NULL ? new_socket(stack, AF_INET6, SOCK_DGRAM) : -1;

	if (fd >= 0)
		(void)ioth_close(fd);
	return fd == -ESTALE;
}

static socklen_t fill_address(struct sockaddr_storage *to, int family, const struct in6_addr *addr,
			      uint16_t port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = *addr };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };

	memcpy(&four.sin_addr, &addr->s6_addr[12], 4);
	memset(to, 0, sizeof(*to));
	if (family == AF_INET6)
		memcpy(to, &six, sizeof(six));
	else
		memcpy(to, &four, sizeof(four));
	return family == AF_INET6 ? sizeof(six) : sizeof(four);
}

static int serve(struct ioth *stack, int family, int type, uint16_t port)
{
	struct sockaddr_storage any;
	socklen_t len = fill_address(&any, family, &in6addr_any, port);
	int one = 1, off = 0, fd = new_socket(stack, family, type);

	if (fd < 0)
		return fd;
	if (type == SOCK_STREAM) /* connections of a server before this one may wait for their end */
		(void)ioth_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (family == AF_INET6 && ioth_setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0)
		return close_with(fd, errno);
	if (ioth_bind(fd, (struct sockaddr *)&any, len) < 0)
		return close_with(fd, errno);
	return fd;
}

int nm_socket_serve(struct ioth *stack, int type, uint16_t port)
{
	int fd = serve(stack, AF_INET6, type, port);

	if (fd == -EADDRINUSE || fd == -EACCES || fd >= 0)
		return fd;
	return serve(stack, AF_INET, type, port); /* a host without IPv6 */
}

/* A port that others cannot guess. */
static int bind_random(int fd, int family)
{
	struct sockaddr_storage any;
	uint16_t port;

	for (int i = 0; i < BIND_TRIES; i++) {
		if (getrandom(&port, sizeof(port), 0) != (ssize_t)sizeof(port))
			return -EIO;
		if (port < FIRST_PORT)
			continue;
		socklen_t len = fill_address(&any, family, &in6addr_any, port);
		if (ioth_bind(fd, (struct sockaddr *)&any, len) == 0)
			return 0;
		if (errno != EADDRINUSE && errno != EACCES)
			return -errno;
	}
	return -EADDRINUSE;
}

int nm_socket_connect(struct ioth *stack, int type, const struct in6_addr *addr, uint16_t port)
{
	struct sockaddr_storage to;
	int family = IN6_IS_ADDR_V4MAPPED(addr) ? AF_INET : AF_INET6;
	socklen_t len = fill_address(&to, family, addr, port);
	int fd = new_socket(stack, family, type);

	if (fd < 0)
		return fd;
	if (type == SOCK_DGRAM) {
		int r = bind_random(fd, family);
		if (r < 0)
			return close_with(fd, -r);
	}
	if (ioth_connect(fd, (struct sockaddr *)&to, len) < 0 && errno != EINPROGRESS)
		return close_with(fd, errno);
	return fd;
}

struct in6_addr nm_socket_address(const struct sockaddr_storage *from)
{
	struct in6_addr addr = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

	if (from->ss_family == AF_INET6)
		return ((const struct sockaddr_in6 *)(const void *)from)->sin6_addr;
	memcpy(&addr.s6_addr[12], &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
	return addr;
}

size_t nm_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1024;
	return limit.rlim_cur < 65536 ? (size_t)limit.rlim_cur : 65536;
}
