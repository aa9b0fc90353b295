/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTH_NETLINK_H
#define VS_IOTH_NETLINK_H

/*
 * Questions to the rtnetlink sockets of a stack, which may be a stack in user space: everything goes through
 * the calls of <ioth.h>. A socket is made for each question. All return 0 or -errno, and wait 5 seconds at
 * most.
 */

#include <netlink/msg.h>

struct ioth;

/* A message of this type that begins with a header; NULL: out of memory. */
struct nl_msg *vs_netlink_message(int type, int flags, const void *header, size_t len);

/* Sends the message and waits for the acknowledgement. Takes msg; NULL: -ENOMEM. */
int vs_netlink_ask(struct ioth *stack, struct nl_msg *msg);

/* One answer, or one part of a dump. 0, or -errno, which ends the reading. */
typedef int vs_netlink_each_fn(void *arg, struct nlmsghdr *hdr);

/* The same with answers before the acknowledgement. */
int vs_netlink_get(struct ioth *stack, struct nl_msg *msg, vs_netlink_each_fn *each, void *arg);

/* All objects, of each family. */
int vs_netlink_dump(struct ioth *stack, int type, vs_netlink_each_fn *each, void *arg);

#endif
