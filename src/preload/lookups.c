/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * libvdestack-preload-lookups.so: what the shim needs for names and interfaces, and for nothing else.
 *
 * Each mapping of a program makes its fork(2) slower, and each library its start. The resolver brings c-ares,
 * and the list of interfaces libnl. A program that looks nothing up should not pay for them. So the shim is
 * one file that needs libc only. It loads this library at the first lookup (shim_lookups.c).
 *
 *     program ── getaddrinfo() ──▶ shim: whose name is it? ──▶ this library ── door of the stack ──▶ keeper
 *
 * The shim decides, this library answers. It knows no rules and no logs. It has the library's client side
 * inside, as the shim has, and shares nothing with it: its handles are its own, made from doors that the shim
 * requests. Sockets of c-ares are connected by the shim's connect(2), which follows no rules meanwhile.
 *
 * What must hold:
 *   - It shows one function. The program may link libvdestack or c-ares itself.
 *   - It is never unloaded: a resolver has no end, and a thread may be in a lookup.
 *   - Memory that libc frees has the layout that libc frees.
 */

#include "lookups.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vdestack.h>
#include <vdestack/conf.h>
#include <vdestack/dns.h>

#define STACKS_MAX 64
#define RESOLVERS_MAX 64

/* ------------------------------------------------------------------ handles */

static _Atomic(vs_lookups_door *) request_door; /* written before the first call */
static _Atomic(struct vdestack *) handles[STACKS_MAX];

/* If another thread was faster, its handle. */
static struct vdestack *make_handle(unsigned index)
{
	struct vdestack *stack, *there = NULL;
	int door = atomic_load(&request_door)(index);

	if (door < 0)
		return NULL;
	stack = vdestack_receive(door);
	(void)close(door);
	if (stack != NULL && !atomic_compare_exchange_strong(&handles[index], &there, stack)) {
		(void)vdestack_delete(stack);
		stack = there;
	}
	return stack;
}

/* NULL and ENETDOWN: there is none. */
static struct vdestack *stack_of(unsigned index)
{
	struct vdestack *stack = index < STACKS_MAX ? atomic_load(&handles[index]) : NULL;

	if (stack == NULL && index < STACKS_MAX)
		stack = make_handle(index);
	if (stack == NULL)
		errno = ENETDOWN;
	return stack;
}

static bool works(struct vdestack *stack)
{
	int fd = vdestack_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0 || (errno != ENETDOWN && errno != EINVAL);
}

/*
 * A handle in place of one that does not work any more: the program has closed its door. NULL: it works, or
 * there is no other. Keeps errno.
 *
 * The old handle is deleted first: the new door may get the number of the old one.
 */
static struct vdestack *renew_dead(unsigned index, struct vdestack *old)
{
	int saved = errno;
	struct vdestack *there = old, *fresh = NULL;

	if (!works(old)) {
		if (atomic_compare_exchange_strong(&handles[index], &there, NULL))
			(void)vdestack_delete(old);
		fresh = stack_of(index);
	}
	errno = saved;
	return fresh;
}

/* ------------------------------------------------------------------ resolvers */

struct resolver {
	struct vdestack *stack;
	struct vdestack_dns *dns;
};

/* Filled in from the first on, and never changed. Those of handles that were renewed stay. */
static _Atomic(struct resolver *) resolvers[RESOLVERS_MAX];

/* Names of services are the machine's. Hosts are the network's: /etc/hosts is not read. */
static struct resolver *make_resolver(struct vdestack *stack)
{
	const struct vdestack_dns_opts opts = { .size = sizeof(opts), .services = "/etc/services" };
	struct resolver *r = malloc(sizeof(*r));
	struct vdestack_dns *dns = r != NULL ? vdestack_dns_new(stack, &opts) : NULL;

	if (dns == NULL) {
		free(r);
		return NULL;
	}
	*r = (struct resolver){ stack, dns };
	return r;
}

static void free_resolver(struct resolver *r)
{
	if (r != NULL)
		vdestack_dns_delete(r->dns);
	free(r);
}

/* NULL: no memory. */
static struct vdestack_dns *resolver_of(struct vdestack *stack)
{
	struct resolver *made = NULL;

	for (size_t i = 0; i < RESOLVERS_MAX; i++) {
		struct resolver *there = atomic_load(&resolvers[i]);
		if (there == NULL) {
			if (made == NULL && (made = make_resolver(stack)) == NULL)
				return NULL;
			if (atomic_compare_exchange_strong(&resolvers[i], &there, made))
				return made->dns;
		}
		if (there->stack == stack) {
			free_resolver(made);
			return there->dns;
		}
	}
	free_resolver(made);
	return vdestack_dns_of(stack);
}

/* ------------------------------------------------------------------ names */

static void free_list(struct addrinfo *list)
{
	while (list != NULL) {
		struct addrinfo *next = list->ai_next;
		free(list->ai_canonname);
		free(list);
		list = next;
	}
}

