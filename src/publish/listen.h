/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUBLISH_LISTEN_H
#define VS_PUBLISH_LISTEN_H

/* Ports that listen. See listen.c. */

#include <stddef.h>

#include "relay.h"

/* Opens a port in the host's network (stack NULL) or the stack. 0, or -errno and a message. */
int vs_listen_open(struct vs_port *port, struct vdestack *stack, char *message, size_t size);

#endif
