/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_SIDE_DOOR_H
#define VS_KEEPER_SIDE_DOOR_H

/* The keeper's side of its side door, see wire/side_door.h. Main thread. */

struct vs_call;
struct vs_keeper;

/* Answers VS_OP_CLAIM. The first time it makes the claim page and opens the side door. */
void vs_side_door_claim(struct vs_keeper *k, struct vs_call *call);
/* One message at the side door. */
void vs_side_door_serve(struct vs_keeper *k);

#endif
