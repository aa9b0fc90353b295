/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * getifaddrs(3) on a given socket. That of glibc makes a socket of its own, in the network namespace of the
 * calling thread, and nothing can redirect it.
 *
 * Interfaces are read first, then addresses. Each address is inserted behind the last entry of its interface.
 * An address without an interface in the list is newer than the list of interfaces, and is left out. Each
 * entry is one allocation, which holds all that it points to.
 *
 * As in glibc, an IPv4 address without a broadcast address has itself as its destination address, because
 * that is what the kernel reports.
 */

#include "rtnl.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netpacket/packet.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

union sockaddr_any {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_ll ll;
	struct sockaddr_storage room; /* hardware addresses may be longer than sockaddr_ll says */
};

struct vs_rtnl_entry {
	struct ifaddrs ifa; /* first: the returned list is made of these */
	union sockaddr_any addr;
	union sockaddr_any netmask;
	union sockaddr_any other; /* broadcast or destination */
	char name[IF_NAMESIZE];
	struct rtnl_link_stats stats;
};

/* An interface while the list grows. */
struct vs_rtnl_place {
	int ifindex;
	struct vs_rtnl_entry *link;
	struct vs_rtnl_entry *last; /* the next address of it is inserted behind this one */
};

void vs_rtnl_freeifaddrs(struct ifaddrs *list)
{
	while (list != NULL) {
		struct ifaddrs *next = list->ifa_next;
		free(list);
		list = next;
	}
}

void vs_rtnl_snapshot_clear(struct vs_rtnl_snapshot *snapshot)
{
	int saved = errno;

	if (snapshot->first != NULL)
		vs_rtnl_freeifaddrs(&snapshot->first->ifa);
	free(snapshot->places);
	*snapshot = (struct vs_rtnl_snapshot){ 0 };
	errno = saved;
}

static void begin_links(void *arg)
{
	vs_rtnl_snapshot_clear(arg);
}

static void insert_after(struct vs_rtnl_entry *after, struct vs_rtnl_entry *entry)
{
	entry->ifa.ifa_next = after->ifa.ifa_next;
	after->ifa.ifa_next = &entry->ifa;
}

/* ------------------------------------------------------------------ interfaces */

static struct vs_rtnl_place *add_place(struct vs_rtnl_snapshot *snapshot)
{
	if (snapshot->n_places == snapshot->room) {
		size_t room = snapshot->room != 0 ? snapshot->room * 2 : 16;
		struct vs_rtnl_place *places = reallocarray(snapshot->places, room, sizeof(*places));
		if (places == NULL)
			return NULL;
		snapshot->places = places;
		snapshot->room = room;
	}
	return &snapshot->places[snapshot->n_places];
}

static struct sockaddr *fill_hardware(union sockaddr_any *out, const struct ifinfomsg *info,
				      struct nlattr *attr)
{
	size_t len = attr != NULL ? (size_t)nla_len(attr) : 0;

	if (len > sizeof(*out) - offsetof(struct sockaddr_ll, sll_addr))
		len = 0;
	out->ll.sll_family = AF_PACKET;
	out->ll.sll_ifindex = info->ifi_index;
	out->ll.sll_hatype = info->ifi_type;
	out->ll.sll_halen = (unsigned char)len;
	if (len > 0)
		memcpy((char *)out + offsetof(struct sockaddr_ll, sll_addr), nla_data(attr), len);
	return &out->sa;
}

static void fill_link(struct vs_rtnl_entry *entry, const struct ifinfomsg *info, struct nlattr *const *attrs)
{
	entry->ifa.ifa_name = entry->name;
	entry->ifa.ifa_flags = info->ifi_flags;
	if (attrs[IFLA_IFNAME] != NULL)
		(void)nla_strlcpy(entry->name, attrs[IFLA_IFNAME], sizeof(entry->name));
	entry->ifa.ifa_addr = fill_hardware(&entry->addr, info, attrs[IFLA_ADDRESS]);
	if (attrs[IFLA_BROADCAST] != NULL)
		entry->ifa.ifa_broadaddr = fill_hardware(&entry->other, info, attrs[IFLA_BROADCAST]);
	if (attrs[IFLA_STATS] != NULL) {
		/* Kernels append counters, so the kernel may have more or fewer than this struct. */
		(void)nla_memcpy(&entry->stats, attrs[IFLA_STATS], sizeof(entry->stats));
		entry->ifa.ifa_data = &entry->stats;
	}
}

