/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_LAB_ROUTER_H
#define VS_LAB_ROUTER_H

#include <stdint.h>

struct vdestack_lab;

/* Makes the routers of a lab forward, and translate addresses where the text says so. */
int vs_lab_routers_start(struct vdestack_lab *lab, int64_t deadline);

#endif
