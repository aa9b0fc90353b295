/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTHDNS_RESOLVER_H
#define VS_IOTHDNS_RESOLVER_H

#include <iothdns.h>
#include <stdbool.h>

#include <vdestack/dns.h>

/* The resolvers of libvdestack-dns that one of ours has. They differ in their options. */
enum vs_iothdns_kind {
	VS_IOTHDNS_FILES, /* with the hosts file; the first, and the only one of vs_iothdns_of_stack() */
	VS_IOTHDNS_PLAIN, /* name servers only */
	VS_IOTHDNS_TCP,   /* and by TCP only */
	VS_IOTHDNS_KINDS,
};

struct vs_iothdns_set;

/* Keeps the resolvers with the files as they are now, until put. NULL with errno. */
struct vs_iothdns_set *vs_iothdns_get(struct iothdns *iothdns);
void vs_iothdns_put(struct vs_iothdns_set *set);
struct vdestack_dns *vs_iothdns_of(struct vs_iothdns_set *set, enum vs_iothdns_kind kind);

/* Whether the plugin of a stack knows a name server of it. True if it cannot be asked. */
bool vs_iothdns_stack_names_server(struct ioth *stack);

/*
 * A resolver with the name servers that the stack has by its plugin, and without a hosts file, for
 * iothdns_getaddrinfo() and iothdns_getnameinfo(). NULL with errno. iothdns_fini() ends it.
 */
struct iothdns *vs_iothdns_of_stack(struct ioth *stack);

#endif