static int take_link(void *arg, struct nlmsghdr *hdr)
{
	struct vs_rtnl_snapshot *snapshot = arg;
	struct nlattr *attrs[IFLA_MAX + 1];
	const struct ifinfomsg *info = nlmsg_data(hdr);

	if (hdr->nlmsg_type != RTM_NEWLINK || nlmsg_parse(hdr, sizeof(*info), attrs, IFLA_MAX, NULL) < 0)
		return -EBADMSG;
	struct vs_rtnl_place *place = add_place(snapshot);
	struct vs_rtnl_entry *entry = place != NULL ? calloc(1, sizeof(*entry)) : NULL;
	if (entry == NULL)
		return -ENOMEM;
	fill_link(entry, info, attrs);
	if (snapshot->n_places == 0)
		snapshot->first = entry;
	else
		insert_after(snapshot->places[snapshot->n_places - 1].link, entry);
	*place = (struct vs_rtnl_place){ .ifindex = info->ifi_index, .link = entry, .last = entry };
	snapshot->n_places++;
	return 0;
}

/* ------------------------------------------------------------------ addresses */

/* Removes the addresses, before they are read again. */
static void begin_addrs(void *arg)
{
	struct vs_rtnl_snapshot *snapshot = arg;

	for (size_t i = 0; i < snapshot->n_places; i++) {
		struct vs_rtnl_place *place = &snapshot->places[i];
		struct ifaddrs *after = place->last->ifa.ifa_next;
		if (place->last == place->link)
			continue;
		place->last->ifa.ifa_next = NULL;
		vs_rtnl_freeifaddrs(place->link->ifa.ifa_next);
		place->link->ifa.ifa_next = after;
		place->last = place->link;
	}
}

static struct vs_rtnl_place *find_place(const struct vs_rtnl_snapshot *snapshot, int ifindex)
{
	for (size_t i = 0; i < snapshot->n_places; i++)
		if (snapshot->places[i].ifindex == ifindex)
			return &snapshot->places[i];
	return NULL;
}

/* NULL if there is no such attribute, or it is not an address of the message's family. */
static struct sockaddr *fill_address(union sockaddr_any *out, const struct ifaddrmsg *info,
				     struct nlattr *attr)
{
	if (attr == NULL || nla_len(attr) != (int)vs_rtnl_addr_bytes(info->ifa_family))
		return NULL;
	out->sa.sa_family = info->ifa_family;
	if (info->ifa_family == AF_INET) {
		memcpy(&out->in.sin_addr, nla_data(attr), sizeof(out->in.sin_addr));
		return &out->sa;
	}
	memcpy(&out->in6.sin6_addr, nla_data(attr), sizeof(out->in6.sin6_addr));
	if (IN6_IS_ADDR_LINKLOCAL(&out->in6.sin6_addr) || IN6_IS_ADDR_MC_LINKLOCAL(&out->in6.sin6_addr))
		out->in6.sin6_scope_id = info->ifa_index;
	return &out->sa;
}

static struct sockaddr *fill_netmask(union sockaddr_any *out, const struct ifaddrmsg *info)
{
	unsigned char *mask =
		info->ifa_family == AF_INET ? (unsigned char *)&out->in.sin_addr : out->in6.sin6_addr.s6_addr;
	unsigned most = vs_rtnl_addr_bytes(info->ifa_family) * 8;
	unsigned bits = info->ifa_prefixlen < most ? info->ifa_prefixlen : most;

	out->sa.sa_family = info->ifa_family;
	memset(mask, 0xff, bits / 8);
	if (bits % 8 != 0)
		mask[bits / 8] = (unsigned char)(0xff << (8 - bits % 8));
	return &out->sa;
}

