/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUBLISH_UDP_H
#define VS_PUBLISH_UDP_H

/* UDP sessions of published ports. See udp.c. */

#include <stdint.h>

#include "relay.h"

int vs_udp_new(struct vs_publish *p);
void vs_udp_receive(struct vs_publish *p, struct vs_watch *watch, uint32_t events);
void vs_udp_expire(struct vs_publish *p);
void vs_udp_free(struct vs_publish *p);

#endif
