/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "talk.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
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

/* Takes msg. 0 or -errno; *seq: what its answer has. */
static int ask(int fd, struct nl_msg *msg, int flags, uint32_t *seq)
{
	static _Atomic uint32_t last_seq;

	*seq = ++last_seq;
	if (msg == NULL)
		return -ENOMEM;
	struct nlmsghdr *h = nlmsg_hdr(msg);
	h->nlmsg_seq = *seq;
	h->nlmsg_flags |= (uint16_t)(NLM_F_REQUEST | flags);
	int r = vs_talk_send(fd, h);
	nlmsg_free(msg);
	return r;
}

int vs_talk(int fd, struct nl_msg *msg)
{
	int64_t deadline_ms = vs_now_ms() + VS_TALK_ANSWER_MS;
	uint32_t seq;
	int r = ask(fd, msg, NLM_F_ACK, &seq);

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

/* ------------------------------------------------------------------ dumps */

#define PART_BYTES 32768 /* the largest part of a dump that the kernel makes */

struct dump {
	void (*each)(void *arg, struct nlmsghdr *hdr);
	void *arg;
	uint32_t seq;
};

/* 1: there is more to come; 0 or -errno: the end. */
static int read_part(int fd, const struct dump *d, unsigned char *buf)
{
	struct sockaddr_nl from = { 0 };
	socklen_t from_len = sizeof(from);
	ssize_t len = recvfrom(fd, buf, PART_BYTES, MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);

	if (len < 0)
		return errno == EINTR || errno == EAGAIN ? 1 : -errno;
	int left = (int)len;
	for (struct nlmsghdr *h = (void *)buf; from.nl_pid == 0 && nlmsg_ok(h, left);
	     h = nlmsg_next(h, &left)) {
		if (h->nlmsg_seq != d->seq)
			continue;
		if (h->nlmsg_type == NLMSG_DONE)
			return 0;
		if (h->nlmsg_type == NLMSG_ERROR)
			return h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct nlmsgerr))
				       ? ((const struct nlmsgerr *)NLMSG_DATA(h))->error
				       : -EPROTO;
		d->each(d->arg, h);
	}
	return 1;
}

int vs_talk_dump(int fd, struct nl_msg *msg, void (*each)(void *arg, struct nlmsghdr *hdr), void *arg)
{
	int64_t deadline_ms = vs_now_ms() + VS_TALK_ANSWER_MS;
	struct dump d = { each, arg, 0 };
	unsigned char *buf = malloc(PART_BYTES);
	int r = ask(fd, buf != NULL ? msg : NULL, NLM_F_DUMP, &d.seq);

	if (buf == NULL)
		nlmsg_free(msg);
	for (r = r < 0 ? r : 1; r > 0;) {
		int n = vs_talk_wait(fd, deadline_ms);
		r = n == 0 ? -ETIMEDOUT : n < 0 ? n : read_part(fd, &d, buf);
	}
	free(buf);
	return r;
}
