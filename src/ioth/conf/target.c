/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "target.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>

#include "ioth/lib/internal.h"

int vs_target_open(struct vs_target *t, struct ioth *stack)
{
	*t = (struct vs_target){ .stack = stack != NULL ? stack : ioth_get_defstack() };
	t->functions = ioth_internal_enter(&t->inside, t->stack, &t->data);
	if (t->functions == NULL && errno == EINVAL)
		return ioth_internal_fail(EBADF, "cannot configure a stack: it has been deleted");
	return t->functions != NULL ? 0 : -1;
}

void vs_target_close(const struct vs_target *t)
{
	ioth_internal_leave(&t->inside);
}

static void take_over(struct vs_target *t, const struct ifaddrs *entry)
{
	const struct sockaddr_ll *link = (const struct sockaddr_ll *)(const void *)entry->ifa_addr;

	strncpy(t->ifname, entry->ifa_name, sizeof(t->ifname) - 1);
	t->ifindex = (unsigned)link->sll_ifindex;
	t->is_up = (entry->ifa_flags & IFF_UP) != 0;
	t->has_mac = link->sll_halen == sizeof(t->mac);
	if (t->has_mac)
		memcpy(t->mac, link->sll_addr, sizeof(t->mac));
}

static bool is_it(const struct ifaddrs *entry, const struct vs_plan *plan, const char *name)
{
	if (entry->ifa_addr == NULL || entry->ifa_addr->sa_family != AF_PACKET)
		return false;
	if (plan->ifindex == 0)
		return strcmp(entry->ifa_name, name) == 0;
	const struct sockaddr_ll *link = (const struct sockaddr_ll *)(const void *)entry->ifa_addr;
	return (unsigned)link->sll_ifindex == plan->ifindex;
}

int vs_target_find(struct vs_target *t, const struct vs_plan *plan)
{
	const char *name = plan->ifname[0] != '\0' ? plan->ifname : "vde0";
	struct ifaddrs *list = NULL;

	if (ioth_getifaddrs(t->stack, &list) < 0)
		return ioth_internal_fail(errno, "cannot list the interfaces of the stack: %s",
					  strerror(errno));
	for (const struct ifaddrs *entry = list; entry != NULL && t->ifname[0] == '\0';
	     entry = entry->ifa_next)
		if (is_it(entry, plan, name))
			take_over(t, entry);
	ioth_freeifaddrs(list);
	if (t->ifname[0] != '\0')
		return 0;
	if (plan->ifindex != 0)
		return ioth_internal_fail(ENODEV, "the stack has no interface with index %u; check ifindex=",
					  plan->ifindex);
	return ioth_internal_fail(ENODEV, "the stack has no interface %s; check iface=", name);
}

bool vs_target_takes_words(const struct vs_target *t)
{
	return t->functions->configure != NULL && strcmp(t->ifname, "lo") != 0;
}

int vs_target_configure(const struct vs_target *t, const char *words, unsigned flags, int timeout_ms)
{
	(void)ioth_internal_fail(0, "%s", ""); /* so that a message is that of this call */
	if (t->functions->configure(t->data, words, flags, timeout_ms) == 0)
		return 0;
	int err = errno;
	if (ioth_last_error()[0] == '\0')
		return ioth_internal_fail(err, "cannot configure interface %s: %s", t->ifname, strerror(err));
	errno = err;
	return -1;
}
