/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "usable.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "config/addr_text.h"
#include "events.h"
#include "ioth/lib/internal.h"

/* Other errors than that of bind(2) are not about the address. */
static bool is_usable(const struct vs_target *t, const void *addr)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_scope_id = t->ifindex };
	int fd = ioth_msocket(t->stack, AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return true;
	memcpy(&at.sin6_addr, addr, sizeof(at.sin6_addr));
	bool usable = ioth_bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 || errno != EADDRNOTAVAIL;
	(void)ioth_close(fd);
	return usable;
}

/* ------------------------------------------------------------------ all, or the first that is not */

static bool check_items(const struct vs_target *t, const struct vs_items *items, char *which)
{
	struct vs_conf_addr addr;

	for (size_t i = 0; i < items->n; i++) {
		const char *item = items->list[i];
		if (strncmp(item, "ip=", 3) != 0 ||
		    vs_prefix_from_text(item + 3, strlen(item + 3), &addr) == VS_PREFIX_NO_ADDR ||
		    addr.family != AF_INET6 || is_usable(t, addr.bytes))
			continue;
		vs_addr_to_text(&addr, which);
		return false;
	}
	return true;
}

static bool check_interface(const struct vs_target *t, char *which)
{
	struct ifaddrs *list;
	bool usable = true;

	if (ioth_getifaddrs(t->stack, &list) < 0)
		return true;
	for (const struct ifaddrs *i = list; i != NULL && usable; i = i->ifa_next) {
		if (i->ifa_addr == NULL || i->ifa_addr->sa_family != AF_INET6 ||
		    strcmp(i->ifa_name, t->ifname) != 0)
			continue;
		const struct sockaddr_in6 *addr = (const struct sockaddr_in6 *)(const void *)i->ifa_addr;
		usable = is_usable(t, &addr->sin6_addr);
		if (!usable)
			(void)inet_ntop(AF_INET6, &addr->sin6_addr, which, VS_ADDR_TEXT_MAX);
	}
	ioth_freeifaddrs(list);
	return usable;
}

int vs_usable_wait(const struct vs_target *t, const struct vs_items *items, int limit_ms)
{
	char which[VS_ADDR_TEXT_MAX] = "";
	int64_t deadline_ms = vs_events_now_ms() + limit_ms;
	struct vs_events events;
	int r = 0;

	vs_events_open(&events, t);
	while (!(items != NULL ? check_items(t, items, which) : check_interface(t, which))) {
		int64_t left_ms = deadline_ms - vs_events_now_ms();
		if (left_ms <= 0) {
			r = ioth_internal_fail(EADDRNOTAVAIL, "address %s on interface %s cannot be used: %s",
					       which, t->ifname,
					       "another host has it, or there is no carrier");
			break;
		}
		vs_events_wait(&events, left_ms);
	}
	vs_events_close(&events);
	return r;
}
