/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * On the host a connection whose program has ended is closed by the kernel in its own time: data still in the
 * send buffer goes out, then a FIN, and both are sent again if they are lost. The end of a network namespace
 * cuts this off. The server of a client that writes and ends would not get the last data, and would wait for
 * an end that never comes. So the stacks of `vdestack run` and `vdestack enter` stay until the kernel has
 * finished.
 *
 * sock_diag(7) lists the connections. Those in the states FIN_WAIT1, CLOSING and LAST_ACK have something that
 * is not acknowledged. The others need nothing.
 *
 * A connection of Multipath TCP is in these states while its paths, which are TCP connections, are still
 * ESTABLISHED or in CLOSE_WAIT. No process has a socket any more, so a connection in these two states is
 * such a path. Only then the kernel is asked for Multipath TCP, because that may load a module. If the kernel
 * cannot answer, the stack does not wait. The queues of the paths tell the progress.
 *
 * Frames without a connection, a last datagram or a RST, are only in the queue of a device. Its pump reads
 * them in much less than FRAMES_MS.
 *
 * The process that does this has nothing else to do, and no other waits for it.
 */

#define _GNU_SOURCE
#include "linger.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <vdestack.h>

#define FRAMES_MS 20
#define STALLED_MS 1000
#define LIMIT_MS 60000
#define UNFINISHED (1U << TCP_FIN_WAIT1 | 1U << TCP_CLOSING | 1U << TCP_LAST_ACK)
#define PATHS (1U << TCP_ESTABLISHED | 1U << TCP_CLOSE_WAIT)

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* Connections that need time, paths of Multipath TCP, and the bytes that all of them have in their queues. */
struct unfinished {
	uint64_t connections, paths, bytes;
};

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void pause_ms(int ms)
{
	struct timespec t = { .tv_nsec = ms * 1000000L };

	(void)nanosleep(&t, NULL);
}

/* Adds what the messages list. False: these are the last ones. */
static bool add(struct unfinished *u, const struct nlmsghdr *h, ssize_t n)
{
	for (; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
		const struct inet_diag_msg *m = NLMSG_DATA(h);

		if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY)
			return false;
		if (UNFINISHED & 1U << m->idiag_state)
			u->connections++;
		else
			u->paths++;
		u->bytes += m->idiag_wqueue;
	}
	return true;
}

/* The number of Multipath TCP is too large for the field of the request. The attribute takes its place. */
static void count(struct unfinished *u, int diag, uint8_t family, uint32_t protocol, uint32_t states)
{
	struct {
		struct nlmsghdr h;
		struct inet_diag_req_v2 r;
		struct nlattr a;
		uint32_t protocol;
	} request = {
		.h = { .nlmsg_len = sizeof(request),
		       .nlmsg_type = SOCK_DIAG_BY_FAMILY,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.r = { .sdiag_family = family, .sdiag_protocol = IPPROTO_TCP, .idiag_states = states },
		.a = { .nla_len = sizeof(request.a) + sizeof(request.protocol),
		       .nla_type = INET_DIAG_REQ_PROTOCOL },
		.protocol = protocol,
	};
	union {
		struct nlmsghdr h;
		char bytes[32768];
	} answer;
	ssize_t n;

	if (send(diag, &request, sizeof(request), 0) < 0)
		return;
	do {
		while ((n = recv(diag, &answer, sizeof(answer), 0)) < 0 && errno == EINTR)
			;
	} while (n > 0 && add(u, &answer.h, n));
}

static struct unfinished count_all(struct vdestack *const *stacks, size_t n)
{
	struct unfinished u = { 0 };
	struct timeval limit = { .tv_sec = 1 };

	for (size_t i = 0; i < n; i++) {
		int diag = vdestack_msocket(stacks[i], AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
					    NETLINK_SOCK_DIAG);

		if (diag < 0)
			continue;
		(void)setsockopt(diag, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		u.paths = 0;
		count(&u, diag, AF_INET, IPPROTO_TCP, UNFINISHED | PATHS);
		count(&u, diag, AF_INET6, IPPROTO_TCP, UNFINISHED | PATHS);
		if (u.paths > 0) {
			count(&u, diag, AF_INET, IPPROTO_MPTCP, UNFINISHED);
			count(&u, diag, AF_INET6, IPPROTO_MPTCP, UNFINISHED);
		}
		(void)close(diag);
	}
	return u;
}

bool vs_linger_is_needed(struct vdestack *stack)
{
	return count_all(&stack, 1).connections > 0;
}

void vs_linger(struct vdestack *const *stacks, size_t n)
{
	struct unfinished before = { 0 };
	int64_t start = now_ms(), progress = start, now = start;

	for (int ms = 1; now - progress < STALLED_MS && now - start < LIMIT_MS; now = now_ms()) {
		struct unfinished u = count_all(stacks, n);

		if (u.connections == 0)
			break;
		if (u.connections != before.connections || u.bytes != before.bytes)
			progress = now;
		before = u;
		pause_ms(ms);
		ms = ms < 16 ? 2 * ms : ms;
	}
	pause_ms(FRAMES_MS);
}
