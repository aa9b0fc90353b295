/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Every answer of the kernel is either refused or results in lists that meet the rules of conf.h. Answers
 * come only from the kernel, so this tests against its changes and bugs.
 *
 * The first byte chooses the call, the rest are messages: a byte of flags, two of length, the datagram. libnl
 * receives them instead of data from the socket, and nothing is sent to the socket. After the last one the
 * deadline has passed.
 */

#include <errno.h>
#include <fuzz.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netlink/errno.h>
#include <netlink/handlers.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <vdestack.h>
#include <vdestack/conf.h>

/* The linker sends calls of these here (ld --wrap). */
int __wrap_vdestack_msocket(struct vdestack *stack, int domain, int type, int protocol);
struct nl_sock *__wrap_nl_socket_alloc_cb(struct nl_cb *cb);
struct nl_sock *__real_nl_socket_alloc_cb(struct nl_cb *cb);
ssize_t __wrap_send(int fd, const void *data, size_t size, int flags);
int __wrap_poll(struct pollfd *p, nfds_t n, int timeout_ms);

enum {
	OURS = 1,     /* its messages get sequence number and port id of the current request */
	STRANGER = 2, /* not from the kernel */
	LOST = 4,     /* before it some were lost */
};

static struct {
	const uint8_t *at, *end;
	struct nlmsghdr request;
} played;

int __wrap_vdestack_msocket(struct vdestack *stack, int domain, int type, int protocol)
{
	(void)stack;
	return socket(domain, type, protocol);
}

ssize_t __wrap_send(int fd, const void *data, size_t size, int flags)
{
	(void)fd;
	(void)flags;
	CHECK(size >= sizeof(played.request));
	memcpy(&played.request, data, sizeof(played.request));
	CHECK(played.request.nlmsg_len == size);
	return (ssize_t)size;
}

int __wrap_poll(struct pollfd *p, nfds_t n, int timeout_ms)
{
	(void)timeout_ms;
	CHECK(n == 1);
	p->revents = played.at < played.end ? POLLIN : 0;
	return played.at < played.end;
}

static void make_ours(uint8_t *data, size_t size)
{
	struct nlmsghdr hdr;

	for (size_t at = 0; at + sizeof(hdr) <= size; at += NLMSG_ALIGN(hdr.nlmsg_len)) {
		memcpy(&hdr, data + at, sizeof(hdr));
		hdr.nlmsg_seq = played.request.nlmsg_seq;
		hdr.nlmsg_pid = played.request.nlmsg_pid;
		memcpy(data + at, &hdr, sizeof(hdr));
		if (hdr.nlmsg_len < sizeof(hdr) || hdr.nlmsg_len > size - at)
			break;
	}
}

/* In a buffer of its exact size, so a read beyond it is detected. */
static int receive(struct nl_sock *sock, struct sockaddr_nl *from, unsigned char **data, struct ucred **creds)
{
	(void)sock;
	*creds = NULL;
	if (played.end - played.at < 3)
		played.at = played.end;
	if (played.at == played.end)
		return -NLE_AGAIN;
	unsigned flags = played.at[0];
	size_t size = (size_t)(played.at[1] << 8 | played.at[2]);
	played.at += 3;
	if (flags & LOST)
		return -NLE_NOMEM;
	if (size > (size_t)(played.end - played.at))
		size = (size_t)(played.end - played.at);
	if (size == 0)
		return 0; /* end of file */
	*data = malloc(size);
	CHECK(*data != NULL);
	memcpy(*data, played.at, size);
	played.at += size;
	*from = (struct sockaddr_nl){ .nl_family = AF_NETLINK, .nl_pid = flags & STRANGER ? 77 : 0 };
	if (flags & OURS)
		make_ours(*data, size);
	return (int)size;
}

struct nl_sock *__wrap_nl_socket_alloc_cb(struct nl_cb *cb)
{
	nl_cb_overwrite_recv(cb, receive);
	return __real_nl_socket_alloc_cb(cb);
}

/* ------------------------------------------------------------------ the calls */

static struct vdestack *stack = (struct vdestack *)(uintptr_t)8; /* never dereferenced */

static void check_result(int r)
{
	if (r >= 0)
		return;
	CHECK(errno > 0);
	CHECK(strlen(vdestack_last_error()) > 0);
}

static void list_interfaces(void)
{
	struct ifaddrs *list = NULL;
	int r = vdestack_getifaddrs(stack, &list);

	check_result(r);
	for (struct ifaddrs *i = r == 0 ? list : NULL; i != NULL; i = i->ifa_next) {
		CHECK(strlen(i->ifa_name) < IF_NAMESIZE);
		if (i->ifa_addr != NULL &&
		    i->ifa_addr->sa_family == AF_PACKET) /* longer ones than the struct says exist */
			CHECK(((struct sockaddr_ll *)(void *)i->ifa_addr)->sll_halen <=
			      sizeof(struct sockaddr_storage));
		else
			CHECK(i->ifa_addr == NULL || i->ifa_addr->sa_family == AF_INET ||
			      i->ifa_addr->sa_family == AF_INET6);
	}
	if (r == 0)
		vdestack_freeifaddrs(list);
}

/* Text that ends, and what belongs to it. */
static void check_address(int family, unsigned prefixlen, const char text[INET6_ADDRSTRLEN])
{
	CHECK(memchr(text, '\0', INET6_ADDRSTRLEN) != NULL);
	CHECK(family == AF_INET || family == AF_INET6);
	CHECK(prefixlen <= (family == AF_INET ? 32u : 128u));
}

static void list_addresses(void)
{
	struct vdestack_addr list[4];
	int n = vdestack_addr_list(stack, NULL, list, 4, sizeof(struct vdestack_addr));

	check_result(n);
	for (int i = 0; i < n && i < 4; i++)
		check_address(list[i].family, list[i].prefix_len, list[i].addr);
}

static void list_routes(void)
{
	struct vdestack_route list[4];
	int n = vdestack_route_list(stack, NULL, list, 4, sizeof(struct vdestack_route));

	check_result(n);
	for (int i = 0; i < n && i < 4; i++) {
		check_address(list[i].family, list[i].prefix_len, list[i].dst);
		check_address(AF_INET6, 0, list[i].gw); /* which may be of the other family */
	}
}

static void list_neighbours(void)
{
	struct vdestack_neigh list[4];
	int n = vdestack_neigh_list(stack, NULL, list, 4, sizeof(struct vdestack_neigh));

	check_result(n);
	for (int i = 0; i < n && i < 4; i++)
		check_address(list[i].family, 0, list[i].addr);
}

static void look_at_link(void)
{
	unsigned char mac[6];
	char name[IF_NAMESIZE];
	const uint8_t *from = played.at;

	check_result(vdestack_if_nametoindex(stack, "vde0"));
	played.at = from;
	int r = vdestack_if_indextoname(stack, 2, name);
	check_result(r);
	CHECK(r < 0 || memchr(name, '\0', sizeof(name)) != NULL);
	played.at = from;
	check_result(vdestack_link_get_mac(stack, "vde0", mac));
}

static void change(void)
{
	check_result(vdestack_addr_add(stack, "vde0", "10.0.0.1", 24));
}

static void wait_until_ready(void)
{
	check_result(vdestack_wait_ready(stack, 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const calls[])(void) = { list_interfaces, list_addresses, list_routes,
					       list_neighbours, look_at_link,   change,
					       wait_until_ready };

	if (size == 0)
		return 0;
	played.at = data + 1;
	played.end = data + size;
	calls[data[0] % (sizeof(calls) / sizeof(calls[0]))]();
	return 0;
}
