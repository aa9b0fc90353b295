/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Settings of a stack by netlink: the messages that are sent, what the kernel makes of them, and answers that
 * lie. The plugin liar (../support/ioth_liar.c) shows the messages and gives the answers.
 */

#include <arpa/inet.h>
#include <ioth.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stdlib.h>
#include <string.h>

#include "case.h"

static struct ioth *make(const char *kind, const char *vnl)
{
	MUST(setenv("IOTH_PATH", PLANTED_DIR, 1));
	struct ioth *stack = ioth_newstack(kind, vnl);

	if (stack == NULL)
		FAIL("%s: %s", kind, ioth_last_error());
	return stack;
}

/* ------------------------------------------------------------------ messages */

static union {
	struct nlmsghdr hdr;
	unsigned char bytes[4096];
} sent;

/* Reads the last request of the liar into `sent`; returns its fixed header. */
static const void *last_request(struct ioth *stack, unsigned type)
{
	socklen_t len = sizeof(sent);
	int fd = (int)MUST(ioth_msocket(stack, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));

	MUST(ioth_getsockopt(fd, -1, 0, &sent, &len));
	MUST(ioth_close(fd));
	CHECK_EQ(sent.hdr.nlmsg_len, len);
	CHECK_EQ(sent.hdr.nlmsg_type, type);
	CHECK((sent.hdr.nlmsg_flags & (NLM_F_REQUEST | NLM_F_ACK)) == (NLM_F_REQUEST | NLM_F_ACK));
	return NLMSG_DATA(&sent.hdr);
}

static const struct rtattr *find(const struct rtattr *attr, int left, unsigned type)
{
	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left))
		if ((attr->rta_type & NLA_TYPE_MASK) == type)
			return attr;
	return NULL;
}

/* An attribute of `sent`, behind a fixed header of this size. */
static const struct rtattr *sent_attr(size_t header, unsigned type)
{
	size_t skip = NLMSG_SPACE(header);

	return find((const void *)(sent.bytes + skip), (int)(sent.hdr.nlmsg_len - skip), type);
}

static const struct rtattr *inner_attr(const struct rtattr *outer, unsigned type)
{
	return outer != NULL ? find(RTA_DATA(outer), (int)RTA_PAYLOAD(outer), type) : NULL;
}

static void check_route(struct ioth *stack, unsigned type, unsigned scope, unsigned len)
{
	const struct rtmsg *route = last_request(stack, RTM_NEWROUTE);

	CHECK_EQ(route->rtm_type, type);
	CHECK_EQ(route->rtm_scope, scope);
	CHECK_EQ(route->rtm_dst_len, len);
	CHECK_EQ(sent_attr(sizeof(*route), RTA_DST) != NULL, len > 0);
}

CASE(type_and_scope_of_a_route_count_with_and_without_a_destination)
{
	const unsigned char dst[4] = { 10, 1, 0, 0 }, gw[4] = { 10, 0, 0, 1 };
	struct ioth *stack = make("liar,honest", NULL);

	MUST(ioth_iproute_add(stack, AF_INET, dst, 16, gw, 0));
	check_route(stack, RTN_UNICAST, RT_SCOPE_UNIVERSE, 16);
	MUST(ioth_iproute_add(stack, AF_INET, dst, 16, NULL, 7));
	check_route(stack, RTN_UNICAST, RT_SCOPE_LINK, 16);
	MUST(ioth_iproute_add(stack, AF_INET, dst, nl_routedata2prefix(16, RTN_BLACKHOLE, RT_SCOPE_HOST),
			      NULL, 0));
	check_route(stack, RTN_BLACKHOLE, RT_SCOPE_HOST, 16);
	MUST(ioth_iproute_add(stack, AF_INET, NULL, nl_routedata2prefix(0, RTN_UNREACHABLE, RT_SCOPE_SITE),
			      NULL, 0));
	check_route(stack, RTN_UNREACHABLE, RT_SCOPE_SITE, 0);
	MUST(ioth_iproute_add(stack, AF_INET, NULL, nl_routedata2prefix(16, RTN_PROHIBIT, RT_SCOPE_LINK),
			      NULL, 0)); /* without dst the length does not count */
	check_route(stack, RTN_PROHIBIT, RT_SCOPE_LINK, 0);
	MUST(ioth_iproute_add(stack, AF_INET, NULL, 0, gw, 0));
	check_route(stack, RTN_UNICAST, RT_SCOPE_UNIVERSE, 0);
	CHECK_ERRNO(ioth_iproute_add(stack, AF_INET, dst, 33, gw, 0), EINVAL);
	CHECK_ERRNO(ioth_iproute_add(stack, AF_INET, dst, -1, gw, 0), EINVAL);
	CHECK_ERRNO(ioth_iproute_add(stack, AF_UNIX, dst, 0, gw, 0), EINVAL);
	MUST(ioth_delstack(stack));
}

