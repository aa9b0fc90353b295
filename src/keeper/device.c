/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The settings of devices, in the network namespace of the calling thread (netdevice(7)). */

#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "iface.h"

static int control(unsigned long request, struct ifreq *ifr)
{
	VS_AUTO_CLOSE s = (int)syscall(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (s < 0)
		return -errno;
	return ioctl(s, request, ifr) < 0 ? -errno : 0;
}

static struct ifreq request_for(const char *name)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr_name, name, strnlen(name, IF_NAMESIZE - 1));
	return ifr;
}

int vs_device_set_queue(const char *name, int frames)
{
	struct ifreq ifr = request_for(name);

	ifr.ifr_qlen = frames;
	return control(SIOCSIFTXQLEN, &ifr);
}

bool vs_device_exists(const char *name)
{
	struct ifreq ifr = request_for(name);

	return control(SIOCGIFINDEX, &ifr) == 0;
}

int vs_device_up(const char *name)
{
	struct ifreq ifr = request_for(name);
	int r = control(SIOCGIFFLAGS, &ifr);

	if (r < 0)
		return r;
	ifr.ifr_flags |= IFF_UP;
	return control(SIOCSIFFLAGS, &ifr);
}

int vs_device_configure(const struct vs_wire_iface *want)
{
	struct ifreq ifr = request_for(want->name);
	int r = 0;

	if (want->has_mac) {
		ifr.ifr_hwaddr.sa_family = ARPHRD_ETHER;
		memcpy(ifr.ifr_hwaddr.sa_data, want->mac, sizeof(want->mac));
		r = control(SIOCSIFHWADDR, &ifr);
	}
	if (r == 0 && want->mtu != 0) {
		ifr = request_for(want->name);
		ifr.ifr_mtu = (int)want->mtu;
		r = control(SIOCSIFMTU, &ifr);
	}
	return r;
}
