/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_DIAL_H
#define VDESTACK_DIAL_H

/*
 * Connections and listening sockets of a stack by name: part of libvdestack-dns. The conventions of
 * <vdestack.h> hold, but vdestack_dns_last_error() (<vdestack/dns.h>) returns the message.
 *
 * network is "tcp" or "udp", for both families, or "tcp4", "tcp6", "udp4", "udp6" for one.
 *
 * address is HOST:PORT. HOST is a name or an address; an IPv6 address stands in brackets, and may have a
 * scope ("[fe80::1%vde0]:80"). PORT is a number or the name of a service. Names are looked up by the stack's
 * own resolver (vdestack_dns_of()).
 */

#include <vdestack.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Returns a socket of the stack that is connected to address; close-on-exec, blocking. No HOST: the stack
 * itself. All addresses of HOST are tried, as RFC 8305 says: IPv6 and IPv4 take turns, the next attempt
 * begins when one has failed or after 250 ms, and the first connection wins. A UDP socket is connected
 * without a packet, so it is the first address to which there is a route.
 *
 * timeout_ms limits the whole: lookups and attempts. Without a limit (-1) those of the resolver and of TCP
 * hold. The message says which address failed why. A cancellation point; signals do not interrupt it.
 *
 * errno: EINVAL (network, address or stack), ENOENT (there is no such name, or it has no address of this
 * kind; or no such service), EAGAIN (no name server has answered usefully), ETIMEDOUT, ENOMEM, EMFILE, or
 * that of the attempt that got furthest: ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH...
 */
int vdestack_dial(struct vdestack *stack, const char *network, const char *address, int timeout_ms)
	VDESTACK_NODISCARD VDESTACK_NONNULL(2, 3);

/*
 * The same without waiting, for programs with an event loop, as vdestack_new_start(3):
 *
 *  - vdestack_dial_start() begins. NULL: it has failed already, with the errno of vdestack_dial().
 *  - vdestack_dial_fd() returns a descriptor that is readable (POLLIN) when finish has something to do. It
 *    stays the same, belongs to the dial, and must not be read or closed.
 *  - vdestack_dial_finish() does what can be done without waiting. 1: *fd is the connected socket. 0: it goes
 *    on. -1: it has failed. Unless it goes on, the dial is freed.
 *  - vdestack_dial_cancel() ends it. NULL is allowed.
 *
 * The calls may come from different threads, but only one at a time. After fork(2) the dial is the parent's.
 * In the child finish fails with ECANCELED; finish and cancel free the child's copy and change nothing for
 * the parent.
 */
struct vdestack_dial;
struct vdestack_dial *vdestack_dial_start(struct vdestack *stack, const char *network, const char *address,
					  int timeout_ms) VDESTACK_NODISCARD VDESTACK_NONNULL(2, 3);
int vdestack_dial_fd(const struct vdestack_dial *dial);
int vdestack_dial_finish(struct vdestack_dial *dial, int *fd) VDESTACK_NODISCARD VDESTACK_NONNULL(2);
void vdestack_dial_cancel(struct vdestack_dial *dial);

/*
 * Returns a socket of the stack that is bound to address, and for TCP listens; close-on-exec, blocking. TCP
 * sockets have SO_REUSEADDR. No HOST, or "[::]": all addresses of the network's families ("tcp": IPv6 and
 * IPv4 by one socket, or IPv4 alone in a stack without IPv6; "tcp6": IPv6 only). No PORT, or 0: the kernel
 * chooses; getsockname(2) tells. A name is looked up, and the first of its addresses that can be bound is
 * used.
 *
 * errno: as vdestack_dial() for names; EADDRINUSE, EADDRNOTAVAIL, EACCES... of bind(2) and listen(2).
 */
int vdestack_listen(struct vdestack *stack, const char *network, const char *address)
	VDESTACK_NODISCARD VDESTACK_NONNULL(2, 3);

#ifdef __cplusplus
}
#endif
#endif
