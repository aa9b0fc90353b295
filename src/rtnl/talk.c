/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "talk.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own_socket.h"

int vs_talk_socket(void)
{
	int fd = vs_own_socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	return fd < 0 ? -errno : fd;
}

int vs_talk_wait(int fd, int64_t deadline_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	for (;;) {
		int n = poll(&pfd, 1, vs_left_ms(deadline_ms));
		if (n >= 0)
			return n;
		if (errno != EINTR)
			return -errno;
	}
}

int vs_talk_send(int fd, const struct nlmsghdr *hdr)
{
	ssize_t n;

	do {
		n = send(fd, hdr, hdr->nlmsg_len, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static bool is_result(const struct sockaddr_nl *from, const struct nlmsghdr *h, size_t len, uint32_t seq)
{
	return from->nl_pid == 0 && len >= NLMSG_LENGTH(sizeof(struct nlmsgerr)) &&
	       h->nlmsg_type == NLMSG_ERROR && h->nlmsg_seq == seq;
}

/* 1: no result yet; 0 or -errno: the result, or why there is none. */
static int read_result(int fd, uint32_t seq)
{
	_Alignas(struct nlmsghdr) char buf[4096];
	const struct nlmsghdr *h = (const struct nlmsghdr *)buf;
	struct sockaddr_nl from = { 0 };
	socklen_t from_len = sizeof(from);
	ssize_t len = recvfrom(fd, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);

	if (len < 0)
		return errno == EINTR || errno == EAGAIN ? 1 : -errno;
	return is_result(&from, h, (size_t)len, seq) ? ((const struct nlmsgerr *)NLMSG_DATA(h))->error : 1;
}

int vs_talk(int fd, struct nl_msg *msg)
{
	static _Atomic uint32_t last_seq;
	uint32_t seq = ++last_seq;
	int64_t deadline_ms = vs_now_ms() + VS_TALK_ANSWER_MS;

	if (msg == NULL)
		return -ENOMEM;
	struct nlmsghdr *h = nlmsg_hdr(msg);
	h->nlmsg_seq = seq;
	h->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	int r = vs_talk_send(fd, h);
	nlmsg_free(msg);
	/* The kernel serves a request while it is sent, so the result is there. */
	for (r = r < 0 ? r : 1; r > 0;) {
		r = read_result(fd, seq);
		if (r > 0) {
			int n = vs_talk_wait(fd, deadline_ms);
			r = n == 0 ? -ETIMEDOUT : n;
		}
	}
	return r;
}
