/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The device of a pump as a tap (the kernel's tuntap.rst) with IFF_VNET_HDR. */

#include <errno.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "device.h"
#include "offload.h"

#ifndef TUN_F_USO4 /* headers before Linux 6.2 */
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

static ssize_t tap_read(const struct vs_device *device, unsigned char *room, struct vs_super *super)
{
	ssize_t n;

	do {
		n = read(device->fd, room, VS_SUPER_MAX);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	super->len = 0;
	if (n > (ssize_t)sizeof(super->vnet)) {
		memcpy(&super->vnet, room, sizeof(super->vnet));
		super->frame = room + sizeof(super->vnet);
		super->len = (size_t)n - sizeof(super->vnet);
	}
	return n;
}

ssize_t vs_device_writev(const struct vs_device *device, const struct iovec *iov, int n)
{
	return n == 1 ? write(device->fd, iov->iov_base, iov->iov_len) : writev(device->fd, iov, n);
}

/* A tap's descriptor that has lost its device returns EBADFD. */
static bool tap_gone(const struct vs_device *device)
{
	struct ifreq ifr;

	return ioctl(device->fd, TUNGETIFF, &ifr) < 0 && errno == EBADFD;
}

static bool tap_mac(const struct vs_device *device, unsigned char mac[6])
{
	struct ifreq ifr = { 0 };

	if (ioctl(device->fd, SIOCGIFHWADDR, &ifr) < 0)
		return false;
	memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
	return true;
}

const struct vs_device_ops vs_device_tap = {
	.read = tap_read,
	.write = vs_device_writev,
	.gone = tap_gone,
	.mac = tap_mac,
};

/* ------------------------------------------------------------------ offloads */

static unsigned long kernel_bits(unsigned wanted)
{
	unsigned long bits = 0;

	if (wanted & VS_OFFLOAD_CSUM)
		bits |= TUN_F_CSUM;
	if (wanted & VS_OFFLOAD_TSO)
		bits |= TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	if (wanted & VS_OFFLOAD_USO)
		bits |= TUN_F_USO4 | TUN_F_USO6;
	return bits;
}

unsigned vs_device_tap_offloads(int tap, unsigned wanted)
{
	static const unsigned steps[] = { VS_OFFLOAD_ALL, ~(unsigned)VS_OFFLOAD_USO,
					  ~(unsigned)(VS_OFFLOAD_USO | VS_OFFLOAD_TSO),
					  ~(unsigned)(VS_OFFLOAD_USO | VS_OFFLOAD_TSO | VS_OFFLOAD_CSUM) };

	for (size_t i = 0; i < VS_COUNT(steps); i++)
		if (ioctl(tap, TUNSETOFFLOAD, kernel_bits(wanted & steps[i])) == 0)
			return wanted & steps[i];
	return 0; /* the ioctl itself is refused: the tap stays as it was made, without offloads */
}
