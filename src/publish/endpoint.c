/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

socklen_t vs_endpoint_len(const union vs_endpoint *e)
{
	return e->sa.sa_family == AF_INET ? sizeof(e->in) : sizeof(e->in6);
}

uint16_t vs_endpoint_port(const union vs_endpoint *e)
{
	return ntohs(e->sa.sa_family == AF_INET ? e->in.sin_port : e->in6.sin6_port);
}

void vs_endpoint_set_port(union vs_endpoint *e, uint16_t port)
{
	if (e->sa.sa_family == AF_INET)
		e->in.sin_port = htons(port);
	else
		e->in6.sin6_port = htons(port);
}

bool vs_endpoint_parse(const char *text, uint16_t port, union vs_endpoint *e)
{
	union vs_endpoint got;

	memset(&got, 0, sizeof(got));
	if (inet_pton(AF_INET, text, &got.in.sin_addr) == 1) {
		got.in.sin_family = AF_INET;
	} else if (inet_pton(AF_INET6, text, &got.in6.sin6_addr) == 1) {
		got.in6.sin6_family = AF_INET6;
	} else {
		return false;
	}
	vs_endpoint_set_port(&got, port);
	*e = got;
	return true;
}

void vs_endpoint_format(const union vs_endpoint *e, char text[VS_ENDPOINT_TEXT])
{
	char addr[INET6_ADDRSTRLEN] = "?";
	bool v4 = e->sa.sa_family == AF_INET;

	(void)inet_ntop(e->sa.sa_family, v4 ? (const void *)&e->in.sin_addr : &e->in6.sin6_addr, addr,
			sizeof(addr));
	(void)snprintf(text, VS_ENDPOINT_TEXT, v4 ? "%s:%u" : "[%s]:%u", addr, vs_endpoint_port(e));
}

void vs_endpoint_unmap(union vs_endpoint *e)
{
	union vs_endpoint v4;

	if (e->sa.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&e->in6.sin6_addr))
		return;
	memset(&v4, 0, sizeof(v4));
	v4.in.sin_family = AF_INET;
	v4.in.sin_port = e->in6.sin6_port;
	memcpy(&v4.in.sin_addr, &e->in6.sin6_addr.s6_addr[12], sizeof(v4.in.sin_addr));
	*e = v4;
}

void vs_endpoint_map(union vs_endpoint *e)
{
	union vs_endpoint v6;

	if (e->sa.sa_family != AF_INET)
		return;
	memset(&v6, 0, sizeof(v6));
	v6.in6.sin6_family = AF_INET6;
	v6.in6.sin6_port = e->in.sin_port;
	memset(&v6.in6.sin6_addr.s6_addr[10], 0xff, 2);
	memcpy(&v6.in6.sin6_addr.s6_addr[12], &e->in.sin_addr, sizeof(e->in.sin_addr));
	*e = v6;
}

bool vs_endpoint_same_addr(const union vs_endpoint *a, const union vs_endpoint *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	return IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr) &&
	       a->in6.sin6_scope_id == b->in6.sin6_scope_id;
}

bool vs_endpoint_same(const union vs_endpoint *a, const union vs_endpoint *b)
{
	return vs_endpoint_same_addr(a, b) && vs_endpoint_port(a) == vs_endpoint_port(b);
}

bool vs_endpoint_is_global(const union vs_endpoint *e)
{
	const struct in6_addr *v6 = &e->in6.sin6_addr;
	uint32_t v4 = ntohl(e->in.sin_addr.s_addr);

	if (e->sa.sa_family == AF_INET)
		return v4 >> 24 != 0 && v4 >> 24 != IN_LOOPBACKNET && v4 >> 16 != 0xa9fe /* 169.254/16 */ &&
		       v4 >> 28 < 0xe;
	return !IN6_IS_ADDR_UNSPECIFIED(v6) && !IN6_IS_ADDR_LOOPBACK(v6) && !IN6_IS_ADDR_LINKLOCAL(v6) &&
	       !IN6_IS_ADDR_MULTICAST(v6) && !IN6_IS_ADDR_V4MAPPED(v6);
}
