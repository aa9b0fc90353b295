/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PICOX_NL_MESSAGE_H
#define VS_PICOX_NL_MESSAGE_H

/* Messages that tell of links, addresses and routes. */

#include "nl.h"

struct nl_msg;

/* Whose answer a message is. All zero: a notification. */
struct vs_pxnl_head {
	uint32_t port, seq;
	uint16_t flags;
};

/* type: RTM_NEW... or RTM_DEL.... The caller frees the message. NULL: out of memory. */
struct nl_msg *vs_pxnl_link_message(int type, const struct vs_pxnl_head *head,
				    const struct vs_pxnl_link *link);
struct nl_msg *vs_pxnl_addr_message(int type, const struct vs_pxnl_head *head,
				    const struct vs_pxnl_addr *addr);
struct nl_msg *vs_pxnl_route_message(int type, const struct vs_pxnl_head *head,
				     const struct vs_pxnl_route *route);

#endif
