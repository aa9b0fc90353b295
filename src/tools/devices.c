/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "devices.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/cleanup.h"
#include <vdestack.h>

#define ANSWER_BYTES 65536
#define PATIENCE_S 2

struct reading {
	struct vs_device *list;
	size_t n;
};

static void read_attribute(struct vs_device *d, const struct rtattr *a)
{
	struct rtnl_link_stats64 s;
	size_t len = RTA_PAYLOAD(a);

	switch (a->rta_type) {
	case IFLA_IFNAME:
		memcpy(d->name, RTA_DATA(a), len < sizeof(d->name) ? len : sizeof(d->name) - 1);
		break;
	case IFLA_MTU:
		if (len >= sizeof(d->mtu))
			memcpy(&d->mtu, RTA_DATA(a), sizeof(d->mtu));
		break;
	case IFLA_ADDRESS:
		d->has_mac = len == sizeof(d->mac);
		if (d->has_mac)
			memcpy(d->mac, RTA_DATA(a), sizeof(d->mac));
		break;
	case IFLA_STATS64:
		memset(&s, 0, sizeof(s));
		memcpy(&s, RTA_DATA(a), len < sizeof(s) ? len : sizeof(s));
		d->rx_bytes = s.rx_bytes;
		d->tx_bytes = s.tx_bytes;
		d->rx_packets = s.rx_packets;
		d->tx_packets = s.tx_packets;
		d->rx_multicast = s.multicast;
		d->rx_errors = s.rx_errors;
		d->tx_errors = s.tx_errors;
		d->rx_dropped = s.rx_dropped + s.rx_errors;
		d->tx_dropped = s.tx_dropped + s.tx_errors;
		break;
	default:
		break;
	}
}

static int add(struct reading *r, const struct nlmsghdr *h)
{
	const struct ifinfomsg *info = NLMSG_DATA(h);
	struct vs_device d = { .index = info->ifi_index, .flags = info->ifi_flags };
	int left = (int)IFLA_PAYLOAD(h);

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*info)))
		return -EPROTO;
	if ((info->ifi_flags & IFF_LOOPBACK) != 0)
		return 0;
	for (const struct rtattr *a = IFLA_RTA(info); RTA_OK(a, left); a = RTA_NEXT(a, left))
		read_attribute(&d, a);
	struct vs_device *list = reallocarray(r->list, r->n + 1, sizeof(*list));
	if (list == NULL)
		return -ENOMEM;
	r->list = list;
	r->list[r->n++] = d;
	return 0;
}

/* One message of the kernel. 1: it was the last one; 0: there are more; or -errno. */
static int take(struct reading *r, const char *answer, size_t len)
{
	for (const struct nlmsghdr *h = (const void *)answer; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
		int result = 0;
		if (h->nlmsg_type == NLMSG_DONE)
			return 1;
		if (h->nlmsg_type == NLMSG_ERROR)
			return -EPROTO;
		if (h->nlmsg_type == RTM_NEWLINK)
			result = add(r, h);
		if (result < 0)
			return result;
	}
	return 0;
}

static int dump(int fd, struct reading *r)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg info;
	} request = { { .nlmsg_len = sizeof(request),
			.nlmsg_type = RTM_GETLINK,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			.nlmsg_seq = 1 },
		      { .ifi_family = AF_UNSPEC } };
	struct timeval patience = { .tv_sec = PATIENCE_S };
	int result = 0;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    send(fd, &request, sizeof(request), 0) < 0)
		return -errno;
	VS_AUTO_FREE char *answer = malloc(ANSWER_BYTES);
	if (answer == NULL)
		return -ENOMEM;
	while (result == 0) {
		ssize_t n = recv(fd, answer, ANSWER_BYTES, 0);
		if (n < 0 && errno == EINTR)
			continue;
		result = n < 0 ? -errno : take(r, answer, (size_t)n);
	}
	return result < 0 ? result : 0;
}

int vs_devices_read(struct vdestack *stack, struct vs_device **list)
{
	struct reading r = { 0 };
	VS_AUTO_CLOSE fd = vdestack_msocket(stack, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int result = fd < 0 ? -errno : dump(fd, &r);

	if (result < 0) {
		free(r.list);
		return result;
	}
	*list = r.list;
	return (int)r.n;
}
