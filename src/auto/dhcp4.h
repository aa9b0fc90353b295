/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_AUTO_DHCP4_H
#define VS_AUTO_DHCP4_H

/* The DHCPv4 client as an address source. */

#include "auto.h"

extern const struct vs_auto_kind vs_dhcp4_kind;

#endif
