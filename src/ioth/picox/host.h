/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_HOST_H
#define PX_HOST_H

/* The stack is a host and no router: which frames of a network are for it. */

#include <stdbool.h>
#include <stddef.h>

#include "iface.h"

/*
 * True if lwIP may see the frame: ARP, or a packet to an address of the stack, to a group or to all. lwIP
 * would forward any other packet between interfaces. Addresses of lo come from no network.
 */
bool px_host_takes(const struct px_iface *iface, const void *frame, size_t n);

#endif
