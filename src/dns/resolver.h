/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_RESOLVER_H
#define VS_DNS_RESOLVER_H

/*
 * The resolver of a stack, or of a network of the caller: options, settings that follow the network, cache,
 * idle lanes. Every function may be called from any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hosts.h"
#include "settings.h"
#include <vdestack/conf.h>
#include <vdestack/dns.h>

struct vs_answer;
struct vs_lane;
struct vs_net;

const struct vs_net *vs_resolver_net(const struct vdestack_dns *dns);
const struct vdestack_dns_opts *vs_resolver_opts(const struct vdestack_dns *dns);

/* The resolver that a stack has by itself, kept until vs_resolver_put(). NULL with errno and a message. */
struct vdestack_dns *vs_resolver_get(struct vdestack *stack);
/* Keeps a resolver that the caller has already. False: out of memory. */
bool vs_resolver_hold(struct vdestack_dns *dns);
void vs_resolver_put(struct vdestack_dns *dns);

/* Which process and which network something belongs to. */
struct vs_epoch {
	uint64_t process; /* another one in each forked child */
	uint64_t network; /* another one after each change */
};

/*
 * Reads what has happened to the stack, and what is not known any more. To be called at the beginning of a
 * lookup, before the functions below. addresses: also those of the stack. Returns 0, or -errno with a
 * message.
 */
int vs_resolver_refresh(struct vdestack_dns *dns, bool addresses, struct vs_epoch *epoch);
/* The process alone, without a refresh. */
uint64_t vs_resolver_process(struct vdestack_dns *dns);

void vs_resolver_settings(struct vdestack_dns *dns, struct vs_settings *out);
/* A lane; NULL with errno. */
struct vs_lane *vs_resolver_take_lane(struct vdestack_dns *dns);
/* Gives it back; it has no askers. */
void vs_resolver_return_lane(struct vdestack_dns *dns, struct vs_lane *lane);

/* A reference to an answer that is kept, or NULL. age_s may be NULL. */
struct vs_answer *vs_resolver_recall(struct vdestack_dns *dns, const char *name, int type, uint32_t *age_s);
/* Keeps an answer that belongs to this epoch. */
void vs_resolver_keep(struct vdestack_dns *dns, const struct vs_epoch *epoch, const char *name, int type,
		      struct vs_answer *answer);

/* As those of hosts.h and services.h, in the files that the options name. */
size_t vs_resolver_hosts_find(struct vdestack_dns *dns, const char *name, int family, struct vs_host *out,
			      size_t max, char *canonical);
bool vs_resolver_hosts_name(struct vdestack_dns *dns, uint8_t family, const uint8_t *bytes, char *name);
int vs_resolver_port(struct vdestack_dns *dns, const char *name, const char *protocol);
bool vs_resolver_port_name(struct vdestack_dns *dns, uint16_t port, const char *protocol, char *name);

/* Whether the stack has an address of the family that is not a loopback address. */
bool vs_resolver_has_family(struct vdestack_dns *dns, int family);
/*
 * The prefix length of one of the stack's addresses, and whether it is deprecated. False: it has none such.
 */
bool vs_resolver_source(struct vdestack_dns *dns, int family, const void *addr, uint8_t *prefix,
			bool *deprecated);

#endif
