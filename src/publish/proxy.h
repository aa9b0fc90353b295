/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUBLISH_PROXY_H
#define VS_PUBLISH_PROXY_H

#include <stddef.h>

#include "endpoint.h"

#define VS_PROXY_MAX 52

/*
 * Writes the header of the PROXY protocol, version 2, for a TCP connection from `client` to `at`. Returns
 * its length. Addresses of two families are written as IPv6 addresses. Pure.
 */
size_t vs_proxy_header(const union vs_endpoint *client, const union vs_endpoint *at,
		       unsigned char header[VS_PROXY_MAX]);

#endif
