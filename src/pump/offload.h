/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_OFFLOAD_H
#define VS_PUMP_OFFLOAD_H

/* Offloads: what a device leaves to the pump, or takes from it, as from a network card. */

enum {
	VS_OFFLOAD_CSUM = 1,  /* the device sends with checksums unfinished */
	VS_OFFLOAD_TSO = 2,   /* the device sends TCP super-frames */
	VS_OFFLOAD_USO = 4,   /* the device sends UDP super-frames; from Linux 6.2 */
	VS_OFFLOAD_GRO = 8,   /* the device receives TCP super-frames */
	VS_OFFLOAD_UGRO = 16, /* the device receives UDP super-frames */
	VS_OFFLOAD_SUPER = 32, /* several frames travel in one, to stations that know it */
	VS_OFFLOAD_ALL = 63,
};

/*
 * The offloads that the environment allows: all but those in
 * VDESTACK_NO_OFFLOAD=csum,tso,uso,gro,ugro,super or all.
 */
unsigned vs_offload_allowed(void);

/* Segments have unfinished checksums: without VS_OFFLOAD_CSUM this removes segmentation, too. */
unsigned vs_offload_sensible(unsigned wanted);

#endif
