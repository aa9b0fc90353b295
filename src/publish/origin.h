/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUBLISH_ORIGIN_H
#define VS_PUBLISH_ORIGIN_H

/* Connections in a stack whose source is the address of a client in another network. See origin.c. */

#include "endpoint.h"

struct vdestack;

/*
 * Sets the stack up for it, for AF_INET or AF_INET6. 0, or -errno and a message. To do it again is no
 * error. EPERM: no right to administer the stack. Other errors: the kernel has no policy routing.
 */
int vs_origin_setup(struct vdestack *stack, int family, char *message, size_t size);

/* Marks a socket of the stack: what it sends stays in the stack. 0 or -errno. */
int vs_origin_mark(int fd);

/* Marks it and binds it to the client's address. 0 or -errno; EADDRINUSE: the port is in use in the stack. */
int vs_origin_bind(int fd, const union vs_endpoint *client);

#endif
