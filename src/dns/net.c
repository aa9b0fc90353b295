/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include <vdestack/sources.h>

int vs_net_take(struct vs_net *net, const struct vdestack_dns_net *calls)
{
	const unsigned char *bytes = (const void *)calls;

	memset(net, 0, sizeof(*net));
	if (calls == NULL || calls->size < offsetof(struct vdestack_dns_net, close)) {
		vs_dns_error_set("the functions of the network have no size");
		return -EINVAL;
	}
	for (size_t i = sizeof(net->calls); i < calls->size; i++) {
		if (bytes[i] != 0) {
			vs_dns_error_set("the network has functions that this version does not know");
			return -E2BIG;
		}
	}
	memcpy(&net->calls, calls, calls->size < sizeof(net->calls) ? calls->size : sizeof(net->calls));
	if (net->calls.socket == NULL) {
		vs_dns_error_set("the network has no function that makes sockets");
		return -EINVAL;
	}
	if ((net->calls.getifaddrs == NULL) != (net->calls.freeifaddrs == NULL)) {
		vs_dns_error_set("of getifaddrs and freeifaddrs, one is missing");
		return -EINVAL;
	}
	return 0;
}

/* ------------------------------------------------------------------ sockets */

int vs_net_socket(const struct vs_net *net, int domain, int type, int protocol)
{
	type |= SOCK_CLOEXEC;
	if (net->stack != NULL)
		return vdestack_msocket(net->stack, domain, type, protocol);
	return net->calls.socket(net->calls.arg, domain, type, protocol);
}

int vs_net_close(const struct vs_net *net, int fd)
{
	return net->calls.close != NULL ? net->calls.close(net->calls.arg, fd) : close(fd);
}

int vs_net_connect(const struct vs_net *net, int fd, const struct sockaddr *addr, socklen_t len)
{
	if (net->calls.connect != NULL)
		return net->calls.connect(net->calls.arg, fd, addr, len);
	return connect(fd, addr, len);
}

int vs_net_getsockname(const struct vs_net *net, int fd, struct sockaddr *addr, socklen_t *len)
{
	if (net->calls.getsockname != NULL)
		return net->calls.getsockname(net->calls.arg, fd, addr, len);
	return getsockname(fd, addr, len);
}

ssize_t vs_net_recvfrom(const struct vs_net *net, int fd, void *buf, size_t size, int flags,
			struct sockaddr *from, socklen_t *from_len)
{
	if (net->calls.recvfrom != NULL)
		return net->calls.recvfrom(net->calls.arg, fd, buf, size, flags, from, from_len);
	return recvfrom(fd, buf, size, flags, from, from_len);
}

ssize_t vs_net_sendmsg(const struct vs_net *net, int fd, const struct msghdr *message, int flags)
{
	if (net->calls.sendmsg != NULL)
		return net->calls.sendmsg(net->calls.arg, fd, message, flags);
	return sendmsg(fd, message, flags);
}

/* ------------------------------------------------------------------ interfaces and settings */

uint32_t vs_net_index(const struct vs_net *net, const char *name)
{
	if (net->stack != NULL) {
		int index = vdestack_if_nametoindex(net->stack, name);
		return index > 0 ? (uint32_t)index : 0;
	}
	return net->calls.if_nametoindex != NULL ? net->calls.if_nametoindex(net->calls.arg, name) : 0;
}

bool vs_net_ifname(const struct vs_net *net, uint32_t index, char name[IF_NAMESIZE])
{
	if (net->stack != NULL)
		return vdestack_if_indextoname(net->stack, (int)index, name) == 0;
	return net->calls.if_indextoname != NULL &&
	       net->calls.if_indextoname(net->calls.arg, index, name) != NULL;
}

int vs_net_resolvconf(const struct vs_net *net, char *buf, size_t size, const char **refusal)
{
	int n = 0;

	if (net->stack != NULL) {
		n = vdestack_resolvconf(net->stack, NULL, buf, size);
		*refusal = vdestack_last_error();
	} else if (net->calls.resolvconf != NULL) {
		n = net->calls.resolvconf(net->calls.arg, buf, size);
		*refusal = n < 0 ? strerrordesc_np(errno) : "";
	}
	return n;
}

bool vs_net_has_addresses(const struct vs_net *net)
{
	return net->stack != NULL || net->calls.getifaddrs != NULL;
}

static int of_stack(struct vdestack *stack, struct vdestack_addr **list)
{
	size_t n = 16;

	for (int tries = 0; tries < 8; tries++) {
		struct vdestack_addr *to = calloc(n, sizeof(*to));
		if (to == NULL)
			return -ENOMEM;
		int have = vdestack_addr_list(stack, NULL, to, n, sizeof(*to));
		if (have >= 0 && (size_t)have <= n) {
			*list = to;
			return have;
		}
		free(to);
		if (have < 0)
			return -errno;
		n = (size_t)have + 8;
	}
	return -EAGAIN;
}

/* The ones at the beginning of a netmask. */
static unsigned mask_length(const uint8_t *mask, size_t n)
{
	unsigned length = 0;

	for (size_t i = 0; i < n; i++)
		for (unsigned bit = 0x80; bit != 0; bit >>= 1) {
			if (!(mask[i] & bit))
				return length;
			length++;
		}
	return length;
}

static const uint8_t *bytes_of(const struct sockaddr *addr)
{
	return addr->sa_family == AF_INET
		       ? (const uint8_t *)&((const struct sockaddr_in *)(const void *)addr)->sin_addr
		       : (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr;
}

/* False: it is no address of IPv4 or IPv6. */
static bool read_entry(const struct ifaddrs *entry, struct vdestack_addr *to)
{
	size_t n;

	if (entry->ifa_addr == NULL ||
	    (entry->ifa_addr->sa_family != AF_INET && entry->ifa_addr->sa_family != AF_INET6))
		return false;
	to->family = entry->ifa_addr->sa_family;
	n = to->family == AF_INET ? 4 : 16;
	to->prefix_len = (unsigned)n * 8;
	if (entry->ifa_netmask != NULL && entry->ifa_netmask->sa_family == entry->ifa_addr->sa_family)
		to->prefix_len = mask_length(bytes_of(entry->ifa_netmask), n);
	return inet_ntop(to->family, bytes_of(entry->ifa_addr), to->addr, sizeof(to->addr)) != NULL;
}

static int of_calls(const struct vdestack_dns_net *calls, struct vdestack_addr **list)
{
	struct ifaddrs *all = NULL;
	size_t n = 0, have = 0;

	if (calls->getifaddrs(calls->arg, &all) < 0)
		return errno > 0 ? -errno : -EIO;
	for (const struct ifaddrs *at = all; at != NULL; at = at->ifa_next)
		n++;
	struct vdestack_addr *to = calloc(n > 0 ? n : 1, sizeof(*to));
	for (const struct ifaddrs *at = all; to != NULL && at != NULL; at = at->ifa_next)
		have += read_entry(at, &to[have]);
	calls->freeifaddrs(calls->arg, all);
	if (to == NULL)
		return -ENOMEM;
	*list = to;
	return (int)have;
}

int vs_net_addresses(const struct vs_net *net, struct vdestack_addr **list, const char **refusal)
{
	int n = 0;

	if (net->stack != NULL)
		n = of_stack(net->stack, list);
	else if (net->calls.getifaddrs != NULL)
		n = of_calls(&net->calls, list);
	*refusal = n >= 0 ? "" : net->stack != NULL ? vdestack_last_error() : strerrordesc_np(-n);
	return n;
}
