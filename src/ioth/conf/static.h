/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTHCONF_STATIC_H
#define VS_IOTHCONF_STATIC_H

/*
 * Static items of an interface. They are changed and remembered by one call at a time. What is there already,
 * or is not there, is no error. 0; or -1 with errno and the message, and then the interface is as before.
 */

#include "target.h"

/* Takes back what the plan undoes. */
int vs_static_undo(const struct vs_target *t, const struct vs_plan *plan);

/*
 * Sets the items of the plan, which replace those of earlier calls, and waits until their addresses can be
 * used, if the interface is up.
 */
int vs_static_set(const struct vs_target *t, const struct vs_plan *plan);

#endif