CASE(flags_and_scope_of_an_address_are_sent)
{
	unsigned char addr[16] = { 0xfd };
	struct ioth *stack = make("liar,honest", NULL);

	MUST(ioth_ipaddr_add(stack, AF_INET6, addr, nl_addrdata2prefix(64, IFA_F_NODAD, RT_SCOPE_LINK), 7));
	const struct ifaddrmsg *info = last_request(stack, RTM_NEWADDR);
	CHECK_EQ(info->ifa_prefixlen, 64);
	CHECK_EQ(info->ifa_flags, IFA_F_NODAD);
	CHECK_EQ(info->ifa_scope, RT_SCOPE_LINK);
	CHECK_EQ(info->ifa_index, 7);
	CHECK_EQ(RTA_PAYLOAD(sent_attr(sizeof(*info), IFA_LOCAL)), 16);
	MUST(ioth_ipaddr_del(stack, AF_INET6, addr, 64, 7));
	info = last_request(stack, RTM_DELADDR);
	CHECK_EQ(info->ifa_flags | info->ifa_scope, 0);
	CHECK_ERRNO(ioth_ipaddr_add(stack, AF_INET6, addr, nl_addrdata2prefix(129, 0, 0), 7), EINVAL);
	CHECK_ERRNO(ioth_ipaddr_add(stack, AF_INET6, addr, 64, 0), ENODEV);
	CHECK_ERRNO(ioth_ipaddr_add(stack, AF_INET6, NULL, 64, 7), EINVAL);
	MUST(ioth_delstack(stack));
}

