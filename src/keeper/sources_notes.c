/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the kernel reports to the sources about the links and addresses of a stack.
 *
 * A list, asked for on the socket of the notifications, comes as if each of its items were news. So the
 * start, a lost notification and a change are one code path. What a complete list lacks is gone. A list
 * that was changed while the kernel wrote it may lack more (NLM_F_DUMP_INTR): it is asked for again.
 */

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/socket.h>

#include "rtnl/nl.h"
#include "rtnl/talk.h"
#include "sources_inside.h"

#ifndef IFF_LOWER_UP
#define IFF_LOWER_UP 0x10000 /* <linux/if.h> does not go with <net/if.h> */
#endif

#define NOTES_AT_ONCE 16
#define ANSWER_MS 200 /* a router of a virtual network that is there has answered by then */

int vs_sources_notes_subscribe(int fd)
{
	struct sockaddr_nl groups = { .nl_family = AF_NETLINK,
				      .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR };

	return bind(fd, (struct sockaddr *)&groups, sizeof(groups)) < 0 ? -errno : 0;
}

static int ask_list(int fd, int type)
{
	struct {
		struct nlmsghdr h;
		struct rtgenmsg g;
	} ask = { .h = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct rtgenmsg)),
			 .nlmsg_type = (uint16_t)type,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			 .nlmsg_seq = (uint32_t)type } };

	return vs_talk_send(fd, &ask.h);
}

static void forget_seen(struct vs_sources_stack *stack)
{
	for (struct vs_source_iface *iface = stack->ifaces; iface != NULL; iface = iface->next) {
		iface->seen = false;
		for (int i = 0; i < VS_SOURCE_N; i++)
			for (size_t j = 0; iface->sources[i] != NULL && j < iface->sources[i]->n_addrs; j++)
				iface->sources[i]->addrs[j].seen = false;
	}
	stack->list_torn = false;
}

/* Links first: their end asks for the addresses. A socket has one list at a time. */
void vs_sources_notes_list(struct vs_sources_stack *stack)
{
	if (stack->listing) {
		stack->list_again = true;
		return;
	}
	forget_seen(stack);
	stack->listing = ask_list(stack->notes.fd, RTM_GETLINK) == 0;
}

static void set_up(struct vs_source_iface *iface, bool up)
{
	if (up == iface->up)
		return;
	iface->up = up;
	for (int i = 0; i < VS_SOURCE_N; i++)
		if (iface->sources[i] != NULL)
			vs_source_link(iface->sources[i], up);
}

static void note_gone(struct vs_source_iface *iface)
{
	iface->gone = true;
	for (int i = 0; i < VS_SOURCE_N; i++)
		if (iface->sources[i] != NULL)
			vs_source_drop(iface->sources[i]);
}

/* One notification may stand for several changes. The count shows a carrier that has gone and come back. */
static void note_link(struct vs_sources_stack *stack, struct nlmsghdr *h)
{
	struct nlattr *attrs[IFLA_MAX + 1];
	const struct ifinfomsg *info = nlmsg_data(h);
	struct vs_source_iface *iface = vs_sources_stack_iface(stack, info->ifi_index);
	bool up = (info->ifi_flags & (IFF_UP | IFF_LOWER_UP)) == (IFF_UP | IFF_LOWER_UP);

	if (iface == NULL || info->ifi_family != AF_UNSPEC) /* bridges send more, about their ports */
		return;
	if (h->nlmsg_type == RTM_DELLINK) {
		note_gone(iface);
		return;
	}
	iface->seen = true;
	if (nlmsg_parse(h, sizeof(*info), attrs, IFLA_MAX, NULL) < 0)
		return;
	uint32_t losses = vs_nl_u32(attrs[IFLA_CARRIER_DOWN_COUNT], 0);
	if (iface->carrier_known && losses != iface->carrier_losses)
		set_up(iface, false);
	iface->carrier_known = true;
	iface->carrier_losses = losses;
	set_up(iface, up);
}

static void note_detection(struct vs_source_iface *iface, const struct vs_auto_ip *ip, bool duplicate)
{
	for (int i = 0; i < VS_SOURCE_N; i++)
		if (iface->sources[i] != NULL && vs_sources_apply_find(iface->sources[i], ip) != NULL)
			vs_source_detected(iface->sources[i], ip, duplicate);
}

/*
 * It is gone not only when a process has removed it: the kernel does that at the end of a lifetime, and when
 * the interface is set down.
 */
static void note_presence(struct vs_source_iface *iface, const struct vs_auto_ip *ip, bool there)
{
	for (int i = 0; i < VS_SOURCE_N; i++) {
		struct vs_source *s = iface->sources[i];
		struct vs_source_addr *a = s != NULL ? vs_sources_apply_find(s, ip) : NULL;
		if (a != NULL)
			a->seen = there;
		if (a != NULL && a->missing == there) {
			a->missing = !there;
			iface->stack->generation++;
		}
	}
}

