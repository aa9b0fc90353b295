/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The configuration of stacks in user space: by rtnetlink, and by the words of vdestack_config(7). */

#include <arpa/inet.h>
#include <case.h>
#include <ioth.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <servers.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <vdestack.h>
#include <vdestack/conf.h>
#include <vdestack/sources.h>

#include "../../src/ioth/lib/internal.h"

#define WORDS_MS 40000

static char network[300];

/* The network of this case: the first stack makes it, and lasts longest. */
static const char *net(void)
{
	static bool made;

	(void)snprintf(network, sizeof(network), "%s://%s", made ? "vde" : "hub", case_path("net"));
	made = true;
	return network;
}

static struct ioth *picox(const char *vnl)
{
	struct ioth *s = ioth_newstack("picox", vnl);

	if (s == NULL)
		FAIL("no stack: %s", ioth_last_error());
	return s;
}

static struct vdestack *kernel_stack(const char *words)
{
	char config[500];

	(void)snprintf(config, sizeof(config), "vnl=%s %s", net(), words);
	struct vdestack *s = vdestack_new(config, case_opts());
	if (s == NULL)
		FAIL("no stack: %s", vdestack_last_error());
	return s;
}

static int words(struct ioth *s, const char *text, int timeout_ms)
{
	void *data;
	const struct ioth_functions *f = ioth_functions_of(s, &data);

	CHECK(f != NULL && f->configure != NULL);
	return f->configure(data, text, 0, timeout_ms);
}

/* ------------------------------------------------------------------ netlink */

struct message {
	struct nlmsghdr hdr;
	union {
		struct ifinfomsg link;
		struct ifaddrmsg addr;
		struct rtmsg route;
		char room[200];
	} u;
};

static void put(struct message *m, int type, const void *bytes, size_t n)
{
	struct rtattr *a = (void *)((char *)m + NLMSG_ALIGN(m->hdr.nlmsg_len));

	a->rta_type = (unsigned short)type;
	a->rta_len = (unsigned short)RTA_LENGTH(n);
	memcpy(RTA_DATA(a), bytes, n);
	m->hdr.nlmsg_len = (uint32_t)(NLMSG_ALIGN(m->hdr.nlmsg_len) + RTA_ALIGN(a->rta_len));
}

