/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "rtnl.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "iface.h"

#define VERDICT_MS 5000

/* 1: not ours, go on; 0 or -errno: the verdict. */
static int verdict(const char *buf, size_t len, uint32_t seq)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)buf;

	if (len < NLMSG_LENGTH(sizeof(struct nlmsgerr)) || h->nlmsg_type != NLMSG_ERROR || h->nlmsg_seq != seq)
		return 1;
	return ((const struct nlmsgerr *)NLMSG_DATA(h))->error;
}

static int wait_verdict(int fd, uint32_t seq)
{
	_Alignas(struct nlmsghdr) char buf[4096];
	int64_t deadline = vs_now_ms() + VERDICT_MS;

	for (;;) {
		struct pollfd answer = { .fd = fd, .events = POLLIN };
		int n = poll(&answer, 1, vs_left_ms(deadline));
		if (n == 0)
			return -ETIMEDOUT;
		ssize_t len = n < 0 ? -1 : recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (len < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		int r = len < 0 ? 1 : verdict(buf, (size_t)len, seq);
		if (r <= 0)
			return r;
	}
}

int vs_rtnl_talk(int fd, struct nl_msg *msg)
{
	static _Atomic uint32_t last_seq;
	uint32_t seq = ++last_seq;
	int r;

	if (msg == NULL)
		return -ENOMEM;
	struct nlmsghdr *h = nlmsg_hdr(msg);
	h->nlmsg_seq = seq;
	h->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	do {
		r = send(fd, h, h->nlmsg_len, MSG_NOSIGNAL) < 0 ? -errno : 0;
	} while (r == -EINTR);
	nlmsg_free(msg);
	return r < 0 ? r : wait_verdict(fd, seq);
}

int vs_device_delete(int netlink, const char *name)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_DELLINK, 0);

	if (msg != NULL && (nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO) < 0 ||
			    nla_put_string(msg, IFLA_IFNAME, name) < 0)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return vs_rtnl_talk(netlink, msg);
}
