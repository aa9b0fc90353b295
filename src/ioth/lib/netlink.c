/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One question on one socket of a stack, and the answers to it.
 *
 * Nothing that is read is trusted: a stack may be a plugin of others, or a process of its own. Always holds:
 *  - Messages with another sequence number are skipped.
 *  - A message whose length cannot be right, or a part with none, ends the reading (EPROTO).
 *  - The reading ends: at a deadline, and after a number of messages, so it fills no memory without end.
 */

#include "netlink.h"

#include <errno.h>
#include <ioth.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "internal.h"
#include "rtnl/rtnl.h"
#include "rtnl/talk.h"

#define PART_BYTES 32768    /* the largest part of a dump */
#define MESSAGES_MAX 262144 /* more than a stack has interfaces or addresses */

struct question {
	int fd;
	uint32_t seq;
	unsigned n_messages;      /* read so far */
	vs_netlink_each_fn *each; /* NULL: answers are ignored */
	void *arg;
};

/* The result that a message carries: 0, or -errno of the kernel's range. */
static int result_of(struct nlmsghdr *hdr, size_t least)
{
	int result = 0;

	if ((size_t)nlmsg_datalen(hdr) < least)
		return -EPROTO;
	if ((size_t)nlmsg_datalen(hdr) >= sizeof(result))
		memcpy(&result, nlmsg_data(hdr), sizeof(result));
	return result <= 0 && result >= -4095 ? result : -EPROTO;
}

/* 1: there is more to come; 0 or -errno: the end. */
static int take_message(struct question *q, struct nlmsghdr *hdr)
{
	if (++q->n_messages > MESSAGES_MAX)
		return -EPROTO;
	if (hdr->nlmsg_seq != q->seq)
		return 1;
	if (hdr->nlmsg_flags & NLM_F_DUMP_INTR)
		return -EAGAIN;
	if (hdr->nlmsg_type == NLMSG_DONE)
		return result_of(hdr, 0);
	if (hdr->nlmsg_type == NLMSG_ERROR)
		return result_of(hdr, sizeof(struct nlmsgerr));
	int r = q->each != NULL ? q->each(q->arg, hdr) : 0;
	return r == -EBADMSG ? -EPROTO : r < 0 ? r : 1;
}

/* As take_message(). */
static int take_part(struct question *q, unsigned char *buf, int left)
{
	int r = 1;

	if (left < NLMSG_HDRLEN)
		return -EPROTO;
	struct nlmsghdr *hdr = (void *)buf;
	for (; r > 0 && nlmsg_ok(hdr, left); hdr = nlmsg_next(hdr, &left))
		r = take_message(q, hdr);
	return r > 0 && left > 0 ? -EPROTO : r;
}

static int read_answers(struct question *q, unsigned char *buf)
{
	int64_t deadline_ms = vs_now_ms() + VS_TALK_ANSWER_MS;
	int r = 1;

	while (r > 0) {
		int n = vs_left_ms(deadline_ms) > 0 ? vs_talk_wait(q->fd, deadline_ms) : 0;
		if (n <= 0)
			return n < 0 ? n : -ETIMEDOUT;
		ssize_t len = ioth_recv(q->fd, buf, PART_BYTES, MSG_DONTWAIT);
		if (len < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (len == 0)
			return -ECONNRESET;
		if (len > 0)
			r = take_part(q, buf, (int)len);
	}
	return r;
}

static int ask(struct question *q, struct ioth *stack, struct nlmsghdr *hdr)
{
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	unsigned char *buf = malloc(PART_BYTES);
	int r = 0;

	q->seq = hdr->nlmsg_seq;
	q->fd = buf != NULL ? ioth_msocket(stack, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE) : -1;
	if (q->fd < 0)
		r = buf == NULL ? -ENOMEM : -errno;
	else if (ioth_bind(q->fd, (const struct sockaddr *)&any, sizeof(any)) < 0 ||
		 ioth_send(q->fd, hdr, hdr->nlmsg_len, MSG_NOSIGNAL) < 0)
		r = -errno;
	else
		r = read_answers(q, buf);
	if (q->fd >= 0)
		(void)ioth_close(q->fd);
	free(buf);
	return r;
}

struct nl_msg *vs_netlink_message(int type, int flags, const void *header, size_t len)
{
	return vs_nl_request(type, flags | NLM_F_REQUEST, header, len);
}

int vs_netlink_get(struct ioth *stack, struct nl_msg *msg, vs_netlink_each_fn *each, void *arg)
{
	struct question q = { .each = each, .arg = arg };

	if (msg == NULL)
		return -ENOMEM;
	struct nlmsghdr *hdr = nlmsg_hdr(msg);
	hdr->nlmsg_seq = 1; /* the socket has one question */
	if ((hdr->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		hdr->nlmsg_flags |= NLM_F_ACK;
	int r = ask(&q, stack, hdr);
	nlmsg_free(msg);
	return r;
}

int vs_netlink_ask(struct ioth *stack, struct nl_msg *msg)
{
	return vs_netlink_get(stack, msg, NULL, NULL);
}

int vs_netlink_dump(struct ioth *stack, int type, vs_netlink_each_fn *each, void *arg)
{
	const struct rtgenmsg any = { .rtgen_family = AF_UNSPEC };
	const struct ifinfomsg links = { .ifi_family = AF_UNSPEC }; /* longer than what other types need */

	return vs_netlink_get(stack,
			      vs_netlink_message(type, NLM_F_DUMP,
						 type == RTM_GETLINK ? (const void *)&links : &any,
						 type == RTM_GETLINK ? sizeof(links) : sizeof(any)),
			      each, arg);
}

int ioth_internal_dump(struct ioth *stack, int type, int (*each)(void *arg, struct nlmsghdr *hdr), void *arg)
{
	int r = vs_netlink_dump(stack, type, each, arg);

	if (r == 0)
		return 0;
	errno = -r;
	return -1;
}

int ioth_nldialog(struct ioth *stack, void *msg)
{
	struct question q = { 0 };
	int r = ask(&q, stack, msg);

	if (r == 0)
		return 0;
	errno = -r;
	return -1;
}
