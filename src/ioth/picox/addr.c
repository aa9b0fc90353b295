/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <lwip/err.h>
#include <lwip/netif.h>
#include <netinet/in.h>
#include <string.h>

static int read4(const struct sockaddr *from, socklen_t len, ip_addr_t *addr, u16_t *port)
{
	struct sockaddr_in in;

	if (len < sizeof(in))
		return -EINVAL;
	memcpy(&in, from, sizeof(in));
	if (in.sin_family != AF_INET)
		return -EAFNOSUPPORT;
	*addr = (ip_addr_t)IPADDR4_INIT(in.sin_addr.s_addr);
	*port = ntohs(in.sin_port);
	return 0;
}

static void from_in6(const struct sockaddr_in6 *in6, ip_addr_t *addr)
{
	u32_t words[4];

	memcpy(words, &in6->sin6_addr, sizeof(words));
	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		*addr = (ip_addr_t)IPADDR4_INIT(words[3]);
		return;
	}
	*addr = (ip_addr_t)IPADDR6_INIT(words[0], words[1], words[2], words[3]);
	if (ip6_addr_has_scope(ip_2_ip6(addr), IP6_UNKNOWN))
		ip6_addr_set_zone(ip_2_ip6(addr), (u8_t)in6->sin6_scope_id);
}

int px_addr_read(int family, const struct sockaddr *from, socklen_t len, ip_addr_t *addr, u16_t *port)
{
	struct sockaddr_in6 in6 = { 0 };

	if (family == AF_INET)
		return read4(from, len, addr, port);
	if (len < sizeof(in6) - sizeof(in6.sin6_scope_id)) /* without a scope, as RFC 2133 had it */
		return -EINVAL;
	memcpy(&in6, from, len < sizeof(in6) ? len : sizeof(in6));
	if (in6.sin6_family != AF_INET6)
		return -EAFNOSUPPORT;
	if (in6.sin6_scope_id > 255)
		return -EINVAL;
	from_in6(&in6, addr);
	*port = ntohs(in6.sin6_port);
	return 0;
}

static socklen_t write4(const ip_addr_t *addr, u16_t port, void *to)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (IP_IS_V4_VAL(*addr))
		in.sin_addr.s_addr = ip4_addr_get_u32(ip_2_ip4(addr));
	memcpy(to, &in, sizeof(in));
	return sizeof(in);
}

socklen_t px_addr_write(int family, const ip_addr_t *addr, u16_t port, void *to)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	u32_t *words = in6.sin6_addr.s6_addr32;

	if (family == AF_INET)
		return write4(addr, port, to);
	if (IP_IS_V6_VAL(*addr)) {
		memcpy(words, ip_2_ip6(addr)->addr, 16);
		in6.sin6_scope_id = ip6_addr_zone(ip_2_ip6(addr));
	} else if (IP_IS_V4_VAL(*addr) && !ip_addr_isany(addr)) {
		words[2] = htonl(0xffff);
		words[3] = ip4_addr_get_u32(ip_2_ip4(addr));
	}
	memcpy(to, &in6, sizeof(in6));
	return sizeof(in6);
}

void px_addr_any(int family, bool any4, ip_addr_t *addr)
{
	*addr = family == AF_INET ? *IP4_ADDR_ANY : any4 ? *IP_ANY_TYPE : *IP6_ADDR_ANY;
}

bool px_addr_is_any(const ip_addr_t *addr)
{
	return ip_addr_isany(addr);
}

static bool netif_has(const struct netif *netif, const ip_addr_t *addr)
{
	if (IP_IS_V6_VAL(*addr))
		return netif_get_ip6_addr_match((struct netif *)netif, ip_2_ip6(addr)) >= 0;
	return ip4_addr_cmp(ip_2_ip4(addr), netif_ip4_addr(netif));
}

static bool in_loopback_net(const ip_addr_t *addr)
{
	return IP_IS_V4_VAL(*addr) && ip4_addr_isloopback(ip_2_ip4(addr));
}

bool px_addr_is_ours(const ip_addr_t *addr)
{
	const struct netif *netif;

	if (ip_addr_isany(addr) || in_loopback_net(addr))
		return true;
	NETIF_FOREACH(netif)
	{
		if (netif_has(netif, addr))
			return true;
	}
	return false;
}

int px_addr_errno(err_t err)
{
	static const int table[] = {
		[-ERR_MEM] = ENOBUFS,       [-ERR_BUF] = ENOBUFS,         [-ERR_TIMEOUT] = ETIMEDOUT,
		[-ERR_RTE] = ENETUNREACH,   [-ERR_INPROGRESS] = EALREADY, [-ERR_VAL] = EINVAL,
		[-ERR_WOULDBLOCK] = EAGAIN, [-ERR_USE] = EADDRINUSE,      [-ERR_ALREADY] = EALREADY,
		[-ERR_ISCONN] = EISCONN,    [-ERR_CONN] = ENOTCONN,       [-ERR_IF] = ENETDOWN,
		[-ERR_ABRT] = ECONNABORTED, [-ERR_RST] = ECONNRESET,      [-ERR_CLSD] = ENOTCONN,
		[-ERR_ARG] = EIO,
	};

	return err == ERR_OK ? 0 : -err >= (int)(sizeof(table) / sizeof(table[0])) ? -EIO : -table[-err];
}
