/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_SETTINGS_H
#define PX_SETTINGS_H

/*
 * Links, addresses and routes in lwIP, as netlink and the address sources set them.
 *
 * lwIP has less than a kernel: one IPv4 address for each interface, six IPv6 addresses with the link-local
 * one, one IPv4 gateway for each interface and one of them as default, three IPv6 routers. What does not fit
 * is refused.
 */

#include "iface.h"
#include "nl.h"

/* All ops but `send`. */
extern const struct vs_pxnl_ops px_settings_ops;

/* Called after each change that a program has not asked for by itself, or has: RTM_NEWLINK... */
struct px_note {
	int type;
	const struct vs_pxnl_link *link; /* one of the three */
	const struct vs_pxnl_addr *addr;
	const struct vs_pxnl_route *route;
};
typedef void px_settings_notify(const struct px_note *note);
void px_settings_tell(px_settings_notify *to);

/* A new interface: its IPv6 is that of the sources, not that of lwIP. */
void px_settings_adopt(struct px_iface *iface);
/*
 * A router says that the hosts of a prefix of 64 bits are on the link, or no longer so. It stays on the link
 * as long as an address has it. False: lwIP has no room for one more.
 */
bool px_settings_on_link(struct px_iface *iface, const uint8_t prefix[16], bool on);
/* An interface has lost its carrier, or has it again. */
void px_settings_carrier(struct px_iface *iface);
/* Before lwIP sees a frame: false: it must not, as it would configure itself. */
bool px_settings_may_input(const void *frame, size_t n);

#endif
