/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Netlink requests to the user-space stack: what they do, what answers them, and which are refused. */

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "unit.h"

#define MODEL_CHECK(condition) assert_true(condition)
#include <picox_model.h>

static struct model model;
static const struct vs_pxnl nl = { .ops = &model_ops, .arg = &model, .port = 4711 };

static struct nl_msg *begin(int type, int flags, void *fixed, size_t n)
{
	struct nl_msg *msg = nlmsg_alloc();

	assert_non_null(msg);
	assert_non_null(nlmsg_put(msg, 0, 5, type, 0, NLM_F_REQUEST | flags));
	assert_int_equal(nlmsg_append(msg, fixed, n, NLMSG_ALIGNTO), 0);
	return msg;
}

static struct nlmsghdr *answer(void)
{
	return (struct nlmsghdr *)(void *)model.sent;
}

/* The result of a request, which must have been answered by an acknowledgement or an error. */
static int serve(struct nl_msg *msg)
{
	struct nlmsghdr *hdr = nlmsg_hdr(msg);

	model.n_sent = 0;
	hdr->nlmsg_flags |= NLM_F_ACK;
	assert_int_equal(vs_pxnl_serve(&nl, hdr, hdr->nlmsg_len), 1);
	nlmsg_free(msg);
	assert_true(nlmsg_ok(answer(), (int)model.n_sent));
	assert_int_equal(answer()->nlmsg_type, NLMSG_ERROR);
	assert_int_equal(answer()->nlmsg_seq, 5);
	assert_int_equal(answer()->nlmsg_pid, 4711);
	return ((struct nlmsgerr *)nlmsg_data(answer()))->error;
}

/* The text of the last error. */
static const char *reason(void)
{
	struct nlattr *text = nlmsg_find_attr(answer(), sizeof(struct nlmsgerr), NLMSGERR_ATTR_MSG);

	assert_true(answer()->nlmsg_flags & NLM_F_ACK_TLVS);
	assert_true(answer()->nlmsg_flags & NLM_F_CAPPED);
	assert_non_null(text);
	return nla_get_string(text);
}

/* ------------------------------------------------------------------ links */

static struct nl_msg *link_request(int type, int flags, int ifindex)
{
	struct ifinfomsg info = { .ifi_index = ifindex };

	return begin(type, flags, &info, sizeof(info));
}

static void links_are_listed_and_the_list_ends(void **state)
{
	struct nl_msg *msg = link_request(RTM_GETLINK, NLM_F_DUMP, 0);
	struct nlattr *attrs[IFLA_MAX + 1];
	struct nlmsghdr *hdr = answer();
	int left;

	(void)state;
	model_init(&model);
	assert_int_equal(vs_pxnl_serve(&nl, nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len), 1);
	nlmsg_free(msg);
	left = (int)model.n_sent;
	for (int i = 0; i < 2; i++, hdr = nlmsg_next(hdr, &left)) {
		assert_true(nlmsg_ok(hdr, left));
		assert_int_equal(hdr->nlmsg_type, RTM_NEWLINK);
		assert_int_equal(hdr->nlmsg_flags, NLM_F_MULTI);
		assert_int_equal(nlmsg_parse(hdr, sizeof(struct ifinfomsg), attrs, IFLA_MAX, NULL), 0);
		assert_string_equal(nla_get_string(attrs[IFLA_IFNAME]), i == 0 ? "lo" : "vde0");
		assert_int_equal(nla_get_u32(attrs[IFLA_MTU]), i == 0 ? 65535 : 1500);
	}
	assert_int_equal(hdr->nlmsg_type, NLMSG_DONE);
	assert_int_equal((int)hdr->nlmsg_len, left);
}

