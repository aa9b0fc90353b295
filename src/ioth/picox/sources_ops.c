/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a machine does to the stack: packets, addresses, routes. */

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <lwip/raw.h>
#include <lwip/udp.h>
#include <string.h>
#include <sys/random.h>

#include "settings.h"
#include "sources_inside.h"

static struct udp_pcb *udp4, *udp6;
static struct raw_pcb *icmp6;

/* Failures are losses of a packet, and the machine sends another one. */
static void send_frame(struct px_source *s, uint16_t type, const struct vs_auto_packet *p)
{
	struct pbuf *b = pbuf_alloc(PBUF_RAW, (u16_t)(14 + p->n), PBUF_RAM);
	uint8_t *at;

	if (b == NULL)
		return;
	at = b->payload;
	memcpy(at, p->mac, 6);
	memcpy(at + 6, s->iface->netif.hwaddr, 6);
	at[12] = (uint8_t)(type >> 8);
	at[13] = (uint8_t)type;
	memcpy(at + 14, p->bytes, p->n);
	(void)s->iface->netif.linkoutput(&s->iface->netif, b);
	pbuf_free(b);
}

static struct pbuf *copy_of(const struct vs_auto_packet *p)
{
	struct pbuf *b = pbuf_alloc(PBUF_TRANSPORT, (u16_t)p->n, PBUF_RAM);

	if (b != NULL)
		memcpy(b->payload, p->bytes, p->n);
	return b;
}

static void read_ip(const struct px_source *s, const struct vs_auto_ip *ip, ip_addr_t *out)
{
	memset(out, 0, sizeof(*out));
	if (ip->family == AF_INET) {
		IP_SET_TYPE(out, IPADDR_TYPE_V4);
		memcpy(ip_2_ip4(out), ip->bytes, 4);
	} else {
		IP_SET_TYPE(out, IPADDR_TYPE_V6);
		memcpy(ip_2_ip6(out)->addr, ip->bytes, 16);
		ip6_addr_assign_zone(ip_2_ip6(out), IP6_UNKNOWN, &s->iface->netif);
	}
}

/* The link-local address, or "::" while it is under detection. */
static const ip_addr_t *source6(const struct px_source *s)
{
	return ip6_addr_isvalid(netif_ip6_addr_state(&s->iface->netif, 0))
		       ? netif_ip_addr6(&s->iface->netif, 0)
		       : IP6_ADDR_ANY;
}

static void op_send(void *arg, const struct vs_auto_packet *p)
{
	struct px_source *s = arg;
	struct netif *n = &s->iface->netif;
	struct pbuf *b = NULL;
	ip_addr_t to;

	if (p->n > PX_SOURCE_BYTES)
		return;
	if (p->way == VS_WAY_IP4 || p->way == VS_WAY_ARP) {
		send_frame(s, p->way == VS_WAY_IP4 ? 0x0800 : 0x0806, p);
		return;
	}
	read_ip(s, &p->peer, &to);
	if ((b = copy_of(p)) == NULL)
		return;
	if (p->way == VS_WAY_UDP4)
		(void)udp_sendto_if(udp4, b, &to, 67, n);
	else if (p->way == VS_WAY_UDP6)
		(void)udp_sendto_if_src(udp6, b, &to, 547, n, source6(s));
	else
		(void)raw_sendto_if_src(icmp6, b, &to, n, source6(s));
	pbuf_free(b);
}

static struct vs_pxnl_addr addr_of(const struct px_source *s, const struct vs_auto_addr *a)
{
	struct vs_pxnl_addr out = { .ifindex = netif_get_index(&s->iface->netif),
				    .family = a->ip.family,
				    .prefix_len = a->prefix_len,
				    .valid_s = a->valid_s,
				    .preferred_s = a->preferred_s,
				    .flags = (a->nodad ? IFA_F_NODAD : 0) |
					     (a->no_prefix_route ? IFA_F_NOPREFIXROUTE : 0) };

	memcpy(out.bytes, a->ip.bytes, sizeof(out.bytes));
	return out;
}

static void forget_detecting(struct px_source *s, const struct vs_auto_ip *ip)
{
	for (size_t i = 0; i < s->n_detecting; i++)
		if (memcmp(&s->detecting[i], ip, sizeof(*ip)) == 0)
			s->detecting[i--] = s->detecting[--s->n_detecting];
}

static void op_addr_set(void *arg, const struct vs_auto_addr *a)
{
	struct px_source *s = arg;
	struct vs_pxnl_addr addr = addr_of(s, a);
	const char *why = "the stack does not take its address";

	int r = px_settings_ops.addr_new(NULL, &addr, true, &why);
	s->trouble = r == 0 ? NULL : why;
	if (r < 0 || a->ip.family != AF_INET6)
		return;
	forget_detecting(s, &a->ip);
	if (s->n_detecting < PX_DETECTED_MAX)
		s->detecting[s->n_detecting++] = a->ip;
}

static void op_addr_del(void *arg, const struct vs_auto_addr *a)
{
	struct px_source *s = arg;
	struct vs_pxnl_addr addr = addr_of(s, a);
	const char *why;

	s->trouble = NULL;
	forget_detecting(s, &a->ip);
	(void)px_settings_ops.addr_del(NULL, &addr, &why);
}

