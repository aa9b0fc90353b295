/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What conf/ needs of core/, without a keeper: see fake_core.h. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/sources.h"
#include "core/stack.h"
#include "fake_core.h"

/* The linker sends calls of these five here (ld --wrap). */
int __wrap_vdestack_msocket(struct vdestack *stack, int domain, int type, int protocol);
int __wrap_vs_stack_sysctl_set(struct vdestack *stack, const char *name, const char *value);
int __wrap_vs_stack_sysctl_get(struct vdestack *stack, const char *name, char *buf, size_t size);
int __wrap_vs_sources_wait(struct vdestack *stack, const char *ifname, int timeout_ms);
int __wrap_vs_sources_look(struct vdestack *stack, struct vs_learned *out);

int __wrap_vdestack_msocket(struct vdestack *stack, int domain, int type, int protocol)
{
	if (stack == NULL)
		return vs_edge(vs_fail_static(EINVAL, "cannot make a socket: not a stack"));
	int fd = socket(domain, type, protocol);
	if (fd < 0)
		return vs_edge(vs_fail_static(errno, "cannot make a socket"));
	if (stack->receive_buffer != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &stack->receive_buffer, sizeof(int));
	return fd;
}

static int open_sysctl(const struct vdestack *stack, const char *name, int flags)
{
	char path[512];

	if (stack == NULL)
		return -EINVAL;
	(void)snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	int fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int __wrap_vs_stack_sysctl_set(struct vdestack *stack, const char *name, const char *value)
{
	VS_AUTO_CLOSE fd = open_sysctl(stack, name, O_WRONLY);

	if (fd < 0)
		return fd;
	return write(fd, value, strlen(value)) < 0 ? -errno : 0;
}

int __wrap_vs_stack_sysctl_get(struct vdestack *stack, const char *name, char *buf, size_t size)
{
	VS_AUTO_CLOSE fd = open_sysctl(stack, name, O_RDONLY);

	if (fd < 0)
		return fd;
	ssize_t n = read(fd, buf, size);
	if (n < 0)
		return -errno;
	if ((size_t)n == size)
		return -ERANGE;
	buf[n] = '\0';
	return (int)n;
}

/* There are no address sources. */
int __wrap_vs_sources_wait(struct vdestack *stack, const char *ifname, int timeout_ms)
{
	(void)stack;
	(void)ifname;
	(void)timeout_ms;
	return 0;
}

int __wrap_vs_sources_look(struct vdestack *stack, struct vs_learned *out)
{
	(void)stack;
	(void)out;
	return 0;
}