static void a_link_is_found_by_index_or_by_name(void **state)
{
	struct nl_msg *msg = link_request(RTM_GETLINK, 0, 2);

	(void)state;
	model_init(&model);
	assert_int_equal(serve(link_request(RTM_GETLINK, 0, 3)), -ENODEV);
	assert_string_equal(reason(), "there is no such interface");
	assert_int_equal(serve(link_request(RTM_GETLINK, 0, 0)), -EINVAL);
	model.n_sent = 0;
	assert_int_equal(vs_pxnl_serve(&nl, nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len), 1);
	nlmsg_free(msg);
	assert_int_equal(answer()->nlmsg_type, RTM_NEWLINK);
	assert_int_equal(answer()->nlmsg_flags, 0);
	msg = link_request(RTM_GETLINK, 0, 0);
	assert_int_equal(nla_put_string(msg, IFLA_IFNAME, "lo"), 0);
	model.n_sent = 0;
	assert_int_equal(vs_pxnl_serve(&nl, nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len), 1);
	nlmsg_free(msg);
	assert_int_equal(((struct ifinfomsg *)nlmsg_data(answer()))->ifi_index, 1);
}

static void a_link_is_changed(void **state)
{
	struct ifinfomsg info = { .ifi_index = 2, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	struct nl_msg *msg = begin(RTM_SETLINK, 0, &info, sizeof(info));

	(void)state;
	model_init(&model);
	assert_int_equal(nla_put_u32(msg, IFLA_MTU, 9000), 0);
	assert_int_equal(nla_put(msg, IFLA_ADDRESS, 6, "\x02\1\2\3\4\5"), 0);
	assert_int_equal(nla_put_string(msg, IFLA_IFNAME, "eth9"), 0);
	assert_int_equal(serve(msg), 0);
	assert_true(model.links[1].flags & IFF_UP);
	assert_int_equal(model.links[1].mtu, 9000);
	assert_memory_equal(model.links[1].mac, "\x02\1\2\3\4\5", 6);
	assert_string_equal(model.links[1].name, "eth9");
	info.ifi_flags = 0;
	assert_int_equal(serve(begin(RTM_NEWLINK, 0, &info, sizeof(info))), 0);
	assert_false(model.links[1].flags & IFF_UP);
}

struct bad_attr {
	int attr, n, err;
	const char *bytes;
};

static void impossible_settings_of_a_link_are_refused(void **state)
{
	static const struct bad_attr bad[] = {
		{ IFLA_MTU, 4, EINVAL, "\0\0\0\0" },
		{ IFLA_MTU, 4, EINVAL, "\xff\xff\xff\xff" },
		{ IFLA_MTU, 2, EINVAL, "\xdc\x05" },
		{ IFLA_ADDRESS, 5, EINVAL, "\2\1\1\1\1" },
		{ IFLA_ADDRESS, 6, EADDRNOTAVAIL, "\1\1\1\1\1\1" },
		{ IFLA_ADDRESS, 6, EADDRNOTAVAIL, "\0\0\0\0\0\0" },
		{ IFLA_IFNAME, 1, EINVAL, "" },
		{ IFLA_IFNAME, 4, EINVAL, "a/b" },
		{ IFLA_IFNAME, 17, ENAMETOOLONG, "0123456789abcdef" },
		{ IFLA_IFNAME, 0, EINVAL, "" },
		{ IFLA_MASTER, 4, EOPNOTSUPP, "\1\0\0\0" },
	};
	struct model before;

	(void)state;
	model_init(&model);
	before = model;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct nl_msg *msg = link_request(RTM_SETLINK, 0, 2);
		assert_int_equal(nla_put(msg, bad[i].attr, bad[i].n, bad[i].bytes), 0);
		assert_int_equal(serve(msg), -bad[i].err);
		assert_true(strlen(reason()) > 10);
		assert_memory_equal(model.links, before.links, sizeof(before.links));
	}
}

static struct nl_msg *new_link(const char *name, const char *kind, const char *vnl)
{
	struct nl_msg *msg = link_request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	struct nlattr *info, *data;

	assert_int_equal(nla_put_string(msg, IFLA_IFNAME, name), 0);
	info = nla_nest_start(msg, IFLA_LINKINFO);
	assert_int_equal(nla_put_string(msg, IFLA_INFO_KIND, kind), 0);
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	assert_int_equal(nla_put_string(msg, 1, vnl), 0);
	(void)nla_nest_end(msg, data);
	(void)nla_nest_end(msg, info);
	return msg;
}

