/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DH_WATCH_H
#define DH_WATCH_H

/*
 * Whether the interface is still there. A socket that is bound to an interface which is gone has no error: it
 * waits for ever. So the stack is asked for a message whenever its interfaces change.
 */

#include <stdbool.h>

#include "link.h"

/* A descriptor for poll(2), which the caller closes by ioth_close(). -1: this stack has no such messages. */
int dh_watch_open(const struct dh_link *link);

/*
 * Takes the messages, and looks for the interface. socket: one of the stack. True: the interface is gone.
 * One that is down, or has another name, is there.
 */
bool dh_watch_gone(int watch, int socket, const struct dh_link *link);

#endif
