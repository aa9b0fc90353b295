/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Every call in every kind of stack. kinds[] is the list; a case runs its body for each of them, on the
 * loopback interface of a stack without networks.
 */

#include <fcntl.h>
#include <ioth.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "case.h"

static const char *const kinds[] = {
	NULL,    "kernel", "kernel_n", "vdestack", "vdestack_n",
#ifdef HAS_PICOX
	"picox",
#endif
};

static struct ioth *make(const char *kind)
{
	struct ioth *stack = ioth_newstack(kind, NULL);

	if (stack == NULL)
		FAIL("%s: %s", kind != NULL ? kind : "the network of the process", ioth_last_error());
	return stack;
}

#define FOR_EACH_KIND(stack)                                                                                 \
	for (size_t kind_ = 0; kind_ < sizeof(kinds) / sizeof(kinds[0]); kind_++)                            \
		for (struct ioth *stack = make(kinds[kind_]); stack != NULL;                                 \
		     MUST(ioth_delstack(stack)), stack = NULL)

static struct sockaddr_in loopback(void)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* A listening socket at a port that the kernel has chosen; the address is *at. */
static int listen_at(struct ioth *stack, struct sockaddr_in *at)
{
	socklen_t len = sizeof(*at);
	int fd = (int)MUST(ioth_msocket(stack, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

	*at = loopback();
	MUST(ioth_bind(fd, (struct sockaddr *)at, sizeof(*at)));
	MUST(ioth_listen(fd, 5));
	MUST(ioth_getsockname(fd, (struct sockaddr *)at, &len));
	return fd;
}

static void connect_pair(struct ioth *stack, int pair[2], int flags)
{
	struct sockaddr_in at;
	int listener = listen_at(stack, &at);

	pair[0] = (int)MUST(ioth_msocket(stack, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	MUST(ioth_connect(pair[0], (struct sockaddr *)&at, sizeof(at)));
	pair[1] = (int)MUST(flags != 0 ? ioth_accept4(listener, NULL, NULL, flags)
				       : ioth_accept(listener, NULL, NULL));
	MUST(ioth_close(listener));
}

static void close_pair(const int pair[2])
{
	MUST(ioth_close(pair[0]));
	MUST(ioth_close(pair[1]));
}

/* The call has read these three bytes into buf, whose contents go for the next one. */
#define RECEIVES(call, bytes)                                                                                \
	do {                                                                                                 \
		CHECK_EQ(call, 3);                                                                           \
		CHECK_STR(buf, bytes);                                                                       \
		memset(buf, 0, sizeof(buf));                                                                 \
	} while (0)

CASE(every_kind_moves_bytes_by_every_call)
{
	FOR_EACH_KIND(stack)
	{
		char buf[64] = "";
		int pair[2];
		struct iovec iov = { buf, sizeof(buf) }, out = { (void *)"abc", 3 };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 },
			      outmsg = { .msg_iov = &out, .msg_iovlen = 1 };
		struct mmsghdr many = { .msg_hdr = msg }, outmany = { .msg_hdr = outmsg };

		connect_pair(stack, pair, 0);
		CHECK_EQ(ioth_write(pair[0], "abc", 3), 3);
		RECEIVES(ioth_read(pair[1], buf, sizeof(buf)), "abc");
		out.iov_base = (void *)"def";
		CHECK_EQ(ioth_writev(pair[0], &out, 1), 3);
		RECEIVES(ioth_readv(pair[1], &iov, 1), "def");
		CHECK_EQ(ioth_send(pair[0], "ghi", 3, 0), 3);
		RECEIVES(ioth_recv(pair[1], buf, sizeof(buf), 0), "ghi");
		CHECK_EQ(ioth_sendto(pair[0], "jkl", 3, 0, NULL, 0), 3);
		RECEIVES(ioth_recvfrom(pair[1], buf, sizeof(buf), 0, NULL, NULL), "jkl");
		out.iov_base = (void *)"mno";
		CHECK_EQ(ioth_sendmsg(pair[0], &outmsg, 0), 3);
		RECEIVES(ioth_recvmsg(pair[1], &msg, 0), "mno");
		out.iov_base = (void *)"pqr";
		CHECK_EQ(ioth_sendmmsg(pair[0], &outmany, 1, 0), 1);
		CHECK_EQ(outmany.msg_len, 3);
		CHECK_EQ(ioth_recvmmsg(pair[1], &many, 1, 0, NULL), 1);
		RECEIVES(many.msg_len, "pqr");
		MUST(ioth_shutdown(pair[0], SHUT_WR));
		CHECK_EQ(ioth_read(pair[1], buf, sizeof(buf)), 0);
		close_pair(pair);
	}
}

CASE(every_kind_has_the_calls_about_a_socket)
{
	FOR_EACH_KIND(stack)
	{
		int pair[2], value = 1, waiting = -1;
		struct sockaddr_in at = { 0 };
		socklen_t len = sizeof(at), value_len = sizeof(value);

		connect_pair(stack, pair, SOCK_CLOEXEC | SOCK_NONBLOCK);
		MUST(ioth_getpeername(pair[0], (struct sockaddr *)&at, &len));
		CHECK_EQ(ntohl(at.sin_addr.s_addr), INADDR_LOOPBACK);
		MUST(ioth_setsockopt(pair[0], SOL_SOCKET, SO_KEEPALIVE, &value, sizeof(value)));
		value = 0;
		MUST(ioth_getsockopt(pair[0], SOL_SOCKET, SO_KEEPALIVE, &value, &value_len));
		CHECK_EQ(value, 1);
		CHECK_EQ(MUST(ioth_fcntl(pair[1], F_GETFD, 0)), FD_CLOEXEC);
		CHECK((MUST(ioth_fcntl(pair[1], F_GETFL, 0)) & O_NONBLOCK) != 0);
		CHECK_ERRNO(ioth_recv(pair[1], &value, sizeof(value), 0), EAGAIN);
		CHECK_EQ(ioth_write(pair[0], "abc", 3), 3);
		struct pollfd pfd = { .fd = pair[1], .events = POLLIN };
		CHECK_EQ(ioth_ppoll(&pfd, 1, &(struct timespec){ .tv_sec = 10 }, NULL), 1);
		MUST(ioth_ioctl(pair[1], FIONREAD, &waiting));
		CHECK_EQ(waiting, 3);
		close_pair(pair);
	}
}

CASE(sockets_of_the_default_stack_are_made_there)
{
	FOR_EACH_KIND(stack)
	{
		ioth_set_defstack(stack);
		CHECK(ioth_get_defstack() == stack);
		int fd = (int)MUST(ioth_socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
		CHECK_ERRNO(ioth_delstack(stack), EBUSY);
		MUST(ioth_close(fd));
	}
	CHECK(ioth_get_defstack() == NULL); /* it went with the last stack */
	int fd = (int)MUST(ioth_socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	MUST(ioth_close(fd));
}

CASE(a_stack_is_busy_exactly_while_its_descriptors_are_open)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct ioth *stack = make(kinds[i]);
		int fd = (int)MUST(ioth_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
		int copy = (int)MUST(ioth_fcntl(fd, F_DUPFD_CLOEXEC, 100));

		CHECK(copy >= 100);
		CHECK_ERRNO(ioth_delstack(stack), EBUSY);
		MUST(ioth_close(fd));
		CHECK_ERRNO(ioth_delstack(stack), EBUSY);
		CHECK_CONTAINS(ioth_last_error(), "descriptor");
		MUST(close(copy));                    /* not ioth_close() */
		int other = (int)MUST(dup2(0, copy)); /* and the number is another file now */
		MUST(ioth_delstack(stack));
		CHECK_ERRNO(ioth_delstack(stack), EINVAL);
		CHECK_ERRNO(ioth_msocket(stack, AF_INET, SOCK_DGRAM, 0), EINVAL);
		CHECK_ERRNO(ioth_read(other, &fd, sizeof(fd)), EBADF);
		MUST(close(other));
	}
}

CASE(a_number_that_was_closed_by_close_is_not_closed_again)
{
	FOR_EACH_KIND(stack)
	{
		char byte;
		int fd = (int)MUST(ioth_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

		MUST(close(fd));
		CHECK_ERRNO(ioth_close(fd), EBADF);
		fd = (int)MUST(ioth_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
		MUST(close(fd));
		CHECK_EQ(MUST(dup2(0, fd)), fd); /* a file of another part of the program */
		CHECK_ERRNO(ioth_close(fd), EBADF);
		MUST(fcntl(fd, F_GETFD));
		CHECK_ERRNO(ioth_read(fd, &byte, 1), EBADF); /* it is forgotten */
		MUST(close(fd));
	}
}

CASE(copies_by_dup_are_not_of_the_stack)
{
	FOR_EACH_KIND(stack)
	{
		char byte;
		int fd = (int)MUST(ioth_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
		int copy = (int)MUST(dup(fd));

		CHECK_ERRNO(ioth_read(copy, &byte, 1), EBADF);
		CHECK_ERRNO(ioth_close(copy), EBADF);
		MUST(ioth_close(fd));
		MUST(ioth_delstack(stack)); /* the copy does not count */
		MUST(close(copy));
		stack = make(kinds[kind_]);
	}
}

CASE(the_message_is_that_of_the_last_failure)
{
	struct ioth *stack = make("kernel");

	CHECK_STR(ioth_last_error(), "");
	CHECK(ioth_newstack("a/b", NULL) == NULL);
	CHECK_CONTAINS(ioth_last_error(), "a/b");
	MUST(ioth_delstack(stack));
	stack = make("kernel"); /* what succeeds leaves the message as it is */
	int fd = (int)MUST(ioth_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	CHECK_ERRNO(ioth_bind(fd, NULL, 0), EINVAL); /* and so do calls on sockets */
	CHECK_CONTAINS(ioth_last_error(), "a/b");
	CHECK_ERRNO(ioth_delstack(stack), EBUSY);
	CHECK_CONTAINS(ioth_last_error(), "descriptor");
	MUST(ioth_close(fd));
	MUST(ioth_delstack(stack));
}

CASE(descriptors_of_others_are_refused)
{
	char byte = 0;
	int fd = (int)MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	CHECK_ERRNO(ioth_close(fd), EBADF);
	CHECK_ERRNO(ioth_read(fd, &byte, 1), EBADF);
	CHECK_ERRNO(ioth_fcntl(fd, F_DUPFD, 0), EBADF);
	CHECK_ERRNO(ioth_close(-1), EBADF);
	CHECK_ERRNO(ioth_close(0x7fffffff), EBADF);
	CHECK_ERRNO(ioth_accept(fd, NULL, NULL), EBADF);
	CHECK_ERRNO(ioth_delstack(NULL), EINVAL);
	MUST(close(fd));
}

CASE(fifty_stacks_in_turn_have_the_same_address_and_nothing_of_each_other)
{
	int fds = 0;
	struct ioth *first = NULL;

	for (int i = 0; i < 50; i++) {
#ifdef HAS_PICOX
		struct ioth *stack = make(i % 16 == 4 ? "picox" : i % 2 == 0 ? "vdestack" : "kernel");
#else
		struct ioth *stack = make(i % 2 == 0 ? "vdestack" : "kernel");
#endif
		if (first == NULL)
			first = stack;
		CHECK(stack == first);
		int fd = (int)MUST(ioth_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
		struct stat st;
		MUST(fstat(fd, &st));
		MUST(ioth_close(fd));
		MUST(ioth_delstack(stack));
		if (i == 1)
			fds = count_fds();
	}
	CHECK_EQ(count_fds(), fds);
}

CASE(stacks_with_networks_have_named_links_that_are_down)
{
	struct ioth *stack =
		ioth_newstackl("vdestack", "inproc://a", "lan:inproc://b", "inproc://c", (char *)NULL);
	struct ifaddrs *list, *ifa;
	char seen[200] = "";

	CHECK(stack != NULL);
	MUST(ioth_getifaddrs(stack, &list));
	for (ifa = list; ifa != NULL; ifa = ifa->ifa_next)
		if (ifa->ifa_addr->sa_family == AF_PACKET)
			(void)snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%s=%d ",
				       ifa->ifa_name, (ifa->ifa_flags & 1) != 0);
	CHECK_STR(seen, "lo=1 vde0=0 lan=0 vde2=0 ");
	MUST(ioth_delstack(stack));
	ioth_freeifaddrs(list); /* after the end of the stack */
	ioth_freeifaddrs(NULL);
	CHECK(ioth_newstack("vdestack", "inproc://a/b") == NULL);
	CHECK(ioth_last_error()[0] != '\0');
	CHECK(ioth_newstack("vdestack,nonsense", "inproc://a") == NULL);
	CHECK_EQ(errno, EINVAL);
	CHECK_CONTAINS(ioth_last_error(), "nonsense");
}

CASE(links_addresses_and_routes_are_set_by_netlink)
{
	struct ioth *stack = ioth_newstack("vdestack", "inproc://a");
	const unsigned char addr[4] = { 10, 0, 0, 1 }, gw[4] = { 10, 0, 0, 254 };
	const struct in6_addr addr6 = { .s6_addr = { 0xfc, [15] = 1 } };
	unsigned char mac[6], wanted[6] = { 2, 0, 0, 0, 0, 7 };
	struct ifaddrs *list;
	char text[MAC_ADDRSTRLEN];
	int found = 0;

	CHECK(stack != NULL);
	int ifindex = (int)MUST(ioth_if_nametoindex(stack, "vde0"));
	CHECK_ERRNO(ioth_if_nametoindex(stack, "absent"), ENODEV);
	MUST(ioth_linksetaddr(stack, (unsigned)ifindex, wanted));
	MUST(ioth_linkgetaddr(stack, (unsigned)ifindex, mac));
	CHECK_STR(ioth_ntomac(mac, text, sizeof(text)), "02:00:00:00:00:07");
	CHECK_ERRNO(ioth_iproute_add(stack, AF_INET, NULL, 0, gw, 0), ENETUNREACH);
	MUST(ioth_linksetmtu(stack, (unsigned)ifindex, 1400));
	MUST(ioth_linksetupdown(stack, (unsigned)ifindex, 1));
	MUST(ioth_ipaddr_add(stack, AF_INET, addr, 24, ifindex));
	CHECK_ERRNO(ioth_ipaddr_add(stack, AF_INET, addr, 24, ifindex), EEXIST);
	CHECK_ERRNO(ioth_ipaddr_add(stack, AF_INET, addr, 33, ifindex), EINVAL);
	MUST(ioth_ipaddr_add(stack, AF_INET6, &addr6, 60, ifindex));
	MUST(ioth_iproute_add(stack, AF_INET, NULL, 0, gw, ifindex));
	MUST(ioth_iproute_del(stack, AF_INET, NULL, 0, gw, ifindex));
	CHECK_ERRNO(ioth_iproute_del(stack, AF_INET, NULL, 0, gw, ifindex), ESRCH);
	MUST(ioth_getifaddrs(stack, &list));
	for (struct ifaddrs *ifa = list; ifa != NULL; ifa = ifa->ifa_next) {
		const struct sockaddr_in6 *in6 = (void *)ifa->ifa_addr, *mask = (void *)ifa->ifa_netmask;
		if (in6->sin6_family == AF_INET6 && memcmp(&in6->sin6_addr, &addr6, 16) == 0) {
			CHECK_EQ(mask->sin6_addr.s6_addr[7], 0xf0); /* of /60 */
			CHECK_EQ(mask->sin6_addr.s6_addr[8], 0);
			found++;
		}
	}
	CHECK_EQ(found, 1);
	ioth_freeifaddrs(list);
	MUST(ioth_ipaddr_del(stack, AF_INET, addr, 24, ifindex));
	CHECK_ERRNO(ioth_ipaddr_del(stack, AF_INET, addr, 24, ifindex), EADDRNOTAVAIL);
	MUST(ioth_delstack(stack));
}

CASE(hardware_addresses_are_read_and_written)
{
	static const char *const bad[] = {
		"", "1:2:3:4:5", "1:2:3:4:5:6:7", "1:2:3:4:5:zz", "1:2-3:4:5:6", "123456"
	};
	unsigned char mac[6] = { 9, 9, 9, 9, 9, 9 };
	char text[MAC_ADDRSTRLEN];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_EQ(ioth_macton(bad[i], mac), 0);
		CHECK_EQ(mac[0], 9);
	}
	CHECK_EQ(ioth_macton("80-0-1-a-B-ff", mac), 1);
	CHECK_STR(ioth_ntomac(mac, text, sizeof(text)), "80:00:01:0a:0b:ff");
	CHECK(ioth_ntomac(mac, text, 17) == NULL);
}