static void a_link_of_kind_vde_is_made_and_deleted(void **state)
{
	(void)state;
	model_init(&model);
	assert_int_equal(serve(new_link("vde1", "vde", "hub://")), 0);
	assert_string_equal(model.vnl, "hub://");
	assert_string_equal(model.links[2].name, "vde1");
	assert_int_equal(serve(new_link("vde1", "vde", "hub://")), -EEXIST);
	assert_int_equal(serve(new_link("lo", "vde", "hub://")), -EEXIST);
	assert_int_equal(serve(new_link("br0", "bridge", "")), -EOPNOTSUPP);
	assert_string_equal(reason(), "the only kind of links is vde");
	assert_int_equal(serve(link_request(RTM_DELLINK, 0, 3)), 0);
	assert_int_equal(model.n_links, 2);
	assert_int_equal(serve(link_request(RTM_DELLINK, 0, 1)), -EOPNOTSUPP);
}

/* ------------------------------------------------------------------ addresses and routes */

static struct nl_msg *addr_request(int type, int flags, int family, const char *text, int len)
{
	struct ifaddrmsg info = { .ifa_family = (uint8_t)family,
				  .ifa_prefixlen = (uint8_t)len,
				  .ifa_index = 2 };
	struct nl_msg *msg = begin(type, flags, &info, sizeof(info));
	uint8_t bytes[16];

	assert_int_equal(inet_pton(family, text, bytes), 1);
	assert_int_equal(nla_put(msg, IFA_LOCAL, family == AF_INET ? 4 : 16, bytes), 0);
	return msg;
}

static void addresses_are_added_listed_and_removed(void **state)
{
	struct rtgenmsg all = { .rtgen_family = AF_INET6 };
	struct nl_msg *msg = begin(RTM_GETADDR, NLM_F_DUMP, &all, sizeof(all));
	struct nlattr *attrs[IFA_MAX + 1];

	(void)state;
	model_init(&model);
	assert_int_equal(serve(addr_request(RTM_NEWADDR, 0, AF_INET, "10.0.0.1", 24)), 0);
	assert_int_equal(serve(addr_request(RTM_NEWADDR, 0, AF_INET, "10.0.0.1", 24)), -EEXIST);
	assert_int_equal(serve(addr_request(RTM_NEWADDR, NLM_F_REPLACE, AF_INET, "10.0.0.1", 24)), 0);
	assert_int_equal(serve(addr_request(RTM_NEWADDR, 0, AF_INET6, "fc00::1", 64)), 0);
	model.n_sent = 0;
	assert_int_equal(vs_pxnl_serve(&nl, nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len), 1);
	nlmsg_free(msg);
	assert_int_equal(answer()->nlmsg_type, RTM_NEWADDR);
	assert_int_equal(nlmsg_parse(answer(), sizeof(struct ifaddrmsg), attrs, IFA_MAX, NULL), 0);
	assert_memory_equal(nla_data(attrs[IFA_ADDRESS]), model.addrs[1].bytes, 16);
	assert_int_equal(((struct ifaddrmsg *)nlmsg_data(answer()))->ifa_prefixlen, 64);
	assert_int_equal(serve(addr_request(RTM_DELADDR, 0, AF_INET6, "fc00::1", 64)), 0);
	assert_int_equal(serve(addr_request(RTM_DELADDR, 0, AF_INET6, "fc00::1", 64)), -EADDRNOTAVAIL);
}

static void the_broadcast_address_of_a_network_is_told(void **state)
{
	static const struct {
		int len;
		const char *broadcast; /* NULL: none */
	} table[] = {
		{ 0, "255.255.255.255" }, { 8, "10.255.255.255" }, { 20, "10.1.31.255" }, { 31, NULL }
	};
	struct nlattr *attrs[IFA_MAX + 1];
	_Alignas(struct nlmsghdr) uint8_t bytes[VS_PXNL_MESSAGE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct vs_pxnl_addr addr = { .family = AF_INET,
					     .prefix_len = (uint8_t)table[i].len,
					     .bytes = { 10, 1, 17, 2 } };
		uint8_t want[4];
		assert_true(vs_pxnl_addr_note(RTM_NEWADDR, &addr, bytes) > 0);
		assert_int_equal(nlmsg_parse((void *)bytes, sizeof(struct ifaddrmsg), attrs, IFA_MAX, NULL),
				 0);
		assert_int_equal(attrs[IFA_BROADCAST] != NULL, table[i].broadcast != NULL);
		if (table[i].broadcast == NULL)
			continue;
		assert_int_equal(inet_pton(AF_INET, table[i].broadcast, want), 1);
		assert_memory_equal(nla_data(attrs[IFA_BROADCAST]), want, 4);
	}
}

