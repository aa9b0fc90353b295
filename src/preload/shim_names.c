/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * getaddrinfo(3) and getnameinfo(3), by the resolver of the stack.
 *
 * With several stacks the rules choose the resolver: that of the stack which a connection to this name
 * would use. Where they say host, the function is libc's.
 */

#include <errno.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "shim.h"
#include "shim_names.h"
#include <vdestack/dns.h>

int vs_shim_stack_of_name(const char *name, unsigned *index)
{
	struct vs_rules_call call = { .stage = VS_RULES_AT_CONNECT,
				      .family = AF_INET,
				      .type = SOCK_STREAM,
				      .names = &name,
				      .n_names = name != NULL };
	struct vs_rules_decision decision = vs_shim_decide(&call);

	if (name != NULL)
		vs_shim_log("names", NULL, &decision, name);
	if (decision.verdict == VS_RULES_DENY)
		return -EACCES;
	*index = decision.verdict == VS_RULES_HOST ? VS_SHIM_HOST : decision.stack;
	return 0;
}

int vs_shim_whose(const char *name, struct vdestack **stack)
{
	unsigned index;

	*stack = NULL;
	if (vs_shim_inside != 0 || vs_shim_state() != VS_SHIM_IN_RUN)
		return VS_SHIM_LIBC;
	int r = vs_shim_stack_of_name(name, &index);
	if (r < 0)
		return r;
	if (index == VS_SHIM_HOST)
		return VS_SHIM_LIBC;
	*stack = vs_shim_stack(index);
	return *stack != NULL ? 0 : -ENETDOWN;
}

/* ------------------------------------------------------------------ resolvers */

#define RESOLVERS_MAX 64

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

struct vdestack_dns *vs_shim_resolver(struct vdestack *stack)
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

/* ------------------------------------------------------------------ getaddrinfo */

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
			vs_shim_free_list(first);
			return EAI_MEMORY;
		}
	}
	*to = first;
	return 0;
}

void vs_shim_free_list(struct addrinfo *list)
{
	while (list != NULL) {
		struct addrinfo *next = list->ai_next;
		free(list->ai_canonname);
		free(list);
		list = next;
	}
}

static void remember(const char *name, const struct addrinfo *list)
{
	if (name == NULL || !(vs_shim_run.needs & VS_RULES_NEED_NAMES))
		return;
	for (; list != NULL; list = list->ai_next)
		vs_shim_known_add(name, list->ai_addr);
}

/* AI_IDN, which glibc knows and the resolver does not, changes nothing for such a name. */
static bool is_ascii(const char *name)
{
	for (; name != NULL && *name != '\0'; name++)
		if ((unsigned char)*name >= 0x80)
			return false;
	return true;
}

static int ask(struct vdestack *stack, const char *node, const char *service, const struct addrinfo *hints,
	       struct addrinfo **list)
{
	struct vdestack_dns *dns = vs_shim_resolver(stack);
	int code = dns != NULL ? vdestack_dns_getaddrinfo(dns, node, service, hints, list) : EAI_MEMORY;

	if (code != EAI_NONAME && code != EAI_NODATA && code != 0 &&
	    (stack = vs_shim_renew_dead(stack)) != NULL && (dns = vs_shim_resolver(stack)) != NULL)
		code = vdestack_dns_getaddrinfo(dns, node, service, hints, list);
	return code;
}

int vs_shim_lookup(struct vdestack *stack, const char *node, const char *service,
		   const struct addrinfo *hints, struct addrinfo **res)
{
	struct addrinfo plain = hints != NULL ? *hints : (struct addrinfo){ 0 }, *list = NULL;

	if (hints != NULL && is_ascii(node))
		plain.ai_flags &= ~(AI_IDN | AI_CANONIDN);
	int code = ask(stack, node, service, hints != NULL ? &plain : NULL, &list);
	if (code != 0)
		return code;
	code = copy_list(list, res);
	vdestack_freeaddrinfo(list);
	return code;
}

static int lookup(struct vdestack *stack, const char *node, const char *service, const struct addrinfo *hints,
		  struct addrinfo **res)
{
	VS_SHIM_INSIDE;

	return vs_shim_lookup(stack, node, service, hints, res);
}

static int libc_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
			    struct addrinfo **res)
{
	static _Atomic(__typeof__(&getaddrinfo)) next;

	return VS_SHIM_LIBC_CALL(next, "getaddrinfo", EAI_FAIL, node, service, hints, res);
}

VS_SHIM_EXPORT int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
			       struct addrinfo **res)
{
	struct vdestack *stack;
	int r = vs_shim_whose(node, &stack), code;

	if (r == -EACCES)
		return EAI_FAIL;
	if (r == VS_SHIM_LIBC)
		code = libc_getaddrinfo(node, service, hints, res);
	else
		code = r == 0 ? lookup(stack, node, service, hints, res) : EAI_AGAIN;
	if (code == 0)
		remember(node, *res);
	return code;
}

/* ------------------------------------------------------------------ getnameinfo */

static int libc_getnameinfo(const struct sockaddr *addr, socklen_t len, char *host, socklen_t host_len,
			    char *service, socklen_t service_len, int flags)
{
	static _Atomic(__typeof__(&getnameinfo)) next;

	return VS_SHIM_LIBC_CALL(next, "getnameinfo", EAI_FAIL, addr, len, host, host_len, service,
				 service_len, flags);
}

int vs_shim_name_of(struct vdestack *stack, const struct sockaddr *addr, socklen_t len, char *host,
		    socklen_t host_len, char *service, socklen_t service_len, int flags)
{
	struct vdestack_dns *dns = vs_shim_resolver(stack);
	int code = dns != NULL ? vdestack_dns_getnameinfo(dns, addr, len, host, host_len, service,
							  service_len, flags)
			       : EAI_MEMORY;

	if (code != EAI_NONAME && code != EAI_OVERFLOW && code != 0 &&
	    (stack = vs_shim_renew_dead(stack)) != NULL && (dns = vs_shim_resolver(stack)) != NULL)
		code = vdestack_dns_getnameinfo(dns, addr, len, host, host_len, service, service_len, flags);
	return code;
}

VS_SHIM_EXPORT int getnameinfo(const struct sockaddr *addr, socklen_t len, char *host, socklen_t host_len,
			       char *service, socklen_t service_len, int flags)
{
	struct vdestack *stack = NULL;
	/* AF_UNIX and others are libc's. */
	bool inet = addr != NULL && len >= sizeof(sa_family_t) &&
		    (addr->sa_family == AF_INET || addr->sa_family == AF_INET6);
	int r = inet ? vs_shim_whose(NULL, &stack) : VS_SHIM_LIBC;

	if (r == VS_SHIM_LIBC)
		return libc_getnameinfo(addr, len, host, host_len, service, service_len, flags);
	if (r < 0)
		return r == -EACCES ? EAI_FAIL : EAI_AGAIN;
	VS_SHIM_INSIDE;
	return vs_shim_name_of(stack, addr, len, host, host_len, service, service_len, flags & ~NI_IDN);
}
