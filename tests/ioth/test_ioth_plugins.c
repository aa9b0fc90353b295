/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the plugins kernel and vdestack do beside the socket calls: options, settings, the end of a stack. */

#include <arpa/inet.h>
#include <fcntl.h>
#include <ioth.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <unistd.h>

#include "case.h"
#include <vdestack.h>

/* <ioth/lib/internal.h>, for the libraries above libioth. */
const struct ioth_functions *ioth_functions_of(struct ioth *stack, void **stackdata);

static struct ioth *make(const char *kind, const char *vnl)
{
	struct ioth *stack = ioth_newstack(kind, vnl);

	if (stack == NULL)
		FAIL("%s: %s", kind, ioth_last_error());
	return stack;
}

/* The result of a question about an interface. */
static struct ifreq ask(struct ioth *stack, const char *ifname, unsigned long question)
{
	struct ifreq ifr = { 0 };
	int fd = (int)MUST(ioth_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	strncpy(ifr.ifr_name, ifname, sizeof(ifr.ifr_name) - 1);
	MUST(ioth_ioctl(fd, question, &ifr));
	MUST(ioth_close(fd));
	return ifr;
}

/* ------------------------------------------------------------------ options */

CASE(options_of_vdestack_are_words_of_its_first_network)
{
	struct ioth *stack = make("vdestack,eth mtu=1400", "inproc://a");

	CHECK((ask(stack, "vde0", SIOCGIFFLAGS).ifr_flags & IFF_UP) != 0);
	CHECK_EQ(ask(stack, "vde0", SIOCGIFMTU).ifr_mtu, 1400);
	MUST(ioth_delstack(stack));
	stack = make("vdestack,mtu=1300", "lan:inproc://a");
	CHECK((ask(stack, "lan", SIOCGIFFLAGS).ifr_flags & IFF_UP) == 0);
	CHECK_EQ(ask(stack, "lan", SIOCGIFMTU).ifr_mtu, 1300);
	MUST(ioth_delstack(stack));
	CHECK(ioth_newstack("vdestack,eth", "") == NULL && errno == EINVAL); /* of no network */
	stack = make("vdestack", "");
	CHECK_ERRNO(ioth_if_nametoindex(stack, "vde0"), ENODEV);
	MUST(ioth_delstack(stack));
	stack = make("vdestack", "lan:"); /* neither */
	CHECK_ERRNO(ioth_if_nametoindex(stack, "lan"), ENODEV);
	MUST(ioth_delstack(stack));
	stack = make("vdestack", "none");
	CHECK_ERRNO(ioth_if_nametoindex(stack, "vde0"), ENODEV);
	MUST(ioth_delstack(stack));
	stack = make("vdestack", "=cat"); /* a command that speaks VDE on its standard input and output */
	CHECK_EQ(MUST(ioth_if_nametoindex(stack, "vde0")) > 0, 1);
	MUST(ioth_delstack(stack));
}

static bool is_up(struct ioth *stack, const char *ifname)
{
	return (ask(stack, ifname, SIOCGIFFLAGS).ifr_flags & IFF_UP) != 0;
}

/* Whether the stack has a route to the address. */
static bool reaches(struct ioth *stack, const char *addr)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_port = htons(7) };
	int fd = (int)MUST(ioth_msocket(stack, AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	CHECK_EQ(inet_pton(AF_INET6, addr, &at.sin6_addr), 1);
	bool result = ioth_connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
	MUST(ioth_close(fd));
	return result;
}

CASE(what_the_options_configure_is_there)
{
	const char *vnlv[] = { "inproc://a", "inproc://b", NULL };
	struct ioth *stack = ioth_newstackv("vdestack,ip=fc00::1/64,gw=fc00::fe,nodad", vnlv);

	CHECK(stack != NULL);
	CHECK(is_up(stack, "vde0") && !is_up(stack, "vde1"));
	CHECK(reaches(stack, "fc00::2") && reaches(stack, "fd00::1"));
	MUST(ioth_delstack(stack));
	stack = make("vdestack,rd", "inproc://a"); /* a source needs the interface */
	CHECK(is_up(stack, "vde0"));
	MUST(ioth_delstack(stack));
	stack = make("vdestack,dns=10.0.0.53,loss=1%,fqdn=a.example", "inproc://a");
	CHECK(!is_up(stack, "vde0"));
	MUST(ioth_delstack(stack));
	errno = 0;
	CHECK(ioth_newstack("vdestack,ip=10.0.0.1/99", "inproc://a") == NULL && errno == EINVAL);
	CHECK_CONTAINS(ioth_last_error(), "ip=10.0.0.1/99");
}

/* Frames that have come from the network since the last call. */
static unsigned long long frames(struct ioth *stack)
{
	struct ifaddrs *list;
	unsigned long long n = 0;

	MUST(ioth_getifaddrs(stack, &list));
	for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next)
		if (strcmp(i->ifa_name, "vde0") == 0 && i->ifa_addr->sa_family == AF_PACKET)
			n = ((const struct rtnl_link_stats *)i->ifa_data)->rx_packets;
	ioth_freeifaddrs(list);
	return n;
}

