/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_WIRE_REGISTRY_ASK_H
#define VS_WIRE_REGISTRY_ASK_H

/* Requests to the sockets that keepers have in a directory (registry_dir.h), and whether an answer is one. */

#include <stdbool.h>
#include <sys/types.h>

#include "fdmsg.h"
#include "messages.h"

/* A datagram socket, connected to that of a keeper. -ECONNREFUSED: nobody has it open any more. */
int vs_registry_connect(const char *path);

/*
 * Sends a request without waiting. msg->fds[0] is left free for the end of the channel that the keeper gets;
 * other descriptors stand behind it. 0, and the answer comes on *channel; -EAGAIN: the queue is full; or
 * -errno of vs_registry_connect() and of the sockets.
 */
int vs_registry_ask(const char *path, struct vs_fdmsg *msg, int *channel);

/* Whether the `len` bytes that have been received are a reply, of a process of this user. */
bool vs_registry_is_reply(const struct vs_reply *reply, ssize_t len, const struct vs_fdmsg *msg);

#endif
