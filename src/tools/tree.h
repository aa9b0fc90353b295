/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_TREE_H
#define VS_TOOLS_TREE_H

/* The processes that live in a network namespace, by /proc. */

#include <stdbool.h>

/*
 * A pidfd of one of them; -1: there is none; -ENOSYS: /proc is not mounted. Processes of other users are
 * not found, if this process may not look at them.
 */
int vs_tree_find(int netns);

/* Sends the signal to each. How many got it. */
int vs_tree_signal(int netns, int signal);

#endif
