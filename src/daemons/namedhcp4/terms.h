/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef N4_TERMS_H
#define N4_TERMS_H

/* What a client gets besides its address. IPv4 addresses are numbers in the byte order of the machine. */

#include <stdbool.h>
#include <stdint.h>

#define N4_LIST_MAX 8
#define N4_ROUTES_MAX 32
#define N4_SEARCH_MAX 512

struct n4_list {
	unsigned n;
	uint32_t addrs[N4_LIST_MAX]; /* more are left out */
};

struct n4_route {
	uint32_t dst, gw;
	unsigned len; /* of the prefix */
};

struct n4_terms {
	uint32_t mask;      /* 0: none */
	uint32_t broadcast; /* 0: none */
	uint32_t lease_s;   /* 0: none */
	uint16_t mtu;       /* 0: none */
	struct n4_list routers, dns, ntp;
	unsigned n_routes;
	struct n4_route routes[N4_ROUTES_MAX];
	char search[N4_SEARCH_MAX]; /* domains, one space between two */
};

#endif
