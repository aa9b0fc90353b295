/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_AUTO_DHCP6_H
#define VS_AUTO_DHCP6_H

/*
 * DHCPv6 client, RFC 8415. Start it when the interface has a link-local address that can be used. With
 * config->release, a machine that has been stopped still has a deadline: it repeats its Release until the
 * server answers, at most for 15 s. The caller may serve it so long, or free it at once.
 */

#include "auto.h"

extern const struct vs_auto_kind vs_dhcp6_kind;

#endif
