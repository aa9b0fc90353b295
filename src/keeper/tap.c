/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Interfaces by taps (the kernel's tuntap.rst). The networking thread opens them, because a tap belongs to
 * the namespace of the thread that opens it. The carrier is set by the descriptor, which takes no
 * privileges.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "iface.h"
#include "pump/offload.h"
#include "rtnl/netdev.h"
#include "rtnl/talk.h"

/* A burst of datagrams waits here while the link is busy. The default, 500, is less than a common burst. */
#define QUEUE_FRAMES 1000

static int configure(const struct vs_wire_iface *want)
{
	struct vs_netdev settings = { .name = want->name,
				      .mac = want->has_mac ? want->mac : NULL,
				      .mtu = want->mtu,
				      .queue = QUEUE_FRAMES };
	VS_AUTO_CLOSE netlink = vs_talk_socket();

	return netlink < 0 ? netlink : vs_netdev_set(netlink, &settings);
}

int vs_tap_open(const struct vs_wire_iface *want, unsigned *offloads)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	VS_AUTO_CLOSE fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	memcpy(ifr.ifr_name, want->name, strnlen(want->name, IF_NAMESIZE - 1));
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0) {
		int err = errno;
		return vs_fail(err, "cannot make the tap of interface %s: %s", want->name,
			       vs_cause_text(vs_diagnose_tun(err, ""), err));
	}
	*offloads = vs_device_tap_offloads(fd, vs_offload_allowed() & ~want->no_offload);
	int r = configure(want);
	if (r < 0)
		return vs_fail(-r, "cannot set MAC, MTU and queue of interface %s: %s", want->name,
			       vs_cause_text(vs_diagnose_limit(-r), -r));
	return vs_steal_fd(&fd);
}

static int tap_carrier(struct vs_iface *iface, bool on)
{
	int value = on;

	if (iface->pump.device.fd >= 0)
		(void)ioctl(iface->pump.device.fd, TUNSETCARRIER, &value); /* from Linux 5.0 */
	return 0;
}

/* The device is deleted when the descriptor is closed, or by a request in the stack's namespace. */
static int tap_leave(struct vs_iface *iface)
{
	(void)iface;
	return -EOPNOTSUPP;
}

const struct vs_iface_kind vs_iface_tap = {
	.device = &vs_device_tap,
	.carrier = tap_carrier,
	.gone = vs_iface_descriptor_gone,
	.leave = tap_leave,
	.impair = vs_iface_impair_pump,
	.impaired = vs_iface_impaired_pump,
};