/* The kernel's answer to one request: 0 or -errno. */
static int ask(struct ioth *s, struct message *m)
{
	int fd = (int)MUST(ioth_msocket(s, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
	struct {
		struct nlmsghdr hdr;
		struct nlmsgerr error;
		char room[300];
	} answer = { 0 };
	struct sockaddr_nl from = { 0 };
	socklen_t len = sizeof(from);

	m->hdr.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	m->hdr.nlmsg_seq = 9;
	CHECK_EQ(ioth_send(fd, m, m->hdr.nlmsg_len, 0), m->hdr.nlmsg_len);
	CHECK(wait_readable(fd, WORDS_MS));
	MUST(ioth_recvfrom(fd, &answer, sizeof(answer), 0, (struct sockaddr *)&from, &len));
	CHECK_EQ(from.nl_family, AF_NETLINK);
	CHECK_EQ(from.nl_pid, 0);
	CHECK_EQ(answer.hdr.nlmsg_type, NLMSG_ERROR);
	CHECK_EQ(answer.hdr.nlmsg_seq, 9);
	MUST(ioth_close(fd));
	return answer.error.error;
}

static int set_up(struct ioth *s, int index)
{
	struct message m = { .hdr = { .nlmsg_len = NLMSG_LENGTH(sizeof(m.u.link)),
				      .nlmsg_type = RTM_SETLINK },
			     .u.link = { .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP } };

	return ask(s, &m);
}

static int change_addr(struct ioth *s, int type, int family, const char *text, int prefix)
{
	struct message m = { .hdr = { .nlmsg_len = NLMSG_LENGTH(sizeof(m.u.addr)),
				      .nlmsg_type = (uint16_t)type },
			     .u.addr = { .ifa_family = (uint8_t)family,
					 .ifa_prefixlen = (uint8_t)prefix,
					 .ifa_index = 2,
					 .ifa_flags = IFA_F_NODAD } };
	uint8_t bytes[16];

	CHECK_EQ(inet_pton(family, text, bytes), 1);
	put(&m, IFA_LOCAL, bytes, family == AF_INET ? 4 : 16);
	return ask(s, &m);
}

/* The first address of the family that does not begin with 127, fe80 or is ::1, as text; "": none. */
static const char *address(struct ioth *s, int family)
{
	static char text[INET6_ADDRSTRLEN];
	static _Alignas(struct nlmsghdr) char bytes[16384];
	struct message m = { .hdr = { .nlmsg_len = NLMSG_LENGTH(sizeof(m.u.addr)),
				      .nlmsg_type = RTM_GETADDR,
				      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
			     .u.addr = { .ifa_family = (uint8_t)family } };
	int fd = (int)MUST(ioth_msocket(s, AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_ROUTE));
	const struct nlmsghdr *hdr = (void *)bytes;

	MUST(ioth_send(fd, &m, m.hdr.nlmsg_len, 0));
	text[0] = '\0';
	do {
		CHECK(wait_readable(fd, WORDS_MS));
		ssize_t n = MUST(ioth_recv(fd, bytes, sizeof(bytes), 0));
		CHECK(NLMSG_OK(hdr, (uint32_t)n));
		const struct ifaddrmsg *info = NLMSG_DATA(hdr);
		const struct rtattr *a = IFA_RTA(info);
		if (hdr->nlmsg_type == RTM_NEWADDR && info->ifa_index == 2 &&
		    info->ifa_scope == RT_SCOPE_UNIVERSE && text[0] == '\0') {
			CHECK_EQ(a->rta_type, IFA_ADDRESS);
			CHECK(inet_ntop(family, RTA_DATA(a), text, sizeof(text)) != NULL);
		}
	} while (hdr->nlmsg_type != NLMSG_DONE);
	MUST(ioth_close(fd));
	return text;
}

/* Whether a stack of the kernel reaches the address: nobody listens, and the refusal comes from there. */
static bool reaches(struct vdestack *from, const char *ip)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
	bool four = inet_pton(AF_INET, ip, &in.sin_addr) == 1;
	int fd = (int)MUST(vdestack_msocket(from, four ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
	int r;

	CHECK(four || inet_pton(AF_INET6, ip, &in6.sin6_addr) == 1);
	r = four ? connect(fd, (struct sockaddr *)&in, sizeof(in))
		 : connect(fd, (struct sockaddr *)&in6, sizeof(in6));
	bool refused = r < 0 && errno == ECONNREFUSED;
	CHECK_EQ(close(fd), 0);
	return refused;
}

CASE(addresses_set_by_netlink_are_reached)
{
	struct ioth *s = picox(net());
	struct vdestack *k = kernel_stack("ip=10.7.0.1/24 ip=fd07::1/64 nodad");

	CHECK_EQ(set_up(s, 2), 0);
	CHECK_EQ(change_addr(s, RTM_NEWADDR, AF_INET, "10.7.0.2", 24), 0);
	CHECK_EQ(change_addr(s, RTM_NEWADDR, AF_INET, "10.7.0.2", 24), -EEXIST);
	CHECK_EQ(change_addr(s, RTM_NEWADDR, AF_INET, "10.7.0.3", 24), -EOPNOTSUPP); /* lwIP has one */
	CHECK_EQ(change_addr(s, RTM_NEWADDR, AF_INET6, "fd07::2", 64), 0);
	CHECK_STR(address(s, AF_INET), "10.7.0.2");
	CHECK_STR(address(s, AF_INET6), "fd07::2");
	CHECK(reaches(k, "10.7.0.2"));
	CHECK(reaches(k, "fd07::2"));
	CHECK_EQ(change_addr(s, RTM_DELADDR, AF_INET, "10.7.0.2", 24), 0);
	CHECK_EQ(change_addr(s, RTM_DELADDR, AF_INET, "10.7.0.2", 24), -EADDRNOTAVAIL);
	CHECK_STR(address(s, AF_INET), "");
	CHECK_EQ(vdestack_delete(k), 0);
	CHECK_EQ(ioth_delstack(s), 0);
}

CASE(mac_and_mtu_are_set_by_netlink)
{
	static const unsigned char mac[6] = { 2, 0, 0, 0, 7, 2 };
	struct message m = { .hdr = { .nlmsg_len = NLMSG_LENGTH(sizeof(m.u.link)),
				      .nlmsg_type = RTM_SETLINK },
			     .u.link = { .ifi_index = 2, .ifi_flags = IFF_UP, .ifi_change = IFF_UP } };
	const unsigned mtu = 1400;
	unsigned char seen[6] = { 0 };
	struct ioth *s = picox(net());
	struct vdestack *k = kernel_stack("ip=10.7.0.1/24 nodad");

	put(&m, IFLA_ADDRESS, mac, sizeof(mac));
	put(&m, IFLA_MTU, &mtu, sizeof(mtu));
	CHECK_EQ(ask(s, &m), 0);
	CHECK_EQ(change_addr(s, RTM_NEWADDR, AF_INET, "10.7.0.2", 24), 0);
	CHECK(reaches(k, "10.7.0.2"));
	struct vdestack_neigh list[8];
	int n = (int)MUST(vdestack_neigh_list(k, "vde0", list, 8, sizeof(list[0])));
	for (int i = 0; i < n; i++)
		if (strcmp(list[i].addr, "10.7.0.2") == 0)
			memcpy(seen, list[i].mac, 6);
	CHECK_EQ(memcmp(seen, mac, 6), 0);
	CHECK_EQ(vdestack_delete(k), 0);
	CHECK_EQ(ioth_delstack(s), 0);
}

CASE(words_set_and_remove_what_netlink_shows)
{
	struct ioth *s = picox(net());
	struct vdestack *k = kernel_stack("ip=10.7.0.1/24 nodad");

	CHECK_EQ(words(s, "eth ip=10.7.0.2/24 gw=10.7.0.1 ip=fd07::2/64", WORDS_MS), 0);
	CHECK_STR(address(s, AF_INET), "10.7.0.2");
	CHECK_STR(address(s, AF_INET6), "fd07::2");
	CHECK(reaches(k, "10.7.0.2"));
	CHECK_ERRNO(words(s, "ip=10.7.0.3/24", 0), EOPNOTSUPP);
	CHECK_ERRNO(words(s, "route=192.0.2.0/24@10.7.0.1", 0), EOPNOTSUPP);
	CHECK_ERRNO(words(s, "nonsense", 0), EINVAL);
	CHECK_ERRNO(words(s, "iface=vde7 eth", 0), ENODEV);
	CHECK_EQ(words(s, "-static", 0), 0);
	CHECK_STR(address(s, AF_INET), "");
	CHECK_STR(address(s, AF_INET6), "");
	CHECK_EQ(vdestack_delete(k), 0);
	CHECK_EQ(ioth_delstack(s), 0);
}

/* ------------------------------------------------------------------ sources */

static void learns(enum server_kind kind, const struct server_plan *plan, const char *server_words,
		   const char *client_words, int family, const char *begins)
{
	struct server server = { .kind = kind, .plan = plan, .stack = kernel_stack(server_words) };
	struct ioth *s = picox(net());

	server_start(&server);
	CHECK_EQ(words(s, client_words, WORDS_MS), 0);
	CHECK(strncmp(address(s, family), begins, strlen(begins)) == 0);
	/* RFC 8415: that an address is given says nothing of its prefix; only a router makes it reachable. */
	if (kind != SERVER_KEA6)
		CHECK(reaches(server.stack, address(s, family)));
	CHECK_EQ(words(s, "-dhcp -dhcp6 -rd", 0), 0);
	CHECK_STR(address(s, family), "");
	server_stop(&server);
	CHECK_EQ(ioth_delstack(s), 0);
}

CASE(dhcp_gets_an_address_and_stopping_gives_it_back)
{
	static const struct server_plan plan = { .subnet = "10.7.0.0/24",
						 .first = "10.7.0.100",
						 .last = "10.7.0.110",
						 .lease_s = 120,
						 .router = "10.7.0.1" };

	learns(SERVER_DNSMASQ4, &plan, "ip=10.7.0.1/24 nodad", "dhcp", AF_INET, "10.7.0.1");
}

CASE(dhcp6_gets_an_address_and_stopping_gives_it_back)
{
	static const struct server_plan plan = {
		.subnet = "fd07::/64", .first = "fd07::100", .last = "fd07::110", .lease_s = 120
	};

	learns(SERVER_KEA6, &plan, "ip=fd07::1/64 nodad", "dhcp6", AF_INET6, "fd07::1");
}

CASE(a_router_advertisement_gives_an_address)
{
	static const struct server_plan plan = { .subnet = "fd07::/64", .lease_s = 120 };

	learns(SERVER_RADVD, &plan, "ip=fd07::1/64 nodad", "slaac", AF_INET6, "fd07::");
}

/* ------------------------------------------------------------------ what was learned */

static const char *resolvconf(struct ioth *s, const char *ifname)
{
	static char text[2048];
	void *data;
	const struct ioth_functions *f = ioth_functions_of(s, &data);

	CHECK(f->resolvconf != NULL);
	int n = (int)MUST(f->resolvconf(data, ifname, text, sizeof(text)));
	CHECK_EQ(n, strlen(text));
	return text;
}

CASE(names_set_by_words_are_in_the_resolv_conf)
{
	struct ioth *s = picox(net());
	void *data;
	const struct ioth_functions *f = ioth_functions_of(s, &data);
	char small[8];

	CHECK_STR(resolvconf(s, NULL), "");
	CHECK_EQ(words(s, "dns=10.7.0.53 dns=fd07::53 dns=10.7.0.53 domain=one.test domain=two.test", 0), 0);
	CHECK_STR(resolvconf(s, "vde0"),
		  "search one.test two.test\nnameserver fd07::53\nnameserver 10.7.0.53\n");
	CHECK_STR(resolvconf(s, "lo"), "");
	CHECK_ERRNO(f->resolvconf(data, NULL, small, sizeof(small)), ERANGE);
	CHECK(strstr(ioth_last_error(), "has 8") != NULL);
	CHECK_ERRNO(f->resolvconf(data, "vde7", small, sizeof(small)), ENODEV);
	CHECK_EQ(words(s, "-dns=fd07::53 -domain=one.test", 0), 0);
	CHECK_STR(resolvconf(s, NULL), "search two.test\nnameserver 10.7.0.53\n");
	CHECK_EQ(words(s, "-static", 0), 0);
	CHECK_STR(resolvconf(s, NULL), "");
	CHECK_EQ(ioth_delstack(s), 0);
}

CASE(too_many_name_servers_are_refused_and_none_is_added)
{
	struct ioth *s = picox(net());

	CHECK_EQ(words(s, "dns=10.7.0.1 dns=10.7.0.2 dns=10.7.0.3 dns=10.7.0.4 dns=10.7.0.5", 0), 0);
	CHECK_ERRNO(words(s, "dns=10.7.0.6 dns=10.7.0.7 dns=10.7.0.8 dns=10.7.0.9", 0), ENOSPC);
	CHECK(strstr(resolvconf(s, NULL), "10.7.0.6") == NULL);
	CHECK_EQ(ioth_delstack(s), 0);
}

CASE(a_refused_word_is_told_in_the_last_error)
{
	struct ioth *s = picox(net());

	CHECK_ERRNO(words(s, "nonsense", 0), EINVAL);
	CHECK(strstr(ioth_last_error(), "nonsense") != NULL);
	CHECK_ERRNO(words(s, "mtu=1400", 0), EINVAL);
	CHECK(strstr(ioth_last_error(), "mtu") != NULL);
	CHECK_ERRNO(words(s, "mac=02:00:00:00:07:02", 0), EINVAL);
	CHECK(strstr(ioth_last_error(), "mac") != NULL);
	CHECK_ERRNO(words(s, "iface=vde7 eth", 0), ENODEV);
	CHECK(strstr(ioth_last_error(), "vde7") != NULL);
	CHECK_EQ(words(s, "ip=10.7.0.2/24", 0), 0);
	CHECK_ERRNO(words(s, "ip=10.7.0.3/24", 0), EOPNOTSUPP);
	CHECK(strstr(ioth_last_error(), "one IPv4 address") != NULL);
	CHECK_EQ(ioth_delstack(s), 0);
}

CASE(a_source_without_a_server_is_listed_and_told)
{
	struct ioth *s = picox(net());
	void *data;
	const struct ioth_functions *f = ioth_functions_of(s, &data);
	struct vdestack_source list[4];

	CHECK_EQ(MUST(f->sources(data, NULL, list, 4)), 0);
	CHECK_ERRNO(words(s, "dhcp", 300), ETIMEDOUT);
	CHECK(strstr(ioth_last_error(), "dhcp4 on vde0") != NULL);
	CHECK_EQ(words(s, "rd", 0), 0);
	CHECK_EQ(MUST(f->sources(data, NULL, NULL, 0)), 2);
	CHECK_EQ(MUST(f->sources(data, "vde0", list, 4)), 2);
	CHECK_EQ(list[0].source, VDESTACK_SOURCE_DHCP4);
	CHECK_EQ(list[0].ready, 0);
	CHECK_STR(list[0].ifname, "vde0");
	CHECK_EQ(list[1].source, VDESTACK_SOURCE_RA);
	CHECK_EQ(MUST(f->sources(data, "lo", list, 4)), 0);
	CHECK_ERRNO(f->sources(data, "vde7", list, 4), ENODEV);
	CHECK_EQ(words(s, "-dhcp -rd", 0), 0);
	CHECK_EQ(MUST(f->sources(data, NULL, list, 4)), 0);
	CHECK_EQ(ioth_delstack(s), 0);
}

/* The MTU of vde0, as netlink shows it. */
static unsigned mtu_of(struct ioth *s)
{
	struct ifreq ifr = { .ifr_name = "vde0" };
	int fd = (int)MUST(ioth_msocket(s, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	MUST(ioth_ioctl(fd, SIOCGIFMTU, &ifr));
	MUST(ioth_close(fd));
	return (unsigned)ifr.ifr_mtu;
}

CASE(dhcp_gives_names_and_an_mtu_that_go_with_the_lease)
{
	static const struct server_plan plan = { .subnet = "10.7.0.0/24",
						 .first = "10.7.0.100",
						 .last = "10.7.0.110",
						 .lease_s = 120,
						 .router = "10.7.0.1",
						 .dns = "10.7.0.53",
						 .domain = "given.test",
						 .mtu = 1400 };
	struct server server = { .kind = SERVER_KEA4,
				 .plan = &plan,
				 .stack = kernel_stack("ip=10.7.0.1/24 nodad") };
	struct ioth *s = picox(net());

	server_start(&server);
	CHECK_EQ(mtu_of(s), 1500);
	for (int i = 0; i < 2; i++) { /* a source that is stopped can be started again */
		CHECK_EQ(words(s, "dhcp dns=10.7.0.54", WORDS_MS), 0);
		CHECK_STR(resolvconf(s, NULL),
			  "search given.test\nnameserver 10.7.0.54\nnameserver 10.7.0.53\n");
		CHECK_EQ(mtu_of(s), 1400);
		CHECK(reaches(server.stack, address(s, AF_INET)));
		CHECK_EQ(words(s, "-dhcp", 0), 0);
		CHECK_STR(resolvconf(s, NULL), "nameserver 10.7.0.54\n");
		CHECK_EQ(mtu_of(s), 1500);
		CHECK_STR(address(s, AF_INET), "");
	}
	server_stop(&server);
	CHECK_EQ(ioth_delstack(s), 0);
}

static bool has_no_address(void *stack)
{
	return address(stack, AF_INET)[0] == '\0';
}

CASE(a_lease_is_renewed_and_one_that_nobody_renews_is_removed)
{
	static const struct server_plan plan = { .subnet = "10.7.0.0/24",
						 .first = "10.7.0.100",
						 .last = "10.7.0.110",
						 .lease_s = 12,
						 .t1_s = 2,
						 .t2_s = 9 };
	struct server server = { .kind = SERVER_KEA4,
				 .plan = &plan,
				 .stack = kernel_stack("ip=10.7.0.1/24 nodad") };
	struct ioth *s = picox(net());

	server_start(&server);
	CHECK_EQ(words(s, "dhcp", WORDS_MS), 0);
	CHECK(server_wait_log(&server, "DHCP4_LEASE_ALLOC", 2, WORDS_MS));
	CHECK(strncmp(address(s, AF_INET), "10.7.0.1", 8) == 0);
	server_stop(&server);
	CHECK(wait_until(has_no_address, s, WORDS_MS));
	CHECK_EQ(ioth_delstack(s), 0);
}
