/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_VETH_H
#define VS_KEEPER_VETH_H

/*
 * Veth pairs (veth(4)) whose other ends, the peers, are in a peer namespace: a network namespace in which
 * no thread stays. Segments and packet devices are made of them. Such a namespace is reached by an
 * rtnetlink socket that was made there, and by a descriptor of the namespace.
 */

#include <stdbool.h>

struct vs_wire_iface;

/* The largest. The receiver's end drops what is too long for it, as on a wire. */
#define VS_VETH_PEER_MTU 65535

struct vs_peer_ns {
	int netlink; /* -1: there is none */
	int deletions; /* the same for deletions, which take long: another thread may use it meanwhile */
	int ns;
	bool without_ipv6; /* its devices have no IPv6 by default */
};

/*
 * Makes a namespace, on a thread that ends afterwards. Its devices have no IPv6, if the kernel allows that,
 * so they send nothing by themselves. 0 or -errno.
 */
int vs_peer_ns_make(struct vs_peer_ns *peers);
/*
 * After namespaces that were kept have been given up: repeats make(arg) while it returns -ENOSPC, for half a
 * second at most. Returns what it returned last. The kernel frees namespaces later, and reports that to
 * nobody.
 */
int vs_peer_ns_retry(int (*make)(void *arg), void *arg);
void vs_peer_ns_close(struct vs_peer_ns *peers);
/* Runs fn(arg) on a thread in that namespace and waits for it. 0 or -errno; fn reports its own result. */
int vs_peer_ns_run(const struct vs_peer_ns *peers, void (*fn)(void *arg), void *arg);

/*
 * Makes a pair: `want` in the namespace of the rtnetlink socket, and the peer, number `number`, down. (A
 * veth device cannot be set up before it has both ends.) ifindex: of `want`, if that is free. 0 or -errno.
 */
int vs_veth_make(int netlink, const struct vs_wire_iface *want, int ifindex, const char *peer_name,
		 unsigned number, const struct vs_peer_ns *peers);
/*
 * The same for a port of a bridge there: in one request of the kernel the peer is made, becomes a port of the
 * bridge with that index, and is up.
 */
int vs_veth_make_port(int netlink, const struct vs_wire_iface *want, int ifindex, const char *peer_name,
		      unsigned number, const struct vs_peer_ns *peers, int bridge);
/*
 * For a device there that is not up yet: it will get no address by itself, so it sends nothing. Only needed,
 * and only done, if the namespace has IPv6, which is so where /proc/sys is read-only.
 */
void vs_peer_without_ipv6(const struct vs_peer_ns *peers, const char *peer_name);
/* Sets the peer up or down: the other end has carrier, or not. 0 or -errno. */
int vs_peer_set_up(const struct vs_peer_ns *peers, const char *peer_name, bool up);
/* Deletes both ends. 0, also if they are gone already; or -errno. */
int vs_veth_delete(const struct vs_peer_ns *peers, const char *peer_name);
/* The same by the socket for deletions. */
int vs_veth_delete_apart(const struct vs_peer_ns *peers, const char *peer_name);

#endif
