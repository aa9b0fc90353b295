/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * getifaddrs(3) of a stack. The list of a plugin is copied: it may have another allocator, and be gone with
 * the stack. Each entry of the copy is one allocation.
 */

#include <errno.h>
#include <ifaddrs.h>
#include <ioth.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "error.h"
#include "inside.h"
#include "netlink.h"
#include "rtnl/rtnl.h"

#define LIST_ATTEMPTS 16
#define LIST_MS 5000 /* no attempt begins later */

struct entry {
	struct ifaddrs ifa; /* first: the list is made of these */
	struct sockaddr_storage addr, netmask, other;
	struct rtnl_link_stats stats;
	char name[];
};

void ioth_freeifaddrs(struct ifaddrs *ifa)
{
	while (ifa != NULL) {
		struct ifaddrs *next = ifa->ifa_next;
		free(ifa);
		ifa = next;
	}
}

static size_t length_of(const struct sockaddr *from)
{
	const size_t most = sizeof(struct sockaddr_storage);
	size_t len = sizeof(*from);

	if (from->sa_family == AF_INET6)
		len = sizeof(struct sockaddr_in6);
	else if (from->sa_family == AF_PACKET)
		len = offsetof(struct sockaddr_ll, sll_addr) +
		      ((const struct sockaddr_ll *)(const void *)from)->sll_halen;
	return len < most ? len : most;
}

static struct sockaddr *copy_address(struct sockaddr_storage *to, const struct sockaddr *from)
{
	if (from == NULL)
		return NULL;
	memcpy(to, from, length_of(from));
	return (struct sockaddr *)to;
}

static struct entry *copy_entry(const struct ifaddrs *from)
{
	const char *name = from->ifa_name != NULL ? from->ifa_name : "";
	size_t size = strlen(name) + 1;
	struct entry *to = calloc(1, sizeof(*to) + size);

	if (to == NULL)
		return NULL;
	memcpy(to->name, name, size);
	to->ifa.ifa_name = to->name;
	to->ifa.ifa_flags = from->ifa_flags;
	to->ifa.ifa_addr = copy_address(&to->addr, from->ifa_addr);
	to->ifa.ifa_netmask = copy_address(&to->netmask, from->ifa_netmask);
	to->ifa.ifa_broadaddr = copy_address(&to->other, from->ifa_broadaddr); /* a union with ifa_dstaddr */
	if (from->ifa_data != NULL && from->ifa_addr != NULL && from->ifa_addr->sa_family == AF_PACKET) {
		memcpy(&to->stats, from->ifa_data, sizeof(to->stats));
		to->ifa.ifa_data = &to->stats;
	}
	return to;
}

static int copy_list(const struct ifaddrs *from, struct ifaddrs **list)
{
	struct ifaddrs *first = NULL, **end = &first;

	for (; from != NULL; from = from->ifa_next) {
		struct entry *entry = copy_entry(from);
		if (entry == NULL) {
			ioth_freeifaddrs(first);
			return vs_ioth_fail(ENOMEM, "cannot list interfaces: out of memory");
		}
		*end = &entry->ifa;
		end = &entry->ifa.ifa_next;
	}
	*list = first;
	return 0;
}

static int take(void *arg, struct nlmsghdr *hdr)
{
	return vs_rtnl_snapshot_take(arg, hdr);
}

static int list_by_plugin(const struct ioth *stack, struct ifaddrs **list)
{
	struct ifaddrs *theirs = NULL;
	int r = stack->f.getifaddrs(stack->data, &theirs);

	if (r < 0) {
		vs_take_errno(stack);
		return -1;
	}
	r = copy_list(theirs, list);
	int saved = errno;
	stack->f.freeifaddrs(theirs);
	errno = saved;
	return r;
}

static int read_snapshot(struct ioth *stack, struct vs_rtnl_snapshot *snapshot)
{
	vs_rtnl_snapshot_clear(snapshot);
	int r = vs_netlink_dump(stack, RTM_GETLINK, take, snapshot);

	return r < 0 ? r : vs_netlink_dump(stack, RTM_GETADDR, take, snapshot);
}

/*
 * By a netlink socket of the stack, if its plugin has no list of its own. A list that has changed while it
 * was read is read again.
 */
static int list_by_netlink(struct ioth *stack, struct ifaddrs **list)
{
	__attribute__((cleanup(vs_rtnl_snapshot_clear))) struct vs_rtnl_snapshot snapshot = { 0 };
	int64_t deadline_ms = vs_now_ms() + LIST_MS;
	int r = -EAGAIN;

	for (int i = 0; i < LIST_ATTEMPTS && r == -EAGAIN && (i == 0 || vs_now_ms() < deadline_ms); i++)
		r = read_snapshot(stack, &snapshot);
	if (r < 0)
		return vs_ioth_fail(-r, "cannot list interfaces: %s", strerror(-r));
	struct ifaddrs *theirs = vs_rtnl_snapshot_steal(&snapshot);
	r = copy_list(theirs, list);
	vs_rtnl_freeifaddrs(theirs);
	return r;
}

int ioth_getifaddrs(struct ioth *stack, struct ifaddrs **ifap)
{
	struct vs_call call;

	if (!vs_enter_stack(&call, stack))
		return -1;
	/* A list that cannot be freed is not asked for. */
	bool by_plugin = call.stack->f.getifaddrs != NULL && call.stack->f.freeifaddrs != NULL;
	int r = by_plugin ? list_by_plugin(call.stack, ifap) : list_by_netlink(call.stack, ifap);
	vs_leave(&call);
	return r;
}
