/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_DEVICES_H
#define VS_TOOLS_DEVICES_H

/* The devices of a stack, with the kernel's 64-bit counters: RTM_GETLINK (rtnetlink(7)). */

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vdestack;

struct vs_device {
	char name[IF_NAMESIZE];
	int index;
	unsigned flags; /* IFF_... */
	unsigned mtu;
	unsigned char mac[6];
	bool has_mac;
	uint64_t rx_bytes, tx_bytes, rx_packets, tx_packets, rx_multicast;
	uint64_t rx_dropped, tx_dropped; /* with those that had errors */
	uint64_t rx_errors, tx_errors;
};

/* Reads all devices but lo, in the order of their indices. Returns how many there are, or -errno. */
int vs_devices_read(struct vdestack *stack, struct vs_device **list);

#endif
