/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_DATAGRAM_H
#define PX_DATAGRAM_H

/* The messages of sockets that are not of TCP: a header and a payload (message.h). */

#include "message.h"
#include "socket.h"

/* Sends one message. head->addr_len is at most sizeof(head->addr). 0 or -errno, which SO_ERROR tells. */
typedef int px_datagram_send(struct px_socket *s, const struct px_datagram *head, const void *payload);

/*
 * Reads what the program has written, a limited number of messages. False: all has been read. True: there may
 * be more, and other sockets have their turn.
 */
bool px_datagram_read(struct px_socket *s, px_datagram_send *send);

#endif
