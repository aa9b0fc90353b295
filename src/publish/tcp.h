/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUBLISH_TCP_H
#define VS_PUBLISH_TCP_H

/* TCP connections of published ports. See tcp.c. */

#include <stdint.h>

#include "relay.h"

void vs_tcp_accept(struct vs_publish *p, struct vs_watch *watch, uint32_t events);
void vs_tcp_expire(struct vs_publish *p);
/* Moves bytes of connections that had more of them than one step moves. */
void vs_tcp_more(struct vs_publish *p);
void vs_tcp_end_all(struct vs_publish *p);

#endif
