/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_TAP_H
#define VS_PUMP_TAP_H

/* The offloads of a tap: which were asked for, which the kernel has granted. */

#include <stdbool.h>

enum {
	VS_OFFLOAD_CSUM = 1, /* checksums unfinished from the tap */
	VS_OFFLOAD_TSO = 2,  /* TCP super-frames from the tap */
	VS_OFFLOAD_USO = 4,  /* UDP super-frames from the tap, from Linux 6.2 */
	VS_OFFLOAD_GRO = 8,  /* TCP super-frames to the tap */
	VS_OFFLOAD_UGRO = 16, /* UDP super-frames to the tap */
	VS_OFFLOAD_ALL = 31,
};

/*
 * What the self-test has found sound, and the environment leaves of it:
 * VDESTACK_NO_OFFLOAD=csum,tso,uso,gro,ugro or all.
 */
unsigned vs_offload_allowed(void);

/*
 * Asks the kernel for offloads on a tap with IFF_VNET_HDR, fewer and fewer until it agrees.
 * Gives those that are in force.
 */
unsigned vs_offload_set(int tap, unsigned wanted);

#endif
