/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_ISOLATE_H
#define VS_KEEPER_ISOLATE_H

#include <stdbool.h>

/*
 * Stages in which a fresh keeper process leaves the program behind and gives up what it does
 * not need. Each gives 0 or -errno with the sentence recorded; to be called in this order,
 * single-threaded.
 */

/* Name, standard descriptors, signals. */
int vs_isolate_process(void);

/*
 * Into a user namespace: that of the namespace `adopt` (>= 0), a new one, or none when the
 * process has all the capabilities it needs in its own (*privileged is set).
 */
int vs_isolate_user(int adopt, bool *privileged);

/* Keeps the capabilities that making stacks takes, and no way back to others. */
int vs_isolate_capabilities(bool privileged);

#endif
