/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Interfaces: getifaddrs(3), if_nametoindex(3), if_indextoname(3), if_nameindex(3), and the requests of
 * netdevice(7) on sockets that are not of a network.
 *
 * A socket of the stack answers SIOCGIF... for the stack by itself. Programs also send these requests to a
 * unix socket, which stays in the host's network. Then a socket of the stack gets the request.
 *
 * Results have the layout of glibc's: getifaddrs(3) is one block, if_nameindex(3) is an array of names that
 * are blocks of their own.
 */

#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "questions.h"
#include "shim.h"
#include "shim_lookups.h"
#include "shim_names.h"

/* ------------------------------------------------------------------ getifaddrs */

static size_t size_of(const struct sockaddr *sa)
{
	if (sa == NULL)
		return 0;
	switch (sa->sa_family) {
	case AF_INET:
		return sizeof(struct sockaddr_in);
	case AF_INET6:
		return sizeof(struct sockaddr_in6);
	default:
		return sizeof(struct sockaddr_ll);
	}
}

/* One entry of the block. */
struct entry {
	struct ifaddrs ifa;
	char name[IF_NAMESIZE];
	struct sockaddr_storage addr[3];
	struct rtnl_link_stats stats;
};

static struct sockaddr *copy_addr(struct sockaddr_storage *to, const struct sockaddr *from)
{
	return from != NULL ? memcpy(to, from, size_of(from)) : NULL;
}

static void copy_entry(struct entry *e, const struct ifaddrs *from)
{
	e->ifa = *from;
	e->ifa.ifa_next = NULL;
	e->ifa.ifa_name = strncpy(e->name, from->ifa_name, IF_NAMESIZE - 1);
	e->ifa.ifa_addr = copy_addr(&e->addr[0], from->ifa_addr);
	e->ifa.ifa_netmask = copy_addr(&e->addr[1], from->ifa_netmask);
	e->ifa.ifa_broadaddr = copy_addr(&e->addr[2], from->ifa_broadaddr);
	if (from->ifa_data != NULL)
		e->ifa.ifa_data = memcpy(&e->stats, from->ifa_data, sizeof(e->stats));
}

/* In glibc's order: the links, then IPv4, then IPv6 addresses. NULL: no memory. */
static struct entry *copy_all(const struct ifaddrs *list)
{
	static const int families[] = { AF_PACKET, AF_INET, AF_INET6 };
	struct entry *block, *at;
	size_t n = 1;

	for (const struct ifaddrs *ifa = list; ifa != NULL; ifa = ifa->ifa_next)
		n++;
	at = block = calloc(n, sizeof(*block));
	for (size_t i = 0; block != NULL && i < 3; i++)
		for (const struct ifaddrs *ifa = list; ifa != NULL; ifa = ifa->ifa_next)
			if (ifa->ifa_addr != NULL && ifa->ifa_addr->sa_family == families[i]) {
				copy_entry(at, ifa);
				if (at > block)
					at[-1].ifa.ifa_next = &at->ifa;
				at++;
			}
	return block;
}

/* Who answers, in a call of ours. 0, VS_SHIM_LIBC, or -1 with errno. */
static int whose(unsigned *stack)
{
	int r = vs_shim_whose(NULL, stack);

	if (r < 0)
		errno = -r;
	return r < 0 ? -1 : r;
}

/* The library that has answered: it frees the list. NULL with errno: there is no list. */
static const struct vs_lookups *list_all(unsigned stack, struct ifaddrs **list)
{
	const struct vs_lookups *lookups = vs_shim_lookups();

	return lookups != NULL && lookups->getifaddrs(stack, list) == 0 ? lookups : NULL;
}

VS_SHIM_EXPORT int getifaddrs(struct ifaddrs **result)
{
	static _Atomic(__typeof__(&getifaddrs)) next;
	const struct vs_lookups *lookups;
	unsigned stack;
	struct ifaddrs *list;
	int r = whose(&stack);

	if (r == VS_SHIM_LIBC)
		return VS_SHIM_LIBC_CALL(next, "getifaddrs", -1, result);
	VS_SHIM_INSIDE;
	lookups = r == 0 ? list_all(stack, &list) : NULL;
	if (lookups == NULL)
		return -1;
	struct entry *block = copy_all(list);
	lookups->freeifaddrs(list);
	if (block == NULL)
		return -1;
	*result = &block->ifa;
	return 0;
}

