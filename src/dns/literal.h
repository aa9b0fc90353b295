/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_LITERAL_H
#define VS_DNS_LITERAL_H

/* Addresses as text, in all forms that getaddrinfo(3) takes. */

#include <stdint.h>

struct vs_net;

struct vs_literal {
	int family;
	uint8_t bytes[16];
	uint32_t scope_id;
};

/*
 * "10.0.0.1", "10.1", "0x7f.1", "fc00::1", "fe80::1%vde0", "fe80::1%2". 0; -EINVAL: not an address; -ENODEV:
 * the scope is no interface of the network.
 */
int vs_literal_parse(const struct vs_net *net, const char *text, struct vs_literal *out);

#endif
