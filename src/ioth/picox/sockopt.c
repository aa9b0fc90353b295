/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sockopt.h"

#include <errno.h>
#include <lwip/ip.h>
#include <lwip/tcp.h>
#include <lwip/udp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "base/cleanup.h"
#include "iface.h"
#include "raw.h"
#include "tcp.h"
#include "udp.h"

struct option {
	int level, name;
	int (*get)(struct px_socket *s); /* the value, or -errno */
	int (*set)(struct px_socket *s, int value);
};

struct ip_pcb *px_sockopt_pcb(struct px_socket *s)
{
	if (s->ops == &px_tcp_ops)
		return (struct ip_pcb *)px_tcp_of(s)->pcb;
	if (s->ops == &px_raw_ops)
		return (struct ip_pcb *)px_raw_pcb(s);
	return s->ops == &px_udp_ops ? (struct ip_pcb *)px_udp_of(s)->pcb : NULL;
}

static bool listens(const struct px_socket *s)
{
	return s->ops == &px_tcp_ops && px_tcp_of((struct px_socket *)s)->state == PX_TCP_LISTENING;
}

static struct tcp_pcb *connection(struct px_socket *s)
{
	return s->ops != &px_tcp_ops || listens(s) ? NULL : px_tcp_of(s)->pcb;
}

/* ------------------------------------------------------------------ of the socket */

static int get_error(struct px_socket *s)
{
	return px_socket_take_error(s);
}

static int get_type(struct px_socket *s)
{
	return s->type;
}

static int get_domain(struct px_socket *s)
{
	return s->family;
}

static int get_protocol(struct px_socket *s)
{
	return s->ops == &px_tcp_ops ? IPPROTO_TCP : s->ops == &px_udp_ops ? IPPROTO_UDP : s->protocol;
}

static int get_listens(struct px_socket *s)
{
	return listens(s);
}

static int get_flag(struct px_socket *s, u8_t flag)
{
	const struct ip_pcb *pcb = px_sockopt_pcb(s);

	return pcb == NULL ? -EINVAL : (pcb->so_options & flag) != 0;
}

static int set_flag(struct px_socket *s, u8_t flag, int on)
{
	struct ip_pcb *pcb = px_sockopt_pcb(s);

	if (pcb == NULL)
		return -EINVAL;
	pcb->so_options = (u8_t)(on ? pcb->so_options | flag : pcb->so_options & ~flag);
	return 0;
}

#define FLAG(name, flag)                                                                                     \
	static int get_##name(struct px_socket *s)                                                           \
	{                                                                                                    \
		return get_flag(s, flag);                                                                    \
	}                                                                                                    \
	static int set_##name(struct px_socket *s, int value)                                                \
	{                                                                                                    \
		return set_flag(s, flag, value);                                                             \
	}

FLAG(reuse, SOF_REUSEADDR)
FLAG(keepalive, SOF_KEEPALIVE)
FLAG(broadcast, SOF_BROADCAST)

/* ------------------------------------------------------------------ of IP */

static int get_ttl(struct px_socket *s)
{
	const struct ip_pcb *pcb = px_sockopt_pcb(s);

	return pcb == NULL ? -EINVAL : pcb->ttl;
}

static int set_ttl(struct px_socket *s, int value)
{
	struct ip_pcb *pcb = px_sockopt_pcb(s);
	int ttl = value == -1 ? 64 : value;

	if (pcb == NULL || ttl < 1 || ttl > 255)
		return -EINVAL;
	pcb->ttl = (u8_t)ttl;
	return 0;
}

static int get_tos(struct px_socket *s)
{
	const struct ip_pcb *pcb = px_sockopt_pcb(s);

	return pcb == NULL ? -EINVAL : pcb->tos;
}

static int set_tos(struct px_socket *s, int value)
{
	struct ip_pcb *pcb = px_sockopt_pcb(s);

	if (pcb == NULL || value < -1 || value > 255)
		return -EINVAL;
	pcb->tos = (u8_t)(value == -1 ? 0 : value);
	return 0;
}

