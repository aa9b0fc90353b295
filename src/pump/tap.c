/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tap.h"

#include <linux/if_tun.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "selftest.h"

#ifndef TUN_F_USO4 /* headers before Linux 6.2 */
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

static const struct {
	const char *name;
	unsigned bits;
} names[] = {
	{ "csum", VS_OFFLOAD_CSUM | VS_OFFLOAD_TSO | VS_OFFLOAD_USO }, /* segmentation leaves checksums unfinished */
	{ "tso", VS_OFFLOAD_TSO },
	{ "uso", VS_OFFLOAD_USO },
	{ "gro", VS_OFFLOAD_GRO },
	{ "ugro", VS_OFFLOAD_UGRO },
	{ "all", VS_OFFLOAD_ALL },
};

unsigned vs_offload_allowed(void)
{
	const char *off = getenv("VDESTACK_NO_OFFLOAD");
	unsigned allowed = vs_selftest_sound();

	while (off != NULL && *off != '\0') {
		size_t len = strcspn(off, ", ");
		for (size_t i = 0; i < VS_COUNT(names); i++)
			if (strlen(names[i].name) == len && strncmp(names[i].name, off, len) == 0)
				allowed &= ~names[i].bits;
		off += len + (off[len] != '\0');
	}
	return allowed;
}

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

unsigned vs_offload_set(int tap, unsigned wanted)
{
	static const unsigned steps[] = { VS_OFFLOAD_ALL, ~(unsigned)VS_OFFLOAD_USO, ~(unsigned)(VS_OFFLOAD_USO | VS_OFFLOAD_TSO),
					  ~(unsigned)(VS_OFFLOAD_USO | VS_OFFLOAD_TSO | VS_OFFLOAD_CSUM) };

	for (size_t i = 0; i < VS_COUNT(steps); i++)
		if (ioctl(tap, TUNSETOFFLOAD, kernel_bits(wanted & steps[i])) == 0)
			return wanted & steps[i];
	return 0; /* not even none: then what the kernel does by itself, which is none */
}
