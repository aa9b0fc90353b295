/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CONFIG_CONFIG_H
#define VS_CONFIG_CONFIG_H

/* The configuration string of a stack, parsed. Pure: no descriptor, no kernel, no message recorded. */

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "locator.h"

#define VS_VNL_MAX 4000 /* bytes in a VNL */

struct vs_conf_addr {
	int family; /* AF_INET or AF_INET6 */
	unsigned char bytes[16];
	unsigned prefixlen;
};

struct vs_conf_route {
	struct vs_conf_addr dst; /* prefixlen 0: default route */
	bool has_gw;
	struct vs_conf_addr gw;  /* prefixlen unused */
};

struct vs_conf_iface {
	char name[IF_NAMESIZE]; /* never empty after parsing: vde0, vde1... when not given */
	char *vnl;              /* never NULL; what the interface is plugged into */
	struct vs_locator locator; /* vnl parsed; points into it */
	bool has_mac;
	unsigned char mac[6];
	unsigned mtu; /* 0 = not given */
	bool nodad;   /* its IPv6 addresses are used without duplicate address detection */
	struct vs_conf_addr *addrs;
	size_t n_addrs;
	struct vs_conf_route *routes; /* gw= words are default routes here, in their order */
	size_t n_routes;
};

#define VS_STACK_NAME_MAX 63 /* bytes in the name of a stack */

struct vs_config {
	struct vs_conf_iface *ifaces;
	size_t n_ifaces;
	char name[VS_STACK_NAME_MAX + 1]; /* of the stack; "": none */
};

/* True if the stack that the string is for has an interface of that name. */
typedef bool vs_conf_taken_fn(void *arg, const char *name);

/*
 * Parses text (NULL = ""). taken may be NULL. Returns 0 and *out, which the caller frees with
 * vs_config_free(), or -EINVAL, -EEXIST, -ENOTSUP, -E2BIG, -ENAMETOOLONG, -ENOMEM with *error filled: its
 * message names the word and the position.
 */
int vs_config_parse(const char *text, vs_conf_taken_fn *taken, void *arg, struct vs_config_error *error,
		    struct vs_config **out);

/* NULL is allowed. */
void vs_config_free(struct vs_config *config);

/*
 * True if `name` can be an interface of a stack: 1..15 bytes, no '/', ':', no white space
 * or control characters, not ".", "..", "lo", nor with a '%' (the kernel would number it).
 */
bool vs_ifname_valid(const char *name);

#endif
