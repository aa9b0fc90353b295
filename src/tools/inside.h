/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_INSIDE_H
#define VS_TOOLS_INSIDE_H

/* How a process moves into the namespaces of a stack. */

#include <stdbool.h>

/*
 * Enters the network namespace, through the user namespace that owns it if this process has no right to
 * enter it otherwise, and makes a UTS namespace. The process has one thread. 0 or -errno.
 */
int vs_inside_enter(int netns);

/*
 * The program that is executed next gets the capabilities that configure a network, and CAP_SYS_ADMIN if
 * `sysadm`, as far as this process has them. If this is root, the program has all that root has.
 */
void vs_inside_grant(bool sysadm);

#endif