static void impossible_addresses_are_refused(void **state)
{
	static const struct {
		int family, len, err;
		const char *text;
	} bad[] = {
		{ AF_INET, 33, EINVAL, "10.0.0.1" },  { AF_INET6, 129, EINVAL, "fc00::1" },
		{ AF_INET, 24, EINVAL, "224.0.0.1" }, { AF_INET, 24, EINVAL, "0.0.0.0" },
		{ AF_INET6, 64, EINVAL, "ff02::1" },  { AF_INET6, 64, EINVAL, "::" },
	};
	struct nl_msg *msg;
	struct ifaddrmsg info = { .ifa_family = AF_INET, .ifa_prefixlen = 24, .ifa_index = 9 };

	(void)state;
	model_init(&model);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(serve(addr_request(RTM_NEWADDR, 0, bad[i].family, bad[i].text, bad[i].len)),
				 -bad[i].err);
	msg = begin(RTM_NEWADDR, 0, &info, sizeof(info)); /* no such interface */
	assert_int_equal(nla_put(msg, IFA_LOCAL, 4, "\x0a\0\0\1"), 0);
	assert_int_equal(serve(msg), -ENODEV);
	msg = begin(RTM_NEWADDR, 0, &info, sizeof(info)); /* a wrong length */
	assert_int_equal(nla_put(msg, IFA_LOCAL, 16, "0123456789abcdef"), 0);
	assert_int_equal(serve(msg), -EINVAL);
	info.ifa_family = AF_DECnet;
	assert_int_equal(serve(begin(RTM_NEWADDR, 0, &info, sizeof(info))), -EAFNOSUPPORT);
	msg = addr_request(RTM_NEWADDR, 0, AF_INET, "10.0.0.1", 24); /* a peer */
	assert_int_equal(nla_put(msg, IFA_ADDRESS, 4, "\x0a\0\0\2"), 0);
	assert_int_equal(serve(msg), -EOPNOTSUPP);
	msg = addr_request(RTM_NEWADDR, 0, AF_INET6, "fc00::1", 64);
	assert_int_equal(nla_put(msg, IFA_CACHEINFO, sizeof(struct ifa_cacheinfo),
				 &(struct ifa_cacheinfo){ .ifa_prefered = 9, .ifa_valid = 8 }),
			 0);
	assert_int_equal(serve(msg), -EINVAL);
	assert_int_equal(model.n_addrs, 0);
}

static void routes_are_added_and_others_are_refused(void **state)
{
	struct rtmsg info = { .rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN, .rtm_type = RTN_UNICAST };
	struct nl_msg *msg = begin(RTM_NEWROUTE, NLM_F_CREATE, &info, sizeof(info));

	(void)state;
	model_init(&model);
	assert_int_equal(nla_put(msg, RTA_GATEWAY, 4, "\x0a\0\0\1"), 0);
	assert_int_equal(serve(msg), 0);
	assert_int_equal(model.n_routes, 1);
	assert_int_equal(serve(begin(RTM_NEWROUTE, 0, &info, sizeof(info))),
			 -EINVAL); /* neither gw nor link */
	info.rtm_dst_len = 24;
	assert_int_equal(serve(begin(RTM_NEWROUTE, 0, &info, sizeof(info))), -EINVAL); /* no destination */
	msg = begin(RTM_NEWROUTE, 0, &info, sizeof(info));
	assert_int_equal(nla_put(msg, RTA_DST, 4, "\x0a\0\0\1"), 0); /* bits behind the prefix */
	assert_int_equal(nla_put_u32(msg, RTA_OIF, 2), 0);
	assert_int_equal(serve(msg), -EINVAL);
	info.rtm_table = 7;
	assert_int_equal(serve(begin(RTM_NEWROUTE, 0, &info, sizeof(info))), -EOPNOTSUPP);
	info.rtm_table = RT_TABLE_MAIN;
	info.rtm_type = RTN_BLACKHOLE;
	assert_int_equal(serve(begin(RTM_NEWROUTE, 0, &info, sizeof(info))), -EOPNOTSUPP);
	assert_int_equal(model.n_routes, 1);
}