CASE(an_added_link_has_its_type_and_its_data)
{
	struct nl_iplink_data data[] = { nl_iplink_strdata(IFLA_VDE_VNL, "inproc://a"), { 9, "\1\2", 2 } };
	struct ioth *stack = make("liar,honest", NULL);
	static char too_long[IF_NAMESIZE + 1];

	CHECK_EQ(ioth_iplink_add(stack, "vde5", 0, "vde", data, 2), 0);
	const struct ifinfomsg *info = last_request(stack, RTM_NEWLINK);
	CHECK((sent.hdr.nlmsg_flags & (NLM_F_CREATE | NLM_F_EXCL)) == (NLM_F_CREATE | NLM_F_EXCL));
	CHECK_EQ(info->ifi_index, 0);
	CHECK_STR((const char *)RTA_DATA(sent_attr(sizeof(*info), IFLA_IFNAME)), "vde5");
	const struct rtattr *about = sent_attr(sizeof(*info), IFLA_LINKINFO);
	CHECK_STR((const char *)RTA_DATA(inner_attr(about, IFLA_INFO_KIND)), "vde");
	const struct rtattr *inside = inner_attr(about, IFLA_INFO_DATA);
	CHECK_STR((const char *)RTA_DATA(inner_attr(inside, IFLA_VDE_VNL)), "inproc://a");
	CHECK_EQ(RTA_PAYLOAD(inner_attr(inside, 9)), 2);
	CHECK_EQ(ioth_iplink_add(stack, NULL, 12, "vde", NULL, 0), 0);
	info = last_request(stack, RTM_NEWLINK);
	CHECK_EQ(info->ifi_index, 12);
	CHECK(sent_attr(sizeof(*info), IFLA_IFNAME) == NULL);
	CHECK_EQ(ioth_iplink_add(stack, "vde0", -1U, "vde", NULL, 0), 7); /* the index in the answer */
	MUST(ioth_iplink_del(stack, NULL, 7));
	info = last_request(stack, RTM_DELLINK);
	CHECK_EQ(info->ifi_index, 7);
	memset(too_long, 'x', IF_NAMESIZE);
	CHECK_ERRNO(ioth_iplink_add(stack, too_long, 0, "vde", NULL, 0), EINVAL);
	CHECK_ERRNO(ioth_iplink_add(stack, NULL, -1U, "vde", NULL, 0), EINVAL);
	CHECK_ERRNO(ioth_iplink_add(stack, "a", 0, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(ioth_iplink_add(stack, "a", 0, "vde", NULL, 1), EINVAL);
	CHECK_ERRNO(ioth_iplink_add(stack, "a", 0, "vde", data, -1), EINVAL);
	CHECK_ERRNO(ioth_iplink_del(stack, NULL, 0), ENODEV);
	CHECK_ERRNO(ioth_iplink_del(stack, too_long, 0), ENODEV);
	MUST(ioth_delstack(stack));
}

/* ------------------------------------------------------------------ the kernel */

CASE(links_of_the_kernel_are_added_and_removed)
{
	struct ioth *stack = make("vdestack", NULL);
	int by_name = (int)MUST(ioth_iplink_add(stack, "br0", -1U, "bridge", NULL, 0));

	CHECK(by_name > 1);
	CHECK_EQ(ioth_if_nametoindex(stack, "br0"), by_name);
	CHECK_EQ(ioth_iplink_add(stack, "br1", 77, "bridge", NULL, 0), 0);
	CHECK_EQ(ioth_if_nametoindex(stack, "br1"), 77);
	CHECK_ERRNO(ioth_iplink_add(stack, "br0", 0, "bridge", NULL, 0), EEXIST);
	CHECK_ERRNO(ioth_iplink_add(stack, "br2", 0, "no such type", NULL, 0), EOPNOTSUPP);
	MUST(ioth_iplink_del(stack, "br0", 0));
	CHECK_ERRNO(ioth_if_nametoindex(stack, "br0"), ENODEV);
	MUST(ioth_iplink_del(stack, NULL, 77));
	CHECK_ERRNO(ioth_iplink_del(stack, NULL, 77), ENODEV);
	CHECK_ERRNO(ioth_linksetupdown(stack, 77, 1), ENODEV);
	CHECK_ERRNO(ioth_linksetupdown(stack, 0, 1), ENODEV);
	CHECK_ERRNO(ioth_if_nametoindex(stack, ""), ENODEV);
	CHECK_ERRNO(ioth_if_nametoindex(stack, NULL), ENODEV);
	MUST(ioth_delstack(stack));
}

CASE(a_default_route_that_is_unreachable_is_one)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(7),
				  .sin_addr.s_addr = htonl(0xc0000201) };
	struct ioth *stack = make("vdestack", NULL);
	int prefix = nl_routedata2prefix(0, RTN_UNREACHABLE, RT_SCOPE_UNIVERSE);
	int fd = (int)MUST(ioth_msocket(stack, AF_INET, SOCK_DGRAM, 0));

	CHECK_ERRNO(ioth_connect(fd, (struct sockaddr *)&at, sizeof(at)), ENETUNREACH);
	MUST(ioth_iproute_add(stack, AF_INET, NULL, prefix, NULL, 0));
	CHECK_ERRNO(ioth_connect(fd, (struct sockaddr *)&at, sizeof(at)), EHOSTUNREACH);
	MUST(ioth_iproute_del(stack, AF_INET, NULL, prefix, NULL, 0));
	CHECK_ERRNO(ioth_connect(fd, (struct sockaddr *)&at, sizeof(at)), ENETUNREACH);
	MUST(ioth_close(fd));
	MUST(ioth_delstack(stack));
}

CASE(a_message_of_the_program_is_sent_and_its_result_returned)
{
	struct {
		struct nlmsghdr hdr;
		struct ifinfomsg info;
	} msg = { .hdr = { .nlmsg_len = sizeof(msg),
			   .nlmsg_type = RTM_NEWLINK,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
			   .nlmsg_seq = 0xdeadbeef },
		  .info = { .ifi_change = IFF_UP } };
	struct ioth *stack = make("vdestack", "inproc://a");

	msg.info.ifi_index = (int)MUST(ioth_if_nametoindex(stack, "vde0"));
	msg.info.ifi_flags = IFF_UP;
	CHECK_EQ(ioth_nldialog(stack, &msg), 0);
	msg.info.ifi_index = 4711;
	CHECK_ERRNO(ioth_nldialog(stack, &msg), ENODEV);
	msg.hdr.nlmsg_type = 0xfff0;
	CHECK_ERRNO(ioth_nldialog(stack, &msg), EOPNOTSUPP);
	MUST(ioth_delstack(stack));
}

/* ------------------------------------------------------------------ answers that lie */

CASE(answers_that_cannot_be_right_end_the_call)
{
	static const struct {
		const char *kind;
		int err;
	} lies[] = {
		{ "liar,short", EPROTO },     { "liar,tiny", EPROTO },     { "liar,long", EPROTO },
		{ "liar,cut_error", EPROTO }, { "liar,cut_link", EPROTO }, { "liar,positive", EPROTO },
		{ "liar,huge", EPROTO },      { "liar,least", EPROTO },    { "liar,end", ECONNRESET },
		{ "liar,done_error", EPERM }, { "liar,endless", EPROTO },  { "liar,other", EPROTO },
	};
	struct ifaddrs *list = NULL;
	int fds = count_fds();

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct ioth *stack = make(lies[i].kind, NULL);
		errno = 0;
		if (ioth_getifaddrs(stack, &list) != -1 || errno != lies[i].err)
			FAIL("%s: the list is not refused with %s but %s", lies[i].kind,
			     strerrorname_np(lies[i].err), strerror(errno));
		CHECK(list == NULL);
		CHECK_ERRNO(ioth_if_nametoindex(stack, "vde0"), lies[i].err);
		CHECK_EQ(count_fds(), fds);
		MUST(ioth_delstack(stack));
	}
}

