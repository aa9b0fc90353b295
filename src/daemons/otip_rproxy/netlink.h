/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RP_NETLINK_H
#define RP_NETLINK_H

/* Messages of rtnetlink(7) that libioth has no call for. */

#include <ioth.h>
#include <netinet/in.h>

/*
 * Adds an IPv6 address to the interface. It works at once, and the stack chooses it as the source of what
 * others send only when it has no other one. 1, 0: it is there already, or -errno.
 */
int rp_netlink_add(struct ioth *stack, int ifindex, const struct in6_addr *addr, int len);

/* A descriptor that is readable when IPv6 addresses of the stack come and go. -errno: it has none. */
int rp_netlink_watch(struct ioth *stack);

enum rp_event {
	RP_EVENT_NONE,    /* there is no more */
	RP_EVENT_OTHER,   /* something else */
	RP_EVENT_REMOVED, /* *addr has been removed from the interface */
	RP_EVENT_LOST,    /* events were lost: anything may have happened */
	RP_EVENT_FAILED,  /* the descriptor is of no use any more */
};

/* Reads one message. Never blocks. */
enum rp_event rp_netlink_event(int fd, int ifindex, struct in6_addr *addr);

#endif
