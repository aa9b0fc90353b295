/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * getaddrinfo(3) and getnameinfo(3), by the resolver of the stack, in the library of lookups.
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
#include "shim_lookups.h"
#include "shim_names.h"

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

int vs_shim_whose(const char *name, unsigned *index)
{
	if (vs_shim_inside != 0 || vs_shim_state() != VS_SHIM_IN_RUN)
		return VS_SHIM_LIBC;
	int r = vs_shim_stack_of_name(name, index);
	if (r < 0)
		return r;
	return *index == VS_SHIM_HOST ? VS_SHIM_LIBC : 0;
}

/* ------------------------------------------------------------------ getaddrinfo */

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

int vs_shim_lookup(unsigned stack, const char *node, const char *service, const struct addrinfo *hints,
		   struct addrinfo **res)
{
	const struct vs_lookups *lookups = vs_shim_lookups();

	return lookups != NULL ? lookups->getaddrinfo(stack, node, service, hints, res) : EAI_SYSTEM;
}

static int lookup(unsigned stack, const char *node, const char *service, const struct addrinfo *hints,
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
	unsigned stack;
	int r = vs_shim_whose(node, &stack), code;

	if (r < 0)
		return EAI_FAIL;
	if (r == VS_SHIM_LIBC)
		code = libc_getaddrinfo(node, service, hints, res);
	else
		code = lookup(stack, node, service, hints, res);
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

int vs_shim_name_of(unsigned stack, const struct sockaddr *addr, socklen_t len, char *host,
		    socklen_t host_len, char *service, socklen_t service_len, int flags)
{
	const struct vs_lookups *lookups = vs_shim_lookups();

	return lookups != NULL ? lookups->getnameinfo(stack, addr, len, host, host_len, service, service_len,
						      flags)
			       : EAI_SYSTEM;
}

VS_SHIM_EXPORT int getnameinfo(const struct sockaddr *addr, socklen_t len, char *host, socklen_t host_len,
			       char *service, socklen_t service_len, int flags)
{
	unsigned stack = 0;
	/* AF_UNIX and others are libc's. */
	bool inet = addr != NULL && len >= sizeof(sa_family_t) &&
		    (addr->sa_family == AF_INET || addr->sa_family == AF_INET6);
	int r = inet ? vs_shim_whose(NULL, &stack) : VS_SHIM_LIBC;

	if (r == VS_SHIM_LIBC)
		return libc_getnameinfo(addr, len, host, host_len, service, service_len, flags);
	if (r < 0)
		return EAI_FAIL;
	VS_SHIM_INSIDE;
	return vs_shim_name_of(stack, addr, len, host, host_len, service, service_len, flags & ~NI_IDN);
}