static int get_v6only(struct px_socket *s)
{
	const struct ip_pcb *pcb = px_sockopt_pcb(s);

	return s->family != AF_INET6 ? -ENOPROTOOPT
	       : pcb == NULL         ? -EINVAL
				     : IP_IS_V6_VAL(pcb->local_ip) && !IP_IS_ANY_TYPE_VAL(pcb->local_ip);
}

static int set_v6only(struct px_socket *s, int value)
{
	struct ip_pcb *pcb = px_sockopt_pcb(s);
	bool tcp = s->ops == &px_tcp_ops;

	if (s->family != AF_INET6 || s->ops == &px_raw_ops)
		return -ENOPROTOOPT;
	if (pcb == NULL || !ip_addr_isany(&pcb->local_ip) ||
	    (tcp ? px_tcp_of(s)->pcb->local_port : px_udp_of(s)->pcb->local_port) != 0)
		return -EINVAL;
	if (tcp)
		px_tcp_of(s)->v6only = value != 0;
	else
		px_udp_of(s)->v6only = value != 0;
	IP_SET_TYPE_VAL(pcb->local_ip, value != 0 ? IPADDR_TYPE_V6 : IPADDR_TYPE_ANY);
	IP_SET_TYPE_VAL(pcb->remote_ip, value != 0 ? IPADDR_TYPE_V6 : IPADDR_TYPE_ANY);
	return 0;
}

/* ------------------------------------------------------------------ of TCP */

static int get_nodelay(struct px_socket *s)
{
	const struct tcp_pcb *pcb = connection(s);

	if (listens(s))
		return px_tcp_of(s)->options.nodelay;
	return pcb == NULL ? -EINVAL : tcp_nagle_disabled(pcb) != 0;
}

static int set_nodelay(struct px_socket *s, int value)
{
	struct tcp_pcb *pcb = connection(s);

	if (listens(s)) {
		px_tcp_of(s)->options.nodelay = value != 0;
		return 0;
	}
	if (pcb == NULL)
		return -EINVAL;
	if (value != 0)
		tcp_nagle_disable(pcb);
	else
		tcp_nagle_enable(pcb);
	return 0;
}

static int get_maxseg(struct px_socket *s)
{
	const struct tcp_pcb *pcb = connection(s);

	return pcb == NULL ? -EINVAL : tcp_mss(pcb);
}

/* Times in seconds; lwIP has milliseconds. */
#define KEEP(field, unit)                                                                                    \
	static u32_t *field##_of(struct px_socket *s)                                                        \
	{                                                                                                    \
		struct tcp_pcb *pcb = connection(s);                                                         \
		return listens(s) ? &px_tcp_of(s)->options.field : pcb == NULL ? NULL : &pcb->field;         \
	}                                                                                                    \
	static int get_##field(struct px_socket *s)                                                          \
	{                                                                                                    \
		const u32_t *at = field##_of(s);                                                             \
		return at == NULL ? -EINVAL : (int)(*at / (unit));                                           \
	}                                                                                                    \
	static int set_##field(struct px_socket *s, int value)                                               \
	{                                                                                                    \
		u32_t *at = field##_of(s);                                                                   \
		if (at == NULL || value < 1 || value > 32767)                                                \
			return -EINVAL;                                                                      \
		*at = (u32_t)value * (unit);                                                                 \
		return 0;                                                                                    \
	}

KEEP(keep_idle, 1000)
KEEP(keep_intvl, 1000)
KEEP(keep_cnt, 1)

