/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_VETH_H
#define VS_KEEPER_VETH_H

/*
 * Veth pairs with their far ends in a namespace that nobody lives in (veth(4), rtnetlink(7)): what
 * segments and ports by packet socket have in common. Such a namespace is reached by an rtnetlink
 * socket made there, and a descriptor of it.
 */

#include <stdbool.h>

struct ifinfomsg;
struct nl_msg;
struct vs_wire_iface;

/* What is too long for a receiver is dropped by its own end, as on a wire. */
#define VS_VETH_FAR_MTU 65535

struct vs_far_ns {
	int netlink; /* -1: there is none */
	int ns;
	bool silent; /* devices in it have no IPv6 */
};

/*
 * Makes a namespace; on a thread of its own, as there is no way back from it. Its interfaces have
 * no IPv6, if that can be had, and so nothing to say by themselves. 0 or -errno.
 */
int vs_far_ns_make(struct vs_far_ns *far);
void vs_far_ns_close(struct vs_far_ns *far);
/* Runs fn(arg) on a thread in that namespace and waits for it. 0 or -errno; fn's result is its own affair. */
int vs_far_ns_run(const struct vs_far_ns *far, void (*fn)(void *arg), void *arg);

/* The index of a device in the namespace of a socket, or -errno. */
int vs_device_index(int socket, const char *name);
/* A request about a device. NULL: out of memory, which vs_rtnl_talk() understands. */
struct nl_msg *vs_device_message(int type, int flags, const struct ifinfomsg *info);
/*
 * Makes a pair: `want` in the namespace of the rtnetlink socket, and the `number`th far end, down (veth refuses to be
 * up before it has both ends). ifindex: of the near end, if that is free. 0 or -errno.
 */
int vs_veth_make(int netlink, const struct vs_wire_iface *want, int ifindex, const char *far_name, unsigned number,
		 const struct vs_far_ns *far);
/*
 * For a device there that is not up yet: it gets no address by itself, so it has nothing to say. Does nothing where the
 * namespace has seen to that, which it cannot where /proc/sys is read-only.
 */
void vs_far_silence(const struct vs_far_ns *far, const char *far_name);
/* Up or down: for its peer, with carrier or without. */
struct nl_msg *vs_far_message(const char *far_name, int up);

#endif
