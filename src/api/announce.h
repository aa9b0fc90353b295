/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_API_ANNOUNCE_H
#define VS_API_ANNOUNCE_H

struct vdestack;
struct vs_conf_addr;
struct vs_rtnl_link;

/*
 * Announces one IPv4 address that has been added to an interface. Neighbours which know it with another MAC
 * learn this one. For an IPv6 address nothing is to do: the kernel announces it after duplicate address
 * detection. Best effort: the last failure of the thread stays what it was.
 */
void vs_announce_addr(struct vdestack *stack, const struct vs_rtnl_link *link,
		      const struct vs_conf_addr *addr);

#endif