static bool got_frame(void *stack)
{
	return frames(stack) > 0;
}

/* A link that is up sends router solicitations and reports of multicast at once. */
CASE(an_interface_that_is_to_be_down_is_never_up)
{
	struct ioth *peer = make("vdestack,eth", "inproc://a"), *quiet[8];

	for (size_t i = 0; i < 8; i++)
		quiet[i] = make("vdestack", "inproc://a");
	CHECK_EQ(frames(peer), 0);
	MUST(ioth_linksetupdown(quiet[0], (unsigned)MUST(ioth_if_nametoindex(quiet[0], "vde0")), 1));
	CHECK(wait_until(got_frame, peer, 10000));
	for (size_t i = 0; i < 8; i++)
		MUST(ioth_delstack(quiet[i]));
	MUST(ioth_delstack(peer));
}

/* ------------------------------------------------------------------ members for libiothconf */

CASE(vdestack_is_configured_by_words)
{
	struct ioth *stack = make("vdestack", "inproc://a");
	char text[256] = "";
	void *data;
	const struct ioth_functions *f = ioth_functions_of(stack, &data);

	CHECK_EQ(f->configure(data, "iface=vde0 ip=10.0.0.1/24 dns=10.0.0.53", 0, 10000), 0);
	struct ifreq ifr = ask(stack, "vde0", SIOCGIFADDR);
	CHECK_EQ(((struct sockaddr_in *)(void *)&ifr.ifr_addr)->sin_addr.s_addr, htonl(0x0a000001));
	CHECK_EQ(f->sources(data, NULL, NULL, 0), 0);
	MUST(f->resolvconf(data, NULL, text, sizeof(text)));
	CHECK_CONTAINS(text, "nameserver 10.0.0.53");
	CHECK_ERRNO(f->configure(data, "nonsense", 0, 10000), EINVAL);
	CHECK_CONTAINS(ioth_last_error(), "nonsense");
	CHECK_ERRNO(f->sources(data, "absent", NULL, 0), ENODEV);
	MUST(ioth_delstack(stack));
	CHECK(ioth_functions_of(stack, &data) == NULL && errno == EINVAL);
}

CASE_USER(kernel_is_not_configured_without_rights_and_says_what_is_needed)
{
	static const char *const kinds[] = { NULL, "kernel" };

	for (size_t i = 0; i < 2; i++) {
		struct ioth *stack = ioth_newstack(kinds[i], NULL);
		char text[64] = "x";
		void *data;
		CHECK(stack != NULL);
		const struct ioth_functions *f = ioth_functions_of(stack, &data);
		CHECK_ERRNO(f->configure(data, "iface=lo ip=127.0.0.9/8", 0, 5000), EPERM);
		CHECK_CONTAINS(ioth_last_error(), "CAP_NET_ADMIN");
		CHECK_EQ(f->sources(data, NULL, NULL, 0), 0);
		CHECK_EQ(f->resolvconf(data, NULL, text, sizeof(text)), 0);
		CHECK_STR(text, "");
		CHECK_ERRNO(f->resolvconf(data, NULL, text, 0), ERANGE);
		MUST(ioth_delstack(stack));
	}
}

