/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_PACKET_H
#define PX_PACKET_H

/* Packet sockets (AF_PACKET): frames of the interfaces, as they come and go. */

#include <stdbool.h>
#include <stddef.h>

#include "iface.h"

/* A frame has come, or is sent. */
void px_packet_frame(const struct px_iface *iface, const void *frame, size_t n, bool sent);

#endif