static void fill_entry(struct vs_rtnl_entry *entry, const struct vs_rtnl_entry *link,
		       const struct ifaddrmsg *info, struct nlattr *const *attrs)
{
	bool has_local = attrs[IFA_LOCAL] != NULL;

	entry->ifa.ifa_name = entry->name;
	entry->ifa.ifa_flags = link->ifa.ifa_flags;
	memcpy(entry->name, link->name, sizeof(entry->name));
	if (attrs[IFA_LABEL] != NULL)
		(void)nla_strlcpy(entry->name, attrs[IFA_LABEL], sizeof(entry->name));
	entry->ifa.ifa_addr = fill_address(&entry->addr, info, attrs[has_local ? IFA_LOCAL : IFA_ADDRESS]);
	entry->ifa.ifa_netmask = fill_netmask(&entry->netmask, info);
	if (attrs[IFA_BROADCAST] != NULL)
		entry->ifa.ifa_broadaddr = fill_address(&entry->other, info, attrs[IFA_BROADCAST]);
	else if (has_local) /* then IFA_ADDRESS is that of the peer */
		entry->ifa.ifa_dstaddr = fill_address(&entry->other, info, attrs[IFA_ADDRESS]);
}

static int take_addr(void *arg, struct nlmsghdr *hdr)
{
	struct vs_rtnl_snapshot *snapshot = arg;
	struct nlattr *attrs[IFA_MAX + 1];
	const struct ifaddrmsg *info = nlmsg_data(hdr);

	if (hdr->nlmsg_type != RTM_NEWADDR || nlmsg_parse(hdr, sizeof(*info), attrs, IFA_MAX, NULL) < 0)
		return -EBADMSG;
	struct vs_rtnl_place *place = find_place(snapshot, (int)info->ifa_index);
	if (place == NULL || (info->ifa_family != AF_INET && info->ifa_family != AF_INET6))
		return 0;
	struct vs_rtnl_entry *entry = calloc(1, sizeof(*entry));
	if (entry == NULL)
		return -ENOMEM;
	fill_entry(entry, place->link, info, attrs);
	insert_after(place->last, entry);
	place->last = entry;
	return 0;
}

/* ------------------------------------------------------------------ the calls */

int vs_rtnl_snapshot_take(struct vs_rtnl_snapshot *snapshot, struct nlmsghdr *hdr)
{
	if (hdr->nlmsg_type == RTM_NEWLINK)
		return take_link(snapshot, hdr);
	return hdr->nlmsg_type == RTM_NEWADDR ? take_addr(snapshot, hdr) : 0;
}

struct ifaddrs *vs_rtnl_snapshot_steal(struct vs_rtnl_snapshot *snapshot)
{
	struct vs_rtnl_entry *first = vs_steal_ptr(snapshot->first);

	vs_rtnl_snapshot_clear(snapshot);
	return first != NULL ? &first->ifa : NULL;
}

static int read_snapshot(struct vs_nl *nl, struct vs_rtnl_snapshot *snapshot)
{
	const struct ifinfomsg links = { .ifi_family = AF_UNSPEC };
	const struct ifaddrmsg addrs = { .ifa_family = AF_UNSPEC };
	const struct vs_nl_dump link_dump = { RTM_GETLINK, &links,    sizeof(links),
					      begin_links, take_link, snapshot };
	const struct vs_nl_dump addr_dump = { RTM_GETADDR, &addrs,    sizeof(addrs),
					      begin_addrs, take_addr, snapshot };
	int r = vs_nl_dump(nl, &link_dump);

	return r < 0 ? r : vs_nl_dump(nl, &addr_dump);
}

int vs_rtnl_getifaddrs(struct vs_nl *nl, struct ifaddrs **list)
{
	__attribute__((cleanup(vs_rtnl_snapshot_clear))) struct vs_rtnl_snapshot snapshot = { 0 };
	int r = read_snapshot(nl, &snapshot);

	if (r < 0)
		return r;
	*list = vs_rtnl_snapshot_steal(&snapshot);
	return 0;
}
