/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_NET_H
#define VS_DNS_NET_H

/*
 * The network of a resolver: a stack, or functions of the caller (struct vdestack_dns_net). Everything that a
 * resolver does with sockets and interfaces goes through here. The functions return what the system calls of
 * the same names return.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <vdestack/conf.h>
#include <vdestack/dns.h>

struct vs_net {
	struct vdestack *stack;        /* NULL: the calls */
	struct vdestack_dns_net calls; /* zero for a stack */
};

/* The members that this version knows. Returns 0, or -EINVAL, -E2BIG with a message. */
int vs_net_take(struct vs_net *net, const struct vdestack_dns_net *calls);

/* Close-on-exec. type may have SOCK_NONBLOCK. */
int vs_net_socket(const struct vs_net *net, int domain, int type, int protocol);
int vs_net_close(const struct vs_net *net, int fd);
int vs_net_connect(const struct vs_net *net, int fd, const struct sockaddr *addr, socklen_t len);
int vs_net_getsockname(const struct vs_net *net, int fd, struct sockaddr *addr, socklen_t *len);
ssize_t vs_net_recvfrom(const struct vs_net *net, int fd, void *buf, size_t size, int flags,
			struct sockaddr *from, socklen_t *from_len);
ssize_t vs_net_sendmsg(const struct vs_net *net, int fd, const struct msghdr *message, int flags);

/* The index of an interface; 0: there is none of that name. */
uint32_t vs_net_index(const struct vs_net *net, const char *name);
bool vs_net_ifname(const struct vs_net *net, uint32_t index, char name[IF_NAMESIZE]);

/* As vdestack_resolvconf(). *refusal: the message of a failure. */
int vs_net_resolvconf(const struct vs_net *net, char *buf, size_t size, const char **refusal);

/* Whether the addresses of the network can be read. */
bool vs_net_has_addresses(const struct vs_net *net);
/* Reads them; the caller frees *list. Returns how many there are, or -errno. */
int vs_net_addresses(const struct vs_net *net, struct vdestack_addr **list, const char **refusal);

#endif