/* ------------------------------------------------------------------ messages as such */

static void a_message_that_is_cut_short_is_no_request_or_is_refused(void **state)
{
	struct nl_msg *msg = addr_request(RTM_NEWADDR, NLM_F_ACK, AF_INET, "10.0.0.1", 24);
	uint32_t n = nlmsg_hdr(msg)->nlmsg_len;

	(void)state;
	for (uint32_t cut = 0; cut < n; cut++) {
		void *bytes = malloc(cut > 0 ? cut : 1);
		assert_non_null(bytes);
		memcpy(bytes, nlmsg_hdr(msg), cut);
		model_init(&model);
		assert_int_equal(vs_pxnl_serve(&nl, bytes, cut), 0);
		if (cut >= sizeof(uint32_t)) { /* now the header says how short it is */
			memcpy(bytes, &cut, sizeof(cut));
			(void)vs_pxnl_serve(&nl, bytes, cut);
		}
		assert_int_equal(model.n_addrs, 0);
		free(bytes);
	}
	nlmsg_free(msg);
}

static void other_types_are_refused_and_answers_ignored(void **state)
{
	struct ndmsg info = { .ndm_family = AF_INET };
	struct nl_msg *msg = begin(RTM_NEWNEIGH, 0, &info, sizeof(info));

	(void)state;
	model_init(&model);
	assert_int_equal(serve(msg), -EOPNOTSUPP);
	msg = begin(NLMSG_DONE, 0, &info, sizeof(info));
	assert_int_equal(vs_pxnl_serve(&nl, nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len), 0);
	nlmsg_hdr(msg)->nlmsg_type = RTM_GETLINK;
	nlmsg_hdr(msg)->nlmsg_flags = NLM_F_DUMP; /* it is no request */
	assert_int_equal(vs_pxnl_serve(&nl, nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len), 0);
	nlmsg_free(msg);
}

static void several_requests_of_a_datagram_are_served(void **state)
{
	_Alignas(struct nlmsghdr) uint8_t both[512];
	struct nl_msg *a = addr_request(RTM_NEWADDR, 0, AF_INET, "10.0.0.1", 24);
	struct nl_msg *b = addr_request(RTM_NEWADDR, 0, AF_INET6, "fc00::2", 64);
	size_t n = NLMSG_ALIGN(nlmsg_hdr(a)->nlmsg_len), m = nlmsg_hdr(b)->nlmsg_len;

	(void)state;
	model_init(&model);
	memcpy(both, nlmsg_hdr(a), n);
	memcpy(both + n, nlmsg_hdr(b), m);
	assert_int_equal(vs_pxnl_serve(&nl, both, n + m), 2);
	assert_int_equal(model.n_addrs, 2);
	assert_int_equal(model.n_sent, 0); /* no acknowledgement is asked for */
	nlmsg_free(a);
	nlmsg_free(b);
}

static void a_full_socket_ends_a_dump(void **state)
{
	struct nl_msg *msg = link_request(RTM_GETLINK, NLM_F_DUMP, 0);

	(void)state;
	model_init(&model);
	model.deaf = true;
	assert_int_equal(vs_pxnl_serve(&nl, nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len), 1);
	assert_int_equal(model.n_sent, 0);
	nlmsg_free(msg);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(links_are_listed_and_the_list_ends),
	cmocka_unit_test(a_link_is_found_by_index_or_by_name),
	cmocka_unit_test(a_link_is_changed),
	cmocka_unit_test(impossible_settings_of_a_link_are_refused),
	cmocka_unit_test(a_link_of_kind_vde_is_made_and_deleted),
	cmocka_unit_test(addresses_are_added_listed_and_removed),
	cmocka_unit_test(the_broadcast_address_of_a_network_is_told),
	cmocka_unit_test(impossible_addresses_are_refused),
	cmocka_unit_test(routes_are_added_and_others_are_refused),
	cmocka_unit_test(a_message_that_is_cut_short_is_no_request_or_is_refused),
	cmocka_unit_test(other_types_are_refused_and_answers_ignored),
	cmocka_unit_test(several_requests_of_a_datagram_are_served),
	cmocka_unit_test(a_full_socket_ends_a_dump),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