static int count_family(const struct ifaddrs *list, int family)
{
	int n = 0;

	for (; list != NULL; list = list->ifa_next)
		n += list->ifa_addr != NULL && list->ifa_addr->sa_family == family;
	return n;
}

CASE(attributes_that_lie_are_left_out)
{
	struct ioth *stack = make("liar,attrs", NULL);
	struct ifaddrs *list;

	MUST(ioth_getifaddrs(stack, &list));
	CHECK_EQ(count_family(list, AF_PACKET), 1);
	CHECK_EQ(strlen(list->ifa_name), IF_NAMESIZE - 1);
	CHECK_EQ(((struct sockaddr_ll *)(void *)list->ifa_addr)->sll_halen, 0);
	CHECK(list->ifa_broadaddr == NULL);
	/* The address of no interface and the one of no family are left out; a mask has 32 bits at most. */
	CHECK_EQ(count_family(list, AF_INET), 1);
	CHECK_EQ(count_family(list, AF_INET6), 0);
	CHECK_EQ(((struct sockaddr_in *)(void *)list->ifa_next->ifa_netmask)->sin_addr.s_addr, 0xffffffff);
	ioth_freeifaddrs(list);
	MUST(ioth_delstack(stack));
}

CASE(a_list_that_changes_while_it_is_read_is_read_again)
{
	struct ioth *stack = make("liar,twice", NULL);
	struct ifaddrs *list;

	MUST(ioth_getifaddrs(stack, &list));
	CHECK_EQ(count_family(list, AF_PACKET), 1);
	ioth_freeifaddrs(list);
	MUST(ioth_delstack(stack));
	stack = make("liar,interrupted", NULL);
	CHECK_ERRNO(ioth_getifaddrs(stack, &list), EAGAIN);
	MUST(ioth_delstack(stack));
}

CASE(a_stack_that_does_not_answer_is_waited_for_5_seconds)
{
	struct ioth *stack = make("liar,silent", NULL);
	long long start = now_us();

	CHECK_ERRNO(ioth_linksetmtu(stack, 7, 1400), ETIMEDOUT);
	CHECK(now_us() - start >= 4900000);
	CHECK_EQ(*(const unsigned *)RTA_DATA(
			 (last_request(stack, RTM_NEWLINK), sent_attr(sizeof(struct ifinfomsg), IFLA_MTU))),
		 1400);
	MUST(ioth_delstack(stack));
}

/* ------------------------------------------------------------------ functions of plugins */

/* <ioth/lib/internal.h>, for the libraries above libioth. */
const struct ioth_functions *ioth_functions_of(struct ioth *stack, void **stackdata);

CASE(events_of_a_plugin_and_of_the_network_of_the_process_are_found)
{
	struct ioth *stack = make("liar,honest", NULL), *plain = ioth_newstack(NULL, NULL);
	void *data;
	const struct ioth_functions *f = ioth_functions_of(stack, &data);

	CHECK(f->events != NULL);
	CHECK_ERRNO(f->events(data), EDOM);
	CHECK_STR(ioth_last_error(), "no events");
	f = ioth_functions_of(NULL, &data);
	CHECK(f->events != NULL);
	CHECK_ERRNO(f->events(data), ENODATA); /* nothing has been configured */
	CHECK(plain != NULL && ioth_functions_of(plain, &data)->events != NULL);
	MUST(ioth_delstack(plain));
	MUST(ioth_delstack(stack));
}

CASE(a_stack_whose_plugin_cannot_end_it_lives_on)
{
	struct ioth *stack = make("liar,stays", NULL);

	ioth_set_defstack(stack);
	CHECK_ERRNO(ioth_delstack(stack), EDOM);
	CHECK_STR(ioth_last_error(), "it stays once");
	CHECK(ioth_get_defstack() == stack);
	int fd = (int)MUST(ioth_msocket(stack, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	CHECK_ERRNO(ioth_delstack(stack), EBUSY);
	MUST(ioth_close(fd));
	MUST(ioth_delstack(stack));
	CHECK(ioth_get_defstack() == NULL);
}