/* Copies a list into blocks as those that glibc's freeaddrinfo(3) frees. */
static int copy_list(const struct addrinfo *from, struct addrinfo **to)
{
	struct addrinfo *first = NULL, **end = &first;

	for (; from != NULL; from = from->ai_next) {
		struct addrinfo *ai = malloc(sizeof(*ai) + from->ai_addrlen);
		if (ai != NULL) {
			*ai = *from;
			ai->ai_next = NULL;
			ai->ai_addr = memcpy(ai + 1, from->ai_addr, from->ai_addrlen);
			ai->ai_canonname = from->ai_canonname != NULL ? strdup(from->ai_canonname) : NULL;
			*end = ai;
			end = &ai->ai_next;
		}
		if (ai == NULL || (from->ai_canonname != NULL && ai->ai_canonname == NULL)) {
			free_list(first);
			return EAI_MEMORY;
		}
	}
	*to = first;
	return 0;
}

static int ask_for_list(unsigned index, const char *node, const char *service, const struct addrinfo *hints,
			struct addrinfo **list)
{
	struct vdestack *stack = stack_of(index);

	if (stack == NULL)
		return EAI_AGAIN;
	struct vdestack_dns *dns = resolver_of(stack);
	int code = dns != NULL ? vdestack_dns_getaddrinfo(dns, node, service, hints, list) : EAI_MEMORY;

	if (code != EAI_NONAME && code != EAI_NODATA && code != 0 &&
	    (stack = renew_dead(index, stack)) != NULL && (dns = resolver_of(stack)) != NULL)
		code = vdestack_dns_getaddrinfo(dns, node, service, hints, list);
	return code;
}

/* AI_IDN, which glibc knows and the resolver does not, changes nothing for such a name. */
static bool is_ascii(const char *name)
{
	for (; name != NULL && *name != '\0'; name++)
		if ((unsigned char)*name >= 0x80)
			return false;
	return true;
}

static int addresses(unsigned index, const char *node, const char *service, const struct addrinfo *hints,
		     struct addrinfo **res)
{
	struct addrinfo plain = hints != NULL ? *hints : (struct addrinfo){ 0 }, *list = NULL;

	if (hints != NULL && is_ascii(node))
		plain.ai_flags &= ~(AI_IDN | AI_CANONIDN);
	int code = ask_for_list(index, node, service, hints != NULL ? &plain : NULL, &list);
	if (code != 0)
		return code;
	code = copy_list(list, res);
	vdestack_freeaddrinfo(list);
	return code;
}

static int name(unsigned index, const struct sockaddr *addr, socklen_t len, char *host, socklen_t host_len,
		char *service, socklen_t service_len, int flags)
{
	struct vdestack *stack = stack_of(index);

	if (stack == NULL)
		return EAI_AGAIN;
	struct vdestack_dns *dns = resolver_of(stack);
	int code = dns != NULL ? vdestack_dns_getnameinfo(dns, addr, len, host, host_len, service,
							  service_len, flags)
			       : EAI_MEMORY;

	if (code != EAI_NONAME && code != EAI_OVERFLOW && code != 0 &&
	    (stack = renew_dead(index, stack)) != NULL && (dns = resolver_of(stack)) != NULL)
		code = vdestack_dns_getnameinfo(dns, addr, len, host, host_len, service, service_len, flags);
	return code;
}

/* ------------------------------------------------------------------ interfaces */

static int interfaces(unsigned index, struct ifaddrs **list)
{
	struct vdestack *stack = stack_of(index);
	int r = stack != NULL ? vdestack_getifaddrs(stack, list) : -1;

	if (r < 0 && stack != NULL && (errno == ENETDOWN || errno == EINVAL) &&
	    (stack = renew_dead(index, stack)) != NULL)
		r = vdestack_getifaddrs(stack, list);
	return r;
}

static int index_of_name(unsigned index, const char *ifname)
{
	struct vdestack *stack = stack_of(index);
	int r = stack != NULL ? vdestack_if_nametoindex(stack, ifname) : -1;

	if (r < 0 && stack != NULL && errno == ENETDOWN && (stack = renew_dead(index, stack)) != NULL)
		r = vdestack_if_nametoindex(stack, ifname);
	return r;
}

static int name_of_index(unsigned index, int ifindex, char *ifname)
{
	struct vdestack *stack = stack_of(index);
	int r = stack != NULL ? vdestack_if_indextoname(stack, ifindex, ifname) : -1;

	if (r < 0 && stack != NULL && errno == ENETDOWN && (stack = renew_dead(index, stack)) != NULL)
		r = vdestack_if_indextoname(stack, ifindex, ifname);
	return r;
}

__attribute__((visibility("default"))) const struct vs_lookups *vs_lookups_start(const char *version,
										   vs_lookups_door *door)
{
	static const struct vs_lookups table = {
		.getaddrinfo = addresses,
		.getnameinfo = name,
		.getifaddrs = interfaces,
		.freeifaddrs = vdestack_freeifaddrs,
		.if_nametoindex = index_of_name,
		.if_indextoname = name_of_index,
	};

	if (strcmp(version, VS_LOOKUPS_VERSION) != 0)
		return NULL;
	atomic_store(&request_door, door);
	return &table;
}
