/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_ADDR_H
#define PX_ADDR_H

/* Addresses of sockets as lwIP writes them. */

#include <lwip/err.h>
#include <lwip/ip_addr.h>
#include <stdbool.h>
#include <sys/socket.h>

/*
 * Reads an address of a socket of this family. An IPv4 address in IPv6 (::ffff:a.b.c.d) becomes an IPv4 one.
 * 0, -EINVAL (length) or -EAFNOSUPPORT.
 */
int px_addr_read(int family, const struct sockaddr *from, socklen_t len, ip_addr_t *addr, u16_t *port);
/* The reverse, for a socket of this family; IPv4 becomes ::ffff:a.b.c.d in an IPv6 socket. The length. */
socklen_t px_addr_write(int family, const ip_addr_t *addr, u16_t port, void *to);
/* "Any" of the family; any4: an IPv6 socket that takes IPv4 as well. */
void px_addr_any(int family, bool any4, ip_addr_t *addr);
bool px_addr_is_any(const ip_addr_t *addr);
/* An address that the stack has, or any. */
bool px_addr_is_ours(const ip_addr_t *addr);
/* The errno of an error of lwIP, negative; 0: none. */
int px_addr_errno(err_t err);

#endif
