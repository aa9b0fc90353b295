/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "offload.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static const struct {
	const char *name;
	unsigned bits;
} names[] = {
	/* Segmentation leaves checksums unfinished. */
	{ "csum", VS_OFFLOAD_CSUM | VS_OFFLOAD_TSO | VS_OFFLOAD_USO },
	{ "tso", VS_OFFLOAD_TSO },
	{ "uso", VS_OFFLOAD_USO },
	{ "gro", VS_OFFLOAD_GRO },
	{ "ugro", VS_OFFLOAD_UGRO },
	{ "super", VS_OFFLOAD_SUPER },
	{ "all", VS_OFFLOAD_ALL },
};

unsigned vs_offload_allowed(void)
{
	const char *off = getenv("VDESTACK_NO_OFFLOAD");
	unsigned allowed = VS_OFFLOAD_ALL;

	while (off != NULL && *off != '\0') {
		size_t len = strcspn(off, ", ");
		for (size_t i = 0; i < VS_COUNT(names); i++)
			if (strlen(names[i].name) == len && strncmp(names[i].name, off, len) == 0)
				allowed &= ~names[i].bits;
		off += len + (off[len] != '\0');
	}
	return allowed;
}

unsigned vs_offload_sensible(unsigned wanted)
{
	return wanted & VS_OFFLOAD_CSUM ? wanted : wanted & ~(unsigned)(VS_OFFLOAD_TSO | VS_OFFLOAD_USO);
}
