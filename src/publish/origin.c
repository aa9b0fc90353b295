/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How a server in a stack sees the address of a client that is not in the stack's network.
 *
 * The relay connects to the server from a socket of the stack. IP_TRANSPARENT lets it bind that socket to
 * the client's address, which no interface of the stack has. The first packet reaches the server over lo.
 * The difficulty is the reply: its destination is the client, and the stack would send it to its network.
 * So:
 *
 *     relay's socket     SO_MARK = M. Its packets carry the mark M over lo.
 *     server's socket    tcp_fwmark_accept: an accepted socket takes over the mark of the first packet.
 *                        fwmark_reflect: packets without a socket (RST, ICMP errors) take it over, too.
 *     reply, mark M      rule "fwmark M lookup T"; table T is "local default dev lo". Every address is local
 *                        in it. So the reply goes over lo, and finds the relay's socket.
 *
 * The rule stands behind the table "local", so marked packets to the stack's own addresses are local as
 * ever. A mark never leaves the kernel, and a packet from a network has none. So only the relay's
 * connections are concerned. It works for TCP. A UDP socket of a server has no mark, and its replies would
 * leave the stack.
 *
 * The mark is useful without the foreign address, too: what a marked socket sends cannot leave the stack.
 * If an address of the stack is removed while the relay connects to it, no host of the network gets that
 * connection.
 *
 * Needs CAP_NET_ADMIN or CAP_NET_RAW in the user namespace that owns the stack. The user that made that
 * namespace has them, without privileges. tests/kernel/origin.c proves all this.
 */

#include "origin.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vdestack.h>
#include <vdestack/conf.h>

#define MARK 0x76640001u
#define TABLE 30308u    /* 0x7664 */
#define PRIORITY 30308u /* behind "local" (0), before "main" (32766) */

#define ANSWER_MS 5000

struct request {
	struct nlmsghdr header;
	union {
		struct rtmsg route;
		struct fib_rule_hdr rule;
	} body;
	unsigned char attributes[64];
};
_Static_assert(sizeof(struct rtmsg) == sizeof(struct fib_rule_hdr), "one length for both");

static void add_u32(struct request *r, unsigned short type, uint32_t value)
{
	struct rtattr *a = (struct rtattr *)(void *)((char *)r + NLMSG_ALIGN(r->header.nlmsg_len));

	a->rta_type = type;
	a->rta_len = RTA_LENGTH(sizeof(value));
	memcpy(RTA_DATA(a), &value, sizeof(value));
	r->header.nlmsg_len = NLMSG_ALIGN(r->header.nlmsg_len) + a->rta_len;
}

/* Sends the request and waits for its acknowledgement. 0, also if the thing exists already, or -errno. */
static int transact(int fd, struct request *r)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[512];
	} answer;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (send(fd, r, r->header.nlmsg_len, MSG_NOSIGNAL) < 0)
		return -errno;
	int n = poll(&p, 1, ANSWER_MS);
	if (n <= 0)
		return n == 0 ? -ETIMEDOUT : -errno;
	if (recv(fd, &answer, sizeof(answer), 0) < (ssize_t)NLMSG_LENGTH(sizeof(answer.error)))
		return -EPROTO;
	if (answer.header.nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return answer.error.error == -EEXIST ? 0 : answer.error.error;
}

static struct request begin(unsigned short type)
{
	struct request r;

	memset(&r, 0, sizeof(r));
	r.header.nlmsg_type = type;
	r.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
	r.header.nlmsg_len = NLMSG_LENGTH(sizeof(r.body));
	return r;
}

/* ip route add local default dev lo table T */
static int add_route(int fd, int family, int lo)
{
	struct request r = begin(RTM_NEWROUTE);

	r.body.route.rtm_family = (unsigned char)family;
	r.body.route.rtm_protocol = RTPROT_STATIC;
	r.body.route.rtm_scope = RT_SCOPE_HOST;
	r.body.route.rtm_type = RTN_LOCAL;
	add_u32(&r, RTA_TABLE, TABLE);
	add_u32(&r, RTA_OIF, (uint32_t)lo);
	return transact(fd, &r);
}

/* ip rule add fwmark M lookup T */
static int add_rule(int fd, int family)
{
	struct request r = begin(RTM_NEWRULE);

	r.body.rule.family = (unsigned char)family;
	r.body.rule.action = FR_ACT_TO_TBL;
	add_u32(&r, FRA_PRIORITY, PRIORITY);
	add_u32(&r, FRA_FWMARK, MARK);
	add_u32(&r, FRA_FWMASK, UINT32_MAX);
	add_u32(&r, FRA_TABLE, TABLE);
	return transact(fd, &r);
}

static int set_routing(struct vdestack *stack, int family)
{
	int lo = vdestack_if_nametoindex(stack, "lo");

	if (lo < 0)
		return -errno;
	int fd = vdestack_msocket(stack, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	int r = add_route(fd, family, lo);
	if (r == 0)
		r = add_rule(fd, family);
	(void)close(fd);
	return r;
}

static int set_sysctls(struct vdestack *stack, int family)
{
	const char *reflect = family == AF_INET ? "ipv4.fwmark_reflect" : "ipv6.fwmark_reflect";

	return vdestack_sysctl_set(stack, "ipv4.tcp_fwmark_accept", "1") == 0 && /* of both families */
			       vdestack_sysctl_set(stack, reflect, "1") == 0
		       ? 0
		       : -errno;
}

static int set_transparent(int fd, int family)
{
	const int on = 1;
	int r = family == AF_INET ? setsockopt(fd, SOL_IP, IP_TRANSPARENT, &on, sizeof(on))
				  : setsockopt(fd, SOL_IPV6, IPV6_TRANSPARENT, &on, sizeof(on));

	return r == 0 ? 0 : -errno;
}

/* Whether this process may have such sockets. */
static int try_socket(struct vdestack *stack, int family)
{
	int fd = vdestack_msocket(stack, family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	int r = set_transparent(fd, family);
	if (r == 0)
		r = vs_origin_mark(fd);
	(void)close(fd);
	return r;
}

int vs_origin_setup(struct vdestack *stack, int family, char *message, size_t size)
{
	const char *step = "IP_TRANSPARENT and SO_MARK";
	int r = try_socket(stack, family);

	if (r == 0) {
		step = "tcp_fwmark_accept and fwmark_reflect";
		r = set_sysctls(stack, family);
	}
	if (r == 0) {
		step = "a routing rule for marked packets";
		r = set_routing(stack, family);
	}
	if (r < 0)
		(void)snprintf(message, size, "%s: %s: %s", family == AF_INET ? "IPv4" : "IPv6", step,
			       strerror(-r));
	return r;
}

int vs_origin_mark(int fd)
{
	const uint32_t mark = MARK;

	return setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0 ? 0 : -errno;
}

int vs_origin_bind(int fd, const union vs_endpoint *client)
{
	const int on = 1;
	int r = set_transparent(fd, client->sa.sa_family);

	if (r == 0)
		r = vs_origin_mark(fd);
	if (r < 0)
		return r;
	if (vs_endpoint_port(client) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
				 sizeof(on)); /* bind reports what matters */
	return bind(fd, &client->sa, vs_endpoint_len(client)) == 0 ? 0 : -errno;
}
