/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef KERNEL_NETLINK_H
#define KERNEL_NETLINK_H

/* Attributes of a netlink message. Its room must be large enough. */

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <string.h>

static struct rtattr *put(struct nlmsghdr *head, unsigned short type, const void *data, size_t len)
{
	struct rtattr *a = (struct rtattr *)((char *)head + NLMSG_ALIGN(head->nlmsg_len));

	a->rta_type = type;
	a->rta_len = (unsigned short)RTA_LENGTH(len);
	if (len > 0)
		memcpy(RTA_DATA(a), data, len);
	head->nlmsg_len = (uint32_t)(NLMSG_ALIGN(head->nlmsg_len) + RTA_ALIGN(a->rta_len));
	return a;
}

/* The attribute contains those that have been put since. */
static void end_nest(struct nlmsghdr *head, struct rtattr *nest)
{
	nest->rta_len = (unsigned short)((char *)head + head->nlmsg_len - (char *)nest);
}

#endif