static const struct option options[] = {
	{ SOL_SOCKET, SO_ERROR, get_error, NULL },
	{ SOL_SOCKET, SO_TYPE, get_type, NULL },
	{ SOL_SOCKET, SO_DOMAIN, get_domain, NULL },
	{ SOL_SOCKET, SO_PROTOCOL, get_protocol, NULL },
	{ SOL_SOCKET, SO_ACCEPTCONN, get_listens, NULL },
	{ SOL_SOCKET, SO_REUSEADDR, get_reuse, set_reuse },
	{ SOL_SOCKET, SO_KEEPALIVE, get_keepalive, set_keepalive },
	{ SOL_SOCKET, SO_BROADCAST, get_broadcast, set_broadcast },
	{ IPPROTO_IP, IP_TTL, get_ttl, set_ttl },
	{ IPPROTO_IP, IP_TOS, get_tos, set_tos },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, get_ttl, set_ttl },
	{ IPPROTO_IPV6, IPV6_TCLASS, get_tos, set_tos },
	{ IPPROTO_IPV6, IPV6_V6ONLY, get_v6only, set_v6only },
	{ IPPROTO_TCP, TCP_NODELAY, get_nodelay, set_nodelay },
	{ IPPROTO_TCP, TCP_MAXSEG, get_maxseg, NULL },
	{ IPPROTO_TCP, TCP_KEEPIDLE, get_keep_idle, set_keep_idle },
	{ IPPROTO_TCP, TCP_KEEPINTVL, get_keep_intvl, set_keep_intvl },
	{ IPPROTO_TCP, TCP_KEEPCNT, get_keep_cnt, set_keep_cnt },
};

static const struct option *find(int level, int name)
{
	for (size_t i = 0; i < VS_COUNT(options); i++)
		if (options[i].level == level && options[i].name == name)
			return &options[i];
	return NULL;
}

/* ------------------------------------------------------------------ options that are no numbers */

static int set_linger(struct px_socket *s, const void *value, socklen_t len)
{
	struct linger linger;

	if (len < sizeof(linger))
		return -EINVAL;
	memcpy(&linger, value, sizeof(linger));
	if (s->ops == &px_tcp_ops)
		px_tcp_of(s)->abort_on_close = linger.l_onoff != 0 && linger.l_linger == 0;
	return 0;
}

static int set_device(struct px_socket *s, const void *value, socklen_t len)
{
	char ifname[IFNAMSIZ] = "";
	struct ip_pcb *pcb = px_sockopt_pcb(s);

	memcpy(ifname, value, len < IFNAMSIZ - 1 ? len : IFNAMSIZ - 1);
	if (pcb == NULL)
		return -EINVAL;
	const struct px_iface *iface = px_iface_by_name(ifname);
	if (ifname[0] != '\0' && iface == NULL)
		return -ENODEV;
	pcb->netif_idx = iface == NULL ? NETIF_NO_INDEX : netif_get_index(&iface->netif);
	return 0;
}

int px_sockopt_set(struct px_socket *s, int level, int name, const void *value, socklen_t len)
{
	const struct option *o = find(level, name);
	int number;

	if (level == SOL_SOCKET && name == SO_LINGER)
		return set_linger(s, value, len);
	if (level == SOL_SOCKET && name == SO_BINDTODEVICE)
		return set_device(s, value, len);
	if (o == NULL && s->ops == &px_raw_ops)
		return -ENOPROTOOPT;
	if (o == NULL)
		return px_multicast_set(s, level, name, value, len);
	if (o->set == NULL)
		return -ENOPROTOOPT;
	if (len < sizeof(number)) {
		if (len < 1)
			return -EINVAL;
		number = *(const unsigned char *)value; /* some options may be a byte */
	} else {
		memcpy(&number, value, sizeof(number));
	}
	return o->set(s, number);
}

int px_sockopt_get(struct px_socket *s, int level, int name, void *value, socklen_t *len)
{
	const struct option *o = find(level, name);

	if (o == NULL)
		return -ENOPROTOOPT;
	int number = o->get(s);
	if (number < 0)
		return number;
	*len = *len < sizeof(number) ? *len : sizeof(number);
	memcpy(value, &number, *len);
	return 0;
}
