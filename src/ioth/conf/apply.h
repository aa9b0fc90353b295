/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTHCONF_APPLY_H
#define VS_IOTHCONF_APPLY_H

/* Does what a plan says. */

#include "plan.h"

struct ioth;

/* As ioth_config(). */
int vs_plan_apply(struct ioth *stack, const struct vs_plan *plan);

/* Records the message of a plan that could not be read, and sets errno. result: of vs_plan_read(). -1. */
int vs_plan_fail(int result, const struct vs_config_error *error);

#endif
