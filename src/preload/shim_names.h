/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PRELOAD_SHIM_NAMES_H
#define VS_PRELOAD_SHIM_NAMES_H

/* Lookups of the shim, for getaddrinfo(3), for gethostbyname(3) and their relatives, and for interfaces. */

#include "shim.h"

struct addrinfo;

#define VS_SHIM_LIBC 1

/*
 * Who answers for a name, or for what has none (NULL). 0 and the index of a stack; VS_SHIM_LIBC: the function
 * of libc; -EACCES: a rule denies it.
 */
int vs_shim_whose(const char *name, unsigned *stack);

/* getaddrinfo(3) and getnameinfo(3) of the stack. Results as those of libc. Called with VS_SHIM_INSIDE. */
int vs_shim_lookup(unsigned stack, const char *node, const char *service, const struct addrinfo *hints,
		   struct addrinfo **res);
int vs_shim_name_of(unsigned stack, const struct sockaddr *addr, socklen_t len, char *host,
		    socklen_t host_len, char *service, socklen_t service_len, int flags);
void vs_shim_free_list(struct addrinfo *list);

/*
 * The function of libc, found at the first call, or `otherwise` if there is none. `next` is an atomic
 * pointer. Not for functions that are called in signal handlers.
 */
#define VS_SHIM_LIBC_CALL(next, name, otherwise, ...)                                                        \
	__extension__({                                                                                      \
		__typeof__(atomic_load(&(next))) vs_f = atomic_load(&(next));                                \
		if (vs_f == NULL) {                                                                          \
			vs_f = (__typeof__(vs_f))(uintptr_t)vs_shim_next(name);                              \
			atomic_store(&(next), vs_f);                                                         \
		}                                                                                            \
		vs_f != NULL ? vs_f(__VA_ARGS__) : (otherwise);                                              \
	})

#endif