static bool is_link_local(const struct vs_auto_ip *ip)
{
	return ip->family == AF_INET6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

/*
 * Router discovery sends another solicitation if the first one could not be sent, as there was no address, or
 * has not been answered while the address was optimistic. One that has just been sent is not repeated.
 */
static void note_link_local(struct vs_source *ra, const struct vs_auto_ip *ip, uint32_t flags, bool usable)
{
	bool waited = vs_sources_now() - ra->sent_at >= ANSWER_MS && (flags & IFA_F_TENTATIVE) == 0;

	if ((flags & IFA_F_DADFAILED) != 0)
		vs_source_detected(ra, ip, true);
	else if (usable && (ra->unsent || waited))
		vs_source_detected(ra, ip, false);
}

static void note_addr(struct vs_sources_stack *stack, struct nlmsghdr *h)
{
	struct nlattr *attrs[IFA_MAX + 1];
	const struct ifaddrmsg *info = nlmsg_data(h);
	struct vs_source_iface *iface = vs_sources_stack_iface(stack, (int)info->ifa_index);
	struct vs_auto_ip ip = { .family = info->ifa_family };

	if (iface == NULL || (ip.family != AF_INET && ip.family != AF_INET6) ||
	    nlmsg_parse(h, sizeof(*info), attrs, IFA_MAX, NULL) < 0)
		return;
	const struct nlattr *own = attrs[IFA_LOCAL] != NULL ? attrs[IFA_LOCAL] : attrs[IFA_ADDRESS];
	if (own == NULL || nla_len(own) != (ip.family == AF_INET ? 4 : 16))
		return;
	memcpy(ip.bytes, nla_data(own), (size_t)nla_len(own));
	uint32_t flags = vs_nl_u32(attrs[IFA_FLAGS], info->ifa_flags);
	bool usable = h->nlmsg_type == RTM_NEWADDR && (flags & IFA_F_DADFAILED) == 0 &&
		      ((flags & IFA_F_TENTATIVE) == 0 || (flags & IFA_F_OPTIMISTIC) != 0);
	note_presence(iface, &ip, h->nlmsg_type == RTM_NEWADDR);
	/* A duplicate that has a lifetime is deleted: RTM_DELADDR has the flag (tests/kernel/addresses.c). */
	if (usable || (flags & IFA_F_DADFAILED) != 0)
		note_detection(iface, &ip, !usable);
	if (!is_link_local(&ip))
		return;
	iface->link_local = usable;
	if (iface->sources[VS_SOURCE_RA] != NULL)
		note_link_local(iface->sources[VS_SOURCE_RA], &ip, flags, usable);
	struct vs_source *dhcp6 = iface->sources[VS_SOURCE_DHCP6];
	if (dhcp6 != NULL)
		vs_source_begin(dhcp6);
}

/* ------------------------------------------------------------------ lists */

static void end_links(struct vs_sources_stack *stack)
{
	for (struct vs_source_iface *iface = stack->ifaces; iface != NULL; iface = iface->next)
		if (!iface->seen)
			note_gone(iface);
}

static void end_addrs(struct vs_source *s)
{
	for (size_t i = 0; s != NULL && i < s->n_addrs; i++)
		if (!s->addrs[i].seen && !s->addrs[i].missing) {
			s->addrs[i].missing = true;
			s->iface->stack->generation++;
		}
}

/* complete: not a list that the kernel could not begin. */
static void list_ended(struct vs_sources_stack *stack, uint32_t seq, bool complete)
{
	bool trusted = complete && !stack->list_torn;

	if (seq == RTM_GETLINK && trusted)
		end_links(stack);
	if (seq == RTM_GETLINK && ask_list(stack->notes.fd, RTM_GETADDR) == 0)
		return;
	for (struct vs_source_iface *iface = stack->ifaces; iface != NULL; iface = iface->next)
		for (int i = 0; seq == RTM_GETADDR && trusted && i < VS_SOURCE_N; i++)
			end_addrs(iface->sources[i]);
	stack->listing = false;
	if (stack->list_again || (complete && stack->list_torn)) {
		stack->list_again = false;
		vs_sources_notes_list(stack);
	}
}

static void note(struct vs_sources_stack *stack, struct nlmsghdr *h)
{
	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		stack->list_torn = true;
	switch (h->nlmsg_type) {
	case NLMSG_DONE:
	case NLMSG_ERROR: /* a list that the kernel could not begin */
		list_ended(stack, h->nlmsg_seq, h->nlmsg_type == NLMSG_DONE);
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifinfomsg)))
			note_link(stack, h);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifaddrmsg)))
			note_addr(stack, h);
	}
}

void vs_sources_notes_read(struct vs_watch *w)
{
	struct vs_sources_stack *stack = VS_OF(struct vs_sources_stack, notes, w);
	_Alignas(struct nlmsghdr) char buf[16384];

	for (int i = 0; i < NOTES_AT_ONCE; i++) {
		struct sockaddr_nl from = { 0 };
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(w->fd, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)&from,
				     &from_len);
		if (n < 0 && errno == ENOBUFS) { /* the kernel has dropped some, but none of a list */
			stack->list_torn = true;
			vs_sources_notes_list(stack);
			continue;
		}
		if (n < 0)
			break;
		int left = (int)n;
		/* Other processes can send to this socket. */
		for (struct nlmsghdr *h = (void *)buf; from.nl_pid == 0 && nlmsg_ok(h, left);
		     h = nlmsg_next(h, &left))
			note(stack, h);
	}
	vs_sources_stack_settle(stack);
}
