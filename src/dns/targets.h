/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_TARGETS_H
#define VS_DNS_TARGETS_H

/* Kinds of sockets and ports: what hints and service of a getaddrinfo() ask for. */

#include <stddef.h>
#include <stdint.h>

#include <vdestack/dns.h>

struct vs_target {
	int socktype, protocol;
	uint16_t port;
};

#define VS_TARGETS_MAX 7

/* Returns how many there are, > 0, or an EAI_... with a message. service may be NULL. */
int vs_targets_find(struct vdestack_dns *dns, const char *service, const struct addrinfo *hints,
		    struct vs_target out[VS_TARGETS_MAX]);

#endif
