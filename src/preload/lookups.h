/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PRELOAD_LOOKUPS_H
#define VS_PRELOAD_LOOKUPS_H

/*
 * What the shim and the library of lookups share. lookups.c has the essay.
 *
 * Both files may be of different versions: an update replaces the library of lookups while a program runs
 * with the shim of before. So the shim says its version, and gets no table from another one.
 */

#include <netdb.h>
#include <sys/socket.h>

struct ifaddrs;

#define VS_LOOKUPS_FILE "libvdestack-preload-lookups.so"
#define VS_LOOKUPS_START "vs_lookups_start"
/* What must be equal. The number changes with this file. */
#define VS_LOOKUPS_VERSION VS_VERSION "-1"

/* `stack` is the index of a stack of the run. Called with VS_SHIM_INSIDE, and in no signal handler. */
struct vs_lookups {
	/*
	 * As getaddrinfo(3) and getnameinfo(3). Lists have the layout of glibc's. EAI_AGAIN: no such stack.
	 */
	int (*getaddrinfo)(unsigned stack, const char *node, const char *service,
			   const struct addrinfo *hints, struct addrinfo **res);
	int (*getnameinfo)(unsigned stack, const struct sockaddr *addr, socklen_t len, char *host,
			   socklen_t host_len, char *service, socklen_t service_len, int flags);
	/* As the calls of <vdestack/conf.h>: -1 and errno, ENETDOWN if there is no such stack. */
	int (*getifaddrs)(unsigned stack, struct ifaddrs **list);
	void (*freeifaddrs)(struct ifaddrs *list);
	int (*if_nametoindex)(unsigned stack, const char *name);
	int (*if_indextoname)(unsigned stack, int index, char *name);
};

/* Gives the door of a stack: a descriptor for vdestack_receive(), or -1. */
typedef int vs_lookups_door(unsigned stack);

/* The only function that the library of lookups shows. NULL: another version. May be called again. */
typedef const struct vs_lookups *vs_lookups_start_fn(const char *version, vs_lookups_door *door);
vs_lookups_start_fn vs_lookups_start;

#endif
