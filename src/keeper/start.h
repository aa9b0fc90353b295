/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_START_H
#define VS_KEEPER_START_H

/* The two ways in which a keeper starts. */

#include <stdbool.h>

struct vs_changes;
struct vs_start_report;

/*
 * The keeper as a process: its whole life. Returns never; the exit status is 0 or 1. local: for local://
 * (local.c).
 */
int vs_keeper_main(bool local);

/*
 * Starts the keeper on threads of this process. front: its end of the front door, taken.
 * 0, *ready and *changes (the change page, which stays; NULL: none), or -errno with a message.
 */
int vs_keeper_start_inprocess(int front, struct vs_start_report *ready, struct vs_changes **changes);

#endif
