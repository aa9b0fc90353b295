/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_LAB_CONFIG_H
#define VS_LAB_CONFIG_H

/* What a host is for libvdestack: its configuration string. Pure. */

#include "topology.h"

/* The string, for free(3); NULL: out of memory. lab: what makes names of segments and stacks unique. */
char *vs_lab_config(const struct vs_lab_topology *t, size_t host, const char *lab);

#endif
