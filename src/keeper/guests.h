/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_GUESTS_H
#define VS_KEEPER_GUESTS_H

/* The keeper's side of the change page, see wire/changes.h. */

#include <stdint.h>

struct vs_changes;
struct vs_keeper;
struct vs_net;

/* A page for a keeper process. *fd: for the program, which can only read it. NULL: none, and *fd is -1. */
struct vs_changes *vs_changes_new(int *fd);

/* Before the program gets the door. id: of the stack. n->guests are in the namespace already. */
void vs_guests_begin(struct vs_net *n, uint64_t id);
/* Before a sysctl of the stack is set. */
void vs_guests_note_change(struct vs_net *n);
/* Before a process gets the namespace. */
void vs_guests_enter(struct vs_net *n);
/* One has left, with all processes it started there. Under the keeper's lock. */
void vs_guests_leave_locked(struct vs_net *n);
/* The stack ends; none of its lives is left. */
void vs_guests_end(struct vs_net *n);

#endif
