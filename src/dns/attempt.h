/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_ATTEMPT_H
#define VS_DNS_ATTEMPT_H

/* One connection attempt: a socket of a stack that connects without waiting. */

#include <stddef.h>

#include "race.h"

struct vdestack;

#define VS_ATTEMPT_GOES_ON 1

/*
 * Starts to connect a socket of this type and protocol. *fd becomes the socket, close-on-exec and
 * non-blocking. Returns 0: it is connected; VS_ATTEMPT_GOES_ON: it is writable when it has a result; -errno:
 * it has failed, and *fd is -1.
 */
int vs_attempt_start(struct vdestack *stack, const union vs_race_addr *addr, int type, int protocol, int *fd);

/* The result of an attempt whose socket has become writable: 0 or -errno. The caller closes the socket. */
int vs_attempt_result(int fd, int type);

/* Makes the socket a blocking one, as socket(2) does. Returns 0 or -errno. */
int vs_attempt_release(int fd);

/* "10.0.0.1 port 80", "fe80::1%vde0 port 80". Returns text. */
char *vs_attempt_text(struct vdestack *stack, const union vs_race_addr *addr, char *text, size_t size);

#endif