static struct vs_pxnl_route route_of(const struct px_source *s, const struct vs_auto_route *r)
{
	struct vs_pxnl_route out = { .ifindex = netif_get_index(&s->iface->netif),
				     .family = r->dst.family,
				     .prefix_len = r->prefix_len,
				     .has_gw = r->gw.family == r->dst.family,
				     .protocol = s->kind->source == VS_SOURCE_RA ? RTPROT_RA : RTPROT_DHCP };

	memcpy(out.dst, r->dst.bytes, sizeof(out.dst));
	memcpy(out.gw, r->gw.bytes, sizeof(out.gw));
	return out;
}

/* A prefix that is on the link. lwIP knows those of 64 bits. */
static bool is_on_link(const struct vs_pxnl_route *route)
{
	return route->family == AF_INET6 && route->prefix_len == 64 && !route->has_gw;
}

/*
 * Other routes than defaults and prefixes on the link do not exist here: the source works without them. So it
 * does without a prefix for which there is no room: the router has the way to its hosts.
 */
static void op_route_set(void *arg, const struct vs_auto_route *r)
{
	struct px_source *s = arg;
	struct vs_pxnl_route route = route_of(s, r);
	const char *why = "the stack does not take its default route";

	if (is_on_link(&route))
		(void)px_settings_on_link(s->iface, route.dst, true);
	if (route.prefix_len == 0)
		s->no_route = px_settings_ops.route_new(NULL, &route, true, &why) == 0 ? NULL : why;
}

static void op_route_del(void *arg, const struct vs_auto_route *r)
{
	struct px_source *s = arg;
	struct vs_pxnl_route route = route_of(s, r);
	const char *why;

	if (is_on_link(&route))
		(void)px_settings_on_link(s->iface, route.dst, false);
	if (route.prefix_len != 0)
		return;
	s->no_route = NULL;
	(void)px_settings_ops.route_del(NULL, &route, &why);
}

static void op_facts(void *arg, const struct vs_auto_facts *facts)
{
	struct px_source *s = arg;

	s->facts = *facts;
	px_source_mtu(s->iface);
}

static void op_news(void *arg, enum vs_auto_news what, const struct vs_auto_addr *about, const char *why)
{
	struct px_source *s = arg;

	(void)about;
	(void)why;
	if (what == VS_NEWS_MANAGED || what == VS_NEWS_OTHER)
		s->flag = (int)what; /* a machine is not called from inside another one */
}

static void op_save(void *arg)
{
	(void)arg; /* there are no lease files */
}

static void op_random(void *arg, void *bytes, size_t n)
{
	(void)arg;
	(void)!getrandom(bytes, n, 0); /* complete up to 256 bytes */
}

const struct vs_auto_ops px_source_ops = {
	.send = op_send,
	.addr_set = op_addr_set,
	.addr_del = op_addr_del,
	.route_set = op_route_set,
	.route_del = op_route_del,
	.facts = op_facts,
	.news = op_news,
	.save = op_save,
	.random = op_random,
};

/* ------------------------------------------------------------------ sockets */

static void got_udp6(void *arg, struct udp_pcb *pcb, struct pbuf *b, const ip_addr_t *from, u16_t port)
{
	struct px_iface *iface = px_iface_of(ip_current_input_netif());
	uint8_t bytes[PX_SOURCE_BYTES];
	struct vs_auto_packet p = {
		.way = VS_WAY_UDP6, .bytes = bytes, .n = b->tot_len, .peer.family = AF_INET6
	};

	(void)arg;
	(void)pcb;
	if (port == 547 && IP_IS_V6(from) && b->tot_len <= sizeof(bytes) && iface != NULL) {
		(void)pbuf_copy_partial(b, bytes, b->tot_len, 0);
		memcpy(p.peer.bytes, ip_2_ip6(from)->addr, 16);
		px_source_give(px_source_find(iface, VS_SOURCE_DHCP6), &p);
	}
	pbuf_free(b);
}

/* The tap has seen it. */
static void got_udp4(void *arg, struct udp_pcb *pcb, struct pbuf *b, const ip_addr_t *from, u16_t port)
{
	(void)arg;
	(void)pcb;
	(void)from;
	(void)port;
	pbuf_free(b);
}

void px_source_sockets_close(void)
{
	if (udp4 != NULL)
		udp_remove(udp4);
	if (udp6 != NULL)
		udp_remove(udp6);
	if (icmp6 != NULL)
		raw_remove(icmp6);
	udp4 = udp6 = NULL;
	icmp6 = NULL;
}

static int open_sockets(void)
{
	udp4 = udp_new_ip_type(IPADDR_TYPE_V4);
	udp6 = udp_new_ip_type(IPADDR_TYPE_V6);
	icmp6 = raw_new_ip_type(IPADDR_TYPE_V6, IP6_NEXTH_ICMP6);
	if (udp4 == NULL || udp6 == NULL || icmp6 == NULL)
		return -ENOMEM;
	if (udp_bind(udp4, IP4_ADDR_ANY, 68) != ERR_OK || udp_bind(udp6, IP6_ADDR_ANY, 546) != ERR_OK)
		return -EADDRINUSE;
	ip_set_option(udp4, SOF_BROADCAST);
	udp_recv(udp4, got_udp4, NULL);
	udp_recv(udp6, got_udp6, NULL);
	icmp6->ttl = 255;
	icmp6->chksum_reqd = 1;
	icmp6->chksum_offset = 2; /* RFC 4443 section 2.1 */
	return 0;
}

int px_source_sockets(void)
{
	int r = icmp6 == NULL ? open_sockets() : 0;

	if (r < 0)
		px_source_sockets_close();
	return r;
}
