/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTHCONF_USABLE_H
#define VS_IOTHCONF_USABLE_H

/*
 * Addresses of IPv6 that have been set, and may still be under duplicate address detection. Whether one is
 * past that is found out by bind(2): every kind of stack has it.
 */

#include "items.h"
#include "target.h"

/*
 * Waits until those of `items` can be used, or those of the interface (NULL). 0, or -1 with EADDRNOTAVAIL and
 * the message: one is a duplicate, there is no carrier, or the time was too short.
 */
int vs_usable_wait(const struct vs_target *t, const struct vs_items *items, int limit_ms);

#endif
