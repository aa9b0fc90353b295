/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "netlink.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define LONGEST 8192 /* of a message: one address has less */

/*
 * ioth_ipaddr_add() has no lifetimes, so the message is made here. Without preferred time the address is
 * deprecated: RFC 6724 prefers others as the source of what the host begins. Listening sockets and
 * connections that use it do not change.
 */
int rp_netlink_add(struct ioth *stack, int ifindex, const struct in6_addr *addr, int len)
{
	struct {
		struct nlmsghdr head;
		struct ifaddrmsg body;
		struct nlattr local_head;
		struct in6_addr local;
		struct nlattr address_head;
		struct in6_addr address;
		struct nlattr times_head;
		struct ifa_cacheinfo times;
	} message = {
		.head = { .nlmsg_len = sizeof(message),
			  .nlmsg_seq = 1,
			  .nlmsg_type = RTM_NEWADDR,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL },
		.body = { .ifa_family = AF_INET6,
			  .ifa_prefixlen = (unsigned char)len,
			  .ifa_flags = IFA_F_NODAD,
			  .ifa_scope = RT_SCOPE_UNIVERSE,
			  .ifa_index = (unsigned)ifindex },
		.local_head = { NLA_HDRLEN + sizeof(message.local), IFA_LOCAL },
		.local = *addr,
		.address_head = { NLA_HDRLEN + sizeof(message.address), IFA_ADDRESS },
		.address = *addr,
		.times_head = { NLA_HDRLEN + sizeof(message.times), IFA_CACHEINFO },
		.times = { .ifa_prefered = 0, .ifa_valid = UINT32_MAX },
	};

	if (ioth_nldialog(stack, &message) == 0)
		return 1;
	return errno == EEXIST ? 0 : -errno;
}

/* ------------------------------------------------------------------ events */

int rp_netlink_watch(struct ioth *stack)
{
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV6_IFADDR };
	int fd = ioth_msocket(stack, AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (ioth_bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	int err = errno;
	(void)ioth_close(fd);
	return -err;
}

/* The address of one attribute; false: it has none. */
static bool read_address(const char *bytes, size_t n, struct in6_addr *addr)
{
	struct nlattr head;

	while (n >= sizeof(head)) {
		memcpy(&head, bytes, sizeof(head));
		if (head.nla_len < sizeof(head) || head.nla_len > n)
			return false;
		if (head.nla_type == IFA_ADDRESS && head.nla_len == NLA_HDRLEN + sizeof(*addr)) {
			memcpy(addr, bytes + NLA_HDRLEN, sizeof(*addr));
			return true;
		}
		size_t step = NLA_ALIGN(head.nla_len);
		if (step > n)
			return false;
		bytes += step;
		n -= step;
	}
	return false;
}

/* The kernel sends one event in a message. */
static enum rp_event read_event(const char *bytes, size_t n, int ifindex, struct in6_addr *addr)
{
	struct nlmsghdr head;
	struct ifaddrmsg body;

	if (n < NLMSG_LENGTH(sizeof(body)))
		return RP_EVENT_OTHER;
	memcpy(&head, bytes, sizeof(head));
	memcpy(&body, bytes + NLMSG_HDRLEN, sizeof(body));
	if (head.nlmsg_type != RTM_DELADDR || body.ifa_family != AF_INET6 ||
	    body.ifa_index != (unsigned)ifindex)
		return RP_EVENT_OTHER;
	size_t at = NLMSG_SPACE(sizeof(body));
	return at <= n && read_address(bytes + at, n - at, addr) ? RP_EVENT_REMOVED : RP_EVENT_OTHER;
}

enum rp_event rp_netlink_event(int fd, int ifindex, struct in6_addr *addr)
{
	struct sockaddr_nl from = { 0 };
	socklen_t len = sizeof(from);
	char bytes[LONGEST];
	ssize_t n = ioth_recvfrom(fd, bytes, sizeof(bytes), MSG_DONTWAIT, (struct sockaddr *)&from, &len);

	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return RP_EVENT_NONE;
	if (n < 0 && errno == ENOBUFS)
		return RP_EVENT_LOST;
	if (n <= 0)
		return RP_EVENT_FAILED;
	if (from.nl_pid != 0) /* another program has sent it */
		return RP_EVENT_OTHER;
	return read_event(bytes, (size_t)n, ifindex, addr);
}