/* ------------------------------------------------------------------ names and indexes */

VS_SHIM_EXPORT unsigned if_nametoindex(const char *name)
{
	static _Atomic(__typeof__(&if_nametoindex)) next;
	const struct vs_lookups *lookups;
	unsigned stack;
	int r = whose(&stack);

	if (r == VS_SHIM_LIBC)
		return VS_SHIM_LIBC_CALL(next, "if_nametoindex", 0, name);
	VS_SHIM_INSIDE;
	lookups = r == 0 ? vs_shim_lookups() : NULL;
	r = lookups != NULL ? lookups->if_nametoindex(stack, name) : -1;
	return r > 0 ? (unsigned)r : 0;
}

VS_SHIM_EXPORT char *if_indextoname(unsigned index, char name[IF_NAMESIZE])
{
	static _Atomic(__typeof__(&if_indextoname)) next;
	const struct vs_lookups *lookups;
	unsigned stack;
	int r = whose(&stack);

	if (r == VS_SHIM_LIBC)
		return VS_SHIM_LIBC_CALL(next, "if_indextoname", NULL, index, name);
	VS_SHIM_INSIDE;
	lookups = r == 0 ? vs_shim_lookups() : NULL;
	r = lookups != NULL ? lookups->if_indextoname(stack, (int)index, name) : -1;
	if (r < 0 && (errno == ENODEV || errno == EINVAL))
		errno = ENXIO; /* as libc */
	return r == 0 ? name : NULL;
}

static void free_names(struct if_nameindex *list)
{
	for (struct if_nameindex *at = list; at != NULL && at->if_name != NULL; at++)
		free(at->if_name);
	free(list);
}

static struct if_nameindex *names_of(const struct ifaddrs *list)
{
	size_t n = 0;

	for (const struct ifaddrs *ifa = list; ifa != NULL; ifa = ifa->ifa_next)
		n++;
	struct if_nameindex *names = calloc(n + 1, sizeof(*names)), *at = names;
	for (const struct ifaddrs *ifa = list; names != NULL && ifa != NULL; ifa = ifa->ifa_next) {
		if (ifa->ifa_addr == NULL || ifa->ifa_addr->sa_family != AF_PACKET)
			continue;
		at->if_index =
			(unsigned)((const struct sockaddr_ll *)(const void *)ifa->ifa_addr)->sll_ifindex;
		at->if_name = strdup(ifa->ifa_name);
		if (at++->if_name == NULL) {
			free_names(names);
			return NULL;
		}
	}
	return names;
}

VS_SHIM_EXPORT struct if_nameindex *if_nameindex(void)
{
	static _Atomic(__typeof__(&if_nameindex)) next;
	const struct vs_lookups *lookups;
	unsigned stack;
	struct ifaddrs *list;
	int r = whose(&stack);

	if (r == VS_SHIM_LIBC)
		return VS_SHIM_LIBC_CALL(next, "if_nameindex", NULL);
	VS_SHIM_INSIDE;
	lookups = r == 0 ? list_all(stack, &list) : NULL;
	if (lookups == NULL)
		return NULL;
	struct if_nameindex *names = names_of(list);
	lookups->freeifaddrs(list);
	return names;
}

/* ------------------------------------------------------------------ ioctl */

static bool is_unix(int fd)
{
	int domain = 0;
	socklen_t len = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX;
}

/* The request on a socket of the stack. -1 with errno. */
static int ask_stack(unsigned index, unsigned long request, void *arg)
{
	int fd = vs_shim_socket_in(index, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		errno = -fd;
		return -1;
	}
	int r = (int)syscall(SYS_ioctl, fd, request, arg, 0L, vs_shim_run.pass[0], vs_shim_run.pass[1]);
	int err = errno;
	(void)close(fd);
	errno = err;
	return r;
}

VS_SHIM_EXPORT int ioctl(int fd, unsigned long request, ...)
{
	va_list list;
	unsigned index;

	va_start(list, request);
	void *arg = va_arg(list, void *);
	va_end(list);
	if (vs_is_question(request) && vs_shim_inside == 0 && vs_shim_state() == VS_SHIM_IN_RUN &&
	    is_unix(fd) && vs_shim_stack_of_name(NULL, &index) == 0 && index != VS_SHIM_HOST)
		return ask_stack(index, request, arg);
	return (int)syscall(SYS_ioctl, fd, request, arg);
}
