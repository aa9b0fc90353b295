/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_IOTH_STACKS_H
#define VDESTACK_TESTS_IOTH_STACKS_H

/* Stacks of libioth that are configured by strings: what the cases about them share. */

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <iothconf.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <case.h>

__attribute__((unused)) static struct ioth *new_ioth(const char *text)
{
	struct ioth *stack = ioth_newstackc(text);

	if (stack == NULL)
		FAIL("no stack \"%s\": %s", text, ioth_last_error());
	return stack;
}

__attribute__((unused)) static int config(struct ioth *stack, const char *text)
{
	int bits = ioth_config(stack, text);

	if (bits < 0)
		FAIL("\"%s\": %s", text, ioth_last_error());
	return bits;
}

/* Whether an interface has an address; prefix: only its beginning is compared. */
__attribute__((unused)) static bool has_addr(struct ioth *stack, const char *ifname, const char *addr,
					     bool prefix)
{
	struct ifaddrs *list;
	bool found = false;

	MUST(ioth_getifaddrs(stack, &list));
	for (struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
		char text[INET6_ADDRSTRLEN] = "";
		if (i->ifa_addr == NULL || strcmp(i->ifa_name, ifname) != 0)
			continue;
		if (i->ifa_addr->sa_family == AF_INET)
			(void)inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)i->ifa_addr)->sin_addr, text,
					sizeof(text));
		else if (i->ifa_addr->sa_family == AF_INET6)
			(void)inet_ntop(AF_INET6, &((struct sockaddr_in6 *)(void *)i->ifa_addr)->sin6_addr,
					text, sizeof(text));
		found |= prefix ? strncmp(text, addr, strlen(addr)) == 0 : strcmp(text, addr) == 0;
	}
	ioth_freeifaddrs(list);
	return found;
}

__attribute__((unused)) static void check_bind(struct ioth *stack, const char *addr)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6 };
	int fd = (int)MUST(ioth_msocket(stack, AF_INET6, SOCK_DGRAM, 0));

	CHECK_EQ(inet_pton(AF_INET6, addr, &sa.sin6_addr), 1);
	MUST(ioth_bind(fd, (struct sockaddr *)&sa, sizeof(sa)));
	MUST(ioth_close(fd));
}

__attribute__((unused)) static void check_resolvconf(struct ioth *stack, const char *words,
						     const char *expected)
{
	errno = -1;
	char *text = ioth_resolvconf(stack, words);

	if (expected == NULL) {
		CHECK(text == NULL);
		CHECK_EQ(errno, 0);
		return;
	}
	CHECK_STR(text, expected);
	free(text);
}

struct route_dump {
	struct nlmsghdr hdr;
	struct rtmsg route;
};

static inline bool is_default_route(const struct nlmsghdr *m, unsigned ifindex)
{
	const struct rtmsg *route = NLMSG_DATA(m);
	int left = (int)RTM_PAYLOAD(m);

	if (m->nlmsg_type != RTM_NEWROUTE || route->rtm_dst_len != 0 || route->rtm_type != RTN_UNICAST)
		return false;
	for (const struct rtattr *a = RTM_RTA(route); RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == RTA_OIF)
			return *(const unsigned *)RTA_DATA(a) == ifindex;
	return false;
}

/* Whether there is a default route of a family on an interface. */
__attribute__((unused)) static bool has_default_route(struct ioth *stack, const char *ifname, int family)
{
	struct route_dump ask = { .hdr = { .nlmsg_len = sizeof(ask),
					   .nlmsg_type = RTM_GETROUTE,
					   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
				  .route = { .rtm_family = (unsigned char)family } };
	static union {
		struct nlmsghdr hdr;
		char bytes[32768];
	} got;
	unsigned ifindex = (unsigned)MUST(ioth_if_nametoindex(stack, ifname));
	int fd = (int)MUST(ioth_msocket(stack, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
	bool found = false, done = false;

	MUST(ioth_send(fd, &ask, sizeof(ask), 0));
	while (!done) {
		CHECK(wait_readable(fd, 20000));
		unsigned n = (unsigned)MUST(ioth_recv(fd, &got, sizeof(got), 0));
		for (struct nlmsghdr *m = &got.hdr; NLMSG_OK(m, n); m = NLMSG_NEXT(m, n)) {
			done |= m->nlmsg_type == NLMSG_DONE || m->nlmsg_type == NLMSG_ERROR;
			found |= is_default_route(m, ifindex);
		}
	}
	MUST(ioth_close(fd));
	return found;
}

#endif
