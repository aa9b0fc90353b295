/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_LAB_PLAN_H
#define VS_LAB_PLAN_H

/* What a text leaves to the lab: addresses and routes. Pure. */

#include "mistake.h"

/*
 * Each port gets an address of each prefix of its network. -EINVAL: a prefix has too few, or one is there
 * twice.
 */
int vs_lab_plan_addresses(struct vs_lab_topology *t, struct vs_lab_mistake *mistake);

/* Adds the routes that hosts and routers have by themselves. -ENOMEM. */
int vs_lab_plan_routes(struct vs_lab_topology *t);

#endif
