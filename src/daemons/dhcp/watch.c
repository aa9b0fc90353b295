/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Messages of the group RTNLGRP_LINK are not read: each is a reason to look, and so is one that was lost. */

#include "watch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/ioctl.h>

#define AT_ONCE 64 /* messages between two looks */

int dh_watch_open(const struct dh_link *link)
{
	const struct sockaddr_nl at = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	int one = 1;
	int fd = ioth_msocket(link->stack, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -1;
	if (ioth_ioctl(fd, FIONBIO, &one) == 0 &&
	    ioth_bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	(void)ioth_close(fd);
	return -1;
}

bool dh_watch_gone(int watch, int socket, const struct dh_link *link)
{
	struct ifreq request = { .ifr_ifindex = (int)link->ifindex };
	char bytes[64]; /* the rest of a message is dropped */

	for (int i = 0; i < AT_ONCE; i++)
		if (ioth_recv(watch, bytes, sizeof(bytes), MSG_DONTWAIT) < 0 && errno != ENOBUFS)
			break;
	return ioth_ioctl(socket, SIOCGIFNAME, &request) < 0 && (errno == ENODEV || errno == ENXIO);
}
