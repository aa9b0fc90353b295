/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_ISOLATE_H
#define VS_KEEPER_ISOLATE_H

#include <stdbool.h>

/*
 * The stages in which a new keeper process becomes independent of the program and gives up what it does not
 * need. Each returns 0 or -errno with a message. They are called in this order, the first two while there is
 * one thread.
 */

/* Name, standard descriptors, signals. */
int vs_isolate_process(void);

/*
 * Enters a user namespace: the one that owns the namespace `adopt` (>= 0), or a new one. If the process has
 * all the capabilities it needs in its own, it stays there and *privileged is set.
 */
int vs_isolate_user(int adopt, bool *privileged);

/* Keeps the capabilities that making stacks takes. Others cannot be gained any more. */
int vs_isolate_capabilities(bool privileged);

/* The same for a thread that was started before that. */
int vs_isolate_thread(bool privileged);

#endif
