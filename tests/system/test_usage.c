/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What vdestack(7) says about sockets of stacks in a program: IPv6 zones, multicast groups, io_uring, and
 * sockets that are still open when their stack is deleted.
 */

#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "stacks.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

static uint64_t namespace_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	MUST(getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len));
	return cookie;
}

static int udp4(struct vdestack *s)
{
	return (int)MUST(vdestack_msocket(s, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static void limit_waiting(int fd)
{
	struct timeval limit = { .tv_sec = SOON_MS / 1000 };

	MUST(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
}

/* ------------------------------------------------------------------ IPv6 zones */

CASE(a_zone_is_the_index_of_the_interface_in_the_stack)
{
	/* a has one interface more, so the indexes differ. */
	struct vdestack *a = new_stack("iface=vsx0 vnl=inproc://other "
				       "iface=vsx1 vnl=inproc://lan ip=fe80::1/64");
	struct vdestack *b = new_stack("iface=vsx1 vnl=inproc://lan ip=fe80::2/64");
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_port = htons(7) }, to;
	int rx = (int)MUST(vdestack_msocket(b, AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	int tx = (int)MUST(vdestack_msocket(a, AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	char got[8];

	limit_waiting(rx);
	CHECK_EQ(inet_pton(AF_INET6, "fe80::2", &at.sin6_addr), 1);
	to = at;
	CHECK_ERRNO(bind(rx, (struct sockaddr *)&at, sizeof(at)), EINVAL);
	at.sin6_scope_id = (uint32_t)MUST(vdestack_if_nametoindex(b, "vsx1"));
	MUST(bind(rx, (struct sockaddr *)&at, sizeof(at)));

	CHECK_ERRNO(connect(tx, (struct sockaddr *)&to, sizeof(to)), EINVAL);
	to.sin6_scope_id = (uint32_t)MUST(vdestack_if_nametoindex(a, "vsx1"));
	CHECK(to.sin6_scope_id != at.sin6_scope_id);
	MUST(sendto(tx, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to)));
	CHECK_EQ(recv(rx, got, sizeof(got), 0), 5);
}

CASE(the_name_in_a_zone_is_that_of_a_host_interface_and_a_number_is_taken_as_it_is)
{
	struct addrinfo hints = { .ai_family = AF_INET6, .ai_flags = AI_NUMERICHOST };
	struct addrinfo *found = NULL;
	struct vdestack *s = new_stack("iface=vsx0 vnl=inproc://lan");

	MUST(vdestack_set_default(s));
	CHECK_EQ(if_nametoindex("vsx0"), 0);
	CHECK(getaddrinfo("fe80::1%vsx0", "7", &hints, &found) != 0);
	CHECK_EQ(getaddrinfo("fe80::1%77", "7", &hints, &found), 0);
	CHECK_EQ(((struct sockaddr_in6 *)(void *)found->ai_addr)->sin6_scope_id, 77);
	freeaddrinfo(found);
}

/* ------------------------------------------------------------------ multicast */

#define GROUP "239.1.2.3"

static int join_anywhere(int fd)
{
	struct ip_mreqn join = { .imr_multiaddr = address(GROUP, 0).sin_addr };

	return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof(join));
}

CASE(a_group_is_joined_on_an_interface_or_where_a_route_leads)
{
	struct pair p = new_pair();
	struct sockaddr_in group = address(GROUP, 7);
	struct ip_mreqn join = { .imr_multiaddr = group.sin_addr };
	struct ip_mreqn from = { .imr_ifindex = (int)MUST(vdestack_if_nametoindex(p.b, "vde0")) };
	int rx = udp4(p.a), tx = udp4(p.b);
	char got[8];

	limit_waiting(rx);
	MUST(bind(rx, (struct sockaddr *)&group, sizeof(group)));
	CHECK_ERRNO(join_anywhere(rx), ENODEV);
	CHECK_ERRNO(sendto(tx, "hello", 5, 0, (struct sockaddr *)&group, sizeof(group)), ENETUNREACH);

	join.imr_ifindex = (int)MUST(vdestack_if_nametoindex(p.a, "vde0"));
	MUST(setsockopt(rx, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof(join)));
	MUST(setsockopt(tx, IPPROTO_IP, IP_MULTICAST_IF, &from, sizeof(from)));
	MUST(sendto(tx, "hello", 5, 0, (struct sockaddr *)&group, sizeof(group)));
	CHECK_EQ(recv(rx, got, sizeof(got), 0), 5);
}

CASE(a_route_to_the_groups_or_a_gateway_is_enough_to_join)
{
	struct pair p = { new_stack("vnl=inproc://lan ip=10.9.0.1/24 route=224.0.0.0/4"),
			  new_stack("vnl=inproc://lan ip=10.9.0.2/24 gw=10.9.0.1") };
	struct sockaddr_in group = address(GROUP, 7);
	int rx = udp4(p.a), tx = udp4(p.b);
	char got[8];

	limit_waiting(rx);
	MUST(bind(rx, (struct sockaddr *)&group, sizeof(group)));
	MUST(join_anywhere(rx));
	MUST(join_anywhere(tx));
	MUST(sendto(tx, "hello", 5, 0, (struct sockaddr *)&group, sizeof(group)));
	CHECK_EQ(recv(rx, got, sizeof(got), 0), 5);
}

CASE(a_group_of_ipv6_is_joined_without_a_route)
{
	struct vdestack *s = new_stack("vnl=inproc://lan ip=fd00::1/64");
	struct ipv6_mreq join = { .ipv6mr_interface = 0 };
	int fd = (int)MUST(vdestack_msocket(s, AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	CHECK_EQ(inet_pton(AF_INET6, "ff02::1234", &join.ipv6mr_multiaddr), 1);
	MUST(setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &join, sizeof(join)));
}

/* ------------------------------------------------------------------ io_uring */

/* A ring of one request; the sizes are those of the kernel's structures. */
struct ring {
	int fd;
	struct io_uring_params params;
	char *sq, *cq;
	struct io_uring_sqe *sqes;
};

static struct ring new_ring(void)
{
	struct ring r = { .fd = -1 };

	r.fd = (int)syscall(SYS_io_uring_setup, 1, &r.params);
	if (r.fd < 0)
		SKIP("no io_uring here: %s", strerror(errno));
	size_t sq_size = r.params.sq_off.array + r.params.sq_entries * sizeof(uint32_t);
	size_t cq_size = r.params.cq_off.cqes + r.params.cq_entries * sizeof(struct io_uring_cqe);
	r.sq = mmap(NULL, sq_size, PROT_READ | PROT_WRITE, MAP_SHARED, r.fd, IORING_OFF_SQ_RING);
	r.cq = mmap(NULL, cq_size, PROT_READ | PROT_WRITE, MAP_SHARED, r.fd, IORING_OFF_CQ_RING);
	r.sqes = mmap(NULL, r.params.sq_entries * sizeof(r.sqes[0]), PROT_READ | PROT_WRITE, MAP_SHARED, r.fd,
		      IORING_OFF_SQES);
	CHECK(r.sq != MAP_FAILED && r.cq != MAP_FAILED && r.sqes != MAP_FAILED);
	return r;
}

/* Submits one request and waits for it. Returns its result, or a negative errno. */
static int ring_do(struct ring *r, struct io_uring_sqe request)
{
	uint32_t *tail = (uint32_t *)(void *)(r->sq + r->params.sq_off.tail);
	uint32_t *array = (uint32_t *)(void *)(r->sq + r->params.sq_off.array);
	uint32_t *head = (uint32_t *)(void *)(r->cq + r->params.cq_off.head);
	struct io_uring_cqe *cqes = (struct io_uring_cqe *)(void *)(r->cq + r->params.cq_off.cqes);

	r->sqes[0] = request;
	array[*tail % r->params.sq_entries] = 0;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	CHECK_EQ(MUST(syscall(SYS_io_uring_enter, r->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0)), 1);
	int result = cqes[*head % r->params.cq_entries].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return result;
}

CASE(io_uring_moves_data_through_sockets_of_a_stack)
{
	struct ring r = new_ring();
	struct pair p = new_pair();
	struct sockaddr_in at = address("10.9.0.1", 7);
	int rx = udp4(p.a), tx = udp4(p.b);
	char got[8];

	MUST(bind(rx, (struct sockaddr *)&at, sizeof(at)));
	MUST(connect(tx, (struct sockaddr *)&at, sizeof(at)));
	struct io_uring_sqe in = { .opcode = IORING_OP_RECV, .fd = rx, .addr = (uintptr_t)got, .len = 8 };
	struct io_uring_sqe out = {
		.opcode = IORING_OP_SEND, .fd = tx, .addr = (uintptr_t) "hello", .len = 5
	};
	CHECK_EQ(ring_do(&r, out), 5);
	CHECK_EQ(ring_do(&r, in), 5);
}

CASE(the_socket_operation_of_io_uring_makes_sockets_in_the_host_network)
{
	struct ring r = new_ring();
	int host = (int)MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	struct vdestack *s = new_stack("vnl=inproc://lan ip=10.9.0.1/24");

	MUST(vdestack_set_default(s));
	int ours = (int)MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	CHECK(namespace_of(ours) != namespace_of(host));
	struct io_uring_sqe make = { .opcode = 45 /* IORING_OP_SOCKET, Linux 5.19 */, .fd = AF_INET,
				     .off = SOCK_DGRAM /* the type */ };
	int made = ring_do(&r, make);
	if (made == -EINVAL)
		SKIP("io_uring of this kernel has no socket operation");
	CHECK(made >= 0);
	CHECK_EQ(namespace_of(made), namespace_of(host));
}

/* ------------------------------------------------------------------ sockets and the end of a stack */

struct connection {
	int client, server;
};

static struct connection connected(struct pair p)
{
	struct sockaddr_in at = address("10.9.0.1", 7);
	struct connection c;
	int l = (int)MUST(vdestack_msocket(p.a, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

	c.client = (int)MUST(vdestack_msocket(p.b, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	MUST(bind(l, (struct sockaddr *)&at, sizeof(at)));
	MUST(listen(l, 1));
	MUST(connect(c.client, (struct sockaddr *)&at, sizeof(at)));
	c.server = (int)MUST(accept4(l, NULL, NULL, SOCK_CLOEXEC));
	limit_waiting(c.client);
	limit_waiting(c.server);
	close(l);
	return c;
}

static int tcp_state(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	MUST(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len));
	return info.tcpi_state;
}

static bool unreachable(void *arg)
{
	struct sockaddr_in at = address("10.9.0.1", 9);

	return sendto(*(int *)arg, "", 1, 0, (struct sockaddr *)&at, sizeof(at)) < 0 && errno == ENETUNREACH;
}

CASE_BOTH(a_peer_does_not_notice_that_a_stack_was_deleted_with_its_socket_open)
{
	struct pair p = new_pair();
	struct connection c = connected(p);
	int udp = udp4(p.b);

	MUST(vdestack_delete(p.b));
	CHECK(wait_until(unreachable, &udp, SOON_MS)); /* the interface has been removed */
	MUST(send(c.client, "lost", 4, MSG_NOSIGNAL)); /* into the send queue, as without a network */
	close(c.client);
	CHECK_EQ(tcp_state(c.server), TCP_ESTABLISHED);
	CHECK_ERRNO(recv(c.server, (char[8]){ 0 }, 8, MSG_DONTWAIT), EAGAIN);
}

CASE_BOTH(what_a_socket_has_not_sent_when_its_stack_is_deleted_is_lost)
{
	struct pair p = new_pair();
	struct connection c = connected(p);
	static char data[65536];
	long long sent = 0, received = 0;
	ssize_t n;
	int udp = udp4(p.b);

	do { /* until the peer's window and the send queue are full */
		while ((n = send(c.client, data, sizeof(data), MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
			sent += n;
	} while (poll(&(struct pollfd){ .fd = c.client, .events = POLLOUT }, 1, 500) == 1);
	MUST(vdestack_delete(p.b));
	CHECK(wait_until(unreachable, &udp, SOON_MS));
	while ((n = recv(c.server, data, sizeof(data), MSG_DONTWAIT)) > 0)
		received += n;
	CHECK(n < 0 && errno == EAGAIN);
	CHECK(received < sent);
}

CASE_BOTH(a_connection_that_was_shut_down_before_its_stack_is_deleted_has_ended_for_the_peer)
{
	struct pair p = new_pair();
	struct connection c = connected(p);
	char got[8];

	MUST(send(c.client, "bye", 3, MSG_NOSIGNAL));
	MUST(shutdown(c.client, SHUT_WR));
	CHECK_EQ(recv(c.server, got, 3, MSG_WAITALL), 3);
	CHECK_EQ(recv(c.server, got, sizeof(got), 0), 0);
	close(c.server);
	CHECK_EQ(recv(c.client, got, sizeof(got), 0), 0); /* the peer has received everything */
	close(c.client);
	MUST(vdestack_delete(p.b));
}