CASE_ROOT(kernel_is_configured_with_rights)
{
	static const char *const kinds[] = { NULL, "kernel" };

	MUST(unshare(CLONE_NEWNET));
	MUST(ioth_iplink_add(NULL, "br0", 0, "bridge", NULL, 0));
	for (size_t i = 0; i < 2; i++) {
		struct ioth *stack = ioth_newstack(kinds[i], NULL);
		char text[256] = "";
		void *data;
		CHECK(stack != NULL);
		const struct ioth_functions *f = ioth_functions_of(stack, &data);
		MUST(f->configure(data, "iface=br0 eth ip=10.0.0.1/8 dns=10.0.0.53", VDESTACK_NO_WAIT, 5000));
		struct ifreq ifr = ask(stack, "br0", SIOCGIFADDR);
		CHECK_EQ(((struct sockaddr_in *)(void *)&ifr.ifr_addr)->sin_addr.s_addr, htonl(0x0a000001));
		CHECK_EQ(f->sources(data, NULL, NULL, 0), 0);
		MUST(f->resolvconf(data, NULL, text, sizeof(text)));
		CHECK_CONTAINS(text, "nameserver 10.0.0.53");
		int events = (int)MUST(f->events(data));
		CHECK((fcntl(events, F_GETFD) & FD_CLOEXEC) != 0);
		MUST(close(events));
		CHECK_ERRNO(f->configure(data, "nonsense", 0, 5000), EINVAL);
		CHECK_CONTAINS(ioth_last_error(), "nonsense");
		MUST(ioth_delstack(stack));
	}
}

/* ------------------------------------------------------------------ the end */

#define BYTES 300000

static void set_up(struct ioth *stack, unsigned char last)
{
	const unsigned char addr[4] = { 10, 0, 0, last };
	int ifindex = (int)MUST(ioth_if_nametoindex(stack, "vde0"));

	MUST(ioth_linksetupdown(stack, (unsigned)ifindex, 1));
	MUST(ioth_ipaddr_add(stack, AF_INET, addr, 24, ifindex));
}

/* All bytes of the first connection, slowly: the window of the receiver is small. */
static void *count_bytes(void *arg)
{
	const struct timeval limit = { .tv_sec = 20 };
	char buf[4096];
	long total = 0;
	int fd = (int)MUST(ioth_accept(*(int *)arg, NULL, NULL));

	MUST(ioth_setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
	for (ssize_t n; (n = MUST(ioth_read(fd, buf, sizeof(buf)))) > 0; total += n)
		continue;
	MUST(ioth_close(fd));
	return (void *)total;
}

CASE(what_was_sent_before_the_end_of_a_stack_arrives)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(7),
				  .sin_addr.s_addr = htonl(0x0a000001) };
	struct ioth *server = make("vdestack", "inproc://lan"), *client = make("vdestack", "inproc://lan");
	char *bytes = calloc(1, BYTES);
	int small = 4096;
	pthread_t thread;
	void *total;

	set_up(server, 1);
	set_up(client, 2);
	int listener = (int)MUST(ioth_msocket(server, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	MUST(ioth_setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)));
	MUST(ioth_bind(listener, (struct sockaddr *)&at, sizeof(at)));
	MUST(ioth_listen(listener, 1));
	CHECK_EQ(pthread_create(&thread, NULL, count_bytes, &listener), 0);
	int fd = (int)MUST(ioth_msocket(client, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	MUST(ioth_connect(fd, (struct sockaddr *)&at, sizeof(at)));
	CHECK_EQ(ioth_write(fd, bytes, BYTES), BYTES);
	MUST(ioth_close(fd));
	MUST(ioth_delstack(client));
	CHECK_EQ(pthread_join(thread, &total), 0);
	CHECK_EQ((long)total, BYTES);
	MUST(ioth_close(listener));
	MUST(ioth_delstack(server));
	free(bytes);
}

CASE(a_peer_that_is_gone_delays_the_end_of_a_stack_by_a_second_or_so)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(7),
				  .sin_addr.s_addr = htonl(0x0a000001) };
	struct ioth *server = make("vdestack", "inproc://lan"), *client = make("vdestack", "inproc://lan");

	set_up(server, 1);
	set_up(client, 2);
	int listener = (int)MUST(ioth_msocket(server, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	MUST(ioth_bind(listener, (struct sockaddr *)&at, sizeof(at)));
	MUST(ioth_listen(listener, 1));
	int fd = (int)MUST(ioth_msocket(client, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	MUST(ioth_connect(fd, (struct sockaddr *)&at, sizeof(at)));
	MUST(ioth_linksetupdown(server, (unsigned)MUST(ioth_if_nametoindex(server, "vde0")), 0));
	CHECK_EQ(ioth_write(fd, "abc", 3), 3);
	MUST(ioth_close(fd));
	long long start = now_us();
	MUST(ioth_delstack(client));
	CHECK(now_us() - start >= 900000); /* and it ends */
	MUST(ioth_close(listener));
	MUST(ioth_delstack(server));
}
