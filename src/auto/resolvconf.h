/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_AUTO_RESOLVCONF_H
#define VS_AUTO_RESOLVCONF_H

#include "auto.h"

/* A name server or a search domain. */
struct vs_resolv_item {
	enum vs_auto_source source;
	const char *ifname;
	struct vs_auto_ip addr; /* of a name server; family 0: none */
	const char *domain;     /* one domain of a search list; NULL: none */
};

/* Item i of a list. The strings stay valid until the list changes. */
typedef struct vs_resolv_item vs_resolv_fn(const void *arg, size_t i);

/*
 * Writes a list of n items as the text of a resolv.conf, of which size bytes are stored, a NUL included.
 * Returns the length of the whole text without the NUL, like snprintf(3). Pure.
 */
size_t vs_resolv_write(vs_resolv_fn *item, const void *arg, size_t n, char *buf, size_t size);

#endif
