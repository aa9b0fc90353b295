/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "inside.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"

int vs_inside_enter(int netns)
{
	if (setns(netns, CLONE_NEWNET) < 0) {
		/* The one who owns a user namespace has all capabilities in it. */
		VS_AUTO_CLOSE userns = ioctl(netns, NS_GET_USERNS);
		if (userns < 0 || setns(userns, CLONE_NEWUSER) < 0 || setns(netns, CLONE_NEWNET) < 0)
			return -errno;
	}
	return unshare(CLONE_NEWUTS) < 0 ? -errno : 0;
}

void vs_inside_grant(bool sysadm)
{
	static const cap_value_t network[] = { CAP_NET_BIND_SERVICE, CAP_NET_BROADCAST, CAP_NET_ADMIN,
					       CAP_NET_RAW, CAP_SYS_ADMIN };
	size_t n = sysadm ? VS_COUNT(network) : VS_COUNT(network) - 1;
	cap_t caps = geteuid() == 0 ? NULL : cap_get_proc();

	for (size_t i = 0; i < n && caps != NULL; i++) {
		cap_flag_value_t has = CAP_CLEAR;
		(void)cap_get_flag(caps, network[i], CAP_PERMITTED, &has);
		if (has == CAP_SET && cap_set_flag(caps, CAP_INHERITABLE, 1, &network[i], CAP_SET) == 0 &&
		    cap_set_proc(caps) == 0)
			(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, network[i], 0, 0);
	}
	if (caps != NULL)
		(void)cap_free(caps);
}
